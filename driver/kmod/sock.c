// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * Sockets: the operations of class NET, DESCRIBE_SOCKET, and the two ends.
 *
 * A socket's fields are read without its lock, which a thread on another CPU
 * can hold. The sock lives while its file is pinned; an address that is being
 * set at this moment can be read half.
 */
#include <linux/fs.h>
#include <linux/in.h>
#include <linux/if_packet.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/socket.h>
#include <linux/un.h>
#include <net/af_unix.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "fd.h"
#include "internal.h"
#include "user.h"

static bool sf_sock_inet(const struct sock *sk)
{
	return sk->sk_family == AF_INET || sk->sk_family == AF_INET6;
}

/* A raw socket of IP names its peer with each message too. */
enum sf_kind sf_sock_kind(const struct sock *sk)
{
	if (sk->sk_family == AF_NETLINK || sk->sk_family == AF_PACKET)
		return SF_KIND_DGRAM;
	if (sf_sock_inet(sk) &&
	    (sk->sk_type == SOCK_DGRAM || sk->sk_type == SOCK_RAW))
		return SF_KIND_DGRAM;
	return SF_KIND_STREAM;
}

/*
 * The peer of a connected stream of AF_UNIX, or NULL. Once set it stays, and
 * is held, until the socket itself is released, which its pinned file
 * prevents. A datagram socket's peer can be replaced and freed meanwhile.
 */
static const struct sock *sf_unix_stream_peer(const struct sock *sk)
{
#if IS_ENABLED(CONFIG_UNIX)
	if (sk->sk_family == AF_UNIX && sk->sk_type != SOCK_DGRAM)
		return READ_ONCE(unix_sk(sk)->peer);
#endif
	return NULL;
}

/*
 * Whether what was told of a socket stays true. A stream without a peer gets
 * one by connect(2), and must be described again.
 */
static bool sf_sock_final(const struct sock *sk)
{
	if (sf_sock_kind(sk) == SF_KIND_DGRAM)
		return true;
	if (sf_sock_inet(sk))
		return READ_ONCE(sk->sk_dport);
	if (sk->sk_family == AF_UNIX && sk->sk_type != SOCK_DGRAM)
		return sf_unix_stream_peer(sk);
	return true;
}

/*
 * A socket that is connected and not bound may have its address only in the
 * field that goes into packets.
 */
static void sf_sock_local(struct sf_tuple *t, const struct sock *sk)
{
	if (sk->sk_family == AF_INET) {
		__be32 addr = sk->sk_rcv_saddr;

		if (!addr)
			addr = inet_sk(sk)->inet_saddr;
		memcpy(t->laddr, &addr, sizeof(addr));
#if IS_ENABLED(CONFIG_IPV6)
	} else {
		struct in6_addr addr = sk->sk_v6_rcv_saddr;

		if (ipv6_addr_any(&addr) && inet6_sk(sk))
			addr = inet6_sk(sk)->saddr;
		memcpy(t->laddr, &addr, sizeof(addr));
#endif
	}
}

void sf_sock_tuple(struct sf_tuple *t, const struct sock *sk)
{
	memset(t, 0, sizeof(*t));
	t->family = sk->sk_family;
	t->type = sk->sk_type;
	t->proto = sk->sk_protocol;
	if (sk->sk_family == AF_NETLINK)
		sf_netlink_ends(t, sk);
	if (!sf_sock_inet(sk))
		return;
	t->lport = sk->sk_num;
	t->rport = ntohs(sk->sk_dport);
	sf_sock_local(t, sk);
	if (sk->sk_family == AF_INET)
		memcpy(t->raddr, &sk->sk_daddr, 4);
#if IS_ENABLED(CONFIG_IPV6)
	else
		memcpy(t->raddr, &sk->sk_v6_daddr, 16);
#endif
}

/* An address as user memory has it, and as a tuple has it. */
union sf_sockaddr {
	sa_family_t family;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_nl nl;
	struct sockaddr_ll ll;
};

struct sf_addr {
	u8 bytes[16];
	u16 port;
};

/* False: not an address of this family, or too short for one. */
static bool sf_addr_of(struct sf_addr *to, const union sf_sockaddr *a,
		       int family, int len)
{
	static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->family == AF_INET && family == AF_INET) {
		memcpy(to->bytes, &a->in.sin_addr, 4);
		to->port = ntohs(a->in.sin_port);
	} else if (a->family == AF_INET && family == AF_INET6) {
		memcpy(to->bytes, mapped, 12);
		memcpy(to->bytes + 12, &a->in.sin_addr, 4);
		to->port = ntohs(a->in.sin_port);
	} else if (a->family == AF_INET6 && family == AF_INET6 &&
		   len >= offsetofend(struct sockaddr_in6, sin6_addr)) {
		memcpy(to->bytes, &a->in6.sin6_addr, 16);
		to->port = ntohs(a->in6.sin6_port);
	} else if (a->family == AF_NETLINK && family == AF_NETLINK) {
		memcpy(to->bytes, &a->nl.nl_pid, 4);
		memcpy(to->bytes + 4, &a->nl.nl_groups, 4);
	} else if (a->family == AF_PACKET && family == AF_PACKET) {
		memcpy(to->bytes, &a->ll.sll_ifindex, 4);
		memcpy(to->bytes + 4, a->ll.sll_addr, 8);
		to->port = ntohs(a->ll.sll_protocol);
	} else {
		return false;
	}
	return true;
}

