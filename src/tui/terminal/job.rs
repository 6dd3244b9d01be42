//! The program as a job of its shell: in the foreground or background, stopped and continued.

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

/// Milliseconds after which a signal that we sent to ourselves is no longer expected.
const LATEST_MS: u32 = 1000;

/// The program's state from the terminal's view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It may read, write and set modes.
    Foreground,
    /// Another program is in the foreground.
    Background,
    /// The terminal is gone.
    Gone,
}

/// Queries the terminal's foreground process group.
pub(super) fn place(terminal: &File) -> Place {
    match tcgetpgrp(terminal) {
        Ok(group) if group == getpgrp() => Place::Foreground,
        // It is not our controlling terminal, so job control does not apply.
        Err(Errno::NOTTY) => Place::Foreground,
        Err(Errno::IO | Errno::BADF) => Place::Gone,
        Ok(_) | Err(_) => Place::Background,
    }
}

/// Whether the program was started without a job-control shell: in a terminal window of its own, or
/// in a container. Once stopped, it would stay stopped.
pub(super) fn has_no_job_control() -> bool {
    getsid(None).is_ok_and(|session| session == getpgrp())
}

/// Flags set by job-control signals. There is one instance per process, as for signals.
#[derive(Clone)]
pub(super) struct Job {
    is_stop_requested: Arc<AtomicBool>,
    was_continued: Arc<AtomicBool>,
    /// The terminal need not be restored first, so a stop signal takes effect at once.
    stops_at_once: Arc<AtomicBool>,
}

impl Job {
    /// Installs the handlers. While the terminal is not [`Self::held`], SIGTSTP stops the program
    /// as it would without a handler.
    pub(super) fn watch() -> io::Result<Self> {
        static JOB: OnceLock<Job> = OnceLock::new();
        if let Some(job) = JOB.get() {
            return Ok(job.clone());
        }
        let job = Job {
            is_stop_requested: Arc::default(),
            was_continued: Arc::default(),
            stops_at_once: Arc::new(AtomicBool::new(true)),
        };
        flag::register_conditional_default(SIGTSTP, Arc::clone(&job.stops_at_once))?;
        flag::register(SIGTSTP, Arc::clone(&job.is_stop_requested))?;
        flag::register(SIGCONT, Arc::clone(&job.was_continued))?;
        Ok(JOB.get_or_init(|| job).clone())
    }

    /// Sets whether the terminal is in the desk's modes, and clears earlier stop requests.
    pub(super) fn held(&self, is_held: bool) {
        self.stops_at_once.store(!is_held, SeqCst);
        self.is_stop_requested.store(false, SeqCst);
        self.was_continued.store(false, SeqCst);
    }

    /// Whether a stop signal has been received.
    pub(super) fn is_stop_requested(&self) -> bool {
        self.is_stop_requested.load(SeqCst)
    }

    /// Whether the program was stopped since the last call, by a signal that cannot be deferred.
    pub(super) fn was_continued(&self) -> bool {
        self.was_continued.swap(false, SeqCst)
    }

    /// Stops this process; returns when it continues.
    pub(super) fn stop_self(&self) {
        // Fails for unknown signals only.
        let _ = low_level::emulate_default_handler(SIGTSTP);
        self.held(false);
    }

    /// Stops the whole process group: `cargo run` above, and other parts of a pipeline. A shell
    /// that waits for those would not notice that only one had stopped.
    pub(super) fn stop_all(&self) {
        // The signal reaches this process too, in another thread and with a delay. It is only
        // recorded, and waited for: after the stop it would be taken for a new stop request.
        self.stops_at_once.store(false, SeqCst);
        self.is_stop_requested.store(false, SeqCst);
        let mut ms_left =
            if kill_current_process_group(Signal::TSTP).is_ok() { LATEST_MS } else { 0 };
        while ms_left > 0 && !self.is_stop_requested() {
            thread::sleep(Duration::from_millis(1));
            ms_left -= 1;
        }
        self.stop_self();
    }
}
