//! Live settings: the values that can be changed during training. The keys of recipes, `auxdesk list`, the trainer,
//! the desk and the glossary all use this one table, so that they agree by construction.
//!
//! A row declares a setting's path, its values and its help. The trainer implements it, in
//! `train/commands/settings.rs`, or in `train/commands/strips.rs` for faders.

use crate::{
    keys::{DefaultValue, Key, MAX_NUMBER, ValueType},
    protocol::{ObjectiveId, event::Setting},
};

/// A setting that can be changed during training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingId {
    /// One for the whole run.
    Train(TrainSetting),
    /// One for each objective.
    Objective(ObjectiveSetting),
}

/// A live setting of `[train]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainSetting {
    /// The learning rate.
    LearningRate,
    /// Gradient clipping.
    ClipNorm,
    /// The sampling rule.
    Sampling,
    /// The weighting rule.
    Weighting,
    /// The rules whose shares are shown beside those in force.
    ShadowWeightings,
    /// The interval of gradient measurements.
    MeasureGradientsEvery,
    /// The cost of affinities.
    AffinityBudget,
    /// The number of samples at each evaluation.
    Samples,
    /// Whether samples are those with the largest losses.
    WorstSamples,
}

/// A live setting of an objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectiveSetting {
    /// Its gain.
    Gain,
    /// Whether it is muted.
    Muted,
    /// Whether it is soloed.
    Soloed,
    /// Whether the weighting rule sets its share.
    ByRule,
    /// The factor of the learning rate of its own parameters.
    LearningRateFactor,
    /// The number of its steps whose gradients are accumulated for an update.
    AccumulationSteps,
    /// Whether it is finished.
    Finished,
    /// The factor of its reversed gradient.
    Strength,
}

/// A live setting, with the objective it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveTarget {
    /// One of the run.
    Train(TrainSetting),
    /// One of an objective, which need not be in the recipe.
    Objective(ObjectiveSetting, ObjectiveId),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct LiveSetting {
    /// Its identifier.
    pub setting: SettingId,
    /// Its key in `[train]` or in an `[[objective]]`.
    pub key: Key,
    /// A hint on the input at the desk: lower case, no full stop.
    pub hint: &'static str,
}

/// `train.learning_rate`.
pub const LEARNING_RATE: Key = Key::with_default(
    "learning_rate",
    ValueType::Schedule(0.0, MAX_NUMBER),
    "0.001",
    "learning rate",
);

/// `train.clip_norm`.
pub const CLIP_NORM: Key = Key::with_default(
    "clip_norm",
    ValueType::Either(&[ValueType::Number(1e-6, MAX_NUMBER), ValueType::Choice(&[NONE])]),
    "\"none\"",
    "gradient clipping: maximum global norm",
);

/// No clipping.
pub const NONE: &str = "none";

/// `train.sampling` as a line of text. A recipe also takes tables.
pub const SAMPLING: Key =
    Key::with_default("sampling", ValueType::Text, "\"proportional\"", "sampling rule for groups");

/// `train.weighting` as a line of text. A recipe also takes tables.
pub const WEIGHTING: Key = Key::with_default(
    "weighting",
    ValueType::Text,
    "\"equal\"",
    "weighting rule that sets the shares",
);

/// `train.shadow_weightings` as a line of text. A recipe has an array.
pub const SHADOW_WEIGHTINGS: Key = Key::with_default(
    "shadow_weightings",
    ValueType::Text,
    "\"none\"",
    "weighting rules whose shares are measured with the gradients and not applied",
);

/// `train.measure_gradients_every`.
pub const MEASURE_GRADIENTS_EVERY: Key = Key::with_default(
    "measure_gradients_every",
    ValueType::Count(0),
    "0",
    "measure per-objective gradients every N steps; 0 for never",
);

/// `train.affinity_budget`.
pub const AFFINITY_BUDGET: Key = Key::with_default(
    "affinity_budget",
    ValueType::Number(0.0, 1.0),
    "0",
    "cost of measured affinities, as a part of that of the training steps; 0 for never",
);

/// `train.samples`.
pub const SAMPLES: Key = Key::with_default(
    "samples",
    ValueType::Within(0, 20),
    "3",
    "examples of dev that the journal has with gold and prediction of each objective, at each evaluation",
);

