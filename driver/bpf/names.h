/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Operations on names, and chdir and chroot: put together in scratch memory,
 * because the lengths are known last, and copied to the ring in one go. What
 * each argument of a call is stands in <sysflow/names.h>.
 */
#ifndef SYSFLOW_BPF_NAMES_H
#define SYSFLOW_BPF_NAMES_H

#include "file.h"

/* Where a name of user memory is read to, behind the longest record, with room
 * for a byte more than a name has: then it is cut. */
#define SF_NAME_AT	(SF_RECORD_MAX - SF_PATH_MAX - 8)
/* Where a record with two paths ends at most. */
#define SF_NAMES_END	((__u32)sizeof(struct sf_rec_path) + \
			 2 * (2 * SF_PATH_MAX + 1))
_Static_assert(SF_NAMES_END + 8 < SF_NAME_AT, "a name lies behind the record");

#define SF_NAMES_ROWS	64	/* a power of two */

static const volatile struct sf_names_row sf_names[SF_NAMES_ROWS] = {
#define SF_NAMES(call, op, d0, p0, d1, p1, f, n0, n1, b) \
	[SF_NAMES_##call] = { { d0, d1 }, { p0, p1 }, f, { n0, n1 }, b },
#include <sysflow/names.h>
};
_Static_assert((int)SF_NAMES_COUNT <= SF_NAMES_ROWS, "the table has room");

/* What a path begins at. */
enum {
	SF_AT_FD,	/* the file of a descriptor */
	SF_AT_PWD,	/* the working directory */
	SF_AT_ROOT,	/* the root, seen from the top of the mounts */
};

/* Tells the object that path 0 leads to. */
static __always_inline void sf_named_inode(struct sf_cpu *cpu, __u64 inode)
{
	struct sf_rec_path *rec = (void *)cpu->big;

	if (!inode)
		return;
	rec->ino = SF_LOAD(inode, inode, i_ino);
	rec->dev = SF_LOAD(super_block, SF_POINTER(inode, inode, i_sb), s_dev);
	rec->mode = SF_LOAD(inode, inode, i_mode);
}

/*
 * Appends a path of the kernel's; with object it is what path 0 names. Returns
 * where the record ends now.
 */
__noinline int sf_names_kernel(__u32 at, int from, int fd, int object)
{
	__u64 fs = SF_POINTER(task_struct, bpf_get_current_task(), fs);
	__u64 dentry, mnt, inode, file;
	struct sf_here here;
	__u32 flags = 0;

	if (!sf_here(&here) || at > SF_NAMES_END - SF_PATH_MAX)
		return at;
	if (from == SF_AT_FD) {
		file = sf_file_of(fd);
		if (!file)
			return at;
		mnt = SF_POINTER(file, file, f_path.mnt);
		dentry = SF_POINTER(file, file, f_path.dentry);
		inode = SF_POINTER(file, file, f_inode);
	} else if (from == SF_AT_PWD) {
		mnt = SF_POINTER(fs_struct, fs, pwd.mnt);
		dentry = SF_POINTER(fs_struct, fs, pwd.dentry);
		inode = SF_POINTER(dentry, dentry, d_inode);
	} else {
		mnt = SF_POINTER(fs_struct, fs, root.mnt);
		dentry = SF_POINTER(fs_struct, fs, root.dentry);
		inode = SF_POINTER(dentry, dentry, d_inode);
	}
	if (object)
		sf_named_inode(here.cpu, inode);
	here.cpu->walk.to_top = from == SF_AT_ROOT;
	sf_path(mnt, dentry);
	here.cpu->walk.to_top = 0;
	at += sf_path_take(here.cpu, here.cpu->big + at, SF_PATH_MAX, &flags);
	here.cpu->names_flags |= flags;
	return at;
}

/* Reads a name of user memory to big + SF_NAME_AT. Returns SF_F_*. */
static __always_inline __u32 sf_names_user(struct sf_cpu *cpu, __u64 src)
{
	long len = bpf_probe_read_user_str(cpu->big + SF_NAME_AT,
					   SF_PATH_MAX + 1, (void *)src);

	cpu->name_len = len > 0 ? (__u32)len - 1 : 0;
	if (len < 0)
		return SF_F_USER | SF_F_FAULT;
	if (len <= SF_PATH_MAX)
		return SF_F_USER;
	cpu->name_len = SF_PATH_MAX - 1;
	return SF_F_USER | SF_F_CUT;
}

/* Appends the name that was read, below the directory that lies before it. */
static __always_inline __u32 sf_names_join(struct sf_cpu *cpu, __u32 at,
					   __u32 begun)
{
	__u32 len = cpu->name_len, last = at - 1;

	if (at > SF_NAMES_END - SF_PATH_MAX - 1)
		return begun;
	/* Of "/" no second slash is needed. */
	sf_opaque(last);
	if (at > begun && cpu->big[last & (SF_RECORD_MAX - 1)] != '/')
		cpu->big[at++] = '/';
	sf_opaque(len);
	if (len >= SF_PATH_MAX)
		return begun;
	bpf_probe_read_kernel(cpu->big + at, len, cpu->big + SF_NAME_AT);
	return at + len;
}

/* Appends one of the call's two paths. Returns where the record ends now. */
__noinline int sf_names_side(__u32 begun, __u32 side)
{
	const volatile struct sf_names_row *row;
	__u32 dir, name, flags = 0, at = begun;
	struct sf_call *call;
	struct sf_here here;
	int relative, from;

	if (!sf_here(&here))
		return begun;
	call = &here.cpu->call;
	row = &sf_names[call->row.a & (SF_NAMES_ROWS - 1)];
	dir = row->dir[side & 1] & 7;
	name = row->name[side & 1] & 7;
	if (dir == SF_ARG_NONE && name == SF_ARG_NONE)
		return begun;
	relative = !(row->bits & (side ? SF_NAMES_TEXT1 : SF_NAMES_TEXT0));
	here.cpu->name_len = 0;
	if (call->arg[name])	/* 0, too, for SF_ARG_NONE */
		flags = sf_names_user(here.cpu, call->arg[name]);
	if ((flags & SF_F_FAULT) ||
	    (here.cpu->name_len && here.cpu->big[SF_NAME_AT] == '/'))
		relative = 0;
	if (relative) {
		from = dir == SF_ARG_NONE || (name != SF_ARG_NONE &&
		       (__s32)call->arg[dir] == AT_FDCWD) ? SF_AT_PWD : SF_AT_FD;
		at = sf_names_kernel(begun, from, call->arg[dir],
				     !side && !here.cpu->name_len);
		if (!here.cpu->name_len)
			return at;
	}
	here.cpu->names_flags |= flags;
	return sf_names_join(here.cpu, at, begun);
}

static __always_inline __u64 sf_names_number(const struct sf_call *call,
					     const volatile struct sf_names_row *row,
					     __u32 i)
{
	__u64 value = call->arg[row->arg[i] & 7];

	return row->bits & SF_NAMES_WIDE ? value : (__u32)value;
}

/* Fills what is no path. Returns the operation that is told. */
static __always_inline __u32 sf_names_fill(struct sf_rec_path *rec,
					   const struct sf_call *call)
{
	const volatile struct sf_names_row *row =
		&sf_names[call->row.a & (SF_NAMES_ROWS - 1)];

	rec->ret = call->ret;
	rec->flags = call->arg[row->flags & 7];
	if (row->bits & SF_NAMES_NOFOLLOW)
		rec->flags |= AT_SYMLINK_NOFOLLOW;
	rec->arg[0] = sf_names_number(call, row, 0);
	rec->arg[1] = sf_names_number(call, row, 1);
	if ((row->bits & SF_NAMES_REMOVEDIR) && (rec->flags & AT_REMOVEDIR))
		return SF_OP_RMDIR;
	return call->row.op;
}

/* Copies the first len bytes of cpu->big to the ring. */
static __always_inline void sf_names_publish(struct sf_here *here, __u32 op,
					     __u32 len, __u32 flags)
{
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

__noinline int sf_call_names(void)
{
	__u32 at = sizeof(struct sf_rec_path), end, op;
	struct sf_rec_path *rec;
	struct sf_call *call;
	struct sf_here here;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	rec = (void *)here.cpu->big;
	__builtin_memset(rec, 0, sizeof(*rec));
	here.cpu->names_flags = 0;
	op = sf_names_fill(rec, call);
	if (!call->ret && op == SF_OP_CHDIR)
		end = sf_names_kernel(at, SF_AT_PWD, 0, 1);
	else if (!call->ret && op == SF_OP_CHROOT)
		end = sf_names_kernel(at, SF_AT_ROOT, 0, 1);
	else
		end = sf_names_side(at, 0);
	rec->len[0] = end - at;
	at = end;
	end = sf_names_side(at, 1);
	rec->len[1] = end - at;
	if (end > SF_NAMES_END)
		return 0;
	__builtin_memset(here.cpu->big + end, 0, 8);
	sf_names_publish(&here, op, SF_ROUND8(end), here.cpu->names_flags);
	return 0;
}

#endif /* SYSFLOW_BPF_NAMES_H */
