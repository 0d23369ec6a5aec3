// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/* Processes: FORK, CLONE, EXEC, EXIT. */
#include <linux/binfmts.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/kernfs.h>
#include <linux/mm_types.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/nsproxy.h>
#include <linux/tty.h>
#include <net/net_namespace.h>

#include "compat.h"
#include "internal.h"
#include "user.h"

static u32 sf_pidns(struct task_struct *task)
{
	const struct pid_namespace *ns = task_active_pid_ns(task);

	return ns ? ns->ns.inum : 0;
}

static u32 sf_ppid(const struct task_struct *task)
{
	return rcu_dereference_raw(task->real_parent)->tgid;
}

void sf_tell_fork(struct sf_run *run, struct task_struct *child)
{
	struct sf_rec_fork *rec = sf_reserve(run, SF_OP_FORK, sizeof(*rec));
	const struct cred *cred = rcu_dereference_raw(child->real_cred);

	if (!rec)
		return;
	rec->start = child->start_boottime;
	rec->child_pid = child->tgid;
	rec->child_tid = child->pid;
	rec->ppid = sf_ppid(child);
	rec->vtid = task_pid_nr_ns(child, task_active_pid_ns(child));
	rec->uid = __kuid_val(cred->euid);
	rec->gid = __kgid_val(cred->egid);
	rec->shared = 0;
	if (same_thread_group(child, current))
		rec->shared |= SF_SHARE_THREAD;
	if (child->files && child->files == current->files)
		rec->shared |= SF_SHARE_FILES;
	if (child->fs && child->fs == current->fs)
		rec->shared |= SF_SHARE_FS;
	if (child->mm && child->mm == current->mm)
		rec->shared |= SF_SHARE_VM;
	rec->pidns = sf_pidns(child);
	rec->parent_start = current->group_leader->start_boottime;
	sf_commit(run, rec, SF_OP_FORK, sizeof(*rec), 0);
}

/* In the parent and in the child. */
void sf_tell_clone(struct sf_run *run, const struct sf_call *call)
{
	struct sf_rec_call *rec = sf_reserve(run, SF_OP_CLONE, sizeof(*rec));
	const struct sf_syscall *sc = call->sc;
	u64 how = 0;
	u32 flags = 0;

	if (!rec)
		return;
	if (sc->a == SF_ARG_HOW) {
		/* The first member of struct clone_args. */
		flags = SF_F_USER;
		if (sf_user_copy(&how, call->arg[0], sizeof(how)) != sizeof(how)) {
			flags |= SF_F_FAULT;
			how = 0;
		}
	} else if (sc->a != SF_ARG_NONE) {
		how = call->arg[sc->a];
	}
	rec->ret = call->ret;
	rec->arg[0] = how;
	rec->arg[1] = current->nsproxy ? current->nsproxy->net_ns->ns.inum : 0;
	rec->arg[2] = 0;
	sf_commit(run, rec, SF_OP_CLONE, sizeof(*rec), flags);
}

void sf_tell_exit(struct sf_run *run, bool last)
{
	struct sf_rec_exit *rec = sf_reserve(run, SF_OP_EXIT, sizeof(*rec));

	if (!rec)
		return;
	rec->start = current->group_leader->start_boottime;
	rec->code = current->exit_code;
	rec->flags = last ? SF_EXIT_LAST : 0;
	rec->leader_code = current->signal->group_exit_code;
	rec->pad = 0;
	sf_commit(run, rec, SF_OP_EXIT, sizeof(*rec), 0);
}

#ifdef CONFIG_CGROUPS
/*
 * The unified hierarchy's, or, when that has but the root, the first v1
 * controller's that has more. RCU keeps the css_set, its cgroups and their
 * names (a name dies after its cgroup's grace period; cgroup v1 can rename a
 * cgroup, and may free the old name at once: the copy is bounded and stops at
 * a zero byte).
 */
static struct cgroup *sf_cgroup(void)
{
	const struct css_set *set = task_css_set(current);
	struct cgroup *cg = set->dfl_cgrp;
	int i;

	if (cgroup_parent(cg))
		return cg;
	for (i = 0; i < CGROUP_SUBSYS_COUNT; i++) {
		const struct cgroup_subsys_state *css = set->subsys[i];

		if (css && css->cgroup && cgroup_parent(css->cgroup))
			return css->cgroup;
	}
	return cg;
}

static struct sf_str sf_cgroup_path(char *buf)
{
	struct sf_back b = { buf + SF_CGROUP_MAX, SF_CGROUP_MAX, 0 };
	struct cgroup *cg, *up;

	rcu_read_lock();
	for (cg = sf_cgroup(); (up = cgroup_parent(cg)); cg = up) {
		if (!sf_prepend(&b, sf_kernfs_name(cg->kn), NAME_MAX, true))
			break;
	}
	rcu_read_unlock();
	return sf_back_end(&b, SF_CGROUP_MAX);
}
#else
static struct sf_str sf_cgroup_path(char *buf)
{
	return (struct sf_str){ .s = buf };
}
#endif

/*
 * The terminal belongs to the session and can go away: it is read under
 * siglock, which is tried and not waited for.
 */
