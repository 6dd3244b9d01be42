//! The state of one objective: its fader, losses and scores.

use std::{collections::BTreeMap, sync::Arc};

use super::{Series, USUAL};
use crate::protocol::{
    By, Loss, MetricId, ObjectiveId, ShareBy, Step, Training,
    event::{
        ClassesScored, Evaluated, GainSet, MetricStarted, ObjectiveStarted, Role, SamplesTaken,
        Split, StepDone,
    },
    report::{BestScore, ScoreReport},
};

/// A scheduled gain changes by more than this fraction; the rounding of gain × share to `f32`
/// changes it by less.
const MOVED: f32 = 1e-6;

/// The maximum number of evaluations kept; the oldest are dropped first, but never the best.
const MOST_EVALUATIONS: usize = 4_096;

/// The maximum number of evaluations whose samples are kept.
const MOST_SAMPLED: usize = 16;

/// The state of one objective, from its events.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    /// Its name.
    pub name: ObjectiveId,
    /// Main or auxiliary.
    pub role: Role,
    /// Its kind.
    pub kind: String,
    /// The corpora it reads.
    pub corpus: Vec<String>,
    /// Its metrics in order of importance.
    pub metrics: Vec<MetricStarted>,
    /// The gain that the user sets.
    pub gain: f32,
    /// The gain in the recipe.
    pub recipe_gain: f32,
    /// The fade in progress, if there is one.
    pub fade: Option<Fade>,
    /// The share that the weighting rule sets.
    pub share: f32,
    /// Gain × share, as of the last step or of becoming active since; 0 while inactive.
    pub weight: f32,
    /// Whether it is muted.
    pub muted: bool,
    /// Whether it is soloed.
    pub soloed: bool,
    /// Whether it is still trained.
    pub training: Training,
    /// Who sets its share.
    pub share_by: ShareBy,
    /// Whether it was handed to the rule during the run: the next touch of its fader takes it back.
    pub is_handed: bool,
    /// The raw loss at the last step that computed it.
    pub loss: Option<f32>,
    /// The raw losses over all steps.
    pub losses: Series,
    /// The best dev value of its first metric.
    pub best: Option<BestScore>,
    /// The best dev value of each metric with its step, manual evaluations aside; of equal ones the earliest.
    pub best_scores: BTreeMap<MetricId, (Step, f32)>,
    /// The lowest loss on dev with its step, manual evaluations included; of equal ones the earliest.
    pub lowest_dev_loss: Option<(Step, f32)>,
    /// The latest evaluations that count, and the best one, oldest first. Copies of the state share them.
    pub evaluations: Vec<Arc<Evaluated>>,
    /// The samples of the latest evaluations on dev, oldest first.
    pub samples: Vec<SamplesTaken>,
    /// The latest scores per class, by split.
    pub classes: BTreeMap<Split, ClassesScored>,
    /// The number of steps with a loss of it.
    pub n_steps: u64,
    /// After how many evaluations without an improvement it is finished, if the recipe says so.
    pub patience: Option<u64>,
    /// Scheduled evaluations on dev since the best one at which it was trained.
    pub evals_without_improvement: u64,
    /// The number of evaluations so far, including those no longer kept.
    n_evaluated: u64,
}

/// The part of a strip's state that is restored when the run is continued from a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StripPoint {
    gain: f32,
    fade: Option<Fade>,
    share: f32,
    weight: f32,
    muted: bool,
    soloed: bool,
    training: Training,
    share_by: ShareBy,
    is_handed: bool,
    loss: Option<f32>,
    n_steps: u64,
    evals_without_improvement: u64,
    n_evaluated: u64,
    best_scores: BTreeMap<MetricId, (Step, f32)>,
    lowest_dev_loss: Option<(Step, f32)>,
    classes: BTreeMap<Split, ClassesScored>,
}

/// A fade in progress.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fade {
    /// The gain at the end.
    pub to: f32,
    /// The first step with that gain.
    pub until: Step,
}

impl Strip {
    pub(super) fn new(started: &ObjectiveStarted) -> Self {
        Self {
            name: started.name.clone(),
            role: started.role,
            kind: started.kind.clone(),
            corpus: started.corpus.clone(),
            metrics: started.metrics.clone(),
            gain: started.gain,
            recipe_gain: started.gain,
            fade: None,
            share: 1.0,
            weight: if started.muted { 0.0 } else { started.gain },
            muted: started.muted,
            soloed: false,
            training: Training::Ongoing,
            share_by: ShareBy::Rule,
            is_handed: false,
            loss: None,
            losses: Series::default(),
            best: None,
            best_scores: BTreeMap::new(),
            lowest_dev_loss: None,
            evaluations: Vec::new(),
            samples: Vec::new(),
            classes: BTreeMap::new(),
            n_steps: 0,
            patience: started.patience,
            evals_without_improvement: 0,
            n_evaluated: 0,
        }
    }

