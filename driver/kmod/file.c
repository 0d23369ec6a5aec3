// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/* Files: OPEN, ANON, CLOSE, DUP, DESCRIBE_FILE. */
#include <linux/dcache.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>

#include "fd.h"
#include "internal.h"
#include "user.h"

static u32 sf_file_attr(const struct file *file)
{
	u32 attr = 0;

	if (file->f_mode & FMODE_CREATED)
		attr |= SF_FILE_CREATED;
	if (d_unlinked(file->f_path.dentry))
		attr |= SF_FILE_UNLINKED;
	return attr;
}

/* The flags that the caller gave. */
static u32 sf_open_flags(const struct sf_call *call, u32 *fault)
{
	const struct sf_syscall *sc = call->sc;
	struct open_how how = {};

	if (sc->b == SF_ARG_NONE)	/* creat(2) */
		return O_CREAT | O_WRONLY | O_TRUNC;
	if (sc->b != SF_ARG_HOW)
		return call->arg[sc->b];
	if (sf_user_copy(&how, call->arg[sc->a + 1], sizeof(how.flags)) !=
	    sizeof(how.flags))
		*fault |= SF_F_FAULT;
	return how.flags;
}

/* The flags of a record: the caller's, or of a description the file's. */
static u32 sf_told_flags(u32 op, const struct file *file,
			 const struct sf_call *call, u32 *fault)
{
	if (op == SF_OP_OPEN)
		return sf_open_flags(call, fault);
	if (op == SF_OP_ANON)
		return call->sc->a == SF_ARG_NONE ? 0 : call->arg[call->sc->a];
	return file->f_flags;
}

/* Tells a pinned file, with the call that gave it, if one did. False: lost. */
static bool sf_emit_file(struct sf_run *run, u32 op, struct file *file, int fd,
			 const struct sf_call *call)
{
	const struct inode *inode = file_inode(file);
	struct sf_str path = sf_path(run->cpu->scratch->path, &file->f_path);
	struct sf_rec_file *rec;

	rec = sf_reserve(run, op, sizeof(*rec) + path.len);
	if (!rec)
		return false;
	rec->file = sf_identity(file);
	rec->ino = inode->i_ino;
	rec->dev = inode->i_sb->s_dev;
	rec->mode = inode->i_mode;
	rec->fd = fd;
	rec->ret = call ? call->ret : 0;
	rec->flags = sf_told_flags(op, file, call, &path.flags);
	rec->attr = sf_file_attr(file);
	if (op == SF_OP_ANON)
		rec->attr |= call->sc->b << SF_FILE_MADE_SHIFT;
	rec->path_len = path.len;
	memcpy(rec + 1, path.s, path.len);
	sf_commit(run, rec, op, sizeof(*rec) + path.len, path.flags);
	return true;
}

bool sf_describe_file(struct sf_run *run, struct file *file, int fd)
{
	return sf_emit_file(run, SF_OP_DESCRIBE_FILE, file, fd, NULL);
}

/* An open that gave no file: what the caller asked for. */
static void sf_emit_open_asked(struct sf_run *run, const struct sf_call *call)
{
	const struct sf_syscall *sc = call->sc;
	char *path = run->cpu->scratch->path;
	u32 len = 0, hflags = 0;
	u32 oflags = sf_open_flags(call, &hflags);
	struct sf_rec_file *rec;

	if (sc->a != SF_ARG_NONE) {
		hflags |= SF_F_USER;
		len = sf_user_string(path, call->arg[sc->a], SF_PATH_MAX,
				     &hflags);
	}
	rec = sf_reserve(run, SF_OP_OPEN, sizeof(*rec) + len);
	if (!rec)
		return;
	memset(rec, 0, sizeof(*rec));
	rec->fd = sc->c == SF_ARG_NONE ? AT_FDCWD : (int)call->arg[sc->c];
	rec->ret = call->ret;
	rec->flags = oflags;
	rec->path_len = len;
	memcpy(rec + 1, path, len);
	sf_commit(run, rec, SF_OP_OPEN, sizeof(*rec) + len, hflags);
}

void sf_tell_open(struct sf_run *run, const struct sf_call *call)
{
	struct sf_pin pin = {};

	if (call->ret >= 0)
		pin = sf_pin_fd(call->ret);
	/* Another thread may have closed it already. */
	if (!pin.file) {
		sf_emit_open_asked(run, call);
		return;
	}
	if (sf_emit_file(run, SF_OP_OPEN, pin.file, call->ret, call))
		sf_described_set(run->cpu, pin.file, SF_KIND_FILE);
	else
		sf_described_drop(run->cpu, pin.file);
	sf_unpin(&pin);
}

static void sf_emit_anon_failed(struct sf_run *run, const struct sf_call *call)
{
	struct sf_rec_file *rec = sf_reserve(run, SF_OP_ANON, sizeof(*rec));
	u32 hflags = 0;

	if (!rec)
		return;
	memset(rec, 0, sizeof(*rec));
	rec->fd = -1;
	rec->ret = call->ret;
	rec->flags = sf_told_flags(SF_OP_ANON, NULL, call, &hflags);
	rec->attr = call->sc->b << SF_FILE_MADE_SHIFT;
	sf_commit(run, rec, SF_OP_ANON, sizeof(*rec), hflags);
}

/* A descriptor that no open gave. */
void sf_tell_anon(struct sf_run *run, const struct sf_call *call)
{
	struct sf_pin pin = {};

	if (call->ret >= 0)
		pin = sf_pin_fd(call->ret);
	if (!pin.file) {
		sf_emit_anon_failed(run, call);
		return;
	}
	/* pidfd_getfd(2) can give a socket, which is described as one. */
	if (sf_emit_file(run, SF_OP_ANON, pin.file, call->ret, call) &&
	    !sf_file_sock(pin.file))
		sf_described_set(run->cpu, pin.file, SF_KIND_FILE);
	else
		sf_described_drop(run->cpu, pin.file);
	sf_unpin(&pin);
}

/* The file is gone by now: the reader knows what it was. */
void sf_tell_close(struct sf_run *run, const struct sf_call *call)
{
	struct sf_rec_fd *rec = sf_reserve(run, SF_OP_CLOSE, sizeof(*rec));

	if (!rec)
		return;
	rec->file = 0;
	rec->fd = call->arg[call->sc->a];
	rec->ret = call->ret;
	sf_commit(run, rec, SF_OP_CLOSE, sizeof(*rec), 0);
}

/* A file with a second descriptor: the reader may not know it yet. */
void sf_tell_dup(struct sf_run *run, const struct sf_call *call)
{
	struct sf_rec_fd *rec = sf_reserve(run, SF_OP_DUP, sizeof(*rec));
	const struct file *file = NULL;

	if (!rec)
		return;
	if (call->ret >= 0)
		file = sf_fd_file(call->ret);
	rec->file = file ? sf_identity(file) : 0;
	rec->fd = call->arg[call->sc->a];
	rec->ret = call->ret;
	sf_commit(run, rec, SF_OP_DUP, sizeof(*rec), 0);
}
