//! The state of a run, folded from its events. Desk, progress lines, replay and report read it.
//!
//! Nothing here reads a clock, a terminal or a file; the same events give the same state whether they come
//! from a trainer or from a journal.

mod alerts;
mod corpora;
mod describe;
mod history;
mod log;
mod losses;
mod measured;
mod pace;
mod parts;
mod replay;
mod report;
mod resume;
mod series;
mod smoothed;
mod strip;
mod summary;
mod timeline;
mod timing;
mod trace;

pub use corpora::CorpusUsage;
pub use describe::{count, describe, hms};
pub use history::{History, Undoable};
pub use log::{Entry, Log};
pub use measured::{Measured, PairTrace};
pub use pace::Pace;
pub use parts::{DataUsage, LatestStep, ManualChanges, RunPlan};
pub use replay::{replay, until};
pub use report::run_name;
pub use series::{ALPHAS, Bucket, QUICK, Series, USUAL};
pub use smoothed::Smoothed;
pub use strip::{Fade, Strip};
pub use summary::Totals;
pub use timeline::{Moment, Timeline, Unit};
pub use timing::Timing;
pub use trace::{Trace, TracePoint};

use std::collections::BTreeMap;

use crate::{
    live::{self, LiveTarget, ObjectiveSetting},
    protocol::{
        Event, Header, ObjectiveId, ShareBy, Step, Training,
        event::{
            CheckpointSaved, GradientsMeasured, Noted, Role, RunEnded, RunStarted, Setting,
            SettingSet, Split, StepDone,
        },
        report::Alert,
    },
};

/// Maximum number of checkpoints remembered; the oldest are dropped first, but never the last `best`.
const MOST_CHECKPOINTS: usize = 4_096;

/// The state of a run after the events applied so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// The journal's header, if there was one.
    pub header: Option<Header>,
    /// Every objective, in the recipe's order. Empty until `run_started`.
    pub strips: Vec<Strip>,
    /// What it set out with.
    pub plan: RunPlan,
    /// Milliseconds from the run's beginning to the last event.
    pub at_ms: u64,
    /// Number of updates done.
    pub step: Step,
    /// What its last step said.
    pub latest: LatestStep,
    /// The data and the time that it has used.
    pub usage: DataUsage,
    /// Throughput.
    pub pace: Pace,
    /// Where the time goes.
    pub timing: Timing,
    /// The last measurement of per-objective gradients.
    pub gradients: Option<GradientsMeasured>,
    /// All measurements, and the shares of the shadow rules.
    pub measured: Measured,
    /// The rate at which each group is drawn, once a sampling rule that follows progress has changed it.
    pub rates: BTreeMap<String, f32>,
    /// What was changed by hand.
    pub manual: ManualChanges,
    /// The latest checkpoints, oldest first; a name that was saved again occurs again.
    pub checkpoints: Vec<CheckpointSaved>,
    /// The log of events other than steps.
    pub log: Log,
    /// When each step was done.
    pub timeline: Timeline,
    /// Alerts, oldest first.
    pub alerts: Vec<Alert>,
    /// Notes, oldest first.
    pub notes: Vec<Noted>,
    /// Whether training is paused.
    pub paused: bool,
    /// Events that the screen missed.
    pub missed: u64,
    /// The state at the last checkpoint, which a continued run returns to.
    resume_point: Option<Box<resume::ResumePoint>>,
    /// How it ended; `None` while it runs, or if its journal is cut off.
    pub ended: Option<RunEnded>,
}

impl Run {
    /// A run without events.
    pub fn new(header: Option<&Header>) -> Self {
        Self { header: header.cloned(), ..Self::default() }
    }

