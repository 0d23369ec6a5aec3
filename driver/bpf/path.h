/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Paths from the kernel's own objects: a dentry and its mount, or a node of
 * kernfs. They are built from the last name to the first, towards the front
 * of the CPU's path buffer.
 */
#ifndef SYSFLOW_BPF_PATH_H
#define SYSFLOW_BPF_PATH_H

#include "maps.h"
#include "objects.h"

#define SF_PATH_DEPTH	256	/* names and mounts of one path */
#define SF_CGROUP_DEPTH	32
#define SF_NAME_MAX	255U

/* Puts a name and its slash before the path, or returns 0 when they do not
 * fit. The position lives in memory, where the verifier does not follow it:
 * else it would look at each turn of a loop anew. */
static __always_inline int sf_path_name(struct sf_cpu *cpu, const void *name,
					__u32 len)
{
	__u32 at = SF_READ(cpu->path_at);

	if (at < len + 1) {
		cpu->path_cut = 1;
		return 0;
	}
	at = (at - len - 1) & (SF_PATH_MAX - 1);
	sf_opaque(at);
	cpu->path[at & (SF_PATH_MAX - 1)] = '/';
	bpf_probe_read_kernel(cpu->path + (at & (SF_PATH_MAX - 1)) + 1,
			      len & SF_NAME_MAX, name);
	SF_WRITE(cpu->path_at, at);
	return 1;
}

static __always_inline void sf_path_begin(struct sf_cpu *cpu)
{
	SF_WRITE(cpu->path_at, SF_PATH_MAX);
	cpu->path_cut = 0;
}

/* The path is what lies between path_at and the end. */
static __always_inline void sf_path_done(struct sf_cpu *cpu)
{
	__u32 at = SF_READ(cpu->path_at);

	if (at >= SF_PATH_MAX) {	/* the root itself */
		at = SF_PATH_MAX - 1;
		cpu->path[SF_PATH_MAX - 1] = '/';
		cpu->path_at = at;
	}
	cpu->path_len = SF_PATH_MAX - at;
}

/* The path is the dentry's own name: nothing leads to it from the root. */
static __always_inline void sf_path_outside(struct sf_cpu *cpu,
					    struct dentry *dentry)
{
	__u32 len = SF_LOAD(dentry, dentry, d_name.len) & SF_NAME_MAX;

	cpu->path_at = 0;
	cpu->path_len = len;
	bpf_probe_read_kernel(cpu->path, len,
			      (void *)SF_POINTER(dentry, dentry, d_name.name));
}

/* How a step of the walk ended. */
enum {
	SF_STEP_ON,
	SF_STEP_ROOT,	/* the root is reached: the path is whole */
	SF_STEP_CUT,	/* no room */
	SF_STEP_OUTSIDE,	/* there is no way up */
};

static __always_inline void sf_walk_enter(struct sf_walk *walk, __u64 mount)
{
	walk->mount = mount;
	walk->vfsmount = mount + bpf_core_field_offset(struct mount, mnt);
	walk->top = SF_POINTER(mount, mount, mnt.mnt_root);
}

/* One name, or one mount point, further up. */
__noinline int sf_walk_step(void)
{
	struct sf_walk *walk;
	struct sf_here here;
	__u64 dentry, up;

	if (!sf_here(&here))
		return SF_STEP_OUTSIDE;
	walk = &here.cpu->walk;
	dentry = walk->dentry;
	if (dentry == walk->root && walk->vfsmount == walk->root_mnt)
		return SF_STEP_ROOT;
	if (dentry == walk->top) {
		up = SF_POINTER(mount, walk->mount, mnt_parent);
		if (up == walk->mount || !up)
			return walk->to_top ? SF_STEP_ROOT : SF_STEP_OUTSIDE;
		walk->dentry = SF_POINTER(mount, walk->mount, mnt_mountpoint);
		sf_walk_enter(walk, up);
		return SF_STEP_ON;
	}
	up = SF_POINTER(dentry, dentry, d_parent);
	if (up == dentry || !up)
		return SF_STEP_OUTSIDE;
	if (!sf_path_name(here.cpu, (void *)SF_POINTER(dentry, dentry, d_name.name),
			  SF_LOAD(dentry, dentry, d_name.len) & SF_NAME_MAX))
		return SF_STEP_CUT;
	walk->dentry = up;
	return SF_STEP_ON;
}

