// SPDX-License-Identifier: Apache-2.0
//! What a snapshot of all processes costs for each:
//! `snapshot-cost [PROCESSES [WAY...]]`
//!
//! Starts so many programs that sleep (2,000), and reads all processes of the
//! host in turns, nine times each: as the kernel's iterator tells them, the same
//! and taken over by an engine, from /proc with one thread and with two, and
//! plainly; or in the named ways only. Many processes want a program that takes little memory: the variable
//! `SNAPSHOT_SLEEPER` names one, best a static one that does nothing but `pause()`.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use engine::clock::Clock;
use engine::rescan::Rescan;
use engine::scan::{Part, Source, scan};
use engine::sink::Sink;
use engine::snapshot::NoLookup;
use engine::state::users::Users;
use engine::{Engine, Settings};
use nix::time::{ClockId, clock_gettime};
use sysflow::encode::Encode;

const ROUNDS: usize = 9;

/// The program that sleeps, if there is another one: a static one takes less
/// memory.
const SLEEPER: &str = "SNAPSHOT_SLEEPER";

/// The children of this program, which end with it.
struct Sleepers(Vec<Child>);

impl Drop for Sleepers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // One that has ended is in nobody's way.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// What a way found: processes, and how many of them the kernel told.
type Found = (usize, u64);

/// Reads all with the engine's scan.
fn with_threads(source: &Source, threads: usize) -> Found {
    let (sender, receiver) = crossbeam::channel::bounded(8);
    std::thread::scope(|scope| {
        scope.spawn(move || scan(source, threads, &sender));
        receiver.iter().fold((0, 0), |(found, told), part| match part {
            Part::Found(part, _) => (found + part.len(), told),
            Part::End(span, _) => (found, span.told),
        })
    })
}

/// Records that nobody wants.
struct Nowhere;

impl Sink for Nowhere {
    fn put(&mut self, _: impl Encode) {}
}

/// As a capture begins: with the engine that takes over what is found.
fn taken_over(source: &Source) -> Found {
    let settings = Settings::default();
    let mut engine =
        Engine::new(settings, Clock::measure(), Users::none(), Box::new(NoLookup), Nowhere);
    let mut rescan = Rescan::new(source.clone());
    rescan.begin_first(&mut engine);
    rescan.wait(&mut engine, Duration::from_secs(600));
    (engine.living(), engine.counts().scanned_tasks)
}

/// The same files, read plainly.
fn plainly() -> Found {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let read = entries
        .filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok())
        .filter(|entry| read_plainly(&entry.path()) > 0);
    (read.count(), 0)
}

fn read_plainly(dir: &Path) -> usize {
    let files = ["stat", "status", "cmdline", "environ", "cgroup"];
    let bytes = files.map(|file| std::fs::read(dir.join(file)).map_or(0, |text| text.len()));
    let links = ["exe", "cwd", "root"];
    let named = links.map(|link| usize::from(std::fs::read_link(dir.join(link)).is_ok()));
    bytes.iter().chain(&named).sum()
}

fn start(count: usize) -> std::io::Result<Sleepers> {
    let program = std::env::var_os(SLEEPER).unwrap_or_else(|| "sleep".into());
    let mut sleepers = Sleepers(Vec::new());
    for _ in 0..count {
        let mut command = Command::new(&program);
        command.arg0("sleep").arg("100000").stdin(Stdio::null());
        sleepers.0.push(command.spawn()?);
    }
    Ok(sleepers)
}

fn main() -> ExitCode {
    let count: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(2000);
    let _sleepers = match start(count) {
        Ok(sleepers) => sleepers,
        Err(error) => {
            eprintln!("error: cannot start {count} processes: {error}");
            return ExitCode::FAILURE;
        }
    };
    let only: Vec<String> = std::env::args().skip(2).collect();
    let begun = Instant::now();
    let host = Source::host();
    if host.has_tasks() {
        println!("loading the iterator: {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    } else {
        eprintln!("the kernel has no iterator here: `iterator` is /proc");
    }
    let proc = Source::proc(PathBuf::from("/proc"));
    let ways: [(&str, &dyn Fn() -> Found); 5] = [
        ("iterator", &|| with_threads(&host, 1)),
        ("taken over", &|| taken_over(&host)),
        ("one thread", &|| with_threads(&proc, 1)),
        ("two threads", &|| with_threads(&proc, 2)),
        ("plainly", &plainly),
    ];
    let mut times: [Vec<(f64, f64)>; 5] = Default::default();
    let (mut processes, mut told) = (0, 0);
    for _ in 0..ROUNDS {
        for ((name, way), times) in ways.iter().zip(&mut times) {
            if !only.is_empty() && only.iter().all(|wanted| wanted != name) {
                continue;
            }
            let (wall, used) = (Instant::now(), cpu());
            let (found, by_kernel) = way();
            let each = |time: Duration| time.as_secs_f64() * 1e6 / found as f64;
            times.push((each(wall.elapsed()), each(cpu() - used)));
            (processes, told) = (found.max(processes), by_kernel.max(told));
        }
    }
    println!("{processes} processes, {told} told by the kernel");
    println!(
        "{:<12} {:>24} {:>24}",
        "us a process", "wall: fastest, median", "CPU: fastest, median"
    );
    for ((name, _), mut times) in ways.iter().zip(times).filter(|(_, times)| !times.is_empty()) {
        let mut of = |key: fn(&(f64, f64)) -> f64| {
            times.sort_by(|a, b| key(a).total_cmp(&key(b)));
            (key(&times[0]), key(&times[ROUNDS / 2]))
        };
        let (wall, cpu) = (of(|t| t.0), of(|t| t.1));
        println!("{name:<12} {:>12.1} {:>11.1} {:>12.1} {:>11.1}", wall.0, wall.1, cpu.0, cpu.1);
    }
    ExitCode::SUCCESS
}