    /// Applies an event: the only place where a run's state changes.
    pub fn apply(&mut self, event: &Event) {
        self.at_ms = event.at_ms();
        match event {
            Event::RunStarted(event) => self.run_started(event),
            Event::StepDone(event) => self.step_done(event),
            Event::LengthChanged(event) => {
                self.plan.steps = event.steps;
            }
            Event::SamplingAdapted(event) => self.rates.clone_from(&event.new),
            Event::GainSet(event) => {
                self.strip_mut(&event.objective, |strip| strip.gain_set(event));
            }
            Event::Muted(event) => {
                self.strip_mut(&event.objective, |strip| strip.muted = event.muted);
                self.update_weights();
            }
            Event::Soloed(event) => {
                self.strip_mut(&event.objective, |strip| strip.soloed = event.soloed);
                self.update_weights();
            }
            Event::SettingSet(event) => {
                self.manual.settings.insert(event.path.clone(), event.new.clone());
                self.setting_set(event);
            }
            Event::SceneStored(event) => {
                self.manual.scenes.insert(event.scene, event.clone());
            }
            Event::CommandRefused(event) => self.manual.refused = Some(event.clone()),
            Event::Paused(_) => self.paused = true,
            Event::Resumed(_) => self.paused = false,
            Event::Evaluated(event) => {
                self.timing.evaluated(event);
                self.strip_mut(&event.objective, |strip| strip.evaluated(event));
            }
            Event::SamplesTaken(event) => {
                self.strip_mut(&event.objective, |strip| strip.samples_taken(event));
            }
            Event::ClassesScored(event) => {
                self.strip_mut(&event.objective, |strip| strip.classes_scored(event));
            }
            Event::GradientsMeasured(event) => {
                self.measured.gradients_measured(event, &self.strips);
                self.gradients = Some(event.clone());
            }
            Event::ShadowShares(event) => self.measured.shadow_shares(event, &self.strips),
            Event::AffinitiesMeasured(event) => {
                self.measured.affinities_measured(event, &self.strips);
            }
            Event::PhasesTimed(event) => self.timing.phases_timed(event),
            Event::CheckpointSaved(event) => self.saved(event),
            Event::NonFiniteLoss(event) => self.non_finite_loss(event),
            Event::GuardTripped(event) => self.guard_tripped(event),
            Event::Noted(event) => self.notes.push(event.clone()),
            Event::Continued(event) => self.continued(event),
            Event::Rewound(event) => self.rewound(event.to),
            Event::ScreenMissed(event) => self.missed = event.total,
            Event::RunEnded(event) => {
                self.step = event.step;
                self.paused = false;
                self.ended = Some(event.clone());
            }
        }
        self.manual.history.apply(event);
        self.manual.interventions += u64::from(event.changed().is_some_and(|it| it.by.is_manual()));
        // The description may depend on the new state: whether a score is the best.
        if Log::keeps(event) {
            self.log.push(event, describe(event, self).join("  "));
        }
        match event {
            Event::RunStarted(_) => self.keep_resume_point(None),
            Event::CheckpointSaved(saved) if saved.name == "last" => {
                self.keep_resume_point(Some(saved));
            }
            _ => {}
        }
    }

    /// The objective of that name.
    pub fn strip(&self, objective: &ObjectiveId) -> Option<&Strip> {
        self.strips.iter().find(|strip| strip.name == *objective)
    }

    /// Whether a strip is in the mix: neither muted nor finished, and soloed if any strip is.
    pub fn is_active(&self, strip: &Strip) -> bool {
        let any_soloed = self.strips.iter().any(|strip| strip.soloed);
        !strip.muted && !strip.training.is_finished() && (strip.soloed || !any_soloed)
    }

    /// Epochs of the run, with the current one as a fraction: of the main objective's corpus, with the steps that
    /// counted as its batches.
    pub fn epochs(&self) -> Option<f32> {
        let drawn = || self.drawn_of_main().map(|(drawn, size)| drawn as f32 / size as f32);
        self.latest.epochs.or_else(drawn)
    }

    /// Complete epochs of the run.
    pub fn whole_epochs(&self) -> u64 {
        let drawn = || self.drawn_of_main().map_or(0, |(drawn, size)| drawn / size);
        self.latest.epochs.map_or_else(drawn, |epochs| epochs as u64)
    }

