/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * The table that decides, by its number, what becomes of a system call. It is
 * made from <sysflow/syscalls.h> at compile time and frozen at load.
 */
#ifndef SYSFLOW_BPF_ROWS_H
#define SYSFLOW_BPF_ROWS_H

#include <asm/unistd_64.h>
#include <sysflow/abi.h>
#include <sysflow/how.h>
#include <sysflow/names_row.h>
#include <sysflow/compat.h>


struct sf_row {
	union {
		struct {
			__u8 how;	/* SF_HOW_*, as a 64-bit call */
			__u8 compat;	/* of interest as a 32-bit call, */
		};
		__u16 any;	/* or as either */
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

static const volatile struct sf_row sf_rows[SF_ROWS] = {
#define SF_SYSCALL(name, kind, operation, x, y, z) \
	[__NR_##name].how = SF_HOW_##kind, \
	[__NR_##name].op = SF_OP_##operation, \
	[__NR_##name].a = (x), \
	[__NR_##name].b = (y), \
	[__NR_##name].c = (z),
#include <sysflow/syscalls.h>
	[__NR_io_uring_enter].how = SF_HOW_URING,
#define SF_IA32(number, name, how)	[number].compat = 1,
#include <sysflow/ia32.h>
	[SF_IA32_UMOUNT].compat = 1,
	[SF_IA32_OLD_MMAP].compat = 1,
};

/* What each 32-bit call is as a 64-bit one. */
static const volatile struct sf_ia32 sf_ia32[SF_IA32_ROWS] = {
#define SF_IA32(number, name, how) \
	[number] = { __NR_##name, 1, SF_FIX_##how },
#include <sysflow/ia32.h>
};

static const volatile struct sf_ia32 sf_socketcalls[SF_SOCKETCALLS] = {
	SF_SOCKETCALL_TABLE
};

/* The x32 flag of a system call number; the calls from 512 on exist as x32
 * only, and most of them are of interest (readv, execve, sendmsg, ...). */
#define SF_X32_BIT	0x40000000UL
#define SF_X32_LAST	547

#endif /* SYSFLOW_BPF_ROWS_H */
