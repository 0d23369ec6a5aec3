/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * The exits of the system calls that are not on the hot path, one function
 * per kind of syscalls.h. Each tells cpu->call.
 */
#ifndef SYSFLOW_BPF_CALLS_H
#define SYSFLOW_BPF_CALLS_H

#include "descriptors.h"
#include "exec.h"
#include "names.h"
#include "net.h"
#include "security.h"
#include "transfer.h"

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

__noinline int sf_call_clone(void)
{
	__u32 flags = 0;
	__u64 how, task;
	struct sf_here here;
	struct sf_call *call;
	struct sf_rec_call *rec;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	how = call->arg[call->row.a & 7];
	/* The flags are the first member of struct clone_args. */
	if (call->row.a == SF_ARG_HOW)
		flags = bpf_probe_read_user(&how, sizeof(how), (void *)call->arg[0]) ?
			SF_F_USER | SF_F_FAULT : SF_F_USER;
	rec = sf_record(&here, sf_who_of(here.cpu), SF_OP_CLONE, sizeof(*rec), flags);
	if (!rec)
		return 0;
	rec->ret = call->ret;
	rec->arg[0] = how;
	task = bpf_get_current_task();
	rec->arg[1] = SF_LOAD(net, SF_POINTER(nsproxy, SF_POINTER(task_struct, task, nsproxy), net_ns), ns.inum);
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

/* IO and MSGIO of a call that is not on the hot path. */
__noinline int sf_call_io(void)
{
	struct sf_here here;
	struct sf_call *call;
	struct sf_who who;
	__u32 kind, op;
	__u64 file;
	__s32 fd;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	who = sf_who_of(here.cpu);
	op = call->row.op;
	fd = call->arg[call->row.a & 7];
	file = sf_call_file(call);
	call->file = file;
	if (!file) {
		sf_io_emit(&here, who, op, 0, fd, call->ret);
		return 0;
	}
	kind = sf_call_kind(&here, file, fd);
	if (kind == SF_KIND_NONE)
		sf_lose(&here, op, SF_CAUSE_RING_FULL);
	else if (kind == SF_KIND_DGRAM)
		sf_dgram();
	else if (sf_is_mmsg(call) && call->ret > 1)
		sf_stream_mmsg();
	else
		sf_io_emit(&here, who, op, file, fd, call->ret);
	return 0;
}

__noinline int sf_call_close(void)
{
	struct sf_here here;
	struct sf_call *call;
	struct sf_rec_fd *rec;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	rec = sf_record(&here, sf_who_of(here.cpu), SF_OP_CLOSE, sizeof(*rec), 0);
	if (!rec)
		return 0;
	rec->file = 0;
	rec->fd = call->arg[call->row.a & 7];
	rec->ret = call->ret;
	sf_publish(&here, SF_OP_CLOSE, sizeof(*rec));
	return 0;
}

/* Every kind: those up to SF_HOW_CLOSE come here off the hot path only. */
__noinline int sf_call(void)
{
	struct sf_here here;

	if (!sf_here(&here))
		return 0;
	switch (here.cpu->call.row.how) {
	case SF_HOW_IO:
	case SF_HOW_MSGIO:
		sf_call_io();
		break;
	case SF_HOW_CLOSE:
		sf_call_close();
		break;
	case SF_HOW_OPEN:
		sf_call_open();
		break;
	case SF_HOW_CLONE:
		sf_call_clone();
		break;
	case SF_HOW_DUP:
		sf_call_dup();
		break;
	case SF_HOW_ANON:
		sf_call_anon();
		break;
	case SF_HOW_PIPE:
		sf_call_pipe();
		break;
	case SF_HOW_CLOSE_RANGE:
		sf_call_close_range();
		break;
	case SF_HOW_MMAP:
		sf_call_mmap();
		break;
	case SF_HOW_TRANSFER:
		sf_call_transfer(0);
		if (here.cpu->call.row.b != SF_ARG_NONE)
			sf_call_transfer(1);
		break;
	case SF_HOW_NAMES:
		sf_call_names();
		break;
	case SF_HOW_EXEC:
		sf_exec(0, here.cpu->call.ret, here.cpu->call.who.tid);
		break;
	default:
		if (SF_OP_CLASS(here.cpu->call.row.op) == SF_CLASS_NET)
			sf_call_net();
		else
			sf_call_security();
		break;
	}
	return 0;
}

/* Arguments of a 32-bit call that lie in user memory, n words. */
static __always_inline int sf_read_args32(struct sf_call *call, __u64 src, __u32 n)
{
	__u32 words[6] = {};
	int i;

	if (n > 6)
		n = 6;
	sf_opaque(n);
	if (n > 6 || bpf_probe_read_user(words, n * sizeof(__u32), (void *)src))
		return 0;
	for (i = 0; i < 6; i++)
		call->arg[i] = words[i];
	return 1;
}

/* What is left to be done to the arguments of a 32-bit call. One whose
 * arguments cannot be read is lost: 0. */
__noinline int sf_call_fix(void)
{
	struct sf_here here;
	struct sf_call *call;
	int ok = 1;
	__u32 nr;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	if (call->fix == SF_FIX_SOCKETCALL) {
		nr = call->arg[0] & (SF_SOCKETCALLS - 1);
		ok = sf_read_args32(call, call->arg[1], sf_socketcalls[nr].fix);
	} else {
		sf_fix_args(call->fix, call->arg);
	}
	if (!ok)
		sf_lose(&here, call->row.op, SF_CAUSE_COPY_FAULT);
	return ok;
}

#endif /* SYSFLOW_BPF_CALLS_H */
