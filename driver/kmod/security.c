// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * What a process may and what it does to others: credentials, namespaces,
 * signals, tracing, kernel modules, eBPF programs.
 */
#include <linux/bpf.h>
#include <linux/cred.h>
#include <linux/magic.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_ns.h>
#include <net/net_namespace.h>

#include <sysflow/wanted.h>

#include "compat.h"
#include "fd.h"
#include "internal.h"
#include "user.h"

static void sf_emit_call(struct sf_run *run, const struct sf_call *call,
			 u64 a, u64 b, u64 c)
{
	u32 op = call->sc->op;
	struct sf_rec_call *rec = sf_reserve(run, op, sizeof(*rec));

	if (!rec)
		return;
	rec->ret = call->ret;
	rec->arg[0] = a;
	rec->arg[1] = b;
	rec->arg[2] = c;
	sf_commit(run, rec, op, sizeof(*rec), 0);
}

/* A C int that the call was given, or none when the row names no argument. */
static u64 sf_int_arg(const struct sf_call *call, u32 n, u64 none)
{
	return n == SF_ARG_NONE ? none : (u64)(s64)(int)call->arg[n];
}

static u64 sf_id_arg(const struct sf_call *call, u32 n)
{
	return (u32)sf_int_arg(call, n, SF_ID_NONE);
}

void sf_tell_ints(struct sf_run *run, const struct sf_call *call)
{
	const struct sf_syscall *sc = call->sc;

	sf_emit_call(run, call, sf_int_arg(call, sc->a, 0),
		     sf_int_arg(call, sc->b, 0), sf_int_arg(call, sc->c, 0));
}

void sf_tell_ids(struct sf_run *run, const struct sf_call *call)
{
	const struct sf_syscall *sc = call->sc;
	const struct cred *cred = current_cred();

	if (call->ret < 0)
		sf_emit_call(run, call, sf_id_arg(call, sc->a),
			     sf_id_arg(call, sc->b), sf_id_arg(call, sc->c));
	else if (sc->op == SF_OP_SETUID)
		sf_emit_call(run, call, __kuid_val(cred->euid),
			     __kuid_val(cred->uid), __kuid_val(cred->suid));
	else
		sf_emit_call(run, call, __kgid_val(cred->egid),
			     __kgid_val(cred->gid), __kgid_val(cred->sgid));
}

void sf_tell_fsid(struct sf_run *run, const struct sf_call *call)
{
	const struct cred *cred = current_cred();

	sf_emit_call(run, call, __kuid_val(cred->fsuid),
		     __kgid_val(cred->fsgid), 0);
}

void sf_tell_groups(struct sf_run *run, const struct sf_call *call)
{
	sf_emit_call(run, call, call->ret < 0 ?
		     sf_int_arg(call, call->sc->a, 0) :
		     current_cred()->group_info->ngroups, 0, 0);
}

void sf_tell_caps(struct sf_run *run, const struct sf_call *call)
{
	const struct cred *cred = current_cred();

	sf_emit_call(run, call, sf_cap_bits(cred->cap_effective),
		     sf_cap_bits(cred->cap_permitted),
		     sf_cap_bits(cred->cap_inheritable));
}

/* A descriptor of a namespace, of a process, or neither. */
void sf_tell_setns(struct sf_run *run, const struct sf_call *call)
{
	u64 kind = sf_int_arg(call, call->sc->b, 0), ino = 0;
	int fd = call->arg[call->sc->a];
	struct sf_pin pin = sf_pin_fd(fd);

	if (pin.file) {
		const struct inode *inode = file_inode(pin.file);

		if (inode->i_sb->s_magic == NSFS_MAGIC) {
			kind = sf_ns_type(inode->i_private);
			ino = inode->i_ino;
		}
	}
	sf_emit_call(run, call, fd, kind, ino);
	sf_unpin(&pin);
}

void sf_tell_unshare(struct sf_run *run, const struct sf_call *call)
{
	const struct nsproxy *ns = current->nsproxy;

	sf_emit_call(run, call, sf_int_arg(call, call->sc->a, 0),
		     ns ? ns->net_ns->ns.inum : 0,
		     ns ? ns->pid_ns_for_children->ns.inum : 0);
}

