// SPDX-License-Identifier: Apache-2.0
//! Containers, recognised by the control group path of a process.

use std::num::NonZeroU32;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use sysflow::record::ContainerType;

use super::cgroup::{self, Recognised};

/// A container, by its place in [`Containers`]. Valid while a process or a file
/// names it; an old one may name a later container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerRef(NonZeroU32);

impl ContainerRef {
    fn new(index: usize) -> Option<Self> {
        NonZeroU32::new(u32::try_from(index).ok()?.checked_add(1)?).map(Self)
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// A container.
#[derive(Debug)]
pub struct Container {
    /// First 12 hexadecimal digits of the runtime's id, or the name of one
    /// that has no id.
    pub id: Arc<str>,
    /// Runtime.
    pub kind: ContainerType,
    /// UID of its Kubernetes pod.
    pub pod: Option<Box<str>>,
    /// What the runtime told of it, if it did.
    pub details: Option<Details>,
    /// Output file (its number) that holds the record.
    pub written: u32,
    /// The details are in the record that was written last.
    pub complete: bool,
}

/// What a runtime tells of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The runtime's name for it.
    pub name: Box<str>,
    /// Image name, a colon, tag.
    pub image: Box<str>,
    /// Image id.
    pub image_id: Box<str>,
    /// Whether it runs privileged.
    pub privileged: bool,
}

/// All containers that are named, and those that were until there are too many.
#[derive(Debug, Default)]
pub struct Containers {
    slots: Vec<Option<Container>>,
    free: Vec<u32>,
    by_id: FxHashMap<Arc<str>, ContainerRef>,
    /// What came since it was asked for last.
    new: Vec<(Arc<str>, ContainerType)>,
}

/// New containers that are remembered. A source without runtimes never asks for them.
const MAX_NEW: usize = 1024;

impl Containers {
    /// The container of a process with this control group path, if it is one.
    pub fn of_cgroup(&mut self, path: &[u8]) -> Option<ContainerRef> {
        let Recognised { id, kind } = cgroup::recognise(path)?;
        if let Some(found) = self.by_id.get(&*id) {
            return Some(*found);
        }
        let place = self.add(&id, kind)?;
        self.get_mut(place).pod = cgroup::pod(path).map(String::into_boxed_str);
        Some(place)
    }

    /// The container of a process with these control groups, each
    /// `subsystem=path` and ended by NUL: the form of captures.
    pub fn of_cgroups(&mut self, list: &[u8]) -> Option<ContainerRef> {
        let id = cgroup::recognise_in_list(list)?;
        // The runtime is told by the capture, or taken for Docker.
        self.of_id(id, ContainerType::Docker)
    }

    /// The container of this id; made if it is new. None: there are too many.
    pub fn of_id(&mut self, id: &str, kind: ContainerType) -> Option<ContainerRef> {
        match self.by_id.get(id) {
            Some(found) => Some(*found),
            None => self.add(id, kind),
        }
    }

    fn add(&mut self, id: &str, kind: ContainerType) -> Option<ContainerRef> {
        let id: Arc<str> = Arc::from(id);
        let container = Container {
            id: Arc::clone(&id),
            kind,
            pod: None,
            details: None,
            written: 0,
            complete: false,
        };
        let index = match self.free.pop() {
            Some(index) => index as usize,
            None => {
                self.slots.push(None);
                self.slots.len() - 1
            }
        };
        let place = ContainerRef::new(index)?;
        self.slots[index] = Some(container);
        if self.new.len() < MAX_NEW {
            self.new.push((Arc::clone(&id), kind));
        }
        self.by_id.insert(id, place);
        Some(place)
    }

    /// The containers that came since the last time.
    pub fn take_new(&mut self) -> Vec<(Arc<str>, ContainerType)> {
        std::mem::take(&mut self.new)
    }

    /// The container of this id, if it is there.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<ContainerRef> {
        self.by_id.get(id).copied()
    }

    /// The container.
    ///
    /// # Panics
    /// When it was removed, because nothing named it.
    #[must_use]
    pub fn get(&self, place: ContainerRef) -> &Container {
        self.slots[place.index()].as_ref().expect("a container that is named is kept")
    }

    /// The container, to be changed.
    ///
    /// # Panics
    /// As [`Containers::get`].
    pub fn get_mut(&mut self, place: ContainerRef) -> &mut Container {
        self.slots[place.index()].as_mut().expect("a container that is named is kept")
    }

    /// The id of a container, or nothing on the host.
    #[must_use]
    pub fn id(&self, place: Option<ContainerRef>) -> Option<&Arc<str>> {
        place.map(|place| &self.get(place).id)
    }

    /// Number of containers kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Removes all but these, which are those that something names. Returns
    /// how many went.
    pub fn keep(&mut self, named: &FxHashSet<ContainerRef>) -> usize {
        let before = self.len();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            let gone = slot
                .as_ref()
                .filter(|_| ContainerRef::new(index).is_some_and(|place| !named.contains(&place)));
            if let Some(container) = gone {
                self.by_id.remove(&container.id);
                *slot = None;
                self.free.extend(u32::try_from(index));
            }
        }
        before - self.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "c010f5a08549aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    #[test]
    fn a_container_is_kept_once() {
        let mut all = Containers::default();
        let a = all.of_cgroup(format!("/docker/{ID}").as_bytes()).expect("a container");
        let b = all.of_cgroup(format!("/docker/{ID}/x").as_bytes()).expect("a container");
        assert_eq!(a, b);
        assert_eq!(&*all.get(a).id, "c010f5a08549");
        assert_eq!((all.get(a).kind, &all.get(a).pod), (ContainerType::Docker, &None));
    }

    #[test]
    fn what_nothing_names_is_removed_and_comes_back_as_new() {
        let mut all = Containers::default();
        let a = all.of_cgroup(b"/lxc/a").expect("a container");
        let b = all.of_cgroup(b"/lxc/b").expect("a container");
        assert_eq!(all.keep(&[b].into_iter().collect()), 1);
        assert_eq!((all.len(), &*all.get(b).id), (1, "b"));
        let c = all.of_cgroup(b"/lxc/c").expect("a container");
        assert_eq!((c, all.len()), (a, 2), "the place is used again");
        assert_eq!(all.of_cgroup(b"/lxc/b"), Some(b));
    }
}
