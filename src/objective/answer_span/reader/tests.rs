//! Losses against the formulas of the module documentation, computed from the scores in f64.

use std::ops::Range;

use candle_core::Device;

use super::{super::Reward, *};
use crate::{
    data::{
        Axis, Example, Field, FieldForm, FieldValues, Fitted, Positions, Schema, Segments,
        SplitData,
    },
    kernel::to_vec,
    keys::{Located, Value, Values},
    model::{
        Parameters, head,
        tap::{Context, LayerSpec, RowKind},
    },
    objective::ObjectiveConfig,
    protocol::event::Split,
};

pub(super) fn span(start: u32, end: u32) -> TokenSpan {
    TokenSpan { start, end, label: None }
}

/// A text from raw text, `In the US., so` in two sentences, with an answer that is given twice and another one; a text
/// of tokens, `d` and `b c`, with an answer in each sentence and one in both; one without an answer; one without
/// labels.
pub(super) fn corpus() -> Corpus {
    let fields = vec![
        Field::of_tokens("text"),
        Field::new("answer", Axis::Sequence(0), FieldForm::Answers),
        Field::new("sentence", Axis::Sequence(0), FieldForm::Segments),
    ];
    let mut corpus = Corpus::of_schema(Schema::of_tokens(fields));
    let mut example = |line: u32, words: &str, raw: bool, answers: Option<&[TokenSpan]>| {
        let symbols: Vec<u32> =
            words.split(' ').map(|word| corpus.lexicons[0].intern(word)).collect();
        // Every mark is joined to the word before it.
        let mut at = 0;
        let bytes = words.split(' ').map(|word| {
            at += u32::from(word.len() > 1);
            let start = at;
            at += word.len() as u32;
            (start, at)
        });
        let bytes = raw.then(|| bytes.collect());
        let n_first = if raw { 4 } else { 1 };
        let sentences = (0..symbols.len()).map(|at| u32::from(at >= n_first)).collect();
        let positions = Positions::on_line(line, symbols.len()).at_bytes(bytes);
        let answers = answers.map(|answers| FieldValues::Answers(answers.into()));
        Example {
            line,
            file: None,
            sequences: vec![Some(positions)],
            fields: vec![
                Some(FieldValues::Symbols(symbols)),
                answers,
                Some(FieldValues::Segments(sentences)),
            ],
        }
    };
    let examples = vec![
        example(1, "In the US . , so", true, Some(&[span(1, 4), span(1, 4), span(2, 3)])),
        example(2, "d b c", false, Some(&[span(1, 2), span(0, 2), span(0, 1)])),
        example(3, "a b", false, Some(&[])),
        example(4, "a", false, None),
    ];
    corpus.train = SplitData { examples, file: "t".into(), ..SplitData::default() };
    corpus
}

fn config(max_length: usize, reading: Option<Reading>) -> Config {
    let selected = reading.map(|reading| ("sentence".to_owned(), reading));
    Config { label: "answer".to_owned(), max_length, selected }
}

pub(super) fn reader(max_length: usize, reading: Option<Reading>) -> (Parameters, Reader) {
    let entries = [("hidden".to_owned(), Located::by_default(Value::Integer(0)))];
    let head = head::find("span").map(|head| head.configure(&Values::new(entries.into())));
    let tap = LayerSpec {
        width: 3,
        on: RowKind::Token,
        pooled: RowKind::Example,
        context: Context::BOTH,
        directions: None,
    };
    let mut parameters = Parameters::new(3, &Device::Cpu).unwrap();
    let setup = ObjectiveSetup {
        name: "answer",
        head: head.as_ref(),
        taps: &[tap, LayerSpec { width: 1, on: RowKind::Item, ..tap }],
        fitted: &Fitted::default(),
        reads: &[],
        decoders: &[],
        scope: parameters.scope("objective.answer"),
    };
    let mut reader = Reader::new(&config(max_length, reading), setup).unwrap();
    reader.attach(0, &corpus());
    (parameters, reader)
}

fn batch() -> Batch {
    let corpus = corpus();
    Batch::new(0, &corpus, &corpus.train, &[0, 1, 2, 3])
}

