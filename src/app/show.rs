//! The thread that shows a run during training: the desk, or progress lines on standard error.
//!
//! Progress lines replace a desk that ends before the run does, because its terminal is gone or it
//! panicked.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::{
    Stderr,
    signals::{self, Received},
};
use crate::{
    bus::CommandSender,
    feed::{Feed, Update},
    headless::{self, ProgressLines},
    journal::JournalError,
    printable::print_message,
    process_memory,
    protocol::event::{Ended, Reason},
    train::{Clock, Interrupt},
    tui::{
        self, Config, Look,
        desk::{DeskExit, Live, Session},
        replay::Player,
        terminal::{Mouse, Terminal},
        view::DeskMode,
    },
};

/// How long the program waits for the last lines, or for the desk, once a run was stopped.
const LAST_LINES: Duration = Duration::from_millis(500);

/// The interval at which the desk of a run that has ended is checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// The environment variable that makes the desk panic at a frame, like `AUXDESK_PANIC_AT_STEP` for
/// the trainer.
const PANIC_AT: &str = "AUXDESK_PANIC_AT_FRAME";

/// How a run is shown during training.
#[derive(Debug)]
pub enum Show {
    /// Progress lines.
    Lines,
    /// The desk.
    Desk(Box<DeskShown>),
}

/// The settings of the desk.
#[derive(Debug)]
pub struct DeskShown {
    /// The user's keys and themes.
    pub config: Config,
    /// Styles and characters.
    pub look: Look,
    /// Whether it accepts changes.
    pub mode: DeskMode,
}

/// The data that a screen shows.
pub(super) struct Watched {
    pub(super) feed: Feed,
    pub(super) commands: CommandSender,
    pub(super) clock: Clock,
    pub(super) interrupt: Interrupt,
    pub(super) signals: Received,
}

/// A running screen.
pub(super) struct Shown {
    /// Disconnects when everything has been shown.
    done: Receiver<()>,
    is_desk: bool,
    /// It is no longer waited for.
    abandoned: Arc<AtomicBool>,
}

/// Starts the screen's thread. A terminal that accepts no output may block it forever.
pub(super) fn start(show: Show, watched: Watched) -> Result<Shown> {
    let (showing, done) = crossbeam_channel::bounded(0);
    let abandoned = Arc::new(AtomicBool::new(false));
    let is_abandoned = Arc::clone(&abandoned);
    let is_desk = matches!(show, Show::Desk(_));
    let work = move || {
        let _showing = showing;
        let Watched { mut feed, commands, clock, interrupt, signals } = watched;
        if let Show::Desk(desk) = show {
            let live = Live {
                commands: &commands,
                interrupt: &|| signals.ctrl_c(&interrupt),
                interrupted: &|| interrupt.is_set(),
                resident_bytes: &process_memory::resident_bytes,
                mode: desk.mode,
            };
            let now_ms = || clock.ms();
            let (config, look, panic_at) = (&desk.config, desk.look, panic_at());
            let session = Session { config, look, now_ms: &now_ms, panic_at };
            // The panic was printed after the terminal had been restored.
            let result =
                panic::catch_unwind(AssertUnwindSafe(|| run_desk(session, &live, &mut feed)));
            if matches!(result, Ok(Ok(DeskExit::Finished))) || is_abandoned.load(Ordering::Relaxed)
            {
                return;
            }
            if let Ok(Err(error)) = result {
                print_message(&format!("cannot show the desk ({error}); printing progress lines"));
            } else {
                print_message("the desk has closed; training continues, printing progress lines");
            }
        }
        drop(commands);
        lines(feed);
    };
    thread::Builder::new().name("screen".to_owned()).spawn(work)?;
    Ok(Shown { done, is_desk, abandoned })
}

/// The result of a replay.
pub struct Replayed {
    /// Why the desk ended, or the error in the journal.
    pub exit: Result<DeskExit, JournalError>,
    /// The signal that came, if one did.
    pub signal: Option<i32>,
}

/// Replays a journal on the terminal until the user quits or a signal arrives. The error is the
/// terminal's.
pub fn replay(player: &mut Player, config: &Config, look: Look) -> Result<Replayed> {
    tui::terminal::install_hook();
    let interrupt = Interrupt::default();
    let signals = signals::watch(interrupt.clone(), Some(LAST_LINES));
    let signals = signals.context("cannot handle signals")?;
    let clock = Clock::start();
    let mouse = if config.mouse { Mouse::Desk } else { Mouse::Terminal };
    let mut terminal = Terminal::enter(mouse).context("cannot set up the terminal")?;
    let now_ms = || clock.ms();
    let panic_at = panic_at();
    let session = Session { config, look, now_ms: &now_ms, panic_at };
    let exit = tui::desk::replay(&mut terminal, session, player, &|| interrupt.is_set());
    Ok(Replayed { exit, signal: signals.received() })
}

fn panic_at() -> Option<u64> {
    std::env::var(PANIC_AT).ok().and_then(|frame| frame.parse().ok())
}

fn run_desk(session: Session, live: &Live, feed: &mut Feed) -> io::Result<DeskExit> {
    let mouse = if session.config.mouse { Mouse::Desk } else { Mouse::Terminal };
    let mut terminal = Terminal::enter(mouse)?;
    Ok(tui::desk::watch(&mut terminal, session, live, feed))
}

fn lines(mut feed: Feed) {
    let mut progress = ProgressLines::new(headless::EVERY_MS);
    let mut stderr = io::stderr();
    loop {
        match feed.wait(CHECK_INTERVAL) {
            Update::Event(event) => progress.write_event(&event, feed.run(), &mut stderr),
            Update::CaughtUp(missed) => progress.write_entries(&missed.entries, &mut stderr),
            Update::Empty => {}
            Update::Disconnected => break,
        }
    }
    progress.close(feed.run(), &mut stderr);
}

impl Shown {
    /// Waits for the screen. A run that ended by itself stays on the desk until the user quits or a
    /// signal arrives; otherwise, and for lines, the wait has a time limit.
    pub(super) fn wait(self, reason: Reason, signals: &Received) -> Stderr {
        let stays = self.is_desk && reason.ended() != Ended::Stopped;
        while stays && signals.received().is_none() {
            if self.done.recv_timeout(CHECK_INTERVAL) == Err(RecvTimeoutError::Disconnected) {
                break;
            }
        }
        if self.done.recv_timeout(LAST_LINES) == Err(RecvTimeoutError::Timeout) {
            // A write that was blocked may succeed later, and must then print nothing more.
            self.abandoned.store(true, Ordering::Relaxed);
            tui::terminal::restore_now();
            return Stderr::Blocked;
        }
        Stderr::Open
    }
}
