/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Which system calls are of interest, and how each is read at its exit: one
 * row per call, for both drivers. A driver defines SF_SYSCALL(name, how, op,
 * a, b, c) and includes this file where it wants the rows; it has one small
 * function per kind of "how". A new call of a known kind is a row; a new kind
 * is a row and a function.
 *
 * Not here, because the facts are gone at exit or the call does not return:
 * program start (sched_process_exec), task birth (sched_process_fork) and
 * task end (sched_process_exit).
 *
 * a, b, c: argument numbers (0 .. 5) or flags, as the kind says:
 *   IO      a: descriptor. Returns bytes.
 *   MSGIO   a: descriptor, b: sockaddr or msghdr or mmsghdr, c: SF_ADDR_*,
 *           which says what b is. Returns bytes, or messages for SF_ADDR_MMSG.
 *   OPEN    a: path, b: flags (SF_ARG_NONE: creat; SF_ARG_HOW: open_how at
 *           the next argument after the path), c: directory descriptor or
 *           SF_ARG_NONE. Returns a descriptor. a is SF_ARG_NONE where the file
 *           is found without a path.
 *   ANON    a: flags, or SF_ARG_NONE, b: SF_MADE_*. Returns a descriptor.
 *   PIPE    a: address of the two descriptors. Returns 0.
 *   CLOSE_RANGE  a, b, c: first, last, flags.
 *   MMAP    arguments as of mmap(2); of interest with a file only.
 *   TRANSFER  a: descriptor that bytes come from, b: where they go, or
 *           SF_ARG_NONE: the direction is that in which a is open. Returns
 *           bytes. Told as READ and WRITE.
 *   CLOSE   a: descriptor.
 *   DUP     a: descriptor, b: command of fcntl(2), of which only F_DUPFD and
 *           F_DUPFD_CLOEXEC are of interest, or SF_ARG_NONE. Returns a
 *           descriptor.
 *   SOCKET  returns a descriptor.
 *   CONNECT a: descriptor, b: sockaddr, c: its length.
 *   ACCEPT  a: listening descriptor. Returns a descriptor.
 *   BIND    a: descriptor, b: sockaddr, c: its length.
 *   SOCKNUM a: descriptor, b: a number.
 *   PAIR    a: family, b: type, c: protocol; the next: two descriptors.
 *   CLONE   a: flags, SF_ARG_HOW: clone_args at the first argument, or
 *           SF_ARG_NONE. Returns a tid, or 0 in the child.
 *   EXEC    a: path, c: directory descriptor or SF_ARG_NONE. Only a failure
 *           is told at exit.
 *   NAMES   a: SF_NAMES_<call>, its row of names.h. Returns 0.
 *   INTS    a, b, c: the record's numbers, C ints, SF_ARG_NONE: 0. Of PTRACE
 *           and BPF only the requests of wanted.h, which are argument a.
 *   IDS     a, b, c: effective, real and saved id asked for, or SF_ARG_NONE.
 *   FSID    told from the credentials alone.
 *   GROUPS  a: number of groups asked for.
 *   CAPS    told from the credentials alone.
 *   SETNS   a: descriptor, b: CLONE_NEW*.
 *   UNSHARE a: CLONE_*.
 *   PIDFD   a: descriptor, b: signal.
 *   BPF     a: command.
 *   MODULE  a: descriptor or SF_ARG_NONE, b: parameters, c: flags or
 *           SF_ARG_NONE.
 *   MODNAME a: name, c: flags.
 */
#ifndef SF_SYSCALL
#error "define SF_SYSCALL(name, how, op, a, b, c) before including syscalls.h"
#endif

#ifndef SF_ARG_NONE
#include <sysflow/numbers.h>
#define SF_ARG_NONE	7
#define SF_ARG_HOW	6
#define SF_ADDR_NAME	0	/* b is a struct sockaddr */
#define SF_ADDR_MSG	1	/* b is a struct msghdr */
#define SF_ADDR_MMSG	2	/* b is an array of struct mmsghdr */
#endif

SF_SYSCALL(read,	IO, READ, 0, 0, 0)
SF_SYSCALL(pread64,	IO, READ, 0, 0, 0)
SF_SYSCALL(readv,	IO, READ, 0, 0, 0)
SF_SYSCALL(preadv,	IO, READ, 0, 0, 0)
SF_SYSCALL(preadv2,	IO, READ, 0, 0, 0)
SF_SYSCALL(write,	IO, WRITE, 0, 0, 0)
SF_SYSCALL(pwrite64,	IO, WRITE, 0, 0, 0)
SF_SYSCALL(writev,	IO, WRITE, 0, 0, 0)
SF_SYSCALL(pwritev,	IO, WRITE, 0, 0, 0)
SF_SYSCALL(pwritev2,	IO, WRITE, 0, 0, 0)

