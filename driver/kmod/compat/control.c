// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/* Must compile on every kernel: else the other answers mean nothing. */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <trace/events/sched.h>

unsigned long sf_probe(struct vm_area_struct *vma);
unsigned long sf_probe(struct vm_area_struct *vma)
{
	return vma->vm_flags + atomic_read(&current->signal->live);
}
