//! Labels of whole examples: training counts, class weights, and targets of a batch.

use std::collections::BTreeMap;

use candle_core::Result;

use super::{ConfigFault, Declared, ObjectiveSetup};
use crate::{
    data::{Batch, Corpus, Fitted, Lexicon, Vocabulary, read::ReadError, vocabulary::count_labels},
    keys::{Key, Refers, ValueType, Values},
    model::head::Classes,
};

/// The key of the vocabulary of labels.
pub(crate) const LABELS: &str = "labels";

pub(super) const LABEL: Key =
    Key::required("label", ValueType::Name(Refers::Label), "field of the class of each example");

pub(super) const CLASS_WEIGHTS: Key = Key::optional(
    "class_weights",
    ValueType::Either(&[
        ValueType::Choice(&["balanced"]),
        ValueType::Map(&ValueType::Number(0.0, 1e6)),
    ]),
    "class weights in the loss: balanced, or a number per label (1 for others)",
);

/// A label after its map, if there is one.
fn mapped<'a>(map: Option<&'a BTreeMap<String, String>>, label: &'a str) -> &'a str {
    map.and_then(|map| map.get(label)).map_or(label, String::as_str)
}

/// The map of a key, from labels to coarser ones.
pub(super) fn map(values: &Values, key: &str) -> Option<BTreeMap<String, String>> {
    let table = values.table(key)?;
    let entries = table.iter();
    Some(entries.map(|(from, _)| (from.to_owned(), table.text(from).to_owned())).collect())
}

/// The parsed options of labels.
#[derive(Clone, Debug)]
pub(super) struct LabelConfig {
    /// Their field.
    pub(super) field: String,
    /// The map to other labels, if there is one.
    pub(super) map: Option<BTreeMap<String, String>>,
    pub(super) class_weights: Option<ClassWeights>,
    /// Whether it has labels of its own, from a single corpus.
    is_alone: bool,
}

/// The class weights.
#[derive(Clone, Debug)]
pub(super) enum ClassWeights {
    /// Inversely proportional to the class frequency.
    Balanced,
    /// As given; 1 for others.
    ByLabel(BTreeMap<String, f64>),
}

impl ClassWeights {
    fn of(values: &Values) -> Option<Self> {
        values.get(CLASS_WEIGHTS.name)?;
        let table = values.table(CLASS_WEIGHTS.name);
        Some(table.map_or(Self::Balanced, |table| {
            let weights = table.iter().map(|(label, _)| (label.to_owned(), table.number(label)));
            Self::ByLabel(weights.collect())
        }))
    }
}

impl LabelConfig {
    /// Parses a table; the error is a fault of its weights beyond their types.
    pub(super) fn of(
        declared: &Declared<'_>,
        map: Option<BTreeMap<String, String>>,
    ) -> std::result::Result<Self, ConfigFault> {
        let class_weights = ClassWeights::of(declared.values);
        if let Some(ClassWeights::ByLabel(weights)) = &class_weights
            && weights.values().all(|weight| *weight == 0.0)
        {
            let what = "every class weight is 0; expected at least one above 0";
            return Err(ConfigFault::Tap(what.to_owned()));
        }
        Ok(Self {
            field: declared.values.text(LABEL.name).to_owned(),
            map,
            class_weights,
            is_alone: !declared.shares && declared.n_corpora == 1,
        })
    }

    /// The training count of each label.
    pub(super) fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        let fields =
            corpora.iter().filter_map(|&corpus| Some((corpus, corpus.field(&self.field)?)));
        let of = |label: &str| mapped(self.map.as_ref(), label).to_owned();
        Fitted::default().with_vocabulary(LABELS, Vocabulary::of_train(fields, of, None))
    }

    /// A fault if train has fewer than two labels, or if there are weights for labels that it
    /// lacks. With several corpora each may lack some, and an objective that shares another's
    /// labels needs none of its own.
    pub(super) fn check(&self, corpus: &Corpus) -> Vec<ReadError> {
        let label = &self.field;
        if !self.is_alone || corpus.field(label).is_none() {
            return Vec::new();
        }
        match self.seen(corpus).as_slice() {
            [] => {
                let what = format!(
                    "from here on no example of train has a {label:?}; expected two labels"
                );
                vec![fault(corpus, what)]
            }
            [only] => {
                let what = format!(
                    "from here on every {label:?} of train is {only:?}; expected two labels at least"
                );
                vec![fault(corpus, what)]
            }
            _ => self.check_weights(corpus),
        }
    }

    /// A fault if no set of train has a label, or if there are weights for labels that it lacks.
    pub(super) fn check_sets(&self, corpus: &Corpus) -> Vec<ReadError> {
        let label = &self.field;
        if !self.is_alone || corpus.field(label).is_none() {
            return Vec::new();
        }
        if self.seen(corpus).is_empty() {
            let what =
                format!("from here on no {label:?} of train has a label; expected one at least");
            return vec![fault(corpus, what)];
        }
        self.check_weights(corpus)
    }

    /// A fault for each label that has a weight and does not occur in train.
    pub(super) fn check_weights(&self, corpus: &Corpus) -> Vec<ReadError> {
        let Some(ClassWeights::ByLabel(weights)) = &self.class_weights else { return Vec::new() };
        self.check_named(CLASS_WEIGHTS.name, weights.keys(), corpus)
    }

    /// A fault for each label that the table of a key names and that does not occur in train.
    pub(super) fn check_named<'a>(
        &self,
        key: &str,
        named: impl Iterator<Item = &'a String>,
        corpus: &Corpus,
    ) -> Vec<ReadError> {
        if !self.is_alone {
            return Vec::new();
        }
        let seen = self.seen(corpus);
        let strange = named.filter(|label| !seen.contains(&label.as_str()));
        let what = |label| {
            let known = seen.join(", ");
            format!("{key} names {label:?}, but the labels from here on are {known}")
        };
        strange.map(|label| fault(corpus, what(label))).collect()
    }

    /// The labels that occur in train.
    fn seen<'a>(&self, corpus: &'a Corpus) -> Vec<&'a str> {
        let Some(field) = corpus.field(&self.field) else { return Vec::new() };
        let lexicon = &corpus.lexicons[field];
        let counts = count_labels(lexicon, &corpus.train, field);
        lexicon.iter().zip(counts).filter(|&(_, n)| n > 0).map(|(label, _)| label).collect()
    }

    /// The classes of a vocabulary of labels, with their weights. Balanced: if n_c of N training
    /// labels have class c of K classes, its weight is N / (K·n_c).
    pub(super) fn classes(&self, vocabulary: &Vocabulary) -> Classes {
        let weights = self.class_weights.as_ref().map(|weights| match weights {
            ClassWeights::ByLabel(weights) => {
                let of = |label| weights.get(label).copied().unwrap_or(1.0);
                vocabulary.iter().map(|(label, _)| of(label) as f32).collect()
            }
            ClassWeights::Balanced => {
                let all: u64 = vocabulary.iter().map(|(_, n)| n).sum();
                let even = all as f64 / vocabulary.len() as f64;
                vocabulary.iter().map(|(_, n)| (even / n as f64) as f32).collect()
            }
        });
        Classes { weights, ..Classes::of(vocabulary.len()) }
    }
}

