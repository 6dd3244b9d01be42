//! The mouse, if the user enables it: a click selects, the wheel zooms, dragging moves the cursor.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::{Focus, View};
use crate::state::Run;

impl View {
    /// Handles a mouse event. While a window is open, the mouse does nothing.
    pub fn mouse(&mut self, event: MouseEvent, run: &Run) {
        if self.overlay.is_some() {
            return;
        }
        let layout = self.layout(run);
        let place = Position::new(event.column, event.row);
        let is_over = |focus| layout.place(focus).is_some_and(|area| area.contains(place));
        let focuses = [Focus::Desk, Focus::Chart, Focus::Events];
        let Some(focus) = focuses.into_iter().find(|focus| is_over(*focus)) else { return };
        let button = MouseButton::Left;
        match (event.kind, focus) {
            (MouseEventKind::Down(b) | MouseEventKind::Drag(b), _) if b != button => {}
            (MouseEventKind::Down(_) | MouseEventKind::Drag(_), Focus::Chart) => {
                let plot = layout.plot();
                let column = event
                    .column
                    .clamp(plot.left(), plot.right().saturating_sub(1).max(plot.left()));
                self.chart.cursor_at(column - plot.left(), plot.width, run);
                self.focus = focus;
            }
            (MouseEventKind::Down(_), Focus::Desk) => {
                if let Some(idx) = layout.strip_at(place, run.strips.len(), self.strip_idx(run)) {
                    self.select(idx, run);
                }
                self.focus = focus;
            }
            (MouseEventKind::Down(_), Focus::Events) => self.focus = focus,
            (MouseEventKind::ScrollUp, Focus::Chart) => self.chart.zoom_in(run),
            (MouseEventKind::ScrollDown, Focus::Chart) => self.chart.zoom_out(run),
            (MouseEventKind::ScrollUp, Focus::Events) => self.events.select_older(3, run),
            (MouseEventKind::ScrollDown, Focus::Events) => self.events.select_newer(3, run),
            _ => {}
        }
    }
}
