/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * What the loader tells the programs before they are loaded: one structure,
 * alone in its own frozen read-only section, so that the verifier knows the
 * values and removes what they switch off. The loader has the same structure
 * (probe-loader/src/ebpf/config.rs).
 */
#ifndef SYSFLOW_BPF_CONFIG_H
#define SYSFLOW_BPF_CONFIG_H

#include <sysflow/abi.h>
#include <sysflow/ring.h>

struct sf_config {
	/* Set here, checked by the loader: the headers that the object was
	 * built from. */
	__u32 api_version;
	__u32 schema_version;

	/* Set by the loader. */
	__u64 ring_size;
	__u64 key;	/* hides kernel addresses: identity = address ^ key */
	__u32 self_tgid;	/* the recorder, never recorded */
	__u32 exit_group_dead;	/* sched_process_exit says whether the group
				 * is gone, in a second argument */
	__u32 guard_preempt;	/* programs run preemptible */
	__u32 uring;	/* SF_URING_*: 0 when requests are only counted */
};

#define SF_URING_HOOKED	0x1U	/* the tracepoints of io_uring are attached */
#define SF_URING_CQE	0x2U	/* a completion's is given a whole io_uring_cqe */

const volatile struct sf_config sf_config
	__attribute__((section(".rodata.config"), used)) = {
	.api_version = SF_API_VERSION,
	.schema_version = SF_SCHEMA_VERSION,
	.ring_size = SF_RING_SIZE_MIN,
};

#endif /* SYSFLOW_BPF_CONFIG_H */
