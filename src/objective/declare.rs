//! The declarations of a kind of objective, before any corpus is read or any tensor created.

mod reads;

use std::sync::Arc;

use candle_core::{Error, Result};

use super::{Objective, owner};
use crate::{
    data::{Corpus, Fitted, Vocabulary, read::ReadError},
    keys::{Key, MAX_WIDTH, ValueType, Values},
    metric::TagScheme,
    model::{
        Decoder, HeadKind, RowKind,
        encoder::{BatchSize, EncoderConfig, EncoderKind, LabelHead, RowProbability},
        head::{
            BagConfig, Classes, CtcConfig, Head, HeadConfig, HeadSetup, PairConfig, PointerConfig,
            SpanConfig, VectorHead,
        },
        parameters::Scope,
        tap::{EncoderSignature, LayerSpec},
    },
    protocol::event::{Direction, Split},
};

pub use reads::{HeadRead, ReadSetup, ReadView};

/// A key that takes a tap; most kinds have one, called `tap`.
#[derive(Clone, Copy, Debug)]
pub struct TapKey {
    /// The key in the recipe.
    pub name: &'static str,
    /// What the tap's rows must represent; `None` accepts tokens and examples.
    pub on: Option<RowKind>,
    /// Whether it reads the probability with which another objective selects each row,
    /// `"probability:OBJECTIVE"`; such a tap is the last one, and may be missing.
    pub selects: bool,
}

/// A metric that an objective reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name in journals.
    pub name: &'static str,
    /// Whether higher or lower is better.
    pub direction: Direction,
}

/// An encoder of the recipe, for objectives that name one.
#[derive(Clone, Copy)]
pub struct EncoderView<'a> {
    /// Its kind.
    pub kind: &'static dyn EncoderKind,
    /// Its options, parsed.
    pub config: &'a dyn EncoderConfig,
    /// The values of its table.
    pub values: &'a Values,
    /// Its inputs and layers.
    pub signature: &'a EncoderSignature,
    /// Whether its parameters keep their values.
    pub is_frozen: bool,
}

/// Looks up an encoder by name; `None` if there is none, or if its table has a fault.
pub type EncoderLookup<'a> = &'a dyn Fn(&str) -> Option<EncoderView<'a>>;

/// A kind of objective, with the keys of its `[[objective]]` tables.
///
/// ```
/// use auxdesk::{
///     data::{Batch, Prediction},
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
/// /// Activation penalty: loss = the mean square of a tap's values.
/// struct Small;
///
/// impl ObjectiveKind for Small {
///     fn name(&self) -> &'static str {
///         "small"
///     }
///
///     fn about(&self) -> &'static str {
///         "mean square of the tap's values"
///     }
///
///     fn keys(&self) -> &'static [Key] {
///         &[]
///     }
///
///     fn taps(&self) -> &'static [TapKey] {
///         &[TapKey { name: "tap", on: Some(RowKind::Token), selects: false }]
///     }
///
///     fn head(&self) -> HeadSource {
///         HeadSource::None
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
/// // There are no options to parse.
/// impl ObjectiveConfig for Small {
///     fn metrics(&self) -> Vec<Metric> {
///         Vec::new()
///     }
///
///     fn output(&self) -> Output<'_> {
///         Output::Nothing
///     }
///
///     fn build(&self, _setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
///         Ok(Box::new(Small))
///     }
/// }
///
/// impl Objective for Small {
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
    /// Its name in recipes and journals.
    fn name(&self) -> &'static str;
    /// One line for `auxdesk list`: lower case, no full stop.
    fn about(&self) -> &'static str;
    /// The keys of its table, beyond those of every objective and those of its head.
    fn keys(&self) -> &'static [Key];
    /// Those of its keys that concern only its loss: two objectives that share a head may differ in them. None by
    /// default.
    fn loss_keys(&self) -> &'static [&'static str] {
        &[]
    }
    /// The keys that take taps; empty if the loss depends on parameters only, so that no gradient
    /// can be stopped or reversed at a tap.
    fn taps(&self) -> &'static [TapKey];
    /// The source of its head.
    fn head(&self) -> HeadSource;
    /// Whether it selects rows of its first tap, with a probability for each that encoders may read as
    /// `"probability:NAME"`. No by default.
    fn selects_rows(&self) -> Selects {
        Selects::Never
    }
    /// Whether it makes examples within a step, on which the encoders and decoders of its taps run again
    /// ([`Objective::loss_with`]). No by default.
    fn makes_examples(&self) -> bool {
        false
    }
    /// Whether the items that it reads labels of may be documents that all examples share. No by default.
    fn reads_collections(&self) -> bool {
        false
    }
    /// Parses the options of a table, or returns a fault that a check of types and names does not
    /// find.
    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault>;
}

