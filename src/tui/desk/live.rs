//! The desk during training: receives events and sends commands.

use std::time::Duration;

use super::{Desk, DeskExit, FRAME_MS, Session};
use crate::{
    bus::CommandSender,
    feed::{Feed, Update},
    protocol::{
        By, Event,
        event::{Ended, Reason, RunEnded},
    },
    state::{Run, describe},
    tui::{
        terminal::Terminal,
        view::{
            DeskMode, Effect, Extension, Message, Page, ProcessHealth, Request, Tour,
            action::{ACTIONS, Action},
        },
    },
};

/// How often the desk checks for the trainer's answer to a command.
const ANSWER_WAIT: Duration = Duration::from_millis(10);

/// How often the desk asks for the memory of the process, in milliseconds.
const PROCESS_MS: u64 = 1_000;

/// A run that trains in this process, as seen by the desk.
#[derive(Debug)]
pub struct LiveRun {
    /// Its events.
    pub feed: Feed,
    /// The channel for commands to its trainer.
    pub commands: CommandSender,
}

/// The answer to a request to train a run on.
#[derive(Debug)]
pub enum NextSession {
    /// The run is trained on.
    Started(Box<LiveRun>),
    /// It is not, and why.
    Refused(String),
}

/// What the desk asks of the program around it.
pub struct Live<'a> {
    /// Requests the end as SIGINT does; a second request aborts.
    pub interrupt: &'a dyn Fn(),
    /// Whether a signal has requested the end.
    pub interrupted: &'a dyn Fn() -> bool,
    /// Requests that the run, which has ended, is trained on.
    pub train_on: &'a dyn Fn(Extension),
    /// The answer to that, once there is one.
    pub next_session: &'a dyn Fn() -> Option<NextSession>,
    /// The resident memory of this process in bytes, if it is known.
    pub resident_bytes: &'a dyn Fn() -> Option<u64>,
    /// [`DeskMode::Live`], or [`DeskMode::Observe`].
    pub mode: DeskMode,
    /// Records that the tour has ended; `None` if there is none.
    pub end_tour: Option<&'a dyn Fn()>,
}

/// Shows a run while it trains, until the user quits. Events received so far stay in its feed even if
/// drawing panics.
pub fn watch(
    terminal: &mut Terminal,
    session: Session,
    live: &Live,
    trained: &mut LiveRun,
) -> DeskExit {
    let mut desk = Desk::new(session, live.mode, terminal);
    desk.view.tour = live.end_tour.map(|_| Tour::default());
    let mut asked_ms = None;
    loop {
        if desk.view.is_extending {
            match (live.next_session)() {
                Some(NextSession::Started(next)) => {
                    *trained = *next;
                    desk.view.extended();
                    desk.changed = true;
                }
                Some(NextSession::Refused(why)) => {
                    desk.view.not_extended(why);
                    desk.changed = true;
                }
                None => {}
            }
        }
        let effects = receive_events(&mut desk, &mut trained.feed);
        let now_ms = (desk.now_ms)();
        if asked_ms.is_none_or(|asked_ms| now_ms >= asked_ms + PROCESS_MS) {
            asked_ms = Some(now_ms);
            let process = Some(ProcessHealth {
                resident_bytes: (live.resident_bytes)(),
                journal_lag: trained.feed.journal_lag(),
                frames_missed: desk.n_missed,
            });
            // Only one page shows it.
            desk.changed |= desk.view.page == Page::Health && desk.view.process != process;
            desk.view.process = process;
        }
        let run = trained.feed.run();
        if let Some(left) = perform(&mut desk, effects, terminal, (live, &trained.commands)) {
            return left;
        }
        if desk.view.tour.as_mut().is_some_and(Tour::has_just_ended) {
            live.end_tour.iter().for_each(|end_tour| end_tour());
        }
        let by_wish = |reason| matches!(reason, Reason::Key | Reason::Signal);
        if run.ended.as_ref().is_some_and(|ended| by_wish(ended.reason) || (live.interrupted)()) {
            return DeskExit::Finished;
        }
        desk.draw(terminal, run);
        let mut most = if desk.view.pending.is_empty() {
            Duration::from_millis(FRAME_MS)
        } else {
            ANSWER_WAIT
        };
        loop {
            let effects = match desk.listen(terminal, run, most) {
                Ok(effects) if effects.is_empty() => break,
                Ok(effects) => effects,
                Err(left) => return left,
            };
            if let Some(left) = perform(&mut desk, effects, terminal, (live, &trained.commands)) {
                return left;
            }
            most = Duration::ZERO;
        }
    }
}

