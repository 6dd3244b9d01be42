//! The options of the rules that follow progress, and their notation: `stop-and-go gap=8`. Options that have their default
//! values are omitted.

use std::fmt;

use super::RuleError;
use crate::{
    keys::{DefaultValue, Key, MAX_INTEGER, ValueType},
    nearest::hint,
};

/// A rule whose options are numbers with defaults.
pub trait Options: Sized {
    /// Its name.
    const NAME: &'static str;
    /// Its options: integers and numbers, each with a default.
    const KEYS: &'static [Key];

    /// The rule with these values, in the order of the keys.
    fn from_values(values: &[f64]) -> Self;

    /// The value of each option, in the order of the keys.
    fn values(&self) -> Vec<f64>;

    /// The rule with the values that are given, and defaults for the others.
    fn with(given: impl Fn(&str) -> Option<f64>) -> Self {
        let value = |key: &Key| given(key.name).unwrap_or_else(|| default(key));
        Self::from_values(&Self::KEYS.iter().map(value).collect::<Vec<_>>())
    }

    /// Parses `KEY=VALUE ..`.
    fn parse(text: &str) -> Result<Self, RuleError> {
        let mut given: Vec<(&str, f64)> = Vec::new();
        for item in text.split_whitespace() {
            let (name, value) = item.split_once('=').unwrap_or((item, ""));
            let Some(key) = Self::KEYS.iter().find(|key| key.name == name) else {
                let names = hint(name, Self::KEYS.iter().map(|key| key.name));
                return Err(RuleError::Option(Self::NAME.to_owned(), name.to_owned(), names));
            };
            let Some(number) = value.parse().ok().filter(|number| fits(&key.takes, *number)) else {
                let (name, value) = (name.to_owned(), value.to_owned());
                return Err(RuleError::OptionValue(name, key.takes.describe(), value));
            };
            if given.iter().any(|(other, _)| *other == name) {
                return Err(RuleError::OptionTwice(name.to_owned()));
            }
            given.push((name, number));
        }
        let value =
            |name: &str| given.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        Ok(Self::with(value))
    }

    /// Writes its notation.
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAME)?;
        let changed = Self::KEYS.iter().zip(self.values());
        let mut changed = changed.filter(|(key, value)| default(key) != *value);
        changed.try_for_each(|(key, value)| write!(f, " {}={value}", key.name))
    }
}

fn default(key: &Key) -> f64 {
    let DefaultValue::Toml(default) = key.default else { return 0.0 };
    default.parse().unwrap_or_default()
}

fn fits(takes: &ValueType, number: f64) -> bool {
    let is_whole = number.fract() == 0.0;
    match *takes {
        ValueType::Count(least) => {
            is_whole && (least as f64..=MAX_INTEGER as f64).contains(&number)
        }
        ValueType::Within(least, most) => {
            is_whole && (least as f64..=most as f64).contains(&number)
        }
        ValueType::Number(least, most) => (least..=most).contains(&number),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Bandit, Interference, StopAndGo},
        *,
    };

    fn defaults_are_values<T: Options>() {
        for key in T::KEYS {
            assert!(fits(&key.takes, default(key)), "{} of {}", key.name, T::NAME);
        }
        assert_eq!(T::with(|_| None).values().len(), T::KEYS.len());
    }

    #[test]
    fn every_default_is_a_value_of_its_key() {
        defaults_are_values::<StopAndGo>();
        defaults_are_values::<Bandit>();
        defaults_are_values::<Interference>();
    }
}
