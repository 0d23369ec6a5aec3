// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * Bytes moved: READ, WRITE, RECV, SEND. The hot path: a call on a file that
 * the ring has described takes no reference and reads no user memory.
 */
#include <linux/socket.h>
#include <linux/uio.h>

#include <sysflow/compat.h>

#include "fd.h"
#include "internal.h"
#include "user.h"

/* One record to be. */
struct sf_io {
	u64 file;
	u64 bytes;
	u32 op;
	u32 ops;
	u32 flags;
	s32 fd;
	s32 error;
	const struct sf_tuple *tuple;	/* or NULL */
};

/*
 * Counts the messages of a sum beyond the first: told by the same record, or
 * lost with it (a record of this size only for want of room).
 */
static noinline void sf_count_sum(struct sf_ring_prod *prod, u64 more,
				  const void *told)
{
	u64 *end = told ? &prod->aggregated[SF_CLASS_IO] :
			  &prod->lost[SF_CAUSE_RING_FULL][SF_CLASS_IO];

	WRITE_ONCE(prod->seen[SF_CLASS_IO], prod->seen[SF_CLASS_IO] + more);
	WRITE_ONCE(*end, *end + more);
}

static __always_inline void sf_emit_io(struct sf_run *run,
				       const struct sf_io *io)
{
	u32 len = io->tuple ? sizeof(struct sf_rec_sockio) :
			      sizeof(struct sf_rec_io);
	struct sf_rec_sockio *rec = sf_reserve(run, io->op, len);

	if (unlikely(io->ops > 1))
		sf_count_sum(run->cpu->ring.prod, io->ops - 1, rec);
	if (!rec)
		return;
	rec->io.file = io->file;
	rec->io.fd = io->fd;
	rec->io.ops = io->ops;
	rec->io.bytes = io->bytes;
	rec->io.first = run->ts;
	rec->io.failed = io->error ? io->ops : 0;
	rec->io.error = io->error;
	if (io->tuple)
		rec->tuple = *io->tuple;
	sf_commit(run, rec, io->op, len,
		  io->flags | (io->tuple ? SF_F_TUPLE : 0));
}

static __always_inline struct sf_io sf_io_of(const struct sf_call *call,
					     u64 file)
{
	return (struct sf_io){
		.file = file,
		.op = call->sc->op,
		.ops = 1,
		.bytes = call->ret > 0 ? call->ret : 0,
		.fd = call->arg[call->sc->a],
		.error = call->ret < 0 ? call->ret : 0,
	};
}

static bool sf_is_mmsg(const struct sf_call *call)
{
	return call->sc->how == SF_HOW_MSGIO && call->sc->c == SF_ADDR_MMSG;
}

/*
 * Tells what a pinned file is, unless this ring has done so. SF_KIND_NONE:
 * the description was lost.
 */
enum sf_kind sf_kind_told(struct sf_run *run, struct file *file, int fd)
{
	enum sf_kind kind = sf_described_kind(run->cpu, file);
	struct sock *sk;

	if (kind != SF_KIND_NONE)
		return kind;
	sf_ring_see(run->cpu->ring.prod, SF_CLASS_DESCRIBE);
	sk = sf_file_sock(file);
	if (sk)
		return sf_describe_sock(run, file, sk, fd) ? sf_sock_kind(sk) :
							     SF_KIND_NONE;
	if (!sf_describe_file(run, file, fd)) {
		sf_described_drop(run->cpu, file);
		return SF_KIND_NONE;
	}
	sf_described_set(run->cpu, file, SF_KIND_FILE);
	return SF_KIND_FILE;
}

/* What is used of struct msghdr and struct mmsghdr. */
struct sf_msg {
	unsigned long name;
	int namelen;
	u32 len;
};

static bool sf_read_msg(struct sf_msg *to, const struct sf_call *call)
{
	unsigned long at = call->arg[call->sc->b];
	struct sf_msghdr32 m32;
	struct user_msghdr m;

	if (call->compat) {
		if (sf_user_copy(&m32, at, sizeof(m32)) != sizeof(m32))
			return false;
		*to = (struct sf_msg){ m32.name, m32.namelen, 0 };
		return true;
	}
	if (sf_user_copy(&m, at, sizeof(m)) != sizeof(m))
		return false;
	*to = (struct sf_msg){ (unsigned long)m.msg_name, m.msg_namelen, 0 };
	return true;
}

/* The i-th message of sendmmsg(2) or recvmmsg(2). */
static bool sf_read_mmsg(struct sf_msg *to, const struct sf_call *call, u32 i)
{
	unsigned long at = call->arg[call->sc->b];
	struct sf_mmsghdr32 m32;
	struct mmsghdr m;

	if (call->compat) {
		if (sf_user_copy(&m32, at + i * sizeof(m32), sizeof(m32)) !=
		    sizeof(m32))
			return false;
		*to = (struct sf_msg){ m32.hdr.name, m32.hdr.namelen, m32.len };
		return true;
	}
	if (sf_user_copy(&m, at + i * sizeof(m), sizeof(m)) != sizeof(m))
		return false;
	*to = (struct sf_msg){ (unsigned long)m.msg_hdr.msg_name,
			       m.msg_hdr.msg_namelen, m.msg_len };
	return true;
}

