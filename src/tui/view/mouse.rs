//! The mouse, if the user enables it: a click selects, the wheel zooms, dragging moves the cursor or
//! the position of a replay.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::{Effect, Focus, Seek, View, action::Action};
use crate::{state::Run, tui::layout::scrub_track};

impl View {
    /// Handles a mouse event. While a window is open, the mouse does nothing.
    pub fn mouse(&mut self, event: MouseEvent, run: &Run) -> Vec<Effect> {
        if self.overlay.is_some() {
            return Vec::new();
        }
        let layout = self.layout(run);
        let place = Position::new(event.column, event.row);
        if let Some(area) = layout.scrub.filter(|area| area.contains(place)) {
            return self.scrub_to(event, scrub_track(area), run);
        }
        let is_over = |focus| layout.place(focus).is_some_and(|area| area.contains(place));
        let focuses = [Focus::Desk, Focus::Chart, Focus::Events, Focus::Samples];
        let Some(focus) = focuses.into_iter().find(|focus| is_over(*focus)) else {
            return Vec::new();
        };
        let button = MouseButton::Left;
        match (event.kind, focus) {
            (MouseEventKind::Down(b) | MouseEventKind::Drag(b), _) if b != button => {}
            (MouseEventKind::Down(_) | MouseEventKind::Drag(_), Focus::Chart) => {
                let plot = layout.plot();
                let column = event
                    .column
                    .clamp(plot.left(), plot.right().saturating_sub(1).max(plot.left()));
                self.chart.cursor_at(column - plot.left(), plot.width, run);
                self.note_action(Action::CursorFirst);
                self.focus = focus;
            }
            (MouseEventKind::Down(_), Focus::Desk) => {
                if let Some(idx) = layout.strip_at(place, run.strips.len(), self.strip_idx(run)) {
                    self.select(idx, run);
                    self.note_action(Action::Strip(idx + 1));
                }
                self.focus = focus;
            }
            (MouseEventKind::Down(_), Focus::Events | Focus::Samples) => self.focus = focus,
            (MouseEventKind::ScrollUp, Focus::Samples) => self.move_sample(false, run),
            (MouseEventKind::ScrollDown, Focus::Samples) => self.move_sample(true, run),
            (MouseEventKind::ScrollUp, Focus::Chart) => self.chart.zoom_in(run),
            (MouseEventKind::ScrollDown, Focus::Chart) => self.chart.zoom_out(run),
            (MouseEventKind::ScrollUp, Focus::Events) => self.events.select_older(3, run),
            (MouseEventKind::ScrollDown, Focus::Events) => self.events.select_newer(3, run),
            _ => {}
        }
        Vec::new()
    }

    /// Seeks to the step under the mouse on the scrub bar; the wheel seeks by its cells.
    fn scrub_to(&self, event: MouseEvent, track: Rect, run: &Run) -> Vec<Effect> {
        let scrub = self.scrub_of(run);
        let column = event.column.clamp(track.left(), track.right().saturating_sub(1));
        let per_cell = i64::try_from(scrub.last().0 / u64::from(track.width.max(1)));
        let per_cell = per_cell.unwrap_or(i64::MAX).max(1);
        let seek = match event.kind {
            MouseEventKind::Down(MouseButton::Left) | MouseEventKind::Drag(MouseButton::Left) => {
                Seek::To(scrub.step_at(column - track.left(), track.width))
            }
            MouseEventKind::ScrollUp => Seek::By(-per_cell),
            MouseEventKind::ScrollDown => Seek::By(per_cell),
            _ => return Vec::new(),
        };
        vec![Effect::Seek(seek)]
    }
}
