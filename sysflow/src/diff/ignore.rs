// SPDX-License-Identifier: Apache-2.0
//! Fields that do not matter.

use std::str::FromStr;

use crate::record::Kind;

/// Fields that do not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignore(Vec<(Kind, &'static str)>);

impl Default for Ignore {
    /// The name of the file in its header.
    fn default() -> Self {
        Self(vec![(Kind::Header, "filename")])
    }
}

impl Ignore {
    /// No field.
    #[must_use]
    pub fn nothing() -> Self {
        Self(Vec::new())
    }

    /// Adds fields, separated by commas: `endTs` in all records that have it, or `FileFlow.endTs`
    /// or `FF.endTs`.
    ///
    /// # Errors
    /// The first one that there is not.
    pub fn add(&mut self, list: &str) -> Result<(), UnknownField> {
        for field in list.split(',').map(str::trim) {
            let before = self.0.len();
            let (of, name) = match field.split_once('.') {
                Some((of, name)) => (Some(of), name),
                None => (None, field),
            };
            for &kind in Kind::ALL {
                let meant = of.is_none_or(|of| of == kind.name() || of == kind.short());
                let found = kind.fields().find(|known| *known == name);
                self.0.extend(found.filter(|_| meant).map(|known| (kind, known)));
            }
            if self.0.len() == before {
                return Err(UnknownField(field.to_owned()));
            }
        }
        Ok(())
    }

    /// Whether a field does not matter.
    #[must_use]
    pub fn ignores(&self, kind: Kind, name: &str) -> bool {
        self.0.iter().any(|(of, field)| *of == kind && *field == name)
    }
}

impl FromStr for Ignore {
    type Err = UnknownField;

    fn from_str(list: &str) -> Result<Self, UnknownField> {
        let mut ignore = Self::default();
        ignore.add(list).map(|()| ignore)
    }
}

/// No record has a field of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no record has a field \"{0}\"; write it as in the schema: endTs, or FF.endTs")]
pub struct UnknownField(String);
