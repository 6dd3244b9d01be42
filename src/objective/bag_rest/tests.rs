//! The words to come by hand.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor, Var};

use super::*;
use crate::{
    data::{
        Axis, Example, Field, FieldForm, FieldValues, Positions, Schema, SequenceSpec, SplitData,
        Vocabulary,
    },
    kernel::to_vec,
    keys::Values,
    metric::Scores,
    model::{Parameters, head},
};

/// Texts `a b`, `b x b`, and one without any.
fn corpus() -> Corpus {
    let sequences = vec![SequenceSpec { name: "text".into(), is_list: false }];
    let fields = vec![Field::new("text", Axis::Sequence(0), FieldForm::Symbols)];
    let mut corpus = Corpus::of_schema(Schema { sequences, fields });
    let mut example = |text: &[&str]| {
        let words: Vec<_> = text.iter().map(|word| corpus.lexicons[0].intern(word)).collect();
        Example {
            line: 1,
            file: None,
            sequences: vec![Some(Positions::on_line(1, words.len()))],
            fields: vec![Some(FieldValues::Symbols(words))],
        }
    };
    let examples = vec![example(&["a", "b"]), example(&["b", "x", "b"])];
    Corpus { train: SplitData { examples, file: "t".into(), ..SplitData::default() }, ..corpus }
}

/// An objective over the vocabulary a, b whose scores are the rows themselves.
fn objective(k: Option<usize>) -> Result<(Parameters, WordsToCome)> {
    let counts = [("a", 2), ("b", 1)].into_iter().collect();
    let words = FieldWords::of(Vocabulary::from_counts(counts, 1, None), "text");
    let mut parameters = Parameters::new(1, &Device::Cpu)?;
    let values =
        [("hidden".to_owned(), crate::keys::Located::by_default(crate::keys::Value::Integer(0)))];
    let Some(head::HeadConfig::Bag(config)) =
        head::find("bag").map(|head| head.configure(&Values::new(values.into_iter().collect())))
    else {
        panic!("the head for bags")
    };
    let head = config.build(&mut parameters.scope("objective"), 2, 2)?;
    parameters.all()[0].var.set(&Tensor::eye(2, DType::F32, &Device::Cpu)?)?;
    let mut objective = WordsToCome { words, head, k };
    objective.attach(0, &corpus());
    Ok((parameters, objective))
}

/// A row for each word and each end, time-major: the second text first, as it is longer. P(a) is 1/4 everywhere.
fn rows(batch: &Batch) -> Result<Rows> {
    let lengths: Vec<usize> =
        (0..batch.n_examples()).map(|b| batch.rows_of(0, b).len() + 1).collect();
    let packing = Arc::new(Packing::sorted_below(batch.per_example(), &lengths));
    let scores = [0.0, 3f32.ln()].repeat(packing.n_rows());
    let scores = Tensor::from_vec(scores, (packing.n_rows(), 2), &Device::Cpu)?;
    Ok(Rows::new(Var::from_tensor(&scores)?.into_inner(), &packing))
}

#[test]
fn each_step_has_the_mean_over_the_words_to_come_and_the_end_has_none() -> Result<()> {
    let corpus = corpus();
    let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1]);
    let (_, objective) = objective(None)?;
    let rows = rows(&batch)?;
    let loss = objective.loss(std::slice::from_ref(&rows), &batch)?.unwrap();
    // Steps with a known word to come: `a b`, `b`; `b x b`, `x b`, `b`.
    assert_eq!(loss.count, 5);
    let (a, b) = (4f32.ln(), (4f32 / 3.0).ln());
    // The batch has the longer text first.
    let wanted = [3.0 * b, f32::midpoint(a, b) + b];
    for (found, wanted) in to_vec(&loss.per_example)?.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-6, "{found}, expected {wanted}");
    }
    // p − q at the first step of `a b`: q is 1/2, 1/2; at its second: 0, 1; nothing at its end.
    let gradients = loss.sum.backward()?;
    let found = to_vec(gradients.get(&rows.tensor).unwrap())?;
    let of = |b: usize, t: usize| {
        let row = rows.packing.row(b, t);
        [found[2 * row], found[2 * row + 1]]
    };
    for (found, wanted) in [(of(1, 0), -0.25), (of(1, 1), 0.25), (of(1, 2), 0.0), (of(0, 3), 0.0)] {
        assert!((found[0] - wanted).abs() < 1e-6 && (found[1] + wanted).abs() < 1e-6, "{found:?}");
    }
    Ok(())
}

#[test]
fn recall_is_that_of_the_distinct_words_to_come_at_each_step() -> Result<()> {
    let corpus = corpus();
    let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1]);
    // The first word is always b: of `a b` both are found, of `b` and `x b` with two words b, and of `b x b` likewise.
    for (k, wanted) in [(None, [1.0, 1.0, 0.5, 0.5, 1.0]), (Some(1), [0.5, 1.0, 0.5, 0.5, 1.0])] {
        let (_, objective) = objective(k)?;
        let evaluation = objective.evaluate(&[rows(&batch)?], &batch)?;
        let trained = objective.loss(&[rows(&batch)?], &batch)?.unwrap();
        let found = evaluation.loss.as_ref().unwrap();
        assert_eq!(to_vec(&found.per_example)?, to_vec(&trained.per_example)?);
        assert_eq!(evaluation.predictions, vec![Prediction::None; 2]);
        let (mut scorer, mut scores) = (objective.scorer(), Scores::default());
        evaluation.score(&mut *scorer);
        scorer.finish(&mut scores);
        let wanted = 100.0 * wanted.iter().sum::<f64>() / 5.0;
        assert!((scores.metrics[0].1 - wanted).abs() < 1e-9, "{:?}", scores.metrics);
    }
    Ok(())
}

#[test]
fn a_batch_without_texts_has_no_loss() -> Result<()> {
    let mut corpus = corpus();
    for example in &mut corpus.train.examples {
        example.fields[0] = None;
    }
    let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1]);
    let packing = Arc::new(Packing::sorted_below(batch.per_example(), &[0, 0]));
    let none = Rows::new(Tensor::zeros((0, 2), DType::F32, &Device::Cpu)?, &packing);
    let (_, objective) = objective(None)?;
    assert!(objective.loss(std::slice::from_ref(&none), &batch)?.is_none());
    assert!(objective.evaluate(&[none], &batch)?.loss.is_none());
    Ok(())
}
