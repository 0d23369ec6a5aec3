// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * The eBPF driver: programs, and how they attach.
 *
 * One program per system call exit, three for the scheduler's tracepoints, and
 * two for those of io_uring where the kernel has them as they are known here.
 * The exit program exists in three forms with one body; the loader takes the
 * one that fits the kernel (probe-loader/src/ebpf/kernel.rs):
 *
 *   tp_btf            direct loads from kernel objects, the fastest
 *   raw_tp            kernels that have no bpf_get_current_task_btf()
 *   tp/raw_syscalls   kernels where the other two run preemptible, and a
 *                     preempted program makes its CPU miss calls
 */
#ifndef __TARGET_ARCH_x86
#error "registers and memory order are those of x86-64"
#endif

#include <sysflow/layout.h>
#include <sysflow/wanted.h>
#include "open.h"
#include "task.h"
#include "uring.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

void bpf_preempt_disable(void) __ksym __weak;
void bpf_preempt_enable(void) __ksym __weak;

/* A field by a load where the pointer is typed by BTF, else by a helper. */
#define SF_GET(direct, type, ptr, field) \
	((direct) ? (ptr)->field : SF_LOAD(type, ptr, field))

/* The current task, typed where its fields can be loads. */
static __always_inline struct task_struct *sf_exit_task(struct sf_cpu *cpu,
							const int direct)
{
	if (!bpf_ksym_exists(bpf_rdonly_cast))
		return direct ? (void *)bpf_get_current_task_btf() :
				(void *)bpf_get_current_task();
	return direct ? SF_CAST(task_struct, sf_current(cpu)) :
			(void *)sf_current(cpu);
}

/* struct file of a descriptor, 0 when it is not open. */
static __always_inline __u64 sf_exit_file(struct task_struct *task, __u32 fd,
					  const int direct)
{
	struct files_struct *files;
	struct fdtable *fdt;

	if (!direct)
		return sf_file_of(fd);
	files = task->files;
	fdt = files->fdt;
	if (fd >= fdt->max_fds)
		return 0;
	return sf_load_pointer((__u64)(fdt->fd + fd));
}

/* Keeps the call for a function that is not inline. */
static __always_inline struct sf_call *
sf_exit_call(struct sf_here *here, struct sf_who who, struct pt_regs *regs,
	     __u64 nr, __s64 ret, const int direct)
{
	struct sf_call *call = &here->cpu->call;

	sf_keep_who(here->cpu, who);
	call->ret = ret;
	call->arg[0] = SF_GET(direct, pt_regs, regs, di);
	call->arg[1] = SF_GET(direct, pt_regs, regs, si);
	call->arg[2] = SF_GET(direct, pt_regs, regs, dx);
	call->arg[3] = SF_GET(direct, pt_regs, regs, r10);
	call->arg[4] = SF_GET(direct, pt_regs, regs, r8);
	call->arg[5] = SF_GET(direct, pt_regs, regs, r9);
	call->arg[6] = 0;
	call->arg[7] = 0;
	call->held = 0;
	call->row = sf_rows[nr & (SF_ROWS - 1)];
	return call;
}

/* IO and MSGIO. */
static __always_inline void sf_exit_io(struct sf_here *here, struct sf_who who,
				       struct task_struct *task,
				       struct pt_regs *regs, __u64 nr,
				       __s64 ret, const int direct)
{
	const __u32 op = sf_rows[nr].op;
	__s32 fd = SF_GET(direct, pt_regs, regs, di);
	__u64 file = sf_exit_file(task, fd, direct);
	struct sf_call *call;
	__u32 kind;

	if (!file) {
		sf_io_emit(here, who, op, 0, fd, ret);
		return;
	}
	kind = sf_io_kind(here, who, file, fd);
	if (kind == SF_KIND_NONE) {
		/* Without its description the reader could not place it. */
		sf_lose(here, op, SF_CAUSE_RING_FULL);
		return;
	}
	if (kind != SF_KIND_DGRAM &&
	    (sf_rows[nr].c != SF_ADDR_MMSG || ret <= 1)) {
		sf_io_emit(here, who, op, file, fd, ret);
		return;
	}
	call = sf_exit_call(here, who, regs, nr, ret, direct);
	call->file = file;
	if (kind == SF_KIND_DGRAM)
		sf_dgram();
	else
		sf_stream_mmsg();
}

