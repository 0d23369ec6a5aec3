/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * What the kernel's objects say of a task, whichever it is.
 */
#ifndef SYSFLOW_BPF_OBJECTS_H
#define SYSFLOW_BPF_OBJECTS_H

#include "load.h"

/* A task in its own pid namespace. */
struct sf_pidns {
	__u32 nr;	/* its pid there */
	__u32 ino;	/* the namespace's inode number */
};

/* The number of a struct pid in a namespace, by how deep that is nested. */
static __always_inline __u64 sf_upid(__u64 pid, __u32 level)
{
	return pid + bpf_core_field_offset(struct pid, numbers) +
	       level * bpf_core_type_size(struct upid);
}

static __always_inline struct sf_pidns sf_pidns_of(__u64 task)
{
	__u64 pid = SF_POINTER(task_struct, task, thread_pid);
	__u64 upid = sf_upid(pid, SF_LOAD(pid, pid, level));
	struct sf_pidns ns = {
		.nr = SF_LOAD(upid, upid, nr),
		.ino = SF_LOAD(pid_namespace, SF_POINTER(upid, upid, ns), ns.inum),
	};

	return ns;
}

static __always_inline __u32 sf_tty_of(__u64 task)
{
	__u64 tty = SF_POINTER(signal_struct, SF_POINTER(task_struct, task, signal), tty);

	if (!tty)
		return 0;
	return (SF_LOAD(tty_driver, SF_POINTER(tty_struct, tty, driver), major) << 20) |
	       (SF_LOAD(tty_driver, SF_POINTER(tty_struct, tty, driver), minor_start) +
		SF_LOAD(tty_struct, tty, index));
}

static __always_inline __u64 sf_kernfs_parent(__u64 kn)
{
	if (bpf_core_field_exists(struct kernfs_node, __parent))
		return SF_POINTER(kernfs_node, kn, __parent);
	return SF_POINTER(kernfs_node___old, kn, parent);
}

#endif /* SYSFLOW_BPF_OBJECTS_H */
