/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * What docs/coverage.md says beside the rows of syscalls.h. As unrecorded.h it
 * is read as text.
 *
 *	SF_HOOK(OP, "moment")		told at a moment that is no system
 *					call's end, or by a call whose row names
 *					another operation
 *	SF_SINCE(call, "version")	the first Linux that has the call, where
 *					that is newer than 5.10
 *	SF_NOTE(OP, DRIVER, "what is missing")
 *					partial: of KMOD, EBPF or BOTH
 */

SF_HOOK(FORK, "birth of a task (sched_process_fork)")
SF_HOOK(EXEC, "start of a program (sched_process_exec)")
SF_HOOK(EXIT, "end of a task (sched_process_exit)")
SF_HOOK(DESCRIBE_FILE, "first use of an open file on a ring")
SF_HOOK(DESCRIBE_SOCKET, "first use of a socket on a ring")
SF_HOOK(RMDIR, "unlinkat with AT_REMOVEDIR")
SF_HOOK(WRITE, "sendfile, splice, tee, vmsplice and copy_file_range")

SF_SINCE(landlock_create_ruleset, "5.13")
SF_SINCE(memfd_secret, "5.14")
SF_SINCE(fchmodat2, "6.6")
SF_SINCE(setxattrat, "6.13")
SF_SINCE(removexattrat, "6.13")
SF_SINCE(open_tree_attr, "6.15")

SF_NOTE(EXEC, BOTH, "of a program that could not be started the path as the "
	"caller gave it, no arguments")
SF_NOTE(EXIT, BOTH, "before Linux 6.16 several threads that end at once can "
	"each be marked as the last")
SF_NOTE(PTRACE, BOTH, "requests that begin or end a trace or change the traced")
SF_NOTE(BPF, BOTH, "commands that load, attach or detach a program")
SF_NOTE(MMAP, BOTH, "of files; not how the mapping changes or ends")
SF_NOTE(ANON, BOTH, "not what comes from calls with another purpose (clone3, bpf, "
	"seccomp, ioctl, a message on a socket): its first use tells it")
SF_NOTE(MOUNT, BOTH, "not the type and the options of the file system")
SF_NOTE(SETXATTR, BOTH, "of setxattrat not the size of the value")
