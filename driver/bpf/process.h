/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Birth and end of tasks.
 */
#ifndef SYSFLOW_BPF_PROCESS_H
#define SYSFLOW_BPF_PROCESS_H

#include "emit.h"
#include <bpf/bpf_core_read.h>
#include "kernel_types.h"

/* A task in its own pid namespace. */
struct sf_pidns {
	__u32 nr;	/* its pid there */
	__u32 ino;	/* the namespace's inode number */
};

static __always_inline struct sf_pidns sf_pidns_of(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid *upid = (void *)pid +
			    bpf_core_field_offset(struct pid, numbers) +
			    level * bpf_core_type_size(struct upid);
	struct sf_pidns ns = {
		.nr = BPF_CORE_READ(upid, nr),
		.ino = BPF_CORE_READ(upid, ns, ns.inum),
	};

	return ns;
}

static __always_inline __u32 sf_shared(struct task_struct *parent,
				       struct task_struct *child)
{
	__u32 shared = 0;

	if (BPF_CORE_READ(parent, tgid) == BPF_CORE_READ(child, tgid))
		shared |= SF_SHARE_THREAD;
	if (BPF_CORE_READ(parent, files) == BPF_CORE_READ(child, files))
		shared |= SF_SHARE_FILES;
	if (BPF_CORE_READ(parent, fs) == BPF_CORE_READ(child, fs))
		shared |= SF_SHARE_FS;
	if (BPF_CORE_READ(parent, mm) == BPF_CORE_READ(child, mm))
		shared |= SF_SHARE_VM;
	return shared;
}

static __always_inline void sf_fork(struct task_struct *parent,
				    struct task_struct *child)
{
	const struct cred *cred = BPF_CORE_READ(child, cred);
	__u32 tgid = BPF_CORE_READ(child, tgid);
	struct sf_rec_fork *rec;
	struct sf_here here;
	struct sf_pidns ns;
	struct sf_who who;

	/* A child process of the recorder is not the recorder. */
	if (tgid == sf_config.self_tgid)
		return;
	if (!sf_enter(&here, &who, SF_OP_FORK))
		return;
	who.pid = BPF_CORE_READ(parent, tgid);
	who.tid = BPF_CORE_READ(parent, pid);
	rec = sf_record(&here, who, SF_OP_FORK, sizeof(*rec), 0);
	if (rec) {
		ns = sf_pidns_of(child);
		rec->start = BPF_CORE_READ(child, start_boottime);
		rec->child_pid = tgid;
		rec->child_tid = BPF_CORE_READ(child, pid);
		rec->ppid = BPF_CORE_READ(child, real_parent, tgid);
		rec->vtid = ns.nr;
		rec->uid = BPF_CORE_READ(cred, euid.val);
		rec->gid = BPF_CORE_READ(cred, egid.val);
		rec->shared = sf_shared(parent, child);
		rec->pidns = ns.ino;
		rec->parent_start = BPF_CORE_READ(parent, group_leader,
						  start_boottime);
		sf_publish(&here, SF_OP_FORK, sizeof(*rec));
	}
	sf_ring_end(here.ring.prod);
}

static __always_inline void sf_exit(struct task_struct *task, int group_dead)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct sf_rec_exit *rec;
	struct sf_here here;
	struct sf_who who;

	if (tgid == sf_config.self_tgid)
		return;
	if (!sf_enter(&here, &who, SF_OP_EXIT))
		return;
	who.pid = tgid;
	who.tid = BPF_CORE_READ(task, pid);
	rec = sf_record(&here, who, SF_OP_EXIT, sizeof(*rec), 0);
	if (rec) {
		/* Two threads that end at once can both see none left: then
		 * both are marked, on kernels that do not say it. */
		if (!sf_config.exit_group_dead)
			group_dead = !BPF_CORE_READ(task, signal, live.counter);
		rec->start = BPF_CORE_READ(task, group_leader, start_boottime);
		rec->code = BPF_CORE_READ(task, exit_code);
		rec->flags = group_dead ? SF_EXIT_LAST : 0;
		rec->leader_code = BPF_CORE_READ(task, signal, group_exit_code);
		rec->pad = 0;
		sf_publish(&here, SF_OP_EXIT, sizeof(*rec));
	}
	sf_ring_end(here.ring.prod);
}

#endif /* SYSFLOW_BPF_PROCESS_H */
