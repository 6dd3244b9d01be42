//! The objective with its parameters: the loss of numbers or of their steps, and predicted numbers.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};

use super::{
    Target,
    numbers::{Attached, NumberField},
};
use crate::{
    data::{Batch, Corpus, Packing, Prediction, Standardization},
    kernel,
    metric::{Gold, Scorer, scorer::NumberScorer},
    model::{Rows, head::VectorHead},
    objective::{Evaluation, Objective, RawLoss},
};

/// A head that predicts the number of each token.
pub(super) struct Regressor {
    field: NumberField,
    target: Target,
    /// Of the numbers of train.
    standardization: Standardization,
    head: VectorHead,
    attached: BTreeMap<usize, Attached>,
}

/// The rows of a batch whose loss is computed, and what is predicted there.
struct Targets {
    rows: Vec<u32>,
    /// The row of the token before each of these; none where numbers are predicted, not steps.
    before: Vec<u32>,
    /// The standardized number of each row, or the step to it.
    numbers: Vec<f32>,
}

impl Regressor {
    pub(super) fn new(
        field: NumberField,
        target: Target,
        standardization: Standardization,
        head: VectorHead,
    ) -> Self {
        Self { field, target, standardization, head, attached: BTreeMap::new() }
    }

    /// The number of each row in the unit of the field; `None` where there is none.
    fn numbers(&self, packing: &Packing, batch: &Batch) -> Vec<Option<f32>> {
        let none = || vec![None; packing.n_rows()];
        self.attached.get(&batch.corpus).map_or_else(none, |attached| attached.of_rows(batch))
    }

    fn targets(&self, packing: &Packing, numbers: &[Option<f32>]) -> Targets {
        let standardized = |number: Option<f32>| self.standardization.apply(&[number?]).next();
        let y: Vec<Option<f32>> = numbers.iter().copied().map(standardized).collect();
        let mut targets = Targets { rows: Vec::new(), before: Vec::new(), numbers: Vec::new() };
        for (row, (b, t)) in packing.positions().enumerate() {
            let Some(number) = y[row] else { continue };
            let number = match self.target {
                Target::Value => number,
                Target::Step => {
                    let before = (t > 0).then(|| packing.row(b, t - 1));
                    let Some((before, from)) = before.and_then(|row| Some((row, y[row]?))) else {
                        continue;
                    };
                    targets.before.push(before as u32);
                    number - from
                }
            };
            targets.rows.push(row as u32);
            targets.numbers.push(number);
        }
        targets
    }

    /// The loss of the standardized predictions (rows, 1); `None` if no row has a target.
    fn loss_of(
        &self,
        predicted: &Tensor,
        Targets { rows, before, numbers }: Targets,
        packing: &Packing,
    ) -> Result<Option<RawLoss>> {
        let count = rows.len();
        if count == 0 {
            return Ok(None);
        }
        let examples = packing.examples_of_rows();
        let groups = rows.iter().map(|&row| examples[row as usize]).collect();
        let to = kernel::gather(predicted, rows)?;
        let found = match self.target {
            Target::Value => to,
            Target::Step => (to - kernel::gather(predicted, before)?)?,
        };
        let wanted = Tensor::from_vec(numbers, (count, 1), predicted.device())?;
        let per_row = self.head.losses(&found, &wanted)?;
        RawLoss::new(kernel::sum_by_group(&per_row, groups, packing.n_examples())?, count).map(Some)
    }

    /// The gold and the predicted numbers of an example, or the steps between them.
    fn pair(&self, rows: &[usize], gold: &[Option<f32>], predicted: &[f32]) -> (Gold, Prediction) {
        let gold: Vec<Option<f32>> = rows.iter().map(|&row| gold[row]).collect();
        let predicted: Vec<f32> = rows.iter().map(|&row| predicted[row]).collect();
        let (gold, predicted): (Vec<Option<f32>>, Vec<f32>) = match self.target {
            Target::Value => (gold, predicted),
            Target::Step => (
                gold.windows(2).map(|pair| Some(pair[1]? - pair[0]?)).collect(),
                predicted.windows(2).map(|pair| pair[1] - pair[0]).collect(),
            ),
        };
        let has_none = gold.iter().all(Option::is_none);
        let gold = if has_none { Gold::None } else { Gold::Numbers(gold) };
        (gold, Prediction::Numbers(predicted))
    }
}

impl Objective for Regressor {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.attached.extend(self.field.attach(corpus).map(|attached| (corpus_idx, attached)));
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Rows { tensor: x, packing } = &taps[0];
        let targets = self.targets(packing, &self.numbers(packing, batch));
        self.loss_of(&self.head.forward(x)?, targets, packing)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Rows { tensor: x, packing } = &taps[0];
        let (predicted, numbers) = (self.head.forward(x)?, self.numbers(packing, batch));
        let loss = self.loss_of(&predicted, self.targets(packing, &numbers), packing)?;
        let predicted = kernel::to_vec(&predicted)?;
        let of_unit = |y: &f32| self.standardization.invert(&[*y]);
        let predicted: Vec<f32> = predicted.iter().flat_map(of_unit).collect();
        let pair = |b| self.pair(&packing.rows_of_example(b), &numbers, &predicted);
        let (gold, predictions) = (0..batch.n_examples()).map(pair).unzip();
        Ok(Evaluation { loss, gold, predictions, scored_only: Vec::new() })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(NumberScorer::of(&["mae", "pearson"]))
    }
}
