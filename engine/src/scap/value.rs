// SPDX-License-Identifier: Apache-2.0
//! Values of parameters. What is missing or too short is none: newer fields
//! are absent from older captures, and damage looks the same.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// A signed number, of any width; most have 64 bits.
#[inline(always)]
pub(super) fn signed(bytes: Option<&[u8]>) -> Option<i64> {
    let bytes = bytes?;
    match <[u8; 8]>::try_from(bytes) {
        Ok(bytes) => Some(i64::from_le_bytes(bytes)),
        Err(_) => signed_narrow(bytes),
    }
}

#[inline(never)]
fn signed_narrow(bytes: &[u8]) -> Option<i64> {
    match *bytes {
        [a, b, c, d] => Some(i64::from(i32::from_le_bytes([a, b, c, d]))),
        [a, b] => Some(i64::from(i16::from_le_bytes([a, b]))),
        [a] => Some(i64::from(a.cast_signed())),
        _ => None,
    }
}

/// An unsigned number of up to 32 bits, which most have.
#[inline(always)]
pub(super) fn unsigned(bytes: Option<&[u8]>) -> Option<u32> {
    let bytes = bytes?;
    match <[u8; 4]>::try_from(bytes) {
        Ok(bytes) => Some(u32::from_le_bytes(bytes)),
        Err(_) => unsigned_other(bytes),
    }
}

#[inline(never)]
fn unsigned_other(bytes: &[u8]) -> Option<u32> {
    match *bytes {
        [a, b] => Some(u32::from(u16::from_le_bytes([a, b]))),
        [a] => Some(u32::from(a)),
        [a, b, c, d, _, _, _, _] => Some(u32::from_le_bytes([a, b, c, d])),
        _ => None,
    }
}

/// Bytes up to the NUL that ends them.
#[inline]
pub(super) fn text(bytes: Option<&[u8]>) -> Option<&[u8]> {
    let bytes = bytes?;
    let Some(last) = bytes.last_chunk() else {
        return bytes.split(|byte| *byte == 0).next();
    };
    // Most are short: to call what is made for long ones would cost more.
    for (at, eight) in bytes.as_chunks().0.iter().enumerate() {
        if let Some(end) = first_nul(*eight) {
            return bytes.get(..8 * at + end);
        }
    }
    // The last ones again, with those that were no eight.
    let end = first_nul(*last).map_or(bytes.len(), |end| bytes.len() - 8 + end);
    bytes.get(..end)
}

/// Where the first NUL is.
#[inline]
fn first_nul(bytes: [u8; 8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let bytes = u64::from_le_bytes(bytes);
    let nul = bytes.wrapping_sub(ONES) & !bytes & (0x80 * ONES);
    (nul != 0).then(|| (nul.trailing_zeros() / 8) as usize)
}

/// Text of records, which is UTF-8; the old one if it is the same.
pub(super) fn shared(old: &Arc<str>, new: &[u8]) -> Arc<str> {
    if old.as_bytes() == new { Arc::clone(old) } else { String::from_utf8_lossy(new).into() }
}

/// The items of a list of texts: the last byte is not part of it, and one
/// empty item at its end is left out.
fn items(list: &[u8]) -> &[u8] {
    let list = list.split_last().map_or(list, |(_, rest)| rest);
    list.strip_suffix(b"\0").unwrap_or(list)
}

/// Arguments, joined by spaces; the old ones if they are the same.
pub(super) fn arguments(old: &Arc<str>, list: &[u8]) -> Arc<str> {
    let list = items(list);
    let space = |byte: &u8| if *byte == 0 { b' ' } else { *byte };
    if old.len() == list.len() && list.iter().map(space).eq(old.bytes()) {
        return Arc::clone(old);
    }
    let joined: Vec<u8> = list.iter().map(space).collect();
    String::from_utf8_lossy(&joined).into()
}

/// Environment, each entry ended by NUL; the old one if it is the same.
pub(super) fn environment(old: &Arc<str>, list: &[u8]) -> Arc<str> {
    let list = items(list);
    if list.is_empty() {
        return if old.is_empty() { Arc::clone(old) } else { Arc::from("") };
    }
    if old.strip_suffix('\0').is_some_and(|old| old.as_bytes() == list) {
        return Arc::clone(old);
    }
    let mut text = String::from_utf8_lossy(list).into_owned();
    text.push('\0');
    text.into()
}

/// Both ends of an IP socket. Addresses of IPv6 that stand for IPv4 ones are
/// IPv4 here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) sip: IpAddr,
    pub(super) dip: IpAddr,
    pub(super) sport: u16,
    pub(super) dport: u16,
}

