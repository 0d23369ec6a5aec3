/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
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
#ifndef SYSFLOW_BPF_URING_H
#define SYSFLOW_BPF_URING_H

#include "calls.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SF_INFLIGHT);
	__type(key, __u32);
	__type(value, struct sf_inflight);
} inflight SEC(".maps");

static const volatile struct sf_uring_op sf_uring_ops[SF_URING_OPS] = {
#define SF_URING(number, name, how) \
	[number] = { __NR_##name, SF_SHAPE_##how, 0 },
#include <sysflow/uring_ops.h>
};

static __always_inline __u32 sf_uring_shape(__u32 opcode)
{
	return sf_uring_ops[opcode & (SF_URING_OPS - 1)].shape;
}

/* The slot for a key, owned and marked busy; -1: another CPU was faster. */
__noinline int sf_inflight_claim(__u64 key)
{
	__u64 held, best_key = 0, best_ts = 0;
	struct sf_inflight *slot;
	__u32 i, at, best = 0;
	int found = 0;

	for (i = 0; i < SF_INFLIGHT_NEAR; i++) {
		at = sf_inflight_slot(key, i);
		slot = bpf_map_lookup_elem(&inflight, &at);
		if (!slot)
			return -1;
		held = SF_READ(slot->key);
		if (held == SF_SLOT_BUSY)
			continue;
		/* The same, a free one, else the oldest. */
		if (held == key || !found ||
		    (best_key && (!held || slot->ts < best_ts))) {
			best = at;
			best_key = held;
			best_ts = slot->ts;
			found = 1;
		}
		if (held == key)
			break;
	}
	slot = bpf_map_lookup_elem(&inflight, &best);
	if (!found || !slot ||
	    __sync_val_compare_and_swap(&slot->key, best_key, SF_SLOT_BUSY) != best_key)
		return -1;
	return best;
}

/* Keeps cpu->kept, which says who submitted what. */
__noinline int sf_inflight_put(__u64 key)
{
	int claimed = sf_inflight_claim(key);
	struct sf_inflight *slot;
	struct sf_here here;
	__u32 at = claimed;

	if (claimed < 0 || !sf_here(&here))
		return 0;
	slot = bpf_map_lookup_elem(&inflight, &at);
	if (!slot)
		return 0;
	bpf_probe_read_kernel((char *)slot + sizeof(slot->key),
			      sizeof(*slot) - sizeof(slot->key),
			      (char *)&here.cpu->kept + sizeof(slot->key));
	SF_STORE_RELEASE(&slot->key, key);
	return 1;
}

/* Copies what is kept under a key to cpu->kept, and gives up its slot unless
 * it stays. */
__noinline int sf_inflight_take(__u64 key, int stay)
{
	struct sf_inflight *slot;
	struct sf_here here;
	__u32 i, at;

	if (!sf_here(&here))
		return 0;
	for (i = 0; i < SF_INFLIGHT_NEAR; i++) {
		at = sf_inflight_slot(key, i);
		slot = bpf_map_lookup_elem(&inflight, &at);
		if (!slot)
			return 0;
		if (SF_LOAD_ACQUIRE(&slot->key) != key)
			continue;
		if (!stay &&
		    __sync_val_compare_and_swap(&slot->key, key, SF_SLOT_BUSY) != key)
			return 0;
		bpf_probe_read_kernel(&here.cpu->kept, sizeof(here.cpu->kept), slot);
		/* Taken over meanwhile: what was copied is of two. */
		if (stay)
			return SF_READ(slot->key) == key;
		SF_STORE_RELEASE(&slot->key, 0);
		return 1;
	}
	return 0;
}

/* Reads the submission that the kernel has just read to cpu->kept. 0: it is
 * not the request's any more; it lies in memory that the process can write. */
__noinline int sf_uring_sqe(__u64 req)
{
	__u64 ctx = SF_POINTER(io_kiocb, req, ctx);
	__u32 flags = SF_LOAD(io_ring_ctx, ctx, flags);
	__u32 entries = SF_LOAD(io_ring_ctx, ctx, sq_entries);
	__u32 at = (SF_LOAD(io_ring_ctx, ctx, cached_sq_head) - 1) & (entries - 1);
	struct sf_here here;
	struct sf_sqe *sqe;

	if (!sf_here(&here) || !entries || (entries & (entries - 1)))
		return 0;
	sqe = &here.cpu->kept.sqe;
	if (!(flags & SF_SETUP_NO_SQARRAY)) {
		if (bpf_probe_read_kernel(&at, sizeof(at),
					  (void *)(SF_POINTER(io_ring_ctx, ctx, sq_array) +
						   at * sizeof(at))) ||
		    at >= entries)
			return 0;
	}
	if (flags & SF_SETUP_SQE128)
		at <<= 1;
	if (bpf_probe_read_kernel(sqe, sizeof(*sqe),
				  (void *)(SF_POINTER(io_ring_ctx, ctx, sq_sqes) +
					   (__u64)at * 64)))
		return 0;
	return sqe->opcode == SF_LOAD(io_kiocb, req, opcode) &&
	       sqe->user_data == SF_LOAD(io_kiocb, req, cqe.user_data);
}

static __always_inline void sf_uring_uncovered(struct sf_here *here)
{
	here->ring.prod->uncovered_uring++;
}

/* What becomes of a request: SF_GATE_*, SF_GATE_TOLD when its operation is not
 * known as a call. */
static __always_inline __u32 sf_uring_gate(__u32 opcode)
{
	__u64 nr = sf_uring_ops[opcode & (SF_URING_OPS - 1)].nr & (SF_ROWS - 1);

	if (!sf_uring_shape(opcode) || !sf_rows[nr].how)
		return SF_GATE_TOLD;
	return sf_gate(nr, 0);
}

static __always_inline void sf_uring_submit(__u64 req)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct sf_here here;
	struct sf_sqe *sqe;

	if (sf_running != SF_RUN_ON || (__u32)(id >> 32) == sf_config.self_tgid ||
	    !sf_uring_shape(SF_LOAD(io_kiocb, req, opcode)) ||
	    sf_uring_gate(SF_LOAD(io_kiocb, req, opcode)) == SF_GATE_OUT ||
	    !sf_here(&here) ||
	    !sf_uring_sqe(req))
		return;
	here.cpu->kept.ts = bpf_ktime_get_ns();
	here.cpu->kept.pid = id >> 32;
	here.cpu->kept.tid = id;
	sqe = &here.cpu->kept.sqe;
	/* No completion will be seen when it succeeds. */
	if (sqe->flags & SF_SQE_CQE_SKIP)
		sf_uring_uncovered(&here);
	sf_inflight_put(req);
	if (sf_sqe_again(sqe))
		sf_inflight_put(sf_inflight_again(SF_POINTER(io_kiocb, req, ctx),
						  sqe->user_data));
}

