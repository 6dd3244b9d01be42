//! What happens between steps and at the end: evaluations, checkpoints, leaving.

use anyhow::Result;

use super::{
    Trainer,
    checkpoint::{self, BestSoFar, FaderState, Settings, State, VocabulariesState},
    score,
};
use crate::{
    bus::Bus,
    objective::Scores,
    protocol::{
        CommandId, Loss, Step,
        event::{CheckpointSaved, ClassesScored, CommandRefused, Ended, Evaluated, Reason, Split},
    },
    recipe::Evaluate,
};

/// Whether an evaluation counts for best and patience.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    /// The recipe asked for it.
    Yes,
    /// Somebody looked, by this command.
    No(Option<CommandId>),
}

/// Where the recipe last asked for an evaluation.
#[derive(Clone, Copy, Default)]
pub(super) struct Seen {
    pass: u64,
    step: Step,
}

impl Trainer {
    /// Evaluates and saves where the recipe says so.
    pub(super) fn between_steps(&mut self, bus: &mut Bus) -> Result<()> {
        let corpus = self.recipe.objectives[self.recipe.main()].corpora[0];
        let position = self.streams[corpus].position();
        let due = match self.recipe.train.evaluate_every {
            Evaluate::Epoch => position.pass > self.evaluated.pass,
            Evaluate::Every(steps) => {
                self.step.0.is_multiple_of(steps) && self.step > self.evaluated.step
            }
        };
        if !due {
            return Ok(());
        }
        self.evaluated = Seen { pass: position.pass, step: self.step };
        self.evaluate_on_dev(bus)?;
        self.save("last", None, bus)
    }

    /// Scores dev and tells; keeps the best.
    fn evaluate_on_dev(&mut self, bus: &mut Bus) -> Result<()> {
        let Some(scores) = self.evaluate(Split::Dev, self.step, Counts::Yes, bus)? else {
            return Ok(());
        };
        let best = &self.recipe.train.best;
        let value = scores.iter().find_map(|(at, scores)| {
            let name = &self.recipe.objectives[*at].name;
            let mut metrics = scores.metrics.iter();
            metrics
                .find(|(metric, _)| *name == best.objective && *metric == best.metric.as_str())
                .map(|(_, value)| *value as f32)
        });
        let Some(value) = value.filter(|value| value.is_finite()) else { return Ok(()) };
        if self.best.is_none_or(|so_far| best.direction.is_better(value, so_far.value)) {
            self.best = Some(BestSoFar { value, step: self.step });
            self.without_gain = 0;
            self.save("best", None, bus)
        } else {
            self.without_gain += 1;
            Ok(())
        }
    }

    /// Scores a split and tells; `None` if there was nothing to score, or no time.
    pub(super) fn evaluate(
        &self,
        split: Split,
        step: Step,
        counts: Counts,
        bus: &mut Bus,
    ) -> Result<Option<Vec<(usize, Scores)>>> {
        let began_ms = self.clock.ms();
        let go_on = |_| !self.interrupt.is_set();
        let scored = score(&self.recipe, &self.system, &self.corpora, split, go_on)?;
        let Some(scored) = scored.filter(|scores| !scores.is_empty()) else { return Ok(None) };
        let at_ms = self.clock.ms();
        for (at, scores) in &scored {
            let objective = &self.recipe.objectives[*at].name;
            let numbers = scores.metrics.iter().map(|&(name, value)| (name, value as f32));
            bus.tell(Evaluated {
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
                extra: counts != Counts::Yes,
                took_ms: at_ms - began_ms,
                command: match counts {
                    Counts::Yes => None,
                    Counts::No(command) => command,
                },
            });
            if let Some(by_class) = &scores.classes {
                bus.tell(ClassesScored {
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
        let parameters = self.system.parameters();
        checkpoint::save(&self.run, name, &self.state(), parameters, &self.optimizer)?;
        bus.tell(CheckpointSaved {
            at_ms: self.clock.ms(),
            step: self.step,
            name: name.to_owned(),
            command,
        });
        Ok(())
    }

    fn state(&self) -> State {
        let names = self.recipe.corpora.iter().map(|corpus| corpus.name.clone());
        let positions = names.zip(self.streams.iter().map(crate::data::stream::Stream::position));
        let faders = self.faders.all().iter().map(|fader| {
            let state = FaderState {
                gain: fader.gain.at(self.step.0),
                scheduled: fader.gain.moves_after(self.step.0),
                muted: fader.muted,
                soloed: fader.soloed,
            };
            (fader.objective.clone(), state)
        });
        State {
            step: self.step,
            positions: positions.collect(),
            best: self.best,
            without_gain: self.without_gain,
            plateau: None,
            settings: Settings {
                rate: self.rate.at(self.step.0),
                gradients: self.gradients_every,
                sampling: Some(self.sampling.told(self.step).to_string()),
                faders: faders.collect(),
            },
            weighting: None,
            counts: self.optimizer.counts(self.system.parameters()),
            vocabularies: VocabulariesState(self.vocabularies.clone()),
        }
    }

    /// Scores dev once more, saves the last checkpoint, and scores test by the best one; in a hurry
    /// it only saves.
    pub(super) fn leave(&mut self, reason: Reason, bus: &mut Bus) -> Result<()> {
        if reason == Reason::Disk {
            return Ok(());
        }
        if let Some((from, _)) = self.moves.iter().next() {
            let n_left = self.moves.iter().count();
            bus.tell(CommandRefused {
                at_ms: self.clock.ms(),
                step: self.step,
                command: None,
                why: format!("{n_left} moves of the journal were left, the first from step {from}"),
            });
        }
        let hurry = reason == Reason::Signal || reason.ended() == Ended::Failed;
        // An evaluation has saved `last` too.
        let evaluated = self.step > Step(0) && self.evaluated.step == self.step;
        if !evaluated && !hurry {
            // What was learnt since the last evaluation may be the best there is.
            self.evaluate_on_dev(bus)?;
        }
        if !evaluated && reason != Reason::Loss {
            self.save("last", None, bus)?;
        }
        if hurry || self.corpora.iter().all(|corpus| corpus.test.is_none()) {
            return Ok(());
        }
        let mut step = self.step;
        if let (Some(best), Some(saved)) = (self.best, checkpoint::open(&self.run, "best")?) {
            saved.load(self.system.parameters())?;
            step = best.step;
        }
        self.evaluate(Split::Test, step, Counts::Yes, bus)?;
        Ok(())
    }
}