/// P(s) of the sentences of each text.
const SELECTION: [&[f32]; 4] = [&[0.75, 0.25], &[0.4, 0.6], &[0.5, 0.5], &[1.0]];

/// Rows of both taps: of the tokens, and of the sentences.
pub(super) fn taps(batch: &Batch) -> Vec<Rows> {
    let packing = batch.sequence(0);
    let n = packing.n_rows();
    let values: Vec<f32> = (0..3 * n).map(|at| 1.5 * (1.7 * at as f32).sin()).collect();
    let tokens = Rows::new(Tensor::from_vec(values, (n, 3), &Device::Cpu).unwrap(), packing);
    let within = Segments::new(packing, batch.symbols(2)).within;
    let sentences = within.parent().expect("segments belong to examples").clone();
    let mut p = vec![0.0; sentences.n_rows()];
    for (example, of_example) in SELECTION.iter().take(batch.n_examples()).enumerate() {
        for (row, &value) in sentences.rows_of_example(example).into_iter().zip(*of_example) {
            p[row] = value;
        }
    }
    let p = Tensor::from_vec(p, (sentences.n_rows(), 1), &Device::Cpu).unwrap();
    vec![tokens, Rows::new(p, &sentences)]
}

/// The scores of the tokens of the texts, one after the other, as powers of e in f64.
pub(super) fn powers(reader: &Reader, taps: &[Rows], n_texts: usize) -> Vec<[f64; 2]> {
    let scores = to_vec(&reader.head.scores(&taps[0].tensor).unwrap()).unwrap();
    let rows = (0..n_texts).flat_map(|example| taps[0].packing.rows_of_example(example));
    rows.map(|row| [0, 1].map(|side| f64::from(scores[2 * row + side]).exp())).collect()
}

/// P(start)·Q(end) of a span, given as its first and its last token, within a part of the tokens.
pub(super) fn p(e: &[[f64; 2]], part: Range<usize>, first: usize, last: usize) -> f64 {
    let sum = |side: usize| e[part.clone()].iter().map(|e| e[side]).sum::<f64>();
    e[first][0] / sum(0) * e[last][1] / sum(1)
}

#[test]
fn the_loss_is_that_of_any_of_the_different_answers() {
    let batch = batch();
    let taps = taps(&batch);
    for reading in [None, Some(Reading::Soft), Some(Reading::Pipeline)] {
        let (_, reader) = reader(15, reading);
        let e = powers(&reader, &taps, 4);
        let [first, second] = match reading {
            Some(Reading::Hard(_)) => panic!("its loss depends on draws"),
            None => [
                p(&e, 0..6, 1, 3) + p(&e, 0..6, 2, 2),
                p(&e, 6..9, 7, 7) + p(&e, 6..9, 6, 7) + p(&e, 6..9, 6, 6),
            ],
            // The only token of a sentence has probability 1.
            Some(Reading::Soft) => {
                [0.75 * (p(&e, 0..4, 1, 3) + p(&e, 0..4, 2, 2)), 0.4 + 0.6 * p(&e, 7..9, 7, 7)]
            }
            Some(Reading::Pipeline) => {
                [p(&e, 0..4, 1, 3) + p(&e, 0..4, 2, 2), 0.5 * (1.0 + p(&e, 7..9, 7, 7))]
            }
        };
        let loss = reader.loss(&taps, &batch).unwrap().unwrap();
        assert_eq!(loss.count, 2, "examples with an answer");
        let found = to_vec(&loss.per_example).unwrap();
        for (found, wanted) in found.iter().zip([-first.ln(), -second.ln(), 0.0, 0.0]) {
            let is_close = (f64::from(*found) - wanted).abs() < 1e-5;
            assert!(is_close, "{reading:?}: {found}, expected {wanted}");
        }
        let evaluation = reader.evaluate(&taps, &batch).unwrap();
        assert_eq!(to_vec(&evaluation.loss.unwrap().per_example).unwrap(), found);
    }
}

