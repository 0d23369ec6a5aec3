// SPDX-License-Identifier: Apache-2.0
//! Processes of the workload: forked, and ended without a word.

use std::ffi::CString;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Exit status of a child whose body failed or panicked.
pub const FAILED: i32 = 99;

/// Forks a process that does `body` and exits with what it returns, or with
/// [`FAILED`] and a message on stderr. No destructor and no exit handler of
/// this program runs in it.
///
/// # Errors
/// When there can be no more processes.
pub fn fork(body: impl FnOnce() -> io::Result<i32>) -> io::Result<i32> {
    // SAFETY: callers fork while they have one thread, or threads that hold
    // no lock the child takes: they wait on atomics or in a system call.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            let code = match catch_unwind(AssertUnwindSafe(body)) {
                Ok(Ok(code)) => code,
                Ok(Err(error)) => {
                    eprintln!("workload: process {}: {error}", std::process::id());
                    FAILED
                }
                Err(_) => FAILED,
            };
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(code) }
        }
        pid => Ok(pid),
    }
}

/// Waits for a child: its wait status.
///
/// # Errors
/// When it is not a child, or was waited for.
pub fn wait(pid: i32) -> io::Result<i32> {
    let mut status = 0;
    // SAFETY: the status is valid for writing.
    match unsafe { libc::waitpid(pid, &raw mut status, 0) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(status),
    }
}

/// Waits for a child that must end with `code`.
///
/// # Errors
/// When it ends otherwise.
pub fn expect(pid: i32, code: i32) -> io::Result<()> {
    match wait(pid)? {
        status if status == code << 8 => Ok(()),
        status => {
            let what = format!("process {pid} ended with wait status {status:#x}");
            Err(io::Error::other(what))
        }
    }
}

/// The program a process turns into.
pub struct Exec {
    /// Its path.
    pub path: CString,
    /// `argv`.
    pub args: Vec<CString>,
    /// `envp`.
    pub env: Vec<CString>,
}

impl Exec {
    /// Becomes the program, by `execve`, or by `execveat` with an absolute
    /// path. Returns only a failure.
    #[must_use]
    pub fn run(&self, at: bool) -> io::Error {
        let pointers = |list: &[CString]| -> Vec<*const libc::c_char> {
            list.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
        };
        let (argv, envp) = (pointers(&self.args), pointers(&self.env));
        let (path, argv, envp) = (self.path.as_ptr(), argv.as_ptr(), envp.as_ptr());
        if at {
            let number = libc::SYS_execveat;
            // SAFETY: terminated strings in terminated lists, alive until
            // this program is replaced.
            unsafe { libc::syscall(number, libc::AT_FDCWD, path, argv, envp, 0) };
        } else {
            // SAFETY: as above.
            unsafe { libc::execve(path, argv, envp) };
        }
        io::Error::last_os_error()
    }
}

/// Has the kernel end this process when its parent dies.
pub fn die_with_parent() {
    // SAFETY: no memory is involved. Failure would mean an unknown option.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}
