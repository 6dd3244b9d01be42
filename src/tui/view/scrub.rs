//! The scrub bar of a replay: a row that stands for the whole journal.
//!
//! The player's state ends at its position, so marks after it are known once it has been at the
//! end, where a replay opens.

use std::borrow::Cow;

use super::View;
use crate::{
    protocol::Step,
    state::Run,
    tui::chart::{RunMark, marks_of_steps},
};

/// How finely the marks are kept, in parts of the run: finer than any terminal is wide.
const N_PARTS: usize = 1_000;

/// The whole journal as a row: its last step, and the marks along it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scrub {
    last: Step,
    /// The most important mark of each part of the run.
    marks: Vec<Option<RunMark>>,
}

impl View {
    /// The row of this replay; without marks until the end has been reached.
    pub fn scrub_of(&self, run: &Run) -> Cow<'_, Scrub> {
        self.scrub.as_ref().map_or_else(|| Cow::Owned(Scrub::unmarked(run)), Cow::Borrowed)
    }
}

impl Scrub {
    /// The row of a run at its end.
    pub fn new(run: &Run) -> Self {
        Self { last: run.step, marks: marks_of_steps(run, N_PARTS) }
    }

    /// The row of a run whose end is not known: it has no marks.
    fn unmarked(run: &Run) -> Self {
        Self { last: Step(run.plan.steps.max(run.step.0)), marks: Vec::new() }
    }

    /// The last step.
    pub fn last(&self) -> Step {
        self.last
    }

    /// The cell of a step in a row of that width.
    pub fn cell(&self, step: Step, width: u16) -> u16 {
        let most = u128::from(width.saturating_sub(1));
        let last = u128::from(self.last.0.max(1));
        (u128::from(step.0) * most / last).min(most) as u16
    }

    /// The step of a cell.
    pub fn step_at(&self, cell: u16, width: u16) -> Step {
        let most = u128::from(width.saturating_sub(1).max(1));
        let step = (u128::from(cell) * u128::from(self.last.0)).div_ceil(most);
        Step((step as u64).min(self.last.0))
    }

    /// The marks of a row of that width; those that would cover more than a third of it are left
    /// out, except non-finite losses and manual changes.
    pub fn marks(&self, width: u16) -> Vec<Option<RunMark>> {
        let mut cells = vec![None; usize::from(width)];
        let n_steps = u128::from(self.last.0) + 1;
        for (part, mark) in (0u128..).zip(&self.marks) {
            let step = (part * n_steps).div_ceil(N_PARTS as u128);
            if let Some(cell) = cells.get_mut(usize::from(self.cell(Step(step as u64), width))) {
                *cell = (*cell).max(*mark);
            }
        }
        let is_regular = |mark: &RunMark| matches!(mark, RunMark::Evaluation | RunMark::Checkpoint);
        if cells.iter().flatten().filter(|mark| is_regular(mark)).count() * 3 > cells.len() {
            for cell in &mut cells {
                *cell = cell.filter(|mark| !is_regular(mark));
            }
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbitrary;

    /// A run of that many steps.
    fn run(n_steps: u64) -> Run {
        let mut run = Run::new(None);
        run.apply(&arbitrary::run_started().into());
        (1..=n_steps).for_each(|at| run.apply(&arbitrary::step_done(at, "chunk", 1.0).into()));
        run
    }

    #[test]
    fn cells_and_steps_correspond() {
        for last in [1, 7, 79, 80, 456, 3_000_000] {
            let scrub = Scrub { last: Step(last), marks: Vec::new() };
            for width in [1, 2, 40, 200] {
                assert_eq!(scrub.cell(Step(0), width), 0);
                assert_eq!(scrub.cell(Step(last), width), width - 1);
                for cell in 0..width {
                    let step = scrub.step_at(cell, width);
                    if last >= u64::from(width) && width > 1 {
                        assert_eq!(scrub.cell(step, width), cell, "{last} {width}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_change_is_marked_at_its_step() {
        let mut run = run(456);
        run.apply(&arbitrary::gain_set(228, "pos", 1.0, 0.5).into());
        let marks = Scrub::new(&run).marks(101);
        let marked: Vec<usize> = (0..101).filter(|&cell| marks[cell].is_some()).collect();
        assert_eq!((marked, marks[50]), (vec![50], Some(RunMark::Move)));
        assert_eq!(Scrub::unmarked(&run).marks(101), vec![None; 101]);
    }

    #[test]
    fn a_run_without_steps_has_a_row() {
        let scrub = Scrub::new(&run(0));
        assert_eq!((scrub.step_at(3, 10), scrub.cell(Step(0), 10)), (Step(0), 0));
        assert_eq!(scrub.marks(0), Vec::new());
    }
}
