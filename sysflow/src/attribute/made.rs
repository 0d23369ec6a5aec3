// SPDX-License-Identifier: Apache-2.0
//! Texts that no record has as such.

use std::fmt::{self, Display, Write as _};
use std::net::IpAddr;

use xxhash_rust::xxh64::Xxh64;

use crate::record::{
    Foid, Ip4, NetworkEvent, NetworkFlow, Oid, Process, RestType, Service, address_of,
};

/// A text put together from several fields when it is written.
#[derive(Clone, Copy, Debug)]
pub enum Made<'a> {
    /// Executable and arguments, with a space between them if there are any.
    CommandLine(&'a Process),
    /// `sip:sport-dip:dport`; IPv6 addresses are in brackets.
    Connection(Connection),
    /// Two paths with a comma between them.
    Paths(&'a str, &'a str),
    /// The identity of a process as the reference's processor writes it: the xxHash64 of the digits
    /// of pid and creation time, in hexadecimal.
    ProcessId(Oid),
    /// The identity of a file in hexadecimal.
    FileId(Foid),
    /// The letter of a file's type.
    Letter(RestType),
    /// Services of a pod, as JSON.
    Services(&'a [Service]),
}

/// The ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Address of the client.
    pub sip: IpAddr,
    /// Port of the client.
    pub sport: i32,
    /// Address of the server.
    pub dip: IpAddr,
    /// Port of the server.
    pub dport: i32,
    /// IANA protocol number.
    pub proto: i32,
}

impl From<&NetworkFlow> for Connection {
    fn from(flow: &NetworkFlow) -> Self {
        let NetworkFlow { sip, sport, dip, dport, proto, sip6, dip6, .. } = *flow;
        let (sip, dip) = (address_of(sip, sip6), address_of(dip, dip6));
        Self { sip, sport, dip, dport, proto }
    }
}

impl From<&NetworkEvent> for Connection {
    fn from(event: &NetworkEvent) -> Self {
        let NetworkEvent { sip, sport, dip, dport, proto, sip6, dip6, .. } = *event;
        let (sip, dip) = (address_of(sip, sip6), address_of(dip, dip6));
        Self { sip, sport, dip, dport, proto }
    }
}

impl Made<'_> {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::CommandLine(process) => process.exe.is_empty() && process.exe_args.is_empty(),
            Self::Services(services) => services.is_empty(),
            _ => false,
        }
    }
}

impl Display for Made<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine(process) => {
                f.write_str(&process.exe)?;
                let gap = if process.exe_args.is_empty() { "" } else { " " };
                write!(f, "{gap}{}", process.exe_args)
            }
            Self::Connection(Connection { sip, sport, dip, dport, .. }) => {
                write_end(f, sip, *sport)?;
                f.write_char('-')?;
                write_end(f, dip, *dport)
            }
            Self::Paths(path, new_path) => write!(f, "{path}, {new_path}"),
            Self::ProcessId(oid) => {
                let mut hash = Hash(Xxh64::new(0));
                write!(hash, "{}{}", oid.hpid, oid.create_ts)?;
                write!(f, "{:016x}", hash.0.digest())
            }
            Self::FileId(foid) => foid.fmt(f),
            Self::Letter(letter) => letter.fmt(f),
            Self::Services(services) => write_services(f, services),
        }
    }
}

/// One end of a connection; IPv6 addresses are in brackets, as in URLs.
fn write_end(f: &mut fmt::Formatter<'_>, ip: &IpAddr, port: i32) -> fmt::Result {
    match ip {
        IpAddr::V4(ip) => write!(f, "{ip}:{port}"),
        IpAddr::V6(ip) => write!(f, "[{ip}]:{port}"),
    }
}

/// Hashes what is written.
struct Hash(Xxh64);

impl fmt::Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

/// Writes text as a JSON string.
pub(crate) fn write_json_text(f: &mut impl fmt::Write, text: &str) -> fmt::Result {
    f.write_char('"')?;
    write_json_chars(f, text)?;
    f.write_char('"')
}

/// Writes what is inside a JSON string.
pub(crate) fn write_json_chars(f: &mut impl fmt::Write, mut text: &str) -> fmt::Result {
    loop {
        let plain = plain(text.as_bytes());
        f.write_str(&text[..plain])?;
        let Some(&special) = text.as_bytes().get(plain) else { return Ok(()) };
        match special {
            b'"' => f.write_str("\\\"")?,
            b'\\' => f.write_str("\\\\")?,
            b'\n' => f.write_str("\\n")?,
            b'\r' => f.write_str("\\r")?,
            b'\t' => f.write_str("\\t")?,
            other => write!(f, "\\u{other:04x}")?,
        }
        text = &text[plain + 1..];
    }
}

/// How many bytes at the front need no escape in JSON; what does is ASCII. Eight at a time: of a
/// row of JSON most are texts, and of those almost none has any.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    let has = |word: u64, byte: u8| {
        let zero_where_equal = word ^ (u64::from(byte) * ONES);
        zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & HIGH
    };
    let (words, _) = bytes.as_chunks::<8>();
    let all_plain = |word: &&[u8; 8]| {
        let word = u64::from_le_bytes(**word);
        let control = word.wrapping_sub(0x20 * ONES) & !word & HIGH;
        (control | has(word, b'"') | has(word, b'\\') | has(word, 0x7f)) == 0
    };
    let start = 8 * words.iter().take_while(all_plain).count();
    let special = |byte: &u8| matches!(byte, 0..0x20 | b'"' | b'\\' | 0x7f);
    bytes[start..].iter().position(special).map_or(bytes.len(), |at| start + at)
}

/// Services with the keys and address texts of the reference's printer.
fn write_services(f: &mut fmt::Formatter<'_>, services: &[Service]) -> fmt::Result {
    let comma = |f: &mut fmt::Formatter<'_>, at: usize| {
        if at > 0 { f.write_char(',') } else { Ok(()) }
    };
    f.write_char('[')?;
    for (at, service) in services.iter().enumerate() {
        comma(f, at)?;
        f.write_str("{\"name\":")?;
        write_json_text(f, &service.name)?;
        f.write_str(",\"id\":")?;
        write_json_text(f, &service.id)?;
        f.write_str(",\"namespace\":")?;
        write_json_text(f, &service.namespace)?;
        f.write_str(",\"portList\":[")?;
        for (at, port) in service.port_list.iter().enumerate() {
            comma(f, at)?;
            let (own, target, node) = (port.port, port.target_port, port.node_port);
            write!(f, "{{\"port\":{own},\"targetPort\":{target},\"nodePort\":{node},\"proto\":")?;
            write_json_text(f, &port.proto)?;
            f.write_char('}')?;
        }
        f.write_str("],\"clusterIP\":[")?;
        for (at, &ip) in service.cluster_ip.iter().enumerate() {
            comma(f, at)?;
            write!(f, "\"{}\"", Ip4(ip as i32))?;
        }
        f.write_str("]}")?;
    }
    f.write_char(']')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::write_json_text;

    proptest! {
        #[test]
        fn any_text_is_a_string_of_json(
            text in "([a-z/é€😀]{0,12}[\"\\\\\\x00-\\x21\\x7f\u{80}\u{2028}]?){0,8}",
        ) {
            let mut json = String::new();
            write_json_text(&mut json, &text).expect("a string takes all");
            prop_assert!(!json.bytes().any(|byte| byte < b' ' || byte == 0x7f));
            prop_assert_eq!(serde_json::from_str::<String>(&json).ok(), Some(text));
        }
    }
}
