/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Program starts: the largest record, put together in scratch memory and
 * copied to the ring in one go.
 */
#ifndef SYSFLOW_BPF_EXEC_H
#define SYSFLOW_BPF_EXEC_H

#include "file.h"
#include "process.h"

#define SF_PAGE		4096U
/* Where a string can begin at most: behind all the others. */
#define SF_BIG_LAST	(SF_RECORD_MAX - SF_ENV_MAX)

/*
 * Copies user memory to cpu->big + at. Without faults it is one copy; else it
 * goes page by page and stops before the first that is not there. Returns how
 * much was copied.
 */
__noinline int sf_user_copy(__u64 at, __u64 src, __u64 len)
{
	__u64 done = 0, part;
	__u32 i;
	struct sf_here here;

	if (!sf_here(&here) || at > SF_BIG_LAST - SF_ARGS_MAX || len > SF_ARGS_MAX)
		return 0;
	if (!bpf_probe_read_user(here.cpu->big + at, len, (void *)src))
		return len;
	for (i = 0; i < SF_ARGS_MAX / SF_PAGE + 1; i++) {
		part = SF_PAGE - ((src + done) & (SF_PAGE - 1));
		if (part > len - done)
			part = len - done;
		sf_opaque(part);
		if (!part || part > SF_PAGE || done > SF_ARGS_MAX)
			break;
		if (bpf_probe_read_user(here.cpu->big + at + done, part,
					(void *)(src + done)))
			break;
		done += part;
	}
	return done;
}

/* Appends the user memory of [start, end) to the record, at most max bytes. */
static __always_inline __u32 sf_exec_user(__u32 at, __u64 start, __u64 end,
					  const __u32 max, __u32 *flags)
{
	__u64 len = end > start ? end - start : 0;
	__u32 got;

	if (len > max) {
		len = max;
		*flags |= SF_F_CUT;
	}
	got = sf_user_copy(at, start, len);
	if (got < len)
		*flags |= SF_F_FAULT;
	sf_opaque(got);
	return got > max ? 0 : got;
}

/* The node of the task's control group: see sf_rec_exec.cgroup_len. */
static __always_inline __u64 sf_cgroup_node(__u64 task)
{
	__u64 set = SF_POINTER(task_struct, task, cgroups);
	__u64 kn = SF_POINTER(cgroup, SF_POINTER(css_set, set, dfl_cgrp), kn);
	__u32 i, count = bpf_core_field_size(struct css_set, subsys) /
			 sizeof(void *);
	__u64 css, other;

	if (sf_kernfs_parent(kn))
		return kn;
	for (i = 0; i < 16; i++) {
		if (i >= count)
			break;
		css = sf_load_pointer(set + i * sizeof(void *) +
				      bpf_core_field_offset(struct css_set, subsys));
		other = SF_POINTER(cgroup, SF_POINTER(cgroup_subsys_state, css, cgroup), kn);
		if (other && sf_kernfs_parent(other))
			return other;
	}
	return kn;
}

static __always_inline void sf_exec_ids(struct sf_rec_exec *rec,
					__u64 task)
{
	__u64 leader = SF_POINTER(task_struct, task, group_leader);
	__u64 cred = SF_POINTER(task_struct, task, cred);
	struct sf_pidns ns = sf_pidns_of(leader);

	rec->start = SF_LOAD(task_struct, leader, start_boottime);
	rec->ppid = SF_LOAD(task_struct, SF_POINTER(task_struct, task, real_parent), tgid);
	rec->vpid = ns.nr;
	rec->pidns = ns.ino;
	rec->netns = SF_LOAD(net, SF_POINTER(nsproxy, SF_POINTER(task_struct, task, nsproxy), net_ns), ns.inum);
	rec->uid = SF_LOAD(cred, cred, euid.val);
	rec->gid = SF_LOAD(cred, cred, egid.val);
	rec->ruid = SF_LOAD(cred, cred, uid.val);
	rec->rgid = SF_LOAD(cred, cred, gid.val);
	rec->tty = sf_tty_of(task);
}

