//! SIGINT, SIGTERM and SIGHUP end a run after the batch in hand; a second Ctrl-C ends it at once.

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
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
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
