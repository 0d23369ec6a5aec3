// SPDX-License-Identifier: Apache-2.0
//! Containers, recognised by the control group path of a process.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use sysflow::record::ContainerType;

/// A container, by its place in [`Containers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerRef(u32);

/// A container.
#[derive(Debug)]
pub struct Container {
    /// First 12 hexadecimal digits of the runtime's id.
    pub id: Arc<str>,
    /// Runtime.
    pub kind: ContainerType,
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

/// All containers seen.
#[derive(Debug, Default)]
pub struct Containers {
    list: Vec<Container>,
    by_id: FxHashMap<Arc<str>, ContainerRef>,
    /// What came since it was asked for last.
    new: Vec<(Arc<str>, ContainerType)>,
}

/// New containers that are remembered. A source without runtimes never asks for them.
const MAX_NEW: usize = 1024;

impl Containers {
    /// The container of a process with this control group path, if it is one.
    pub fn of_cgroup(&mut self, path: &[u8]) -> Option<ContainerRef> {
        let (id, kind) = recognise(path)?;
        self.of_id(id, kind)
    }

    /// The container of a process with these control groups, each
    /// `subsystem=path` and ended by NUL: the form of captures.
    pub fn of_cgroups(&mut self, list: &[u8]) -> Option<ContainerRef> {
        let id = recognise_in_list(list)?;
        // The runtime is told by the capture, or taken for Docker.
        self.of_id(id, ContainerType::Docker)
    }

    /// The container of this id; made if it is new. None: there are too many.
    pub fn of_id(&mut self, id: &str, kind: ContainerType) -> Option<ContainerRef> {
        if let Some(found) = self.by_id.get(id) {
            return Some(*found);
        }
        let place = ContainerRef(u32::try_from(self.list.len()).ok()?);
        let id: Arc<str> = Arc::from(id);
        self.list.push(Container {
            id: Arc::clone(&id),
            kind,
            details: None,
            written: 0,
            complete: false,
        });
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
    #[must_use]
    pub fn get(&self, place: ContainerRef) -> &Container {
        &self.list[place.0 as usize]
    }

    /// The container, to be changed.
    pub fn get_mut(&mut self, place: ContainerRef) -> &mut Container {
        &mut self.list[place.0 as usize]
    }

    /// The id of a container, or nothing on the host.
    #[must_use]
    pub fn id(&self, place: Option<ContainerRef>) -> Option<&Arc<str>> {
        place.map(|place| &self.get(place).id)
    }
}

/// Layouts of the last component of a path, around 64 hexadecimal digits.
const LAYOUTS: [(&str, &str, ContainerType); 7] = [
    ("docker-", ".scope", ContainerType::Docker),
    ("cri-containerd-", ".scope", ContainerType::Containerd),
    ("crio-", ".scope", ContainerType::Crio),
    ("crio-", "", ContainerType::Crio),
    ("libpod-", ".scope", ContainerType::Custom),
    ("libpod-", "", ContainerType::Custom),
    ("", "", ContainerType::Docker),
];

/// Short id and runtime from a control group path. The id may be followed by
/// groups that the container made for itself, so every component is looked at,
/// the last first.
fn recognise(path: &[u8]) -> Option<(&str, ContainerType)> {
    let path = str::from_utf8(path).ok()?;
    path.rsplit('/').find_map(|component| {
        // containerd under systemd: "slice:cri-containerd:ID".
        if let Some((_, id)) = component.rsplit_once(":cri-containerd:") {
            return full_id(id).map(|id| (id, ContainerType::Containerd));
        }
        LAYOUTS.iter().find_map(|(prefix, suffix, kind)| {
            let inner = component.strip_prefix(prefix)?.strip_suffix(suffix)?;
            full_id(inner).map(|id| (id, *kind))
        })
    })
}

/// Layouts that the libraries of captures know, around 64 hexadecimal digits:
/// what is before the last occurrence of the first, and after it. Those of
/// Docker come before those of CRI runtimes.
const LIST_LAYOUTS: [(&str, &str); 7] = [
    ("/", ""),
    ("/docker-", ".scope"),
    ("/crio-", ""),
    ("/cri-containerd-", ".scope"),
    ("/crio-", ".scope"),
    (":cri-containerd:", ""),
    // Podman, of later versions.
    ("/libpod-", ".scope"),
];

/// Short id from a list of control groups.
fn recognise_in_list(list: &[u8]) -> Option<&str> {
    let groups = || list.split(|b| *b == 0).filter_map(|group| str::from_utf8(group).ok());
    // Most processes are in none: one pass tells.
    if !groups().any(|group| group.len() > 64) {
        return None;
    }
    LIST_LAYOUTS.iter().find_map(|(prefix, suffix)| {
        groups().find_map(|group| {
            let (_, rest) = group.rsplit_once(prefix)?;
            full_id(rest.strip_suffix(suffix)?)
        })
    })
}

fn full_id(text: &str) -> Option<&str> {
    (text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| &text[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "c010f5a08549aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    #[test]
    fn layouts_of_the_runtimes_are_recognised() {
        use ContainerType as T;
        for (path, kind) in [
            (format!("/docker/{ID}"), T::Docker),
            (format!("/system.slice/docker-{ID}.scope"), T::Docker),
            (format!("/system.slice/docker-{ID}.scope/init"), T::Docker),
            (
                format!("/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope"),
                T::Containerd,
            ),
            (format!("/system.slice/k.slice:cri-containerd:{ID}"), T::Containerd),
            (format!("/machine.slice/libpod-{ID}.scope/container"), T::Custom),
            (format!("/kubepods/besteffort/pod1/crio-{ID}"), T::Crio),
        ] {
            assert_eq!(recognise(path.as_bytes()), Some(("c010f5a08549", kind)), "{path}");
        }
    }

    #[test]
    fn other_groups_are_the_host() {
        for path in ["", "/", "/user.slice/user-0.slice/session-1.scope", "/docker/c010f5a08549"] {
            assert_eq!(recognise(path.as_bytes()), None, "{path}");
        }
        assert_eq!(recognise(b"/docker/\xff"), None);
    }

    #[test]
    fn a_container_is_kept_once() {
        let mut all = Containers::default();
        let a = all.of_cgroup(format!("/docker/{ID}").as_bytes()).expect("a container");
        let b = all.of_cgroup(format!("/docker/{ID}/x").as_bytes()).expect("a container");
        assert_eq!(a, b);
        assert_eq!(&*all.get(a).id, "c010f5a08549");
    }
}
