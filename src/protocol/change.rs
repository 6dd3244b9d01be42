//! What can be changed during training, and the changes that events report.
//!
//! Every live value is a [`Control`] with a [`Setting`]. A command assigns values ([`Assignment`]);
//! each event that answers it has the old and the new value ([`Change`]). Undo, redo, `--moves`,
//! the chart's marks, the log's descriptions and the desk's pending state are all based on these.

use super::{Assignment, By, Command, CommandId, Control, Event, Step, event::Setting};

/// A change of one control.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The control.
    pub control: Control,
    /// The old value.
    pub old: Setting,
    /// The new value, at the end of the fade if there is one.
    pub new: Setting,
    /// The number of updates of a fade; `None` for an immediate change.
    pub over: Option<u64>,
}

/// A change as an event reports it.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// The change.
    pub change: Change,
    /// The first step computed with the new value.
    pub from: Step,
    /// Who changed it.
    pub by: By,
    /// The command whose changes this undid or redid.
    pub undoes: Option<CommandId>,
    /// Whether it ended a schedule of the recipe, as far as the event says.
    pub ended_schedule: bool,
}

impl Event {
    /// The change that this event reports, if it does.
    pub fn changed(&self) -> Option<Changed> {
        let (number, switch) = (Setting::Number, Setting::Switch);
        let (control, old, new, from, by, undoes) = match self {
            Self::GainSet(e) => {
                let control = Control::Gain(e.objective.clone());
                (control, number(e.old), number(e.new), e.from, e.by, e.undoes)
            }
            Self::Muted(e) => {
                let control = Control::Muted(e.objective.clone());
                (control, switch(!e.muted), switch(e.muted), e.from, e.by, e.undoes)
            }
            Self::Soloed(e) => {
                let control = Control::Soloed(e.objective.clone());
                (control, switch(!e.soloed), switch(e.soloed), e.from, e.by, e.undoes)
            }
            Self::SettingSet(e) => {
                let control = Control::Setting(e.path.clone());
                (control, e.old.clone(), e.new.clone(), e.from, e.by, e.undoes)
            }
            Self::RunStarted(_)
            | Self::StepDone(_)
            | Self::LengthChanged(_)
            | Self::SamplingAdapted(_)
            | Self::SceneStored(_)
            | Self::CommandRefused(_)
            | Self::Paused(_)
            | Self::Resumed(_)
            | Self::Evaluated(_)
            | Self::ClassesScored(_)
            | Self::SamplesTaken(_)
            | Self::GradientsMeasured(_)
            | Self::ShadowShares(_)
            | Self::AffinitiesMeasured(_)
            | Self::PhasesTimed(_)
            | Self::CheckpointSaved(_)
            | Self::NonFiniteLoss(_)
            | Self::GuardTripped(_)
            | Self::Noted(_)
            | Self::Continued(_)
            | Self::Rewound(_)
            | Self::ScreenMissed(_)
            | Self::RunEnded(_) => return None,
        };
        let (over, ended_schedule) = match self {
            Self::GainSet(e) => (e.over, e.ended_schedule),
            _ => (None, false),
        };
        let change = Change { control, old, new, over };
        Some(Changed { change, from, by, undoes, ended_schedule })
    }
}

impl Change {
    /// The change that undoes it, immediately also for a fade.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let Self { control, old, new, .. } = self.clone();
        Self { control, old: new, new: old, over: None }
    }

    /// The assignment that repeats it.
    pub fn to_assignment(&self) -> Assignment {
        let Self { control, new, over, .. } = self.clone();
        Assignment { control, value: new, over }
    }

    /// The command that repeats it.
    pub fn to_command(&self) -> Command {
        self.to_assignment().into()
    }

    /// Merges a later nudge of the same fader; returns whether it was one.
    pub fn extend(&mut self, later: &Self) -> bool {
        let is_nudge = matches!(self.control, Control::Gain(_))
            && self.control == later.control
            && self.over.is_none()
            && later.over.is_none();
        if is_nudge {
            self.new = later.new.clone();
        }
        is_nudge
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary;
    use crate::protocol::ObjectiveId;

    proptest! {
        #[test]
        fn the_inverse_of_the_inverse_is_the_change_itself(
            events in arbitrary::events()
        ) {
            for Changed { change, .. } in events.iter().filter_map(Event::changed) {
                let back = change.inverse();
                prop_assert_eq!(back.to_command(), change.control.clone().assign(change.old.clone()).into());
                let again = back.inverse();
                prop_assert_eq!(again, Change { over: None, ..change });
            }
        }
    }

    #[test]
    fn every_control_on_a_strip_has_a_path() {
        let pos = || ObjectiveId::from("pos");
        assert_eq!(Control::of_path("objective.pos.gain"), Control::Gain(pos()));
        assert_eq!(Control::of_path("objective.pos.muted"), Control::Muted(pos()));
        assert_eq!(Control::of_path("objective.pos.soloed"), Control::Soloed(pos()));
        for path in ["objective.pos.strength", "train.learning_rate", "gain", "objective.gain"] {
            assert_eq!(Control::of_path(path), Control::Setting(path.to_owned()));
        }
        for control in [Control::Gain(pos()), Control::Muted(pos()), Control::Soloed(pos())] {
            assert_eq!(Control::of_path(&control.path()), control);
        }
    }

    #[test]
    fn the_command_that_repeats_a_fade_fades() {
        let event = arbitrary::gain_set(1, "pos", 0.5, 1.0);
        let fade = crate::protocol::event::GainSet { over: Some(4), ..event };
        let Changed { change, .. } = Event::from(fade).changed().unwrap();
        assert_eq!(change.to_command(), Assignment::fade("pos".into(), 1.0, 4).into());
        assert_eq!(change.inverse().to_command(), Assignment::gain("pos".into(), 0.5).into());
    }
}
