/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * The table that decides, by its number, what becomes of a system call. It is
 * made from <sysflow/syscalls.h> at compile time and frozen at load.
 */
#ifndef SYSFLOW_BPF_ROWS_H
#define SYSFLOW_BPF_ROWS_H

#include <asm/unistd_64.h>
#include <sysflow/names_row.h>
#include <sysflow/ops.h>

/* The kinds of syscalls.h. Those up to CLOSE run in the program itself, the
 * others in a function of their own. */
enum sf_how {
	SF_HOW_NONE,
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
};

struct sf_row {
	union {
		struct {
			__u8 how;	/* SF_HOW_*, as a 64-bit call */
			__u8 compat;	/* of interest as a 32-bit call */
		};
		__u16 any;	/* of interest as either */
	};
	__u8 op;
	__u8 a, b, c;
	__u16 pad;
};

/* The descriptor of what runs inline is always the first argument. */
#define SF_SYSCALL(name, kind, operation, x, y, z) \
	_Static_assert(SF_HOW_##kind > SF_HOW_CLOSE || (x) == 0, \
		       #name ": the descriptor is the first argument");
#include <sysflow/syscalls.h>

#define SF_ROWS	512	/* a power of two over every number in use */

/* The calls of interest by their 32-bit numbers (arch/x86/entry/syscalls/
 * syscall_32.tbl, fixed for ever). They are not covered, only counted. */
#define SF_COMPAT(nr)	[nr].compat = 1

static const volatile struct sf_row sf_rows[SF_ROWS] = {
#define SF_SYSCALL(name, kind, operation, x, y, z) \
	[__NR_##name].how = SF_HOW_##kind, \
	[__NR_##name].op = SF_OP_##operation, \
	[__NR_##name].a = (x), \
	[__NR_##name].b = (y), \
	[__NR_##name].c = (z),
#include <sysflow/syscalls.h>

	SF_COMPAT(2),	/* fork */
	SF_COMPAT(3),	/* read */
	SF_COMPAT(4),	/* write */
	SF_COMPAT(5),	/* open */
	SF_COMPAT(6),	/* close */
	SF_COMPAT(8),	/* creat */
	SF_COMPAT(11),	/* execve */
	SF_COMPAT(41),	/* dup */
	SF_COMPAT(55),	/* fcntl */
	SF_COMPAT(63),	/* dup2 */
	SF_COMPAT(102),	/* socketcall */
	SF_COMPAT(120),	/* clone */
	SF_COMPAT(145),	/* readv */
	SF_COMPAT(146),	/* writev */
	SF_COMPAT(180),	/* pread64 */
	SF_COMPAT(181),	/* pwrite64 */
	SF_COMPAT(190),	/* vfork */
	SF_COMPAT(221),	/* fcntl64 */
	SF_COMPAT(295),	/* openat */
	SF_COMPAT(330),	/* dup3 */
	SF_COMPAT(333),	/* preadv */
	SF_COMPAT(334),	/* pwritev */
	SF_COMPAT(337),	/* recvmmsg */
	SF_COMPAT(345),	/* sendmmsg */
	SF_COMPAT(358),	/* execveat */
	SF_COMPAT(359),	/* socket */
	SF_COMPAT(362),	/* connect */
	SF_COMPAT(364),	/* accept4 */
	SF_COMPAT(369),	/* sendto */
	SF_COMPAT(370),	/* sendmsg */
	SF_COMPAT(371),	/* recvfrom */
	SF_COMPAT(372),	/* recvmsg */
	SF_COMPAT(378),	/* preadv2 */
	SF_COMPAT(379),	/* pwritev2 */
	SF_COMPAT(417),	/* recvmmsg_time64 */
	SF_COMPAT(435),	/* clone3 */
	SF_COMPAT(437),	/* openat2 */
};

/* The x32 flag of a system call number; the calls from 512 on exist as x32
 * only, and most of them are of interest (readv, execve, sendmsg, ...). */
#define SF_X32_BIT	0x40000000UL
#define SF_X32_LAST	547

#endif /* SYSFLOW_BPF_ROWS_H */
