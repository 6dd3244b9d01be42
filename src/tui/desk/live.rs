//! The desk while a run trains: events are taken in, and commands are sent.

use std::time::Duration;

use super::{Desk, FRAME_MS, Left, Session};
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
        view::{DeskMode, Effect, Message, Request},
    },
};

/// How long the trainer's answer to a command may wait before it is seen.
const ANSWER: Duration = Duration::from_millis(10);

/// A run that trains, as the desk meets it.
pub struct Live<'a> {
    /// Commands to the trainer.
    pub commands: &'a CommandSender,
    /// Asks for the end as SIGINT does: the second time, at once.
    pub interrupt: &'a dyn Fn(),
    /// Whether a signal has asked for the end.
    pub interrupted: &'a dyn Fn() -> bool,
    /// [`DeskMode::Live`], or [`DeskMode::Observe`].
    pub mode: DeskMode,
}

/// Shows a run while it trains, until it is left. What was taken in stays in `feed` even if drawing panics.
pub fn watch(terminal: &mut Terminal, sitting: Session, live: &Live, feed: &mut Feed) -> Left {
    let mut desk = Desk::new(sitting, live.mode, terminal);
    loop {
        let effects = take_in(&mut desk, feed);
        let run = feed.run();
        if let Some(left) = perform(&mut desk, effects, terminal, live) {
            return left;
        }
        let by_wish = |reason| matches!(reason, Reason::Key | Reason::Signal);
        if run.ended.as_ref().is_some_and(|ended| by_wish(ended.reason) || (live.interrupted)()) {
            return Left::Done;
        }
        desk.draw(terminal, run);
        let mut most =
            if desk.view.pending.is_empty() { Duration::from_millis(FRAME_MS) } else { ANSWER };
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

/// Takes in all that has happened since the last look.
fn take_in(desk: &mut Desk, feed: &mut Feed) -> Vec<Effect> {
    let mut effects = Vec::new();
    loop {
        match feed.poll() {
            Update::Event(event) => effects.extend(hear(desk, &event, feed.run())),
            Update::CaughtUp(missed) => {
                if !missed.is_complete {
                    desk.view.forget_pending();
                }
                for entry in &missed.entries {
                    effects.extend(hear(desk, &entry.event, feed.run()));
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

/// What an event, which is in the run already, makes of the desk.
fn hear(desk: &mut Desk, event: &Event, run: &Run) -> Vec<Effect> {
    if event.answers().is_some_and(|command| desk.view.pending.has(command)) {
        // Whoever pressed a key is not to wait until a frame is due.
        desk.drawn_ms = 0;
    }
    let effects = desk.view.answered(event, run);
    match event {
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
) -> Option<Left> {
    for effect in effects {
        match desk.perform(effect, terminal) {
            Some(Effect::Send(request)) => {
                let Request { command, undoes } = request.clone();
                let sent = live.commands.send_undo(By::Key, command, undoes);
                desk.view.sent(&request, sent);
            }
            Some(Effect::Interrupt) => (live.interrupt)(),
            Some(Effect::Leave) => return Some(Left::Done),
            // What only a replay can do.
            Some(_) | None => {}
        }
    }
    None
}
