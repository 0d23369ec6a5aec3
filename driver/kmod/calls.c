// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * System calls at their exit: which are of interest, which are selected, and
 * who tells them.
 */
#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/nospec.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

#include <sysflow/uring.h>
#include <sysflow/wanted.h>

#include "compat.h"
#include "internal.h"

static const struct sf_syscall sf_syscalls[] = {
#define SF_SYSCALL(name, how, op, a, b, c) \
	[__NR_##name] = { SF_HOW_##how, SF_OP_##op, a, b, c },
#include <sysflow/syscalls.h>
	[__NR_io_uring_enter] = { SF_HOW_URING, SF_OP_NONE, 0, 0, 0 },
};

/* Calls that are seen and not covered. */
noinline void sf_count_uncovered(bool compat, u64 n)
{
	struct sf_ring_prod *prod;

	if (sf_owner_is(current))
		return;
	preempt_disable_notrace();
	prod = this_cpu_ptr(&sf_cpus)->ring.prod;
	if (!sf_passes(rcu_dereference_sched(sf_filter), current))
		;	/* left out, and of which class is not known */
	else if (compat)
		WRITE_ONCE(prod->uncovered_compat, prod->uncovered_compat + n);
	else
		WRITE_ONCE(prod->uncovered_uring, prod->uncovered_uring + n);
	preempt_enable_notrace();
}

static void sf_tell_security(struct sf_run *run, const struct sf_call *call)
{
	switch (call->sc->how) {
	case SF_HOW_INTS:
		sf_tell_ints(run, call);
		break;
	case SF_HOW_IDS:
		sf_tell_ids(run, call);
		break;
	case SF_HOW_FSID:
		sf_tell_fsid(run, call);
		break;
	case SF_HOW_GROUPS:
		sf_tell_groups(run, call);
		break;
	case SF_HOW_CAPS:
		sf_tell_caps(run, call);
		break;
	case SF_HOW_SETNS:
		sf_tell_setns(run, call);
		break;
	case SF_HOW_UNSHARE:
		sf_tell_unshare(run, call);
		break;
	case SF_HOW_PIDFD:
		sf_tell_pidfd(run, call);
		break;
	case SF_HOW_BPF:
		sf_tell_bpf(run, call);
		break;
	case SF_HOW_MODULE:
		sf_tell_module(run, call);
		break;
	case SF_HOW_MODNAME:
		sf_tell_module_name(run, call);
		break;
	}
}

static void sf_tell_net(struct sf_run *run, const struct sf_call *call)
{
	switch (call->sc->how) {
	case SF_HOW_SOCKET:
		sf_tell_socket(run, call);
		break;
	case SF_HOW_CONNECT:
		sf_tell_connect(run, call);
		break;
	case SF_HOW_ACCEPT:
		sf_tell_accept(run, call);
		break;
	case SF_HOW_BIND:
		sf_tell_bind(run, call);
		break;
	case SF_HOW_SOCKNUM:
		sf_tell_socknum(run, call);
		break;
	case SF_HOW_PAIR:
		sf_tell_pair(run, call);
		break;
	}
}

static void sf_tell(struct sf_run *run, const struct sf_call *call)
{
	switch (call->sc->how) {
	case SF_HOW_IO:
		sf_tell_io(run, call);
		break;
	case SF_HOW_MSGIO:
		sf_tell_msgio(run, call);
		break;
	case SF_HOW_OPEN:
		sf_tell_open(run, call);
		break;
	case SF_HOW_CLOSE:
		sf_tell_close(run, call);
		break;
	case SF_HOW_CLONE:
		sf_tell_clone(run, call);
		break;
	case SF_HOW_DUP:
		sf_tell_dup(run, call);
		break;
	case SF_HOW_ANON:
		sf_tell_anon(run, call);
		break;
	case SF_HOW_PIPE:
		sf_tell_pipe(run, call);
		break;
	case SF_HOW_CLOSE_RANGE:
		sf_tell_close_range(run, call);
		break;
	case SF_HOW_MMAP:
		sf_tell_mmap(run, call);
		break;
	case SF_HOW_TRANSFER:
		sf_tell_transfer(run, call);
		break;
	case SF_HOW_NAMES:
		sf_tell_names(run, call);
		break;
	case SF_HOW_EXEC:
		sf_tell_exec_failed(run, call);
		break;
	default:
		if (SF_OP_CLASS(call->sc->op) == SF_CLASS_NET)
			sf_tell_net(run, call);
		else
			sf_tell_security(run, call);
		break;
	}
}

/*
 * Of calls that do many things: fcntl(2) only where it gives a second
 * descriptor, mmap(2) of a file, the others as wanted.h says.
 */
bool sf_wanted(const struct sf_call *call)
{
	unsigned int cmd;

	switch (call->sc->op) {
	case SF_OP_DUP:
		if (call->sc->b == SF_ARG_NONE)
			return true;
		cmd = call->arg[call->sc->b];
		return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC;
	case SF_OP_MMAP:
		return !(call->arg[3] & MAP_ANONYMOUS);
	case SF_OP_PTRACE:
		return sf_ptrace_wanted(call->arg[call->sc->a]);
	case SF_OP_BPF:
		return sf_bpf_wanted(call->arg[call->sc->a]);
	}
	return true;
}

/*
 * What a call that is cut short by a signal returns inside of the kernel. It
 * begins again (then it has not completed, and is not told) or its caller
 * sees EINTR.
 */
bool sf_restarts(long *ret)
{
	if (*ret == -ERESTARTNOINTR)
		return true;
	if (*ret <= -ERESTARTSYS && *ret >= -ERESTART_RESTARTBLOCK)
		*ret = -EINTR;
	return false;
}

/* Of a call by its number, NULL when it is of no interest. */
const struct sf_syscall *sf_syscall_row(u32 nr)
{
	if (nr >= ARRAY_SIZE(sf_syscalls) ||
	    sf_syscalls[nr].how == SF_HOW_NONE)
		return NULL;
	return &sf_syscalls[array_index_nospec(nr, ARRAY_SIZE(sf_syscalls))];
}

static __always_inline void sf_tell_call(const struct sf_call *call, u32 flags)
{
	struct sf_run run;

	if (!sf_run_begin(&run, SF_OP_CLASS(call->sc->op)))
		return;
	run.flags = flags;
	if (unlikely(call->uring)) {
		run.pid = call->uring->pid;
		run.tid = call->uring->tid;
	}
	if (likely(!call->lost))
		sf_tell(&run, call);
	else
		sf_lose(&run, SF_OP_CLASS(call->sc->op), SF_CAUSE_COPY_FAULT);
	sf_run_end(&run);
}

/* A call that is of interest and has completed, with its arguments. */
static __always_inline void sf_complete(const struct sf_call *call, u32 flags)
{
	const struct sf_filter *f;

	preempt_disable_notrace();
	f = rcu_dereference_sched(sf_filter);
	switch (sf_gate_of(f, sf_row_selected(f, call->sc), call->sc->op,
			   call->ret)) {
	case SF_GATE_TOLD:
		sf_tell_call(call, flags);
		break;
	case SF_GATE_STATE:
		sf_tell_call(call, flags | SF_F_STATE);
		break;
	case SF_GATE_OUT:
		sf_leave_out(call->sc->op);
		break;
	}
	preempt_enable_notrace();
}

/* Where requests are not told themselves, the number of those submitted. */
void sf_on_uring_enter(long ret)
{
	if (ret > 0 && !sf_uring_hooked())
		sf_count_uncovered(false, ret);
}

void sf_told(const struct sf_call *call, u32 flags)
{
	sf_complete(call, flags);
}

void sf_on_sys_exit(void *data, struct pt_regs *regs, long ret)
{
	unsigned long nr = syscall_get_nr(current, regs);
	const struct sf_syscall *sc;
	struct sf_call call;

	if (unlikely(sf_compat_syscall())) {
		sf_on_compat_exit(regs, nr, ret);
		return;
	}
	if (nr >= ARRAY_SIZE(sf_syscalls))
		return;
	sc = &sf_syscalls[array_index_nospec(nr, ARRAY_SIZE(sf_syscalls))];
	if (sc->how == SF_HOW_NONE || sf_owner_is(current))
		return;
	if (unlikely(sc->how == SF_HOW_URING)) {
		sf_on_uring_enter(ret);
		return;
	}
	if (sc->how == SF_HOW_EXEC && ret >= 0)
		return;	/* told by sf_on_exec() */

	if (unlikely(ret < 0) && sf_restarts(&ret))
		return;
	call.sc = sc;
	call.ret = ret;
	syscall_get_arguments(current, regs, call.arg);
	call.compat = false;
	call.lost = false;
	call.uring = NULL;
	call.file = NULL;
	if (sf_wanted(&call))
		sf_complete(&call, 0);
}
