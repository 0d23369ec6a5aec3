// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * Bytes that one call moves from a descriptor to another, sendfile(2) and its
 * kin: a READ and a WRITE, as if the caller had made both.
 */
#include <linux/fs.h>

#include "fd.h"
#include "internal.h"

static void sf_tell_end(struct sf_run *run, const struct sf_call *call, u32 op,
			u32 arg)
{
	const struct sf_syscall sc = { .how = SF_HOW_IO, .op = op, .a = arg };
	struct sf_call end = *call;

	end.sc = &sc;
	sf_tell_io(run, &end);
}

/* vmsplice(2): into a pipe that is open for writing, else out of it. */
static u32 sf_vmsplice_op(const struct sf_call *call)
{
	struct sf_pin pin = sf_pin_fd(call->arg[call->sc->a]);
	u32 op = pin.file && (pin.file->f_mode & FMODE_WRITE) ? SF_OP_WRITE :
								SF_OP_READ;

	sf_unpin(&pin);
	return op;
}

void sf_tell_transfer(struct sf_run *run, const struct sf_call *call)
{
	const struct sf_filter *f = rcu_dereference_sched(sf_filter);
	struct sf_ring_prod *prod = run->cpu->ring.prod;
	const struct sf_syscall *sc = call->sc;
	bool read = sf_op_selected(f, SF_OP_READ);
	bool write = sf_op_selected(f, SF_OP_WRITE);
	u32 op;

	if (sc->b == SF_ARG_NONE) {
		op = sf_vmsplice_op(call);
		if (sf_op_selected(f, op))
			sf_tell_end(run, call, op, sc->a);
		else
			sf_ring_unsee(prod, SF_CLASS_IO);
		return;
	}
	if (read)
		sf_tell_end(run, call, SF_OP_READ, sc->a);
	if (read && write)
		sf_ring_see(prod, SF_CLASS_IO);
	if (write)
		sf_tell_end(run, call, SF_OP_WRITE, sc->b);
}
