// SPDX-License-Identifier: Apache-2.0
//! Values as they are written in expressions. Errors say what would have been right.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::check::Network;
use crate::attribute::{Symbols, Type};
use crate::record::OpenFlags;

/// Protocols by name (IANA, "Assigned Internet Protocol Numbers").
const PROTOCOLS: [(&str, i64); 10] = [
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("udp", 17),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmpv6", 58),
    ("sctp", 132),
    ("udplite", 136),
];

/// An integer, time or protocol as a number.
pub(super) fn number(kind: Type, text: &str) -> Result<i64, String> {
    let plain = match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    let other = match kind {
        Type::Time => time(text),
        Type::Protocol => {
            let named = |(name, _): &&(&str, i64)| name.eq_ignore_ascii_case(text);
            PROTOCOLS.iter().find(named).map(|&(_, number)| number)
        }
        _ => None,
    };
    plain.or(other).ok_or_else(|| match kind {
        Type::Time => format!(
            "\"{text}\" is no time; write nanoseconds since 1970, or a time like 2024-05-31T12:00:00Z"
        ),
        Type::Protocol => format!("\"{text}\" is no protocol; write a number or tcp, udp, ..."),
        _ => format!("\"{text}\" is no integer of 64 bits"),
    })
}

/// ISO 8601, with the offset from UTC or in UTC, to nanoseconds since the Unix epoch.
fn time(text: &str) -> Option<i64> {
    let in_utc = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    let timestamp: Option<Timestamp> =
        text.parse().ok().or_else(|| in_utc().map(|zoned| zoned.timestamp()));
    i64::try_from(timestamp?.as_nanosecond()).ok()
}

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(format!("\"{text}\" is neither true nor false")),
    }
}

/// An address, or a network: an address and the number of its leading bits that count.
pub(super) fn network(text: &str) -> Result<Network, String> {
    let (address, bits) = match text.split_once('/') {
        None => (text, None),
        Some((address, bits)) => (address, Some(bits)),
    };
    let network = address.parse().ok().and_then(|address: IpAddr| {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(longest), |bits| bits.parse().ok())?;
        (bits <= longest).then(|| Network::new(address, bits))
    });
    network.ok_or_else(|| {
        format!(
            "\"{text}\" is no address; write 10.1.2.3 or 2001:db8::1, or 10.0.0.0/8 for a network"
        )
    })
}

/// The word as records have it.
pub(super) fn symbol(symbols: &Symbols, text: &str) -> Result<&'static str, String> {
    let bare = |word: &&&str| {
        word.strip_prefix(symbols.prefix).is_some_and(|rest| rest.eq_ignore_ascii_case(text))
    };
    let found = symbols
        .words
        .iter()
        .find(|word| word.eq_ignore_ascii_case(text))
        .or_else(|| symbols.words.iter().find(bare));
    found.copied().ok_or_else(|| {
        format!("\"{text}\" is none of the possible values {}", symbols.words.join(", "))
    })
}

/// What a name of open flags asks for.
pub(super) enum OpenFlag {
    None,
    Both,
    One(OpenFlags),
}

pub(super) fn open_flag(text: &str) -> Result<OpenFlag, String> {
    let is = |name: &str| {
        name.eq_ignore_ascii_case(text)
            || text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("O_"))
                && name.eq_ignore_ascii_case(&text[2..])
    };
    if is("NONE") {
        return Ok(OpenFlag::None);
    }
    if is("RDWR") {
        return Ok(OpenFlag::Both);
    }
    let found = OpenFlags::NAMES.iter().find(|(name, _)| is(name));
    found.map(|&(_, flag)| OpenFlag::One(flag)).ok_or_else(|| {
        let names: Vec<_> = OpenFlags::NAMES.iter().map(|(name, _)| *name).collect();
        format!("\"{text}\" is no open flag; there are NONE, RDWR, {}", names.join(", "))
    })
}
