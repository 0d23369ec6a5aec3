/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Where every field lies: the layouts of abi.h, ring.h and device.h once more,
 * as assertions. Included where the ABI is compiled (module, eBPF programs,
 * user space), so that a compiler which lays them out in another way, or a
 * field that was moved, fails the build there. The same is asserted in Rust.
 * A line that changes here is a change of version (abi.h).
 */
#ifndef SYSFLOW_LAYOUT_H
#define SYSFLOW_LAYOUT_H

#include "abi.h"
#include "device.h"
#include "ring.h"

SF_ASSERT_OFFSET(sf_hdr, ts, 0);
SF_ASSERT_OFFSET(sf_hdr, pid, 8);
SF_ASSERT_OFFSET(sf_hdr, tid, 12);
SF_ASSERT_OFFSET(sf_hdr, seq, 16);
SF_ASSERT_OFFSET(sf_hdr, len, 20);
SF_ASSERT_OFFSET(sf_hdr, op, 22);
SF_ASSERT_OFFSET(sf_hdr, flags, 23);

SF_ASSERT_OFFSET(sf_rec_io, h, 0);
SF_ASSERT_OFFSET(sf_rec_io, file, 24);
SF_ASSERT_OFFSET(sf_rec_io, fd, 32);
SF_ASSERT_OFFSET(sf_rec_io, ops, 36);
SF_ASSERT_OFFSET(sf_rec_io, bytes, 40);
SF_ASSERT_OFFSET(sf_rec_io, first, 48);
SF_ASSERT_OFFSET(sf_rec_io, failed, 56);
SF_ASSERT_OFFSET(sf_rec_io, error, 60);

SF_ASSERT_OFFSET(sf_tuple, family, 0);
SF_ASSERT_OFFSET(sf_tuple, lport, 2);
SF_ASSERT_OFFSET(sf_tuple, rport, 4);
SF_ASSERT_OFFSET(sf_tuple, type, 6);
SF_ASSERT_OFFSET(sf_tuple, proto, 7);
SF_ASSERT_OFFSET(sf_tuple, laddr, 8);
SF_ASSERT_OFFSET(sf_tuple, raddr, 24);

SF_ASSERT_OFFSET(sf_rec_sockio, io, 0);
SF_ASSERT_OFFSET(sf_rec_sockio, tuple, 64);

SF_ASSERT_OFFSET(sf_rec_file, h, 0);
SF_ASSERT_OFFSET(sf_rec_file, file, 24);
SF_ASSERT_OFFSET(sf_rec_file, ino, 32);
SF_ASSERT_OFFSET(sf_rec_file, dev, 40);
SF_ASSERT_OFFSET(sf_rec_file, mode, 44);
SF_ASSERT_OFFSET(sf_rec_file, fd, 48);
SF_ASSERT_OFFSET(sf_rec_file, ret, 52);
SF_ASSERT_OFFSET(sf_rec_file, flags, 56);
SF_ASSERT_OFFSET(sf_rec_file, attr, 60);
SF_ASSERT_OFFSET(sf_rec_file, path_len, 62);

SF_ASSERT_OFFSET(sf_rec_sock, h, 0);
SF_ASSERT_OFFSET(sf_rec_sock, file, 24);
SF_ASSERT_OFFSET(sf_rec_sock, ino, 32);
SF_ASSERT_OFFSET(sf_rec_sock, fd, 40);
SF_ASSERT_OFFSET(sf_rec_sock, ret, 44);
SF_ASSERT_OFFSET(sf_rec_sock, tuple, 48);
SF_ASSERT_OFFSET(sf_rec_sock, listen_fd, 88);
SF_ASSERT_OFFSET(sf_rec_sock, state, 92);
SF_ASSERT_OFFSET(sf_rec_sock, path_len, 94);

SF_ASSERT_OFFSET(sf_rec_fd, h, 0);
SF_ASSERT_OFFSET(sf_rec_fd, file, 24);
SF_ASSERT_OFFSET(sf_rec_fd, fd, 32);
SF_ASSERT_OFFSET(sf_rec_fd, ret, 36);

SF_ASSERT_OFFSET(sf_rec_mmap, fd, 0);
SF_ASSERT_OFFSET(sf_rec_mmap, addr, 40);
SF_ASSERT_OFFSET(sf_rec_mmap, length, 48);
SF_ASSERT_OFFSET(sf_rec_mmap, offset, 56);
SF_ASSERT_OFFSET(sf_rec_mmap, prot, 64);
SF_ASSERT_OFFSET(sf_rec_mmap, flags, 68);

