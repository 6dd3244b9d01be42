//! Frequency: the log frequency of each token's word in training (Plank et al. 2016).
//!
//! The label is ⌊ln count⌋, so counts 1–2 are class 0, 3–7 class 1, 8–20 class 2. Words unseen in
//! training have no label. loss = −Σ_t ln P(label_t | h_t), divided by the number of labelled
//! tokens.

use candle_core::Result;

use super::{
    ConfigFault, Declared, HeadSource, Metric, Objective, ObjectiveConfig, ObjectiveKind,
    ObjectiveSetup, Output, TOKEN_TAP, TapKey, bins,
    derived::{DerivedClassifier, DerivedLabels},
    word_ids::{self, FieldWords},
};
use crate::{
    data::{Batch, Corpus, Fitted, Lexicon, Packing, normalize::Normalize},
    keys::{Key, Refers, ValueType},
    metric::scorer::ClassFigure,
    model::head::Classes,
};

pub(super) struct Frequency;

const FIELD: &str = "field";

const KEYS: &[Key] = &[Key::with_default(
    FIELD,
    ValueType::Name(Refers::Field),
    "\"form\"",
    "field whose frequency is predicted",
)];

/// ⌊ln count⌋ of a word that occurs at least once.
fn class(count: u64) -> u32 {
    (count as f64).ln() as u32
}

impl ObjectiveKind for Frequency {
    fn name(&self) -> &'static str {
        "frequency"
    }

    fn about(&self) -> &'static str {
        "binned log frequency of each token's word in the training split"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TOKEN_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["softmax"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        Ok(Box::new(Config { field: declared.values.text(FIELD).to_owned() }))
    }
}

/// The options of the objective.
struct Config {
    field: String,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        bins::metrics()
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.field, as_read: false, names_read: false }
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        word_ids::fit(&self.field, corpora, Normalize::default(), None)
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let words = FieldWords::new(&setup, &self.field, Normalize::default())?;
        let classes: Vec<u32> = words.vocabulary().iter().map(|(_, count)| class(count)).collect();
        let n_classes = classes.iter().max().map_or(1, |&greatest| greatest as usize + 1);
        let labels = Frequencies { words, classes, n_classes };
        Ok(Box::new(DerivedClassifier::new(labels, Classes::of(n_classes), setup)?))
    }
}

struct Frequencies {
    words: FieldWords,
    /// The class of each word, by id.
    classes: Vec<u32>,
    n_classes: usize,
}

impl DerivedLabels for Frequencies {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.words.attach(corpus_idx, corpus);
    }

    fn targets(&self, _packing: &Packing, batch: &Batch) -> Vec<Option<u32>> {
        let class = |id: Option<u32>| Some(self.classes[id? as usize]);
        self.words.ids(batch).into_iter().map(class).collect()
    }

    fn names(&self) -> Lexicon {
        bins::names(self.n_classes)
    }

    fn figures(&self) -> Vec<ClassFigure> {
        bins::figures()
    }
}

#[cfg(test)]
mod tests {
    use super::class;

    #[test]
    fn bins_equal_those_of_the_paper() {
        let bins = [(1, 0), (2, 0), (3, 1), (7, 1), (8, 2), (20, 2), (21, 3), (54, 3), (55, 4)];
        for (count, bin) in bins {
            assert_eq!(class(count), bin, "count {count}");
        }
    }
}