/// `train.worst_samples`.
pub const WORST_SAMPLES: Key = Key::with_default(
    "worst_samples",
    ValueType::Switch,
    "false",
    "whether these are the examples with the largest losses, or drawn by the seed",
);

/// `objective.NAME.gain`.
pub const GAIN: Key = Key::with_default(
    "gain",
    ValueType::Schedule(0.0, MAX_NUMBER),
    "1",
    "multiplier of the loss: weight = gain * share",
);

/// `objective.NAME.muted`.
pub const MUTED: Key = Key::with_default(
    "muted",
    ValueType::Switch,
    "false",
    "muted: the weight is 0 and the gain is kept",
);

/// `objective.NAME.soloed`. Not a key of recipes: a run starts without solos.
const SOLOED: Key =
    Key::with_default("soloed", ValueType::Switch, "false", "train only what is soloed");

/// `objective.NAME.by_rule`.
pub const BY_RULE: Key = Key::with_default(
    "by_rule",
    ValueType::Switch,
    "true",
    "whether the weighting rule sets its share; otherwise the share is 1",
);

/// `objective.NAME.learning_rate_factor`.
pub const LEARNING_RATE_FACTOR: Key = Key::with_default(
    "learning_rate_factor",
    ValueType::Number(0.0, MAX_NUMBER),
    "1",
    "factor of the learning rate of its own parameters, which no other objective reaches",
);

/// `objective.NAME.accumulation_steps`.
pub const ACCUMULATION_STEPS: Key = Key::with_default(
    "accumulation_steps",
    ValueType::Count(1),
    "1",
    "gradient accumulation: the number of its steps whose mean gradient is applied in the last of them",
);

/// `objective.NAME.finished`.
pub const FINISHED: Key = Key::with_default(
    "finished",
    ValueType::Switch,
    "false",
    "finished: no longer trained, its own parameters frozen, still evaluated",
);

/// `objective.NAME.strength`.
pub const STRENGTH: Key = Key::optional(
    "strength",
    ValueType::Schedule(0.0, MAX_NUMBER),
    "factor of a reversed gradient; default: 1",
);

const fn train(setting: TrainSetting, key: Key, hint: &'static str) -> LiveSetting {
    LiveSetting { setting: SettingId::Train(setting), key, hint }
}

const fn objective(setting: ObjectiveSetting, key: Key, hint: &'static str) -> LiveSetting {
    LiveSetting { setting: SettingId::Objective(setting), key, hint }
}

use ObjectiveSetting as O;
use TrainSetting as T;

/// Every live setting.
#[rustfmt::skip]
pub static SETTINGS: &[LiveSetting] = &[
    train(T::LearningRate, LEARNING_RATE, "for example 0.0005; ends a learning-rate schedule"),
    train(T::ClipNorm, CLIP_NORM, "for example 5, or none for no clipping"),
    train(T::Sampling, SAMPLING, "fixed GROUP=0.8 .., temperature 2, uniform, stop-and-go, bandit, interference, all"),
    train(T::Weighting, WEIGHTING, "for example dwa temperature=2, upgrad, or equal; its memory begins anew"),
    train(T::ShadowWeightings, SHADOW_WEIGHTINGS, "for example dwa temperature=2, upgrad; or none"),
    train(T::MeasureGradientsEvery, MEASURE_GRADIENTS_EVERY, "interval in steps; 0 for never"),
    train(T::AffinityBudget, AFFINITY_BUDGET, "for example 0.02; 0 for never"),
    train(T::Samples, SAMPLES, "for example 5; 0 for none"),
    train(T::WorstSamples, WORST_SAMPLES, "true or false"),
    objective(O::Gain, GAIN, "for example 0.8; ends the gain's schedule"),
    objective(O::Muted, MUTED, "true or false"),
    objective(O::Soloed, SOLOED, "true or false"),
    objective(O::ByRule, BY_RULE, "true or false"),
    objective(O::LearningRateFactor, LEARNING_RATE_FACTOR, "for example 0.5; 1 for the learning rate itself"),
    objective(O::AccumulationSteps, ACCUMULATION_STEPS, "a number of steps; 1 for none"),
    objective(O::Finished, FINISHED, "true or false"),
    objective(O::Strength, STRENGTH, "for example 0.5; ends the strength's schedule"),
];

