//! Noisy: labels that came from somewhere else and are often wrong, through a learned confusion matrix (Fang
//! and Cohn 2016, "Learning when to trust distant supervision"; 2017, with labels projected by dictionaries).
//!
//! It has the head and the labels of another objective, whose labels are right, and one matrix of its own.
//! With P(i | x) what that head says of label i, and C_ij = e^A_ij / Σ_k e^A_ik how often a token of label i is
//! labelled j: loss = −Σ ln Σ_i P(i | x)·C_ij over rows labelled j, divided by their number, all in logarithms,
//! so that no probability is too small for one. C_ii is `initial_accuracy` at the start, and the rest of a row is even.
//!
//! Labels that the other objective's training lacks cost nothing: a dictionary may say that it doesn't know. What
//! is predicted is the right label; what is scored, over the labels that are known, is the noisy one by way of C.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};

use super::{
    ConfigFault, Declared, Evaluation, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RawLoss, TapKey, gold_of, predictions_of,
};
use crate::{
    data::{
        Batch, Corpus, Fitted, Lexicon, Packing, Vocabulary, normalise::Normalise, read::ReadError,
        vocabulary::Lookup,
    },
    kernel::{self, ParamRef},
    keys::{Key, Refers, ValueType},
    metric::{
        Gold, Scorer,
        scorer::{ClassFigure, ClassScorer},
    },
    model::{
        Rows,
        head::{Classes, Head, HeadLoss, labelled_loss},
        tap::RowKind,
    },
    protocol::event::Direction,
};

pub(super) struct Noisy;

const LABEL: &str = "label";
const LABELS: &str = "labels";
const INITIAL_ACCURACY: &str = "initial_accuracy";

const KEYS: &[Key] = &[
    Key::required(
        "share",
        ValueType::Name(Refers::Objective),
        "objective with clean labels, whose head it shares",
    ),
    Key::required(LABEL, ValueType::Name(Refers::Row), "field of the noisy labels"),
    Key::with_default(
        INITIAL_ACCURACY,
        ValueType::Number(0.001, 0.999),
        "0.9",
        "initial diagonal of the confusion matrix: assumed accuracy of the noisy labels",
    ),
];

impl ObjectiveKind for Noisy {
    fn name(&self) -> &'static str {
        "noisy"
    }

    fn about(&self) -> &'static str {
        "noisy labels, through a learned confusion matrix over another objective's classes"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        &[TapKey { name: "tap", on: None }]
    }

    fn head(&self) -> HeadSource {
        HeadSource::Donor { head_donors: &["tag", "classify"], heads: &["softmax"] }
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let values = declared.values;
        Ok(Box::new(Config {
            label: values.text(LABEL).to_owned(),
            initial_accuracy: values.number(INITIAL_ACCURACY),
        }))
    }
}

/// What a recipe says of noisy labels.
struct Config {
    label: String,
    initial_accuracy: f64,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        vec![Metric { name: "accuracy", direction: Direction::Higher }]
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.label, as_read: false }
    }

    fn check_corpus(&self, _corpus: &Corpus) -> Vec<ReadError> {
        Vec::new()
    }

    fn fit(&self, _corpora: &[&Corpus]) -> Fitted {
        Fitted::default()
    }

    fn build(&self, mut setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let vocabulary = setup.vocabulary(LABELS);
        let label = self.label.clone();
        let n = vocabulary.len();
        let first = first_values(n, self.initial_accuracy);
        let confusion = setup.own_scope().from_values("confusion", &[n, n], first)?;
        let on = setup.taps[0].on;
        let head = setup.head(Classes::of(n))?;
        Ok(Box::new(Built { label, vocabulary, on, head, confusion, attached: BTreeMap::new() }))
    }
}

/// A of (n, n) with softmax `initial_accuracy` on the diagonal: e^a / (e^a + n − 1) = initial_accuracy.
fn first_values(n: usize, initial_accuracy: f64) -> Vec<f32> {
    let others = n.saturating_sub(1).max(1) as f64;
    let diagonal = (initial_accuracy * others / (1.0 - initial_accuracy)).ln() as f32;
    (0..n * n).map(|at| if at / n == at % n { diagonal } else { 0.0 }).collect()
}

/// What is known of one corpus.
struct Attached {
    /// The place of the labels; a corpus to predict on may have none.
    label: Option<usize>,
    ids: Lookup,
}

struct Built {
    label: String,
    /// The labels of the objective that it shares with.
    vocabulary: Vocabulary,
    on: RowKind,
    head: Box<dyn Head>,
    /// A: (right, noisy).
    confusion: ParamRef,
    attached: BTreeMap<usize, Attached>,
}

