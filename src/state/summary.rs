//! The summary: one document about a finished run.
//!
//! A curve is downsampled, so the mean losses of the first and last steps need a record of their own,
//! which only the recorder keeps.

use std::collections::BTreeMap;

use super::{Run, Strip, losses::Losses};
use crate::protocol::{
    Event, MetricId, ObjectiveId, Step,
    event::{Evaluated, Split, StepDone},
    summary::{MainSummary, ObjectiveSummary, Summary},
};

/// The first and last losses are means over this fraction of the steps, as a divisor.
const ONE_IN: u64 = 20;

/// The data that a summary needs beyond the state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    losses: BTreeMap<ObjectiveId, Losses>,
    tokens: u64,
    training_ms: u64,
}

impl Totals {
    /// Adds an event.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::StepDone(event) => self.step_done(event),
            Event::Rewound(event) => self.truncate(event.to),
            Event::Continued(event) => self.truncate(event.step),
            // The rest of a summary is in the state.
            _ => {}
        }
    }

    fn truncate(&mut self, to: Step) {
        for losses in self.losses.values_mut() {
            losses.truncate(to);
        }
    }

    /// The summary of a run with the state of the same events; `None` if it never started, as there
    /// is no main objective.
    pub fn summary(
        &self,
        run: &Run,
        run_folder: &str,
        peak_memory_mib: Option<u64>,
    ) -> Option<Summary> {
        let best_metric = run.plan.best_metric.as_ref()?;
        let objectives: Vec<ObjectiveSummary> =
            run.strips.iter().map(|strip| self.objective(run, strip)).collect();
        let chosen = objectives.iter().find(|objective| objective.name == best_metric.objective);
        let value = |scores: Option<&BTreeMap<MetricId, f32>>| {
            scores.and_then(|scores| scores.get(&best_metric.metric)).copied()
        };
        let main = MainSummary {
            objective: best_metric.objective.clone(),
            metric: best_metric.metric.clone(),
            dev: value(chosen.and_then(|objective| objective.dev.as_ref())),
            test: value(chosen.and_then(|objective| objective.test.as_ref())),
            best_step: run.best_step().map(|step| step.0),
        };
        Some(Summary {
            run: run_folder.to_owned(),
            recipe: run.header.as_ref().map(|header| header.name.clone()).unwrap_or_default(),
            seed: run.header.as_ref().map(|header| header.seed).unwrap_or_default(),
            ended: run.ended.as_ref().map(|event| event.ended),
            steps: run.step.0,
            epochs: run.whole_epochs(),
            seconds: (run.at_ms as f64 / 1000.0) as f32,
            tokens_per_second: self.tokens_per_second(),
            peak_memory_mib,
            main,
            objectives,
            interventions: run.manual.interventions,
        })
    }

    fn step_done(&mut self, event: &StepDone) {
        self.tokens = self.tokens.saturating_add(event.tokens);
        self.training_ms = self.training_ms.saturating_add(event.step_ms);
        for (objective, loss) in &event.losses {
            if let Some(losses) = self.losses.get_mut(objective) {
                losses.push(event.step, loss.get());
            } else {
                let mut losses = Losses::default();
                losses.push(event.step, loss.get());
                self.losses.insert(objective.clone(), losses);
            }
        }
    }

    /// A run shorter than a millisecond counts as one millisecond.
    fn tokens_per_second(&self) -> f32 {
        (self.tokens as f64 * 1000.0 / self.training_ms.max(1) as f64) as f32
    }

    fn objective(&self, run: &Run, strip: &Strip) -> ObjectiveSummary {
        let losses = self.losses.get(&strip.name);
        let n_few = losses.map_or(0, |losses| (losses.len() / ONE_IN).max(1));
        let at_best = |evaluated: &Evaluated| Some(evaluated.step) == run.best_step();
        // Test is scored once, at the end, with any step.
        let is_any = |_: &Evaluated| true;
        ObjectiveSummary {
            name: strip.name.clone(),
            role: strip.role,
            kind: strip.kind.clone(),
            gain: strip.gain,
            weight: strip.weight,
            loss_first: losses.and_then(|losses| losses.mean_of_first(n_few)),
            loss_last: losses.and_then(|losses| losses.mean_of_last(n_few)),
            dev: last_scores(strip, Split::Dev, at_best),
            test: last_scores(strip, Split::Test, is_any),
        }
    }
}

