// SPDX-License-Identifier: Apache-2.0
//! Calls that drivers tell by numbers alone.

use probe_loader::abi::{
    SF_ID_NONE, SF_OP_CLONE, SF_OP_CLOSE, SF_OP_CLOSE_RANGE, SF_OP_SETGID, SF_OP_SETNS,
    SF_OP_SETUID, SF_OP_UNSHARE, sf_hdr, sf_rec_call, sf_rec_fd, sf_rec_mmap,
};
use sysflow::record::{ObjectState, OpFlags};

use super::Engine;
use super::operation::{Actor, On};
use crate::sink::Sink;
use crate::state::object::Object;
use crate::state::open_file::Target;
use crate::state::process::ProcRef;

/// Flag of unshare(2): the table of descriptors.
const CLONE_FILES: u64 = 0x400;

/// `CLOSE_RANGE_UNSHARE`: in a table of the caller's own.
const CLOSE_RANGE_UNSHARE: u64 = 1 << 1;

/// `CLOSE_RANGE_CLOEXEC`: closed at the next exec, not now.
const CLOSE_RANGE_CLOEXEC: u64 = 1 << 2;

impl<S: Sink> Engine<S> {
    /// What `SysFlow` has no record for (kill, ptrace, ...) is counted.
    pub(super) fn call(&mut self, call: &sf_rec_call) {
        match u32::from(call.h.op) {
            SF_OP_CLONE => self.clone_returned(call),
            SF_OP_SETUID => self.uid_set(call),
            SF_OP_SETGID => self.gid_set(call),
            SF_OP_SETNS => self.namespace_entered(call),
            SF_OP_CLOSE_RANGE => self.range_closed(call),
            SF_OP_UNSHARE => self.unshared(call),
            _ => self.counts.untold += 1,
        }
    }

    /// The user was changed: the process is written again, then the event,
    /// which names the user that was asked for.
    fn uid_set(&mut self, call: &sf_rec_call) {
        let place = self.process(&call.h);
        // An id that was not named stays as it was.
        let asked = (call.arg[0] != u64::from(SF_ID_NONE)).then_some(call.arg[0] as u32);
        let ts = self.clock.event(call.h.ts);
        let process = self.processes.get_mut(place);
        let uid = asked.unwrap_or(process.uid);
        if call.ret >= 0 {
            process.uid = uid;
        }
        process.state = if process.written == 0 { process.state } else { ObjectState::Modified };
        process.ts = ts;
        process.told = call.h.ts;
        let mut args = self.users.users.get(uid, process.container.is_some()).to_string();
        args.push('\0');
        if self.processes.get(place).written == self.file {
            self.put_process(place);
        }
        let by = Actor { process: place, tid: call.h.tid, ts: call.h.ts };
        self.user_set(by, &args, call.ret as i32);
    }

    /// The group shows in the next record of the process.
    fn gid_set(&mut self, call: &sf_rec_call) {
        if call.ret < 0 {
            self.counts.failed += 1;
            return;
        }
        let process = self.process(&call.h);
        if call.arg[0] != u64::from(SF_ID_NONE) {
            let process = self.processes.get_mut(process);
            process.gid = call.arg[0] as u32;
            process.told = call.h.ts;
        }
        self.counts.applied += 1;
    }

    /// A process has namespaces, or a table of descriptors, of its own now.
    /// There is no record for it.
    fn unshared(&mut self, call: &sf_rec_call) {
        self.counts.untold += 1;
        if call.ret >= 0 && call.arg[0] & CLONE_FILES != 0 {
            let process = self.process(&call.h);
            self.processes.get_mut(process).files = 0;
        }
    }

    /// A namespace was entered through a descriptor of it.
    fn namespace_entered(&mut self, call: &sf_rec_call) {
        self.mark_file(&call.h, call.arg[0] as i32, OpFlags::SETNS, call.ret as i32);
    }

    /// A file was mapped.
    pub(super) fn mapped(&mut self, map: &sf_rec_mmap) {
        let fd = &map.fd;
        if fd.ret >= 0
            && let Some(open) = self.open_files.find(fd.file)
        {
            let process = self.process(&fd.h);
            self.processes.set_descriptor(process, fd.fd, fd.file, open);
        }
        self.mark_file(&fd.h, fd.fd, OpFlags::MMAP, fd.ret);
    }

    /// Marks the flow on a descriptor that is known.
    fn mark_file(&mut self, h: &sf_hdr, fd: i32, op: OpFlags, ret: i32) {
        if ret < 0 {
            self.counts.failed += 1;
            return;
        }
        let process = self.process(h);
        let Some(known) = self.processes.get(process).descriptor(fd) else {
            self.counts.undescribed += 1;
            return;
        };
        let target = match self.open_files.at(known.open, known.file) {
            Some(open) => open.target,
            // There was no room to keep it.
            None => {
                self.counts.undescribed += 1;
                return;
            }
        };
        let Target::Object(object) = target else {
            self.counts.silent += 1;
            return;
        };
        let Object::File(file) = self.objects.get(object) else {
            self.counts.silent += 1;
            return;
        };
        let (restype, told, hint) = (file.restype, file.told, known.flows.first());
        let on = On { fd, object, restype, told, hint };
        self.marked(&Actor { process, tid: h.tid, ts: h.ts }, &on, op);
    }

    /// Descriptors were closed by their numbers.
    fn range_closed(&mut self, call: &sf_rec_call) {
        if call.ret < 0 {
            self.counts.failed += 1;
            return;
        }
        let process = self.process(&call.h);
        self.counts.applied += 1;
        if call.arg[2] & CLOSE_RANGE_UNSHARE != 0 {
            self.processes.get_mut(process).files = 0;
        }
        if call.arg[2] & CLOSE_RANGE_CLOEXEC != 0 {
            // exec forgets all descriptors anyway.
            return;
        }
        for fd in self.open_between(process, call.arg[0], call.arg[1]) {
            let h = sf_hdr { op: SF_OP_CLOSE as u8, ..call.h };
            self.close(&sf_rec_fd { h, file: 0, fd, ret: 0 });
            // One event, whatever it closes.
            self.counts.applied -= 1;
        }
    }

    fn open_between(&self, process: ProcRef, first: u64, last: u64) -> Vec<i32> {
        let process = self.processes.get(process);
        let all = process.descriptors.len() as u64;
        let numbers = (first..last.saturating_add(1).min(all)).map(|fd| fd as i32);
        numbers.filter(|fd| process.descriptor(*fd).is_some()).collect()
    }
}
