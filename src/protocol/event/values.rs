//! Values in events: roles, splits, how a run ended, settings.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A limit of an objective's guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardKind {
    /// Non-finite losses in a row.
    NonFinite,
    /// A raw loss far above the smoothed one.
    Spike,
    /// Steps without a new minimum of the smoothed loss.
    Stall,
    /// Measured steps in a row with a negative cosine with the main objective.
    Conflict,
}

/// The role of an objective in its recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The main task; exactly one.
    Main,
    /// An auxiliary objective.
    Auxiliary,
}

/// Whether higher or lower values of a metric are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Higher is better: accuracy, F1.
    Higher,
    /// Lower is better: perplexity, error.
    Lower,
}

impl Direction {
    /// Whether `new` is strictly better than `old`.
    pub fn is_better(self, new: f32, old: f32) -> bool {
        match self {
            Self::Higher => new > old,
            Self::Lower => new < old,
        }
    }
}

/// A split of a corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// For training.
    Train,
    /// For model selection.
    Dev,
    /// For the final scores.
    Test,
}

impl Split {
    /// The split's key in recipes and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Test => "test",
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// As planned.
    Finished,
    /// By request.
    Stopped,
    /// With an error.
    Failed,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// `train.steps` were done.
    Steps,
    /// `train.epochs` were done.
    Epochs,
    /// Early stopping: no improvement for `train.patience` evaluations.
    Patience,
    /// Stopped at the desk.
    Key,
    /// SIGINT, SIGTERM or SIGHUP.
    Signal,
    /// The trainer panicked.
    Panic,
    /// An operation on tensors failed.
    Error,
    /// Ten steps in a row without a finite loss.
    Loss,
    /// The journal or a checkpoint could not be written.
    Disk,
}

impl Reason {
    /// How a run with this reason has ended.
    pub fn ended(self) -> Ended {
        match self {
            Self::Steps | Self::Epochs | Self::Patience => Ended::Finished,
            Self::Key | Self::Signal => Ended::Stopped,
            Self::Panic | Self::Error | Self::Loss | Self::Disk => Ended::Failed,
        }
    }
}

/// The value of a control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// On or off.
    Switch(bool),
    /// A number.
    Number(f32),
    /// A choice by name.
    Text(String),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(is_on) => is_on.fmt(f),
            // Settings are values entered by a user, so they are not rounded: 0.0003 keeps its digits.
            Self::Number(number) => number.fmt(f),
            // Quoted, to delimit a text of several words.
            Self::Text(text) => write!(f, "`{text}`"),
        }
    }
}
