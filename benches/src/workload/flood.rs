// SPDX-License-Identifier: Apache-2.0
//! Two processes that make system calls as fast as they can.

use std::io;
use std::time::{Duration, Instant};

use serde_json::json;

use super::board::Board;
use super::{child, sys};

/// Reads of one round of the reader; the clock is looked at between rounds.
const READS: i64 = 256;
/// Opens, writes and closes of one round of the opener.
const OPENS: i64 = 32;

/// When a flood ends.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After this many seconds.
    Seconds(u64),
    /// After this many rounds of each process.
    Rounds(u64),
}

/// One process reads single bytes of `/dev/zero`; the other opens, writes to
/// and closes `/dev/null` and makes a process each round. They end with this
/// process. What they did is told on stdout, as JSON.
///
/// # Errors
/// The first that it meets.
pub fn run(until: Until) -> io::Result<()> {
    let board = Board::new()?;
    let reader = child::fork(|| {
        child::die_with_parent();
        let fd = sys::open(c"/dev/zero", libc::O_RDONLY, 0)?;
        let rounds =
            repeat(until, || (0..READS).try_for_each(|_| sys::read(fd, &mut [0]).map(drop)))?;
        board.post(0, rounds);
        Ok(0)
    })?;
    let opener = child::fork(|| {
        child::die_with_parent();
        let rounds = repeat(until, || {
            for _ in 0..OPENS {
                let fd = sys::open(c"/dev/null", libc::O_WRONLY, 0)?;
                sys::write(fd, b"0123456789")?;
                sys::close(fd)?;
            }
            child::expect(child::fork(|| Ok(0))?, 0)
        })?;
        board.post(1, rounds);
        Ok(0)
    })?;
    child::expect(reader, 0)?;
    child::expect(opener, 0)?;
    let (reads, opens) = (board.look(0) * READS, board.look(1) * OPENS);
    println!(
        "{}",
        json!({
            "reader": {"pid": reader, "reads": reads},
            "opener": {"pid": opener, "opens": opens, "writes": opens, "forks": board.look(1)},
        })
    );
    Ok(())
}

fn repeat(until: Until, mut round: impl FnMut() -> io::Result<()>) -> io::Result<i64> {
    let start = Instant::now();
    let mut rounds: i64 = 0;
    loop {
        let done = match until {
            Until::Seconds(seconds) => start.elapsed() >= Duration::from_secs(seconds),
            Until::Rounds(count) => rounds.cast_unsigned() >= count,
        };
        if done {
            return Ok(rounds);
        }
        round()?;
        rounds += 1;
    }
}
