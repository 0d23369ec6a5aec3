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

/*
 * The first members of struct netlink_sock: the same from 5.10 to 7.x.
 * sf_netlink_verify() tries them before they are trusted.
 */
struct sf_netlink_sock {
	struct sock sk;
	unsigned long flags;
	u32 portid;
	u32 dst_portid;
	u32 dst_group;
};

static bool sf_netlink_known __read_mostly;

static const struct sf_netlink_sock *sf_nlk(const struct sock *sk)
{
	return container_of(sk, struct sf_netlink_sock, sk);
}

void sf_netlink_ends(struct sf_tuple *t, const struct sock *sk)
{
	const struct sf_netlink_sock *nlk = sf_nlk(sk);
	u32 group;

	if (!sf_netlink_known)
		return;
	memcpy(t->laddr, &nlk->portid, 4);
	memcpy(t->raddr, &nlk->dst_portid, 4);
	/* As the kernel tells it: a bit per group. */
	group = READ_ONCE(nlk->dst_group);
	group = group ? 1U << (group - 1) : 0;
	memcpy(t->raddr + 4, &group, 4);
}

/* A socket with numbers that are known, compared with what the mirror says. */
static bool sf_netlink_try(struct socket *sock)
{
	struct sockaddr_nl own = {
		.nl_family = AF_NETLINK,
		.nl_pid = 0x5f5f1234,
	};
	struct sockaddr_nl peer = {
		.nl_family = AF_NETLINK,
		.nl_pid = 0x5f5f4321,
	};
	const struct sf_netlink_sock *nlk = sf_nlk(sock->sk);

	if (sf_kernel_bind(sock, &own, sizeof(own)) ||
	    sf_kernel_connect(sock, &peer, sizeof(peer)))
		return false;
	return nlk->portid == own.nl_pid && nlk->dst_portid == peer.nl_pid &&
	       nlk->dst_group == 0;
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
	sf_netlink_known = sf_netlink_try(sock);
	if (!sf_netlink_known)
		pr_notice("this kernel lays out netlink sockets in another way: they are told without their ends\n");
	sock_release(sock);
}
