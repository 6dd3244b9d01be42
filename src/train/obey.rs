//! Commands obeyed between two steps, each answered by an event that names the step.

use anyhow::Result;

use super::{Trainer, rounds::Counts};
use crate::{
    bus::Bus,
    protocol::{
        By, Command, CommandId, ObjectiveId, Order,
        event::{
            CommandRefused, GainSet, Muted, Noted, Paused, Resumed, Setting, SettingSet, Soloed,
            Split,
        },
    },
    schedule::Schedule,
};

/// Who wishes, and what its answer repeats; a move of a journal has no number.
#[derive(Clone, Copy)]
struct From {
    by: By,
    id: Option<CommandId>,
}

impl Trainer {
    /// Obeys the moves that are due and everything on the wire.
    pub(super) fn obey_all(&mut self, bus: &mut Bus) -> Result<()> {
        self.obey_moves(bus)?;
        for order in bus.orders() {
            self.obey(order, bus)?;
        }
        Ok(())
    }

    /// Obeys the moves that hold from the next step on.
    fn obey_moves(&mut self, bus: &mut Bus) -> Result<()> {
        while let Some(command) = self.moves.due(self.step.next(), self.broken_in_a_row) {
            self.carry_out(command, From { by: By::Moves, id: None }, bus)?;
        }
        Ok(())
    }

    /// Obeys one order, or tells why not.
    pub(super) fn obey(&mut self, order: Order, bus: &mut Bus) -> Result<()> {
        let Order { id, by, command } = order;
        self.carry_out(command, From { by, id: Some(id) }, bus)
    }

    fn carry_out(&mut self, command: Command, from: From, bus: &mut Bus) -> Result<()> {
        let refused = match command {
            Command::SetGain { objective, gain } => self.set_gain(&objective, gain, from, bus),
            Command::SetMuted { objective, muted } => self.set_muted(&objective, muted, from, bus),
            Command::SetSoloed { objective, soloed } => {
                self.set_soloed(&objective, soloed, from, bus)
            }
            Command::Set { path, value } => self.set(path, &value, from, bus),
            Command::Pause => {
                self.pause(true, from, bus);
                Ok(())
            }
            Command::Resume => {
                self.pause(false, from, bus);
                Ok(())
            }
            Command::StepOnce => self.step_once(from, bus)?,
            Command::Note { text } => {
                let From { by, id: command } = from;
                bus.tell(Noted { at_ms: self.clock.ms(), step: self.step, text, by, command });
                Ok(())
            }
            Command::Checkpoint => {
                self.save(&format!("step-{}", self.step), from.id, bus)?;
                Ok(())
            }
            Command::Evaluate => self.look(from, bus)?,
            Command::Stop { reason } => {
                self.stop = Some(reason);
                Ok(())
            }
        };
        if let Err(why) = refused {
            bus.tell(CommandRefused {
                at_ms: self.clock.ms(),
                step: self.step,
                command: from.id,
                why,
            });
        }
        Ok(())
    }

    fn set_gain(
        &mut self,
        objective: &ObjectiveId,
        gain: f32,
        from: From,
        bus: &mut Bus,
    ) -> Result<(), String> {
        if !gain.is_finite() || gain < 0.0 {
            return Err(format!("a gain of {gain}; wanted a finite number of at least 0"));
        }
        let done = self.step.0;
        let before = self.fader(objective)?.gain;
        self.fader(objective)?.gain = Schedule::Constant(f64::from(gain));
        if !self.faders.anything_sounds(done) {
            self.fader(objective)?.gain = before;
            return Err(last_sounding(objective));
        }
        bus.tell(GainSet {
            at_ms: self.clock.ms(),
            step: self.step,
            from: self.step.next(),
            objective: objective.clone(),
            old: before.at(done) as f32,
            new: gain,
            by: from.by,
            command: from.id,
            ended_schedule: before.moves_after(done),
        });
        Ok(())
    }

