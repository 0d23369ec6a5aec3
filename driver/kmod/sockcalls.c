// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * Records of sockets: the operations of class NET, and DESCRIBE_SOCKET.
 */
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <net/sock.h>

#include "fd.h"
#include "internal.h"
#include "sock.h"
#include "user.h"

/* What a record of a socket tells beside the socket itself. */
struct sf_sock_event {
	u32 op;
	int fd;
	int ret;
	int listen_fd;
	struct sf_tuple tuple;
	struct sf_str name;
	u32 flags;
};

/* file and sk are NULL when the call gave or found none. False: lost. */
static bool sf_emit_sock(struct sf_run *run, const struct sf_sock_event *ev,
			 const struct file *file, const struct sock *sk)
{
	u32 len = sizeof(struct sf_rec_sock) + ev->name.len;
	struct sf_rec_sock *rec = sf_reserve(run, ev->op, len);

	if (!rec)
		return false;
	rec->file = file ? sf_identity(file) : 0;
	rec->ino = file && sk ? file_inode(file)->i_ino : 0;
	rec->fd = ev->fd;
	rec->ret = ev->ret;
	rec->tuple = ev->tuple;
	rec->listen_fd = ev->listen_fd;
	rec->state = sk ? sk->sk_state : 0;
	rec->path_len = ev->name.len;
	memcpy(rec + 1, ev->name.s, ev->name.len);
	sf_commit(run, rec, ev->op, len, ev->flags | ev->name.flags);
	return true;
}

/* An event that describes the socket too. */
static bool sf_emit_sock_described(struct sf_run *run,
				   const struct sf_sock_event *ev,
				   const struct file *file,
				   const struct sock *sk)
{
	if (!sf_emit_sock(run, ev, file, sk)) {
		sf_described_drop(run->cpu, file);
		return false;
	}
	if (sf_sock_final(sk))
		sf_described_set(run->cpu, file, sf_sock_kind(sk));
	else
		sf_described_drop(run->cpu, file);
	return true;
}

/* An event on a descriptor: of its socket, or of the call alone. */
static void sf_emit_sock_of(struct sf_run *run, const struct sf_sock_event *ev,
			    const struct sf_pin *pin, const struct sock *sk)
{
	if (sk)
		sf_emit_sock_described(run, ev, pin->file, sk);
	else
		sf_emit_sock(run, ev, pin->file, NULL);
}

/* What a socket says of itself. */
static void sf_sock_look(struct sf_sock_event *ev, const struct sock *sk)
{
	if (!sk)
		return;
	sf_sock_tuple(&ev->tuple, sk);
	ev->name = sf_unix_name(sk);
}

bool sf_describe_sock(struct sf_run *run, struct file *file, struct sock *sk,
		      int fd)
{
	struct sf_sock_event ev = {
		.op = SF_OP_DESCRIBE_SOCKET,
		.fd = fd,
		.listen_fd = -1,
		.name = sf_unix_name(sk),
	};

	sf_sock_tuple(&ev.tuple, sk);
	return sf_emit_sock_described(run, &ev, file, sk);
}

void sf_tell_socket(struct sf_run *run, const struct sf_call *call)
{
	struct sf_sock_event ev = {
		.op = SF_OP_SOCKET,
		.fd = -1,
		.ret = call->ret,
		.listen_fd = -1,
		/* Until the socket says it better. */
		.tuple.family = call->arg[0],
		.tuple.type = call->arg[1] & SOCK_TYPE_MASK,
		.tuple.proto = call->arg[2],
	};
	struct sf_pin pin = {};
	struct sock *sk = NULL;

	if (call->ret >= 0) {
		ev.fd = call->ret;
		pin = sf_pin_fd(call->ret);
		sk = sf_file_sock(pin.file);
	}
	if (sk) {
		sf_sock_tuple(&ev.tuple, sk);
		sf_emit_sock_described(run, &ev, pin.file, sk);
	} else {
		sf_emit_sock(run, &ev, NULL, NULL);
	}
	sf_unpin(&pin);
}

/*
 * The name that a socket of AF_UNIX was connected to: the peer's, or what the
 * call said, when there is no peer or none that can be read without a lock.
 */
static struct sf_str sf_unix_connected(struct sf_run *run,
				       const struct sf_call *call,
				       const struct sock *sk)
{
	const struct sock *peer = sf_unix_stream_peer(sk);
	struct sf_str name = {};

	if (call->ret >= 0 && peer)
		name = sf_unix_bound(peer);
	if (!name.len)
		name = sf_unix_user_name(run, call->arg[call->sc->b],
					 call->arg[call->sc->c]);
	return name;
}

/*
 * The address that connect(2) or bind(2) was given, in the place of one end.
 * Without a socket it says its own family.
 */
static void sf_sock_asked(struct sf_run *run, const struct sf_call *call,
			  struct sf_sock_event *ev, enum sf_end end)
{
	unsigned long addr = call->arg[call->sc->b];
	int len = call->arg[call->sc->c];
	sa_family_t family = ev->tuple.family;

	if (!family && len >= (int)sizeof(family) &&
	    sf_user_copy(&family, addr, sizeof(family)) != sizeof(family))
		ev->flags |= SF_F_FAULT;
	if (family == AF_UNIX) {
		ev->tuple.family = family;
		ev->name = sf_unix_user_name(run, addr, len);
	} else {
		ev->flags |= sf_sock_user_addr(&ev->tuple, end, addr, len);
	}
}

