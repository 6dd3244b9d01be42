//! Heads: from a tap to scores, a loss and predictions. One kind a file, one line in the table.

mod crf;
mod sigmoid;
mod softmax;

use candle_core::{Result, Tensor};

use super::{
    parameters::{Linear, Scope},
    tap::RowKind,
};
use crate::{
    data::Packing,
    kernel,
    keys::{Key, ValueType, Values},
};

/// Every head auxdesk builds, in the order `auxdesk list` shows them.
pub const HEADS: &[&dyn HeadKind] = &[&softmax::Softmax, &crf::Crf, &sigmoid::Sigmoid];

/// Heads that recipes may already name and that are still to come.
pub const PLANNED: &[&str] = &["pair", "span", "pointer", "ctc", "bag", "vector"];

/// The head of that name.
pub fn find(name: &str) -> Option<&'static dyn HeadKind> {
    HEADS.iter().copied().find(|kind| kind.name() == name)
}

/// The key of the tanh layer, which every head that classifies has.
pub(crate) const HIDDEN: Key = Key::with_default(
    "hidden",
    ValueType::Count(0),
    "0",
    "hidden size of a tanh layer before the output; 0 for none",
);

/// What every head that classifies lets a recipe say.
const KEYS: &[Key] = &[HIDDEN];

/// A kind of head, with the keys that it adds to an `[[objective]]`.
pub trait HeadKind: Sync {
    /// What recipes say.
    fn name(&self) -> &'static str;
    /// One line for `auxdesk list`: lower case, no full stop.
    fn about(&self) -> &'static str;
    /// What a recipe may say in the objective's table.
    fn keys(&self) -> &'static [Key];
    /// Whether it can work on rows of that sort.
    fn works_on(&self, on: RowKind) -> bool;
    /// Whether errors on some classes can weigh more than on others.
    fn supports_class_weights(&self) -> bool;
    /// What a table says of it, parsed once.
    fn configure(&self, values: &Values) -> Box<dyn HeadConfig>;
}

/// A head of a checked recipe, with its options parsed.
pub trait HeadConfig: Send + Sync {
    /// Makes it, with its parameters.
    fn build(&self, setup: HeadSetup<'_>) -> Result<Box<dyn Head>>;
}

/// Which class may follow which, `None` standing for the ends of a sequence.
pub type Allowed = Box<dyn Fn(Option<usize>, Option<usize>) -> bool + Send + Sync>;

/// The classes that a head tells apart, or the questions that it answers.
pub struct Classes {
    /// How many.
    pub n: usize,
    /// How much an error on each weighs; `None` for all alike. The loss is still divided by the rows, so
    /// weights that are not 1 on the average also make it larger or smaller as a whole.
    pub weights: Option<Vec<f32>>,
    /// Which class may follow which, if not any; for decisions only.
    pub allowed: Option<Allowed>,
}

impl Classes {
    /// So many, all alike.
    pub fn of(n: usize) -> Self {
        Self { n, weights: None, allowed: None }
    }
}

/// What a head is made from.
pub struct HeadSetup<'a> {
    /// Numbers in a row of the tap.
    pub width: usize,
    /// What it tells apart.
    pub classes: Classes,
    /// Where its parameters are made.
    pub scope: Scope<'a>,
}

impl HeadSetup<'_> {
    /// The layers from the tap to scores, with a tanh layer of this size between; 0 is none.
    fn score_layers(&mut self, hidden: usize) -> Result<ScoreLayers> {
        ScoreLayers::new(&mut self.scope, self.width, hidden, self.classes.n)
    }
}

/// The loss of some rows with their targets.
pub struct HeadLoss {
    /// The loss of each example, 0 where nothing had a target: (examples).
    pub per_example: Tensor,
    /// How many rows were counted.
    pub count: usize,
}

/// What a head makes of rows in an evaluation.
pub struct HeadEvaluation {
    /// The loss, to the bit what [`Head::loss`] gives on the CPU; `None` without targets.
    pub loss: Option<HeadLoss>,
    /// The predicted class of each row, or the answers of each, row after row.
    pub classes: Vec<u32>,
}

/// The loss of those of some rows (rows, any) that have a target, by way of the loss of each; `None` if none has.
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
/// Training asks for [`Head::loss`] alone. An evaluation computes the scores once ([`Head::evaluate`]) and has
/// both loss and predictions of them.
pub trait Head: Send {
    /// The loss of x (rows, width) where there are targets; `None` if there are none at all. A head
    /// that answers several questions a row has a target for each, row after row: 1 for yes, 0 for no.
    fn loss(
        &self,
        x: &Tensor,
        targets: &[Option<u32>],
        packing: &Packing,
    ) -> Result<Option<HeadLoss>>;
    /// The scores of x (rows, width), of which losses and predictions are made: (rows, classes).
    fn scores(&self, x: &Tensor) -> Result<Tensor>;
    /// The loss of rows with these scores (rows, classes), without a gradient.
    fn loss_of_scores(
        &self,
        scores: &Tensor,
        targets: &[Option<u32>],
        packing: &Packing,
    ) -> Result<Option<HeadLoss>>;
    /// The class of each row with these scores (rows, classes), or its answers, row after row.
    fn predict(&self, scores: &Tensor, packing: &Packing) -> Result<Vec<u32>>;
    /// Loss and predictions of x (rows, width), of scores that are computed once.
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

/// The layers from a tap to scores: a tanh layer if there is one, then the output layer.
pub struct ScoreLayers {
    hidden: Option<Linear>,
    output: Linear,
}

impl ScoreLayers {
    /// Makes them over rows of this width; no tanh layer where `hidden` is 0.
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

    /// That without a gradient, and the class with the largest score of each row: (rows) each. Scores are in memory
    /// for some rows at a time, which counts where there are thousands of classes.
    pub fn cross_entropy_and_argmax(
        &self,
        x: &Tensor,
        targets: Vec<u32>,
    ) -> Result<(Tensor, Vec<u32>)> {
        self.output.cross_entropy_and_argmax(&self.hidden(x)?, targets)
    }

    /// x (rows, width) as the output layer reads it.
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

    use super::ScoreLayers;

    thread_local! {
        static COUNTS: RefCell<BTreeMap<usize, u64>> = const { RefCell::new(BTreeMap::new()) };
    }

    pub(super) fn add(layers: &ScoreLayers) {
        let address = std::ptr::from_ref(layers).addr();
        COUNTS.with_borrow_mut(|counts| *counts.entry(address).or_default() += 1);
    }

    /// How often the scores of each head were computed since this was last asked, on this thread.
    pub(crate) fn take() -> Vec<u64> {
        COUNTS.take().into_values().collect()
    }
}
