//! Marks by column: non-finite losses, manual changes, checkpoints, evaluations, notes.

use std::sync::Arc;

use super::{axis::Axis, number};
use crate::{
    live,
    protocol::{
        Change, Changed, Control, ObjectiveId, Step,
        event::{Evaluated, Role, Setting, Split},
    },
    state::Run,
};

/// The most recent notes that are considered; more are rare.
const MOST_NOTES: usize = 1_000;

/// The kind of a mark; of several in one column, the last variant is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunMark {
    /// A note.
    Note,
    /// An evaluation on dev.
    Evaluation,
    /// A checkpoint.
    Checkpoint,
    /// A manual change.
    Move,
    /// A non-finite loss.
    Broken,
}

/// The most important mark of each of `n_parts` equal parts of a run's steps.
pub fn marks_of_steps(run: &Run, n_parts: usize) -> Vec<Option<RunMark>> {
    let axis = Axis::of_steps(run, run.step, n_parts);
    Marks::new(run, &axis, n_parts, None).cells
}

impl RunMark {
    /// Its character, the same in every glyph set.
    pub fn symbol(self) -> char {
        match self {
            Self::Note => 'n',
            Self::Evaluation => 'e',
            Self::Checkpoint => 'c',
            Self::Move => '^',
            Self::Broken => 'x',
        }
    }
}

/// The marks of a plot.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Marks {
    /// The most important mark of each cell.
    pub(super) cells: Vec<Option<RunMark>>,
    /// Manual changes with their cells, the latest first; changes of one control within one cell
    /// are merged.
    pub(super) moves: Vec<Moved>,
}

/// A manual change.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moved {
    pub(super) cell: usize,
    change: Change,
}

impl Moved {
    /// The objective whose strip was changed; `None` for a setting.
    pub(super) fn objective(&self) -> Option<&ObjectiveId> {
        self.change.control.strip()
    }

    /// A short label for the plot, without the objective: `.50>.80`.
    pub(super) fn label(&self) -> String {
        let Change { control, old, new, .. } = &self.change;
        let is_on = *new == Setting::Switch(true);
        match control {
            Control::Gain(_) => format!("{}>{}", value(old), value(new)),
            Control::Muted(_) => if is_on { "mute" } else { "unmute" }.to_owned(),
            Control::Soloed(_) => if is_on { "solo" } else { "unsolo" }.to_owned(),
            Control::Setting(path) => {
                // A journal may come from anywhere: labels contain no wide or control characters.
                let plain = |c: char| if c.is_ascii_graphic() { c } else { '?' };
                let name: String =
                    path.rsplit('.').next().unwrap_or(path).chars().map(plain).collect();
                let is_count = live::find(path).is_some_and(|(row, _)| row.is_count());
                let new = if is_count { new.to_string() } else { value(new) };
                format!("{name} {new}").trim_end().to_owned()
            }
        }
    }

    /// Merges an earlier change of the same control.
    fn joins(&mut self, earlier: &Self) -> bool {
        let is_same = self.cell == earlier.cell && self.change.control == earlier.change.control;
        if is_same {
            self.change.old.clone_from(&earlier.change.old);
        }
        is_same
    }
}

/// A short form of a value; texts are too long for a label.
fn value(value: &Setting) -> String {
    match value {
        Setting::Number(number) => number::gain(*number),
        Setting::Switch(is_on) => if *is_on { "on" } else { "off" }.to_owned(),
        Setting::Text(_) => String::new(),
    }
}

impl Marks {
    /// The marks on an axis; only those of one objective if `only` is set.
    pub(super) fn new(run: &Run, axis: &Axis, n_cells: usize, only: Option<&ObjectiveId>) -> Self {
        let mut marks = Self { cells: vec![None; n_cells], moves: Vec::new() };
        let is_shown = |objective: Option<&ObjectiveId>| {
            only.is_none() || objective.is_none() || objective == only
        };
        let strip = run.strips.iter().find(|strip| strip.role == Role::Main);
        if let Some(strip) = strip {
            // Test is scored at the end, for the best checkpoint and with its step.
            let is_dev = |evaluated: &Arc<Evaluated>| evaluated.split == Split::Dev;
            let n_dev = strip.evaluations.iter().rposition(is_dev).map_or(0, |last| last + 1);
            let on_dev = &strip.evaluations[..n_dev];
            marks.sorted(RunMark::Evaluation, on_dev, |evaluated| evaluated.step, axis);
        }
        marks.sorted(RunMark::Checkpoint, &run.checkpoints, |saved| saved.step, axis);
        marks.sorted(RunMark::Broken, &run.alerts, |alert| alert.step, axis);
        for note in run.notes.iter().rev().take(MOST_NOTES) {
            marks.mark(RunMark::Note, axis.cell(note.step));
        }
        let first = axis.ends().0;
        for entry in run.log.moves().rev() {
            let Some(Changed { change, from, .. }) = entry.event.changed() else { continue };
            let Some(cell) = axis.cell(from) else {
                if from < first {
                    break;
                }
                continue;
            };
            let moved = Moved { cell, change };
            if !is_shown(moved.objective()) {
                continue;
            }
            marks.mark(RunMark::Move, Some(cell));
            let is_known = marks.moves.iter_mut().rev().take(8).any(|later| later.joins(&moved));
            if !is_known && marks.moves.len() < n_cells {
                marks.moves.push(moved);
            }
        }
        marks
    }

    fn mark(&mut self, mark: RunMark, cell: Option<usize>) {
        if let Some(cell) = cell.and_then(|cell| self.cells.get_mut(cell)) {
            *cell = (*cell).max(Some(mark));
        }
    }

    /// Marks the cells in whose steps something happened, with one search per cell. If that is more
    /// than a third of the cells, none is marked: the marks would be uninformative and hide the
    /// others.
    fn sorted<T>(&mut self, mark: RunMark, all: &[T], step: impl Fn(&T) -> Step, axis: &Axis) {
        if all.is_empty() {
            return;
        }
        let has = |&cell: &usize| {
            let steps = axis.steps(cell);
            let place = all.partition_point(|it| step(it).0 < steps.start);
            all.get(place).is_some_and(|it| step(it).0 < steps.end)
        };
        let cells: Vec<usize> = (0..self.cells.len()).filter(has).collect();
        if mark == RunMark::Broken || cells.len() * 3 <= self.cells.len() {
            for cell in cells {
                self.mark(mark, Some(cell));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_counts_are_shown_as_counts() {
        let label = |path: &str, new: f32| {
            let (old, new) = (Setting::Number(1.0), Setting::Number(new));
            let change = Change { control: Control::of_path(path), old, new, over: None };
            Moved { cell: 0, change }.label()
        };
        assert_eq!(label("objective.pos.accumulation_steps", 4.0), "accumulation_steps 4");
        assert_eq!(label("train.measure_gradients_every", 5.0), "measure_gradients_every 5");
        assert_eq!(label("train.samples", 3.0), "samples 3");
        assert_eq!(label("train.clip_norm", 0.5), "clip_norm .50");
    }
}
