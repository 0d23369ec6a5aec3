/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * What a process may and what it does to others: credentials, namespaces,
 * signals, tracing, kernel modules, eBPF programs. Each function tells
 * cpu->call.
 */
#ifndef SYSFLOW_BPF_SECURITY_H
#define SYSFLOW_BPF_SECURITY_H

#include "exec.h"

/* The record of cpu->call as three numbers. */
static __always_inline void sf_emit_call(struct sf_here *here, __u64 a, __u64 b,
					 __u64 c)
{
	struct sf_call *call = &here->cpu->call;
	const __u32 op = call->row.op;
	struct sf_rec_call *rec;

	rec = sf_record(here, sf_who_of(here->cpu), op, sizeof(*rec), 0);
	if (!rec)
		return;
	rec->ret = call->ret;
	rec->arg[0] = a;
	rec->arg[1] = b;
	rec->arg[2] = c;
	sf_publish(here, op, sizeof(*rec));
}

/* A C int that the call was given, or none when the row names no argument. */
static __always_inline __u64 sf_int_arg(const struct sf_call *call, __u32 n,
					__u64 none)
{
	return n == SF_ARG_NONE ? none : (__u64)(__s64)(__s32)call->arg[n & 7];
}

static __always_inline __u64 sf_id_arg(const struct sf_call *call, __u32 n)
{
	return (__u32)sf_int_arg(call, n, SF_ID_NONE);
}

static __always_inline __u64 sf_cred(void)
{
	return SF_POINTER(task_struct, bpf_get_current_task(), cred);
}

__noinline int sf_call_ints(void)
{
	struct sf_here here;
	struct sf_call *call;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	sf_emit_call(&here, sf_int_arg(call, call->row.a, 0),
		     sf_int_arg(call, call->row.b, 0),
		     sf_int_arg(call, call->row.c, 0));
	return 0;
}

/* The ids of a call that failed, as asked; else those that it led to. */
__noinline int sf_call_ids(void)
{
	struct sf_here here;
	struct sf_call *call;
	__u64 cred = sf_cred();

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	if (call->ret < 0)
		sf_emit_call(&here, sf_id_arg(call, call->row.a),
			     sf_id_arg(call, call->row.b),
			     sf_id_arg(call, call->row.c));
	else if (call->row.op == SF_OP_SETUID)
		sf_emit_call(&here, SF_LOAD(cred, cred, euid.val),
			     SF_LOAD(cred, cred, uid.val),
			     SF_LOAD(cred, cred, suid.val));
	else
		sf_emit_call(&here, SF_LOAD(cred, cred, egid.val),
			     SF_LOAD(cred, cred, gid.val),
			     SF_LOAD(cred, cred, sgid.val));
	return 0;
}

/* FSID, GROUPS and CAPS: what the credentials say. */
__noinline int sf_call_cred(void)
{
	struct sf_here here;
	struct sf_call *call;
	__u64 cred = sf_cred();
	__u64 n;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	if (call->row.op == SF_OP_SETFSID) {
		sf_emit_call(&here, SF_LOAD(cred, cred, fsuid.val),
			     SF_LOAD(cred, cred, fsgid.val), 0);
	} else if (call->row.op == SF_OP_CAPSET) {
		/* 64 bits, on kernels before 6.3 as two halves. */
		sf_emit_call(&here, SF_POINTER(cred, cred, cap_effective),
			     SF_POINTER(cred, cred, cap_permitted),
			     SF_POINTER(cred, cred, cap_inheritable));
	} else {
		n = sf_int_arg(call, call->row.a, 0);
		if (call->ret >= 0)
			n = SF_LOAD(group_info,
				    SF_POINTER(cred, cred, group_info), ngroups);
		sf_emit_call(&here, n, 0, 0);
	}
	return 0;
}

static __always_inline __u64 sf_magic_of(__u64 inode)
{
	return SF_LOAD(super_block, SF_POINTER(inode, inode, i_sb), s_magic);
}

/* CLONE_NEW* of a namespace. 6.18 keeps it there, before its operations do. */
static __always_inline __u64 sf_ns_type(__u64 ns)
{
	if (bpf_core_field_exists(struct ns_common, ns_type))
		return SF_LOAD(ns_common, ns, ns_type);
	return SF_LOAD(proc_ns_operations, SF_POINTER(ns_common, ns, ops), type);
}

