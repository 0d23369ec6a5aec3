// SPDX-License-Identifier: Apache-2.0
//! All processes of the host, in parts: told by the kernel's iterator of tasks
//! where there is one, else read from /proc.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded};
use probe_loader::Tasks;

use crate::snapshot::{Found, Listening, ProcFs, Span, tasks};
use crate::{clock, privileges, threads};

/// Processes that are read and taken over together: below a millisecond of work.
const PART: usize = 256;

/// Parts that may wait.
const PARTS: usize = 8;

/// More processes than this are read by several threads.
const MANY: usize = 2048;

/// Threads that read at most.
const MAX_THREADS: usize = 8;

/// The iterator reads the memory of processes, and one that has its arguments
/// in a file of a file system that does not answer keeps it waiting. After so
/// long without a word it is given up. /proc does not read such memory.
pub(crate) const STALL: Duration = Duration::from_secs(10);

/// Set to `proc`, processes are read from /proc alone.
const WAY: &str = "SYSFLOW_SNAPSHOT";

/// A part of a scan.
#[derive(Debug)]
pub enum Part {
    /// Processes, and when the last of them was read, ns of the events' clock.
    Found(Vec<Found>, u64),
    /// There are no more.
    End(Span, Listening),
}

impl Part {
    pub(crate) fn read_at(&self) -> u64 {
        match self {
            Self::Found(_, at) => *at,
            Self::End(span, _) => span.ended,
        }
    }
}

/// Where the processes of the host are learnt.
#[derive(Clone, Debug)]
pub struct Source {
    root: PathBuf,
    /// None inside when the kernel told of an error.
    tasks: Option<Arc<Mutex<Option<Tasks>>>>,
}

impl Source {
    /// A /proc alone.
    #[must_use]
    pub fn proc(root: PathBuf) -> Self {
        Self { root, tasks: None }
    }

    /// This host: its kernel, if it can be asked, and /proc for the rest. To be
    /// made while the process may still load eBPF programs; then it needs no
    /// capability any more.
    #[must_use]
    pub fn host() -> Self {
        let root = PathBuf::from("/proc");
        let tasks = match open(&root) {
            Ok(tasks) => Some(Arc::new(Mutex::new(Some(tasks)))),
            Err(reason) => {
                log::debug!("processes are read from /proc: {reason}");
                None
            }
        };
        Self { root, tasks }
    }

    /// The kernel tells the processes.
    #[must_use]
    pub fn has_tasks(&self) -> bool {
        self.tasks.is_some()
    }

    /// From now on they are read from /proc, because the kernel did not go on.
    pub(crate) fn give_up_tasks(&mut self) {
        log::warn!(
            "the kernel's iterator of tasks did not go on for {} s: reading /proc",
            STALL.as_secs()
        );
        self.tasks = None;
    }

    /// Keeps the iterator from everybody else.
    #[cfg(test)]
    pub(crate) fn keep(&self) -> Option<std::sync::MutexGuard<'_, Option<Tasks>>> {
        self.tasks.as_ref()?.lock().ok()
    }

    /// Begins a scan in a thread of its own.
    pub(crate) fn begin(&self) -> std::io::Result<Receiver<Part>> {
        let (sender, receiver) = bounded(PARTS);
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let source = self.clone();
        threads::spawn_with("scan", &[privileges::SYS_PTRACE], move || {
            scan(&source, count, &sender);
        })?;
        Ok(receiver)
    }

    /// All processes, at once. Where the kernel does not tell all, from /proc.
    #[must_use]
    pub fn all(&mut self) -> Vec<Found> {
        if self.has_tasks() {
            match self.begin().map(|parts| collect(&parts)) {
                Ok(Some(all)) => return all,
                Ok(None) => self.give_up_tasks(),
                Err(error) => log::warn!("cannot start a thread: {error}"),
            }
        }
        ProcFs::at(self.root.clone()).all()
    }
}

/// What a scan finds; none where it does not go on.
fn collect(parts: &Receiver<Part>) -> Option<Vec<Found>> {
    let mut all = Vec::new();
    loop {
        match parts.recv_timeout(STALL).ok()? {
            Part::Found(found, _) => all.extend(found),
            Part::End(..) => return Some(all),
        }
    }
}

/// Loads the iterator, if it tells the same processes as this /proc.
fn open(root: &Path) -> Result<Tasks, String> {
    if std::env::var_os(WAY).is_some_and(|way| way == "proc") {
        return Err(format!("{WAY} says so"));
    }
    let status = std::fs::read_to_string(root.join("self/status"))
        .map_err(|error| format!("{}/self/status: {error}", root.display()))?;
    if !is_own(&status) {
        return Err(format!("{} is that of another pid namespace", root.display()));
    }
    Tasks::open().map_err(|error| {
        if let probe_loader::ebpf::tasks::Error::Refused { log, .. } = &error {
            log::debug!("libbpf says:{log}");
        }
        error.to_string()
    })
}

/// Whether a process that reads its status has the same number there as in its
/// own pid namespace, and no other in between.
fn is_own(status: &str) -> bool {
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    numbers.is_some_and(|numbers| numbers.split_ascii_whitespace().count() == 1)
}

