//! SIGINT, SIGTERM and SIGHUP stop a run after the current batch; a second SIGINT aborts it.
//!
//! Signals that the program inherited as ignored stay ignored: `nohup auxdesk train` continues when
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

/// The signals received.
#[derive(Clone, Debug, Default)]
pub(super) struct Received(Arc<AtomicI32>);

impl Received {
    /// The first signal, if there was one.
    pub(super) fn received(&self) -> Option<i32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
    }

    /// Ctrl-C at the desk, where it is a key: handled as SIGINT, also where that is ignored.
    pub(super) fn ctrl_c(&self, interrupt: &Interrupt) {
        self.handle(SIGINT, interrupt);
    }

    /// The first signal requests a stop after the current batch; a second one, if it is SIGINT,
    /// aborts.
    fn handle(&self, signal: i32, interrupt: &Interrupt) {
        let is_first =
            self.0.compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if !is_first && signal == SIGINT {
            tui::terminal::restore_now();
            low_level::exit(128 + SIGINT);
        }
        interrupt.set();
    }
}

/// Starts the thread that waits for signals, for the life of the program. After the first signal
/// the program has `patience` to end; `None` for any time.
pub(super) fn watch(interrupt: Interrupt, patience: Option<Duration>) -> io::Result<Received> {
    // SIGXFSZ would kill the program when a file reaches its size limit; a failed write is reported
    // and handled instead.
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    let ignored = ignored();
    let heeded = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !ignored.contains(signal));
    let mut signals = Signals::new(heeded)?;
    let received = Received::default();
    let first = received.clone();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in &mut signals {
            first.handle(signal, &interrupt);
            if let Some(patience) = patience {
                thread::sleep(patience);
                tui::terminal::restore_now();
                low_level::exit(128 + signal);
            }
        }
    })?;
    Ok(received)
}

/// The signals that the program inherited as ignored, from /proc; none on systems other than Linux,
/// where a run under `nohup` therefore stops at SIGHUP.
fn ignored() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..=64).filter(|signal| mask >> (signal - 1) & 1 == 1).collect()
}
