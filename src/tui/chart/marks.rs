//! What happened beside the steps, by column: broken losses, moves of a hand, checkpoints,
//! evaluations, notes.

use super::{axis::Axis, number};
use crate::{
    protocol::{
        Event, ObjectiveId, Step,
        event::{Evaluated, Role, Setting, Split},
    },
    state::Run,
};

/// Notes looked at, the latest; there are seldom more than a few.
const MOST_NOTES: usize = 1_000;

/// What a mark is for; the later goes before the earlier in one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    Note,
    Evaluation,
    Checkpoint,
    Move,
    Broken,
}

impl Mark {
    pub(super) fn symbol(self) -> char {
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
    /// The most important one of each cell.
    pub(super) cells: Vec<Option<Mark>>,
    /// Moves with their cells, the latest first; what one cell has of one thing is one move.
    pub(super) moves: Vec<Moved>,
}

/// What a hand moved.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moved {
    pub(super) cell: usize,
    /// Whose strip; `None` for a setting.
    pub(super) objective: Option<ObjectiveId>,
    what: What,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Gain { old: f32, new: f32 },
    Muted(bool),
    Soloed(bool),
    Setting { path: String, new: Setting },
}

impl Moved {
    /// A few letters for the plot, without whose it is: `.50>.80`.
    pub(super) fn label(&self) -> String {
        match &self.what {
            What::Gain { old, new } => format!("{}>{}", number::gain(*old), number::gain(*new)),
            What::Muted(true) => "mute".to_owned(),
            What::Muted(false) => "unmute".to_owned(),
            What::Soloed(true) => "solo".to_owned(),
            What::Soloed(false) => "unsolo".to_owned(),
            What::Setting { path, new } => {
                // A journal may be anybody's: nothing in a label is wide, or worse.
                let plain = |c: char| if c.is_ascii_graphic() { c } else { '?' };
                let name: String =
                    path.rsplit('.').next().unwrap_or(path).chars().map(plain).collect();
                match new {
                    Setting::Number(number) => format!("{name} {}", number::gain(*number)),
                    Setting::Switch(is_on) => {
                        format!("{name} {}", if *is_on { "on" } else { "off" })
                    }
                    Setting::Text(_) => name,
                }
            }
        }
    }

    /// Goes further back, if it is the same thing's earlier move.
    fn joins(&mut self, earlier: &Self) -> bool {
        let is_same = self.cell == earlier.cell && self.objective == earlier.objective;
        match (&mut self.what, &earlier.what) {
            (What::Gain { old, .. }, What::Gain { old: older, .. }) if is_same => {
                *old = *older;
                true
            }
            (What::Muted(_), What::Muted(_)) | (What::Soloed(_), What::Soloed(_)) => is_same,
            (What::Setting { path, .. }, What::Setting { path: other, .. }) => {
                is_same && path == other
            }
            _ => false,
        }
    }
}

impl Marks {
    /// The marks on an axis; those for one objective only, if `only` is one.
    pub(super) fn new(run: &Run, axis: &Axis, n_cells: usize, only: Option<&ObjectiveId>) -> Self {
        let mut marks = Self { cells: vec![None; n_cells], moves: Vec::new() };
        let is_shown = |objective: Option<&ObjectiveId>| {
            only.is_none() || objective.is_none() || objective == only
        };
        let strip = run.strips.iter().find(|strip| strip.role == Role::Main);
        if let Some(strip) = strip {
            // Test is scored last, by the best checkpoint, and told with that one's step.
            let is_dev = |evaluated: &Evaluated| evaluated.split == Split::Dev;
            let n_dev = strip.evaluations.iter().rposition(is_dev).map_or(0, |last| last + 1);
            let on_dev = &strip.evaluations[..n_dev];
            marks.sorted(Mark::Evaluation, on_dev, |evaluated| evaluated.step, axis);
        }
        marks.sorted(Mark::Checkpoint, &run.checkpoints, |saved| saved.step, axis);
        marks.sorted(Mark::Broken, &run.alerts, |alert| alert.step, axis);
        for note in run.notes.iter().rev().take(MOST_NOTES) {
            marks.mark(Mark::Note, axis.cell(note.step));
        }
        let first = axis.ends().0;
        for entry in run.log.moves().rev() {
            let Some((from, moved)) = moved(&entry.event) else { continue };
            let Some(cell) = axis.cell(from) else {
                if from < first {
                    break;
                }
                continue;
            };
            let moved = Moved { cell, ..moved };
            if !is_shown(moved.objective.as_ref()) {
                continue;
            }
            marks.mark(Mark::Move, Some(cell));
            let is_known = marks.moves.iter_mut().rev().take(8).any(|later| later.joins(&moved));
            if !is_known && marks.moves.len() < n_cells {
                marks.moves.push(moved);
            }
        }
        marks
    }

    fn mark(&mut self, mark: Mark, cell: Option<usize>) {
        if let Some(cell) = cell.and_then(|cell| self.cells.get_mut(cell)) {
            *cell = (*cell).max(Some(mark));
        }
    }

    /// Marks the cells in whose steps something happened: one search a cell, however much did.
    /// Where it happened in a third of the cells it tells nothing, and would hide the rest.
    fn sorted<T>(&mut self, mark: Mark, all: &[T], step: impl Fn(&T) -> Step, axis: &Axis) {
        if all.is_empty() {
            return;
        }
        let has = |&cell: &usize| {
            let steps = axis.steps(cell);
            let place = all.partition_point(|it| step(it).0 < steps.start);
            all.get(place).is_some_and(|it| step(it).0 < steps.end)
        };
        let cells: Vec<usize> = (0..self.cells.len()).filter(has).collect();
        if mark == Mark::Broken || cells.len() * 3 <= self.cells.len() {
            for cell in cells {
                self.mark(mark, Some(cell));
            }
        }
    }
}

/// A move and the first step computed with it.
fn moved(event: &Event) -> Option<(Step, Moved)> {
    let (from, objective, what) = match event {
        Event::GainSet(set) => {
            let what = What::Gain { old: set.old, new: set.new };
            (set.from, Some(&set.objective), what)
        }
        Event::Muted(set) => (set.from, Some(&set.objective), What::Muted(set.muted)),
        Event::Soloed(set) => (set.from, Some(&set.objective), What::Soloed(set.soloed)),
        Event::SettingSet(set) => {
            let what = What::Setting { path: set.path.clone(), new: set.new.clone() };
            (set.from, None, what)
        }
        _ => return None,
    };
    Some((from, Moved { cell: 0, objective: objective.cloned(), what }))
}