SF_SYSCALL(sendfile,	TRANSFER, READ, 1, 0, 0)
SF_SYSCALL(splice,	TRANSFER, READ, 0, 2, 0)
SF_SYSCALL(tee,		TRANSFER, READ, 0, 1, 0)
SF_SYSCALL(vmsplice,	TRANSFER, READ, 0, SF_ARG_NONE, 0)
SF_SYSCALL(copy_file_range, TRANSFER, READ, 0, 2, 0)

SF_SYSCALL(recvfrom,	MSGIO, RECV, 0, 4, SF_ADDR_NAME)
SF_SYSCALL(recvmsg,	MSGIO, RECV, 0, 1, SF_ADDR_MSG)
SF_SYSCALL(recvmmsg,	MSGIO, RECV, 0, 1, SF_ADDR_MMSG)
SF_SYSCALL(sendto,	MSGIO, SEND, 0, 4, SF_ADDR_NAME)
SF_SYSCALL(sendmsg,	MSGIO, SEND, 0, 1, SF_ADDR_MSG)
SF_SYSCALL(sendmmsg,	MSGIO, SEND, 0, 1, SF_ADDR_MMSG)

SF_SYSCALL(open,	OPEN, OPEN, 0, 1, SF_ARG_NONE)
SF_SYSCALL(openat,	OPEN, OPEN, 1, 2, 0)
SF_SYSCALL(openat2,	OPEN, OPEN, 1, SF_ARG_HOW, 0)
SF_SYSCALL(creat,	OPEN, OPEN, 0, SF_ARG_NONE, SF_ARG_NONE)
SF_SYSCALL(open_by_handle_at, OPEN, OPEN, SF_ARG_NONE, 2, 0)
SF_SYSCALL(close,	CLOSE, CLOSE, 0, 0, 0)
SF_SYSCALL(close_range,	CLOSE_RANGE, CLOSE_RANGE, 0, 1, 2)
SF_SYSCALL(dup,		DUP, DUP, 0, SF_ARG_NONE, 0)
SF_SYSCALL(dup2,	DUP, DUP, 0, SF_ARG_NONE, 0)
SF_SYSCALL(dup3,	DUP, DUP, 0, SF_ARG_NONE, 0)
SF_SYSCALL(fcntl,	DUP, DUP, 0, 1, 0)

SF_SYSCALL(pipe,	PIPE, PIPE, 0, 0, 0)
SF_SYSCALL(pipe2,	PIPE, PIPE, 0, 0, 0)
SF_SYSCALL(mmap,	MMAP, MMAP, 4, 0, 0)

SF_SYSCALL(epoll_create, ANON, ANON, SF_ARG_NONE, SF_MADE_EPOLL, 0)
SF_SYSCALL(epoll_create1, ANON, ANON, 0, SF_MADE_EPOLL, 0)
SF_SYSCALL(eventfd,	ANON, ANON, SF_ARG_NONE, SF_MADE_EVENTFD, 0)
SF_SYSCALL(eventfd2,	ANON, ANON, 1, SF_MADE_EVENTFD, 0)
SF_SYSCALL(fanotify_init, ANON, ANON, 0, SF_MADE_FANOTIFY, 0)
SF_SYSCALL(fsmount,	ANON, ANON, 1, SF_MADE_MOUNT, 0)
SF_SYSCALL(fsopen,	ANON, ANON, 1, SF_MADE_FSCONTEXT, 0)
SF_SYSCALL(fspick,	ANON, ANON, 2, SF_MADE_FSCONTEXT, 0)
SF_SYSCALL(inotify_init, ANON, ANON, SF_ARG_NONE, SF_MADE_INOTIFY, 0)
SF_SYSCALL(inotify_init1, ANON, ANON, 0, SF_MADE_INOTIFY, 0)
SF_SYSCALL(io_uring_setup, ANON, ANON, SF_ARG_NONE, SF_MADE_URING, 0)
SF_SYSCALL(landlock_create_ruleset, ANON, ANON, 2, SF_MADE_LANDLOCK, 0)
SF_SYSCALL(memfd_create, ANON, ANON, 1, SF_MADE_MEMFD, 0)
SF_SYSCALL(memfd_secret, ANON, ANON, 0, SF_MADE_MEMFD_SECRET, 0)
SF_SYSCALL(mq_open,	ANON, ANON, 1, SF_MADE_MQUEUE, 0)
SF_SYSCALL(open_tree,	ANON, ANON, 2, SF_MADE_MOUNT, 0)
SF_SYSCALL(open_tree_attr, ANON, ANON, 2, SF_MADE_MOUNT, 0)
SF_SYSCALL(perf_event_open, ANON, ANON, 4, SF_MADE_PERF, 0)
SF_SYSCALL(pidfd_getfd,	ANON, ANON, 2, SF_MADE_PIDFD_GETFD, 0)
SF_SYSCALL(pidfd_open,	ANON, ANON, 1, SF_MADE_PIDFD, 0)
SF_SYSCALL(signalfd,	ANON, ANON, SF_ARG_NONE, SF_MADE_SIGNALFD, 0)
SF_SYSCALL(signalfd4,	ANON, ANON, 3, SF_MADE_SIGNALFD, 0)
SF_SYSCALL(timerfd_create, ANON, ANON, 1, SF_MADE_TIMERFD, 0)
SF_SYSCALL(userfaultfd,	ANON, ANON, 0, SF_MADE_USERFAULTFD, 0)

