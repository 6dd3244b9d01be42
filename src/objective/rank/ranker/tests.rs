//! Losses against the formula of the module documentation, computed from the scores in f64.

use candle_core::Device;

use super::*;
use crate::{
    data::{
        Axis, Example, Field, FieldForm, FieldValues, Fitted, Positions, Schema, SequenceSpec,
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

/// Examples of one word as the query, and of candidates of one word each with these relevances.
fn corpus(examples: &[Option<&[&str]>]) -> Corpus {
    let sequences = [("query", false), ("candidates", true)];
    let sequences = sequences.map(|(name, is_list)| SequenceSpec { name: name.into(), is_list });
    let fields = vec![
        Field::new("query", Axis::Sequence(0), FieldForm::Symbols),
        Field::new("candidates", Axis::Sequence(1), FieldForm::Symbols),
        Field::new("clicked", Axis::Items(1), FieldForm::Symbols),
    ];
    let mut corpus = Corpus::of_schema(Schema { sequences: sequences.into(), fields });
    let of = |(line, labels): (u32, Option<&[&str]>)| {
        let n = labels.map_or(2, <[&str]>::len);
        let items = Positions::on_line(line, n).in_items(vec![1; n]);
        let words = |n: usize| Some(FieldValues::Symbols(vec![0; n]));
        let relevance = labels.map(|labels| {
            labels.iter().map(|label| corpus.lexicons[2].intern(label)).collect::<Vec<_>>()
        });
        Example {
            line,
            file: None,
            sequences: vec![Some(Positions::on_line(line, 1)), Some(items)],
            fields: vec![words(1), words(n), relevance.map(FieldValues::Symbols)],
        }
    };
    let examples: Vec<Example> = (1..).zip(examples.iter().copied()).map(of).collect();
    corpus.lexicons[0].intern("q");
    corpus.lexicons[1].intern("d");
    corpus.train = SplitData { examples, file: "t".into(), ..SplitData::default() };
    corpus
}

/// One relevant candidate of three; two with grades; none; no labels.
const EXAMPLES: [Option<&[&str]>; 4] =
    [Some(&["0", "1", "0"]), Some(&["2", "0", "0.5", "0"]), Some(&["0", "0"]), None];

fn ranker(negatives: usize, head: &str) -> (Parameters, Ranker) {
    let entries = [
        ("scale", Value::Number(5.0)),
        ("hidden", Value::Integer(4)),
        ("scorer", Value::Text("mlp".to_owned())),
    ];
    let entries = entries.map(|(key, value)| (key.to_owned(), Located::by_default(value)));
    let values = Values::new(entries.into());
    let on = [RowKind::Example, RowKind::Item];
    let taps = on.map(|on| LayerSpec {
        width: 3,
        on,
        pooled: RowKind::Example,
        context: Context::BOTH,
        directions: None,
    });
    let config = Config { label: "clicked".to_owned(), negatives, relevance: Relevance::Graded };
    let mut parameters = Parameters::new(3, &Device::Cpu).unwrap();
    let head = head::find(head).map(|head| head.configure(&values));
    let setup = ObjectiveSetup {
        name: "click",
        head: head.as_ref(),
        taps: &taps,
        fitted: &Fitted::default(),
        reads: &[],
        decoders: &[],
        scope: parameters.scope("objective.click"),
    };
    let mut ranker = Ranker::new(&config, setup).unwrap();
    ranker.attach(0, &corpus(&EXAMPLES));
    (parameters, ranker)
}

fn batch() -> Batch {
    let corpus = corpus(&EXAMPLES);
    Batch::new(0, &corpus, &corpus.train, &[0, 1, 2, 3])
}

/// Rows of both taps, all different.
fn taps(batch: &Batch) -> Vec<Rows> {
    let items = batch.packing(2);
    let rows = |packing: &std::sync::Arc<crate::data::Packing>, by: usize| {
        let n = packing.n_rows();
        let values = (0..3 * n).map(|at| ((at * by) % 11) as f32 / 5.0 - 0.9).collect::<Vec<_>>();
        Rows::new(Tensor::from_vec(values, (n, 3), &Device::Cpu).unwrap(), packing)
    };
    vec![rows(batch.per_example(), 7), rows(items, 4)]
}

/// Σ T · (ln T − ln P) with P over these scores, of which the first ones have these relevances.
fn divergence(scores: &[f32], relevance: &[f64]) -> f64 {
    let sum: f64 = scores.iter().map(|&s| f64::from(s).exp()).sum();
    let n_grades: f64 = relevance.iter().sum();
    let terms = relevance.iter().zip(scores).filter(|(r, _)| **r > 0.0).map(|(r, &s)| {
        let t = r / n_grades;
        t * (t.ln() - (f64::from(s) - sum.ln()))
    });
    terms.sum()
}

#[test]
fn the_loss_is_the_divergence_of_the_softmax_from_the_grades() {
    for (head, negatives) in [("cosine", 0), ("pair", 0), ("cosine", 3), ("pair", 20)] {
        let (_, ranker) = ranker(negatives, head);
        let (batch, taps) = (batch(), taps(&batch()));
        let scored = ranker.score(&taps, &batch).unwrap();
        let scores = to_vec(&scored.scores).unwrap();
        let loss = ranker.loss(&taps, &batch).unwrap().unwrap();
        assert_eq!(loss.count, 2, "examples with a relevant candidate");
        let per_example = to_vec(&loss.per_example).unwrap();
        // The candidates of all other examples are 8 for the first one, and 7 for the second.
        let sizes = [3 + negatives.min(8), 4 + negatives.min(7), 2, 2];
        let of_groups: Vec<usize> = scored.groups.iter().map(PairGroup::n_pairs).collect();
        assert_eq!(of_groups, sizes);
        let first = divergence(&scores[..sizes[0]], &[0.0, 1.0, 0.0]);
        let second = divergence(&scores[sizes[0]..][..sizes[1]], &[2.0, 0.0, 0.5, 0.0]);
        for (found, wanted) in per_example.iter().zip([first, second, 0.0, 0.0]) {
            assert!(
                (f64::from(*found) - wanted).abs() < 1e-5,
                "{head}: {found}, expected {wanted}"
            );
        }
        let evaluation = ranker.evaluate(&taps, &batch).unwrap();
        assert_eq!(to_vec(&evaluation.loss.unwrap().per_example).unwrap(), per_example);
        assert_eq!(evaluation.gold[1], Gold::Relevance(vec![2.0, 0.0, 0.5, 0.0]));
        assert_eq!(evaluation.gold[2], Gold::Relevance(vec![0.0, 0.0]));
        assert_eq!(evaluation.gold[3], Gold::None);
        // Negatives are no candidates.
        let wanted = Prediction::Ranking(scores[sizes[0]..][..4].to_vec());
        assert_eq!(evaluation.predictions[1], wanted);
    }
}

#[test]
fn negatives_are_distinct_candidates_of_other_examples_and_depend_on_the_batch_alone() {
    let (_, ranker) = ranker(4, "cosine");
    let (batch, taps) = (batch(), taps(&batch()));
    let scored = ranker.score(&taps, &batch).unwrap();
    let own: Vec<Vec<usize>> =
        (0..4).map(|example| taps[1].packing.rows_of_example(example)).collect();
    for (group, own) in scored.groups.iter().zip(&own).take(2) {
        let negatives = &group.right[own.len()..];
        assert_eq!(negatives.len(), 4);
        for (at, row) in negatives.iter().enumerate() {
            assert!(!own.contains(&(*row as usize)), "{group:?}");
            assert!(!negatives[..at].contains(row), "{group:?}");
        }
    }
    assert_eq!(ranker.score(&taps, &batch).unwrap().groups, scored.groups);
    let mut other = batch.clone();
    other.examples = vec![5, 9, 2, 3];
    assert_ne!(ranker.score(&taps, &other).unwrap().groups, scored.groups);
}

#[test]
fn a_batch_without_a_relevant_candidate_has_no_loss() {
    let (_, ranker) = ranker(2, "pair");
    let corpus = corpus(&EXAMPLES);
    let batch = Batch::new(0, &corpus, &corpus.train, &[2, 3]);
    assert!(ranker.loss(&taps(&batch), &batch).unwrap().is_none());
}

#[test]
fn a_relevance_is_a_number_and_a_ranking_without_any_is_counted() {
    let config = Config { label: "clicked".to_owned(), negatives: 0, relevance: Relevance::Graded };
    let check = config.check_corpus(&corpus(&EXAMPLES));
    assert!(check.of_examples.is_empty() && check.of_corpus.is_empty());
    let without: Vec<String> = check.without_target.iter().map(ToString::to_string).collect();
    assert_eq!(without, ["t:3: expected a candidate with a relevance above 0, found none"]);
    let check = config.check_corpus(&corpus(&[Some(&["1", "yes"]), Some(&["-1"]), Some(&["NaN"])]));
    let faults: Vec<String> =
        check.of_examples.iter().map(|(_, error)| error.to_string()).collect();
    let fault = |line: u32, candidate: u32, found: &str| {
        format!(
            "t:{line}: expected a relevance of 0 or more for candidate {candidate}, found \"{found}\""
        )
    };
    assert_eq!(faults, [fault(1, 2, "yes"), fault(2, 1, "-1"), fault(3, 1, "NaN")]);
    assert!(check.of_examples.iter().all(|(split, _)| *split == Split::Train));
    let check = config.check_corpus(&corpus(&[Some(&["0", "0"])]));
    assert_eq!(check.of_corpus.len(), 1);
}
