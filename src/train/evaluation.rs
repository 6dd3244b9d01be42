//! Evaluations and checkpoints, between steps and at the end.

use std::collections::BTreeMap;

use anyhow::Result;
use candle_core::Tensor;

use super::{
    BestSoFar, Counters, Trainer,
    checkpoint::{self, Contents, State},
    origin::Origin,
    samples::Samples,
    score::score_observed,
};
use crate::{
    bus::Bus,
    metric::Scores,
    protocol::{
        CommandId, Loss, ObjectiveId, Step, Training,
        event::{
            CheckpointSaved, ClassesScored, CommandRefused, Ended, Evaluated, Reason, SamplesTaken,
            Split,
        },
    },
    recipe::ObjectiveSpec,
};

/// Why dev is evaluated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// Scheduled by the recipe: it counts for the best checkpoint and for early stopping.
    Schedule,
    /// Manually, by this command: it counts for neither.
    Manual(Option<CommandId>),
}

/// The results of an evaluation on dev.
#[derive(Default)]
struct DevResults {
    /// Whether they are the best so far, by the metric that selects the best checkpoint.
    are_best: bool,
    /// The objectives with a best checkpoint of their own whose best results these are.
    best_of: Vec<ObjectiveId>,
}

impl Trainer {
    /// Evaluates and saves as scheduled.
    pub(super) fn between_steps(&mut self, bus: &mut Bus) -> Result<()> {
        let epochs = self.epochs();
        let previous = self.counters.last_evaluation;
        if !self.counters.evaluation_is_due(self.plan.recipe.train.evaluate_every, epochs) {
            return Ok(());
        }
        // Schedules, fades and an annealed temperature change it without a command.
        self.report_plan(bus);
        let Some(results) = self.evaluate_on_dev(true, bus)? else {
            // It is still due: a run that continues from here begins with it.
            self.counters.last_evaluation = previous;
            return Ok(());
        };
        // A run that is continued from `last` has the same objectives finished.
        self.finish_objectives(bus);
        self.save_results(&results, bus)
    }

    /// Saves `last`, then `best` if this is the best one, and those of objectives. In this order: a
    /// run killed in between is continued from `last`, which records what is to be saved, and `best`
    /// is never beyond `last`.
    fn save_results(&self, results: &DevResults, bus: &mut Bus) -> Result<()> {
        self.save("last", None, bus)?;
        self.save_bests(results, bus)
    }

    fn save_bests(&self, results: &DevResults, bus: &mut Bus) -> Result<()> {
        if results.are_best {
            self.save("best", None, bus)?;
        }
        for objective in &results.best_of {
            self.save(&format!("best-{objective}"), None, bus)?;
        }
        Ok(())
    }

    /// Saves `best` where a run is continued from the checkpoint that is also its best: it may have
    /// been killed before that was saved.
    pub(super) fn save_best_again(&self, bus: &mut Bus) -> Result<()> {
        let step = self.counters.step;
        let is_here =
            |best: Option<BestSoFar>| step > Step(0) && best.is_some_and(|best| best.step == step);
        let kept = self.plan.recipe.objectives.iter().filter(|spec| spec.early_stopping.keep_best);
        let best_of = |spec: &&ObjectiveSpec| self.counters.objectives.get(&spec.name)?.best;
        let best_of = kept.filter(|spec| is_here(best_of(spec))).map(|spec| spec.name.clone());
        let results =
            DevResults { are_best: is_here(self.counters.best), best_of: best_of.collect() };
        self.save_bests(&results, bus)
    }

    /// Evaluates dev and emits the scores; `None` if it was interrupted. Only scheduled evaluations
    /// count towards an objective's patience.
    fn evaluate_on_dev(&mut self, is_scheduled: bool, bus: &mut Bus) -> Result<Option<DevResults>> {
        let step = self.counters.step;
        let Some(scores) = self.evaluate(Split::Dev, step, Trigger::Schedule, bus)? else {
            return Ok(None);
        };
        let best_of = self.record_objectives(&scores, is_scheduled);
        let best = &self.plan.recipe.train.best;
        let value = scores.iter().find_map(|(at, scores)| {
            let name = &self.plan.recipe.objectives[*at].name;
            let mut metrics = scores.metrics.iter();
            metrics
                .find(|(metric, _)| *name == best.objective && *metric == best.metric.as_str())
                .map(|(_, value)| *value as f32)
        });
        let value = value.filter(|value| value.is_finite());
        let are_best = value.is_some_and(|value| self.counters.improves(value, best.direction));
        if is_scheduled {
            self.follow_scores(&scores, value, bus);
        }
        Ok(Some(DevResults { are_best, best_of }))
    }

