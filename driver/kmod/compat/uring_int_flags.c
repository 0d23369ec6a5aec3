// SPDX-License-Identifier: (GPL-2.0 OR MIT)
#include <linux/io_uring_types.h>

unsigned int sf_probe(const struct io_ring_ctx *ctx);
unsigned int sf_probe(const struct io_ring_ctx *ctx)
{
	return ctx->int_flags & IO_RING_F_COMPAT;
}
