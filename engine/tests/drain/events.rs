// SPDX-License-Identifier: Apache-2.0
//! What drivers can tell, of few processes, threads, descriptors and files, so
//! that they meet.

use probe_loader::abi::*;
use proptest::prelude::*;

/// Something that happens `wait` ns after what was before, on a CPU.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Io {
        cpu: u8,
        wait: u8,
        pid: u8,
        tid: u8,
        fd: u8,
        file: u8,
        op: u8,
    },
    Datagram {
        cpu: u8,
        wait: u8,
        pid: u8,
        fd: u8,
        file: u8,
        peer: u8,
    },
    Open {
        cpu: u8,
        wait: u8,
        pid: u8,
        tid: u8,
        fd: u8,
        file: u8,
        kind: u8,
    },
    Socket {
        cpu: u8,
        wait: u8,
        pid: u8,
        fd: u8,
        file: u8,
        kind: u8,
    },
    Close {
        cpu: u8,
        wait: u8,
        pid: u8,
        tid: u8,
        fd: u8,
    },
    Dup {
        cpu: u8,
        wait: u8,
        pid: u8,
        fd: u8,
        new: u8,
        file: u8,
        kind: u8,
    },
    Fork {
        cpu: u8,
        wait: u8,
        pid: u8,
        child: u8,
    },
    Exec {
        cpu: u8,
        wait: u8,
        pid: u8,
    },
    Exit {
        cpu: u8,
        wait: u8,
        pid: u8,
        tid: u8,
        last: bool,
    },
    Call {
        cpu: u8,
        wait: u8,
        pid: u8,
        op: u8,
        first: u8,
        last: u8,
    },
    Path {
        cpu: u8,
        wait: u8,
        pid: u8,
        op: u8,
    },
    /// An operation that is not known, or a record that is too short.
    Odd {
        cpu: u8,
        wait: u8,
        pid: u8,
        op: u8,
    },
    /// The clock of a CPU is behind.
    Back {
        by: u8,
    },
    /// Everything until so long ago is drained.
    Drain {
        behind: u8,
    },
    /// Time passes: flows are exported.
    Tick {
        behind: u8,
        far: bool,
    },
    /// Another file begins.
    File,
}

pub(crate) fn steps() -> impl Strategy<Value = Step> {
    let at = || (0u8..3, 0u8..4, 0u8..3);
    let io = ((0u8..2, 0u8..4, 0u8..2), 0u8..2, 0u8..3, 0u8..9, 0u8..4);
    let io = io.prop_map(|((cpu, wait, pid), tid, fd, file, op)| {
        // Mostly the file that the descriptor is of.
        let file = if file == 8 { op } else { fd };
        Step::Io { cpu, wait, pid, tid, fd, file, op }
    });
    let datagram = (at(), 0u8..4, 0u8..5, 0u8..2).prop_map(|((cpu, wait, pid), fd, file, peer)| {
        Step::Datagram { cpu, wait, pid, fd, file, peer }
    });
    let open = (at(), 0u8..3, 0u8..4, 0u8..6, 0u8..4).prop_map(
        |((cpu, wait, pid), tid, fd, file, kind)| {
            let file = if file > 3 { fd } else { file };
            Step::Open { cpu, wait, pid, tid, fd, file, kind }
        },
    );
    let socket = (at(), 0u8..4, 0u8..4, 0u8..9).prop_map(|((cpu, wait, pid), fd, file, kind)| {
        Step::Socket { cpu, wait, pid, fd, file, kind }
    });
    let close = (at(), 0u8..3, 0u8..4).prop_map(|((cpu, wait, pid), tid, fd)| Step::Close {
        cpu,
        wait,
        pid,
        tid,
        fd,
    });
    let dup = (at(), 0u8..4, 0u8..4, 0u8..5, 0u8..3).prop_map(
        |((cpu, wait, pid), fd, new, file, kind)| Step::Dup { cpu, wait, pid, fd, new, file, kind },
    );
    let fork =
        (at(), 0u8..4).prop_map(|((cpu, wait, pid), child)| Step::Fork { cpu, wait, pid, child });
    let exec = at().prop_map(|(cpu, wait, pid)| Step::Exec { cpu, wait, pid });
    let exit = (at(), 0u8..3, any::<bool>()).prop_map(|((cpu, wait, pid), tid, last)| Step::Exit {
        cpu,
        wait,
        pid,
        tid,
        last,
    });
    let call = (at(), 0u8..4, 0u8..4, 0u8..5).prop_map(|((cpu, wait, pid), op, first, last)| {
        Step::Call { cpu, wait, pid, op, first, last }
    });
    let path = (at(), 0u8..4).prop_map(|((cpu, wait, pid), op)| Step::Path { cpu, wait, pid, op });
    let odd = (at(), 0u8..4).prop_map(|((cpu, wait, pid), op)| Step::Odd { cpu, wait, pid, op });
    prop_oneof![
        120 => io,
        3 => datagram,
        6 => open,
        4 => socket,
        4 => close,
        2 => dup,
        1 => fork,
        1 => exec,
        1 => exit,
        1 => call,
        1 => path,
        1 => odd,
        1 => (1u8..5).prop_map(|by| Step::Back { by }),
        2 => (0u8..20).prop_map(|behind| Step::Drain { behind }),
        1 => (0u8..20, any::<bool>()).prop_map(|(behind, far)| Step::Tick { behind, far }),
        1 => Just(Step::File),
    ]
}