impl Built {
    /// The noisy label of each row; `None` where there is none, or one that is not known.
    fn targets(&self, packing: &Packing, batch: &Batch) -> Vec<Option<u32>> {
        let attached = self.attached.get(&batch.corpus).expect("the corpus has been attached");
        let Some(label) = attached.label else { return vec![None; packing.n_rows()] };
        let of_examples = self.on == RowKind::Example;
        let symbols = if of_examples { batch.labels(label) } else { batch.symbols(label) };
        symbols.iter().map(|symbol| attached.ids.id((*symbol)?)).collect()
    }

    /// ln C: (right, noisy).
    fn log_confusion(&self) -> Result<Tensor> {
        log_softmax(self.confusion.var().as_tensor())
    }
}

/// x − ln Σ e^x along rows of (rows, n).
fn log_softmax(x: &Tensor) -> Result<Tensor> {
    x.broadcast_sub(&log_sum_exp(x)?)
}

/// ln Σ e^x along rows of (rows, n): (rows, 1). The greatest x is a constant, as the gradient by it is 0.
fn log_sum_exp(x: &Tensor) -> Result<Tensor> {
    let most = x.detach().max_keepdim(1)?;
    x.broadcast_sub(&most)?.exp()?.sum_keepdim(1)?.log()? + most
}