    /// Moves the metric that selects the best checkpoint in front of the others.
    pub(super) fn track_metric(&mut self, chosen: &MetricId) {
        if let Some(at) = self.metrics.iter().position(|metric| metric.name == *chosen) {
            self.metrics[..=at].rotate_right(1);
        }
    }

    /// The smoothed loss; `None` before the first.
    pub fn smoothed(&self) -> Option<f32> {
        Some(self.losses.last_smoothed()?[USUAL])
    }

    /// The first metric's values on dev, the latest first.
    pub fn on_dev(&self) -> impl Iterator<Item = f32> {
        let first = self.metrics.first();
        first.into_iter().flat_map(|metric| self.on_dev_of(&metric.name)).map(|(_, score)| score)
    }

    /// A metric's values on dev with their evaluations, the latest first.
    pub fn on_dev_of(&self, metric: &MetricId) -> impl Iterator<Item = (&Evaluated, f32)> {
        let on_dev = self.evaluations.iter().rev().filter(|event| event.split == Split::Dev);
        on_dev.filter_map(|event| Some((&**event, *event.metrics.get(metric)?)))
    }

    /// The losses on dev, oldest first, manual evaluations included.
    pub fn dev_losses(&self) -> impl DoubleEndedIterator<Item = (Step, f32)> {
        let on_dev = self.evaluations.iter().filter(|event| event.split == Split::Dev);
        on_dev.filter_map(|event| Some((event.step, event.loss?.get())))
    }

    /// The latest scores on a split.
    pub fn scores(&self, split: Split) -> Option<ScoreReport> {
        let last = self.evaluations.iter().rev().find(|evaluated| evaluated.split == split)?;
        Some(ScoreReport {
            step: last.step,
            loss: last.loss.map(Loss::get),
            metrics: last.metrics.clone(),
        })
    }

    /// The latest scores, by the split's name.
    pub fn scores_by_split(&self) -> BTreeMap<String, ScoreReport> {
        let scores = |split: Split| Some((split.name().to_owned(), self.scores(split)?));
        [Split::Train, Split::Dev, Split::Test].into_iter().filter_map(scores).collect()
    }

    pub(super) fn step_done(&mut self, event: &StepDone) {
        if let Some(loss) = event.losses.get(&self.name) {
            self.loss = Some(loss.get());
            self.n_steps += 1;
            self.losses.push(event.step, loss.get());
        }
        // An inactive objective is reported with a share of 1, which is not that of its next step.
        let is_active = event.losses.contains_key(&self.name)
            || event.weights.get(&self.name).is_none_or(|weight| *weight != 0.0);
        if let Some(share) = event.shares.get(&self.name).filter(|_| is_active) {
            self.share = *share;
        }
        if let Some(weight) = event.weights.get(&self.name) {
            self.weight = *weight;
            self.follow_schedule();
            // A share of 0 is a weight of 0 too, but the objective is active and has a loss.
            if *weight == 0.0 && !event.losses.contains_key(&self.name) {
                self.losses.interrupt();
            }
        }
        // The weight of a strip that is inactive, or faded out, does not determine its gain.
        if let Some(fade) = self.fade.take_if(|fade| event.step >= fade.until) {
            self.gain = fade.to;
        }
    }

    /// A fade begins at the current gain; the weights of later steps show its progress.
    pub(super) fn gain_set(&mut self, event: &GainSet) {
        let on_its_way =
            |over| Fade { to: event.new, until: Step(event.from.0.saturating_add(over)) };
        self.fade = event.over.map(on_its_way);
        if self.fade.is_none() {
            self.gain = event.new;
        }
    }

    pub(super) fn evaluated(&mut self, event: &Evaluated) {
        self.add_evaluation(Arc::new(event.clone()));
    }

