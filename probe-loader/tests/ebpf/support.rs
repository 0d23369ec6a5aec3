// SPDX-License-Identifier: Apache-2.0
//! Captures around a child process, and what its records are asked.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicI64, Ordering};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

use probe_loader::abi::{self, sf_rec_file, sf_rec_io, sf_rec_sock};
use probe_loader::driver::{Choice, Options};
use probe_loader::{Counters, Driver, Record};

/// Large enough for whatever else the machine does during a test.
const RING: usize = 16 << 20;

/// Opens the driver, or says why the test is skipped.
pub(crate) fn driver(ring_size: usize) -> Option<Driver> {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: needs root");
        return None;
    }
    if !std::path::Path::new("/sys/kernel/btf/vmlinux").exists() {
        eprintln!("skipped: the kernel has no BTF");
        return None;
    }
    match Driver::open(Choice::Ebpf, &Options { ring_size }) {
        Ok(driver) => Some(driver),
        Err(error) => panic!("{error}"),
    }
}

/// Numbers that a child reports: memory that it shares with its parent.
#[derive(Clone, Copy)]
pub(crate) struct Board(&'static [AtomicI64; 32]);

impl Board {
    pub(crate) fn new() -> Self {
        let len = NonZeroUsize::new(4096).expect("not zero");
        let prot = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: fresh anonymous memory; never unmapped, hence 'static.
        let page = unsafe { mmap_anonymous(None, len, prot, MapFlags::MAP_SHARED) };
        // SAFETY: zeroed, aligned to a page and larger than the array.
        Self(unsafe { page.expect("memory").cast().as_ref() })
    }

    pub(crate) fn put(self, at: usize, value: impl Into<i64>) {
        self.0[at].store(value.into(), Ordering::SeqCst);
    }

    pub(crate) fn get(self, at: usize) -> i64 {
        self.0[at].load(Ordering::SeqCst)
    }

    pub(crate) fn fd(self, at: usize) -> i32 {
        i32::try_from(self.get(at)).expect("a descriptor")
    }
}

/// Forks a child that runs `work` on one CPU and ends.
pub(crate) fn spawn(board: Board, work: impl FnOnce(Board)) -> Pid {
    // SAFETY: the child uses nothing that another thread of the parent could
    // hold but malloc, whose locks glibc takes care of at fork, and leaves by
    // _exit without running the parent's destructors.
    match unsafe { fork() }.expect("fork") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            let run = std::panic::AssertUnwindSafe(|| {
                let mut cpu = CpuSet::new();
                cpu.set(0).expect("cpu 0");
                sched_setaffinity(Pid::from_raw(0), &cpu).expect("affinity");
                work(board);
            });
            let code = i32::from(std::panic::catch_unwind(run).is_err());
            // SAFETY: ends the process; nothing runs after it.
            unsafe { libc::_exit(code) }
        }
    }
}

/// A record, copied out of its ring.
pub(crate) struct Owned(Vec<u64>);

impl Owned {
    fn new(bytes: &[u8]) -> Self {
        let words = bytes.chunks_exact(8).map(|c| u64::from_ne_bytes(c.try_into().expect("8")));
        Self(words.collect())
    }

    pub(crate) fn get(&self) -> Record<'_> {
        // SAFETY: a vector of u64 read as the bytes that it was made from.
        let bytes =
            unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<u8>(), self.0.len() * 8) };
        Record::decode(bytes).expect("a sound record")
    }

    pub(crate) fn op(&self) -> u32 {
        u32::from(self.get().header().op)
    }

    pub(crate) fn flags(&self) -> u32 {
        u32::from(self.get().header().flags)
    }
}

/// What a capture gave.
pub(crate) struct Captured {
    pub(crate) pid: u32,
    pub(crate) board: Board,
    pub(crate) all: Vec<Owned>,
    pub(crate) counters: Counters,
}

