// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * All processes of the host, one record each: what /proc tells of them, without
 * its text. A program of its own that the kernel runs for each task while its
 * reader reads (an iterator of tasks); nothing is attached to anything.
 *
 * It looks at tasks that go on running. So it notes what a task points to,
 * follows that, and looks whether the task still points there: if so, none of it
 * was given back meanwhile. Loads from what is not there any more give 0, and do
 * no harm. What changed, or does not fit, is marked, for the reader to ask /proc.
 */
#include "tasks_path.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* What the task points to, now. */
__noinline int sf_task_look(__u32 which)
{
	__u64 task = SF_READ(sf_work.task);
	struct sf_task_seen *seen = &sf_work.look[which & 1].seen;
	__u32 flags = SF_LOAD(task_struct, task, flags);

	seen->pid = SF_POINTER(task_struct, task, thread_pid);
	seen->parent = SF_POINTER(task_struct, task, real_parent);
	seen->cred = SF_POINTER(task_struct, task, real_cred);
	seen->cgroups = SF_POINTER(task_struct, task, cgroups);
	seen->fs = SF_POINTER(task_struct, task, fs);
	seen->root_mnt = SF_POINTER(fs_struct, seen->fs, root.mnt);
	seen->root = SF_POINTER(fs_struct, seen->fs, root.dentry);
	seen->pwd_mnt = SF_POINTER(fs_struct, seen->fs, pwd.mnt);
	seen->pwd = SF_POINTER(fs_struct, seen->fs, pwd.dentry);
	seen->mm = SF_POINTER(task_struct, task, mm);
	seen->exe = SF_POINTER(mm_struct, seen->mm, exe_file);
	seen->ending = (flags & PF_EXITING) |
		       ((__u64)SF_LOAD(task_struct, task, exit_state) << 32);
	return 0;
}

/* Whether it has changed since it was looked at first. */
static __always_inline int sf_task_changed(void)
{
	__u64 changed = 0;
	__u32 i;

	sf_task_look(1);
#pragma unroll
	for (i = 0; i < SF_TASK_SEEN; i++)
		changed |= SF_READ(sf_work.look[0].words[i]) ^
			   SF_READ(sf_work.look[1].words[i]);
	return changed != 0;
}

/* The number of a struct pid in the reader's namespace; 0: it is not in it. */
static __always_inline __u32 sf_task_number(__u64 pid)
{
	__u64 own = SF_POINTER(task_struct, bpf_get_current_task(), thread_pid);
	__u32 level = SF_LOAD(pid, own, level);
	__u64 mine = sf_upid(own, level), upid = sf_upid(pid, level);

	if (!pid || SF_LOAD(pid, pid, level) < level ||
	    SF_POINTER(upid, upid, ns) != SF_POINTER(upid, mine, ns))
		return 0;
	return SF_LOAD(upid, upid, nr);
}

/* What is not text. Returns 0 when the task is gone. */
__noinline int sf_task_facts(void)
{
	__u64 task = SF_READ(sf_work.task);
	struct sf_task_seen *seen = &sf_work.look[0].seen;
	__u32 flags = SF_LOAD(task_struct, task, flags), told = 0;
	struct sf_task_rec *rec = &sf_work.rec;
	__u64 leader;

	rec->pid = sf_task_number(seen->pid);
	if (!rec->pid)
		return 0;
	leader = SF_POINTER(task_struct, seen->parent, group_leader);
	rec->ppid = sf_task_number(SF_POINTER(task_struct, leader, thread_pid));
	rec->vpid = sf_pidns_of(task).nr;
	rec->start = SF_LOAD(task_struct, task, start_boottime);
	rec->uid = SF_LOAD(cred, seen->cred, euid.val);
	rec->gid = SF_LOAD(cred, seen->cred, egid.val);
	rec->tty = sf_tty_of(task);
	bpf_probe_read_kernel(rec->comm, sizeof(rec->comm),
			      (void *)(task + bpf_core_field_offset(struct task_struct, comm)));
	if (flags & PF_KTHREAD)
		told |= SF_TASK_KERNEL;
	if ((flags & PF_WQ_WORKER) || rec->comm[sizeof(rec->comm) - 2])
		told |= SF_TASK_NAME;
	if (seen->ending >> 32 & (EXIT_ZOMBIE | EXIT_DEAD))
		told |= SF_LOAD(signal_struct, SF_POINTER(task_struct, task, signal),
				nr_threads) > 1 ? SF_TASK_LEADER : SF_TASK_ZOMBIE;
	else if (seen->ending)
		told |= SF_TASK_CHANGED;
	if (seen->exe)
		told |= SF_TASK_EXE;
	rec->flags = told;
	return 1;
}

/* Where arguments and environment lie, and how much of them is told. */
struct sf_task_user {
	__u64 args, env;
	__u32 args_len, env_len;
};

static __always_inline __u32 sf_task_len(__u64 start, __u64 end, __u32 max)
{
	__u64 len = end > start ? end - start : 0;

	return len > max ? max : len;
}

/* Copies the task's memory behind what was copied: all of it, or nothing. */
static __always_inline int sf_task_copy(struct task_struct *task, __u32 at,
					__u64 from, __u32 len)
{
	if (!len)
		return 1;
	sf_opaque(at);
	sf_opaque(len);
	if (at > SF_ARGS_MAX || len > SF_ARGS_MAX)
		return 0;
	return !bpf_copy_from_user_task(sf_work.user + at, len, (void *)from,
					task, 0);
}

