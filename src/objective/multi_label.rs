//! Multi-label: any number of labels for a whole example (Tsoumakas and Katakis 2007).
//!
//! With y_k = 1 if label k is in the example's set and 0 otherwise, and s_k the score of label k:
//! loss = Σ_i Σ_k w_k·(ln(1 + e^s_k) − y_k·s_k) over the examples that have a set, divided by their
//! number. An empty set is negative for every label; an example without a set has no loss. w_k is 1
//! or the class weight. The labels with s_k > 0 are predicted.
//!
//! A label unseen in training has no score: it is never predicted, and a set that contains it is
//! never correct.

use candle_core::Result;

use super::{
    ConfigFault, Declared, EXAMPLE_TAP, Evaluation, HeadSource, LabelCheck, Metric, Objective,
    ObjectiveConfig, ObjectiveKind, ObjectiveSetup, Output, RawLoss, TapKey,
    labels::{self, LabelConfig, Labels},
};
use crate::{
    data::{Batch, Corpus, Fitted, Lexicon, Prediction},
    keys::{Key, Refers, ValueType},
    metric::{Gold, Scorer, scorer::LabelSetScorer},
    model::{Rows, head::Head},
    protocol::event::Direction,
};

pub(super) struct MultiLabel;

const LABEL: Key = Key::required(
    "label",
    ValueType::Name(Refers::Labels),
    "field of the set of labels of each example",
);

const KEYS: &[Key] = &[LABEL, labels::CLASS_WEIGHTS];

impl ObjectiveKind for MultiLabel {
    fn name(&self) -> &'static str {
        "multi-label"
    }

    fn about(&self) -> &'static str {
        "multi-label classification of examples: topics, aspects of a review"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        EXAMPLE_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["sigmoid"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        Ok(Box::new(Config { labels: LabelConfig::of(declared, None)? }))
    }
}

