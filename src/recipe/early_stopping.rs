//! Early stopping of one objective, while the others are trained on.

use crate::{
    keys::{Key, ValueType, Values},
    live,
    protocol::Training,
};

const PATIENCE: &str = "patience";
const FREEZE: &str = "freeze";
const KEEP_BEST: &str = "keep_best";
const BELOW: &str = "below";

/// The keys of an objective.
pub(super) const KEYS: &[Key] = &[
    live::FINISHED,
    Key::optional(
        PATIENCE,
        ValueType::Count(1),
        "finish it after N evaluations without improvement of its metric",
    ),
    Key::with_default(
        FREEZE,
        ValueType::Choice(&["own", BELOW]),
        "\"own\"",
        "frozen while it is finished: its own parameters, or also the layers below its taps",
    ),
    Key::with_default(
        KEEP_BEST,
        ValueType::Switch,
        "false",
        "save checkpoints/best-NAME, the best by its metric",
    ),
];

/// When an objective is finished, and what that means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlyStopping {
    /// Whether it is initially finished.
    pub training: Training,
    /// The number of evaluations without an improvement of its tracked metric after which it is
    /// finished; `None` for never.
    pub patience: Option<u64>,
    /// What is frozen while it is finished.
    pub freeze: Freeze,
    /// Whether it has a best checkpoint of its own.
    pub keep_best: bool,
}

/// What is frozen while an objective is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freeze {
    /// Its own parameters: those of its head, if no other objective uses that, and of encoders that
    /// no other objective reaches.
    Own,
    /// These, and the layers of its taps and all below them.
    Below,
}

impl EarlyStopping {
    /// Whether anything depends on the objective's best value.
    pub fn is_tracked(&self) -> bool {
        self.patience.is_some() || self.keep_best
    }

    /// That of a table with these values.
    pub(super) fn of(values: &Values) -> Self {
        Self {
            training: Training::when(!values.switch(live::FINISHED.name)),
            patience: values.count_if_set(PATIENCE).map(|n| n as u64),
            freeze: if values.text(FREEZE) == BELOW { Freeze::Below } else { Freeze::Own },
            keep_best: values.switch(KEEP_BEST),
        }
    }
}
