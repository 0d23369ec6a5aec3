/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * The ring's writer, in plain C for three places: the module, the eBPF
 * programs, and user space (tests, benches and fuzzing build it with cc).
 * See ring.h for the protocol. All of it runs on the ring's own CPU with
 * preemption off; nothing here waits, locks, or runs for long.
 *
 *	if (!sf_ring_begin(prod, class))	// counts it as seen
 *		return;				// nested: counted as lost
 *	rec = sf_ring_reserve(&ring, class, len);
 *	if (rec) {
 *		... fill, sf_ring_stamp(prod, &rec->h, ...) ...
 *		sf_ring_commit(&ring, class, len);
 *	}					// else: counted as lost
 *	sf_ring_end(prod);
 */
#ifndef SYSFLOW_RING_WRITE_H
#define SYSFLOW_RING_WRITE_H

#include "ring.h"

#if defined(__KERNEL__)
#include <linux/compiler.h>
#include <asm/barrier.h>
#define SF_INLINE		static __always_inline
#define SF_READ(x)		READ_ONCE(x)
#define SF_WRITE(x, v)		WRITE_ONCE(x, v)
#define SF_LOAD_ACQUIRE(p)	smp_load_acquire(p)
#define SF_STORE_RELEASE(p, v)	smp_store_release(p, v)
#define SF_BARRIER()		barrier()
#elif defined(__bpf__)
/* The JIT emits one plain load or store for each of these; on x86-64 those
 * are acquire and release. Other machines need BPF_LOAD_ACQ and
 * BPF_STORE_REL (kernel 6.15); the eBPF driver is built for x86-64 only. */
#define SF_INLINE		static __attribute__((always_inline)) inline
#define SF_READ(x)		(*(volatile __typeof__(x) *)&(x))
#define SF_WRITE(x, v)		(*(volatile __typeof__(x) *)&(x) = (v))
#define SF_BARRIER()		__asm__ volatile("" ::: "memory")
#define SF_LOAD_ACQUIRE(p)	\
	({ __typeof__(*(p)) sf_v = SF_READ(*(p)); SF_BARRIER(); sf_v; })
#define SF_STORE_RELEASE(p, v)	\
	do { SF_BARRIER(); SF_WRITE(*(p), v); } while (0)
#else
#define SF_INLINE		static inline __attribute__((always_inline))
#define SF_READ(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define SF_WRITE(x, v)		__atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define SF_LOAD_ACQUIRE(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define SF_STORE_RELEASE(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define SF_BARRIER()		__atomic_signal_fence(__ATOMIC_SEQ_CST)
#endif

/* A writer's view of one ring. */
struct sf_ring {
	struct sf_ring_prod *prod;
	struct sf_ring_cons *cons;
	unsigned char *data;
	__u64 size;	/* kept here too: a constant for the BPF verifier */
};

SF_INLINE void sf_ring_init(struct sf_ring_prod *prod, __u64 size,
			    __u32 cpu, __u32 nr_cpus)
{
	prod->api_version = SF_API_VERSION;
	prod->schema_version = SF_SCHEMA_VERSION;
	prod->cpu = cpu;
	prod->nr_cpus = nr_cpus;
	prod->size = size;
	prod->reserve = SF_RING_RESERVE(size);
	SF_STORE_RELEASE(&prod->magic, SF_RING_MAGIC);
}

SF_INLINE void sf_ring_lose(struct sf_ring_prod *prod, __u32 cls, __u32 cause)
{
	SF_WRITE(prod->lost[cause & (SF_CAUSE_COUNT - 1)][cls],
		 prod->lost[cause & (SF_CAUSE_COUNT - 1)][cls] + 1);
}

/* A call that the selection leaves out. */
SF_INLINE void sf_ring_leave_out(struct sf_ring_prod *prod, __u32 cls)
{
	SF_WRITE(prod->unselected[cls], prod->unselected[cls] + 1);
}

/* The operation of a probe run that began is left out after all. */
SF_INLINE void sf_ring_unsee(struct sf_ring_prod *prod, __u32 cls)
{
	SF_WRITE(prod->seen[cls], prod->seen[cls] - 1);
	sf_ring_leave_out(prod, cls);
}

/* Another record of the same probe run (a description before its use). */
SF_INLINE void sf_ring_see(struct sf_ring_prod *prod, __u32 cls)
{
	SF_WRITE(prod->seen[cls], prod->seen[cls] + 1);
}

/*
 * Opens a probe run. Returns 0 when this CPU is already in one (an interrupt
 * or, on kernels where probes are preemptible, another task): the operation
 * is then counted as lost and the caller returns without touching the ring.
 */
SF_INLINE int sf_ring_begin(struct sf_ring_prod *prod, __u32 cls)
{
	sf_ring_see(prod, cls);
	if (SF_READ(prod->writing)) {
		sf_ring_lose(prod, cls, SF_CAUSE_NESTED);
		SF_WRITE(prod->seq, prod->seq + 1);
		return 0;
	}
	SF_WRITE(prod->writing, 1);
	SF_BARRIER();
	return 1;
}

SF_INLINE void sf_ring_end(struct sf_ring_prod *prod)
{
	/* After the publication, so that a reader that sees 0 and then loads
	 * head sees everything that was being written. */
	SF_STORE_RELEASE(&prod->writing, 0);
}

/*
 * Room for len bytes (a multiple of 8, at most SF_RECORD_MAX), or NULL and
 * one loss counted. Either way one sequence number is used.
 */
SF_INLINE void *sf_ring_reserve(struct sf_ring *r, __u32 cls, __u32 len)
{
	struct sf_ring_prod *prod = r->prod;
	__u64 head = prod->head;
	__u64 limit = r->size;

	SF_WRITE(prod->seq, prod->seq + 1);
	if (len > SF_RECORD_MAX) {
		sf_ring_lose(prod, cls, SF_CAUSE_TOO_LARGE);
		return (void *)0;
	}
	if (!SF_CLASS_KEPT(cls))
		limit -= SF_RING_RESERVE(r->size);
	if (head - prod->tail_seen + len > limit) {
		prod->tail_seen = SF_LOAD_ACQUIRE(&r->cons->tail);
		/* The first test catches a tail ahead of head. */
		if (head - prod->tail_seen > r->size ||
		    head - prod->tail_seen + len > limit) {
			sf_ring_lose(prod, cls, SF_CAUSE_RING_FULL);
			return (void *)0;
		}
	}
	return r->data + (head & (r->size - 1));
}

/* Fills the header. seq is that of the reservation just made. */
SF_INLINE void sf_ring_stamp(struct sf_ring_prod *prod, struct sf_hdr *h,
			     __u64 ts, __u32 pid, __u32 tid, __u32 len,
			     __u32 op, __u32 flags)
{
	h->ts = ts;
	h->pid = pid;
	h->tid = tid;
	h->seq = prod->seq;
	h->len = len;
	h->op = op;
	h->flags = flags;
}

/* Publishes the record of len bytes that was reserved. */
SF_INLINE void sf_ring_commit(struct sf_ring *r, __u32 cls, __u32 len)
{
	struct sf_ring_prod *prod = r->prod;

	SF_WRITE(prod->delivered[cls], prod->delivered[cls] + 1);
	SF_STORE_RELEASE(&prod->head, prod->head + len);
}

/* Whether the reader sleeps and wants to be woken now. */
SF_INLINE int sf_ring_wants_wakeup(struct sf_ring *r)
{
	__u64 at = SF_READ(r->cons->wake_at);

	return at && r->prod->head >= at;
}

#endif /* SYSFLOW_RING_WRITE_H */
