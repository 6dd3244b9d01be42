//! What a weighting rule is: it decides the coefficients of the active objectives from what it asks to see.
//!
//! Most published methods are functions of the losses or of the Gram matrix of the gradients, so that is what
//! a rule may ask for. It sees raw losses and raw gradients; gains multiply afterwards.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Gram;
use crate::{
    keys::{Key, Value, Values},
    protocol::ObjectiveId,
};

/// What a rule asks to see before it decides, each with what the ones before have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Which objectives are active, at which step.
    Nothing,
    /// Their raw losses in this step.
    Losses,
    /// The inner products of their raw gradients by the shared parameters: a backward pass through the
    /// encoders for each objective.
    Gram,
}

/// An objective as a rule sees it.
#[derive(Clone, Copy, Debug)]
pub struct ObjectiveView<'a> {
    /// Its name.
    pub name: &'a ObjectiveId,
    /// Epochs done before this step: passes over its own corpus, over the first one if it reads several.
    pub epoch: u64,
    /// Its raw loss in this step; `None` if no batch of this step has a label for it, or the rule does not
    /// ask for losses.
    pub loss: Option<f32>,
}

/// A step as a rule sees it.
#[derive(Clone, Copy, Debug)]
pub struct StepView<'a> {
    /// The run's seed.
    pub seed: u64,
    /// Updates done before this one.
    pub done: u64,
    /// The active objectives, in the recipe's order. For a rule that asks for the Gram matrix, those of them
    /// whose gradient by the shared parameters is not 0.
    pub objectives: &'a [ObjectiveView<'a>],
    /// The Gram matrix of these objectives, if the rule asks for it.
    pub gram: Option<&'a Gram>,
}

/// A kind of weighting rule, with the options that a recipe may give it.
///
/// ```
/// use auxdesk::{
///     keys::{GREATEST, Key, ValueType, Values},
///     mixer::{Needs, StepView, Weighting, WeightingKind},
/// };
///
/// /// The recipe's first active objective counts for more than the others.
/// struct FirstMore;
///
/// const TIMES: Key =
///     Key::with_default("times", ValueType::Number(0.0, GREATEST), "2", "its coefficient");
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
    /// What recipes say.
    fn name(&self) -> &'static str;
    /// One line for `auxdesk list`: lower case, no full stop.
    fn about(&self) -> &'static str;
    /// Its options.
    fn keys(&self) -> &'static [Key];
    /// The rule with these options, which remembers nothing yet.
    fn build(&self, values: &Values) -> Box<dyn Weighting>;
}

/// A weighting rule as it runs, with what it remembers.
pub trait Weighting: Send {
    /// What it asks to see.
    fn needs(&self) -> Needs;

    /// The coefficient of each of the step's objectives, relative to `equal`, whose coefficients are 1.
    ///
    /// Asked once a step, with at least one objective. The answer is finite.
    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32>;

    /// What must survive a stop; nothing for a rule that decides each step by itself.
    fn memory(&self) -> WeightingMemory {
        WeightingMemory::default()
    }

    /// Goes on from what [`Weighting::memory`] gave.
    fn restore(&mut self, memory: &WeightingMemory) -> Result<(), WeightingMemoryError> {
        match memory.0 {
            None => Ok(()),
            Some(_) => Err(WeightingMemoryError("expected no memory, found some".to_owned())),
        }
    }
}

/// What a rule remembers, in the form of that rule: JSON whose numbers are integers or `f32`, which is
/// exact. Nothing for a rule that remembers nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WeightingMemory(Option<Json>);

/// Why a memory is none of the rule that should go on from it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the memory of the weighting: {0}")]
pub struct WeightingMemoryError(String);

impl WeightingMemory {
    /// The memory that a rule's own type is.
    pub fn new(memory: &impl Serialize) -> Self {
        let json = serde_json::to_value(memory);
        Self(Some(json.expect("a rule's memory has finite numbers, and strings for keys")))
    }

    /// The rule's own type; its default from a memory of nothing.
    pub fn read<T: for<'a> Deserialize<'a> + Default>(&self) -> Result<T, WeightingMemoryError> {
        match &self.0 {
            None => Ok(T::default()),
            Some(json) => {
                T::deserialize(json).map_err(|error| WeightingMemoryError(error.to_string()))
            }
        }
    }
}

/// A weighting as a recipe or a person asks for it: a kind and its options, checked.
#[derive(Clone)]
pub struct WeightingSpec {
    kind: &'static dyn WeightingKind,
    values: Values,
}

impl WeightingSpec {
    /// A kind with checked options.
    pub fn new(kind: &'static dyn WeightingKind, values: Values) -> Self {
        Self { kind, values }
    }

    /// The kind.
    pub fn kind(&self) -> &'static dyn WeightingKind {
        self.kind
    }

    /// The rule, which remembers nothing yet.
    pub fn build(&self) -> Box<dyn Weighting> {
        self.kind.build(&self.values)
    }
}

/// As it is typed at the desk and told in events: `equal`, `dwa temperature=2`.
impl fmt::Display for WeightingSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        for key in self.kind.keys() {
            match self.values.get(key.name).map(|said| &said.value) {
                Some(Value::Text(text)) => write!(f, " {}={text}", key.name)?,
                Some(Value::Integer(integer)) => write!(f, " {}={integer}", key.name)?,
                Some(Value::Number(number)) => write!(f, " {}={number}", key.name)?,
                Some(Value::Switch(switch)) => write!(f, " {}={switch}", key.name)?,
                Some(Value::List(_) | Value::Table(_)) | None => {}
            }
        }
        Ok(())
    }
}

impl fmt::Debug for WeightingSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WeightingSpec({self})")
    }
}

impl PartialEq for WeightingSpec {
    fn eq(&self, other: &Self) -> bool {
        self.kind.name() == other.kind.name() && self.values == other.values
    }
}

/// The weighting in force: what was asked for, and the rule that does it.
pub struct CurrentWeighting {
    spec: WeightingSpec,
    rule: Box<dyn Weighting>,
}

impl CurrentWeighting {
    /// The rule that is asked for, which remembers nothing yet.
    pub fn new(spec: WeightingSpec) -> Self {
        let rule = spec.build();
        Self { spec, rule }
    }

    /// What was asked for.
    pub fn spec(&self) -> &WeightingSpec {
        &self.spec
    }

    /// What the rule remembers.
    pub fn memory(&self) -> WeightingMemory {
        self.rule.memory()
    }

    /// Goes on from what [`CurrentWeighting::memory`] gave.
    pub fn restore(&mut self, memory: &WeightingMemory) -> Result<(), WeightingMemoryError> {
        self.rule.restore(memory)
    }

    /// What the rule asks to see.
    pub fn needs(&self) -> Needs {
        self.rule.needs()
    }

    /// The coefficients of a step's objectives, at least one; 1 is what `equal` says.
    pub fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        let coefficients = self.rule.coefficients(step);
        assert_eq!(coefficients.len(), step.objectives.len(), "a coefficient for each objective");
        coefficients
    }
}
