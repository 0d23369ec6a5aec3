// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * Paths of open files, walked without locks.
 *
 * d_path() takes rename_lock when a rename disturbs it, so a probe cannot use
 * it. This walk goes the same way, from the dentry up to the root of its
 * mount, over to the mount point, and on to the process's root, under RCU
 * alone. Why each pointer is good to follow:
 *
 *  - the first dentry and mount are held by the caller's file, or belong to
 *    the pwd of fs_struct, read in this RCU section;
 *  - d_parent: a dentry holds its parent. When it lets go (it dies, or is
 *    moved), the parent is freed through RCU. Only dentries of pseudo files
 *    (pipes, sockets) are freed without it; they are held by their file and
 *    have no parent but themselves;
 *  - d_name.name: a long name is freed through RCU; a short one lies in the
 *    dentry. Renames change names under our eyes, so a length may belong to
 *    another name: the copy ends at the terminator, which a name never loses;
 *  - struct mount: a mounted one holds its parent and mount point. When it is
 *    unmounted it points to itself and its own root, and then the struct, the
 *    parent's struct and the mount point's dentry are freed through RCU.
 *
 * So the walk never follows a dead pointer, but it may pass through a tree
 * that is being changed. rename_lock's sequence tells of renames; the walk is
 * then repeated a few times. Mounts have no sequence open to modules: a path
 * read in the midst of a mount move can mix both places.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/slab.h>

#include "internal.h"

#define SF_WALK_TRIES	4
/*
 * Components and mounts in one walk. The shortest component takes two bytes,
 * so a path within SF_PATH_MAX is never cut by this.
 */
#define SF_WALK_STEPS	(SF_PATH_MAX / 2 + 256)

/*
 * The first members of struct mount, which is private to fs/: the same from
 * 5.10 to 7.x. sf_path_verify() compares with d_path() before it is trusted.
 */
struct sf_mount {
	struct hlist_node mnt_hash;
	struct sf_mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

static struct sf_mount *sf_mount_of(struct vfsmount *mnt)
{
	return container_of(mnt, struct sf_mount, mnt);
}

/*
 * Even and unchanged: no rename came between. The count is the first member
 * of a seqlock_t on every version and configuration; the accessors of
 * seqlock.h would wait for a writer.
 */
static unsigned int sf_rename_seq(void)
{
	return READ_ONCE(*(const unsigned int *)&rename_lock);
}

/*
 * The process's root or pwd without fs->lock, which a thread on another CPU
 * can hold: read until two readings agree. The pointers stay good in this RCU
 * section, as path_put() frees through RCU.
 */
static struct path sf_read_fs_path(const struct path *from)
{
	struct path p;
	int tries = SF_WALK_TRIES;

	do {
		p.mnt = READ_ONCE(from->mnt);
		p.dentry = READ_ONCE(from->dentry);
		/* The second reading comes after the first. */
		smp_rmb();
	} while ((p.mnt != READ_ONCE(from->mnt) ||
		  p.dentry != READ_ONCE(from->dentry)) && --tries);
	return p;
}

struct path sf_read_pwd(void)
{
	struct fs_struct *fs = current->fs;

	return fs ? sf_read_fs_path(&fs->pwd) : (struct path){};
}

struct path sf_read_root(void)
{
	struct fs_struct *fs = current->fs;

	return fs ? sf_read_fs_path(&fs->root) : (struct path){};
}

/* Returns false when there is no room. */
bool sf_prepend(struct sf_back *b, const char *name, u32 max, bool slash)
{
	u32 len = strnlen(name, max);

	if (len + slash > b->room) {
		b->flags |= SF_F_CUT;
		return false;
	}
	b->room -= len + slash;
	b->start -= len + slash;
	if (slash)
		*b->start = '/';
	memcpy(b->start + slash, name, len);
	return true;
}

/* An absolute path of no component is the root. */
struct sf_str sf_back_end(struct sf_back *b, u32 size)
{
	if (b->room == size) {
		*--b->start = '/';
		b->room--;
	}
	return (struct sf_str){ b->start, size - b->room, b->flags };
}

static bool sf_prepend_dentry(struct sf_back *b, const struct dentry *dentry,
			      bool slash)
{
	/* Acquire: the bytes of a new name are written before its pointer. */
	const char *name = smp_load_acquire(&dentry->d_name.name);
	u32 max = min_t(u32, READ_ONCE(dentry->d_name.len), NAME_MAX);

	return sf_prepend(b, name, max, slash);
}

/*
 * From path up to root, or, when that is empty, to the top of the mounts.
 * False: root is not above it.
 */
static bool sf_walk_up(struct sf_back *w, const struct path *path,
		       const struct path *root)
{
	struct sf_mount *m = sf_mount_of(path->mnt);
	struct dentry *d = path->dentry;
	int step;

	for (step = 0; step < SF_WALK_STEPS; step++) {
		struct dentry *parent = READ_ONCE(d->d_parent);

		if (d == root->dentry && &m->mnt == root->mnt)
			return true;
		if (d == READ_ONCE(m->mnt.mnt_root)) {
			struct sf_mount *over = READ_ONCE(m->mnt_parent);

			if (over == m)	/* the top, or unmounted */
				return !root->mnt;
			d = READ_ONCE(m->mnt_mountpoint);
			m = over;
			continue;
		}
		/* Moved out of its bind mount, or a pseudo file. */
		if (d == parent)
			return false;
		if (!sf_prepend_dentry(w, d, true))
			return true;
		d = parent;
	}
	w->flags |= SF_F_CUT;
	return true;
}

/*
 * The path from a root (an empty one: the top of the mounts), or, when it is
 * not below that, the dentry's name. Lies at the end of buf, SF_PATH_MAX bytes.
 * Of a path that is too long the end is kept.
 */
struct sf_str sf_path_from(char *buf, const struct path *path,
			   const struct path *root)
{
	const struct sf_back empty = { buf + SF_PATH_MAX, SF_PATH_MAX, 0 };
	int tries = SF_WALK_TRIES;
	struct sf_back w;
	unsigned int seq;
	bool inside;

	if (!path->dentry || !path->mnt)
		return (struct sf_str){ .s = buf };
	do {
		w = empty;
		seq = sf_rename_seq();
		/* The walk's loads lie between those of the sequence. */
		smp_rmb();
		inside = sf_walk_up(&w, path, root);
		if (!inside) {
			w = empty;
			sf_prepend_dentry(&w, path->dentry, false);
		}
		/* As above. */
		smp_rmb();
	} while (((seq & 1) || seq != sf_rename_seq()) && --tries);

	if (inside)
		return sf_back_end(&w, SF_PATH_MAX);
	return (struct sf_str){ w.start, SF_PATH_MAX - w.room, w.flags };
}

/* The path of an open file from the process's root. */
struct sf_str sf_path(char *buf, const struct path *path)
{
	struct path root = sf_read_root();

