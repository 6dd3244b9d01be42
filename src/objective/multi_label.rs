//! Multi-label: any number of labels for a whole example (Tsoumakas and Katakis 2007).
//!
//! With y_k = 1 where label k is in the set of an example and 0 where it isn't, and s_k the score of k:
//! loss = Σ_i Σ_k w_k·(ln(1 + e^s_k) − y_k·s_k) over examples that have a set, divided by their number; an
//! empty set says no to every label, and an example without one costs nothing. w_k is 1 or the class's
//! weight. It decides on the labels with s_k > 0.
//!
//! A label that training lacks has no score: it is never predicted, and every set that holds it is wrong.

use std::collections::BTreeSet;

use candle_core::Result;

use super::{
    Metric, Objective, ObjectiveKind, Scorer, Scores, Setup, TapKey, Term,
    classify::TAPS,
    labels::{self, Labels},
};
use crate::{
    data::{Batch, Corpus, Vocabulary, read::ReadError},
    keys::{Key, Refers, Takes, Values},
    metric::{Accuracy, SetScore, Word},
    model::{Rows, head::Head, tap::LayerSpec},
    protocol::event::Direction,
};

pub(super) struct MultiLabel;

const LABEL: Key = Key::required(
    "label",
    Takes::Name(Refers::Labels),
    "the field that holds the set of labels of each example",
);

const KEYS: &[Key] = &[LABEL, labels::CLASS_WEIGHTS];

impl ObjectiveKind for MultiLabel {
    fn name(&self) -> &'static str {
        "multi-label"
    }

    fn about(&self) -> &'static str {
        "any number of labels for each example: topics, aspects of a review"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TAPS
    }

    fn heads(&self) -> &'static [&'static str] {
        &["sigmoid"]
    }

    fn metrics(&self, _values: &Values) -> Vec<Metric> {
        let names = ["f1", "macro_f1", "exact_match"];
        names.map(|name| Metric { name, direction: Direction::Higher }).into()
    }

    fn check(&self, values: &Values, _taps: &[LayerSpec]) -> std::result::Result<(), String> {
        labels::check_values(values)
    }

    fn check_corpus(&self, values: &Values, corpus: &Corpus) -> Vec<ReadError> {
        labels::check_sets(values, corpus)
    }

    fn vocabularies(
        &self,
        values: &Values,
        corpora: &[&Corpus],
    ) -> Vec<(&'static str, Vocabulary)> {
        labels::labels(values, corpora, None)
    }

    fn build(&self, setup: Setup<'_>) -> Result<Box<dyn Objective>> {
        let labels = Labels::new(&setup, None);
        let classes = labels::classes(setup.values, labels.vocabulary());
        Ok(Box::new(Labeller { labels, head: setup.head(classes)? }))
    }
}

struct Labeller {
    labels: Labels,
    head: Box<dyn Head>,
}

impl Objective for Labeller {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.labels.attach(corpus_idx, corpus);
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<Term>> {
        // Of several corpora each may lack labels, so that there is nothing to ask.
        if self.labels.vocabulary().is_empty() {
            return Ok(None);
        }
        let Rows { tensor: x, packing } = &taps[0];
        Term::of(self.head.loss(x, &self.labels.answers(batch), packing)?)
    }

    fn scorer(&self) -> Box<dyn Scorer + '_> {
        let labels = self.labels.vocabulary().iter().map(|(label, _)| label);
        Box::new(SetScorer {
            labeller: self,
            scores: Scores::default(),
            classes: SetScore::over(labels),
            exact: Accuracy::default(),
        })
    }

    /// The set of each example, its labels in the order of the vocabulary.
    fn predict(&self, taps: &[Rows], batch: &Batch) -> Result<Vec<Vec<String>>> {
        let vocabulary = self.labels.vocabulary();
        if vocabulary.is_empty() {
            return Ok(vec![Vec::new(); batch.n_examples()]);
        }
        let answers = self.head.decide(&taps[0].tensor, &taps[0].packing)?;
        let chosen = |answers: &[u32]| {
            let labels = vocabulary.iter().zip(answers).filter(|&(_, &answer)| answer > 0);
            labels.map(|((label, _), _)| label.to_owned()).collect()
        };
        Ok(answers.chunks_exact(vocabulary.len()).map(chosen).collect())
    }
}