    /// Examples drawn so far from the main objective's corpus, and the size of its training split.
    fn drawn_of_main(&self) -> Option<(u64, u64)> {
        let main = self.strips.iter().find(|strip| strip.role == Role::Main)?;
        let corpus = main.corpus.first()?;
        let started = self.plan.corpora.iter().find(|started| started.name == *corpus)?;
        let size = started.splits.get(Split::Train.name())?.examples;
        (size > 0).then(|| (self.usage.draws.get(corpus).copied().unwrap_or(0), size))
    }

    /// A live setting, by its `--set` path: the value set by hand, else that of the last step if steps have it, else
    /// the one at the start. `None` if unknown.
    pub fn setting(&self, path: &str) -> Option<Setting> {
        let by_hand = self.manual.settings.get(path).cloned();
        let by_step = || match path {
            "train.learning_rate" => self.latest.learning_rate.map(Setting::Number),
            "train.sampling" => {
                self.latest.temperature.map(|it| Setting::Text(format!("temperature {it}")))
            }
            _ => None,
        };
        by_hand.or_else(by_step).or_else(|| self.plan.settings_at_start.get(path).cloned())
    }

    /// The sampling rule, in the notation of `train.sampling`. `None` if unknown.
    pub fn sampling(&self) -> Option<String> {
        self.rule("train.sampling")
    }

    /// The weighting rule, in the notation of `train.weighting`. `None` if unknown.
    pub fn weighting(&self) -> Option<String> {
        self.rule("train.weighting")
    }

    fn rule(&self, path: &str) -> Option<String> {
        match self.setting(path)? {
            Setting::Text(rule) => Some(rule),
            Setting::Number(_) | Setting::Switch(_) => None,
        }
    }

    /// Estimated remaining training time in milliseconds.
    pub fn left_ms(&self) -> Option<u64> {
        if self.ended.is_some() || self.plan.steps == 0 {
            return None;
        }
        let n_left = self.plan.steps.saturating_sub(self.step.0);
        Some((n_left as f32 * self.pace.step_ms()?) as u64)
    }

    /// The step of the checkpoint currently saved as `best`; without one, that of `last`.
    pub fn best_step(&self) -> Option<Step> {
        self.checkpoint("best").or_else(|| self.checkpoint("last"))
    }

    fn checkpoint(&self, name: &str) -> Option<Step> {
        self.checkpoints.iter().rev().find(|saved| saved.name == name).map(|saved| saved.step)
    }

    fn run_started(&mut self, event: &RunStarted) {
        self.strips = event.objectives.iter().map(Strip::new).collect();
        self.plan.corpora.clone_from(&event.corpora);
        self.usage.spent_us.resize(self.plan.corpora.len(), 0);
        self.plan.parameters = event.parameters;
        self.plan.steps = event.steps;
        self.plan.best_metric = Some(event.best.clone());
        self.plan.settings_at_start.clone_from(&event.settings);
        for (path, setting) in &event.settings {
            let Setting::Switch(is_on) = *setting else { continue };
            match objective_switch(path) {
                Some((objective, ObjectiveSetting::ByRule)) => {
                    self.strip_mut(&objective, |strip| strip.share_by = ShareBy::when(is_on));
                }
                Some((objective, ObjectiveSetting::Finished)) => {
                    self.strip_mut(&objective, |strip| strip.training = Training::when(!is_on));
                }
                _ => {}
            }
        }
        self.update_weights();
        if let Some(strip) = self.strips.iter_mut().find(|strip| strip.name == event.best.objective)
        {
            strip.track_metric(&event.best.metric);
        }
    }

