//! Tie: soft parameter sharing between two encoders (Duong, Cohn, Bird and Cook 2015, "Low resource
//! dependency parsing").
//!
//! loss = Σ ‖A − B‖² over the pairs of parameters A of one encoder and B of the other with the same
//! name within the encoder and the same shape; it does not depend on the batch. Embedding tables
//! are excluded, as the same row is a different word in each; so are word vectors in Duong et al.
//! Both encoders receive gradients. The metric is the distance, the square root of the loss.

use candle_core::{Result, bail};

use super::{
    ConfigFault, Declared, Evaluation, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RawLoss, TapKey,
};
use crate::{
    data::Batch,
    kernel::{self, ParamRef},
    keys::{Key, Refers, ValueType},
    metric::{Scorer, scorer::DistanceScorer},
    model::Rows,
    protocol::event::Direction,
};

pub(super) struct Tie;

const ENCODER: &str = "encoder";
const TO: &str = "to";

const KEYS: &[Key] = &[
    Key::required(ENCODER, ValueType::Name(Refers::Encoder), "encoder whose parameters are tied"),
    Key::required(
        TO,
        ValueType::Name(Refers::Encoder),
        "encoder of the same architecture to tie them to",
    ),
];

impl ObjectiveKind for Tie {
    fn name(&self) -> &'static str {
        "tie"
    }

    fn about(&self) -> &'static str {
        "soft parameter sharing: distance between the parameters of two encoders"
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
        let (a, b) = (declared.values.text(ENCODER), declared.values.text(TO));
        let config = || -> Box<dyn ObjectiveConfig> {
            Box::new(Config { encoder: a.to_owned(), to: b.to_owned() })
        };
        if a == b {
            return Err(ConfigFault::Key(
                TO,
                format!("`to`: {b:?} is the encoder itself; choose another"),
            ));
        }
        let (Some(one), Some(other)) = ((declared.encoder)(a), (declared.encoder)(b)) else {
            return Ok(config());
        };
        let (kind, wanted) = (other.kind.name(), one.kind.name());
        if kind != wanted {
            return Err(ConfigFault::Key(
                TO,
                format!("{b:?} is of kind {kind:?}; expected {wanted:?}, as {a:?} is"),
            ));
        }
        if !one.config.has_weights() {
            let what = format!("{a:?} has no parameters to tie: embedding tables are excluded");
            return Err(ConfigFault::Key(ENCODER, what));
        }
        let mut pairs = one.signature.inputs.iter().zip(&other.signature.inputs);
        if let Some((wanted, found)) = pairs.find(|(one, other)| one.width != other.width) {
            let (wanted, found) = (wanted.width, found.width);
            let what =
                format!("{b:?} reads rows of dimension {found}; expected {wanted}, as {a:?} reads");
            return Err(ConfigFault::Key(TO, what));
        }
        let makes = |takes: &ValueType| {
            matches!(
                takes,
                ValueType::Count(_)
                    | ValueType::Within(..)
                    | ValueType::Choice(_)
                    | ValueType::List(_)
                    | ValueType::Table(_)
                    | ValueType::Either(_)
            )
        };
        let mut keys = one.kind.keys().iter().filter(|key| makes(&key.takes));
        match keys.find(|key| one.values.get(key.name) != other.values.get(key.name)) {
            Some(key) => {
                let what = format!(
                    "`{}` of {b:?} differs from that of {a:?}; expected the same",
                    key.name
                );
                Err(ConfigFault::Key(TO, what))
            }
            None => Ok(config()),
        }
    }
}

/// The names of the two encoders.
struct Config {
    encoder: String,
    to: String,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        vec![Metric { name: "distance", direction: Direction::Lower }]
    }

    fn output(&self) -> Output<'_> {
        Output::Nothing
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let others = setup.scope.parameters_under(&self.to);
        let pair = |(name, a): (String, ParamRef)| {
            let (_, b) = others.iter().find(|(other, _)| *other == name)?;
            (a.var().shape() == b.var().shape()).then(|| (a, b.clone()))
        };
        let pairs = setup.scope.parameters_under(&self.encoder).into_iter().filter_map(pair);
        let pairs: Vec<_> = pairs.collect();
        if pairs.is_empty() {
            let (a, b) = (&self.encoder, &self.to);
            bail!("tie: {a:?} and {b:?} have no parameter with the same name and shape");
        }
        Ok(Box::new(Tied { pairs }))
    }
}

