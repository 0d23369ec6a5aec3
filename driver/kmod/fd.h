/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * From a descriptor to its open file or socket, and what a ring has told of
 * it.
 */
#ifndef SYSFLOW_FD_H
#define SYSFLOW_FD_H

#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/stat.h>
#include <net/sock.h>

#include "internal.h"

/*
 * The file at fd, or NULL. Without a reference: the struct file and its inode
 * stay in memory in this RCU section (a struct file can be given to another
 * open meanwhile, but stays a struct file), nothing more is certain. Good for
 * its address and inode number.
 */
static __always_inline struct file *sf_fd_file(unsigned int fd)
{
	struct files_struct *files = current->files;
	struct fdtable *fdt;

	if (!files)
		return NULL;
	fdt = rcu_dereference_raw(files->fdt);
	if (fd >= fdt->max_fds)
		return NULL;
	fd = array_index_nospec(fd, fdt->max_fds);
	return rcu_dereference_raw(fdt->fd[fd]);
}

/* A file that stays open until sf_unpin(). */
struct sf_pin {
	struct file *file;	/* NULL: fd is not open */
	bool counted;
};

/*
 * A descriptor table with one user is that of current, which is here and not
 * in close(2). Else a reference is taken. Should it become the last one, fput()
 * leaves the work to the task's way back to user mode.
 */
static inline struct sf_pin sf_pin_fd(unsigned int fd)
{
	struct sf_pin pin = {};

	if (!current->files)
		return pin;
	if (atomic_read(&current->files->count) == 1) {
		pin.file = sf_fd_file(fd);
	} else {
		pin.file = fget_raw(fd);
		pin.counted = pin.file;
	}
	return pin;
}

/*
 * The file of a call's first descriptor. A request of io_uring holds its own,
 * which need not have a descriptor.
 */
static inline struct sf_pin sf_pin_call(const struct sf_call *call)
{
	if (call->file)
		return (struct sf_pin){ .file = call->file };
	return sf_pin_fd(call->arg[call->sc->a]);
}

static inline void sf_unpin(struct sf_pin *pin)
{
	if (pin->counted)
		fput(pin->file);
}

static __always_inline struct sf_described *
sf_described_at(struct sf_cpu *cpu, const struct file *file)
{
	return &cpu->described[sf_described_slot((unsigned long)file)];
}

/* What this ring has told of the file: SF_KIND_NONE when nothing. */
static __always_inline enum sf_kind
sf_described_kind(struct sf_cpu *cpu, const struct file *file)
{
	const struct sf_described *d = sf_described_at(cpu, file);
	const struct inode *inode;

	if (d->file != (unsigned long)file)
		return SF_KIND_NONE;
	/* NULL: the memory has just become another file. */
	inode = READ_ONCE(file->f_inode);
	if (!inode || d->ino != inode->i_ino)
		return SF_KIND_NONE;
	return d->kind;
}

static inline void sf_described_set(struct sf_cpu *cpu,
				    const struct file *file, enum sf_kind kind)
{
	struct sf_described *d = sf_described_at(cpu, file);

	d->file = (unsigned long)file;
	d->ino = file_inode(file)->i_ino;
	d->kind = kind;
}

/*
 * The telling was lost: what the slot says may be of an earlier file at the
 * same address.
 */
static inline void sf_described_drop(struct sf_cpu *cpu,
				     const struct file *file)
{
	struct sf_described *d = sf_described_at(cpu, file);

	if (d->file == (unsigned long)file)
		d->file = 0;
}

/*
 * The socket behind a pinned file, or NULL. sockfs only: a name of AF_UNIX in
 * a file system is S_ISSOCK too; and a file opened with O_PATH does not keep
 * the sock alive.
 */
static inline struct sock *sf_file_sock(const struct file *file)
{
	struct inode *inode;

	if (!file || (file->f_mode & FMODE_PATH))
		return NULL;
	inode = file_inode(file);
	if (!S_ISSOCK(inode->i_mode) || inode->i_sb->s_magic != SOCKFS_MAGIC)
		return NULL;
	return READ_ONCE(SOCKET_I(inode)->sk);
}

#endif /* SYSFLOW_FD_H */