/* Puts what is known of the request that completes in cpu->kept. 0: nothing
 * that helps. req is 0 for one completion of several. */
__noinline int sf_uring_kept(__u64 ctx, __u64 req, __u64 user_data, __u32 flags)
{
	__u64 again = sf_inflight_again(ctx, user_data);
	struct sf_here here;
	struct sf_sqe *sqe;

	if (!sf_here(&here))
		return 0;
	sqe = &here.cpu->kept.sqe;
	if (!req)
		return (flags & SF_CQE_MORE) && sf_inflight_take(again, 1) &&
		       sqe->user_data == user_data;
	if (sf_inflight_take(req, 0) && sqe->user_data == user_data &&
	    sqe->opcode == SF_LOAD(io_kiocb, req, opcode)) {
		if (!sf_sqe_again(sqe))
			return 1;
		if (flags & SF_CQE_MORE)
			sf_inflight_put(req);
		else
			sf_inflight_take(again, 0);
		return 1;
	}
	/* Its submission was not seen, or not kept: its file is known. */
	if (sf_uring_shape(SF_LOAD(io_kiocb, req, opcode)) != SF_SHAPE_FD ||
	    SF_LOAD(io_kiocb, req, opcode) == SF_URING_CLOSE)
		return 0;
	__builtin_memset(sqe, 0, sizeof(*sqe));
	here.cpu->kept.pid = bpf_get_current_pid_tgid() >> 32;
	here.cpu->kept.tid = bpf_get_current_pid_tgid();
	sqe->opcode = SF_LOAD(io_kiocb, req, opcode);
	sqe->fd = -1;
	return 1;
}

