// SPDX-License-Identifier: (GPL-2.0 OR MIT)
#include <linux/capability.h>

u64 sf_probe(kernel_cap_t cap);
u64 sf_probe(kernel_cap_t cap)
{
	return cap.val;
}
