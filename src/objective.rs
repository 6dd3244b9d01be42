//! Objectives: one differentiable loss a file, attached to a tap. One line in the table each.

mod frequency;
mod next_word;
mod tag;

use crate::{
    data::{Corpus, Vocabulary, read::ReadError},
    keys::{Key, Values},
    model::{On, tap::Layer},
    protocol::event::Direction,
};

/// Every objective auxdesk knows, in the order `auxdesk list` shows them.
pub const OBJECTIVES: &[&dyn ObjectiveKind] =
    &[&tag::Tag, &next_word::NextWord, &frequency::Frequency];

/// Objectives that recipes may already name and that are still to come.
pub const PLANNED: &[&str] = &[
    "classify",
    "multi-label",
    "adversary",
    "presence",
    "contains",
    "statistic",
    "coarsen",
    "difference",
    "tie",
    "noisy",
];

/// The objective kind of that name.
pub fn find(name: &str) -> Option<&'static dyn ObjectiveKind> {
    OBJECTIVES.iter().copied().find(|kind| kind.name() == name)
}

/// A tap key of an objective: most have one, called `tap`.
#[derive(Clone, Copy, Debug)]
pub struct TapKey {
    /// The key in the recipe.
    pub name: &'static str,
    /// What its rows must stand for.
    pub on: On,
}

/// A metric that an objective reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, as journals say it.
    pub name: &'static str,
    /// Which way is better.
    pub direction: Direction,
}

/// A kind of objective, with the keys that an `[[objective]]` of it may have.
pub trait ObjectiveKind: Sync {
    /// What recipes and journals say.
    fn name(&self) -> &'static str;
    /// One line for `auxdesk list`: lower case, no full stop.
    fn about(&self) -> &'static str;
    /// What a recipe may say, beyond the keys of every objective and those of its head.
    fn keys(&self) -> &'static [Key];
    /// Its tap keys.
    fn taps(&self) -> &'static [TapKey] {
        &[TapKey { name: "tap", on: On::Sequence }]
    }
    /// The heads it can have, the default first; none if it brings its own.
    fn heads(&self) -> &'static [&'static str] {
        &[]
    }
    /// Whether these taps (in the order of [`ObjectiveKind::taps`]) may be read; if not, why, and
    /// what would do.
    fn check(&self, _values: &Values, _taps: &[Layer]) -> Result<(), String> {
        Ok(())
    }
    /// What it reports, the most important first.
    fn metrics(&self, values: &Values) -> Vec<Metric>;
    /// Faults of the labels in a corpus: a tag that is not valid in its scheme, for example.
    fn check_corpus(&self, _values: &Values, _corpus: &Corpus) -> Vec<ReadError> {
        Vec::new()
    }
    /// The vocabularies it needs, by key, made of the training splits of its corpora.
    fn vocabularies(&self, values: &Values, corpora: &[&Corpus])
    -> Vec<(&'static str, Vocabulary)>;
}
