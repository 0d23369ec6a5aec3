// SPDX-License-Identifier: Apache-2.0
//! Operations on names that drivers tell: mkdir, rename, chdir, ...

use std::sync::Arc;

use probe_loader::abi::{
    SF_OP_CHDIR, SF_OP_LINK, SF_OP_MKDIR, SF_OP_RENAME, SF_OP_RMDIR, SF_OP_SYMLINK, SF_OP_UNLINK,
    sf_rec_path,
};
use sysflow::record::{ObjectState, OpFlags, RestType};

use super::Engine;
use super::operation::{Actor, Subject};
use super::text::{clean_path, with_slash};
use crate::sink::Sink;
use crate::state::object::ObjRef;
use crate::state::process::ProcRef;

impl<S: Sink> Engine<S> {
    /// Something was done to one name, or two. What `SysFlow` has no record
    /// for (chmod, mount, ...) is counted.
    pub(super) fn path(&mut self, record: &sf_rec_path, paths: [&[u8]; 2]) {
        let op = match u32::from(record.h.op) {
            SF_OP_MKDIR => OpFlags::MKDIR,
            SF_OP_RMDIR => OpFlags::RMDIR,
            SF_OP_LINK => OpFlags::LINK,
            SF_OP_UNLINK => OpFlags::UNLINK,
            SF_OP_SYMLINK => OpFlags::SYMLINK,
            SF_OP_RENAME => OpFlags::RENAME,
            SF_OP_CHDIR => return self.directory_changed(record, paths[0]),
            _ => {
                self.counts.untold += 1;
                return;
            }
        };
        let process = self.process(&record.h);
        let restype = match op {
            OpFlags::MKDIR | OpFlags::RMDIR => RestType::DIRECTORY,
            _ => RestType::UNKNOWN,
        };
        let two = matches!(op, OpFlags::LINK | OpFlags::SYMLINK | OpFlags::RENAME);
        // Of two names the first was there before.
        let state = if two { ObjectState::Reup } else { ObjectState::Created };
        let first = self.subject(process, paths[0], restype, state);
        let second = two.then(|| self.subject(process, paths[1], restype, ObjectState::Created));
        let by = Actor { process, tid: record.h.tid, ts: record.h.ts };
        self.named(by, op, first, second, record.ret);
    }

    fn subject(
        &mut self,
        process: ProcRef,
        path: &[u8],
        restype: RestType,
        state: ObjectState,
    ) -> Subject {
        let told = self.processes.get(process).container;
        let path = clean_path(path);
        let object: ObjRef = self.objects.named(told, &path, &self.containers);
        Subject { object, restype, told, state }
    }

    fn directory_changed(&mut self, record: &sf_rec_path, path: &[u8]) {
        if record.ret < 0 {
            self.counts.failed += 1;
            return;
        }
        let process = self.process(&record.h);
        let cwd = self.texts.share(&with_slash(path));
        let process = self.processes.get_mut(process);
        process.told = record.h.ts;
        // Where there is no room for it, none is better than a wrong one.
        let room = !self.texts.is_full();
        process.cwd = if room { cwd } else { Arc::default() };
        self.counts.evicted.texts += u64::from(!room);
        self.counts.applied += 1;
    }
}
