// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * Operations on names: mkdir, rename, chmod, mount and their kin, and chdir
 * and chroot. What each argument of a call is stands in <sysflow/names.h>.
 */
#include <linux/dcache.h>
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "fd.h"
#include "internal.h"
#include "user.h"

static const struct sf_names_row sf_names[] = {
#define SF_NAMES(call, op, d0, p0, d1, p1, f, n0, n1, b) \
	[SF_NAMES_##call] = { { d0, d1 }, { p0, p1 }, f, { n0, n1 }, b },
#include <sysflow/names.h>
};

/* A path, and the object that it leads to where the kernel told it. */
struct sf_named {
	const char *s;
	u32 len;
	u32 flags;	/* SF_F_* */
	u64 ino;
	u32 dev;
	u32 mode;
};

static void sf_named_inode(struct sf_named *to, const struct inode *inode)
{
	if (!inode)
		return;
	to->ino = inode->i_ino;
	to->dev = inode->i_sb->s_dev;
	to->mode = inode->i_mode;
}

/* The object at a path of the kernel's. Lies in buf, SF_PATH_MAX bytes. */
static struct sf_named sf_named_path(char *buf, const struct path *path,
				     const struct path *root)
{
	struct sf_str str = sf_path_from(buf, path, root);
	struct sf_named to = { .s = str.s, .len = str.len, .flags = str.flags };

	if (path->dentry)
		sf_named_inode(&to, d_inode_rcu(path->dentry));
	return to;
}

/* The working directory, or the file at a directory descriptor. */
static struct sf_named sf_named_dir(char *buf, const struct sf_call *call,
				    u32 dir, u32 name)
{
	struct sf_named to = { .s = buf };
	struct path root = sf_read_root();
	struct sf_pin pin;
	struct path pwd;

	if (dir == SF_ARG_NONE ||
	    (name != SF_ARG_NONE && (int)call->arg[dir] == AT_FDCWD)) {
		pwd = sf_read_pwd();
		return sf_named_path(buf, &pwd, &root);
	}
	pin = sf_pin_fd(call->arg[dir]);
	if (pin.file) {
		to = sf_named_path(buf, &pin.file->f_path, &root);
		sf_named_inode(&to, file_inode(pin.file));
	}
	sf_unpin(&pin);
	return to;
}

/*
 * One of the call's two paths, in buf, of SF_JOINED_MAX bytes: the directory
 * ends where the first half does, and the name follows it.
 */
static struct sf_named sf_named_arg(char *buf, const struct sf_call *call,
				    const struct sf_names_row *row, int side)
{
	u32 dir = row->dir[side], name = row->name[side];
	bool text = row->bits & (side ? SF_NAMES_TEXT1 : SF_NAMES_TEXT0);
	char *user = buf + SF_PATH_MAX + 1;
	struct sf_named to = { .s = user };
	struct sf_named base;
	unsigned long at;

	if (dir == SF_ARG_NONE && name == SF_ARG_NONE)
		return to;
	at = name == SF_ARG_NONE ? 0 : call->arg[name];
	if (at) {
		to.flags = SF_F_USER;
		to.len = sf_user_string(user, at, SF_PATH_MAX, &to.flags);
	}
	if (text || (to.flags & SF_F_FAULT) || (to.len && *user == '/'))
		return to;
	base = sf_named_dir(buf, call, dir, name);
	if (!to.len)
		return base;
	if (!base.len)
		return to;
	/* Of "/" the slash between is all that is needed. */
	to.s = base.len == 1 && *base.s == '/' ? user - 1 : base.s;
	to.len += user - to.s;
	to.flags |= base.flags;
	user[-1] = '/';
	return to;
}

/* What a chdir or chroot that succeeded has led to. */
static struct sf_named sf_named_fs(char *buf, u32 op)
{
	/* A new root has no path but "/" from itself. */
	struct path root = op == SF_OP_CHROOT ? (struct path){} :
						sf_read_root();
	struct path path = op == SF_OP_CHROOT ? sf_read_root() : sf_read_pwd();

	return sf_named_path(buf, &path, &root);
}

static u64 sf_names_number(const struct sf_call *call,
			   const struct sf_names_row *row, int i)
{
	u64 value;

	if (row->arg[i] == SF_ARG_NONE)
		return 0;
	value = call->arg[row->arg[i]];
	return row->bits & SF_NAMES_WIDE ? value : (u32)value;
}

static u32 sf_names_flags(const struct sf_call *call,
			  const struct sf_names_row *row)
{
	u32 flags = row->flags == SF_ARG_NONE ? 0 : call->arg[row->flags];

	return row->bits & SF_NAMES_NOFOLLOW ? flags | AT_SYMLINK_NOFOLLOW :
					       flags;
}

static void sf_emit_names(struct sf_run *run, const struct sf_call *call,
			  const struct sf_names_row *row,
			  const struct sf_named *name)
{
	u32 flags = sf_names_flags(call, row);
	u32 op = call->sc->op;
	struct sf_rec_path *rec;
	u32 len;

	if ((row->bits & SF_NAMES_REMOVEDIR) && (flags & AT_REMOVEDIR))
		op = SF_OP_RMDIR;
	len = sizeof(*rec) + name[0].len + name[1].len;
	rec = sf_reserve(run, op, len);
	if (!rec)
		return;
	rec->ino = name[0].ino;
	rec->dev = name[0].dev;
	rec->mode = name[0].mode;
	rec->ret = call->ret;
	rec->flags = flags;
	rec->pad = 0;
	rec->len[0] = name[0].len;
	rec->len[1] = name[1].len;
	rec->arg[0] = sf_names_number(call, row, 0);
	rec->arg[1] = sf_names_number(call, row, 1);
	memcpy(rec + 1, name[0].s, name[0].len);
	memcpy((char *)(rec + 1) + name[0].len, name[1].s, name[1].len);
	sf_commit(run, rec, op, len, name[0].flags | name[1].flags);
}

void sf_tell_names(struct sf_run *run, const struct sf_call *call)
{
	const struct sf_names_row *row = &sf_names[call->sc->a];
	struct sf_scratch *scratch = run->cpu->scratch;
	struct sf_named name[2];
	u32 op = call->sc->op;

	if (!call->ret && (op == SF_OP_CHDIR || op == SF_OP_CHROOT))
		name[0] = sf_named_fs(scratch->joined[0], op);
	else
		name[0] = sf_named_arg(scratch->joined[0], call, row, 0);
	name[1] = sf_named_arg(scratch->joined[1], call, row, 1);
	sf_emit_names(run, call, row, name);
}