    /// Records the first metric of each objective for which it matters; returns those with a best checkpoint of their own
    /// whose best value this is.
    fn record_objectives(
        &mut self,
        scores: &[(usize, Scores)],
        is_scheduled: bool,
    ) -> Vec<ObjectiveId> {
        let step = self.counters.step;
        let gains = self.mixer.gains(step);
        let mut best_of = Vec::new();
        for (at, scores) in scores {
            let spec = &self.plan.recipe.objectives[*at];
            if !spec.early_stopping.is_tracked() {
                continue;
            }
            let Some((metric, direction)) = self.plan.recipe.tracked_metric(*at) else { continue };
            let mut metrics = scores.metrics.iter();
            let value = metrics.find(|(name, _)| *name == metric).map(|(_, value)| *value as f32);
            let Some(value) = value.filter(|value| value.is_finite()) else { continue };
            let is_trained = is_scheduled && gains[*at] > 0.0;
            let counters = self.counters.objectives.entry(spec.name.clone()).or_default();
            if counters.evaluated(value, step, direction, is_trained)
                && spec.early_stopping.keep_best
            {
                best_of.push(spec.name.clone());
            }
        }
        best_of
    }

    /// Finishes the objectives whose patience is over; the last active one only if all others are
    /// finished too, as otherwise nothing would be trained until one of them becomes active.
    fn finish_objectives(&mut self, bus: &mut Bus) {
        let step = self.counters.step;
        let gains = self.mixer.gains(step);
        let is_over = |at: &usize| {
            let spec = &self.plan.recipe.objectives[*at];
            let counters = self.counters.objectives.get(&spec.name);
            let without = counters.map_or(0, |counters| counters.evals_without_improvement);
            gains[*at] > 0.0
                && spec.early_stopping.patience.is_some_and(|patience| without >= patience)
        };
        let finished: Vec<usize> = (0..gains.len()).filter(is_over).collect();
        let mut faders = self.mixer.faders.clone();
        for &at in &finished {
            if let Some(fader) = faders.find(&self.plan.recipe.objectives[at].name) {
                fader.training = Training::Finished;
            }
        }
        if finished.is_empty() || !(faders.any_is_active(step.0) || faders.all_are_finished(step.0))
        {
            return;
        }
        for at in finished {
            let event = self.set_finished(&self.plan.name(at), true, Origin::RULE);
            bus.emit(event.expect("the recipe has this objective"));
        }
        self.learner.apply(&self.plan, &self.settings, &self.mixer.faders);
        self.report_plan(bus);
    }

    /// Evaluates a split and emits the scores; `None` if it was interrupted.
    pub(super) fn evaluate(
        &self,
        split: Split,
        step: Step,
        trigger: Trigger,
        bus: &mut Bus,
    ) -> Result<Option<Vec<(usize, Scores)>>> {
        let began_ms = self.output.ms();
        let proceed = |_| !self.control.interrupt.is_set();
        let plan = &self.plan;
        let n_samples = if split == Split::Dev { self.settings.samples } else { 0 };
        let seed = plan.recipe.train.seed;
        let mut samples = Samples::new(seed, n_samples, self.settings.worst_samples);
        let scored = score_observed(
            &plan.recipe,
            &self.learner.system,
            &plan.corpora,
            split,
            proceed,
            |observed| samples.observe(observed),
        )?;
        let Some(scored) = scored else { return Ok(None) };
        let mut samples = samples.finish();
        let at_ms = self.output.ms();
        for (at, scores) in &scored {
            let objective = &self.plan.recipe.objectives[*at].name;
            let numbers = scores.metrics.iter().map(|&(name, value)| (name, value as f32));
            bus.emit(Evaluated {
                at_ms,
                step,
                split,
                objective: objective.clone(),
                loss: scores.loss().and_then(|loss| Loss::read(loss as f32)),
                // JSON has no NaN; such a score is left out.
                metrics: numbers
                    .filter(|(_, value)| value.is_finite())
                    .map(|(name, value)| (name.into(), value))
                    .collect(),
                extra: trigger != Trigger::Schedule,
                took_ms: at_ms - began_ms,
                command: match trigger {
                    Trigger::Schedule => None,
                    Trigger::Manual(command) => command,
                },
            });
            if let Some(by_class) = &scores.classes {
                bus.emit(ClassesScored {
                    at_ms,
                    step,
                    split,
                    objective: objective.clone(),
                    classes: by_class.classes.clone(),
                    confusion: by_class.confusion.clone(),
                });
            }
            if let Some(samples) = samples.remove(at).filter(|samples| !samples.is_empty()) {
                let worst = self.settings.worst_samples;
                let objective = objective.clone();
                bus.emit(SamplesTaken { at_ms, step, objective, worst, samples });
            }
        }
        Ok(Some(scored))
    }