/* The request in cpu->kept as the system call that it stands for. */
__noinline int sf_uring_call(void)
{
	struct sf_here here;
	struct sf_call *call;
	const struct sf_sqe *sqe;
	__u32 op;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	sqe = &here.cpu->kept.sqe;
	op = sqe->opcode & (SF_URING_OPS - 1);
	call->arg[6] = 0;
	call->arg[7] = 0;
	call->row = sf_rows[sf_uring_ops[op].nr & (SF_ROWS - 1)];
	sf_uring_args(sqe, sf_uring_ops[op].shape, call->arg);
	return 1;
}

static __always_inline int sf_uring_of_interest(__u64 req, __u32 flags)
{
	__u32 opcode;

	if (!req)
		return flags & SF_CQE_MORE;
	opcode = SF_LOAD(io_kiocb, req, opcode);
	return opcode == SF_URING_CMD || opcode >= SF_URING_LAST ||
	       sf_uring_shape(opcode);
}

/*
 * The request of a completion, where it is left out: counted, and forgotten if
 * it was kept when another selection held.
 */
static __always_inline int sf_uring_left_out(__u64 req)
{
	__u32 opcode;
	__u64 nr;

	if (!req)
		return 0;
	opcode = SF_LOAD(io_kiocb, req, opcode);
	if (sf_uring_gate(opcode) != SF_GATE_OUT)
		return 0;
	nr = sf_uring_ops[opcode & (SF_URING_OPS - 1)].nr & (SF_ROWS - 1);
	sf_inflight_take(req, 0);
	sf_leave_out(sf_rows[nr].op);
	return 1;
}

/* SF_F_COMPAT where a 32-bit program made the ring: its messages are laid out
 * so. */
__noinline int sf_uring_compat(__u64 ctx)
{
	const struct io_ring_ctx *ring = (const void *)ctx;

	if (bpf_core_field_exists(ring->compat))
		return BPF_CORE_READ_BITFIELD_PROBED(ring, compat) ? SF_F_COMPAT : 0;
	if (bpf_core_field_exists(ring->int_flags))
		return SF_LOAD(io_ring_ctx, ctx, int_flags) & SF_IO_RING_F_COMPAT ?
			       SF_F_COMPAT : 0;
	return 0;
}

static __always_inline void sf_uring_complete(__u64 ctx, __u64 req,
					      __u64 user_data, __s32 res,
					      __u32 flags)
{
	struct sf_here here;
	struct sf_sqe *sqe;
	struct sf_who who;
	__u32 gate;
	__u64 nr;

	if (sf_running != SF_RUN_ON || !sf_uring_of_interest(req, flags) ||
	    (__u32)(bpf_get_current_pid_tgid() >> 32) == sf_config.self_tgid ||
	    !sf_here(&here) || sf_uring_left_out(req))
		return;
	if (!sf_uring_kept(ctx, req, user_data, flags)) {
		/* Of several completions those of no interest come here. */
		if (req)
			sf_uring_uncovered(&here);
		return;
	}
	sqe = &here.cpu->kept.sqe;
	nr = sf_uring_ops[sqe->opcode & (SF_URING_OPS - 1)].nr & (SF_ROWS - 1);
	if (!sf_rows[nr].how)
		return;
	if (sf_sqe_direct(sqe) ||
	    !SF_POINTER(task_struct, bpf_get_current_task(), mm) ||
	    (!req && (sqe->flags & SF_SQE_FIXED_FILE))) {
		sf_uring_uncovered(&here);
		return;
	}
	gate = sf_gate(nr, res);
	if (gate == SF_GATE_OUT) {
		sf_leave_out(sf_rows[nr].op);
		return;
	}
	if (!sf_enter(&here, &who, sf_rows[nr].op))
		return;
	who.pid = here.cpu->kept.pid;
	who.tid = here.cpu->kept.tid;
	who.flags = SF_F_URING | sf_gate_flags(gate) | sf_uring_compat(ctx);
	sf_keep_who(here.cpu, who);
	here.cpu->call.ret = res;
	here.cpu->call.held = req ? SF_POINTER(io_kiocb, req, file) : 0;
	if (sf_uring_call())
		sf_call();
	sf_ring_end(here.ring.prod);
}

#endif /* SYSFLOW_BPF_URING_H */
