/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * The driver's ABI: versions and record layouts.
 *
 * One header set, read by the kernel module, by the eBPF programs, by the C
 * ring writer in user space and, through bindgen, by Rust. Companions: ops.h
 * (what can be told), ring.h (where records travel), device.h (how the module
 * is driven).
 *
 * Conventions
 *  - host byte order and natural alignment; every record is a multiple of
 *    8 bytes and starts at one;
 *  - ts and every other time: nanoseconds. CLOCK_MONOTONIC for events (it is
 *    what ktime_get_mono_fast_ns() and bpf_ktime_get_ns() give),
 *    CLOCK_BOOTTIME for start times (task_struct.start_boottime);
 *  - pid is a thread group id, tid a thread id, both in the initial pid
 *    namespace (task_struct.tgid, .pid); uid and gid in the initial user
 *    namespace;
 *  - ret and error are the system call's: >= 0, or -errno;
 *  - strings have no terminator, their length stands in the fixed part, the
 *    bytes follow it in the order of the length fields; the record is padded
 *    with zero bytes to a multiple of 8;
 *  - padding and reserved fields are zero.
 *
 * When a version is raised (both are major << 16 | minor)
 *  - SF_SCHEMA_VERSION, major: a field of an existing record changes offset,
 *    width, unit or meaning, or is removed; an operation number changes.
 *    minor: a new operation, flag or cause, a new record layout, or a former
 *    padding field that gets a meaning where zero keeps the old one.
 *  - SF_API_VERSION, major: the ring layout, the mapping, or an ioctl changes
 *    so that an older reader would misread. minor: a new ioctl, a new counter
 *    in reserved room, a new configuration field where zero means as before.
 *  - A reader accepts equal majors and any minor: it skips operations and
 *    ignores flags that it does not know, and counts what it skipped.
 *  - An operation marked "reserved" (ops.h) has been told by no driver yet: its
 *    layout can still change with a minor version.
 *
 * Schema versions
 *  - 1.1: operations on names (sf_rec_path, which got arg[]), chdir and chroot,
 *    ANON, CLOSE_RANGE, PIPE, MMAP (sf_rec_mmap); READ and WRITE tell calls
 *    that move bytes between two descriptors, too.
 *  - 1.2: SF_F_STATE; CLONE tells the flags of clone3(2) and the network
 *    namespace.
 *
 * API versions
 *  - 1.1: SF_IOC_SELECT (select.h) and sf_ring_prod.unselected; sf_info.state.
 */
#ifndef SYSFLOW_ABI_H
#define SYSFLOW_ABI_H

#include <linux/types.h>
#include "ops.h"

#define SF_API_VERSION		((1U << 16) | 1U)
#define SF_SCHEMA_VERSION	((1U << 16) | 2U)

/* No record is longer. A ring has this much room behind its end, so that a
 * record is always contiguous (see ring.h). */
#define SF_RECORD_MAX		32768U

/* Limits of strings; what is longer is cut and marked SF_F_CUT. */
#define SF_PATH_MAX		4096U	/* as PATH_MAX of the kernel */
#define SF_CGROUP_MAX		1024U
#define SF_ARGS_MAX		8192U
#define SF_ENV_MAX		8192U
#define SF_SUN_PATH_MAX		108U	/* sockaddr_un.sun_path */

/* sf_hdr.flags */
#define SF_F_COMPAT	0x01U	/* 32-bit system call on a 64-bit kernel */
#define SF_F_URING	0x02U	/* done by io_uring, not by a system call */
#define SF_F_CUT	0x04U	/* a string was cut at its limit */
#define SF_F_FAULT	0x08U	/* user memory was not readable: a string is
				 * empty or short */
#define SF_F_TUPLE	0x10U	/* IO record with a tuple: sf_rec_sockio */
#define SF_F_USER	0x20U	/* a path or an address comes from user memory
				 * (no kernel object holds it any more): it is
				 * what the caller gave, perhaps relative */
#define SF_F_STATE	0x40U	/* the selection leaves it out: told for the
				 * state of its process alone (select.h) */

/* Begins every record: 24 bytes. */
struct sf_hdr {
	__u64 ts;	/* completion; the clock is read once per event */
	__u32 pid;	/* who: thread group, */
	__u32 tid;	/* and thread (0 when an aggregate has several) */
	__u32 seq;	/* counts every record tried on this CPU, delivered or
			 * lost: a gap of n is a loss of n records just before.
			 * (The counters of ring.h count operations: a lost sum
			 * is one record and several operations.) */
	__u16 len;	/* bytes of the whole record */
	__u8 op;	/* enum sf_op: gives class and layout */
	__u8 flags;	/* SF_F_* */
};