/* Arguments and environment, which mostly lie side by side. */
static __always_inline void sf_task_memory(struct task_struct *task)
{
	__u64 mm = SF_READ(sf_work.look[0].seen.mm);
	__u64 args = SF_LOAD(mm_struct, mm, arg_start);
	__u64 end = SF_LOAD(mm_struct, mm, arg_end);
	__u64 env = SF_LOAD(mm_struct, mm, env_start);
	__u32 args_len = sf_task_len(args, end, SF_ARGS_MAX);
	__u32 env_len = sf_task_len(env, SF_LOAD(mm_struct, mm, env_end), SF_ENV_MAX);
	int good, joined = args + args_len == env;
	char last = 0;

	if (joined && args_len + env_len <= SF_ARGS_MAX) {
		good = sf_task_copy(task, 0, args, args_len + env_len);
	} else {
		good = sf_task_copy(task, 0, args, args_len) &&
		       sf_task_copy(task, args_len, env, env_len);
	}
	if (good && args_len)
		good = args + args_len == end ?
		       (last = sf_work.user[(args_len - 1) & (SF_ARGS_MAX - 1)], 1) :
		       !bpf_copy_from_user_task(&last, 1, (void *)(end - 1), task, 0);
	if (!good) {
		sf_work.rec.flags |= SF_TASK_FAULT;
		return;
	}
	sf_work.rec.flags |= (last ? SF_TASK_TITLE : 0) |
			     (env == end ? SF_TASK_JOINED : 0);
	sf_work.rec.args_len = args_len;
	sf_work.rec.env_len = env_len;
}

/* The paths of a task that is no kernel thread. */
__noinline int sf_task_paths(void)
{
	struct sf_task_seen *seen = &sf_work.look[0].seen;

	sf_task_cgroup();
	if (seen->exe)
		sf_task_path(SF_TASK_PATH_EXE,
			     SF_POINTER(file, seen->exe, f_path.mnt),
			     SF_POINTER(file, seen->exe, f_path.dentry));
	if (!seen->fs)
		return 0;
	sf_task_path(SF_TASK_PATH_CWD, seen->pwd_mnt, seen->pwd);
	sf_task_path(SF_TASK_PATH_ROOT, seen->root_mnt, seen->root);
	return 0;
}

/* Whether all of the record fits; else only its beginning is told. */
static __always_inline int sf_task_fits(void)
{
	struct sf_task_rec *rec = &sf_work.rec;
	__u32 len = sizeof(*rec), i;

#pragma unroll
	for (i = 0; i < SF_TASK_PATHS; i++)
		len += rec->path_len[i];
	if (!(rec->flags & (SF_TASK_LEADER | SF_TASK_CHANGED | SF_TASK_CUT |
			    SF_TASK_FAULT))) {
		if (len + rec->args_len + rec->env_len <= SF_TASK_ROOM)
			return 1;
		rec->flags |= SF_TASK_CUT;
	}
#pragma unroll
	for (i = 0; i < SF_TASK_PATHS; i++)
		rec->path_len[i] = 0;
	rec->args_len = 0;
	rec->env_len = 0;
	return 0;
}

static __always_inline void sf_task_put(struct seq_file *seq)
{
	__u32 i, len, at;

	if (!sf_task_fits()) {
		bpf_seq_write(seq, &sf_work.rec, sizeof(sf_work.rec));
		return;
	}
	bpf_seq_write(seq, &sf_work.rec, sizeof(sf_work.rec));
#pragma unroll
	for (i = 0; i < SF_TASK_PATHS; i++) {
		len = sf_work.rec.path_len[i];
		at = sf_work.at[i];
		if (!len)
			continue;
		sf_opaque(len);
		if (len <= SF_PATH_MAX)
			bpf_seq_write(seq, sf_work.path + SF_PATH_OF(i) +
				      (at & (SF_PATH_MAX - 1)), len);
	}
	len = sf_work.rec.args_len + sf_work.rec.env_len;
	if (!len)
		return;
	sf_opaque(len);
	if (len <= SF_ARGS_MAX + SF_ENV_MAX)
		bpf_seq_write(seq, sf_work.user, len);
}

SEC("iter.s/task")
int sf_task_tell(__u64 *ctx)
{
	struct bpf_iter_meta *meta = (void *)ctx[0];
	struct task_struct *task = (void *)ctx[1];

	/* Threads are not told; the last call is without a task. */
	if (!task || task->pid != task->tgid)
		return 0;
	__builtin_memset(&sf_work.rec, 0, sizeof(sf_work.rec));
	SF_WRITE(sf_work.task, (__u64)task);
	sf_task_look(0);
	if (!sf_task_facts())
		return 0;
	if (!(sf_work.rec.flags & SF_TASK_KERNEL)) {
		sf_task_paths();
		if (SF_READ(sf_work.look[0].seen.mm))
			sf_task_memory(task);
		if (sf_task_changed())
			sf_work.rec.flags |= SF_TASK_CHANGED;
	}
	sf_task_put(meta->seq);
	return 0;
}
