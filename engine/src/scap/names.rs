// SPDX-License-Identifier: Apache-2.0
//! Operations on names: mkdir, rmdir, unlink, link, rename, symlink.

use sysflow::record::{ObjectState, OpFlags, RestType};

use crate::engine::Subject;
use crate::sink::Sink;

use super::convert::{Converter, Here};
use super::path;
use super::processes::AT_FDCWD;
use super::rows::{Act, NO_DIRECTORY, OnePath, TwoPaths};
use super::state::threads::ThreadRef;
use super::value::{signed, text};

/// A name, and the directory that it is relative to.
struct Name {
    directory: Option<i64>,
    text: Vec<u8>,
    /// Told as it is written.
    literal: bool,
}

impl<S: Sink> Converter<S> {
    pub(super) fn names_changed(&mut self, here: &Here<'_>) {
        let Some((op, first, second)) = self.operation(here) else {
            self.counts.incomplete += 1;
            return;
        };
        self.counts.used += 1;
        let restype = match op {
            OpFlags::MKDIR | OpFlags::RMDIR => RestType::DIRECTORY,
            _ => RestType::UNKNOWN,
        };
        // Of two names the first was there before.
        let state = if second.is_some() { ObjectState::Reup } else { ObjectState::Created };
        let first = self.subject(here.thread, &first, restype, state);
        let second =
            second.map(|name| self.subject(here.thread, &name, restype, ObjectState::Created));
        let ret = here.result().map_or(-1, |result| result as i32);
        let by = self.actor(here);
        self.engine.named(by, op, first, second, ret);
        for subject in [Some(first), second].into_iter().flatten() {
            self.engine.objects().0.drop_use(subject.object);
        }
    }

    fn subject(
        &mut self,
        thread: ThreadRef,
        name: &Name,
        restype: RestType,
        state: ObjectState,
    ) -> Subject {
        let mut path = std::mem::take(&mut self.path);
        match name.directory {
            _ if name.literal => {
                path.clear();
                path.extend(name.text.iter().filter(|byte| (32..=126).contains(*byte)));
            }
            Some(directory) if directory != AT_FDCWD => {
                let mut base = self.name_of(thread, directory).unwrap_or_default();
                if !base.is_empty() {
                    base.push(b'/');
                }
                path::of_operation(&mut path, &base, &name.text);
            }
            _ => {
                let main = self.threads.get(self.threads.main_of(thread));
                path::of_operation(&mut path, main.cwd.as_bytes(), &name.text);
            }
        }
        let container = self.threads.get(thread).container;
        let told = self.threads.get(self.threads.main_of(thread)).container;
        let (objects, containers) = self.engine.objects();
        let object = objects.named(container, &path, containers);
        objects.hold(object);
        self.path = path;
        Subject { object, restype, told, state }
    }

    fn operation(&self, here: &Here<'_>) -> Option<(OpFlags, Name, Option<Name>)> {
        let one = |at: OnePath| {
            let directory = (at.directory != NO_DIRECTORY).then_some(at.directory);
            self.name(here, at.entered, directory, at.path)
        };
        let two = |at: TwoPaths| {
            let (step, directory) = if at.directories { (2, Some(at.first)) } else { (1, None) };
            let path = at.first + step - 1;
            let first = self.name(here, at.entered, directory, path)?;
            let directory = directory.map(|first| first + step);
            Some((first, self.name(here, at.entered, directory, path + step)?))
        };
        Some(match here.row.act {
            Act::Mkdir(at) => (OpFlags::MKDIR, one(at)?, None),
            Act::Rmdir(at) => (OpFlags::RMDIR, one(at)?, None),
            Act::Unlink(at) => (OpFlags::UNLINK, one(at)?, None),
            Act::Link(at) => two(at).map(|(old, new)| (OpFlags::LINK, old, Some(new)))?,
            Act::Rename(at) => two(at).map(|(old, new)| (OpFlags::RENAME, old, Some(new)))?,
            Act::Symlink => {
                let target = self.name(here, false, None, 1)?;
                (OpFlags::SYMLINK, target, Some(self.name(here, false, None, 2)?))
            }
            _ => {
                let target = Name { literal: true, ..self.name(here, false, None, 1)? };
                (OpFlags::SYMLINK, target, Some(self.name(here, false, Some(2), 3)?))
            }
        })
    }

    fn name(&self, here: &Here<'_>, entered: bool, directory: Option<u8>, at: u8) -> Option<Name> {
        let kept = &self.threads.get(here.thread).kept;
        let param = |index: u8| match entered {
            true if !here.entered => None,
            true => kept.get(usize::from(index)),
            false => here.event.params.get(usize::from(index)),
        };
        let directory = match directory {
            Some(index) => Some(signed(param(index))?),
            None => None,
        };
        Some(Name { directory, text: text(param(at))?.to_vec(), literal: false })
    }
}
