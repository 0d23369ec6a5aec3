/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Paths of any task's objects, as d_path() of fs/d_path.c makes them for who
 * reads /proc: seen from the reader's root. They are built from the last name
 * to the first, each towards the front of its own buffer.
 */
#ifndef SYSFLOW_BPF_TASKS_PATH_H
#define SYSFLOW_BPF_TASKS_PATH_H

#include <sysflow/ring_write.h>
#include "objects.h"
#include "tasks.h"

#define SF_TASK_DEPTH	256	/* names and mounts of one path */
#define SF_TASK_GROUPS	32	/* names of a control group, and hierarchies */
#define SF_NAME_MAX	255U

static struct sf_task_work sf_work;

/* How a step of a walk ended. */
enum {
	SF_UP_ON,
	SF_UP_DONE,
	SF_UP_CUT,	/* no room */
};

/* A buffer by its number, for the verifier. */
#define SF_PATH_OF(which)	(((which) & (SF_TASK_PATHS - 1)) * SF_PATH_MAX)

/* Puts a name and its slash before the path, or returns 0 when they do not
 * fit. */
static __always_inline int sf_task_name(__u32 which, const void *name, __u32 len)
{
	__u32 at = SF_READ(sf_work.at[which & (SF_TASK_PATHS - 1)]);
	char *to;

	if (at < len + 1)
		return 0;
	at = (at - len - 1) & (SF_PATH_MAX - 1);
	sf_opaque(at);
	to = sf_work.path + SF_PATH_OF(which) + (at & (SF_PATH_MAX - 1));
	*to = '/';
	bpf_probe_read_kernel(to + 1, len & SF_NAME_MAX, name);
	SF_WRITE(sf_work.at[which & (SF_TASK_PATHS - 1)], at);
	return 1;
}

static __always_inline void sf_task_path_begin(__u32 which)
{
	SF_WRITE(sf_work.at[which & (SF_TASK_PATHS - 1)], SF_PATH_MAX);
}

static __always_inline void sf_task_path_end(__u32 which, int cut)
{
	__u32 at = SF_READ(sf_work.at[which & (SF_TASK_PATHS - 1)]);

	if (at >= SF_PATH_MAX) {	/* the root itself */
		at = SF_PATH_MAX - 1;
		sf_work.path[SF_PATH_OF(which) + at] = '/';
		SF_WRITE(sf_work.at[which & (SF_TASK_PATHS - 1)], at);
	}
	if (cut)
		sf_work.rec.flags |= SF_TASK_CUT;
	sf_work.rec.path_len[which & (SF_TASK_PATHS - 1)] = SF_PATH_MAX - at;
}

static __always_inline void sf_task_enter(struct sf_task_walk *walk, __u64 mount)
{
	walk->mount = mount;
	walk->vfsmount = mount + bpf_core_field_offset(struct mount, mnt);
	walk->top = SF_POINTER(mount, mount, mnt.mnt_root);
}

/* Puts the dentry's name before the path. A rename meanwhile is noticed. */
static __always_inline int sf_task_dentry(__u32 which, __u64 dentry)
{
	__u32 before = SF_LOAD(dentry, dentry, d_seq.seqcount.sequence);
	__u64 name = SF_POINTER(dentry, dentry, d_name.name);
	__u32 len = SF_LOAD(dentry, dentry, d_name.len) & SF_NAME_MAX;
	int fits = sf_task_name(which, (void *)name, len);

	if ((before & 1) ||
	    before != (__u32)SF_LOAD(dentry, dentry, d_seq.seqcount.sequence))
		sf_work.rec.flags |= SF_TASK_CHANGED;
	return fits;
}

/* One name, or one mount point, further up. The walk ends at the reader's
 * root, or where there is no way up: then the path is what was found so far,
 * which is that from the top of another mount namespace. */
