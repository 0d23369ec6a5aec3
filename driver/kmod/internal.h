/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * What the module's files share: the state of one CPU, a probe run, and the
 * functions that tell one kind of operation each.
 *
 * Rules of everything that runs inside a probe
 *  - preemption is off from sf_run_begin() (or sf_probe_enter()) to its end.
 *    That makes this CPU the ring's only writer, and it is an RCU read-side
 *    section: call_rcu() and synchronize_rcu() wait for it. Newer kernels
 *    call the syscall probes with preemption on, so it is done here and not
 *    left to the tracepoint;
 *  - nothing sleeps, allocates, takes a page fault or waits for a lock that
 *    another CPU can hold. A trylock is no wait;
 *  - a file is used in depth (dentry, socket) only while sf_pin_fd() holds it.
 */
#ifndef SYSFLOW_INTERNAL_H
#define SYSFLOW_INTERNAL_H

#include <linux/cache.h>
#include <linux/irq_work.h>
#include <linux/path.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/types.h>

#include <sysflow/abi.h>
#include <sysflow/described.h>
#include <sysflow/device.h>
#include <sysflow/how.h>
#include <sysflow/names_row.h>
#include <sysflow/ring.h>
#include <sysflow/ring_write.h>
#include <sysflow/select.h>

struct file;
struct io_kiocb;
struct linux_binprm;
struct pt_regs;
struct sock;
struct vm_area_struct;

/* A directory, a slash, and a name below it with its terminator. */
#define SF_JOINED_MAX	(2 * SF_PATH_MAX + 1)

/*
 * A CPU's scratch memory: strings whose length must be known before room in
 * the ring is asked for.
 */
struct sf_scratch {
	char path[SF_PATH_MAX];
	char cwd[SF_PATH_MAX];
	char cgroup[SF_CGROUP_MAX];
	char joined[2][SF_JOINED_MAX];
};

/* What was found out of a control group, for the filter of this stamp. */
struct sf_memo {
	u64 id;
	u32 stamp;
	bool in;
};

#define SF_MEMOS	16U

/* One CPU. Written by probes on that CPU only, from START to STOP. */
struct sf_cpu {
	struct sf_ring ring;
	u64 last_ts;		/* of the last record: time never goes back */
	u64 woken_at;		/* the reader's wake_at that was served */
	struct sf_described *described;	/* SF_DESCRIBED_SLOTS */
	struct sf_scratch *scratch;
	void *mem;		/* what is mapped: prod page, cons page, data */
	struct irq_work wake;
	struct sf_memo memo[SF_MEMOS];
};

DECLARE_PER_CPU(struct sf_cpu, sf_cpus);

/* Constant from open to release. */
struct sf_session {
	pid_t owner;		/* thread group that is never recorded */
	u64 key;		/* hides kernel addresses in identities */
	u64 ring_size;		/* 0: not set up */
};

extern struct sf_session sf_session;

/* One run of a probe, from its clock read to its end. */
struct sf_run {
	struct sf_cpu *cpu;
	u64 ts;
	pid_t pid, tid;	/* who does it */
	u32 flags;	/* SF_F_* of what is told, but of no description */
};

/* For SF_ARG_* and SF_ADDR_*; the rows are taken in probes.c. */
#define SF_SYSCALL(name, how, op, a, b, c)
#include <sysflow/syscalls.h>

struct sf_syscall {
	u8 how;			/* enum sf_how */
	u8 op;			/* enum sf_op */
	u8 a, b, c;		/* see syscalls.h */
};

/* A system call that returned, or a request of io_uring that is done. */
struct sf_call {
	const struct sf_syscall *sc;
	long ret;
	unsigned long arg[6];
	bool compat;		/* structures of user memory are 32-bit */
	bool lost;		/* arguments that lie in user memory could
				 * not be read */
	const struct sf_inflight *uring;	/* the request, or NULL */
	struct file *file;	/* that it holds: the one of its first
				 * argument */
};

static inline bool sf_owner_is(const struct task_struct *task)
{
	return task->tgid == sf_session.owner;
}

/* The identity that records carry for an open file. */
static inline u64 sf_identity(const struct file *file)
{
	return (u64)(unsigned long)file ^ sf_session.key;
}

/*
 * Begins a run for an operation of class cls, with preemption off already.
 * False: counted as lost, nothing to do.
 */
static __always_inline bool sf_run_begin(struct sf_run *run, u32 cls)
{
	struct sf_cpu *cpu = this_cpu_ptr(&sf_cpus);

	if (!sf_ring_begin(cpu->ring.prod, cls))
		return false;
	run->cpu = cpu;
	/* The fast clock may step back some ns while it is being adjusted. */
	run->ts = max_t(u64, ktime_get_mono_fast_ns(), cpu->last_ts);
	cpu->last_ts = run->ts;
	run->pid = current->tgid;
	run->tid = current->pid;
	run->flags = 0;
	return true;
}

