// SPDX-License-Identifier: Apache-2.0
//! Calls that the other parts do not make: creat, openat2, the vectored and
//! positioned reads and writes, failures, a descriptor used under two names.

use std::io;

use super::{Workload, c_path, whole};
use crate::workload::board::Board;
use crate::workload::report::{Owner, Sums, op, open};
use crate::workload::sys::{self, Vector};

const CREATED: usize = 0;
const AGAIN: usize = 1;

pub(super) fn run(w: &mut Workload) -> io::Result<()> {
    let board = Board::new()?;
    let path = w.path("calls");
    let (name, missing) = (c_path(&path)?, c_path(&w.path("no such file"))?);
    let pid = w.fork("calls", || {
        let fd = sys::creat(&name, 0o600)?;
        board.post(CREATED, fd);
        whole(sys::pwrite(fd, &[1; 10], 0)?, 10)?;
        for vector in [Vector::Plain, Vector::At, Vector::AtFlags] {
            whole(vector.write(fd, [&[2; 20], &[3; 30]])?, 50)?;
        }
        // A read of a file opened for writing fails: an operation, no bytes.
        if sys::read(fd, &mut [0; 5]).is_ok() {
            return Err(io::Error::other("a read of a file opened for writing succeeded"));
        }
        sys::close(fd)?;

        let fd = sys::openat2(&name, libc::O_RDWR | libc::O_APPEND | libc::O_CLOEXEC)?;
        board.post(AGAIN, fd);
        whole(sys::pread(fd, &mut [0; 40], 0)?, 40)?;
        for vector in [Vector::Plain, Vector::At, Vector::AtFlags] {
            whole(vector.read(fd, [&mut [0; 5], &mut [0; 6]])?, 11)?;
        }
        // At the end of the file: an operation of 0 bytes.
        whole(sys::pread(fd, &mut [0; 8], 1 << 20)?, 0)?;
        whole(sys::write(fd, &[4; 7])?, 7)?;
        sys::close(fd)?;

        // A failed open leaves no flow.
        match sys::open(&missing, libc::O_RDONLY, 0) {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(0),
            _ => Err(io::Error::other("a missing file was opened")),
        }
    })?;
    w.join(pid, 0)?;

    let owner = Owner { pid, tid: pid, fd: board.look(CREATED) as i32 };
    let used = op::OPEN | op::READ | op::WRITE | op::CLOSE;
    let created = open::WRONLY | open::CREAT | open::TRUNC | open::CREATED;
    let sums = Sums { read: (1, 0), write: (4, 10 + 3 * 50) };
    w.report.file(&path, owner, used, created, sums);
    let owner = Owner { fd: board.look(AGAIN) as i32, ..owner };
    let opened = open::RDWR | open::APPEND | open::CLOEXEC;
    let sums = Sums { read: (5, 40 + 3 * 11), write: (1, 7) };
    w.report.file(&path, owner, used, opened, sums);
    Ok(())
}
