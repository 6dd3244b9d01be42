//! Objectives: one differentiable loss a file, attached to a tap. One line in the table each.

mod adversary;
mod binned;
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
mod question;
mod statistic;
mod tag;
mod tie;
mod word_ids;

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};

use crate::{
    data::{Batch, Corpus, Packing, Vocabulary, read::ReadError},
    keys::{Key, Values},
    metric::ByClass,
    model::{
        HeadKind, RowKind, Rows,
        encoder::EncoderKind,
        head::{self, Classes, Head, HeadLoss},
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
pub struct Described<'a> {
    /// What it is.
    pub kind: &'static dyn EncoderKind,
    /// What the recipe says in its table.
    pub values: &'a Values,
    /// What it reads and gives.
    pub signature: &'a EncoderSignature,
}

/// The encoder of a name; `None` if there is none, or if it has a fault.
pub type EncoderOf<'a> = &'a dyn Fn(&str) -> Option<Described<'a>>;

/// A kind of objective, with the keys that an `[[objective]]` of it may have.
///
/// ```
/// use auxdesk::{
///     data::{Batch, Corpus, Vocabulary},
///     keys::{Key, Values},
///     model::Rows,
///     objective::{Metric, Objective, ObjectiveKind, Scorer, Scores, Setup, Term},
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
///     fn metrics(&self, _values: &Values) -> Vec<Metric> {
///         Vec::new()
///     }
///
///     fn vocabularies(&self, _: &Values, _: &[&Corpus]) -> Vec<(&'static str, Vocabulary)> {
///         Vec::new()
///     }
///
///     fn build(&self, _setup: Setup<'_>) -> Result<Box<dyn Objective>> {
///         Ok(Box::new(Small))
///     }
/// }
///
/// impl Objective for Small {
///     fn attach(&mut self, _corpus_idx: usize, _corpus: &Corpus) {}
///
///     // The raw loss, without any gain: only the mixer multiplies.
///     fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<Term>> {
///         let sum = taps[0].tensor.sqr()?.mean_all()?;
///         let n_examples = batch.n_examples();
///         let each = sum.affine(1.0 / n_examples as f64, 0.0)?.broadcast_as(n_examples)?;
///         Ok(Some(Term { sum, count: 1, each }))
///     }
///
///     fn scorer(&self) -> Box<dyn Scorer + '_> {
///         Box::new(Unscored)
///     }
///
///     fn predict(&self, _taps: &[Rows], batch: &Batch) -> Result<Vec<Vec<String>>> {
///         Ok(vec![Vec::new(); batch.n_examples()])
///     }
/// }
///
/// struct Unscored;
///
/// impl Scorer for Unscored {
///     fn add(&mut self, _taps: &[Rows], _batch: &Batch) -> Result<()> {
///         Ok(())
///     }
///
///     fn finish(self: Box<Self>) -> Scores {
///         Scores::default()
///     }
/// }
///
/// assert_eq!(Small.taps()[0].name, "tap");
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
    fn taps(&self) -> &'static [TapKey] {
        &[TapKey { name: "tap", on: Some(RowKind::Token) }]
    }
    /// The heads it can have, the default first; none if it brings its own.
    fn heads(&self) -> &'static [&'static str] {
        &[]
    }
    /// Other kinds, of which it needs one: by `share` it uses the labels and the head of an objective of such
    /// a kind, one of [`ObjectiveKind::heads`], beside parameters of its own. None: `share` has it be
    /// another objective of its own kind, over other examples.
    fn lenders(&self) -> &'static [&'static str] {
        &[]
    }
    /// Whether it says something of an example, which can be written beside it.
    fn predicts(&self) -> bool {
        true
    }
    /// Whether these taps (in the order of [`ObjectiveKind::taps`]) may be read; if not, why, and
    /// what would do.
    fn check(&self, _values: &Values, _taps: &[LayerSpec]) -> std::result::Result<(), String> {
        Ok(())
    }
    /// Whether the encoders that its keys name will do; if not, which key is wrong, and in what.
    fn check_encoders(
        &self,
        _values: &Values,
        _encoder: EncoderOf<'_>,
    ) -> std::result::Result<(), (&'static str, String)> {
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
    /// Makes it, with its parameters.
    fn build(&self, setup: Setup<'_>) -> Result<Box<dyn Objective>>;
}

/// What an objective is made from.
pub struct Setup<'a> {
    /// Its name in the recipe.
    pub name: &'a str,
    /// What the recipe says in its table.
    pub values: &'a Values,
    /// The head that the recipe says, or the default one; `None` for kinds that bring their own.
    pub head: Option<&'static dyn HeadKind>,
    /// What the recipe says of the head: in its table, or in that of the objective it shares with.
    pub head_values: &'a Values,
    /// The layers that its taps read, in the order of [`ObjectiveKind::taps`].
    pub taps: &'a [LayerSpec],
    /// The vocabularies of [`ObjectiveKind::vocabularies`], by key.
    pub vocabularies: &'a BTreeMap<String, Vocabulary>,
    /// Where its parameters are made, or those of the objective that it shares with are found.
    pub scope: Scope<'a>,
}