/// A fault of the training split as a whole, reported at its first line.
pub(super) fn fault(corpus: &Corpus, what: String) -> ReadError {
    let line = corpus.train.examples.first().map_or(1, |example| example.line);
    ReadError { file: corpus.train.file.clone(), line, what }
}

/// The labels of the field that an objective's table names.
pub(super) struct Labels {
    field: String,
    map: Option<BTreeMap<String, String>>,
    vocabulary: Vocabulary,
    /// The labels by id: those of training, then others that occur in gold only.
    names: Lexicon,
    attached: BTreeMap<usize, Attached>,
}

/// The labels of one corpus.
struct Attached {
    /// The index of the field; a corpus to predict on may have none.
    field: Option<usize>,
    /// The id of each symbol's label.
    names: Vec<u32>,
}

impl Labels {
    pub(super) fn new(setup: &ObjectiveSetup<'_>, config: &LabelConfig) -> Result<Self> {
        let (field, map) = (config.field.clone(), config.map.clone());
        let vocabulary = setup.vocabulary(LABELS)?;
        let names = vocabulary.iter().map(|(label, _)| label).collect();
        Ok(Self { field, map, vocabulary, names, attached: BTreeMap::new() })
    }

    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    pub(super) fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let field = corpus.field(&self.field);
        let labels = field.iter().flat_map(|&field| corpus.lexicons[field].iter());
        let names = labels.map(|label| self.names.intern(mapped(self.map.as_ref(), label)));
        let names = names.collect();
        self.attached.insert(corpus_idx, Attached { field, names });
    }

    /// The labels by id: those of training, which can be predicted, then others that occur in gold
    /// only.
    pub(super) fn names(&self) -> &Lexicon {
        &self.names
    }

    /// The class of a label's id; `None` if it does not occur in training.
    fn class(&self, name: u32) -> Option<u32> {
        ((name as usize) < self.vocabulary.len()).then_some(name)
    }

    /// The class of each sequence; `None` if it has no label, or one that does not occur in
    /// training.
    pub(super) fn targets(&self, batch: &Batch) -> Vec<Option<u32>> {
        self.gold(batch).into_iter().map(|name| self.class(name?)).collect()
    }

    /// The id of the label of each sequence that has one.
    pub(super) fn gold(&self, batch: &Batch) -> Vec<Option<u32>> {
        let Attached { field, names } = self.attached(batch);
        let Some(field) = field else { return vec![None; batch.n_examples()] };
        batch.labels(*field).iter().map(|symbol| Some(names[(*symbol)? as usize])).collect()
    }

    /// Whether each label of the vocabulary is in the set of each sequence, sequence by sequence;
    /// `None` for a sequence without a set.
    pub(super) fn set_targets(&self, batch: &Batch) -> Vec<Option<u32>> {
        let n = self.vocabulary.len();
        let mut targets = Vec::with_capacity(batch.n_examples() * n);
        for set in self.gold_sets(batch) {
            let start = targets.len();
            targets.resize(start + n, set.as_ref().map(|_| 0));
            let known = set.iter().flatten().filter_map(|&name| self.class(name));
            known.for_each(|class| targets[start + class as usize] = Some(1));
        }
        targets
    }

    /// The set of each sequence that has one, by the ids of labels, including those that do not
    /// occur in training.
    pub(super) fn gold_sets(&self, batch: &Batch) -> Vec<Option<Vec<u32>>> {
        let Attached { field, names } = self.attached(batch);
        let Some(field) = field else { return vec![None; batch.n_examples()] };
        let ids = |set: &Vec<u32>| set.iter().map(|&symbol| names[symbol as usize]).collect();
        batch.label_sets(*field).iter().map(|set| set.as_ref().map(ids)).collect()
    }

    fn attached(&self, batch: &Batch) -> &Attached {
        self.attached.get(&batch.corpus).expect("the corpus has been attached")
    }
}
