//! Gradients of the objectives apart, on the shared encoders.
//!
//! With g_k the gradient of weight_k × loss_k by the encoders' parameters and g = Σ g_k: norm of
//! each, its part of the mixed gradient ⟨g_k, g⟩ / ⟨g, g⟩, and the cosine of each pair. Measuring
//! draws nothing and changes nothing.

use std::{collections::BTreeMap, ops::Range};

use anyhow::Result;

use super::{
    Gradients,
    backward::{Back, Taps},
    loss::ObjectiveLoss,
};
use crate::{
    model::Parameters,
    protocol::{ObjectiveId, Step, event},
    recipe::Recipe,
};

/// Inner products ⟨g_j, g_k⟩ of the objectives' gradients, j by j, over the parameters with these numbers;
/// from the gradients by the taps, by what objectives read themselves, and the mixed one.
///
/// The objective with the greatest gradient by its taps has no pass of its own: with g its gradient,
/// g = mixed − Σ of the others, and so are its inner products. If it is too short beside the others for
/// that (reversed with a strength near 0, say), it has one after all.
pub(super) fn measure(
    taps: &Taps,
    backs: &[Back],
    mixed: &Gradients,
    parameters: &Parameters,
    shared: &Range<usize>,
) -> Result<Vec<Vec<f64>>> {
    let n = backs.len();
    let lengths = backs.iter().map(|back| taps.squared_norm(&back.by_taps));
    let lengths: Vec<f64> = lengths.collect::<candle_core::Result<_>>()?;
    let by_difference = (0..n).max_by(|&j, &k| lengths[j].total_cmp(&lengths[k]));
    let by_difference = by_difference.expect("a step has a loss");
    let through = |back: &Back| -> Result<Gradients> {
        let mut gradients = back.direct.clone();
        taps.encoders(&back.by_taps, parameters, &mut gradients)?;
        Ok(gradients)
    };
    let mut apart = Vec::new();
    for back in backs {
        let is_known = apart.len() != by_difference;
        apart.push(if is_known { through(back)? } else { Gradients::none(parameters) });
    }
    let mut products = inner_products(&apart, shared);
    let with_mixed: Vec<f64> =
        apart.iter().map(|gradients| mixed.product(gradients, shared.clone())).collect();
    // What is known of the others: their inner products with each other and with the mixed one.
    let sums: Vec<f64> = products.iter().map(|row| row.iter().sum()).collect();
    let whole = mixed.squared_norm(shared.clone());
    let square = whole - 2.0 * with_mixed.iter().sum::<f64>() + sums.iter().sum::<f64>();
    let longest = (0..n).map(|k| products[k][k]).fold(whole, f64::max);
    if square < SHORTEST * longest {
        apart[by_difference] = through(&backs[by_difference])?;
        return Ok(inner_products(&apart, shared));
    }
    for k in (0..n).filter(|&k| k != by_difference) {
        products[by_difference][k] = with_mixed[k] - sums[k];
        products[k][by_difference] = products[by_difference][k];
    }
    products[by_difference][by_difference] = square;
    Ok(products)
}

/// The least square, of the longest one's, that a difference still tells to four digits: f32 rounds
/// at 6·10⁻⁸ of the longest, and the root of this is 10⁻³ of it.
const SHORTEST: f64 = 1e-6;

/// ⟨g_j, g_k⟩, j by j.
fn inner_products(gradients: &[Gradients], shared: &Range<usize>) -> Vec<Vec<f64>> {
    let n = gradients.len();
    let mut products = vec![vec![0.0; n]; n];
    for j in 0..n {
        for k in 0..=j {
            products[j][k] = gradients[j].product(&gradients[k], shared.clone());
            products[k][j] = products[j][k];
        }
    }
    products
}

/// What is told of a measurement. What a zero gradient leaves undefined is absent.
pub(super) fn event(
    recipe: &Recipe,
    step: Step,
    at_ms: u64,
    losses: &[ObjectiveLoss],
    products: &[Vec<f64>],
) -> event::GradientsMeasured {
    let name = |k: usize| recipe.objectives[losses[k].objective].name.clone();
    let n = losses.len();
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
    event::GradientsMeasured { at_ms, step, norms, gradient_shares, cosines }
}
