/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * The maps, and a program's view of those of its own CPU.
 *
 * The scratch memory of a CPU is used only between sf_ring_begin() and
 * sf_ring_end(), which keep a second program out, so nothing in it needs a
 * lock.
 */
#ifndef SYSFLOW_BPF_MAPS_H
#define SYSFLOW_BPF_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <sysflow/described.h>
#include <sysflow/ring_write.h>
#include <sysflow/uring.h>
#include "config.h"
#include "rows.h"

/* Who does something, and when. */
struct sf_who {
	__u64 ts;
	__u32 pid, tid;
	__u32 flags;	/* SF_F_* of what is told, but of no description */
};

/* A system call at its exit, for the functions that are not inline. */
struct sf_call {
	struct sf_who who;
	__s64 ret;
	__u64 arg[8];	/* 6 and 7 (SF_ARG_NONE) are 0 */
	__u64 file;	/* struct file of the descriptor, where one is used */
	__u64 held;	/* struct file of the first argument, which a request
			 * of io_uring holds, or 0 */
	struct sf_row row;
	__u8 fix;	/* enum sf_fix: what is still to be done to arg */
};

/* What sf_sock_read() found of a socket. */
struct sf_sock_facts {
	struct sf_tuple tuple;
	__u64 ino;
	__u16 state;
	__u16 path_len;
	__u8 kind;	/* enum sf_kind */
	__u8 peer;	/* the socket has one, or never will */
	__u8 flags;	/* SF_F_* of the record */
	__u8 pad;
	__s32 listen_fd;	/* as in the record */
	char path[112];	/* SF_SUN_PATH_MAX, rounded up */
};

/* A walk from a dentry up to the root. */
struct sf_walk {
	__u64 dentry;
	__u64 mount;	/* struct mount that the dentry is seen in, */
	__u64 vfsmount;	/* its part that others point to, */
	__u64 top;	/* and its root dentry */
	__u64 root;	/* where the walk ends: dentry, */
	__u64 root_mnt;	/* and struct vfsmount */
	__u32 to_top;	/* not to the root of the task, but to the top */
	__u32 pad;
};

/* Names of a path that is noted before it is written; a power of two. */
#define SF_PIECES	16U

struct sf_piece {
	__u64 name;	/* where it lies in the kernel */
	__u64 len;
};

/* What was found out of a control group, for the filter of this stamp. Not
 * scratch memory: used before a run of a program begins. */
struct sf_memo {
	__u64 id;
	__u32 stamp;
	__u32 in;
};

#define SF_MEMOS	16U

struct sf_cpu {
	struct sf_described described[SF_DESCRIBED_SLOTS];
	struct sf_memo memo[SF_MEMOS];
	__u64 woken_at;	/* the wake_at that was answered last */
	__u64 rq;	/* struct rq of this CPU: see task.h */
	struct sf_call call;
	struct sf_sock_facts sock;
	struct sf_walk walk;
	struct sf_inflight kept;	/* request of io_uring at hand */
	struct sf_piece piece[SF_PIECES];
	__u32 pieces;	/* how many of them, the last name first, */
	__u32 pieces_len;	/* and their length with a slash for each */
	__u64 mmsg_bytes;	/* sum over the messages of one call */
	__u32 path_at;	/* the path that was built lies at path + path_at, */
	__u32 path_len;	/* is this long, */
	__u32 path_cut;	/* and lacks a part */
	__u32 name_len;	/* of the name of user memory that was read */
	__u32 names_flags;	/* SF_F_* of a record that is put together */
	__u32 pad;
	char path[SF_PATH_MAX + 256];	/* a name can run over the end */
	char name[256];
	char big[SF_RECORD_MAX];	/* where an exec record is put together */
};

/* The loader sets the true sizes: an element per possible CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, SF_RING_DATA + SF_RING_SIZE_MIN + SF_RECORD_MAX);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sf_cpu);
} cpus SEC(".maps");

/* A bell per CPU, which wakes the reader. Per CPU because its lock then
 * belongs to this CPU alone. */
struct sf_bell {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct sf_bell);
} bells SEC(".maps");

/* Whether to record; the loader sets it. A program stays attached for as long
 * as anyone has its link open, for one a child that was just forked, so that
 * detaching alone does not end a capture. It is also what another process turns
 * off (`sysflow probe unload`). The only variable of its section. */
volatile __u32 sf_running;

#define SF_RUN_ON	1	/* recording */
#define SF_RUN_CUT	2	/* switched off by another process */

/* This CPU's memory. */
struct sf_here {
	struct sf_ring ring;
	struct sf_cpu *cpu;
};

static __always_inline int sf_here(struct sf_here *here)
{
	__u32 id = bpf_get_smp_processor_id();
	unsigned char *ring = bpf_map_lookup_elem(&rings, &id);

	here->cpu = bpf_map_lookup_elem(&cpus, &id);
	if (!ring || !here->cpu)
		return 0;
	here->ring.prod = (struct sf_ring_prod *)ring;
	here->ring.cons = (struct sf_ring_cons *)(ring + SF_RING_CONS);
	here->ring.data = ring + SF_RING_DATA;
	here->ring.size = sf_config.ring_size;
	return 1;
}

/*
 * Copies of structures by words: clang 14 copies them byte by byte, with a
 * stack slot for each, and kernels before 6.8 allow 512 bytes of stack to a
 * whole chain of calls.
 */
static __always_inline struct sf_who sf_who_of(const struct sf_cpu *cpu)
{
	struct sf_who who;

	who.ts = SF_READ(cpu->call.who.ts);
	who.pid = SF_READ(cpu->call.who.pid);
	who.tid = SF_READ(cpu->call.who.tid);
	who.flags = SF_READ(cpu->call.who.flags);
	return who;
}

static __always_inline void sf_keep_who(struct sf_cpu *cpu, struct sf_who who)
{
	SF_WRITE(cpu->call.who.ts, who.ts);
	SF_WRITE(cpu->call.who.pid, who.pid);
	SF_WRITE(cpu->call.who.tid, who.tid);
	SF_WRITE(cpu->call.who.flags, who.flags);
}

static __always_inline void sf_copy_tuple(struct sf_tuple *to,
					  const struct sf_tuple *from)
{
	const __u64 *src = (const __u64 *)from;
	__u64 *dst = (__u64 *)to;

	SF_WRITE(dst[0], SF_READ(src[0]));
	SF_WRITE(dst[1], SF_READ(src[1]));
	SF_WRITE(dst[2], SF_READ(src[2]));
	SF_WRITE(dst[3], SF_READ(src[3]));
	SF_WRITE(dst[4], SF_READ(src[4]));
}

#define SF_ROUND8(len)	(((len) + 7U) & ~7U)

/* Identity of an open file outside of the kernel. */
static __always_inline __u64 sf_identity(__u64 file)
{
	return file ? file ^ sf_config.key : 0;
}

#endif /* SYSFLOW_BPF_MAPS_H */
