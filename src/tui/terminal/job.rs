//! The program as a job of its shell: in the foreground or not, stopped and continued.

use std::{
    fs::File,
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{Signal, getpgrp, getsid, kill_current_process_group},
    termios::tcgetpgrp,
};
use signal_hook::{
    consts::{SIGCONT, SIGTSTP},
    flag, low_level,
};

/// Milliseconds after which a signal that we sent to ourselves will not come any more.
const LATEST_MS: u32 = 1000;

/// Where the program is, as its terminal sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It may read, write and set modes.
    Foreground,
    /// The terminal is another program's.
    Background,
    /// There is no terminal any more.
    Gone,
}

/// Asks the terminal whose it is.
pub(super) fn place(terminal: &File) -> Place {
    match tcgetpgrp(terminal) {
        Ok(group) if group == getpgrp() => Place::Foreground,
        // Not the terminal that controls us, so whose it is does not matter.
        Err(Errno::NOTTY) => Place::Foreground,
        Err(Errno::IO | Errno::BADF) => Place::Gone,
        Ok(_) | Err(_) => Place::Background,
    }
}

/// Whether the program was started by no shell that watches its jobs: in a terminal's window of its
/// own, or in a container. Once stopped, it would stay so.
pub(super) fn nobody_above() -> bool {
    getsid(None).is_ok_and(|session| session == getpgrp())
}

/// What signals about jobs have come. There is one for the whole program, as for signals.
#[derive(Clone)]
pub(super) struct Job {
    is_stop_wished: Arc<AtomicBool>,
    was_continued: Arc<AtomicBool>,
    /// Nothing of the terminal is to be given back first, so a stop is not put off.
    stops_at_once: Arc<AtomicBool>,
}

impl Job {
    /// Begins to listen. While the terminal is not [`Self::held`], SIGTSTP stops the program as it
    /// would if nobody listened.
    pub(super) fn watch() -> io::Result<Self> {
        static JOB: OnceLock<Job> = OnceLock::new();
        if let Some(job) = JOB.get() {
            return Ok(job.clone());
        }
        let job = Job {
            is_stop_wished: Arc::default(),
            was_continued: Arc::default(),
            stops_at_once: Arc::new(AtomicBool::new(true)),
        };
        flag::register_conditional_default(SIGTSTP, Arc::clone(&job.stops_at_once))?;
        flag::register(SIGTSTP, Arc::clone(&job.is_stop_wished))?;
        flag::register(SIGCONT, Arc::clone(&job.was_continued))?;
        Ok(JOB.get_or_init(|| job).clone())
    }

    /// Says whether the terminal is held. What was wished before no longer counts.
    pub(super) fn held(&self, is_held: bool) {
        self.stops_at_once.store(!is_held, SeqCst);
        self.is_stop_wished.store(false, SeqCst);
        self.was_continued.store(false, SeqCst);
    }

    /// Whether somebody outside wants the program to stop.
    pub(super) fn is_stop_wished(&self) -> bool {
        self.is_stop_wished.load(SeqCst)
    }

    /// Whether the program was stopped since this was asked last, by a signal that can't be put
    /// off.
    pub(super) fn was_continued(&self) -> bool {
        self.was_continued.swap(false, SeqCst)
    }

    /// Stops this program; returns when it goes on.
    pub(super) fn stop_self(&self) {
        // Fails for unknown signals only.
        let _ = low_level::emulate_default_handler(SIGTSTP);
        self.held(false);
    }

    /// Stops all that the shell started together: `cargo run` above, whatever follows in a pipe.
    /// A shell that waits for those would not notice that only one had stopped.
    pub(super) fn stop_all(&self) {
        // The signal reaches us too, in a thread and at a time of its own choosing. It is only
        // noted, and waited for: after the stop it would be taken for a wish to stop again.
        self.stops_at_once.store(false, SeqCst);
        self.is_stop_wished.store(false, SeqCst);
        let mut ms_left =
            if kill_current_process_group(Signal::TSTP).is_ok() { LATEST_MS } else { 0 };
        while ms_left > 0 && !self.is_stop_wished() {
            thread::sleep(Duration::from_millis(1));
            ms_left -= 1;
        }
        self.stop_self();
    }
}
