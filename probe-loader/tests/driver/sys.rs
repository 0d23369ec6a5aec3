// SPDX-License-Identifier: Apache-2.0
//! System calls by number, where the test means that call and no other that a
//! library would choose.

use std::ffi::CStr;
use std::io;
use std::os::fd::RawFd;

/// Makes a system call; a pointer among the arguments is the caller's care.
pub(crate) fn call<const N: usize>(nr: libc::c_long, args: [usize; N]) -> io::Result<usize> {
    let mut six = [0; 6];
    six[..N].copy_from_slice(&args);
    let [a, b, c, d, e, f] = six;
    // SAFETY: the functions below pass addresses of memory that they borrow
    // for the call, of the length that the call is told.
    let ret = unsafe { libc::syscall(nr, a, b, c, d, e, f) };
    usize::try_from(ret).map_err(|_| io::Error::last_os_error())
}

pub(crate) fn open(path: &CStr, flags: i32, mode: u32) -> io::Result<RawFd> {
    call(libc::SYS_open, [path.as_ptr() as usize, flags as usize, mode as usize])
        .map(|fd| fd as RawFd)
}

pub(crate) fn openat(dir: RawFd, path: &CStr, flags: i32) -> io::Result<RawFd> {
    call(libc::SYS_openat, [dir as usize, path.as_ptr() as usize, flags as usize, 0])
        .map(|fd| fd as RawFd)
}

pub(crate) fn openat2(dir: RawFd, path: &CStr, flags: u64) -> io::Result<RawFd> {
    let how = [flags, 0, 0];
    let size = size_of_val(&how);
    call(libc::SYS_openat2, [dir as usize, path.as_ptr() as usize, how.as_ptr() as usize, size])
        .map(|fd| fd as RawFd)
}

pub(crate) fn creat(path: &CStr, mode: u32) -> io::Result<RawFd> {
    call(libc::SYS_creat, [path.as_ptr() as usize, mode as usize]).map(|fd| fd as RawFd)
}

pub(crate) fn read(fd: RawFd, buf: &mut [u8]) -> io::Result<usize> {
    call(libc::SYS_read, [fd as usize, buf.as_mut_ptr() as usize, buf.len()])
}

pub(crate) fn write(fd: RawFd, buf: &[u8]) -> io::Result<usize> {
    call(libc::SYS_write, [fd as usize, buf.as_ptr() as usize, buf.len()])
}

pub(crate) fn pread(fd: RawFd, buf: &mut [u8], at: u64) -> io::Result<usize> {
    call(libc::SYS_pread64, [fd as usize, buf.as_mut_ptr() as usize, buf.len(), at as usize])
}

pub(crate) fn close(fd: RawFd) -> io::Result<usize> {
    call(libc::SYS_close, [fd as usize])
}

/// A call whose arguments are plain numbers, and so is its result.
pub(crate) fn numbers(nr: libc::c_long, args: &[i32]) -> io::Result<i32> {
    let mut six = [0; 6];
    for (six, arg) in six.iter_mut().zip(args) {
        *six = *arg as usize;
    }
    call(nr, six).map(|n| n as i32)
}

/// An argument of [`any`].
#[derive(Clone, Copy)]
pub(crate) enum Arg<'a> {
    Number(i64),
    Text(&'a CStr),
}

