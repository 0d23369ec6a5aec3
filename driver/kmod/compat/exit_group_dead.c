// SPDX-License-Identifier: (GPL-2.0 OR MIT)
#include <linux/sched.h>
#include <trace/events/sched.h>

static void sf_exit(void *data, struct task_struct *task, bool dead)
{
}

void sf_probe(void);
void sf_probe(void)
{
	check_trace_callback_type_sched_process_exit(sf_exit);
}
