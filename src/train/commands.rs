//! Commands, applied between two steps. Each is answered by an event with the step.

mod settings;
mod strips;

use anyhow::Result;

use super::{Trainer, earlier::EarlierGradients, evaluation::Trigger, origin::Origin};
use crate::{
    bus::Bus,
    live::{self, LiveTarget, ObjectiveSetting, SettingId},
    protocol::{
        Assignment, By, Command, Event, Scene, SentCommand,
        event::{CommandRefused, Noted, Paused, Resumed, SceneStored, Split, StripSetting},
    },
};
use settings::Assigned;

impl Trainer {
    /// Applies the scheduled moves that are due and every command received.
    pub(super) fn handle_commands(&mut self, bus: &mut Bus) -> Result<()> {
        self.make_moves(bus)?;
        for command in bus.commands() {
            self.handle_command(command, bus)?;
        }
        Ok(())
    }

    /// Applies the moves that take effect at the next step.
    fn make_moves(&mut self, bus: &mut Bus) -> Result<()> {
        while let Some(command) =
            self.control.moves.due(self.counters.step.next(), self.counters.consecutive_non_finite)
        {
            self.apply(command, Origin { by: By::Moves, id: None, undoes: None }, bus)?;
        }
        Ok(())
    }

    /// Applies one command, or rejects it with a reason.
    pub(super) fn handle_command(&mut self, command: SentCommand, bus: &mut Bus) -> Result<()> {
        let SentCommand { id, by, command, undoes } = command;
        self.apply(command, Origin { by, id: Some(id), undoes }, bus)
    }

    fn apply(&mut self, command: Command, origin: Origin, bus: &mut Bus) -> Result<()> {
        let refused = match command {
            Command::Set(all) => self.assign_all(&all, origin, bus),
            Command::StoreScene { scene } => {
                self.store(scene, origin, bus);
                Ok(())
            }
            Command::Pause => {
                self.pause(true, origin, bus);
                Ok(())
            }
            Command::Resume => {
                self.pause(false, origin, bus);
                Ok(())
            }
            Command::StepOnce => self.step_once(origin, bus)?,
            Command::Note { text } => {
                let (at_ms, step) = (self.output.ms(), self.counters.step);
                let Origin { by, id: command, .. } = origin;
                bus.emit(Noted { at_ms, step, text, by, command });
                Ok(())
            }
            Command::Checkpoint => {
                self.save(&format!("step-{}", self.counters.step), origin.id, bus)?;
                Ok(())
            }
            Command::Evaluate => self.evaluate_now(origin, bus)?,
            Command::Stop { reason } => {
                self.control.stop = Some(reason);
                Ok(())
            }
        };
        if let Err(why) = refused {
            let (at_ms, step) = (self.output.ms(), self.counters.step);
            bus.emit(CommandRefused { at_ms, step, command: origin.id, why });
        }
        Ok(())
    }

    /// Assigns values to several controls and emits each change, or rejects them all with a reason.
    /// Applied one by one, intermediate states might have no active objective although the result
    /// has one.
    fn assign_all(
        &mut self,
        all: &[Assignment],
        origin: Origin,
        bus: &mut Bus,
    ) -> Result<(), String> {
        let finished = |one: &Assignment| match live::find(&one.control.path())?.1 {
            LiveTarget::Objective(ObjectiveSetting::Finished, objective) => Some(objective),
            LiveTarget::Objective(..) | LiveTarget::Train(_) => None,
        };
        let mutes = |one: &Assignment| one.control.strip().is_some() || finished(one).is_some();
        let may_mute = all.iter().any(mutes);
        let before = (self.mixer.faders.clone(), self.settings.clone());
        let sampling = self.batches.sampling.clone();
        let rules = (self.mixer.weighting.clone(), self.mixer.shadows.clone());
        let changed: Result<Vec<Event>, String> =
            all.iter().map(|assignment| self.assign(assignment, origin)).collect();
        let refused = match changed {
            Err(why) => why,
            Ok(_) if all.is_empty() => "expected at least one change, found none".to_owned(),
            Ok(_) if may_mute && !self.mixer.faders.stays_active(self.counters.step.0) => {
                strips::none_active(all)
            }
            Ok(events) => {
                let is_weighting = |one: &Assignment| one.control.path() == "train.weighting";
                if all.iter().any(is_weighting) {
                    self.earlier = EarlierGradients::default();
                }
                // A patience begins anew where an objective is trained again.
                for objective in all.iter().filter_map(finished) {
                    if let Some(counters) = self.counters.objectives.get_mut(&objective) {
                        counters.evals_without_improvement = 0;
                    }
                }
                self.learner.apply(&self.plan, &self.settings, &self.mixer.faders);
                for event in events {
                    bus.emit(event);
                }
                self.report_plan(bus);
                return Ok(());
            }
        };
        (self.mixer.faders, self.settings) = before;
        (self.mixer.weighting, self.mixer.shadows) = rules;
        self.batches.sampling = sampling;
        Err(refused)
    }

