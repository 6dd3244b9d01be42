//! Objectives: one differentiable loss a file, attached to a tap. One line in the table each.

mod adversary;
mod bins;
mod classify;
mod coarsen;
mod contains;
mod difference;
mod frequency;
mod labels;
mod multi_label;
mod next_word;
mod noisy;
mod presence;
mod presence_target;
mod statistic;
mod tag;
mod tie;
mod word_ids;

use candle_core::{Result, Tensor};

use crate::{
    data::{Batch, Corpus, Fitted, Lexicon, Packing, Prediction, Vocabulary, read::ReadError},
    keys::{Key, Values},
    metric::{Gold, Scorer},
    model::{
        HeadKind, RowKind, Rows,
        encoder::EncoderKind,
        head::{Classes, Head, HeadConfig, HeadLoss, HeadSetup},
        parameters::Scope,
        tap::{EncoderSignature, LayerSpec},
    },
    protocol::event::Direction,
};

/// Every objective auxdesk knows, in the order `auxdesk list` shows them.
pub const OBJECTIVES: &[&dyn ObjectiveKind] = &[
    &tag::Tag,
    &classify::Classify,
    &multi_label::MultiLabel,
    &next_word::NextWord,
    &frequency::Frequency,
    &statistic::Statistic,
    &coarsen::Coarsen,
    &presence::Presence,
    &contains::Contains,
    &noisy::Noisy,
    &adversary::Adversary,
    &difference::Difference,
    &tie::Tie,
];

/// Objectives that recipes may already name and that are still to come.
pub const PLANNED: &[&str] = &[
    "anchor",
    "arcs",
    "relation",
    "consistency",
    "relatedness",
    "entail",
    "rank",
    "order",
    "next-sentence",
    "connective",
    "answer-sentence",
    "answer-span",
    "generate",
    "transcribe",
    "bag",
    "bag-rest",
    "dual",
    "round-trip",
    "aligned-vector",
    "next-vector",
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
const TOKEN_TAP: &[TapKey] = &[TapKey { name: "tap", on: Some(RowKind::Token) }];

/// The tap of what reads a row for each example.
const EXAMPLE_TAP: &[TapKey] = &[TapKey { name: "tap", on: Some(RowKind::Example) }];

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
    fn own_scope(&mut self) -> Scope<'_> {
        self.scope.sibling(&owner(self.name))
    }

    /// The vocabulary of that key.
    fn vocabulary(&self, key: &str) -> Vocabulary {
        let vocabulary = self.fitted.vocabularies.get(key);
        vocabulary.cloned().expect("the kind has fitted this vocabulary")
    }

    /// The numbers of that key.
    fn numbers(&self, key: &str) -> Vec<f64> {
        self.fitted.numbers.get(key).cloned().expect("the kind has fitted these numbers")
    }

    /// The head of the recipe over the first tap.
    fn head(self, classes: Classes) -> Result<Box<dyn Head>> {
        let head = self.head.expect("the kind says that it has a head");
        head.build(HeadSetup { width: self.taps[0].width, classes, scope: self.scope })
    }
}

/// The prefix of an objective's parameters, and the owner of what it is fitted to.
pub fn owner(name: &str) -> String {
    format!("objective.{name}")
}

/// A raw loss: what is divided by what, before any weight. Only the mixer multiplies.
pub struct RawLoss {
    /// The sum of the losses, a scalar.
    pub sum: Tensor,
    /// What it is a sum over: labelled tokens, examples, units predicted; 1 for regularisers.
    pub count: usize,
    /// Each example's part of the sum: (examples).
    pub per_example: Tensor,
}

impl RawLoss {
    /// The sum of each example's losses, with what they are counted over.
    fn new(per_example: Tensor, count: usize) -> Result<Self> {
        Ok(Self { sum: per_example.sum_all()?, count, per_example })
    }

    /// That of a head's loss.
    fn of(loss: Option<HeadLoss>) -> Result<Option<Self>> {
        loss.map(|loss| Self::new(loss.per_example, loss.count)).transpose()
    }

    /// The raw loss, sum / count, a scalar.
    pub fn mean(&self) -> Result<Tensor> {
        self.sum.affine(1.0 / self.count as f64, 0.0)
    }
}

/// What an objective makes of a batch that is evaluated. Lists are in the batch's order.
pub struct Evaluation {
    /// The raw loss, to the bit what [`Objective::loss`] gives on the CPU; `None` if nothing has a label.
    pub loss: Option<RawLoss>,
    /// What is right of each example.
    pub gold: Vec<Gold>,
    /// What it predicts of each example.
    pub predictions: Vec<Prediction>,
    /// Further pairs for its scorer, which say nothing of an example by themselves: vectors that a probe is
    /// asked about, a noisy label beside the right one.
    pub scored_only: Vec<(Gold, Prediction)>,
}

impl Evaluation {
    /// An evaluation without a prediction.
    pub fn of_loss(loss: Option<RawLoss>, n_examples: usize) -> Self {
        Self {
            loss,
            gold: vec![Gold::None; n_examples],
            predictions: vec![Prediction::None; n_examples],
            scored_only: Vec::new(),
        }
    }

    /// Hands every pair of gold and prediction to a scorer.
    pub fn score(&self, scorer: &mut dyn Scorer) {
        for (gold, prediction) in self.gold.iter().zip(&self.predictions) {
            scorer.push(gold, prediction);
        }
        for (gold, prediction) in &self.scored_only {
            scorer.push(gold, prediction);
        }
    }
}

/// An objective with its parameters.
///
/// `taps` are the rows of its taps, each with what they stand on, in the order of [`ObjectiveKind::taps`].
pub trait Objective: Send {
    /// Learns the strings of a corpus; called once for each corpus, before its first batch.
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus);
    /// The raw loss of a batch; `None` if nothing in it has a label.
    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>>;
    /// Loss and predictions of a batch, of scores that are computed once.
    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation>;
    /// What scores the evaluations of a split.
    fn scorer(&self) -> Box<dyn Scorer>;
    /// The name of each class that it predicts, by id; none where it predicts no class.
    fn class_names(&self) -> Lexicon;
}

/// The classes of rows, example by example in the batch's order.
fn predictions_of(packing: &Packing, classes: &[u32]) -> Vec<Prediction> {
    let of = |example| {
        let rows = packing.rows_of_example(example).into_iter();
        Prediction::Classes(rows.map(|row| classes[row]).collect())
    };
    (0..packing.n_examples()).map(of).collect()
}

/// The right classes of rows, example by example in the batch's order; `None` where nobody has said.
fn gold_of(packing: &Packing, classes: &[Option<u32>]) -> Vec<Gold> {
    let of = |example| {
        let rows = packing.rows_of_example(example).into_iter();
        let classes: Vec<Option<u32>> = rows.map(|row| classes[row]).collect();
        if classes.iter().all(Option::is_none) {
            Gold::None
        } else {
            Gold::Classes { classes, oov: Vec::new() }
        }
    };
    (0..packing.n_examples()).map(of).collect()
}

/// What a table of these values says, for the tests of kinds: of one corpus, without encoders.
#[cfg(test)]
fn declared<'a>(values: &'a Values, taps: &'a [LayerSpec], head: &str) -> Declared<'a> {
    let head = crate::model::head::find(head);
    Declared { values, taps, head, n_corpora: 1, shares: false, encoder: &|_| None }
}