/// The setting with this path in a recipe.
pub fn find(path: &str) -> Option<(&'static LiveSetting, LiveTarget)> {
    let (owner, key) = path.rsplit_once('.')?;
    let mut rows = SETTINGS.iter().filter(|row| row.key.name == key);
    rows.find_map(|row| {
        let target = match row.setting {
            SettingId::Train(setting) if owner == "train" => LiveTarget::Train(setting),
            SettingId::Train(_) => return None,
            SettingId::Objective(setting) => {
                LiveTarget::Objective(setting, owner.strip_prefix("objective.")?.into())
            }
        };
        Some((row, target))
    })
}

/// The error for a path that is not that of a live setting.
pub fn refusal(path: &str) -> String {
    let live: Vec<String> = SETTINGS.iter().map(|row| format!("`{}`", row.pattern())).collect();
    let live = live.join(", ");
    format!("`{path}` can't be changed during training; live settings are {live}")
}

impl LiveSetting {
    /// The row of a setting.
    pub fn of(setting: SettingId) -> &'static Self {
        let row = SETTINGS.iter().find(|row| row.setting == setting);
        row.expect("every live setting has a row")
    }

    /// Its path in a recipe, with NAME for the objective's name: `objective.NAME.gain`.
    pub fn pattern(&self) -> String {
        match self.setting {
            SettingId::Train(_) => format!("train.{}", self.key.name),
            SettingId::Objective(_) => format!("objective.NAME.{}", self.key.name),
        }
    }

    /// Its path in a recipe; of that objective, if each has one.
    pub fn path_of(&self, objective: &ObjectiveId) -> String {
        self.pattern().replace("NAME", objective.as_str())
    }

    /// A description of the values it takes during training: those of the recipe's key without schedules.
    pub fn takes(&self) -> String {
        describe(&self.key.takes)
    }

    /// Whether it takes whole numbers only.
    pub fn is_count(&self) -> bool {
        matches!(self.key.takes, ValueType::Count(_) | ValueType::Within(..))
    }

    /// Parses a line of text for the setting at this path; the error says what was expected.
    pub fn read(&self, path: &str, text: &str) -> Result<Setting, String> {
        let text = text.trim();
        let number = text.parse().ok().map(Setting::Number);
        let switch = text.parse().ok().map(Setting::Switch);
        let typed = Some(Setting::Text(text.to_owned())).filter(|_| !text.is_empty());
        let mut values = [number, switch, typed].into_iter().flatten();
        values
            .find(|value| fits(&self.key.takes, value))
            .ok_or_else(|| self.mismatch(path, &format!("`{text}`")))
    }

    /// The number, if the setting takes this value.
    pub fn number(&self, path: &str, value: &Setting) -> Result<f32, String> {
        match value {
            Setting::Number(number) if fits(&self.key.takes, value) => Ok(*number),
            _ => Err(self.mismatch(path, &value.to_string())),
        }
    }

    /// The number; `None` for [`NONE`], if the setting takes that.
    pub fn number_or_none(&self, path: &str, value: &Setting) -> Result<Option<f32>, String> {
        match value {
            Setting::Text(text) if text == NONE && fits(&self.key.takes, value) => Ok(None),
            value => self.number(path, value).map(Some),
        }
    }

    /// The switch, if the value is one.
    pub fn switch(&self, path: &str, value: &Setting) -> Result<bool, String> {
        match value {
            Setting::Switch(is_on) if fits(&self.key.takes, value) => Ok(*is_on),
            _ => Err(self.mismatch(path, &value.to_string())),
        }
    }

    /// The text, if the setting takes this value.
    pub fn text<'a>(&self, path: &str, value: &'a Setting) -> Result<&'a str, String> {
        match value {
            Setting::Text(text) if fits(&self.key.takes, value) => Ok(text),
            _ => Err(self.mismatch(path, &value.to_string())),
        }
    }

    fn mismatch(&self, path: &str, found: &str) -> String {
        let default = match (self.key.takes, self.key.default) {
            (ValueType::Text, DefaultValue::Toml(default)) => format!(", {default} for example"),
            _ => String::new(),
        };
        format!("`{path}`: expected {}{default}, found {found}", self.takes())
    }
}

