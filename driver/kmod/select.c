// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * Selection: which calls are told (sysflow/select.h). Probes read the filter
 * under RCU; it is replaced as a whole, by the device's owner.
 *
 * Membership of a tree is a byte per process, copied at birth. It is set for
 * the processes that live when the selection comes: passes over all of them
 * mark the roots, then children of what is marked, until one finds nothing
 * more. A fork that read its parent's byte just before the parent was marked
 * can store the old value after the pass: hence a grace period between passes.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/threads.h>
#include <linux/vmalloc.h>

#include "internal.h"

static struct sf_filter sf_everything = {
	.sel.ops = { ~0ULL, ~0ULL, ~0ULL, ~0ULL },
};

struct sf_filter __rcu *sf_filter = (struct sf_filter __force __rcu *)&sf_everything;

static u8 *sf_tree;	/* PID_MAX_LIMIT bytes; NULL: never needed */
static u8 sf_mark;	/* the one given out last */
static u32 sf_stamp;

static struct sf_filter *sf_filter_now(void)
{
	/* Written under sf_lock of main.c alone, which the caller holds. */
	return rcu_dereference_protected(sf_filter, true);
}

/* When it returns no probe uses the older one. */
static void sf_filter_put_in(struct sf_filter *filter)
{
	struct sf_filter *old = sf_filter_now();

	filter->stamp = ++sf_stamp;
	rcu_assign_pointer(sf_filter, filter);
	synchronize_rcu();
	if (old != &sf_everything)
		kfree(old);
}

/* ---- in probes ---- */

static bool sf_mark_counts(const struct sf_filter *f, u8 mark)
{
	return mark && (mark == f->mark[0] || mark == f->mark[1]);
}

/* A process is born. Whatever its number's byte said is overwritten. */
void sf_tree_inherit(const struct task_struct *parent,
		     const struct task_struct *child)
{
	const struct sf_filter *f = rcu_dereference_sched(sf_filter);
	u8 mark;

	if (!f->mark[0] && !f->mark[1])
		return;
	mark = READ_ONCE(sf_tree[parent->tgid]);
	WRITE_ONCE(sf_tree[child->tgid], sf_mark_counts(f, mark) ? mark : 0);
}

static bool sf_uid_passes(const struct sf_filter *f,
			  const struct task_struct *task)
{
	const struct cred *cred = task == current ? current_cred() :
						    __task_cred(task);
	u32 uid = __kuid_val(cred->euid);
	u32 i;

	for (i = 0; i < f->sel.nr_uids; i++)
		if (uid >= f->sel.uids[i].first && uid <= f->sel.uids[i].last)
			return true;
	return false;
}

#ifdef CONFIG_CGROUPS
static struct cgroup *sf_cgroup_in(const struct css_set *set, u32 hierarchy)
{
	int i;

	if (!hierarchy)
		return set->dfl_cgrp;
	for (i = 0; i < CGROUP_SUBSYS_COUNT; i++) {
		const struct cgroup_subsys_state *css = set->subsys[i];

		if (css && css->cgroup->root->hierarchy_id == hierarchy)
			return css->cgroup;
	}
	return NULL;
}

static bool sf_cgroup_below(const struct sf_filter *f, struct cgroup *cg)
{
	u32 i;

	for (; cg; cg = cgroup_parent(cg))
		for (i = 0; i < f->sel.nr_cgroups; i++)
			if (cg->kn->id == f->sel.cgroups[i])
				return true;
	return false;
}

/*
 * A control group is not moved, and its id not given again while the machine
 * runs: what was found out for an id holds as long as the filter does.
 */
static bool sf_cgroup_passes(const struct sf_filter *f,
			     struct task_struct *task)
{
	struct cgroup *cg;
	struct sf_memo *memo;
	u64 id;

	cg = sf_cgroup_in(task_css_set(task), f->sel.hierarchy);
	if (!cg)
		return false;
	id = cg->kn->id;
	memo = &this_cpu_ptr(&sf_cpus)->memo[id % SF_MEMOS];
	if (memo->id != id || memo->stamp != f->stamp) {
		memo->id = id;
		memo->stamp = f->stamp;
		memo->in = sf_cgroup_below(f, cg);
	}
	return memo->in;
}
#else
static bool sf_cgroup_passes(const struct sf_filter *f,
			     struct task_struct *task)
{
	return false;
}
#endif

/* With preemption off. */
bool sf_filters_pass(const struct sf_filter *f, struct task_struct *task)
{
	u32 filters = f->sel.filters;

	if ((filters & SF_SELECT_TREE) &&
	    !sf_mark_counts(f, READ_ONCE(sf_tree[task->tgid])))
		return false;
	if ((filters & SF_SELECT_UID) && !sf_uid_passes(f, task))
		return false;
	return !(filters & SF_SELECT_CGROUP) || sf_cgroup_passes(f, task);
}

/* ---- by the device's owner ---- */

