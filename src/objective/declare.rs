//! What a kind of objective declares, before any corpus is read or tensor made.

use candle_core::Result;

use super::{Objective, owner};
use crate::{
    data::{Corpus, Fitted, Vocabulary, read::ReadError},
    keys::{Key, Values},
    model::{
        HeadKind, RowKind,
        encoder::{EncoderConfig, EncoderKind},
        head::{Classes, Head, HeadConfig, HeadSetup},
        parameters::Scope,
        tap::{EncoderSignature, LayerSpec},
    },
    protocol::event::Direction,
};

/// A tap key of an objective: most have one, called `tap`.
#[derive(Clone, Copy, Debug)]
pub struct TapKey {
    /// The key in the recipe.
    pub name: &'static str,
    /// What its rows must stand for; `None` if it takes either.
    pub on: Option<RowKind>,
}

/// A metric that an objective reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, as journals say it.
    pub name: &'static str,
    /// Which way is better.
    pub direction: Direction,
}

/// An encoder as a recipe describes it, for objectives that name one.
#[derive(Clone, Copy)]
pub struct EncoderView<'a> {
    /// What it is.
    pub kind: &'static dyn EncoderKind,
    /// Its options, parsed.
    pub config: &'a dyn EncoderConfig,
    /// What the recipe says in its table.
    pub values: &'a Values,
    /// What it reads and gives.
    pub signature: &'a EncoderSignature,
}

/// The encoder of a name; `None` if there is none, or if it has a fault.
pub type EncoderLookup<'a> = &'a dyn Fn(&str) -> Option<EncoderView<'a>>;

/// A kind of objective, with the keys that an `[[objective]]` of it may have.
///
/// ```
/// use auxdesk::{
///     data::{Batch, Corpus, Fitted, Lexicon, Prediction, read::ReadError},
///     keys::Key,
///     metric::{Gold, Scorer, Scores},
///     model::{RowKind, Rows},
///     objective::{
///         ConfigFault, Declared, Evaluation, HeadSource, Metric, Objective, ObjectiveConfig,
///         ObjectiveKind, ObjectiveSetup, Output, RawLoss, TapKey,
///     },
/// };
/// use candle_core::Result;
///
/// /// Small states: loss = the mean square of a tap's numbers.
/// struct Small;
///
/// impl ObjectiveKind for Small {
///     fn name(&self) -> &'static str {
///         "small"
///     }
///
///     fn about(&self) -> &'static str {
///         "the tap's numbers should be small"
///     }
///
///     fn keys(&self) -> &'static [Key] {
///         &[]
///     }
///
///     fn taps(&self) -> &'static [TapKey] {
///         &[TapKey { name: "tap", on: Some(RowKind::Token) }]
///     }
///
///     fn head(&self) -> HeadSource {
///         HeadSource::Own
///     }
///
///     fn configure(
///         &self,
///         _declared: &Declared<'_>,
///     ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
///         Ok(Box::new(Small))
///     }
/// }
///
/// // There is no option, so what is parsed is nothing.
/// impl ObjectiveConfig for Small {
///     fn metrics(&self) -> Vec<Metric> {
///         Vec::new()
///     }
///
///     fn output(&self) -> Output<'_> {
///         Output::Nothing
///     }
///
///     fn check_corpus(&self, _corpus: &Corpus) -> Vec<ReadError> {
///         Vec::new()
///     }
///
///     fn fit(&self, _corpora: &[&Corpus]) -> Fitted {
///         Fitted::default()
///     }
///
///     fn build(&self, _setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
///         Ok(Box::new(Small))
///     }
/// }
///
/// impl Objective for Small {
///     fn attach(&mut self, _corpus_idx: usize, _corpus: &Corpus) {}
///
///     // The raw loss, without any gain: only the mixer multiplies.
///     fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
///         let sum = taps[0].tensor.sqr()?.mean_all()?;
///         let n_examples = batch.n_examples();
///         let per_example = sum.affine(1.0 / n_examples as f64, 0.0)?.broadcast_as(n_examples)?;
///         Ok(Some(RawLoss { sum, count: 1, per_example }))
///     }
///
///     fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
///         Ok(Evaluation::of_loss(self.loss(taps, batch)?, batch.n_examples()))
///     }
///
///     fn scorer(&self) -> Box<dyn Scorer> {
///         Box::new(Unscored)
///     }
///
///     fn class_names(&self) -> Lexicon {
///         Lexicon::default()
///     }
/// }
///
/// struct Unscored;
///
/// impl Scorer for Unscored {
///     fn push(&mut self, _gold: &Gold, _prediction: &Prediction) {}
///     fn finish(self: Box<Self>, _scores: &mut Scores) {}
/// }
///
/// assert_eq!(ObjectiveKind::taps(&Small)[0].name, "tap");
/// ```
pub trait ObjectiveKind: Sync {
    /// What recipes and journals say.
    fn name(&self) -> &'static str;
    /// One line for `auxdesk list`: lower case, no full stop.
    fn about(&self) -> &'static str;
    /// What a recipe may say, beyond the keys of every objective and those of its head.
    fn keys(&self) -> &'static [Key];
    /// Its tap keys; none if it reads nothing but parameters, whose gradient nothing on the way stops or
    /// reverses.
    fn taps(&self) -> &'static [TapKey];
    /// Where its head comes from.
    fn head(&self) -> HeadSource;
    /// What a table of it says, parsed once and for all, or what is wrong with that beyond types and names.
    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault>;
}

