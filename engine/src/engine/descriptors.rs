// SPDX-License-Identifier: Apache-2.0
//! Files and descriptors: opened, described, closed.

use std::borrow::Cow;

use probe_loader::abi::{
    SF_FILE_CREATED, SF_OP_CLOSE, SF_OP_DUP, SF_OP_OPEN, SF_OP_PIPE, sf_rec_fd, sf_rec_file,
};
use sysflow::record::{OpFlags, OpenFlags, RestType};
use sysflow::schema::Version;

use super::Engine;
use crate::flow::{self, Key};
use crate::semantics::Collect;
use crate::sink::Sink;
use crate::state::object::{ObjRef, Object};
use crate::state::open_file::{OpenFile, Target};

impl<S: Sink> Engine<S> {
    /// A file was opened or described.
    pub(super) fn file(&mut self, file: &sf_rec_file, path: &[u8]) {
        let process = self.process(&file.h);
        if file.ret < 0 || file.file == 0 {
            self.counts.failed += 1;
            return;
        }
        let container = self.processes.get(process).container;
        let flags = open_flags(file);
        let target = match restype(file.mode) {
            Some(restype) => {
                let path = file_name(file, path);
                let object = self.objects.file(container, &path, restype, &self.containers);
                self.note_inode(object, file);
                Target::Object(object)
            }
            None => Target::Silent,
        };
        let open = self.describe(file.file, OpenFile { target: self.wanted(target), flags });
        self.processes.set_descriptor(process, file.fd, file.file, open);
        self.counts.applied += 1;
        if let (SF_OP_OPEN, Target::Object(object)) = (u32::from(file.h.op), target)
            && self.collects(object)
        {
            let key = Key { process, tid: file.h.tid, fd: file.fd, object };
            let place = self.flow(key, file.h.ts);
            let flow = self.flows.get_mut(place);
            flow.mark(OpFlags::OPEN, file.h.ts);
            flow.open_flags = flags;
            if self.settings.semantics.collect == Collect::Consume {
                self.end_flow(place, OpFlags::NONE, file.h.ts);
            }
        }
    }

    /// Whether anything about a file is collected.
    fn collects(&self, object: ObjRef) -> bool {
        let semantics = &self.settings.semantics;
        match self.objects.get(object) {
            Object::File(file) => {
                semantics.collect != Collect::NoFiles
                    && (!semantics.file_only || file.restype == RestType::FILE)
            }
            Object::Net(_) => true,
        }
    }

    /// What is done with an open file is of no interest where of files nothing
    /// but their opening is collected, or not even that.
    pub(super) fn wanted(&self, target: Target) -> Target {
        match target {
            Target::Object(object)
                if !self.collects(object)
                    || (self.settings.semantics.collect == Collect::Consume
                        && matches!(self.objects.get(object), Object::File(_))) =>
            {
                Target::Silent
            }
            target => target,
        }
    }

    /// Remembers which file the path leads to now. Where that can be told, the
    /// file is written again when it is another one than before.
    fn note_inode(&mut self, object: ObjRef, file: &sf_rec_file) {
        if self.settings.schema == Version::V5 {
            return;
        }
        let dev = libc::makedev(file.dev >> 20, file.dev & 0xf_ffff) as u32;
        if let Some(known) = self.objects.file_mut(object)
            && (known.dev, known.ino) != (dev, file.ino)
        {
            (known.dev, known.ino) = (dev, file.ino);
            known.written = 0;
        }
    }

    /// Takes a description; the objects that open files name are counted.
    pub(super) fn describe(&mut self, file: u64, as_: OpenFile) -> u32 {
        if let Target::Object(object) = as_.target {
            self.objects.hold(object);
        }
        let (open, old) = self.open_files.describe(file, as_);
        if let Some(OpenFile { target: Target::Object(object), .. }) = old {
            self.objects.drop_use(object);
        }
        open
    }

    /// Something on a descriptor: closed, or given a second number.
    pub(super) fn fd(&mut self, record: &sf_rec_fd) {
        match u32::from(record.h.op) {
            SF_OP_CLOSE => self.close(record),
            SF_OP_DUP => self.dup(record, record.ret),
            SF_OP_PIPE => self.dup(record, record.fd),
            _ => self.counts.unknown += 1,
        }
    }

    /// A file got another number: a second one, or as an end of a pipe its
    /// first. What had that number before was
    /// closed by it without a call of its own; its flow goes on until the
    /// process ends or the number is closed, as in the reference.
    fn dup(&mut self, record: &sf_rec_fd, new: i32) {
        if record.ret < 0 || record.file == 0 {
            self.counts.failed += 1;
            return;
        }
        let process = self.process(&record.h);
        self.counts.applied += 1;
        match self.open_files.find(record.file) {
            Some(open) => {
                self.processes.set_descriptor(process, new, record.file, open);
            }
            // Its first use will bring the description.
            None => self.processes.get_mut(process).clear_descriptor(new),
        }
    }

    pub(super) fn close(&mut self, record: &sf_rec_fd) {
        // Any other failure (EIO, EINTR) has closed the descriptor all the
        // same: close(2).
        if record.ret == -libc::EBADF {
            self.counts.failed += 1;
            return;
        }
        let process = self.process(&record.h);
        let (tid, fd, end) = (record.h.tid, record.fd, record.h.ts);
        self.close_for_others(process, fd, end);
        let Some(known) = self.processes.get(process).descriptor(fd).copied() else {
            self.counts.unused_close += 1;
            return;
        };
        self.counts.applied += 1;
        // The descriptor is gone for all threads, whatever they used it for.
        self.cut_off_related(process, fd, tid, end);
        let mut own = self.processes.get(process).flows_on(fd).first();
        if own == flow::NONE
            && let Some(open) = self.open_files.at(known.open, known.file)
            && let Target::Object(object) = open.target
        {
            own = self.flow(Key { process, tid, fd, object }, end);
        }
        while own != flow::NONE {
            self.end_flow(own, OpFlags::CLOSE, end);
            own = self.processes.get(process).flows_on(fd).first();
        }
        self.processes.get_mut(process).clear_descriptor(fd);
    }
}

/// How `SysFlow` tells the type of a file; `None` for what is no part of it.
fn restype(mode: u32) -> Option<RestType> {
    match mode & libc::S_IFMT {
        libc::S_IFREG | libc::S_IFCHR | libc::S_IFBLK | libc::S_IFLNK => Some(RestType::FILE),
        libc::S_IFDIR => Some(RestType::DIRECTORY),
        libc::S_IFIFO => Some(RestType::PIPE),
        _ => None,
    }
}

/// The name of a file: its path, or for a pipe without one its number.
fn file_name<'a>(file: &sf_rec_file, path: &'a [u8]) -> Cow<'a, [u8]> {
    let pipe = file.mode & libc::S_IFMT == libc::S_IFIFO;
    if pipe && matches!(path, b"" | b"/") {
        return format!("pipe:[{}]", file.ino).into_bytes().into();
    }
    path.into()
}

fn open_flags(file: &sf_rec_file) -> OpenFlags {
    if u32::from(file.h.op) != SF_OP_OPEN {
        return OpenFlags::NONE;
    }
    let flags = OpenFlags::from_linux(file.flags.cast_signed());
    if u32::from(file.attr) & SF_FILE_CREATED != 0 { flags | OpenFlags::F_CREATED } else { flags }
}
