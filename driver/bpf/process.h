/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Birth and end of tasks.
 */
#ifndef SYSFLOW_BPF_PROCESS_H
#define SYSFLOW_BPF_PROCESS_H

#include "emit.h"
#include "objects.h"
#include "select.h"

static __always_inline __u32 sf_shared(__u64 parent, __u64 child)
{
	__u32 shared = 0;

	if (SF_LOAD(task_struct, parent, tgid) == SF_LOAD(task_struct, child, tgid))
		shared |= SF_SHARE_THREAD;
	if (SF_POINTER(task_struct, parent, files) == SF_POINTER(task_struct, child, files))
		shared |= SF_SHARE_FILES;
	if (SF_POINTER(task_struct, parent, fs) == SF_POINTER(task_struct, child, fs))
		shared |= SF_SHARE_FS;
	if (SF_POINTER(task_struct, parent, mm) == SF_POINTER(task_struct, child, mm))
		shared |= SF_SHARE_VM;
	return shared;
}

static __always_inline void sf_fork(__u64 parent, __u64 child)
{
	__u64 cred = SF_POINTER(task_struct, child, cred);
	__u32 tgid = SF_LOAD(task_struct, child, tgid);
	struct sf_rec_fork *rec;
	struct sf_here here;
	struct sf_pidns ns;
	struct sf_who who;
	__u32 gate;

	sf_tree_inherit(SF_LOAD(task_struct, parent, tgid), tgid);
	/* A child process of the recorder is not the recorder. */
	if (tgid == sf_config.self_tgid)
		return;
	gate = sf_gate_task(SF_OP_FORK, child);
	if (gate == SF_GATE_OUT) {
		sf_leave_out(SF_OP_FORK);
		return;
	}
	if (!sf_enter(&here, &who, SF_OP_FORK))
		return;
	who.flags = sf_gate_flags(gate);
	who.pid = SF_LOAD(task_struct, parent, tgid);
	who.tid = SF_LOAD(task_struct, parent, pid);
	rec = sf_record(&here, who, SF_OP_FORK, sizeof(*rec), 0);
	if (rec) {
		ns = sf_pidns_of(child);
		rec->start = SF_LOAD(task_struct, child, start_boottime);
		rec->child_pid = tgid;
		rec->child_tid = SF_LOAD(task_struct, child, pid);
		rec->ppid = SF_LOAD(task_struct, SF_POINTER(task_struct, child, real_parent), tgid);
		rec->vtid = ns.nr;
		rec->uid = SF_LOAD(cred, cred, euid.val);
		rec->gid = SF_LOAD(cred, cred, egid.val);
		rec->shared = sf_shared(parent, child);
		rec->pidns = ns.ino;
		rec->parent_start = SF_LOAD(task_struct, SF_POINTER(task_struct, parent, group_leader), start_boottime);
		sf_publish(&here, SF_OP_FORK, sizeof(*rec));
	}
	sf_ring_end(here.ring.prod);
}

static __always_inline void sf_exit(__u64 task, int group_dead)
{
	__u32 tgid = SF_LOAD(task_struct, task, tgid);
	struct sf_rec_exit *rec;
	__u32 gate = sf_gate_task(SF_OP_EXIT, 0);
	struct sf_here here;
	struct sf_who who;

	if (tgid == sf_config.self_tgid)
		return;
	if (gate == SF_GATE_OUT) {
		sf_leave_out(SF_OP_EXIT);
		return;
	}
	if (!sf_enter(&here, &who, SF_OP_EXIT))
		return;
	who.flags = sf_gate_flags(gate);
	who.pid = tgid;
	who.tid = SF_LOAD(task_struct, task, pid);
	rec = sf_record(&here, who, SF_OP_EXIT, sizeof(*rec), 0);
	if (rec) {
		/* Two threads that end at once can both see none left: then
		 * both are marked, on kernels that do not say it. */
		if (!sf_config.exit_group_dead)
			group_dead = !SF_LOAD(signal_struct, SF_POINTER(task_struct, task, signal), live.counter);
		rec->start = SF_LOAD(task_struct, SF_POINTER(task_struct, task, group_leader), start_boottime);
		rec->code = SF_LOAD(task_struct, task, exit_code);
		rec->flags = group_dead ? SF_EXIT_LAST : 0;
		rec->leader_code = SF_LOAD(signal_struct, SF_POINTER(task_struct, task, signal), group_exit_code);
		rec->pad = 0;
		sf_publish(&here, SF_OP_EXIT, sizeof(*rec));
	}
	sf_ring_end(here.ring.prod);
}

#endif /* SYSFLOW_BPF_PROCESS_H */
