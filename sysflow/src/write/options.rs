// SPDX-License-Identifier: Apache-2.0
//! How a file is written.

use std::fmt;
use std::str::FromStr;

use crate::schema::Version;

/// Compression of blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// No compression (`null`).
    Null,
    /// Raw deflate. What the reference writes and every reader of Avro understands.
    #[default]
    Deflate,
    /// Snappy with a CRC-32 of the data: the fastest, with the largest files.
    Snappy,
    /// Zstandard: smaller and faster than deflate, but some readers need an extension for it.
    Zstandard,
}

impl Codec {
    /// All codecs.
    pub const ALL: &'static [Self] = &[Self::Null, Self::Deflate, Self::Snappy, Self::Zstandard];

    /// The name in the file's metadata.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Deflate => "deflate",
            Self::Snappy => "snappy",
            Self::Zstandard => "zstandard",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no codec.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown codec \"{0}\"; known are null, deflate, snappy and zstandard")]
pub struct UnknownCodec(pub String);

impl FromStr for Codec {
    type Err = UnknownCodec;

    fn from_str(name: &str) -> Result<Self, UnknownCodec> {
        let found = Self::ALL.iter().find(|codec| codec.name() == name);
        found.copied().ok_or_else(|| UnknownCodec(name.to_owned()))
    }
}

/// Level of deflate if none is asked for: what repeats in records is near and easily found. With
/// the feature `isal` it is that of ISA-L, and traces come out as large as zlib's level 1 makes
/// them; without it that of libdeflate, whose traces are a tenth smaller and take twice the time.
/// Higher levels are always libdeflate's; from 5 on traces are smaller than zlib's usual 6 makes
/// them.
pub const DEFLATE_LEVEL: u32 = 1;

/// Level of Zstandard if none is asked for: its own default.
pub const ZSTANDARD_LEVEL: u32 = 3;

/// How a file is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// Compression.
    pub codec: Codec,
    /// Level of compression, from fast to small: 0 to 12 for deflate, 1 to 19 for Zstandard. Higher
    /// levels count as the highest; null and snappy have none. None stands for [`DEFLATE_LEVEL`] or
    /// [`ZSTANDARD_LEVEL`].
    pub level: Option<u32>,
    /// A block is closed when it has this many bytes before compression. The reference uses 80000.
    pub block_bytes: usize,
    /// Version of the schema. A record's fields that it does not have are left out. The header's
    /// [`version`](crate::record::Header::version) should say the same.
    pub schema: Version,
    /// Permissions of a new file, before the umask. Records hold command lines and environments, so
    /// the default, 0o640, does not let everybody read them.
    pub mode: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            codec: Codec::default(),
            level: None,
            block_bytes: 80_000,
            schema: Version::default(),
            mode: 0o640,
        }
    }
}
