//! Precision, recall and F1 of spans, equal to conlleval (Tjong Kim Sang and Buchholz 2000).
//!
//! A predicted span is correct when start, end and type equal those of a gold span. Spans are
//! decoded leniently (see [`super::spans`]) for any scheme, as conlleval and the default mode of
//! seqeval do. seqeval differs in three ways, and in each we follow conlleval:
//!
//! - its strict mode drops spans that violate the scheme; conlleval counts them;
//! - it counts a span whose prefix is none of `B I E S` only if it is closed; conlleval counts it
//!   once it is opened;
//! - it recognizes `O` by its first letter; conlleval compares what precedes the hyphen.
//!
//! Precision without predictions is 0, as in the Perl program; its Python port returns 1.

use std::collections::BTreeMap;

use super::spans::{OUTSIDE, Span, ends, spans, split, starts};
use super::{ByClass, Counts, confusions::Confusions, percent};

/// Accumulates sentences.
#[derive(Clone, Debug, Default)]
pub struct SpanF1 {
    kinds: BTreeMap<String, Counts>,
    /// The types of spans at the same place.
    confusions: Confusions<String>,
    n_tokens: u64,
    n_right: u64,
}

/// Precision, recall and F1, in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpanScores {
    /// Correct of predicted.
    pub precision: f64,
    /// Correct of gold.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
}

impl From<Counts> for SpanScores {
    fn from(counts: Counts) -> Self {
        Self { precision: counts.precision(), recall: counts.recall(), f1: counts.f1() }
    }
}

impl SpanF1 {
    /// Adds a sentence's tags; both sequences have one tag per token.
    pub fn add<G: AsRef<str>, P: AsRef<str>>(&mut self, gold: &[G], predicted: &[P]) {
        assert_eq!(gold.len(), predicted.len(), "one predicted tag for every gold tag");
        let mut before = (split(OUTSIDE), split(OUTSIDE));
        let mut agree = false; // both opened a span of one type together and neither closed it yet
        for (gold, predicted) in gold.iter().zip(predicted) {
            let (gold, predicted) = (gold.as_ref(), predicted.as_ref());
            self.n_tokens += 1;
            let now = (split(gold), split(predicted));
            self.n_right += u64::from(now.0 == now.1);
            agree = self.between(before, now, agree);
            before = now;
        }
        self.between(before, (split(OUTSIDE), split(OUTSIDE)), agree);
        let item = |Span { start, end, kind }| ((start, end), kind);
        let [gold, predicted] = [spans(gold), spans(predicted)];
        self.confusions.add(gold.into_iter().map(item), predicted.into_iter().map(item));
    }

    /// The scores over all types: spans are pooled, not averaged over types.
    pub fn overall(&self) -> SpanScores {
        self.counts().into()
    }

    /// The scores of every type that occurs in gold or predicted tags, by name.
    pub fn by_kind(&self) -> impl Iterator<Item = (&str, SpanScores)> {
        self.kinds.iter().map(|(kind, counts)| (kind.as_str(), (*counts).into()))
    }

    /// The counts of every type, and the types that spans with the same boundaries have in gold and prediction; `None`
    /// if there was no span. The counts are those of conlleval, which among tags with prefixes that it does not know counts
    /// spans that it never closes, and as correct some that begin at different tokens.
    pub fn by_class(&self) -> Option<ByClass> {
        let mut confused = BTreeMap::new();
        for (gold, predicted, n) in self.confusions.cells() {
            if let (Some(gold), Some(predicted)) = (gold, predicted)
                && gold != predicted
                && [gold, predicted].iter().all(|kind| self.kinds.contains_key(*kind))
            {
                confused.insert((gold.as_str(), predicted.as_str()), n);
            }
        }
        let mut cells = Vec::new();
        for (kind, Counts { gold, predicted, correct }) in &self.kinds {
            let kind = kind.as_str();
            let others = |is_it: &dyn Fn(&(&str, &str)) -> bool| -> u64 {
                confused.iter().filter(|(pair, _)| is_it(pair)).map(|(_, n)| n).sum()
            };
            let missed = gold.saturating_sub(correct + others(&|(gold, _)| *gold == kind));
            let invented =
                predicted.saturating_sub(correct + others(&|(_, predicted)| *predicted == kind));
            cells.push((Some(kind), Some(kind), *correct));
            cells.push((Some(kind), None, missed));
            cells.push((None, Some(kind), invented));
        }
        let confused = confused.into_iter();
        cells.extend(confused.map(|((gold, predicted), n)| (Some(gold), Some(predicted), n)));
        ByClass::found(cells.into_iter().filter(|(.., n)| *n > 0))
    }

