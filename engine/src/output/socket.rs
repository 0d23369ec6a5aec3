// SPDX-License-Identifier: Apache-2.0
//! A stream to who listens at a unix socket, framed as the reference collector
//! does: `SOCK_SEQPACKET`, one record in each packet, the header first after
//! each connection.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, send, socket,
};
use sysflow::decode::Decoder;
use sysflow::encode::Encode as _;
use sysflow::record::{Header, Record};
use sysflow::schema::Version;

use super::batch::{Batch, Encoded};
use super::queue::Fresh;
use super::tally::Cause;
use super::worker::{Hand, Target};
use super::{Common, Error};
use crate::account::Account;

/// Where to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The socket.
    pub path: PathBuf,
    /// Largest packet. The reference's readers take 16 KiB.
    pub max_packet: usize,
}

/// Default of [`Socket::max_packet`].
pub const MAX_PACKET: usize = 16 * 1024;

/// Between attempts to connect: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

pub(super) struct SocketTarget {
    socket: Socket,
    address: UnixAddr,
    header: Header,
    schema: Version,
    decoder: Decoder,
    connection: Option<OwnedFd>,
    /// What comes refers to what a reader that connects now never got.
    broken: bool,
    retry: Duration,
    /// When to connect again.
    next: Instant,
    /// Room for one record.
    packet: Vec<u8>,
}

impl SocketTarget {
    pub(super) fn new(socket: Socket, common: &Common) -> Result<Self, Error> {
        let address = UnixAddr::new(&socket.path)
            .map_err(|errno| Error::Socket { path: socket.path.clone(), source: errno.into() })?;
        Ok(Self {
            socket,
            address,
            header: common.header.clone(),
            schema: common.options.schema,
            decoder: Decoder::new(common.options.schema),
            connection: None,
            broken: false,
            retry: RETRY.0,
            next: Instant::now(),
            packet: Vec::new(),
        })
    }

    /// Waits for a connection. Returns whether there is one; not if the
    /// capture is over.
    fn need_connection(&mut self, hand: &Hand) -> bool {
        while self.connection.is_none() {
            let wait = self.next.saturating_duration_since(Instant::now());
            if !wait.is_zero() && !hand.pause(wait) {
                return false;
            }
            match self.connect(hand) {
                Ok(()) => {
                    self.retry = RETRY.0;
                    hand.tally.add_connection();
                    hand.works();
                }
                Err(error) => {
                    let path = &self.socket.path;
                    hand.failed(&format_args!(
                        "nobody reads at {path:?}: {error}; trying again until somebody does"
                    ));
                    self.next = Instant::now() + self.retry;
                    self.retry = (self.retry * 2).min(RETRY.1);
                    if hand.ending() {
                        return false;
                    }
                }
            }
        }
        true
    }

    fn connect(&mut self, hand: &Hand) -> io::Result<()> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fd = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
        connect(fd.as_raw_fd(), &self.address)?;
        let mut header = std::mem::take(&mut self.packet);
        header.clear();
        self.header.encode_as(self.schema, &mut header);
        let sent = send_packet(&fd, &header, hand);
        self.packet = header;
        sent?;
        self.connection = Some(fd);
        Ok(())
    }

    /// The connection ended: what comes until the next run is of no use to the
    /// next reader.
    fn disconnect(&mut self, error: &io::Error, hand: &Hand) {
        self.connection = None;
        self.next = Instant::now() + self.retry;
        self.broken = true;
        hand.queue.ask_fresh();
        hand.failed(&format_args!("the reader at {:?} is gone: {error}", self.socket.path));
    }

    /// Sends a record, or what fits of it. Returns whether the connection is
    /// there to take the next one.
    fn send(&mut self, record: Encoded<'_>, hand: &Hand) -> bool {
        let Some(connection) = &self.connection else { return false };
        let mut bytes = record.bytes;
        if bytes.len() > self.socket.max_packet {
            if !shorten(
                &self.decoder,
                record,
                self.socket.max_packet,
                self.schema,
                &mut self.packet,
            ) {
                hand.tally.shed_one(Cause::TooLarge, record.kind);
                return true;
            }
            bytes = &self.packet;
        }
        match send_packet(connection, bytes, hand) {
            Ok(()) => {
                hand.tally.write_one(record.kind);
                hand.tally.add_bytes(bytes.len() as u64);
                true
            }
            // More than the kernel takes in one packet.
            Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => {
                hand.tally.shed_one(Cause::TooLarge, record.kind);
                true
            }
            Err(error) => {
                self.disconnect(&error, hand);
                hand.tally.shed_one(Cause::NoReader, record.kind);
                false
            }
        }
    }
}