/* A descriptor of a namespace, of a process, or neither. */
__noinline int sf_call_setns(void)
{
	struct sf_here here;
	struct sf_call *call;
	__u64 file, inode, kind, ino = 0;
	__s32 fd;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	fd = call->arg[call->row.a & 7];
	kind = sf_int_arg(call, call->row.b, 0);
	file = sf_file_of(fd);
	if (file) {
		inode = SF_POINTER(file, file, f_inode);
		if (sf_magic_of(inode) == NSFS_MAGIC) {
			kind = sf_ns_type(SF_POINTER(inode, inode, i_private));
			ino = SF_LOAD(inode, inode, i_ino);
		}
	}
	sf_emit_call(&here, fd, kind, ino);
	return 0;
}

static __always_inline __u32 sf_net_inum(__u64 nsproxy)
{
	return SF_LOAD(net, SF_POINTER(nsproxy, nsproxy, net_ns), ns.inum);
}

__noinline int sf_call_unshare(void)
{
	struct sf_here here;
	struct sf_call *call;
	__u64 ns = SF_POINTER(task_struct, bpf_get_current_task(), nsproxy);

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	sf_emit_call(&here, sf_int_arg(call, call->row.a, 0), sf_net_inum(ns),
		     SF_LOAD(pid_namespace,
			     SF_POINTER(nsproxy, ns, pid_ns_for_children), ns.inum));
	return 0;
}

/* Whether an anonymous inode's file has the name whose first 8 bytes, its
 * terminator among them or not, are these. */
static __always_inline int sf_is_anon(__u64 file, __u64 inode, __u64 name)
{
	__u64 dentry = SF_POINTER(file, file, f_path.dentry);
	__u64 given = 0;

	if (sf_magic_of(inode) != ANON_INODE_FS_MAGIC)
		return 0;
	bpf_probe_read_kernel(&given, sizeof(given),
			      (void *)SF_POINTER(dentry, dentry, d_name.name));
	return given == name;
}

#define SF_NAME8(a, b, c, d, e, f, g, h) \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | \
	 (__u64)(e) << 32 | (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)

/* struct pid behind a pidfd, 0 when it is none. */
static __always_inline __u64 sf_pidfd_pid(__u64 file)
{
	__u64 inode = SF_POINTER(file, file, f_inode);

	if (sf_magic_of(inode) == PID_FS_MAGIC)
		return SF_POINTER(inode, inode, i_private);
	if (sf_is_anon(file, inode, SF_NAME8('[', 'p', 'i', 'd', 'f', 'd', ']', 0)))
		return SF_POINTER(file, file, private_data);
	return 0;
}

static __always_inline __u64 sf_upid_at(__u64 pid, __u32 level)
{
	return pid + bpf_core_field_offset(struct pid, numbers) +
	       level * bpf_core_type_size(struct upid);
}

/* The number of a process in the pid namespace of the current task. */
static __always_inline __u32 sf_pid_vnr(__u64 pid)
{
	__u64 own = SF_POINTER(task_struct, bpf_get_current_task(), thread_pid);
	__u32 level = SF_LOAD(pid, own, level);
	__u64 mine = sf_upid_at(own, level), its = sf_upid_at(pid, level);

	if (!pid || level > SF_LOAD(pid, pid, level) ||
	    SF_POINTER(upid, mine, ns) != SF_POINTER(upid, its, ns))
		return 0;
	return SF_LOAD(upid, its, nr);
}

__noinline int sf_call_pidfd(void)
{
	struct sf_here here;
	struct sf_call *call;
	__u64 file;
	__u32 nr;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	file = sf_file_of(call->arg[call->row.a & 7]);
	nr = file ? sf_pid_vnr(sf_pidfd_pid(file)) : 0;
	sf_emit_call(&here, nr, sf_int_arg(call, call->row.b, 0), 0);
	return 0;
}

__noinline int sf_call_bpf(void)
{
	struct sf_here here;
	struct sf_call *call;
	__u64 cmd, file = 0, prog, type = 0, id = 0;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	cmd = sf_int_arg(call, call->row.a, 0);
	if (cmd == BPF_PROG_LOAD && call->ret >= 0)
		file = sf_file_of(call->ret);
	if (file && sf_is_anon(file, SF_POINTER(file, file, f_inode),
			       SF_NAME8('b', 'p', 'f', '-', 'p', 'r', 'o', 'g'))) {
		prog = SF_POINTER(file, file, private_data);
		type = SF_LOAD(bpf_prog, prog, type);
		id = SF_LOAD(bpf_prog_aux, SF_POINTER(bpf_prog, prog, aux), id);
	}
	sf_emit_call(&here, cmd, type, id);
	return 0;
}

