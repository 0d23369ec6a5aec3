// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * The hooks: four tracepoints, attached between START and STOP only. System
 * calls are seen at their exit alone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/tracepoint.h>
#include <asm/syscall.h>
#include <asm/unistd.h>
#include <trace/events/sched.h>
#include <trace/events/syscalls.h>

#include <sysflow/compat.h>
#include <sysflow/uring.h>
#include <sysflow/wanted.h>

#include "compat.h"
#include "internal.h"
#include "user.h"

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
	if (compat)
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
static bool sf_wanted(const struct sf_call *call)
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
static bool sf_restarts(long *ret)
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

/* A call that is of interest and has completed, with its arguments. */
static __always_inline void sf_complete(const struct sf_call *call, u32 flags)
{
	struct sf_run run;

	preempt_disable_notrace();
	if (sf_run_begin(&run, SF_OP_CLASS(call->sc->op))) {
		run.flags = flags;
		if (unlikely(call->uring)) {
			run.pid = call->uring->pid;
			run.tid = call->uring->tid;
		}
		if (likely(!call->lost))
			sf_tell(&run, call);
		else
			sf_lose(&run, SF_OP_CLASS(call->sc->op),
				SF_CAUSE_COPY_FAULT);
		sf_run_end(&run);
	}
	preempt_enable_notrace();
}

#ifdef SF_HAVE_URING
static bool sf_uring_found __read_mostly;

static bool sf_uring_hooked(void)
{
	return sf_uring_found;
}
#else
static bool sf_uring_hooked(void)
{
	return false;
}
#endif

/* Where requests are not told themselves, the number of those submitted. */
static void sf_on_uring_enter(long ret)
{
	if (ret > 0 && !sf_uring_hooked())
		sf_count_uncovered(false, ret);
}

void sf_told(const struct sf_call *call, u32 flags)
{
	sf_complete(call, flags);
}

