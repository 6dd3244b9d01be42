//! Softmax: each row by itself.

use candle_core::{Result, Tensor};

use super::{Head, HeadKind, HeadLoss, Scores, Setup};
use crate::{data::Packing, kernel, model::tap::On};

pub(super) struct Softmax;

impl HeadKind for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn about(&self) -> &'static str {
        "one of several classes for each row by itself"
    }

    fn works_on(&self, _on: On) -> bool {
        true
    }

    fn build(&self, mut setup: Setup<'_>) -> Result<Box<dyn Head>> {
        Ok(Box::new(Built { scores: Scores::new(&mut setup)? }))
    }
}

struct Built {
    scores: Scores,
}

impl Head for Built {
    fn loss(
        &self,
        x: &Tensor,
        targets: &[Option<u32>],
        packing: &Packing,
    ) -> Result<Option<HeadLoss>> {
        let labelled: Vec<_> = targets
            .iter()
            .zip(packing.places())
            .zip(0..)
            .filter_map(|((&target, (sequence, _)), row)| Some((row, sequence as u32, target?)))
            .collect();
        if labelled.is_empty() {
            return Ok(None);
        }
        let x = if labelled.len() == targets.len() {
            x.clone()
        } else {
            kernel::gather(x, labelled.iter().map(|&(row, ..)| row).collect())?
        };
        let targets = labelled.iter().map(|&(.., target)| target).collect();
        let each = self.scores.cross_entropy(&x, targets)?; // (labelled)
        let groups = labelled.iter().map(|&(_, sequence, _)| sequence).collect();
        let each = kernel::sum_by_group(&each, groups, packing.n_sequences())?;
        Ok(Some(HeadLoss { each, count: labelled.len() }))
    }

    fn decide(&self, x: &Tensor, _packing: &Packing) -> Result<Vec<u32>> {
        let scores = self.scores.forward(x)?;
        let classes = scores.dim(1)?;
        Ok(kernel::to_vec(&scores)?.chunks_exact(classes).map(greatest).collect())
    }
}

/// The place of the greatest score; of equal ones the first.
fn greatest(scores: &[f32]) -> u32 {
    let mut best = 0;
    for (at, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = at;
        }
    }
    best as u32
}
