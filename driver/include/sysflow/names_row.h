/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * A row of names.h as the drivers keep it. The table is indexed by
 * SF_NAMES_<call>, which stands in column a of the call's row in syscalls.h, so
 * that a call with other numbers (32-bit, io_uring) can use it too.
 */
#ifndef SYSFLOW_NAMES_ROW_H
#define SYSFLOW_NAMES_ROW_H

#include <linux/types.h>

#define SF_NAMES_TEXT0		0x01U	/* path 0 is text: not joined */
#define SF_NAMES_TEXT1		0x02U	/* path 1 is */
#define SF_NAMES_REMOVEDIR	0x04U	/* RMDIR with AT_REMOVEDIR */
#define SF_NAMES_NOFOLLOW	0x08U	/* adds AT_SYMLINK_NOFOLLOW */
#define SF_NAMES_WIDE		0x10U	/* arg is 64 bits wide, else 32 */

struct sf_names_row {
	__u8 dir[2];	/* argument numbers, or SF_ARG_NONE */
	__u8 name[2];
	__u8 flags;
	__u8 arg[2];
	__u8 bits;
};

enum sf_names_id {
#define SF_NAMES(call, op, d0, p0, d1, p1, f, n0, n1, b) SF_NAMES_##call,
#include <sysflow/names.h>
	SF_NAMES_COUNT,
};

#endif /* SYSFLOW_NAMES_ROW_H */
