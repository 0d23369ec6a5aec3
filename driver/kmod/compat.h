/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * The differences between kernel versions, all of them. What can be told by a
 * compile probe (run by Kbuild, answers in probed.h) is: versions lie on
 * distribution kernels.
 */
#ifndef SYSFLOW_COMPAT_H
#define SYSFLOW_COMPAT_H

#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/kernfs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/proc_ns.h>
#include <linux/sched.h>
#include "probed.h"

/* 6.3: vm_flags is read-only for drivers and has setters. */
static inline void sf_vm_flags_mod(struct vm_area_struct *vma,
				   unsigned long set, unsigned long clear)
{
#ifdef SF_HAVE_VM_FLAGS_SET
	vm_flags_set(vma, set);
	vm_flags_clear(vma, clear);
#else
	vma->vm_flags |= set;
	vma->vm_flags &= ~clear;
#endif
}

/*
 * The tracepoint of a task's end tells from about 6.16 whether the task was
 * the group's last. Before, the probe reads signal->live, which can be 0 for
 * two threads that end at the same time: both are then told as the last.
 */
#ifdef SF_HAVE_EXIT_GROUP_DEAD
#define SF_EXIT_PROBE_ARGS	void *data, struct task_struct *task, bool dead
#define SF_EXIT_IS_LAST(task)	(dead)
#else
#define SF_EXIT_PROBE_ARGS	void *data, struct task_struct *task
#define SF_EXIT_IS_LAST(task)	(!atomic_read(&(task)->signal->live))
#endif

/* 6.15 marks the name __rcu. */
static inline const char *sf_kernfs_name(const struct kernfs_node *kn)
{
	return (__force const char *)READ_ONCE(kn->name);
}

/* 6.3 makes one number of what were two halves. */
static inline u64 sf_cap_bits(kernel_cap_t cap)
{
#ifdef SF_HAVE_CAP_VAL
	return cap.val;
#else
	return (u64)cap.cap[1] << 32 | cap.cap[0];
#endif
}

/* 6.19 gives addresses a type of their own, whose length is not said. */
#ifdef SF_HAVE_SOCKADDR_UNSIZED
#define SF_SOCKADDR	struct sockaddr_unsized
#else
#define SF_SOCKADDR	struct sockaddr
#endif

static inline int sf_kernel_bind(struct socket *sock, void *addr, int len)
{
	return kernel_bind(sock, (SF_SOCKADDR *)addr, len);
}

static inline int sf_kernel_connect(struct socket *sock, void *addr, int len)
{
	return kernel_connect(sock, (SF_SOCKADDR *)addr, len, 0);
}

/*
 * io_uring shows its requests to modules from 6.0 on. Before, or when a
 * tracepoint has other arguments than are known here, what it does is counted
 * by io_uring_enter(2) and not told.
 */
#if defined(SF_HAVE_URING_REQ) && \
	(defined(SF_HAVE_URING_SUBMIT_REQ) || defined(SF_HAVE_URING_SUBMIT_SQE)) && \
	(defined(SF_HAVE_URING_COMPLETE_CQE) || defined(SF_HAVE_URING_COMPLETE_RES))
#define SF_HAVE_URING	1
#include <linux/io_uring_types.h>

#ifdef SF_HAVE_URING_SUBMIT_REQ
#define SF_URING_SUBMIT		"io_uring_submit_req"
#define SF_URING_SUBMIT_ARGS	void *data, struct io_kiocb *req
#else
#define SF_URING_SUBMIT		"io_uring_submit_sqe"
#define SF_URING_SUBMIT_ARGS	\
	void *data, struct io_kiocb *req, bool force_nonblock
#endif

#ifdef SF_HAVE_URING_COMPLETE_CQE
#define SF_URING_COMPLETE_ARGS	\
	void *data, struct io_ring_ctx *ctx, void *req, struct io_uring_cqe *cqe
#define SF_URING_DONE	\
	{ (unsigned long)ctx, req, cqe->user_data, cqe->res, cqe->flags }
#else
#define SF_URING_COMPLETE_ARGS	\
	void *data, void *ctx, void *req, u64 user_data, int res, \
	unsigned int cflags, u64 extra1, u64 extra2
#define SF_URING_DONE	\
	{ (unsigned long)ctx, req, user_data, res, cflags }
#endif

/* Whether a 32-bit program made the ring: its messages are laid out so. 7.2
 * makes a flag of the bit. */
static inline bool sf_uring_compat(const struct io_ring_ctx *ctx)
{
#if !defined(CONFIG_COMPAT)
	return false;
#elif defined(SF_HAVE_URING_INT_FLAGS)
	return ctx->int_flags & IO_RING_F_COMPAT;
#else
	return ctx->compat;
#endif
}

void sf_on_uring_submit(SF_URING_SUBMIT_ARGS);
void sf_on_uring_complete(SF_URING_COMPLETE_ARGS);
#endif

/* CLONE_NEW*. 6.18 keeps it in the namespace. */
static inline u64 sf_ns_type(const struct ns_common *ns)
{
#ifdef SF_HAVE_NS_COMMON_TYPE
	return ns->ns_type;
#else
	return ns->ops->type;
#endif
}

/* 6.9 gives pidfds a file system of their own, whose inodes have the pid. */
static inline bool sf_is_pidfs(const struct inode *inode)
{
#ifdef SF_HAVE_PIDFS
	return inode->i_sb->s_magic == PID_FS_MAGIC;
#else
	return false;
#endif
}

/*
 * Whether the current system call is a 32-bit one. Its number is then of
 * another table.
 */
static __always_inline bool sf_compat_syscall(void)
{
#ifdef CONFIG_COMPAT
	return in_compat_syscall();
#else
	return false;
#endif
}

#endif /* SYSFLOW_COMPAT_H */
