//! A bag by hand, unknown words, and what is predicted.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor, Var};

use super::{super::declared, *};
use crate::{
    data::{
        Axis, Example, Field, FieldForm, FieldValues, Packing, Positions, Schema, SequenceSpec,
        SplitData,
    },
    kernel::to_vec,
    keys::{Located, Value, Values},
    metric::Scores,
    model::{
        Parameters, RowKind, head,
        tap::{Context, LayerSpec},
    },
};

/// Texts in train, and in test one with a word that train has once only and one that it has not.
fn corpus() -> Corpus {
    let sequences = vec![SequenceSpec { name: "text".into(), is_list: false }];
    let fields = vec![Field::new("text", Axis::Sequence(0), FieldForm::Symbols)];
    let mut corpus = Corpus::of_schema(Schema { sequences, fields });
    let mut split = |texts: &[&str]| {
        let mut example = |text: &&str| {
            let words: Vec<_> =
                text.split(' ').map(|word| corpus.lexicons[0].intern(word)).collect();
            Example {
                line: 1,
                file: None,
                sequences: vec![Some(Positions::on_line(1, words.len()))],
                fields: vec![Some(FieldValues::Symbols(words))],
            }
        };
        SplitData {
            examples: texts.iter().map(&mut example).collect(),
            file: "t".into(),
            ..SplitData::default()
        }
    };
    let (train, test) = (split(&["a b a b", "a b c c", "a b d"]), split(&["a c a", "d e d"]));
    Corpus { train, test: Some(test), ..corpus }
}

fn values(more: &[(&str, Value)]) -> Values {
    let text = |text: &str| Value::Text(text.to_owned());
    let own = [("label", text("text")), ("tap", text("reader")), ("hidden", Value::Integer(0))];
    let entries = own.iter().chain(more);
    let entries =
        entries.map(|(key, value)| ((*key).to_owned(), Located::by_default(value.clone())));
    Values::new(entries.collect::<BTreeMap<_, _>>())
}

const TAPS: &[LayerSpec] = &[LayerSpec {
    width: 3,
    on: RowKind::Example,
    pooled: RowKind::Example,
    context: Context::BOTH,
    directions: None,
}];

/// An objective over the vocabulary a, b, c whose scores are the rows themselves.
fn bag(values: &Values) -> Result<(Parameters, Box<dyn Objective>)> {
    let corpus = corpus();
    let config = Bag.configure(&declared(values, TAPS, "bag")).ok().unwrap();
    let fitted = config.fit(&[&corpus]);
    let mut parameters = Parameters::new(1, &Device::Cpu)?;
    let head = head::find("bag").map(|head| head.configure(values));
    let mut built = config.build(ObjectiveSetup {
        name: "objective",
        head: head.as_ref(),
        taps: TAPS,
        fitted: &fitted,
        reads: &[],
        decoders: &[],
        scope: parameters.scope("objective"),
    })?;
    let weights = &parameters.all()[0].var;
    weights.set(&Tensor::eye(3, DType::F32, &Device::Cpu)?)?;
    built.attach(0, &corpus);
    Ok((parameters, built))
}

/// Probabilities of a, b, c: 1/6, 1/3, 1/2 in every row.
fn rows(n: usize) -> Result<Rows> {
    let scores = [0.0, 2f32.ln(), 3f32.ln()].repeat(n);
    let scores = Var::from_tensor(&Tensor::from_vec(scores, (n, 3), &Device::Cpu)?)?;
    Ok(Rows::new(scores.into_inner(), &Packing::of_examples(n).into()))
}

fn recall(evaluation: &Evaluation) -> f64 {
    let (mut scorer, mut scores) = (Box::new(RecallScorer::default()), Scores::default());
    evaluation.score(&mut *scorer);
    scorer.finish(&mut scores);
    scores.metrics[0].1
}

#[test]
fn the_vocabulary_has_words_of_that_count_and_a_text_counts_once() -> Result<()> {
    let corpus = corpus();
    let fit = |values: &Values| {
        let config = Bag.configure(&declared(values, TAPS, "bag")).ok().unwrap();
        config.fit(&[&corpus])
    };
    let words = |fitted: &Fitted| -> Vec<String> {
        fitted.vocabularies["words"].iter().map(|(word, _)| word.to_owned()).collect()
    };
    let fitted = fit(&values(&[]));
    assert_eq!(words(&fitted), ["a", "b", "c"]);
    // 2, 3 and 3 distinct words.
    assert!((fitted.numbers[N_WORDS][0] - 8.0 / 3.0).abs() < 1e-12);
    assert_eq!(words(&fit(&values(&[("min_count", Value::Integer(1))]))), ["a", "b", "c", "d"]);
    assert_eq!(fit(&values(&[("k", Value::Integer(2))])).numbers[N_WORDS], [2.0]);

    let (_, objective) = bag(&values(&[]))?;
    let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1]);
    let loss = objective.loss(&[rows(2)?], &batch)?.unwrap();
    let (a, b, c) = (6f32.ln(), 3f32.ln(), 2f32.ln());
    let wanted = [(2.0 * a + 2.0 * b) / 4.0, (a + b + 2.0 * c) / 4.0];
    for (found, wanted) in to_vec(&loss.per_example)?.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-6, "{found}, expected {wanted}");
    }
    assert_eq!(loss.count, 2);
    Ok(())
}

#[test]
fn an_unknown_word_has_no_loss_is_never_predicted_and_is_not_found() -> Result<()> {
    let corpus = corpus();
    let test = corpus.test.as_ref().unwrap();
    let batch = Batch::new(0, &corpus, test, &[0, 1]);
    let (_, objective) = bag(&values(&[]))?;
    let evaluation = objective.evaluate(&[rows(2)?], &batch)?;
    let loss = evaluation.loss.as_ref().unwrap();
    // Of the second text no word is known.
    assert_eq!((loss.count, to_vec(&loss.per_example)?[1]), (1, 0.0));
    // The mean number of distinct words in train is 8/3.
    assert_eq!(evaluation.predictions, vec![Prediction::LabelSet(vec![2, 1, 0]); 2]);
    // c of a, c among the first two; of d and e none.
    assert!((recall(&evaluation) - 25.0).abs() < 1e-9);
    let (_, objective) = bag(&values(&[("k", Value::Integer(1))]))?;
    let evaluation = objective.evaluate(&[rows(2)?], &batch)?;
    assert_eq!(evaluation.predictions, vec![Prediction::LabelSet(vec![2]); 2]);
    assert!((recall(&evaluation) - 25.0).abs() < 1e-9);
    let (_, objective) = bag(&values(&[("k", Value::Integer(3))]))?;
    assert!((recall(&objective.evaluate(&[rows(2)?], &batch)?) - 50.0).abs() < 1e-9);
    Ok(())
}

#[test]
fn what_is_predicted_does_not_depend_on_the_text() -> Result<()> {
    let corpus = corpus();
    let mut without = corpus.train.clone();
    let (_, objective) = bag(&values(&[]))?;
    let predicted = |split: &SplitData| {
        let batch = Batch::new(0, &corpus, split, &[0, 1, 2]);
        Ok::<_, candle_core::Error>(objective.evaluate(&[rows(3)?], &batch)?.predictions)
    };
    let with = predicted(&corpus.train)?;
    for example in &mut without.examples {
        example.fields[0] = None;
    }
    assert_eq!(predicted(&without)?, with);
    let batch = Batch::new(0, &corpus, &without, &[0]);
    assert!(objective.loss(&[rows(1)?], &batch)?.is_none());
    Ok(())
}