/// Makes the bytes of steps.
pub(crate) struct Teller {
    pub(crate) now: u64,
}

/// A record, and the CPU that tells it.
pub(crate) type Told = (u8, Vec<u8>);

fn pid_of(pid: u8) -> u32 {
    100 + u32::from(pid)
}

fn tid_of(pid: u8, tid: u8) -> u32 {
    pid_of(pid) + 1000 * u32::from(tid)
}

/// One of them is none.
const NO_FILE: u8 = 4;

fn file_of(file: u8) -> u64 {
    if file == NO_FILE { 0 } else { u64::from(file + 1) * 0x40 }
}

fn tuple(datagram: bool, peer: u8) -> sf_tuple {
    let type_ = if datagram { libc::SOCK_DGRAM } else { libc::SOCK_STREAM } as u8;
    let (lport, rport) = (80, 5000 + u16::from(peer));
    sf_tuple { family: libc::AF_INET as u16, lport, rport, type_, proto: 6, ..sf_tuple::default() }
}

impl Teller {
    fn hdr(&mut self, wait: u8, pid: u8, tid: u8, op: u32, flags: u32) -> sf_hdr {
        self.now += u64::from(wait);
        let (pid, tid) = (pid_of(pid), tid_of(pid, tid));
        sf_hdr { ts: self.now, pid, tid, seq: 0, len: 0, op: op as u8, flags: flags as u8 }
    }

