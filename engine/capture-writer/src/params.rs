// SPDX-License-Identifier: Apache-2.0
//! Parameters of events.

/// The parameters of an event, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    lengths: Vec<usize>,
    bytes: Vec<u8>,
}

impl Values {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes as they are.
    #[must_use]
    pub fn bytes(mut self, value: &[u8]) -> Self {
        self.lengths.push(value.len());
        self.bytes.extend_from_slice(value);
        self
    }

    /// Adds an empty value: one that could not be captured.
    #[must_use]
    pub fn absent(self) -> Self {
        self.bytes(&[])
    }

    /// Adds a text and the NUL that ends it.
    #[must_use]
    pub fn text(self, value: &str) -> Self {
        self.bytes(&[value.as_bytes(), &[0]].concat())
    }

    /// Adds texts, each with the NUL that ends it: arguments, environment, control groups.
    #[must_use]
    pub fn texts(self, values: &[&str]) -> Self {
        let all: Vec<u8> =
            values.iter().flat_map(|text| [text.as_bytes(), &[0]].concat()).collect();
        self.bytes(&all)
    }

    /// Adds a number: a result, a descriptor, a process.
    #[must_use]
    pub fn i64(self, value: i64) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Adds a number.
    #[must_use]
    pub fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Adds a number: flags, a mode, a user.
    #[must_use]
    pub fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Adds a number.
    #[must_use]
    pub fn u16(self, value: u16) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Adds a number.
    #[must_use]
    pub fn u8(self, value: u8) -> Self {
        self.bytes(&[value])
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// The lengths, of 16 or 32 bits, and then the values.
    pub(crate) fn encode(&self, wide: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(4 * self.lengths.len() + self.bytes.len());
        for &len in &self.lengths {
            let len = u32::try_from(len).expect("a parameter has less than 4 GiB");
            if wide {
                out.extend(len.to_le_bytes());
            } else {
                let len = u16::try_from(len).expect("a longer parameter needs a large event");
                out.extend(len.to_le_bytes());
            }
        }
        out.extend(&self.bytes);
        out
    }
}
