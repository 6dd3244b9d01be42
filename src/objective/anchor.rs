//! Anchor: successive regularization (Hashimoto, Xiong, Tsuruoka and Socher 2017, "A joint many-task
//! model"): parameters stay near the values that the previous task has left them with.
//!
//! loss = Σ ‖θ − θ′‖² over the parameters θ of some encoders, tables of embeddings included, and of the heads of some
//! objectives; it does not depend on the batch. θ′ are their values at the end of the previous stage: of an epoch of
//! another group with `sampling = "stages"`, otherwise of an epoch of the main objective's corpus. They are constants,
//! and the objective's memory: a checkpoint has them. The first stage has no loss. The paper's factor δ, 0.001 for
//! encoders and 0.01 for classifiers, is the gain: with two factors there are two such objectives. The metric is the
//! distance, the square root of the loss.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, bail};

use super::{
    ConfigFault, Declared, Evaluation, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RawLoss, TapKey, owner,
};
use crate::{
    data::Batch,
    kernel::{self, ParamRef},
    keys::{Key, Refers, ValueType},
    metric::{Scorer, scorer::DistanceScorer},
    model::Rows,
    protocol::event::Direction,
};

pub(super) struct Anchor;

const ENCODERS: &str = "encoders";

/// The key that names the objectives with those heads.
pub(crate) const COPIED_HEADS: &str = "heads";

const KEYS: &[Key] = &[
    Key::optional(
        ENCODERS,
        ValueType::List(&ValueType::Name(Refers::Encoder)),
        "encoders whose parameters stay near their values at the end of the previous stage, or of the previous epoch \
         where the sampling has no stages",
    ),
    Key::optional(
        COPIED_HEADS,
        ValueType::List(&ValueType::Name(Refers::Objective)),
        "objectives whose own parameters, those of their heads, stay near such values",
    ),
];

impl ObjectiveKind for Anchor {
    fn name(&self) -> &'static str {
        "anchor"
    }

    fn about(&self) -> &'static str {
        "successive regularization: distance of parameters from their values after the previous stage"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        &[]
    }

    fn head(&self) -> HeadSource {
        HeadSource::None
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let encoders = distinct(declared, ENCODERS, "encoder")?;
        let heads = distinct(declared, COPIED_HEADS, "objective")?;
        if encoders.is_empty() && heads.is_empty() {
            let what = "expected `encoders`, `heads` or both, found neither; name those that stay near their values";
            return Err(ConfigFault::Key("kind", what.to_owned()));
        }
        for name in &encoders {
            let view = (declared.encoder)(name);
            if view.is_some_and(|view| !view.config.has_parameters()) {
                let what = format!(
                    "`encoders`: expected encoders with parameters, found {name:?} without any; remove it"
                );
                return Err(ConfigFault::Key(ENCODERS, what));
            }
            if view.is_some_and(|view| view.is_frozen) {
                let what = format!(
                    "`encoders`: expected encoders that are trained, found {name:?}, which is frozen; remove it"
                );
                return Err(ConfigFault::Key(ENCODERS, what));
            }
        }
        Ok(Box::new(Config { encoders, heads }))
    }
}

/// The names of a key, each once.
fn distinct(
    declared: &Declared<'_>,
    key: &'static str,
    noun: &str,
) -> std::result::Result<Vec<String>, ConfigFault> {
    let names = declared.values.texts(key);
    if let Some((_, name)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name))
    {
        let what = format!("`{key}`: expected each {noun} once, found {name:?} twice; remove one");
        return Err(ConfigFault::Key(key, what));
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// The names of the encoders, and of the objectives with the heads.
struct Config {
    encoders: Vec<String>,
    heads: Vec<String>,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        vec![Metric { name: "distance", direction: Direction::Lower }]
    }

    fn output(&self) -> Output<'_> {
        Output::Nothing
    }

    fn copied_encoders(&self) -> &[String] {
        &self.encoders
    }

    fn copied_heads(&self) -> &[String] {
        &self.heads
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let mut parameters = Vec::new();
        let heads = self.heads.iter().map(|name| owner(name));
        for part in self.encoders.iter().cloned().chain(heads) {
            let of_part = setup.scope.parameters_and_tables_under(&part);
            if of_part.is_empty() {
                bail!("anchor: {part:?} has no parameters");
            }
            let named = |(name, parameter)| (format!("{part}.{name}"), parameter);
            parameters.extend(of_part.into_iter().map(named));
        }
        Ok(Box::new(Anchored { parameters, previous: None }))
    }
}