static __always_inline void sf_exit_close(struct sf_here *here, struct sf_who who,
					  __s32 fd, __s32 ret)
{
	struct sf_rec_fd *rec = sf_record(here, who, SF_OP_CLOSE, sizeof(*rec), 0);

	if (!rec)
		return;
	rec->file = 0;
	rec->fd = fd;
	rec->ret = ret;
	sf_publish(here, SF_OP_CLOSE, sizeof(*rec));
}

/* struct fs_struct, as a number. */
static __always_inline __u64 sf_exit_fs(struct task_struct *task, const int direct)
{
	__u64 addr = (__u64)task;

	if (direct && !bpf_ksym_exists(bpf_rdonly_cast))
		addr = bpf_get_current_task();
	return SF_POINTER(task_struct, addr, fs);
}

/* The flags of an open, where a register has them. */
static __always_inline int sf_exit_open(struct sf_here *here, struct sf_who who,
					struct task_struct *task,
					struct pt_regs *regs, __u64 nr,
					__s64 ret, const int direct)
{
	__u32 flags;
	__u64 file;

	if (ret < 0)
		return 0;
	if (sf_rows[nr].b == 1)
		flags = SF_GET(direct, pt_regs, regs, si);
	else if (sf_rows[nr].b == 2)
		flags = SF_GET(direct, pt_regs, regs, dx);
	else
		return 0;
	file = sf_exit_file(task, ret, direct);
	return file && sf_open(here, who, sf_exit_fs(task, direct), file, ret, flags);
}

/* Calls that are seen and not covered. */
static __noinline int sf_exit_compat(void)
{
	struct sf_here here;

	if (bpf_get_current_pid_tgid() >> 32 != sf_config.self_tgid &&
	    sf_running && sf_here(&here))
		here.ring.prod->uncovered_compat++;
	return 0;
}

/* Where requests are not told themselves, the number of those submitted. */
static __always_inline void sf_exit_uring(struct sf_here *here, __s64 ret)
{
	if (!(sf_config.uring & SF_URING_HOOKED) && ret > 0)
		here->ring.prod->uncovered_uring += ret;
}

/* A call that is of interest and not the recorder's own. */
static __always_inline void sf_exit_tell(struct sf_here *here,
					 struct task_struct *task,
					 struct pt_regs *regs, __u64 nr,
					 __s64 ret, __u32 tgid, const int direct)
{
	const __u32 how = sf_rows[nr].how;
	struct sf_who who;

	if (!sf_begin(here, &who, sf_rows[nr].op))
		return;
	who.pid = tgid;
	who.tid = SF_GET(direct, task_struct, task, pid);
	if (how <= SF_HOW_MSGIO) {
		sf_exit_io(here, who, task, regs, nr, ret, direct);
	} else if (how == SF_HOW_CLOSE) {
		sf_exit_close(here, who, SF_GET(direct, pt_regs, regs, di), ret);
	} else if (how != SF_HOW_OPEN ||
		   !sf_exit_open(here, who, task, regs, nr, ret, direct)) {
		sf_exit_call(here, who, regs, nr, ret, direct);
		sf_call();
	}
	sf_ring_end(here->ring.prod);
}

/*
 * What a call that is cut short by a signal returns inside of the kernel. It
 * begins again (then it has not completed, and is not told) or its caller
 * sees EINTR.
 */
static __always_inline int sf_exit_restart(__s64 *ret)
{
	if (*ret == -ERESTARTNOINTR)
		return 1;
	if (*ret <= -ERESTARTSYS && *ret >= -ERESTART_RESTARTBLOCK)
		*ret = -EINTR;
	return 0;
}

/*
 * Of calls that do many things: fcntl(2) only where it gives a second
 * descriptor, mmap(2) of a file, the others as wanted.h says.
 */
static __always_inline int sf_exit_wanted(__u64 nr, __u64 first, __u32 second,
					  __u32 fourth)
{
	switch (sf_rows[nr].op) {
	case SF_OP_DUP:
		return sf_rows[nr].b == SF_ARG_NONE || second == F_DUPFD ||
		       second == F_DUPFD_CLOEXEC;
	case SF_OP_MMAP:
		return !(fourth & MAP_ANONYMOUS);
	case SF_OP_PTRACE:
		return sf_ptrace_wanted(first);
	case SF_OP_BPF:
		return sf_bpf_wanted(first);
	}
	return 1;
}