/// A call that is given numbers and reads text. A number that stands where the
/// call takes an address is none of this program's.
pub(crate) fn any(nr: libc::c_long, args: &[Arg<'_>]) -> io::Result<usize> {
    let mut six = [0; 6];
    for (six, arg) in six.iter_mut().zip(args) {
        *six = match arg {
            Arg::Number(number) => *number as usize,
            Arg::Text(text) => text.as_ptr() as usize,
        };
    }
    call(nr, six)
}

pub(crate) fn pipe() -> (RawFd, RawFd) {
    let mut ends = [0 as RawFd; 2];
    call(libc::SYS_pipe2, [ends.as_mut_ptr() as usize, 0]).expect("pipe2");
    (ends[0], ends[1])
}

/// pipe(2) itself.
pub(crate) fn old_pipe() -> (RawFd, RawFd) {
    let mut ends = [0 as RawFd; 2];
    call(libc::SYS_pipe, [ends.as_mut_ptr() as usize]).expect("pipe");
    (ends[0], ends[1])
}

/// A call whose first argument is a descriptor and second the address of
/// memory that is read: `vmsplice(2)`.
pub(crate) fn vmsplice(fd: RawFd, data: &mut [u8]) -> io::Result<usize> {
    let part = libc::iovec { iov_base: data.as_mut_ptr().cast(), iov_len: data.len() };
    call(libc::SYS_vmsplice, [fd as usize, &raw const part as usize, 1, 0])
}

/// `name_to_handle_at(2)` of a path, then `open_by_handle_at(2)`.
pub(crate) fn open_by_handle(dir: RawFd, path: &CStr, flags: i32) -> io::Result<RawFd> {
    // struct file_handle: length, type, then up to MAX_HANDLE_SZ bytes.
    let mut handle = [0_u32; 34];
    handle[0] = 128;
    let mut mount = 0_i32;
    let at = handle.as_mut_ptr() as usize;
    let args = [dir as usize, path.as_ptr() as usize, at, &raw mut mount as usize, 0];
    call(libc::SYS_name_to_handle_at, args)?;
    call(libc::SYS_open_by_handle_at, [dir as usize, at, flags as usize]).map(|fd| fd as RawFd)
}

pub(crate) fn eventfd() -> RawFd {
    call(libc::SYS_eventfd2, [0, 0]).expect("eventfd2") as RawFd
}

pub(crate) fn socket(family: i32, kind: i32) -> io::Result<RawFd> {
    call(libc::SYS_socket, [family as usize, kind as usize, 0]).map(|fd| fd as RawFd)
}

pub(crate) fn accept(fd: RawFd) -> io::Result<RawFd> {
    call(libc::SYS_accept, [fd as usize, 0, 0]).map(|fd| fd as RawFd)
}

pub(crate) fn connect(fd: RawFd, addr: &[u8]) -> io::Result<usize> {
    call(libc::SYS_connect, [fd as usize, addr.as_ptr() as usize, addr.len()])
}

pub(crate) fn sendto(fd: RawFd, buf: &[u8], addr: &[u8]) -> io::Result<usize> {
    let to = if addr.is_empty() { 0 } else { addr.as_ptr() as usize };
    call(libc::SYS_sendto, [fd as usize, buf.as_ptr() as usize, buf.len(), 0, to, addr.len()])
}

pub(crate) fn recvfrom(
    fd: RawFd,
    buf: &mut [u8],
    addr: Option<&mut [u8; 28]>,
) -> io::Result<usize> {
    let mut len = 28_u32;
    let (to, to_len) = match addr {
        Some(addr) => (addr.as_mut_ptr() as usize, &raw mut len as usize),
        None => (0, 0),
    };
    call(libc::SYS_recvfrom, [fd as usize, buf.as_mut_ptr() as usize, buf.len(), 0, to, to_len])
}

/// A message of `sendmmsg`/`recvmmsg`: its bytes, and its address or none.
pub(crate) struct Message {
    pub(crate) data: Vec<u8>,
    pub(crate) addr: Vec<u8>,
}

fn mmsg(nr: libc::c_long, fd: RawFd, messages: &mut [Message]) -> io::Result<usize> {
    let mut parts: Vec<libc::iovec> = messages
        .iter_mut()
        .map(|m| libc::iovec { iov_base: m.data.as_mut_ptr().cast(), iov_len: m.data.len() })
        .collect();
    // SAFETY: plain C structures, for which all zero is a value.
    let mut headers: Vec<libc::mmsghdr> = vec![unsafe { std::mem::zeroed() }; parts.len()];
    for ((header, part), message) in headers.iter_mut().zip(&mut parts).zip(messages) {
        header.msg_hdr.msg_iov = part;
        header.msg_hdr.msg_iovlen = 1;
        if !message.addr.is_empty() {
            header.msg_hdr.msg_name = message.addr.as_mut_ptr().cast();
            header.msg_hdr.msg_namelen = message.addr.len() as u32;
        }
    }
    call(nr, [fd as usize, headers.as_mut_ptr() as usize, headers.len(), 0, 0])
}

pub(crate) fn sendmmsg(fd: RawFd, messages: &mut [Message]) -> io::Result<usize> {
    mmsg(libc::SYS_sendmmsg, fd, messages)
}

pub(crate) fn recvmmsg(fd: RawFd, messages: &mut [Message]) -> io::Result<usize> {
    mmsg(libc::SYS_recvmmsg, fd, messages)
}

pub(crate) fn sendmsg(fd: RawFd, data: &mut [u8], addr: &mut [u8]) -> io::Result<usize> {
    let mut part = libc::iovec { iov_base: data.as_mut_ptr().cast(), iov_len: data.len() };
    // SAFETY: a plain C structure, for which all zero is a value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_name = addr.as_mut_ptr().cast();
    header.msg_namelen = addr.len() as u32;
    call(libc::SYS_sendmsg, [fd as usize, &raw mut header as usize, 0])
}

/// Ends the thread group at once, without what a library would do before.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: takes a number and does not return.
    unsafe { libc::_exit(code) }
}