static u32 sf_tty(void)
{
	struct sighand_struct *sighand = current->sighand;
	unsigned long irq;
	int tries = 64;
	u32 dev = 0;

	local_irq_save(irq);
	while (!spin_trylock(&sighand->siglock)) {
		if (!--tries) {
			local_irq_restore(irq);
			return 0;
		}
		cpu_relax();
	}
	if (current->signal->tty)
		dev = tty_devnum(current->signal->tty);
	spin_unlock(&sighand->siglock);
	local_irq_restore(irq);
	return dev;
}

/* The strings of an EXEC record and where they come from. */
struct sf_exec {
	int ret;
	pid_t old_tid;
	u32 argc;
	const struct inode *exe_inode;	/* or NULL */
	struct sf_str exe, cwd, cgroup;
	unsigned long args, env;	/* user memory */
	u32 args_len, env_len;
	u32 flags;
};

static void sf_exec_ids(struct sf_rec_exec *rec)
{
	const struct cred *cred = current_cred();

	rec->start = current->group_leader->start_boottime;
	rec->ppid = sf_ppid(current);
	rec->vpid = task_tgid_nr_ns(current, task_active_pid_ns(current));
	rec->uid = __kuid_val(cred->euid);
	rec->gid = __kgid_val(cred->egid);
	rec->ruid = __kuid_val(cred->uid);
	rec->rgid = __kgid_val(cred->gid);
	rec->tty = sf_tty();
	rec->pidns = sf_pidns(current);
	if (current->nsproxy)
		rec->netns = current->nsproxy->net_ns->ns.inum;
}

static char *sf_put(char *to, const struct sf_str *str)
{
	memcpy(to, str->s, str->len);
	return to + str->len;
}

/* Copies what is readable of a string area and corrects its length. */
static char *sf_put_user(char *to, unsigned long from, u32 *len, u32 *flags)
{
	u32 n = *len ? sf_user_copy(to, from, *len) : 0;

	if (n != *len)
		*flags |= SF_F_FAULT;
	*len = n;
	return to + n;
}

static void sf_emit_exec(struct sf_run *run, struct sf_exec *ev)
{
	u32 len = sizeof(struct sf_rec_exec) + ev->exe.len + ev->cwd.len +
		  ev->cgroup.len + ev->args_len + ev->env_len;
	struct sf_rec_exec *rec = sf_reserve(run, SF_OP_EXEC, len);
	char *to;

	if (!rec)
		return;
	memset(rec, 0, sizeof(*rec));
	sf_exec_ids(rec);
	rec->ret = ev->ret;
	rec->old_tid = ev->old_tid;
	rec->argc = ev->argc;
	if (ev->exe_inode) {
		rec->exe_ino = ev->exe_inode->i_ino;
		rec->exe_dev = ev->exe_inode->i_sb->s_dev;
	}
	to = sf_put((char *)(rec + 1), &ev->exe);
	to = sf_put(to, &ev->cwd);
	to = sf_put(to, &ev->cgroup);
	to = sf_put_user(to, ev->args, &ev->args_len, &ev->flags);
	to = sf_put_user(to, ev->env, &ev->env_len, &ev->flags);
	rec->exe_len = ev->exe.len;
	rec->cwd_len = ev->cwd.len;
	rec->cgroup_len = ev->cgroup.len;
	rec->args_len = ev->args_len;
	rec->env_len = ev->env_len;
	sf_commit(run, rec, SF_OP_EXEC, to - (char *)rec,
		  ev->flags | ev->exe.flags | ev->cwd.flags | ev->cgroup.flags);
}

static u32 sf_area_len(unsigned long start, unsigned long end, u32 max,
		       u32 *flags)
{
	unsigned long len = end > start ? end - start : 0;

	if (len > max) {
		*flags |= SF_F_CUT;
		return max;
	}
	return len;
}

static void sf_exec_places(struct sf_run *run, struct sf_exec *ev)
{
	struct path pwd = sf_read_pwd();

	ev->cwd = sf_path(run->cpu->scratch->cwd, &pwd);
	ev->cgroup = sf_cgroup_path(run->cpu->scratch->cgroup);
}

/* The new program is in place, and has not run. */
void sf_tell_exec(struct sf_run *run, pid_t old_tid, struct linux_binprm *bprm)
{
	const struct mm_struct *mm = current->mm;
	struct sf_exec ev = {
		.old_tid = old_tid,
		.argc = bprm->argc,
		.exe_inode = file_inode(bprm->file),
		.exe = sf_path(run->cpu->scratch->path, &bprm->file->f_path),
		.args = mm->arg_start,
		.env = mm->env_start,
	};

	ev.args_len = sf_area_len(mm->arg_start, mm->arg_end, SF_ARGS_MAX,
				  &ev.flags);
	ev.env_len = sf_area_len(mm->env_start, mm->env_end, SF_ENV_MAX,
				 &ev.flags);
	sf_exec_places(run, &ev);
	sf_emit_exec(run, &ev);
}

/* Who tried, and what: the arguments are nowhere but in the caller's memory. */
void sf_tell_exec_failed(struct sf_run *run, const struct sf_call *call)
{
	struct sf_exec ev = {
		.ret = call->ret,
		.old_tid = current->pid,
		.flags = SF_F_USER,
	};

	ev.exe.s = run->cpu->scratch->path;
	ev.exe.len = sf_user_string(run->cpu->scratch->path,
				    call->arg[call->sc->a], SF_PATH_MAX,
				    &ev.flags);
	sf_exec_places(run, &ev);
	sf_emit_exec(run, &ev);
}
