// SPDX-License-Identifier: Apache-2.0
//! What systemd is told: that the recorder is ready, lives, reloads, ends. See
//! `sd_notify(3)`; nothing happens where there is no systemd.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{JoinHandle, park_timeout};
use std::time::Duration;

use engine::capture::Progress;
use engine::threads;
use sd_notify::NotifyState;

use super::size::grouped;

/// How often systemd is told how the capture goes.
const STATUS: Duration = Duration::from_secs(10);

/// What the capture's thread leaves for the one that tells.
#[derive(Default)]
struct Pulse {
    beats: AtomicU64,
    rate: AtomicU64,
    lost: AtomicU64,
    ended: AtomicBool,
}

/// The recorder as a service.
pub(crate) struct Service {
    pulse: Arc<Pulse>,
    thread: Option<JoinHandle<()>>,
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        log::debug!("systemd cannot be told: {error}");
    }
}

impl Service {
    /// The capture has begun.
    pub(crate) fn ready() -> Self {
        let pulse = Arc::new(Pulse::default());
        if std::env::var_os("NOTIFY_SOCKET").is_none() {
            return Self { pulse, thread: None };
        }
        tell(&[NotifyState::Ready]);
        // A thread of its own, because systemd may be slow to listen: the
        // capture does not wait for it. The watchdog is fed only while the
        // capture's thread moves.
        let watchdog = sd_notify::watchdog_enabled();
        let pause = watchdog.map_or(STATUS, |limit| STATUS.min(limit / 2));
        let seen = Arc::clone(&pulse);
        let thread = threads::spawn("service", move || attend(&seen, pause)).ok();
        Self { pulse, thread }
    }

    /// The capture's thread goes on.
    pub(crate) fn lives(&self, progress: &Progress) {
        self.pulse.rate.store(progress.rate as u64, Relaxed);
        self.pulse.lost.store(progress.lost, Relaxed);
        self.pulse.beats.fetch_add(1, Relaxed);
    }

    /// The settings are about to be read again.
    pub(crate) fn reloads(&self) {
        if self.thread.is_some()
            && let Ok(now) = NotifyState::monotonic_usec_now()
        {
            tell(&[NotifyState::Reloading, now]);
        }
    }

    /// They were.
    pub(crate) fn reloaded(&self) {
        if self.thread.is_some() {
            tell(&[NotifyState::Ready]);
        }
    }

    /// The capture is over.
    pub(crate) fn ends(&mut self) {
        if let Some(thread) = self.thread.take() {
            tell(&[NotifyState::Stopping]);
            self.pulse.ended.store(true, Relaxed);
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

/// Feeds the watchdog as long as the capture's thread moves.
fn attend(pulse: &Pulse, pause: Duration) {
    let mut before = 0;
    while !pulse.ended.load(Relaxed) {
        let beats = pulse.beats.load(Relaxed);
        if beats != before {
            before = beats;
            let (rate, lost) = (pulse.rate.load(Relaxed), pulse.lost.load(Relaxed));
            let status = format!("{} events/s, {} lost", grouped(rate), grouped(lost));
            tell(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
        }
        park_timeout(pause);
    }
}