/// Reads what is in the rings, in the order of time.
pub(crate) fn drain(driver: &mut Driver) -> Vec<Owned> {
    let mut all = Vec::new();
    for ring in driver.rings() {
        ring.refresh();
        while let Some(bytes) = ring.peek() {
            all.push(Owned::new(bytes));
            ring.advance();
        }
        ring.release();
        assert_eq!(ring.damaged(), 0);
    }
    all.sort_by_key(|record| record.get().header().ts);
    all
}

/// Captures while a child runs `work`; `None` when the test is skipped.
pub(crate) fn capture(work: impl FnOnce(Board)) -> Option<Captured> {
    let mut driver = driver(RING)?;
    let board = Board::new();
    driver.start().expect("attach");
    let child = spawn(board, work);
    let status = waitpid(child, None).expect("wait");
    driver.stop().expect("detach");
    assert_eq!(status, WaitStatus::Exited(child, 0), "the child's own checks");
    let all = drain(&mut driver);
    let counters = driver.counters().into_iter().fold(Counters::default(), |sum, c| sum + c);
    assert!(counters.balanced(), "{counters:?}");
    assert_eq!(counters.total_lost(), 0, "{counters:?}");
    assert_eq!(all.len() as u64, counters.delivered.iter().sum::<u64>());
    let pid = u32::try_from(child.as_raw()).expect("a pid");
    Some(Captured { pid, board, all, counters })
}

impl Captured {
    /// Records of the child process.
    pub(crate) fn child(&self) -> impl Iterator<Item = &Owned> {
        self.all.iter().filter(|record| record.get().header().pid == self.pid)
    }

    /// File records of the child with this operation and path.
    pub(crate) fn files(&self, op: u32, path: &str) -> Vec<(&sf_rec_file, u32)> {
        let fits = |record: &'_ &Owned| record.op() == op;
        let with_path = |record: &'_ Owned| match record.get() {
            Record::File(_, p) => p == path.as_bytes(),
            _ => false,
        };
        self.child()
            .filter(fits)
            .filter(|record| with_path(record))
            .filter_map(|record| match record.get() {
                Record::File(file, _) => Some((file, record.flags())),
                _ => None,
            })
            .collect()
    }

    /// The one file record with this operation and path.
    pub(crate) fn file(&self, op: u32, path: &str) -> (&sf_rec_file, u32) {
        let found = self.files(op, path);
        assert_eq!(found.len(), 1, "operation {op} on {path}: {:?}", self.paths(op));
        found[0]
    }

    fn paths(&self, op: u32) -> Vec<String> {
        self.child()
            .filter(|record| record.op() == op)
            .filter_map(|record| match record.get() {
                Record::File(_, path) => Some(String::from_utf8_lossy(path).into_owned()),
                _ => None,
            })
            .collect()
    }

    /// Plain I/O records of the child with this operation and descriptor.
    pub(crate) fn io(&self, op: u32, fd: i32) -> Vec<&sf_rec_io> {
        self.child()
            .filter(|record| record.op() == op)
            .filter_map(|record| match record.get() {
                Record::Io(io) if io.fd == fd => Some(io),
                _ => None,
            })
            .collect()
    }

    /// Socket records of the child with this operation and descriptor.
    pub(crate) fn socks(&self, op: u32, fd: i32) -> Vec<(&sf_rec_sock, &[u8], u32)> {
        self.child()
            .filter(|record| record.op() == op)
            .filter_map(|record| match record.get() {
                Record::Sock(sock, path) if sock.fd == fd => Some((sock, path, record.flags())),
                _ => None,
            })
            .collect()
    }

    /// Datagram records of the child with this operation and descriptor.
    pub(crate) fn dgrams(&self, op: u32, fd: i32) -> Vec<(&abi::sf_rec_sockio, u32)> {
        self.child()
            .filter(|record| record.op() == op)
            .filter_map(|record| match record.get() {
                Record::SockIo(io) if io.io.fd == fd => Some((io, record.flags())),
                _ => None,
            })
            .collect()
    }
}
