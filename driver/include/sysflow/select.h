/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Selection: what a driver tells and what it leaves out before it looks at
 * anything. Set before the capture starts or while it runs; without one,
 * everything is told.
 *
 * A call passes when its operation is in ops and the task that makes it passes
 * every filter that is set; of a filter's list one entry is enough.
 *
 *   tree	processes that are named, and everything that descends from them.
 *		A process keeps it when its parent ends; it is inherited at
 *		birth, and lost at the end alone
 *   cgroup	tasks in one of the control groups that are named, or below
 *   uid	tasks whose effective user is in one of the ranges
 *
 * cgroup and uid are those of the task at the moment of the call: one that
 * moves, or changes its user, is in or out with the next call (the call that
 * changes the user is judged by the new one). FORK passes when parent or child
 * does.
 *
 * What does not pass is counted (sf_ring_prod.unselected), one for each call,
 * and not told, with one exception: successful calls whose operation is in
 * state are told of every task, marked SF_F_STATE. So a reader can know every
 * process, whichever task joins the selection later, and tells nothing of it
 * until then. The reader's own calls are neither told nor counted.
 *
 * DESCRIBE_* follow what they describe, whatever their bits.
 */
#ifndef SYSFLOW_SELECT_H
#define SYSFLOW_SELECT_H

#include <linux/types.h>
#include "abi.h"

#define SF_OP_WORDS		4U	/* 256 bits: op & 63 of word op >> 6 */
#define SF_SELECT_MAX		32U	/* entries of a list */

/* sf_selection.filters: which are set. One that is set and whose list is empty
 * lets nothing pass. */
#define SF_SELECT_TREE		0x1U
#define SF_SELECT_CGROUP	0x2U
#define SF_SELECT_UID		0x4U

/* Users of the initial user namespace, both ends included. */
struct sf_uids {
	__u32 first;
	__u32 last;
};

struct sf_selection {
	__u64 ops[SF_OP_WORDS];
	__u64 state[SF_OP_WORDS];
	__u32 filters;	/* SF_SELECT_* */
	__u32 nr_pids;
	__u32 nr_cgroups;
	__u32 nr_uids;
	__u32 hierarchy;	/* of cgroups: 0 the unified one, else its
				 * number in /proc/cgroups */
	__u32 pids[SF_SELECT_MAX];	/* roots of trees: thread groups, in
					 * the pid namespace of who sets it */
	__u32 pad0;
	__u64 cgroups[SF_SELECT_MAX];	/* inode numbers of their folders */
	struct sf_uids uids[SF_SELECT_MAX];
	__u64 pad[5];
};

/*
 * A selection as a driver keeps it. A process of a tree is marked in a table of
 * bytes by its number. Each selection has a mark of its own, 1 .. 255, so that
 * what an earlier one left there says nothing; while one takes the place of
 * another both marks count.
 */
struct sf_filter {
	struct sf_selection sel;
	__u32 stamp;	/* a number of its own, for what is remembered */
	__u8 mark[2];
	__u8 pad[2];
};

/* Processes in each part of the eBPF driver's table. */
#define SF_MARKS	65536U

/* How the eBPF driver's loader and its programs share selections. */
struct sf_control {
	__u32 active;	/* which filter is in use, 0 or 1 */
	__u32 walk_filter;	/* of a pass over all processes: whose roots, */
	__u32 walk_mark;	/* what they are marked with, */
	__u32 walk_any;	/* answers: whether it marked any, */
	__u32 walk_roots;	/* and a bit for each root that is there */
	__u32 pad;
	struct sf_filter filter[2];
};

/* What becomes of a call. */
enum sf_gate {
	SF_GATE_OUT,	/* left out: to be counted */
	SF_GATE_TOLD,
	SF_GATE_STATE,	/* told for the state alone */
};

SF_ASSERT_SIZE(sf_control, 1576);
SF_ASSERT_SIZE(sf_uids, 8);
SF_ASSERT_SIZE(sf_selection, 768);
SF_ASSERT_SIZE(sf_filter, 776);

#define SF_OP_BIT(words, op) \
	((words)[((op) >> 6) & (SF_OP_WORDS - 1)] >> ((op) & 63) & 1)

#endif /* SYSFLOW_SELECT_H */