/*
 * Path of a dentry below a mount (struct vfsmount), as seen from the root of
 * the current task: goes up, across mount points, until it meets the root
 * (or, when cpu->walk.to_top is set, until there is no way up).
 */
__noinline int sf_path(__u64 vfsmount, __u64 dentry)
{
	__u64 task = bpf_get_current_task();
	__u64 fs = SF_POINTER(task_struct, task, fs);
	struct sf_walk *walk;
	struct sf_here here;
	int i, step;

	if (!sf_here(&here))
		return 0;
	sf_path_begin(here.cpu);
	walk = &here.cpu->walk;
	walk->dentry = dentry;
	walk->root = walk->to_top ? 0 : SF_POINTER(fs_struct, fs, root.dentry);
	walk->root_mnt = SF_POINTER(fs_struct, fs, root.mnt);
	sf_walk_enter(walk, vfsmount - bpf_core_field_offset(struct mount, mnt));
	for (i = 0; i < SF_PATH_DEPTH; i++) {
		step = sf_walk_step();
		if (step == SF_STEP_ON)
			continue;
		if (step == SF_STEP_OUTSIDE) {
			sf_path_outside(here.cpu, (void *)dentry);
			return 0;
		}
		break;
	}
	if (i == SF_PATH_DEPTH)
		here.cpu->path_cut = 1;
	sf_path_done(here.cpu);
	return 0;
}

/* Path of a node of kernfs from the root of its hierarchy. */
__noinline int sf_kernfs_path(__u64 node)
{
	__u64 kn = node, up = 0;
	struct sf_here here;
	long len;
	int i;

	if (!sf_here(&here))
		return 0;
	sf_path_begin(here.cpu);
	for (i = 0; i < SF_CGROUP_DEPTH; i++) {
		up = sf_kernfs_parent(kn);
		if (!up)
			break;
		len = bpf_probe_read_kernel_str(here.cpu->name,
						sizeof(here.cpu->name),
						(void *)SF_POINTER(kernfs_node, kn, name));
		if (len < 1 || !sf_path_name(here.cpu, here.cpu->name,
					     ((__u32)len - 1) & SF_NAME_MAX))
			break;
		kn = up;
	}
	if (up)
		here.cpu->path_cut = 1;
	sf_path_done(here.cpu);
	return 0;
}

/* Copies the path to dst, at most max bytes of its end. Returns its length. */
static __always_inline __u32 sf_path_take(struct sf_cpu *cpu, void *dst,
					  const __u32 max, __u32 *flags)
{
	__u32 at = cpu->path_at, len = cpu->path_len;

	if (len > max) {
		at += len - max;
		len = max;
		cpu->path_cut = 1;
	}
	if (cpu->path_cut)
		*flags |= SF_F_CUT;
	sf_opaque(len);
	if (len > max)
		return 0;
	bpf_probe_read_kernel(dst, len, cpu->path + (at & (SF_PATH_MAX - 1)));
	return len;
}

/* A path that is not known. */
static __always_inline __u32 sf_path_none(struct sf_cpu *cpu)
{
	cpu->path_at = 0;
	cpu->path_len = 0;
	cpu->path_cut = 0;
	return 0;
}

/*
 * Reads a string of user memory to the path buffer. It is the caller's, and
 * may be gone, relative or not even a path.
 */
static __always_inline __u32 sf_path_user(struct sf_cpu *cpu, __u64 src)
{
	long len = bpf_probe_read_user_str(cpu->path, SF_PATH_MAX, (void *)src);

	cpu->path_at = 0;
	cpu->path_len = len > 0 ? (__u32)len - 1 : 0;
	cpu->path_cut = len == SF_PATH_MAX;
	return len < 0 ? SF_F_USER | SF_F_FAULT : SF_F_USER;
}

#endif /* SYSFLOW_BPF_PATH_H */
