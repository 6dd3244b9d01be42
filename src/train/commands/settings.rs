//! Sets live settings other than faders, and returns the values in force.

use std::collections::BTreeMap;

use super::{Origin, Trainer};
use crate::{
    data::sampler::{Rule, Sampling, SamplingMemory},
    live::{self, LiveSetting, NONE, ObjectiveSetting, SettingId, TrainSetting},
    mixer::CurrentWeighting,
    protocol::{
        Event, ObjectiveId, ShareBy, Training,
        event::{Setting, SettingSet},
    },
    recipe,
    schedule::Schedule,
    train::Settings,
};

/// A value for the setting with this path.
#[derive(Clone, Copy)]
pub(super) struct Assigned<'a> {
    pub(super) row: &'static LiveSetting,
    pub(super) path: &'a str,
    pub(super) value: &'a Setting,
}

impl Assigned<'_> {
    fn number(&self) -> Result<f32, String> {
        self.row.number(self.path, self.value)
    }

    fn text(&self) -> Result<&str, String> {
        self.row.text(self.path, self.value)
    }
}

impl Trainer {
    /// Changes a setting of `[train]` from the next step on, or rejects the value with a reason.
    pub(super) fn set_of_run(
        &mut self,
        setting: TrainSetting,
        assigned: Assigned<'_>,
        origin: Origin,
    ) -> Result<Event, String> {
        let old = self.in_force(setting);
        match setting {
            TrainSetting::LearningRate => {
                self.settings.learning_rate = Schedule::Constant(f64::from(assigned.number()?));
            }
            TrainSetting::ClipNorm => {
                let most = assigned.row.number_or_none(assigned.path, assigned.value)?;
                self.settings.clip_norm = most.map(f64::from);
            }
            TrainSetting::Sampling => self.set_sampling(assigned.text()?)?,
            TrainSetting::Weighting => {
                // The new rule starts without state, even if it is the same rule with the same
                // options.
                let spec = recipe::weighting(assigned.text()?)?;
                self.mixer.weighting = CurrentWeighting::new(spec);
            }
            TrainSetting::ShadowWeightings => self.set_shadows(assigned.text()?)?,
            TrainSetting::MeasureGradientsEvery => {
                self.settings.measure_gradients_every = assigned.number()? as u64;
            }
            TrainSetting::AffinityBudget => {
                self.settings.affinity_budget = f64::from(assigned.number()?);
            }
            TrainSetting::Samples => self.settings.samples = assigned.number()? as u64,
            TrainSetting::WorstSamples => {
                self.settings.worst_samples = assigned.row.switch(assigned.path, assigned.value)?;
            }
        }
        Ok(self.setting_set(assigned.path, old, self.in_force(setting), origin))
    }

    /// The rules that stay keep their state.
    fn set_shadows(&mut self, text: &str) -> Result<(), String> {
        let specs = recipe::shadow_weightings(text)?;
        let before = std::mem::take(&mut self.mixer.shadows);
        let rule = |spec| {
            let same = before.iter().find(|rule| *rule.spec() == spec);
            same.cloned().unwrap_or_else(|| CurrentWeighting::new(spec))
        };
        self.mixer.shadows = specs.into_iter().map(rule).collect();
        Ok(())
    }

    /// Has the weighting rule set the share of an objective, or leaves it at 1.
    pub(super) fn set_by_rule(
        &mut self,
        objective: &ObjectiveId,
        assigned: Assigned<'_>,
        origin: Origin,
    ) -> Result<Event, String> {
        let new = assigned.row.switch(assigned.path, assigned.value)?;
        let share_by = &mut self.fader(objective)?.share_by;
        let old = std::mem::replace(share_by, ShareBy::when(new));
        let (old, new) = (Setting::Switch(old.is_rule()), Setting::Switch(new));
        Ok(self.setting_set(assigned.path, old, new, origin))
    }

