//! The thread that shows a run during training: the desk, or progress lines on standard error.
//!
//! Progress lines replace a desk that ends before the run does, because its terminal is gone or it
//! panicked.

use std::{
    cell::Cell,
    io,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, TryRecvError};

use super::{
    RunFolder, Stderr, finish,
    signals::{self, Received},
};
use crate::{
    feed::{Feed, Update},
    headless::{self, ProgressLines},
    journal::JournalError,
    printable::print_message,
    process_memory,
    protocol::event::{Ended, Reason},
    train::{Clock, Interrupt},
    tui::{
        self, Config, Look, TourFile,
        desk::{DeskExit, Live, LiveRun, NextSession, Session},
        replay::Player,
        terminal::{Mouse, Terminal},
        view::{DeskMode, Extension},
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
    /// Where the end of the tour is recorded, if the tour is to be shown.
    pub tour: Option<TourFile>,
}

/// The screen of a process: its thread, once there is something to show, and the signals that end it.
/// It shows the sessions of a run one after the other.
pub struct Screen {
    interrupt: Interrupt,
    signals: Received,
    is_desk: bool,
    stage: Stage,
}

enum Stage {
    /// Nothing has been shown.
    Unused(Show),
    Shown(Shown),
    /// Its thread could not be started.
    Failed,
}

/// A running screen.
struct Shown {
    /// Disconnects when everything has been shown.
    done: Receiver<()>,
    /// Requests of the desk to train the run, which has ended, on.
    requests: Receiver<Extension>,
    /// The answers to them: a session, or why there is none.
    answers: Sender<NextSession>,
    /// It is no longer waited for.
    abandoned: Arc<AtomicBool>,
}

/// The ends of the channels between the desk and the thread that starts sessions.
struct Requests {
    requests: Sender<Extension>,
    answers: Receiver<NextSession>,
}

/// What follows the end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterRun {
    /// The screen has closed, or is no longer waited for.
    Left(Stderr),
    /// The user wants the run to be trained on; the desk waits for the next session, or [`Screen::refuse`].
    TrainOn(Extension),
}

impl Screen {
    /// Handles signals, and logs panics in a run's folder.
    pub fn new(show: Show, folder: &RunFolder) -> Result<Self> {
        let interrupt = Interrupt::default();
        let signals = signals::watch(interrupt.clone(), None).context("cannot handle signals")?;
        finish::diagnostics(folder)?;
        let is_desk = matches!(show, Show::Desk(_));
        if is_desk {
            tui::terminal::install_hook();
        }
        finish::log_panics();
        Ok(Self { interrupt, signals, is_desk, stage: Stage::Unused(show) })
    }

    /// Whether it is a desk.
    pub(super) fn is_desk(&self) -> bool {
        self.is_desk
    }

    /// Set when a signal requests the end.
    pub(super) fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// Whether the user, or a signal, has ended what it has shown so far.
    pub(super) fn has_left(&self) -> bool {
        let Stage::Shown(shown) = &self.stage else { return false };
        let has_closed = shown.done.try_recv() == Err(TryRecvError::Disconnected);
        has_closed || self.signals.received().is_some()
    }

    /// The first signal that came, whether or not it ended the run.
    pub fn signal(&self) -> Option<i32> {
        self.signals.received()
    }

