//! Extract: the sentences of a document that its summary has (Isonuma et al. 2017).
//!
//! With y_i = 1 for a sentence of the summary, 0 otherwise, and s_i its score: loss = Σ_i (ln(1 + e^s_i) − y_i·s_i) over
//! the labelled sentences, divided by their number. Those with s_i > 0 are extracted, or else the best one of the
//! document. The probability of a sentence is 1 / (1 + e^−s_i).

mod extractor;

use std::collections::BTreeMap;

use candle_core::Result;

use super::{
    ConfigFault, Declared, HeadSource, LabelCheck, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, Selects, TapKey, labels,
};
use crate::{
    data::{
        Corpus, Fitted, Vocabulary,
        read::ReadError,
        vocabulary::{count, count_labels},
    },
    keys::{Key, Refers, ValueType},
    model::{encoder::RowProbability, tap::RowKind},
    protocol::event::Direction,
};
use extractor::{Extractor, SentenceProbability};

pub(super) struct Extract;

const LABEL: &str = "label";
const POSITIVE: &str = "positive";
const REFERENCE: &str = "reference";

const KEYS: &[Key] = &[
    Key::required(LABEL, ValueType::Name(Refers::Items), "field of the label of each sentence"),
    Key::with_default(
        POSITIVE,
        ValueType::Text,
        "\"yes\"",
        "label of the sentences to extract; one other label is that of the rest",
    ),
    Key::optional(
        REFERENCE,
        ValueType::Name(Refers::Text),
        "field of the summary that extracted sentences are compared with: also scores ROUGE",
    ),
];

const TAPS: &[TapKey] = &[TapKey { name: "tap", on: Some(RowKind::Item), selects: false }];

/// The vocabulary of labels, and the number of sentences of a lead.
const LABELS: &str = "labels";
const LEAD: &str = "lead";

impl ObjectiveKind for Extract {
    fn name(&self) -> &'static str {
        "extract"
    }

    fn about(&self) -> &'static str {
        "sentences of a document for its summary, compared with its first sentences"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TAPS
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["sigmoid"])
    }

    fn selects_rows(&self) -> Selects {
        Selects::Always
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let values = declared.values;
        Ok(Box::new(Config {
            label: values.text(LABEL).to_owned(),
            positive: values.text(POSITIVE).to_owned(),
            reference: values.text_if_set(REFERENCE).map(str::to_owned),
            is_alone: !declared.shares && declared.n_corpora == 1,
        }))
    }
}

/// The options of the objective.
struct Config {
    label: String,
    positive: String,
    reference: Option<String>,
    /// Whether it has labels of its own, from a single corpus.
    is_alone: bool,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        let rouge: &[&str] = match self.reference {
            Some(_) => {
                &["rouge_1", "rouge_2", "rouge_l", "lead_rouge_1", "lead_rouge_2", "lead_rouge_l"]
            }
            None => &[],
        };
        let names = ["f1", "precision", "recall", "lead_f1"].iter().chain(rouge);
        names.map(|name| Metric { name, direction: Direction::Higher }).collect()
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.label, as_read: true, names_read: true }
    }

    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        let Some(field) = corpus.field(&self.label).filter(|_| self.is_alone) else {
            return LabelCheck::default();
        };
        let lexicon = &corpus.lexicons[field];
        let is_seen: Vec<bool> =
            count_labels(lexicon, &corpus.train, field).into_iter().map(|n| n > 0).collect();
        let seen = lexicon.iter().zip(&is_seen).filter(|(_, is_seen)| **is_seen);
        let seen: Vec<String> = seen.map(|(label, _)| format!("{label:?}")).collect();
        if let Some(fault) = self.fault(corpus, &seen) {
            return LabelCheck { of_corpus: vec![fault], ..LabelCheck::default() };
        }
        let mut check = LabelCheck::default();
        for (split, data) in corpus.splits() {
            for example in &data.examples {
                let labels = example.strings(field).unwrap_or_default();
                let unseen = labels.iter().position(|&label| !is_seen[label as usize]);
                let Some(at) = unseen else { continue };
                let what = format!(
                    "expected {} for item {} in {:?}, as in train, found {:?}",
                    seen.join(" or "),
                    at + 1,
                    self.label,
                    lexicon.get(labels[at])
                );
                let (file, line) = (data.file_of(example, &self.label), example.line);
                check.of_examples.push((split, ReadError { file, line, what }));
            }
        }
        check
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        let mut counts = BTreeMap::<&str, u64>::new();
        let mut n_documents = 0;
        for corpus in corpora {
            let Some(field) = corpus.field(&self.label) else { continue };
            let lexicon = &corpus.lexicons[field];
            for (label, n) in lexicon.iter().zip(count(lexicon, &corpus.train, field)) {
                if n > 0 {
                    *counts.entry(label).or_default() += n;
                }
            }
            let labelled = corpus.train.examples.iter().filter(|it| it.strings(field).is_some());
            n_documents += labelled.count();
        }
        let n_extracted = counts.get(self.positive.as_str()).copied().unwrap_or(0);
        let lead = (n_extracted as f64 / n_documents.max(1) as f64).round().max(1.0);
        let labels = Vocabulary::from_counts(counts, 1, None);
        Fitted::default().with_vocabulary(LABELS, labels).with_numbers(LEAD, vec![lead])
    }

    fn row_probability(
        &self,
        setup: ObjectiveSetup<'_>,
    ) -> Result<Option<Box<dyn RowProbability>>> {
        Ok(Some(Box::new(SentenceProbability::new(setup)?)))
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        Ok(Box::new(Extractor::new(self, setup)?))
    }
}

impl Config {
    /// A fault if the labels of train are not the positive one and one other.
    fn fault(&self, corpus: &Corpus, seen: &[String]) -> Option<ReadError> {
        let positive = format!("{:?}", self.positive);
        let is_right = seen.len() == 2 && seen.contains(&positive);
        let found = if seen.is_empty() { "none".to_owned() } else { seen.join(", ") };
        let what = format!(
            "from here on the labels {:?} are {found}; expected {positive}, which `{POSITIVE}` names, and one other",
            self.label
        );
        (!is_right).then(|| labels::fault(corpus, what))
    }
}
