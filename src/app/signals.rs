//! SIGINT, SIGTERM and SIGHUP end a run after the batch in hand; a second Ctrl-C ends it at once.
//!
//! What whoever started the program had it ignore stays ignored: `nohup auxdesk train` goes on when
//! its terminal closes.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    thread,
    time::Duration,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ},
    iterator::Signals,
    low_level,
};

use crate::{train::Interrupt, tui};

/// What has been received.
#[derive(Clone, Debug, Default)]
pub(super) struct Received(Arc<AtomicI32>);

impl Received {
    /// The first signal, if there was one.
    pub(super) fn received(&self) -> Option<i32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
    }

    /// Ctrl-C at the desk, where it comes as a key: as SIGINT, also where that is ignored.
    pub(super) fn ctrl_c(&self, interrupt: &Interrupt) {
        self.heed(SIGINT, interrupt);
    }

    /// The first signal asks for the end after the batch in hand; a second one, if it is SIGINT, is
    /// the end.
    fn heed(&self, signal: i32, interrupt: &Interrupt) {
        let is_first =
            self.0.compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if !is_first && signal == SIGINT {
            tui::terminal::restore_now();
            low_level::exit(128 + SIGINT);
        }
        interrupt.set();
    }
}

/// Starts the thread that waits for signals, for as long as the program lives. After the first it may
/// live on for `patience`; without one, for as long as it needs.
pub(super) fn watch(interrupt: Interrupt, patience: Option<Duration>) -> io::Result<Received> {
    // A file that may not grow would end the program; a refused write is told and left from.
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    let ignored = ignored();
    let heeded = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !ignored.contains(signal));
    let mut signals = Signals::new(heeded)?;
    let received = Received::default();
    let first = received.clone();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in &mut signals {
            first.heed(signal, &interrupt);
            if let Some(patience) = patience {
                thread::sleep(patience);
                tui::terminal::restore_now();
                low_level::exit(128 + signal);
            }
        }
    })?;
    Ok(received)
}

/// The signals that the program was started to ignore, from /proc; none on systems other than Linux, where a run
/// under `nohup` therefore ends at a hangup.
fn ignored() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..=64).filter(|signal| mask >> (signal - 1) & 1 == 1).collect()
}