/// All spans of the two texts with answers, by enumeration.
#[test]
fn the_predicted_span_is_the_likeliest_of_all() {
    let batch = batch();
    let taps = taps(&batch);
    let whole = [vec![(0..6, 1.0)], vec![(6..9, 1.0)]];
    let sentences = [vec![(0..4, 0.75), (4..6, 0.25)], vec![(6..7, 0.4), (7..9, 0.6)]];
    let selected = [vec![(0..4, 0.75)], vec![(7..9, 0.6)]];
    let hard = Some(Reading::Hard(Reward::F1));
    let cases = [
        (None, whole),
        (Some(Reading::Soft), sentences),
        (Some(Reading::Pipeline), selected.clone()),
        (hard, selected),
    ];
    for (reading, texts) in cases {
        for max_length in 1..=6 {
            let (_, reader) = reader(max_length, reading);
            let e = powers(&reader, &taps, 4);
            let evaluation = reader.evaluate(&taps, &batch).unwrap();
            for (example, (parts, before)) in texts.iter().zip([0, 6]).enumerate() {
                let Prediction::Spans(spans) = &evaluation.predictions[example] else {
                    panic!("a span")
                };
                let mut all = Vec::new();
                for (part, of_part) in parts {
                    for first in part.clone() {
                        for last in first..part.end.min(first + max_length) {
                            let score = of_part * p(&e, part.clone(), first, last);
                            all.push((
                                score,
                                span(first as u32 - before, last as u32 + 1 - before),
                            ));
                        }
                    }
                }
                let best = all.iter().max_by(|(a, _), (b, _)| a.total_cmp(b)).unwrap();
                assert_eq!(spans[..], [best.1], "{reading:?}, {max_length}: {all:?}");
            }
        }
    }
}

#[test]
fn an_answer_is_compared_as_the_text_of_its_tokens() {
    let (_, reader) = reader(15, None);
    let batch = batch();
    let evaluation = reader.evaluate(&taps(&batch)[..1], &batch).unwrap();
    let texts: Vec<&Gold> = evaluation.scored_only.iter().map(|(gold, _)| gold).collect();
    let gold = |texts: &[&str]| Gold::Texts(texts.iter().map(|&text| text.into()).collect());
    assert_eq!(texts, [&gold(&["the US.", "US"]), &gold(&["b", "d b", "d"])]);
    let wanted = [span(1, 2), span(0, 2), span(0, 1)].map(|answer| vec![answer]);
    assert_eq!(evaluation.gold[1], Gold::Spans(wanted.into()));
    assert_eq!(evaluation.gold[2..], [Gold::None, Gold::None]);
    let (_, best) = &evaluation.scored_only[1];
    let Prediction::Texts(best) = best else { panic!("{best:?}") };
    let Prediction::Spans(spans) = &evaluation.predictions[1] else { panic!("a span") };
    let words = ["d", "b", "c"];
    assert_eq!(best[0].text, words[spans[0].start as usize..spans[0].end as usize].join(" "));
}

#[test]
fn a_question_without_an_answer_is_counted() {
    let [config, in_segments] = [None, Some(Reading::Soft)].map(|reading| config(15, reading));
    let check = config.check_corpus(&corpus());
    let without: Vec<String> = check.without_target.iter().map(ToString::to_string).collect();
    assert_eq!(without, ["t:3: expected an answer in \"answer\", found none"]);
    assert!(check.of_corpus.is_empty() && check.of_examples.is_empty());
    // With segments an answer across two of them is none.
    let mut across = corpus();
    across.train.examples[1].fields[1] = Some(FieldValues::Answers([span(0, 2)].into()));
    assert_eq!(config.check_corpus(&across).without_target.len(), 1);
    let check = in_segments.check_corpus(&across);
    let without: Vec<String> = check.without_target.iter().map(ToString::to_string).collect();
    let what = "expected an answer in \"answer\" within one segment of \"sentence\", found none";
    assert_eq!(without, [format!("t:2: {what}"), format!("t:3: {what}")]);
    assert!(check.of_corpus.is_empty());
    across.train.examples.remove(0);
    assert_eq!(in_segments.check_corpus(&across).of_corpus.len(), 1);
    let mut none = corpus();
    none.train.examples.drain(..2);
    assert_eq!(config.check_corpus(&none).of_corpus.len(), 1);
    assert_eq!(none.splits().map(|(split, _)| split).collect::<Vec<_>>(), [Split::Train]);
}