struct Anchored {
    /// By their names.
    parameters: Vec<(String, ParamRef)>,
    /// Their values at the end of the previous stage, if there was one.
    previous: Option<Vec<Tensor>>,
}

impl Objective for Anchored {
    fn loss(&self, _taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let n = batch.n_examples();
        let Some(previous) = self.previous.as_ref().filter(|_| n > 0) else { return Ok(None) };
        let pairs: Vec<_> = self
            .parameters
            .iter()
            .zip(previous)
            .map(|((_, parameter), value)| (parameter.clone(), value.clone()))
            .collect();
        let sum = kernel::squared_distance_from(&pairs)?;
        let per_example = sum.affine(1.0 / n as f64, 0.0)?.broadcast_as(n)?;
        Ok(Some(RawLoss { sum, count: 1, per_example }))
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        Ok(Evaluation::of_loss(self.loss(taps, batch)?, batch.n_examples()))
    }

    /// The distance is the same for every batch, so its mean is the distance.
    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(DistanceScorer)
    }

    fn begin_stage(&mut self) -> Result<()> {
        let values = self.parameters.iter().map(|(_, parameter)| parameter.var().copy());
        self.previous = Some(values.collect::<Result<_>>()?);
        Ok(())
    }

    fn memory(&self) -> BTreeMap<String, Tensor> {
        let names = self.parameters.iter().map(|(name, _)| name.clone());
        names.zip(self.previous.iter().flatten().cloned()).collect()
    }

    fn restore(&mut self, mut memory: BTreeMap<String, Tensor>) -> Result<()> {
        if memory.is_empty() {
            self.previous = None;
            return Ok(());
        }
        let value = |(name, parameter): &(String, ParamRef)| {
            let wanted = parameter.var();
            match memory.remove(name).filter(|value| value.shape() == wanted.shape()) {
                Some(value) => value.to_device(wanted.device()),
                None => bail!("expected a tensor {name:?} of shape {:?}", wanted.shape()),
            }
        };
        let values = self.parameters.iter().map(value).collect::<Result<_>>()?;
        if let Some(name) = memory.keys().next() {
            bail!("found a tensor {name:?}, which it does not have");
        }
        self.previous = Some(values);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::{super::declared, *};
    use crate::{
        data::{Corpus, Example, Field, FieldValues, Fitted, Schema, SplitData},
        keys::{Located, Value, Values},
        model::Parameters,
    };

    fn batch(n_examples: usize) -> Batch {
        let example = Example::of_tokens(vec![1], vec![Some(FieldValues::Symbols(vec![0]))]);
        let part = SplitData {
            examples: vec![example; n_examples],
            file: "train".into(),
            ..SplitData::default()
        };
        let corpus = Corpus::of_schema(Schema::of_tokens(vec![Field::of_tokens("form")]));
        Batch::new(0, &corpus, &part, &(0..n_examples).collect::<Vec<_>>())
    }

    /// Weights (1, 2) and a table with the one row (5) of an encoder, another encoder, and the bias (3) of a head.
    fn anchored() -> Result<(Parameters, Box<dyn Objective>)> {
        let mut parameters = Parameters::new(1, &Device::Cpu)?;
        let mut scope = parameters.scope("one");
        scope.from_values("weight", &[2], vec![1.0, 2.0])?;
        scope.table("table", 1, 1)?.set(vec![5.0])?;
        parameters.scope("other").from_values("weight", &[1], vec![7.0])?;
        parameters.scope("objective.pos").from_values("output.bias", &[1], vec![3.0])?;
        let names = |name: &str| {
            let name = Located::by_default(Value::Text(name.to_owned()));
            Located::by_default(Value::List(vec![name]))
        };
        let held = [(ENCODERS, "one"), (COPIED_HEADS, "pos")];
        let held = held.map(|(key, name)| (key.to_owned(), names(name)));
        let values = Values::new(held.into());
        let config = Anchor.configure(&declared(&values, &[], "")).ok().unwrap();
        let anchored = config.build(ObjectiveSetup {
            name: "steady",
            head: None,
            taps: &[],
            fitted: &Fitted::default(),
            reads: &[],
            decoders: &[],
            scope: parameters.scope("objective.steady"),
        })?;
        Ok((parameters, anchored))
    }

    fn set(parameters: &Parameters, index: usize, values: &[f32]) -> Result<()> {
        let var = &parameters.all()[index].var;
        var.set(&Tensor::new(values, &Device::Cpu)?.reshape(var.shape())?)
    }

    /// The gradient of each parameter that has one.
    type Gradients = Vec<Option<Vec<f32>>>;

    /// The mean loss for a batch, and the gradient of each parameter.
    fn loss_of(
        (parameters, anchored): (&Parameters, &dyn Objective),
        n_examples: usize,
    ) -> Result<Option<(f32, Gradients)>> {
        let Some(loss) = anchored.loss(&[], &batch(n_examples))? else { return Ok(None) };
        let mean = kernel::to_vec(&loss.mean()?.reshape(1)?)?[0];
        let (store, mut left) = (loss.sum.backward()?, parameters.param_grads().take());
        let of = |(index, parameter): (usize, &crate::model::parameters::Parameter)| {
            // Candle's gradients where the parameter is used by its own operations.
            match (store.get(&parameter.var), left.remove(&index)) {
                (Some(gradient), _) => kernel::to_vec(gradient).map(Some),
                (None, Some(kernel::Gradient::Dense(numbers))) => Ok(Some(numbers.to_vec())),
                _ => Ok(None),
            }
        };
        let gradients = parameters.all().iter().enumerate().map(of).collect::<Result<_>>()?;
        Ok(Some((mean, gradients)))
    }

    #[test]
    fn the_distance_is_that_from_the_values_at_the_end_of_the_previous_stage() -> Result<()> {
        let (parameters, mut anchored) = anchored()?;
        set(&parameters, 0, &[9.0, 9.0])?;
        assert_eq!(loss_of((&parameters, anchored.as_ref()), 2)?, None, "the first stage");
        set(&parameters, 0, &[1.0, 2.0])?;
        anchored.begin_stage()?;
        // (3 − 1)² + (2 − 2)² + (6 − 5)² + (0 − 3)².
        set(&parameters, 0, &[3.0, 2.0])?;
        set(&parameters, 1, &[6.0])?;
        set(&parameters, 2, &[100.0])?;
        set(&parameters, 3, &[0.0])?;
        let wanted = vec![Some(vec![4.0, 0.0]), Some(vec![2.0]), None, Some(vec![-6.0])];
        for n_examples in [1, 3] {
            let found = loss_of((&parameters, anchored.as_ref()), n_examples)?;
            assert_eq!(found, Some((14.0, wanted.clone())));
        }
        assert!(anchored.loss(&[], &batch(0))?.is_none());
        anchored.begin_stage()?;
        let (loss, gradients) = loss_of((&parameters, anchored.as_ref()), 1)?.unwrap();
        assert_eq!((loss, gradients[0].clone()), (0.0, Some(vec![0.0, 0.0])));
        Ok(())
    }

    #[test]
    fn memory_is_restored_or_refused() -> Result<()> {
        let (parameters, mut one) = anchored()?;
        assert!(one.memory().is_empty());
        one.begin_stage()?;
        set(&parameters, 0, &[3.0, 2.0])?;
        let memory = one.memory();
        assert!(memory.keys().eq(["objective.pos.output.bias", "one.table", "one.weight"]));
        let (parameters, mut other) = anchored()?;
        set(&parameters, 0, &[3.0, 2.0])?;
        other.restore(memory.clone())?;
        assert_eq!(loss_of((&parameters, other.as_ref()), 1)?.map(|(loss, _)| loss), Some(4.0));
        let mut lacking = memory.clone();
        lacking.remove("one.table");
        let mut further = memory.clone();
        further.insert("other.weight".to_owned(), memory["one.table"].clone());
        let mut of_another_shape = memory.clone();
        of_another_shape.insert("one.weight".to_owned(), memory["one.table"].clone());
        for wrong in [lacking, further, of_another_shape] {
            assert!(other.restore(wrong).is_err());
        }
        other.restore(BTreeMap::new())?;
        assert!(other.loss(&[], &batch(1))?.is_none());
        Ok(())
    }
}
