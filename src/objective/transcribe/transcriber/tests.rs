//! Losses and predictions against sums over alignments, computed from the scores in f64.

use std::{collections::BTreeMap, sync::Arc};

use candle_core::Device;

use super::*;
use crate::{
    data::{Axis, Example, Field, FieldForm, FieldValues, Schema, SequenceSpec, SplitData},
    kernel::to_vec,
    keys::{Located, Value, Values},
    model::{
        Parameters, head,
        tap::{Context, LayerSpec, RowKind},
    },
    objective::{ObjectiveConfig, TapRows, declare::declared},
    protocol::event::Split,
};

/// Tokens with a raw text, and with a second sequence: by example the number of tokens, the text, and that sequence.
fn corpus_of(examples: &[(usize, Option<&str>, &[&str])]) -> Corpus {
    let sequence = |name: &str| SequenceSpec { name: name.to_owned(), is_list: false };
    let fields = vec![
        Field::of_tokens("sounds"),
        Field::new("phonemes", Axis::Sequence(1), FieldForm::Symbols),
        Field::new("text", Axis::Example, FieldForm::Text),
    ];
    let sequences = vec![sequence("sounds"), sequence("phonemes")];
    let mut corpus = Corpus::of_schema(Schema { sequences, fields });
    let sound = corpus.lexicons[0].intern("s");
    let mut all = Vec::new();
    for (line, &(n, text, phonemes)) in (1..).zip(examples) {
        let symbols = phonemes.iter().map(|phoneme| corpus.lexicons[1].intern(phoneme)).collect();
        let mut example = Example::of_tokens(vec![line; n], Vec::new());
        let positions = crate::data::Positions::on_line(line, phonemes.len());
        example.sequences.push((!phonemes.is_empty()).then_some(positions));
        example.fields = vec![
            Some(FieldValues::Symbols(vec![sound; n])),
            (!phonemes.is_empty()).then_some(FieldValues::Symbols(symbols)),
            text.map(|text| FieldValues::Text(text.into())),
        ];
        all.push(example);
    }
    corpus.train = SplitData { examples: all, file: "t".into(), ..SplitData::default() };
    corpus
}

/// In the order of a batch: a transcript, an empty one, none, one with more characters than rows, and one with a
/// character that is not in the vocabulary.
fn corpus() -> Corpus {
    corpus_of(&[
        (5, Some("aba"), &["AH", "B"]),
        (4, Some(""), &[]),
        (3, None, &["B", "B"]),
        (2, Some("aa"), &["AH"]),
        (1, Some("z"), &["Z"]),
    ])
}

const TAP: LayerSpec = LayerSpec {
    width: 3,
    on: RowKind::Token,
    pooled: RowKind::Example,
    context: Context::BOTH,
    directions: None,
};

fn config(options: &[(&str, Value)]) -> (Values, Config) {
    let text = |text: &str| Value::Text(text.to_owned());
    let defaults = [
        ("label", text("text")),
        ("units", text("characters")),
        ("hidden", Value::Integer(0)),
        ("beam", Value::Integer(1)),
    ];
    let entries = defaults.into_iter().chain(options.iter().cloned());
    let entries = entries.map(|(key, value)| (key.to_owned(), Located::by_default(value)));
    let values = Values::new(entries.collect());
    let config = Config::of(&declared(&values, &[TAP], "ctc"));
    (values, config)
}

/// A transcriber of these units of train.
fn transcriber(options: &[(&str, Value)], units: &[&str]) -> (Parameters, Transcriber) {
    let (values, config) = config(options);
    let counts: BTreeMap<&str, u64> = units.iter().map(|&unit| (unit, 1)).collect();
    let fitted = crate::data::Fitted::default()
        .with_vocabulary(LABELS, Vocabulary::from_counts(counts, 1, None));
    let mut parameters = Parameters::new(3, &Device::Cpu).unwrap();
    let head = head::find("ctc").map(|head| head.configure(&values));
    let setup = ObjectiveSetup {
        name: "transcribe",
        head: head.as_ref(),
        taps: &[TAP],
        fitted: &fitted,
        reads: &[],
        decoders: &[],
        scope: parameters.scope("objective.transcribe"),
    };
    let mut transcriber = Transcriber::new(&config, setup).unwrap();
    transcriber.attach(0, &corpus());
    (parameters, transcriber)
}