impl Default for Ends {
    fn default() -> Self {
        let none = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Self { sip: none, dip: none, sport: 0, dport: 0 }
    }
}

impl Ends {
    /// The ends of an IPv6 socket: of IPv4 if both stand for such an address.
    pub(super) fn of_v6(sip: &[u8; 16], sport: u16, dip: &[u8; 16], dport: u16) -> Self {
        let (sip, dip) = match (mapped(sip), mapped(dip)) {
            (Some(sip), Some(dip)) => (sip, dip),
            _ => (IpAddr::from(*sip), IpAddr::from(*dip)),
        };
        Self { sip, dip, sport, dport }
    }

    pub(super) fn is_v4(&self) -> bool {
        self.sip.is_ipv4() && self.dip.is_ipv4()
    }

    /// As the capturing library shows it.
    pub(super) fn show(&self, out: &mut Vec<u8>) {
        use std::io::Write as _;
        out.clear();
        let _ = write!(out, "{}:{}->{}:{}", self.sip, self.sport, self.dip, self.dport);
    }

    pub(super) fn swapped(self) -> Self {
        Self { sip: self.dip, dip: self.sip, sport: self.dport, dport: self.sport }
    }
}

/// Both ends of a socket, as an event tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tuple<'a> {
    Unix { source: u64, destination: u64, path: &'a [u8] },
    Inet(Ends),
}

/// The IPv4 address that an IPv6 one stands for: a mapped one (RFC 4291,
/// 2.5.5.2), or the unspecified one.
pub(super) fn mapped(bytes: &[u8; 16]) -> Option<IpAddr> {
    let address = Ipv6Addr::from(*bytes);
    if address.is_unspecified() {
        return Some(Ipv4Addr::UNSPECIFIED.into());
    }
    address.to_ipv4_mapped().map(IpAddr::from)
}

impl<'a> Tuple<'a> {
    /// None: there is none, or it is damaged.
    pub(super) fn read(bytes: Option<&'a [u8]>) -> Option<Self> {
        let (family, rest) = bytes?.split_first()?;
        match family {
            1 => {
                let (source, rest) = rest.split_first_chunk()?;
                let (destination, path) = rest.split_first_chunk()?;
                Some(Self::Unix {
                    source: u64::from_le_bytes(*source),
                    destination: u64::from_le_bytes(*destination),
                    path: text(Some(path))?,
                })
            }
            2 => {
                let (sip, sport, rest) = end::<4>(rest)?;
                let (dip, dport, _) = end::<4>(rest)?;
                let (sip, dip) = (IpAddr::from(*sip), IpAddr::from(*dip));
                Some(Self::Inet(Ends { sip, sport, dip, dport }))
            }
            10 => {
                let (sip, sport, rest) = end::<16>(rest)?;
                let (dip, dport, _) = end::<16>(rest)?;
                Some(Self::Inet(Ends::of_v6(sip, sport, dip, dport)))
            }
            _ => None,
        }
    }

    /// As the capturing library shows it.
    pub(super) fn show(&self, out: &mut Vec<u8>) {
        use std::io::Write as _;
        match self {
            Self::Unix { source, destination, path } => {
                out.clear();
                let _ = write!(out, "{source:x}->{destination:x} ");
                out.extend_from_slice(path);
            }
            Self::Inet(ends) => ends.show(out),
        }
    }
}

/// An address of one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address<'a> {
    Unix(&'a [u8]),
    Inet(IpAddr, u16),
}

impl<'a> Address<'a> {
    pub(super) fn read(bytes: Option<&'a [u8]>) -> Option<Self> {
        let (family, rest) = bytes?.split_first()?;
        match family {
            1 => Some(Self::Unix(text(Some(rest))?)),
            2 => end::<4>(rest).map(|(address, port, _)| Self::Inet((*address).into(), port)),
            10 => end::<16>(rest).map(|(address, port, _)| {
                Self::Inet(mapped(address).unwrap_or_else(|| (*address).into()), port)
            }),
            _ => None,
        }
    }