    /// The counts over all types.
    pub fn counts(&self) -> Counts {
        self.kinds.values().fold(Counts::default(), |sum, counts| sum.plus(*counts))
    }

    /// The share of tokens whose whole tag is correct, in percent.
    pub fn accuracy(&self) -> f64 {
        percent(self.n_right, self.n_tokens)
    }

    /// Counts spans that start and end between two tokens; returns whether the open spans agree.
    fn between(&mut self, before: Pair<'_>, now: Pair<'_>, mut agree: bool) -> bool {
        let gold_ends = ends(before.0, now.0);
        let predicted_ends = ends(before.1, now.1);
        if agree && gold_ends && predicted_ends && before.0.1 == before.1.1 {
            self.of(before.0.1).correct += 1;
            agree = false;
        } else if gold_ends != predicted_ends || now.0.1 != now.1.1 {
            agree = false;
        }
        let gold_starts = starts(before.0, now.0);
        let predicted_starts = starts(before.1, now.1);
        if gold_starts {
            self.of(now.0.1).gold += 1;
        }
        if predicted_starts {
            self.of(now.1.1).predicted += 1;
        }
        agree || (gold_starts && predicted_starts && now.0.1 == now.1.1)
    }

    fn of(&mut self, kind: &str) -> &mut Counts {
        if !self.kinds.contains_key(kind) {
            self.kinds.insert(kind.to_owned(), Counts::default());
        }
        self.kinds.get_mut(kind).expect("the type is in the map since the line above")
    }
}

/// A gold and a predicted tag, each as prefix and type.
type Pair<'a> = ((&'a str, &'a str), (&'a str, &'a str));

#[cfg(test)]
mod tests {
    use super::super::fixture::{bytes, read, same, words};
    use super::*;
    use serde_json::Value;

    fn score(case: &Value) -> SpanF1 {
        let mut scorer = SpanF1::default();
        let (gold, predicted) = (case["gold"].as_array(), case["predicted"].as_array());
        for (gold, predicted) in gold.unwrap().iter().zip(predicted.unwrap()) {
            scorer.add(&words(gold), &words(predicted));
        }
        scorer
    }

    fn same_scores(ours: SpanScores, theirs: &Value, what: &str) {
        same(ours.precision, &theirs["precision"], what);
        same(ours.recall, &theirs["recall"], what);
        same(ours.f1, &theirs["f1"], what);
    }

    #[test]
    fn metrics_equal_conllevals() {
        let fixture = read("spans.json");
        let cases = fixture["cases"].as_array().unwrap();
        assert!(cases.len() > 10);
        for case in cases {
            let (scorer, theirs) = (score(case), &case["conlleval"]);
            let name = case["name"].as_str().unwrap();
            let counts = scorer.counts();
            assert_eq!(theirs["counts"][0], counts.gold, "{name}");
            assert_eq!(theirs["counts"][1], counts.predicted, "{name}");
            assert_eq!(theirs["counts"][2], counts.correct, "{name}");
            same_scores(scorer.overall(), theirs, name);
            same(scorer.accuracy(), &theirs["accuracy"], name);
            let kinds = theirs["kinds"].as_object().unwrap();
            let by_class = scorer.by_class().map_or(Vec::new(), |by_class| by_class.classes);
            assert!(by_class.len() == scorer.kinds.len() || by_class.len() > 24, "{name}");
            for class in by_class.iter().filter(|class| class.summed.is_none()) {
                assert_eq!(class.counts(), scorer.kinds[&class.name], "{name}");
            }
            assert_eq!(scorer.by_kind().count(), kinds.len(), "{name}");
            for (kind, scores) in scorer.by_kind() {
                same_scores(scores, &kinds[kind], name);
            }
        }
    }

    #[test]
    fn conllevals_report_has_our_digits() {
        for case in read("spans.json")["cases"].as_array().unwrap() {
            let (scorer, report) = (score(case), case["conlleval"]["report"].as_str().unwrap());
            if scorer.counts().predicted == 0 {
                continue; // The Python port says precision 1 there.
            }
            let SpanScores { precision, recall, f1 } = scorer.overall();
            let line = format!(
                "accuracy: {:6.2}%; precision: {precision:6.2}%; recall: {recall:6.2}%; FB1: {f1:6.2}",
                scorer.accuracy()
            );
            assert!(report.contains(&line), "{report}\nhas no line {line}");
        }
    }