    fn set_muted(
        &mut self,
        objective: &ObjectiveId,
        muted: bool,
        from: From,
        bus: &mut Bus,
    ) -> Result<(), String> {
        let before = std::mem::replace(&mut self.fader(objective)?.muted, muted);
        if !self.faders.anything_sounds(self.step.0) {
            self.fader(objective)?.muted = before;
            return Err(last_sounding(objective));
        }
        bus.tell(Muted {
            at_ms: self.clock.ms(),
            step: self.step,
            from: self.step.next(),
            objective: objective.clone(),
            muted,
            by: from.by,
            command: from.id,
        });
        Ok(())
    }

    fn set_soloed(
        &mut self,
        objective: &ObjectiveId,
        soloed: bool,
        from: From,
        bus: &mut Bus,
    ) -> Result<(), String> {
        let before = std::mem::replace(&mut self.fader(objective)?.soloed, soloed);
        if !self.faders.anything_sounds(self.step.0) {
            self.fader(objective)?.soloed = before;
            return Err(last_sounding(objective));
        }
        bus.tell(Soloed {
            at_ms: self.clock.ms(),
            step: self.step,
            from: self.step.next(),
            objective: objective.clone(),
            soloed,
            by: from.by,
            command: from.id,
        });
        Ok(())
    }

    /// Changes one of the keys that are declared live.
    fn set(
        &mut self,
        path: String,
        value: &Setting,
        from: From,
        bus: &mut Bus,
    ) -> Result<(), String> {
        let Setting::Number(number) = *value else {
            return Err(format!("{path}: wanted a number"));
        };
        let whole = number >= 0.0 && number.fract() == 0.0;
        let old = match path.as_str() {
            "train.rate" if number.is_finite() && number >= 0.0 => {
                let old = self.rate.at(self.step.0) as f32;
                self.rate = Schedule::Constant(f64::from(number));
                old
            }
            "train.rate" => return Err(format!("a rate of {number}; wanted at least 0")),
            "train.gradients" if whole => {
                let old = self.gradients_every as f32;
                self.gradients_every = number as u64;
                old
            }
            "train.gradients" => return Err(format!("{number} steps; wanted a whole number")),
            _ => {
                return Err(format!(
                    "{path} is not live; live are train.rate, train.gradients and every gain"
                ));
            }
        };
        bus.tell(SettingSet {
            at_ms: self.clock.ms(),
            step: self.step,
            from: self.step.next(),
            path,
            old: Setting::Number(old),
            new: value.clone(),
            by: from.by,
            command: from.id,
        });
        Ok(())
    }

    /// Does a step as if the run went on, and holds it. Several may come at once: what is due before
    /// each is looked for again.
    fn step_once(&mut self, from: From, bus: &mut Bus) -> Result<Result<(), String>> {
        self.obey_moves(bus)?;
        if self.end(bus).is_some() {
            return Ok(Err(format!("the run ends at step {}", self.step)));
        }
        self.one_step(bus)?;
        self.between_steps(bus)?;
        self.pause(true, from, bus);
        Ok(Ok(()))
    }

    /// Scores dev for somebody who looks.
    fn look(&self, from: From, bus: &mut Bus) -> Result<Result<(), String>> {
        if self.corpora.iter().all(|corpus| corpus.dev.is_none()) {
            return Ok(Err("no corpus has a dev split; give one a dev key".to_owned()));
        }
        self.evaluate(Split::Dev, self.step, Counts::No(from.id), bus)?;
        Ok(Ok(()))
    }

    fn pause(&mut self, paused: bool, from: From, bus: &mut Bus) {
        let (at_ms, step, From { by, id: command }) = (self.clock.ms(), self.step, from);
        self.paused = paused;
        if paused {
            bus.tell(Paused { at_ms, step, by, command });
        } else {
            bus.tell(Resumed { at_ms, step, by, command });
        }
    }

    fn fader(&mut self, objective: &ObjectiveId) -> Result<&mut crate::mixer::Fader, String> {
        self.faders.find(objective).ok_or_else(|| format!("no objective named {objective}"))
    }
}

fn last_sounding(objective: &ObjectiveId) -> String {
    format!("{objective} is the last objective that sounds; let another one sound first")
}
