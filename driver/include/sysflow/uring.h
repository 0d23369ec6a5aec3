/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * io_uring: what is kept of a request from its submission to its completion,
 * and the table that keeps it. One C text for both drivers.
 *
 * At the completion the kernel has forgotten what was asked: the descriptor,
 * the path, the address. The tracepoint of the submission comes when the
 * kernel has read the submission; it is read once more there, and taken for
 * what the kernel used when its operation and user data are the request's.
 *
 * The table has no locks: a slot belongs to who set its key. A request that
 * finds no free slot near its place takes the oldest one, whose request is then
 * told without what was kept (bytes moved: fd -1), or counted as not covered.
 */
#ifndef SYSFLOW_URING_H
#define SYSFLOW_URING_H

#include <linux/types.h>

#include "abi.h"
#include "numbers.h"

/* How the arguments of the call lie in the submission. */
enum sf_shape {
	SF_SHAPE_NONE,	/* not of interest */
	SF_SHAPE_FD,	/* fd */
	SF_SHAPE_FD_ADDR,	/* fd, addr, op_flags; of mkdirat len */
	SF_SHAPE_FD_ADDR_OFF,	/* fd, addr, off, len */
	SF_SHAPE_FD_LEN,	/* fd, len */
	SF_SHAPE_FD_OFF,	/* fd, off */
	SF_SHAPE_NO_FD,	/* a file that has no descriptor yet */
	SF_SHAPE_ADDR,	/* addr, op_flags */
	SF_SHAPE_OPENAT,	/* fd, addr, op_flags, len */
	SF_SHAPE_SEND,	/* fd, addr, len, op_flags, off, addr_len */
	SF_SHAPE_SOCKET,	/* fd, off, len */
	SF_SHAPE_SPLICE,	/* fd_in, addr, fd, off, len, op_flags */
	SF_SHAPE_TEE,	/* fd_in, fd, len, op_flags */
	SF_SHAPE_TWO_NAMES,	/* fd, addr, len, off, op_flags */
	SF_SHAPE_SYMLINKAT,	/* addr, fd, off */
	SF_SHAPE_FSETXATTR,	/* fd, addr, off, len, op_flags */
	SF_SHAPE_SETXATTR,	/* addr3, addr, off, len, op_flags */
};

struct sf_uring_op {
	__u16 nr;	/* number of the system call */
	__u8 shape;	/* enum sf_shape */
	__u8 pad;
};

#define SF_URING_OPS	128	/* a power of two over every number in use */

/* Numbers that are used by name. */
#define SF_URING_ACCEPT		13
#define SF_URING_CLOSE		19
#define SF_URING_RECVMSG	10
#define SF_URING_RECV		27
#define SF_URING_MKDIRAT	37
#define SF_URING_CMD		46
#define SF_URING_READ_MULTISHOT	49
#define SF_URING_CMD128		64
#define SF_URING_LAST		64	/* greater ones are not known here */

/* The parts of struct io_uring_sqe that are used. 56 of its 64 bytes. */
struct sf_sqe {
	__u8 opcode;
	__u8 flags;
	__u16 ioprio;
	__s32 fd;
	__u64 off;
	__u64 addr;
	__u32 len;
	__u32 op_flags;
	__u64 user_data;
	__u32 buf;
	__u32 file_index;	/* also addr_len, splice_fd_in */
	__u64 addr3;
};

#define SF_SQE_FIXED_FILE	0x01U	/* IOSQE_FIXED_FILE */
#define SF_SQE_CQE_SKIP		0x40U	/* IOSQE_CQE_SKIP_SUCCESS */
#define SF_SPLICE_FD_FIXED	(1U << 31)	/* SPLICE_F_FD_IN_FIXED */
#define SF_CQE_MORE		0x02U	/* IORING_CQE_F_MORE */
#define SF_SETUP_SQE128		(1U << 10)	/* IORING_SETUP_SQE128 */
#define SF_SETUP_NO_SQARRAY	(1U << 16)	/* IORING_SETUP_NO_SQARRAY */

/* A request between its submission and its completion. */
struct sf_inflight {
	__u64 key;	/* 0: free; SF_SLOT_BUSY: being written */
	__u64 ts;	/* of the submission */
	__u32 pid;
	__u32 tid;	/* who submitted it */
	struct sf_sqe sqe;
};

SF_ASSERT_SIZE(sf_sqe, 56);
SF_ASSERT_SIZE(sf_inflight, 80);

#define SF_SLOT_BUSY	1ULL
#define SF_INFLIGHT	8192U	/* a power of two */
#define SF_INFLIGHT_NEAR	8U	/* slots that a request looks at */

