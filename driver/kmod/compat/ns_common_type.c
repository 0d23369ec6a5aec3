// SPDX-License-Identifier: (GPL-2.0 OR MIT)
#include <linux/ns_common.h>

unsigned int sf_probe(const struct ns_common *ns);
unsigned int sf_probe(const struct ns_common *ns)
{
	return ns->ns_type;
}
