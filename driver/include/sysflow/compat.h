/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * How a 32-bit system call becomes the 64-bit one that it stands for: the
 * tables of ia32.h and of socketcall(2), and what is done to the arguments.
 * One C text for both drivers.
 */
#ifndef SYSFLOW_COMPAT_CALLS_H
#define SYSFLOW_COMPAT_CALLS_H

#include <linux/types.h>

#include "numbers.h"

enum sf_fix {
	SF_FIX_NONE,
	SF_FIX_ID16,
	SF_FIX_OWNER16,
	SF_FIX_HALVES,
	SF_FIX_PAGES,
	SF_FIX_SOCKETCALL,
};

struct sf_ia32 {
	__u16 nr;	/* number of the 64-bit call */
	__u8 known;	/* the number stands in ia32.h: read(2) is 0 */
	__u8 fix;	/* enum sf_fix; of socketcall: number of arguments */
};

#define SF_IA32_ROWS	512	/* a power of two over every number in use */

/* Calls that only the 32-bit table has and that are not covered: umount(2)
 * without flags, mmap(2) with its arguments in user memory. */
#define SF_IA32_UMOUNT	22
#define SF_IA32_OLD_MMAP	90

/* The numbers of socketcall(2), include/uapi/linux/net.h. */
#define SF_SOCKETCALLS	32	/* a power of two over every number in use */
#define SF_SOCKETCALL_TABLE \
	[1] = { __NR_socket, 1, 3 }, \
	[2] = { __NR_bind, 1, 3 }, \
	[3] = { __NR_connect, 1, 3 }, \
	[4] = { __NR_listen, 1, 2 }, \
	[5] = { __NR_accept, 1, 3 }, \
	[8] = { __NR_socketpair, 1, 4 }, \
	[9] = { __NR_sendto, 1, 4 }, \
	[10] = { __NR_recvfrom, 1, 4 }, \
	[11] = { __NR_sendto, 1, 6 }, \
	[12] = { __NR_recvfrom, 1, 6 }, \
	[13] = { __NR_shutdown, 1, 2 }, \
	[16] = { __NR_sendmsg, 1, 3 }, \
	[17] = { __NR_recvmsg, 1, 3 }, \
	[18] = { __NR_accept4, 1, 4 }, \
	[19] = { __NR_recvmmsg, 1, 5 }, \
	[20] = { __NR_sendmmsg, 1, 4 }

/* An id of 16 bits; -1 means none there, too. */
static inline __attribute__((always_inline))
__u32 sf_id16(__u64 id)
{
	return (__u16)id == 0xffff ? 0xffffffffU : (__u16)id;
}

/* What can be done without user memory. */
static inline __attribute__((always_inline))
void sf_fix_args(__u32 fix, __u64 *arg)
{
	if (fix == SF_FIX_ID16) {
		arg[0] = sf_id16(arg[0]);
		arg[1] = sf_id16(arg[1]);
		arg[2] = sf_id16(arg[2]);
	} else if (fix == SF_FIX_OWNER16) {
		arg[1] = sf_id16(arg[1]);
		arg[2] = sf_id16(arg[2]);
	} else if (fix == SF_FIX_HALVES) {
		arg[1] = (__u32)arg[1] | arg[2] << 32;
	} else if (fix == SF_FIX_PAGES) {
		arg[5] <<= 12;
	}
}

/* struct msghdr and struct mmsghdr of user memory, 32-bit. */
struct sf_msghdr32 {
	__u32 name;
	__s32 namelen;
	__u32 rest[5];
};

struct sf_mmsghdr32 {
	struct sf_msghdr32 hdr;
	__u32 len;
};

#endif /* SYSFLOW_COMPAT_CALLS_H */
