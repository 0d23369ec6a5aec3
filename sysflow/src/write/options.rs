// SPDX-License-Identifier: Apache-2.0
//! How a file is written.

/// Compression of blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// No compression (`null`).
    Null,
    /// Raw deflate.
    #[default]
    Deflate,
}

impl Codec {
    /// The name in the file's metadata.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Deflate => "deflate",
        }
    }
}

/// How a file is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// Compression.
    pub codec: Codec,
    /// Level of compression, 0 (none) to 9 (smallest); higher levels count as 9. The default, 3,
    /// gives files 1 % larger than the usual 6 in little more than half its time.
    pub level: u32,
    /// A block is closed when it has this many bytes before compression. The reference uses 80000.
    pub block_bytes: usize,
    /// Permissions of a new file, before the umask. Records hold command lines and environments, so
    /// the default, 0o640, does not let everybody read them.
    pub mode: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { codec: Codec::default(), level: 3, block_bytes: 80_000, mode: 0o640 }
    }
}