    #[test]
    fn the_default_mode_of_seqeval_agrees_unless_a_prefix_is_unknown() {
        for case in read("spans.json")["cases"].as_array().unwrap() {
            let (ours, theirs) = (score(case).overall(), &case["seqeval"]);
            let name = case["name"].as_str().unwrap();
            if case["unknown_prefixes"] == true {
                assert!((ours.f1 - 100.0 * theirs["f1"].as_f64().unwrap()).abs() > 0.1, "{name}");
            } else {
                same_scores(ours, theirs, name);
            }
        }
    }

    #[test]
    fn the_strict_mode_of_seqeval_agrees_on_valid_sequences_only() {
        for case in read("spans.json")["cases"].as_array().unwrap() {
            let strict = &case["seqeval_strict"];
            if strict.is_null() {
                continue;
            }
            let (ours, name) = (score(case).overall(), case["name"].as_str().unwrap());
            if case["valid"] == true {
                same_scores(ours, strict, name);
            } else {
                assert!((ours.f1 - 100.0 * strict["f1"].as_f64().unwrap()).abs() > 0.1, "{name}");
            }
        }
    }

    /// A file that `predict` writes (`tests/it/conll.rs`), with `-DOCSTART-` lines and tags that their scheme forbids,
    /// scored by the original Perl program and by seqeval.
    #[test]
    fn predictions_in_a_file_have_the_digits_of_conlleval_and_seqeval() {
        let fixture = read("predicted.json");
        let text = String::from_utf8(bytes("predicted.txt")).unwrap();
        let (mut scorer, mut n_documents) = (SpanF1::default(), 0);
        for sentence in text.split("\n\n") {
            let rows: Vec<Vec<&str>> =
                sentence.lines().map(|line| line.split(' ').collect()).collect();
            if rows.first().is_some_and(|row| row[0] == "-DOCSTART-") {
                n_documents += 1;
                continue;
            }
            let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<_>>();
            scorer.add(&column(2), &column(3));
        }
        let SpanScores { precision, recall, f1 } = scorer.overall();
        for (ours, theirs) in [(precision, "precision"), (recall, "recall"), (f1, "f1")] {
            same(ours, &fixture["seqeval"][theirs], theirs);
        }
        // The Perl program counts the line of a document as a token with the tag O.
        let accuracy = percent(scorer.n_right + n_documents, scorer.n_tokens + n_documents);
        let mut wanted = vec![format!(
            "accuracy: {accuracy:6.2}%; precision: {precision:6.2}%; recall: {recall:6.2}%; FB1: {f1:6.2}"
        )];
        for (kind, counts) in &scorer.kinds {
            let SpanScores { precision, recall, f1 } = (*counts).into();
            let n = counts.predicted;
            wanted.push(format!(
                "{kind:>17}: precision: {precision:6.2}%; recall: {recall:6.2}%; FB1: {f1:6.2}  {n}"
            ));
        }
        assert_eq!(words(&fixture["conlleval"]["report"])[1..], wanted);
    }

    #[test]
    fn a_worked_example_with_half_of_the_spans() {
        let mut scorer = SpanF1::default();
        scorer.add(&["B-NP", "I-NP", "O", "B-VP"], &["B-NP", "I-NP", "O", "B-NP"]);
        assert_eq!(scorer.overall(), SpanScores { precision: 50.0, recall: 50.0, f1: 50.0 });
        assert!((scorer.accuracy() - 75.0).abs() < 1e-12);
        let kinds: Vec<_> = scorer.by_kind().map(|(kind, scores)| (kind, scores.f1)).collect();
        assert_eq!(kinds, [("NP", 200.0 / 3.0), ("VP", 0.0)]);
        let ByClass { classes, confusion } = scorer.by_class().unwrap();
        let counts: Vec<_> = classes.iter().map(|class| (&*class.name, class.counts())).collect();
        let np = Counts { gold: 1, predicted: 2, correct: 1 };
        assert_eq!(counts, [("NP", np), ("VP", Counts { gold: 1, ..Counts::default() })]);
        // The VP is predicted as an NP; the last row and column are for no span.
        assert_eq!(confusion.unwrap(), [[1, 0, 0], [1, 0, 0], [0, 0, 0]]);
        scorer.add(&["B-NP", "O", "B-VP"], &["O", "B-VP", "B-VP"]);
        let confusion = scorer.by_class().unwrap().confusion.unwrap();
        assert_eq!(confusion, [[1, 0, 1], [1, 1, 0], [0, 1, 0]]);
    }
}
