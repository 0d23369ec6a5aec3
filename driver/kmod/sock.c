// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * What a socket is: its two ends, and its name.
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

#include "internal.h"
#include "sock.h"
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
const struct sock *sf_unix_stream_peer(const struct sock *sk)
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
bool sf_sock_final(const struct sock *sk)
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
struct sf_str sf_unix_bound(const struct sock *sk)
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
struct sf_str sf_unix_name(const struct sock *sk)
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
struct sf_str sf_unix_user_name(struct sf_run *run, unsigned long uaddr,
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