fn last_scores(
    strip: &Strip,
    split: Split,
    counts: impl Fn(&Evaluated) -> bool,
) -> Option<BTreeMap<MetricId, f32>> {
    let mut of_split = strip.evaluations.iter().filter(|evaluated| evaluated.split == split);
    of_split.rfind(|evaluated| counts(evaluated)).map(|evaluated| evaluated.metrics.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arbitrary,
        protocol::event::{CheckpointSaved, Ended, Reason, Rewound, RunEnded},
    };

    fn saved(step: u64, name: &str) -> Event {
        let at = Step(step);
        CheckpointSaved {
            at_ms: step * 10,
            step: at,
            name: name.into(),
            last_evaluation: at,
            best: None,
            command: None,
        }
        .into()
    }

    fn evaluated(step: u64, split: Split, f1: f32) -> Event {
        arbitrary::evaluated(step, split, "chunk", "f1", f1).into()
    }

    fn summary(events: impl IntoIterator<Item = Event>) -> Summary {
        let mut run = Run::new(Some(&arbitrary::header()));
        let mut totals = Totals::default();
        let started = arbitrary::run_started().into();
        for event in std::iter::once(started).chain(events) {
            run.apply(&event);
            totals.apply(&event);
        }
        totals.summary(&run, "runs/x", Some(310)).unwrap()
    }

    fn steps(range: std::ops::RangeInclusive<u64>) -> impl Iterator<Item = Event> {
        range.map(|step| arbitrary::step_done(step, "chunk", step as f32).into())
    }

    #[test]
    fn the_summary_has_the_scores_of_the_best_checkpoint() {
        let ended = RunEnded {
            at_ms: 1500,
            step: Step(40),
            ended: Ended::Finished,
            reason: Reason::Steps,
            message: None,
        };
        let summary = summary(steps(1..=40).chain([
            evaluated(20, Split::Dev, 80.0),
            saved(20, "best"),
            evaluated(40, Split::Dev, 70.0),
            saved(40, "last"),
            evaluated(20, Split::Test, 79.0),
            ended.into(),
        ]));
        let main = &summary.main;
        assert_eq!((main.dev, main.test, main.best_step), (Some(80.0), Some(79.0), Some(20)));
        let [chunk, next_word, _] = &summary.objectives[..] else { panic!("a cast of three") };
        // 5 % of 40 steps are 2: the means of 1, 2 and of 39, 40.
        assert_eq!((chunk.loss_first, chunk.loss_last), (Some(1.5), Some(39.5)));
        assert_eq!((next_word.loss_first, next_word.dev.as_ref()), (None, None));
        assert_eq!((summary.steps, summary.epochs), (40, 4));
        assert!((summary.seconds - 1.5).abs() < 1e-6);
        assert!((summary.tokens_per_second - 10_000.0).abs() < 1e-3);
        assert_eq!(summary.ended, Some(Ended::Finished));
    }

    #[test]
    fn without_dev_the_last_checkpoint_is_the_best() {
        let summary =
            summary(steps(1..=3).chain([saved(3, "last"), evaluated(3, Split::Test, 60.0)]));
        let main = &summary.main;
        assert_eq!((main.dev, main.test, main.best_step), (None, Some(60.0), Some(3)));
        let chunk = &summary.objectives[0];
        assert_eq!((chunk.loss_first, chunk.loss_last), (Some(1.0), Some(3.0)));
    }

    #[test]
    fn a_rewound_run_counts_the_remaining_steps() {
        let summary = summary(steps(1..=10).chain([Rewound { at_ms: 200, to: Step(4) }.into()]));
        assert_eq!(summary.objectives[0].loss_last, Some(4.0));
        assert_eq!(summary.steps, 4);
    }

    #[test]
    fn a_run_without_steps_has_no_losses_and_no_speed() {
        let summary = summary([]);
        assert_eq!(summary.objectives[0].loss_first, None);
        assert!(summary.tokens_per_second.abs() < f32::EPSILON);
        assert_eq!(Totals::default().summary(&Run::new(None), "runs/x", None), None);
    }
}