/* Copies the first len bytes of cpu->big, a record of cpu->call that lacks its
 * header, to the ring. */
static __always_inline void sf_big_publish(struct sf_here *here, __u32 len,
					   __u32 flags)
{
	const __u32 op = here->cpu->call.row.op;
	struct sf_who who = sf_who_of(here->cpu);
	void *dst;

	sf_opaque(len);
	if (len > SF_RECORD_MAX)
		return;
	dst = sf_record(here, who, op, len, flags);
	if (!dst)
		return;
	sf_ring_stamp(here->ring.prod, (void *)here->cpu->big, who.ts, who.pid,
		      who.tid, len, op, sf_flags(who, op, flags));
	bpf_probe_read_kernel(dst, len, here->cpu->big);
	sf_publish(here, op, len);
}

/* A string of user memory to cpu->big + at. Returns its length. */
static __always_inline __u32 sf_big_user(struct sf_cpu *cpu, __u32 at, __u64 src,
					 __u32 *flags)
{
	__u32 len;

	*flags |= sf_path_user(cpu, src) & SF_F_FAULT;
	sf_opaque(at);
	if (at > SF_RECORD_MAX - SF_PATH_MAX - 8)
		return 0;
	len = sf_path_take(cpu, cpu->big + at, SF_PATH_MAX, flags);
	return len;
}

/* MODULE and MODNAME. */
__noinline int sf_call_module(void)
{
	struct sf_here here;
	struct sf_call *call;
	struct sf_rec_path *rec;
	__u64 file = 0, inode;
	__u32 at = sizeof(*rec), flags = 0;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	rec = (void *)here.cpu->big;
	__builtin_memset(rec, 0, sizeof(*rec));
	rec->ret = call->ret;
	rec->flags = call->row.c == SF_ARG_NONE ? 0 : call->arg[call->row.c & 7];
	if (call->row.how == SF_HOW_MODNAME) {
		flags |= SF_F_USER;
		rec->len[0] = sf_big_user(here.cpu, at, call->arg[call->row.a & 7], &flags);
		at += rec->len[0];
	} else {
		if (call->row.a != SF_ARG_NONE)
			file = sf_file_of(call->arg[call->row.a & 7]);
		if (file) {
			inode = SF_POINTER(file, file, f_inode);
			rec->ino = SF_LOAD(inode, inode, i_ino);
			rec->dev = SF_LOAD(super_block, SF_POINTER(inode, inode, i_sb), s_dev);
			rec->mode = SF_LOAD(inode, inode, i_mode);
			sf_path(SF_POINTER(file, file, f_path.mnt),
				SF_POINTER(file, file, f_path.dentry));
			rec->len[0] = sf_path_take(here.cpu, here.cpu->big + at,
						   SF_PATH_MAX, &flags);
			at += rec->len[0];
		}
		rec->len[1] = sf_big_user(here.cpu, at, call->arg[call->row.b & 7], &flags);
		at += rec->len[1];
	}
	sf_opaque(at);
	if (at > SF_RECORD_MAX - 8)
		return 0;
	__builtin_memset(here.cpu->big + at, 0, 8);
	sf_big_publish(&here, SF_ROUND8(at), flags);
	return 0;
}

/* The kinds of this file. */
__noinline int sf_call_security(void)
{
	struct sf_here here;

	if (!sf_here(&here))
		return 0;
	switch (here.cpu->call.row.how) {
	case SF_HOW_INTS:
		sf_call_ints();
		break;
	case SF_HOW_IDS:
		sf_call_ids();
		break;
	case SF_HOW_FSID:
	case SF_HOW_GROUPS:
	case SF_HOW_CAPS:
		sf_call_cred();
		break;
	case SF_HOW_SETNS:
		sf_call_setns();
		break;
	case SF_HOW_UNSHARE:
		sf_call_unshare();
		break;
	case SF_HOW_PIDFD:
		sf_call_pidfd();
		break;
	case SF_HOW_BPF:
		sf_call_bpf();
		break;
	case SF_HOW_MODULE:
	case SF_HOW_MODNAME:
		sf_call_module();
		break;
	}
	return 0;
}

#endif /* SYSFLOW_BPF_SECURITY_H */
