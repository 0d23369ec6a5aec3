// SPDX-License-Identifier: Apache-2.0
// Made from driver/include/sysflow by `cargo run -p bindings`; do not edit.

pub const SF_CLASS_SHIFT: u32 = 5;
pub const SF_API_VERSION: u32 = 65537;
pub const SF_SCHEMA_VERSION: u32 = 65538;
pub const SF_RECORD_MAX: u32 = 32768;
pub const SF_PATH_MAX: u32 = 4096;
pub const SF_CGROUP_MAX: u32 = 1024;
pub const SF_ARGS_MAX: u32 = 8192;
pub const SF_ENV_MAX: u32 = 8192;
pub const SF_SUN_PATH_MAX: u32 = 108;
pub const SF_F_COMPAT: u32 = 1;
pub const SF_F_URING: u32 = 2;
pub const SF_F_CUT: u32 = 4;
pub const SF_F_FAULT: u32 = 8;
pub const SF_F_TUPLE: u32 = 16;
pub const SF_F_USER: u32 = 32;
pub const SF_F_STATE: u32 = 64;
pub const SF_FILE_CREATED: u32 = 1;
pub const SF_FILE_UNLINKED: u32 = 2;
pub const SF_FILE_MADE_SHIFT: u32 = 8;
pub const SF_ID_NONE: u32 = 4294967295;
pub const SF_SHARE_THREAD: u32 = 1;
pub const SF_SHARE_FILES: u32 = 2;
pub const SF_SHARE_FS: u32 = 4;
pub const SF_SHARE_VM: u32 = 8;
pub const SF_EXIT_LAST: u32 = 1;
pub const SF_RING_MAGIC: u64 = 5138134686875010649;
pub const SF_RING_CONS: u32 = 4096;
pub const SF_RING_DATA: u32 = 8192;
pub const SF_RING_SIZE_MIN: u32 = 65536;
pub const SF_RING_SIZE_MAX: u32 = 1073741824;
pub const SF_OP_WORDS: u32 = 4;
pub const SF_SELECT_MAX: u32 = 32;
pub const SF_SELECT_TREE: u32 = 1;
pub const SF_SELECT_CGROUP: u32 = 2;
pub const SF_SELECT_UID: u32 = 4;
pub const SF_MARKS: u32 = 65536;
pub const SF_DEVICE: &[u8; 13] = b"/dev/sysflow\0";
pub const SF_MODULE: &[u8; 8] = b"sysflow\0";
pub const SF_STATE_OFF: u32 = 1;
pub const SF_STATE_CUT: u32 = 2;
pub const SF_MODULE_SWITCH: &[u8; 39] = b"/sys/module/sysflow/parameters/capture\0";
pub type __u8 = ::core::ffi::c_uchar;
pub type __u16 = ::core::ffi::c_ushort;
pub type __s32 = ::core::ffi::c_int;
pub type __u32 = ::core::ffi::c_uint;
pub type __s64 = ::core::ffi::c_longlong;
pub type __u64 = ::core::ffi::c_ulonglong;
pub const SF_CLASS_PROCESS: sf_class = 0;
pub const SF_CLASS_DESCRIBE: sf_class = 1;
pub const SF_CLASS_FILE: sf_class = 2;
pub const SF_CLASS_NET: sf_class = 3;
pub const SF_CLASS_PATH: sf_class = 4;
pub const SF_CLASS_IO: sf_class = 5;
pub const SF_CLASS_COUNT: sf_class = 6;
pub const SF_CLASS_SLOTS: sf_class = 8;
pub type sf_class = ::core::ffi::c_uint;
pub const SF_CAUSE_RING_FULL: sf_cause = 0;
pub const SF_CAUSE_TOO_LARGE: sf_cause = 1;
pub const SF_CAUSE_COPY_FAULT: sf_cause = 2;
pub const SF_CAUSE_NESTED: sf_cause = 3;
pub const SF_CAUSE_COUNT: sf_cause = 4;
pub type sf_cause = ::core::ffi::c_uint;
pub const SF_OP_NONE: sf_op = 0;
pub const SF_OP_FORK: sf_op = 1;
pub const SF_OP_CLONE: sf_op = 2;
pub const SF_OP_EXEC: sf_op = 3;
pub const SF_OP_EXIT: sf_op = 4;
pub const SF_OP_SETUID: sf_op = 5;
pub const SF_OP_SETGID: sf_op = 6;
pub const SF_OP_SETNS: sf_op = 7;
pub const SF_OP_UNSHARE: sf_op = 8;
pub const SF_OP_CHDIR: sf_op = 9;
pub const SF_OP_CHROOT: sf_op = 10;
pub const SF_OP_PTRACE: sf_op = 11;
pub const SF_OP_KILL: sf_op = 12;
pub const SF_OP_MODULE: sf_op = 13;
pub const SF_OP_BPF: sf_op = 14;
pub const SF_OP_SETFSID: sf_op = 15;
pub const SF_OP_SETGROUPS: sf_op = 16;
pub const SF_OP_CAPSET: sf_op = 17;
pub const SF_OP_MODULE_DELETE: sf_op = 18;
pub const SF_OP_DESCRIBE_PROCESS: sf_op = 32;
pub const SF_OP_DESCRIBE_FILE: sf_op = 33;
pub const SF_OP_DESCRIBE_SOCKET: sf_op = 34;
pub const SF_OP_OPEN: sf_op = 64;
pub const SF_OP_CLOSE: sf_op = 65;
pub const SF_OP_DUP: sf_op = 66;
pub const SF_OP_PIPE: sf_op = 67;
pub const SF_OP_MMAP: sf_op = 68;
pub const SF_OP_ANON: sf_op = 69;
pub const SF_OP_CLOSE_RANGE: sf_op = 70;
pub const SF_OP_SOCKET: sf_op = 96;
pub const SF_OP_BIND: sf_op = 97;
pub const SF_OP_LISTEN: sf_op = 98;
pub const SF_OP_ACCEPT: sf_op = 99;
pub const SF_OP_CONNECT: sf_op = 100;
pub const SF_OP_SHUTDOWN: sf_op = 101;
pub const SF_OP_SOCKETPAIR: sf_op = 102;
pub const SF_OP_MKDIR: sf_op = 128;
pub const SF_OP_RMDIR: sf_op = 129;
pub const SF_OP_LINK: sf_op = 130;
pub const SF_OP_UNLINK: sf_op = 131;
pub const SF_OP_SYMLINK: sf_op = 132;
pub const SF_OP_RENAME: sf_op = 133;
pub const SF_OP_CHMOD: sf_op = 134;
pub const SF_OP_CHOWN: sf_op = 135;
pub const SF_OP_TRUNCATE: sf_op = 136;
pub const SF_OP_MOUNT: sf_op = 137;
pub const SF_OP_UMOUNT: sf_op = 138;
pub const SF_OP_SETXATTR: sf_op = 139;
pub const SF_OP_REMOVEXATTR: sf_op = 140;
pub const SF_OP_MKNOD: sf_op = 141;
pub const SF_OP_PIVOT_ROOT: sf_op = 142;
pub const SF_OP_READ: sf_op = 160;
pub const SF_OP_WRITE: sf_op = 161;
pub const SF_OP_RECV: sf_op = 162;
pub const SF_OP_SEND: sf_op = 163;
pub type sf_op = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_hdr {
    pub ts: __u64,
    pub pid: __u32,
    pub tid: __u32,
    pub seq: __u32,
    pub len: __u16,
    pub op: __u8,
    pub flags: __u8,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_hdr"][::core::mem::size_of::<sf_hdr>() - 24usize];
    ["Alignment of sf_hdr"][::core::mem::align_of::<sf_hdr>() - 8usize];
    ["Offset of field: sf_hdr::ts"][::core::mem::offset_of!(sf_hdr, ts) - 0usize];
    ["Offset of field: sf_hdr::pid"][::core::mem::offset_of!(sf_hdr, pid) - 8usize];
    ["Offset of field: sf_hdr::tid"][::core::mem::offset_of!(sf_hdr, tid) - 12usize];
    ["Offset of field: sf_hdr::seq"][::core::mem::offset_of!(sf_hdr, seq) - 16usize];
    ["Offset of field: sf_hdr::len"][::core::mem::offset_of!(sf_hdr, len) - 20usize];
    ["Offset of field: sf_hdr::op"][::core::mem::offset_of!(sf_hdr, op) - 22usize];
    ["Offset of field: sf_hdr::flags"][::core::mem::offset_of!(sf_hdr, flags) - 23usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_rec_io {
    pub h: sf_hdr,
    pub file: __u64,
    pub fd: __s32,
    pub ops: __u32,
    pub bytes: __u64,
    pub first: __u64,
    pub failed: __u32,
    pub error: __s32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_rec_io"][::core::mem::size_of::<sf_rec_io>() - 64usize];
    ["Alignment of sf_rec_io"][::core::mem::align_of::<sf_rec_io>() - 8usize];
    ["Offset of field: sf_rec_io::h"][::core::mem::offset_of!(sf_rec_io, h) - 0usize];
    ["Offset of field: sf_rec_io::file"][::core::mem::offset_of!(sf_rec_io, file) - 24usize];
    ["Offset of field: sf_rec_io::fd"][::core::mem::offset_of!(sf_rec_io, fd) - 32usize];
    ["Offset of field: sf_rec_io::ops"][::core::mem::offset_of!(sf_rec_io, ops) - 36usize];
    ["Offset of field: sf_rec_io::bytes"][::core::mem::offset_of!(sf_rec_io, bytes) - 40usize];
    ["Offset of field: sf_rec_io::first"][::core::mem::offset_of!(sf_rec_io, first) - 48usize];
    ["Offset of field: sf_rec_io::failed"][::core::mem::offset_of!(sf_rec_io, failed) - 56usize];
    ["Offset of field: sf_rec_io::error"][::core::mem::offset_of!(sf_rec_io, error) - 60usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_tuple {
    pub family: __u16,
    pub lport: __u16,
    pub rport: __u16,
    pub type_: __u8,
    pub proto: __u8,
    pub laddr: [__u8; 16usize],
    pub raddr: [__u8; 16usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_tuple"][::core::mem::size_of::<sf_tuple>() - 40usize];
    ["Alignment of sf_tuple"][::core::mem::align_of::<sf_tuple>() - 2usize];
    ["Offset of field: sf_tuple::family"][::core::mem::offset_of!(sf_tuple, family) - 0usize];
    ["Offset of field: sf_tuple::lport"][::core::mem::offset_of!(sf_tuple, lport) - 2usize];
    ["Offset of field: sf_tuple::rport"][::core::mem::offset_of!(sf_tuple, rport) - 4usize];
    ["Offset of field: sf_tuple::type_"][::core::mem::offset_of!(sf_tuple, type_) - 6usize];
    ["Offset of field: sf_tuple::proto"][::core::mem::offset_of!(sf_tuple, proto) - 7usize];
    ["Offset of field: sf_tuple::laddr"][::core::mem::offset_of!(sf_tuple, laddr) - 8usize];
    ["Offset of field: sf_tuple::raddr"][::core::mem::offset_of!(sf_tuple, raddr) - 24usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_rec_sockio {
    pub io: sf_rec_io,
    pub tuple: sf_tuple,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_rec_sockio"][::core::mem::size_of::<sf_rec_sockio>() - 104usize];
    ["Alignment of sf_rec_sockio"][::core::mem::align_of::<sf_rec_sockio>() - 8usize];
    ["Offset of field: sf_rec_sockio::io"][::core::mem::offset_of!(sf_rec_sockio, io) - 0usize];
    ["Offset of field: sf_rec_sockio::tuple"]
        [::core::mem::offset_of!(sf_rec_sockio, tuple) - 64usize];
};
pub const SF_MADE_EVENTFD: sf_made = 1;
pub const SF_MADE_EPOLL: sf_made = 2;
pub const SF_MADE_TIMERFD: sf_made = 3;
pub const SF_MADE_SIGNALFD: sf_made = 4;
pub const SF_MADE_INOTIFY: sf_made = 5;
pub const SF_MADE_FANOTIFY: sf_made = 6;
pub const SF_MADE_USERFAULTFD: sf_made = 7;
pub const SF_MADE_PIDFD: sf_made = 8;
pub const SF_MADE_PIDFD_GETFD: sf_made = 9;
pub const SF_MADE_PERF: sf_made = 10;
pub const SF_MADE_MEMFD: sf_made = 11;
pub const SF_MADE_MEMFD_SECRET: sf_made = 12;
pub const SF_MADE_URING: sf_made = 13;
pub const SF_MADE_MQUEUE: sf_made = 14;
pub const SF_MADE_FSCONTEXT: sf_made = 15;
pub const SF_MADE_MOUNT: sf_made = 16;
pub const SF_MADE_LANDLOCK: sf_made = 17;
pub type sf_made = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_rec_file {
    pub h: sf_hdr,
    pub file: __u64,
    pub ino: __u64,
    pub dev: __u32,
    pub mode: __u32,
    pub fd: __s32,
    pub ret: __s32,
    pub flags: __u32,
    pub attr: __u16,
    pub path_len: __u16,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_rec_file"][::core::mem::size_of::<sf_rec_file>() - 64usize];
    ["Alignment of sf_rec_file"][::core::mem::align_of::<sf_rec_file>() - 8usize];
    ["Offset of field: sf_rec_file::h"][::core::mem::offset_of!(sf_rec_file, h) - 0usize];
    ["Offset of field: sf_rec_file::file"][::core::mem::offset_of!(sf_rec_file, file) - 24usize];
    ["Offset of field: sf_rec_file::ino"][::core::mem::offset_of!(sf_rec_file, ino) - 32usize];
    ["Offset of field: sf_rec_file::dev"][::core::mem::offset_of!(sf_rec_file, dev) - 40usize];
    ["Offset of field: sf_rec_file::mode"][::core::mem::offset_of!(sf_rec_file, mode) - 44usize];
    ["Offset of field: sf_rec_file::fd"][::core::mem::offset_of!(sf_rec_file, fd) - 48usize];
    ["Offset of field: sf_rec_file::ret"][::core::mem::offset_of!(sf_rec_file, ret) - 52usize];
    ["Offset of field: sf_rec_file::flags"][::core::mem::offset_of!(sf_rec_file, flags) - 56usize];
    ["Offset of field: sf_rec_file::attr"][::core::mem::offset_of!(sf_rec_file, attr) - 60usize];
    ["Offset of field: sf_rec_file::path_len"]
        [::core::mem::offset_of!(sf_rec_file, path_len) - 62usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_rec_sock {
    pub h: sf_hdr,
    pub file: __u64,
    pub ino: __u64,
    pub fd: __s32,
    pub ret: __s32,
    pub tuple: sf_tuple,
    pub listen_fd: __s32,
    pub state: __u16,
    pub path_len: __u16,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_rec_sock"][::core::mem::size_of::<sf_rec_sock>() - 96usize];
    ["Alignment of sf_rec_sock"][::core::mem::align_of::<sf_rec_sock>() - 8usize];
    ["Offset of field: sf_rec_sock::h"][::core::mem::offset_of!(sf_rec_sock, h) - 0usize];
    ["Offset of field: sf_rec_sock::file"][::core::mem::offset_of!(sf_rec_sock, file) - 24usize];
    ["Offset of field: sf_rec_sock::ino"][::core::mem::offset_of!(sf_rec_sock, ino) - 32usize];
    ["Offset of field: sf_rec_sock::fd"][::core::mem::offset_of!(sf_rec_sock, fd) - 40usize];
    ["Offset of field: sf_rec_sock::ret"][::core::mem::offset_of!(sf_rec_sock, ret) - 44usize];
    ["Offset of field: sf_rec_sock::tuple"][::core::mem::offset_of!(sf_rec_sock, tuple) - 48usize];
    ["Offset of field: sf_rec_sock::listen_fd"]
        [::core::mem::offset_of!(sf_rec_sock, listen_fd) - 88usize];
    ["Offset of field: sf_rec_sock::state"][::core::mem::offset_of!(sf_rec_sock, state) - 92usize];
    ["Offset of field: sf_rec_sock::path_len"]
        [::core::mem::offset_of!(sf_rec_sock, path_len) - 94usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_rec_fd {
    pub h: sf_hdr,
    pub file: __u64,
    pub fd: __s32,
    pub ret: __s32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_rec_fd"][::core::mem::size_of::<sf_rec_fd>() - 40usize];
    ["Alignment of sf_rec_fd"][::core::mem::align_of::<sf_rec_fd>() - 8usize];
    ["Offset of field: sf_rec_fd::h"][::core::mem::offset_of!(sf_rec_fd, h) - 0usize];
    ["Offset of field: sf_rec_fd::file"][::core::mem::offset_of!(sf_rec_fd, file) - 24usize];
    ["Offset of field: sf_rec_fd::fd"][::core::mem::offset_of!(sf_rec_fd, fd) - 32usize];
    ["Offset of field: sf_rec_fd::ret"][::core::mem::offset_of!(sf_rec_fd, ret) - 36usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_rec_mmap {
    pub fd: sf_rec_fd,
    pub addr: __u64,
    pub length: __u64,
    pub offset: __u64,
    pub prot: __u32,
    pub flags: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_rec_mmap"][::core::mem::size_of::<sf_rec_mmap>() - 72usize];
    ["Alignment of sf_rec_mmap"][::core::mem::align_of::<sf_rec_mmap>() - 8usize];
    ["Offset of field: sf_rec_mmap::fd"][::core::mem::offset_of!(sf_rec_mmap, fd) - 0usize];
    ["Offset of field: sf_rec_mmap::addr"][::core::mem::offset_of!(sf_rec_mmap, addr) - 40usize];
    ["Offset of field: sf_rec_mmap::length"]
        [::core::mem::offset_of!(sf_rec_mmap, length) - 48usize];
    ["Offset of field: sf_rec_mmap::offset"]
        [::core::mem::offset_of!(sf_rec_mmap, offset) - 56usize];
    ["Offset of field: sf_rec_mmap::prot"][::core::mem::offset_of!(sf_rec_mmap, prot) - 64usize];
    ["Offset of field: sf_rec_mmap::flags"][::core::mem::offset_of!(sf_rec_mmap, flags) - 68usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_rec_call {
    pub h: sf_hdr,
    pub ret: __s64,
    pub arg: [__u64; 3usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_rec_call"][::core::mem::size_of::<sf_rec_call>() - 56usize];
    ["Alignment of sf_rec_call"][::core::mem::align_of::<sf_rec_call>() - 8usize];
    ["Offset of field: sf_rec_call::h"][::core::mem::offset_of!(sf_rec_call, h) - 0usize];
    ["Offset of field: sf_rec_call::ret"][::core::mem::offset_of!(sf_rec_call, ret) - 24usize];
    ["Offset of field: sf_rec_call::arg"][::core::mem::offset_of!(sf_rec_call, arg) - 32usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_rec_fork {
    pub h: sf_hdr,
    pub start: __u64,
    pub child_pid: __u32,
    pub child_tid: __u32,
    pub ppid: __u32,
    pub vtid: __u32,
    pub uid: __u32,
    pub gid: __u32,
    pub shared: __u32,
    pub pidns: __u32,
    pub parent_start: __u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_rec_fork"][::core::mem::size_of::<sf_rec_fork>() - 72usize];
    ["Alignment of sf_rec_fork"][::core::mem::align_of::<sf_rec_fork>() - 8usize];
    ["Offset of field: sf_rec_fork::h"][::core::mem::offset_of!(sf_rec_fork, h) - 0usize];
    ["Offset of field: sf_rec_fork::start"][::core::mem::offset_of!(sf_rec_fork, start) - 24usize];
    ["Offset of field: sf_rec_fork::child_pid"]
        [::core::mem::offset_of!(sf_rec_fork, child_pid) - 32usize];
    ["Offset of field: sf_rec_fork::child_tid"]
        [::core::mem::offset_of!(sf_rec_fork, child_tid) - 36usize];
    ["Offset of field: sf_rec_fork::ppid"][::core::mem::offset_of!(sf_rec_fork, ppid) - 40usize];
    ["Offset of field: sf_rec_fork::vtid"][::core::mem::offset_of!(sf_rec_fork, vtid) - 44usize];
    ["Offset of field: sf_rec_fork::uid"][::core::mem::offset_of!(sf_rec_fork, uid) - 48usize];
    ["Offset of field: sf_rec_fork::gid"][::core::mem::offset_of!(sf_rec_fork, gid) - 52usize];
    ["Offset of field: sf_rec_fork::shared"]
        [::core::mem::offset_of!(sf_rec_fork, shared) - 56usize];
    ["Offset of field: sf_rec_fork::pidns"][::core::mem::offset_of!(sf_rec_fork, pidns) - 60usize];
    ["Offset of field: sf_rec_fork::parent_start"]
        [::core::mem::offset_of!(sf_rec_fork, parent_start) - 64usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_rec_exec {
    pub h: sf_hdr,
    pub start: __u64,
    pub exe_ino: __u64,
    pub exe_dev: __u32,
    pub ret: __s32,
    pub ppid: __u32,
    pub vpid: __u32,
    pub uid: __u32,
    pub gid: __u32,
    pub ruid: __u32,
    pub rgid: __u32,
    pub tty: __u32,
    pub pidns: __u32,
    pub old_tid: __u32,
    pub argc: __u32,
    pub exe_len: __u16,
    pub cwd_len: __u16,
    pub cgroup_len: __u16,
    pub args_len: __u16,
    pub env_len: __u16,
    pub pad: __u16,
    pub netns: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_rec_exec"][::core::mem::size_of::<sf_rec_exec>() - 104usize];
    ["Alignment of sf_rec_exec"][::core::mem::align_of::<sf_rec_exec>() - 8usize];
    ["Offset of field: sf_rec_exec::h"][::core::mem::offset_of!(sf_rec_exec, h) - 0usize];
    ["Offset of field: sf_rec_exec::start"][::core::mem::offset_of!(sf_rec_exec, start) - 24usize];
    ["Offset of field: sf_rec_exec::exe_ino"]
        [::core::mem::offset_of!(sf_rec_exec, exe_ino) - 32usize];
    ["Offset of field: sf_rec_exec::exe_dev"]
        [::core::mem::offset_of!(sf_rec_exec, exe_dev) - 40usize];
    ["Offset of field: sf_rec_exec::ret"][::core::mem::offset_of!(sf_rec_exec, ret) - 44usize];
    ["Offset of field: sf_rec_exec::ppid"][::core::mem::offset_of!(sf_rec_exec, ppid) - 48usize];
    ["Offset of field: sf_rec_exec::vpid"][::core::mem::offset_of!(sf_rec_exec, vpid) - 52usize];
    ["Offset of field: sf_rec_exec::uid"][::core::mem::offset_of!(sf_rec_exec, uid) - 56usize];
    ["Offset of field: sf_rec_exec::gid"][::core::mem::offset_of!(sf_rec_exec, gid) - 60usize];
    ["Offset of field: sf_rec_exec::ruid"][::core::mem::offset_of!(sf_rec_exec, ruid) - 64usize];
    ["Offset of field: sf_rec_exec::rgid"][::core::mem::offset_of!(sf_rec_exec, rgid) - 68usize];
    ["Offset of field: sf_rec_exec::tty"][::core::mem::offset_of!(sf_rec_exec, tty) - 72usize];
    ["Offset of field: sf_rec_exec::pidns"][::core::mem::offset_of!(sf_rec_exec, pidns) - 76usize];
    ["Offset of field: sf_rec_exec::old_tid"]
        [::core::mem::offset_of!(sf_rec_exec, old_tid) - 80usize];
    ["Offset of field: sf_rec_exec::argc"][::core::mem::offset_of!(sf_rec_exec, argc) - 84usize];
    ["Offset of field: sf_rec_exec::exe_len"]
        [::core::mem::offset_of!(sf_rec_exec, exe_len) - 88usize];
    ["Offset of field: sf_rec_exec::cwd_len"]
        [::core::mem::offset_of!(sf_rec_exec, cwd_len) - 90usize];
    ["Offset of field: sf_rec_exec::cgroup_len"]
        [::core::mem::offset_of!(sf_rec_exec, cgroup_len) - 92usize];
    ["Offset of field: sf_rec_exec::args_len"]
        [::core::mem::offset_of!(sf_rec_exec, args_len) - 94usize];
    ["Offset of field: sf_rec_exec::env_len"]
        [::core::mem::offset_of!(sf_rec_exec, env_len) - 96usize];
    ["Offset of field: sf_rec_exec::pad"][::core::mem::offset_of!(sf_rec_exec, pad) - 98usize];
    ["Offset of field: sf_rec_exec::netns"][::core::mem::offset_of!(sf_rec_exec, netns) - 100usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_rec_exit {
    pub h: sf_hdr,
    pub start: __u64,
    pub code: __s32,
    pub flags: __u32,
    pub leader_code: __u32,
    pub pad: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_rec_exit"][::core::mem::size_of::<sf_rec_exit>() - 48usize];
    ["Alignment of sf_rec_exit"][::core::mem::align_of::<sf_rec_exit>() - 8usize];
    ["Offset of field: sf_rec_exit::h"][::core::mem::offset_of!(sf_rec_exit, h) - 0usize];
    ["Offset of field: sf_rec_exit::start"][::core::mem::offset_of!(sf_rec_exit, start) - 24usize];
    ["Offset of field: sf_rec_exit::code"][::core::mem::offset_of!(sf_rec_exit, code) - 32usize];
    ["Offset of field: sf_rec_exit::flags"][::core::mem::offset_of!(sf_rec_exit, flags) - 36usize];
    ["Offset of field: sf_rec_exit::leader_code"]
        [::core::mem::offset_of!(sf_rec_exit, leader_code) - 40usize];
    ["Offset of field: sf_rec_exit::pad"][::core::mem::offset_of!(sf_rec_exit, pad) - 44usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_rec_path {
    pub h: sf_hdr,
    pub ino: __u64,
    pub dev: __u32,
    pub mode: __u32,
    pub ret: __s32,
    pub flags: __u32,
    pub pad: __u32,
    pub len: [__u16; 2usize],
    pub arg: [__u64; 2usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_rec_path"][::core::mem::size_of::<sf_rec_path>() - 72usize];
    ["Alignment of sf_rec_path"][::core::mem::align_of::<sf_rec_path>() - 8usize];
    ["Offset of field: sf_rec_path::h"][::core::mem::offset_of!(sf_rec_path, h) - 0usize];
    ["Offset of field: sf_rec_path::ino"][::core::mem::offset_of!(sf_rec_path, ino) - 24usize];
    ["Offset of field: sf_rec_path::dev"][::core::mem::offset_of!(sf_rec_path, dev) - 32usize];
    ["Offset of field: sf_rec_path::mode"][::core::mem::offset_of!(sf_rec_path, mode) - 36usize];
    ["Offset of field: sf_rec_path::ret"][::core::mem::offset_of!(sf_rec_path, ret) - 40usize];
    ["Offset of field: sf_rec_path::flags"][::core::mem::offset_of!(sf_rec_path, flags) - 44usize];
    ["Offset of field: sf_rec_path::pad"][::core::mem::offset_of!(sf_rec_path, pad) - 48usize];
    ["Offset of field: sf_rec_path::len"][::core::mem::offset_of!(sf_rec_path, len) - 52usize];
    ["Offset of field: sf_rec_path::arg"][::core::mem::offset_of!(sf_rec_path, arg) - 56usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_ring_prod {
    pub magic: __u64,
    pub api_version: __u32,
    pub schema_version: __u32,
    pub cpu: __u32,
    pub nr_cpus: __u32,
    pub size: __u64,
    pub reserve: __u64,
    pub pad0: [__u64; 3usize],
    pub head: __u64,
    pub tail_seen: __u64,
    pub seq: __u32,
    pub writing: __u32,
    pub pad1: [__u64; 5usize],
    pub seen: [__u64; 8usize],
    pub delivered: [__u64; 8usize],
    pub aggregated: [__u64; 8usize],
    pub lost: [[__u64; 8usize]; 4usize],
    pub uncovered_compat: __u64,
    pub uncovered_uring: __u64,
    pub wakeups: __u64,
    pub pad2: [__u64; 5usize],
    pub unselected: [__u64; 8usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_ring_prod"][::core::mem::size_of::<sf_ring_prod>() - 704usize];
    ["Alignment of sf_ring_prod"][::core::mem::align_of::<sf_ring_prod>() - 8usize];
    ["Offset of field: sf_ring_prod::magic"][::core::mem::offset_of!(sf_ring_prod, magic) - 0usize];
    ["Offset of field: sf_ring_prod::api_version"]
        [::core::mem::offset_of!(sf_ring_prod, api_version) - 8usize];
    ["Offset of field: sf_ring_prod::schema_version"]
        [::core::mem::offset_of!(sf_ring_prod, schema_version) - 12usize];
    ["Offset of field: sf_ring_prod::cpu"][::core::mem::offset_of!(sf_ring_prod, cpu) - 16usize];
    ["Offset of field: sf_ring_prod::nr_cpus"]
        [::core::mem::offset_of!(sf_ring_prod, nr_cpus) - 20usize];
    ["Offset of field: sf_ring_prod::size"][::core::mem::offset_of!(sf_ring_prod, size) - 24usize];
    ["Offset of field: sf_ring_prod::reserve"]
        [::core::mem::offset_of!(sf_ring_prod, reserve) - 32usize];
    ["Offset of field: sf_ring_prod::pad0"][::core::mem::offset_of!(sf_ring_prod, pad0) - 40usize];
    ["Offset of field: sf_ring_prod::head"][::core::mem::offset_of!(sf_ring_prod, head) - 64usize];
    ["Offset of field: sf_ring_prod::tail_seen"]
        [::core::mem::offset_of!(sf_ring_prod, tail_seen) - 72usize];
    ["Offset of field: sf_ring_prod::seq"][::core::mem::offset_of!(sf_ring_prod, seq) - 80usize];
    ["Offset of field: sf_ring_prod::writing"]
        [::core::mem::offset_of!(sf_ring_prod, writing) - 84usize];
    ["Offset of field: sf_ring_prod::pad1"][::core::mem::offset_of!(sf_ring_prod, pad1) - 88usize];
    ["Offset of field: sf_ring_prod::seen"][::core::mem::offset_of!(sf_ring_prod, seen) - 128usize];
    ["Offset of field: sf_ring_prod::delivered"]
        [::core::mem::offset_of!(sf_ring_prod, delivered) - 192usize];
    ["Offset of field: sf_ring_prod::aggregated"]
        [::core::mem::offset_of!(sf_ring_prod, aggregated) - 256usize];
    ["Offset of field: sf_ring_prod::lost"][::core::mem::offset_of!(sf_ring_prod, lost) - 320usize];
    ["Offset of field: sf_ring_prod::uncovered_compat"]
        [::core::mem::offset_of!(sf_ring_prod, uncovered_compat) - 576usize];
    ["Offset of field: sf_ring_prod::uncovered_uring"]
        [::core::mem::offset_of!(sf_ring_prod, uncovered_uring) - 584usize];
    ["Offset of field: sf_ring_prod::wakeups"]
        [::core::mem::offset_of!(sf_ring_prod, wakeups) - 592usize];
    ["Offset of field: sf_ring_prod::pad2"][::core::mem::offset_of!(sf_ring_prod, pad2) - 600usize];
    ["Offset of field: sf_ring_prod::unselected"]
        [::core::mem::offset_of!(sf_ring_prod, unselected) - 640usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_ring_cons {
    pub tail: __u64,
    pub pad0: [__u64; 7usize],
    pub wake_at: __u64,
    pub pad1: [__u64; 7usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_ring_cons"][::core::mem::size_of::<sf_ring_cons>() - 128usize];
    ["Alignment of sf_ring_cons"][::core::mem::align_of::<sf_ring_cons>() - 8usize];
    ["Offset of field: sf_ring_cons::tail"][::core::mem::offset_of!(sf_ring_cons, tail) - 0usize];
    ["Offset of field: sf_ring_cons::pad0"][::core::mem::offset_of!(sf_ring_cons, pad0) - 8usize];
    ["Offset of field: sf_ring_cons::wake_at"]
        [::core::mem::offset_of!(sf_ring_cons, wake_at) - 64usize];
    ["Offset of field: sf_ring_cons::pad1"][::core::mem::offset_of!(sf_ring_cons, pad1) - 72usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_uids {
    pub first: __u32,
    pub last: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_uids"][::core::mem::size_of::<sf_uids>() - 8usize];
    ["Alignment of sf_uids"][::core::mem::align_of::<sf_uids>() - 4usize];
    ["Offset of field: sf_uids::first"][::core::mem::offset_of!(sf_uids, first) - 0usize];
    ["Offset of field: sf_uids::last"][::core::mem::offset_of!(sf_uids, last) - 4usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_selection {
    pub ops: [__u64; 4usize],
    pub state: [__u64; 4usize],
    pub filters: __u32,
    pub nr_pids: __u32,
    pub nr_cgroups: __u32,
    pub nr_uids: __u32,
    pub hierarchy: __u32,
    pub pids: [__u32; 32usize],
    pub pad0: __u32,
    pub cgroups: [__u64; 32usize],
    pub uids: [sf_uids; 32usize],
    pub pad: [__u64; 5usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_selection"][::core::mem::size_of::<sf_selection>() - 768usize];
    ["Alignment of sf_selection"][::core::mem::align_of::<sf_selection>() - 8usize];
    ["Offset of field: sf_selection::ops"][::core::mem::offset_of!(sf_selection, ops) - 0usize];
    ["Offset of field: sf_selection::state"]
        [::core::mem::offset_of!(sf_selection, state) - 32usize];
    ["Offset of field: sf_selection::filters"]
        [::core::mem::offset_of!(sf_selection, filters) - 64usize];
    ["Offset of field: sf_selection::nr_pids"]
        [::core::mem::offset_of!(sf_selection, nr_pids) - 68usize];
    ["Offset of field: sf_selection::nr_cgroups"]
        [::core::mem::offset_of!(sf_selection, nr_cgroups) - 72usize];
    ["Offset of field: sf_selection::nr_uids"]
        [::core::mem::offset_of!(sf_selection, nr_uids) - 76usize];
    ["Offset of field: sf_selection::hierarchy"]
        [::core::mem::offset_of!(sf_selection, hierarchy) - 80usize];
    ["Offset of field: sf_selection::pids"][::core::mem::offset_of!(sf_selection, pids) - 84usize];
    ["Offset of field: sf_selection::pad0"][::core::mem::offset_of!(sf_selection, pad0) - 212usize];
    ["Offset of field: sf_selection::cgroups"]
        [::core::mem::offset_of!(sf_selection, cgroups) - 216usize];
    ["Offset of field: sf_selection::uids"][::core::mem::offset_of!(sf_selection, uids) - 472usize];
    ["Offset of field: sf_selection::pad"][::core::mem::offset_of!(sf_selection, pad) - 728usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_filter {
    pub sel: sf_selection,
    pub stamp: __u32,
    pub mark: [__u8; 2usize],
    pub pad: [__u8; 2usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_filter"][::core::mem::size_of::<sf_filter>() - 776usize];
    ["Alignment of sf_filter"][::core::mem::align_of::<sf_filter>() - 8usize];
    ["Offset of field: sf_filter::sel"][::core::mem::offset_of!(sf_filter, sel) - 0usize];
    ["Offset of field: sf_filter::stamp"][::core::mem::offset_of!(sf_filter, stamp) - 768usize];
    ["Offset of field: sf_filter::mark"][::core::mem::offset_of!(sf_filter, mark) - 772usize];
    ["Offset of field: sf_filter::pad"][::core::mem::offset_of!(sf_filter, pad) - 774usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_control {
    pub active: __u32,
    pub walk_filter: __u32,
    pub walk_mark: __u32,
    pub walk_any: __u32,
    pub walk_roots: __u32,
    pub pad: __u32,
    pub filter: [sf_filter; 2usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_control"][::core::mem::size_of::<sf_control>() - 1576usize];
    ["Alignment of sf_control"][::core::mem::align_of::<sf_control>() - 8usize];
    ["Offset of field: sf_control::active"][::core::mem::offset_of!(sf_control, active) - 0usize];
    ["Offset of field: sf_control::walk_filter"]
        [::core::mem::offset_of!(sf_control, walk_filter) - 4usize];
    ["Offset of field: sf_control::walk_mark"]
        [::core::mem::offset_of!(sf_control, walk_mark) - 8usize];
    ["Offset of field: sf_control::walk_any"]
        [::core::mem::offset_of!(sf_control, walk_any) - 12usize];
    ["Offset of field: sf_control::walk_roots"]
        [::core::mem::offset_of!(sf_control, walk_roots) - 16usize];
    ["Offset of field: sf_control::pad"][::core::mem::offset_of!(sf_control, pad) - 20usize];
    ["Offset of field: sf_control::filter"][::core::mem::offset_of!(sf_control, filter) - 24usize];
};
pub const SF_GATE_OUT: sf_gate = 0;
pub const SF_GATE_TOLD: sf_gate = 1;
pub const SF_GATE_STATE: sf_gate = 2;
pub type sf_gate = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_info {
    pub api_version: __u32,
    pub schema_version: __u32,
    pub nr_cpus: __u32,
    pub record_max: __u32,
    pub ring_size: __u64,
    pub stride: __u64,
    pub state: __u32,
    pub offs: __u32,
    pub pad: [__u64; 3usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_info"][::core::mem::size_of::<sf_info>() - 64usize];
    ["Alignment of sf_info"][::core::mem::align_of::<sf_info>() - 8usize];
    ["Offset of field: sf_info::api_version"]
        [::core::mem::offset_of!(sf_info, api_version) - 0usize];
    ["Offset of field: sf_info::schema_version"]
        [::core::mem::offset_of!(sf_info, schema_version) - 4usize];
    ["Offset of field: sf_info::nr_cpus"][::core::mem::offset_of!(sf_info, nr_cpus) - 8usize];
    ["Offset of field: sf_info::record_max"]
        [::core::mem::offset_of!(sf_info, record_max) - 12usize];
    ["Offset of field: sf_info::ring_size"][::core::mem::offset_of!(sf_info, ring_size) - 16usize];
    ["Offset of field: sf_info::stride"][::core::mem::offset_of!(sf_info, stride) - 24usize];
    ["Offset of field: sf_info::state"][::core::mem::offset_of!(sf_info, state) - 32usize];
    ["Offset of field: sf_info::offs"][::core::mem::offset_of!(sf_info, offs) - 36usize];
    ["Offset of field: sf_info::pad"][::core::mem::offset_of!(sf_info, pad) - 40usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq)]
pub struct sf_setup {
    pub ring_size: __u64,
    pub pad: [__u64; 7usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of sf_setup"][::core::mem::size_of::<sf_setup>() - 64usize];
    ["Alignment of sf_setup"][::core::mem::align_of::<sf_setup>() - 8usize];
    ["Offset of field: sf_setup::ring_size"][::core::mem::offset_of!(sf_setup, ring_size) - 0usize];
    ["Offset of field: sf_setup::pad"][::core::mem::offset_of!(sf_setup, pad) - 8usize];
};