void sf_wake_reader(struct sf_cpu *cpu);

static __always_inline void sf_run_end(struct sf_run *run)
{
	struct sf_cpu *cpu = run->cpu;

	sf_ring_end(cpu->ring.prod);
	if (unlikely(sf_ring_wants_wakeup(&cpu->ring)))
		sf_wake_reader(cpu);
}

/*
 * Room for a record of at most len bytes before padding, or NULL and a loss
 * counted.
 */
static __always_inline void *sf_reserve(struct sf_run *run, u32 op, u32 len)
{
	return sf_ring_reserve(&run->cpu->ring, SF_OP_CLASS(op),
			       ALIGN(len, 8));
}

/*
 * Publishes the record, whose len bytes (not more than were reserved) the
 * caller has filled, all but the header.
 */
static __always_inline void sf_commit(struct sf_run *run, void *rec, u32 op,
				      u32 len, u32 flags)
{
	u32 whole = ALIGN(len, 8);

	memset((char *)rec + len, 0, whole - len);
	if (SF_OP_CLASS(op) != SF_CLASS_DESCRIBE)
		flags |= run->flags;
	sf_ring_stamp(run->cpu->ring.prod, rec, run->ts, run->pid, run->tid,
		      whole, op, flags);
	sf_ring_commit(&run->cpu->ring, SF_OP_CLASS(op), whole);
}

/* An operation that is not told: its description was lost, for one. */
static inline void sf_lose(struct sf_run *run, u32 cls, u32 cause)
{
	struct sf_ring_prod *prod = run->cpu->ring.prod;

	sf_ring_lose(prod, cls, cause);
	WRITE_ONCE(prod->seq, prod->seq + 1);
}

/* select.c */
extern struct sf_filter __rcu *sf_filter;
bool sf_filters_pass(const struct sf_filter *f, struct task_struct *task);
void sf_tree_inherit(const struct task_struct *parent,
		     const struct task_struct *child);
int sf_select(const struct sf_selection *sel);
int sf_select_again(void);
void sf_select_reset(void);

/* Whether the selection lets an operation pass, of a task that is not asked. */
static __always_inline bool sf_op_selected(const struct sf_filter *f, u32 op)
{
	return SF_OP_BIT(f->sel.ops, op);
}

/* Whether a filter lets calls of a row pass, of tasks that it lets pass. */
static __always_inline bool sf_row_selected(const struct sf_filter *f,
					    const struct sf_syscall *sc)
{
	/* Told by two operations, each of which can be selected. */
	if (unlikely(sc->how == SF_HOW_TRANSFER))
		return sf_op_selected(f, SF_OP_READ) ||
		       sf_op_selected(f, SF_OP_WRITE);
	return sf_op_selected(f, sc->op);
}

static __always_inline bool sf_passes(const struct sf_filter *f,
				      struct task_struct *task)
{
	return likely(!f->sel.filters) || sf_filters_pass(f, task);
}

/* With preemption off, which makes it an RCU read-side section. */
static __always_inline enum sf_gate sf_gate_of(const struct sf_filter *f,
					       bool selected, u32 op, long ret)
{
	if (selected && sf_passes(f, current))
		return SF_GATE_TOLD;
	return ret >= 0 && SF_OP_BIT(f->sel.state, op) ? SF_GATE_STATE :
							 SF_GATE_OUT;
}

static inline void sf_leave_out(u32 op)
{
	sf_ring_leave_out(this_cpu_ptr(&sf_cpus)->ring.prod, SF_OP_CLASS(op));
}

/* rings.c */
int sf_rings_create(u64 size);
void sf_rings_destroy(void);
void sf_rings_forget_described(void);
void sf_rings_quiesce(void);
int sf_rings_map(struct vm_area_struct *vma);
bool sf_rings_wake_due(void);
void sf_rings_init(void);

/* uring.c */
#ifdef SF_HAVE_URING
int sf_uring_create(void);
void sf_uring_destroy(void);
#else
static inline int sf_uring_create(void)
{
	return 0;
}

static inline void sf_uring_destroy(void)
{
}
#endif

/* main.c */
void sf_wake_sleepers(void);

/* probes.c */
int sf_probes_find(void);
int sf_probes_attach(void);
void sf_probes_detach(void);
bool sf_uring_hooked(void);

