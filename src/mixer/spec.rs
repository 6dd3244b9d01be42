//! A weighting as it is requested, and the one in force: a rule with its options, averaged if so requested.

use std::fmt;

use super::{
    MOVING_AVERAGE, Needs, StepView, Weighting, WeightingKind, WeightingMemory,
    WeightingMemoryError, moving_average::MovingAverage,
};
use crate::keys::{Value, Values};

/// A weighting as requested by a recipe or a user: a kind and its options, checked.
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

    /// Builds the rule, with no memory.
    pub fn build(&self) -> Box<dyn Weighting> {
        let rule = self.kind.build(&self.values);
        match self.values.get(MOVING_AVERAGE.name).and_then(|said| said.value.as_number()) {
            Some(decay) => Box::new(MovingAverage::new(rule, decay)),
            None => rule,
        }
    }
}

/// The notation of the desk and of events: `equal`, `dwa temperature=2`.
impl fmt::Display for WeightingSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        for key in self.kind.keys().iter().chain([&MOVING_AVERAGE]) {
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

/// The weighting in force: the request, and the rule that implements it.
pub struct CurrentWeighting {
    spec: WeightingSpec,
    rule: Box<dyn Weighting>,
}

impl Clone for CurrentWeighting {
    fn clone(&self) -> Self {
        let mut clone = Self::new(self.spec.clone());
        clone.restore(&self.memory()).expect("a rule goes on from what it remembers itself");
        clone
    }
}

impl CurrentWeighting {
    /// The requested rule, with no memory.
    pub fn new(spec: WeightingSpec) -> Self {
        let rule = spec.build();
        Self { spec, rule }
    }

    /// The request.
    pub fn spec(&self) -> &WeightingSpec {
        &self.spec
    }

    /// The state of the rule.
    pub fn memory(&self) -> WeightingMemory {
        self.rule.memory()
    }

    /// Restores the state that [`CurrentWeighting::memory`] returned.
    pub fn restore(&mut self, memory: &WeightingMemory) -> Result<(), WeightingMemoryError> {
        self.rule.restore(memory)
    }

    /// The inputs that the rule needs.
    pub fn needs(&self) -> Needs {
        self.rule.needs()
    }

    /// Whether the rule needs the gradients of the step before.
    pub fn keeps_gradients(&self) -> bool {
        self.rule.keeps_gradients()
    }

    /// Whether the rule needs the losses after the update.
    pub fn needs_losses_after_update(&self) -> bool {
        self.rule.needs_losses_after_update()
    }

    /// Gives it the losses after the update of the step that it last had coefficients for.
    pub fn after_update(&mut self, step: &StepView<'_>) {
        self.rule.after_update(step);
    }

    /// The coefficients of a step's objectives, at least one; 1 means as with `equal`.
    pub fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        let coefficients = self.rule.coefficients(step);
        assert_eq!(coefficients.len(), step.objectives.len(), "a coefficient for each objective");
        coefficients
    }
}