__noinline int sf_task_up(__u32 which)
{
	struct sf_task_walk *walk = &sf_work.walk;
	__u64 dentry = walk->dentry, up;

	if (dentry == walk->root && walk->vfsmount == walk->root_mnt)
		return SF_UP_DONE;
	if (dentry == walk->top) {
		up = SF_POINTER(mount, walk->mount, mnt_parent);
		if (up == walk->mount || !up)
			return SF_UP_DONE;
		walk->dentry = SF_POINTER(mount, walk->mount, mnt_mountpoint);
		sf_task_enter(walk, up);
		return SF_UP_ON;
	}
	up = SF_POINTER(dentry, dentry, d_parent);
	if (up == dentry || !up)
		return SF_UP_DONE;
	if (!sf_task_dentry(which, dentry))
		return SF_UP_CUT;
	walk->dentry = up;
	return SF_UP_ON;
}

__noinline int sf_task_path(__u32 which, __u64 vfsmount, __u64 dentry)
{
	__u64 fs = SF_POINTER(task_struct, bpf_get_current_task(), fs);
	struct sf_task_walk *walk = &sf_work.walk;
	int i, step = SF_UP_ON;

	sf_task_path_begin(which);
	walk->dentry = dentry;
	walk->root = SF_POINTER(fs_struct, fs, root.dentry);
	walk->root_mnt = SF_POINTER(fs_struct, fs, root.mnt);
	sf_task_enter(walk, vfsmount - bpf_core_field_offset(struct mount, mnt));
	/* A file of no folder, as memfd_create() makes them. */
	if (dentry != walk->top && SF_POINTER(dentry, dentry, d_parent) == dentry)
		sf_task_dentry(which, dentry);
	for (i = 0; i < SF_TASK_DEPTH; i++) {
		step = sf_task_up(which);
		if (step != SF_UP_ON)
			break;
	}
	sf_task_path_end(which, step != SF_UP_DONE);
	return 0;
}

/*
 * The node of the task's control group: in the unified hierarchy; when that
 * has only the root, in the hierarchy made last of those in which it is not
 * the root, which is the first one that /proc tells.
 */
__noinline __u64 sf_task_group(void)
{
	__u64 set = SF_READ(sf_work.look[0].seen.cgroups);
	__u64 kn = SF_POINTER(cgroup, SF_POINTER(css_set, set, dfl_cgrp), kn);
	__u64 head = set + bpf_core_field_offset(struct css_set, cgrp_links);
	__u64 link = head, group, other, found = kn;
	int i, id, newest = -1;

	/* A task that has ended is in the unified hierarchy alone. */
	if (sf_kernfs_parent(kn) || SF_READ(sf_work.look[0].seen.ending))
		return kn;
	for (i = 0; i < SF_TASK_GROUPS; i++) {
		link = SF_POINTER(list_head, link, next);
		if (link == head || !link)
			break;
		group = SF_POINTER(cgrp_cset_link,
				   link - bpf_core_field_offset(struct cgrp_cset_link, cgrp_link),
				   cgrp);
		other = SF_POINTER(cgroup, group, kn);
		if (!other || !sf_kernfs_parent(other))
			continue;
		id = SF_LOAD(cgroup_root, SF_POINTER(cgroup, group, root), hierarchy_id);
		if (id > newest) {
			newest = id;
			found = other;
		}
	}
	return found;
}

__noinline int sf_task_cgroup(void)
{
	__u64 kn = sf_task_group(), up = 0;
	int i, cut = 0;
	long len;

	sf_task_path_begin(SF_TASK_PATH_CGROUP);
	for (i = 0; i < SF_TASK_GROUPS; i++) {
		up = sf_kernfs_parent(kn);
		if (!up)
			break;
		len = bpf_probe_read_kernel_str(sf_work.name, sizeof(sf_work.name),
						(void *)SF_POINTER(kernfs_node, kn, name));
		if (len < 1 || !sf_task_name(SF_TASK_PATH_CGROUP, sf_work.name,
					     ((__u32)len - 1) & SF_NAME_MAX)) {
			cut = 1;
			break;
		}
		kn = up;
	}
	sf_task_path_end(SF_TASK_PATH_CGROUP, cut || up);
	return 0;
}

#endif /* SYSFLOW_BPF_TASKS_PATH_H */