/* A 32-bit call, as the 64-bit one that it stands for. */
static __always_inline void sf_exit_32(struct sf_here *here,
				       struct task_struct *task,
				       struct pt_regs *regs, __u64 ia32_nr,
				       __s64 ret, __u32 tgid, const int direct)
{
	__u32 fix = sf_ia32[ia32_nr & (SF_IA32_ROWS - 1)].fix;
	__u64 nr = sf_ia32[ia32_nr & (SF_IA32_ROWS - 1)].nr & (SF_ROWS - 1);
	__u32 first = SF_GET(direct, pt_regs, regs, bx);
	__u32 second = SF_GET(direct, pt_regs, regs, cx);
	struct sf_call *call;
	struct sf_who who;

	if (!sf_ia32[ia32_nr & (SF_IA32_ROWS - 1)].known) {
		sf_exit_compat();
		return;
	}
	if (fix == SF_FIX_SOCKETCALL) {
		if (!sf_socketcalls[first & (SF_SOCKETCALLS - 1)].known ||
		    first >= SF_SOCKETCALLS)
			return;
		nr = sf_socketcalls[first & (SF_SOCKETCALLS - 1)].nr & (SF_ROWS - 1);
	}
	if (sf_rows[nr].how == SF_HOW_URING) {
		sf_exit_uring(here, ret);
		return;
	}
	if (!sf_rows[nr].how || (ret < 0 && sf_exit_restart(&ret)) ||
	    (ret >= 0 && sf_rows[nr].how == SF_HOW_EXEC) ||
	    !sf_exit_wanted(nr, first, second, SF_GET(direct, pt_regs, regs, si)))
		return;
	if (!sf_begin(here, &who, sf_rows[nr].op))
		return;
	who.pid = tgid;
	who.tid = SF_GET(direct, task_struct, task, pid);
	who.flags = SF_F_COMPAT;
	sf_keep_who(here->cpu, who);
	call = &here->cpu->call;
	call->ret = ret;
	call->arg[0] = first;
	call->arg[1] = second;
	call->arg[2] = (__u32)SF_GET(direct, pt_regs, regs, dx);
	call->arg[3] = (__u32)SF_GET(direct, pt_regs, regs, si);
	call->arg[4] = (__u32)SF_GET(direct, pt_regs, regs, di);
	call->arg[5] = (__u32)SF_GET(direct, pt_regs, regs, bp);
	call->arg[6] = 0;
	call->arg[7] = 0;
	call->row = sf_rows[nr];
	call->fix = fix;
	call->held = 0;
	if (sf_call_fix())
		sf_call();
	sf_ring_end(here->ring.prod);
}

/* How the program is attached. */
enum {
	SF_FORM_BTF,
	SF_FORM_RAW,
	SF_FORM_CLASSIC,	/* without the registers */
};

static __always_inline int sf_sys_exit(struct pt_regs *regs, __u64 nr, __s64 ret,
				       const int form)
{
	const int direct = form != SF_FORM_RAW;
	struct task_struct *task;
	struct sf_here here;
	__u32 tgid;

	if (nr >= SF_ROWS) {
		if (nr - SF_X32_BIT <= SF_X32_LAST)
			sf_exit_compat();
		return 0;
	}
	if (!sf_rows[nr].any || !sf_running || !sf_here(&here))
		return 0;
	if (form == SF_FORM_CLASSIC) {
		task = (void *)bpf_get_current_task_btf();
		regs = (void *)bpf_task_pt_regs((void *)task);
	} else {
		task = sf_exit_task(here.cpu, direct);
	}
	tgid = SF_GET(direct, task_struct, task, tgid);
	if (tgid == sf_config.self_tgid)
		return 0;
	if (SF_GET(direct, task_struct, task, thread_info.status) & TS_COMPAT) {
		if (sf_rows[nr].compat)
			sf_exit_32(&here, task, regs, nr, ret, tgid, direct);
		return 0;
	}
	if (!sf_rows[nr].how)
		return 0;
	if (ret < 0) {
		if (sf_exit_restart(&ret))
			return 0;
	} else if (sf_rows[nr].how == SF_HOW_EXEC) {
		return 0;	/* told by sched_process_exec */
	}
	if (sf_rows[nr].how == SF_HOW_URING) {
		sf_exit_uring(&here, ret);
		return 0;
	}
	if (sf_rows[nr].how > SF_HOW_CLOSE &&
	    !sf_exit_wanted(nr, SF_GET(direct, pt_regs, regs, di),
			    SF_GET(direct, pt_regs, regs, si),
			    SF_GET(direct, pt_regs, regs, r10)))
		return 0;
	sf_exit_tell(&here, task, regs, nr, ret, tgid, direct);
	return 0;
}

