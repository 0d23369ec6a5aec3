// SPDX-License-Identifier: Apache-2.0
//! One process starts ten programs with known arguments and environment, and
//! fails to start one.

use std::ffi::CString;
use std::io;

use super::{Workload, c_path};
use crate::workload::board::Board;
use crate::workload::child::{self, Exec};
use crate::workload::program;
use crate::workload::report::{Image, op};

const COUNT: usize = 10;
const AFTER_FAILURE: i32 = 77;

/// Arguments behind the program's name: more with each program, among them an
/// empty one, one with spaces, one that is not ASCII, a long one.
fn arguments(n: usize) -> Vec<String> {
    let long = "long".repeat(500);
    let all = ["first", "two words", "", "grüße", &long, "--flag=value", "7", "8", "9"];
    all[..n].iter().map(|&arg| arg.to_owned()).collect()
}

fn environment(n: usize) -> Vec<String> {
    vec![format!("NUMBER={n}"), "EMPTY=".to_owned(), "WORDS=two words".to_owned()]
}

fn c_strings(list: impl IntoIterator<Item = String>) -> io::Result<Vec<CString>> {
    list.into_iter().map(|s| CString::new(s).map_err(io::Error::other)).collect()
}

pub(super) fn run(w: &mut Workload) -> io::Result<()> {
    let board = Board::new()?;
    let path = w.path("program");
    program::install(&path)?;
    let missing = c_path(&w.path("no such program"))?;
    let execs: Vec<Exec> = (0..COUNT)
        .map(|n| {
            let args = ["program".to_owned()].into_iter().chain(arguments(n));
            let (args, env) = (c_strings(args)?, c_strings(environment(n))?);
            Ok(Exec { path: c_path(&path)?, args, env })
        })
        .collect::<io::Result<_>>()?;

    let parent = w.fork("programs", || {
        for (n, exec) in execs.iter().enumerate() {
            // The last one by execveat.
            let pid = child::fork(|| Err(exec.run(n == COUNT - 1)))?;
            board.post(n, pid);
            child::expect(pid, n as i32 + 1)?;
        }
        let absent = Exec { path: missing, args: Vec::new(), env: Vec::new() };
        let pid = child::fork(|| match absent.run(false).raw_os_error() {
            Some(libc::ENOENT) => Ok(AFTER_FAILURE),
            _ => Err(io::Error::other("a missing program was started")),
        })?;
        board.post(COUNT, pid);
        child::expect(pid, AFTER_FAILURE)?;
        Ok(0)
    })?;
    w.join(parent, 0)?;

    for n in 0..COUNT {
        let pid = board.look(n) as i32;
        let image = Image {
            exe: path.display().to_string(),
            args: arguments(n).join(" "),
            env: environment(n),
            cwd: w.image.cwd.clone(),
        };
        let records = [("CREATED", &w.image), ("MODIFIED", &image)];
        w.report.process(&format!("program {n}"), pid, parent, true, &records);
        w.cloned(pid, parent);
        w.report.event(pid, pid, op::EXEC, 0);
        w.exited(pid, n as i32 + 1);
    }
    let pid = board.look(COUNT) as i32;
    // A start that fails is told like one that succeeds: with the process as
    // it is then.
    let records = [("CREATED", &w.image), ("MODIFIED", &w.image)];
    w.report.process("no program", pid, parent, true, &records);
    w.cloned(pid, parent);
    w.report.event(pid, pid, op::EXEC, -libc::ENOENT);
    w.exited(pid, AFTER_FAILURE);
    Ok(())
}
