// SPDX-License-Identifier: Apache-2.0
//! What a snapshot of /proc costs for each process: `snapshot-cost [PROCESSES]`
//!
//! Starts so many programs that sleep (2,000), and reads all processes of the
//! host with one thread, with two, and plainly, in turns, nine times each.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use engine::rescan::{Part, scan};
use nix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 9;

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

/// Reads all with the engine's scan. How many there were.
fn with_threads(threads: usize) -> usize {
    let (sender, receiver) = crossbeam::channel::bounded(8);
    std::thread::scope(|scope| {
        scope.spawn(move || scan(PathBuf::from("/proc"), threads, &sender));
        receiver
            .iter()
            .map(|part| if let Part::Found(found, _) = part { found.len() } else { 0 })
            .sum()
    })
}

/// The same files, read plainly.
fn plainly() -> usize {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok())
        .filter(|entry| read_plainly(&entry.path()) > 0)
        .count()
}

fn read_plainly(dir: &Path) -> usize {
    let files = ["stat", "status", "cmdline", "environ", "cgroup"];
    let bytes = files.map(|file| std::fs::read(dir.join(file)).map_or(0, |text| text.len()));
    let links = ["exe", "cwd", "root"];
    let named = links.map(|link| usize::from(std::fs::read_link(dir.join(link)).is_ok()));
    bytes.iter().chain(&named).sum()
}

fn main() -> ExitCode {
    let count: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(2000);
    let mut sleepers = Sleepers(Vec::new());
    for _ in 0..count {
        match Command::new("sleep").arg("10000").stdin(Stdio::null()).spawn() {
            Ok(child) => sleepers.0.push(child),
            Err(error) => {
                eprintln!("error: cannot start sleep: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    type Way = (&'static str, fn() -> usize);
    let ways: [Way; 3] = [
        ("one thread", || with_threads(1)),
        ("two threads", || with_threads(2)),
        ("plainly", plainly),
    ];
    let mut times: [Vec<(f64, f64)>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for ((_, way), times) in ways.iter().zip(&mut times) {
            let (wall, used) = (Instant::now(), cpu());
            let found = way() as f64;
            let each = |time: Duration| time.as_secs_f64() * 1e6 / found;
            times.push((each(wall.elapsed()), each(cpu() - used)));
        }
    }
    println!(
        "{:<12} {:>24} {:>24}",
        "us a process", "wall: fastest, median", "CPU: fastest, median"
    );
    for ((name, _), mut times) in ways.iter().zip(times) {
        let mut of = |key: fn(&(f64, f64)) -> f64| {
            times.sort_by(|a, b| key(a).total_cmp(&key(b)));
            (key(&times[0]), key(&times[ROUNDS / 2]))
        };
        let (wall, cpu) = (of(|t| t.0), of(|t| t.1));
        println!("{name:<12} {:>12.1} {:>11.1} {:>12.1} {:>11.1}", wall.0, wall.1, cpu.0, cpu.1);
    }
    ExitCode::SUCCESS
}
