/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Selection: which calls are told (sysflow/select.h). The loader writes the
 * filter that is not in use, makes it the one in use, and waits until no
 * program can have the other.
 *
 * Membership of a tree is a byte per process, copied at birth; see the module's
 * select.c, which this follows.
 */
#ifndef SYSFLOW_BPF_SELECT_H
#define SYSFLOW_BPF_SELECT_H

#include <sysflow/select.h>
#include "emit.h"
#include "load.h"
#include "path.h"

/* Written by the loader alone, but for what a walk answers. */
volatile struct sf_control sf_control __attribute__((section(".data.select"))) = {
	.filter[0].sel.ops = { ~0ULL, ~0ULL, ~0ULL, ~0ULL },
};

/* Marks of processes, by number; the loader makes as many as there can be. */
struct sf_marks {
	__u8 of[SF_MARKS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sf_marks);
} tree SEC(".maps");

static __always_inline volatile struct sf_filter *sf_filter(void)
{
	return &sf_control.filter[sf_control.active & 1];
}

/* The byte of a process; NULL when the numbers have grown beyond the table. */
static __always_inline volatile __u8 *sf_mark_of(__u32 tgid)
{
	__u32 at = tgid / SF_MARKS;
	struct sf_marks *marks = bpf_map_lookup_elem(&tree, &at);

	return marks ? &marks->of[tgid % SF_MARKS] : (void *)0;
}

static __always_inline int sf_mark_counts(volatile struct sf_filter *f, __u8 mark)
{
	return mark && (mark == f->mark[0] || mark == f->mark[1]);
}

/* A process is born. Whatever its number's byte said is overwritten. */
static __always_inline void sf_tree_inherit(__u32 parent, __u32 child)
{
	volatile struct sf_filter *f = sf_filter();
	volatile __u8 *from, *to;
	__u8 mark;

	if (!f->mark[0] && !f->mark[1])
		return;
	from = sf_mark_of(parent);
	to = sf_mark_of(child);
	if (!from || !to)
		return;
	mark = *from;
	*to = sf_mark_counts(f, mark) ? mark : 0;
}

/* Rather too much is told than too little. */
static __always_inline int sf_tree_passes(volatile struct sf_filter *f, __u32 tgid)
{
	volatile __u8 *mark = sf_mark_of(tgid);

	return !mark || sf_mark_counts(f, *mark);
}

__noinline int sf_uid_passes(__u32 uid)
{
	volatile struct sf_filter *f = sf_filter();
	__u32 i;

	for (i = 0; i < SF_SELECT_MAX; i++) {
		if (i >= f->sel.nr_uids)
			break;
		if (uid >= f->sel.uids[i].first && uid <= f->sel.uids[i].last)
			return 1;
	}
	return 0;
}

/* The node of the task's control group in the hierarchy that is asked for. */
static __always_inline __u64 sf_cgroup_in(__u64 task, __u32 hierarchy)
{
	__u64 set = SF_POINTER(task_struct, task, cgroups);
	__u32 i, count = bpf_core_field_size(struct css_set, subsys) /
			 sizeof(void *);
	__u64 css, cgroup;

	if (!hierarchy)
		return SF_POINTER(cgroup, SF_POINTER(css_set, set, dfl_cgrp), kn);
	for (i = 0; i < 16; i++) {
		if (i >= count)
			break;
		css = sf_load_pointer(set + i * sizeof(void *) +
				      bpf_core_field_offset(struct css_set, subsys));
		cgroup = SF_POINTER(cgroup_subsys_state, css, cgroup);
		if (css && SF_LOAD(cgroup_root, SF_POINTER(cgroup, cgroup, root),
				   hierarchy_id) == (int)hierarchy)
			return SF_POINTER(cgroup, cgroup, kn);
	}
	return 0;
}

__noinline int sf_cgroup_listed(__u64 id)
{
	volatile struct sf_filter *f = sf_filter();
	__u32 i;

	for (i = 0; i < SF_SELECT_MAX; i++) {
		if (i >= f->sel.nr_cgroups)
			break;
		if (f->sel.cgroups[i] == id)
			return 1;
	}
	return 0;
}

#define SF_SELECT_DEPTH	64

/* The node or one above it. */
__noinline int sf_cgroup_below(__u64 node)
{
	__u64 kn = node;
	__u32 i;

	for (i = 0; i < SF_SELECT_DEPTH; i++) {
		if (!kn)
			break;
		if (sf_cgroup_listed(SF_LOAD(kernfs_node, kn, id)))
			return 1;
		kn = sf_kernfs_parent(kn);
	}
	return 0;
}

/*
 * A control group is not moved, and its id not given again while the machine
 * runs: what was found out for an id holds as long as the filter does.
 */
__noinline int sf_cgroup_passes(__u64 task)
{
	volatile struct sf_filter *f = sf_filter();
	__u32 stamp = f->stamp;
	struct sf_memo *memo;
	struct sf_here here;
	__u64 node, id;

	node = sf_cgroup_in(task, f->sel.hierarchy);
	if (!node || !sf_here(&here))
		return 0;
	id = SF_LOAD(kernfs_node, node, id);
	memo = &here.cpu->memo[id & (SF_MEMOS - 1)];
	if (memo->id != id || memo->stamp != stamp) {
		memo->in = sf_cgroup_below(node);
		memo->id = id;
		memo->stamp = stamp;
	}
	return memo->in;
}

/* Whether a task passes the filters that are set. */
__noinline int sf_filters_pass(__u64 task)
{
	volatile struct sf_filter *f = sf_filter();
	__u32 filters = f->sel.filters;

	if ((filters & SF_SELECT_TREE) &&
	    !sf_tree_passes(f, SF_LOAD(task_struct, task, tgid)))
		return 0;
	if ((filters & SF_SELECT_UID) &&
	    !sf_uid_passes(SF_LOAD(cred, SF_POINTER(task_struct, task, cred), euid.val)))
		return 0;
	return !(filters & SF_SELECT_CGROUP) || sf_cgroup_passes(task);
}

