/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * How a system call is read at its exit: the kinds of syscalls.h, which says
 * what each means. The eBPF driver reads those up to CLOSE in the program
 * itself, the others in functions of their own.
 */
#ifndef SYSFLOW_HOW_H
#define SYSFLOW_HOW_H

enum sf_how {
	SF_HOW_NONE,	/* of no interest */
	SF_HOW_IO,
	SF_HOW_MSGIO,
	SF_HOW_CLOSE,
	SF_HOW_OPEN,
	SF_HOW_SOCKET,
	SF_HOW_CONNECT,
	SF_HOW_ACCEPT,
	SF_HOW_BIND,
	SF_HOW_SOCKNUM,
	SF_HOW_PAIR,
	SF_HOW_CLONE,
	SF_HOW_EXEC,
	SF_HOW_DUP,
	SF_HOW_NAMES,
	SF_HOW_ANON,
	SF_HOW_PIPE,
	SF_HOW_CLOSE_RANGE,
	SF_HOW_MMAP,
	SF_HOW_TRANSFER,
	SF_HOW_INTS,
	SF_HOW_IDS,
	SF_HOW_FSID,
	SF_HOW_GROUPS,
	SF_HOW_CAPS,
	SF_HOW_SETNS,
	SF_HOW_UNSHARE,
	SF_HOW_PIDFD,
	SF_HOW_BPF,
	SF_HOW_MODULE,
	SF_HOW_MODNAME,
	SF_HOW_URING,	/* io_uring_enter(2) */
};

#endif /* SYSFLOW_HOW_H */
