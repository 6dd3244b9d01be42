//! Noisy labels: losses and gradients computed by hand, and gradients checked by finite
//! differences.

use std::slice::from_ref;

use candle_core::{DType, Device, Var};

use super::{super::declared, *};
use crate::{
    data::{Example, Field, FieldValues, Fitted, Lexicon, Prediction, Schema, SplitData},
    keys::{Located, Value, Values},
    metric::Scores,
    model::{
        Parameters, head,
        tap::{Context, LayerSpec},
    },
};

const NAMES: [&str; 3] = ["a", "b", "c"];

/// One example of three tokens whose noisy labels are b, an unknown one, and a.
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
        ..SplitData::default()
    };
    let topic = Field::of_examples("topic");
    let fields = vec![Field::of_tokens("form"), Field::of_tokens("noisy"), topic];
    Corpus { lexicons, train, ..Corpus::of_schema(Schema::of_tokens(fields)) }
}

/// An objective that reads `label`, over rows that are the scores themselves, with parameters
/// besides the head's.
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
        head: head.as_ref(),
        taps: &taps,
        fitted: &fitted,
        reads: &[],
        decoders: &[],
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

/// The rows of a tap: of tokens, or of the example.
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

/// P = (1/2, 1/4, 1/4) in each row; C has 0.8 on the diagonal and 0.1 elsewhere.
#[test]
fn the_probability_of_a_noisy_label_sums_over_all_clean_ones() -> Result<()> {
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
        assert_eq!(loss.count, count, "an unknown label has no loss");
        let evaluation = noisy.evaluate(&[tap], &batch())?;
        assert_eq!(number(&evaluation.loss.as_ref().unwrap().sum), number(&loss.sum));
        assert_eq!(evaluation.predictions, [Prediction::Classes(vec![0; n_rows])]);
        let wanted = if on == RowKind::Token { 50.0 } else { 0.0 };
        assert_eq!(scored(&*noisy, &evaluation), [("accuracy", wanted)]);
    }
    Ok(())
}

/// A dictionary that labels every a as b: accuracy compares the noisy label with the one that the
/// matrix predicts.
#[test]
fn the_score_compares_noisy_labels_with_those_predicted_by_the_matrix() -> Result<()> {
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

/// In the first row every path to the label has probability e^-400.
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
fn gradients_of_tap_head_and_matrix_match_finite_differences() -> Result<()> {
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
