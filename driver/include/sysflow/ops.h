/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Operations and classes: what a record tells.
 *
 * An operation is numbered class * 32 + n, so the class of an operation is a
 * shift and needs no table. Numbers are never reused. An operation marked
 * "reserved" has its number and its layout; no driver emits it yet.
 *
 * Rust reads this file through bindgen.
 */
#ifndef SYSFLOW_OPS_H
#define SYSFLOW_OPS_H

#include <linux/types.h>

/* The unit of loss accounting. Loss of a class before PATH loses identity or
 * state, so those classes may use the reserved share of a ring (see ring.h). */
enum sf_class {
	SF_CLASS_PROCESS	= 0,	/* birth, program, credentials, death */
	SF_CLASS_DESCRIBE	= 1,	/* what a process or an open file is */
	SF_CLASS_FILE		= 2,	/* descriptors of files: open, close */
	SF_CLASS_NET		= 3,	/* descriptors of sockets */
	SF_CLASS_PATH		= 4,	/* operations on names: mkdir, rename */
	SF_CLASS_IO		= 5,	/* bytes moved */
	SF_CLASS_COUNT		= 6,
	SF_CLASS_SLOTS		= 8,	/* room in counter arrays */
};

/* Whether records of a class may use the reserved share. */
#define SF_CLASS_KEPT(cls)	((cls) < SF_CLASS_PATH)

#define SF_CLASS_SHIFT	5
#define SF_OP_CLASS(op)	((op) >> SF_CLASS_SHIFT)

/* Why an operation that was seen was not delivered. */
enum sf_cause {
	SF_CAUSE_RING_FULL	= 0,	/* the reader was too slow */
	SF_CAUSE_TOO_LARGE	= 1,	/* record over SF_RECORD_MAX */
	SF_CAUSE_COPY_FAULT	= 2,	/* a kernel object could not be read */
	SF_CAUSE_NESTED		= 3,	/* a probe interrupted a probe */
	SF_CAUSE_COUNT		= 4,
};

/* The record layout that an operation uses is named in the right column. */
enum sf_op {
	SF_OP_NONE		= 0,

	/* SF_CLASS_PROCESS */
	SF_OP_FORK		= 1,	/* sf_rec_fork: a task was made */
	SF_OP_CLONE		= 2,	/* sf_rec_call: clone family returned,
					 * in the parent or in the child */
	SF_OP_EXEC		= 3,	/* sf_rec_exec */
	SF_OP_EXIT		= 4,	/* sf_rec_exit: a task ends */
	SF_OP_SETUID		= 5,	/* sf_rec_call: setuid, setreuid,
					 * setresuid */
	SF_OP_SETGID		= 6,	/* sf_rec_call: the same of groups */
	SF_OP_SETNS		= 7,	/* sf_rec_call */
	SF_OP_UNSHARE		= 8,	/* sf_rec_call */
	SF_OP_CHDIR		= 9,	/* sf_rec_path */
	SF_OP_CHROOT		= 10,	/* sf_rec_path */
	SF_OP_PTRACE		= 11,	/* sf_rec_call: sf_ptrace_wanted() */
	SF_OP_KILL		= 12,	/* sf_rec_call: every call that sends a
					 * signal */
	SF_OP_MODULE		= 13,	/* sf_rec_path: a kernel module is
					 * loaded */
	SF_OP_BPF		= 14,	/* sf_rec_call: sf_bpf_wanted() */
	SF_OP_SETFSID		= 15,	/* sf_rec_call: setfsuid, setfsgid */
	SF_OP_SETGROUPS		= 16,	/* sf_rec_call */
	SF_OP_CAPSET		= 17,	/* sf_rec_call */
	SF_OP_MODULE_DELETE	= 18,	/* sf_rec_path */

	/* SF_CLASS_DESCRIBE */
	SF_OP_DESCRIBE_PROCESS	= 32,	/* sf_rec_exec, reserved */
	SF_OP_DESCRIBE_FILE	= 33,	/* sf_rec_file */
	SF_OP_DESCRIBE_SOCKET	= 34,	/* sf_rec_sock */

	/* SF_CLASS_FILE */
	SF_OP_OPEN		= 64,	/* sf_rec_file */
	SF_OP_CLOSE		= 65,	/* sf_rec_fd */
	SF_OP_DUP		= 66,	/* sf_rec_fd: a second number */
	SF_OP_PIPE		= 67,	/* sf_rec_fd twice */
	SF_OP_MMAP		= 68,	/* sf_rec_mmap */
	SF_OP_ANON		= 69,	/* sf_rec_file: a descriptor that no
					 * open gave: eventfd, memfd, ... */
	SF_OP_CLOSE_RANGE	= 70,	/* sf_rec_call */

	/* SF_CLASS_NET */
	SF_OP_SOCKET		= 96,	/* sf_rec_sock */
	SF_OP_BIND		= 97,	/* sf_rec_sock */
	SF_OP_LISTEN		= 98,	/* sf_rec_sock */
	SF_OP_ACCEPT		= 99,	/* sf_rec_sock */
	SF_OP_CONNECT		= 100,	/* sf_rec_sock */
	SF_OP_SHUTDOWN		= 101,	/* sf_rec_sock */
	SF_OP_SOCKETPAIR	= 102,	/* sf_rec_sock twice */

	/* SF_CLASS_PATH, all sf_rec_path */
	SF_OP_MKDIR		= 128,
	SF_OP_RMDIR		= 129,
	SF_OP_LINK		= 130,
	SF_OP_UNLINK		= 131,
	SF_OP_SYMLINK		= 132,
	SF_OP_RENAME		= 133,
	SF_OP_CHMOD		= 134,
	SF_OP_CHOWN		= 135,
	SF_OP_TRUNCATE		= 136,
	SF_OP_MOUNT		= 137,
	SF_OP_UMOUNT		= 138,
	SF_OP_SETXATTR		= 139,
	SF_OP_REMOVEXATTR	= 140,
	SF_OP_MKNOD		= 141,
	SF_OP_PIVOT_ROOT	= 142,

	/* SF_CLASS_IO: sf_rec_io, or sf_rec_sockio with SF_F_TUPLE */
	SF_OP_READ		= 160,	/* read(2) family; where sendfile(2)
					 * and its kin take bytes from */
	SF_OP_WRITE		= 161,	/* write(2) family; where they go */
	SF_OP_RECV		= 162,	/* recv(2) family */
	SF_OP_SEND		= 163,	/* send(2) family */
};

#endif /* SYSFLOW_OPS_H */
