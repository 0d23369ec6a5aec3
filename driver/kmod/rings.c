// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * The rings: one per possible CPU, so that CPUs may come and go while a
 * capture runs. Made at SETUP, unmade at release; a mapping holds the device's
 * file open, so release comes after the last one.
 */
#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "internal.h"

DEFINE_PER_CPU(struct sf_cpu, sf_cpus);

/*
 * The layout of ring.h counts in pages of 4 KiB: each part is mapped with its
 * own protection.
 */
static_assert(PAGE_SIZE == SF_RING_CONS && 2 * PAGE_SIZE == SF_RING_DATA);

static void sf_irq_wake(struct irq_work *work)
{
	sf_wake_sleepers();
}

void sf_rings_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		init_irq_work(&per_cpu(sf_cpus, cpu).wake, sf_irq_wake);
}

static void sf_cpu_free(struct sf_cpu *c)
{
	vfree(c->mem);
	kvfree(c->described);
	kfree(c->scratch);
	c->mem = NULL;
	c->described = NULL;
	c->scratch = NULL;
	memset(&c->ring, 0, sizeof(c->ring));
}

static int sf_cpu_alloc(struct sf_cpu *c, int cpu, u64 size)
{
	int node = cpu_to_node(cpu);

	c->mem = vmalloc_user(SF_RING_STRIDE(size));
	c->described = kvcalloc(SF_DESCRIBED_SLOTS, sizeof(*c->described),
				GFP_KERNEL);
	c->scratch = kmalloc_node(sizeof(*c->scratch), GFP_KERNEL, node);
	if (!c->mem || !c->described || !c->scratch) {
		sf_cpu_free(c);
		return -ENOMEM;
	}
	c->ring.prod = c->mem;
	c->ring.cons = c->mem + SF_RING_CONS;
	c->ring.data = c->mem + SF_RING_DATA;
	c->ring.size = size;
	c->last_ts = 0;
	c->woken_at = 0;
	sf_ring_init(c->ring.prod, size, cpu, nr_cpu_ids);
	return 0;
}

/*
 * Rings are never more than a quarter of memory: what a user asks for by
 * mistake must not make the kernel look for memory at the cost of others.
 */
static bool sf_rings_fit(u64 size)
{
	u64 want = SF_RING_STRIDE(size) * num_possible_cpus();

	return want <= (u64)totalram_pages() << PAGE_SHIFT >> 2;
}

int sf_rings_create(u64 size)
{
	int cpu, err;

	if (size < SF_RING_SIZE_MIN || size > SF_RING_SIZE_MAX ||
	    !is_power_of_2(size))
		return -EINVAL;
	if (!sf_rings_fit(size))
		return -ENOMEM;

	for_each_possible_cpu(cpu) {
		err = sf_cpu_alloc(per_cpu_ptr(&sf_cpus, cpu), cpu, size);
		if (err) {
			sf_rings_destroy();
			return err;
		}
		cond_resched();
	}
	err = sf_uring_create();
	if (err) {
		sf_rings_destroy();
		return err;
	}
	/* Pairs with the lockless readers, poll and mmap. */
	smp_store_release(&sf_session.ring_size, size);
	return 0;
}

/* With the probes detached and the last mapping gone. */
void sf_rings_destroy(void)
{
	int cpu;

	sf_rings_quiesce();
	for_each_possible_cpu(cpu)
		sf_cpu_free(per_cpu_ptr(&sf_cpus, cpu));
	sf_uring_destroy();
	sf_session.ring_size = 0;
}

/* Waits for wake-ups that probes have asked for. */
void sf_rings_quiesce(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		irq_work_sync(&per_cpu(sf_cpus, cpu).wake);
}

/* A new start knows nothing of the files that were opened in between. */
void sf_rings_forget_described(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		memset(per_cpu(sf_cpus, cpu).described, 0,
		       SF_DESCRIBED_SLOTS * sizeof(struct sf_described));
}

/*
 * A whole ring read-only, or its cons page writable. Both shared: a private
 * mapping would show the reader its own copies.
 */
int sf_rings_map(struct vm_area_struct *vma)
{
	/* Pairs with the release in sf_rings_create(). */
	u64 size = smp_load_acquire(&sf_session.ring_size);
	u64 stride = SF_RING_STRIDE(size);
	u64 pos = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 len = vma->vm_end - vma->vm_start;
	u64 cpu, off;

	if (!size)
		return -EINVAL;
	cpu = div64_u64(pos, stride);
	off = pos - cpu * stride;
	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -ENXIO;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (off == SF_RING_CONS && len == PAGE_SIZE) {
		sf_vm_flags_mod(vma, VM_DONTCOPY, VM_MAYEXEC);
	} else if (off == 0 && len == stride) {
		if (vma->vm_flags & VM_WRITE)
			return -EPERM;
		sf_vm_flags_mod(vma, VM_DONTCOPY, VM_MAYWRITE | VM_MAYEXEC);
	} else {
		return -EINVAL;
	}
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	return remap_vmalloc_range(vma, per_cpu(sf_cpus, cpu).mem,
				   off >> PAGE_SHIFT);
}

/* Whether a ring has reached the position at which its reader wants to wake. */
bool sf_rings_wake_due(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct sf_ring *r = &per_cpu(sf_cpus, cpu).ring;
		u64 at = READ_ONCE(r->cons->wake_at);

		if (at && READ_ONCE(r->prod->head) >= at)
			return true;
	}
	return false;
}

/*
 * From a probe, after it published. A wake_at is served once: positions only
 * grow, so a reader that sleeps again asks for another one.
 */
void sf_wake_reader(struct sf_cpu *cpu)
{
	u64 at = READ_ONCE(cpu->ring.cons->wake_at);

	if (at == cpu->woken_at)
		return;
	cpu->woken_at = at;
	WRITE_ONCE(cpu->ring.prod->wakeups, cpu->ring.prod->wakeups + 1);
	irq_work_queue(&cpu->wake);
}
