//! Gains, mutes and solos.

use super::{Origin, Trainer};
use crate::{
    mixer::Fader,
    protocol::{
        Assignment, Event, ObjectiveId,
        event::{GainSet, Muted, Soloed},
    },
    schedule::{Schedule, Shape},
};

impl Trainer {
    /// Moves a fader, at once or over a number of updates.
    pub(super) fn set_gain(
        &mut self,
        objective: &ObjectiveId,
        gain: f32,
        over: Option<u64>,
        origin: Origin,
    ) -> Result<Event, String> {
        let (step, since) = (self.counters.step, self.counters.step.0);
        let to = f64::from(gain);
        let fader = self.fader(objective)?;
        let before = fader.gain;
        let was_by_hand = std::mem::replace(&mut fader.by_hand, true);
        fader.gain = match over {
            None => Schedule::Constant(to),
            Some(0) => {
                return Err(format!(
                    "`objective.{objective}.gain`: expected a fade over at least 1 step, found 0"
                ));
            }
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
            by: origin.by,
            command: origin.id,
            ended_schedule: !was_by_hand && before.moves_after(since),
            over,
            undoes: origin.undoes,
        }
        .into())
    }

    pub(in crate::train) fn set_muted(
        &mut self,
        objective: &ObjectiveId,
        muted: bool,
        origin: Origin,
    ) -> Result<Event, String> {
        self.fader(objective)?.muted = muted;
        let (at_ms, step, objective) = (self.output.ms(), self.counters.step, objective.clone());
        let (from, Origin { by, id: command, undoes }) = (step.next(), origin);
        Ok(Muted { at_ms, step, from, objective, muted, by, command, undoes }.into())
    }

    pub(super) fn set_soloed(
        &mut self,
        objective: &ObjectiveId,
        soloed: bool,
        origin: Origin,
    ) -> Result<Event, String> {
        self.fader(objective)?.soloed = soloed;
        let (at_ms, step, objective) = (self.output.ms(), self.counters.step, objective.clone());
        let (from, Origin { by, id: command, undoes }) = (step.next(), origin);
        Ok(Soloed { at_ms, step, from, objective, soloed, by, command, undoes }.into())
    }

    pub(super) fn fader(&mut self, objective: &ObjectiveId) -> Result<&mut Fader, String> {
        let found = self.mixer.faders.find(objective);
        found.ok_or_else(|| format!("the recipe has no objective `{objective}`"))
    }
}

/// Why these values are rejected: no objective would be active.
pub(super) fn none_active(all: &[Assignment]) -> String {
    let names: Vec<&ObjectiveId> = all.iter().filter_map(|one| one.control.strip()).collect();
    match names[..] {
        [objective] => {
            format!(
                "`{objective}` is the last active objective; unmute or turn up another one first"
            )
        }
        _ => "no objective would be active any more; leave one active".to_owned(),
    }
}