/*
 * One pass over all processes: marks the roots, and children of what is
 * marked; with the mark 0 nothing. Returns whether it marked any. A root that
 * was seen gets its bit in roots.
 */
static bool sf_tree_pass(const struct sf_selection *sel, u8 mark, u32 *roots)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct task_struct *p;
	bool any = false;
	pid_t nr;
	u32 i;

	rcu_read_lock();
	for_each_process(p) {
		bool in = READ_ONCE(sf_tree[rcu_dereference(p->real_parent)->tgid]) == mark;

		nr = task_tgid_nr_ns(p, ns);
		for (i = 0; i < sel->nr_pids; i++) {
			if (nr == sel->pids[i]) {
				*roots |= 1U << i;
				in = true;
			}
		}
		if (mark && in && READ_ONCE(sf_tree[p->tgid]) != mark) {
			WRITE_ONCE(sf_tree[p->tgid], mark);
			any = true;
		}
	}
	rcu_read_unlock();
	return any;
}

/* A mark that no process has. */
static u8 sf_tree_mark(void)
{
	u32 pid;

	if (!++sf_mark)
		sf_mark = 1;
	for (pid = 0; pid < PID_MAX_LIMIT; pid++) {
		if (READ_ONCE(sf_tree[pid]) == sf_mark)
			cmpxchg(&sf_tree[pid], sf_mark, 0);
		if (!(pid & 0xffff))
			cond_resched();
	}
	return sf_mark;
}

/*
 * Marks the trees of sel, while what is told stays as it is: births meanwhile
 * hand on both marks.
 */
static int sf_tree_grow(const struct sf_selection *sel, u8 *mark)
{
	struct sf_filter *both;
	u32 roots = 0;

	both = kmemdup(sf_filter_now(), sizeof(*both), GFP_KERNEL);
	if (!both)
		return -ENOMEM;
	*mark = sf_tree_mark();
	both->mark[1] = *mark;
	sf_filter_put_in(both);
	while (sf_tree_pass(sel, *mark, &roots)) {
		synchronize_rcu();
		cond_resched();
	}
	return 0;
}

/* The table, and whether the roots are there. */
static int sf_tree_prepare(const struct sf_selection *sel, bool all_roots)
{
	u32 roots = 0;

	if (!sf_tree)
		sf_tree = vzalloc(PID_MAX_LIMIT);
	if (!sf_tree)
		return -ENOMEM;
	sf_tree_pass(sel, 0, &roots);
	return all_roots && hweight32(roots) != sel->nr_pids ? -ESRCH : 0;
}

static bool sf_selection_valid(const struct sf_selection *sel)
{
	u32 i, filters = SF_SELECT_TREE | SF_SELECT_CGROUP | SF_SELECT_UID;

	if ((sel->filters & ~filters) || sel->pad0 ||
	    sel->nr_pids > SF_SELECT_MAX || sel->nr_cgroups > SF_SELECT_MAX ||
	    sel->nr_uids > SF_SELECT_MAX ||
	    memchr_inv(sel->pad, 0, sizeof(sel->pad)))
		return false;
	for (i = 0; i < sel->nr_pids; i++)
		if (!sel->pids[i])
			return false;
	for (i = 0; i < sel->nr_uids; i++)
		if (sel->uids[i].first > sel->uids[i].last)
			return false;
	return true;
}

/* Puts a selection in the place of another, or keeps that one. */
static int sf_select_from(const struct sf_selection *sel, bool all_roots)
{
	struct sf_filter *filter = kzalloc(sizeof(*filter), GFP_KERNEL);
	int err = 0;

	if (!filter)
		return -ENOMEM;
	filter->sel = *sel;
	if (sel->filters & SF_SELECT_TREE) {
		err = sf_tree_prepare(sel, all_roots);
		if (!err)
			err = sf_tree_grow(sel, &filter->mark[0]);
	}
	if (err)
		kfree(filter);
	else
		sf_filter_put_in(filter);
	return err;
}

/* The probes may run, or not. When it fails the older selection stays. */
int sf_select(const struct sf_selection *sel)
{
	return sf_selection_valid(sel) ? sf_select_from(sel, true) : -EINVAL;
}

/*
 * Births were not seen since the selection was set: looks for its trees once
 * more. A root can be gone by now. Called when births are seen again.
 */
int sf_select_again(void)
{
	struct sf_selection *sel;
	int err;

	if (!(sf_filter_now()->sel.filters & SF_SELECT_TREE))
		return 0;
	sel = kmemdup(&sf_filter_now()->sel, sizeof(*sel), GFP_KERNEL);
	if (!sel)
		return -ENOMEM;
	err = sf_select_from(sel, false);
	kfree(sel);
	return err;
}

/* Everything is told again. With the probes detached. */
void sf_select_reset(void)
{
	if (sf_filter_now() != &sf_everything)
		sf_filter_put_in(&sf_everything);
	vfree(sf_tree);
	sf_tree = NULL;
}
