//! Losses against the formula of the module documentation, computed from the scores in f64.

use candle_core::Device;

use super::*;
use crate::{
    data::{
        Axis, Example, Field, FieldForm, Fitted, Positions, Schema, Segments, SequenceSpec,
        SplitData, structure::TokenSpan,
    },
    kernel::to_vec,
    keys::{Located, Value, Values},
    model::{
        Parameters, head,
        tap::{Context, LayerSpec, RowKind},
    },
    objective::ObjectiveConfig,
};

/// A text of five tokens in three sentences, `1 1 2 3 3`, and one of two, each with answers; and lists of three and
/// of two items with marks.
fn corpus() -> Corpus {
    let sequences = [("text", false), ("items", true)];
    let sequences = sequences.map(|(name, is_list)| SequenceSpec { name: name.into(), is_list });
    let fields = vec![
        Field::new("text", Axis::Sequence(0), FieldForm::Symbols),
        Field::new("items", Axis::Sequence(1), FieldForm::Symbols),
        Field::new("answer", Axis::Sequence(0), FieldForm::Answers),
        Field::new("sentence", Axis::Sequence(0), FieldForm::Segments),
        Field::new("marks", Axis::Items(1), FieldForm::Symbols),
    ];
    let mut corpus = Corpus::of_schema(Schema { sequences: sequences.into(), fields });
    corpus.lexicons[0].intern("w");
    corpus.lexicons[1].intern("w");
    let mut example = |line: u32, sentences: &[u32], answers: &[(u32, u32)], marks: &[&str]| {
        let (n, n_items) = (sentences.len(), marks.len());
        let span = |&(start, end): &(u32, u32)| TokenSpan { start, end, label: None };
        let marks = marks.iter().map(|mark| corpus.lexicons[4].intern(mark)).collect();
        let items = Positions::on_line(line, n_items).in_items(vec![1; n_items]);
        Example {
            line,
            file: None,
            sequences: vec![Some(Positions::on_line(line, n)), Some(items)],
            fields: vec![
                Some(FieldValues::Symbols(vec![0; n])),
                Some(FieldValues::Symbols(vec![0; n_items])),
                Some(FieldValues::Answers(answers.iter().map(span).collect())),
                Some(FieldValues::Segments(sentences.to_vec())),
                Some(FieldValues::Symbols(marks)),
            ],
        }
    };
    // An answer that ends in the next sentence is in none.
    let examples = vec![
        example(1, &[1, 1, 2, 3, 3], &[(0, 2), (4, 5), (1, 3)], &["1", "0", "1"]),
        example(2, &[1, 2], &[(0, 2)], &["0", "0"]),
    ];
    corpus.train = SplitData { examples, file: "t".into(), ..SplitData::default() };
    corpus
}

fn by_items() -> Config {
    Config { marks: Marks::Items("marks".to_owned()) }
}

fn by_answers() -> Config {
    let (answers, segment_by) = ("answer".to_owned(), "sentence".to_owned());
    Config { marks: Marks::Segments { answers, segment_by } }
}

fn selector(config: &Config) -> (Parameters, Selector) {
    let entries = [("hidden".to_owned(), Located::by_default(Value::Integer(4)))];
    let head = head::find("pointer").map(|head| head.configure(&Values::new(entries.into())));
    let on = [RowKind::Item, RowKind::Example];
    let taps = on.map(|on| LayerSpec {
        width: 3,
        on,
        pooled: RowKind::Example,
        context: Context::BOTH,
        directions: None,
    });
    let mut parameters = Parameters::new(3, &Device::Cpu).unwrap();
    let fitted: Fitted = config.fit(&[&corpus()]);
    let setup = ObjectiveSetup {
        name: "sentence",
        head: head.as_ref(),
        taps: &taps,
        fitted: &fitted,
        reads: &[],
        decoders: &[],
        scope: parameters.scope("objective.sentence"),
    };
    let mut selector = Selector::new(config, setup).unwrap();
    selector.attach(0, &corpus());
    (parameters, selector)
}

/// Rows of both taps: of the segments or of the items, and of the examples.
fn taps(batch: &Batch, config: &Config) -> Vec<Rows> {
    let packing = match config.marks {
        Marks::Items(_) => batch.packing(4).clone(),
        Marks::Segments { .. } => {
            let within = Segments::new(batch.packing(3), batch.symbols(3)).within;
            within.parent().expect("segments belong to examples").clone()
        }
    };
    let rows = |packing: &std::sync::Arc<crate::data::Packing>, by: usize| {
        let n = packing.n_rows();
        let values = (0..3 * n).map(|at| ((at * by) % 11) as f32 / 4.0 - 1.0).collect::<Vec<_>>();
        Rows::new(Tensor::from_vec(values, (n, 3), &Device::Cpu).unwrap(), packing)
    };
    vec![rows(&packing, 7), rows(batch.per_example(), 4)]
}