    fn step_done(&mut self, event: &StepDone) {
        self.step = event.step;
        self.latest.learning_rate = Some(event.learning_rate);
        self.latest.temperature = event.temperature;
        self.latest.epochs = event.epochs;
        self.latest.gradient_norm = Some(event.gradient_norm);
        self.usage.tokens = self.usage.tokens.saturating_add(event.tokens);
        for (corpus, examples) in &event.draws {
            let drawn = self.usage.draws.entry(corpus.clone()).or_default();
            *drawn = drawn.saturating_add(*examples);
        }
        self.spend(event);
        self.pace.step_done(event.tokens, event.step_ms);
        self.timing.step_done(event.step, event.step_ms, self.pace);
        let (step, at_ms, tokens) = (event.step, event.at_ms, self.usage.tokens);
        self.timeline.push(Moment { step, at_ms, tokens });
        for strip in &mut self.strips {
            strip.step_done(event);
        }
        if self.gradients.as_ref().is_some_and(|measured| measured.step == event.step) {
            self.measured.step_done(event, &self.strips);
        }
    }

    /// What a changed setting means for the strips and the shadow rules.
    fn setting_set(&mut self, event: &SettingSet) {
        match (&event.new, objective_switch(&event.path)) {
            (Setting::Switch(finished), Some((objective, ObjectiveSetting::Finished))) => {
                self.strip_mut(&objective, |strip| strip.finished_set(*finished, event.by));
                self.update_weights();
            }
            (Setting::Switch(by_rule), Some((objective, ObjectiveSetting::ByRule))) => {
                // An undone change makes the fader again what the recipe has made it.
                let is_handed = *by_rule
                    && match event.undoes {
                        None => event.by.is_manual(),
                        Some(_) => {
                            self.plan.settings_at_start.get(&event.path)
                                == Some(&Setting::Switch(false))
                        }
                    };
                self.strip_mut(&objective, |strip| {
                    (strip.share_by, strip.is_handed) = (ShareBy::when(*by_rule), is_handed);
                });
            }
            (_, None) if event.path == "train.sampling" => self.rates.clear(),
            (Setting::Text(rules), None) if event.path == "train.shadow_weightings" => {
                self.measured.shadows_set(rules);
            }
            _ => {}
        }
    }

    fn saved(&mut self, event: &CheckpointSaved) {
        self.checkpoints.push(event.clone());
        if self.checkpoints.len() > MOST_CHECKPOINTS {
            // `best` may be old by now and is searched for by name.
            let best = self.checkpoints.iter().rposition(|saved| saved.name == "best");
            self.checkpoints.remove(usize::from(best == Some(0)));
        }
    }

    /// Gains are kept: a manual change since then is not undone.
    fn rewound(&mut self, to: Step) {
        self.truncate(to);
        self.log.rewind(to);
    }

    /// Removes what belongs to later steps, except the log.
    fn truncate(&mut self, to: Step) {
        self.step = to;
        self.rates.clear();
        self.alerts.retain(|alert| alert.step <= to);
        self.checkpoints.retain(|saved| saved.step <= to);
        self.gradients.take_if(|gradients| gradients.step > to);
        self.measured.rewind(to);
        self.timeline.rewind(to);
        self.timing.rewind(to);
        for strip in &mut self.strips {
            strip.rewound(to);
        }
    }

    /// Sets the weight of strips that have become inactive to 0, and that of those that have become active to
    /// gain × the last share; at the next step the weighting rule may set another one.
    fn update_weights(&mut self) {
        let active: Vec<bool> = self.strips.iter().map(|strip| self.is_active(strip)).collect();
        for (strip, is_active) in self.strips.iter_mut().zip(active) {
            if !is_active {
                strip.weight = 0.0;
            } else if strip.weight == 0.0 {
                strip.weight = strip.gain * strip.share;
            }
        }
    }

    /// An objective without a strip is ignored.
    fn strip_mut(&mut self, objective: &ObjectiveId, change: impl FnOnce(&mut Strip)) {
        if let Some(strip) = self.strips.iter_mut().find(|strip| strip.name == *objective) {
            change(strip);
        }
    }
}

/// The objective and the setting of a path such as `objective.NAME.by_rule`.
fn objective_switch(path: &str) -> Option<(ObjectiveId, ObjectiveSetting)> {
    match live::find(path)?.1 {
        LiveTarget::Objective(setting, objective) => Some((objective, setting)),
        LiveTarget::Train(_) => None,
    }
}

#[cfg(test)]
mod tests;
