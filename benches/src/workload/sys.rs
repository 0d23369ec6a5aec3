// SPDX-License-Identifier: Apache-2.0
//! One function is one system call, made once.
//!
//! Descriptors are plain numbers here, on purpose: a capture tells numbers,
//! and nothing may be closed that the workload does not close itself.

use std::ffi::CStr;
use std::io;
use std::mem::{size_of, zeroed};
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::RawFd;

use libc::{c_int, c_void};

/// Turns -1 into the error that `errno` names.
fn check(ret: isize) -> io::Result<usize> {
    usize::try_from(ret).map_err(|_| io::Error::last_os_error())
}

fn check_int(ret: c_int) -> io::Result<c_int> {
    check(ret as isize).map(|_| ret)
}

/// `openat(AT_FDCWD, path, flags, mode)`.
///
/// # Errors
/// The system's.
pub fn open(path: &CStr, flags: c_int, mode: u32) -> io::Result<RawFd> {
    // SAFETY: the path is terminated and outlives the call.
    check_int(unsafe { libc::openat(libc::AT_FDCWD, path.as_ptr(), flags, mode) })
}

/// `creat(path, mode)`.
///
/// # Errors
/// The system's.
pub fn creat(path: &CStr, mode: u32) -> io::Result<RawFd> {
    // SAFETY: the path is terminated and outlives the call.
    check_int(unsafe { libc::creat(path.as_ptr(), mode) })
}

/// `openat2(AT_FDCWD, path, {flags})`.
///
/// # Errors
/// The system's; `ENOSYS` before Linux 5.6.
pub fn openat2(path: &CStr, flags: c_int) -> io::Result<RawFd> {
    // SAFETY: plain integers, for which zero is valid.
    let mut how: libc::open_how = unsafe { zeroed() };
    how.flags = u64::from(flags.cast_unsigned());
    let (how, size) = (&raw const how, size_of::<libc::open_how>());
    // SAFETY: path and structure outlive the call, the size is the structure's.
    let ret = unsafe { libc::syscall(libc::SYS_openat2, libc::AT_FDCWD, path.as_ptr(), how, size) };
    check_int(ret as c_int)
}

/// `close(fd)`.
///
/// # Errors
/// The system's.
pub fn close(fd: RawFd) -> io::Result<()> {
    // SAFETY: the caller's own descriptor; nothing in this program owns one
    // that is not a number.
    check_int(unsafe { libc::close(fd) }).map(drop)
}

/// `read(fd, buf)`.
///
/// # Errors
/// The system's.
pub fn read(fd: RawFd, buf: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the buffer is valid for its length.
    check(unsafe { libc::read(fd, buf.as_mut_ptr().cast(), buf.len()) })
}

/// `write(fd, buf)`.
///
/// # Errors
/// The system's.
pub fn write(fd: RawFd, buf: &[u8]) -> io::Result<usize> {
    // SAFETY: the buffer is valid for its length.
    check(unsafe { libc::write(fd, buf.as_ptr().cast(), buf.len()) })
}

/// `pread64(fd, buf, at)`.
///
/// # Errors
/// The system's.
pub fn pread(fd: RawFd, buf: &mut [u8], at: i64) -> io::Result<usize> {
    // SAFETY: the buffer is valid for its length.
    check(unsafe { libc::pread64(fd, buf.as_mut_ptr().cast(), buf.len(), at) })
}

/// `pwrite64(fd, buf, at)`.
///
/// # Errors
/// The system's.
pub fn pwrite(fd: RawFd, buf: &[u8], at: i64) -> io::Result<usize> {
    // SAFETY: the buffer is valid for its length.
    check(unsafe { libc::pwrite64(fd, buf.as_ptr().cast(), buf.len(), at) })
}

/// The vectored calls, which differ in number only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vector {
    /// `readv`, `writev`: at the file's position.
    Plain,
    /// `preadv`, `pwritev`: at offset 0.
    At,
    /// `preadv2`, `pwritev2`: at offset 0, no flags.
    AtFlags,
}

impl Vector {
    fn call(self, numbers: [libc::c_long; 3], fd: RawFd, iov: &[libc::iovec]) -> io::Result<usize> {
        let (ptr, count) = (iov.as_ptr(), iov.len());
        let number = numbers[self as usize];
        // SAFETY: every iovec was made from a slice that outlives the call.
        // The kernel ignores the arguments that a call does not have.
        check(unsafe { libc::syscall(number, fd, ptr, count, 0, 0, 0) } as isize)
    }

    /// Reads into two buffers with one call.
    ///
    /// # Errors
    /// The system's.
    pub fn read(self, fd: RawFd, bufs: [&mut [u8]; 2]) -> io::Result<usize> {
        let iov = bufs.map(|b| libc::iovec { iov_base: b.as_mut_ptr().cast(), iov_len: b.len() });
        self.call([libc::SYS_readv, libc::SYS_preadv, libc::SYS_preadv2], fd, &iov)
    }

