/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * From a filled record to the reader: what every kind of record shares.
 */
#ifndef SYSFLOW_BPF_EMIT_H
#define SYSFLOW_BPF_EMIT_H

#include "maps.h"

/*
 * Rings the bell of this CPU. Once per position that the reader waits for:
 * until it has run and armed anew, more wake-ups would tell it nothing.
 */
__noinline int sf_ring_bell(void)
{
	__u32 id = bpf_get_smp_processor_id();
	struct sf_here here;
	void *bell;
	__u64 at;

	if (!sf_here(&here))
		return 0;
	at = SF_READ(here.ring.cons->wake_at);
	if (!at || here.cpu->woken_at == at)
		return 0;
	bell = bpf_map_lookup_elem(&bells, &id);
	if (!bell)
		return 0;
	here.cpu->woken_at = at;
	here.ring.prod->wakeups++;
	return bpf_ringbuf_output(bell, &id, sizeof(id), BPF_RB_FORCE_WAKEUP);
}

/* The flags of a record: its own, and those of the whole run. */
static __always_inline __u32 sf_flags(struct sf_who who, __u32 op, __u32 flags)
{
	return SF_OP_CLASS(op & 0xff) == SF_CLASS_DESCRIBE ? flags :
							     flags | who.flags;
}

/* Room for a record with its header filled, or NULL and a loss counted. */
static __always_inline void *sf_record(struct sf_here *here, struct sf_who who,
				       __u32 op, __u32 len, __u32 flags)
{
	void *rec = sf_ring_reserve(&here->ring, SF_OP_CLASS(op & 0xff), len);

	if (rec)
		sf_ring_stamp(here->ring.prod, rec, who.ts, who.pid, who.tid,
			      len, op, sf_flags(who, op, flags));
	return rec;
}

static __always_inline void sf_publish(struct sf_here *here, __u32 op, __u32 len)
{
	sf_ring_commit(&here->ring, SF_OP_CLASS(op & 0xff), len);
	if (sf_ring_wants_wakeup(&here->ring))
		sf_ring_bell();
}

/* Counts an operation as lost without having tried to place its record. */
static __always_inline void sf_lose(struct sf_here *here, __u32 op, __u32 cause)
{
	struct sf_ring_prod *prod = here->ring.prod;

	SF_WRITE(prod->seq, prod->seq + 1);
	sf_ring_lose(prod, SF_OP_CLASS(op & 0xff), cause);
}

/*
 * Opens a run of a program on this CPU: counts the operation as seen and
 * reads the clock. Closed by sf_ring_end().
 */
static __always_inline int sf_begin(struct sf_here *here, struct sf_who *who,
				    __u32 op)
{
	if (!sf_ring_begin(here->ring.prod, SF_OP_CLASS(op & 0xff)))
		return 0;
	who->ts = bpf_ktime_get_ns();
	who->flags = 0;
	return 1;
}

/* The same for who has not looked yet whether there is a capture, and where. */
static __always_inline int sf_enter(struct sf_here *here, struct sf_who *who,
				    __u32 op)
{
	return sf_running && sf_here(here) && sf_begin(here, who, op);
}

#endif /* SYSFLOW_BPF_EMIT_H */
