// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/* What calls do to descriptors beyond open and close: PIPE, CLOSE_RANGE, MMAP. */
#include <linux/err.h>
#include <linux/fs.h>

#include "fd.h"
#include "internal.h"
#include "user.h"

static void sf_emit_pipe_end(struct sf_run *run, int fd, int ret, u32 flags)
{
	struct sf_rec_fd *rec = sf_reserve(run, SF_OP_PIPE, sizeof(*rec));
	struct sf_pin pin = {};

	if (!rec)
		return;
	if (fd >= 0)
		pin = sf_pin_fd(fd);
	/* The caller may have changed the number: is it a pipe at all? */
	rec->file = pin.file && S_ISFIFO(file_inode(pin.file)->i_mode) ?
		    sf_identity(pin.file) : 0;
	rec->fd = fd;
	rec->ret = ret;
	sf_commit(run, rec, SF_OP_PIPE, sizeof(*rec), flags);
	sf_unpin(&pin);
}

void sf_tell_pipe(struct sf_run *run, const struct sf_call *call)
{
	int fd[2] = { -1, -1 };
	u32 flags = SF_F_USER;

	if (call->ret < 0) {
		sf_emit_pipe_end(run, -1, call->ret, 0);
		return;
	}
	if (sf_user_copy(fd, call->arg[call->sc->a], sizeof(fd)) != sizeof(fd)) {
		fd[0] = -1;
		fd[1] = -1;
		flags |= SF_F_FAULT;
	}
	sf_emit_pipe_end(run, fd[0], 0, flags);
	sf_ring_see(run->cpu->ring.prod, SF_CLASS_FILE);
	sf_emit_pipe_end(run, fd[1], 0, flags);
}

/* Numbers of 32 bits, whatever else the registers hold. */
void sf_tell_close_range(struct sf_run *run, const struct sf_call *call)
{
	struct sf_rec_call *rec = sf_reserve(run, SF_OP_CLOSE_RANGE,
					     sizeof(*rec));

	if (!rec)
		return;
	rec->ret = call->ret;
	rec->arg[0] = (u32)call->arg[call->sc->a];
	rec->arg[1] = (u32)call->arg[call->sc->b];
	rec->arg[2] = (u32)call->arg[call->sc->c];
	sf_commit(run, rec, SF_OP_CLOSE_RANGE, sizeof(*rec), 0);
}

static void sf_emit_mmap(struct sf_run *run, const struct sf_call *call,
			 u64 file)
{
	struct sf_rec_mmap *rec = sf_reserve(run, SF_OP_MMAP, sizeof(*rec));
	bool failed = IS_ERR_VALUE((unsigned long)call->ret);

	if (!rec)
		return;
	rec->fd.file = file;
	rec->fd.fd = call->arg[4];
	rec->fd.ret = failed ? call->ret : 0;
	rec->addr = failed ? call->arg[0] : call->ret;
	rec->length = call->arg[1];
	rec->offset = call->arg[5];
	rec->prot = call->arg[2];
	rec->flags = call->arg[3];
	sf_commit(run, rec, SF_OP_MMAP, sizeof(*rec), 0);
}

void sf_tell_mmap(struct sf_run *run, const struct sf_call *call)
{
	struct sf_pin pin = sf_pin_fd(call->arg[4]);

	if (!pin.file)
		sf_emit_mmap(run, call, 0);
	else if (sf_kind_told(run, pin.file, call->arg[4]) == SF_KIND_NONE)
		sf_lose(run, SF_CLASS_FILE, SF_CAUSE_RING_FULL);
	else
		sf_emit_mmap(run, call, sf_identity(pin.file));
	sf_unpin(&pin);
}
