// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * The hooks: four tracepoints, attached between START and STOP only. System
 * calls are seen at their exit alone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/sched/signal.h>
#include <linux/tracepoint.h>
#include <trace/events/sched.h>
#include <trace/events/syscalls.h>

#include "compat.h"
#include "internal.h"

#ifdef SF_HAVE_URING
static bool sf_uring_found __read_mostly;

bool sf_uring_hooked(void)
{
	return sf_uring_found;
}
#else
bool sf_uring_hooked(void)
{
	return false;
}
#endif

/*
 * The record of a birth, a program or an end, where it is told.
 * SF_GATE_OUT: it is not; else the flags of the run are set.
 */
static bool sf_begin_task(struct sf_run *run, u32 op, enum sf_gate gate)
{
	if (gate == SF_GATE_OUT) {
		sf_leave_out(op);
		return false;
	}
	if (!sf_run_begin(run, SF_OP_CLASS(op)))
		return false;
	if (gate == SF_GATE_STATE)
		run->flags = SF_F_STATE;
	return true;
}

static enum sf_gate sf_gate_task(u32 op, struct task_struct *other)
{
	const struct sf_filter *f = rcu_dereference_sched(sf_filter);
	bool selected = sf_op_selected(f, op);

	/* Of a birth, the child's selection counts as well. */
	if (other && selected && sf_passes(f, other))
		return SF_GATE_TOLD;
	return sf_gate_of(f, selected, op, 0);
}

/* Before the child runs. The recorder's children are not the recorder. */
static void sf_on_fork(void *data, struct task_struct *parent,
		       struct task_struct *child)
{
	struct sf_run run;

	preempt_disable_notrace();
	sf_tree_inherit(parent, child);
	if (!sf_owner_is(child) &&
	    sf_begin_task(&run, SF_OP_FORK, sf_gate_task(SF_OP_FORK, child))) {
		sf_tell_fork(&run, child);
		sf_run_end(&run);
	}
	preempt_enable_notrace();
}

static void sf_on_exec(void *data, struct task_struct *task, pid_t old_tid,
		       struct linux_binprm *bprm)
{
	struct sf_run run;

	if (sf_owner_is(current))
		return;
	preempt_disable_notrace();
	if (sf_begin_task(&run, SF_OP_EXEC, sf_gate_task(SF_OP_EXEC, NULL))) {
		sf_tell_exec(&run, old_tid, bprm);
		sf_run_end(&run);
	}
	preempt_enable_notrace();
}

/* The task is current, on its way through do_exit(). */
static void sf_on_exit(SF_EXIT_PROBE_ARGS)
{
	struct sf_run run;

	if (sf_owner_is(current))
		return;
	preempt_disable_notrace();
	if (sf_begin_task(&run, SF_OP_EXIT, sf_gate_task(SF_OP_EXIT, NULL))) {
		sf_tell_exit(&run, SF_EXIT_IS_LAST(task));
		sf_run_end(&run);
	}
	preempt_enable_notrace();
}

static struct {
	const char *name;
	void *probe;
	bool optional;
	struct tracepoint *tp;
	bool attached;
} sf_hooks[] = {
	/*
	 * Births and programs first: a call that is seen comes from a task
	 * whose fork or exec was seen, or that was there before.
	 */
	{ "sched_process_fork", sf_on_fork },
	{ "sched_process_exec", sf_on_exec },
	{ "sched_process_exit", sf_on_exit },
#ifdef SF_HAVE_URING
	{ SF_URING_SUBMIT, sf_on_uring_submit, true },
	{ "io_uring_complete", sf_on_uring_complete, true },
#endif
	{ "sys_exit", sf_on_sys_exit },
};

#define SF_BIRTHS	1	/* the first of them that see births */
#define SF_URING_AT	3	/* where those of io_uring are */

/* The table above loses the types: the compiler compares them here. */
static inline void sf_check_probe_types(void)
{
	check_trace_callback_type_sched_process_fork(sf_on_fork);
	check_trace_callback_type_sched_process_exec(sf_on_exec);
	check_trace_callback_type_sched_process_exit(sf_on_exit);
	check_trace_callback_type_sys_exit(sf_on_sys_exit);
}

static void sf_match_hook(struct tracepoint *tp, void *data)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(sf_hooks); i++)
		if (!strcmp(tp->name, sf_hooks[i].name))
			sf_hooks[i].tp = tp;
}

int sf_probes_find(void)
{
	int i;

	sf_check_probe_types();
	for_each_kernel_tracepoint(sf_match_hook, NULL);
	for (i = 0; i < ARRAY_SIZE(sf_hooks); i++) {
		if (!sf_hooks[i].tp && !sf_hooks[i].optional) {
			pr_err("this kernel has no tracepoint %s\n",
			       sf_hooks[i].name);
			return -ENOENT;
		}
	}
#ifdef SF_HAVE_URING
	/* A kernel built without io_uring has none. */
	sf_uring_found = sf_hooks[SF_URING_AT].tp && sf_hooks[SF_URING_AT + 1].tp;
#endif
	return 0;
}

int sf_probes_attach(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(sf_hooks); i++) {
		if (!sf_hooks[i].tp)
			continue;
		err = tracepoint_probe_register(sf_hooks[i].tp,
						sf_hooks[i].probe, NULL);
		if (err) {
			sf_probes_detach();
			return err;
		}
		sf_hooks[i].attached = true;
		/* From here on births are seen: the trees can be found. */
		err = i + 1 == SF_BIRTHS ? sf_select_again() : 0;
		if (err) {
			sf_probes_detach();
			return err;
		}
	}
	return 0;
}

/* When it returns no probe runs, on any CPU. */
void sf_probes_detach(void)
{
	int i;

	for (i = ARRAY_SIZE(sf_hooks) - 1; i >= 0; i--) {
		if (!sf_hooks[i].attached)
			continue;
		tracepoint_probe_unregister(sf_hooks[i].tp, sf_hooks[i].probe,
					    NULL);
		sf_hooks[i].attached = false;
	}
	tracepoint_synchronize_unregister();
}