/// Whether objectives of a kind select rows with a probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selects {
    /// They do not.
    Never,
    /// All do.
    Always,
    /// Those whose table names a class with this key: with its probability by a softmax over the classes of each row.
    RowsOfClass(&'static str),
}

/// The tap of kinds that read one row per token.
pub(super) const TOKEN_TAP: &[TapKey] =
    &[TapKey { name: "tap", on: Some(RowKind::Token), selects: false }];

/// The tap of kinds that read one row per example.
pub(super) const EXAMPLE_TAP: &[TapKey] =
    &[TapKey { name: "tap", on: Some(RowKind::Example), selects: false }];

/// The dimension of label vectors, a key of kinds whose labels encoders may read.
pub(crate) const LABEL_WIDTH: Key = Key::with_default(
    "label_width",
    ValueType::Within(1, MAX_WIDTH),
    "25",
    "dimension of its label vectors, where an encoder reads \"labels:NAME\"",
);

/// The default of [`LABEL_WIDTH`].
pub(crate) const DEFAULT_LABEL_WIDTH: i64 = 25;

/// The source of an objective's head. With `share`, it is the head of another objective: one of the
/// same kind over other examples, or a donor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadSource {
    /// It has none, and no parameters.
    None,
    /// Its own; the table has no key for it.
    Own,
    /// One of these, as its table says; the first is the default.
    OneOf(&'static [&'static str]),
    /// That of the objective that it shares with: it uses its labels and head, and has parameters
    /// of its own.
    Donor {
        /// The kinds of objective it can share with.
        head_donors: &'static [&'static str],
        /// The heads that those may have.
        heads: &'static [&'static str],
    },
}

impl HeadSource {
    /// The heads that its table may name; the first is the default.
    pub fn choices(self) -> &'static [&'static str] {
        match self {
            Self::OneOf(heads) => heads,
            Self::None | Self::Own | Self::Donor { .. } => &[],
        }
    }
}

/// The contents of a table, whose types and names the checker has already checked.
pub struct Declared<'a> {
    /// The values of the table, with defaults.
    pub values: &'a Values,
    /// The layers that the taps of its table read, in the order of [`ObjectiveKind::taps`].
    pub taps: &'a [LayerSpec],
    /// The head that the table names, or the default.
    pub head: Option<&'static dyn HeadKind>,
    /// The number of corpora it reads.
    pub n_corpora: usize,
    /// Whether it uses the parameters and labels of another objective.
    pub shares: bool,
    /// The encoders of the recipe.
    pub encoder: EncoderLookup<'a>,
}

/// A fault in a table, beyond types and names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigFault {
    /// A fault in the input of its first tap, or in a combination of keys.
    Tap(String),
    /// A fault in the value of this key.
    Key(&'static str, String),
}

/// What an objective predicts for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output<'a> {
    /// Nothing that can be written to a file.
    Nothing,
    /// Something that no field of the corpus holds.
    New,
    /// The values of this field.
    Field {
        /// The field's name.
        name: &'a str,
        /// Whether the classes of its head are the strings of the field as they are read, without
        /// recoding.
        as_read: bool,
        /// Whether the names of its classes have all strings of the field that training has, as they
        /// are read.
        names_read: bool,
    },
}

/// What an objective finds in the labels of a corpus.
#[derive(Clone, Debug, Default)]
pub struct LabelCheck {
    /// Faults of single examples, which a recipe may skip.
    pub of_examples: Vec<(Split, ReadError)>,
    /// Faults of files as wholes, for example of tags of another scheme; nothing is skipped for these.
    pub of_files: Vec<ReadError>,
    /// Faults of the corpus as a whole. If a part of it could not be read, they may only follow from that.
    pub of_corpus: Vec<ReadError>,
    /// Tags that the scheme forbids, which are read as conlleval reads them.
    pub repaired: Vec<RepairedTag>,
    /// Examples of train whose loss is not computed, because tokens lack a label.
    pub untrained: Vec<ReadError>,
    /// Examples of train whose loss is not computed, because no candidate is relevant or no answer is there.
    pub without_target: Vec<ReadError>,
    /// Examples of train whose loss is not computed, because its tap has fewer rows than their transcript needs.
    pub too_few_rows: Vec<ReadError>,
}