    fn add_evaluation(&mut self, event: Arc<Evaluated>) {
        if let Some(best) = self.new_best(&event) {
            self.best = Some(best);
            self.evals_without_improvement = 0;
        } else if event.split == Split::Dev && !event.extra && self.is_trained() {
            self.evals_without_improvement += 1;
        }
        self.note_best(&event);
        self.evaluations.push(event);
        self.n_evaluated += 1;
        if self.evaluations.len() > MOST_EVALUATIONS {
            // Removes the oldest one, unless it is the best, which the summary needs.
            let best = self.best.as_ref().map(|best| best.step);
            let is_best = best.is_some_and(|best| self.evaluations[0].step == best);
            self.evaluations.remove(usize::from(is_best));
        }
    }

    /// Keeps the best score of each metric, and the lowest loss.
    fn note_best(&mut self, event: &Evaluated) {
        if event.split != Split::Dev {
            return;
        }
        if let Some(loss) = event.loss.map(Loss::get) {
            let lowest = self.lowest_dev_loss.filter(|(_, lowest)| *lowest <= loss);
            self.lowest_dev_loss = lowest.or(Some((event.step, loss)));
        }
        if event.extra {
            return;
        }
        for metric in &self.metrics {
            let Some(&score) = event.metrics.get(&metric.name) else { continue };
            let best = self.best_scores.get(&metric.name);
            if best.is_none_or(|(_, best)| metric.direction.is_better(score, *best)) {
                self.best_scores.insert(metric.name.clone(), (event.step, score));
            }
        }
    }

    /// Whether the next step trains it. A share of 0 is a weight of 0 too.
    fn is_trained(&self) -> bool {
        let is_active = !self.muted && !self.training.is_finished();
        self.weight > 0.0 || self.share == 0.0 && self.gain > 0.0 && is_active
    }

    /// Whether it is trained from now on; by hand, its patience begins anew.
    pub(super) fn finished_set(&mut self, finished: bool, by: By) {
        self.training = Training::when(!finished);
        if by.is_manual() {
            self.evals_without_improvement = 0;
        }
    }

    pub(super) fn classes_scored(&mut self, event: &ClassesScored) {
        self.classes.insert(event.split, event.clone());
    }

    pub(super) fn samples_taken(&mut self, event: &SamplesTaken) {
        self.samples.push(event.clone());
        if self.samples.len() > MOST_SAMPLED {
            self.samples.remove(0);
        }
    }

    /// Of scores per class only the latest are kept, so later ones are removed without replacement.
    pub(super) fn rewound(&mut self, to: Step) {
        self.losses.rewind(to);
        self.classes.retain(|_, classes| classes.step <= to);
        self.samples.retain(|samples| samples.step <= to);
        self.best = None;
        (self.best_scores, self.lowest_dev_loss) = Default::default();
        self.evals_without_improvement = 0;
        self.n_evaluated -= self.evaluations.len() as u64;
        for evaluated in std::mem::take(&mut self.evaluations) {
            if evaluated.step <= to {
                self.add_evaluation(evaluated);
            }
        }
    }

    /// The state to restore when the run is continued from a checkpoint.
    pub(super) fn point(&self) -> StripPoint {
        StripPoint {
            gain: self.gain,
            fade: self.fade,
            share: self.share,
            weight: self.weight,
            muted: self.muted,
            soloed: self.soloed,
            training: self.training,
            share_by: self.share_by,
            is_handed: self.is_handed,
            loss: self.loss,
            n_steps: self.n_steps,
            evals_without_improvement: self.evals_without_improvement,
            n_evaluated: self.n_evaluated,
            best_scores: self.best_scores.clone(),
            lowest_dev_loss: self.lowest_dev_loss,
            classes: self.classes.clone(),
        }
    }

    /// Restores that state; evaluations since then are left behind.
    pub(super) fn restore(&mut self, point: StripPoint) {
        self.gain = point.gain;
        self.fade = point.fade;
        self.share = point.share;
        self.weight = point.weight;
        self.muted = point.muted;
        self.soloed = point.soloed;
        self.training = point.training;
        (self.share_by, self.is_handed) = (point.share_by, point.is_handed);
        self.loss = point.loss;
        self.n_steps = point.n_steps;
        self.evals_without_improvement = point.evals_without_improvement;
        self.classes = point.classes;
        let n_left_behind = self.n_evaluated.saturating_sub(point.n_evaluated) as usize;
        let n_kept = self.evaluations.len().saturating_sub(n_left_behind);
        self.evaluations.truncate(n_kept);
        self.best_scores = point.best_scores;
        self.lowest_dev_loss = point.lowest_dev_loss;
        self.n_evaluated = point.n_evaluated;
    }

