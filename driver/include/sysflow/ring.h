/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * The ring: memory shared by one writer (a CPU in the kernel) and one reader.
 *
 *   offset 0          struct sf_ring_prod   written by the driver only; the
 *                                           module maps it read-only
 *   SF_RING_CONS      struct sf_ring_cons   written by the reader
 *   SF_RING_DATA      size bytes            records; the module maps them
 *                                           read-only
 *   ... + size        SF_RECORD_MAX bytes   overrun of the last record
 *
 * Positions (head, tail) count bytes since the start of the capture and never
 * wrap; a record at position p lies at SF_RING_DATA + (p & (size - 1)) and is
 * contiguous: one that begins near the end runs on into the overrun, and the
 * bytes at the front that it would have covered stay unused. So neither side
 * splits a record, and no padding record exists.
 *
 * Writer: writes the record, then publishes it by a store-release of head.
 * Reader: load-acquire of head, reads [tail, head), then gives the room back
 * by a store-release of tail, which the writer pairs with a load-acquire
 * before it writes there again. The writer never waits: without room it
 * counts a loss. A reader that writes nonsense to tail causes loss, never a
 * write outside of the data.
 *
 * Accounting: for each class, at any moment when writing == 0,
 *     seen == delivered + aggregated + sum over causes of lost
 * seen is counted before anything can fail, the others where it is decided.
 * Of sendmmsg and recvmmsg each message counts, but where the description of
 * their file is lost, and they with it: then the call counts once.
 * Calls that the selection leaves out (select.h) are in unselected and in no
 * other: what was of interest is seen and unselected together.
 */
#ifndef SYSFLOW_RING_H
#define SYSFLOW_RING_H

#include <linux/types.h>
#include "abi.h"

#define SF_RING_MAGIC	0x474e5246534c4659ULL	/* marks a prod page */
#define SF_RING_CONS	4096U
#define SF_RING_DATA	8192U
#define SF_RING_SIZE_MIN	65536U
#define SF_RING_SIZE_MAX	(1U << 30)

/* Bytes from one ring to the next in the mapping of a driver. */
#define SF_RING_STRIDE(size)	((__u64)SF_RING_DATA + (size) + SF_RECORD_MAX)

/* The share of a ring that records of classes IO and PATH must leave free, so
 * that a flood of reads, or the removal of a tree, cannot cost the records that
 * carry identity: one eighth. */
#define SF_RING_RESERVE(size)	((size) / 8)

/* One page. Cache lines are grouped by who touches them how often. */
struct sf_ring_prod {
	/* line 0: set before the capture starts, constant after */
	__u64 magic;
	__u32 api_version;
	__u32 schema_version;
	__u32 cpu;
	__u32 nr_cpus;	/* rings of this driver: possible CPUs */
	__u64 size;	/* bytes of data, a power of two */
	__u64 reserve;	/* bytes that IO and PATH leave free */
	__u64 pad0[3];

	/* line 1: the writer, once per record */
	__u64 head;	/* position behind the last published record */
	__u64 tail_seen;	/* the writer's copy of cons->tail */
	__u32 seq;	/* records tried */
	__u32 writing;	/* a probe is between its clock read and its publication:
			 * a record older than any read by now may follow */
	__u64 pad1[5];

	/* line 2 and 3: once per operation */
	__u64 seen[SF_CLASS_SLOTS];
	__u64 delivered[SF_CLASS_SLOTS];

	/* line 4 and on: seldom */
	__u64 aggregated[SF_CLASS_SLOTS];	/* operations beyond the first
						 * of a delivered sum */
	__u64 lost[SF_CAUSE_COUNT][SF_CLASS_SLOTS];
	__u64 uncovered_compat;	/* 32-bit calls that would have been of
				 * interest and are not covered */
	__u64 uncovered_uring;	/* the same for io_uring */
	__u64 wakeups;	/* times the reader was woken */
	__u64 pad2[5];

	/* Once per call that is left out: one count each, also where a call
	 * would be told by several records or counted as several messages. */
	__u64 unselected[SF_CLASS_SLOTS];
};

/* One page. */
struct sf_ring_cons {
	__u64 tail;	/* position up to which the reader is done */
	__u64 pad0[7];
	__u64 wake_at;	/* the reader sleeps and wants to be woken when head
			 * reaches this position; 0: it does not sleep. Checked
			 * after each publication without a fence: a wake-up
			 * can come one record late, so the reader also has a
			 * timeout */
	__u64 pad1[7];
};

SF_ASSERT_SIZE(sf_ring_prod, 704);
SF_ASSERT_SIZE(sf_ring_cons, 128);

#endif /* SYSFLOW_RING_H */
