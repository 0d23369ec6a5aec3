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
#include "net.h"
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
		if (SF_OP_CLASS(here.cpu->call.row.op) == SF_CLASS_NET)
			sf_call_net();
		else
			sf_call_security();
		break;
	}
	return 0;
}

#endif /* SYSFLOW_BPF_CALLS_H */