static inline __attribute__((always_inline))
__u32 sf_inflight_slot(__u64 key, __u32 i)
{
	return ((__u32)(key * 0x9E3779B97F4A7C15ULL >> 40) + i) &
	       (SF_INFLIGHT - 1);
}

/*
 * A request that completes more than once is found by its ring and user data:
 * all its completions but the last name no request. Odd, as no address is, and
 * not SF_SLOT_BUSY.
 */
static inline __attribute__((always_inline))
__u64 sf_inflight_again(__u64 ctx, __u64 user_data)
{
	return ((ctx ^ user_data * 0x9E3779B97F4A7C15ULL) << 2) | 3;
}

/* IORING_RECV_MULTISHOT, IORING_ACCEPT_MULTISHOT. */
static inline __attribute__((always_inline))
int sf_sqe_again(const struct sf_sqe *sqe)
{
	switch (sqe->opcode) {
	case SF_URING_RECV:
	case SF_URING_RECVMSG:
		return sqe->ioprio & 2;
	case SF_URING_ACCEPT:
		return sqe->ioprio & 1;
	case SF_URING_READ_MULTISHOT:
		return 1;
	}
	return 0;
}

/*
 * Whether the operation is on files that are registered with the ring and
 * have no descriptor: one that is opened or closed so is not covered, I/O on
 * one names the open file all the same.
 */
static inline __attribute__((always_inline))
int sf_sqe_direct(const struct sf_sqe *sqe)
{
	switch (sqe->opcode) {
	case SF_URING_ACCEPT:
	case SF_URING_CLOSE:
	case 18: /* OPENAT */
	case 28: /* OPENAT2 */
	case 45: /* SOCKET */
	case 62: /* PIPE */
		return sqe->file_index != 0;
	}
	return 0;
}

/* The arguments of the system call that a submission stands for. */
static inline __attribute__((always_inline))
void sf_uring_args(const struct sf_sqe *sqe, __u32 shape, __u64 *arg)
{
	__u64 fd = sqe->flags & SF_SQE_FIXED_FILE ? -1 : (__s64)sqe->fd;
	__u64 fd_in = sqe->op_flags & SF_SPLICE_FD_FIXED ? -1 :
		      (__s64)(__s32)sqe->file_index;
	__u64 flags = sqe->op_flags;

	arg[0] = fd;
	arg[1] = sqe->addr;
	arg[2] = flags;
	arg[3] = 0;
	arg[4] = 0;
	arg[5] = 0;
	switch (shape) {
	case SF_SHAPE_FD:
		arg[1] = 0;
		arg[2] = 0;
		break;
	case SF_SHAPE_FD_ADDR:
		if (sqe->opcode == SF_URING_MKDIRAT)
			arg[2] = sqe->len;
		break;
	case SF_SHAPE_FD_ADDR_OFF:
		arg[2] = sqe->off;
		arg[3] = sqe->len;
		break;
	case SF_SHAPE_FD_LEN:
		arg[1] = sqe->len;
		break;
	case SF_SHAPE_FD_OFF:
		arg[1] = sqe->off;
		break;
	case SF_SHAPE_NO_FD:
		arg[0] = -1;
		break;
	case SF_SHAPE_ADDR:
		arg[0] = sqe->addr;
		arg[1] = flags;
		break;
	case SF_SHAPE_OPENAT:
		arg[3] = sqe->len;
		break;
	case SF_SHAPE_SEND:
		arg[2] = sqe->len;
		arg[3] = flags;
		arg[4] = sqe->off;
		arg[5] = (__u16)sqe->file_index;
		break;
	case SF_SHAPE_SOCKET:
		arg[0] = sqe->fd;
		arg[1] = sqe->off;
		arg[2] = sqe->len;
		break;
	case SF_SHAPE_SPLICE:
		arg[0] = fd_in;
		arg[2] = fd;
		arg[3] = sqe->off;
		arg[4] = sqe->len;
		arg[5] = flags;
		break;
	case SF_SHAPE_TEE:
		arg[0] = fd_in;
		arg[1] = fd;
		arg[2] = sqe->len;
		arg[3] = flags;
		break;
	case SF_SHAPE_TWO_NAMES:
		arg[2] = (__s64)(__s32)sqe->len;
		arg[3] = sqe->off;
		arg[4] = flags;
		break;
	case SF_SHAPE_SYMLINKAT:
		arg[0] = sqe->addr;
		arg[1] = sqe->fd;
		arg[2] = sqe->off;
		break;
	case SF_SHAPE_FSETXATTR:
	case SF_SHAPE_SETXATTR:
		if (shape == SF_SHAPE_SETXATTR)
			arg[0] = sqe->addr3;
		arg[2] = sqe->off;
		arg[3] = sqe->len;
		arg[4] = flags;
		break;
	}
}

#endif /* SYSFLOW_URING_H */