    fn assign(&mut self, assignment: &Assignment, origin: Origin) -> Result<Event, String> {
        let Assignment { control, value, over } = assignment;
        let path = &control.path();
        let (row, target) = live::find(path).ok_or_else(|| live::refusal(path))?;
        if over.is_some() && row.setting != SettingId::Objective(ObjectiveSetting::Gain) {
            return Err(format!("`{path}`: only a gain can fade; set this at once"));
        }
        let assigned = Assigned { row, path, value };
        match target {
            LiveTarget::Train(setting) => self.set_of_run(setting, assigned, origin),
            LiveTarget::Objective(setting, objective) => match setting {
                ObjectiveSetting::Gain => {
                    self.set_gain(&objective, row.number(path, value)?, *over, origin)
                }
                ObjectiveSetting::Muted => {
                    self.set_muted(&objective, row.switch(path, value)?, origin)
                }
                ObjectiveSetting::Soloed => {
                    self.set_soloed(&objective, row.switch(path, value)?, origin)
                }
                ObjectiveSetting::ByRule => self.set_by_rule(&objective, assigned, origin),
                ObjectiveSetting::LearningRateFactor => {
                    self.set_number(&objective, assigned, origin, |settings, new| {
                        let factors = &mut settings.learning_rate_factors;
                        Some(factors.insert(objective.clone(), f64::from(new))? as f32)
                    })
                }
                // What is accumulated already stays, and counts.
                ObjectiveSetting::AccumulationSteps => {
                    self.set_number(&objective, assigned, origin, |settings, new| {
                        let steps = &mut settings.accumulation_steps;
                        Some(steps.insert(objective.clone(), new as u64)? as f32)
                    })
                }
                ObjectiveSetting::Finished => {
                    self.set_finished(&objective, row.switch(path, value)?, origin)
                }
                ObjectiveSetting::Strength => self.set_strength(&objective, assigned, origin),
            },
        }
    }

    fn store(&self, scene: Scene, origin: Origin, bus: &mut Bus) {
        let strips = self.mixer.faders.all().iter().map(|fader| {
            let gain = fader.gain.at(self.counters.step.0) as f32;
            let setting = StripSetting { gain, muted: fader.muted, soloed: fader.soloed };
            (fader.objective.clone(), setting)
        });
        bus.emit(SceneStored {
            at_ms: self.output.ms(),
            step: self.counters.step,
            scene,
            strips: strips.collect(),
            by: origin.by,
            command: origin.id,
        });
    }

    /// Runs one step as if training continued, then pauses. Several may be received at once:
    /// scheduled moves that are due are applied before each.
    fn step_once(&mut self, origin: Origin, bus: &mut Bus) -> Result<Result<(), String>> {
        self.make_moves(bus)?;
        if self.end(bus).is_some() {
            return Ok(Err(format!("the run ends at step {}", self.counters.step)));
        }
        if !self.mixer.is_active(self.counters.step) {
            return Ok(Err("no objective is active: every gain is 0, or muted".to_owned()));
        }
        self.train_step(bus)?;
        self.between_steps(bus)?;
        self.pause(true, origin, bus);
        Ok(Ok(()))
    }

    /// Evaluates dev on request; the result does not count for the best checkpoint or early
    /// stopping.
    fn evaluate_now(&self, origin: Origin, bus: &mut Bus) -> Result<Result<(), String>> {
        if self.plan.corpora.iter().all(|corpus| corpus.dev.is_none()) {
            return Ok(Err("no corpus has a dev split; give one a dev key".to_owned()));
        }
        self.evaluate(Split::Dev, self.counters.step, Trigger::Manual(origin.id), bus)?;
        Ok(Ok(()))
    }

    fn pause(&mut self, paused: bool, origin: Origin, bus: &mut Bus) {
        let (at_ms, step, Origin { by, id: command, .. }) =
            (self.output.ms(), self.counters.step, origin);
        self.control.paused = paused;
        if paused {
            bus.emit(Paused { at_ms, step, by, command });
        } else {
            bus.emit(Resumed { at_ms, step, by, command });
        }
    }
}
