/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Bytes moved. sf_io() is the hot path of the whole driver: no call, no lock,
 * no user memory unless the file is new to the ring or a datagram socket.
 */
#ifndef SYSFLOW_BPF_IO_H
#define SYSFLOW_BPF_IO_H

#include <sysflow/compat.h>
#include "sock.h"

#define SF_MMSG_MAX	1024	/* UIO_MAXIOV: the kernel takes no more */

static __always_inline void sf_io_fill(struct sf_rec_io *rec, struct sf_who who,
				       __u64 file, __s32 fd, __s64 ret)
{
	rec->file = sf_identity(file);
	rec->fd = fd;
	rec->ops = 1;
	rec->bytes = ret > 0 ? ret : 0;
	rec->first = who.ts;
	rec->failed = ret < 0;
	rec->error = ret < 0 ? ret : 0;
}

/* One operation with a plain record. */
static __always_inline void sf_io_emit(struct sf_here *here, struct sf_who who,
				       __u32 op, __u64 file, __s32 fd, __s64 ret)
{
	struct sf_rec_io *rec = sf_record(here, who, op, sizeof(*rec), 0);

	if (!rec)
		return;
	sf_io_fill(rec, who, file, fd, ret);
	sf_publish(here, op, sizeof(*rec));
}

/* What the ring knows of a file, SF_KIND_NONE when it was not told. */
static __always_inline __u32 sf_io_known(struct sf_here *here, __u64 file)
{
	struct sf_described *slot = &here->cpu->described[sf_described_slot(file)];

	if (slot->file == file && slot->ino == sf_ino_of(file))
		return slot->kind;
	return SF_KIND_NONE;
}

/* The same; describes it first where need be. */
static __always_inline __u32 sf_io_kind(struct sf_here *here, struct sf_who who,
					__u64 file, __s32 fd)
{
	__u32 kind = sf_io_known(here, file);

	if (kind != SF_KIND_NONE)
		return kind;
	sf_keep_who(here->cpu, who);
	return sf_describe(file, fd);
}

/* The same for cpu->call, where the stack is deep already: without a frame of
 * its own. Kernels before 6.8 count all frames together. */
static __always_inline __u32 sf_call_kind(struct sf_here *here, __u64 file,
					  __s32 fd)
{
	__u32 kind = sf_io_known(here, file);

	return kind != SF_KIND_NONE ? kind : sf_describe_here(here, file, fd);
}

/* Whether structures of user memory are 32-bit. */
static __always_inline int sf_is_compat(const struct sf_call *call)
{
	return call->who.flags & SF_F_COMPAT;
}

/* User address of the sockaddr of message i, 0 when the call gave none. */
static __always_inline __u64 sf_msg_name(const struct sf_call *call, __u32 i)
{
	__u64 addr = call->arg[call->row.b & 7], name = 0;

	if (call->row.how != SF_HOW_MSGIO)
		return 0;
	if (call->row.c == SF_ADDR_NAME)
		return addr;
	if (!addr)
		return 0;
	/* The name is the first member of both. */
	if (sf_is_compat(call)) {
		addr += (__u64)i * sizeof(struct sf_mmsghdr32);
		bpf_probe_read_user(&name, sizeof(__u32), (void *)addr);
	} else {
		addr += (__u64)i * SF_MMSGHDR_SIZE;
		bpf_probe_read_user(&name, sizeof(name), (void *)addr);
	}
	return name;
}

/* Bytes of message i of recvmmsg or sendmmsg. */
static __always_inline __u32 sf_mmsg_len(const struct sf_call *call, __u32 i,
					 __u32 *flags)
{
	__u64 addr = call->arg[call->row.b & 7];
	__u32 len = 0;

	if (sf_is_compat(call))
		addr += i * sizeof(struct sf_mmsghdr32) +
			__builtin_offsetof(struct sf_mmsghdr32, len);
	else
		addr += (__u64)i * SF_MMSGHDR_SIZE + SF_MMSGHDR_LEN;
	if (bpf_probe_read_user(&len, sizeof(len), (void *)addr))
		*flags |= SF_F_FAULT;
	return len;
}