    /// Sets a number of an objective that is 1 where none is set; `replace` returns the one that was set.
    pub(super) fn set_number(
        &mut self,
        objective: &ObjectiveId,
        assigned: Assigned<'_>,
        origin: Origin,
        replace: impl FnOnce(&mut Settings, f32) -> Option<f32>,
    ) -> Result<Event, String> {
        let new = assigned.number()?;
        self.fader(objective)?;
        let old = replace(&mut self.settings, new).unwrap_or(1.0);
        let (old, new) = (Setting::Number(old), Setting::Number(new));
        Ok(self.setting_set(assigned.path, old, new, origin))
    }

    /// Finishes an objective, or trains it again.
    pub(in crate::train) fn set_finished(
        &mut self,
        objective: &ObjectiveId,
        finished: bool,
        origin: Origin,
    ) -> Result<Event, String> {
        let training = &mut self.fader(objective)?.training;
        let old = std::mem::replace(training, Training::when(!finished));
        let row = LiveSetting::of(SettingId::Objective(ObjectiveSetting::Finished));
        let (old, new) = (Setting::Switch(old.is_finished()), Setting::Switch(finished));
        Ok(self.setting_set(&row.path_of(objective), old, new, origin))
    }

    /// Sets the strength of an objective's gradient reversal; this ends its schedule.
    pub(super) fn set_strength(
        &mut self,
        objective: &ObjectiveId,
        assigned: Assigned<'_>,
        origin: Origin,
    ) -> Result<Event, String> {
        let new = assigned.number()?;
        self.fader(objective)?;
        let done = self.counters.step.0;
        let Some(strength) = self.settings.strengths.get_mut(objective) else {
            let mut others = self.settings.strengths.keys().map(ObjectiveId::as_str);
            let others = match others.next() {
                None => "no objective of this recipe has one".to_owned(),
                Some(first) => {
                    let others =
                        others.fold(first.to_owned(), |all, name| format!("{all}, {name}"));
                    format!("objectives with gradient = \"reverse\": {others}")
                }
            };
            return Err(format!(
                "`{}`: {objective} has no gradient reversal; {others}",
                assigned.path
            ));
        };
        let old = strength.at(done) as f32;
        *strength = Schedule::Constant(f64::from(new));
        let (old, new) = (Setting::Number(old), Setting::Number(new));
        Ok(self.setting_set(assigned.path, old, new, origin))
    }

    fn setting_set(&self, path: &str, old: Setting, new: Setting, origin: Origin) -> Event {
        SettingSet {
            at_ms: self.output.ms(),
            step: self.counters.step,
            from: self.counters.step.next(),
            path: path.to_owned(),
            old,
            new,
            by: origin.by,
            command: origin.id,
            undoes: origin.undoes,
        }
        .into()
    }

    /// The value of a setting at the next step, in the notation of commands.
    fn in_force(&self, setting: TrainSetting) -> Setting {
        let step = self.counters.step;
        match setting {
            TrainSetting::LearningRate => {
                Setting::Number(self.settings.learning_rate.at(step.0) as f32)
            }
            TrainSetting::ClipNorm => match self.settings.clip_norm {
                Some(most) => Setting::Number(most as f32),
                None => Setting::Text(NONE.to_owned()),
            },
            TrainSetting::Sampling => {
                Setting::Text(self.settings.sampling.rounded(step).to_string())
            }
            TrainSetting::Weighting => Setting::Text(self.mixer.weighting.spec().to_string()),
            TrainSetting::ShadowWeightings => Setting::Text(self.shadows_in_force()),
            TrainSetting::MeasureGradientsEvery => {
                Setting::Number(self.settings.measure_gradients_every as f32)
            }
            TrainSetting::AffinityBudget => Setting::Number(self.settings.affinity_budget as f32),
            TrainSetting::Samples => Setting::Number(self.settings.samples as f32),
            TrainSetting::WorstSamples => Setting::Switch(self.settings.worst_samples),
        }
    }

