//! The desk's own state: the selected strip, the focus, the chart's window, open prompts, and the
//! commands that have not been answered yet.
//!
//! It is a second fold beside the run's: [`View::act`] handles an action, [`View::answered`] an
//! event of the trainer, and both return the effects to carry out. Strips are identified by name,
//! never by row. Nothing here reads a clock or draws.

pub mod action;
mod effect;
mod equalize;
mod events;
pub mod keymap;
mod keys;
mod link;
mod mix;
mod mouse;
mod nudge;
mod overlay;
mod pending;
mod prompt;
mod samples;
mod scrub;
mod settings;
mod tour;
mod update;
mod weightings;

use std::borrow::Cow;

pub use effect::{Effect, Extension, Seek, SpeedChange};
pub use events::{Class, EventList};
pub use link::Links;
pub use mix::finished;
pub use nudge::{LEAST, nudged};
pub use overlay::{Overlay, Palette};
pub use pending::{Pending, Request};
pub use prompt::{Prompt, PromptKind};
pub use samples::SampleView;
pub use scrub::Scrub;
pub use settings::SettingShown;
pub use tour::{N_STOPS, Tour, TourStop};
pub use weightings::WeightingShown;

use ratatui::layout::{Position, Rect, Size};

pub use super::layout::{Focus, Page};
use super::{
    chart::ChartView,
    layout::{Bar, Layout},
};
use crate::{
    protocol::{CommandId, Event, ObjectiveId, event::Role},
    state::{Run, Strip, describe},
};

/// The mode of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DeskMode {
    /// A run that trains in this process and accepts commands.
    Live,
    /// A run that trains in this process, read-only.
    Observe,
    /// A replay of a journal.
    Replay(Playing),
}

/// The state of a replay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Playing {
    /// Whether it plays or is paused.
    pub playing: bool,
    /// Speed relative to the run's own.
    pub speed: f32,
    /// The progress of a long seek, from 0 to 1.
    pub seeking: Option<f32>,
}

/// The state of the process that trains. It is no part of the run: it differs from run to run of one
/// recipe, so no event has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessHealth {
    /// Its resident memory in bytes; `None` where the system does not say.
    pub resident_bytes: Option<u64>,
    /// Events that the journal does not hold yet.
    pub journal_lag: u64,
    /// Frames that were due while another one was drawn.
    pub frames_missed: u64,
}

/// One line at the bottom of the screen, until the next key press.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A confirmation.
    Done(String),
    /// A refusal or an error.
    Refused(String),
}

/// The desk's own state.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own")]
pub struct View {
    /// The mode of the session.
    pub mode: DeskMode,
    /// Which panels fill the screen.
    pub page: Page,
    /// The focused panel.
    pub focus: Focus,
    /// The selected strip; the main objective's until one is selected.
    pub selected: Option<ObjectiveId>,
    /// The chart's window, unit and smoothing.
    pub chart: ChartView,
    /// The size of the screen.
    pub size: Size,
    /// The list of events.
    pub events: EventList,
    /// The samples that are shown.
    pub samples: SampleView,
    /// What is known of this process and its screen; only while it trains.
    pub process: Option<ProcessHealth>,
    /// The whole journal of a replay, once its end has been reached.
    pub scrub: Option<Scrub>,
    /// The window above the panels, which receives the keys.
    pub overlay: Option<Overlay>,
    /// Lines entered in the palette, oldest first.
    pub history: Vec<String>,
    /// Linked faders.
    pub links: Links,
    /// Commands without an answer.
    pub pending: Pending,
    /// The last message.
    pub message: Option<Message>,
    /// The screen is frozen.
    pub frozen: bool,
    /// The channel has closed without an event that says how the run ended.
    pub disconnected: bool,
    /// The user has asked to stop the run.
    pub stopping: bool,
    /// The user has asked to train the run on, and waits for the session.
    pub is_extending: bool,
    /// The tour, until it is over.
    pub tour: Option<Tour>,
}

impl View {
    /// The initial view of every session.
    pub fn new(mode: DeskMode) -> Self {
        Self {
            mode,
            page: Page::default(),
            focus: Focus::default(),
            selected: None,
            chart: ChartView::default(),
            size: Size::default(),
            events: EventList::default(),
            samples: SampleView::default(),
            process: None,
            scrub: None,
            overlay: None,
            history: Vec::new(),
            links: Links::default(),
            pending: Pending::default(),
            message: None,
            frozen: false,
            disconnected: false,
            stopping: false,
            is_extending: false,
            tour: None,
        }
    }

    /// The position of each panel.
    pub fn layout(&self, run: &Run) -> Layout {
        let area = Rect::from((Position::ORIGIN, self.size));
        Layout::new(area, self.page, run.strips.len(), self.bar())
    }

    /// What is shown above the footer.
    pub fn bar(&self) -> Bar {
        match (self.mode, self.tour) {
            (DeskMode::Replay(_), _) => Bar::Scrub,
            (_, Some(_)) => Bar::Tour,
            (_, None) => Bar::None,
        }
    }

    /// What the chart shows: on the page of an objective only that one.
    pub fn chart_of(&self, run: &Run) -> Cow<'_, ChartView> {
        match self.strip(run).filter(|_| self.page == Page::Objective) {
            Some(strip) => {
                Cow::Owned(ChartView { only: Some(strip.name.clone()), ..self.chart.clone() })
            }
            None => Cow::Borrowed(&self.chart),
        }
    }

    /// Whether this is a replay.
    pub fn is_replay(&self) -> bool {
        matches!(self.mode, DeskMode::Replay(_))
    }

    /// The index of the selected strip; the main objective's before one is selected.
    pub fn strip_idx(&self, run: &Run) -> usize {
        let is_it = |strip: &Strip| match &self.selected {
            Some(selected) => strip.name == *selected,
            None => strip.role == Role::Main,
        };
        run.strips.iter().position(is_it).unwrap_or(0)
    }

    /// The selected strip; `None` before the event that lists the strips.
    pub fn strip<'a>(&self, run: &'a Run) -> Option<&'a Strip> {
        run.strips.get(self.strip_idx(run))
    }

    /// Records the id that a command was sent with; `None` if there is no trainer any more.
    pub fn sent(&mut self, request: &Request, command: Option<CommandId>) {
        if let Some(command) = command {
            self.pending.sent(request, command);
        } else {
            self.forget_pending();
            self.message = Some(Message::Refused("the run has ended".to_owned()));
        }
    }

    /// Forgets pending commands: their answers will not come, or have been missed.
    pub fn forget_pending(&mut self) {
        self.pending = Pending::default();
    }

    /// Goes on with a new session of the run, which has been trained on.
    pub fn extended(&mut self) {
        self.forget_pending();
        (self.is_extending, self.stopping) = (false, false);
        self.message = Some(Message::Done("the run is trained on".to_owned()));
    }

    /// Says why the run is not trained on.
    pub fn not_extended(&mut self, why: String) {
        self.is_extending = false;
        self.message = Some(Message::Refused(why));
    }

    /// Handles an event that may answer a command. Changes of that fader that were requested
    /// meanwhile are sent now.
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
            self.note_answer(event);
        }
        Effect::send_if(self.pending.answered(command, run))
    }
}

#[cfg(test)]
mod tests;
