//! Moves of faders, mutes and solos. Those of one command are made together or not at all: what
//! lies between two mixes may be silent, and neither of them is.

use super::{Origin, Trainer};
use crate::{
    bus::Bus,
    mixer::Fader,
    protocol::{
        Command, Event, ObjectiveId,
        event::{GainSet, Muted, Soloed},
    },
    schedule::{Schedule, Shape},
};

impl Trainer {
    /// Makes the moves and tells each, or says why none was made.
    pub(super) fn move_strips(
        &mut self,
        commands: &[Command],
        from: Origin,
        bus: &mut Bus,
    ) -> Result<(), String> {
        let before = self.mixer.faders.clone();
        let moved: Result<Vec<Event>, String> =
            commands.iter().map(|command| self.move_strip(command, from)).collect();
        let refused = match moved {
            Err(why) => why,
            Ok(_) if commands.is_empty() => "expected at least one change, found none".to_owned(),
            Ok(_) if !self.mixer.faders.stays_active(self.counters.step.0) => silent(commands),
            Ok(events) => {
                for event in events {
                    bus.tell(event);
                }
                return Ok(());
            }
        };
        self.mixer.faders = before;
        Err(refused)
    }

    fn move_strip(&mut self, command: &Command, from: Origin) -> Result<Event, String> {
        let (step, at_ms) = (self.counters.step, self.output.ms());
        let Origin { by, id, undoes } = from;
        Ok(match command {
            Command::SetMuted { objective, muted } => {
                self.fader(objective)?.muted = *muted;
                let (objective, muted) = (objective.clone(), *muted);
                let (from, command) = (step.next(), id);
                Muted { at_ms, step, from, objective, muted, by, command, undoes }.into()
            }
            Command::SetSoloed { objective, soloed } => {
                self.fader(objective)?.soloed = *soloed;
                let (objective, soloed) = (objective.clone(), *soloed);
                let (from, command) = (step.next(), id);
                Soloed { at_ms, step, from, objective, soloed, by, command, undoes }.into()
            }
            Command::SetGain { objective, gain } => self.turn(objective, *gain, None, from)?,
            Command::Fade { objective, to, over } => {
                self.turn(objective, *to, Some(*over), from)?
            }
            _ => return Err("only gains, mutes and solos move together".to_owned()),
        })
    }

    /// Turns a fader, at once or over so many updates.
    fn turn(
        &mut self,
        objective: &ObjectiveId,
        gain: f32,
        over: Option<u64>,
        by: Origin,
    ) -> Result<Event, String> {
        if !gain.is_finite() || gain < 0.0 {
            return Err(format!("expected a finite gain of at least 0, found {gain}"));
        }
        let (step, since) = (self.counters.step, self.counters.step.0);
        let to = f64::from(gain);
        let fader = self.fader(objective)?;
        let before = fader.gain;
        let was_by_hand = std::mem::replace(&mut fader.by_hand, true);
        fader.gain = match over {
            None => Schedule::Constant(to),
            Some(0) => return Err("expected a fade over at least 1 step, found 0".to_owned()),
            Some(steps) => {
                Schedule::Ramp { shape: Shape::Linear, from: before.at(since), to, steps, since }
            }
        };
        Ok(GainSet {
            at_ms: self.output.ms(),
            step,
            from: step.next(),
            objective: objective.clone(),
            old: before.at(since) as f32,
            new: gain,
            by: by.by,
            command: by.id,
            ended_schedule: !was_by_hand && before.moves_after(since),
            over,
            undoes: by.undoes,
        }
        .into())
    }

    fn fader(&mut self, objective: &ObjectiveId) -> Result<&mut Fader, String> {
        self.mixer.faders.find(objective).ok_or_else(|| format!("no objective named {objective}"))
    }
}

fn silent(commands: &[Command]) -> String {
    let names: Vec<&ObjectiveId> = commands.iter().flat_map(Command::objectives).collect();
    match names[..] {
        [objective] => {
            format!("{objective} is the last objective that sounds; let another one sound first")
        }
        _ => "nothing would sound any more; let one objective sound".to_owned(),
    }
}
