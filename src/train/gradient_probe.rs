//! Measurement of per-objective gradients on the encoders, where the weights are known before the
//! backward pass. (A rule that needs the Gram matrix has computed it already: `apart`.)
//!
//! With g_k the gradient of weight_k × loss_k with respect to the encoders' parameters and
//! g = Σ g_k: the norm of each, its share of the mixed gradient ⟨g_k, g⟩ / ⟨g, g⟩, and the cosine
//! of each pair. A measurement draws nothing and changes nothing.

use std::{collections::BTreeMap, ops::Range};

use anyhow::Result;

use super::{
    Gradients,
    backward::{TapBoundary, TapGradients},
    loss::ObjectiveLoss,
};
use crate::{
    mixer::Gram,
    model::Parameters,
    protocol::{ObjectiveId, Step, event},
    recipe::Recipe,
};

/// The inner products ⟨g_j, g_k⟩ of the objectives' gradients over the parameters with these
/// indices; from the gradients with respect to taps, those of parameters that objectives read
/// themselves, and the mixed one.
///
/// The objective with the largest gradient with respect to its taps has no pass of its own: its
/// gradient is the mixed one minus the sum of the others, and so are its inner products. If it is
/// too short for that compared with the others (for example reversed with a strength near 0), it
/// has its own pass after all.
pub(super) fn measure(
    boundary: &TapBoundary,
    apart: &[TapGradients],
    mixed: &Gradients,
    parameters: &Parameters,
    shared: &Range<usize>,
) -> Result<Gram> {
    let n = apart.len();
    let lengths = apart.iter().map(|one| boundary.squared_norm(&one.by_taps));
    let lengths: Vec<f64> = lengths.collect::<candle_core::Result<_>>()?;
    let by_difference = (0..n).max_by(|&j, &k| lengths[j].total_cmp(&lengths[k]));
    let by_difference = by_difference.expect("a step has a loss");
    let through = |one: &TapGradients| -> Result<Gradients> {
        let mut gradients = one.direct.clone();
        boundary.encoders(&one.by_taps, parameters, &mut gradients)?;
        Ok(gradients)
    };
    let mut passed = Vec::new();
    for one in apart {
        let is_known = passed.len() != by_difference;
        passed.push(if is_known { through(one)? } else { Gradients::none(parameters) });
    }
    let mut products = gram(&passed, shared);
    let with_mixed: Vec<f64> =
        passed.iter().map(|gradients| mixed.product(gradients, shared.clone())).collect();
    // The inner products of the others with each other and with the mixed gradient are known.
    let sums: Vec<f64> = (0..n).map(|k| products.row(k).iter().sum()).collect();
    let whole = mixed.squared_norm(shared.clone());
    let square = whole - 2.0 * with_mixed.iter().sum::<f64>() + sums.iter().sum::<f64>();
    let longest = (0..n).map(|k| products.at(k, k)).fold(whole, f64::max);
    if square < SHORTEST * longest {
        passed[by_difference] = through(&apart[by_difference])?;
        return Ok(gram(&passed, shared));
    }
    for k in (0..n).filter(|&k| k != by_difference) {
        products.set(by_difference, k, with_mixed[k] - sums[k]);
    }
    products.set(by_difference, by_difference, square);
    Ok(products)
}

/// The smallest square, relative to the longest gradient's, for which a difference is still precise
/// to four digits: f32 rounds at 6·10⁻⁸ of the longest, and the root of this is 10⁻³ of it.
const SHORTEST: f64 = 1e-6;

/// The inner products over these parameters.
fn gram(gradients: &[Gradients], shared: &Range<usize>) -> Gram {
    Gram::new(gradients.len(), |j, k| gradients[j].product(&gradients[k], shared.clone()))
}

/// The event of a measurement. Values that a zero gradient leaves undefined are omitted.
pub(super) fn event(
    recipe: &Recipe,
    step: Step,
    at_ms: u64,
    losses: &[ObjectiveLoss],
    products: &Gram,
) -> event::GradientsMeasured {
    let name = |k: usize| recipe.objectives[losses[k].objective].name.clone();
    let n = losses.len();
    let sums: Vec<f64> = (0..n).map(|k| products.row(k).iter().sum()).collect();
    let total: f64 = (0..n).flat_map(|k| products.row(k)).sum();
    let norms = (0..n).map(|k| (name(k), products.at(k, k).sqrt() as f32)).collect();
    let mut gradient_shares = BTreeMap::new();
    if total > 0.0 {
        for (k, sum) in sums.iter().enumerate() {
            gradient_shares.insert(name(k), (sum / total) as f32);
        }
    }
    let mut cosines: BTreeMap<ObjectiveId, BTreeMap<ObjectiveId, f32>> = BTreeMap::new();
    for j in 0..n {
        for k in 0..n {
            let length = (products.at(j, j) * products.at(k, k)).sqrt();
            if name(j) < name(k) && length > 0.0 {
                let cosine = (products.at(j, k) / length) as f32;
                cosines.entry(name(j)).or_default().insert(name(k), cosine);
            }
        }
    }
    event::GradientsMeasured { at_ms, step, norms, gradient_shares, cosines }
}
