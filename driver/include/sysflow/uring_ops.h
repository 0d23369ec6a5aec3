/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Operations of io_uring: which system call each stands for, and how its
 * arguments lie in the submission (struct io_uring_sqe). What becomes of it
 * says the row of that call in syscalls.h. Numbers are those of
 * include/uapi/linux/io_uring.h, which never change. Included where a table is
 * made, with SF_URING(number, name, shape) defined.
 *
 * Not here, because they move nothing between a process and the world that a
 * record would tell: NOP, FSYNC, POLL_*, TIMEOUT*, ASYNC_CANCEL,
 * LINK_TIMEOUT, FALLOCATE, FILES_UPDATE, STATX, FADVISE, MADVISE, EPOLL_*,
 * *_BUFFERS, MSG_RING, FGETXATTR, GETXATTR, WAITID, FUTEX_*. URING_CMD (46, 64)
 * is a device's own language, and counted as not covered.
 */
#ifndef SF_URING
#error "define SF_URING(number, name, shape) before including uring_ops.h"
#endif

SF_URING(1,	readv,		FD)
SF_URING(2,	writev,		FD)
SF_URING(4,	read,		FD)	/* READ_FIXED */
SF_URING(5,	write,		FD)	/* WRITE_FIXED */
SF_URING(9,	sendmsg,	FD_ADDR)
SF_URING(10,	recvmsg,	FD_ADDR)
SF_URING(13,	accept4,	FD_ADDR)
SF_URING(16,	connect,	FD_ADDR_OFF)
SF_URING(18,	openat,		OPENAT)
SF_URING(19,	close,		FD)
SF_URING(22,	read,		FD)
SF_URING(23,	write,		FD)
SF_URING(26,	sendto,		SEND)
SF_URING(27,	recvfrom,	FD)
SF_URING(28,	openat2,	FD_ADDR_OFF)
SF_URING(30,	splice,		SPLICE)
SF_URING(33,	tee,		TEE)
SF_URING(34,	shutdown,	FD_LEN)
SF_URING(35,	renameat2,	TWO_NAMES)
SF_URING(36,	unlinkat,	FD_ADDR)
SF_URING(37,	mkdirat,	FD_ADDR)
SF_URING(38,	symlinkat,	SYMLINKAT)
SF_URING(39,	linkat,		TWO_NAMES)
SF_URING(41,	fsetxattr,	FSETXATTR)
SF_URING(42,	setxattr,	SETXATTR)
SF_URING(45,	socket,		SOCKET)
SF_URING(47,	sendto,		SEND)	/* SEND_ZC */
SF_URING(48,	sendmsg,	FD_ADDR)	/* SENDMSG_ZC */
SF_URING(49,	read,		FD)	/* READ_MULTISHOT */
SF_URING(54,	dup,		NO_FD)	/* FIXED_FD_INSTALL */
SF_URING(55,	ftruncate,	FD_OFF)
SF_URING(56,	bind,		FD_ADDR_OFF)
SF_URING(57,	listen,		FD_LEN)
SF_URING(58,	recvfrom,	FD)	/* RECV_ZC */
SF_URING(60,	readv,		FD)	/* READV_FIXED */
SF_URING(61,	writev,		FD)	/* WRITEV_FIXED */
SF_URING(62,	pipe2,		ADDR)

#undef SF_URING
