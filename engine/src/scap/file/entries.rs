// SPDX-License-Identifier: Apache-2.0
//! Lists of entries in the blocks of metadata.

use std::fmt;
use std::marker::PhantomData;

use super::fields::Fields;

/// What says where an entry ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// Its last field: older lists.
    Fields,
    /// A length before it that counts itself.
    Whole,
    /// A length before it that does not count itself.
    Rest,
}

/// One entry of a list.
pub(super) trait Layout<'a>: Sized {
    /// What tells the versions of the list apart.
    type Version: Copy + fmt::Debug;

    fn length(version: Self::Version) -> Length;

    /// Takes the fields of one entry. The inner none stands for an entry of an unknown kind, which
    /// only a length tells the end of; the outer one for damage.
    fn read(fields: &mut Fields<'a>, version: Self::Version) -> Option<Option<Self>>;
}

/// The entries of one block, each borrowed from it.
///
/// Entries of unknown kind are left out. The list was walked when the block was read: what this
/// gives is whole.
pub struct Entries<'a, E: Entry<'a>> {
    fields: Fields<'a>,
    version: E::Version,
    entry: PhantomData<E>,
}

/// What a list can be of.
#[expect(private_bounds, reason = "how entries are laid out is this module's own matter")]
pub trait Entry<'a>: Layout<'a> {}

impl<'a, E: Layout<'a>> Entry<'a> for E {}

/// Less than this at the end of a block is padding.
const PADDING: usize = 4;

impl<'a, E: Entry<'a>> Entries<'a, E> {
    /// The entries in `bytes` up to the first damaged one, and where that begins.
    pub(super) fn checked(bytes: &'a [u8], version: E::Version) -> (Self, Option<usize>) {
        let list = |bytes| Self { fields: Fields::new(bytes), version, entry: PhantomData };
        let mut walk = list(bytes);
        loop {
            let start = bytes.len() - walk.fields.left();
            match walk.step() {
                Step::Entry(_) | Step::Skipped => {}
                Step::End => return (list(bytes), None),
                Step::Damaged => return (list(&bytes[..start]), Some(start)),
            }
        }
    }

    fn step(&mut self) -> Step<E> {
        if self.fields.left() < PADDING {
            return Step::End;
        }
        match self.entry() {
            Some(Some(entry)) => Step::Entry(entry),
            Some(None) => Step::Skipped,
            None => Step::Damaged,
        }
    }

    fn entry(&mut self) -> Option<Option<E>> {
        let counted = match E::length(self.version) {
            Length::Fields => return E::read(&mut self.fields, self.version),
            Length::Whole => PADDING,
            Length::Rest => 0,
        };
        let len = usize::try_from(self.fields.u32()?).ok()?.checked_sub(counted)?;
        let mut own = Fields::new(self.fields.bytes(len)?);
        E::read(&mut own, self.version)
    }
}

/// What comes next in a list.
enum Step<E> {
    Entry(E),
    Skipped,
    Damaged,
    End,
}

impl<'a, E: Entry<'a>> Iterator for Entries<'a, E> {
    type Item = E;

    fn next(&mut self) -> Option<E> {
        loop {
            match self.step() {
                Step::Entry(entry) => return Some(entry),
                Step::Skipped => {}
                Step::Damaged | Step::End => return None,
            }
        }
    }
}

impl<'a, E: Entry<'a>> Clone for Entries<'a, E> {
    fn clone(&self) -> Self {
        Self { fields: self.fields.clone(), version: self.version, entry: PhantomData }
    }
}

impl<'a, E: Entry<'a>> fmt::Debug for Entries<'a, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fields, version, .. } = self;
        f.debug_struct("Entries").field("bytes", &fields.left()).field("version", version).finish()
    }
}
