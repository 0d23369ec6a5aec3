// SPDX-License-Identifier: (GPL-2.0 OR MIT)
#include <linux/io_uring_types.h>

u64 sf_probe(const struct io_kiocb *req);
u64 sf_probe(const struct io_kiocb *req)
{
	const struct io_ring_ctx *ctx = req->ctx;

	return req->cqe.user_data + req->opcode + (unsigned long)req->file +
	       ctx->flags + ctx->sq_entries + ctx->cached_sq_head +
	       ctx->sq_array[0] + ctx->sq_sqes[0].user_data;
}
