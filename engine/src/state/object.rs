// SPDX-License-Identifier: Apache-2.0
//! What flows are about: files (by container and path) and connections (by
//! their ends). Each is kept once and named by a small number.

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;
use std::net::IpAddr;
use sysflow::record::{Foid, RestType};

use super::container::{ContainerRef, Containers};

/// An object, by its place in [`Objects`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObjRef(pub(crate) u32);

/// A file, directory, pipe or unix socket.
#[derive(Debug, PartialEq, Eq)]
pub struct FileObject {
    /// Container whose process used it first; part of its identity.
    pub container: Option<ContainerRef>,
    /// Container that its record tells.
    pub told: Option<ContainerRef>,
    /// Path as the kernel has it.
    pub path: Box<[u8]>,
    /// Identity in `SysFlow` records.
    pub foid: Foid,
    /// Type at first sight.
    pub restype: RestType,
    /// Was used. One that is only named has no type yet.
    pub used: bool,
    /// Device, as stat(2) has it (12 and 20 bits fit); 0 if it was not told.
    pub dev: u32,
    /// Inode; 0 if it was not told.
    pub ino: u64,
    /// Output file (its number) that holds the record.
    pub written: u32,
}

/// Both ends of a connection; the source is the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    /// Client's address.
    pub sip: IpAddr,
    /// Server's address.
    pub dip: IpAddr,
    /// Client's port.
    pub sport: u16,
    /// Server's port.
    pub dport: u16,
    /// IANA protocol number; 254 raw, -1 not known.
    pub proto: i16,
}

/// What a flow is about.
#[derive(Debug, PartialEq, Eq)]
pub enum Object {
    /// A file.
    File(FileObject),
    /// A connection.
    Net(Connection),
}

#[derive(Debug)]
struct Slot {
    object: Object,
    /// Half of its hash, see [`whole`].
    hash: u32,
    /// Flows and open files that name it.
    uses: u32,
}

/// Memory of a file or connection, without a path: its place and its share of
/// the index, which is at least 7/16 full.
const PLACE: usize = size_of::<Option<Slot>>() + 2 * size_of::<u32>();

/// What the allocator adds to a path, which it rounds up to 16 bytes.
const PATH_ROOM: usize = 16;

// A million of them is planned for: docs/performance.md.
const _: () = assert!(size_of::<Option<Slot>>() <= 80);

