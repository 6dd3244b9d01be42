//! The chart's cursor, which moves by columns of the plot.

use super::{ChartView, axis::Axis};
use crate::{protocol::Step, state::Run};

impl ChartView {
    /// Moves the cursor by a number of columns of a plot of `width` cells; if there is none, it
    /// appears at the right. It always moves to a different step and stays within the window.
    pub fn cursor_by(&mut self, columns: i32, width: u16, run: &Run) {
        let axis = Axis::new(self, run, usize::from(width), 1);
        let (first, last) = reach(&axis, run);
        let Some(cursor) = self.cursor.map(|cursor| cursor.clamp(first, last)) else {
            self.cursor = Some(last);
            return;
        };
        let Some(cell) = axis.cell(cursor) else { return };
        let wanted = cell.saturating_add_signed(columns as isize);
        let step = last_step(&axis, wanted.min(usize::from(width.saturating_sub(1))));
        let step = match columns.signum() {
            1 => step.max(cursor.next()),
            -1 => step.min(Step(cursor.0.saturating_sub(1))),
            _ => cursor,
        };
        self.cursor = Some(step.clamp(first, last));
    }

    /// Moves the cursor to a clicked column of a plot of `width` cells.
    pub fn cursor_at(&mut self, column: u16, width: u16, run: &Run) {
        let axis = Axis::new(self, run, usize::from(width), 1);
        let (first, last) = reach(&axis, run);
        if column < width {
            self.cursor = Some(last_step(&axis, usize::from(column)).clamp(first, last));
        }
    }
}

/// The range of the cursor: completed steps in the window.
fn reach(axis: &Axis, run: &Run) -> (Step, Step) {
    let (first, last) = axis.ends();
    let last = Step(last.0.min(run.step.0));
    (first.min(last), last)
}

/// The last step of a cell, whose smoothed value the curve shows there.
fn last_step(axis: &Axis, cell: usize) -> Step {
    let steps = axis.steps(cell);
    Step(steps.end.saturating_sub(1).max(steps.start))
}
