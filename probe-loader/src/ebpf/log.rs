// SPDX-License-Identifier: Apache-2.0
//! What libbpf says while a driver is opened: kept, and shown with an error
//! only.

use std::sync::{Mutex, MutexGuard, PoisonError};

use libbpf_rs::{PrintCallback, PrintLevel, set_print};

use super::Error;

/// Bytes kept: the end, where the verifier says what it refused.
const KEEP: usize = 64 << 10;
/// Lines shown with an error.
const SHOW: usize = 30;

static LINES: Mutex<String> = Mutex::new(String::new());
/// libbpf has one print function per process, so captures take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Collects libbpf's messages while it lives.
pub(super) struct Capture {
    previous: Option<(PrintLevel, PrintCallback)>,
    _turn: MutexGuard<'static, ()>,
}

fn lines() -> MutexGuard<'static, String> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that libbpf-rs asks for")]
fn keep(_: PrintLevel, message: String) {
    let mut kept = lines();
    kept.push_str(&message);
    if kept.len() > 2 * KEEP {
        let mut cut = kept.len() - KEEP;
        while !kept.is_char_boundary(cut) {
            cut += 1;
        }
        kept.drain(..cut);
    }
}

impl Capture {
    pub(super) fn start() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        lines().clear();
        Self { previous: set_print(Some((PrintLevel::Info, keep))), _turn: turn }
    }

    /// The last lines, each on a line of its own below an error.
    #[expect(clippy::unused_self, reason = "only what was said during this capture")]
    pub(super) fn text(&self) -> String {
        let kept = lines();
        let all: Vec<&str> = kept.lines().filter(|line| !line.trim().is_empty()).collect();
        let from = all.len().saturating_sub(SHOW);
        all[from..].iter().flat_map(|line| ["\n    ", line]).collect()
    }

    /// A refusal of the object, its maps or its programs.
    pub(super) fn load_error(&self, error: &libbpf_rs::Error) -> Error {
        let text = self.text();
        Error::Load {
            reason: format!("{error:#}"),
            hint: super::kernel::load_hint(error.kind(), &text),
            log: text,
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        set_print(self.previous.take());
    }
}