/// Reads all processes and hands them out in parts. Ends early when nobody
/// takes them. /proc is read with so many threads.
pub fn scan(source: &Source, threads: usize, parts: &Sender<Part>) {
    let (begun, begun_boot) = (clock::monotonic(), clock::boottime());
    let mut span = Span { begun, begun_boot, ..Span::default() };
    let mut proc = ProcFs::at(source.root.clone());
    let told = source.tasks.as_ref().is_some_and(|tasks| {
        let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let told = tasks.as_mut().map(|tasks| by_tasks(tasks, &mut proc, &mut span, parts));
        let Some(Err(error)) = told else { return told.is_some() };
        log::warn!("the kernel's iterator of tasks fails, and /proc is read: {error}");
        *tasks = None;
        false
    });
    if !told {
        by_proc(&proc, threads, &mut span, parts);
    }
    span.ended = clock::monotonic();
    let _ = parts.send(Part::End(span, proc.listening()));
}

/// Sends what is full. Whether it is taken.
fn hand_out(found: &mut Vec<Found>, parts: &Sender<Part>) -> bool {
    let part = std::mem::replace(found, Vec::with_capacity(PART));
    parts.send(Part::Found(part, clock::monotonic())).is_ok()
}

/// As the kernel tells them; and those that only /proc knows: there are kernels
/// that keep the first process from iterators. Ends early when nobody wants more.
fn by_tasks(
    tasks: &mut Tasks,
    proc: &mut ProcFs,
    span: &mut Span,
    parts: &Sender<Part>,
) -> Result<(), Box<dyn std::error::Error>> {
    let list = proc.clone();
    std::thread::scope(|scope| {
        // The kernel makes the list and tells the tasks at the same time.
        let listed = Builder::new().spawn_scoped(scope, move || list.pids());
        span.whole = true;
        let Some(seen) = told(tasks, proc, span, parts)? else { return Ok(()) };
        let listed = match listed {
            Ok(thread) => thread.join().map_err(|_| "the list of /proc could not be made")??,
            // There may be no more threads.
            Err(_) => proc.pids()?,
        };
        let mut found = Vec::new();
        for pid in listed.into_iter().filter(|pid| seen.binary_search(pid).is_err()) {
            span.read += 1;
            read(proc, pid, &mut found, &mut span.whole);
        }
        hand_out(&mut found, parts);
        Ok(())
    })
}

/// Hands out what the kernel tells. The numbers of the processes, in order; none
/// when nobody wants more.
fn told(
    tasks: &mut Tasks,
    proc: &mut ProcFs,
    span: &mut Span,
    parts: &Sender<Part>,
) -> Result<Option<Vec<u32>>, Box<dyn std::error::Error>> {
    let mut pass = tasks.pass()?;
    let (mut seen, mut found) = (Vec::new(), Vec::with_capacity(PART));
    while let Some(batch) = pass.next_batch()? {
        for task in batch {
            let task = task?;
            seen.push(task.pid);
            if let Some(process) = tasks::found(&task) {
                span.told += 1;
                found.push(process);
            } else {
                span.read += 1;
                read(proc, task.pid, &mut found, &mut span.whole);
            }
            if found.len() == PART && !hand_out(&mut found, parts) {
                return Ok(None);
            }
        }
    }
    seen.sort_unstable();
    Ok(hand_out(&mut found, parts).then_some(seen))
}

/// Adds a process of /proc, if it is there.
fn read(proc: &mut ProcFs, pid: u32, found: &mut Vec<Found>, whole: &mut bool) {
    match proc.read(pid) {
        Ok(process) => found.extend(process),
        Err(_) => *whole = false,
    }
}

/// As /proc has them.
fn by_proc(proc: &ProcFs, threads: usize, span: &mut Span, parts: &Sender<Part>) {
    let pids = proc.pids();
    span.whole = pids.is_ok();
    let pids = pids.unwrap_or_default();
    span.read += pids.len() as u64;
    let threads = if pids.len() < MANY { 1 } else { threads.clamp(1, MAX_THREADS) };
    let (next, whole) = (AtomicUsize::new(0), AtomicBool::new(true));
    let work = |mut proc: ProcFs| {
        while let Some(chunk) = pids.chunks(PART).nth(next.fetch_add(1, Ordering::Relaxed)) {
            let mut found = Vec::with_capacity(chunk.len());
            let mut good = true;
            for pid in chunk {
                read(&mut proc, *pid, &mut found, &mut good);
            }
            if !good {
                whole.store(false, Ordering::Relaxed);
            }
            if parts.send(Part::Found(found, clock::monotonic())).is_err() {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| work(proc.clone()));
        }
        work(proc.clone());
    });
    span.whole &= whole.into_inner();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proc_of_another_pid_namespace_is_known() {
        assert!(is_own("Name:\tx\nNSpid:\t7\n"));
        assert!(!is_own("Name:\tx\nNSpid:\t7\t1\n"));
        assert!(!is_own("Name:\tx\n"), "what does not tell is not believed");
    }
}
