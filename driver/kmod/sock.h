/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * What sock.c finds out of sockets for the records of sockcalls.c.
 */
#ifndef SYSFLOW_SOCK_H
#define SYSFLOW_SOCK_H

#include "internal.h"

const struct sock *sf_unix_stream_peer(const struct sock *sk);
bool sf_sock_final(const struct sock *sk);
struct sf_str sf_unix_bound(const struct sock *sk);
struct sf_str sf_unix_name(const struct sock *sk);
struct sf_str sf_unix_user_name(struct sf_run *run, unsigned long uaddr,
				int len);

#endif /* SYSFLOW_SOCK_H */