impl LabelCheck {
    /// This check with the findings of another one after its own.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        let Self {
            of_examples,
            of_files,
            of_corpus,
            repaired,
            untrained,
            without_target,
            too_few_rows,
        } = other;
        self.of_examples.extend(of_examples);
        self.of_files.extend(of_files);
        self.of_corpus.extend(of_corpus);
        self.repaired.extend(repaired);
        self.untrained.extend(untrained);
        self.without_target.extend(without_target);
        self.too_few_rows.extend(too_few_rows);
        self
    }
}

/// A tag that the scheme forbids at its place.
#[derive(Clone, Debug)]
pub struct RepairedTag {
    /// Its split.
    pub split: Split,
    /// The index of its token in the example, from 0.
    pub token: usize,
    /// Its line, what was found and what the scheme has there.
    pub error: ReadError,
}

/// The numbers of rows of a tap over a sequence of a corpus.
pub struct TapRows<'a> {
    /// The index of the sequence.
    pub sequence: usize,
    /// The number of rows for so many positions of the sequence.
    pub n_rows: &'a dyn Fn(usize) -> usize,
}

/// An objective of a checked recipe, with its options parsed, before any corpus is read.
pub trait ObjectiveConfig: Send + Sync {
    /// The metrics that it reports, the most important first.
    fn metrics(&self) -> Vec<Metric>;
    /// What it predicts.
    fn output(&self) -> Output<'_>;
    /// Whether the strings of its label are classes, unlike the words of a text and numbers. Yes by default.
    fn has_class_labels(&self) -> bool {
        true
    }
    /// What is wrong with a corpus's labels, for example a tag that its scheme does not have. None by default.
    fn check_corpus(&self, _corpus: &Corpus) -> LabelCheck {
        LabelCheck::default()
    }
    /// What is wrong with the numbers of rows of its first tap, if they are known before any tensor is created. None by
    /// default.
    fn check_rows(&self, _corpus: &Corpus, _rows: &TapRows<'_>) -> LabelCheck {
        LabelCheck::default()
    }
    /// The objectives whose heads it reads, each over the rows of that objective's tap, which follow those of its
    /// own taps. None by default.
    fn reads(&self) -> Vec<HeadRead> {
        Vec::new()
    }
    /// Checks the objectives that it reads, in the order of [`ObjectiveConfig::reads`].
    fn check_reads(&self, _reads: &[ReadView<'_>]) -> std::result::Result<(), ConfigFault> {
        Ok(())
    }
    /// Checks the labels of the objectives that it reads, given what the fit of each of them finds, by its index.
    fn check_read_labels(
        &self,
        _fitted: &dyn Fn(usize) -> Fitted,
    ) -> std::result::Result<(), ConfigFault> {
        Ok(())
    }
    /// The span encoding of the tags that it predicts, if they are of spans with types.
    fn typed_scheme(&self) -> Option<TagScheme> {
        None
    }
    /// Fits it to the training splits of its corpora: vocabularies, and values such as bin edges. Nothing by default.
    fn fit(&self, _corpora: &[&Corpus]) -> Fitted {
        Fitted::default()
    }
    /// Whether the classes of its head are labels: what [`ObjectiveConfig::label_head`] builds. No by default.
    fn has_label_head(&self) -> bool {
        false
    }
    /// Builds its head, for encoders that read the labels that it predicts; `None` if it has no softmax over
    /// labels.
    fn label_head(&self, _setup: ObjectiveSetup<'_>) -> Result<Option<LabelHead>> {
        Ok(None)
    }
    /// Builds what gives the probability with which it selects each row of its first tap, for encoders that weigh
    /// rows by it; `None` if it gives none.
    fn row_probability(
        &self,
        _setup: ObjectiveSetup<'_>,
    ) -> Result<Option<Box<dyn RowProbability>>> {
        Ok(None)
    }
    /// The number of pairs of rows that a head for pairs scores in a batch of that size, for the memory of a step:
    /// by default all pairs of tokens of one example.
    fn n_pairs(&self, batch: BatchSize) -> u64 {
        batch.pairs
    }
    /// How many examples it makes of each that it reads, for the memory of a step. None by default.
    fn n_repeats(&self) -> u64 {
        0
    }
    /// The hypotheses that its search keeps open for each example, for the memory of an evaluation; `None`, as by default,
    /// if it does not generate with a decoder.
    fn beam(&self) -> Option<u64> {
        None
    }
    /// The encoders of whose parameters it keeps a copy, for the memory of a run. None by default.
    fn copied_encoders(&self) -> &[String] {
        &[]
    }
    /// The objectives of whose own parameters it keeps a copy: it is built after them. None by default.
    fn copied_heads(&self) -> &[String] {
        &[]
    }
    /// Builds it, with its parameters.
    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>>;
}

/// What an objective is built from.
pub struct ObjectiveSetup<'a> {
    /// Its name in the recipe.
    pub name: &'a str,
    /// The head that its table names, or that of the objective it shares with; `None` for kinds
    /// with a head of their own.
    pub head: Option<&'a HeadConfig>,
    /// The layers that its taps read, in the order of [`ObjectiveKind::taps`].
    pub taps: &'a [LayerSpec],
    /// The result of [`ObjectiveConfig::fit`], and the word lists that its keys name.
    pub fitted: &'a Fitted,
    /// The objectives that it reads, in the order of [`ObjectiveConfig::reads`].
    pub reads: &'a [ReadSetup<'a>],
    /// Of each tap key that names a decoder the first one, in the order of the keys.
    pub decoders: &'a [Arc<dyn Decoder>],
    /// The scope in which its parameters are created, or in which those of the objective it shares
    /// with are found.
    pub scope: Scope<'a>,
}

