/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
#ifndef SYSFLOW_SOCK_H
#define SYSFLOW_SOCK_H

#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <net/sock.h>

#include "internal.h"

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

#endif /* SYSFLOW_SOCK_H */