/*
 * Bytes moved: a sum over one or more operations of one thread group on one
 * open file in one direction. 64 bytes.
 */
struct sf_rec_io {
	struct sf_hdr h;	/* h.ts: the last operation */
	__u64 file;	/* identity of the open file: from struct file, opaque,
			 * unique while it is open; described before first use
			 * on each ring by DESCRIBE_*, OPEN, ACCEPT, ... */
	__s32 fd;	/* descriptor that the caller used */
	__u32 ops;	/* operations, failed ones too; of sendmmsg and
			 * recvmmsg each message counts */
	__u64 bytes;	/* sum of what the calls returned */
	__u64 first;	/* time of the first operation */
	__u32 failed;	/* how many of ops returned an error */
	__s32 error;	/* -errno of the last that failed, else 0 */
};

/*
 * Both ends of a socket. Ports in host order. 40 bytes.
 *
 * laddr and raddr by family:
 *   AF_INET	4 bytes, network order
 *   AF_INET6	16 bytes, network order; IPv4 is mapped
 *   AF_NETLINK	port id (nl_pid) and groups (nl_groups), 4 bytes each, host
 *		order; of the own end the port id alone; ports are 0
 *   AF_PACKET	interface index (4 bytes, host order) and link-layer address
 *		(8 bytes), the port is the protocol, ETH_P_*; of the own end
 *		only what bind(2) was given
 */
struct sf_tuple {
	__u16 family;	/* AF_*: sk_family */
	__u16 lport;	/* inet_num, inet_sport */
	__u16 rport;	/* inet_dport; 0: no peer */
	__u8 type;	/* SOCK_STREAM, SOCK_DGRAM, ...: sk_type */
	__u8 proto;	/* IPPROTO_*: sk_protocol */
	__u8 laddr[16];
	__u8 raddr[16];
};

/* As sf_rec_io, for a datagram socket, whose peer can change with each
 * message. h.flags has SF_F_TUPLE. 104 bytes. */
struct sf_rec_sockio {
	struct sf_rec_io io;
	struct sf_tuple tuple;	/* peer: the call's address, else the socket's */
};

/* sf_rec_file.attr */
#define SF_FILE_CREATED	0x01U	/* made by this open: f_mode & FMODE_CREATED */
#define SF_FILE_UNLINKED 0x02U	/* has no name any more: d_unhashed */

/* The call that made the descriptor of an ANON record: the high byte of
 * sf_rec_file.attr, which is zero in every other record. A table of its own,
 * because a failed call has no file whose path would say it. */
#define SF_FILE_MADE_SHIFT	8
enum sf_made {
	SF_MADE_EVENTFD		= 1,	/* eventfd, eventfd2 */
	SF_MADE_EPOLL		= 2,	/* epoll_create, epoll_create1 */
	SF_MADE_TIMERFD		= 3,	/* timerfd_create */
	SF_MADE_SIGNALFD	= 4,	/* signalfd, signalfd4; also when they
					 * change one that exists */
	SF_MADE_INOTIFY		= 5,	/* inotify_init, inotify_init1 */
	SF_MADE_FANOTIFY	= 6,	/* fanotify_init */
	SF_MADE_USERFAULTFD	= 7,	/* userfaultfd */
	SF_MADE_PIDFD		= 8,	/* pidfd_open */
	SF_MADE_PIDFD_GETFD	= 9,	/* pidfd_getfd: a second descriptor of
					 * another process's open file */
	SF_MADE_PERF		= 10,	/* perf_event_open */
	SF_MADE_MEMFD		= 11,	/* memfd_create: path "memfd:" and the
					 * name that the caller gave */
	SF_MADE_MEMFD_SECRET	= 12,	/* memfd_secret */
	SF_MADE_URING		= 13,	/* io_uring_setup */
	SF_MADE_MQUEUE		= 14,	/* mq_open: path is the queue's name */
	SF_MADE_FSCONTEXT	= 15,	/* fsopen, fspick */
	SF_MADE_MOUNT		= 16,	/* fsmount, open_tree, open_tree_attr */
	SF_MADE_LANDLOCK	= 17,	/* landlock_create_ruleset */
};