/// Receives all events since the last call.
fn receive_events(desk: &mut Desk, feed: &mut Feed) -> Vec<Effect> {
    let mut effects = Vec::new();
    loop {
        match feed.poll() {
            Update::Event(event) => effects.extend(handle_event(desk, &event, feed.run())),
            Update::CaughtUp(missed) => {
                if !missed.is_complete {
                    desk.view.forget_pending();
                }
                for entry in &missed.entries {
                    effects.extend(handle_event(desk, &entry.event, feed.run()));
                }
                desk.changed = true;
            }
            Update::Empty => return effects,
            Update::Disconnected => {
                if feed.run().ended.is_none() && !desk.view.disconnected {
                    (desk.view.disconnected, desk.changed) = (true, true);
                }
                return effects;
            }
        }
    }
}

/// Updates the desk for an event that has been applied to the run.
fn handle_event(desk: &mut Desk, event: &Event, run: &Run) -> Vec<Effect> {
    if event.answers().is_some_and(|command| desk.view.pending.has(command)) {
        // The result of a key press is drawn at once.
        desk.drawn_ms = 0;
    }
    let effects = desk.view.answered(event, run);
    match event {
        Event::GuardTripped(_) => {
            let text = describe(event, run).join("  ");
            desk.view.message = Some(Message::Refused(text));
        }
        Event::RunEnded(RunEnded { ended: Ended::Finished, .. }) => {
            desk.view.message = Some(Message::Done(ended_text(desk)));
        }
        Event::RunEnded(RunEnded { ended: Ended::Failed, .. }) => {
            let text = format!("q quits  {}", describe(event, run).join("  "));
            desk.view.message = Some(Message::Refused(text));
        }
        _ => {}
    }
    desk.changed = true;
    effects
}

/// What can be done at the desk of a run that has ended, with the user's keys.
fn ended_text(desk: &Desk) -> String {
    let key = |action: Action| {
        let spec = ACTIONS.iter().find(|spec| spec.action == action)?;
        Some(desk.keymap.keys(spec).first()?.shown(desk.look.glyphs))
    };
    let train_on = key(Action::TrainOn).filter(|_| desk.view.mode == DeskMode::Live);
    let train_on = train_on.map(|key| format!("{key} trains it on"));
    let quit = key(Action::Quit).map(|key| format!("{key} quits"));
    let what: Vec<String> = [quit, train_on].into_iter().flatten().collect();
    format!("the run has ended; {}", what.join(", "))
}

fn perform(
    desk: &mut Desk,
    effects: Vec<Effect>,
    terminal: &mut Terminal,
    (live, commands): (&Live, &CommandSender),
) -> Option<DeskExit> {
    for effect in effects {
        match desk.perform(effect, terminal) {
            Some(Effect::Send(request)) => {
                let Request { command, undoes } = request.clone();
                let sent = commands.send_undo(By::Key, command, undoes);
                desk.view.sent(&request, sent);
            }
            Some(Effect::Interrupt) => (live.interrupt)(),
            Some(Effect::EndTour) => live.end_tour.iter().for_each(|end_tour| end_tour()),
            Some(Effect::TrainOn(extension)) => (live.train_on)(extension),
            Some(Effect::Quit) => return Some(DeskExit::Finished),
            // Only in a replay.
            Some(_) | None => {}
        }
    }
    None
}
