// SPDX-License-Identifier: Apache-2.0
//! Where metrics are told.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// A place on this host to listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// A port of a loopback address.
    Tcp(SocketAddr),
}

/// A text that is no such place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAddress {
    /// It cannot be read.
    #[error("\"{0}\" is no address; write unix:PATH or 127.0.0.1:9400")]
    Unknown(String),
    /// Others could connect.
    #[error("{0} is not of this host alone; use 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
}

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        match text.strip_prefix("unix:") {
            Some("") => Err(NoAddress::Unknown(text.to_owned())),
            Some(path) => Ok(Self::Unix(path.into())),
            None => match text.parse::<SocketAddr>() {
                Ok(address) if address.ip().is_loopback() => Ok(Self::Tcp(address)),
                Ok(address) => Err(NoAddress::NotLoopback(address)),
                Err(_) => Err(NoAddress::Unknown(text.to_owned())),
            },
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_host_can_ask() {
        assert!(matches!("unix:/run/x".parse(), Ok(Address::Unix(path)) if path == *"/run/x"));
        assert!(matches!("127.0.0.1:9400".parse(), Ok(Address::Tcp(_))));
        assert!(matches!("[::1]:9400".parse(), Ok(Address::Tcp(_))));
        for wrong in ["0.0.0.0:9400", "192.0.2.1:1", "[::]:1", "9400", "unix:", "localhost:1", ""] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }
}
