/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Bytes that one call moves from a descriptor to another, sendfile(2) and its
 * kin: a READ and a WRITE, as if the caller had made both.
 */
#ifndef SYSFLOW_BPF_TRANSFER_H
#define SYSFLOW_BPF_TRANSFER_H

#include "io.h"

/* Not to be a function: the description of the file below it reaches the
 * deepest chain of calls that the verifier takes. */
static __always_inline void sf_transfer_end(struct sf_here *here, __u32 op,
					    __s32 fd)
{
	struct sf_call *call = &here->cpu->call;
	struct sf_who who = sf_who_of(here->cpu);
	__u64 file = sf_file_of(fd);
	__u32 kind;

	if (!file) {
		sf_io_emit(here, who, op, 0, fd, call->ret);
		return;
	}
	kind = sf_call_kind(here, file, fd);
	if (kind == SF_KIND_NONE) {
		sf_lose(here, op, SF_CAUSE_RING_FULL);
	} else if (kind == SF_KIND_DGRAM) {
		call->file = file;
		call->arg[0] = fd;
		call->row.op = op;
		sf_dgram();
	} else {
		sf_io_emit(here, who, op, file, fd, call->ret);
	}
}

/* vmsplice(2): into a pipe that is open for writing, else out of it. */
static __always_inline __u32 sf_vmsplice_op(__s32 fd)
{
	__u64 file = sf_file_of(fd);

	return file && (SF_LOAD(file, file, f_mode) & FMODE_WRITE) ?
	       SF_OP_WRITE : SF_OP_READ;
}

/* Which ends are selected, kept in memory because the stack is scarce. */
#define SF_TRANSFER_FIRST	1
#define SF_TRANSFER_SECOND	2

__noinline int sf_transfer_ends(__u32 op, __u32 one)
{
	struct sf_here here;
	int ends = 0;

	if (!sf_here(&here))
		return 0;
	if (sf_op_selected(op))
		ends |= SF_TRANSFER_FIRST;
	else if (one)
		sf_ring_unsee(here.ring.prod, SF_CLASS_IO);
	if (!one && sf_op_selected(SF_OP_WRITE))
		ends |= SF_TRANSFER_SECOND;
	if (ends == (SF_TRANSFER_FIRST | SF_TRANSFER_SECOND))
		sf_ring_see(here.ring.prod, SF_CLASS_IO);
	here.cpu->call.fix = ends;
	return 1;
}

__noinline int sf_call_transfer(void)
{
	__u32 op = SF_OP_READ;
	struct sf_here here;
	struct sf_call *call;
	int one;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	one = call->row.b == SF_ARG_NONE;
	if (one)
		op = sf_vmsplice_op(call->arg[call->row.a & 7]);
	if (!sf_transfer_ends(op, one))
		return 0;
	/* A datagram socket takes the place of the first argument. */
	call->arg[7] = call->arg[call->row.b & 7];
	if (SF_READ(call->fix) & SF_TRANSFER_FIRST)
		sf_transfer_end(&here, op, call->arg[call->row.a & 7]);
	if (SF_READ(call->fix) & SF_TRANSFER_SECOND)
		sf_transfer_end(&here, SF_OP_WRITE, call->arg[7]);
	return 0;
}

#endif /* SYSFLOW_BPF_TRANSFER_H */
