// SPDX-License-Identifier: (GPL-2.0 OR MIT)
#include <linux/mm.h>

void sf_probe(struct vm_area_struct *vma);
void sf_probe(struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_DONTCOPY);
	vm_flags_clear(vma, VM_MAYWRITE);
}
