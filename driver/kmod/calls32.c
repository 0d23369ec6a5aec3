// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * 32-bit system calls, as the 64-bit ones that they stand for.
 */
#include <linux/mman.h>
#include <linux/nospec.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

#include <sysflow/compat.h>

#include "compat.h"
#include "internal.h"
#include "user.h"

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
noinline void sf_on_compat_exit(struct pt_regs *regs, unsigned long nr,
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
	call.sc = to ? sf_syscall_row(to->nr) : NULL;
	if (!call.sc)
		return;
	if (call.sc->how == SF_HOW_URING)
		sf_on_uring_enter(ret);
	else if (sf_wanted(&call) && (call.sc->how != SF_HOW_EXEC || ret < 0))
		sf_told(&call, SF_F_COMPAT);
}
#else
void sf_on_compat_exit(struct pt_regs *regs, unsigned long nr, long ret)
{
	sf_count_uncovered(true, 1);
}
#endif