#ifdef CONFIG_X86_64
static const struct sf_ia32 sf_ia32[SF_IA32_ROWS] = {
#define SF_IA32(number, name, how) \
	[number] = { __NR_##name, 1, SF_FIX_##how },
#include <sysflow/ia32.h>
};

static const struct sf_ia32 sf_socketcalls[SF_SOCKETCALLS] = {
	SF_SOCKETCALL_TABLE
};

/* Arguments that lie in user memory, n words of 32 bits. */
static bool sf_read_args32(struct sf_call *call, unsigned long at, u32 n)
{
	u32 words[6] = {};
	int i;

	if (sf_user_copy(words, at, n * sizeof(*words)) != n * sizeof(*words))
		return false;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		call->arg[i] = words[i];
	return true;
}

/* Replaces socketcall(2) by the call that it stands for. */
static const struct sf_ia32 *sf_socketcall(struct sf_call *call)
{
	unsigned long nr = call->arg[0];
	const struct sf_ia32 *to;

	if (nr >= SF_SOCKETCALLS)
		return NULL;
	to = &sf_socketcalls[array_index_nospec(nr, SF_SOCKETCALLS)];
	if (!to->known)
		return NULL;
	call->lost = !sf_read_args32(call, call->arg[1], to->fix);
	return to;
}

/*
 * A 32-bit call, as the 64-bit one that it stands for. The x32 table is not
 * covered: no distribution's kernel has it switched on.
 */
static noinline void sf_on_compat_exit(struct pt_regs *regs, unsigned long nr,
				       long ret)
{
	struct sf_call call = { .compat = true };
	const struct sf_ia32 *to;
	int i;

	if (nr == SF_IA32_UMOUNT || nr == SF_IA32_OLD_MMAP ||
	    (nr & __X32_SYSCALL_BIT))
		sf_count_uncovered(true, 1);
	if (nr >= SF_IA32_ROWS)
		return;
	to = &sf_ia32[array_index_nospec(nr, SF_IA32_ROWS)];
	if (!to->known || sf_owner_is(current) || (ret < 0 && sf_restarts(&ret)))
		return;
	call.ret = ret;
	syscall_get_arguments(current, regs, call.arg);
	for (i = 0; i < ARRAY_SIZE(call.arg); i++)
		call.arg[i] = (u32)call.arg[i];
	if (to->fix == SF_FIX_SOCKETCALL)
		to = sf_socketcall(&call);
	else
		sf_fix_args(to->fix, (__u64 *)call.arg);
	if (!to || to->nr >= ARRAY_SIZE(sf_syscalls))
		return;
	call.sc = &sf_syscalls[to->nr];
	if (call.sc->how == SF_HOW_URING) {
		sf_on_uring_enter(ret);
	} else if (call.sc->how != SF_HOW_NONE && sf_wanted(&call) &&
		   (call.sc->how != SF_HOW_EXEC || ret < 0)) {
		sf_told(&call, SF_F_COMPAT);
	}
}
#else
static void sf_on_compat_exit(struct pt_regs *regs, unsigned long nr, long ret)
{
	sf_count_uncovered(true, 1);
}
#endif

static void sf_on_sys_exit(void *data, struct pt_regs *regs, long ret)
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

/* Before the child runs. */
static void sf_on_fork(void *data, struct task_struct *parent,
		       struct task_struct *child)
{
	struct sf_run run;

	if (sf_owner_is(current))
		return;
	preempt_disable_notrace();
	if (sf_run_begin(&run, SF_CLASS_PROCESS)) {
		sf_tell_fork(&run, child);
		sf_run_end(&run);
	}
	preempt_enable_notrace();
}

static void sf_on_exec(void *data, struct task_struct *task, pid_t old_tid,
		       struct linux_binprm *bprm)
{
	struct sf_run run;

	if (sf_owner_is(current))
		return;
	preempt_disable_notrace();
	if (sf_run_begin(&run, SF_CLASS_PROCESS)) {
		sf_tell_exec(&run, old_tid, bprm);
		sf_run_end(&run);
	}
	preempt_enable_notrace();
}

/* The task is current, on its way through do_exit(). */
static void sf_on_exit(SF_EXIT_PROBE_ARGS)
{
	struct sf_run run;

	if (sf_owner_is(current))
		return;
	preempt_disable_notrace();
	if (sf_run_begin(&run, SF_CLASS_PROCESS)) {
		sf_tell_exit(&run, SF_EXIT_IS_LAST(task));
		sf_run_end(&run);
	}
	preempt_enable_notrace();
}

static struct {
	const char *name;
	void *probe;
	bool optional;
	struct tracepoint *tp;
	bool attached;
} sf_hooks[] = {
#ifdef SF_HAVE_URING
	{ SF_URING_SUBMIT, sf_on_uring_submit, true },
	{ "io_uring_complete", sf_on_uring_complete, true },
#endif
	/*
	 * Births and programs first: a call that is seen comes from a task
	 * whose fork or exec was seen, or that was there before.
	 */
	{ "sched_process_fork", sf_on_fork },
	{ "sched_process_exec", sf_on_exec },
	{ "sched_process_exit", sf_on_exit },
	{ "sys_exit", sf_on_sys_exit },
};

/* The table above loses the types: the compiler compares them here. */
static inline void sf_check_probe_types(void)
{
	check_trace_callback_type_sched_process_fork(sf_on_fork);
	check_trace_callback_type_sched_process_exec(sf_on_exec);
	check_trace_callback_type_sched_process_exit(sf_on_exit);
	check_trace_callback_type_sys_exit(sf_on_sys_exit);
}

static void sf_match_hook(struct tracepoint *tp, void *data)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(sf_hooks); i++)
		if (!strcmp(tp->name, sf_hooks[i].name))
			sf_hooks[i].tp = tp;
}

int sf_probes_find(void)
{
	int i;

	sf_check_probe_types();
	for_each_kernel_tracepoint(sf_match_hook, NULL);
	for (i = 0; i < ARRAY_SIZE(sf_hooks); i++) {
		if (!sf_hooks[i].tp && !sf_hooks[i].optional) {
			pr_err("this kernel has no tracepoint %s\n",
			       sf_hooks[i].name);
			return -ENOENT;
		}
	}
#ifdef SF_HAVE_URING
	/* The first two. A kernel built without io_uring has none. */
	sf_uring_found = sf_hooks[0].tp && sf_hooks[1].tp;
#endif
	return 0;
}

int sf_probes_attach(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(sf_hooks); i++) {
		if (!sf_hooks[i].tp)
			continue;
		err = tracepoint_probe_register(sf_hooks[i].tp,
						sf_hooks[i].probe, NULL);
		if (err) {
			sf_probes_detach();
			return err;
		}
		sf_hooks[i].attached = true;
	}
	return 0;
}

/* When it returns no probe runs, on any CPU. */
void sf_probes_detach(void)
{
	int i;

	for (i = ARRAY_SIZE(sf_hooks) - 1; i >= 0; i--) {
		if (!sf_hooks[i].attached)
			continue;
		tracepoint_probe_unregister(sf_hooks[i].tp, sf_hooks[i].probe,
					    NULL);
		sf_hooks[i].attached = false;
	}
	tracepoint_synchronize_unregister();
}
