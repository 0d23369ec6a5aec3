/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Sockets: what the kernel holds of one, and the record that all operations of
 * class NET and DESCRIBE_SOCKET are.
 */
#ifndef SYSFLOW_BPF_SOCK_H
#define SYSFLOW_BPF_SOCK_H

#include <bpf/bpf_endian.h>
#include "file.h"

/* Offset of sockaddr_un.sun_path. */
#define SF_SUN_PATH	2

static __always_inline __u64 sf_sk_of(__u64 file)
{
	return SF_POINTER(socket, SF_POINTER(file, file, private_data), sk);
}

static __always_inline int sf_is_sock(__u64 file)
{
	__u64 inode = SF_POINTER(file, file, f_inode);

	return (SF_LOAD(inode, inode, i_mode) & S_IFMT) == S_IFSOCK;
}

static __always_inline void sf_sock_inet(struct sf_tuple *tuple, __u64 sk)
{
	__u32 local = SF_LOAD(sock, sk, __sk_common.skc_rcv_saddr);
	__u32 peer = SF_LOAD(sock, sk, __sk_common.skc_daddr);

	if (!local)
		local = SF_LOAD(inet_sock, sk, inet_saddr);
	__builtin_memcpy(tuple->laddr, &local, sizeof(local));
	__builtin_memcpy(tuple->raddr, &peer, sizeof(peer));
}

static __always_inline void sf_sock_inet6(struct sf_tuple *tuple, __u64 sk)
{
	__u64 own = sk + bpf_core_field_offset(struct sock,
					       __sk_common.skc_v6_rcv_saddr);
	__u64 peer = sk + bpf_core_field_offset(struct sock,
						__sk_common.skc_v6_daddr);
	__u64 bound = SF_POINTER(inet_sock, sk, pinet6) +
		      bpf_core_field_offset(struct ipv6_pinfo, saddr);

	bpf_probe_read_kernel(tuple->laddr, sizeof(tuple->laddr), (void *)own);
	if (!((__u64 *)tuple->laddr)[0] && !((__u64 *)tuple->laddr)[1])
		bpf_probe_read_kernel(tuple->laddr, sizeof(tuple->laddr),
				      (void *)bound);
	bpf_probe_read_kernel(tuple->raddr, sizeof(tuple->raddr), (void *)peer);
}

/* The own groups can be replaced meanwhile: only the port id is told. */
static __always_inline void sf_sock_netlink(struct sf_tuple *tuple, __u64 sk)
{
	__u32 own = SF_LOAD(netlink_sock, sk, portid);
	__u32 peer = SF_LOAD(netlink_sock, sk, dst_portid);
	__u32 group = SF_LOAD(netlink_sock, sk, dst_group);

	/* As the kernel tells it: a bit per group. */
	group = group ? 1U << ((group - 1) & 31) : 0;
	__builtin_memcpy(tuple->laddr, &own, sizeof(own));
	__builtin_memcpy(tuple->raddr, &peer, sizeof(peer));
	__builtin_memcpy(tuple->raddr + 4, &group, sizeof(group));
}

/* Copies the address that a unix socket is bound to; false when it is not. */
static __always_inline int sf_unix_name(struct sf_sock_facts *facts,
					__u64 sk)
{
	__u64 addr = SF_POINTER(unix_sock, sk, addr);
	__u32 len;

	if (!addr)
		return 0;
	len = SF_LOAD(unix_address, addr, len) - SF_SUN_PATH;
	sf_opaque(len);
	if (!len || len > SF_SUN_PATH_MAX + 1)
		return 0;
	if (bpf_probe_read_kernel(facts->path, len,
				  (void *)(addr + SF_SUN_PATH +
					   bpf_core_field_offset(struct unix_address,
								 name))))
		return 0;
	/* A name in the file system counts its NUL, an abstract one has none. */
	if (facts->path[0] && !facts->path[(len - 1) & 127])
		len--;
	facts->path_len = len > SF_SUN_PATH_MAX ? SF_SUN_PATH_MAX : len;
	return 1;
}

/* A unix socket is known by one name: its own, or else its peer's; at connect
 * the peer's is what was asked for, so that comes first. A datagram socket
 * may never have a peer, and is then described without. */
static __always_inline void sf_sock_unix(struct sf_sock_facts *facts,
					 __u64 sk, int connect)
{
	__u64 peer = SF_POINTER(unix_sock, sk, peer);

	facts->peer = peer != 0 || facts->tuple.type == SOCK_DGRAM;
	if (connect && peer && sf_unix_name(facts, peer))
		return;
	if (!sf_unix_name(facts, sk) && peer)
		sf_unix_name(facts, peer);
}

/* Reads a socket's ends into cpu->sock. */
__noinline int sf_sock_read(__u64 file, int connect)
{
	struct sf_sock_facts *facts;
	struct sf_tuple *tuple;
	struct sf_here here;
	__u64 sk;

	if (!sf_here(&here))
		return 0;
	facts = &here.cpu->sock;
	tuple = &facts->tuple;
	__builtin_memset(facts, 0, sizeof(*facts));
	facts->kind = SF_KIND_STREAM;
	facts->listen_fd = -1;
	sk = sf_sk_of(file);
	facts->ino = sf_ino_of(file);
	facts->state = SF_LOAD(sock, sk, __sk_common.skc_state);
	tuple->family = SF_LOAD(sock, sk, __sk_common.skc_family);
	tuple->type = SF_LOAD(sock, sk, sk_type);
	tuple->proto = SF_LOAD(sock, sk, sk_protocol);
	if (tuple->family == AF_UNIX) {
		sf_sock_unix(facts, sk, connect);
		return 1;
	}
	if (tuple->family == AF_NETLINK || tuple->family == AF_PACKET)
		facts->kind = SF_KIND_DGRAM;
	if (tuple->family == AF_NETLINK)
		sf_sock_netlink(tuple, sk);
	if (tuple->family != AF_INET && tuple->family != AF_INET6) {
		facts->peer = 1;	/* nothing here depends on it */
		return 1;
	}
	if (tuple->type == SOCK_DGRAM || tuple->type == SOCK_RAW)
		facts->kind = SF_KIND_DGRAM;
	tuple->lport = SF_LOAD(sock, sk, __sk_common.skc_num);
	tuple->rport = bpf_ntohs(SF_LOAD(sock, sk, __sk_common.skc_dport));
	facts->peer = tuple->rport != 0;
	if (tuple->family == AF_INET)
		sf_sock_inet(tuple, sk);
	else
		sf_sock_inet6(tuple, sk);
	return 1;
}