/// The tap of what reads a row for each token.
pub(super) const TOKEN_TAP: &[TapKey] = &[TapKey { name: "tap", on: Some(RowKind::Token) }];

/// The tap of what reads a row for each example.
pub(super) const EXAMPLE_TAP: &[TapKey] = &[TapKey { name: "tap", on: Some(RowKind::Example) }];

/// Where an objective has its head from. By `share` it is another objective of its own kind, over other
/// examples, or it takes a donor's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadSource {
    /// From itself, if it has one at all: no table says anything of it.
    Own,
    /// Its table says which of these it is, the first unless said.
    OneOf(&'static [&'static str]),
    /// The objective that it shares with: it uses its labels and its head beside parameters of its own.
    Donor {
        /// The kinds of objective that it can share with.
        head_donors: &'static [&'static str],
        /// The heads that they may have.
        heads: &'static [&'static str],
    },
}

impl HeadSource {
    /// The heads that a table of it may name, the default first.
    pub fn choices(self) -> &'static [&'static str] {
        match self {
            Self::OneOf(heads) => heads,
            Self::Own | Self::Donor { .. } => &[],
        }
    }
}

/// What a table says, as the checker has it: types and names are right.
pub struct Declared<'a> {
    /// What the recipe says, with defaults.
    pub values: &'a Values,
    /// The layers that its taps read, in the order of [`ObjectiveKind::taps`].
    pub taps: &'a [LayerSpec],
    /// The head that its table says, or the default one.
    pub head: Option<&'static dyn HeadKind>,
    /// How many corpora it reads.
    pub n_corpora: usize,
    /// Whether it uses another objective's parameters and labels.
    pub shares: bool,
    /// The encoders of the recipe.
    pub encoder: EncoderLookup<'a>,
}

/// What is wrong with a table, beyond types and names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigFault {
    /// Something about what its first tap reads, or about several keys together.
    Tap(String),
    /// Something about this key.
    Key(&'static str, String),
}

/// What an objective says of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output<'a> {
    /// Nothing that could be written beside it.
    Nothing,
    /// Something that no field holds.
    New,
    /// Something about this field.
    Field {
        /// The field's name.
        name: &'a str,
        /// Whether the classes of its head are the strings of the field, as they are read.
        as_read: bool,
    },
}

/// An objective of a checked recipe, with its options parsed, before any corpus is read.
pub trait ObjectiveConfig: Send + Sync {
    /// What it reports, the most important first.
    fn metrics(&self) -> Vec<Metric>;
    /// What it says of an example.
    fn output(&self) -> Output<'_>;
    /// Faults of the labels in a corpus: a tag that is not valid in its scheme, for example.
    fn check_corpus(&self, corpus: &Corpus) -> Vec<ReadError>;
    /// What it needs to know of the training splits of its corpora: its vocabularies, and numbers such as bin
    /// edges.
    fn fit(&self, corpora: &[&Corpus]) -> Fitted;
    /// Makes it, with its parameters.
    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>>;
}

/// What an objective is made from.
pub struct ObjectiveSetup<'a> {
    /// Its name in the recipe.
    pub name: &'a str,
    /// The head that its table says, or that of the objective it shares with; `None` for kinds that bring
    /// their own.
    pub head: Option<&'a dyn HeadConfig>,
    /// The layers that its taps read, in the order of [`ObjectiveKind::taps`].
    pub taps: &'a [LayerSpec],
    /// What [`ObjectiveConfig::fit`] gave, and the lists of words that its keys name.
    pub fitted: &'a Fitted,
    /// Where its parameters are made, or those of the objective that it shares with are found.
    pub scope: Scope<'a>,
}

impl ObjectiveSetup<'_> {
    /// Where what it shares with nobody is made.
    pub(super) fn own_scope(&mut self) -> Scope<'_> {
        self.scope.sibling(&owner(self.name))
    }

    /// The vocabulary of that key.
    pub(super) fn vocabulary(&self, key: &str) -> Vocabulary {
        let vocabulary = self.fitted.vocabularies.get(key);
        vocabulary.cloned().expect("the kind has fitted this vocabulary")
    }

    /// The numbers of that key.
    pub(super) fn numbers(&self, key: &str) -> Vec<f64> {
        self.fitted.numbers.get(key).cloned().expect("the kind has fitted these numbers")
    }

    /// The head of the recipe over the first tap.
    pub(super) fn head(self, classes: Classes) -> Result<Box<dyn Head>> {
        let head = self.head.expect("the kind says that it has a head");
        head.build(HeadSetup { width: self.taps[0].width, classes, scope: self.scope })
    }
}

/// What a table of these values says, for the tests of kinds: of one corpus, without encoders.
#[cfg(test)]
pub(super) fn declared<'a>(values: &'a Values, taps: &'a [LayerSpec], head: &str) -> Declared<'a> {
    let head = crate::model::head::find(head);
    Declared { values, taps, head, n_corpora: 1, shares: false, encoder: &|_| None }
}
