// SPDX-License-Identifier: Apache-2.0
//! A process that keeps one file open and writes to it now and then, for
//! captures that tell a long flow in parts.

use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use super::exact::c_path;
use super::sys;

/// Bytes of each write.
const DROP: usize = 10;

/// Writes ten times a second for `seconds`, and tells on stdout, as JSON, how
/// often.
///
/// # Errors
/// The first that it meets.
pub fn run(dir: &Path, seconds: u64) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let path = dir.canonicalize()?.join("drip");
    let fd = sys::open(&c_path(&path)?, libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC, 0o644)?;
    let writes = seconds * 10;
    for _ in 0..writes {
        sys::write(fd, &[b'.'; DROP])?;
        sleep(Duration::from_millis(100));
    }
    sys::close(fd)?;
    let pid = std::process::id();
    println!(
        "{}",
        json!({
            "pid": pid, "fd": fd, "path": path.to_str(),
            "numWSendOps": writes, "numWSendBytes": writes * DROP as u64,
        })
    );
    Ok(())
}
