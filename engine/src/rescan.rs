// SPDX-License-Identifier: Apache-2.0
//! Scans of all processes beside a capture, in threads of their own: what runs
//! when it begins, and what is true after a loss. They are taken over in small
//! parts between two drains, so that no ring waits for them.

use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError};

use crate::Engine;
use crate::clock;
use crate::engine::Corrected;
use crate::scan::{Part, STALL, Source};
use crate::sink::Sink;
use crate::snapshot::{Found, Listening, Span};

/// How long parts are taken over in one turn; between two, the rings are drained.
const TURN: Duration = Duration::from_millis(2);

/// A scan is not begun earlier than this after the last one, ns; and not before
/// twenty times as long has passed as that one took.
const PAUSE: u64 = 5_000_000_000;

/// After a scan that corrected something another one looks whether all is well.
const AGAIN: u64 = 2_000_000_000;

/// Scans that follow from one loss at most.
const MAX_AGAIN: u32 = 4;

/// The scans of a capture.
#[derive(Debug)]
pub struct Rescan {
    source: Source,
    running: Option<Receiver<Part>>,
    /// When the scan was heard of last.
    heard: Instant,
    /// So long it need not be heard of.
    stall: Duration,
    /// A part that came before the events until it was read.
    held: Option<Part>,
    /// When the next scan is to begin, ns of the events' clock.
    due: Option<u64>,
    /// No scan before that.
    not_before: u64,
    /// Scans that followed from the last loss.
    again: u32,
    first: bool,
}

impl Rescan {
    /// Scans of these processes.
    #[must_use]
    pub fn new(source: Source) -> Self {
        let (running, held, due) = (None, None, None);
        let (heard, stall) = (Instant::now(), STALL);
        let (not_before, again, first) = (0, 0, false);
        Self { source, running, heard, stall, held, due, not_before, again, first }
    }

    /// All processes at once, where nothing goes on beside.
    #[must_use]
    pub fn all(&mut self) -> Vec<Found> {
        self.source.all()
    }

    /// Begins the first scan, of a capture that begins.
    pub fn begin_first<S: Sink>(&mut self, engine: &mut Engine<S>) {
        self.first = true;
        self.begin(engine);
    }

    fn begin<S: Sink>(&mut self, engine: &mut Engine<S>) {
        log::debug!("processes are compared with those of the host");
        engine.begin_scan(clock::monotonic(), self.first);
        self.heard = Instant::now();
        match self.source.begin() {
            Ok(parts) => self.running = Some(parts),
            Err(error) => {
                log::warn!("the processes cannot be compared with those of the host: {error}");
            }
        }
    }

    /// The scan goes on, or another begins where it does not.
    fn look_after<S: Sink>(&mut self, engine: &mut Engine<S>) {
        if self.heard.elapsed() > self.stall && self.source.has_tasks() {
            self.source.give_up_tasks();
            self.running = None;
            self.begin(engine);
        }
    }

    /// Something was lost that says what processes there are. Whether that is
    /// the first since a scan began.
    pub fn want(&mut self, now: u64) -> bool {
        let first = self.again != 0 || self.due.is_none();
        self.again = 0;
        self.due = Some(self.due.map_or(now, |due| due.min(now)));
        first
    }

    /// Takes over what can be: with all events until `drained`, ns, applied.
    /// What a scan corrected, when it ends.
    pub fn step<S: Sink>(&mut self, engine: &mut Engine<S>, drained: u64) -> Option<Corrected> {
        if self.running.is_none() {
            if self.due.is_none_or(|due| due.max(self.not_before) > drained) {
                return None;
            }
            self.due = None;
            self.begin(engine);
        }
        let begun = Instant::now();
        while self.running.is_some() && begun.elapsed() < TURN {
            if let Some(corrected) = self.take(engine, drained, Duration::ZERO) {
                return Some(corrected);
            }
            // One that waits for events, or the next one is not there yet.
            if self.held.is_some() || self.running.as_ref().is_none_or(Receiver::is_empty) {
                break;
            }
        }
        None
    }

    /// Whether a scan goes on.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Waits for the first scan, but no longer than that: a small host has told
    /// all by then.
    pub fn wait<S: Sink>(&mut self, engine: &mut Engine<S>, patience: Duration) {
        let begun = Instant::now();
        while self.running.is_some() && begun.elapsed() < patience {
            self.take(engine, u64::MAX, patience.saturating_sub(begun.elapsed()));
        }
    }

