/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * The exits of the system calls that are not on the hot path, one function
 * per kind of syscalls.h. Each tells cpu->call.
 */
#ifndef SYSFLOW_BPF_CALLS_H
#define SYSFLOW_BPF_CALLS_H

#include "exec.h"
#include "io.h"
#include "names.h"
#include "security.h"

__noinline int sf_call_open(void)
{
	struct sf_here here;
	struct sf_call *call;
	__u64 file;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	file = call->ret < 0 ? 0 : sf_file_of(call->ret);
	if (file)
		sf_file_emit(file, SF_OP_OPEN, call->ret, call->ret);
	else
		sf_open_user();
	return 0;
}

/* Prepares cpu->sock for a call that has no socket to look at. */
static __always_inline struct sf_sock_facts *sf_sock_none(struct sf_here *here)
{
	struct sf_sock_facts *facts = &here->cpu->sock;

	__builtin_memset(facts, 0, sizeof(*facts));
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
		source = sf_file_of(call->arg[0]);
	if (source && sf_is_sock(source))
		sf_sock_read(source, 0);
	else
		sf_sock_none(&here);
	sf_sock_emit(file, SF_OP_ACCEPT, call->ret < 0 ? -1 : call->ret,
		     call->ret);
	return 0;
}

/* The address that connect(2) was given, when the socket holds none. */
static __always_inline void sf_connect_user(struct sf_cpu *cpu,
					    const struct sf_call *call)
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
		facts->flags |= sf_peer_user(&facts->tuple, src);
		return;
	}
	if (!facts->tuple.family)
		facts->tuple.family = AF_UNIX;
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
	file = sf_file_of(call->arg[0]);
	facts = &here.cpu->sock;
	if (file && sf_is_sock(file))
		sf_sock_read(file, 1);
	else
		sf_sock_none(&here);
	if (!facts->peer || (call->ret < 0 && facts->tuple.family == AF_UNIX))
		sf_connect_user(here.cpu, call);
	sf_sock_emit(file, SF_OP_CONNECT, call->arg[0], call->ret);
	return 0;
}

__noinline int sf_call_clone(void)
{
	struct sf_here here;
	struct sf_call *call;
	struct sf_rec_call *rec;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	rec = sf_record(&here, sf_who_of(here.cpu), SF_OP_CLONE, sizeof(*rec), 0);
	if (!rec)
		return 0;
	rec->ret = call->ret;
	rec->arg[0] = call->arg[call->row.a & 7];
	rec->arg[1] = 0;
	rec->arg[2] = 0;
	sf_publish(&here, SF_OP_CLONE, sizeof(*rec));
	return 0;
}

__noinline int sf_call_dup(void)
{
	struct sf_here here;
	struct sf_call *call;
	struct sf_rec_fd *rec;
	__u64 file;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	file = call->ret < 0 ? 0 : sf_file_of(call->ret);
	rec = sf_record(&here, sf_who_of(here.cpu), SF_OP_DUP, sizeof(*rec), 0);
	if (!rec)
		return 0;
	rec->file = sf_identity(file);
	rec->fd = call->arg[call->row.a & 7];
	rec->ret = call->ret;
	sf_publish(&here, SF_OP_DUP, sizeof(*rec));
	return 0;
}

/* The kinds above SF_HOW_CLOSE. */
__noinline int sf_call(void)
{
	struct sf_here here;

	if (!sf_here(&here))
		return 0;
	switch (here.cpu->call.row.how) {
	case SF_HOW_OPEN:
		sf_call_open();
		break;
	case SF_HOW_SOCKET:
		sf_call_socket();
		break;
	case SF_HOW_CONNECT:
		sf_call_connect();
		break;
	case SF_HOW_ACCEPT:
		sf_call_accept();
		break;
	case SF_HOW_CLONE:
		sf_call_clone();
		break;
	case SF_HOW_DUP:
		sf_call_dup();
		break;
	case SF_HOW_NAMES:
		sf_call_names();
		break;
	case SF_HOW_EXEC:
		sf_exec(0, here.cpu->call.ret, here.cpu->call.who.tid);
		break;
	default:
		sf_call_security();
		break;
	}
	return 0;
}

#endif /* SYSFLOW_BPF_CALLS_H */