SEC("?tp_btf/sys_exit")
int sf_sys_exit_btf(__u64 *ctx)
{
	struct pt_regs *regs = (void *)ctx[0];

	return sf_sys_exit(regs, regs->orig_ax, ctx[1], SF_FORM_BTF);
}

SEC("?raw_tp/sys_exit")
int sf_sys_exit_raw(__u64 *ctx)
{
	struct pt_regs *regs = (void *)ctx[0];

	return sf_sys_exit(regs, SF_LOAD(pt_regs, regs, orig_ax), ctx[1],
			   SF_FORM_RAW);
}

/* As the kernel lays it out: common fields, then the call and its result. */
struct sf_classic_sys_exit {
	__u64 common;
	__s64 id;
	__s64 ret;
};

SEC("?tp/raw_syscalls/sys_exit")
int sf_sys_exit_classic(struct sf_classic_sys_exit *ctx)
{
	return sf_sys_exit(NULL, ctx->id, ctx->ret, SF_FORM_CLASSIC);
}

/* Never attached: the loader runs it once, to learn its own thread group in
 * the initial pid namespace. */
SEC("?raw_tp")
int sf_self(__u64 *ctx)
{
	return bpf_get_current_pid_tgid() >> 32;
}

/*
 * The scheduler's tracepoints are few per second, and their arguments are
 * needed, so there is one form. Where programs run preemptible they switch
 * preemption off themselves.
 */
static __always_inline void sf_guard(void)
{
	if (sf_config.guard_preempt)
		bpf_preempt_disable();
}

static __always_inline void sf_unguard(void)
{
	if (sf_config.guard_preempt)
		bpf_preempt_enable();
}

SEC("raw_tp/sched_process_fork")
int sf_sched_fork(__u64 *ctx)
{
	sf_guard();
	sf_fork(ctx[0], ctx[1]);
	sf_unguard();
	return 0;
}

SEC("raw_tp/sched_process_exec")
int sf_sched_exec(__u64 *ctx)
{
	__u64 task = ctx[0];
	__u32 tgid = SF_LOAD(task_struct, task, tgid);
	struct sf_here here;
	struct sf_who who;

	if (tgid == sf_config.self_tgid)
		return 0;
	sf_guard();
	if (sf_enter(&here, &who, SF_OP_EXEC)) {
		who.pid = tgid;
		who.tid = SF_LOAD(task_struct, task, pid);
		sf_keep_who(here.cpu, who);
		sf_exec(ctx[2], 0, ctx[1]);
		sf_ring_end(here.ring.prod);
	}
	sf_unguard();
	return 0;
}

SEC("raw_tp/sched_process_exit")
int sf_sched_exit(__u64 *ctx)
{
	int group_dead = 0;

	if (sf_config.exit_group_dead)
		group_dead = ctx[1] & 1;
	sf_guard();
	sf_exit(ctx[0], group_dead);
	sf_unguard();
	return 0;
}

/* The submission of a request; its tracepoint has changed its name. */
static __always_inline int sf_on_uring_submit(__u64 req)
{
	sf_guard();
	sf_uring_submit(req);
	sf_unguard();
	return 0;
}

SEC("?raw_tp/io_uring_submit_req")
int sf_uring_submit_req(__u64 *ctx)
{
	return sf_on_uring_submit(ctx[0]);
}

SEC("?raw_tp/io_uring_submit_sqe")
int sf_uring_submit_sqe(__u64 *ctx)
{
	return sf_on_uring_submit(ctx[0]);
}

SEC("?raw_tp/io_uring_complete")
int sf_uring_done(__u64 *ctx)
{
	__u64 cqe;

	sf_guard();
	if (sf_config.uring & SF_URING_CQE) {
		cqe = ctx[2];
		sf_uring_complete(ctx[0], ctx[1],
				  SF_LOAD(io_uring_cqe, cqe, user_data),
				  SF_LOAD(io_uring_cqe, cqe, res),
				  SF_LOAD(io_uring_cqe, cqe, flags));
	} else {
		sf_uring_complete(ctx[0], ctx[1], ctx[2], ctx[3], ctx[4]);
	}
	sf_unguard();
	return 0;
}
