/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Of calls that do many things, those that are told: one C text for both
 * drivers.
 */
#ifndef SYSFLOW_WANTED_H
#define SYSFLOW_WANTED_H

#include <linux/types.h>

#define SF_BIT_OF(n)	(1ULL << (n))

/*
 * ptrace(2): what begins or ends a trace, or changes the traced. What only
 * looks, and what lets it run on, comes by the thousand from any debugger and
 * says no more.
 *
 * 0 TRACEME, 4 POKETEXT, 5 POKEDATA, 6 POKEUSER, 8 KILL, 13 SETREGS,
 * 15 SETFPREGS, 16 ATTACH, 17 DETACH, 19 SETFPXREGS; 0x4203 SETSIGINFO,
 * 0x4205 SETREGSET, 0x4206 SEIZE, 0x420b SETSIGMASK
 */
static inline __attribute__((always_inline))
int sf_ptrace_wanted(__u64 request)
{
	const __u64 low = SF_BIT_OF(0) | SF_BIT_OF(4) | SF_BIT_OF(5) |
			  SF_BIT_OF(6) | SF_BIT_OF(8) | SF_BIT_OF(13) |
			  SF_BIT_OF(15) | SF_BIT_OF(16) | SF_BIT_OF(17) |
			  SF_BIT_OF(19);
	const __u64 high = SF_BIT_OF(3) | SF_BIT_OF(5) | SF_BIT_OF(6) |
			   SF_BIT_OF(11);

	if (request < 64)
		return low >> request & 1;
	return request - 0x4200 < 64 && (high >> (request - 0x4200) & 1);
}

/*
 * bpf(2): what loads, attaches or detaches a program.
 *
 * 5 PROG_LOAD, 8 PROG_ATTACH, 9 PROG_DETACH, 17 RAW_TRACEPOINT_OPEN,
 * 28 LINK_CREATE, 29 LINK_UPDATE, 34 LINK_DETACH
 */
static inline __attribute__((always_inline))
int sf_bpf_wanted(__u32 cmd)
{
	const __u64 wanted = SF_BIT_OF(5) | SF_BIT_OF(8) | SF_BIT_OF(9) |
			     SF_BIT_OF(17) | SF_BIT_OF(28) | SF_BIT_OF(29) |
			     SF_BIT_OF(34);

	return cmd < 64 && (wanted >> cmd & 1);
}

#endif /* SYSFLOW_WANTED_H */
