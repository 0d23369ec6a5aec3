/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * OPEN without a call: where returns are guarded against speculation, each
 * function and each helper costs as much as the walk over several names. So
 * one loop goes up to the root and notes where the names lie, and another
 * writes them to the record, in whose length they are counted by then. What
 * this does not cover (a path with many names or that leads to no root, an
 * open that failed) is told by sf_file_emit(), with the same result.
 *
 * As there a name is read as it lies in the dentry, without the kernel's locks.
 * One that is renamed in these nanoseconds may be torn: read with the length
 * of one name and the bytes of another. The dentries and their names cannot go
 * away meanwhile: they are freed after an RCU grace period.
 */
#ifndef SYSFLOW_BPF_OPEN_H
#define SYSFLOW_BPF_OPEN_H

#include "file.h"

#define SF_OPEN_TURNS	(SF_PIECES + 4)	/* names, and mounts that are crossed */

/* Names of this length and below are copied by loads, eight bytes each; longer
 * ones by a helper. */
#define SF_NAME_SHORT	32U

/*
 * Notes the names from a dentry up to the root of the task, the last one
 * first. Returns the length of the path, 0 when it is none for this function.
 * The sums live in memory, where the verifier does not follow them: else it
 * would look at each turn of the loop in many ways.
 */
static __always_inline __u32 sf_open_walk(struct sf_cpu *cpu, __u64 fs,
					  __u64 vfsmount, __u64 dentry)
{
	const __u64 root = SF_POINTER(fs_struct, fs, root.dentry);
	const __u64 root_mnt = SF_POINTER(fs_struct, fs, root.mnt);
	__u64 mount = vfsmount - bpf_core_field_offset(struct mount, mnt);
	__u64 top = SF_POINTER(mount, mount, mnt.mnt_root), up;
	__u32 i, n, one;

	SF_WRITE(cpu->pieces, 0);
	SF_WRITE(cpu->pieces_len, 0);
	for (i = 0; i < SF_OPEN_TURNS; i++) {
		if (dentry == root &&
		    mount + bpf_core_field_offset(struct mount, mnt) == root_mnt)
			return SF_READ(cpu->pieces_len);
		if (dentry == top) {
			up = SF_POINTER(mount, mount, mnt_parent);
			if (up == mount || !up)
				return 0;
			dentry = SF_POINTER(mount, mount, mnt_mountpoint);
			mount = up;
			top = SF_POINTER(mount, mount, mnt.mnt_root);
			continue;
		}
		up = SF_POINTER(dentry, dentry, d_parent);
		n = SF_READ(cpu->pieces);
		if (up == dentry || !up || n >= SF_PIECES)
			return 0;
		one = SF_LOAD(dentry, dentry, d_name.len) & SF_NAME_MAX;
		cpu->piece[n & (SF_PIECES - 1)].name =
			SF_POINTER(dentry, dentry, d_name.name);
		cpu->piece[n & (SF_PIECES - 1)].len = one;
		SF_WRITE(cpu->pieces, n + 1);
		SF_WRITE(cpu->pieces_len, SF_READ(cpu->pieces_len) + one + 1);
		dentry = up;
	}
	return 0;
}

/*
 * Writes a name; up to seven bytes more than it has, which the dentry holds as
 * well: there a name lies at a multiple of eight, in memory that is one.
 */
static __always_inline void sf_open_name(char *dst, __u64 name, __u32 len)
{
	if (!bpf_ksym_exists(bpf_rdonly_cast) || len > SF_NAME_SHORT) {
		bpf_probe_read_kernel(dst, len & SF_NAME_MAX, (void *)name);
		return;
	}
	*(__u64 *)dst = sf_load_pointer(name);
	if (len <= 8)
		return;
	*(__u64 *)(dst + 8) = sf_load_pointer(name + 8);
	if (len <= 16)
		return;
	*(__u64 *)(dst + 16) = sf_load_pointer(name + 16);
	if (len <= 24)
		return;
	*(__u64 *)(dst + 24) = sf_load_pointer(name + 24);
}

/* Writes the path, from the root on, and zeros behind it. */
static __always_inline void sf_open_path(struct sf_cpu *cpu, char *dst, __u32 len)
{
	/* From memory, so that the verifier follows one number of names, not
	 * each. */
	__u32 n = SF_READ(cpu->pieces), at = 0, one;
	__u32 i;

	for (i = 0; i < SF_PIECES; i++) {
		if (!n)
			break;
		n--;
		one = cpu->piece[n & (SF_PIECES - 1)].len;
		dst[at] = '/';
		sf_open_name(dst + at + 1, cpu->piece[n & (SF_PIECES - 1)].name, one);
		at = (at + one + 1) & (SF_PATH_MAX - 1);
	}
	*(__u64 *)(dst + (len & (SF_PATH_MAX - 1))) = 0;
}

/* OPEN of a descriptor whose flags are at hand. Returns 0 when nothing was
 * done. */
static __always_inline int sf_open(struct sf_here *here, struct sf_who who,
				   __u64 fs, __u64 file, int fd, __u32 flags)
{
	__u64 dentry = SF_POINTER(file, file, f_path.dentry);
	struct sf_rec_file *rec;
	__u32 path_len, len;

	path_len = sf_open_walk(here->cpu, fs, SF_POINTER(file, file, f_path.mnt),
				dentry);
	if (!path_len || path_len >= SF_PATH_MAX)
		return 0;
	len = sizeof(*rec) + SF_ROUND8(path_len);
	/* Room for what is written behind the last name. */
	rec = sf_ring_reserve(&here->ring, SF_CLASS_FILE, len + 8);
	if (!rec)
		return 1;
	sf_open_path(here->cpu, (char *)(rec + 1), path_len);
	sf_ring_stamp(here->ring.prod, &rec->h, who.ts, who.pid, who.tid, len,
		      SF_OP_OPEN, who.flags);
	sf_file_facts(rec, file, dentry);
	rec->fd = fd;
	rec->ret = fd;
	rec->flags = flags;
	rec->path_len = path_len;
	sf_described(here->cpu, file, rec->ino, SF_KIND_FILE);
	sf_publish(here, SF_OP_OPEN, len);
	return 1;
}

#endif /* SYSFLOW_BPF_OPEN_H */
