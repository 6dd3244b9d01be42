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
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ},
    iterator::Signals,
    low_level,
};

use crate::train::Interrupt;

/// What has been received.
#[derive(Clone, Debug, Default)]
pub(super) struct Received(Arc<AtomicI32>);

impl Received {
    /// The first signal, if there was one.
    pub(super) fn received(&self) -> Option<i32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
    }
}

/// Starts the thread that waits for signals, for as long as the program lives.
pub(super) fn watch(interrupt: Interrupt) -> io::Result<Received> {
    // A file that may not grow would end the program; a refused write is told and left from.
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    let ignored = ignored();
    let heeded = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !ignored.contains(signal));
    let mut signals = Signals::new(heeded)?;
    let received = Received::default();
    let first = received.clone();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in &mut signals {
            let none_before =
                first.0.compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed).is_ok();
            if !none_before && signal == SIGINT {
                low_level::exit(128 + SIGINT);
            }
            interrupt.set();
        }
    })?;
    Ok(received)
}

/// The signals that the program was started to ignore; none where the system does not say.
fn ignored() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..=64).filter(|signal| mask >> (signal - 1) & 1 == 1).collect()
}