struct SetScorer<'a> {
    labeller: &'a Labeller,
    scores: Scores,
    classes: SetScore,
    exact: Accuracy,
}

impl Scorer for SetScorer<'_> {
    fn add(&mut self, taps: &[Rows], batch: &Batch) -> Result<()> {
        self.scores.add(self.labeller.loss(taps, batch)?.as_ref())?;
        let predicted = self.labeller.predict(taps, batch)?;
        for (gold, predicted) in self.labeller.labels.gold_sets(batch).iter().zip(&predicted) {
            let Some(gold) = gold else { continue };
            let predicted: Vec<&str> = predicted.iter().map(String::as_str).collect();
            self.classes.add(gold, &predicted);
            let [gold, predicted]: [BTreeSet<&str>; 2] =
                [gold, &predicted].map(|set| set.iter().copied().collect());
            self.exact.add(&gold, &predicted, Word::Known);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Scores {
        if let Some(exact) = self.exact.accuracy() {
            let (f1, macro_f1) = (self.classes.micro_f1(), self.classes.macro_f1());
            self.scores.metrics = vec![("f1", f1), ("macro_f1", macro_f1), ("exact_match", exact)];
            self.scores.classes = self.classes.by_class();
        }
        self.scores
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use candle_core::{Device, Tensor};

    use super::*;
    use crate::{
        data::{Example, Field, Lexicon, Packing, Part},
        kernel::to_vec,
        keys::{Located, Value},
        model::{
            Parameters, head,
            tap::{Context, RowKind},
        },
    };

    /// Examples of a word each, with these sets.
    fn part(sets: &[Option<&[&str]>], lexicons: &mut [Lexicon]) -> Part {
        let [words, labels] = lexicons else { panic!("two fields") };
        let example = |set: Option<&[&str]>| Example {
            lines: vec![1],
            fields: vec![
                Some(Field::Symbols(vec![words.intern("word")])),
                set.map(|set| Field::labels(set.iter().copied(), labels)),
            ],
        };
        Part { examples: sets.iter().copied().map(example).collect(), file: "part".into() }
    }

    /// A corpus whose training has a three times and b once, and whose test holds c too.
    fn corpus() -> Corpus {
        let mut lexicons = vec![Lexicon::default(), Lexicon::default()];
        let train =
            part(&[Some(&["a", "b"]), Some(&["a"]), Some(&[]), None, Some(&["a"])], &mut lexicons);
        let test = part(&[Some(&["a"]), Some(&["c", "b"]), None, Some(&["b"])], &mut lexicons);
        let fields = vec!["text".to_owned(), "topics".to_owned()];
        Corpus { fields, lexicons, train, test: Some(test), ..Corpus::default() }
    }

    fn values(more: &[(&str, Value)]) -> Values {
        let text = |text: &str| Value::Text(text.to_owned());
        let mut entries = BTreeMap::from([
            ("label".to_owned(), Located::by_default(text("topics"))),
            ("corpus".to_owned(), Located::by_default(text("one"))),
            ("hidden".to_owned(), Located::by_default(Value::Integer(0))),
        ]);
        for (key, value) in more {
            entries.insert((*key).to_owned(), Located::by_default(value.clone()));
        }
        Values::new(entries)
    }

    /// A labeller whose scores are the rows themselves.
    fn labeller(values: &Values) -> Result<Box<dyn Objective>> {
        labeller_of(values, &corpus())
    }

    fn labeller_of(values: &Values, corpus: &Corpus) -> Result<Box<dyn Objective>> {
        let vocabularies = MultiLabel.vocabularies(values, &[corpus]);
        let vocabularies = vocabularies.into_iter().map(|(key, of)| (key.to_owned(), of)).collect();
        let mut parameters = Parameters::new(1, &Device::Cpu)?;
        let taps = [LayerSpec {
            width: 2,
            on: RowKind::Example,
            context: Context::BOTH,
            directions: None,
        }];
        let mut built = MultiLabel.build(Setup {
            name: "objective",
            values,
            head: head::find("sigmoid"),
            head_values: values,
            taps: &taps,
            vocabularies: &vocabularies,
            scope: parameters.scope("objective"),
        })?;
        let (weight, n_labels) = (&parameters.all()[0].var, vocabularies["labels"].len());
        let eye = Tensor::eye(2, candle_core::DType::F32, &Device::Cpu)?;
        weight.set(&eye.narrow(1, 0, n_labels)?.contiguous()?)?;
        built.attach(0, corpus);
        Ok(built)
    }

    /// Scores (ln 3, −ln 3): P = 3/4, 1/4.
    fn rows(n: usize) -> Result<Rows> {
        let scores = [3f32.ln(), -3f32.ln()].repeat(n);
        let scores = Tensor::from_vec(scores, (n, 2), &Device::Cpu)?;
        Ok(Rows::new(scores, &Packing::of_examples(n).into()))
    }

    #[test]
    fn each_label_is_a_question_and_an_empty_set_answers_all_of_them() -> Result<()> {
        let corpus = corpus();
        let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1, 2, 3]);
        let (right, wrong) = ((4f64 / 3.0).ln(), 4f64.ln());
        for (more, by) in [
            (vec![], [1.0, 1.0]),
            // Of four labels in training three are a: 4 / (2·3) and 4 / (2·1).
            (vec![("class_weights", Value::Text("balanced".into()))], [2.0 / 3.0, 2.0]),
        ] {
            let term = labeller(&values(&more))?.loss(&[rows(4)?], &batch)?.unwrap();
            let wanted = [
                by[0] * right + by[1] * wrong,
                by[0] * right + by[1] * right,
                by[0] * wrong + by[1] * right,
                0.0,
            ];
            for (found, wanted) in to_vec(&term.each)?.iter().zip(wanted) {
                assert!((f64::from(*found) - wanted).abs() < 1e-6, "{found}, wanted {wanted}");
            }
            assert_eq!(term.count, 3);
        }
        Ok(())
    }

    #[test]
    fn examples_without_a_set_have_no_loss() -> Result<()> {
        let corpus = corpus();
        let batch = Batch::new(0, &corpus, &corpus.train, &[3]);
        assert!(labeller(&values(&[]))?.loss(&[rows(1)?], &batch)?.is_none());
        Ok(())
    }

    #[test]
    fn where_no_corpus_has_a_label_nothing_is_lost_or_predicted() -> Result<()> {
        let mut corpus = corpus();
        corpus.train = part(&[Some(&[]), None], &mut corpus.lexicons);
        let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1]);
        let labeller = labeller_of(&values(&[]), &corpus)?;
        assert!(labeller.loss(&[rows(2)?], &batch)?.is_none());
        assert_eq!(labeller.predict(&[rows(2)?], &batch)?, [[""; 0]; 2]);
        Ok(())
    }

    #[test]
    fn a_label_that_training_lacks_is_never_predicted_and_counts_as_wrong() -> Result<()> {
        let corpus = corpus();
        let test = corpus.test.as_ref().unwrap();
        let batch = Batch::new(0, &corpus, test, &[0, 1, 2, 3]);
        let labeller = labeller(&values(&[]))?;
        assert_eq!(labeller.predict(&[rows(4)?], &batch)?, vec![["a"]; 4]);
        let mut scorer = labeller.scorer();
        scorer.add(&[rows(4)?], &batch)?;
        let scores = scorer.finish();
        assert_eq!(scores.count, 3);
        let wanted = [
            // 1 of 3 predicted and of 4 in gold is right.
            ("f1", 200.0 / 7.0),
            // a: P = 1/3, R = 1; b and c: never predicted.
            ("macro_f1", 50.0 / 3.0),
            ("exact_match", 100.0 / 3.0),
        ];
        assert_eq!(scores.metrics.len(), wanted.len());
        for ((name, found), (wanted_name, wanted)) in scores.metrics.iter().zip(wanted) {
            assert_eq!(*name, wanted_name);
            assert!((found - wanted).abs() < 1e-9, "{name}: {found}, wanted {wanted}");
        }
        Ok(())
    }
}