/* Whether the call moved several messages. */
static __always_inline int sf_is_mmsg(const struct sf_call *call)
{
	return call->row.how == SF_HOW_MSGIO && call->row.c == SF_ADDR_MMSG &&
	       call->ret > 0;
}

/* The record of message i on a datagram socket, whose own ends are in
 * cpu->sock. */
__noinline int sf_dgram_one(__u32 i)
{
	struct sf_rec_sockio *rec;
	struct sf_call *call;
	struct sf_here here;
	__u32 flags = SF_F_TUPLE;
	__u64 name;
	__s64 ret;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	ret = call->ret;
	if (sf_is_mmsg(call))
		ret = sf_mmsg_len(call, i, &flags);
	rec = sf_record(&here, sf_who_of(here.cpu), call->row.op, sizeof(*rec), 0);
	if (!rec)
		return 0;
	sf_io_fill(&rec->io, sf_who_of(here.cpu), call->file, call->arg[0], ret);
	sf_copy_tuple(&rec->tuple, &here.cpu->sock.tuple);
	name = sf_msg_name(call, i);
	/* A receive that failed has written no address. */
	if (name && (ret >= 0 || call->row.op == SF_OP_SEND))
		flags |= sf_addr_user(&rec->tuple, 0, name);
	rec->io.h.flags = sf_flags(sf_who_of(here.cpu), SF_OP_SEND, flags);
	sf_publish(&here, call->row.op, sizeof(*rec));
	return 1;
}

/* I/O on a datagram socket: a record for each message. */
__noinline int sf_dgram(void)
{
	struct sf_ring_prod *prod;
	struct sf_here here;
	__u32 i, n = 1;

	if (!sf_here(&here))
		return 0;
	sf_sock_read(here.cpu->call.file, 0);
	if (sf_is_mmsg(&here.cpu->call))
		n = here.cpu->call.ret;
	if (n > SF_MMSG_MAX)
		n = SF_MMSG_MAX;
	prod = here.ring.prod;
	SF_WRITE(prod->seen[SF_CLASS_IO], prod->seen[SF_CLASS_IO] + n - 1);
	for (i = 0; i < SF_MMSG_MAX; i++) {
		if (i >= n)
			break;
		sf_dgram_one(i);
	}
	return 0;
}

/* Adds message i to the sum. A function of its own, and the sum in memory, so
 * that the verifier sees every turn of the loop as the same. */
__noinline int sf_mmsg_add(__u32 i)
{
	struct sf_here here;
	__u32 flags = 0;

	if (!sf_here(&here))
		return 0;
	here.cpu->mmsg_bytes += sf_mmsg_len(&here.cpu->call, i, &flags);
	return flags;
}

/* Several messages on a connected stream: one record is their sum. */
__noinline int sf_stream_mmsg(void)
{
	__u32 i, n, flags = 0;
	struct sf_ring_prod *prod;
	struct sf_rec_io *rec;
	struct sf_call *call;
	struct sf_here here;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	prod = here.ring.prod;
	here.cpu->mmsg_bytes = 0;
	n = call->ret;
	if (n > SF_MMSG_MAX)
		n = SF_MMSG_MAX;
	for (i = 0; i < SF_MMSG_MAX; i++) {
		if (i >= n)
			break;
		flags = sf_mmsg_add(i);
		if (flags)
			break;
	}
	flags &= SF_F_FAULT;
	SF_WRITE(prod->seen[SF_CLASS_IO], prod->seen[SF_CLASS_IO] + n - 1);
	rec = sf_record(&here, sf_who_of(here.cpu), call->row.op, sizeof(*rec), flags);
	if (!rec) {
		__u64 *lost = &prod->lost[SF_CAUSE_RING_FULL][SF_CLASS_IO];

		SF_WRITE(*lost, *lost + n - 1);
		return 0;
	}
	sf_io_fill(rec, sf_who_of(here.cpu), call->file, call->arg[0],
		   here.cpu->mmsg_bytes);
	rec->ops = n;
	SF_WRITE(prod->aggregated[SF_CLASS_IO],
		 prod->aggregated[SF_CLASS_IO] + n - 1);
	sf_publish(&here, call->row.op, sizeof(*rec));
	return 1;
}

#endif /* SYSFLOW_BPF_IO_H */
