// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * The ends of a netlink socket. They lie in a structure that is private to
 * the kernel, and the function that tells them takes a lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/net.h>
#include <linux/netlink.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "compat.h"
#include "internal.h"

/* What struct netlink_sock has of its ends. */
struct sf_netlink_ends {
	u32 portid;
	u32 dst_portid;
	u32 dst_group;
};

/*
 * Where it has them: right behind its struct sock, or, in newer kernels, behind
 * the flags that come first there. sf_netlink_verify() finds out. 0: nowhere.
 */
static size_t sf_netlink_at __read_mostly;

static const size_t sf_netlink_places[] = {
	sizeof(struct sock),
	sizeof(struct sock) + sizeof(unsigned long),
};

static const struct sf_netlink_ends *sf_nlk(const struct sock *sk, size_t at)
{
	return (const void *)((const char *)sk + at);
}

void sf_netlink_ends(struct sf_tuple *t, const struct sock *sk)
{
	const struct sf_netlink_ends *nlk;
	u32 group;

	if (!sf_netlink_at)
		return;
	nlk = sf_nlk(sk, sf_netlink_at);
	memcpy(t->laddr, &nlk->portid, 4);
	memcpy(t->raddr, &nlk->dst_portid, 4);
	/* As the kernel tells it: a bit per group. */
	group = READ_ONCE(nlk->dst_group);
	group = group ? 1U << (group - 1) : 0;
	memcpy(t->raddr + 4, &group, 4);
}

/* The place in which a socket has the numbers that it was given, or 0. */
static size_t sf_netlink_find(struct socket *sock)
{
	struct sockaddr_nl own = {
		.nl_family = AF_NETLINK,
		.nl_pid = 0x5f5f1234,
	};
	struct sockaddr_nl peer = {
		.nl_family = AF_NETLINK,
		.nl_pid = 0x5f5f4321,
	};
	const struct sf_netlink_ends *nlk;
	int i;

	if (sf_kernel_bind(sock, &own, sizeof(own)) ||
	    sf_kernel_connect(sock, &peer, sizeof(peer)))
		return 0;
	for (i = 0; i < ARRAY_SIZE(sf_netlink_places); i++) {
		nlk = sf_nlk(sock->sk, sf_netlink_places[i]);
		if (nlk->portid == own.nl_pid && nlk->dst_portid == peer.nl_pid &&
		    nlk->dst_group == 0)
			return sf_netlink_places[i];
	}
	return 0;
}

/* Called once, before any probe. */
void sf_netlink_verify(void)
{
	struct socket *sock;

	if (sock_create_kern(&init_net, AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK,
			     &sock)) {
		pr_notice("no netlink here\n");
		return;
	}
	sf_netlink_at = sf_netlink_find(sock);
	if (!sf_netlink_at)
		pr_notice("this kernel lays out netlink sockets in another way: they are told without their ends\n");
	sock_release(sock);
}
