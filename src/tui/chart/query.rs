//! The settings of the chart that keys change: steps, unit and smoothing.

use crate::{
    protocol::{ObjectiveId, Step},
    state::{ALPHAS, Run, Unit},
};

/// The smallest window, in steps.
const FEWEST_STEPS: u64 = 8;

/// The settings of the chart.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartView {
    /// A logarithmic y axis, if all values are positive.
    pub log_y: bool,
    /// The smoothing of the curves: an index into [`ALPHAS`], 0 for raw.
    pub smoothing: usize,
    /// The unit of the x axis.
    pub unit: Unit,
    /// The steps shown.
    pub window: Window,
    /// The step whose values are read out.
    pub cursor: Option<Step>,
    /// The one objective to show; `None` for all.
    pub only: Option<ObjectiveId>,
}

/// The steps shown; counted in steps for any unit of the axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Window {
    /// All steps, following the run.
    #[default]
    Follow,
    /// The latest steps, that many of them.
    Last(u64),
    /// A fixed range.
    Fixed {
        /// The first step.
        from: Step,
        /// The last step.
        to: Step,
    },
}

impl Default for ChartView {
    fn default() -> Self {
        Self {
            log_y: true,
            smoothing: 2,
            unit: Unit::Steps,
            window: Window::Follow,
            cursor: None,
            only: None,
        }
    }
}

impl ChartView {
    /// The first and the last step of the window; the plot begins and ends at column edges.
    pub fn span(&self, run: &Run) -> (Step, Step) {
        let last = run.step.0.max(1);
        match self.window {
            Window::Follow => (Step(0), Step(last)),
            Window::Last(n) => (Step(last.saturating_sub(n)), Step(last)),
            Window::Fixed { from, to } => (from, Step(to.0.max(from.0.saturating_add(1)))),
        }
    }

    /// Halves the number of steps: keeps those around the cursor, the latest while following, else
    /// the middle.
    pub fn zoom_in(&mut self, run: &Run) {
        self.zoom(run, |n| (n / 2).max(FEWEST_STEPS.min(n)));
    }

    /// Doubles the number of steps, at most to all of them.
    pub fn zoom_out(&mut self, run: &Run) {
        self.zoom(run, |n| n.saturating_mul(2));
    }

    fn zoom(&mut self, run: &Run, zoomed: impl Fn(u64) -> u64) {
        let (Step(from), Step(to)) = self.span(run);
        let old = to - from;
        let new = zoomed(old);
        let cursor = self.cursor.filter(|cursor| (from..=to).contains(&cursor.0));
        let kept = match (cursor, self.window) {
            (Some(cursor), _) => cursor.0,
            (None, Window::Follow | Window::Last(_)) => to,
            (None, Window::Fixed { .. }) => from + old / 2,
        };
        // The cursor's step keeps its relative position.
        let left = u128::from(kept - from) * u128::from(new) / u128::from(old.max(1));
        self.show(kept.saturating_sub(left as u64), new, run);
    }

    /// Moves the window by a fraction of its width, to later steps if positive. At the end of the
    /// run it follows again.
    pub fn pan(&mut self, part: f64, run: &Run) {
        let (Step(from), Step(to)) = self.span(run);
        let n = to - from;
        let by = (n as f64 * part.abs()).ceil() as u64;
        let from = if part < 0.0 { from.saturating_sub(by) } else { from.saturating_add(by) };
        self.show(from, n, run);
    }

    /// Shows the whole run and follows it.
    pub fn follow(&mut self) {
        self.window = Window::Follow;
    }

    /// A window that ends at the end of the run follows it.
    fn show(&mut self, from: u64, n: u64, run: &Run) {
        let last = run.step.0.max(1);
        self.window = if n >= last {
            Window::Follow
        } else if from.saturating_add(n) >= last {
            Window::Last(n)
        } else {
            Window::Fixed { from: Step(from), to: Step(from + n) }
        };
    }

    /// Moves the cursor to a step, and the window so that it contains the cursor.
    pub fn cursor_to(&mut self, step: Step, run: &Run) {
        let step = Step(step.0.min(run.step.0));
        self.cursor = Some(step);
        let (from, to) = self.span(run);
        if !(from..=to).contains(&step) {
            let n = to.0 - from.0;
            self.show(step.0.saturating_sub(n / 2), n, run);
        }
    }

    /// More smoothing, up to the maximum.
    pub fn smoother(&mut self) {
        self.smoothing = (self.smoothing + 1).min(ALPHAS.len() - 1);
    }

    /// Less smoothing, down to the raw losses.
    pub fn rougher(&mut self) {
        self.smoothing = self.smoothing.saturating_sub(1);
    }