impl Objective for Built {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let label = corpus.field(&self.label);
        let lexicon = label.map(|label| corpus.lexicons[label].clone()).unwrap_or_default();
        let ids = Lookup::new(&self.vocabulary, &lexicon, Normalise::default());
        self.attached.insert(corpus_idx, Attached { label, ids });
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Rows { tensor: x, packing } = &taps[0];
        let confusion = self.log_confusion()?;
        RawLoss::of(labelled_loss(x, &self.targets(packing, batch), packing, |x, noisy| {
            per_row(&log_softmax(&self.head.scores(x)?)?, noisy, &confusion)
        })?)
    }

    /// The right label of each row; for the scorer, the noisy one that the matrix makes of it.
    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Rows { tensor: x, packing } = &taps[0];
        let targets = self.targets(packing, batch);
        let scores = self.head.scores(x)?;
        let (right, confusion) = (log_softmax(&scores)?, self.log_confusion()?);
        let loss: Option<HeadLoss> = labelled_loss(&right, &targets, packing, |right, noisy| {
            per_row(right, noisy, &confusion)
        })?;
        let noisy = kernel::argmax(&right.exp()?.matmul(&confusion.exp()?)?)?; // (rows)
        let gold = gold_of(packing, &targets);
        Ok(Evaluation {
            loss: RawLoss::of(loss)?,
            gold: vec![Gold::None; batch.n_examples()],
            predictions: predictions_of(packing, &self.head.predict(&scores, packing)?),
            scored_only: gold.into_iter().zip(predictions_of(packing, &noisy)).collect(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(ClassScorer::new(self.class_names(), vec![ClassFigure::Accuracy]))
    }

    fn class_names(&self) -> Lexicon {
        self.vocabulary.iter().map(|(label, _)| label).collect()
    }
}

/// −ln Σ_i P(i | x)·C_ij of each row labelled j, by the logarithms of P (rows, right) and C (right, noisy): (rows).
fn per_row(right: &Tensor, noisy: Vec<u32>, confusion: &Tensor) -> Result<Tensor> {
    let noisy = Tensor::from_vec(noisy, right.dim(0)?, right.device())?;
    let confused = confusion.t()?.contiguous()?.index_select(&noisy, 0)?;
    log_sum_exp(&(right + confused)?)?.neg()?.squeeze(1)
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use candle_core::{DType, Device, Var};

    use super::{super::declared, *};
    use crate::{
        data::{Example, Field, FieldValues, Lexicon, Prediction, Schema, SplitData},
        keys::{Located, Value, Values},
        metric::Scores,
        model::{
            Parameters, head,
            tap::{Context, LayerSpec},
        },
    };

    const NAMES: [&str; 3] = ["a", "b", "c"];

    /// One example of three tokens whose noisy labels are b, one that is not known, and a.
    fn corpus() -> Corpus {
        let mut lexicons = vec![Lexicon::default(), Lexicon::default(), Lexicon::default()];
        let mut symbols = |field: usize, items: &[&str]| {
            items.iter().map(|item| lexicons[field].intern(item)).collect::<Vec<_>>()
        };
        let (words, tags) = (symbols(0, &["x", "y", "z"]), symbols(1, &["b", "?", "a"]));
        let topic = symbols(2, &["b"])[0];
        let fields =
            [FieldValues::Symbols(words), FieldValues::Symbols(tags), FieldValues::Label(topic)]
                .map(Some)
                .into();
        let train = SplitData {
            examples: vec![Example::of_tokens(vec![1, 2, 3], fields)],
            file: "t".into(),
        };
        let topic = Field::of_examples("topic");
        let fields = vec![Field::of_tokens("form"), Field::of_tokens("noisy"), topic];
        Corpus { lexicons, train, ..Corpus::of_schema(Schema::of_tokens(fields)) }
    }

    /// What reads `label` by rows that are the scores themselves, with parameters beside the head's.
    fn built(
        label: &str,
        on: RowKind,
        initial_accuracy: f64,
    ) -> Result<(Parameters, Box<dyn Objective>)> {
        let entries = [
            ("label", Value::Text(label.to_owned())),
            (INITIAL_ACCURACY, Value::Number(initial_accuracy)),
            ("hidden", Value::Integer(0)),
            ("label_smoothing", Value::Integer(0)),
        ];
        let entries = entries.map(|(key, value)| (key.to_owned(), Located::by_default(value)));
        let values = Values::new(entries.into());
        let counts = NAMES.iter().zip([3, 2, 1]).map(|(name, n)| (*name, n)).collect();
        let labels = Vocabulary::from_counts(counts, 1, None);
        let fitted = Fitted::default().with_vocabulary(LABELS, labels);
        let mut parameters = Parameters::new(1, &Device::Cpu)?;
        let taps = [LayerSpec {
            width: 3,
            on,
            pooled: RowKind::Example,
            context: Context::BOTH,
            directions: None,
        }];
        let config = Noisy.configure(&declared(&values, &taps, "softmax")).ok().unwrap();
        let head = head::find("softmax").map(|head| head.configure(&values));
        let mut built = config.build(ObjectiveSetup {
            name: "projected",
            head: head.as_deref(),
            taps: &taps,
            fitted: &fitted,
            scope: parameters.shared_scope("objective.gold"),
        })?;
        let output = parameter(&parameters, "objective.gold.output.weight");
        output.set(&Tensor::eye(3, DType::F32, &Device::Cpu)?)?;
        built.attach(0, &corpus());
        Ok((parameters, built))
    }

    fn parameter(parameters: &Parameters, name: &str) -> Var {
        let found = parameters.all().iter().find(|parameter| parameter.name == name);
        found.map(|parameter| parameter.var.clone()).expect(name)
    }

    fn batch() -> Batch {
        let corpus = corpus();
        Batch::new(0, &corpus, &corpus.train, &[0])
    }

    /// What a tap gives: rows of the tokens, or of the example.
    fn tap(x: &Tensor, on: RowKind) -> Rows {
        let batch = batch();
        let of_examples = on == RowKind::Example;
        Rows::new(x.clone(), if of_examples { batch.per_example() } else { batch.packing(0) })
    }

    fn scored(noisy: &dyn Objective, evaluation: &Evaluation) -> Vec<(&'static str, f64)> {
        let (mut scorer, mut scores) = (noisy.scorer(), Scores::default());
        evaluation.score(&mut *scorer);
        scorer.finish(&mut scores);
        scores.metrics
    }

    fn number(tensor: &Tensor) -> f64 {
        f64::from(kernel::to_vec(&tensor.reshape(1).unwrap()).unwrap()[0])
    }

    /// P = (1/2, 1/4, 1/4) in each row; C keeps 0.8 and leaves 0.1 for each other.
    #[test]
    fn a_noisy_label_comes_from_all_right_ones_as_the_matrix_says() -> Result<()> {
        let row = [2f32.ln(), 0.0, 0.0];
        for (label, on, n_rows) in [("noisy", RowKind::Token, 3), ("topic", RowKind::Example, 1)] {
            let (_, noisy) = built(label, on, 0.8)?;
            let x = Tensor::from_vec(row.repeat(n_rows), (n_rows, 3), &Device::Cpu)?;
            let tap = tap(&x, on);
            let loss = noisy.loss(from_ref(&tap), &batch())?.unwrap();
            let (a, b) = (0.5 * 0.8 + 0.25 * 0.1 + 0.25 * 0.1, 0.5 * 0.1 + 0.25 * 0.8 + 0.25 * 0.1);
            let (wanted, count) = match on {
                RowKind::Token => (-f64::ln(a) - f64::ln(b), 2),
                _ => (-f64::ln(b), 1),
            };
            assert!((number(&loss.sum) - wanted).abs() < 1e-6, "{label}: {wanted}");
            assert_eq!(loss.count, count, "a label that is not known costs nothing");
            let evaluation = noisy.evaluate(&[tap], &batch())?;
            assert_eq!(number(&evaluation.loss.as_ref().unwrap().sum), number(&loss.sum));
            assert_eq!(evaluation.predictions, [Prediction::Classes(vec![0; n_rows])]);
            let wanted = if on == RowKind::Token { 50.0 } else { 0.0 };
            assert_eq!(scored(&*noisy, &evaluation), [("accuracy", wanted)]);
        }
        Ok(())
    }

    /// A dictionary that calls every a a b: accuracy is of what the matrix makes of the right label.
    #[test]
    fn the_noisy_label_is_scored_by_way_of_the_matrix() -> Result<()> {
        let (parameters, noisy) = built("topic", RowKind::Example, 0.5)?;
        let swap = [[0f32, 9.0, 0.0], [9.0, 0.0, 0.0], [0.0, 0.0, 9.0]];
        parameter(&parameters, "objective.projected.confusion")
            .set(&Tensor::new(&swap, &Device::Cpu)?)?;
        let x = Tensor::new(&[[5f32, 0.0, 0.0]], &Device::Cpu)?;
        let evaluation = noisy.evaluate(&[tap(&x, RowKind::Example)], &batch())?;
        assert_eq!(evaluation.predictions, [Prediction::Classes(vec![0])]);
        assert_eq!(scored(&*noisy, &evaluation), [("accuracy", 100.0)]);
        Ok(())
    }

    /// The first row of scores puts e^-400 on every way to its label.
    #[test]
    fn the_logarithm_of_a_tiny_probability_is_finite_and_so_is_its_gradient() -> Result<()> {
        let (parameters, noisy) = built("topic", RowKind::Example, 0.5)?;
        let far = [[0f32, -400.0, -400.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]];
        let confusion = parameter(&parameters, "objective.projected.confusion");
        confusion.set(&Tensor::new(&far, &Device::Cpu)?)?;
        let x = Var::new(&[[400f32, -400.0, -400.0]], &Device::Cpu)?;
        let loss = noisy.loss(&[tap(&x, RowKind::Example)], &batch())?.unwrap();
        assert!((number(&loss.sum) - 400.0).abs() < 1.0, "{}", number(&loss.sum));
        let store = loss.sum.backward()?;
        for var in [&x, &confusion] {
            let gradient = kernel::to_vec(store.get(var).expect("it is reached"))?;
            assert!(gradient.iter().all(|g| g.is_finite()), "{gradient:?}");
        }
        Ok(())
    }

    #[test]
    fn gradients_by_tap_head_and_matrix_are_finite_differences() -> Result<()> {
        let (parameters, noisy) = built("noisy", RowKind::Token, 0.7)?;
        let numbers = vec![0.3f32, -0.8, 0.5, 1.1, 0.2, -0.4, -0.6, 0.9, 0.1];
        let x = Var::from_vec(numbers, (3, 3), &Device::Cpu)?;
        let loss = || noisy.loss(&[tap(&x, RowKind::Token)], &batch()).unwrap().unwrap().sum;
        let store = loss().backward()?;
        let left = parameters.param_grads().take();
        let names = ["gold.output.weight", "gold.output.bias", "projected.confusion"];
        let all = names.map(|name| parameter(&parameters, &format!("objective.{name}")));
        for (at, var) in all.iter().chain([&x]).enumerate() {
            let number_of =
                parameters.all().iter().position(|parameter| parameter.var.id() == var.id());
            let gradient = match (store.get(var), number_of.and_then(|number| left.get(&number))) {
                (Some(gradient), _) => kernel::to_vec(gradient)?,
                (None, Some(kernel::Gradient::Dense(numbers))) => numbers.to_vec(),
                _ => panic!("{at}: not reached"),
            };
            let before = kernel::to_vec(var)?;
            for place in 0..before.len() {
                let moved = |by: f32| -> Result<f64> {
                    let mut moved = before.clone();
                    moved[place] += by;
                    var.set(&Tensor::from_vec(moved, var.shape(), &Device::Cpu)?)?;
                    Ok(number(&loss()))
                };
                let difference = (moved(1e-2)? - moved(-1e-2)?) / 2e-2;
                moved(0.0)?;
                let found = f64::from(gradient[place]);
                assert!((found - difference).abs() < 1e-3, "{at}[{place}]: {found}, {difference}");
            }
        }
        Ok(())
    }
}
