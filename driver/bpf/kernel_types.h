/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * The kernel's structures, reduced to the fields that are read. libbpf finds
 * each field's place in the running kernel by its name (CO-RE), so neither
 * order nor distance matters here, and no vmlinux.h is needed.
 */
#ifndef SYSFLOW_BPF_KERNEL_TYPES_H
#define SYSFLOW_BPF_KERNEL_TYPES_H

#include <linux/bpf.h>
#include <linux/types.h>

typedef __u8 bool;

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)

/* Registers at the entry of a system call, x86-64. */
struct pt_regs {
	unsigned long r10, r9, r8, dx, si, di, bx, cx, bp, orig_ax;
};

typedef struct {
	int counter;
} atomic_t;

struct timespec64 {
	__s64 tv_sec;
};

/* ---- files ---- */

struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
};

struct qstr {
	__u32 len;
	const unsigned char *name;
};

/* How often what it guards was changed; odd while it is. */
struct seqcount {
	unsigned int sequence;
};

struct seqcount_spinlock {
	struct seqcount seqcount;
};

struct dentry {
	struct seqcount_spinlock d_seq;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	unsigned short i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
	void *i_private;
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	void *private_data;
	struct inode *f_inode;
	struct path f_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

/* ---- sockets ---- */

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
};

struct socket {
	struct sock *sk;
};

struct ipv6_pinfo {
	struct in6_addr saddr;
};

struct inet_sock {
	struct ipv6_pinfo *pinet6;
	__u32 inet_saddr;
};

struct netlink_sock {
	__u32 portid, dst_portid, dst_group;
};

struct sockaddr_un {
	unsigned short sun_family;
};

struct unix_address {
	int len;
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

/* ---- processes ---- */

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

/* Two halves in an array before 6.3. */
typedef struct {
	__u64 val;
} kernel_cap_t;

struct group_info {
	int ngroups;
};

struct cred {
	kuid_t uid, euid, suid, fsuid;
	kgid_t gid, egid, sgid, fsgid;
	kernel_cap_t cap_inheritable, cap_permitted, cap_effective;
	struct group_info *group_info;
};

struct tty_driver {
	int major;
	int minor_start;
};

struct tty_struct {
	int index;
	struct tty_driver *driver;
};

struct signal_struct {
	atomic_t live;
	int nr_threads;
	int group_exit_code;
	struct tty_struct *tty;
};

struct proc_ns_operations {
	int type;	/* before 6.18 */
};

struct ns_common {
	unsigned int inum;
	__u32 ns_type;	/* from 6.18 on */
	const struct proc_ns_operations *ops;
};

struct net {
	struct ns_common ns;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct nsproxy {
	struct net *net_ns;
	struct pid_namespace *pid_ns_for_children;
};

struct fs_struct {
	struct path root, pwd;
};

struct mm_struct {
	unsigned long arg_start, arg_end, env_start, env_end;
	struct file *exe_file;
};

struct kernfs_node {
	struct kernfs_node *__parent;	/* before 6.15: parent */
	const char *name;
	__u64 id;
};

struct kernfs_node___old {
	struct kernfs_node *parent;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct list_head {
	struct list_head *next;
};

struct css_set {
	struct cgroup_subsys_state *subsys[1];	/* as many as the kernel has */
	struct cgroup *dfl_cgrp;
	struct list_head cgrp_links;
};

/* A group of a css_set, one in each hierarchy. */
struct cgrp_cset_link {
	struct cgroup *cgrp;
	struct list_head cgrp_link;
};

struct linux_binprm {
	struct file *file;
	int argc;
};

struct bpf_prog_aux {
	__u32 id;
};

struct bpf_prog {
	enum bpf_prog_type type;
	struct bpf_prog_aux *aux;
};

/* ---- io_uring ---- */

struct io_cqe {
	__u64 user_data;
};

struct io_uring_cqe {
	__u64 user_data;
	__s32 res;
	__u32 flags;
};

struct io_uring_sqe {
	__u8 opcode;
};

struct io_ring_ctx {
	unsigned int flags;
	__u32 *sq_array;
	struct io_uring_sqe *sq_sqes;
	unsigned int cached_sq_head, sq_entries;
	unsigned int compat : 1;	/* before 7.2 */
	unsigned int int_flags;
};

/* IO_RING_F_COMPAT of linux/io_uring_types.h in 7.2: of an enum without a name,
 * whose values cannot be asked of the kernel. */
#define SF_IO_RING_F_COMPAT	(1U << 11)

struct io_kiocb {
	struct file *file;
	__u8 opcode;
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
};

struct rq {
	struct task_struct *curr;
	int cpu;
};

struct cfs_rq {
	struct rq *rq;	/* with CONFIG_FAIR_GROUP_SCHED */
};

struct sched_entity {
	struct cfs_rq *cfs_rq;	/* the same */
};

struct thread_info {
	__u32 status;
};

struct task_struct {
	struct thread_info thread_info;
	struct sched_entity se;
	unsigned int flags;
	int pid, tgid;
	int exit_code, exit_state;
	char comm[16];
	__u64 start_boottime;
	struct task_struct *real_parent, *group_leader;
	const struct cred *cred, *real_cred;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	struct files_struct *files;
	struct mm_struct *mm;
	struct pid *thread_pid;
	struct signal_struct *signal;
	struct css_set *cgroups;
};

/* ---- what an iterator is given ---- */

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

#pragma clang attribute pop

/* Constants that are no part of a kernel header for programs. */
#define TS_COMPAT	0x0002U
#define PF_EXITING	0x4U
#define PF_WQ_WORKER	0x20U
#define PF_KTHREAD	0x200000U
#define EXIT_DEAD	0x10
#define EXIT_ZOMBIE	0x20
#define FMODE_WRITE	0x2U
#define FMODE_CREATED	0x100000U

#define AT_FDCWD	(-100)
#define AT_SYMLINK_NOFOLLOW	0x100
#define AT_REMOVEDIR	0x200
#define F_DUPFD		0
#define F_DUPFD_CLOEXEC	1030
#define O_WRONLY	01
#define O_CREAT		0100
#define O_TRUNC		01000

#define ANON_INODE_FS_MAGIC	0x09041934
#define NSFS_MAGIC	0x6e736673
#define PID_FS_MAGIC	0x50494446

#define S_IFMT		0170000
#define S_IFIFO		0010000
#define S_IFSOCK	0140000

#define MAP_ANONYMOUS	0x20

#define AF_UNIX		1
#define AF_INET		2
#define AF_INET6	10
#define AF_NETLINK	16
#define AF_PACKET	17
#define SOCK_DGRAM	2
#define SOCK_RAW	3
#define SOCK_TYPE_MASK	0xf

#define EINTR		4
#define EBADF		9
#define ERESTARTSYS	512
#define ERESTARTNOINTR	513
#define ERESTART_RESTARTBLOCK	516

/* Structures of user memory, 64-bit. */
struct sf_user_sockaddr {
	__u16 family;
	__u16 port;	/* network order; AF_PACKET: protocol */
	__u32 addr4;	/* AF_INET6: flow label; AF_NETLINK: port id;
			 * AF_PACKET: interface */
	__u8 addr6[16];	/* AF_NETLINK: groups; AF_PACKET: 4 bytes of types,
			 * then the address */
};

#define SF_MMSGHDR_SIZE	64
#define SF_MMSGHDR_LEN	56	/* offset of mmsghdr.msg_len */

#endif /* SYSFLOW_BPF_KERNEL_TYPES_H */
