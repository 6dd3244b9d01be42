//! Losses and predictions against the formulas of the module documentation, computed from the scores in f64.

use candle_core::Device;

use super::*;
use crate::{
    data::{Axis, Example, Field, FieldForm, Fitted, Schema, SplitData, Vocabulary},
    kernel::to_vec,
    keys::{Located, Value, Values},
    model::{
        Parameters, head,
        tap::{Context, LayerSpec, RowKind},
    },
    objective::declare::declared,
};

/// Two sentences: of three tokens with the arcs root → 1 (a), 1 → 0 (b), 1 → 2 (a), and of two tokens with
/// root → 0 (b) and an arc 0 → 1 whose label is not in train.
fn corpus() -> Corpus {
    let fields =
        vec![Field::of_tokens("form"), Field::new("arcs", Axis::Sequence(0), FieldForm::Arcs)];
    let mut corpus = Corpus::of_schema(Schema::of_tokens(fields));
    let word = corpus.lexicons[0].intern("x");
    let labels = ["a", "b", "unseen"].map(|label| corpus.lexicons[1].intern(label));
    let example = |n: usize, arcs: &[(Option<u32>, u32, usize)]| {
        let arc = |&(head, dependent, label): &(Option<u32>, u32, usize)| GraphArc {
            head,
            dependent,
            label: Some(labels[label]),
        };
        let arcs: Vec<GraphArc> = arcs.iter().map(arc).collect();
        let fields =
            vec![Some(FieldValues::Symbols(vec![word; n])), Some(FieldValues::Arcs(arcs.into()))];
        Example::of_tokens(vec![1; n], fields)
    };
    let first = example(3, &[(Some(1), 0, 1), (None, 1, 0), (Some(1), 2, 0)]);
    let second = example(2, &[(None, 0, 1), (Some(0), 1, 2)]);
    let mut bare = example(1, &[]);
    bare.fields[1] = None;
    corpus.train =
        SplitData { examples: vec![first, second, bare], file: "t".into(), ..SplitData::default() };
    corpus
}

/// A parser of the corpus with these options, and its parameters.
fn parser(options: &[(&str, Value)], scorer: &str) -> (Parameters, Parser) {
    let text = |text: &str| Value::Text(text.to_owned());
    let defaults = [
        ("label", text("arcs")),
        ("structure", text("tree")),
        ("loss", text("cross-entropy")),
        ("hidden", Value::Integer(4)),
        ("scorer", text(scorer)),
    ];
    let entries = defaults.into_iter().chain(options.iter().cloned());
    let entries = entries.map(|(key, value)| (key.to_owned(), Located::by_default(value)));
    let values = Values::new(entries.collect());
    let taps = [LayerSpec {
        width: 3,
        on: RowKind::Token,
        pooled: RowKind::Example,
        context: Context::BOTH,
        directions: None,
    }];
    let config = super::super::configured(&declared(&values, &taps, "pair")).ok().unwrap();
    let labels = Vocabulary::from_counts([("a", 2), ("b", 1)].into(), 1, None);
    let fitted = Fitted::default().with_vocabulary(LABELS, labels);
    let mut parameters = Parameters::new(3, &Device::Cpu).unwrap();
    let head = head::find("pair").map(|head| head.configure(&values));
    let setup = ObjectiveSetup {
        name: "parse",
        head: head.as_ref(),
        taps: &taps,
        fitted: &fitted,
        reads: &[],
        decoders: &[],
        scope: parameters.scope("objective.parse"),
    };
    let mut parser = Parser::new(&config, setup).unwrap();
    parser.attach(0, &corpus());
    (parameters, parser)
}

fn batch() -> Batch {
    let corpus = corpus();
    Batch::new(0, &corpus, &corpus.train, &[0, 1, 2])
}

/// Rows of a tap for the batch, different for each token.
fn tap(batch: &Batch) -> Rows {
    let packing = batch.sequence(0);
    let n = packing.n_rows();
    let values: Vec<f32> = (0..3 * n).map(|at| ((at * 7) % 11) as f32 / 5.0 - 1.0).collect();
    Rows::new(Tensor::from_vec(values, (n, 3), &Device::Cpu).unwrap(), packing)
}