impl Setup<'_> {
    /// Where what it shares with nobody is made.
    fn own_scope(&mut self) -> Scope<'_> {
        self.scope.sibling(&owner(self.name))
    }

    /// The vocabulary of that key.
    fn vocabulary(&self, key: &str) -> Vocabulary {
        self.vocabularies.get(key).cloned().expect("the kind has declared this vocabulary")
    }

    /// The head of the recipe over the first tap.
    fn head(self, classes: Classes) -> Result<Box<dyn Head>> {
        let head = self.head.expect("the checker has seen the head");
        let width = self.taps[0].width;
        head.build(head::Setup { values: self.head_values, width, classes, scope: self.scope })
    }
}

/// The prefix of an objective's parameters, and the owner of its vocabularies.
pub fn owner(name: &str) -> String {
    format!("objective.{name}")
}

/// A raw loss: what is divided by what, before any weight. Only the mixer multiplies.
pub struct Term {
    /// The sum of what was lost, a scalar.
    pub sum: Tensor,
    /// What it is a sum over: labelled tokens, examples, units predicted; 1 for regularisers.
    pub count: usize,
    /// Each example's part of the sum: (examples).
    pub each: Tensor,
}

impl Term {
    /// The term of each example's losses, with what they are counted over.
    fn new(each: Tensor, count: usize) -> Result<Self> {
        Ok(Self { sum: each.sum_all()?, count, each })
    }

    /// The term of a head's loss.
    fn of(loss: Option<HeadLoss>) -> Result<Option<Self>> {
        loss.map(|loss| Self::new(loss.each, loss.count)).transpose()
    }

    /// The raw loss, sum / count, a scalar.
    pub fn mean(&self) -> Result<Tensor> {
        self.sum.affine(1.0 / self.count as f64, 0.0)
    }
}

/// An objective with its parameters.
///
/// `taps` are the rows of its taps, each with what they stand on, in the order of [`ObjectiveKind::taps`].
pub trait Objective: Send {
    /// Learns the strings of a corpus; called once for each corpus, before its first batch.
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus);
    /// The raw loss of a batch; `None` if nothing in it has a label.
    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<Term>>;
    /// What scores a split, batch by batch.
    fn scorer(&self) -> Box<dyn Scorer + '_>;
    /// What it would say of each token, for each example of the batch.
    fn predict(&self, taps: &[Rows], batch: &Batch) -> Result<Vec<Vec<String>>>;
}

/// Gathers a split's batches into scores.
pub trait Scorer {
    /// Takes a batch.
    fn add(&mut self, taps: &[Rows], batch: &Batch) -> Result<()>;
    /// The scores of all that was taken.
    fn finish(self: Box<Self>) -> Scores;
}

/// The scores of a split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Σ sum.
    pub sum: f64,
    /// Σ count.
    pub count: usize,
    /// Metrics by name; proportions in percent. One that nothing in the split allows is absent.
    pub metrics: Vec<(&'static str, f64)>,
    /// The classes one by one, where what is decided is a class; `None` too if nothing in the split had one.
    pub classes: Option<ByClass>,
}

impl Scores {
    /// Adds a batch's loss.
    fn add(&mut self, term: Option<&Term>) -> Result<()> {
        if let Some(term) = term {
            #[expect(clippy::disallowed_methods, reason = "scoring reads one number a batch")]
            let sum = term.sum.to_scalar::<f32>()?;
            self.sum += f64::from(sum);
            self.count += term.count;
        }
        Ok(())
    }

    /// Σ sum / Σ count; `None` if nothing had a label.
    pub fn loss(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// The rows' classes as strings, example by example in the batch's order.
fn by_example(packing: &Packing, rows: &[u32], item: impl Fn(u32) -> String) -> Vec<Vec<String>> {
    let of = |example| packing.rows_of_example(example).into_iter().map(|row| item(rows[row]));
    (0..packing.n_examples()).map(|example| of(example).collect()).collect()
}