SF_SYSCALL(socket,	SOCKET, SOCKET, 0, 0, 0)
SF_SYSCALL(connect,	CONNECT, CONNECT, 0, 1, 2)
SF_SYSCALL(accept,	ACCEPT, ACCEPT, 0, 0, 0)
SF_SYSCALL(accept4,	ACCEPT, ACCEPT, 0, 0, 0)
SF_SYSCALL(bind,	BIND, BIND, 0, 1, 2)
SF_SYSCALL(listen,	SOCKNUM, LISTEN, 0, 1, 0)
SF_SYSCALL(shutdown,	SOCKNUM, SHUTDOWN, 0, 1, 0)
SF_SYSCALL(socketpair,	PAIR, SOCKETPAIR, 0, 1, 2)

SF_SYSCALL(clone,	CLONE, CLONE, 0, 0, 0)
SF_SYSCALL(clone3,	CLONE, CLONE, SF_ARG_HOW, 0, 0)
SF_SYSCALL(fork,	CLONE, CLONE, SF_ARG_NONE, 0, 0)
SF_SYSCALL(vfork,	CLONE, CLONE, SF_ARG_NONE, 0, 0)
SF_SYSCALL(execve,	EXEC, EXEC, 0, 0, SF_ARG_NONE)
SF_SYSCALL(execveat,	EXEC, EXEC, 1, 0, 0)

#define SF_NAMES(name, op, d0, p0, d1, p1, f, n0, n1, b) \
	SF_SYSCALL(name, NAMES, op, SF_NAMES_##name, 0, 0)
#include <sysflow/names.h>
SF_SYSCALL(setuid,	IDS, SETUID, 0, SF_ARG_NONE, SF_ARG_NONE)
SF_SYSCALL(setreuid,	IDS, SETUID, 1, 0, SF_ARG_NONE)
SF_SYSCALL(setresuid,	IDS, SETUID, 1, 0, 2)
SF_SYSCALL(setgid,	IDS, SETGID, 0, SF_ARG_NONE, SF_ARG_NONE)
SF_SYSCALL(setregid,	IDS, SETGID, 1, 0, SF_ARG_NONE)
SF_SYSCALL(setresgid,	IDS, SETGID, 1, 0, 2)
SF_SYSCALL(setfsuid,	FSID, SETFSID, 0, 0, 0)
SF_SYSCALL(setfsgid,	FSID, SETFSID, 0, 0, 0)
SF_SYSCALL(setgroups,	GROUPS, SETGROUPS, 0, 0, 0)
SF_SYSCALL(capset,	CAPS, CAPSET, 0, 0, 0)
SF_SYSCALL(setns,	SETNS, SETNS, 0, 1, 0)
SF_SYSCALL(unshare,	UNSHARE, UNSHARE, 0, 0, 0)

SF_SYSCALL(kill,	INTS, KILL, 0, 1, SF_ARG_NONE)
SF_SYSCALL(tkill,	INTS, KILL, 0, 1, SF_ARG_NONE)
SF_SYSCALL(tgkill,	INTS, KILL, 1, 2, 0)
SF_SYSCALL(rt_sigqueueinfo,	INTS, KILL, 0, 1, SF_ARG_NONE)
SF_SYSCALL(rt_tgsigqueueinfo,	INTS, KILL, 1, 2, 0)
SF_SYSCALL(pidfd_send_signal,	PIDFD, KILL, 0, 1, 0)
SF_SYSCALL(ptrace,	INTS, PTRACE, 0, 1, SF_ARG_NONE)
SF_SYSCALL(bpf,		BPF, BPF, 0, 0, 0)
SF_SYSCALL(init_module,	MODULE, MODULE, SF_ARG_NONE, 2, SF_ARG_NONE)
SF_SYSCALL(finit_module,	MODULE, MODULE, 0, 1, 2)
SF_SYSCALL(delete_module,	MODNAME, MODULE_DELETE, 0, 0, 1)

#undef SF_SYSCALL