	return sf_path_from(buf, path, &root);
}

/* Whether the mounts above this one look like mounts in memory. */
static bool sf_mounts_sane(struct vfsmount *mnt)
{
	struct sf_mount *m = sf_mount_of(mnt);
	int depth;

	for (depth = 0; depth < 64; depth++) {
		struct sf_mount *over;

		if (!virt_addr_valid((unsigned long)m) ||
		    !virt_addr_valid((unsigned long)m->mnt.mnt_root) ||
		    !virt_addr_valid((unsigned long)m->mnt_parent) ||
		    !virt_addr_valid((unsigned long)m->mnt_mountpoint))
			return false;
		over = m->mnt_parent;
		if (over == m)
			return true;
		if (!d_mountpoint(m->mnt_mountpoint) ||
		    m->mnt_mountpoint->d_sb != over->mnt.mnt_sb)
			return false;
		m = over;
	}
	return false;
}

/*
 * Compares the walk with d_path(). Returns 1 when they agree on a path that
 * crosses a mount, 0 when they agree or the path is of no use for the test,
 * -EINVAL when the walk must not be used.
 */
static int sf_path_verify_one(const struct path *path, char *buf, char *page)
{
	struct path root;
	struct sf_str ours;
	bool inside, crosses;
	const char *want;
	struct sf_back w = { buf + SF_PATH_MAX, SF_PATH_MAX, 0 };

	if (!sf_mounts_sane(path->mnt))
		return -EINVAL;
	want = d_path(path, page, SF_PATH_MAX);
	if (IS_ERR(want))
		return 0;
	preempt_disable();
	root = sf_read_root();
	inside = sf_walk_up(&w, path, &root);
	ours = sf_path(buf, path);
	preempt_enable();
	if (!inside || d_unlinked(path->dentry))
		return 0;
	if (strlen(want) != ours.len || memcmp(want, ours.s, ours.len))
		return -EINVAL;
	crosses = path->mnt != root.mnt;
	return crosses;
}

static int sf_path_verify_all(char *buf, char *page)
{
	static const char * const known[] = { "/proc", "/sys", "/dev", "/run" };
	int i, err, crossed = 0;
	struct path path;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (kern_path(known[i], LOOKUP_FOLLOW, &path))
			continue;
		err = sf_path_verify_one(&path, buf, page);
		path_put(&path);
		if (err < 0)
			return err;
		crossed += err;
	}
	path = (struct path){};
	get_fs_pwd(current->fs, &path);
	err = sf_path_verify_one(&path, buf, page);
	path_put(&path);
	return err < 0 ? err : crossed;
}

/*
 * Called once, before any probe: refuses a kernel whose mounts are not as
 * sf_mount says.
 */
int __init sf_path_verify(void)
{
	char *buf = kmalloc(SF_PATH_MAX, GFP_KERNEL);
	char *page = kmalloc(SF_PATH_MAX, GFP_KERNEL);
	int err = -ENOMEM;

	if (buf && page)
		err = sf_path_verify_all(buf, page);
	kfree(buf);
	kfree(page);
	if (err == -EINVAL)
		pr_err("this kernel lays out struct mount in another way, paths would be wrong: not loaded, use the eBPF driver\n");
	else if (!err)
		pr_err("no mount to check path building with: mount /proc before loading\n");
	return err > 0 ? 0 : err ?: -ENOENT;
}