struct Tied {
    pairs: Vec<(ParamRef, ParamRef)>,
}

impl Objective for Tied {
    fn loss(&self, _taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let n = batch.n_examples();
        if n == 0 {
            return Ok(None);
        }
        let sum = kernel::squared_distance(&self.pairs)?;
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
}

#[cfg(test)]
mod tests {

    use candle_core::Device;

    use super::{super::declared, *};
    use crate::{
        data::{Corpus, Example, Field, FieldValues, Fitted, Schema, SplitData},
        keys::{Located, Value, Values},
        metric::Scores,
        model::Parameters,
    };

    fn batch(n_sequences: usize) -> Batch {
        let example = Example::of_tokens(vec![1], vec![Some(FieldValues::Symbols(vec![0]))]);
        let part = SplitData {
            examples: vec![example; n_sequences],
            file: "train".into(),
            ..SplitData::default()
        };
        let corpus = Corpus::of_schema(Schema::of_tokens(vec![Field::of_tokens("form")]));
        Batch::new(0, &corpus, &part, &(0..n_sequences).collect::<Vec<_>>())
    }

    /// Weights (1, 2) and (3, 2), embedding tables that differ by 100, and a bias that only one of
    /// them has.
    fn tied() -> Result<(Parameters, Box<dyn Objective>)> {
        let mut parameters = Parameters::new(1, &Device::Cpu)?;
        for (name, first) in [("one", 1.0), ("other", 3.0)] {
            let mut scope = parameters.scope(name);
            scope.from_values("linear.weight", &[2], vec![first, 2.0])?;
            scope.table("table", 1, 1)?.set(vec![100.0 * first])?;
        }
        parameters.scope("one").from_values("bias", &[1], vec![7.0])?;
        let entries = [(ENCODER, "one"), (TO, "other")]
            .map(|(key, name)| (key.to_owned(), Located::by_default(Value::Text(name.to_owned()))));
        let values = Values::new(entries.into());
        let config = Tie.configure(&declared(&values, &[], "")).ok().unwrap();
        let tied = config.build(ObjectiveSetup {
            name: "near",
            head: None,
            taps: &[],
            fitted: &Fitted::default(),
            reads: &[],
            decoders: &[],
            scope: parameters.scope("objective.near"),
        })?;
        Ok((parameters, tied))
    }

    #[test]
    fn only_common_parameters_are_compared_and_tables_are_excluded() -> Result<()> {
        let (parameters, tied) = tied()?;
        let loss = tied.loss(&[], &batch(2))?.unwrap();
        assert_eq!(kernel::to_vec(&loss.mean()?.reshape(1)?)?, [4.0]);
        assert_eq!((loss.count, kernel::to_vec(&loss.per_example)?), (1, vec![2.0, 2.0]));
        let (store, left) = (loss.sum.backward()?, parameters.param_grads().take());
        let wanted = [Some(vec![-4.0, 0.0]), None, Some(vec![4.0, 0.0]), None, None];
        for (index, (parameter, wanted)) in parameters.all().iter().zip(wanted).enumerate() {
            // Candle's gradients where the parameter is used by its own operations.
            let found = match (store.get(&parameter.var), left.get(&index)) {
                (Some(gradient), _) => Some(kernel::to_vec(gradient)?),
                (None, Some(kernel::Gradient::Dense(numbers))) => Some(numbers.to_vec()),
                _ => None,
            };
            assert_eq!(found, wanted, "{}", parameter.name);
        }
        Ok(())
    }

    #[test]
    fn the_distance_is_the_square_root_of_the_loss_for_any_number_of_batches() -> Result<()> {
        let (_, tied) = tied()?;
        let mut scores = Scores::default();
        for n in [1, 3] {
            let loss = tied.evaluate(&[], &batch(n))?.loss.unwrap();
            scores.sum += f64::from(kernel::to_vec(&loss.sum.reshape(1)?)?[0]);
            scores.count += loss.count;
        }
        tied.scorer().finish(&mut scores);
        assert_eq!((scores.loss(), scores.metrics), (Some(4.0), vec![("distance", 2.0)]));
        Ok(())
    }
}
