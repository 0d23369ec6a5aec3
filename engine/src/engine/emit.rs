// SPDX-License-Identifier: Apache-2.0
//! State to records: entities before what refers to them, once per file.

use std::borrow::Cow;

use sysflow::encode::{Encode, NulList};
use sysflow::record::{
    Container, File, FileFlow, Loss, NetworkFlow, ObjectState, OpFlags, Process, ProcessEvent,
    ProcessFlow, fields_of,
};

use super::Engine;
use crate::flow::{Flow, Key};
use crate::runtimes::Question;
use crate::semantics::FileReads;
use crate::sink::Sink;
use crate::state::container::{ContainerRef, Details};
use crate::state::object::{Connection, ObjRef, Object};
use crate::state::process::ProcRef;

/// Ancestors written with a process at most.
const MAX_ANCESTORS: usize = 128;

impl<S: Sink> Engine<S> {
    pub(super) fn put(&mut self, record: impl Encode) {
        self.counts.records += 1;
        self.sink.put(record);
    }

    /// Writes a process and its ancestors, the oldest first, as far as this
    /// file lacks them; the containers of all before.
    #[inline]
    pub(super) fn need_process(&mut self, place: ProcRef) {
        if self.processes.get(place).written != self.file {
            self.put_process_and_ancestors(place);
        }
    }

    #[cold]
    fn put_process_and_ancestors(&mut self, place: ProcRef) {
        let mut chain = std::mem::take(&mut self.chain);
        let mut next = Some(place);
        while let Some(at) = next.take() {
            let process = self.processes.get(at);
            if process.written != self.file && chain.len() < MAX_ANCESTORS {
                chain.push(at);
                next = process.parent;
            }
        }
        for at in &chain {
            self.need_container(self.processes.get(*at).container);
        }
        while let Some(at) = chain.pop() {
            self.put_process(at);
        }
        self.chain = chain;
    }

    /// Writes a process as it is now, whether or not the file has it.
    pub(super) fn put_process(&mut self, place: ProcRef) {
        let process = self.processes.get_mut(place);
        process.written = self.file;
        let state = std::mem::replace(&mut process.state, ObjectState::Reup);
        let process = self.processes.get(place);
        let in_container = process.container.is_some();
        let (user, group);
        let (user, group): (&str, &str) = if let Some(names) = &process.names {
            (&names.user, &names.group)
        } else {
            user = self.users.users.get(process.uid, in_container);
            group = self.users.groups.get(process.gid, in_container);
            (&user, &group)
        };
        let record = Process {
            state,
            oid: process.oid,
            poid: process.poid,
            ts: process.ts,
            exe: &*process.program.exe,
            exe_args: &*process.program.args,
            uid: process.uid.cast_signed(),
            user_name: user,
            gid: process.gid.cast_signed(),
            group_name: group,
            tty: process.tty,
            container_id: self.containers.id(process.container).map(|id| &**id),
            entry: process.entry,
            cwd: &*process.cwd,
            env: NulList(&process.env),
        };
        self.counts.records += 1;
        self.sink.put(record);
    }

    fn need_container(&mut self, place: Option<ContainerRef>) {
        let Some(place) = place else { return };
        let container = self.containers.get_mut(place);
        let told = container.details.is_some();
        if container.written == self.file && container.complete == told {
            return;
        }
        self.put_container(place);
    }

    /// The containers that came since the last time, whose names are wanted.
    pub fn take_new_containers(&mut self) -> impl Iterator<Item = Question> + use<S> {
        self.containers.take_new().into_iter().map(|(id, kind)| Question { id, kind })
    }

    /// Takes over what a runtime told. A record that lacks it is written again at once: what
    /// refers to the container may never do so again.
    pub fn container_told(&mut self, id: &str, details: Details) {
        let Some(place) = self.containers.find(id) else { return };
        let container = self.containers.get_mut(place);
        container.details = Some(details);
        container.complete = false;
        if container.written == self.file {
            self.put_container(place);
        }
    }

    fn put_container(&mut self, place: ContainerRef) {
        let container = self.containers.get_mut(place);
        container.written = self.file;
        container.complete = container.details.is_some();
        let container = self.containers.get(place);
        let (name, image, imageid, privileged) = match &container.details {
            Some(d) => (&*d.name, &*d.image, &*d.image_id, d.privileged),
            // What the reference writes when the runtime has not told yet.
            None => ("incomplete", "incomplete:incomplete", "", false),
        };
        let record = Container {
            id: &*container.id,
            name,
            image,
            imageid,
            container_type: container.kind,
            privileged,
            pod_id: container.pod.as_deref(),
        };
        self.counts.records += 1;
        self.sink.put(record);
    }

    /// Writes a file, and its container before, if this output file lacks it;
    /// in state `new` if it never was.
    #[inline]
    pub(super) fn need_file(&mut self, place: ObjRef, new: ObjectState, ts: i64) {
        if let Object::File(object) = self.objects.get(place)
            && object.written != self.file
        {
            self.put_file(place, new, ts);
        }
    }

