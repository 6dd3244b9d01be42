//! Live values of a run, and assignments to them.

use serde::{Deserialize, Serialize};

use super::{ObjectiveId, event::Setting};

/// One live value of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// An objective's fader, a number of at least 0.
    Gain(ObjectiveId),
    /// Whether an objective is muted.
    Muted(ObjectiveId),
    /// Whether an objective is soloed.
    Soloed(ObjectiveId),
    /// Any other live setting, by its path in the recipe: `train.learning_rate`.
    Setting(String),
}

impl Control {
    /// The control with a path: `objective.NAME.gain`, `.muted`, `.soloed`, or a setting's own.
    pub fn of_path(path: &str) -> Self {
        let of_objective = path.strip_prefix("objective.").and_then(|rest| rest.rsplit_once('.'));
        match of_objective {
            Some((name, "gain")) => Self::Gain(name.into()),
            Some((name, "muted")) => Self::Muted(name.into()),
            Some((name, "soloed")) => Self::Soloed(name.into()),
            _ => Self::Setting(path.to_owned()),
        }
    }

    /// Its path: `objective.NAME.gain`, `.muted`, `.soloed`, or the path of a setting.
    pub fn path(&self) -> String {
        match self {
            Self::Gain(objective) => format!("objective.{objective}.gain"),
            Self::Muted(objective) => format!("objective.{objective}.muted"),
            Self::Soloed(objective) => format!("objective.{objective}.soloed"),
            Self::Setting(path) => path.clone(),
        }
    }

    /// The objective whose strip it belongs to; `None` for a setting.
    pub fn strip(&self) -> Option<&ObjectiveId> {
        match self {
            Self::Gain(objective) | Self::Muted(objective) | Self::Soloed(objective) => {
                Some(objective)
            }
            Self::Setting(_) => None,
        }
    }

    /// An immediate assignment of a value to it.
    pub fn assign(self, value: Setting) -> Assignment {
        Assignment { control: self, value, over: None }
    }
}

/// Who sets an objective's share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShareBy {
    /// The weighting rule.
    #[default]
    Rule,
    /// The user, with the gain alone: the share is 1.
    Hand,
}

/// Whether an objective is still trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Training {
    /// It is, while it is active.
    #[default]
    Ongoing,
    /// It is not, and its own parameters are frozen.
    Finished,
}

impl Training {
    /// Ongoing if `is_ongoing`.
    pub fn when(is_ongoing: bool) -> Self {
        if is_ongoing { Self::Ongoing } else { Self::Finished }
    }

    /// Whether the objective is finished.
    pub fn is_finished(self) -> bool {
        self == Self::Finished
    }
}

impl ShareBy {
    /// The rule, if it is by rule.
    pub fn when(by_rule: bool) -> Self {
        if by_rule { Self::Rule } else { Self::Hand }
    }

    /// Whether it is the rule.
    pub fn is_rule(self) -> bool {
        self == Self::Rule
    }
}

/// An assignment of a value to a control. Values are absolute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// The control.
    pub control: Control,
    /// The new value.
    pub value: Setting,
    /// The number of updates of a linear fade; `None` for an immediate change. Only a gain fades.
    pub over: Option<u64>,
}

impl Assignment {
    /// An immediate change of a gain.
    pub fn gain(objective: ObjectiveId, gain: f32) -> Self {
        Control::Gain(objective).assign(Setting::Number(gain))
    }

    /// A fade of a gain over a number of updates, at least 1.
    pub fn fade(objective: ObjectiveId, gain: f32, over: u64) -> Self {
        Self { over: Some(over), ..Self::gain(objective, gain) }
    }

    /// Mutes or unmutes; the gain is kept.
    pub fn muted(objective: ObjectiveId, muted: bool) -> Self {
        Control::Muted(objective).assign(Setting::Switch(muted))
    }

    /// Solos or unsolos; while any objective is soloed, only soloed ones are active.
    pub fn soloed(objective: ObjectiveId, soloed: bool) -> Self {
        Control::Soloed(objective).assign(Setting::Switch(soloed))
    }

    /// Sets a setting, or the control that has this path.
    pub fn setting(path: &str, value: Setting) -> Self {
        Control::of_path(path).assign(value)
    }
}
