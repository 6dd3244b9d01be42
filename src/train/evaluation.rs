//! Evaluations and checkpoints, between steps and at the end.

use std::collections::BTreeMap;

use anyhow::Result;
use candle_core::Tensor;

use super::{
    Counters, Trainer,
    checkpoint::{self, Contents, State},
    score,
};
use crate::{
    bus::Bus,
    metric::Scores,
    protocol::{
        CommandId, Loss, Step,
        event::{CheckpointSaved, ClassesScored, CommandRefused, Ended, Evaluated, Reason, Split},
    },
};

/// Why dev is evaluated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// Scheduled by the recipe: it counts for the best checkpoint and for early stopping.
    Schedule,
    /// Manually, by this command: it counts for neither.
    Manual(Option<CommandId>),
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
        self.report_length(bus);
        let Some(improves) = self.evaluate_on_dev(bus)? else {
            // It is still due: a run that continues from here begins with it.
            self.counters.last_evaluation = previous;
            return Ok(());
        };
        self.save_both(improves, bus)
    }

    /// Saves `last`, then `best` if this is the best one. In this order: a run killed in between is
    /// continued from `last`, which records that `best` is to be saved, and `best` is never beyond
    /// `last`.
    fn save_both(&self, is_best: bool, bus: &mut Bus) -> Result<()> {
        self.save("last", None, bus)?;
        if is_best { self.save("best", None, bus) } else { Ok(()) }
    }

    /// Saves `best` where a run is continued from the checkpoint that is also its best: it may have
    /// been killed before that was saved.
    pub(super) fn save_best_again(&self, bus: &mut Bus) -> Result<()> {
        let step = self.counters.step;
        let is_best = step > Step(0) && self.counters.best.is_some_and(|best| best.step == step);
        if is_best { self.save("best", None, bus) } else { Ok(()) }
    }

    /// Evaluates dev and emits the scores; returns whether they are the best so far, `None` if it was
    /// interrupted.
    fn evaluate_on_dev(&mut self, bus: &mut Bus) -> Result<Option<bool>> {
        let step = self.counters.step;
        let Some(scores) = self.evaluate(Split::Dev, step, Trigger::Schedule, bus)? else {
            return Ok(None);
        };
        let best = &self.plan.recipe.train.best;
        let value = scores.iter().find_map(|(at, scores)| {
            let name = &self.plan.recipe.objectives[*at].name;
            let mut metrics = scores.metrics.iter();
            metrics
                .find(|(metric, _)| *name == best.objective && *metric == best.metric.as_str())
                .map(|(_, value)| *value as f32)
        });
        let Some(value) = value.filter(|value| value.is_finite()) else { return Ok(Some(false)) };
        Ok(Some(self.counters.improves(value, best.direction)))
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
        let scored =
            score(&self.plan.recipe, &self.learner.system, &self.plan.corpora, split, proceed)?;
        let Some(scored) = scored else { return Ok(None) };
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
        let contents = Contents {
            state: &self.state(&weighting),
            weighting: &weighting,
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

    fn state(&self, weighting: &BTreeMap<String, Tensor>) -> State {
        let plan = &self.plan;
        let (corpora, fitted) = (plan.digests.clone(), plan.fitted.clone());
        let (progress, vectors) = (self.progress(), plan.vectors.clone());
        let memory = self.learner.system.memory().into_keys().collect();
        let weighting = weighting.keys().cloned().collect();
        State { progress, corpora, fitted, vectors, memory, weighting }
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
        let improves = !evaluated && !hurry && self.evaluate_on_dev(bus)?.unwrap_or(false);
        if !improves {
            // Early stopping counts scheduled evaluations only: an extended run has not had this one.
            self.counters.evals_without_improvement = without_improvement;
        }
        if !evaluated && reason != Reason::Loss {
            self.save_both(improves, bus)?;
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
