//! Heads: from a tap to scores, a loss and predictions. One kind per file, one entry each in the
//! table.

mod bag;
mod cosine;
mod crf;
mod ctc;
mod pair;
mod pointer;
mod relative;
mod sigmoid;
mod softmax;
mod span;
mod vector;

use candle_core::{Result, Tensor};

use super::{
    parameters::{Linear, Scope},
    tap::RowKind,
};
use crate::{
    data::Packing,
    kernel,
    keys::{Key, MAX_WIDTH, ValueType, Values},
};

pub use bag::{BagConfig, BagEvaluation, BagHead};
pub use cosine::CosineConfig;
pub use ctc::{CtcConfig, CtcHead, Labelling};
pub use pair::{PairConfig, PairRows, PairScorer};
pub use pointer::{PointerConfig, PointerHead};
pub use span::{SpanConfig, SpanHead, best_span};
pub(crate) use vector::DISTANCE;
pub use vector::{Distance, VectorConfig, VectorHead};

/// All heads, in the order of `auxdesk list`.
pub const HEADS: &[&dyn HeadKind] = &[
    &softmax::Softmax,
    &crf::Crf,
    &ctc::Ctc,
    &sigmoid::Sigmoid,
    &pair::Pair,
    &pointer::Pointer,
    &cosine::Cosine,
    &span::Span,
    &bag::Bag,
    &vector::Vector,
];

/// Heads that recipes may name but that are not implemented yet.
pub const PLANNED: &[&str] = &[];

/// The head with that name.
pub fn find(name: &str) -> Option<&'static dyn HeadKind> {
    HEADS.iter().copied().find(|kind| kind.name() == name)
}

/// The key of the tanh layer, which every classifying head has.
pub(crate) const HIDDEN: Key = Key::with_default(
    "hidden",
    ValueType::Within(0, MAX_WIDTH),
    "0",
    "hidden size of a tanh layer before the output; 0 for none",
);

/// The keys of every classifying head.
const KEYS: &[Key] = &[HIDDEN];

/// A kind of head, with the keys that it adds to an `[[objective]]`.
pub trait HeadKind: Sync {
    /// Its name in recipes.
    fn name(&self) -> &'static str;
    /// One line for `auxdesk list`: lower case, no full stop.
    fn about(&self) -> &'static str;
    /// Its keys in the objective's table.
    fn keys(&self) -> &'static [Key];
    /// Whether it supports that kind of rows.
    fn works_on(&self, on: RowKind) -> bool;
    /// Whether it supports class weights.
    fn supports_class_weights(&self) -> bool;
    /// Whether each row has a softmax of its own, whose probabilities encoders may read.
    fn has_softmax(&self) -> bool {
        false
    }
    /// Whether it has parameters.
    fn has_parameters(&self) -> bool {
        true
    }
    /// Whether it compares the elements of two rows, so that both taps need one dimension.
    fn needs_equal_widths(&self) -> bool {
        false
    }
    /// Parses its options from a table, once.
    fn configure(&self, values: &Values) -> HeadConfig;
}

/// A head of a checked recipe, with parsed options. Objectives name the heads that they support, so each finds
/// the form that it builds.
pub enum HeadConfig {
    /// Scores for each row.
    Rows(Box<dyn RowHeadConfig>),
    /// Label sequences that are not aligned with rows.
    Ctc(CtcConfig),
    /// Scores for pairs of rows.
    Pairs(PairConfig),
    /// Cosines of pairs of rows.
    Cosine(CosineConfig),
    /// Scores of rows against one row.
    Pointer(PointerConfig),
    /// Scores of the ends of spans of rows.
    Span(SpanConfig),
    /// Scores of the words that each row predicts.
    Bag(BagConfig),
    /// A vector for each row.
    Vector(VectorConfig),
}

/// A head for rows with parsed options.
pub trait RowHeadConfig: Send + Sync {
    /// Builds it, with its parameters.
    fn build(&self, setup: HeadSetup<'_>) -> Result<Box<dyn Head>>;
}

/// Which class may follow which; `None` stands for the start and the end of a sequence.
pub type Allowed = Box<dyn Fn(Option<usize>, Option<usize>) -> bool + Send + Sync>;

/// The classes, or the binary labels, that a head predicts.
pub struct Classes {
    /// Their number.
    pub n: usize,
    /// The weight of each class in the loss; `None` for equal weights. The loss is still divided by
    /// the number of rows, so weights whose mean is not 1 also scale it as a whole.
    pub weights: Option<Vec<f32>>,
    /// Which class may follow which, if that is restricted; for decoding only.
    pub allowed: Option<Allowed>,
}

impl Classes {
    /// `n` classes with equal weights.
    pub fn of(n: usize) -> Self {
        Self { n, weights: None, allowed: None }
    }
}

/// The inputs for building a head.
pub struct HeadSetup<'a> {
    /// The dimension of the tap's rows.
    pub width: usize,
    /// What it predicts.
    pub classes: Classes,
    /// The scope of its parameters.
    pub scope: Scope<'a>,
}

impl HeadSetup<'_> {
    /// The layers from the tap to scores, with a tanh layer of this size between; 0 for none.
    fn score_layers(&mut self, hidden: usize) -> Result<ScoreLayers> {
        ScoreLayers::new(&mut self.scope, self.width, hidden, self.classes.n)
    }
}

/// The loss of rows with targets.
pub struct HeadLoss {
    /// The loss of each example, 0 where nothing had a target: (examples).
    pub per_example: Tensor,
    /// The number of rows with a target.
    pub count: usize,
}

