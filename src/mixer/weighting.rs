//! The trait of weighting rules: a rule computes coefficients of the active objectives from the
//! inputs that it needs.
//!
//! Most published methods are functions of the losses or of the Gram matrix of the gradients, so
//! these are the possible inputs. A rule sees raw losses and raw gradients; gains are multiplied
//! afterwards.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Gram;
use crate::{
    keys::{Key, Values},
    protocol::ObjectiveId,
};

/// The inputs that a rule needs; each variant includes the previous ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// The active objectives and the step.
    Nothing,
    /// Their raw losses in this step.
    Losses,
    /// The inner products of their raw gradients with respect to the shared parameters: one
    /// backward pass through the encoders per objective.
    Gram,
}

/// An objective as a rule sees it.
#[derive(Clone, Copy, Debug)]
pub struct ObjectiveView<'a> {
    /// Its name.
    pub name: &'a ObjectiveId,
    /// Whether it is the main objective.
    pub is_main: bool,
    /// Epochs completed before this step: of its own corpus, or of the first one if it has several.
    pub epoch: u64,
    /// Its raw loss in this step; `None` if no batch of this step has a label for it, or if the
    /// rule does not need losses.
    pub loss: Option<f32>,
}

/// A step as a rule sees it.
#[derive(Clone, Copy, Debug)]
pub struct StepView<'a> {
    /// The run's seed.
    pub seed: u64,
    /// Updates done before this one.
    pub done: u64,
    /// The active objectives, in the recipe's order. For a rule that needs the Gram matrix, only
    /// those whose gradient with respect to the shared parameters is not 0.
    pub objectives: &'a [ObjectiveView<'a>],
    /// The Gram matrix of these objectives, if the rule needs it.
    pub gram: Option<&'a Gram>,
    /// For a rule that keeps gradients: the inner product of the main objective's gradient with that of each of these
    /// objectives in the step before, 0 where one has none; `None` in the first step, and in steps without the main one.
    pub earlier: Option<&'a [f64]>,
}

/// A kind of weighting rule, and the options that a recipe can set.
///
/// ```
/// use auxdesk::{
///     keys::{MAX_NUMBER, Key, ValueType, Values},
///     mixer::{Needs, StepView, Weighting, WeightingKind},
/// };
///
/// /// The recipe's first active objective counts for more than the others.
/// struct FirstMore;
///
/// const TIMES: Key =
///     Key::with_default("times", ValueType::Number(0.0, MAX_NUMBER), "2", "its coefficient");
///
/// impl WeightingKind for FirstMore {
///     fn name(&self) -> &'static str {
///         "first-more"
///     }
///
///     fn about(&self) -> &'static str {
///         "a greater coefficient for the first active objective, 1 for the others"
///     }
///
///     fn keys(&self) -> &'static [Key] {
///         &[TIMES]
///     }
///
///     fn build(&self, values: &Values) -> Box<dyn Weighting> {
///         Box::new(Running { times: values.number(TIMES.name) as f32 })
///     }
/// }
///
/// struct Running {
///     times: f32,
/// }
///
/// impl Weighting for Running {
///     fn needs(&self) -> Needs {
///         Needs::Nothing
///     }
///
///     fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
///         let coefficient = |at: usize| if at == 0 { self.times } else { 1.0 };
///         (0..step.objectives.len()).map(coefficient).collect()
///     }
/// }
///
/// assert_eq!(FirstMore.keys()[0].name, "times");
/// ```
pub trait WeightingKind: Sync {
    /// Its name in recipes.
    fn name(&self) -> &'static str;
    /// One line for `auxdesk list`: lower case, no full stop.
    fn about(&self) -> &'static str;
    /// Its options, without those that every rule has.
    fn keys(&self) -> &'static [Key];
    /// Whether it compares the other objectives with the main one: in steps without a loss of that, no share changes.
    fn needs_main(&self) -> bool {
        false
    }

    /// Builds the rule with these options and no memory.
    fn build(&self, values: &Values) -> Box<dyn Weighting>;
}

/// A weighting rule with its memory.
pub trait Weighting: Send {
    /// The inputs that it needs.
    fn needs(&self) -> Needs;

    /// The coefficient of each of the step's objectives, relative to `equal`, whose coefficients
    /// are 1.
    ///
    /// Called once per step, with at least one objective. The coefficients are finite.
    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32>;

    /// Whether it needs the gradients of the step before, which take the memory of the shared parameters once for each
    /// objective.
    fn keeps_gradients(&self) -> bool {
        false
    }

    /// Whether it needs the losses of the same batches after the update: one more forward pass per step.
    fn needs_losses_after_update(&self) -> bool {
        false
    }

    /// Receives the losses after the update of the step that it last had coefficients for: with the same batches and draws,
    /// of the same objectives.
    fn after_update(&mut self, _step: &StepView<'_>) {}

    /// The state to save in checkpoints; empty for a stateless rule.
    fn memory(&self) -> WeightingMemory {
        WeightingMemory::default()
    }

    /// Restores the state that [`Weighting::memory`] returned.
    fn restore(&mut self, memory: &WeightingMemory) -> Result<(), WeightingMemoryError> {
        match memory.0 {
            None => Ok(()),
            Some(_) => Err(WeightingMemoryError("expected no memory, found some".to_owned())),
        }
    }
}

/// The state of a rule, in a form defined by that rule: JSON whose numbers are integers or `f32`,
/// which are exact. Empty for a stateless rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WeightingMemory(Option<Json>);

/// Why a saved state does not belong to the rule that is to be restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the memory of the weighting: {0}")]
pub struct WeightingMemoryError(String);

impl WeightingMemory {
    /// Serializes a rule's state.
    pub fn new(memory: &impl Serialize) -> Self {
        let json = serde_json::to_value(memory);
        Self(Some(json.expect("a rule's memory has finite numbers, and strings for keys")))
    }

    /// Deserializes a rule's state; its default if the memory is empty.
    pub fn read<T: for<'a> Deserialize<'a> + Default>(&self) -> Result<T, WeightingMemoryError> {
        match &self.0 {
            None => Ok(T::default()),
            Some(json) => {
                T::deserialize(json).map_err(|error| WeightingMemoryError(error.to_string()))
            }
        }
    }
}
