/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * What tasks.bpf.c tells of a process, for probe-loader/src/tasks/record.rs,
 * which has the same layout; and the scratch memory that it is put together in.
 */
#ifndef SYSFLOW_BPF_TASKS_H
#define SYSFLOW_BPF_TASKS_H

#include <linux/types.h>
#include <sysflow/abi.h>

/* sf_task_rec.flags */
#define SF_TASK_KERNEL	0x01U	/* a kernel thread: it has a name only */
#define SF_TASK_NAME	0x02U	/* its name may go on behind comm */
#define SF_TASK_ZOMBIE	0x04U	/* all its threads have ended */
#define SF_TASK_LEADER	0x08U	/* the leader has ended, another thread has not */
#define SF_TASK_CHANGED	0x10U	/* something changed while it was looked at */
#define SF_TASK_CUT	0x20U	/* a path, or all together, is too long */
#define SF_TASK_FAULT	0x40U	/* its arguments or environment cannot be read */
#define SF_TASK_TITLE	0x80U	/* the last byte of its arguments is not NUL */
#define SF_TASK_JOINED	0x100U	/* the environment begins where they end */
#define SF_TASK_EXE	0x200U	/* it has a binary */

/* The texts, in this order behind the record. */
enum {
	SF_TASK_PATH_EXE,	/* as seen from the reader's root */
	SF_TASK_PATH_CWD,	/* the same */
	SF_TASK_PATH_ROOT,	/* the same */
	SF_TASK_PATH_CGROUP,	/* from the root of its hierarchy */
	SF_TASK_PATHS,	/* then the arguments, then the environment */
};

struct sf_task_rec {
	__u64 start;	/* start_boottime */
	__u32 flags;
	__u32 pid;	/* in the reader's pid namespace */
	__u32 ppid;	/* the same; 0: none, or not in it */
	__u32 vpid;	/* in its own */
	__u32 uid;	/* effective */
	__u32 gid;
	__u32 tty;	/* device number of the controlling terminal; 0: none */
	__u16 args_len;
	__u16 env_len;
	__u16 path_len[SF_TASK_PATHS];
	char comm[16];
};
_Static_assert(sizeof(struct sf_task_rec) == 64, "as the loader has it");

/* The kernel holds one record back until all of it fits into its buffer. */
#define SF_TASK_ROOM	((8U << 12) - 64)

/* What a task points to. The same before and after, and not ending: then all
 * of it was there, and stayed as it was, in between. */
struct sf_task_seen {
	__u64 pid, parent, cred, cgroups;
	__u64 fs, root_mnt, root, pwd_mnt, pwd;
	__u64 mm, exe;
	__u64 ending;
};
#define SF_TASK_SEEN	(sizeof(struct sf_task_seen) / sizeof(__u64))

/* A walk up from a dentry. */
struct sf_task_walk {
	__u64 dentry;
	__u64 mount;	/* struct mount that the dentry is seen in, */
	__u64 vfsmount;	/* its part that others point to, */
	__u64 top;	/* and its root dentry */
	__u64 root;	/* where the walk ends at the latest: dentry, */
	__u64 root_mnt;	/* and struct vfsmount */
};

/* One reader at a time: the loader sees to that. */
struct sf_task_work {
	__u64 task;	/* struct task_struct, as a number */
	struct sf_task_rec rec;
	union {
		struct sf_task_seen seen;
		__u64 words[SF_TASK_SEEN];
	} look[2];
	struct sf_task_walk walk;
	__u32 at[SF_TASK_PATHS];	/* where each path begins */
	char name[256];
	char path[SF_TASK_PATHS * SF_PATH_MAX];
	char user[SF_ARGS_MAX + SF_ENV_MAX];
};

#endif /* SYSFLOW_BPF_TASKS_H */