/* The binary's path: of the file that runs, or as the caller gave it. */
static __always_inline void sf_exec_exe(struct sf_cpu *cpu, struct sf_rec_exec *rec,
					__u64 bprm, __u32 *flags)
{
	__u64 exe = SF_POINTER(linux_binprm, bprm, file);
	struct sf_call *call = &cpu->call;

	if (!bprm) {
		*flags |= sf_path_user(cpu, call->arg[call->row.a & 7]);
		return;
	}
	rec->exe_ino = SF_LOAD(inode, SF_POINTER(file, exe, f_inode), i_ino);
	rec->exe_dev = SF_LOAD(super_block, SF_POINTER(inode, SF_POINTER(file, exe, f_inode), i_sb), s_dev);
	rec->argc = SF_LOAD(linux_binprm, bprm, argc);
	sf_path(SF_POINTER(file, exe, f_path.mnt),
		SF_POINTER(file, exe, f_path.dentry));
}

/* Copies the first len bytes of cpu->big to the ring. */
static __always_inline void sf_exec_publish(struct sf_here *here, __u32 len,
					    __u32 flags)
{
	struct sf_who who = sf_who_of(here->cpu);
	void *dst;

	sf_opaque(len);
	if (len > SF_RECORD_MAX)
		return;
	dst = sf_record(here, who, SF_OP_EXEC, len, flags);
	if (!dst)
		return;
	sf_ring_stamp(here->ring.prod, (void *)here->cpu->big, who.ts, who.pid,
		      who.tid, len, SF_OP_EXEC, sf_flags(who, SF_OP_EXEC, flags));
	bpf_probe_read_kernel(dst, len, here->cpu->big);
	sf_publish(here, SF_OP_EXEC, len);
}

/*
 * EXEC: with bprm a program that was started, without one a call that failed
 * (its arguments are not told: what is in memory belongs to the old program).
 */
__noinline int sf_exec(__u64 bprm, int ret, __u32 old_tid)
{
	__u64 task = bpf_get_current_task();
	__u64 mm = SF_POINTER(task_struct, task, mm);
	struct sf_rec_exec *rec;
	__u32 at = sizeof(*rec), flags = 0;
	struct sf_here here;

	if (!sf_here(&here))
		return 0;
	rec = (void *)here.cpu->big;
	__builtin_memset(rec, 0, sizeof(*rec));
	rec->ret = ret;
	rec->old_tid = old_tid;
	sf_exec_ids(rec, task);

	sf_exec_exe(here.cpu, rec, bprm, &flags);
	rec->exe_len = sf_path_take(here.cpu, here.cpu->big + at, SF_PATH_MAX,
				    &flags);
	at += rec->exe_len;
	sf_path(SF_POINTER(fs_struct, SF_POINTER(task_struct, task, fs), pwd.mnt),
		SF_POINTER(fs_struct, SF_POINTER(task_struct, task, fs), pwd.dentry));
	rec->cwd_len = sf_path_take(here.cpu, here.cpu->big + at, SF_PATH_MAX,
				    &flags);
	at += rec->cwd_len;
	sf_kernfs_path(sf_cgroup_node(task));
	rec->cgroup_len = sf_path_take(here.cpu, here.cpu->big + at,
				       SF_CGROUP_MAX, &flags);
	at += rec->cgroup_len;
	if (bprm) {
		rec->args_len = sf_exec_user(at, SF_LOAD(mm_struct, mm, arg_start),
					     SF_LOAD(mm_struct, mm, arg_end),
					     SF_ARGS_MAX, &flags);
		at += rec->args_len;
		rec->env_len = sf_exec_user(at, SF_LOAD(mm_struct, mm, env_start),
					    SF_LOAD(mm_struct, mm, env_end),
					    SF_ENV_MAX, &flags);
		at += rec->env_len;
	}
	__builtin_memset(here.cpu->big + at, 0, 8);
	sf_exec_publish(&here, SF_ROUND8(at), flags);
	return 0;
}

#endif /* SYSFLOW_BPF_EXEC_H */