    pub(super) fn show(&self, out: &mut Vec<u8>) {
        use std::io::Write as _;
        out.clear();
        match self {
            Self::Unix(path) => out.extend_from_slice(path),
            Self::Inet(address, port) => {
                let _ = write!(out, "{address}:{port}");
            }
        }
    }
}

fn end<const N: usize>(bytes: &[u8]) -> Option<(&[u8; N], u16, &[u8])> {
    let (address, rest) = bytes.split_first_chunk()?;
    let (port, rest) = rest.split_first_chunk()?;
    Some((address, u16::from_le_bytes(*port), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_have_any_width() {
        assert_eq!(signed(Some(&(-5i64).to_le_bytes())), Some(-5));
        assert_eq!(signed(Some(&(-5i32).to_le_bytes())), Some(-5));
        assert_eq!(signed(Some(&[])), None);
        assert_eq!(unsigned(Some(&[0xff])), Some(255));
        assert_eq!(unsigned(Some(&[1, 0, 0, 0, 9, 9, 9, 9])), Some(1));
    }

    proptest! {
        #[test]
        fn texts_end_with_the_first_nul(bytes in prop::collection::vec(0u8..4, 0..40), high in any::<u8>()) {
            let bytes: Vec<u8> = bytes.into_iter().map(|b| if b == 3 { high } else { b }).collect();
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            prop_assert_eq!(text(Some(&bytes)), Some(&bytes[..end]));
        }
    }

    #[test]
    fn lists_lose_their_last_byte_and_one_empty_item() {
        let none: Arc<str> = Arc::from("");
        let args = |list: &[u8]| arguments(&none, list).to_string();
        assert_eq!(args(b"a\0b\0"), "a b");
        assert_eq!(args(b"a\0\0b\0"), "a  b", "an empty argument counts");
        assert_eq!(args(b"a\0\0"), "a");
        assert_eq!(args(b"\0"), "");
        assert_eq!(args(b""), "");
        let old: Arc<str> = Arc::from("a b");
        assert!(Arc::ptr_eq(&old, &arguments(&old, b"a\0b\0")));
        let env = environment(&none, b"A=1\0B=2\0");
        assert_eq!(&*env, "A=1\0B=2\0");
        assert!(Arc::ptr_eq(&env, &environment(&env, b"A=1\0B=2\0")));
        assert_eq!(&*environment(&env, b""), "");
    }

    #[test]
    fn tuples_are_read_and_shown() {
        let mut v4 = vec![2, 127, 0, 0, 1];
        v4.extend(1000u16.to_le_bytes());
        v4.extend([10, 0, 0, 2]);
        v4.extend(80u16.to_le_bytes());
        let tuple = Tuple::read(Some(&v4)).expect("a tuple");
        let Tuple::Inet(ends) = tuple else { panic!("{tuple:?}") };
        assert_eq!((ends.sip, ends.sport, ends.dport), ([127, 0, 0, 1].into(), 1000, 80));
        let mut out = Vec::new();
        tuple.show(&mut out);
        assert_eq!(out, b"127.0.0.1:1000->10.0.0.2:80");
        let mut v6 = vec![10];
        v6.extend([0; 10]);
        v6.extend([0xff, 0xff, 127, 0, 0, 1]);
        v6.extend(1000u16.to_le_bytes());
        v6.extend([0; 10]);
        v6.extend([0xff, 0xff, 10, 0, 0, 2]);
        v6.extend(80u16.to_le_bytes());
        assert_eq!(Tuple::read(Some(&v6)), Some(tuple));
        v6[16] = 1;
        v6[11] = 0;
        let Some(Tuple::Inet(ends)) = Tuple::read(Some(&v6)) else { panic!("a tuple") };
        assert!(!ends.is_v4());
        assert_eq!(Tuple::read(Some(&v4[..9])), None);
        assert_eq!(Tuple::read(Some(&[])), None);
        let mut unix = vec![1];
        unix.extend(0xabcu64.to_le_bytes());
        unix.extend(0u64.to_le_bytes());
        unix.extend(b"/run/x\0yz");
        Tuple::read(Some(&unix)).expect("a tuple").show(&mut out);
        assert_eq!(out, b"abc->0 /run/x");
    }
}
