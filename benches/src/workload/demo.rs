// SPDX-License-Identifier: Apache-2.0
//! A few files, processes and a connection, for a first look at a capture.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use super::child;

const FILES: usize = 3;
const LINES: usize = 20;
const MESSAGES: usize = 16;
const MESSAGE: usize = 1024;

/// Does it all in `dir`, which is made if it does not exist, and tells on
/// stdout what a capture should show. The last line names the processes.
///
/// # Errors
/// The first that it meets.
pub fn run(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let dir = dir.canonicalize()?;
    files(&dir)?;
    let copier = dd(&dir)?;
    let (client, server) = talk()?;
    println!("processes: {} {copier} {client} {server}", std::process::id());
    Ok(())
}

fn files(dir: &Path) -> io::Result<()> {
    let line = "a line of forty bytes, newline included\n";
    for n in 0..FILES {
        let path = dir.join(format!("note-{n}.txt"));
        let mut file = File::create(&path)?;
        for _ in 0..LINES {
            file.write_all(line.as_bytes())?;
        }
        drop(file);
        if fs::read(&path)?.len() != LINES * line.len() {
            return Err(io::Error::other(format!("{} lost bytes", path.display())));
        }
    }
    println!(
        "files: wrote {FILES} files of {} bytes in {LINES} writes each, and read them back: {}/note-*.txt",
        LINES * line.len(),
        dir.display()
    );
    Ok(())
}

/// A program that reads and writes by plain calls (cat would have the kernel
/// copy), without a language, so that it reads no translations.
fn dd(dir: &Path) -> io::Result<u32> {
    let (from, to) = (dir.join("note-0.txt"), dir.join("copy.txt"));
    let mut dd = Command::new("/bin/dd");
    dd.arg(format!("if={}", from.display())).arg(format!("of={}", to.display()));
    let mut dd = dd.args(["bs=100", "status=none"]).env("LC_ALL", "C").spawn()?;
    let pid = dd.id();
    if !dd.wait()?.success() {
        return Err(io::Error::other("dd failed"));
    }
    println!("process: dd copied note-0.txt to copy.txt, as process {pid}");
    Ok(pid)
}

/// A client process and a server process on the loopback interface.
fn talk() -> io::Result<(i32, i32)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let server = child::fork(|| {
        let (mut stream, _) = listener.accept()?;
        let mut message = [0; MESSAGE];
        for _ in 0..MESSAGES {
            stream.read_exact(&mut message)?;
            stream.write_all(&message)?;
        }
        drop(stream);
        Ok(0)
    })?;
    let client = child::fork(|| {
        let mut stream = TcpStream::connect(address)?;
        let mut message = [b'?'; MESSAGE];
        for _ in 0..MESSAGES {
            stream.write_all(&message)?;
            stream.read_exact(&mut message)?;
        }
        drop(stream);
        Ok(0)
    })?;
    child::expect(client, 0)?;
    child::expect(server, 0)?;
    println!(
        "network: process {client} sent {MESSAGES} messages of {MESSAGE} bytes over TCP to process \
         {server} at {address}, and got them back"
    );
    Ok((client, server))
}