/*
 * Puts the address in user memory, of len bytes, in the place of one end.
 * Returns SF_F_USER when it did, SF_F_FAULT when it could not read, 0 when
 * there is no address of the socket's family. Without a socket (family 0) any
 * family will do.
 */
u32 sf_sock_user_addr(struct sf_tuple *t, enum sf_end end, unsigned long uaddr,
		      int len)
{
	union sf_sockaddr a = {};
	struct sf_addr addr = {};
	int family;

	/* The shortest: struct sockaddr_nl. */
	if (!uaddr || len < (int)sizeof(struct sockaddr_nl))
		return 0;
	len = min_t(int, len, sizeof(a));
	if (sf_user_copy(&a, uaddr, len) != len)
		return SF_F_FAULT;
	family = t->family ?: a.family;
	if (!sf_addr_of(&addr, &a, family, len))
		return 0;
	t->family = family;
	if (end == SF_END_PEER) {
		memcpy(t->raddr, addr.bytes, sizeof(t->raddr));
		t->rport = addr.port;
	} else {
		memcpy(t->laddr, addr.bytes, sizeof(t->laddr));
		t->lport = addr.port;
	}
	return SF_F_USER;
}

/* A name of AF_UNIX without what follows its end. */
static u32 sf_sun_len(const char *path, int len)
{
	len = clamp_t(int, len, 0, SF_SUN_PATH_MAX);
	return len && path[0] ? strnlen(path, len) : len;
}

/* The name that a socket of AF_UNIX is bound to, or none. */
static struct sf_str sf_unix_bound(const struct sock *sk)
{
	struct sf_str name = {};
#if IS_ENABLED(CONFIG_UNIX)
	const struct unix_address *addr;

	/* Set once in a socket's life, complete by then, and freed with it. */
	addr = smp_load_acquire(&unix_sk(sk)->addr);
	if (addr) {
		name.s = addr->name->sun_path;
		name.len = sf_sun_len(name.s, addr->len -
				      offsetof(struct sockaddr_un, sun_path));
	}
#endif
	return name;
}

/*
 * A socket of AF_UNIX is known by one name: its own (an accepted one shares
 * that of the listening one), else its peer's.
 */
static struct sf_str sf_unix_name(const struct sock *sk)
{
	const struct sock *peer;
	struct sf_str name;

	if (sk->sk_family != AF_UNIX)
		return (struct sf_str){};
	name = sf_unix_bound(sk);
	peer = sf_unix_stream_peer(sk);
	if (!name.len && peer)
		name = sf_unix_bound(peer);
	return name;
}

/* The name given to connect(2), in the CPU's scratch. */
static struct sf_str sf_unix_user_name(struct sf_run *run, unsigned long uaddr,
				       int len)
{
	struct sockaddr_un *un = (void *)run->cpu->scratch->path;
	struct sf_str name = { .s = un->sun_path, .flags = SF_F_USER };

	len = clamp_t(int, len, 0, sizeof(*un));
	if (sf_user_copy(un, uaddr, len) != len)
		name.flags |= SF_F_FAULT;
	else if (len > sizeof(sa_family_t) && un->sun_family == AF_UNIX)
		name.len = sf_sun_len(un->sun_path, len - sizeof(sa_family_t));
	return name;
}

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
	if (sk)
		sf_emit_sock_described(run, &ev, pin.file, sk);
	else
		sf_emit_sock(run, &ev, pin.file, NULL);
	sf_unpin(&pin);
}

/* Without a new socket, the tuple is the listening one's. */
static void sf_emit_accept_failed(struct sf_run *run, const struct sf_call *call,
				  struct sf_sock_event *ev)
{
	struct sf_pin pin = sf_pin_call(call);
	const struct sock *sk = sf_file_sock(pin.file);

	if (sk) {
		sf_sock_tuple(&ev->tuple, sk);
		ev->name = sf_unix_name(sk);
	}
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
	if (sk) {
		sf_sock_tuple(&ev.tuple, sk);
		ev.name = sf_unix_name(sk);
		sf_emit_sock_described(run, &ev, pin.file, sk);
	} else {
		sf_emit_accept_failed(run, call, &ev);
	}
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

	if (sk) {
		sf_sock_tuple(&ev.tuple, sk);
		ev.name = sf_unix_name(sk);
	}
	if (call->ret < 0 || ev.tuple.family == AF_PACKET)
		sf_sock_asked(run, call, &ev, SF_END_LOCAL);
	if (sk)
		sf_emit_sock_described(run, &ev, pin.file, sk);
	else
		sf_emit_sock(run, &ev, pin.file, NULL);
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

	if (sk) {
		sf_sock_tuple(&ev.tuple, sk);
		ev.name = sf_unix_name(sk);
		sf_emit_sock_described(run, &ev, pin.file, sk);
	} else {
		sf_emit_sock(run, &ev, pin.file, NULL);
	}
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