/* A file: OPEN, ANON, DESCRIBE_FILE. 64 bytes and the path. */
struct sf_rec_file {
	struct sf_hdr h;
	__u64 file;	/* identity of the open file; 0: a failed open */
	__u64 ino;	/* file_inode()->i_ino */
	__u32 dev;	/* i_sb->s_dev: major << 20 | minor */
	__u32 mode;	/* i_mode: type and permissions; type 0: an anonymous
			 * inode (eventfd, epoll, ...) */
	__s32 fd;	/* descriptor; of a failed open: the directory fd given
			 * (open_by_handle_at: the mount's); of a failed ANON -1 */
	__s32 ret;	/* of OPEN and ANON: descriptor or -errno; else 0 */
	__u32 flags;	/* O_*. Of OPEN those that the caller gave: the kernel
			 * drops O_CREAT, O_EXCL, O_TRUNC and O_CLOEXEC from the
			 * file and adds O_LARGEFILE. They are in a register,
			 * only openat2(2) has them in user memory. Of ANON:
			 * the flags that its call has, else 0. Of
			 * DESCRIBE_FILE: f_flags */
	__u16 attr;	/* SF_FILE_*; of ANON also enum sf_made, in the high
			 * byte */
	__u16 path_len;
	/* path: absolute, from the dentry and mount of the file as seen from
	 * the process's root; with SF_F_USER as the caller gave it. A file
	 * outside of the root, a pipe, an anonymous inode: the dentry's name */
};

/*
 * A socket: SOCKET, BIND, LISTEN, ACCEPT, CONNECT, SHUTDOWN, SOCKETPAIR,
 * DESCRIBE_SOCKET. 96 bytes and a path.
 *
 * The ends are the socket's own after the call. Those of a call that failed,
 * and has given the socket none, are the address that it was called with
 * (SF_F_USER): of BIND in the place of the own end, of CONNECT of the peer.
 * SOCKETPAIR is told by two records of the same time; the numbers of their
 * descriptors lie in user memory (SF_F_USER), and one that is no socket has
 * identity 0. A pair that could not be made: one record, with fd -1.
 */
struct sf_rec_sock {
	struct sf_hdr h;
	__u64 file;	/* identity of the open file */
	__u64 ino;	/* inode number of the socket; 0: there is none */
	__s32 fd;	/* descriptor; of ACCEPT: the new one, or -1 */
	__s32 ret;	/* the call's; of DESCRIBE_SOCKET 0 */
	struct sf_tuple tuple;
	__s32 listen_fd;	/* of ACCEPT: the listening descriptor; of
				 * LISTEN: the backlog; of SHUTDOWN: SHUT_*;
				 * else -1 */
	__u16 state;	/* sk_state: TCP_* */
	__u16 path_len;	/* AF_UNIX only */
	/* path: sun_path; first byte 0: abstract name */
};

/*
 * Something on a descriptor that needs no description: CLOSE, DUP, PIPE. 40
 * bytes. A pipe is told by two records of the same time, the end that is read
 * first; their numbers lie in user memory (SF_F_USER), a number that is no pipe
 * has identity 0. A pipe that could not be made: one record, with fd -1.
 */
struct sf_rec_fd {
	struct sf_hdr h;
	__u64 file;	/* identity. Of CLOSE 0: it is gone at the call's exit,
			 * the reader knows the last use of (pid, fd). Of DUP
			 * and PIPE that of the new descriptor, described or
			 * not */
	__s32 fd;	/* the call's argument; of DUP the old descriptor, of
			 * PIPE the new one */
	__s32 ret;	/* of DUP the new descriptor */
};

/*
 * A file was mapped into memory: MMAP. Anonymous memory is not told. 72 bytes,
 * of which the first 40 are an sf_rec_fd: fd is the descriptor, ret 0 or
 * -errno, and the file is described before, as for I/O.
 */
struct sf_rec_mmap {
	struct sf_rec_fd fd;
	__u64 addr;	/* where it was placed; of a failed call the address
			 * asked for */
	__u64 length;	/* bytes, as asked for */
	__u64 offset;	/* in the file, bytes */
	__u32 prot;	/* PROT_*, as asked for */
	__u32 flags;	/* MAP_* */
};