fn batch() -> Batch {
    let corpus = corpus();
    Batch::new(0, &corpus, &corpus.train, &[0, 1, 2, 3, 4])
}

/// Rows of a tap with this packing, different for each token.
fn tap(packing: &Arc<Packing>) -> Rows {
    let n = packing.n_rows();
    let values: Vec<f32> = (0..3 * n).map(|at| ((at * 7) % 11) as f32 / 2.0 - 2.0).collect();
    Rows::new(Tensor::from_vec(values, (n, 3), &Device::Cpu).unwrap(), packing)
}

/// −ln of the sum over all alignments of the labels with the rows of an example.
fn loss(transcriber: &Transcriber, tap: &Rows, example: usize, labels: &[usize]) -> f64 {
    let scores = to_vec(&transcriber.head.scores(&tap.tensor).unwrap()).unwrap();
    let n_classes = transcriber.vocabulary.len() + 1;
    let rows = tap.packing.rows_of_example(example);
    let y = |t: usize, class: usize| {
        let row = &scores[rows[t] * n_classes..][..n_classes];
        let sum: f64 = row.iter().map(|&s| f64::from(s).exp()).sum();
        f64::from(row[class]).exp() / sum
    };
    let alignments = (0..n_classes.pow(rows.len() as u32)).map(|code| {
        let class = |t: usize| code / n_classes.pow(t as u32) % n_classes;
        (0..rows.len()).map(class).collect::<Vec<_>>()
    });
    let p: f64 = alignments
        .filter(|alignment| {
            let mut found = alignment.clone();
            found.dedup();
            found.retain(|&class| class + 1 != n_classes);
            found == labels
        })
        .map(|alignment| {
            alignment.iter().enumerate().map(|(t, &class)| y(t, class)).product::<f64>()
        })
        .sum();
    -p.ln()
}

fn assert_losses(found: &[f32], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((f64::from(*found) - wanted).abs() < 1e-5, "{found}, expected {wanted}");
    }
}

#[test]
fn the_loss_is_that_of_transcripts_that_their_rows_can_have_by_the_number_of_units() {
    let (_, transcriber) = transcriber(&[], &["a", "b"]);
    let batch = batch();
    let tap = tap(batch.sequence(0));
    let wanted =
        [loss(&transcriber, &tap, 0, &[0, 1, 0]), loss(&transcriber, &tap, 1, &[]), 0.0, 0.0, 0.0];
    let found = transcriber.loss(std::slice::from_ref(&tap), &batch).unwrap().unwrap();
    assert_eq!(found.count, 3 + 1, "an empty transcript counts as one unit");
    let per_example = to_vec(&found.per_example).unwrap();
    assert_losses(&per_example, &wanted);
    let evaluation = transcriber.evaluate(&[tap], &batch).unwrap();
    assert_eq!(to_vec(&evaluation.loss.unwrap().per_example).unwrap(), per_example);
    let texts = ["aba", "", "", "aa", "z"].map(|text| Gold::Texts(vec![text.to_owned()]));
    for (at, (found, wanted)) in evaluation.gold.iter().zip(&texts).enumerate() {
        assert_eq!(found, if at == 2 { &Gold::None } else { wanted });
    }
}

#[test]
fn rows_that_join_others_are_those_of_the_same_example() {
    let (_, transcriber) = transcriber(&[], &["a", "b"]);
    let batch = batch();
    let halves: Vec<usize> = batch.sequence(0).lengths().iter().map(|n| n.div_ceil(2)).collect();
    let parents = batch.sequence(0).parent_rows().to_vec();
    let tap = tap(&Arc::new(Packing::below(batch.per_example(), parents, halves)));
    let wanted = [loss(&transcriber, &tap, 0, &[0, 1, 0]), loss(&transcriber, &tap, 1, &[])];
    let found = transcriber.loss(&[tap], &batch).unwrap().unwrap();
    assert_losses(&to_vec(&found.per_example).unwrap()[..2], &wanted);
}

