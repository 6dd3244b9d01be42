//! What happens between steps and at the end: evaluations, checkpoints, the last things.

use anyhow::Result;

use super::{
    Trainer,
    checkpoint::{self, FaderState, SettingsState, State, VocabulariesState},
    counters::Counters,
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

/// Why dev is scored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// The recipe asked for it: it counts for best and patience.
    Schedule,
    /// A manual evaluation, by this command: it counts for nothing.
    Manual(Option<CommandId>),
}

impl Trainer {
    /// Evaluates and saves where the recipe says so.
    pub(super) fn between_steps(&mut self, bus: &mut Bus) -> Result<()> {
        let main = self.batches.position(self.plan.main_corpus());
        if !self.counters.evaluation_is_due(self.plan.recipe.train.evaluate_every, main) {
            return Ok(());
        }
        self.evaluate_on_dev(bus)?;
        self.save("last", None, bus)
    }

    /// Scores dev and tells; keeps the best.
    fn evaluate_on_dev(&mut self, bus: &mut Bus) -> Result<()> {
        let step = self.counters.step;
        let Some(scores) = self.evaluate(Split::Dev, step, Trigger::Schedule, bus)? else {
            return Ok(());
        };
        let best = &self.plan.recipe.train.best;
        let value = scores.iter().find_map(|(at, scores)| {
            let name = &self.plan.recipe.objectives[*at].name;
            let mut metrics = scores.metrics.iter();
            metrics
                .find(|(metric, _)| *name == best.objective && *metric == best.metric.as_str())
                .map(|(_, value)| *value as f32)
        });
        let Some(value) = value.filter(|value| value.is_finite()) else { return Ok(()) };
        if self.counters.improves(value, best.direction) {
            self.save("best", None, bus)?;
        }
        Ok(())
    }

    /// Scores a split and tells; `None` if there was nothing to score, or no time.
    pub(super) fn evaluate(
        &self,
        split: Split,
        step: Step,
        trigger: Trigger,
        bus: &mut Bus,
    ) -> Result<Option<Vec<(usize, Scores)>>> {
        let began_ms = self.output.ms();
        let go_on = |_| !self.control.interrupt.is_set();
        let scored =
            score(&self.plan.recipe, &self.learner.system, &self.plan.corpora, split, go_on)?;
        let Some(scored) = scored.filter(|scores| !scores.is_empty()) else { return Ok(None) };
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
                // JSON has no NaN; a score that is none is left out.
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

    /// Saves a checkpoint and tells.
    pub(super) fn save(&self, name: &str, command: Option<CommandId>, bus: &mut Bus) -> Result<()> {
        let parameters = self.learner.parameters();
        checkpoint::save(
            &self.output.run,
            name,
            &self.state(),
            parameters,
            &self.learner.optimizer,
        )?;
        bus.emit(CheckpointSaved {
            at_ms: self.output.ms(),
            step: self.counters.step,
            name: name.to_owned(),
            command,
        });
        Ok(())
    }

    fn state(&self) -> State {
        let Counters { step, best, evals_without_improvement, .. } = self.counters;
        let faders = self.mixer.faders.all().iter().map(|fader| {
            let state = FaderState {
                gain: fader.gain.at(step.0),
                scheduled: fader.gain.moves_after(step.0),
                muted: fader.muted,
                soloed: fader.soloed,
            };
            (fader.objective.clone(), state)
        });
        State {
            step,
            positions: self.batches.positions(&self.plan),
            best,
            without_gain: evals_without_improvement,
            plateau: None,
            settings: SettingsState {
                rate: self.settings.learning_rate.at(step.0),
                gradients: self.settings.measure_gradients_every,
                sampling: Some(self.settings.sampling.told(step).to_string()),
                weighting: Some(self.mixer.weighting.spec().to_string()),
                faders: faders.collect(),
            },
            weighting: self.mixer.weighting.memory(),
            counts: self.learner.optimizer.counts(self.learner.parameters()),
            vocabularies: VocabulariesState(self.plan.vocabularies.clone()),
        }
    }

    /// Scores dev once more, saves the last checkpoint, and scores test by the best one; in a hurry
    /// it only saves.
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
        if !evaluated && !hurry {
            // What was learnt since the last evaluation may be the best there is.
            self.evaluate_on_dev(bus)?;
        }
        if !evaluated && reason != Reason::Loss {
            self.save("last", None, bus)?;
        }
        if hurry || self.plan.corpora.iter().all(|corpus| corpus.test.is_none()) {
            return Ok(());
        }
        let saved = checkpoint::open(&self.output.run, "best")?;
        if let (Some(best), Some(saved)) = (self.counters.best, saved) {
            saved.load(self.learner.parameters())?;
            step = best.step;
        }
        self.evaluate(Split::Test, step, Trigger::Schedule, bus)?;
        Ok(())
    }
}