    /// Saves a checkpoint and emits its event.
    pub(super) fn save(&self, name: &str, command: Option<CommandId>, bus: &mut Bus) -> Result<()> {
        self.write_checkpoint(name, bus)?;
        self.emit_saved(name, command, bus);
        Ok(())
    }

    pub(super) fn write_checkpoint(&self, name: &str, bus: &Bus) -> Result<()> {
        // Killed from here on, the run continues from this checkpoint or from the one before it: the
        // journal must reach the latter.
        bus.wait_until_written();
        let weighting = self.earlier.tensors(self.learner.parameters())?;
        let accumulated = self.accumulated.tensors(self.learner.parameters())?;
        let contents = Contents {
            state: &self.state(&weighting, &accumulated),
            weighting: &weighting,
            accumulated: &accumulated,
            recipe: &self.plan.recipe,
            system: &self.learner.system,
            optimizer: &self.learner.optimizer,
        };
        checkpoint::save(&self.output.run, name, &contents)
    }

    pub(super) fn emit_saved(&self, name: &str, command: Option<CommandId>, bus: &mut Bus) {
        let Counters { step, last_evaluation, best, .. } = self.counters;
        bus.emit(CheckpointSaved {
            at_ms: self.output.ms(),
            step,
            name: name.to_owned(),
            last_evaluation: last_evaluation.step,
            best: best.map(|best| best.step),
            command,
        });
    }

    fn state(
        &self,
        weighting: &BTreeMap<String, Tensor>,
        accumulated: &BTreeMap<String, Tensor>,
    ) -> State {
        let plan = &self.plan;
        let (corpora, fitted) = (plan.digests.clone(), plan.fitted.clone());
        let (progress, vectors) = (self.progress(), plan.vectors.clone());
        let memory = self.learner.system.memory().into_keys().collect();
        let names = |tensors: &BTreeMap<String, Tensor>| tensors.keys().cloned().collect();
        let (weighting, accumulated) = (names(weighting), names(accumulated));
        State { progress, corpora, fitted, vectors, memory, weighting, accumulated }
    }

    /// Evaluates dev once more, saves the last checkpoint, and evaluates test with the best one;
    /// after a signal or a failure it only saves.
    pub(super) fn finish(&mut self, reason: Reason, bus: &mut Bus) -> Result<()> {
        if reason == Reason::Disk {
            return Ok(());
        }
        let mut step = self.counters.step;
        if let Some((from, _)) = self.control.moves.iter().next() {
            let n_left = self.control.moves.iter().count();
            bus.emit(CommandRefused {
                at_ms: self.output.ms(),
                step,
                command: None,
                why: format!("{n_left} moves of the journal were left, the first from step {from}"),
            });
        }
        let hurry = reason == Reason::Signal || reason.ended() == Ended::Failed;
        // An evaluation has saved `last` too.
        let evaluated = self.counters.is_evaluated();
        let without_improvement = self.counters.evals_without_improvement;
        // The parameters since the last evaluation may be the best.
        let evaluates = !evaluated && !hurry;
        let results = if evaluates { self.evaluate_on_dev(false, bus)? } else { None };
        let results = results.unwrap_or_default();
        if !results.are_best {
            // Early stopping counts scheduled evaluations only: an extended run has not had this one.
            self.counters.evals_without_improvement = without_improvement;
        }
        if !evaluated && reason != Reason::Loss {
            self.save_results(&results, bus)?;
        }
        if hurry || self.plan.corpora.iter().all(|corpus| corpus.test.is_none()) {
            return Ok(());
        }
        let saved = checkpoint::open(&self.output.run, "best")?;
        if let (Some(best), Some(saved)) = (self.counters.best, saved) {
            saved.load(&mut self.learner.system)?;
            step = best.step;
        }
        self.evaluate(Split::Test, step, Trigger::Schedule, bus)?;
        Ok(())
    }
}