/// The results of a head in an evaluation.
pub struct HeadEvaluation {
    /// The loss, equal to [`Head::loss`] on the CPU bit for bit; `None` without targets.
    pub loss: Option<HeadLoss>,
    /// The predicted class of each row, or its binary labels, row after row.
    pub classes: Vec<u32>,
}

/// The loss of those of the rows (rows, any) that have a target, given the loss of each; `None` if
/// none has.
pub fn labelled_loss(
    rows: &Tensor,
    targets: &[Option<u32>],
    packing: &Packing,
    per_row: impl FnOnce(&Tensor, Vec<u32>) -> Result<Tensor>,
) -> Result<Option<HeadLoss>> {
    let labelled: Vec<(u32, u32, u32)> = targets
        .iter()
        .zip(packing.examples_of_rows())
        .zip(0..)
        .filter_map(|((&target, example), row)| Some((row, example, target?)))
        .collect();
    if labelled.is_empty() {
        return Ok(None);
    }
    let rows = if labelled.len() == targets.len() {
        rows.clone()
    } else {
        kernel::gather(rows, labelled.iter().map(|&(row, ..)| row).collect())?
    };
    let per_row = per_row(&rows, labelled.iter().map(|&(.., target)| target).collect())?; // (labelled)
    let groups = labelled.iter().map(|&(_, example, _)| example).collect();
    let per_example = kernel::sum_by_group(&per_row, groups, packing.n_examples())?;
    Ok(Some(HeadLoss { per_example, count: labelled.len() }))
}

/// A head with its parameters.
///
/// Training only calls [`Head::loss`]. An evaluation computes the scores once ([`Head::evaluate`])
/// and derives both loss and predictions from them.
pub trait Head: Send {
    /// The loss of x (rows, width) where there are targets; `None` if there are none at all. A head
    /// with several binary labels per row has a target for each, row after row: 1 or 0.
    fn loss(
        &self,
        x: &Tensor,
        targets: &[Option<u32>],
        packing: &Packing,
    ) -> Result<Option<HeadLoss>>;
    /// The scores of x (rows, width), from which losses and predictions are computed: (rows,
    /// classes).
    fn scores(&self, x: &Tensor) -> Result<Tensor>;
    /// The loss of rows with these scores (rows, classes), without a gradient.
    fn loss_of_scores(
        &self,
        scores: &Tensor,
        targets: &[Option<u32>],
        packing: &Packing,
    ) -> Result<Option<HeadLoss>>;
    /// The class of each row with these scores (rows, classes), or its binary labels, row after
    /// row.
    fn predict(&self, scores: &Tensor, packing: &Packing) -> Result<Vec<u32>>;
    /// The loss and predictions of x (rows, width), from scores that are computed once.
    fn evaluate(
        &self,
        x: &Tensor,
        targets: &[Option<u32>],
        packing: &Packing,
    ) -> Result<HeadEvaluation> {
        let scores = self.scores(x)?;
        let loss = self.loss_of_scores(&scores, targets, packing)?;
        Ok(HeadEvaluation { loss, classes: self.predict(&scores, packing)? })
    }
}

/// The layers from a tap to scores: a tanh layer, if there is one, then the output layer.
pub struct ScoreLayers {
    hidden: Option<Linear>,
    output: Linear,
}

impl ScoreLayers {
    /// Creates them for rows of this dimension; no tanh layer if `hidden` is 0.
    pub fn new(scope: &mut Scope<'_>, width: usize, hidden: usize, classes: usize) -> Result<Self> {
        let (hidden, width) = match hidden {
            0 => (None, width),
            hidden => (Some(scope.linear("hidden", width, hidden)?), hidden),
        };
        Ok(Self { hidden, output: scope.linear("output", width, classes)? })
    }

    /// x (rows, width) to (rows, classes).
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.output.forward(&self.hidden(x)?)
    }

    /// The loss of each row of x (rows, width) with its target: (rows).
    pub fn cross_entropy(&self, x: &Tensor, targets: Vec<u32>) -> Result<Tensor> {
        self.output.cross_entropy(&self.hidden(x)?, targets)
    }

    /// The same without a gradient, and the class with the largest score of each row: (rows) each.
    /// Scores are in memory for some rows at a time, which matters with thousands of classes.
    pub fn cross_entropy_and_argmax(
        &self,
        x: &Tensor,
        targets: Vec<u32>,
    ) -> Result<(Tensor, Vec<u32>)> {
        self.output.cross_entropy_and_argmax(&self.hidden(x)?, targets)
    }

    /// x (rows, width) as input to the output layer.
    fn hidden(&self, x: &Tensor) -> Result<Tensor> {
        #[cfg(test)]
        count::add(self);
        match &self.hidden {
            None => Ok(x.clone()),
            Some(hidden) => kernel::tanh(&hidden.forward(x)?),
        }
    }
}

/// How often scores were computed, for tests: rows by layers, on one thread.
#[cfg(test)]
pub(crate) mod count {
    use std::{cell::RefCell, collections::BTreeMap};

    thread_local! {
        static COUNTS: RefCell<BTreeMap<usize, u64>> = const { RefCell::new(BTreeMap::new()) };
    }

    pub(super) fn add<T>(layers: &T) {
        let address = std::ptr::from_ref(layers).addr();
        COUNTS.with_borrow_mut(|counts| *counts.entry(address).or_default() += 1);
    }

    /// How often the scores of each head were computed since the last call, on this thread.
    pub(crate) fn take() -> Vec<u64> {
        COUNTS.take().into_values().collect()
    }
}