/// The options of the objective.
struct Config {
    labels: LabelConfig,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        let names = ["f1", "macro_f1", "exact_match"];
        names.map(|name| Metric { name, direction: Direction::Higher }).into()
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.labels.field, as_read: true, names_read: true }
    }

    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        LabelCheck { of_corpus: self.labels.check_sets(corpus), ..LabelCheck::default() }
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        self.labels.fit(corpora)
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let labels = Labels::new(&setup, &self.labels)?;
        let classes = self.labels.classes(labels.vocabulary());
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

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        // If no corpus has labels, there are no classes and no loss.
        if self.labels.vocabulary().is_empty() {
            return Ok(None);
        }
        let Rows { tensor: x, packing } = &taps[0];
        RawLoss::of(self.head.loss(x, &self.labels.set_targets(batch), packing)?)
    }

    /// The predicted set of each example, its labels in the order of the vocabulary.
    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let gold = self.labels.gold_sets(batch).into_iter();
        let gold = gold.map(|set| set.map_or(Gold::None, Gold::LabelSet)).collect();
        let n_labels = self.labels.vocabulary().len();
        if n_labels == 0 {
            let predictions = vec![Prediction::LabelSet(Vec::new()); batch.n_examples()];
            return Ok(Evaluation { loss: None, gold, predictions, scored_only: Vec::new() });
        }
        let targets = self.labels.set_targets(batch);
        let Rows { tensor: x, packing } = &taps[0];
        let evaluated = self.head.evaluate(x, &targets, packing)?;
        let set = |answers: &[u32]| {
            let labels = (0..).zip(answers).filter(|&(_, &answer)| answer > 0);
            Prediction::LabelSet(labels.map(|(label, _)| label).collect())
        };
        Ok(Evaluation {
            loss: RawLoss::of(evaluated.loss)?,
            gold,
            predictions: evaluated.classes.chunks_exact(n_labels).map(set).collect(),
            scored_only: Vec::new(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        let n_trained = self.labels.vocabulary().len();
        Box::new(LabelSetScorer::new(self.class_names(), n_trained))
    }

    fn class_names(&self) -> Lexicon {
        self.labels.names().clone()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use candle_core::{Device, Tensor};

    use super::{super::declared, *};
    use crate::{
        data::{Axis, Example, Field, FieldForm, FieldValues, Lexicon, Packing, Schema, SplitData},
        kernel::to_vec,
        keys::{Located, Value, Values},
        metric::Scores,
        model::{
            Parameters, head,
            tap::{Context, LayerSpec, RowKind},
        },
    };

    /// Examples of one word each, with these sets.
    fn part(sets: &[Option<&[&str]>], lexicons: &mut [Lexicon]) -> SplitData {
        let [words, labels] = lexicons else { panic!("two fields") };
        let example = |set: Option<&[&str]>| {
            let word = FieldValues::Symbols(vec![words.intern("word")]);
            let set = set.map(|set| FieldValues::labels(set.iter().copied(), labels));
            Example::of_tokens(vec![1], vec![Some(word), set])
        };
        SplitData {
            examples: sets.iter().copied().map(example).collect(),
            file: "part".into(),
            ..SplitData::default()
        }
    }

    /// A corpus whose training split has label a three times and b once, and whose test split also
    /// has c.
    fn corpus() -> Corpus {
        let mut lexicons = vec![Lexicon::default(), Lexicon::default()];
        let train =
            part(&[Some(&["a", "b"]), Some(&["a"]), Some(&[]), None, Some(&["a"])], &mut lexicons);
        let test = part(&[Some(&["a"]), Some(&["c", "b"]), None, Some(&["b"])], &mut lexicons);
        let topics = Field::new("topics", Axis::Example, FieldForm::Labels);
        let schema = Schema::of_tokens(vec![Field::of_tokens("text"), topics]);
        Corpus { lexicons, train, test: Some(test), ..Corpus::of_schema(schema) }
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

    /// A multi-label objective whose scores are the rows themselves.
    fn labeller(values: &Values) -> Result<Box<dyn Objective>> {
        labeller_of(values, &corpus())
    }

    fn labeller_of(values: &Values, corpus: &Corpus) -> Result<Box<dyn Objective>> {
        let taps = [LayerSpec {
            width: 2,
            on: RowKind::Example,
            pooled: RowKind::Example,
            context: Context::BOTH,
            directions: None,
        }];
        let config = MultiLabel.configure(&declared(values, &taps, "sigmoid")).ok().unwrap();
        let fitted = config.fit(&[corpus]);
        let mut parameters = Parameters::new(1, &Device::Cpu)?;
        let head = head::find("sigmoid").map(|head| head.configure(values));
        let mut built = config.build(ObjectiveSetup {
            name: "objective",
            head: head.as_ref(),
            taps: &taps,
            fitted: &fitted,
            reads: &[],
            decoders: &[],
            scope: parameters.scope("objective"),
        })?;
        let (weight, n_labels) = (&parameters.all()[0].var, fitted.vocabularies["labels"].len());
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
    fn each_label_is_a_binary_classification_and_an_empty_set_is_all_negative() -> Result<()> {
        let corpus = corpus();
        let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1, 2, 3]);
        let (right, wrong) = ((4f64 / 3.0).ln(), 4f64.ln());
        for (more, by) in [
            (vec![], [1.0, 1.0]),
            // Three of four labels in training are a: 4 / (2·3) and 4 / (2·1).
            (vec![("class_weights", Value::Text("balanced".into()))], [2.0 / 3.0, 2.0]),
        ] {
            let loss = labeller(&values(&more))?.loss(&[rows(4)?], &batch)?.unwrap();
            let wanted = [
                by[0] * right + by[1] * wrong,
                by[0] * right + by[1] * right,
                by[0] * wrong + by[1] * right,
                0.0,
            ];
            for (found, wanted) in to_vec(&loss.per_example)?.iter().zip(wanted) {
                assert!((f64::from(*found) - wanted).abs() < 1e-6, "{found}, expected {wanted}");
            }
            assert_eq!(loss.count, 3);
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
    fn without_any_label_there_is_no_loss_and_no_prediction() -> Result<()> {
        let mut corpus = corpus();
        corpus.train = part(&[Some(&[]), None], &mut corpus.lexicons);
        let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1]);
        let labeller = labeller_of(&values(&[]), &corpus)?;
        assert!(labeller.loss(&[rows(2)?], &batch)?.is_none());
        let evaluation = labeller.evaluate(&[rows(2)?], &batch)?;
        assert!(evaluation.loss.is_none());
        assert_eq!(evaluation.predictions, vec![Prediction::LabelSet(Vec::new()); 2]);
        Ok(())
    }

    #[test]
    fn a_label_unseen_in_training_is_never_predicted_and_counts_as_wrong() -> Result<()> {
        let corpus = corpus();
        let test = corpus.test.as_ref().unwrap();
        let batch = Batch::new(0, &corpus, test, &[0, 1, 2, 3]);
        let labeller = labeller(&values(&[]))?;
        let evaluation = labeller.evaluate(&[rows(4)?], &batch)?;
        assert_eq!(evaluation.predictions, vec![Prediction::LabelSet(vec![0]); 4]);
        assert_eq!(labeller.class_names().get(0), "a");
        assert_eq!(evaluation.loss.as_ref().unwrap().count, 3);
        let (mut scorer, mut scores) = (labeller.scorer(), Scores::default());
        evaluation.score(&mut *scorer);
        scorer.finish(&mut scores);
        let wanted = [
            // Of 3 predicted and 4 gold labels, 1 is correct.
            ("f1", 200.0 / 7.0),
            // a: P = 1/3, R = 1; b and c: never predicted.
            ("macro_f1", 50.0 / 3.0),
            ("exact_match", 100.0 / 3.0),
        ];
        assert_eq!(scores.metrics.len(), wanted.len());
        for ((name, found), (wanted_name, wanted)) in scores.metrics.iter().zip(wanted) {
            assert_eq!(*name, wanted_name);
            assert!((found - wanted).abs() < 1e-9, "{name}: {found}, expected {wanted}");
        }
        Ok(())
    }
}