/* Messages that a call moved: UIO_MAXIOV is the kernel's own limit. */
static u32 sf_mmsg_count(const struct sf_call *call)
{
	return call->ret > 0 ? min_t(long, call->ret, UIO_MAXIOV) : 0;
}

/* Several messages to one peer: one sum. */
static void sf_emit_mmsg_sum(struct sf_run *run, const struct sf_call *call,
			     struct sf_io *io)
{
	u32 i, n = sf_mmsg_count(call);
	struct sf_msg m;

	io->bytes = 0;
	io->ops = max(n, 1U);
	for (i = 0; i < n; i++) {
		if (!sf_read_mmsg(&m, call, i)) {
			io->flags |= SF_F_FAULT;
			break;
		}
		io->bytes += m.len;
	}
	sf_emit_io(run, io);
}

static u32 sf_msg_peer(const struct sf_msg *m, struct sf_tuple *tuple)
{
	return sf_sock_user_addr(tuple, SF_END_PEER, m->name, m->namelen);
}

/* Several messages, each with its own peer: a record each. */
static void sf_emit_mmsg_each(struct sf_run *run, const struct sf_call *call,
			      struct sf_io *io, const struct sf_tuple *sock)
{
	u32 i, n = sf_mmsg_count(call);
	struct sf_tuple tuple;
	struct sf_msg m;

	io->tuple = &tuple;
	for (i = 0; i < n; i++) {
		if (i)
			sf_ring_see(run->cpu->ring.prod, SF_CLASS_IO);
		tuple = *sock;
		if (sf_read_mmsg(&m, call, i)) {
			io->flags = sf_msg_peer(&m, &tuple);
			io->bytes = m.len;
		} else {
			io->flags = SF_F_FAULT;
			io->bytes = 0;
		}
		sf_emit_io(run, io);
	}
}

/* The address that the call named, or was told, in the place of the peer. */
static u32 sf_call_peer(const struct sf_call *call, struct sf_tuple *tuple)
{
	bool recv = call->sc->op == SF_OP_RECV;
	unsigned long at = call->arg[call->sc->b];
	struct sf_msg m;
	int len;

	/* A receive that failed has not written an address. */
	if (!at || (recv && call->ret < 0))
		return 0;
	if (call->sc->c == SF_ADDR_MSG) {
		if (!sf_read_msg(&m, call))
			return SF_F_FAULT;
		return sf_msg_peer(&m, tuple);
	}
	len = call->arg[5];
	if (recv &&
	    sf_user_copy(&len, call->arg[5], sizeof(len)) != sizeof(len))
		return SF_F_FAULT;
	return sf_sock_user_addr(tuple, SF_END_PEER, at, len);
}

static void sf_emit_dgram(struct sf_run *run, const struct sf_call *call,
			  struct sf_io *io, const struct sock *sk)
{
	struct sf_tuple tuple;

	sf_sock_tuple(&tuple, sk);
	if (sf_is_mmsg(call) && call->ret > 0) {
		sf_emit_mmsg_each(run, call, io, &tuple);
		return;
	}
	if (call->sc->how == SF_HOW_MSGIO && !sf_is_mmsg(call))
		io->flags = sf_call_peer(call, &tuple);
	io->tuple = &tuple;
	sf_emit_io(run, io);
}

/* A file not yet described, a datagram socket, several messages, or no file. */
static noinline void sf_tell_io_slow(struct sf_run *run,
				     const struct sf_call *call)
{
	int fd = call->arg[call->sc->a];
	struct sf_pin pin = sf_pin_call(call);
	struct sf_io io = sf_io_of(call, 0);
	enum sf_kind kind;
	struct sock *sk;

	if (!pin.file) {
		sf_emit_io(run, &io);
		return;
	}
	kind = sf_kind_told(run, pin.file, fd);
	io.file = sf_identity(pin.file);
	sk = kind == SF_KIND_DGRAM ? sf_file_sock(pin.file) : NULL;
	if (kind == SF_KIND_NONE)
		sf_lose(run, SF_CLASS_IO, SF_CAUSE_RING_FULL);
	else if (sk)
		sf_emit_dgram(run, call, &io, sk);
	else if (sf_is_mmsg(call))
		sf_emit_mmsg_sum(run, call, &io);
	else
		sf_emit_io(run, &io);
	sf_unpin(&pin);
}

static __always_inline void sf_tell_io_any(struct sf_run *run,
					   const struct sf_call *call)
{
	const struct file *file = call->file ?:
				  sf_fd_file(call->arg[call->sc->a]);
	enum sf_kind kind = SF_KIND_NONE;

	if (likely(file))
		kind = sf_described_kind(run->cpu, file);
	if (likely(kind == SF_KIND_FILE || kind == SF_KIND_STREAM)) {
		struct sf_io io = sf_io_of(call, sf_identity(file));

		sf_emit_io(run, &io);
	} else {
		sf_tell_io_slow(run, call);
	}
}

void sf_tell_io(struct sf_run *run, const struct sf_call *call)
{
	sf_tell_io_any(run, call);
}

void sf_tell_msgio(struct sf_run *run, const struct sf_call *call)
{
	if (unlikely(sf_is_mmsg(call)))
		sf_tell_io_slow(run, call);
	else
		sf_tell_io_any(run, call);
}