SF_ASSERT_OFFSET(sf_rec_call, h, 0);
SF_ASSERT_OFFSET(sf_rec_call, ret, 24);
SF_ASSERT_OFFSET(sf_rec_call, arg, 32);

SF_ASSERT_OFFSET(sf_rec_fork, h, 0);
SF_ASSERT_OFFSET(sf_rec_fork, start, 24);
SF_ASSERT_OFFSET(sf_rec_fork, child_pid, 32);
SF_ASSERT_OFFSET(sf_rec_fork, child_tid, 36);
SF_ASSERT_OFFSET(sf_rec_fork, ppid, 40);
SF_ASSERT_OFFSET(sf_rec_fork, vtid, 44);
SF_ASSERT_OFFSET(sf_rec_fork, uid, 48);
SF_ASSERT_OFFSET(sf_rec_fork, gid, 52);
SF_ASSERT_OFFSET(sf_rec_fork, shared, 56);
SF_ASSERT_OFFSET(sf_rec_fork, pidns, 60);
SF_ASSERT_OFFSET(sf_rec_fork, parent_start, 64);

SF_ASSERT_OFFSET(sf_rec_exec, h, 0);
SF_ASSERT_OFFSET(sf_rec_exec, start, 24);
SF_ASSERT_OFFSET(sf_rec_exec, exe_ino, 32);
SF_ASSERT_OFFSET(sf_rec_exec, exe_dev, 40);
SF_ASSERT_OFFSET(sf_rec_exec, ret, 44);
SF_ASSERT_OFFSET(sf_rec_exec, ppid, 48);
SF_ASSERT_OFFSET(sf_rec_exec, vpid, 52);
SF_ASSERT_OFFSET(sf_rec_exec, uid, 56);
SF_ASSERT_OFFSET(sf_rec_exec, gid, 60);
SF_ASSERT_OFFSET(sf_rec_exec, ruid, 64);
SF_ASSERT_OFFSET(sf_rec_exec, rgid, 68);
SF_ASSERT_OFFSET(sf_rec_exec, tty, 72);
SF_ASSERT_OFFSET(sf_rec_exec, pidns, 76);
SF_ASSERT_OFFSET(sf_rec_exec, old_tid, 80);
SF_ASSERT_OFFSET(sf_rec_exec, argc, 84);
SF_ASSERT_OFFSET(sf_rec_exec, exe_len, 88);
SF_ASSERT_OFFSET(sf_rec_exec, cwd_len, 90);
SF_ASSERT_OFFSET(sf_rec_exec, cgroup_len, 92);
SF_ASSERT_OFFSET(sf_rec_exec, args_len, 94);
SF_ASSERT_OFFSET(sf_rec_exec, env_len, 96);
SF_ASSERT_OFFSET(sf_rec_exec, pad, 98);
SF_ASSERT_OFFSET(sf_rec_exec, netns, 100);

SF_ASSERT_OFFSET(sf_rec_exit, h, 0);
SF_ASSERT_OFFSET(sf_rec_exit, start, 24);
SF_ASSERT_OFFSET(sf_rec_exit, code, 32);
SF_ASSERT_OFFSET(sf_rec_exit, flags, 36);
SF_ASSERT_OFFSET(sf_rec_exit, leader_code, 40);
SF_ASSERT_OFFSET(sf_rec_exit, pad, 44);

SF_ASSERT_OFFSET(sf_rec_path, h, 0);
SF_ASSERT_OFFSET(sf_rec_path, ino, 24);
SF_ASSERT_OFFSET(sf_rec_path, dev, 32);
SF_ASSERT_OFFSET(sf_rec_path, mode, 36);
SF_ASSERT_OFFSET(sf_rec_path, ret, 40);
SF_ASSERT_OFFSET(sf_rec_path, flags, 44);
SF_ASSERT_OFFSET(sf_rec_path, pad, 48);
SF_ASSERT_OFFSET(sf_rec_path, len, 52);
SF_ASSERT_OFFSET(sf_rec_path, arg, 56);