pub(crate) fn gettid() -> u32 {
    call(libc::SYS_gettid, []).expect("gettid") as u32
}

/// fork(2) itself, not the clone(2) that a library would use. The process has
/// one thread.
pub(crate) fn fork() -> u32 {
    call(libc::SYS_fork, []).expect("fork") as u32
}

/// execve(2) that is expected to fail or not to return.
pub(crate) fn execve(path: &CStr, args: &[&CStr], env: &[&CStr]) -> io::Error {
    let list = |of: &[&CStr]| -> Vec<*const libc::c_char> {
        of.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (args, env) = (list(args), list(env));
    call(libc::SYS_execve, [path.as_ptr() as usize, args.as_ptr() as usize, env.as_ptr() as usize])
        .expect_err("execve returned")
}

/// A system call through the 32-bit entry of the kernel, by its number in the
/// 32-bit table. Addresses among the arguments come from [`Low`].
#[cfg(target_arch = "x86_64")]
pub(crate) fn call_32bit<const N: usize>(nr: u32, args: [u32; N]) -> i32 {
    let mut six = [0; 6];
    six[..N].copy_from_slice(&args);
    let ret: i32;
    // SAFETY: the arguments are as `nr` wants them. The entry clobbers r8 to
    // r11 on some kernels; rbx and rbp, which the compiler keeps for itself,
    // are restored.
    unsafe {
        std::arch::asm!(
            "push rbx",
            "push rbp",
            "mov ebx, [r12]",
            "mov ecx, [r12 + 4]",
            "mov edx, [r12 + 8]",
            "mov esi, [r12 + 12]",
            "mov edi, [r12 + 16]",
            "mov ebp, [r12 + 20]",
            "int 0x80",
            "pop rbp",
            "pop rbx",
            in("r12") six.as_ptr(),
            inlateout("eax") nr as i32 => ret,
            out("ecx") _, out("edx") _, out("esi") _, out("edi") _,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    ret
}

/// Memory at addresses of 32 bits, given out piece by piece and never back.
pub(crate) struct Low {
    next: usize,
    end: usize,
}

impl Low {
    pub(crate) fn new() -> Self {
        const SIZE: usize = 1 << 16;
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT | libc::MAP_POPULATE;
        // SAFETY: a fresh mapping where the kernel likes it.
        let at = unsafe { libc::mmap(std::ptr::null_mut(), SIZE, prot, flags, -1, 0) };
        assert_ne!(at, libc::MAP_FAILED, "memory below 2 GiB");
        Self { next: at as usize, end: at as usize + SIZE }
    }

    /// The address of a copy of `bytes`.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> u32 {
        let at = self.next;
        self.next += bytes.len().next_multiple_of(8);
        assert!(self.next <= self.end);
        // SAFETY: the bytes at `at` are in the mapping, and given out once.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), at as *mut u8, bytes.len()) };
        at as u32
    }

    /// The address of a copy of `words`.
    pub(crate) fn words(&mut self, words: &[u32]) -> u32 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        self.put(&bytes)
    }

    /// The word that the kernel has left at `at`.
    pub(crate) fn word(at: u32) -> u32 {
        // SAFETY: only asked for addresses that this type gave out.
        unsafe { std::ptr::read_volatile(at as usize as *const u32) }
    }
}