    /// Writes two buffers with one call.
    ///
    /// # Errors
    /// The system's.
    pub fn write(self, fd: RawFd, bufs: [&[u8]; 2]) -> io::Result<usize> {
        let iov = bufs.map(|b| libc::iovec {
            iov_base: b.as_ptr().cast_mut().cast::<c_void>(),
            iov_len: b.len(),
        });
        self.call([libc::SYS_writev, libc::SYS_pwritev, libc::SYS_pwritev2], fd, &iov)
    }
}

/// `lseek(fd, 0, SEEK_SET)`.
///
/// # Errors
/// The system's.
pub fn rewind(fd: RawFd) -> io::Result<()> {
    // SAFETY: no memory is involved.
    check(unsafe { libc::lseek(fd, 0, libc::SEEK_SET) } as isize).map(drop)
}

/// `gettid()`.
#[must_use]
pub fn gettid() -> i32 {
    // SAFETY: no argument, cannot fail.
    unsafe { libc::gettid() }
}

/// `getppid()`.
#[must_use]
pub fn getppid() -> i32 {
    // SAFETY: no argument, cannot fail.
    unsafe { libc::getppid() }
}

/// Real user and group id.
#[must_use]
pub fn ids() -> (u32, u32) {
    // SAFETY: no argument, cannot fail.
    unsafe { (libc::getuid(), libc::getgid()) }
}

/// `sched_yield()`.
pub fn relax() {
    std::thread::yield_now();
}

/// A socket address in the kernel's layout.
pub struct Address {
    storage: libc::sockaddr_storage,
    len: libc::socklen_t,
}

impl Address {
    fn empty() -> Self {
        // SAFETY: plain integers, for which zero is valid.
        let storage = unsafe { zeroed() };
        Self { storage, len: size_of::<libc::sockaddr_storage>() as libc::socklen_t }
    }

    /// From the standard library's type.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        let mut this = Self::empty();
        let base = &raw mut this.storage;
        this.len = match address {
            SocketAddr::V4(v4) => {
                // SAFETY: sockaddr_storage has room and alignment for it.
                let sin = unsafe { &mut *base.cast::<libc::sockaddr_in>() };
                sin.sin_family = libc::AF_INET as libc::sa_family_t;
                sin.sin_port = v4.port().to_be();
                sin.sin_addr.s_addr = u32::from_ne_bytes(v4.ip().octets());
                size_of::<libc::sockaddr_in>() as libc::socklen_t
            }
            SocketAddr::V6(v6) => {
                // SAFETY: as above.
                let sin6 = unsafe { &mut *base.cast::<libc::sockaddr_in6>() };
                sin6.sin6_family = libc::AF_INET6 as libc::sa_family_t;
                sin6.sin6_port = v6.port().to_be();
                sin6.sin6_addr.s6_addr = v6.ip().octets();
                size_of::<libc::sockaddr_in6>() as libc::socklen_t
            }
        };
        this
    }

    fn get(&self) -> SocketAddr {
        let base = &raw const self.storage;
        if c_int::from(self.storage.ss_family) == libc::AF_INET6 {
            // SAFETY: the family says which it is.
            let sin6 = unsafe { &*base.cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(sin6.sin6_addr.s6_addr);
            SocketAddrV6::new(ip, u16::from_be(sin6.sin6_port), 0, 0).into()
        } else {
            // SAFETY: as above; the program uses no third family.
            let sin = unsafe { &*base.cast::<libc::sockaddr_in>() };
            let ip = sin.sin_addr.s_addr.to_ne_bytes().into();
            SocketAddrV4::new(ip, u16::from_be(sin.sin_port)).into()
        }
    }
}

/// `socket(family of like, kind, 0)`, close-on-exec.
///
/// # Errors
/// The system's.
pub fn socket(like: SocketAddr, kind: c_int) -> io::Result<RawFd> {
    let family = if like.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET };
    // SAFETY: no memory is involved.
    check_int(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, 0) })
}

/// `bind(fd, address)`, and `listen` if it is a stream socket's.
///
/// # Errors
/// The system's.
pub fn bind(fd: RawFd, address: SocketAddr) -> io::Result<()> {
    let a = Address::new(address);
    // SAFETY: the address is valid for the length given.
    check_int(unsafe { libc::bind(fd, (&raw const a.storage).cast(), a.len) }).map(drop)
}

/// `listen(fd, 16)`.
///
/// # Errors
/// The system's.
pub fn listen(fd: RawFd) -> io::Result<()> {
    // SAFETY: no memory is involved.
    check_int(unsafe { libc::listen(fd, 16) }).map(drop)
}

/// `getsockname(fd)`.
///
/// # Errors
/// The system's.
pub fn local(fd: RawFd) -> io::Result<SocketAddr> {
    let mut a = Address::empty();
    // SAFETY: storage and length are valid and belong together.
    let ret = unsafe { libc::getsockname(fd, (&raw mut a.storage).cast(), &raw mut a.len) };
    check_int(ret).map(|_| a.get())
}

