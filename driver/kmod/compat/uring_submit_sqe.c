// SPDX-License-Identifier: (GPL-2.0 OR MIT)
#include <linux/io_uring_types.h>
#include <trace/events/io_uring.h>

static void sf_submit(void *data, struct io_kiocb *req, bool force_nonblock)
{
}

void sf_probe(void);
void sf_probe(void)
{
	check_trace_callback_type_io_uring_submit_sqe(sf_submit);
}
