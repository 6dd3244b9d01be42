//! The chart's x axis: the range of steps of each column.
//!
//! In any unit a column is a range of steps, and column edges are multiples of one column width
//! with few significant bits. So a column keeps its range of steps while the run grows, and only
//! the newest cells of a frame change. When the curve reaches the right edge, the width takes its
//! next value, about a fifth larger. The axis of a run that has ended ends with its last step.

use super::{ChartView, Window};
use crate::{
    protocol::Step,
    state::{Run, Unit},
};

/// Edges are computed for this many columns per cell, whatever is drawn in a cell, so that all
/// glyph sets show the same steps.
const FINE: usize = 2;

/// The columns of a plot.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    unit: Unit,
    /// The value at the left edge, in the axis's unit.
    from: f64,
    /// The width of a cell, in the axis's unit.
    per_cell: f64,
    cells: usize,
    /// Columns per cell.
    per: usize,
    /// Column `i` contains the steps in `edges[i]..edges[i + 1]`; often none.
    edges: Vec<u64>,
}

impl Axis {
    /// The axis of `cells` cells with `per` columns each: 1 or 2.
    pub(super) fn new(view: &ChartView, run: &Run, cells: usize, per: usize) -> Self {
        let n = (cells * FINE).max(1);
        let unit = view.unit;
        let (first, last) = view.span(run);
        let [lo, hi] = [first, last].map(|step| run.timeline.at(step, unit));
        let hi = hi.max(lo + 1.0);
        let (from, width) = match view.window {
            Window::Last(_) => {
                // The right edge jumps ahead of the curve, so that most frames do not shift the
                // plot.
                let n_ahead = (n / 8).max(1);
                let width = widened((hi - lo) / (n - n_ahead).max(1) as f64, unit);
                let jump = width * n_ahead as f64;
                let end = ((hi / jump).floor() + 1.0) * jump;
                ((end - width * n as f64).max(0.0), width)
            }
            // It does not grow any more.
            Window::Follow if run.ended.is_some() => (lo, (hi - lo) * (1.0 + 1e-9) / n as f64),
            Window::Follow | Window::Fixed { .. } => {
                let mut width = widened((hi - lo) / n as f64, unit);
                while ((hi - (lo / width).floor() * width) / width).floor() >= n as f64 {
                    width = widened(width * 1.01, unit);
                }
                ((lo / width).floor() * width, width)
            }
        };
        Self::of_width(run, unit, (from, width), (cells, per))
    }

    /// The axis from the first step to `last`, in steps.
    pub(super) fn of_steps(run: &Run, last: Step, cells: usize) -> Self {
        let width = (last.0 + 1) as f64 / (cells * FINE).max(1) as f64;
        Self::of_width(run, Unit::Steps, (0.0, width), (cells, 1))
    }

    /// `width` is that of a column, of which a cell has `FINE` at its finest.
    fn of_width(
        run: &Run,
        unit: Unit,
        (from, width): (f64, f64),
        (cells, per): (usize, usize),
    ) -> Self {
        let done = run.timeline.last();
        let mut edges = Vec::with_capacity(cells * per + 1);
        let mut highest = 0;
        for column in (0..=cells * FINE).step_by(FINE / per) {
            let amount = from + width * column as f64;
            // In other units nothing is known beyond the last step.
            let is_beyond = unit != Unit::Steps && amount > done.get(unit) as f64;
            let step = if is_beyond {
                done.step.0.saturating_add(1)
            } else {
                run.timeline.step_at(amount, unit).ceil() as u64
            };
            highest = step.max(highest);
            edges.push(highest);
        }
        Self { unit, from, per_cell: width * FINE as f64, cells, per, edges }
    }

    /// The total number of columns.
    pub(super) fn n_columns(&self) -> usize {
        self.edges.len() - 1
    }

    /// Columns per cell.
    pub(super) fn per(&self) -> usize {
        self.per
    }

    /// The edges: column `i` contains the steps in `edges[i]..edges[i + 1]`.
    pub(super) fn edges(&self) -> &[u64] {
        &self.edges
    }

    /// The steps of a cell.
    pub(super) fn steps(&self, cell: usize) -> std::ops::Range<u64> {
        self.edges[cell * self.per]..self.edges[(cell + 1) * self.per]
    }

    /// The cell that shows a step.
    pub(super) fn cell(&self, step: Step) -> Option<usize> {
        Some(self.column(step)? / self.per)
    }

    /// The column that shows a step.
    pub(super) fn column(&self, step: Step) -> Option<usize> {
        let column = self.edges.partition_point(|&edge| edge <= step.0).checked_sub(1)?;
        (column < self.n_columns()).then_some(column)
    }

    /// The first and the last step shown.
    pub(super) fn ends(&self) -> (Step, Step) {
        let last = self.edges[self.n_columns()].saturating_sub(1);
        (Step(self.edges[0]), Step(last.max(self.edges[0])))
    }

    /// Round values to label and their cells, at least `room` cells apart.
    pub(super) fn ticks(&self, room: usize) -> Vec<(usize, u64)> {
        let least = self.per_cell * room.max(1) as f64;
        let step = match self.unit {
            Unit::Steps | Unit::Tokens => round_count(least),
            Unit::Ms => round_time(least),
        };
        let first = (self.from / step).ceil().max(0.0);
        (0..self.cells)
            .map_while(|n| {
                let amount = (first + n as f64) * step;
                let cell = ((amount - self.from) / self.per_cell) as usize;
                (cell < self.cells).then_some((cell, amount as u64))
            })
            .collect()
    }
}

