/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Which open files a ring has described: a small direct-mapped table per CPU,
 * private to the driver. Architecture I4: the first use of a file that the
 * reader has not been told about is preceded by its description. A slot that
 * was taken over by another file costs one more description, never a wrong
 * identity: the inode number is compared too, because the kernel gives the
 * memory of a freed struct file to the next one opened.
 */
#ifndef SYSFLOW_DESCRIBED_H
#define SYSFLOW_DESCRIBED_H

#include <linux/types.h>

#define SF_DESCRIBED_SLOTS	1024U	/* 24 KiB per CPU */

/* What the writer must know of a file to choose the layout of its I/O. */
enum sf_kind {
	SF_KIND_NONE	= 0,	/* not described */
	SF_KIND_FILE	= 1,	/* anything that is no socket */
	SF_KIND_STREAM	= 2,	/* a socket whose ends do not change */
	SF_KIND_DGRAM	= 3,	/* a socket whose peer can change: SOCK_DGRAM
				 * and SOCK_RAW of IP, netlink, packet */
};

struct sf_described {
	__u64 file;	/* struct file */
	__u64 ino;
	__u32 kind;
	__u32 pad;
};

/* struct file is allocated in multiples of 64 bytes. */
static inline __attribute__((always_inline))
__u32 sf_described_slot(__u64 file)
{
	return (__u32)((file * 0x9E3779B97F4A7C15ULL) >> 54) &
	       (SF_DESCRIBED_SLOTS - 1);
}

#endif /* SYSFLOW_DESCRIBED_H */
