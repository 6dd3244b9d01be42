//! Live settings other than faders: those whose key in `[train]` is declared live.

use super::{Origin, Trainer};
use crate::{
    data::sampler::{Rule, Sampling},
    mixer::CurrentWeighting,
    protocol::{
        Event,
        event::{Setting, SettingSet},
    },
    recipe,
    schedule::Schedule,
};

/// A setting before and after it was changed.
struct Changed {
    old: Setting,
    new: Setting,
}

impl Trainer {
    /// Changes one of the keys that are declared live, or says why not.
    pub(super) fn set(
        &mut self,
        path: &str,
        value: &Setting,
        origin: Origin,
    ) -> Result<Event, String> {
        let Changed { old, new } = match (path, value) {
            ("train.learning_rate", Setting::Number(rate)) => self.set_rate(*rate)?,
            ("train.measure_gradients_every", Setting::Number(every)) => {
                self.set_gradients(*every)?
            }
            ("train.learning_rate" | "train.measure_gradients_every", _) => {
                return Err(format!("`{path}`: expected a number"));
            }
            ("train.sampling", Setting::Text(rule)) => self.set_sampling(rule)?,
            ("train.sampling", _) => {
                return Err(format!("`{path}`: expected a text, for example `uniform`"));
            }
            ("train.weighting", Setting::Text(rule)) => self.set_weighting(rule)?,
            ("train.weighting", _) => {
                return Err(format!("`{path}`: expected a text, `equal` for example"));
            }
            _ => {
                return Err(format!(
                    "{path} is not live; live are train.learning_rate, \
                     train.measure_gradients_every, train.sampling, train.weighting and every gain"
                ));
            }
        };
        Ok(SettingSet {
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
        .into())
    }

    fn set_rate(&mut self, rate: f32) -> Result<Changed, String> {
        if !rate.is_finite() || rate < 0.0 {
            return Err(format!(
                "`train.learning_rate`: expected a finite number of at least 0, found {rate}"
            ));
        }
        let old = self.settings.learning_rate.at(self.counters.step.0) as f32;
        self.settings.learning_rate = Schedule::Constant(f64::from(rate));
        Ok(Changed { old: Setting::Number(old), new: Setting::Number(rate) })
    }

    fn set_gradients(&mut self, every: f32) -> Result<Changed, String> {
        if every < 0.0 || every.fract() != 0.0 {
            return Err(format!(
                "`train.measure_gradients_every`: expected a whole number of steps, found {every}"
            ));
        }
        let old = self.settings.measure_gradients_every as f32;
        self.settings.measure_gradients_every = every as u64;
        Ok(Changed { old: Setting::Number(old), new: Setting::Number(every) })
    }

    /// Groups that are muted now may be named too: they may sound later. A rule by hand ends the
    /// schedule of a temperature.
    fn set_sampling(&mut self, text: &str) -> Result<Changed, String> {
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
        let old = self.settings.sampling.told(self.counters.step).to_string();
        let new = rule.to_string();
        self.settings.sampling = Sampling::Constant(rule);
        Ok(Changed { old: Setting::Text(old), new: Setting::Text(new) })
    }

    /// The new rule begins without memory, the same one with the same options too.
    fn set_weighting(&mut self, text: &str) -> Result<Changed, String> {
        let spec = recipe::weighting(text)?;
        let old = self.mixer.weighting.spec().to_string();
        let new = spec.to_string();
        self.mixer.weighting = CurrentWeighting::new(spec);
        Ok(Changed { old: Setting::Text(old), new: Setting::Text(new) })
    }
}
