/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * The calls of class NET, one function per kind of syscalls.h. Each tells
 * cpu->call.
 */
#ifndef SYSFLOW_BPF_NET_H
#define SYSFLOW_BPF_NET_H

#include "sock.h"

/* Prepares cpu->sock for a call that has no socket to look at. */
static __always_inline struct sf_sock_facts *sf_sock_none(struct sf_here *here)
{
	struct sf_sock_facts *facts = &here->cpu->sock;

	__builtin_memset(facts, 0, sizeof(*facts));
	facts->listen_fd = -1;
	return facts;
}

__noinline int sf_call_socket(void)
{
	struct sf_here here;
	struct sf_call *call;
	__u64 file;
	struct sf_sock_facts *facts;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	file = call->ret < 0 ? 0 : sf_file_of(call->ret);
	if (file) {
		sf_sock_read(file, 0);
	} else {
		facts = sf_sock_none(&here);
		facts->tuple.family = call->arg[0];
		facts->tuple.type = call->arg[1] & SOCK_TYPE_MASK;
		facts->tuple.proto = call->arg[2];
	}
	sf_sock_emit(file, SF_OP_SOCKET, call->ret < 0 ? -1 : call->ret,
		     call->ret);
	return 0;
}

__noinline int sf_call_accept(void)
{
	struct sf_here here;
	struct sf_call *call;
	__u64 file;
	__u64 source;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	file = call->ret < 0 ? 0 : sf_file_of(call->ret);
	source = file;
	/* A failed one is told with the listening socket's own end. */
	if (!source)
		source = sf_call_file(call);
	if (source && sf_is_sock(source))
		sf_sock_read(source, 0);
	else
		sf_sock_none(&here);
	if (!file)	/* the number is the listening socket's */
		here.cpu->sock.ino = 0;
	here.cpu->sock.listen_fd = call->arg[0];
	sf_sock_emit(file, SF_OP_ACCEPT, call->ret < 0 ? -1 : call->ret,
		     call->ret);
	return 0;
}

/* The address that connect(2) or bind(2) was given, when the socket holds
 * none. */
static __always_inline void sf_name_user(struct sf_cpu *cpu,
					 const struct sf_call *call,
					 const int local)
{
	struct sf_sock_facts *facts = &cpu->sock;
	__u64 src = call->arg[1];
	__u32 len = call->arg[2];
	__u16 family = 0;
	long name;

	if (bpf_probe_read_user(&family, sizeof(family), (void *)src)) {
		facts->flags |= SF_F_FAULT;
		return;
	}
	if (family != AF_UNIX) {
		facts->flags |= sf_addr_user(&facts->tuple, local, src);
		return;
	}
	if (!facts->tuple.family)
		facts->tuple.family = AF_UNIX;
	facts->path_len = 0;
	if (len <= SF_SUN_PATH)
		return;
	len -= SF_SUN_PATH;
	sf_opaque(len);
	if (len > SF_SUN_PATH_MAX)
		len = SF_SUN_PATH_MAX;
	facts->flags |= SF_F_USER;
	if (bpf_probe_read_user(facts->path, len, (void *)(src + SF_SUN_PATH))) {
		facts->flags |= SF_F_FAULT;
		return;
	}
	facts->path_len = len;
	/* A name in the file system ends at its NUL. */
	name = bpf_probe_read_kernel_str(cpu->name, SF_SUN_PATH_MAX + 1,
					 facts->path);
	if (name > 1 && name <= len)
		facts->path_len = name - 1;
}

__noinline int sf_call_connect(void)
{
	struct sf_here here;
	struct sf_call *call;
	__u64 file;
	struct sf_sock_facts *facts;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	file = sf_call_file(call);
	facts = &here.cpu->sock;
	if (file && sf_is_sock(file))
		sf_sock_read(file, 1);
	else
		sf_sock_none(&here);
	if (!facts->peer || (call->ret < 0 && facts->tuple.family == AF_UNIX))
		sf_name_user(here.cpu, call, 0);
	sf_sock_emit(file, SF_OP_CONNECT, call->arg[0], call->ret);
	return 0;
}

__noinline int sf_call_bind(void)
{
	struct sf_here here;
	struct sf_call *call;
	__u64 file;
	struct sf_sock_facts *facts;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	file = sf_call_file(call);
	facts = &here.cpu->sock;
	if (file && sf_is_sock(file))
		sf_sock_read(file, 0);
	else
		sf_sock_none(&here);
	/* A packet socket keeps its address in a module's own structure. */
	if (call->ret < 0 || facts->tuple.family == AF_PACKET)
		sf_name_user(here.cpu, call, 1);
	sf_sock_emit(file, SF_OP_BIND, call->arg[0], call->ret);
	return 0;
}

/* LISTEN, SHUTDOWN. */
__noinline int sf_call_socknum(void)
{
	struct sf_here here;
	struct sf_call *call;
	__u64 file;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	file = sf_call_file(call);
	if (file && sf_is_sock(file))
		sf_sock_read(file, 0);
	else
		sf_sock_none(&here);
	here.cpu->sock.listen_fd = call->arg[1];
	sf_sock_emit(file, call->row.op, call->arg[0], call->ret);
	return 0;
}

/* One of the two, or what was asked for when it is not there. */
__noinline int sf_pair_end(int fd, __u32 flags)
{
	struct sf_here here;
	struct sf_call *call;
	__u64 file;
	struct sf_sock_facts *facts;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	facts = &here.cpu->sock;
	file = fd < 0 ? 0 : sf_file_of(fd);
	if (file && sf_is_sock(file)) {
		sf_sock_read(file, 0);
	} else {
		file = 0;
		sf_sock_none(&here);
		facts->tuple.family = call->arg[0];
		facts->tuple.type = call->arg[1] & SOCK_TYPE_MASK;
		facts->tuple.proto = call->arg[2];
	}
	facts->flags = flags;
	sf_sock_emit(file, SF_OP_SOCKETPAIR, fd, call->ret);
	return 0;
}

__noinline int sf_call_pair(void)
{
	struct sf_here here;
	__s32 fds[2];
	__u32 flags = SF_F_USER;

	if (!sf_here(&here))
		return 0;
	if (here.cpu->call.ret < 0)
		return sf_pair_end(-1, 0);
	if (bpf_probe_read_user(fds, sizeof(fds), (void *)here.cpu->call.arg[3])) {
		flags |= SF_F_FAULT;
		fds[0] = -1;
		fds[1] = -1;
	}
	sf_pair_end(fds[0], flags);
	sf_ring_see(here.ring.prod, SF_CLASS_NET);
	return sf_pair_end(fds[1], flags);
}

/* The kinds of this file. */
__noinline int sf_call_net(void)
{
	struct sf_here here;

	if (!sf_here(&here))
		return 0;
	switch (here.cpu->call.row.how) {
	case SF_HOW_SOCKET:
		sf_call_socket();
		break;
	case SF_HOW_CONNECT:
		sf_call_connect();
		break;
	case SF_HOW_ACCEPT:
		sf_call_accept();
		break;
	case SF_HOW_BIND:
		sf_call_bind();
		break;
	case SF_HOW_SOCKNUM:
		sf_call_socknum();
		break;
	case SF_HOW_PAIR:
		sf_call_pair();
		break;
	}
	return 0;
}

#endif /* SYSFLOW_BPF_NET_H */