/* An anonymous inode is known by the name that the kernel gave its dentry. */
static bool sf_is_anon(const struct file *file, const char *name)
{
	const struct dentry *dentry = file->f_path.dentry;

	return file_inode(file)->i_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       !strcmp(dentry->d_name.name, name);
}

/* The process behind a pinned pidfd, held by it; NULL when it is none. */
static struct pid *sf_pidfd_pid(const struct file *file)
{
	if (sf_is_pidfs(file_inode(file)))
		return file_inode(file)->i_private;
	if (sf_is_anon(file, "[pidfd]"))
		return file->private_data;
	return NULL;
}

void sf_tell_pidfd(struct sf_run *run, const struct sf_call *call)
{
	struct sf_pin pin = sf_pin_fd(call->arg[call->sc->a]);
	struct pid *pid = pin.file ? sf_pidfd_pid(pin.file) : NULL;

	sf_emit_call(run, call, pid ? pid_vnr(pid) : 0,
		     sf_int_arg(call, call->sc->b, 0), 0);
	sf_unpin(&pin);
}

void sf_tell_bpf(struct sf_run *run, const struct sf_call *call)
{
	u64 cmd = sf_int_arg(call, call->sc->a, 0), type = 0, id = 0;
	struct sf_pin pin = {};

	if (cmd == BPF_PROG_LOAD && call->ret >= 0)
		pin = sf_pin_fd(call->ret);
	if (pin.file && sf_is_anon(pin.file, "bpf-prog")) {
		const struct bpf_prog *prog = pin.file->private_data;

		type = prog->type;
		id = prog->aux->id;
	}
	sf_emit_call(run, call, cmd, type, id);
	sf_unpin(&pin);
}

/* The file and parameters of a module, or a name that has no file. */
struct sf_module {
	const struct inode *inode;	/* or NULL */
	struct sf_str name, params;
	u32 flags;		/* of the call */
	u32 hflags;		/* SF_F_* */
};

static void sf_emit_module(struct sf_run *run, const struct sf_call *call,
			   const struct sf_module *m)
{
	u32 op = call->sc->op;
	u32 len = sizeof(struct sf_rec_path) + m->name.len + m->params.len;
	struct sf_rec_path *rec = sf_reserve(run, op, len);

	if (!rec)
		return;
	memset(rec, 0, sizeof(*rec));
	if (m->inode) {
		rec->ino = m->inode->i_ino;
		rec->dev = m->inode->i_sb->s_dev;
		rec->mode = m->inode->i_mode;
	}
	rec->ret = call->ret;
	rec->flags = m->flags;
	rec->len[0] = m->name.len;
	rec->len[1] = m->params.len;
	memcpy(rec + 1, m->name.s, m->name.len);
	memcpy((char *)(rec + 1) + m->name.len, m->params.s, m->params.len);
	sf_commit(run, rec, op, len,
		  m->hflags | m->name.flags | m->params.flags);
}

static u32 sf_module_flags(const struct sf_call *call)
{
	return call->sc->c == SF_ARG_NONE ? 0 : call->arg[call->sc->c];
}

void sf_tell_module(struct sf_run *run, const struct sf_call *call)
{
	const struct sf_syscall *sc = call->sc;
	struct sf_scratch *scratch = run->cpu->scratch;
	struct sf_module m = {
		.params.s = scratch->cwd,
		.flags = sf_module_flags(call),
	};
	struct sf_pin pin = {};

	if (sc->a != SF_ARG_NONE)
		pin = sf_pin_fd(call->arg[sc->a]);
	if (pin.file) {
		m.inode = file_inode(pin.file);
		m.name = sf_path(scratch->path, &pin.file->f_path);
	}
	m.params.len = sf_user_string(scratch->cwd, call->arg[sc->b],
				      SF_PATH_MAX, &m.hflags);
	sf_emit_module(run, call, &m);
	sf_unpin(&pin);
}

void sf_tell_module_name(struct sf_run *run, const struct sf_call *call)
{
	char *name = run->cpu->scratch->path;
	struct sf_module m = {
		.name.s = name,
		.flags = sf_module_flags(call),
		.hflags = SF_F_USER,
	};

	m.name.len = sf_user_string(name, call->arg[call->sc->a], SF_PATH_MAX,
				    &m.hflags);
	sf_emit_module(run, call, &m);
}