/// The hash that the index takes, of which half is kept: it uses the highest
/// bits and the lowest.
#[inline]
fn whole(half: u32) -> u64 {
    u64::from(half).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// All objects.
#[derive(Debug, Default)]
pub struct Objects {
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    index: HashTable<u32>,
    /// Those that nothing names.
    unused: usize,
    /// Bytes of all paths, as they are allocated.
    paths: usize,
}

fn half(hash: u64) -> u32 {
    (hash >> 32) as u32 ^ hash as u32
}

fn hash_file(container: Option<ContainerRef>, path: &[u8]) -> u32 {
    half(FxBuildHasher.hash_one((0u8, container, path)))
}

fn hash_net(connection: &Connection) -> u32 {
    half(FxBuildHasher.hash_one((1u8, connection)))
}

fn path_room(object: &Object) -> usize {
    match object {
        Object::File(file) => file.path.len() + PATH_ROOM,
        Object::Net(_) => 0,
    }
}

impl Objects {
    /// The file of this container and path; made, with the type that it has
    /// now, if it is new.
    pub fn file(
        &mut self,
        container: Option<ContainerRef>,
        path: &[u8],
        restype: RestType,
        containers: &Containers,
    ) -> ObjRef {
        let place = self.named(container, path, containers);
        self.first_use(place, restype, container);
        place
    }

    /// The file of this container and path. One that is new has no type before
    /// its [`Objects::first_use`].
    pub fn named(
        &mut self,
        container: Option<ContainerRef>,
        path: &[u8],
        containers: &Containers,
    ) -> ObjRef {
        let hash = hash_file(container, path);
        let slots = &self.slots;
        let found = self.index.find(whole(hash), |at| match &slots[*at as usize] {
            Some(Slot { object: Object::File(file), .. }) => {
                file.container == container && *file.path == *path
            }
            _ => false,
        });
        if let Some(at) = found {
            return ObjRef(*at);
        }
        let id = containers.id(container);
        let foid = Foid::of(id.map(|id| &**id), path);
        let file = FileObject {
            container,
            told: container,
            path: path.into(),
            foid,
            restype: RestType::UNKNOWN,
            used: false,
            dev: 0,
            ino: 0,
            written: 0,
        };
        self.add(hash, Object::File(file))
    }

    /// A file is used: at the first time it gets its type and the container
    /// that its record tells.
    #[inline]
    pub fn first_use(&mut self, place: ObjRef, restype: RestType, told: Option<ContainerRef>) {
        if let Object::File(file) = &mut self.slot_mut(place).object
            && !file.used
        {
            (file.used, file.restype, file.told) = (true, restype, told);
        }
    }

    /// The connection with these ends.
    pub fn net(&mut self, connection: Connection) -> ObjRef {
        let hash = hash_net(&connection);
        let slots = &self.slots;
        let found = self.index.find(whole(hash), |at| {
            matches!(&slots[*at as usize],
                Some(Slot { object: Object::Net(other), .. }) if *other == connection)
        });
        match found {
            Some(at) => ObjRef(*at),
            None => self.add(hash, Object::Net(connection)),
        }
    }

    fn add(&mut self, hash: u32, object: Object) -> ObjRef {
        self.unused += 1;
        self.paths += path_room(&object);
        let slot = Some(Slot { object, hash, uses: 0 });
        let at = match self.free.pop() {
            Some(at) => {
                self.slots[at as usize] = slot;
                at
            }
            None => {
                self.slots.push(slot);
                u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 objects")
            }
        };
        let slots = &self.slots;
        self.index.insert_unique(whole(hash), at, |at| {
            slots[*at as usize].as_ref().map_or(0, |slot| whole(slot.hash))
        });
        ObjRef(at)
    }

    fn slot(&self, place: ObjRef) -> &Slot {
        self.slots[place.0 as usize].as_ref().expect("an object in use is kept")
    }

    fn slot_mut(&mut self, place: ObjRef) -> &mut Slot {
        self.slots[place.0 as usize].as_mut().expect("an object in use is kept")
    }

    /// The object.
    #[must_use]
    #[inline]
    pub fn get(&self, place: ObjRef) -> &Object {
        &self.slot(place).object
    }

    /// The file, to be marked as written.
    pub fn file_mut(&mut self, place: ObjRef) -> Option<&mut FileObject> {
        match &mut self.slot_mut(place).object {
            Object::File(file) => Some(file),
            Object::Net(_) => None,
        }
    }

    /// The identity of a file in records.
    #[must_use]
    pub fn foid(&self, place: ObjRef) -> Foid {
        match self.get(place) {
            Object::File(file) => file.foid,
            Object::Net(_) => Foid::default(),
        }
    }

    /// The path of a file; nothing for a connection.
    #[must_use]
    pub fn path(&self, place: ObjRef) -> &[u8] {
        match self.get(place) {
            Object::File(file) => &file.path,
            Object::Net(_) => b"",
        }
    }

    /// Counts a flow or an open file that names the object.
    pub fn hold(&mut self, place: ObjRef) {
        let slot = self.slot_mut(place);
        slot.uses += 1;
        let first = slot.uses == 1;
        self.unused -= usize::from(first);
    }

    /// Takes back [`Objects::hold`]. The object stays until [`Objects::prune`],
    /// so that what is used again soon is not written again.
    pub fn drop_use(&mut self, place: ObjRef) {
        let slot = self.slot_mut(place);
        debug_assert!(slot.uses > 0, "uses are counted");
        let last = slot.uses == 1;
        slot.uses = slot.uses.saturating_sub(1);
        self.unused += usize::from(last);
    }

    /// Flows and open files that name the object.
    #[must_use]
    pub fn uses(&self, place: ObjRef) -> u32 {
        self.slot(place).uses
    }

    /// Removes what nothing names. Returns how many went.
    pub fn prune(&mut self) -> usize {
        let before = self.len();
        for (at, slot) in self.slots.iter_mut().enumerate() {
            let Some(unused) = slot.as_ref().filter(|slot| slot.uses == 0) else { continue };
            let at = u32::try_from(at).expect("fewer than 2^32 objects");
            self.paths -= path_room(&unused.object);
            if let Ok(entry) = self.index.find_entry(whole(unused.hash), |other| *other == at) {
                entry.remove();
            }
            *slot = None;
            self.free.push(at);
        }
        self.unused = 0;
        before - self.len()
    }

    /// Number of objects that nothing names.
    #[must_use]
    pub fn unused(&self) -> usize {
        self.unused
    }

    /// Bytes that the table takes. Places of removed objects count, because
    /// they are kept for others.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> usize {
        self.slots.len() * PLACE + self.paths
    }

    /// Whether there is no room for more in so many bytes. Places take three
    /// quarters of it at most, since they are kept, and paths what is left.
    #[must_use]
    #[inline]
    pub fn is_full(&self, limit: usize) -> bool {
        let left = limit.saturating_sub(self.slots.len() * PLACE).max(limit / 4);
        self.len() * PLACE >= limit / 4 * 3 || self.paths >= left
    }

    /// Containers that files name.
    pub fn containers(&self) -> impl Iterator<Item = ContainerRef> {
        self.slots
            .iter()
            .flatten()
            .flat_map(|slot| match &slot.object {
                Object::File(file) => [file.container, file.told],
                Object::Net(_) => [None, None],
            })
            .flatten()
    }

    /// Number of objects kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_kept_once_and_pruned_when_unused() {
        let containers = Containers::default();
        let mut all = Objects::default();
        let a = all.file(None, b"/a", RestType::FILE, &containers);
        let b = all.file(None, b"/b", RestType::FILE, &containers);
        assert_eq!(all.file(None, b"/a", RestType::DIRECTORY, &containers), a);
        assert_ne!(a, b);
        all.hold(b);
        all.prune();
        assert_eq!(all.len(), 1);
        let c = all.file(None, b"/c", RestType::FILE, &containers);
        assert_eq!(c, a, "the place of the pruned one is used again");
        assert_eq!(all.file(None, b"/b", RestType::FILE, &containers), b);
    }

    #[test]
    fn connections_differ_by_direction() {
        let mut all = Objects::default();
        let [a, b] = [1u8, 2].map(|last| IpAddr::from([10, 0, 0, last]));
        let one = Connection { sip: a, dip: b, sport: 3, dport: 4, proto: 6 };
        let other = Connection { sip: b, dip: a, sport: 4, dport: 3, proto: 6 };
        assert_eq!(all.net(one), all.net(one));
        assert_ne!(all.net(one), all.net(other));
    }
}
