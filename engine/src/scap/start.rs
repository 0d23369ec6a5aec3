// SPDX-License-Identifier: Apache-2.0
//! How a capture begins: what ran, what was open, who the users are; and what
//! is told of users and containers later.

use rustc_hash::FxHashSet;
use serde_json::Value;
use sysflow::record::ContainerType;

use crate::sink::Sink;
use crate::state::container::{ContainerRef, Details};

use super::convert::Converter;
use super::file::{Block, DescriptorEntry, DescriptorObject, ProcessEntry, RawEvent, UserEntry};
use super::path;
use super::rows::{Act, Row, Step};
use super::state::descriptors::{Role, Thing, kind};
use super::state::names::NameTable;
use super::state::thread::Thread;
use super::state::threads::ThreadRef;
use super::value::{self, Ends};

/// Ports that were listened on when the capture began, and names that are not
/// in use before its first event.
#[derive(Debug, Default)]
pub(super) struct Servers {
    ports: FxHashSet<u16>,
    users: Vec<(u32, Box<[u8]>)>,
    groups: Vec<(u32, Box<[u8]>)>,
}

impl<S: Sink> Converter<S> {
    #[cold]
    pub(super) fn metadata(&mut self, block: &Block<'_>) {
        match block {
            Block::Section(_) => self.section(),
            Block::Processes(list) => list.clone().for_each(|entry| self.listed_thread(&entry)),
            Block::Descriptors(list) => {
                let tid = list.tid.cast_signed();
                if let Some(thread) = self.threads.find(tid) {
                    for entry in list.entries.clone() {
                        self.listed_descriptor(thread, &entry);
                    }
                }
            }
            Block::Users(list) => list.clone().for_each(|entry| self.listed_user(&entry)),
            Block::Machine(_) | Block::Interfaces(_) | Block::Event(_) => {}
        }
    }

    /// Another capture begins: nothing is known of its threads.
    fn section(&mut self) {
        self.counts.sections += 1;
        if self.counts.sections == 1 {
            return;
        }
        self.engine.start_over();
        self.next_tick = 0;
        self.threads.clear();
        self.clear_away();
        self.servers = Servers::default();
        self.users = NameTable::new(self.compat);
        self.groups = NameTable::new(self.compat);
        self.started = false;
    }

    fn listed_thread(&mut self, entry: &ProcessEntry<'_>) {
        let tid = entry.tid.cast_signed();
        if let Some(known) = self.threads.find(tid) {
            self.threads.erase(known);
            self.clear_away();
        }
        let mut thread = Thread::unknown(tid, &self.threads.texts);
        thread.pid = entry.pid.cast_signed();
        thread.ptid = entry.ptid.cast_signed();
        thread.vtid = entry.vtid.unwrap_or(tid);
        thread.vpid = entry.vpid.unwrap_or(thread.pid);
        thread.flags = entry.flags;
        thread.exe = value::shared(&thread.exe, entry.exe);
        thread.exepath = value::shared(&thread.exepath, entry.exepath.unwrap_or_default());
        thread.args = value::arguments(&thread.args, entry.args);
        if thread.is_main() {
            thread.env = value::environment(&thread.env, entry.env);
            path::working_directory(&mut self.path, b"", entry.cwd);
            thread.cwd = value::shared(&thread.cwd, &self.path);
        }
        thread.tty = entry.tty.is_some_and(|tty| tty != 0);
        thread.container = self.engine.containers().of_cgroups(entry.cgroups);
        // The list of users is not in use yet, as in the library.
        thread.group_id.set(entry.gid, thread.container, &self.groups);
        thread.user.set(entry.uid, thread.container, &self.users);
        self.threads.insert(thread);
    }

    fn listed_descriptor(&mut self, thread: ThreadRef, entry: &DescriptorEntry<'_>) {
        let container = self.threads.get(thread).container;
        let thing = match &entry.object {
            DescriptorObject::File { path, .. } | DescriptorObject::Named(path) => {
                self.named_thing(container, entry.kind, path)
            }
            DescriptorObject::Unix { path, .. } => self.named_thing(container, kind::UNIX, path),
            DescriptorObject::Ipv4(e) => {
                let ends = Ends {
                    sip: e.source.into(),
                    dip: e.destination.into(),
                    sport: e.source_port,
                    dport: e.destination_port,
                };
                Thing { ends, l4: e.l4, named: true, ..Thing::new(kind::IPV4) }
            }
            DescriptorObject::Ipv6(e) => {
                let (sport, dport) = (e.source_port, e.destination_port);
                let ends = Ends::of_v6(&e.source, sport, &e.destination, dport);
                let kind = if ends.is_v4() { kind::IPV4 } else { kind::IPV6 };
                Thing { ends, l4: e.l4, named: true, ..Thing::new(kind) }
            }
            DescriptorObject::Ipv4Server(e) => {
                self.servers.ports.insert(e.port);
                Thing { l4: e.l4, role: Role::Server, named: true, ..Thing::new(kind::IPV4_SERVER) }
            }
            DescriptorObject::Ipv6Server(e) => {
                self.servers.ports.insert(e.port);
                Thing { l4: e.l4, role: Role::Server, named: true, ..Thing::new(kind::IPV6_SERVER) }
            }
        };
        // A thread that shares a table with its leader has an empty list.
        let thing = self.things.add(thing);
        if let Some(old) = self.threads.get_mut(thread).descriptors.add(entry.fd, thing) {
            self.release(old);
        }
    }

