//! The loss and the predictions against the formulas of the module documentation, in f64.

use candle_core::{Device, Tensor};

use super::*;
use crate::{
    data::{Axis, Batch, Field, FieldForm, Packing, Prediction, Schema, SplitData},
    kernel::to_vec,
    keys::{Located, Value, Values},
    metric::Gold,
    model::{
        Parameters, Rows, head,
        tap::{Context, LayerSpec, RowKind},
    },
    objective::declared,
};

/// Pairs with these scores.
fn corpus(scores: &[Option<&[f32]>]) -> Corpus {
    let fields =
        vec![Field::of_tokens("text"), Field::new("score", Axis::Example, FieldForm::Numbers)];
    let mut corpus = Corpus::of_schema(Schema::of_tokens(fields));
    let word = corpus.lexicons[0].intern("x");
    let example = |score: Option<&[f32]>| {
        let score = score.map(|score| FieldValues::Numbers(score.into()));
        Example::of_tokens(vec![1], vec![Some(FieldValues::Symbols(vec![word])), score])
    };
    let examples = scores.iter().copied().map(example).collect();
    corpus.train = SplitData { examples, file: "train".into(), ..SplitData::default() };
    corpus
}

fn values(options: &[(&str, Value)]) -> Values {
    let texts = |texts: &[&str]| {
        let item = |text: &&str| Located::by_default(Value::Text((*text).to_owned()));
        Value::List(texts.iter().map(item).collect())
    };
    let defaults = [
        ("label", Value::Text("score".to_owned())),
        ("features", texts(&["absolute-difference", "product"])),
        ("bins", Value::Integer(5)),
        ("hidden", Value::Integer(0)),
        ("label_smoothing", Value::Number(0.0)),
    ];
    let entries = defaults.into_iter().chain(options.iter().cloned());
    let entries = entries.map(|(key, value)| (key.to_owned(), Located::by_default(value)));
    Values::new(entries.collect())
}

fn range(ends: &[f64]) -> (&'static str, Value) {
    let ends = ends.iter().map(|end| Located::by_default(Value::Number(*end)));
    (RANGE, Value::List(ends.collect()))
}

fn layers() -> [LayerSpec; 2] {
    let (on, pooled, context) = (RowKind::Example, RowKind::Example, Context::BOTH);
    [LayerSpec { width: 2, on, pooled, context, directions: None }; 2]
}

fn configured(
    options: &[(&str, Value)],
) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
    Relatedness.configure(&declared(&values(options), &layers(), "softmax"))
}