/// The smallest width of at least `least` that is 4, 5, 6 or 7 times a power of two. A column wider
/// than one step contains whole steps.
fn widened(least: f64, unit: Unit) -> f64 {
    let least = least.clamp(1e-9, 1e18);
    if unit == Unit::Steps && least > 1.0 && least <= 4.0 {
        return least.ceil();
    }
    let power = (least.log2().floor() - 2.0).exp2();
    (least / power).ceil() * power
}

/// The smallest of 1, 2, 5, 10, 20, 50, … that is at least `least`.
fn round_count(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1.0).log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|times| times * power >= least);
    times.unwrap_or(10.0) * power
}

/// The same over the usual divisions of time.
fn round_time(least_ms: f64) -> f64 {
    const DAY_MS: f64 = 86_400_000.0;
    const SECONDS: [f64; 17] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0,
        10_800.0, 21_600.0, 43_200.0,
    ];
    let fits = SECONDS.into_iter().find(|seconds| seconds * 1e3 >= least_ms);
    fits.map_or_else(|| round_count(least_ms / DAY_MS) * DAY_MS, |seconds| seconds * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::chart::tests::{ended, run, stepped};

    fn axis(n_steps: u64, view: &ChartView, cells: usize) -> Axis {
        Axis::new(view, &stepped(n_steps), cells, 2)
    }

    #[test]
    fn columns_keep_their_steps_while_a_run_grows() {
        let view = ChartView::default();
        // 100 columns of 7 steps show 700 steps; the next width is 8.
        let before = axis(650, &view, 50);
        assert_eq!(before.edges()[..4], [0, 7, 14, 21]);
        assert_eq!(before, axis(699, &view, 50));
        assert_eq!(axis(700, &view, 50).edges()[..3], [0, 8, 16]);
        assert_eq!(before.cell(Step(650)), Some(46));
        assert_eq!(before.steps(46), 644..658);
        assert_eq!(before.cell(Step(700)), None);
    }

    #[test]
    fn the_axis_of_an_ended_run_ends_with_its_last_step() {
        for n_steps in [1, 10, 456, 65_537] {
            let mut run = stepped(n_steps);
            run.apply(&ended(n_steps));
            for unit in [Unit::Steps, Unit::Tokens, Unit::Ms] {
                let view = ChartView { unit, ..ChartView::default() };
                let axis = Axis::new(&view, &run, 50, 2);
                assert_eq!(axis.cell(Step(n_steps)), Some(49), "{n_steps} {unit:?}");
                assert_eq!(axis.ends(), (Step(0), Step(n_steps)), "{n_steps} {unit:?}");
            }
        }
    }

    #[test]
    fn a_short_run_fills_the_width() {
        let spread = axis(10, &ChartView::default(), 50);
        // 7/64 of a step per column: step 10 is in column 91, step 1 in column 9.
        assert_eq!(spread.cell(Step(10)), Some(45));
        assert_eq!(spread.cell(Step(1)), Some(4));
        assert!(spread.edges().windows(2).all(|pair| pair[1] - pair[0] <= 1));
    }

    #[test]
    fn the_window_follows_the_latest_steps_in_jumps() {
        let view = ChartView { window: Window::Last(300), ..ChartView::default() };
        let axes: Vec<_> = (2000..2048).map(|last| axis(last, &view, 50)).collect();
        for (axis, last) in axes.iter().zip(2000..) {
            assert!(axis.cell(Step(last)).is_some() && axis.cell(Step(last - 300)).is_some());
        }
        let jumps = axes.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!((1..=2).contains(&jumps), "{jumps}");
    }

    #[test]
    fn axes_in_tokens_and_time_convert_steps() {
        // Steps take 10 ms and 100 tokens.
        for unit in [Unit::Tokens, Unit::Ms] {
            let axis = axis(1000, &ChartView { unit, ..ChartView::default() }, 50);
            let (from, to) = axis.ends();
            assert_eq!((from, to), (Step(0), Step(1000)), "{unit:?}");
            let edges = axis.edges();
            assert!(edges.windows(2).filter(|pair| pair[0] < pair[1]).count() > 80, "{unit:?}");
        }
    }

    #[test]
    fn ticks_are_round_and_apart() {
        let ticks = axis(12_400, &ChartView::default(), 100).ticks(9);
        assert_eq!(ticks[..3], [(0, 0), (15, 2000), (31, 4000)]);
        let view = ChartView { unit: Unit::Ms, ..ChartView::default() };
        assert_eq!(axis(12_400, &view, 100).ticks(9)[1].1, 15_000);
        assert_eq!(round_count(3e18), 5e18);
        assert_eq!(round_time(1e9), 20.0 * 86_400_000.0);
    }

    #[test]
    fn an_empty_run_and_an_empty_area_have_an_axis() {
        for cells in [0, 1, 2] {
            let axis = Axis::new(&ChartView::default(), &run([]), cells, 1);
            assert_eq!(axis.n_columns(), cells);
            axis.ticks(5);
        }
    }
}
