//! What is shown of the samples: of which evaluation, and which one first.

use super::{Effect, View};
use crate::{
    live::{LiveSetting, SettingId, TrainSetting},
    protocol::{Command, Control, Step, event::Setting},
    state::{Run, Strip},
};

/// The samples that are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleView {
    /// The first sample that is shown, counted from 0.
    pub first: usize,
    /// The step of the evaluation that is shown; `None` follows the latest.
    pub at: Option<Step>,
}

impl SampleView {
    /// The samples of a strip that are shown, by their index: those of the evaluation, or of the
    /// one before it where this objective has none.
    pub fn of(&self, strip: &Strip) -> Option<usize> {
        let latest = strip.samples.len().checked_sub(1)?;
        let Some(at) = self.at else { return Some(latest) };
        let n_until = strip.samples.iter().filter(|taken| taken.step <= at).count();
        Some(n_until.saturating_sub(1))
    }
}

impl View {
    /// Moves to a later or earlier sample, as far as there are any.
    pub(super) fn move_sample(&mut self, is_later: bool, run: &Run) {
        let shown = self.strip(run).and_then(|strip| strip.samples.get(self.samples.of(strip)?));
        let most = shown.map_or(0, |taken| taken.samples.len()).saturating_sub(1);
        let first = self.samples.first.min(most);
        self.samples.first = if is_later { (first + 1).min(most) } else { first.saturating_sub(1) };
    }

    /// Moves to a later or earlier evaluation, as far as there are any.
    pub(super) fn move_evaluation(&mut self, is_later: bool, run: &Run) {
        let Some(strip) = self.strip(run) else { return };
        let Some(shown) = self.samples.of(strip) else { return };
        let next = if is_later { shown + 1 } else { shown.saturating_sub(1) };
        // The latest one is followed.
        let is_latest = next + 1 >= strip.samples.len();
        self.samples.at = (!is_latest).then(|| strip.samples[next].step);
    }

    /// Takes the examples with the largest losses from the next evaluation on, or drawn ones.
    pub(super) fn toggle_worst_samples(&self, run: &Run) -> Vec<Effect> {
        let path = LiveSetting::of(SettingId::Train(TrainSetting::WorstSamples)).pattern();
        let control = Control::of_path(&path);
        let requested = self.pending.value(&control).or_else(|| run.setting(&path));
        let is_on = requested == Some(Setting::Switch(true));
        Effect::send(Command::from(control.assign(Setting::Switch(!is_on))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arbitrary,
        protocol::event::SamplesTaken,
        tui::view::{DeskMode, View},
    };

    fn taken(step: u64) -> SamplesTaken {
        let (step, objective) = (Step(step), "chunk".into());
        SamplesTaken { at_ms: 1, step, objective, worst: false, samples: Vec::new() }
    }

    #[test]
    fn an_earlier_evaluation_stays_on_the_page_while_others_arrive() {
        let mut run = Run::new(None);
        run.apply(&arbitrary::run_started().into());
        let mut view = View::new(DeskMode::Live);
        let shown = |view: &View, run: &Run| {
            let strip = view.strip(run).unwrap();
            view.samples.of(strip).map(|at| strip.samples[at].step.0)
        };
        assert_eq!(shown(&view, &run), None);
        (1..=3).for_each(|at| run.apply(&taken(10 * at).into()));
        assert_eq!(shown(&view, &run), Some(30));
        view.move_evaluation(false, &run);
        view.move_evaluation(false, &run);
        view.move_evaluation(false, &run);
        assert_eq!(shown(&view, &run), Some(10));
        (4..=5).for_each(|at| run.apply(&taken(10 * at).into()));
        assert_eq!(shown(&view, &run), Some(10));
        (0..9).for_each(|_| view.move_evaluation(true, &run));
        assert_eq!(view.samples.at, None, "it follows again");
        run.apply(&taken(60).into());
        assert_eq!(shown(&view, &run), Some(60));
    }
}