/* calls.c */
const struct sf_syscall *sf_syscall_row(u32 nr);
void sf_told(const struct sf_call *call, u32 flags);
void sf_count_uncovered(bool compat, u64 n);
bool sf_restarts(long *ret);
bool sf_wanted(const struct sf_call *call);
void sf_on_uring_enter(long ret);
void sf_on_sys_exit(void *data, struct pt_regs *regs, long ret);

/* calls32.c */
void sf_on_compat_exit(struct pt_regs *regs, unsigned long nr, long ret);

/* process.c */
void sf_tell_fork(struct sf_run *run, struct task_struct *child);
void sf_tell_exec(struct sf_run *run, pid_t old_tid, struct linux_binprm *bprm);
void sf_tell_exec_failed(struct sf_run *run, const struct sf_call *call);
void sf_tell_exit(struct sf_run *run, bool last);
void sf_tell_clone(struct sf_run *run, const struct sf_call *call);

/* file.c */
void sf_tell_open(struct sf_run *run, const struct sf_call *call);
void sf_tell_anon(struct sf_run *run, const struct sf_call *call);
void sf_tell_close(struct sf_run *run, const struct sf_call *call);
void sf_tell_dup(struct sf_run *run, const struct sf_call *call);
bool sf_describe_file(struct sf_run *run, struct file *file, int fd);

/* sock.c */
enum sf_kind sf_sock_kind(const struct sock *sk);
void sf_sock_tuple(struct sf_tuple *tuple, const struct sock *sk);
/* An end of a tuple. */
enum sf_end {
	SF_END_LOCAL,
	SF_END_PEER,
};

u32 sf_sock_user_addr(struct sf_tuple *tuple, enum sf_end end,
		      unsigned long uaddr, int len);
/* sockcalls.c */
bool sf_describe_sock(struct sf_run *run, struct file *file, struct sock *sk,
		      int fd);
void sf_tell_socket(struct sf_run *run, const struct sf_call *call);
void sf_tell_connect(struct sf_run *run, const struct sf_call *call);
void sf_tell_accept(struct sf_run *run, const struct sf_call *call);
void sf_tell_bind(struct sf_run *run, const struct sf_call *call);
void sf_tell_socknum(struct sf_run *run, const struct sf_call *call);
void sf_tell_pair(struct sf_run *run, const struct sf_call *call);

/* netlink.c */
void sf_netlink_verify(void);
void sf_netlink_ends(struct sf_tuple *tuple, const struct sock *sk);

/* descriptors.c */
void sf_tell_pipe(struct sf_run *run, const struct sf_call *call);
void sf_tell_close_range(struct sf_run *run, const struct sf_call *call);
void sf_tell_mmap(struct sf_run *run, const struct sf_call *call);

/* transfer.c */
void sf_tell_transfer(struct sf_run *run, const struct sf_call *call);

/* io.c */
enum sf_kind sf_kind_told(struct sf_run *run, struct file *file, int fd);
void sf_tell_io(struct sf_run *run, const struct sf_call *call);
void sf_tell_msgio(struct sf_run *run, const struct sf_call *call);

/* names.c */
void sf_tell_names(struct sf_run *run, const struct sf_call *call);
/* security.c */
void sf_tell_ints(struct sf_run *run, const struct sf_call *call);
void sf_tell_ids(struct sf_run *run, const struct sf_call *call);
void sf_tell_fsid(struct sf_run *run, const struct sf_call *call);
void sf_tell_groups(struct sf_run *run, const struct sf_call *call);
void sf_tell_caps(struct sf_run *run, const struct sf_call *call);
void sf_tell_setns(struct sf_run *run, const struct sf_call *call);
void sf_tell_unshare(struct sf_run *run, const struct sf_call *call);
void sf_tell_pidfd(struct sf_run *run, const struct sf_call *call);
void sf_tell_bpf(struct sf_run *run, const struct sf_call *call);
void sf_tell_module(struct sf_run *run, const struct sf_call *call);
void sf_tell_module_name(struct sf_run *run, const struct sf_call *call);

/* path.c */
struct sf_str {
	const char *s;
	u32 len;
	u32 flags;	/* SF_F_CUT */
};

/* A path that grows towards the front of its buffer. */
struct sf_back {
	char *start;
	u32 room;	/* bytes before start */
	u32 flags;
};

bool sf_prepend(struct sf_back *b, const char *name, u32 max, bool slash);
struct sf_str sf_back_end(struct sf_back *b, u32 size);
struct sf_str sf_path(char *buf, const struct path *path);
struct sf_str sf_path_from(char *buf, const struct path *path,
			   const struct path *root);
struct path sf_read_pwd(void);
struct path sf_read_root(void);
int sf_path_verify(void);

#endif /* SYSFLOW_INTERNAL_H */
