// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * io_uring, through the tracepoints of submission and completion. Requests in
 * between are kept in a table; see <sysflow/uring.h>.
 *
 * A completion comes in the task that submitted, in a worker thread or the
 * polling thread of its group, which share its memory and descriptors, or,
 * when a ring dies, in a kernel thread, which does not: there user memory and
 * descriptors are left alone. The request holds its file until after the
 * tracepoint.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include <sysflow/uring.h>

#include "compat.h"
#include "internal.h"

#ifdef SF_HAVE_URING

static struct sf_inflight *sf_inflight;	/* SF_INFLIGHT, while rings are */

static const struct sf_uring_op sf_uring_ops[SF_URING_OPS] = {
#define SF_URING(number, name, how) \
	[number] = { __NR_##name, SF_SHAPE_##how },
#include <sysflow/uring_ops.h>
};

static const struct sf_uring_op *sf_uring_op(u32 opcode)
{
	return &sf_uring_ops[array_index_nospec(opcode & (SF_URING_OPS - 1),
						SF_URING_OPS)];
}

int sf_uring_create(void)
{
	sf_inflight = vzalloc(SF_INFLIGHT * sizeof(*sf_inflight));
	return sf_inflight ? 0 : -ENOMEM;
}

void sf_uring_destroy(void)
{
	vfree(sf_inflight);
	sf_inflight = NULL;
}

/* The slot for a key, owned and marked busy; NULL: another CPU was faster. */
static struct sf_inflight *sf_inflight_claim(u64 key)
{
	struct sf_inflight *slot, *best = NULL;
	u64 held, best_key = 0;
	u32 i;

	for (i = 0; i < SF_INFLIGHT_NEAR; i++) {
		slot = &sf_inflight[sf_inflight_slot(key, i)];
		held = READ_ONCE(slot->key);
		if (held == SF_SLOT_BUSY)
			continue;
		if (held == key) {
			best = slot;
			best_key = held;
			break;
		}
		/* A free one, else the oldest. */
		if (!best || (best_key && (!held || slot->ts < best->ts))) {
			best = slot;
			best_key = held;
		}
	}
	if (!best || cmpxchg(&best->key, best_key, SF_SLOT_BUSY) != best_key)
		return NULL;
	return best;
}

static void sf_inflight_put(u64 key, const struct sf_sqe *sqe)
{
	struct sf_inflight *slot = sf_inflight_claim(key);

	if (!slot)
		return;
	slot->ts = ktime_get_mono_fast_ns();
	slot->pid = current->tgid;
	slot->tid = current->pid;
	slot->sqe = *sqe;
	/* Pairs with the acquire in sf_inflight_take(). */
	smp_store_release(&slot->key, key);
}

/* Copies what is kept under a key, and gives up its slot unless it stays. */
static bool sf_inflight_take(u64 key, struct sf_inflight *to, bool stay)
{
	u32 i;

	for (i = 0; i < SF_INFLIGHT_NEAR; i++) {
		struct sf_inflight *slot = &sf_inflight[sf_inflight_slot(key, i)];

		/* Pairs with the release in sf_inflight_put(). */
		if (smp_load_acquire(&slot->key) != key)
			continue;
		if (stay) {
			*to = *slot;
			/* Taken over meanwhile: what was copied is of two. */
			smp_rmb();
			return READ_ONCE(slot->key) == key;
		}
		if (cmpxchg(&slot->key, key, SF_SLOT_BUSY) != key)
			return false;
		*to = *slot;
		/* Whoever claims the slot now writes after this copy. */
		smp_store_release(&slot->key, 0);
		return true;
	}
	return false;
}

/*
 * The submission that the kernel has just read, or false when it is not the
 * request's any more: it lies in memory that the process can write.
 */
static bool sf_uring_sqe(const struct io_kiocb *req, struct sf_sqe *to)
{
	const struct io_ring_ctx *ctx = req->ctx;
	u32 entries = ctx->sq_entries;
	u32 at = (ctx->cached_sq_head - 1) & (entries - 1);

	if (!is_power_of_2(entries))
		return false;
	if (!(ctx->flags & SF_SETUP_NO_SQARRAY)) {
		at = READ_ONCE(ctx->sq_array[at]);
		if (at >= entries)
			return false;
		at = array_index_nospec(at, entries);
	}
	if (ctx->flags & SF_SETUP_SQE128)
		at <<= 1;
	memcpy(to, &ctx->sq_sqes[at], sizeof(*to));
	return to->opcode == req->opcode && to->user_data == req->cqe.user_data;
}

/* Whether a request that stands for a call of this number is told. */
static bool sf_uring_selected(u32 nr)
{
	const struct sf_syscall *sc = sf_syscall_row(nr);
	const struct sf_filter *f;
	bool selected;

	if (!sc)
		return false;
	preempt_disable_notrace();
	f = rcu_dereference_sched(sf_filter);
	selected = sf_gate_of(f, sf_row_selected(f, sc), sc->op, 0) !=
		   SF_GATE_OUT;
	preempt_enable_notrace();
	return selected;
}

static void sf_uring_submit(const struct io_kiocb *req)
{
	const struct sf_uring_op *op = sf_uring_op(req->opcode);
	struct sf_sqe sqe;

	if (op->shape == SF_SHAPE_NONE || sf_owner_is(current) ||
	    !sf_uring_selected(op->nr) || !sf_uring_sqe(req, &sqe))
		return;
	/* No completion will be seen when it succeeds. */
	if (sqe.flags & SF_SQE_CQE_SKIP)
		sf_count_uncovered(false, 1);
	preempt_disable_notrace();
	sf_inflight_put((unsigned long)req, &sqe);
	if (sf_sqe_again(&sqe))
		sf_inflight_put(sf_inflight_again((unsigned long)req->ctx,
						  sqe.user_data), &sqe);
	preempt_enable_notrace();
}

/* A completion, whatever the kernel's version. */
struct sf_uring_done {
	unsigned long ctx;
	const struct io_kiocb *req;	/* NULL: one of several */
	u64 user_data;
	int res;
	u32 flags;
};

/* What is known of the request that completes. False: nothing that helps. */
static bool sf_uring_kept(const struct sf_uring_done *done,
			  struct sf_inflight *kept)
{
	u64 again = sf_inflight_again(done->ctx, done->user_data);
	bool more = done->flags & SF_CQE_MORE;
	struct sf_inflight other;

	if (!done->req)
		return more && sf_inflight_take(again, kept, true) &&
		       kept->sqe.user_data == done->user_data;
	if (!sf_inflight_take((unsigned long)done->req, kept, false))
		return false;
	if (kept->sqe.user_data != done->user_data ||
	    kept->sqe.opcode != done->req->opcode)
		return false;
	if (!more && sf_sqe_again(&kept->sqe))
		sf_inflight_take(again, &other, false);
	else if (more && sf_sqe_again(&kept->sqe))
		sf_inflight_put((unsigned long)done->req, &kept->sqe);
	return true;
}

/* A request whose submission was not seen, or not kept: its file is known. */
static bool sf_uring_unkept(const struct sf_uring_done *done,
			    struct sf_inflight *kept)
{
	if (!done->req || sf_uring_op(done->req->opcode)->shape != SF_SHAPE_FD ||
	    done->req->opcode == SF_URING_CLOSE)
		return false;
	*kept = (struct sf_inflight){
		.pid = current->tgid,
		.tid = current->pid,
		.sqe.opcode = done->req->opcode,
		.sqe.fd = -1,
		.sqe.user_data = done->user_data,
	};
	return true;
}

static bool sf_uring_of_interest(const struct sf_uring_done *done)
{
	u32 opcode;

	if (!done->req)
		return done->flags & SF_CQE_MORE;
	opcode = done->req->opcode;
	return opcode == SF_URING_CMD || opcode >= SF_URING_LAST ||
	       sf_uring_op(opcode)->shape != SF_SHAPE_NONE;
}

/*
 * The request of a completion, where it is left out: counted, and forgotten if
 * it was kept when another selection held.
 */
static bool sf_uring_left_out(const struct sf_uring_done *done)
{
	const struct sf_uring_op *op;
	struct sf_inflight kept;

	if (!done->req)
		return false;
	op = sf_uring_op(done->req->opcode);
	if (op->shape == SF_SHAPE_NONE || !sf_syscall_row(op->nr) ||
	    sf_uring_selected(op->nr))
		return false;
	preempt_disable_notrace();
	sf_inflight_take((unsigned long)done->req, &kept, false);
	sf_leave_out(sf_syscall_row(op->nr)->op);
	preempt_enable_notrace();
	return true;
}

static void sf_uring_complete(const struct sf_uring_done *done)
{
	const struct sf_uring_op *op;
	struct sf_inflight kept;
	struct sf_call call = {};

	if (!sf_uring_of_interest(done) || sf_owner_is(current) ||
	    sf_uring_left_out(done))
		return;
	if (!sf_uring_kept(done, &kept) && !sf_uring_unkept(done, &kept)) {
		/* Of several completions those of no interest come here. */
		if (done->req)
			sf_count_uncovered(false, 1);
		return;
	}
	op = sf_uring_op(kept.sqe.opcode);
	call.sc = sf_syscall_row(op->nr);
	if (!call.sc)
		return;
	call.ret = done->res;
	if (done->req)
		call.file = done->req->file;
	if (sf_sqe_direct(&kept.sqe) || !current->mm ||
	    (!done->req && (kept.sqe.flags & SF_SQE_FIXED_FILE))) {
		sf_count_uncovered(false, 1);
		return;
	}
	sf_uring_args(&kept.sqe, op->shape, (__u64 *)call.arg);
	call.uring = &kept;
	call.compat = sf_uring_compat((const struct io_ring_ctx *)done->ctx);
	sf_told(&call, SF_F_URING | (call.compat ? SF_F_COMPAT : 0));
}

void sf_on_uring_submit(SF_URING_SUBMIT_ARGS)
{
	sf_uring_submit(req);
}

void sf_on_uring_complete(SF_URING_COMPLETE_ARGS)
{
	struct sf_uring_done done = SF_URING_DONE;

	sf_uring_complete(&done);
}

#endif /* SF_HAVE_URING */