/// Why an objective finds a head of the form that it builds.
const ITS_HEADS: &str = "a kind names the heads that it supports";

impl ObjectiveSetup<'_> {
    /// The scope of the parameters that it does not share.
    pub(super) fn own_scope(&mut self) -> Scope<'_> {
        self.scope.sibling(&owner(self.name))
    }

    /// The vocabulary with that key; a checkpoint of another recipe may lack it.
    pub(super) fn vocabulary(&self, key: &str) -> Result<Vocabulary> {
        self.fitted.vocabulary(key).map_err(Error::msg)
    }

    /// The fitted values with that key; a checkpoint of another recipe may lack them.
    pub(super) fn numbers(&self, key: &str) -> Result<Vec<f64>> {
        self.fitted.numbers(key).map_err(Error::msg)
    }

    /// Builds the recipe's head over the first tap.
    pub(super) fn head(self, classes: Classes) -> Result<Box<dyn Head>> {
        let width = self.taps[0].width;
        self.head_of_width(width, classes)
    }

    /// Builds the recipe's head over rows of this dimension.
    pub(super) fn head_of_width(self, width: usize, classes: Classes) -> Result<Box<dyn Head>> {
        let Some(HeadConfig::Rows(head)) = self.head else { panic!("{ITS_HEADS}") };
        head.build(HeadSetup { width, classes, scope: self.scope })
    }

    /// Builds the recipe's head over the first tap, for encoders that read its labels.
    pub(super) fn label_head(self, classes: Classes) -> Result<Option<LabelHead>> {
        let n_labels = classes.n;
        Ok(Some(LabelHead { head: self.head(classes)?, n_labels }))
    }

    /// The options of the recipe's head for label sequences.
    pub(super) fn ctc_head(&self) -> CtcConfig {
        let Some(HeadConfig::Ctc(head)) = self.head else { panic!("{ITS_HEADS}") };
        *head
    }

    /// The options of the recipe's pointer.
    pub(super) fn pointer_head(&self) -> PointerConfig {
        let Some(HeadConfig::Pointer(head)) = self.head else { panic!("{ITS_HEADS}") };
        *head
    }

    /// The options of the recipe's head for bags of words.
    pub(super) fn bag_head(&self) -> BagConfig {
        let Some(HeadConfig::Bag(head)) = self.head else { panic!("{ITS_HEADS}") };
        *head
    }

    /// The options of the recipe's head for spans.
    pub(super) fn span_head(&self) -> SpanConfig {
        let Some(HeadConfig::Span(head)) = self.head else { panic!("{ITS_HEADS}") };
        *head
    }

    /// Builds the recipe's head over the first tap, for vectors of this dimension.
    pub(super) fn vector_head(mut self, dimension: usize) -> Result<VectorHead> {
        let Some(HeadConfig::Vector(head)) = self.head else { panic!("{ITS_HEADS}") };
        head.build(&mut self.scope, [self.taps[0].width, dimension])
    }

    /// The options of the recipe's head for pairs.
    pub(super) fn pair_head(&self) -> PairConfig {
        let Some(HeadConfig::Pairs(head)) = self.head else { panic!("{ITS_HEADS}") };
        *head
    }
}

/// A table with these values, for the tests of kinds: one corpus and no encoders.
#[cfg(test)]
pub(super) fn declared<'a>(values: &'a Values, taps: &'a [LayerSpec], head: &str) -> Declared<'a> {
    let head = crate::model::head::find(head);
    Declared { values, taps, head, n_corpora: 1, shares: false, encoder: &|_| None }
}
