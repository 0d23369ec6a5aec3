/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * The current task.
 *
 * bpf_get_current_task() is a call into the kernel, which where returns are
 * guarded against speculation costs as much as a whole filter. This CPU's run
 * queue (struct rq) names the task that runs, and a load is enough to read it.
 * The run queue of a CPU never moves; where it lies is learnt from the first
 * task that is seen there, and checked.
 */
#ifndef SYSFLOW_BPF_TASK_H
#define SYSFLOW_BPF_TASK_H

#include "load.h"
#include "maps.h"

/* In cpu->rq: this kernel does not show the run queue. 0: not yet learnt. */
#define SF_RQ_NONE	1

/* Learns where this CPU's run queue lies: through the queue that the current
 * task stands in. */
__noinline int sf_rq_learn(void)
{
	__u64 task = bpf_get_current_task();
	struct sf_here here;
	__u64 rq = 0;

	if (!sf_here(&here))
		return 0;
	here.cpu->rq = SF_RQ_NONE;
	if (bpf_core_field_exists(struct sched_entity, cfs_rq) &&
	    bpf_core_field_exists(struct cfs_rq, rq))
		rq = SF_POINTER(cfs_rq,
				SF_POINTER(task_struct, task, se.cfs_rq), rq);
	if (rq && bpf_core_field_exists(struct rq, cpu) &&
	    SF_LOAD(rq, rq, cpu) == (int)bpf_get_smp_processor_id() &&
	    SF_POINTER(rq, rq, curr) == task)
		here.cpu->rq = rq;
	return 0;
}

/* Where struct task_struct lies. Only for kernels with typed loads: elsewhere
 * the helper is no dearer. */
static __always_inline __u64 sf_current(struct sf_cpu *cpu)
{
	if (!cpu->rq)
		sf_rq_learn();
	if (cpu->rq <= SF_RQ_NONE)
		return bpf_get_current_task();
	return SF_POINTER(rq, cpu->rq, curr);
}

#endif /* SYSFLOW_BPF_TASK_H */
