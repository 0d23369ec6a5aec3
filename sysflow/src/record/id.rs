// SPDX-License-Identifier: Apache-2.0
//! Identities and small values with a fixed wire form.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sha1::{Digest, Sha1};

use super::define::{nested, record};
use crate::wire::{Cursor, Get, Malformed, Out, Put, Shape, plain};

record! {
    /// Identity of a process. All threads of a process share that of its main thread.
    #[derive(Copy, Hash, PartialOrd, Ord)]
    Oid {
        /// When the process was created, nanoseconds since the Unix epoch; 0 if before the capture.
        create_ts: i64 = "createTS",
        /// Its pid as the host sees it.
        hpid: i64 = "hpid",
    }
}

nested!(Oid);
plain!(Foid, Ip4, Ip6, RestType);

/// Identity of a file: the SHA-1 of container id and path.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Foid(pub [u8; 20]);

impl Foid {
    /// The identity of `path`, as the kernel has it, in a container, or on the host.
    ///
    /// ```
    /// use sysflow::record::Foid;
    /// let foid = Foid::of(Some("c010f5a08549"), b"/dev/pts/0");
    /// assert_eq!(foid.to_string(), "4d7c93fc5836f0110049691a398897aeb3f54cee");
    /// ```
    #[must_use]
    pub fn of(container_id: Option<&str>, path: &[u8]) -> Self {
        let mut hash = Sha1::new();
        hash.update(container_id.unwrap_or_default());
        hash.update(path);
        Self(hash.finalize().into())
    }
}

impl fmt::Display for Foid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Foid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Foid({self})")
    }
}

/// Bytes of a fixed number.
macro_rules! fixed {
    ($($name:ident: $size:literal),+) => {$(
        impl Put for $name {
            #[inline]
            fn put<O: Out>(&self, out: &mut O) {
                out.bytes(&self.0);
            }
        }

        impl Get<'_> for $name {
            const SHAPE: Shape = Shape::Fixed($size);

            #[inline(always)]
            fn get(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
                let mut bytes = [0; $size];
                bytes.copy_from_slice(cursor.bytes($size)?);
                Ok(Self(bytes))
            }
        }
    )+};
}

fixed!(Foid: 20, Ip6: 16);

macro_rules! int {
    ($name:ident) => {
        impl Put for $name {
            #[inline]
            fn put<O: Out>(&self, out: &mut O) {
                self.0.put(out);
            }
        }

        impl Get<'_> for $name {
            const SHAPE: Shape = Shape::Int;

            #[inline(always)]
            fn get(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
                i32::get(cursor).map(Self)
            }
        }
    };
}

/// An IPv4 address as records hold it: the four bytes in network order, read as a little-endian
/// signed integer (127.0.0.1 is 16777343).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ip4(pub i32);

int!(Ip4);

impl From<Ipv4Addr> for Ip4 {
    fn from(addr: Ipv4Addr) -> Self {
        Self(i32::from_le_bytes(addr.octets()))
    }
}

impl From<Ip4> for Ipv4Addr {
    fn from(ip: Ip4) -> Self {
        Self::from(ip.0.to_le_bytes())
    }
}

impl fmt::Display for Ip4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ipv4Addr::from(*self).fmt(f)
    }
}

/// An IPv6 address: its bytes in network order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ip6(pub [u8; 16]);

impl From<Ipv6Addr> for Ip6 {
    fn from(addr: Ipv6Addr) -> Self {
        Self(addr.octets())
    }
}

impl From<Ip6> for Ipv6Addr {
    fn from(ip: Ip6) -> Self {
        Self::from(ip.0)
    }
}

impl fmt::Display for Ip6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ipv6Addr::from(*self).fmt(f)
    }
}

/// An address as the two fields of a record that are for it: the first is 0 for IPv6, which only
/// schema version 6 can hold.
///
/// ```
/// use sysflow::record::{address_of, fields_of};
/// let address = "2001:db8::1".parse()?;
/// let (ip, ip6) = fields_of(address);
/// assert_eq!((ip.0, ip6.is_some()), (0, true));
/// assert_eq!(address_of(ip, ip6), address);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn fields_of(address: IpAddr) -> (Ip4, Option<Ip6>) {
    match address {
        IpAddr::V4(address) => (address.into(), None),
        IpAddr::V6(address) => (Ip4(0), Some(address.into())),
    }
}

/// The address in the two fields that are for it.
#[must_use]
pub fn address_of(ip: Ip4, ip6: Option<Ip6>) -> IpAddr {
    match ip6 {
        None => IpAddr::V4(ip.into()),
        Some(ip6) => IpAddr::V6(ip6.into()),
    }
}

/// What a [`File`](super::File) is: the code of an ASCII letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RestType(pub i32);

int!(RestType);

impl RestType {
    /// Regular file, and device nodes.
    pub const FILE: Self = Self(b'f' as i32);
    /// Directory.
    pub const DIRECTORY: Self = Self(b'd' as i32);
    /// Unix socket.
    pub const UNIX: Self = Self(b'u' as i32);
    /// Pipe or fifo.
    pub const PIPE: Self = Self(b'p' as i32);
    /// Known by name only.
    pub const UNKNOWN: Self = Self(b'?' as i32);

    /// The letter; '?' if the value is none.
    #[must_use]
    pub fn letter(self) -> char {
        u8::try_from(self.0).ok().filter(u8::is_ascii_graphic).map_or('?', char::from)
    }
}

impl Default for RestType {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl fmt::Display for RestType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.letter().fmt(f)
    }
}