/*
 * A call told by numbers alone. 56 bytes.
 *
 *		arg[0]			arg[1]			arg[2]
 * CLONE	flags of clone(2)	inode number of the	0
 *		and, from user		network namespace of
 *		memory (SF_F_USER),	the task that returns
 *		of clone3(2), else 0	(since 1.2, else 0)
 * CLOSE_	first number		last number		CLOSE_RANGE_*
 * RANGE	    without CLOSE_RANGE_CLOEXEC what is open among them is
 *		    closed now, else at the next exec; with
 *		    CLOSE_RANGE_UNSHARE the table of descriptors is the
 *		    caller's own from then on
 * SETUID,	effective id,		real,			saved
 * SETGID	    after the call, from current's cred, in the initial user
 *		    namespace; of a failed call what it asked for, and
 *		    SF_ID_NONE for an id that it did not name
 * SETFSID	cred->fsuid,		fsgid			0
 *		    after the call, which cannot fail
 * SETGROUPS	cred->group_info	0			0
 *		->ngroups; failed:
 *		the number asked for
 * CAPSET	cred->cap_effective,	cap_permitted,		cap_inheritable
 *		    after the call, failed or not
 * SETNS	descriptor		CLONE_NEW* of the	inode number of the
 *					namespace, from the	namespace; 0: the
 *					kernel; of a pidfd	descriptor is a
 *					those asked for		pidfd, or not open
 * UNSHARE	CLONE_* asked for	inode number of the	the same of the pid
 *					network namespace	namespace in which
 *					after the call		children will be
 * PTRACE	request			pid, as the caller	0
 *					named it
 * KILL		pid, as the caller	signal			of tgkill(2) and
 *		named it in its own				rt_tgsigqueueinfo(2)
 *		pid namespace: a				the thread group
 *		thread of tkill(2)				named, else 0
 *		and tgkill(2); may be
 *		negative. Of a pidfd
 *		the number of the
 *		process there, from
 *		its struct pid; 0:
 *		it has none there
 * BPF		command			of BPF_PROG_LOAD that succeeded: the
 *					program's type,		and its id, both
 *					from struct bpf_prog; else 0
 *
 * A C int is told sign-extended, an id in its 32 bits.
 */
struct sf_rec_call {
	struct sf_hdr h;
	__s64 ret;	/* the call's. CLONE: tid in the caller's namespace, 0
			 * in the child */
	__u64 arg[3];
};

/* An id that a call leaves as it is: (uid_t)-1, as in setresuid(2). */
#define SF_ID_NONE	0xffffffffULL

/* sf_rec_fork.shared: what parent and child have in common */
#define SF_SHARE_THREAD	0x01U	/* same thread group */
#define SF_SHARE_FILES	0x02U	/* same descriptor table: files_struct */
#define SF_SHARE_FS	0x04U	/* same root and cwd: fs_struct */
#define SF_SHARE_VM	0x08U	/* same memory: mm_struct */

/* A task was made. Told before the child runs. 72 bytes. */
struct sf_rec_fork {
	struct sf_hdr h;	/* pid, tid: the caller of clone */
	__u64 start;	/* child's start_boottime */
	__u32 child_pid;	/* child's tgid */
	__u32 child_tid;	/* child's pid */
	__u32 ppid;	/* tgid of the child's real_parent */
	__u32 vtid;	/* child_tid in its own pid namespace */
	__u32 uid;	/* child's effective ids: cred->euid, egid */
	__u32 gid;
	__u32 shared;	/* SF_SHARE_* */
	__u32 pidns;	/* inode number of the child's pid namespace */
	__u64 parent_start;	/* start_boottime of the caller's thread group
				 * leader: names the caller exactly */
};

/* A program was started, or could not be: EXEC. Also DESCRIBE_PROCESS.
 * 104 bytes and five strings. */
struct sf_rec_exec {
	struct sf_hdr h;
	__u64 start;	/* start_boottime of the thread group leader */
	__u64 exe_ino;	/* of the binary; 0 when ret < 0 */
	__u32 exe_dev;	/* as sf_rec_file.dev */
	__s32 ret;	/* 0, or -errno */
	__u32 ppid;	/* tgid of real_parent */
	__u32 vpid;	/* pid in the process's own pid namespace */
	__u32 uid;	/* effective: cred->euid, egid, after the exec */
	__u32 gid;
	__u32 ruid;	/* real: cred->uid, gid */
	__u32 rgid;
	__u32 tty;	/* device number of the controlling terminal, major
			 * << 20 | minor; 0: none */
	__u32 pidns;	/* inode number of the pid namespace */
	__u32 old_tid;	/* tid of the caller before it became the leader */
	__u32 argc;	/* bprm->argc */
	__u16 exe_len;	/* path of the binary (bprm->file), absolute; with
			 * SF_F_USER (ret < 0) as the caller gave it */
	__u16 cwd_len;	/* task->fs->pwd, absolute */
	__u16 cgroup_len;	/* path in the unified hierarchy; when that is
				 * the root, in the first v1 controller's in
				 * which it is not */
	__u16 args_len;	/* mm->arg_start: NUL-terminated, argv[0] first */
	__u16 env_len;	/* mm->env_start: NUL-terminated */
	__u16 pad;
	__u32 netns;	/* inode number of the network namespace; since schema
			 * 1.1, else 0 */
};

