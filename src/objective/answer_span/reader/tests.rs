//! Losses against the formula of the module documentation, computed from the scores in f64.

use candle_core::Device;

use super::*;
use crate::{
    data::{Example, Field, FieldForm, FieldValues, Fitted, Positions, Schema, SplitData},
    kernel::to_vec,
    keys::{Located, Value, Values},
    model::{
        Parameters, head,
        tap::{Context, LayerSpec, RowKind},
    },
    objective::ObjectiveConfig,
    protocol::event::Split,
};

fn span(start: u32, end: u32) -> TokenSpan {
    TokenSpan { start, end, label: None }
}

/// A text from raw text, `In the U.S., so`, with an answer that is given twice and another one; a text of tokens
/// with one answer; one without an answer; one without labels.
fn corpus() -> Corpus {
    let fields =
        vec![Field::of_tokens("text"), Field::new("answer", Axis::Sequence(0), FieldForm::Answers)];
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
        let positions = Positions::on_line(line, symbols.len()).at_bytes(bytes);
        let answers = answers.map(|answers| FieldValues::Answers(answers.into()));
        Example {
            line,
            file: None,
            sequences: vec![Some(positions)],
            fields: vec![Some(FieldValues::Symbols(symbols)), answers],
        }
    };
    let examples = vec![
        example(1, "In the US . , so", true, Some(&[span(1, 4), span(1, 4), span(2, 3)])),
        example(2, "a b c", false, Some(&[span(1, 2)])),
        example(3, "a b", false, Some(&[])),
        example(4, "a", false, None),
    ];
    corpus.train = SplitData { examples, file: "t".into(), ..SplitData::default() };
    corpus
}

fn reader(max_length: usize) -> (Parameters, Reader) {
    let entries = [("hidden".to_owned(), Located::by_default(Value::Integer(0)))];
    let head = head::find("span").map(|head| head.configure(&Values::new(entries.into())));
    let taps = [LayerSpec {
        width: 3,
        on: RowKind::Token,
        pooled: RowKind::Example,
        context: Context::BOTH,
        directions: None,
    }];
    let config = Config { label: "answer".to_owned(), max_length };
    let mut parameters = Parameters::new(3, &Device::Cpu).unwrap();
    let setup = ObjectiveSetup {
        name: "answer",
        head: head.as_ref(),
        taps: &taps,
        fitted: &Fitted::default(),
        reads: &[],
        scope: parameters.scope("objective.answer"),
    };
    let mut reader = Reader::new(&config, setup).unwrap();
    reader.attach(0, &corpus());
    (parameters, reader)
}

fn batch() -> Batch {
    let corpus = corpus();
    Batch::new(0, &corpus, &corpus.train, &[0, 1, 2, 3])
}

fn tap(batch: &Batch) -> Rows {
    let packing = batch.sequence(0);
    let n = packing.n_rows();
    let values: Vec<f32> = (0..3 * n).map(|at| ((at * 7) % 11) as f32 / 3.0 - 1.5).collect();
    Rows::new(Tensor::from_vec(values, (n, 3), &Device::Cpu).unwrap(), packing)
}

#[test]
fn the_loss_is_that_of_any_of_the_different_answers() {
    let (_, reader) = reader(15);
    let batch = batch();
    let tap = tap(&batch);
    let scored = reader.score(&tap, &batch).unwrap();
    let scores = to_vec(&scored.scores).unwrap();
    let p = |first: usize, n: usize, side: usize, at: usize| {
        let e = |at: usize| f64::from(scores[2 * (first + at) + side]).exp();
        e(at) / (0..n).map(e).sum::<f64>()
    };
    let first = p(0, 6, 0, 1) * p(0, 6, 1, 3) + p(0, 6, 0, 2) * p(0, 6, 1, 2);
    let second = p(6, 3, 0, 1) * p(6, 3, 1, 1);
    let taps = std::slice::from_ref(&tap);
    let loss = reader.loss(taps, &batch).unwrap().unwrap();
    assert_eq!(loss.count, 2, "examples with an answer");
    let found = to_vec(&loss.per_example).unwrap();
    for (found, wanted) in found.iter().zip([-first.ln(), -second.ln(), 0.0, 0.0]) {
        assert!((f64::from(*found) - wanted).abs() < 1e-5, "{found}, expected {wanted}");
    }
    let evaluation = reader.evaluate(taps, &batch).unwrap();
    assert_eq!(to_vec(&evaluation.loss.unwrap().per_example).unwrap(), found);
}

#[test]
fn an_answer_is_compared_as_the_text_of_its_tokens() {
    for max_length in [1, 2, 15] {
        let (_, reader) = reader(max_length);
        let batch = batch();
        let evaluation = reader.evaluate(&[tap(&batch)], &batch).unwrap();
        let texts: Vec<&Gold> = evaluation.scored_only.iter().map(|(gold, _)| gold).collect();
        let gold = |texts: &[&str]| Gold::Texts(texts.iter().map(|&text| text.into()).collect());
        assert_eq!(texts, [&gold(&["the US.", "US"]), &gold(&["b"])]);
        assert_eq!(evaluation.gold[1], Gold::Spans(vec![vec![span(1, 2)]]));
        assert_eq!(evaluation.gold[2..], [Gold::None, Gold::None]);
        for prediction in &evaluation.predictions {
            let Prediction::Spans(spans) = prediction else { panic!("{prediction:?}") };
            let n_tokens = (spans[0].end - spans[0].start) as usize;
            assert!((1..=max_length).contains(&n_tokens) && spans.len() == 1, "{spans:?}");
        }
        let (_, best) = &evaluation.scored_only[1];
        let Prediction::Texts(best) = best else { panic!("{best:?}") };
        let Prediction::Spans(spans) = &evaluation.predictions[1] else { panic!("a span") };
        let words = ["a", "b", "c"];
        assert_eq!(best[0].text, words[spans[0].start as usize..spans[0].end as usize].join(" "));
    }
}

#[test]
fn a_question_without_an_answer_is_counted() {
    let config = Config { label: "answer".to_owned(), max_length: 15 };
    let check = config.check_corpus(&corpus());
    let without: Vec<String> = check.without_target.iter().map(ToString::to_string).collect();
    assert_eq!(without, ["t:3: expected an answer in \"answer\", found none"]);
    assert!(check.of_corpus.is_empty() && check.of_examples.is_empty());
    let mut none = corpus();
    none.train.examples.drain(..2);
    assert_eq!(config.check_corpus(&none).of_corpus.len(), 1);
    assert_eq!(none.splits().map(|(split, _)| split).collect::<Vec<_>>(), [Split::Train]);
}