    fn take<S: Sink>(
        &mut self,
        engine: &mut Engine<S>,
        drained: u64,
        patience: Duration,
    ) -> Option<Corrected> {
        let parts = self.running.as_ref()?;
        let part = match self.held.take() {
            Some(part) => part,
            None => match parts.recv_timeout(patience) {
                Ok(part) => part,
                Err(RecvTimeoutError::Timeout) => {
                    self.look_after(engine);
                    return None;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.running = None;
                    return None;
                }
            },
        };
        self.heard = Instant::now();
        // At the start nothing is known that could be newer.
        if !self.first && part.read_at() > drained {
            self.held = Some(part);
            return None;
        }
        match part {
            Part::Found(found, _) => {
                engine.scanned(&found);
                None
            }
            Part::End(span, listening) => {
                self.running = None;
                Some(self.end(engine, &span, listening))
            }
        }
    }

    fn end<S: Sink>(
        &mut self,
        engine: &mut Engine<S>,
        span: &Span,
        listening: Listening,
    ) -> Corrected {
        let corrected = engine.end_scan(span, listening);
        let took = span.ended.saturating_sub(span.begun);
        log::debug!(
            "{} processes were told by the kernel and {} read from /proc, in {} us, {}",
            span.told,
            span.read,
            took / 1000,
            if span.whole { "whole" } else { "in part" }
        );
        // A process that ended while a long first scan was taken over can have
        // been taken for a living one.
        let doubt = !corrected.is_nothing() || (self.first && took > AGAIN / 4);
        let pause = if doubt && self.again < MAX_AGAIN {
            self.again += 1;
            self.due = Some(span.ended + AGAIN);
            AGAIN
        } else {
            PAUSE
        };
        self.not_before = span.ended + pause.max(20 * took);
        self.first = false;
        corrected
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::engine::Settings;
    use crate::scan::scan;
    use crate::snapshot::NoLookup;
    use crate::state::users::Users;
    use sysflow::encode::Encode;

    struct Nowhere;

    impl Sink for Nowhere {
        fn put(&mut self, _: impl Encode) {}
    }

    /// A process in a tree like /proc.
    fn put(root: &Path, pid: u32, ppid: u32, start: u64) {
        let dir = root.join(pid.to_string());
        std::fs::create_dir(&dir).expect("a folder");
        let stat = format!("{pid} (x) S {ppid} 1 1 0 0 64 0 0 0 0 0 0 0 0 20 0 1 0 {start} 0 0\n");
        for (name, text) in [
            ("stat", stat.as_bytes()),
            ("status", b"Name:\tx\nUid:\t0\t7\t0\t0\nGid:\t0\t8\t0\t0\nNSpid:\t9\n"),
            ("cmdline", b"x\0-a\0"),
            ("environ", b"A=1\0"),
            ("cgroup", b"0::/lxc/web\n"),
        ] {
            std::fs::write(dir.join(name), text).expect("a file");
        }
        for (name, target) in [("exe", "/bin/x"), ("cwd", "/tmp"), ("root", "/")] {
            symlink(target, dir.join(name)).expect("a link");
        }
    }

    fn proc(root: &Path) -> Source {
        Source::proc(PathBuf::from(root))
    }

    fn engine() -> Engine<Nowhere> {
        let clock = clock::Clock::measure();
        Engine::new(Settings::default(), clock, Users::none(), Box::new(NoLookup), Nowhere)
    }

    fn run(rescan: &mut Rescan, engine: &mut Engine<Nowhere>) -> Corrected {
        loop {
            if let Some(corrected) = rescan.take(engine, u64::MAX, Duration::from_secs(60)) {
                return corrected;
            }
            assert!(rescan.running.is_some(), "the scan ends by telling so");
        }
    }

    #[test]
    fn all_processes_are_found_by_any_number_of_threads() {
        let dir = tempfile::tempdir().expect("a folder");
        for pid in 1..=3000 {
            put(dir.path(), pid, pid / 2, u64::from(pid));
        }
        std::fs::create_dir(dir.path().join("self")).expect("a folder");
        let of = |threads| {
            let (sender, receiver) = crossbeam::channel::bounded(8);
            let source = proc(dir.path());
            let thread = std::thread::spawn(move || scan(&source, threads, &sender));
            let (mut all, mut ended) = (Vec::new(), None);
            for part in receiver {
                match part {
                    Part::Found(found, _) => all.extend(found),
                    Part::End(span, _) => ended = Some(span),
                }
            }
            thread.join().expect("no panic");
            assert!(ended.is_some_and(|span| span.whole));
            all.sort_by_key(|found| found.pid);
            all
        };
        let one = of(1);
        assert_eq!(one, of(4));
        assert_eq!(one.len(), 3000);
        let found = &one[6];
        assert_eq!((found.pid, found.ppid, found.vpid, found.start), (7, 3, 9, 70_000_000));
        assert_eq!((&*found.exe, &*found.args, &*found.env), ("/bin/x", "-a", "A=1\0"));
        assert_eq!((found.uid, found.gid, &*found.cwd, found.binary), (7, 8, "/tmp/", true));
        assert_eq!(found.cgroup, b"/lxc/web");
    }

    #[test]
    fn what_came_and_went_unseen_is_found_by_the_next_scan() {
        let dir = tempfile::tempdir().expect("a folder");
        for pid in 1..=3 {
            put(dir.path(), pid, pid - 1, u64::from(pid));
        }
        let (mut engine, mut rescan) = (engine(), Rescan::new(proc(dir.path())));
        rescan.begin_first(&mut engine);
        rescan.wait(&mut engine, Duration::from_secs(60));
        assert_eq!((engine.living(), engine.counts().scans), (3, 0));
        std::fs::remove_dir_all(dir.path().join("2")).expect("removed");
        put(dir.path(), 4, 1, 4);
        put(dir.path(), 5, 4, 5);
        rescan.want(0);
        rescan.due = None;
        rescan.begin(&mut engine);
        let corrected = run(&mut rescan, &mut engine);
        assert_eq!(corrected, Corrected { missed: 2, gone: 1, changed: 0 });
        assert_eq!((engine.living(), engine.counts().scans), (4, 1));
        assert!(rescan.due.is_some(), "another one looks whether all is well");
        rescan.begin(&mut engine);
        assert!(run(&mut rescan, &mut engine).is_nothing());
    }

    #[test]
    fn a_part_waits_for_the_events_before_it() {
        let dir = tempfile::tempdir().expect("a folder");
        put(dir.path(), 1, 0, 1);
        let (mut engine, mut rescan) = (engine(), Rescan::new(proc(dir.path())));
        rescan.want(5);
        assert_eq!(rescan.step(&mut engine, 4), None);
        assert!(rescan.running.is_none(), "it is not due");
        rescan.begin(&mut engine);
        let long_ago = 1;
        for _ in 0..3 {
            rescan.take(&mut engine, long_ago, Duration::from_millis(20));
        }
        assert_eq!(engine.living(), 0);
        run(&mut rescan, &mut engine);
        assert_eq!(engine.living(), 1);
    }

    #[test]
    fn a_proc_that_cannot_be_read_ends_nobody() {
        let dir = tempfile::tempdir().expect("a folder");
        put(dir.path(), 1, 0, 1);
        let (mut engine, mut rescan) = (engine(), Rescan::new(proc(dir.path())));
        rescan.begin_first(&mut engine);
        rescan.wait(&mut engine, Duration::from_secs(60));
        rescan.source = proc(&dir.path().join("nowhere"));
        rescan.begin(&mut engine);
        assert!(run(&mut rescan, &mut engine).is_nothing());
        assert_eq!(engine.living(), 1);
    }

    /// Somebody keeps the iterator, as a process does whose memory does not
    /// answer.
    #[test]
    fn a_kernel_that_does_not_go_on_is_not_waited_for() {
        let source = Source::host();
        if !source.has_tasks() {
            eprintln!("skipped: no iterator of tasks here");
            return;
        }
        let (mut engine, mut rescan) = (engine(), Rescan::new(source.clone()));
        rescan.stall = Duration::from_millis(50);
        let kept = source.keep();
        rescan.begin_first(&mut engine);
        while rescan.is_running() {
            rescan.take(&mut engine, u64::MAX, Duration::from_millis(20));
        }
        assert!(!rescan.source.has_tasks(), "it is not asked again");
        let counts = engine.counts();
        assert_eq!(counts.scanned_tasks, 0);
        assert!(counts.scanned_proc > 0 && engine.living() > 0, "/proc told them: {counts:?}");
        drop(kept);
    }
}