/// Whether a key takes this value of a command. Commands have numbers as `f32`, so the bounds are rounded to `f32` too.
fn fits(takes: &ValueType, value: &Setting) -> bool {
    match (takes, value) {
        (
            ValueType::Number(least, most) | ValueType::Schedule(least, most),
            Setting::Number(number),
        ) => (*least as f32..=*most as f32).contains(number),
        (ValueType::Count(least), Setting::Number(number)) => {
            (*least as f32..=crate::keys::MAX_INTEGER as f32).contains(number)
                && number.fract() == 0.0
        }
        (ValueType::Within(least, most), Setting::Number(number)) => {
            (*least as f32..=*most as f32).contains(number) && number.fract() == 0.0
        }
        (ValueType::Choice(choices), Setting::Text(text)) => choices.contains(&text.as_str()),
        (ValueType::Text, Setting::Text(text)) => !text.is_empty(),
        (ValueType::Switch, Setting::Switch(_)) => true,
        (ValueType::Either(choices), value) => choices.iter().any(|choice| fits(choice, value)),
        _ => false,
    }
}

/// [`ValueType::describe`] without schedules.
fn describe(takes: &ValueType) -> String {
    match takes {
        ValueType::Schedule(least, most) => ValueType::Number(*least, *most).describe(),
        takes => takes.describe(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn row(path: &str) -> &'static LiveSetting {
        find(path).unwrap().0
    }

    #[test]
    fn exactly_the_paths_of_the_table_are_live() {
        let patterns: BTreeSet<String> = SETTINGS.iter().map(LiveSetting::pattern).collect();
        assert_eq!(patterns.len(), SETTINGS.len());
        for row in SETTINGS {
            let (found, target) = find(&row.pattern()).unwrap();
            assert_eq!(found.setting, row.setting);
            assert_eq!(LiveSetting::of(row.setting).key.name, row.key.name);
            assert_eq!(
                target,
                match row.setting {
                    SettingId::Train(setting) => LiveTarget::Train(setting),
                    SettingId::Objective(setting) => LiveTarget::Objective(setting, "NAME".into()),
                }
            );
        }
        for path in ["train.gain", "objective.pos.sampling", "gain", "encoder.trunk.gain", "train"]
        {
            assert!(find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_typed_value_is_parsed_or_the_error_names_the_expected_values() {
        let read = |path: &str, text: &str| row(path).read(path, text);
        assert_eq!(read("train.clip_norm", " 0.5 "), Ok(Setting::Number(0.5)));
        assert_eq!(read("train.clip_norm", "none"), Ok(Setting::Text(NONE.to_owned())));
        assert_eq!(read("objective.pos.muted", "true"), Ok(Setting::Switch(true)));
        assert_eq!(read("train.weighting", "dwa"), Ok(Setting::Text("dwa".to_owned())));
        let refused = |path: &str, text: &str| read(path, text).unwrap_err();
        assert_eq!(
            refused("train.clip_norm", "0"),
            "`train.clip_norm`: expected a number of at least 0.000001, or \"none\", found `0`"
        );
        assert_eq!(
            refused("train.measure_gradients_every", "0.5"),
            "`train.measure_gradients_every`: expected a whole number, found `0.5`"
        );
        assert_eq!(
            refused("train.sampling", ""),
            "`train.sampling`: expected a string, \"proportional\" for example, found ``"
        );
        for text in ["nan", "inf", "-1", "true", ""] {
            assert_eq!(
                refused("objective.pos.strength", text),
                format!(
                    "`objective.pos.strength`: expected a number of at least 0, found `{text}`"
                )
            );
        }
    }

    #[test]
    fn recipes_and_commands_have_the_same_minimum() {
        assert_eq!(row("train.clip_norm").number("", &Setting::Number(1e-6)), Ok(1e-6));
    }

    #[test]
    fn a_value_of_another_type_is_rejected() {
        let (clip, muted) = (row("train.clip_norm"), row("objective.x.muted"));
        assert_eq!(clip.number_or_none("p", &Setting::Text(NONE.into())), Ok(None));
        assert!(clip.number_or_none("p", &Setting::Switch(true)).is_err());
        assert!(muted.switch("p", &Setting::Number(1.0)).is_err());
        assert!(row("train.sampling").text("p", &Setting::Number(1.0)).is_err());
        assert!(
            row("train.learning_rate").number_or_none("p", &Setting::Text(NONE.into())).is_err()
        );
    }
}