/// The score of each pair of a sentence: by dependent, then the root and the tokens as heads.
fn scores(scored: &Scored, sentence: usize) -> Vec<Vec<f64>> {
    let all = to_vec(&scored.arcs).unwrap();
    let sentence = &scored.sentences[sentence];
    let n = sentence.rows.len();
    let of = |dependent: usize| {
        all[sentence.first_pair + dependent * (n + 1)..][..=n]
            .iter()
            .map(|&s| f64::from(s))
            .collect()
    };
    (0..n).map(of).collect()
}

/// Σ −ln softmax of the label scores of the gold arcs of the first sentence and of the first arc of the second.
fn label_losses(parser: &Parser, scored: &Scored) -> [f64; 2] {
    let (scorer, rows) = parser.labels.as_ref().zip(scored.labels.as_ref()).unwrap();
    let loss = |sentence: usize, head: Option<u32>, dependent: u32, class: usize| {
        let arc = GraphArc { head, dependent, label: None };
        let (left, right) = scored.rows(&scored.sentences[sentence], &arc);
        let scores = to_vec(&scorer.some(rows, vec![left], vec![right]).unwrap()).unwrap();
        let sum: f64 = scores.iter().map(|&s| f64::from(s).exp()).sum();
        sum.ln() - f64::from(scores[class])
    };
    let first = loss(0, Some(1), 0, 1) + loss(0, None, 1, 0) + loss(0, Some(1), 2, 0);
    [first, loss(1, None, 0, 1)]
}

/// The gold arcs by sentence: dependent and head, as columns of the scores.
const GOLD: [&[(usize, usize)]; 2] = [&[(0, 2), (1, 0), (2, 2)], &[(0, 0), (1, 1)]];

fn assert_losses(parser: &Parser, of_arcs: impl Fn(&[Vec<f64>], &[(usize, usize)]) -> f64) {
    let batch = batch();
    let tap = tap(&batch);
    let scored = parser.score(&tap, &batch).unwrap();
    let loss = parser.loss(std::slice::from_ref(&tap), &batch).unwrap().unwrap();
    assert_eq!(loss.count, 5, "labelled tokens");
    let per_example = to_vec(&loss.per_example).unwrap();
    let of_labels = label_losses(parser, &scored);
    for sentence in 0..2 {
        let scores = scores(&scored, sentence);
        let wanted = of_arcs(&scores, GOLD[sentence]) + of_labels[sentence];
        let found = f64::from(per_example[sentence]);
        assert!((found - wanted).abs() < 1e-4, "{sentence}: {found}, expected {wanted}");
    }
    assert!(per_example[2].abs() < f32::EPSILON, "no gold arcs, no loss");
    let evaluation = parser.evaluate(&[tap], &batch).unwrap();
    assert_eq!(to_vec(&evaluation.loss.unwrap().per_example).unwrap(), per_example);
    assert_eq!(evaluation.gold[2], Gold::None);
}

#[test]
fn the_loss_of_a_tree_is_a_softmax_over_all_heads_but_the_token_itself() {
    for scorer in ["biaffine", "mlp"] {
        let (_, parser) = parser(&[], scorer);
        assert_losses(&parser, |scores, gold| {
            let of = |&(dependent, head): &(usize, usize)| {
                let others = (0..scores[dependent].len()).filter(|&head| head != dependent + 1);
                let sum: f64 = others.map(|head| scores[dependent][head].exp()).sum();
                sum.ln() - scores[dependent][head]
            };
            gold.iter().map(of).sum()
        });
    }
}

/// The score of each pair of a token and another one, or the root, and whether it is a gold arc.
fn pairs(scores: &[Vec<f64>], gold: &[(usize, usize)]) -> Vec<(f64, bool)> {
    let mut pairs = Vec::new();
    for (dependent, heads) in scores.iter().enumerate() {
        for (head, &score) in heads.iter().enumerate().filter(|(head, _)| *head != dependent + 1) {
            pairs.push((score, gold.contains(&(dependent, head))));
        }
    }
    pairs
}

