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
        view::{DeskMode, Effect, Message, Page, ProcessHealth, Request},
    },
};

/// How often the desk checks for the trainer's answer to a command.
const ANSWER_WAIT: Duration = Duration::from_millis(10);

/// How often the desk asks for the memory of the process, in milliseconds.
const PROCESS_MS: u64 = 1_000;

/// A run that trains, as seen by the desk.
pub struct Live<'a> {
    /// The channel for commands to the trainer.
    pub commands: &'a CommandSender,
    /// Requests the end as SIGINT does; a second request aborts.
    pub interrupt: &'a dyn Fn(),
    /// Whether a signal has requested the end.
    pub interrupted: &'a dyn Fn() -> bool,
    /// The resident memory of this process in bytes, if it is known.
    pub resident_bytes: &'a dyn Fn() -> Option<u64>,
    /// [`DeskMode::Live`], or [`DeskMode::Observe`].
    pub mode: DeskMode,
}

/// Shows a run while it trains, until the user quits. Events received so far stay in `feed` even if
/// drawing panics.
pub fn watch(terminal: &mut Terminal, session: Session, live: &Live, feed: &mut Feed) -> DeskExit {
    let mut desk = Desk::new(session, live.mode, terminal);
    let mut asked_ms = None;
    loop {
        let effects = receive_events(&mut desk, feed);
        let now_ms = (desk.now_ms)();
        if asked_ms.is_none_or(|asked_ms| now_ms >= asked_ms + PROCESS_MS) {
            asked_ms = Some(now_ms);
            let process = Some(ProcessHealth {
                resident_bytes: (live.resident_bytes)(),
                journal_lag: feed.journal_lag(),
                frames_missed: desk.n_missed,
            });
            // Only one page shows it.
            desk.changed |= desk.view.page == Page::Health && desk.view.process != process;
            desk.view.process = process;
        }
        let run = feed.run();
        if let Some(left) = perform(&mut desk, effects, terminal, live) {
            return left;
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
            if let Some(left) = perform(&mut desk, effects, terminal, live) {
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
            let text = "the run has ended; q quits the desk";
            desk.view.message = Some(Message::Done(text.to_owned()));
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

fn perform(
    desk: &mut Desk,
    effects: Vec<Effect>,
    terminal: &mut Terminal,
    live: &Live,
) -> Option<DeskExit> {
    for effect in effects {
        match desk.perform(effect, terminal) {
            Some(Effect::Send(request)) => {
                let Request { command, undoes } = request.clone();
                let sent = live.commands.send_undo(By::Key, command, undoes);
                desk.view.sent(&request, sent);
            }
            Some(Effect::Interrupt) => (live.interrupt)(),
            Some(Effect::Quit) => return Some(DeskExit::Finished),
            // Only in a replay.
            Some(_) | None => {}
        }
    }
    None
}
