// SPDX-License-Identifier: Apache-2.0
//! Names of users and groups, as the capture tells them: of the host, and of
//! containers. The converting host's own are never asked.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::state::container::ContainerRef;

/// Names, by whose list it is (a container's, or the host's) and number.
#[derive(Debug, Default)]
pub(in crate::scap) struct NameTable {
    names: FxHashMap<(Option<ContainerRef>, u32), Arc<str>>,
    /// An id without a name keeps the name of the former id, as in the
    /// capturing library.
    keeps: bool,
}

impl NameTable {
    pub(in crate::scap) fn new(keeps: bool) -> Self {
        Self { keeps, ..Self::default() }
    }

    pub(in crate::scap) fn add(&mut self, of: Option<ContainerRef>, id: u32, name: &[u8]) {
        self.names.insert((of, id), String::from_utf8_lossy(name).into());
    }

    pub(in crate::scap) fn remove(&mut self, of: Option<ContainerRef>, id: u32) {
        self.names.remove(&(of, id));
    }

    pub(in crate::scap) fn get(&self, of: Option<ContainerRef>, id: u32) -> Option<&Arc<str>> {
        self.names.get(&(of, id))
    }
}

/// An id with the name that it had when it was set.
#[derive(Clone, Debug)]
pub(in crate::scap) struct Named {
    pub(in crate::scap) id: u32,
    name: Option<Arc<str>>,
}

impl Default for Named {
    fn default() -> Self {
        Self { id: u32::MAX, name: None }
    }
}

impl Named {
    /// Sets the id.
    pub(in crate::scap) fn set(&mut self, id: u32, of: Option<ContainerRef>, names: &NameTable) {
        self.id = id;
        match names.get(of, id) {
            Some(name) => self.name = Some(Arc::clone(name)),
            None if names.keeps => {}
            None => self.name = None,
        }
    }

    /// Looks the name up again, in another list.
    pub(in crate::scap) fn rename(&mut self, of: Option<ContainerRef>, names: &NameTable) {
        self.set(self.id, of, names);
    }

    /// What is shown.
    pub(in crate::scap) fn shown(&self) -> &str {
        match &self.name {
            Some(name) if !name.is_empty() => name,
            _ if self.id == 0 => "root",
            _ => "<NA>",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_the_time_when_the_id_was_set() {
        let mut names = NameTable::new(false);
        let mut user = Named::default();
        assert_eq!(user.shown(), "<NA>");
        user.set(0, None, &names);
        assert_eq!(user.shown(), "root");
        user.set(500, None, &names);
        assert_eq!(user.shown(), "<NA>");
        names.add(None, 500, b"anna");
        assert_eq!(user.shown(), "<NA>");
        user.rename(None, &names);
        assert_eq!(user.shown(), "anna");
        names.remove(None, 500);
        assert_eq!(user.shown(), "anna");
        names.keeps = true;
        user.set(501, None, &names);
        assert_eq!((user.id, user.shown()), (501, "anna"), "the library keeps the old name");
        names.keeps = false;
        user.set(501, None, &names);
        assert_eq!(user.shown(), "<NA>");
    }
}