/// Sends a packet, however long the reader takes; not if the capture is over
/// and the reader does not read.
fn send_packet(fd: &OwnedFd, bytes: &[u8], hand: &Hand) -> io::Result<()> {
    let mut patience = 10;
    loop {
        match send(fd.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) if patience == 0 => return Err(Errno::ETIMEDOUT.into()),
            Err(Errno::EAGAIN) => {
                let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)];
                let ready = poll(&mut fds, PollTimeout::from(100_u8))?;
                // An end is waited for 1 s without a packet taken.
                patience -= i32::from(ready == 0 && hand.ending());
            }
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Encodes a record that is larger than `limit` with as much of its environment
/// and arguments as fits. Returns whether it fits so: only processes and their
/// events can be that large, by arguments and environment.
fn shorten(
    decoder: &Decoder,
    record: Encoded<'_>,
    limit: usize,
    schema: Version,
    packet: &mut Vec<u8>,
) -> bool {
    let Ok(Some(found)) = decoder.decode(&mut { record.bytes }) else { return false };
    let mut found = found.into_owned();
    loop {
        packet.clear();
        found.encode_as(schema, packet);
        let Some(over) = packet.len().checked_sub(limit + 1).map(|over| over + 1) else {
            return true;
        };
        let shorter = match &mut found {
            Record::Process(process) => {
                drop_last(&mut process.env, over) || cut(&mut process.exe_args, over)
            }
            Record::ProcessEvent(event) => drop_last(&mut event.args, over),
            _ => false,
        };
        if !shorter {
            return false;
        }
    }
}

/// Takes texts of about that many bytes away from the end of a list.
fn drop_last(list: &mut Vec<String>, bytes: usize) -> bool {
    let mut dropped = 0;
    while dropped < bytes
        && let Some(text) = list.pop()
    {
        // Its length is told by a byte or two.
        dropped += text.len() + 1;
    }
    dropped > 0
}

/// Takes that many bytes away from the end of a text.
fn cut(text: &mut String, bytes: usize) -> bool {
    let keep = text.floor_char_boundary(text.len().saturating_sub(bytes));
    let shorter = keep < text.len();
    text.truncate(keep);
    shorter
}

impl Target for SocketTarget {
    fn fresh(&mut self, _: Fresh, _: &Hand) {
        self.broken = false;
    }

    fn batch(&mut self, batch: &Batch, hand: &Hand) {
        let mut left = batch.kinds();
        if !self.broken && self.need_connection(hand) {
            for record in batch.records() {
                left.0[record.kind as usize] -= 1;
                if !self.send(record, hand) {
                    break;
                }
            }
        }
        hand.shed(Cause::NoReader, &left);
    }

    fn idle(&mut self, _: Instant, _: &Hand) -> Option<Instant> {
        None
    }

    fn end(&mut self, _: &Arc<Account>, _: &Hand) {}
}

#[cfg(test)]
mod tests {
    use sysflow::record::{Kind, Process};

    use super::*;

    #[test]
    fn a_large_process_keeps_what_fits() {
        let env: Vec<String> = (0..1000).map(|n| format!("VARIABLE_{n}=some value")).collect();
        let process = Process {
            exe: "/bin/x".to_owned(),
            exe_args: "é".repeat(400),
            env,
            ..Process::default()
        };
        let mut bytes = Vec::new();
        process.encode(&mut bytes);
        let record = Encoded { kind: Kind::Process, bytes: &bytes };
        let decoder = Decoder::new(Version::V5);
        let mut packet = Vec::new();
        for limit in [16 * 1024, 1000, 300] {
            assert!(shorten(&decoder, record, limit, Version::V5, &mut packet));
            assert!(packet.len() <= limit && packet.len() + 100 > limit, "{}", packet.len());
            let found =
                decoder.decode(&mut &packet[..]).expect("good").expect("known").into_owned();
            let Record::Process(found) = found else { panic!("{found:?}") };
            assert_eq!(found.exe, "/bin/x");
            assert!(process.env.starts_with(&found.env));
            assert_eq!(found.exe_args.len() < process.exe_args.len(), found.env.is_empty());
        }
        assert!(!shorten(&decoder, record, 20, Version::V5, &mut packet));
    }
}
