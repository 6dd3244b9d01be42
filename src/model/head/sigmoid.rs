//! Sigmoid: independent binary labels.
//!
//! The loss of a row is Σ_k w_k·(ln(1 + e^s_k) − y_k·s_k) over the labels that have a target y_k, 1
//! or 0. It predicts 1 where s_k > 0.

use candle_core::{Result, Tensor, bail};

use super::{
    HIDDEN, Head, HeadConfig, HeadKind, HeadLoss, HeadSetup, KEYS, RowHeadConfig, ScoreLayers,
};
use crate::{
    data::Packing,
    kernel,
    keys::{Key, Values},
    model::tap::RowKind,
};

pub(super) struct Sigmoid;

impl HeadKind for Sigmoid {
    fn name(&self) -> &'static str {
        "sigmoid"
    }

    fn about(&self) -> &'static str {
        "independent binary classifiers for each row"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn works_on(&self, _on: RowKind) -> bool {
        true
    }

    fn supports_class_weights(&self) -> bool {
        true
    }

    fn configure(&self, values: &Values) -> HeadConfig {
        HeadConfig::Rows(Box::new(Config { hidden: values.count(HIDDEN.name) }))
    }
}

/// Its parsed options.
struct Config {
    /// The size of the tanh layer; 0 for none.
    hidden: usize,
}

impl RowHeadConfig for Config {
    fn build(&self, mut setup: HeadSetup<'_>) -> Result<Box<dyn Head>> {
        let (questions, weights) = (setup.classes.n, setup.classes.weights.take());
        Ok(Box::new(Built { layers: setup.score_layers(self.hidden)?, questions, weights }))
    }
}

struct Built {
    layers: ScoreLayers,
    questions: usize,
    weights: Option<Vec<f32>>,
}

impl Head for Built {
    fn loss(
        &self,
        x: &Tensor,
        targets: &[Option<u32>],
        packing: &Packing,
    ) -> Result<Option<HeadLoss>> {
        if targets.iter().all(Option::is_none) && targets.len() == packing.n_rows() * self.questions
        {
            return Ok(None);
        }
        self.loss_of_scores(&self.layers.forward(x)?, targets, packing)
    }

    fn scores(&self, x: &Tensor) -> Result<Tensor> {
        self.layers.forward(x)
    }

    fn loss_of_scores(
        &self,
        scores: &Tensor,
        targets: &[Option<u32>],
        packing: &Packing,
    ) -> Result<Option<HeadLoss>> {
        let questions = self.questions;
        if targets.len() != packing.n_rows() * questions {
            bail!(
                "sigmoid: {} answers to {questions} questions of {} rows",
                targets.len(),
                packing.n_rows()
            );
        }
        // The labelled entries, by index among all scores, with their examples.
        let answered: Vec<(u32, u32, u32)> = targets
            .chunks_exact(questions)
            .zip(packing.examples_of_rows())
            .enumerate()
            .flat_map(|(row, (answers, example))| {
                let answers = answers.iter().enumerate();
                answers.filter_map(move |(question, answer)| {
                    Some(((row * questions + question) as u32, example, (*answer)?))
                })
            })
            .collect();
        if answered.is_empty() {
            return Ok(None);
        }
        let rows = targets.chunks_exact(questions);
        let count = rows.filter(|answers| answers.iter().any(Option::is_some)).count();
        let scores = scores.reshape((targets.len(), 1))?;
        let scores = kernel::gather(&scores, answered.iter().map(|&(at, ..)| at).collect())?;
        let answers = answered.iter().map(|&(.., answer)| answer as f32).collect();
        let mut losses = kernel::binary_cross_entropy(&scores.squeeze(1)?, answers)?; // (answered)
        if let Some(weights) = &self.weights {
            let weights = answered.iter().map(|&(at, ..)| weights[at as usize % questions]);
            let weights = Tensor::from_vec(weights.collect(), losses.shape(), losses.device())?;
            losses = (losses * weights)?;
        }
        let groups = answered.iter().map(|&(_, example, _)| example).collect();
        let per_example = kernel::sum_by_group(&losses, groups, packing.n_examples())?;
        Ok(Some(HeadLoss { per_example, count }))
    }

    fn predict(&self, scores: &Tensor, _packing: &Packing) -> Result<Vec<u32>> {
        let answer = |scores: &[f32]| scores.iter().map(|&score| u32::from(score > 0.0)).collect();
        kernel::read(&scores.contiguous()?, answer)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::model::Parameters;

    /// A head of two labels whose scores are the rows themselves.
    fn head(weights: Option<Vec<f32>>) -> Result<(Parameters, Built)> {
        let mut parameters = Parameters::new(1, &Device::Cpu)?;
        let output = parameters.scope("head").linear("output", 2, 2)?;
        output.weight.var().set(&Tensor::eye(2, candle_core::DType::F32, &Device::Cpu)?)?;
        let layers = ScoreLayers { hidden: None, output };
        Ok((parameters, Built { layers, questions: 2, weights }))
    }

    /// Scores (0, ln 3): probabilities 1/2, 3/4.
    #[test]
    fn missing_targets_have_no_loss() -> Result<()> {
        let x = Var::new(&[[0.0, 3f32.ln()], [0.0, 3f32.ln()], [9.0, 9.0]], &Device::Cpu)?;
        let targets = [Some(1), Some(0), None, Some(1), None, None];
        let packing = Packing::of_examples(3);
        for (weights, by) in [(None, [1.0, 1.0]), (Some(vec![2.0, 3.0]), [2.0, 3.0])] {
            let (_, head) = head(weights)?;
            let loss = head.loss(&x, &targets, &packing)?.expect("something is answered");
            let wanted = [by[0] * 2f32.ln() + by[1] * 4f32.ln(), by[1] * (4f32 / 3.0).ln(), 0.0];
            for (found, wanted) in kernel::to_vec(&loss.per_example)?.iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-6, "{found}, expected {wanted}");
            }
            assert_eq!(loss.count, 2);
            let store = loss.per_example.sum_all()?.backward()?;
            let by_x = kernel::to_vec(store.get(&x).expect("x has a gradient"))?;
            let wanted = [-0.5 * by[0], 0.75 * by[1], 0.0, -0.25 * by[1], 0.0, 0.0];
            for (found, wanted) in by_x.iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-6, "{found}, expected {wanted}");
            }
            assert_eq!(head.predict(&head.scores(&x)?, &packing)?, [0, 1, 0, 1, 1, 1]);
            assert!(head.loss(&x, &[None; 6], &packing)?.is_none());
            assert!(head.loss(&x, &[None; 5], &packing).is_err());
        }
        Ok(())
    }
}