/// `connect(fd, address)`.
///
/// # Errors
/// The system's.
pub fn connect(fd: RawFd, address: SocketAddr) -> io::Result<()> {
    let a = Address::new(address);
    // SAFETY: the address is valid for the length given.
    check_int(unsafe { libc::connect(fd, (&raw const a.storage).cast(), a.len) }).map(drop)
}

/// `accept4(fd, SOCK_CLOEXEC)`: the new descriptor and the peer.
///
/// # Errors
/// The system's.
pub fn accept(fd: RawFd) -> io::Result<(RawFd, SocketAddr)> {
    let mut a = Address::empty();
    let (storage, len) = ((&raw mut a.storage).cast(), &raw mut a.len);
    // SAFETY: storage and length are valid and belong together.
    let ret = unsafe { libc::accept4(fd, storage, len, libc::SOCK_CLOEXEC) };
    check_int(ret).map(|new| (new, a.get()))
}

/// `sendto(fd, buf, to)`, or without address.
///
/// # Errors
/// The system's.
pub fn send(fd: RawFd, buf: &[u8], to: Option<SocketAddr>) -> io::Result<usize> {
    let a = to.map(Address::new);
    let (ptr, len) =
        a.as_ref().map_or((std::ptr::null(), 0), |a| ((&raw const a.storage).cast(), a.len));
    let flags = libc::MSG_NOSIGNAL;
    // SAFETY: buffer and address are valid for the lengths given.
    check(unsafe { libc::sendto(fd, buf.as_ptr().cast(), buf.len(), flags, ptr, len) })
}

/// `recvfrom(fd, buf, MSG_WAITALL)` without address: on a stream the whole
/// buffer in one call.
///
/// # Errors
/// The system's.
pub fn recv_all(fd: RawFd, buf: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the buffer is valid for its length.
    check(unsafe { libc::recv(fd, buf.as_mut_ptr().cast(), buf.len(), libc::MSG_WAITALL) })
}

/// `recvfrom(fd, buf)` with the sender's address.
///
/// # Errors
/// The system's.
pub fn recv_from(fd: RawFd, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    let mut a = Address::empty();
    let (ptr, len) = ((&raw mut a.storage).cast(), &raw mut a.len);
    // SAFETY: buffer, storage and length are valid and belong together.
    let got = unsafe { libc::recvfrom(fd, buf.as_mut_ptr().cast(), buf.len(), 0, ptr, len) };
    check(got).map(|got| (got, a.get()))
}

/// `sendmmsg`: each slice one datagram to the socket's peer. Messages sent.
///
/// # Errors
/// The system's.
pub fn send_many(fd: RawFd, bufs: &[&[u8]]) -> io::Result<usize> {
    let mut iov: Vec<libc::iovec> = bufs
        .iter()
        .map(|b| libc::iovec { iov_base: b.as_ptr().cast_mut().cast(), iov_len: b.len() })
        .collect();
    let mut msgs: Vec<libc::mmsghdr> = iov.iter_mut().map(message).collect();
    // SAFETY: each message names one iovec of `iov`, and that a slice of
    // `bufs`; all outlive the call.
    check(unsafe { libc::sendmmsg(fd, msgs.as_mut_ptr(), msgs.len() as u32, 0) } as isize)
}

/// `recvmmsg`: waits for `count` datagrams of up to 2048 bytes, with the
/// senders' addresses. Their lengths.
///
/// # Errors
/// The system's.
pub fn recv_many(fd: RawFd, count: usize) -> io::Result<Vec<usize>> {
    let mut room = vec![[0u8; 2048]; count];
    let mut from: Vec<Address> = (0..count).map(|_| Address::empty()).collect();
    let mut iov: Vec<libc::iovec> = room
        .iter_mut()
        .map(|b| libc::iovec { iov_base: b.as_mut_ptr().cast(), iov_len: b.len() })
        .collect();
    let mut msgs: Vec<libc::mmsghdr> = iov.iter_mut().map(message).collect();
    for (msg, from) in msgs.iter_mut().zip(&mut from) {
        msg.msg_hdr.msg_name = (&raw mut from.storage).cast();
        msg.msg_hdr.msg_namelen = from.len;
    }
    let none = std::ptr::null_mut();
    // SAFETY: as `send_many`; each message has room for an address, too.
    let got = unsafe { libc::recvmmsg(fd, msgs.as_mut_ptr(), count as u32, 0, none) };
    let got = check(got as isize)?;
    Ok(msgs[..got].iter().map(|m| m.msg_len as usize).collect())
}

fn message(iov: &mut libc::iovec) -> libc::mmsghdr {
    // SAFETY: plain integers and null pointers.
    let mut m: libc::mmsghdr = unsafe { zeroed() };
    m.msg_hdr.msg_iov = iov;
    m.msg_hdr.msg_iovlen = 1;
    m
}