/* Puts an address of user memory into one end of a tuple. An IPv4 address on
 * an IPv6 socket is mapped, as the kernel does. Returns SF_F_*. */
static __always_inline __u32 sf_addr_user(struct sf_tuple *tuple, const int local,
					  __u64 src)
{
	struct sf_user_sockaddr sa = {};
	__u8 *addr = local ? tuple->laddr : tuple->raddr;
	__u16 port = 0;

	if (bpf_probe_read_user(&sa, 12, (void *)src))
		return SF_F_FAULT;
	if (tuple->family && tuple->family != sa.family &&
	    (tuple->family != AF_INET6 || sa.family != AF_INET))
		return 0;
	switch (sa.family) {
	case AF_INET:
		port = bpf_ntohs(sa.port);
		if (tuple->family == AF_INET6) {
			__builtin_memset(addr, 0, 10);
			addr[10] = addr[11] = 0xff;
			__builtin_memcpy(addr + 12, &sa.addr4, 4);
		} else {
			__builtin_memcpy(addr, &sa.addr4, 4);
		}
		break;
	case AF_INET6:
		port = bpf_ntohs(sa.port);
		if (bpf_probe_read_user(&sa.addr6, sizeof(sa.addr6),
					(void *)(src + 8)))
			return SF_F_FAULT;
		__builtin_memcpy(addr, sa.addr6, sizeof(sa.addr6));
		break;
	case AF_NETLINK:
		__builtin_memcpy(addr, &sa.addr4, 4);
		__builtin_memcpy(addr + 4, sa.addr6, 4);
		break;
	case AF_PACKET:
		port = bpf_ntohs(sa.port);
		if (bpf_probe_read_user(&sa.addr6, sizeof(sa.addr6),
					(void *)(src + 8)))
			return SF_F_FAULT;
		__builtin_memcpy(addr, &sa.addr4, 4);
		__builtin_memcpy(addr + 4, sa.addr6 + 4, 8);
		break;
	default:
		return 0;
	}
	tuple->family = tuple->family ? tuple->family : sa.family;
	if (local)
		tuple->lport = port;
	else
		tuple->rport = port;
	return SF_F_USER;
}

/* Writes cpu->sock as a record. Returns whether it was delivered. */
__noinline int sf_sock_emit(__u64 file, __u32 op, int fd, int ret)
{
	struct sf_sock_facts *facts;
	struct sf_rec_sock *rec;
	__u32 len, path_len;
	struct sf_here here;

	if (!sf_here(&here))
		return 0;
	facts = &here.cpu->sock;
	path_len = facts->path_len;
	sf_opaque(path_len);
	if (path_len > SF_SUN_PATH_MAX)
		return 0;
	len = sizeof(*rec) + SF_ROUND8(path_len);
	rec = sf_record(&here, sf_who_of(here.cpu), op, len, facts->flags);
	if (!rec)
		return 0;
	rec->file = sf_identity(file);
	rec->ino = facts->ino;
	rec->fd = fd;
	rec->ret = ret;
	sf_copy_tuple(&rec->tuple, &facts->tuple);
	rec->listen_fd = facts->listen_fd;
	rec->state = facts->state;
	rec->path_len = path_len;
	if (path_len) {
		*(__u64 *)((char *)rec + len - 8) = 0;
		bpf_probe_read_kernel(rec + 1, path_len, facts->path);
	}
	/* A stream that gets its peer later is described again then. */
	if (file && (facts->peer || facts->kind == SF_KIND_DGRAM))
		sf_described(here.cpu, file, facts->ino, facts->kind);
	sf_publish(&here, op, len);
	return 1;
}

/*
 * Describes an open file to this CPU's ring. Returns its enum sf_kind, or
 * SF_KIND_NONE when the description found no room.
 */
static __always_inline __u32 sf_describe_here(struct sf_here *here, __u64 file,
					      int fd)
{
	sf_ring_see(here->ring.prod, SF_CLASS_DESCRIBE);
	if (!sf_is_sock(file))
		return sf_file_emit(file, SF_OP_DESCRIBE_FILE, fd, 0) ?
			       SF_KIND_FILE : SF_KIND_NONE;
	sf_sock_read(file, 0);
	if (!sf_sock_emit(file, SF_OP_DESCRIBE_SOCKET, fd, 0))
		return SF_KIND_NONE;
	return here->cpu->sock.kind;
}

/* The same from the hot path, which keeps its frame small. */
__noinline int sf_describe(__u64 file, int fd)
{
	struct sf_here here;

	if (!sf_here(&here))
		return SF_KIND_NONE;
	return sf_describe_here(&here, file, fd);
}

#endif /* SYSFLOW_BPF_SOCK_H */
