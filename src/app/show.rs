//! The thread that shows a run while it trains: the desk, or lines of progress on standard error.
//!
//! Lines take over where a desk ends before the run does: its terminal has gone, or it broke.

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
    Talk,
    signals::{self, Received},
};
use crate::{
    bus::CommandSender,
    feed::{Feed, Update},
    headless::{self, ProgressLines},
    journal::JournalError,
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

/// How long a run that was ended waits for its last lines, or for the desk to be left.
const LAST_LINES: Duration = Duration::from_millis(500);

/// How often somebody who looks at a run that has ended is asked after.
const GLANCE: Duration = Duration::from_millis(50);

/// The variable that makes the desk panic at a frame, as `AUXDESK_PANIC_AT_STEP` does the trainer.
const PANIC_AT: &str = "AUXDESK_PANIC_AT_FRAME";

/// How a run is shown while it trains.
#[derive(Debug)]
pub enum Show {
    /// Lines of progress.
    Lines,
    /// The desk.
    Desk(Box<DeskShown>),
}

/// How the desk is to be.
#[derive(Debug)]
pub struct DeskShown {
    /// The user's keys and themes.
    pub config: Config,
    /// Styles and characters.
    pub look: Look,
    /// Whether faders may be moved.
    pub mode: DeskMode,
}

/// What a screen looks at.
pub(super) struct Watched {
    pub(super) feed: Feed,
    pub(super) commands: CommandSender,
    pub(super) clock: Clock,
    pub(super) interrupt: Interrupt,
    pub(super) signals: Received,
}

/// A screen at work.
pub(super) struct Shown {
    /// Disconnects when everything has been shown.
    done: Receiver<()>,
    is_desk: bool,
    /// Nobody waits for it any more.
    given_up: Arc<AtomicBool>,
}

/// Starts the screen's thread. A held terminal may hold it for ever.
pub(super) fn start(show: Show, watched: Watched) -> Result<Shown> {
    let (showing, done) = crossbeam_channel::bounded(0);
    let given_up = Arc::new(AtomicBool::new(false));
    let nobody_waits = Arc::clone(&given_up);
    let is_desk = matches!(show, Show::Desk(_));
    let work = move || {
        let _showing = showing;
        let Watched { mut feed, commands, clock, interrupt, signals } = watched;
        if let Show::Desk(desk) = show {
            let live = Live {
                commands: &commands,
                interrupt: &|| signals.ctrl_c(&interrupt),
                interrupted: &|| interrupt.is_set(),
                mode: desk.mode,
            };
            let now_ms = || clock.ms();
            let (config, look, panic_at) = (&desk.config, desk.look, panic_at());
            let session = Session { config, look, now_ms: &now_ms, panic_at };
            // The panic was printed, on a terminal that was given back first.
            let sat = panic::catch_unwind(AssertUnwindSafe(|| sit(session, &live, &mut feed)));
            if matches!(sat, Ok(Ok(DeskExit::Finished))) || nobody_waits.load(Ordering::Relaxed) {
                return;
            }
            if let Ok(Err(error)) = sat {
                say(&format!("can't show the desk ({error}); printing progress lines"));
            } else {
                say("the desk has closed; training continues, printing progress lines");
            }
        }
        drop(commands);
        lines(feed);
    };
    thread::Builder::new().name("screen".to_owned()).spawn(work)?;
    Ok(Shown { done, is_desk, given_up })
}

/// What became of a replay.
pub struct Replayed {
    /// How it was left, or what was wrong with the journal.
    pub left: Result<DeskExit, JournalError>,
    /// The signal that came, if one did.
    pub signal: Option<i32>,
}

/// Replays a journal on the terminal until it is left, or until a signal comes. The error is the
/// terminal's.
pub fn replay(player: &mut Player, config: &Config, look: Look) -> Result<Replayed> {
    tui::terminal::install_hook();
    let interrupt = Interrupt::default();
    let signals = signals::watch(interrupt.clone(), Some(LAST_LINES));
    let signals = signals.context("signals can't be watched")?;
    let clock = Clock::start();
    let mouse = if config.mouse { Mouse::Desk } else { Mouse::Terminal };
    let mut terminal = Terminal::enter(mouse).context("the terminal can't be taken")?;
    let now_ms = || clock.ms();
    let panic_at = panic_at();
    let session = Session { config, look, now_ms: &now_ms, panic_at };
    let left = tui::desk::replay(&mut terminal, session, player, &|| interrupt.is_set());
    Ok(Replayed { left, signal: signals.received() })
}

fn panic_at() -> Option<u64> {
    std::env::var(PANIC_AT).ok().and_then(|frame| frame.parse().ok())
}

fn sit(session: Session, live: &Live, feed: &mut Feed) -> io::Result<DeskExit> {
    let mouse = if session.config.mouse { Mouse::Desk } else { Mouse::Terminal };
    let mut terminal = Terminal::enter(mouse)?;
    Ok(tui::desk::watch(&mut terminal, session, live, feed))
}

fn lines(mut feed: Feed) {
    let mut progress = ProgressLines::new(headless::EVERY_MS);
    let mut talk = io::stderr();
    loop {
        match feed.wait(GLANCE) {
            Update::Event(event) => progress.tell(&event, feed.run(), &mut talk),
            Update::CaughtUp(missed) => progress.tell_logged(&missed.entries, &mut talk),
            Update::Empty => {}
            Update::Disconnected => break,
        }
    }
    progress.close(feed.run(), &mut talk);
}

fn say(text: &str) {
    let _ = io::Write::write_all(&mut io::stderr(), format!("{text}\n").as_bytes());
}

impl Shown {
    /// Waits for the last of it. A run that has come to its own end stays on the desk until somebody
    /// leaves it or a signal comes; any other, and lines, are waited for as long as they can take.
    pub(super) fn wait(self, reason: Reason, signals: &Received) -> Talk {
        let stays = self.is_desk && reason.ended() != Ended::Stopped;
        while stays && signals.received().is_none() {
            if self.done.recv_timeout(GLANCE) == Err(RecvTimeoutError::Disconnected) {
                break;
            }
        }
        if self.done.recv_timeout(LAST_LINES) == Err(RecvTimeoutError::Timeout) {
            // What was stuck may come free now, and is to say nothing of a run that has ended.
            self.given_up.store(true, Ordering::Relaxed);
            tui::terminal::restore_now();
            return Talk::Stalled;
        }
        Talk::Flows
    }
}