#[test]
fn the_loss_is_that_of_any_sentence_that_holds_the_answer() {
    for config in [by_items(), by_answers()] {
        let (_, selector) = selector(&config);
        let corpus = corpus();
        let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1]);
        let taps = taps(&batch, &config);
        let (groups, scores) = selector.scorer.score(&taps).unwrap();
        let e: Vec<f64> = to_vec(&scores).unwrap().iter().map(|&s| f64::from(s).exp()).collect();
        assert_eq!(e.len(), 5, "three sentences and two");
        // Rows are packed, scores in the order of the examples.
        let p = to_vec(&selector.scorer.of(&taps).unwrap()).unwrap();
        let sums = [e[..3].iter().sum::<f64>(), e[3..].iter().sum()];
        let rows = groups
            .iter()
            .zip(sums)
            .flat_map(|(group, sum)| group.right.iter().map(move |&row| (row as usize, sum)));
        for ((row, sum), e) in rows.zip(&e) {
            assert!((f64::from(p[row]) - e / sum).abs() < 1e-6, "{p:?}, {e}");
        }
        let wanted = -((e[0] + e[2]) / (e[0] + e[1] + e[2])).ln();
        let loss = selector.loss(&taps, &batch).unwrap().unwrap();
        let found = to_vec(&loss.per_example).unwrap();
        assert_eq!((loss.count, found[1].to_bits()), (1, 0), "the second one has none");
        assert!((f64::from(found[0]) - wanted).abs() < 1e-5, "{found:?}, expected {wanted}");
        let evaluation = selector.evaluate(&taps, &batch).unwrap();
        assert_eq!(to_vec(&evaluation.loss.unwrap().per_example).unwrap(), found);
        assert_eq!(evaluation.scored_only[0].0, Gold::Relevance(vec![1.0, 0.0, 1.0]));
        assert_eq!(evaluation.scored_only[1].0, Gold::Relevance(vec![0.0, 0.0]));
        let best = (0..3).max_by(|&a, &b| e[a].total_cmp(&e[b])).unwrap();
        match &evaluation.predictions[0] {
            Prediction::Classes(classes) => {
                let wanted: Vec<u32> = (0..3).map(|at| u32::from(at == best)).collect();
                assert_eq!(*classes, wanted);
            }
            Prediction::Ranking(scores) => assert_eq!(ranked(scores)[0], best),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn items_are_marked_as_the_file_marks_them() {
    let names = |config: &Config| selector(config).1.class_names();
    assert_eq!(names(&by_items()).iter().collect::<Vec<_>>(), ["0", "1"]);
    assert_eq!(names(&by_answers()).iter().collect::<Vec<_>>(), ["no", "yes"]);
}

#[test]
fn a_question_without_a_sentence_is_counted_and_another_mark_is_a_fault() {
    for (config, field) in [(by_items(), "marks"), (by_answers(), "answer")] {
        let check = config.check_corpus(&corpus());
        let without: Vec<String> = check.without_target.iter().map(ToString::to_string).collect();
        let what = format!("expected a sentence that holds the answer by {field:?}, found none");
        assert_eq!(without, [format!("t:2: {what}")]);
        assert!(check.of_corpus.is_empty() && check.of_examples.is_empty());
        let mut none = corpus();
        none.train.examples.remove(0);
        assert_eq!(config.check_corpus(&none).of_corpus.len(), 1);
    }
    let mut other = corpus();
    let maybe = other.lexicons[4].intern("maybe");
    other.train.examples[0].fields[4] = Some(FieldValues::Symbols(vec![maybe; 3]));
    let faults = by_items().check_corpus(&other).of_examples;
    let what = "t:1: expected \"yes\" or \"no\" for item 1 in \"marks\", found \"maybe\"";
    assert_eq!(faults[0].1.to_string(), what);
}

#[test]
fn a_segment_contains_the_answers_that_are_in_it_as_a_whole() {
    let names = [1, 1, 2, 1].map(Some);
    let span = |start, end| TokenSpan { start, end, label: None };
    assert_eq!(containing(&segment_ranges(&names), &[span(0, 2)]), [true, false, false]);
    assert_eq!(
        containing(&segment_ranges(&names), &[span(1, 3), span(3, 4)]),
        [false, false, true]
    );
    assert_eq!(
        containing(&segment_ranges(&names), &[span(2, 2)]),
        [false; 3],
        "an empty span is nowhere"
    );
    assert_eq!(containing(&[], &[]), [false; 0]);
}
