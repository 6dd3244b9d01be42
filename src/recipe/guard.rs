//! The guard of an objective: when it is muted because something is wrong with it.

use crate::keys::{Key, MAX_NUMBER, ValueType, Values};

/// The key of an objective.
pub(super) const GUARD: Key = Key::optional(
    "guard",
    ValueType::Table(KEYS),
    "mute it where its loss or its gradient goes wrong: limits, none by default",
);

const KEYS: &[Key] = &[
    Key::optional(
        "non_finite",
        ValueType::Within(1, 9),
        "non-finite losses in a row; the run ends after 10",
    ),
    Key::optional(
        "spike",
        ValueType::Number(1.0, MAX_NUMBER),
        "raw loss as a multiple of its smoothed loss, from its 20th step on",
    ),
    Key::optional(
        "stall",
        ValueType::Count(1),
        "steps of the objective without a new minimum of its smoothed loss",
    ),
    Key::optional(
        "conflict",
        ValueType::Count(1),
        "measured steps in a row in which its gradient has a negative cosine with the main objective's",
    ),
];

/// The limits of a guard; `None` where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Guard {
    /// Non-finite losses in a row.
    pub non_finite: Option<u64>,
    /// The raw loss as a multiple of the smoothed one.
    pub spike: Option<f64>,
    /// Steps without a new minimum of the smoothed loss.
    pub stall: Option<u64>,
    /// Measured steps in a row with a negative cosine with the main objective.
    pub conflict: Option<u64>,
}

impl Guard {
    /// That of a table with these values.
    pub(super) fn of(values: &Values) -> Self {
        let Some(values) = values.table(GUARD.name) else { return Self::default() };
        let count = |key: &str| values.count_if_set(key).map(|n| n as u64);
        Self {
            non_finite: count("non_finite"),
            spike: values.get("spike").and_then(|located| located.value.as_number()),
            stall: count("stall"),
            conflict: count("conflict"),
        }
    }
}