    /// What a driver tells of a step, if it is one of those.
    #[expect(clippy::too_many_lines, reason = "one arm for each layout")]
    pub(crate) fn tell(&mut self, step: Step) -> Option<Told> {
        let ops = [SF_OP_READ, SF_OP_WRITE, SF_OP_RECV, SF_OP_SEND];
        Some(match step {
            Step::Io { cpu, wait, pid, tid, fd, file, op } => {
                let h = self.hdr(wait, pid, tid, ops[usize::from(op % 2)], 0);
                let bytes = 1 + u64::from(op);
                let (first, file) = (h.ts, file_of(file));
                let io = sf_rec_io {
                    h,
                    file,
                    fd: fd.into(),
                    ops: 1 + u32::from(op / 2),
                    bytes,
                    first,
                    failed: 0,
                    error: 0,
                };
                (cpu, sized(io, b""))
            }
            Step::Datagram { cpu, wait, pid, fd, file, peer } => {
                let h = self.hdr(wait, pid, 0, ops[2 + usize::from(peer)], SF_F_TUPLE);
                let io = sf_rec_io {
                    h,
                    file: file_of(file),
                    fd: fd.into(),
                    ops: 1,
                    bytes: 9,
                    first: h.ts,
                    failed: 0,
                    error: 0,
                };
                (cpu, sized(sf_rec_sockio { io, tuple: tuple(true, peer) }, b""))
            }
            Step::Open { cpu, wait, pid, tid, fd, file, kind } => {
                let op = [SF_OP_OPEN, SF_OP_DESCRIBE_FILE, SF_OP_ANON, SF_OP_OPEN]
                    [usize::from(kind % 4)];
                let h = self.hdr(wait, pid, tid, op, 0);
                let mode = if kind == 2 { 0 } else { libc::S_IFREG };
                let name = format!("/f{}", (file + kind) % 3);
                let ret = if kind == 3 && fd == 3 { -libc::ENOENT } else { fd.into() };
                let path_len = name.len() as u16;
                let record = sf_rec_file {
                    h,
                    file: file_of(file),
                    mode,
                    fd: fd.into(),
                    ret,
                    path_len,
                    ..sf_rec_file::default()
                };
                (cpu, sized(record, name.as_bytes()))
            }
            Step::Socket { cpu, wait, pid, fd, file, kind } => {
                let op = [
                    SF_OP_CONNECT,
                    SF_OP_ACCEPT,
                    SF_OP_SHUTDOWN,
                    SF_OP_SOCKET,
                    SF_OP_DESCRIBE_SOCKET,
                    SF_OP_LISTEN,
                    SF_OP_BIND,
                    SF_OP_SOCKETPAIR,
                    SF_OP_CONNECT,
                ][usize::from(kind)];
                let h = self.hdr(wait, pid, 0, op, 0);
                let tuple = tuple(kind % 3 == 0, kind % 2);
                (
                    cpu,
                    sized(
                        sf_rec_sock {
                            h,
                            file: file_of(file),
                            fd: fd.into(),
                            tuple,
                            listen_fd: 3,
                            ..sf_rec_sock::default()
                        },
                        b"",
                    ),
                )
            }
            Step::Close { cpu, wait, pid, tid, fd } => {
                let h = self.hdr(wait, pid, tid, SF_OP_CLOSE, 0);
                (cpu, sized(sf_rec_fd { h, file: 0, fd: fd.into(), ret: 0 }, b""))
            }
            Step::Dup { cpu, wait, pid, fd, new, file, kind } => {
                let op = [SF_OP_DUP, SF_OP_PIPE, SF_OP_MMAP][usize::from(kind)];
                let h = self.hdr(wait, pid, 0, op, 0);
                let record = sf_rec_fd { h, file: file_of(file), fd: fd.into(), ret: new.into() };
                let bytes = if op == SF_OP_MMAP {
                    sized(sf_rec_mmap { fd: record, ..sf_rec_mmap::default() }, b"")
                } else {
                    sized(record, b"")
                };
                (cpu, bytes)
            }
            Step::Fork { cpu, wait, pid, child } => {
                let h = self.hdr(wait, pid, 0, SF_OP_FORK, 0);
                let child_pid = pid_of(child);
                (
                    cpu,
                    sized(
                        sf_rec_fork {
                            h,
                            start: h.ts,
                            child_pid,
                            child_tid: child_pid,
                            ppid: h.pid,
                            ..sf_rec_fork::default()
                        },
                        b"",
                    ),
                )
            }
            Step::Exec { cpu, wait, pid } => {
                let h = self.hdr(wait, pid, 0, SF_OP_EXEC, 0);
                (
                    cpu,
                    sized(
                        sf_rec_exec {
                            h,
                            start: 7,
                            ppid: 101,
                            exe_len: 4,
                            args_len: 4,
                            ..sf_rec_exec::default()
                        },
                        b"/exea\0b\0",
                    ),
                )
            }
            Step::Exit { cpu, wait, pid, tid, last } => {
                let h = self.hdr(wait, pid, tid, SF_OP_EXIT, 0);
                (
                    cpu,
                    sized(
                        sf_rec_exit {
                            h,
                            flags: if last { SF_EXIT_LAST } else { 0 },
                            ..sf_rec_exit::default()
                        },
                        b"",
                    ),
                )
            }
            Step::Call { cpu, wait, pid, op, first, last } => {
                let op =
                    [SF_OP_CLOSE_RANGE, SF_OP_SETUID, SF_OP_CLONE, SF_OP_SETNS][usize::from(op)];
                let h = self.hdr(wait, pid, 0, op, if first == 0 { SF_F_STATE } else { 0 });
                (cpu, sized(sf_rec_call { h, ret: 0, arg: [first.into(), last.into(), 0] }, b""))
            }
            Step::Path { cpu, wait, pid, op } => {
                let op = [SF_OP_UNLINK, SF_OP_MKDIR, SF_OP_RENAME, SF_OP_CHDIR][usize::from(op)];
                let h = self.hdr(wait, pid, 0, op, 0);
                (cpu, sized(sf_rec_path { h, len: [3, 3], ..sf_rec_path::default() }, b"/f1/f2"))
            }
            Step::Odd { cpu, wait, pid, op } => {
                let op = [200, SF_OP_OPEN, SF_OP_READ, SF_OP_CLOSE][usize::from(op)];
                let h = self.hdr(wait, pid, 0, op, 0);
                (cpu, sized(h, b""))
            }
            Step::Back { by } => {
                self.now -= u64::from(by);
                return None;
            }
            Step::Drain { .. } | Step::Tick { .. } | Step::File => return None,
        })
    }
}

/// A record's bytes: its fixed part and its strings, padded, with their length.
fn sized(fixed: impl Plain, strings: &[u8]) -> Vec<u8> {
    let mut bytes = fixed.bytes().to_vec();
    bytes.extend_from_slice(strings);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let len = bytes.len() as u16;
    bytes[20..22].copy_from_slice(&len.to_ne_bytes());
    bytes
}
