// SPDX-License-Identifier: Apache-2.0
//! Docker's interface at a socket, which Podman has as well: one question, one answer.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A runtime that takes longer is asked another time.
const PATIENCE: Duration = Duration::from_secs(2);

/// No answer of use has more bytes.
const LIMIT: usize = 4 << 20;

/// What the runtime at a socket knows of a container.
pub(super) fn container(socket: &Path, id: &str) -> Option<Value> {
    let mut stream = UnixStream::connect(socket).ok()?;
    let since = Instant::now();
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    // In version 1.0 the answer comes in one piece, and the connection ends with it.
    let request = format!("GET /containers/{id}/json HTTP/1.0\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let left = PATIENCE.checked_sub(since.elapsed()).filter(|left| !left.is_zero())?;
        stream.set_read_timeout(Some(left)).ok()?;
        match stream.read(&mut buffer).ok()? {
            0 => break,
            _ if answer.len() > LIMIT => return None,
            n => answer.extend_from_slice(&buffer[..n]),
        }
    }
    body(&answer)
}

/// The body of a good answer.
fn body(answer: &[u8]) -> Option<Value> {
    let end = memchr::memmem::find(answer, b"\r\n\r\n")?;
    let head = str::from_utf8(&answer[..end]).ok()?;
    let status = head.lines().next()?.split_ascii_whitespace().nth(1)?;
    if status != "200" {
        return None;
    }
    serde_json::from_slice(&answer[end + 4..]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_good_answers_are_read() {
        let read = |text: &str| body(text.as_bytes());
        assert!(read("HTTP/1.0 200 OK\r\nA: b\r\n\r\n{\"a\": 1}").is_some());
        for bad in [
            "",
            "HTTP/1.0 200 OK\r\n\r\n",
            "HTTP/1.0 404 Not Found\r\n\r\n{}",
            "\r\n\r\n{}",
            "HTTP/1.0 200 OK\r\n{}",
        ] {
            assert!(read(bad).is_none(), "{bad:?}");
        }
    }
}