    /// Shows a session: starts the screen's thread, or gives it the session that it has requested. An
    /// error if the user has left meanwhile.
    pub(super) fn show(&mut self, trained: LiveRun, clock: Clock) -> Result<()> {
        match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::Unused(show) => {
                let shown = self.start(show, trained, clock);
                self.stage = Stage::Shown(shown.context("cannot start the screen's thread")?);
            }
            stage => {
                self.stage = stage;
                if !self.answer(NextSession::Started(Box::new(trained))) {
                    bail!("the desk has closed");
                }
            }
        }
        Ok(())
    }

    /// Starts the screen's thread. A terminal that accepts no output may block it forever.
    fn start(&self, show: Show, mut trained: LiveRun, clock: Clock) -> io::Result<Shown> {
        let (interrupt, signals) = (self.interrupt.clone(), self.signals.clone());
        let (showing, done) = crossbeam_channel::bounded(0);
        let (to_app, requests) = crossbeam_channel::unbounded();
        // Without room: what is sent has been taken.
        let (answers, from_app) = crossbeam_channel::bounded(0);
        let abandoned = Arc::new(AtomicBool::new(false));
        let is_abandoned = Arc::clone(&abandoned);
        let work = move || {
            let _showing = showing;
            if let Show::Desk(desk) = show {
                let requests = Requests { requests: to_app, answers: from_app };
                let is_requested = Cell::new(false);
                let end_tour = || {
                    // Where it cannot be recorded, the tour is shown again.
                    if let Some(Err(error)) = desk.tour.as_ref().map(TourFile::create) {
                        tracing::warn!(%error, "the end of the tour cannot be recorded");
                    }
                };
                let live = Live {
                    interrupt: &|| signals.ctrl_c(&interrupt),
                    interrupted: &|| interrupt.is_set(),
                    resident_bytes: &process_memory::resident_bytes,
                    train_on: &|extension| {
                        is_requested.set(requests.requests.try_send(extension).is_ok());
                    },
                    next_session: &|| {
                        let answer = requests.answers.try_recv().ok();
                        is_requested.set(is_requested.get() && answer.is_none());
                        answer
                    },
                    mode: desk.mode,
                    end_tour: desk.tour.is_some().then_some(&end_tour),
                };
                let now_ms = || clock.ms();
                let (config, look, panic_at) = (&desk.config, desk.look, panic_at());
                let session = Session { config, look, now_ms: &now_ms, panic_at };
                // The panic was printed after the terminal had been restored.
                let result = panic::catch_unwind(AssertUnwindSafe(|| {
                    run_desk(session, &live, &mut trained)
                }));
                if matches!(result, Ok(Ok(DeskExit::Finished)))
                    || is_abandoned.load(Ordering::Relaxed)
                {
                    return;
                }
                if let Ok(Err(error)) = result {
                    print_message(&format!(
                        "cannot show the desk ({error}); printing progress lines"
                    ));
                } else {
                    print_message(
                        "the desk has closed; training continues, printing progress lines",
                    );
                }
                // The session that it has requested is shown by lines.
                while is_requested.get()
                    && !interrupt.is_set()
                    && !is_abandoned.load(Ordering::Relaxed)
                {
                    match requests.answers.recv_timeout(CHECK_INTERVAL) {
                        Ok(NextSession::Started(next)) => {
                            trained = *next;
                            break;
                        }
                        Ok(NextSession::Refused(_)) | Err(RecvTimeoutError::Disconnected) => break,
                        Err(RecvTimeoutError::Timeout) => {}
                    }
                }
            }
            let LiveRun { feed, commands } = trained;
            drop(commands);
            lines(feed);
        };
        thread::Builder::new().name("screen".to_owned()).spawn(work)?;
        Ok(Shown { done, requests, answers, abandoned })
    }

    /// Says at the desk why the run is not trained on.
    pub fn refuse(&self, why: String) {
        // A desk that has closed needs no answer.
        let _ = self.answer(NextSession::Refused(why));
    }

    /// Hands the desk an answer; returns whether it has taken it. One that is there takes it between two
    /// frames, and one that has closed never does.
    #[must_use]
    fn answer(&self, answer: NextSession) -> bool {
        let Stage::Shown(shown) = &self.stage else { return false };
        let mut left = answer;
        while self.signals.received().is_none() {
            match shown.answers.send_timeout(left, CHECK_INTERVAL) {
                Ok(()) => return true,
                Err(SendTimeoutError::Timeout(answer)) => left = answer,
                Err(SendTimeoutError::Disconnected(_)) => return false,
            }
        }
        false
    }

    /// Waits for the screen. A run that ended by itself stays on the desk until the user quits or trains
    /// it on, or a signal arrives; otherwise, and for lines, the wait has a time limit.
    pub fn wait(&self, reason: Reason) -> AfterRun {
        let Stage::Shown(shown) = &self.stage else { return AfterRun::Left(Stderr::Open) };
        let stays = self.is_desk && reason.ended() != Ended::Stopped;
        while stays && self.signals.received().is_none() {
            if let Ok(extension) = shown.requests.try_recv() {
                return AfterRun::TrainOn(extension);
            }
            if shown.done.recv_timeout(CHECK_INTERVAL) == Err(RecvTimeoutError::Disconnected) {
                break;
            }
        }
        if shown.done.recv_timeout(LAST_LINES) == Err(RecvTimeoutError::Timeout) {
            // A write that was blocked may succeed later, and must then print nothing more.
            shown.abandoned.store(true, Ordering::Relaxed);
            tui::terminal::restore_now();
            return AfterRun::Left(Stderr::Blocked);
        }
        AfterRun::Left(Stderr::Open)
    }
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

fn run_desk(session: Session, live: &Live, trained: &mut LiveRun) -> io::Result<DeskExit> {
    let mouse = if session.config.mouse { Mouse::Desk } else { Mouse::Terminal };
    let mut terminal = Terminal::enter(mouse)?;
    Ok(tui::desk::watch(&mut terminal, session, live, trained))
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