void sf_tell_connect(struct sf_run *run, const struct sf_call *call)
{
	struct sf_sock_event ev = {
		.op = SF_OP_CONNECT,
		.fd = call->arg[call->sc->a],
		.ret = call->ret,
		.listen_fd = -1,
	};
	struct sf_pin pin = sf_pin_call(call);
	struct sock *sk = sf_file_sock(pin.file);

	if (sk)
		sf_sock_tuple(&ev.tuple, sk);
	if (sk && sk->sk_family == AF_UNIX)
		ev.name = sf_unix_connected(run, call, sk);
	else if (call->ret < 0 && !ev.tuple.rport)
		sf_sock_asked(run, call, &ev, SF_END_PEER);
	sf_emit_sock_of(run, &ev, &pin, sk);
	sf_unpin(&pin);
}

/* Without a new socket, the tuple is the listening one's. */
static void sf_emit_accept_failed(struct sf_run *run, const struct sf_call *call,
				  struct sf_sock_event *ev)
{
	struct sf_pin pin = sf_pin_call(call);
	const struct sock *sk = sf_file_sock(pin.file);

	sf_sock_look(ev, sk);
	sf_emit_sock(run, ev, NULL, sk);
	sf_unpin(&pin);
}

void sf_tell_accept(struct sf_run *run, const struct sf_call *call)
{
	struct sf_sock_event ev = {
		.op = SF_OP_ACCEPT,
		.fd = -1,
		.ret = call->ret,
		.listen_fd = call->arg[call->sc->a],
	};
	struct sf_pin pin = {};
	struct sock *sk = NULL;

	if (call->ret >= 0) {
		ev.fd = call->ret;
		pin = sf_pin_fd(call->ret);
		sk = sf_file_sock(pin.file);
	}
	sf_sock_look(&ev, sk);
	if (sk)
		sf_emit_sock_described(run, &ev, pin.file, sk);
	else
		sf_emit_accept_failed(run, call, &ev);
	sf_unpin(&pin);
}

/* A packet socket keeps what it is bound to where a module cannot see it. */
void sf_tell_bind(struct sf_run *run, const struct sf_call *call)
{
	struct sf_sock_event ev = {
		.op = SF_OP_BIND,
		.fd = call->arg[call->sc->a],
		.ret = call->ret,
		.listen_fd = -1,
	};
	struct sf_pin pin = sf_pin_call(call);
	struct sock *sk = sf_file_sock(pin.file);

	sf_sock_look(&ev, sk);
	if (call->ret < 0 || ev.tuple.family == AF_PACKET)
		sf_sock_asked(run, call, &ev, SF_END_LOCAL);
	sf_emit_sock_of(run, &ev, &pin, sk);
	sf_unpin(&pin);
}

/* LISTEN, SHUTDOWN. */
void sf_tell_socknum(struct sf_run *run, const struct sf_call *call)
{
	struct sf_sock_event ev = {
		.op = call->sc->op,
		.fd = call->arg[call->sc->a],
		.ret = call->ret,
		.listen_fd = call->arg[call->sc->b],
	};
	struct sf_pin pin = sf_pin_call(call);
	struct sock *sk = sf_file_sock(pin.file);

	sf_sock_look(&ev, sk);
	sf_emit_sock_of(run, &ev, &pin, sk);
	sf_unpin(&pin);
}

/* One of the two, or what was asked for when it is not there. */
static void sf_emit_pair_end(struct sf_run *run, struct sf_sock_event *ev)
{
	struct sf_tuple asked = ev->tuple;
	struct sf_pin pin = {};
	struct sock *sk;

	if (ev->fd >= 0)
		pin = sf_pin_fd(ev->fd);
	sk = sf_file_sock(pin.file);
	if (sk) {
		sf_sock_tuple(&ev->tuple, sk);
		sf_emit_sock_described(run, ev, pin.file, sk);
	} else {
		sf_emit_sock(run, ev, NULL, NULL);
	}
	ev->tuple = asked;
	sf_unpin(&pin);
}

void sf_tell_pair(struct sf_run *run, const struct sf_call *call)
{
	struct sf_sock_event ev = {
		.op = SF_OP_SOCKETPAIR,
		.fd = -1,
		.ret = call->ret,
		.listen_fd = -1,
		.tuple.family = call->arg[call->sc->a],
		.tuple.type = call->arg[call->sc->b] & SOCK_TYPE_MASK,
		.tuple.proto = call->arg[call->sc->c],
	};
	int fds[2] = { -1, -1 };

	if (call->ret >= 0) {
		ev.flags = SF_F_USER;
		if (sf_user_copy(fds, call->arg[call->sc->c + 1],
				 sizeof(fds)) != sizeof(fds)) {
			fds[0] = -1;
			fds[1] = -1;
			ev.flags |= SF_F_FAULT;
		}
		ev.fd = fds[0];
		sf_emit_pair_end(run, &ev);
		sf_ring_see(run->cpu->ring.prod, SF_CLASS_NET);
		ev.fd = fds[1];
	}
	sf_emit_pair_end(run, &ev);
}
