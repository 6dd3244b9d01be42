//! Commands obeyed between two steps, each answered by an event that names the step.

mod settings;
mod strips;

use anyhow::Result;

use super::{Trainer, evaluation::Trigger};
use crate::{
    bus::Bus,
    protocol::{
        By, Command, CommandId, Order, Scene,
        event::{CommandRefused, Noted, Paused, Resumed, SceneStored, Split, StripSetting},
    },
};

/// Who wishes, and what its answer repeats; a move of a journal has no number.
#[derive(Clone, Copy)]
struct Origin {
    by: By,
    id: Option<CommandId>,
    undoes: Option<CommandId>,
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
        while let Some(command) =
            self.control.moves.due(self.counters.step.next(), self.counters.consecutive_non_finite)
        {
            self.carry_out(command, Origin { by: By::Moves, id: None, undoes: None }, bus)?;
        }
        Ok(())
    }

    /// Obeys one order, or tells why not.
    pub(super) fn obey(&mut self, order: Order, bus: &mut Bus) -> Result<()> {
        let Order { id, by, command, undoes } = order;
        self.carry_out(command, Origin { by, id: Some(id), undoes }, bus)
    }

    fn carry_out(&mut self, command: Command, from: Origin, bus: &mut Bus) -> Result<()> {
        let refused = match command {
            Command::SetGain { .. }
            | Command::Fade { .. }
            | Command::SetMuted { .. }
            | Command::SetSoloed { .. } => self.move_strips(&[command], from, bus),
            Command::Several(commands) => self.move_strips(&commands, from, bus),
            Command::StoreScene { scene } => {
                self.store(scene, from, bus);
                Ok(())
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
                let Origin { by, id: command, .. } = from;
                bus.tell(Noted {
                    at_ms: self.output.ms(),
                    step: self.counters.step,
                    text,
                    by,
                    command,
                });
                Ok(())
            }
            Command::Checkpoint => {
                self.save(&format!("step-{}", self.counters.step), from.id, bus)?;
                Ok(())
            }
            Command::Evaluate => self.look(from, bus)?,
            Command::Stop { reason } => {
                self.control.stop = Some(reason);
                Ok(())
            }
        };
        if let Err(why) = refused {
            bus.tell(CommandRefused {
                at_ms: self.output.ms(),
                step: self.counters.step,
                command: from.id,
                why,
            });
        }
        Ok(())
    }

    fn store(&self, scene: Scene, from: Origin, bus: &mut Bus) {
        let strips = self.mixer.faders.all().iter().map(|fader| {
            let gain = fader.gain.at(self.counters.step.0) as f32;
            let setting = StripSetting { gain, muted: fader.muted, soloed: fader.soloed };
            (fader.objective.clone(), setting)
        });
        bus.tell(SceneStored {
            at_ms: self.output.ms(),
            step: self.counters.step,
            scene,
            strips: strips.collect(),
            by: from.by,
            command: from.id,
        });
    }

    /// Does a step as if the run went on, and holds it. Several may come at once: what is due before
    /// each is looked for again.
    fn step_once(&mut self, from: Origin, bus: &mut Bus) -> Result<Result<(), String>> {
        self.obey_moves(bus)?;
        if self.end(bus).is_some() {
            return Ok(Err(format!("the run ends at step {}", self.counters.step)));
        }
        if !self.mixer.is_active(self.counters.step) {
            return Ok(Err("nothing sounds: every gain is 0, or muted".to_owned()));
        }
        self.train_step(bus)?;
        self.between_steps(bus)?;
        self.pause(true, from, bus);
        Ok(Ok(()))
    }

    /// Scores dev for somebody who looks.
    fn look(&self, from: Origin, bus: &mut Bus) -> Result<Result<(), String>> {
        if self.plan.corpora.iter().all(|corpus| corpus.dev.is_none()) {
            return Ok(Err("no corpus has a dev split; give one a dev key".to_owned()));
        }
        self.evaluate(Split::Dev, self.counters.step, Trigger::Manual(from.id), bus)?;
        Ok(Ok(()))
    }

    fn pause(&mut self, paused: bool, from: Origin, bus: &mut Bus) {
        let (at_ms, step, Origin { by, id: command, .. }) =
            (self.output.ms(), self.counters.step, from);
        self.control.paused = paused;
        if paused {
            bus.tell(Paused { at_ms, step, by, command });
        } else {
            bus.tell(Resumed { at_ms, step, by, command });
        }
    }
}
