//! The summary of a finished run: `summary.json`, and the output of `train --json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{MetricId, ObjectiveId, event::Ended, event::Role};

/// A run in one JSON document. Its keys are stable; more may be added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The run's folder.
    pub run: String,
    /// The recipe's name.
    pub recipe: String,
    /// The run's seed.
    pub seed: u64,
    /// How it ended; `None` only if the journal was cut off.
    pub ended: Option<Ended>,
    /// Updates done.
    pub steps: u64,
    /// Complete epochs of the run.
    pub epochs: u64,
    /// Wall-clock seconds from the first event to the last.
    pub seconds: f32,
    /// Training tokens divided by training time, without evaluation.
    pub tokens_per_second: f32,
    /// Peak resident memory of the program; `None` where unknown.
    pub peak_memory_mib: Option<u64>,
    /// The main objective's scores at the best checkpoint.
    pub main: MainSummary,
    /// Every objective, in the recipe's order.
    pub objectives: Vec<ObjectiveSummary>,
    /// The number of manual changes.
    pub interventions: u64,
}

/// The main score of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MainSummary {
    /// The main objective.
    pub objective: ObjectiveId,
    /// The metric that selects the best checkpoint.
    pub metric: MetricId,
    /// Its dev value at the best checkpoint.
    pub dev: Option<f32>,
    /// Its test value there.
    pub test: Option<f32>,
    /// The step of the best checkpoint.
    pub best_step: Option<u64>,
}

/// One objective in a summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveSummary {
    /// Its name.
    pub name: ObjectiveId,
    /// Main or auxiliary.
    pub role: Role,
    /// Its kind.
    pub kind: String,
    /// The gain at the end.
    pub gain: f32,
    /// Gain × share at the last step.
    pub weight: f32,
    /// The mean over the first 5 % of the steps that computed it.
    pub loss_first: Option<f32>,
    /// The mean over the last 5 % of them.
    pub loss_last: Option<f32>,
    /// Dev scores at the best checkpoint.
    pub dev: Option<BTreeMap<MetricId, f32>>,
    /// Test scores there.
    pub test: Option<BTreeMap<MetricId, f32>>,
}
