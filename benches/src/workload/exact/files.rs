// SPDX-License-Identifier: Apache-2.0
//! One file, one descriptor: 1,000 writes of 100 bytes and 500 reads of 200,
//! by two threads at once and by a child that inherited the descriptor.

use std::io;
use std::os::fd::RawFd;
use std::sync::Barrier;

use super::{Workload, c_path, whole};
use crate::workload::board::Board;
use crate::workload::report::{Owner, Sums, op, open};
use crate::workload::{child, sys};

const FD: usize = 0;
const THREAD: usize = 1;
const CHILD: usize = 2;

/// Writes and reads of the main thread, the second thread and the child:
/// together 1,000 and 500.
const MAIN: Share = Share { writes: 500, reads: 250 };
const SECOND: Share = Share { writes: 300, reads: 150 };
const INHERITOR: Share = Share { writes: 200, reads: 100 };

#[derive(Clone, Copy)]
struct Share {
    writes: i64,
    reads: i64,
}

impl Share {
    const LINE: [u8; 100] = [b'x'; 100];

    fn write(self, fd: RawFd) -> io::Result<()> {
        (0..self.writes).try_for_each(|_| whole(sys::write(fd, &Self::LINE)?, 100))
    }

    fn read(self, fd: RawFd) -> io::Result<()> {
        for _ in 0..self.reads {
            let mut buf = [0; 200];
            whole(sys::read(fd, &mut buf)?, 200)?;
            if buf != [b'x'; 200] {
                return Err(io::Error::other("the file does not hold what was written"));
            }
        }
        Ok(())
    }

    fn sums(self) -> Sums {
        Sums { read: (self.reads, self.reads * 200), write: (self.writes, self.writes * 100) }
    }
}

pub(super) fn run(w: &mut Workload) -> io::Result<()> {
    let board = Board::new()?;
    let path = w.path("data");
    let name = c_path(&path)?;
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC | libc::O_CLOEXEC;

    let pid = w.fork("files", || {
        let fd = sys::open(&name, flags, 0o644)?;
        board.post(FD, fd);
        // Writing starts at once in both threads; reading when the child has
        // written and read its share.
        let (start, rest) = (Barrier::new(2), Barrier::new(2));
        std::thread::scope(|threads| {
            let second = threads.spawn(|| {
                board.post(THREAD, sys::gettid());
                start.wait();
                let written = SECOND.write(fd);
                start.wait();
                rest.wait();
                written.and_then(|()| SECOND.read(fd))
            });
            start.wait();
            let written = MAIN.write(fd);
            start.wait();
            let inherited = inherit(board, fd);
            rest.wait();
            let read = MAIN.read(fd);
            second.join().map_err(|_| io::Error::other("the second thread panicked"))??;
            written.and(inherited).and(read)
        })?;
        sys::close(fd)?;
        Ok(0)
    })?;
    w.join(pid, 0)?;

    let fd = board.look(FD) as i32;
    let opened = open::RDWR | open::CREAT | open::TRUNC | open::CLOEXEC | open::CREATED;
    let used = op::READ | op::WRITE;
    let owner = Owner { pid, tid: pid, fd };
    w.report.file(&path, owner, op::OPEN | used | op::CLOSE, opened, MAIN.sums());
    let tid = board.look(THREAD) as i32;
    w.thread(pid, tid);
    w.report.file(&path, Owner { tid, ..owner }, used | op::TRUNCATE, 0, SECOND.sums());
    let heir = board.look(CHILD) as i32;
    w.forked("files: child", heir, pid);
    w.exited(heir, 0);
    let owner = Owner { pid: heir, tid: heir, fd };
    w.report.file(&path, owner, used | op::CLOSE, 0, INHERITOR.sums());
    Ok(())
}

/// The child's share: it writes, reads from the beginning and closes its copy
/// of the descriptor. The position that it leaves is its parent's too.
fn inherit(board: Board, fd: RawFd) -> io::Result<()> {
    let heir = child::fork(|| {
        INHERITOR.write(fd)?;
        sys::rewind(fd)?;
        INHERITOR.read(fd)?;
        sys::close(fd)?;
        Ok(0)
    })?;
    board.post(CHILD, heir);
    child::expect(heir, 0)
}
