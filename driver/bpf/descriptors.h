/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Descriptors that no open gave, and what calls do to descriptors beyond
 * close: ANON, PIPE, CLOSE_RANGE, MMAP.
 */
#ifndef SYSFLOW_BPF_DESCRIPTORS_H
#define SYSFLOW_BPF_DESCRIPTORS_H

#include "io.h"

/* An ANON call that gave no file. */
static __always_inline void sf_anon_failed(struct sf_here *here)
{
	struct sf_call *call = &here->cpu->call;
	struct sf_rec_file *rec;

	rec = sf_record(here, sf_who_of(here->cpu), SF_OP_ANON, sizeof(*rec), 0);
	if (!rec)
		return;
	rec->file = 0;
	rec->ino = 0;
	rec->dev = 0;
	rec->mode = 0;
	rec->fd = -1;
	rec->ret = call->ret;
	rec->flags = call->arg[call->row.a & 7];
	rec->attr = call->row.b << SF_FILE_MADE_SHIFT;
	rec->path_len = 0;
	sf_publish(here, SF_OP_ANON, sizeof(*rec));
}

__noinline int sf_call_anon(void)
{
	struct sf_here here;
	__s32 fd;
	__u64 file;

	if (!sf_here(&here))
		return 0;
	fd = here.cpu->call.ret;
	file = here.cpu->call.ret < 0 ? 0 : sf_file_of(fd);
	if (!file) {
		sf_anon_failed(&here);
		return 0;
	}
	sf_file_emit(file, SF_OP_ANON, fd, fd);
	/* pidfd_getfd(2) can give a socket, which is described as one. */
	if (sf_is_sock(file))
		here.cpu->described[sf_described_slot(file)].file = 0;
	return 0;
}

static __always_inline void sf_pipe_end(struct sf_here *here, __s32 fd,
					__s32 ret, __u32 flags)
{
	struct sf_rec_fd *rec;
	__u64 file = fd < 0 ? 0 : sf_file_of(fd);

	rec = sf_record(here, sf_who_of(here->cpu), SF_OP_PIPE, sizeof(*rec),
			flags);
	if (!rec)
		return;
	/* The caller may have changed the number: is it a pipe at all? */
	if (file && (SF_LOAD(inode, SF_POINTER(file, file, f_inode), i_mode) &
		     S_IFMT) != S_IFIFO)
		file = 0;
	rec->file = sf_identity(file);
	rec->fd = fd;
	rec->ret = ret;
	sf_publish(here, SF_OP_PIPE, sizeof(*rec));
}

__noinline int sf_call_pipe(void)
{
	__u32 flags = SF_F_USER;
	struct sf_here here;
	__s32 fd[2];

	if (!sf_here(&here))
		return 0;
	if (here.cpu->call.ret < 0) {
		sf_pipe_end(&here, -1, here.cpu->call.ret, 0);
		return 0;
	}
	if (bpf_probe_read_user(fd, sizeof(fd), (void *)here.cpu->call.arg[0])) {
		fd[0] = -1;
		fd[1] = -1;
		flags |= SF_F_FAULT;
	}
	sf_pipe_end(&here, fd[0], 0, flags);
	sf_ring_see(here.ring.prod, SF_CLASS_FILE);
	sf_pipe_end(&here, fd[1], 0, flags);
	return 0;
}

/* Numbers of 32 bits, whatever else the registers hold. */
__noinline int sf_call_close_range(void)
{
	struct sf_rec_call *rec;
	struct sf_call *call;
	struct sf_here here;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	rec = sf_record(&here, sf_who_of(here.cpu), SF_OP_CLOSE_RANGE,
			sizeof(*rec), 0);
	if (!rec)
		return 0;
	rec->ret = call->ret;
	rec->arg[0] = (__u32)call->arg[0];
	rec->arg[1] = (__u32)call->arg[1];
	rec->arg[2] = (__u32)call->arg[2];
	sf_publish(&here, SF_OP_CLOSE_RANGE, sizeof(*rec));
	return 0;
}

__noinline int sf_call_mmap(void)
{
	struct sf_rec_mmap *rec;
	struct sf_call *call;
	struct sf_here here;
	__u64 file;

	if (!sf_here(&here))
		return 0;
	call = &here.cpu->call;
	file = sf_file_of(call->arg[4]);
	if (file && sf_call_kind(&here, file, call->arg[4]) == SF_KIND_NONE) {
		sf_lose(&here, SF_OP_MMAP, SF_CAUSE_RING_FULL);
		return 0;
	}
	rec = sf_record(&here, sf_who_of(here.cpu), SF_OP_MMAP, sizeof(*rec), 0);
	if (!rec)
		return 0;
	rec->fd.file = sf_identity(file);
	rec->fd.fd = call->arg[4];
	rec->fd.ret = call->ret < 0 ? call->ret : 0;
	rec->addr = call->ret < 0 ? call->arg[0] : (__u64)call->ret;
	rec->length = call->arg[1];
	rec->offset = call->arg[5];
	rec->prot = call->arg[2];
	rec->flags = call->arg[3];
	sf_publish(&here, SF_OP_MMAP, sizeof(*rec));
	return 0;
}

#endif /* SYSFLOW_BPF_DESCRIPTORS_H */