#[test]
fn the_loss_of_a_graph_is_a_binary_decision_for_each_pair() {
    let structure = ("structure", Value::Text("graph".to_owned()));
    let (_, parser) = parser(&[structure], "biaffine");
    assert_losses(&parser, |scores, gold| {
        let of = |(s, is_arc): (f64, bool)| s.exp().ln_1p() - if is_arc { s } else { 0.0 };
        pairs(scores, gold).into_iter().map(of).sum()
    });
}

#[test]
fn the_hinge_loss_is_the_largest_margin_of_any_graph() {
    let costs = [("false", 0.4), ("missed", 0.6)];
    let costs = costs.map(|(key, cost)| (key.to_owned(), Located::by_default(Value::Number(cost))));
    let options = [
        ("structure", Value::Text("graph".to_owned())),
        ("loss", Value::Text("hinge".to_owned())),
        ("costs", Value::Table(costs.into())),
    ];
    let (_, parser) = parser(&options, "biaffine");
    // Over every graph: its score and its costs, less the score of the gold graph.
    assert_losses(&parser, |scores, gold| {
        let pairs = pairs(scores, gold);
        let gold_score: f64 = pairs.iter().filter(|pair| pair.1).map(|pair| pair.0).sum();
        let margins = (0u32..1 << pairs.len()).map(|graph| {
            let of = |(at, &(score, is_gold)): (usize, &(f64, bool))| match (
                graph >> at & 1 == 1,
                is_gold,
            ) {
                (true, true) => score,
                (true, false) => score + 0.4,
                (false, true) => 0.6,
                (false, false) => 0.0,
            };
            pairs.iter().enumerate().map(of).sum::<f64>() - gold_score
        });
        margins.fold(f64::NEG_INFINITY, f64::max)
    });
}

#[test]
fn a_predicted_tree_has_one_root_and_labels_of_train() {
    let (_, parser) = parser(&[], "biaffine");
    let batch = batch();
    let evaluation = parser.evaluate(&[tap(&batch)], &batch).unwrap();
    for (prediction, n) in evaluation.predictions.iter().zip([3, 2, 1]) {
        let Prediction::Arcs(arcs) = prediction else { panic!("{prediction:?}") };
        assert_eq!(arcs.len(), n);
        assert_eq!(arcs.iter().filter(|arc| arc.head.is_none()).count(), 1);
        assert!(arcs.iter().all(|arc| arc.label.is_some_and(|label| label < 2)));
    }
    let names: Vec<String> = parser.class_names().iter().map(str::to_owned).collect();
    assert_eq!(names, ["a", "b", "unseen"]);
    let Gold::Arcs(gold) = &evaluation.gold[1] else { panic!("a gold tree") };
    assert_eq!(gold[1].label, Some(2), "a label that is never predicted");
}

#[test]
fn a_graph_has_the_arcs_whose_score_is_positive() {
    let (_, parser) = parser(&[("structure", Value::Text("graph".to_owned()))], "mlp");
    let batch = batch();
    let tap = tap(&batch);
    let scored = parser.score(&tap, &batch).unwrap();
    let evaluation = parser.evaluate(&[tap], &batch).unwrap();
    for sentence in 0..3 {
        let Prediction::Arcs(arcs) = &evaluation.predictions[sentence] else { panic!("arcs") };
        let scores = scores(&scored, sentence);
        let found = |dependent: usize, head: usize| {
            let head = head.checked_sub(1).map(|head| head as u32);
            arcs.iter().any(|arc| (arc.dependent as usize, arc.head) == (dependent, head))
        };
        for (dependent, heads) in scores.iter().enumerate() {
            for (head, &score) in heads.iter().enumerate() {
                assert_eq!(found(dependent, head), score > 0.0 && head != dependent + 1);
            }
        }
    }
}