    #[cold]
    fn put_file(&mut self, place: ObjRef, new: ObjectState, ts: i64) {
        let file = self.file;
        let Some(object) = self.objects.file_mut(place) else { return };
        let state = if object.written == 0 { new } else { ObjectState::Reup };
        object.written = file;
        let container = object.told;
        self.need_container(container);
        let Object::File(object) = self.objects.get(place) else { return };
        let path: Cow<'_, str> = String::from_utf8_lossy(&object.path);
        let record = File {
            state,
            oid: object.foid,
            ts,
            restype: object.restype,
            path: &*path,
            container_id: self.containers.id(object.told).map(|id| &**id),
            dev: i64::from(object.dev),
            ino: object.ino.cast_signed(),
        };
        self.counts.records += 1;
        self.sink.put(record);
    }

    /// Writes what was lost between two times of the events' clock, as a flow
    /// of the recorder, which is the process with that pid.
    pub fn put_loss(&mut self, pid: u32, since: u64, until: u64, loss: Loss) {
        let recorder = match self.processes.find(pid) {
            Some(place) => place,
            None => self.look_up(pid),
        };
        self.need_process(recorder);
        let record = ProcessFlow {
            proc_oid: self.processes.get(recorder).oid,
            ts: self.clock.event(since),
            end_ts: self.clock.event(until.max(since)),
            loss: Some(loss),
            ..ProcessFlow::default()
        };
        self.put(record);
    }

    /// Writes an event of a process; the process itself comes before.
    pub(super) fn put_process_event(
        &mut self,
        place: ProcRef,
        ts: u64,
        tid: u32,
        op_flags: OpFlags,
        args: &str,
        ret: i32,
    ) {
        if self.state_alone {
            return;
        }
        self.need_process(place);
        let record = ProcessEvent {
            proc_oid: self.processes.get(place).oid,
            ts: self.clock.event(ts),
            tid: i64::from(tid),
            op_flags,
            args: NulList(args),
            ret,
        };
        self.put(record);
    }

    /// Writes a flow that ends, or is exported, at `end`; `last` is added to
    /// its operations. One in which nothing happened is not written.
    pub(super) fn put_flow(&mut self, place: u32, last: OpFlags, end: u64) {
        let flow = self.flows.get(place);
        let ops = flow.ops | last;
        if ops.is_empty() || ops == OpFlags::TRUNCATE {
            return;
        }
        if self.is_left_out(flow, ops) {
            self.counts.left_out += 1;
            return;
        }
        let Key { process, object, .. } = flow.key;
        let ts = self.clock.event(flow.first);
        let end_ts = self.clock.event(end.max(flow.first));
        self.need_process(process);
        match self.objects.get(object) {
            Object::File(_) => {
                self.need_file(object, ObjectState::Reup, ts);
                self.put_file_flow(place, ops, ts, end_ts);
            }
            Object::Net(connection) => {
                let record = self.network_flow(self.flows.get(place), connection, ops, ts, end_ts);
                self.put(record);
            }
        }
    }

    fn is_left_out(&self, flow: &Flow, ops: OpFlags) -> bool {
        let semantics = &self.settings.semantics;
        if self.ending || semantics.reads == FileReads::All {
            return false;
        }
        let Object::File(file) = self.objects.get(flow.key.object) else { return false };
        let changes = OpFlags::WRITE_SEND | OpFlags::MMAP;
        let read = ops.contains(OpFlags::READ_RECV);
        semantics.leaves_out(&file.path, flow.open_flags, read, ops.intersects(changes))
    }

    fn put_file_flow(&mut self, place: u32, op_flags: OpFlags, ts: i64, end_ts: i64) {
        let flow = self.flows.get(place);
        let Object::File(object) = self.objects.get(flow.key.object) else { return };
        let record = FileFlow {
            proc_oid: self.processes.get(flow.key.process).oid,
            ts,
            tid: i64::from(flow.key.tid),
            op_flags,
            open_flags: flow.open_flags,
            end_ts,
            file_oid: object.foid,
            fd: flow.key.fd,
            num_r_recv_ops: flow.reads.0.cast_signed(),
            num_w_send_ops: flow.writes.0.cast_signed(),
            num_r_recv_bytes: flow.reads.1.cast_signed(),
            num_w_send_bytes: flow.writes.1.cast_signed(),
        };
        self.put(record);
    }

    fn network_flow(
        &self,
        flow: &Flow,
        connection: &Connection,
        op_flags: OpFlags,
        ts: i64,
        end_ts: i64,
    ) -> NetworkFlow {
        let ((sip, sip6), (dip, dip6)) = (fields_of(connection.sip), fields_of(connection.dip));
        NetworkFlow {
            proc_oid: self.processes.get(flow.key.process).oid,
            ts,
            tid: i64::from(flow.key.tid),
            op_flags,
            end_ts,
            sip,
            sport: i32::from(connection.sport),
            dip,
            dport: i32::from(connection.dport),
            proto: i32::from(connection.proto),
            fd: flow.key.fd,
            num_r_recv_ops: flow.reads.0.cast_signed(),
            num_w_send_ops: flow.writes.0.cast_signed(),
            num_r_recv_bytes: flow.reads.1.cast_signed(),
            num_w_send_bytes: flow.writes.1.cast_signed(),
            sip6,
            dip6,
        }
    }
}