/* The last thread of its group. Kernels before 6.16 do not tell it to the
 * hook, and of threads that end in the same moment several can carry it. */
#define SF_EXIT_LAST	0x01U

/* A task ends. 48 bytes. */
struct sf_rec_exit {
	struct sf_hdr h;
	__u64 start;	/* start_boottime of the thread group leader */
	__s32 code;	/* task->exit_code: wait status */
	__u32 flags;	/* SF_EXIT_* */
	__u32 leader_code;	/* signal->group_exit_code, the group's wait status
				 * when it was ended as a whole */
	__u32 pad;
};

/*
 * An operation on one or two names. 72 bytes and the paths.
 *
 * A path is that of a kernel object when the call names one: a descriptor
 * (fchmod, an empty name with AT_EMPTY_PATH), or the working directory and the
 * root after chdir and chroot; ino, dev and mode are then that object's, as it
 * is after the call. Else the object is found by a name that no kernel object
 * keeps: the name is read from user memory once, at the call's exit, and the
 * record has SF_F_USER. A relative name is joined to its directory, which is
 * taken from the kernel (the descriptor's file, or the working directory, at
 * the call's exit). Nothing is made shorter: "." and ".." and doubled slashes
 * stand as the caller wrote them, symbolic links are not followed, and the
 * reader normalises if it wants to. As from the root of the process.
 *
 * A name whose directory descriptor is not open stays as it was given. Each
 * part (directory, name) is cut at SF_PATH_MAX, so that a path has at most
 * 2 * SF_PATH_MAX + 1 bytes.
 *
 *	op		path 0		path 1		arg
 *	MKDIR		new folder	-		mode
 *	MKNOD		new file	-		mode, device (as given)
 *	RMDIR, UNLINK	name		-		-
 *	LINK		old name	new name	-
 *	SYMLINK		target, as text	new link	-
 *	RENAME		old name	new name	-
 *	CHMOD		name		-		mode
 *	CHOWN		name		-		uid, gid (~0: as it was)
 *	TRUNCATE	name		-		length
 *	MOUNT		mount point	source: text of mount(2) (none when it
 *					is NULL), name of move_mount(2)
 *	UMOUNT		mount point	-		-
 *	PIVOT_ROOT	new root	put_old		-
 *	SETXATTR	name		attribute	bytes of the value
 *						(setxattrat(2): 0)
 *	REMOVEXATTR	name		attribute	-
 *	CHDIR		new directory	-		-
 *	CHROOT		new root, from the root of the mount namespace; of a
 *			failed call from the root of the process
 *	MODULE		the module's	its parameters,	-
 *			file		user memory
 *			(init_module:	and no path
 *			none, ino 0)
 *	MODULE_DELETE	the module's	-		-
 *			name
 */
struct sf_rec_path {
	struct sf_hdr h;
	__u64 ino;	/* of the object; 0: not known */
	__u32 dev;	/* as sf_rec_file.dev */
	__u32 mode;	/* i_mode; 0: not known */
	__s32 ret;
	__u32 flags;	/* the call's; of calls that follow no symbolic link and
			 * have no flag for it (lchown, lsetxattr,
			 * lremovexattr) with AT_SYMLINK_NOFOLLOW */
	__u32 pad;
	__u16 len[2];
	__u64 arg[2];	/* numbers of the call: see above, else 0 */
};

#define SF_ASSERT_SIZE(type, size) \
	_Static_assert(sizeof(struct type) == (size), #type " is " #size " bytes")
/* Used by layout.h, which has every field. */
#define SF_ASSERT_OFFSET(type, field, offset) \
	_Static_assert(__builtin_offsetof(struct type, field) == (offset), \
		       #type "." #field " is at " #offset)

SF_ASSERT_SIZE(sf_hdr, 24);
SF_ASSERT_SIZE(sf_rec_io, 64);
SF_ASSERT_SIZE(sf_tuple, 40);
SF_ASSERT_SIZE(sf_rec_sockio, 104);
SF_ASSERT_SIZE(sf_rec_file, 64);
SF_ASSERT_SIZE(sf_rec_sock, 96);
SF_ASSERT_SIZE(sf_rec_fd, 40);
SF_ASSERT_SIZE(sf_rec_mmap, 72);
SF_ASSERT_SIZE(sf_rec_call, 56);
SF_ASSERT_SIZE(sf_rec_fork, 72);
SF_ASSERT_SIZE(sf_rec_exec, 104);
SF_ASSERT_SIZE(sf_rec_exit, 48);
SF_ASSERT_SIZE(sf_rec_path, 72);

#endif /* SYSFLOW_ABI_H */