    fn listed_user(&mut self, entry: &UserEntry<'_>) {
        match entry {
            UserEntry::User { uid, name, .. } => {
                self.servers.users.push((*uid, (*name).into()));
            }
            UserEntry::Group { gid, name } => self.servers.groups.push((*gid, (*name).into())),
        }
    }

    /// The first events of a capture can tell of users and containers; with
    /// the first other one it begins. Returns whether the event is to be used.
    #[cold]
    pub(super) fn begin(&mut self, event: &RawEvent<'_>, row: &'static Row) -> bool {
        if row.step == Step::Tell {
            self.told(event, row);
            return false;
        }
        self.started = true;
        let real = |name: &[u8]| !matches!(name.first(), None | Some(b'+' | b'-'));
        for (uid, name) in std::mem::take(&mut self.servers.users) {
            if real(&name) {
                self.users.add(None, uid, &name);
            }
        }
        for (gid, name) in std::mem::take(&mut self.servers.groups) {
            if real(&name) {
                self.groups.add(None, gid, &name);
            }
        }
        let all = self.threads.all();
        for thread in &all {
            self.threads.join_group(*thread);
        }
        for thread in all {
            if !self.threads.get(thread).is_invalid() {
                self.threads.join_parent(thread);
            }
            self.give_roles(thread);
        }
        true
    }

    /// Of a connection that was there before, the end with a port that is
    /// listened on is the server.
    fn give_roles(&mut self, thread: ThreadRef) {
        let table = &self.threads.get(thread).descriptors;
        for fd in table.numbers() {
            let Some(place) = table.get(fd) else { continue };
            let thing = self.things.get_mut(place);
            if !matches!(thing.kind, kind::IPV4 | kind::IPV6) {
                continue;
            }
            if self.servers.ports.contains(&thing.ends.sport) {
                thing.ends = thing.ends.swapped();
                thing.role = Role::Server;
            } else {
                thing.role = Role::Client;
            }
        }
    }

    /// An event of no thread tells of users or containers.
    #[cold]
    pub(super) fn told(&mut self, event: &RawEvent<'_>, row: &Row) {
        let told = match row.act {
            Act::Container => self.container_told(event),
            Act::UserAdded | Act::UserDeleted => self.user_told(event, row.act == Act::UserAdded),
            _ => self.group_told(event, row.act == Act::GroupAdded),
        };
        match told {
            Some(()) => self.counts.used += 1,
            None => self.counts.incomplete += 1,
        }
    }

    fn list_of(&mut self, container: Option<&[u8]>) -> Option<ContainerRef> {
        let id = str::from_utf8(value::text(container)?).ok().filter(|id| !id.is_empty())?;
        self.engine.containers().of_id(id, ContainerType::Docker)
    }

    fn user_told(&mut self, event: &RawEvent<'_>, added: bool) -> Option<()> {
        let uid = value::unsigned(event.params.get(0))?;
        let name = value::text(event.params.get(2))?;
        let of = self.list_of(event.params.get(5));
        if added {
            self.users.add(of, uid, name);
        } else {
            self.users.remove(of, uid);
        }
        Some(())
    }

    fn group_told(&mut self, event: &RawEvent<'_>, added: bool) -> Option<()> {
        let gid = value::unsigned(event.params.get(0))?;
        let name = value::text(event.params.get(1))?;
        let of = self.list_of(event.params.get(2));
        if added {
            self.groups.add(of, gid, name);
        } else {
            self.groups.remove(of, gid);
        }
        Some(())
    }

    fn container_told(&mut self, event: &RawEvent<'_>) -> Option<()> {
        let json: Value = serde_json::from_slice(value::text(event.params.get(0))?).ok()?;
        let told = json.get("container")?;
        let text = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default();
        let id = text("id");
        if id.is_empty() {
            return None;
        }
        let kind = container_type(told.get("type").and_then(Value::as_u64).unwrap_or(0));
        let details = Details {
            name: text("name").into(),
            image: format!("{}:{}", text("image"), text("imagetag")).into(),
            image_id: text("imageid").into(),
            privileged: told.get("privileged").and_then(Value::as_bool).unwrap_or(false),
        };
        let place = self.engine.containers().of_id(id, kind)?;
        let container = self.engine.containers().get_mut(place);
        container.kind = kind;
        container.details = Some(details);
        Some(())
    }
}

/// The runtime, by the number that captures have. Static ones and Podman have
/// none in the schema.
fn container_type(number: u64) -> ContainerType {
    use ContainerType as T;
    const TYPES: [ContainerType; 10] = [
        T::Docker,
        T::Lxc,
        T::LibvirtLxc,
        T::Mesos,
        T::Rkt,
        T::Custom,
        T::Cri,
        T::Containerd,
        T::Crio,
        T::Bpm,
    ];
    usize::try_from(number).ok().and_then(|n| TYPES.get(n)).copied().unwrap_or(T::Custom)
}