    /// Cycles through steps, tokens and wall time.
    pub fn next_unit(&mut self) {
        self.unit = match self.unit {
            Unit::Steps => Unit::Tokens,
            Unit::Tokens => Unit::Ms,
            Unit::Ms => Unit::Steps,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tui::chart::tests::stepped;

    fn fixed(from: u64, to: u64) -> Window {
        Window::Fixed { from: Step(from), to: Step(to) }
    }

    fn view(window: Window, cursor: Option<u64>) -> ChartView {
        ChartView { window, cursor: cursor.map(Step), ..ChartView::default() }
    }

    #[test]
    fn zooming_while_following_keeps_the_right_edge() {
        let run = stepped(1000);
        let mut view = view(Window::Follow, None);
        view.zoom_in(&run);
        assert_eq!(view.window, Window::Last(500));
        view.zoom_in(&run);
        assert_eq!(view.window, Window::Last(250));
        (0..9).for_each(|_| view.zoom_in(&run));
        assert_eq!(view.window, Window::Last(FEWEST_STEPS));
        (0..9).for_each(|_| view.zoom_out(&run));
        assert_eq!(view.window, Window::Follow);
    }

    #[test]
    fn zooming_keeps_the_cursor_where_it_is() {
        let run = stepped(1000);
        let mut view = view(Window::Follow, Some(400));
        view.zoom_in(&run);
        assert_eq!(view.window, fixed(200, 700));
        view.zoom_in(&run);
        assert_eq!(view.window, fixed(300, 550));
        view.zoom_out(&run);
        assert_eq!(view.window, fixed(200, 700));
        view.zoom_out(&run);
        assert_eq!(view.window, Window::Follow);
    }

    #[test]
    fn panning_stops_at_both_ends_and_follows_at_the_right() {
        let run = stepped(1000);
        let mut view = view(Window::Last(100), None);
        view.pan(-0.5, &run);
        assert_eq!(view.window, fixed(850, 950));
        view.pan(-100.0, &run);
        assert_eq!(view.window, fixed(0, 100));
        view.pan(0.25, &run);
        assert_eq!(view.window, fixed(25, 125));
        view.pan(50.0, &run);
        assert_eq!(view.window, Window::Last(100));
        view.follow();
        view.pan(-0.5, &run);
        assert_eq!(view.window, Window::Follow, "all of it is shown already");
    }

    #[test]
    fn the_cursor_moves_by_columns_within_the_window() {
        let run = stepped(1000);
        let mut view = view(Window::Follow, None);
        view.cursor_by(-1, 50, &run);
        assert_eq!(view.cursor, Some(Step(1000)), "it appears first");
        // 100 half cells of 12 steps: cells of 24.
        view.cursor_by(-1, 50, &run);
        assert_eq!(view.cursor, Some(Step(983)));
        view.cursor_by(-10, 50, &run);
        assert_eq!(view.cursor, Some(Step(743)));
        view.cursor_by(3, 50, &run);
        assert_eq!(view.cursor, Some(Step(815)));
        view.cursor_by(-999, 50, &run);
        assert_eq!(view.cursor, Some(Step(23)));
        view.cursor_by(-1, 50, &run);
        assert_eq!(view.cursor, Some(Step(22)), "it always moves");
        view.cursor_by(999, 50, &run);
        assert_eq!(view.cursor, Some(Step(1000)));
        view.cursor_at(10, 50, &run);
        assert_eq!(view.cursor, Some(Step(263)));
    }

    #[test]
    fn the_window_moves_to_the_cursor() {
        let run = stepped(1000);
        let mut view = view(Window::Last(100), None);
        view.cursor_to(Step(500), &run);
        assert_eq!((view.cursor, view.window), (Some(Step(500)), fixed(450, 550)));
        view.cursor_to(Step(5000), &run);
        assert_eq!((view.cursor, view.window), (Some(Step(1000)), Window::Last(100)));
    }

    #[test]
    fn smoothing_stops_at_its_limits_and_units_cycle() {
        let mut view = ChartView::default();
        (0..9).for_each(|_| view.smoother());
        assert_eq!(view.smoothing, ALPHAS.len() - 1);
        (0..9).for_each(|_| view.rougher());
        assert_eq!(view.smoothing, 0);
        let units = [Unit::Tokens, Unit::Ms, Unit::Steps];
        assert_eq!(
            units,
            units.map(|_| {
                view.next_unit();
                view.unit
            })
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_keys_keep_the_chart_valid(
            n_steps in 0u64..300,
            keys in proptest::collection::vec((0u8..8, -200i32..200), 0..40),
            width in 0u16..200,
        ) {
            let run = stepped(n_steps);
            let mut view = ChartView::default();
            for (key, by) in keys {
                match key {
                    0 => view.zoom_in(&run),
                    1 => view.zoom_out(&run),
                    2 => view.pan(f64::from(by) / 50.0, &run),
                    3 => view.cursor_by(by, width, &run),
                    4 => view.cursor_at(by.unsigned_abs() as u16, width, &run),
                    5 => view.cursor_to(Step(u64::from(by.unsigned_abs())), &run),
                    6 => view.next_unit(),
                    _ => view.follow(),
                }
                let (from, to) = view.span(&run);
                prop_assert!(from < to && to.0 <= n_steps.max(1));
                prop_assert!(view.cursor.is_none_or(|cursor| cursor.0 <= n_steps));
            }
        }
    }
}
