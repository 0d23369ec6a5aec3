/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Reading kernel objects by address. From Linux 6.2 on the address can be
 * cast to a typed pointer, whose fields are plain loads (a fault gives 0);
 * before that each field costs a helper call. The verifier removes the way
 * that the kernel does not have.
 */
#ifndef SYSFLOW_BPF_LOAD_H
#define SYSFLOW_BPF_LOAD_H

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "kernel_types.h"

/* Keeps the compiler from knowing where a value came from, so that it checks
 * the one the verifier sees checked. */
#define sf_opaque(var)	__asm__ volatile("" : "+r"(var))

void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

#define SF_CAST(type, addr) \
	((struct type *)bpf_rdonly_cast((const void *)(addr), \
					bpf_core_type_id_kernel(struct type)))

/* The helper, for kernels without typed loads. A function of its own, which
 * costs the others no stack. */
__noinline __u64 sf_probe(__u64 addr, __u64 size)
{
	__u64 value = 0;

	if (size <= sizeof(value))
		bpf_probe_read_kernel(&value, size, (void *)addr);
	return value;
}

/* Number in the struct type at addr, an integer or a pointer. */
#define SF_LOAD(type, addr, field) \
	(bpf_ksym_exists(bpf_rdonly_cast) ? \
	 SF_CAST(type, addr)->field : \
	 (__typeof__(((struct type *)0)->field)) \
	 sf_probe((__u64)(addr) + bpf_core_field_offset(struct type, field), \
		  bpf_core_field_size(struct type, field)))

/*
 * The pointer that lies at addr. A field that is a pointer would be typed
 * again, and a typed pointer is neither hashed nor handed to a function; the
 * seconds of a timespec64 are 64 bits at the place where they are said to be.
 */
static __always_inline __u64 sf_load_pointer(__u64 addr)
{
	if (bpf_ksym_exists(bpf_rdonly_cast))
		return SF_CAST(timespec64, addr)->tv_sec;
	return sf_probe(addr, sizeof(__u64));
}

/* Pointer in the struct type at addr, as an integer. */
#define SF_POINTER(type, addr, field) \
	sf_load_pointer((__u64)(addr) + \
			bpf_core_field_offset(struct type, field))

#endif /* SYSFLOW_BPF_LOAD_H */
