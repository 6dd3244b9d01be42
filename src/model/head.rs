//! Heads: from a tap to scores, a loss and a decision. One kind a file, one line in the table.

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
    keys::{Key, Takes, Values},
};

/// Every head auxdesk builds, in the order `auxdesk list` shows them.
pub const HEADS: &[&dyn HeadKind] = &[&softmax::Softmax, &crf::Crf, &sigmoid::Sigmoid];

/// Heads that recipes may already name and that are still to come.
pub const PLANNED: &[&str] = &["pair", "span", "pointer", "ctc", "bag", "vector"];

/// The head of that name.
pub fn find(name: &str) -> Option<&'static dyn HeadKind> {
    HEADS.iter().copied().find(|kind| kind.name() == name)
}

const HIDDEN: Key = Key::with_default(
    "hidden",
    Takes::Count(0),
    "0",
    "numbers in a tanh layer before the scores; 0 for none",
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
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    /// Whether it can work on rows of that sort.
    fn works_on(&self, on: RowKind) -> bool;
    /// Makes it, with its parameters.
    fn build(&self, setup: Setup<'_>) -> Result<Box<dyn Head>>;
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
pub struct Setup<'a> {
    /// What the recipe says in the objective's table.
    pub values: &'a Values,
    /// Numbers in a row of the tap.
    pub width: usize,
    /// What it tells apart.
    pub classes: Classes,
    /// Where its parameters are made.
    pub scope: Scope<'a>,
}

/// The loss of some rows with their targets.
pub struct HeadLoss {
    /// The loss of each example, 0 where nothing had a target: (examples).
    pub each: Tensor,
    /// How many rows were counted.
    pub count: usize,
}

/// The loss of the rows of x (rows, width) that have a target, by way of the loss of each; `None` if none has.
pub fn labelled_loss(
    x: &Tensor,
    targets: &[Option<u32>],
    packing: &Packing,
    each: impl FnOnce(&Tensor, Vec<u32>) -> Result<Tensor>,
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
    let x = if labelled.len() == targets.len() {
        x.clone()
    } else {
        kernel::gather(x, labelled.iter().map(|&(row, ..)| row).collect())?
    };
    let each = each(&x, labelled.iter().map(|&(.., target)| target).collect())?; // (labelled)
    let groups = labelled.iter().map(|&(_, example, _)| example).collect();
    let each = kernel::sum_by_group(&each, groups, packing.n_examples())?;
    Ok(Some(HeadLoss { each, count: labelled.len() }))
}

/// The place of the greatest score; of equal ones the first.
pub fn greatest(scores: &[f32]) -> u32 {
    let mut best = 0;
    for (at, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = at;
        }
    }
    best as u32
}

/// A head with its parameters.
pub trait Head: Send {
    /// The loss of x (rows, width) where there are targets; `None` if there are none at all. A head
    /// that answers several questions a row has a target for each, row after row: 1 for yes, 0 for no.
    fn loss(
        &self,
        x: &Tensor,
        targets: &[Option<u32>],
        packing: &Packing,
    ) -> Result<Option<HeadLoss>>;
    /// The scores of x (rows, width), from which loss and decisions are made: (rows, classes).
    fn scores(&self, x: &Tensor) -> Result<Tensor>;
    /// The class it decides on for each row of x (rows, width), or its answers, row after row.
    fn decide(&self, x: &Tensor, packing: &Packing) -> Result<Vec<u32>>;
}

/// Scores of each class, by way of a tanh layer if the recipe says so.
struct Scores {
    hidden: Option<Linear>,
    output: Linear,
}

impl Scores {
    fn new(setup: &mut Setup<'_>) -> Result<Self> {
        let scope = &mut setup.scope;
        let (hidden, width) = match setup.values.count("hidden") {
            0 => (None, setup.width),
            hidden => (Some(scope.linear("hidden", setup.width, hidden)?), hidden),
        };
        Ok(Self { hidden, output: scope.linear("output", width, setup.classes.n)? })
    }

    /// x (rows, width) to (rows, classes).
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.output.forward(&self.hidden(x)?)
    }

    /// The loss of each row of x (rows, width) with its target: (rows).
    fn cross_entropy(&self, x: &Tensor, targets: Vec<u32>) -> Result<Tensor> {
        self.output.cross_entropy(&self.hidden(x)?, targets)
    }

    /// x (rows, width) as the output layer reads it.
    fn hidden(&self, x: &Tensor) -> Result<Tensor> {
        match &self.hidden {
            None => Ok(x.clone()),
            Some(hidden) => kernel::tanh(&hidden.forward(x)?),
        }
    }
}
