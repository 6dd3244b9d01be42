//! What the screen alone knows: the chosen strip, the focus, the chart's window, open prompts, and the
//! wishes that have not been answered yet.
//!
//! A second small fold beside the run's: [`View::act`] takes an action, [`View::answered`] an event
//! of the trainer, and both give back what is to be done outside. Strips are known by name, never by
//! row. Nothing here reads a clock or draws.

pub mod action;
mod events;
pub mod keymap;
mod keys;
mod mix;
mod mouse;
mod overlay;
mod prompt;
mod update;
mod wishes;

pub use events::{Class, EventList};
pub use overlay::{Overlay, Palette};
pub use prompt::{Prompt, Wanted};
pub use wishes::{LEAST, Wishes, nudged};

use ratatui::layout::{Position, Rect, Size};

pub use super::layout::{Focus, Page};
use super::{chart::ChartView, layout::Layout};
use crate::{
    protocol::{Command, CommandId, Event, ObjectiveId, Step, event::Role},
    state::{Run, Strip, describe},
};

/// What is to be done outside the view.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send a wish to the trainer, and tell the view its number with [`View::sent`].
    Wish(Wish),
    /// Stop as SIGINT does.
    Interrupt,
    /// Stop the process until the shell continues it.
    Suspend,
    /// Leave the screen.
    Leave,
    /// Play, or hold.
    Play,
    /// Play faster, or slower.
    Speed(SpeedChange),
    /// Go to a place in the replay.
    Seek(Seek),
    /// Draw in the next theme.
    NextTheme,
}

/// A wish to the trainer.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// What is wished.
    pub command: Command,
    /// The order whose moves it takes back, or makes again.
    pub undoes: Option<CommandId>,
}

impl From<Command> for Wish {
    fn from(command: Command) -> Self {
        Self { command, undoes: None }
    }
}

/// A command to the trainer, as what is to be done.
fn command(command: Command) -> Vec<Effect> {
    wish(Some(command.into()))
}

/// A wish to the trainer, if there is one.
fn wish(wish: Option<Wish>) -> Vec<Effect> {
    wish.map(Effect::Wish).into_iter().collect()
}

/// A change of a replay's speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpeedChange {
    /// The next faster one.
    Up,
    /// The next slower one.
    Down,
}

/// A place in a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// Before the first step.
    Start,
    /// Everything told.
    End,
    /// So many steps on, or back.
    By(i64),
    /// A step.
    To(Step),
    /// The event after this.
    NextEvent,
    /// The event before this.
    PreviousEvent,
}

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
    /// Wishes without an answer.
    pub wishes: Wishes,
    /// The last thing to say.
    pub message: Option<Message>,
    /// The screen is held.
    pub frozen: bool,
    /// The wire has closed, though nothing told how the run ended.
    pub broke_off: bool,
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
            wishes: Wishes::default(),
            message: None,
            frozen: false,
            broke_off: false,
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

    /// The trainer's number for a wish that was given out; `None`: there is no trainer any more.
    pub fn sent(&mut self, wish: &Wish, order: Option<CommandId>) {
        if let Some(order) = order {
            self.wishes.sent(wish, order);
        } else {
            self.wishes = Wishes::default();
            self.message = Some(Message::Refused("the run has ended".to_owned()));
        }
    }

    /// Drops every open wish: no answer will come, or it came unseen.
    pub fn forget_wishes(&mut self) {
        self.wishes = Wishes::default();
    }

    /// Takes in an event that may answer a wish. What was wished of that fader meanwhile is wished
    /// now.
    pub fn answered(&mut self, event: &Event, run: &Run) -> Vec<Effect> {
        match event {
            Event::CommandRefused(refused) if refused.command.is_some() => {
                self.message = Some(Message::Refused(refused.why.clone()));
            }
            Event::RunEnded(_) => self.forget_wishes(),
            _ => {}
        }
        let Some(order) = event.answers() else { return Vec::new() };
        if !self.wishes.has(order) {
            return Vec::new();
        }
        if matches!(event, Event::CommandRefused(_)) {
            self.wishes.refused(order);
        } else {
            self.message = Some(Message::Done(describe(event, run).join("  ")));
        }
        self.wishes.answered(order, run).into_iter().map(Effect::Wish).collect()
    }
}

#[cfg(test)]
mod tests;