#[test]
fn words_of_another_sequence_are_transcribed_with_spaces_between() {
    let options = [("label", "phonemes"), ("units", "words")];
    let options = options.map(|(key, value)| (key, Value::Text(value.to_owned())));
    let (_, transcriber) = transcriber(&options, &["AH", "B"]);
    let batch = batch();
    let tap = tap(batch.sequence(0));
    let wanted = [
        loss(&transcriber, &tap, 0, &[0, 1]),
        0.0,
        loss(&transcriber, &tap, 2, &[1, 1]),
        loss(&transcriber, &tap, 3, &[0]),
        0.0,
    ];
    let found = transcriber.loss(std::slice::from_ref(&tap), &batch).unwrap().unwrap();
    assert_eq!(found.count, 2 + 2 + 1);
    assert_losses(&to_vec(&found.per_example).unwrap(), &wanted);
    let evaluation = transcriber.evaluate(&[tap], &batch).unwrap();
    assert_eq!(evaluation.gold[0], Gold::Texts(vec!["AH B".to_owned()]));
    assert_eq!(evaluation.gold[1], Gold::None, "a sequence without tokens is missing");
    let Prediction::Texts(texts) = &evaluation.predictions[2] else { panic!("a text") };
    assert!(texts[0].text.split(' ').all(|word| ["", "AH", "B"].contains(&word)), "{texts:?}");
}

#[test]
fn a_beam_predicts_several_texts_the_best_first() {
    let (_, transcriber) = transcriber(&[("beam", Value::Integer(100))], &["a", "b"]);
    let batch = batch();
    let tap = tap(batch.sequence(0));
    let evaluation = transcriber.evaluate(std::slice::from_ref(&tap), &batch).unwrap();
    let Prediction::Texts(texts) = &evaluation.predictions[0] else { panic!("texts") };
    assert!(texts.len() > 20 && texts.is_sorted_by(|a, b| a.score >= b.score), "{texts:?}");
    let found = texts.iter().find(|text| text.text == "aba").unwrap();
    let wanted = -loss(&transcriber, &tap, 0, &[0, 1, 0]);
    assert!((f64::from(found.score) - wanted).abs() < 1e-5, "{found:?}, expected {wanted}");
}

#[test]
fn units_are_those_of_train() {
    let mut corpus = corpus();
    corpus.dev = Some(SplitData {
        examples: corpus_of(&[(1, Some("q"), &[])]).train.examples,
        ..SplitData::default()
    });
    let (_, config) = config(&[]);
    let fitted = config.fit(&[&corpus]);
    let vocabulary = fitted.vocabulary(LABELS).unwrap();
    assert_eq!(vocabulary.iter().collect::<Vec<_>>(), [("a", 4), ("b", 1), ("z", 1)]);
}

#[test]
fn a_transcript_longer_than_its_sequence_is_a_fault_and_one_longer_than_its_rows_is_counted() {
    let (_, config) = config(&[]);
    let corpus = corpus_of(&[
        (2, Some("aa"), &[]),
        (4, Some("abc"), &[]),
        (1, Some("b"), &[]),
        (9, None, &[]),
    ]);
    let check = |joins: usize| {
        let n_rows = move |n: usize| n.div_ceil(joins);
        config.check_rows(&corpus, &TapRows { sequence: 0, n_rows: &n_rows })
    };
    let found = check(2);
    let too_long = "expected 3 tokens of \"sounds\" or more for the 2 characters of \"text\", one for each and one \
                    between equal ones, found 2";
    let [(Split::Train, error)] = found.of_examples.as_slice() else { panic!("{found:?}") };
    assert_eq!((error.line, error.what.as_str()), (1, too_long));
    let [error] = found.too_few_rows.as_slice() else { panic!("{found:?}") };
    let too_few =
        "expected 3 rows at `tap` or more for the 3 characters of \"text\", found 2 for 4 tokens";
    assert_eq!((error.line, error.what.as_str()), (2, too_few));
    assert!(found.of_corpus.is_empty(), "one example is trained");
    assert!(check(1).too_few_rows.is_empty());
    let corpus = corpus_of(&[(4, Some("abc"), &[])]);
    let n_rows = |_: usize| 1;
    let found = config.check_rows(&corpus, &TapRows { sequence: 0, n_rows: &n_rows });
    assert_eq!(
        found.of_corpus[0].what,
        "expected as many rows at `tap` as \"text\" needs in one example at least, found fewer in 1; tap a layer that \
         joins fewer tokens"
    );
    let none = corpus_of(&[(4, None, &[])]);
    let found = config.check_corpus(&none).of_corpus;
    assert_eq!(
        found[0].what,
        "from here on no example of train has a \"text\"; expected one at least"
    );
}
