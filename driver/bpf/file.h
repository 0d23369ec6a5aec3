/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Open files: from a descriptor to what the kernel holds of it, and the
 * records OPEN, ANON and DESCRIBE_FILE.
 */
#ifndef SYSFLOW_BPF_FILE_H
#define SYSFLOW_BPF_FILE_H

#include "emit.h"
#include "path.h"

/* struct file of a descriptor of the current task, 0 when it is not open.
 * Slower than what the hot path does, but it needs no BTF pointer. */
static __always_inline __u64 sf_file_of(__s32 fd)
{
	__u64 task = bpf_get_current_task();
	__u64 files = SF_POINTER(task_struct, task, files);
	__u64 fdt = SF_POINTER(files_struct, files, fdt);

	if ((__u32)fd >= SF_LOAD(fdtable, fdt, max_fds))
		return 0;
	return sf_load_pointer(SF_POINTER(fdtable, fdt, fd) +
			       (__u32)fd * sizeof(void *));
}

/* struct file of a call's first descriptor. */
static __always_inline __u64 sf_call_file(const struct sf_call *call)
{
	return call->held ? call->held : sf_file_of(call->arg[call->row.a & 7]);
}

static __always_inline __u64 sf_ino_of(__u64 file)
{
	return SF_LOAD(inode, SF_POINTER(file, file, f_inode), i_ino);
}

/* Notes that this CPU's ring has a description of the file. */
static __always_inline void sf_described(struct sf_cpu *cpu, __u64 file,
					 __u64 ino, __u32 kind)
{
	struct sf_described *slot = &cpu->described[sf_described_slot(file)];

	slot->file = file;
	slot->ino = ino;
	slot->kind = kind;
}

/* Whether no name leads to the file any more. A dentry that never had one, of
 * a pipe or an anonymous inode, is its own parent. */
static __always_inline __u16 sf_file_attr(__u64 file, __u64 dentry)
{
	__u16 attr = 0;

	if (SF_LOAD(file, file, f_mode) & FMODE_CREATED)
		attr |= SF_FILE_CREATED;
	if (!SF_POINTER(dentry, dentry, d_hash.pprev) &&
	    SF_POINTER(dentry, dentry, d_parent) != dentry)
		attr |= SF_FILE_UNLINKED;
	return attr;
}

/* The O_* flags that an open was called with. */
static __always_inline __u32 sf_open_flags(const struct sf_call *call, __u32 *fault)
{
	__u64 how = 0;

	if (call->row.b == SF_ARG_NONE)
		return O_CREAT | O_WRONLY | O_TRUNC;
	if (call->row.b != SF_ARG_HOW)
		return call->arg[call->row.b & 7];
	/* struct open_how begins with the flags. */
	if (bpf_probe_read_user(&how, sizeof(how),
				(void *)call->arg[(call->row.a + 1) & 7]))
		*fault |= SF_F_FAULT;
	return how;
}

/* The flags of a record: the caller's, or of a description the file's. */
static __always_inline __u32 sf_told_flags(__u32 op, __u64 file,
					   const struct sf_call *call,
					   __u32 *fault)
{
	if (op == SF_OP_OPEN)
		return sf_open_flags(call, fault);
	if (op == SF_OP_ANON)
		return call->arg[call->row.a & 7];
	return SF_LOAD(file, file, f_flags);
}

/* What a record tells of the file itself. */
static __always_inline void sf_file_facts(struct sf_rec_file *rec, __u64 file,
					  __u64 dentry)
{
	__u64 inode = SF_POINTER(file, file, f_inode);

	rec->file = sf_identity(file);
	rec->ino = SF_LOAD(inode, inode, i_ino);
	rec->dev = SF_LOAD(super_block, SF_POINTER(inode, inode, i_sb), s_dev);
	rec->mode = SF_LOAD(inode, inode, i_mode);
	rec->attr = sf_file_attr(file, dentry);
}

/* OPEN, ANON or DESCRIBE_FILE of an open file. Returns whether it was
 * delivered. */
__noinline int sf_file_emit(__u64 file, __u32 op, int fd, int ret)
{
	__u64 dentry = SF_POINTER(file, file, f_path.dentry);
	__u32 len, path_len, flags = 0;
	struct sf_rec_file *rec;
	struct sf_here here;

	if (!sf_here(&here))
		return 0;
	sf_path(SF_POINTER(file, file, f_path.mnt), dentry);
	path_len = here.cpu->path_len;
	if (path_len > SF_PATH_MAX)
		return 0;
	len = sizeof(*rec) + SF_ROUND8(path_len);
	rec = sf_record(&here, sf_who_of(here.cpu), op, len, flags);
	if (!rec)
		return 0;
	/* The padding; without a path the last fields, which come now. */
	*(__u64 *)((char *)rec + len - 8) = 0;
	sf_file_facts(rec, file, dentry);
	rec->fd = fd;
	rec->ret = ret;
	rec->flags = sf_told_flags(op, file, &here.cpu->call, &flags);
	if (op == SF_OP_ANON)
		rec->attr |= here.cpu->call.row.b << SF_FILE_MADE_SHIFT;
	rec->path_len = sf_path_take(here.cpu, rec + 1, SF_PATH_MAX, &flags);
	rec->h.flags = sf_flags(sf_who_of(here.cpu), op, flags);
	sf_described(here.cpu, file, rec->ino, SF_KIND_FILE);
	sf_publish(&here, op, len);
	return 1;
}

/* OPEN that failed, or whose file another thread closed at once: told in the
 * caller's words. */
__noinline int sf_open_user(void)
{
	__u32 len, path_len, flags;
	struct sf_rec_file *rec;
	struct sf_call *call;
	struct sf_here here;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	if (call->row.a == SF_ARG_NONE)
		flags = sf_path_none(here.cpu);
	else
		flags = sf_path_user(here.cpu, call->arg[call->row.a & 7]);
	path_len = here.cpu->path_len;
	if (path_len > SF_PATH_MAX)
		return 0;
	len = sizeof(*rec) + SF_ROUND8(path_len);
	rec = sf_record(&here, sf_who_of(here.cpu), SF_OP_OPEN, len, 0);
	if (!rec)
		return 0;
	/* As above. */
	*(__u64 *)((char *)rec + len - 8) = 0;
	rec->file = 0;
	rec->ino = 0;
	rec->dev = 0;
	rec->mode = 0;
	rec->fd = call->row.c == SF_ARG_NONE ? AT_FDCWD :
					       (__s32)call->arg[call->row.c & 7];
	rec->ret = call->ret;
	rec->flags = sf_open_flags(call, &flags);
	rec->attr = 0;
	rec->path_len = sf_path_take(here.cpu, rec + 1, SF_PATH_MAX, &flags);
	rec->h.flags = sf_flags(sf_who_of(here.cpu), SF_OP_OPEN, flags);
	sf_publish(&here, SF_OP_OPEN, len);
	return 1;
}

#endif /* SYSFLOW_BPF_FILE_H */
