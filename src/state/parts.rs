//! The parts of a run's state that are values without behaviour of their own.

use std::collections::BTreeMap;

use super::History;
use crate::protocol::{
    Scene,
    event::{BestMetric, CommandRefused, CorpusStarted, SceneStored, Setting},
};

/// What the run set out with: its corpora, its model, its length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunPlan {
    /// Every corpus, in the recipe's order.
    pub corpora: Vec<CorpusStarted>,
    /// Number of trainable parameters.
    pub parameters: u64,
    /// Expected length of the run in steps.
    pub steps: u64,
    /// The metric that selects the best checkpoint.
    pub best_metric: Option<BestMetric>,
    /// Live settings of the first step, by `--set` path.
    pub settings_at_start: BTreeMap<String, Setting>,
}

/// What the last step said of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LatestStep {
    /// The sampling temperature, while a schedule changes it.
    pub temperature: Option<f32>,
    /// The learning rate of the update.
    pub learning_rate: Option<f32>,
    /// The gradient's global norm at the update, before clipping.
    pub gradient_norm: Option<f32>,
    /// Epochs of the run, once they are not those of the main objective's corpus.
    pub epochs: Option<f32>,
}

/// The data and the time that training has used so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataUsage {
    /// Tokens in all batches drawn.
    pub tokens: u64,
    /// Examples drawn, by corpus.
    pub draws: BTreeMap<String, u64>,
    /// Microseconds of training per corpus, as [`super::Run::used`] divides them.
    pub spent_us: Vec<u64>,
}

/// What was changed by hand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ManualChanges {
    /// Live settings that were changed, with their current values, by `--set` path.
    pub settings: BTreeMap<String, Setting>,
    /// Number of changes made by hand.
    pub interventions: u64,
    /// The changes that can be undone or redone.
    pub history: History,
    /// Saved scenes.
    pub scenes: BTreeMap<Scene, SceneStored>,
    /// The last command that was not applied.
    pub refused: Option<CommandRefused>,
}
