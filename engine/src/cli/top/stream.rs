// SPDX-License-Identifier: Apache-2.0
//! What a recorder sends to a socket: one record in each packet, the header first. The recorder
//! connects, and connects again when nobody listened for a while.

use std::fs;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use engine::output::Reader as _;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept4, bind, connect, listen,
    recv, socket,
};
use sysflow::decode::Decoder;
use sysflow::record::Record;
use sysflow::schema::Version;

use super::tally::{Records, Shared};
use super::{Args, Show};

/// The largest packet that a socket takes at all, and more.
const PACKET: usize = 256 * 1024;

/// Who listens; the socket goes with it.
struct Listener {
    fd: OwnedFd,
    path: PathBuf,
}

fn new_socket() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)
}

impl Listener {
    fn at(path: &Path) -> io::Result<Self> {
        let address = UnixAddr::new(path)?;
        // What one that was killed has left is in nobody's way.
        if fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket())
            && connect(new_socket()?.as_raw_fd(), &address) == Err(Errno::ECONNREFUSED)
        {
            fs::remove_file(path)?;
        }
        let fd = new_socket()?;
        bind(fd.as_raw_fd(), &address)?;
        let listener = Self { fd, path: path.to_owned() };
        // For the owner alone, before anybody can connect: who writes there is believed.
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        listen(&listener.fd, Backlog::new(1)?)?;
        Ok(listener)
    }

    fn accept(&self) -> nix::Result<OwnedFd> {
        let fd = accept4(self.fd.as_raw_fd(), SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK)?;
        // SAFETY: accept4 has just made it, for us alone.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// One recorder at a time.
struct Stream {
    listener: Listener,
    signals: SignalFd,
    connection: Option<OwnedFd>,
    decoder: Decoder,
    records: Records,
    packet: Vec<u8>,
}

pub(super) fn run(args: &Args, path: &Path, tally: &Shared) -> anyhow::Result<ExitCode> {
    let listener = Listener::at(path).with_context(|| format!("cannot listen at {path:?}"))?;
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
    let mut stream = Stream {
        listener,
        signals: SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)?,
        connection: None,
        decoder: Decoder::new(Version::V5),
        records: Records::new(Arc::clone(tally)),
        packet: vec![0; PACKET],
    };
    let show = Show::begin(args, tally, format!("unix:{}", path.display()), None)?;
    log::info!(
        "no recorder writes to unix:{} yet; one that is told to connects within 30 s",
        path.display()
    );
    let result = stream.attend();
    show.end()?;
    result.with_context(|| format!("cannot read from {path:?}"))?;
    Ok(ExitCode::SUCCESS)
}

impl Stream {
    /// Takes what comes until a signal does.
    fn attend(&mut self) -> io::Result<()> {
        loop {
            let from = self.connection.as_ref().unwrap_or(&self.listener.fd).as_fd();
            let mut fds = [
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
                PollFd::new(from, PollFlags::POLLIN),
            ];
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            let ready = fds.map(|fd| fd.any() == Some(true));
            if ready[0] {
                return Ok(());
            }
            if ready[1] {
                match &self.connection {
                    Some(_) => self.receive(),
                    None => self.connect()?,
                }
            }
        }
    }

    fn connect(&mut self) -> io::Result<()> {
        match self.listener.accept() {
            Ok(connection) => {
                self.connection = Some(connection);
                self.records.begin();
                log::info!("a recorder writes to unix:{}", self.listener.path.display());
            }
            // Gone again.
            Err(Errno::EAGAIN | Errno::ECONNABORTED | Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Takes all packets that are there.
    fn receive(&mut self) {
        let Some(connection) = &self.connection else { return };
        loop {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC;
            match recv(connection.as_raw_fd(), &mut self.packet, flags) {
                Ok(size @ 1..=PACKET) => {
                    let packet = &mut &self.packet[..size];
                    if let Ok(Some(record)) = self.decoder.decode(packet) {
                        let record = record.into_owned();
                        if let Record::Header(header) = &record {
                            self.decoder = Decoder::new(version(header.version));
                        }
                        self.records.record(record);
                        continue;
                    }
                    log::warn!("what came is no record, and the connection is closed");
                }
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) if !self.records.is_full() => return,
                // Connected anew, the recorder tells everything anew.
                Err(Errno::EAGAIN) => {}
                Ok(_) | Err(_) => log::warn!("the recorder is gone; waiting for the next"),
            }
            self.connection = None;
            return;
        }
    }
}

/// The schema of what follows a header. Its own form is the same in all.
fn version(number: i64) -> Version {
    if number == Version::V6.number() { Version::V6 } else { Version::V5 }
}
