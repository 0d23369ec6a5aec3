// SPDX-License-Identifier: (GPL-2.0 OR MIT)
#include <linux/io_uring_types.h>
#include <trace/events/io_uring.h>

static void sf_complete(void *data, struct io_ring_ctx *ctx, void *req,
			struct io_uring_cqe *cqe)
{
}

void sf_probe(void);
void sf_probe(void)
{
	check_trace_callback_type_io_uring_complete(sf_complete);
}
