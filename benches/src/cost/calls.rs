// SPDX-License-Identifier: Apache-2.0
//! The calls that are measured.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::RawFd;

use crate::workload::{child, sys};

/// A kind of call, or of a few that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `getppid`: of no interest to the driver.
    Getppid,
    /// `read` of 1 byte of `/dev/zero`.
    Read,
    /// `write` of 1 byte to `/dev/null`.
    Write,
    /// `openat` of `/usr/bin/env`, and `close`.
    OpenClose,
    /// `socket`, `connect` of a datagram socket on loopback, `close`.
    ConnectClose,
    /// A byte to another process on the same CPU and back, through two pipes:
    /// two reads, two writes and two switches.
    PingPong,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Getppid,
        Self::Read,
        Self::Write,
        Self::OpenClose,
        Self::ConnectClose,
        Self::PingPong,
    ];

    /// As it is shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Getppid => "getppid",
            Self::Read => "read 1 byte",
            Self::Write => "write 1 byte",
            Self::OpenClose => "open+close",
            Self::ConnectClose => "socket+connect+close",
            Self::PingPong => "pipe ping-pong",
        }
    }
}

/// What the calls work on.
pub struct Stage {
    zero: RawFd,
    null: RawFd,
    peer: SocketAddr,
    /// Where a byte goes out, and where it comes back.
    ping: (RawFd, RawFd),
}

impl Stage {
    /// Opens everything and starts the partner of the ping-pong.
    ///
    /// # Errors
    /// The system's.
    pub fn set() -> io::Result<Self> {
        let ((there_in, there_out), (back_in, back_out)) = (pipe()?, pipe()?);
        child::fork(|| {
            child::die_with_parent();
            sys::close(there_out)?;
            let mut byte = [0];
            while sys::read(there_in, &mut byte)? == 1 {
                sys::write(back_out, &byte)?;
            }
            Ok(0)
        })?;
        Ok(Self {
            zero: sys::open(c"/dev/zero", libc::O_RDONLY, 0)?,
            null: sys::open(c"/dev/null", libc::O_WRONLY, 0)?,
            peer: (Ipv4Addr::LOCALHOST, 9).into(),
            ping: (there_out, back_in),
        })
    }

    /// Makes a call so many times.
    ///
    /// # Errors
    /// The system's.
    pub fn make(&self, call: Call, count: u64) -> io::Result<()> {
        let mut byte = [0];
        for _ in 0..count {
            match call {
                Call::Getppid => {
                    std::hint::black_box(sys::getppid());
                }
                Call::Read => {
                    sys::read(self.zero, &mut byte)?;
                }
                Call::Write => {
                    sys::write(self.null, &byte)?;
                }
                Call::OpenClose => sys::close(sys::open(c"/usr/bin/env", libc::O_RDONLY, 0)?)?,
                Call::ConnectClose => {
                    let fd = sys::socket(self.peer, libc::SOCK_DGRAM)?;
                    sys::connect(fd, self.peer)?;
                    sys::close(fd)?;
                }
                Call::PingPong => {
                    sys::write(self.ping.0, &byte)?;
                    sys::read(self.ping.1, &mut byte)?;
                }
            }
        }
        Ok(())
    }
}

/// The reading end and the writing end.
///
/// # Errors
/// The system's.
pub(super) fn pipe() -> io::Result<(RawFd, RawFd)> {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors.
    match unsafe { libc::pipe(ends.as_mut_ptr()) } {
        0 => Ok((ends[0], ends[1])),
        _ => Err(io::Error::last_os_error()),
    }
}