#[test]
fn loss_and_predictions_are_those_of_the_formula() -> Result<()> {
    let corpus = corpus(&[Some(&[3.6]), None, Some(&[5.0])]);
    let values = values(&[range(&[1.0, 5.0])]);
    let taps = layers();
    let config = Relatedness.configure(&declared(&values, &taps, "softmax")).ok().unwrap();
    let mut parameters = Parameters::new(4, &Device::Cpu)?;
    let head = head::find("softmax").map(|head| head.configure(&values));
    let mut objective = config.build(ObjectiveSetup {
        name: "score",
        head: head.as_ref(),
        taps: &taps,
        fitted: &config.fit(&[&corpus]),
        reads: &[],
        decoders: &[],
        scope: parameters.scope("objective.score"),
    })?;
    objective.attach(0, &corpus);
    let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1, 2]);
    let (a, b) = ([[0.5, -1.0], [0.25, 0.75], [2.0, 1.0]], [[1.5, 1.0], [0.5, 0.5], [-1.0, 0.5]]);
    let rows = |rows: [[f32; 2]; 3]| -> Result<Rows> {
        Ok(Rows::new(Tensor::new(&rows, &Device::Cpu)?, &Packing::of_examples(3).into()))
    };
    let taps = [rows(a)?, rows(b)?];
    let evaluation = objective.evaluate(&taps, &batch)?;
    let loss = objective.loss(&taps, &batch)?.expect("two pairs have a score");
    let evaluated = evaluation.loss.as_ref().expect("two pairs have a score");
    assert_eq!(to_vec(&loss.per_example)?, to_vec(&evaluated.per_example)?);

    let parameter = |name: &str| {
        let name = format!("objective.score.output.{name}");
        let found = parameters.all().iter().find(|it| it.name == name).expect("it exists");
        to_vec(&found.var)
    };
    let (weight, bias) = (parameter("weight")?, parameter("bias")?);
    let gold = [Some([0.0, 0.0, 0.4, 0.6, 0.0]), None, Some([0.0, 0.0, 0.0, 0.0, 1.0])];
    let found = to_vec(&loss.per_example)?;
    for pair in 0..3 {
        let [a, b] = [a[pair], b[pair]].map(|row| row.map(f64::from));
        let x = [(a[0] - b[0]).abs(), (a[1] - b[1]).abs(), a[0] * b[0], a[1] * b[1]];
        let score = |bin: usize| -> f64 {
            let terms = x.iter().enumerate().map(|(at, x)| x * f64::from(weight[at * 5 + bin]));
            f64::from(bias[bin]) + terms.sum::<f64>()
        };
        let sum: f64 = (0..5).map(|bin| score(bin).exp()).sum();
        let p: Vec<f64> = (0..5).map(|bin| score(bin).exp() / sum).collect();
        let divergence = gold[pair].map_or(0.0, |q| {
            let terms = q.iter().zip(&p).filter(|(q, _)| **q > 0.0);
            terms.map(|(q, p): (&f64, &f64)| q * (q / p).ln()).sum()
        });
        assert!((f64::from(found[pair]) - divergence).abs() < 1e-5, "{found:?} {divergence}");
        let expectation: f64 = p.iter().zip(1..).map(|(p, r)| p * f64::from(r)).sum();
        let Prediction::Numbers(predicted) = &evaluation.predictions[pair] else {
            panic!("a score")
        };
        assert!((f64::from(predicted[0]) - expectation).abs() < 1e-5);
    }
    assert_eq!(loss.count, 2);
    let wanted = [Gold::Numbers(vec![Some(3.6)]), Gold::None, Gold::Numbers(vec![Some(5.0)])];
    assert_eq!(evaluation.gold, wanted);
    Ok(())
}

#[test]
fn the_range_is_that_of_train_unless_it_is_set() {
    let corpus = corpus(&[Some(&[3.5]), None, Some(&[-2.0]), Some(&[4.0])]);
    let fitted = |options: &[(&str, Value)]| {
        configured(options).ok().unwrap().fit(&[&corpus]).numbers[RANGE].clone()
    };
    assert_eq!(fitted(&[]), [-2.0, 4.0]);
    assert_eq!(fitted(&[range(&[0.0, 5.0])]), [0.0, 5.0]);
}

#[test]
fn scores_that_are_not_one_number_in_the_range_are_faults() {
    let corpus = corpus(&[Some(&[3.5]), Some(&[1.0, 2.0]), Some(&[6.0])]);
    let faults = |options: &[(&str, Value)]| -> Vec<String> {
        let check = configured(options).ok().unwrap().check_corpus(&corpus);
        check.of_examples.into_iter().map(|(_, fault)| fault.what).collect()
    };
    let two = "expected one score in \"score\", found 2 numbers";
    assert_eq!(faults(&[]), [two]);
    let outside = "expected a score from 1 to 5, the `range`, found 6";
    assert_eq!(faults(&[range(&[1.0, 5.0])]), [two, outside]);
}

#[test]
fn a_range_needs_two_ends_and_smoothing_is_refused() {
    let what = |options: &[(&str, Value)]| match configured(options) {
        Err(ConfigFault::Key(_, what)) => what,
        _ => panic!("expected a fault of a key"),
    };
    let wanted = "`range`: expected the lowest and the highest score, such as [1, 5], found ";
    assert_eq!(what(&[range(&[5.0, 1.0])]), format!("{wanted}[5, 1]"));
    assert_eq!(what(&[range(&[1.0])]), format!("{wanted}[1]"));
    let smoothed = what(&[("label_smoothing", Value::Number(0.1))]);
    assert!(smoothed.starts_with("expected no label smoothing"), "{smoothed}");
}
