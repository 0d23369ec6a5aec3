// SPDX-License-Identifier: (GPL-2.0 OR MIT)
#include <linux/io_uring_types.h>
#include <trace/events/io_uring.h>

static void sf_complete(void *data, void *ctx, void *req, u64 user_data,
			int res, unsigned int cflags, u64 extra1, u64 extra2)
{
}

void sf_probe(void);
void sf_probe(void)
{
	check_trace_callback_type_io_uring_complete(sf_complete);
}
