//! The tour of the first start: one line at a time says what to try next, and goes on once the user has
//! done it, in this order or another.

use super::{Page, View, action::Action};
use crate::protocol::{By, Event, event::GainSet};

/// What the tour suggests, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TourStop {
    /// Select another objective.
    Select,
    /// Move its fader.
    Move,
    /// Move the cursor to the change, where the chart shows the losses.
    Look,
    /// Undo the change.
    TakeBack,
    /// Open the page of the gradients.
    Gradients,
}

/// Their number.
pub const N_STOPS: usize = 5;

/// All of them, in order.
const STOPS: [TourStop; N_STOPS] =
    [TourStop::Select, TourStop::Move, TourStop::Look, TourStop::TakeBack, TourStop::Gradients];

/// How far the tour is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tour {
    done: [bool; N_STOPS],
    /// It has been asked for its end, and has said so.
    is_kept: bool,
}

impl Tour {
    /// The first stop that has not been done, and its number from 1; `None` at the end.
    pub fn next(&self) -> Option<(usize, TourStop)> {
        let at = self.done.iter().position(|done| !done)?;
        Some((at + 1, STOPS[at]))
    }

    /// Whether all has been done, the first time that this is asked.
    pub fn has_just_ended(&mut self) -> bool {
        self.next().is_none() && !std::mem::replace(&mut self.is_kept, true)
    }

    fn complete(&mut self, stop: TourStop) {
        if let Some(at) = STOPS.iter().position(|other| *other == stop) {
            self.done[at] = true;
        }
    }
}

impl View {
    /// Notes an action that was available and has been carried out.
    pub(super) fn note_action(&mut self, action: Action) {
        let page = self.page;
        let Some(tour) = &mut self.tour else { return };
        match action {
            Action::NextStrip | Action::PreviousStrip | Action::Strip(_) => {
                tour.complete(TourStop::Select);
            }
            Action::PreviousEvent
            | Action::NextEvent
            | Action::JumpToEvent
            | Action::Cursor(_)
            | Action::CursorFirst
            | Action::CursorLast => tour.complete(TourStop::Look),
            Action::Undo => tour.complete(TourStop::TakeBack),
            Action::NextPage if page == Page::Chart => tour.complete(TourStop::Look),
            Action::NextPage if page == Page::Gradients => tour.complete(TourStop::Gradients),
            _ => {}
        }
    }

    /// Notes the trainer's answer to a command of this desk.
    pub(super) fn note_answer(&mut self, event: &Event) {
        if let (Some(tour), Event::GainSet(GainSet { by: By::Key, undoes: None, .. })) =
            (&mut self.tour, event)
        {
            tour.complete(TourStop::Move);
        }
    }

    /// A key press removes the last line of the tour.
    pub(super) fn dismiss_finished_tour(&mut self) {
        self.tour.take_if(|tour| tour.next().is_none());
    }
}
