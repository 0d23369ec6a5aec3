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
	__u64 file = sf_file_of(fd), first;
	__u32 kind;

	if (!file) {
		sf_io_emit(here, who, op, 0, fd, call->ret);
		return;
	}
	kind = sf_call_kind(here, file, fd);
	if (kind == SF_KIND_NONE) {
		sf_lose(here, op, SF_CAUSE_RING_FULL);
	} else if (kind == SF_KIND_DGRAM) {
		first = call->arg[0];
		call->file = file;
		call->arg[0] = fd;
		call->row.op = op;
		sf_dgram();
		call->arg[0] = first;
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

/*
 * One end of a transfer. The run was begun for one operation, which is the
 * first that is told; of vmsplice(2) the gate cannot know which it is, so that
 * none may be. One end per function, for what the verifier takes as well.
 */
__noinline int sf_call_transfer(__u32 end)
{
	__u32 op = end ? SF_OP_WRITE : SF_OP_READ;
	struct sf_here here;
	struct sf_call *call;
	__s32 fd;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	fd = call->arg[(end ? call->row.b : call->row.a) & 7];
	if (call->row.b == SF_ARG_NONE)
		op = sf_vmsplice_op(fd);
	if (!sf_op_selected(op)) {
		if (call->row.b == SF_ARG_NONE)
			sf_ring_unsee(here.ring.prod, SF_CLASS_IO);
		return 0;
	}
	if (end && sf_op_selected(SF_OP_READ))
		sf_ring_see(here.ring.prod, SF_CLASS_IO);
	sf_transfer_end(&here, op, fd);
	return 0;
}

#endif /* SYSFLOW_BPF_TRANSFER_H */