/* Whether the current task passes. */
static __always_inline int sf_passes(volatile struct sf_filter *f)
{
	return !f->sel.filters || sf_filters_pass(bpf_get_current_task());
}

__noinline int sf_op_selected(__u32 op)
{
	return SF_OP_BIT(sf_filter()->sel.ops, op & 0xff);
}

/* What becomes of an operation: `selected` of its kind, by this task. */
static __always_inline __u32 sf_gate_of(volatile struct sf_filter *f,
					int selected, __u32 op, __s64 ret)
{
	if (selected && sf_passes(f))
		return SF_GATE_TOLD;
	return ret >= 0 && SF_OP_BIT(f->sel.state, op & 0xff) ? SF_GATE_STATE :
								SF_GATE_OUT;
}

/* The same of a system call by its number, where something is selected. */
__noinline __u32 sf_gate_call(__u64 nr, __s64 ret)
{
	volatile struct sf_filter *f = sf_filter();
	__u32 op = sf_rows[nr & (SF_ROWS - 1)].op;
	int selected = SF_OP_BIT(f->sel.ops, op);

	/* Told by two operations, each of which can be selected. */
	if (!selected && sf_rows[nr & (SF_ROWS - 1)].how == SF_HOW_TRANSFER)
		selected = SF_OP_BIT(f->sel.ops, SF_OP_WRITE);
	return sf_gate_of(f, selected, op, ret);
}

/* What becomes of a system call. That it is told needs no function. */
static __always_inline __u32 sf_gate(__u64 nr, __s64 ret)
{
	volatile struct sf_filter *f = sf_filter();

	if (!f->sel.filters && SF_OP_BIT(f->sel.ops, sf_rows[nr].op))
		return SF_GATE_TOLD;
	return sf_gate_call(nr, ret);
}

/* Of the births, programs and ends of tasks. Of a birth, the child's selection
 * counts as well. */
static __always_inline __u32 sf_gate_task(__u32 op, __u64 child)
{
	volatile struct sf_filter *f = sf_filter();
	int selected = SF_OP_BIT(f->sel.ops, op);

	if (child && selected && f->sel.filters && sf_filters_pass(child))
		return SF_GATE_TOLD;
	return sf_gate_of(f, selected, op, 0);
}

static __always_inline __u32 sf_gate_flags(__u32 gate)
{
	return gate == SF_GATE_STATE ? SF_F_STATE : 0;
}

/* Counts a call as left out. */
static __always_inline void sf_leave_out(__u32 op)
{
	__u32 id = bpf_get_smp_processor_id();
	struct sf_ring_prod *prod = bpf_map_lookup_elem(&rings, &id);

	if (prod && sf_running == SF_RUN_ON)
		sf_ring_leave_out(prod, SF_OP_CLASS(op & 0xff));
}

/*
 * The number of a task in the pid namespace of who walks. Its thread_pid is
 * read by the helper, which gives a number and no typed pointer.
 */
static __always_inline __u32 sf_walk_number(struct task_struct *task)
{
	__u64 own = SF_POINTER(task_struct, bpf_get_current_task(), thread_pid);
	__u32 level = SF_LOAD(pid, own, level);
	__u64 pid = 0, upid;

	bpf_probe_read_kernel(&pid, sizeof(pid),
			      (char *)task + bpf_core_field_offset(struct task_struct, thread_pid));
	if (!pid || level > 32)
		return 0;
	upid = pid + bpf_core_field_offset(struct pid, numbers) +
	       level * bpf_core_type_size(struct upid);
	return SF_LOAD(upid, upid, nr);
}

/* Bits of the roots that a number is. */
__noinline __u32 sf_walk_root(__u32 number)
{
	volatile struct sf_filter *f = &sf_control.filter[sf_control.walk_filter & 1];
	__u32 i;

	for (i = 0; i < SF_SELECT_MAX; i++) {
		if (i >= f->sel.nr_pids)
			break;
		if (number && f->sel.pids[i] == number)
			return 1U << i;
	}
	return 0;
}

/* Marks a root. Returns whether the process is one. */
static __always_inline int sf_walk_mark_root(struct task_struct *leader, __u8 mark)
{
	__u32 roots = sf_walk_root(sf_walk_number(leader));
	volatile __u8 *own = sf_mark_of(leader->tgid);

	if (!roots || !own)
		return 0;
	sf_control.walk_roots |= roots;
	if (!mark)
		return 1;
	if (*own != mark)
		sf_control.walk_any = 1;
	*own = mark;
	return 1;
}

/*
 * One pass over all tasks: marks the roots, and children of what is marked.
 * Attached and read by the loader, again and again until it finds no more; with
 * the mark 0 only to see which roots are there.
 * A root is known by its children too: the kernel does not show every process
 * to everyone.
 */
SEC("?iter/task")
int sf_walk_tree(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[1];
	volatile __u8 *own, *parent;
	__u8 mark = sf_control.walk_mark;

	if (!task || task->pid != task->tgid)
		return 0;
	if (sf_walk_mark_root(task, mark))
		return 0;
	sf_walk_mark_root(task->real_parent->group_leader, mark);
	if (!mark)
		return 0;
	own = sf_mark_of(task->tgid);
	parent = sf_mark_of(task->real_parent->tgid);
	if (!own || !parent || *own == mark || *parent != mark)
		return 0;
	*own = mark;
	sf_control.walk_any = 1;
	return 0;
}

#endif /* SYSFLOW_BPF_SELECT_H */
