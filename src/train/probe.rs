//! Gradients of the objectives apart, on the shared encoders.
//!
//! With g_k the gradient of weight_k × loss_k by the encoders' parameters and g = Σ g_k: norm of
//! each, its part of the mixed gradient ⟨g_k, g⟩ / ⟨g, g⟩, and the cosine of each pair. Measuring
//! draws nothing and changes nothing.

use std::{collections::BTreeMap, ops::Range};

use anyhow::Result;

use super::{
    Gradients,
    backward::{ByTaps, Taps},
    step::Lost,
};
use crate::{
    model::Parameters,
    protocol::{ObjectiveId, Step, event},
    recipe::Recipe,
};

/// Inner products of the objectives' gradients.
pub(super) struct Measured {
    objectives: Vec<usize>,
    /// ⟨g_j, g_k⟩, j by j.
    products: Vec<Vec<f64>>,
}

/// Measures the gradients by the parameters with these numbers, from those by the taps.
pub(super) fn measure(
    lost: &[Lost],
    taps: &Taps,
    by_taps: &[ByTaps],
    parameters: &Parameters,
    shared: Range<usize>,
) -> Result<Measured> {
    let through = |by_taps: &ByTaps| -> Result<Gradients> {
        let mut gradients = Gradients::none(parameters);
        taps.encoders(by_taps, parameters, &mut gradients)?;
        Ok(gradients)
    };
    let gradients: Vec<Gradients> = by_taps.iter().map(through).collect::<Result<_>>()?;
    let n = gradients.len();
    let mut products = vec![vec![0.0; n]; n];
    for j in 0..n {
        for k in 0..=j {
            products[j][k] = gradients[j].product(&gradients[k], shared.clone());
            products[k][j] = products[j][k];
        }
    }
    Ok(Measured { objectives: lost.iter().map(|lost| lost.objective).collect(), products })
}

/// What is told of a measurement. What a zero gradient leaves undefined is absent.
pub(super) fn event(
    recipe: &Recipe,
    step: Step,
    at_ms: u64,
    measured: &Measured,
) -> event::Gradients {
    let Measured { objectives, products } = measured;
    let name = |k: usize| recipe.objectives[objectives[k]].name.clone();
    let n = objectives.len();
    let total: f64 = products.iter().flatten().sum();
    let norms = (0..n).map(|k| (name(k), products[k][k].sqrt() as f32)).collect();
    let mut gradient_shares = BTreeMap::new();
    if total > 0.0 {
        for (k, row) in products.iter().enumerate() {
            gradient_shares.insert(name(k), (row.iter().sum::<f64>() / total) as f32);
        }
    }
    let mut cosines: BTreeMap<ObjectiveId, BTreeMap<ObjectiveId, f32>> = BTreeMap::new();
    for j in 0..n {
        for k in 0..n {
            let length = (products[j][j] * products[k][k]).sqrt();
            if name(j) < name(k) && length > 0.0 {
                let cosine = (products[j][k] / length) as f32;
                cosines.entry(name(j)).or_default().insert(name(k), cosine);
            }
        }
    }
    event::Gradients { at_ms, step, norms, gradient_shares, cosines }
}
