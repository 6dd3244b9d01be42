//! Softmax: each row is classified independently.
//!
//! The loss of a row is −w_y·Σ_k q_k ln p_k with p the softmax of the scores, q = 1 − ε on the
//! target y plus ε/K on each of K classes (label smoothing, Szegedy et al. 2016), and w_y the class
//! weight. In terms of the scores s: −ln p_y + ε·(s_y − Σ_k s_k / K), times w_y.

use candle_core::{Result, Tensor};

use super::{
    HIDDEN, Head, HeadConfig, HeadKind, HeadLoss, HeadSetup, RowHeadConfig, ScoreLayers,
    labelled_loss,
};
use crate::{
    data::Packing,
    kernel,
    keys::{Key, ValueType, Values},
    model::tap::RowKind,
};

pub(super) struct Softmax;

const SMOOTHING: &str = "label_smoothing";

const KEYS: &[Key] = &[
    HIDDEN,
    Key::with_default(
        SMOOTHING,
        ValueType::Number(0.0, 0.9),
        "0",
        "label smoothing, in training and in reported losses",
    ),
];

impl HeadKind for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn about(&self) -> &'static str {
        "softmax classifier for each row"
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

    fn has_softmax(&self) -> bool {
        true
    }

    fn configure(&self, values: &Values) -> HeadConfig {
        HeadConfig::Rows(Box::new(Config {
            hidden: values.count(HIDDEN.name),
            smoothing: values.number(SMOOTHING),
        }))
    }
}

/// Its parsed options.
struct Config {
    /// The size of the tanh layer; 0 for none.
    hidden: usize,
    /// ε of label smoothing.
    smoothing: f64,
}

impl RowHeadConfig for Config {
    fn build(&self, mut setup: HeadSetup<'_>) -> Result<Box<dyn Head>> {
        let layers = setup.score_layers(self.hidden)?;
        let (smoothing, class_weights) = (self.smoothing, setup.classes.weights);
        Ok(Box::new(Built { layers, smoothing, class_weights }))
    }
}

struct Built {
    layers: ScoreLayers,
    smoothing: f64,
    class_weights: Option<Vec<f32>>,
}

impl Built {
    /// The loss of each row, smoothed and weighted, from its cross-entropy: (rows). `logits` (rows,
    /// classes) are computed if there is smoothing.
    fn per_row(
        &self,
        cross_entropy: Tensor,
        logits: impl FnOnce() -> Result<Tensor>,
        targets: &[u32],
    ) -> Result<Tensor> {
        let n = targets.len();
        let mut losses = cross_entropy;
        if self.smoothing > 0.0 {
            let logits = logits()?;
            let classes = logits.dim(1)?;
            let spread = self.smoothing as f32;
            // Moves ε from the target's logit evenly to all classes.
            let mut moved = vec![-spread / classes as f32; n * classes];
            for (row, &target) in targets.iter().enumerate() {
                moved[row * classes + target as usize] += spread;
            }
            let moved = Tensor::from_vec(moved, (n, classes), losses.device())?;
            losses = (losses + (logits * moved)?.sum(1)?)?;
        }
        if let Some(of_classes) = &self.class_weights {
            let weights = targets.iter().map(|&target| of_classes[target as usize]).collect();
            let weights = Tensor::from_vec(weights, n, losses.device())?;
            losses = (losses * weights)?;
        }
        Ok(losses)
    }
}

impl Head for Built {
    fn loss(
        &self,
        x: &Tensor,
        targets: &[Option<u32>],
        packing: &Packing,
    ) -> Result<Option<HeadLoss>> {
        labelled_loss(x, targets, packing, |x, targets| {
            let x = &self.layers.hidden(x)?;
            let cross_entropy = self.layers.output.cross_entropy(x, targets.clone())?;
            self.per_row(cross_entropy, || self.layers.output.forward(x), &targets)
        })
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
        labelled_loss(scores, targets, packing, |logits, targets| {
            let cross_entropy = kernel::cross_entropy_of_logits(logits, &targets)?;
            self.per_row(cross_entropy, || Ok(logits.clone()), &targets)
        })
    }

    fn predict(&self, scores: &Tensor, _packing: &Packing) -> Result<Vec<u32>> {
        kernel::argmax(scores)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::model::Parameters;

    /// A head whose scores are the rows themselves.
    fn head(smoothing: f64, class_weights: Option<Vec<f32>>) -> Result<(Parameters, Built)> {
        let mut parameters = Parameters::new(1, &Device::Cpu)?;
        let output = parameters.scope("head").linear("output", 2, 2)?;
        output.weight.var().set(&Tensor::eye(2, candle_core::DType::F32, &Device::Cpu)?)?;
        let layers = ScoreLayers { hidden: None, output };
        Ok((parameters, Built { layers, smoothing, class_weights }))
    }

    fn losses(head: &Built, x: &Tensor, targets: &[Option<u32>]) -> Result<(Vec<f32>, usize)> {
        let packing = Packing::of_examples(targets.len());
        let loss = head.loss(x, targets, &packing)?.expect("something has a target");
        Ok((kernel::to_vec(&loss.per_example)?, loss.count))
    }

    /// Scores (0, ln 3): probabilities 1/4, 3/4.
    #[test]
    fn a_worked_example_of_smoothing_and_weights() -> Result<()> {
        let x = Var::new(&[[0.0, 3f32.ln()], [0.0, 3f32.ln()], [5.0, 5.0]], &Device::Cpu)?;
        let targets = [Some(0), Some(1), None];
        let (quarter, three) = (4f32.ln(), (4f32 / 3.0).ln());
        let assert = |found: (Vec<f32>, usize), wanted: [f32; 3]| {
            assert_eq!(found.1, 2);
            for (found, wanted) in found.0.iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-6, "{found}, expected {wanted}");
            }
        };
        assert(losses(&head(0.0, None)?.1, &x, &targets)?, [quarter, three, 0.0]);
        // A fifth is spread evenly: nine tenths of one and one tenth of the other.
        let smooth = [0.9 * quarter + 0.1 * three, 0.1 * quarter + 0.9 * three, 0.0];
        assert(losses(&head(0.2, None)?.1, &x, &targets)?, smooth);
        let weighed = head(0.0, Some(vec![1.5, 0.5]))?.1;
        assert(losses(&weighed, &x, &targets)?, [1.5 * quarter, 0.5 * three, 0.0]);
        Ok(())
    }

    /// With respect to the scores: p minus the smoothed target, times the weight.
    #[test]
    fn gradients_of_a_smoothed_and_weighted_worked_example() -> Result<()> {
        let x = Var::new(&[[0.0, 3f32.ln()]], &Device::Cpu)?;
        let (_, head) = head(0.2, Some(vec![2.0, 1.0]))?;
        let loss = head.loss(&x, &[Some(0)], &Packing::of_examples(1))?.expect("it has a target");
        let store = loss.per_example.sum_all()?.backward()?;
        let by_x = kernel::to_vec(store.get(&x).expect("x has a gradient"))?;
        for (found, wanted) in by_x.iter().zip([2.0 * (0.25 - 0.9), 2.0 * (0.75 - 0.1)]) {
            assert!((found - wanted).abs() < 1e-6, "{found}, expected {wanted}");
        }
        Ok(())
    }
}