    fn shadows_in_force(&self) -> String {
        let rules: Vec<String> =
            self.mixer.shadows.iter().map(|rule| rule.spec().to_string()).collect();
        if rules.is_empty() { NONE.to_owned() } else { rules.join(", ") }
    }

    /// The live settings at the start of the run, except faders, by path; schedules are described
    /// in words.
    pub(in crate::train) fn live_settings(&self) -> BTreeMap<String, Setting> {
        let mut all = BTreeMap::new();
        for row in live::SETTINGS {
            match row.setting {
                SettingId::Train(TrainSetting::LearningRate) => {
                    all.insert(row.pattern(), in_words(self.settings.learning_rate));
                }
                SettingId::Train(setting) => {
                    all.insert(row.pattern(), self.in_force(setting));
                }
                SettingId::Objective(ObjectiveSetting::Strength) => {
                    let strengths = self.settings.strengths.iter();
                    all.extend(
                        strengths.map(|(name, &strength)| (row.path_of(name), in_words(strength))),
                    );
                }
                SettingId::Objective(ObjectiveSetting::LearningRateFactor) => {
                    let factors = self.settings.learning_rate_factors.iter();
                    all.extend(factors.map(|(name, &factor)| {
                        (row.path_of(name), Setting::Number(factor as f32))
                    }));
                }
                SettingId::Objective(ObjectiveSetting::AccumulationSteps) => {
                    let steps = self.settings.accumulation_steps.iter();
                    all.extend(
                        steps.map(|(name, &n)| (row.path_of(name), Setting::Number(n as f32))),
                    );
                }
                SettingId::Objective(ObjectiveSetting::Finished) => {
                    let faders = self.mixer.faders.all().iter();
                    all.extend(faders.map(|fader| {
                        (
                            row.path_of(&fader.objective),
                            Setting::Switch(fader.training.is_finished()),
                        )
                    }));
                }
                SettingId::Objective(ObjectiveSetting::ByRule) => {
                    let faders = self.mixer.faders.all().iter();
                    all.extend(faders.map(|fader| {
                        (row.path_of(&fader.objective), Setting::Switch(fader.share_by.is_rule()))
                    }));
                }
                // `ObjectiveStarted` has these.
                SettingId::Objective(
                    ObjectiveSetting::Gain | ObjectiveSetting::Muted | ObjectiveSetting::Soloed,
                ) => {}
            }
        }
        all
    }

    /// Groups that are muted may be named too: they may become active later. A rule set by hand
    /// ends the temperature's schedule.
    fn set_sampling(&mut self, text: &str) -> Result<(), String> {
        let groups = self.plan.recipe.groups();
        let groups = groups.iter().map(|group| group.name.as_str());
        let rule = text.parse::<Rule>().and_then(|rule| rule.among(groups));
        let rule = rule.map_err(|error| error.to_string())?;
        if !self.plan.recipe.epochs_end_under(&rule) {
            let corpus = &self.plan.recipe.corpora
                [self.plan.recipe.objectives[self.plan.recipe.main()].corpora[0]];
            return Err(format!(
                "the run's length is in epochs of {:?}, which `{rule}` never draws; give it a weight above 0",
                corpus.name
            ));
        }
        let (recipe, every) = (&self.plan.recipe, self.settings.measure_gradients_every);
        let warning = recipe.sampling_without_progress(&rule, every, &self.plan.corpora);
        if let Some(warning) = warning {
            return Err(warning.to_string());
        }
        // The new rule starts without memory, even if it is the same one.
        self.batches.sampling = SamplingMemory::new(self.counters.step);
        self.settings.sampling = Sampling::Constant(rule);
        Ok(())
    }
}

fn in_words(schedule: Schedule) -> Setting {
    match schedule {
        Schedule::Constant(number) => Setting::Number(number as f32),
        schedule @ Schedule::Ramp { .. } => Setting::Text(schedule.to_string()),
    }
}
