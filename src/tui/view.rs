//! What the screen alone knows: the chosen strip, the focus, the chart's window, open prompts, and the
//! commands that have not been answered yet.
//!
//! A second small fold beside the run's: [`View::act`] takes an action, [`View::answered`] an event
//! of the trainer, and both give back what is to be done outside. Strips are known by name, never by
//! row. Nothing here reads a clock or draws.

pub mod action;
mod effect;
mod events;
pub mod keymap;
mod keys;
mod mix;
mod mouse;
mod nudge;
mod overlay;
mod pending;
mod prompt;
mod update;

pub use effect::{Effect, Seek, SpeedChange};
pub use events::{Class, EventList};
pub use nudge::{LEAST, nudged};
pub use overlay::{Overlay, Palette};
pub use pending::{Pending, Request};
pub use prompt::{Prompt, PromptKind};

use ratatui::layout::{Position, Rect, Size};

pub use super::layout::{Focus, Page};
use super::{chart::ChartView, layout::Layout};
use crate::{
    protocol::{CommandId, Event, ObjectiveId, event::Role},
    state::{Run, Strip, describe},
};

/// What kind of sitting this is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DeskMode {
    /// A run that trains here and may be moved.
    Live,
    /// A run that trains here and may only be looked at.
    Observe,
    /// A journal.
    Replay(Playing),
}

/// How a replay goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Playing {
    /// Playing, or held.
    pub playing: bool,
    /// Times as fast as the run was.
    pub speed: f32,
    /// How far a long seek has come, from 0 to 1.
    pub seeking: Option<f32>,
}

/// One line at the bottom, until the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Something was done.
    Done(String),
    /// Something was not.
    Refused(String),
}

/// The screen's own state.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// What kind of sitting this is.
    pub mode: DeskMode,
    /// What fills the screen.
    pub page: Page,
    /// Which panel has the keys.
    pub focus: Focus,
    /// The chosen strip; the main objective's until one is chosen.
    pub selected: Option<ObjectiveId>,
    /// How the curves are shown.
    pub chart: ChartView,
    /// The size of the screen.
    pub size: Size,
    /// The list of events.
    pub events: EventList,
    /// What lies over the panels and has the keys.
    pub overlay: Option<Overlay>,
    /// Lines that the palette was given, oldest first.
    pub history: Vec<String>,
    /// Commands without an answer.
    pub pending: Pending,
    /// The last thing to say.
    pub message: Option<Message>,
    /// The screen is held.
    pub frozen: bool,
    /// The channel has closed, though nothing told how the run ended.
    pub disconnected: bool,
    /// Somebody asked for the end of the run here.
    pub stopping: bool,
}

impl View {
    /// The view that every sitting begins with.
    pub fn new(mode: DeskMode) -> Self {
        Self {
            mode,
            page: Page::default(),
            focus: Focus::default(),
            selected: None,
            chart: ChartView::default(),
            size: Size::default(),
            events: EventList::default(),
            overlay: None,
            history: Vec::new(),
            pending: Pending::default(),
            message: None,
            frozen: false,
            disconnected: false,
            stopping: false,
        }
    }

    /// Where each panel lies.
    pub fn layout(&self, run: &Run) -> Layout {
        Layout::new(Rect::from((Position::ORIGIN, self.size)), self.page, run.strips.len())
    }

    /// Where the chosen strip stands; the main objective's before one is chosen.
    pub fn strip_idx(&self, run: &Run) -> usize {
        let is_it = |strip: &Strip| match &self.selected {
            Some(selected) => strip.name == *selected,
            None => strip.role == Role::Main,
        };
        run.strips.iter().position(is_it).unwrap_or(0)
    }

    /// The chosen strip; `None` before the run has told its cast.
    pub fn strip<'a>(&self, run: &'a Run) -> Option<&'a Strip> {
        run.strips.get(self.strip_idx(run))
    }

    /// The number that a command was sent with; `None`: there is no trainer any more.
    pub fn sent(&mut self, request: &Request, command: Option<CommandId>) {
        if let Some(command) = command {
            self.pending.sent(request, command);
        } else {
            self.forget_pending();
            self.message = Some(Message::Refused("the run has ended".to_owned()));
        }
    }

    /// Nothing is pending any more: no answer will come, or it came unseen.
    pub fn forget_pending(&mut self) {
        self.pending = Pending::default();
    }

    /// Takes in an event that may answer a command. What was asked of that fader meanwhile is sent now.
    pub fn answered(&mut self, event: &Event, run: &Run) -> Vec<Effect> {
        match event {
            Event::CommandRefused(refused) if refused.command.is_some() => {
                self.message = Some(Message::Refused(refused.why.clone()));
            }
            Event::RunEnded(_) => self.forget_pending(),
            _ => {}
        }
        let Some(command) = event.answers() else { return Vec::new() };
        if !self.pending.has(command) {
            return Vec::new();
        }
        if matches!(event, Event::CommandRefused(_)) {
            self.pending.refused(command);
        } else {
            self.message = Some(Message::Done(describe(event, run).join("  ")));
        }
        Effect::send_if(self.pending.answered(command, run))
    }
}

#[cfg(test)]
mod tests;
