// SPDX-License-Identifier: (GPL-2.0 OR MIT)
#include <linux/net.h>
#include <linux/socket.h>

int sf_probe(struct socket *sock, struct sockaddr_unsized *addr);
int sf_probe(struct socket *sock, struct sockaddr_unsized *addr)
{
	return kernel_bind(sock, addr, sizeof(addr->sa_family));
}