SF_ASSERT_OFFSET(sf_ring_prod, magic, 0);
SF_ASSERT_OFFSET(sf_ring_prod, api_version, 8);
SF_ASSERT_OFFSET(sf_ring_prod, schema_version, 12);
SF_ASSERT_OFFSET(sf_ring_prod, cpu, 16);
SF_ASSERT_OFFSET(sf_ring_prod, nr_cpus, 20);
SF_ASSERT_OFFSET(sf_ring_prod, size, 24);
SF_ASSERT_OFFSET(sf_ring_prod, reserve, 32);
SF_ASSERT_OFFSET(sf_ring_prod, pad0, 40);
SF_ASSERT_OFFSET(sf_ring_prod, head, 64);
SF_ASSERT_OFFSET(sf_ring_prod, tail_seen, 72);
SF_ASSERT_OFFSET(sf_ring_prod, seq, 80);
SF_ASSERT_OFFSET(sf_ring_prod, writing, 84);
SF_ASSERT_OFFSET(sf_ring_prod, pad1, 88);
SF_ASSERT_OFFSET(sf_ring_prod, seen, 128);
SF_ASSERT_OFFSET(sf_ring_prod, delivered, 192);
SF_ASSERT_OFFSET(sf_ring_prod, aggregated, 256);
SF_ASSERT_OFFSET(sf_ring_prod, lost, 320);
SF_ASSERT_OFFSET(sf_ring_prod, uncovered_compat, 576);
SF_ASSERT_OFFSET(sf_ring_prod, uncovered_uring, 584);
SF_ASSERT_OFFSET(sf_ring_prod, wakeups, 592);
SF_ASSERT_OFFSET(sf_ring_prod, pad2, 600);
SF_ASSERT_OFFSET(sf_ring_prod, unselected, 640);

SF_ASSERT_OFFSET(sf_ring_cons, tail, 0);
SF_ASSERT_OFFSET(sf_ring_cons, pad0, 8);
SF_ASSERT_OFFSET(sf_ring_cons, wake_at, 64);
SF_ASSERT_OFFSET(sf_ring_cons, pad1, 72);

SF_ASSERT_OFFSET(sf_info, api_version, 0);
SF_ASSERT_OFFSET(sf_info, schema_version, 4);
SF_ASSERT_OFFSET(sf_info, nr_cpus, 8);
SF_ASSERT_OFFSET(sf_info, record_max, 12);
SF_ASSERT_OFFSET(sf_info, ring_size, 16);
SF_ASSERT_OFFSET(sf_info, stride, 24);
SF_ASSERT_OFFSET(sf_info, state, 32);
SF_ASSERT_OFFSET(sf_info, offs, 36);
SF_ASSERT_OFFSET(sf_info, pad, 40);

SF_ASSERT_OFFSET(sf_setup, ring_size, 0);
SF_ASSERT_OFFSET(sf_setup, pad, 8);

SF_ASSERT_OFFSET(sf_selection, ops, 0);
SF_ASSERT_OFFSET(sf_selection, state, 32);
SF_ASSERT_OFFSET(sf_selection, filters, 64);
SF_ASSERT_OFFSET(sf_selection, nr_pids, 68);
SF_ASSERT_OFFSET(sf_selection, nr_cgroups, 72);
SF_ASSERT_OFFSET(sf_selection, nr_uids, 76);
SF_ASSERT_OFFSET(sf_selection, hierarchy, 80);
SF_ASSERT_OFFSET(sf_selection, pids, 84);
SF_ASSERT_OFFSET(sf_selection, pad0, 212);
SF_ASSERT_OFFSET(sf_selection, cgroups, 216);
SF_ASSERT_OFFSET(sf_selection, uids, 472);
SF_ASSERT_OFFSET(sf_selection, pad, 728);

SF_ASSERT_OFFSET(sf_filter, sel, 0);
SF_ASSERT_OFFSET(sf_filter, stamp, 768);
SF_ASSERT_OFFSET(sf_filter, mark, 772);
SF_ASSERT_OFFSET(sf_filter, pad, 774);

SF_ASSERT_OFFSET(sf_control, active, 0);
SF_ASSERT_OFFSET(sf_control, walk_filter, 4);
SF_ASSERT_OFFSET(sf_control, walk_mark, 8);
SF_ASSERT_OFFSET(sf_control, walk_any, 12);
SF_ASSERT_OFFSET(sf_control, walk_roots, 16);
SF_ASSERT_OFFSET(sf_control, pad, 20);
SF_ASSERT_OFFSET(sf_control, filter, 24);

#endif /* SYSFLOW_LAYOUT_H */