    /// The value of the first metric, if it is the best so far. A manual evaluation never counts as
    /// best, as it must not affect the run.
    fn new_best(&self, event: &Evaluated) -> Option<BestScore> {
        if event.split != Split::Dev || event.extra {
            return None;
        }
        let first = self.metrics.first()?;
        let value = *event.metrics.get(&first.name)?;
        let is_better =
            self.best.as_ref().is_none_or(|best| first.direction.is_better(value, best.value));
        is_better.then(|| BestScore { metric: first.name.clone(), value, step: event.step })
    }

    /// A schedule changes a gain without an event per step; the weights determine it.
    fn follow_schedule(&mut self) {
        let gain = self.weight / self.share;
        let says_nothing = self.muted || !self.weight.is_normal() || !gain.is_normal();
        if !says_nothing && gain > 0.0 && (gain - self.gain).abs() > MOVED * gain.max(self.gain) {
            self.gain = gain;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arbitrary, protocol::event::Direction};

    #[test]
    fn the_first_metric_determines_the_best_in_its_direction() {
        // The second objective has a perplexity, for which lower is new_best.
        let mut strip = Strip::new(&arbitrary::run_started().objectives[1]);
        let dev =
            |step, value| arbitrary::evaluated(step, Split::Dev, "next-word", "perplexity", value);
        strip.evaluated(&dev(1, 90.0));
        strip.evaluated(&dev(2, 70.0));
        strip.evaluated(&Evaluated { extra: true, ..dev(3, 10.0) });
        strip.evaluated(&dev(4, 70.0));
        let best = strip.best.clone().unwrap();
        assert_eq!((best.step, best.value), (Step(2), 70.0), "the earlier of two equals");

        strip.evaluated(&arbitrary::evaluated(5, Split::Test, "next-word", "perplexity", 1.0));
        assert_eq!(strip.best.as_ref(), Some(&best));
        let scores = strip.scores_by_split();
        assert_eq!(scores.keys().collect::<Vec<_>>(), ["dev", "test"]);
        assert_eq!(scores["dev"].step, Step(4));
    }

    #[test]
    fn the_best_of_every_metric_is_kept_longer_than_the_evaluations() {
        let mut started = arbitrary::run_started().objectives.remove(1);
        let [lower, higher] = [Direction::Lower, Direction::Higher];
        started.metrics = vec![
            MetricStarted { name: "perplexity".into(), short: None, direction: lower },
            MetricStarted { name: "accuracy".into(), short: None, direction: higher },
        ];
        let mut strip = Strip::new(&started);
        let dev = |step, value: f32| {
            let one = arbitrary::evaluated(step, Split::Dev, "next-word", "perplexity", value);
            let metrics = [("perplexity".into(), value), ("accuracy".into(), value)].into();
            Evaluated { metrics, loss: Loss::read(value), ..one }
        };
        strip.evaluated(&dev(1, 5.0));
        strip.evaluated(&dev(2, 9.0));
        strip.evaluated(&dev(3, 9.0));
        strip.evaluated(&Evaluated { extra: true, ..dev(4, 1.0) });
        strip.evaluated(&Evaluated { split: Split::Test, ..dev(5, 0.5) });
        let bests = |strip: &Strip| {
            let of = |name: &str| strip.best_scores[&MetricId::from(name)];
            (of("perplexity"), of("accuracy"), strip.lowest_dev_loss.unwrap())
        };
        // A manual evaluation counts for the loss only, and of equal ones the earliest.
        let expected = ((Step(1), 5.0), (Step(2), 9.0), (Step(4), 1.0));
        assert_eq!(bests(&strip), expected);
        let point = strip.point();
        strip.evaluated(&dev(6, 0.25));
        assert_eq!(bests(&strip).0, (Step(6), 0.25));
        strip.rewound(Step(5));
        strip.restore(point);
        assert_eq!(bests(&strip), expected, "an evaluation that is left behind does not count");
        for step in 7..MOST_EVALUATIONS as u64 + 9 {
            strip.evaluated(&dev(step, 7.0));
        }
        assert_eq!(bests(&strip), expected, "though it is no longer kept");
        strip.rewound(Step(8));
        assert_eq!(bests(&strip).1, (Step(1), 5.0), "as far as evaluations are kept");
    }

    #[test]
    fn a_step_without_a_loss_keeps_the_last_one() {
        let mut strip = Strip::new(&arbitrary::run_started().objectives[0]);
        strip.step_done(&arbitrary::step_done(1, "chunk", 2.5));
        strip.step_done(&arbitrary::step_done(2, "pos", 9.0));
        assert_eq!(strip.loss, Some(2.5));
    }
}
