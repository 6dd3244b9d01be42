//! Measurement of per-objective gradients on the encoders, where the weights are known before the
//! backward pass. (A rule that needs the Gram matrix has computed it already: `apart`.)
//!
//! With g_k the gradient of weight_k × loss_k with respect to the encoders' parameters and
//! g = Σ g_k: the norm of each, its share of the mixed gradient ⟨g_k, g⟩ / ⟨g, g⟩, and the cosine
//! of each pair, over all layers and of each layer. A measurement draws nothing and changes nothing.

use std::{collections::BTreeMap, ops::Range};

use anyhow::Result;

use super::{
    Gradients,
    backward::{TapBoundary, TapGradients},
    loss::ObjectiveLoss,
    weights::Weights,
};
use crate::{
    mixer::Gram,
    model::Parameters,
    protocol::{
        ObjectiveId, Step,
        event::{self, Cosines, LayerCosines},
    },
    recipe::Recipe,
};

/// A layer of an encoder, or an encoder without numbered layers.
pub(super) struct Layer {
    /// `ENCODER.NUMBER` or `ENCODER`.
    name: String,
    /// The indices of its parameters.
    param_indices: Vec<usize>,
}

impl Layer {
    /// The layers of the parameters with these indices, in the order in which these were created.
    pub(super) fn all(parameters: &Parameters, param_indices: Range<usize>) -> Vec<Self> {
        let mut layers: Vec<Self> = Vec::new();
        for number in param_indices {
            let name = layer_of(&parameters.all()[number].name);
            match layers.iter_mut().find(|layer| layer.name == name) {
                Some(layer) => layer.param_indices.push(number),
                None => layers.push(Self { name: name.to_owned(), param_indices: vec![number] }),
            }
        }
        layers
    }

    /// The indices of its parameters.
    pub(super) fn param_indices(&self) -> &[usize] {
        &self.param_indices
    }
}

/// The part of a parameter's name that says which layer it belongs to.
fn layer_of(name: &str) -> &str {
    let mut parts = name.splitn(3, '.');
    let (encoder, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_number = !second.is_empty() && second.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { &name[..encoder.len() + 1 + second.len()] } else { encoder }
}

/// The separate gradients of a step through the encoders, computed as far as they are needed.
pub(super) struct Probe<'a> {
    boundary: &'a TapBoundary,
    parts: &'a [TapGradients],
    parameters: &'a Parameters,
    /// Those of every objective but one, for which there are none until [`Probe::complete`].
    passed: Vec<Gradients>,
    /// The objective whose gradient with respect to its taps is the largest.
    by_difference: usize,
    is_complete: bool,
}

impl<'a> Probe<'a> {
    /// One pass through the encoders for every objective but the one with the largest gradient with respect to its taps.
    pub(super) fn new(
        boundary: &'a TapBoundary,
        parts: &'a [TapGradients],
        parameters: &'a Parameters,
    ) -> Result<Self> {
        let lengths = parts.iter().map(|one| boundary.squared_norm(&one.by_taps));
        let lengths: Vec<f64> = lengths.collect::<candle_core::Result<_>>()?;
        let longest = (0..lengths.len()).max_by(|&j, &k| lengths[j].total_cmp(&lengths[k]));
        let by_difference = longest.expect("a step has a loss");
        let mut probe = Self {
            boundary,
            parts,
            parameters,
            passed: Vec::new(),
            by_difference,
            is_complete: false,
        };
        for at in 0..parts.len() {
            let is_passed = at != by_difference;
            let none = || Ok(Gradients::none(parameters));
            let gradients = if is_passed { probe.through(at) } else { none() }?;
            probe.passed.push(gradients);
        }
        Ok(probe)
    }

    fn through(&self, objective: usize) -> Result<Gradients> {
        let part = &self.parts[objective];
        let mut gradients = part.direct.clone();
        self.boundary.encoders(&part.by_taps, self.parameters, &mut gradients)?;
        Ok(gradients)
    }

    /// The pass of the objective that is left.
    fn complete(&mut self) -> Result<()> {
        if !self.is_complete {
            self.passed[self.by_difference] = self.through(self.by_difference)?;
            self.is_complete = true;
        }
        Ok(())
    }

    /// The inner products ⟨g_j, g_k⟩ of the weighted gradients over each layer, in the order of the losses.
    ///
    /// The gradient of the objective without a backward pass of its own is the total gradient minus those of the other
    /// objectives; its inner products follow from theirs. If it is too short for that in a layer compared with the
    /// others (for example reversed with a strength near 0), it has its own pass after all.
    pub(super) fn by_layer(&mut self, mixed: &Gradients, layers: &[Layer]) -> Result<Vec<Gram>> {
        let known: Option<Vec<Gram>> = layers
            .iter()
            .map(|layer| {
                by_difference(&self.passed, self.by_difference, mixed, &layer.param_indices)
            })
            .collect();
        if let Some(known) = known {
            return Ok(known);
        }
        self.complete()?;
        Ok(layers.iter().map(|layer| Gradients::gram(&self.passed, &layer.param_indices)).collect())
    }

    /// The inner products of the raw gradients over the parameters that at least two objectives reach, as a rule of the
    /// gradients sees them. An objective of weight 0 has no raw gradient here: its products are 0.
    pub(super) fn raw(&mut self, losses: &[ObjectiveLoss], weights: &Weights) -> Result<Gram> {
        self.complete()?;
        let shared = Gradients::shared(&self.passed);
        let raw = |loss: &ObjectiveLoss| match weights.weight(loss.objective) {
            0.0 => 0.0,
            weight => f64::from(weight).recip(),
        };
        let scales: Vec<f64> = losses.iter().map(raw).collect();
        Ok(Gradients::gram(&self.passed, &shared).scaled(&scales))
    }
}

/// The inner products over these parameters, from the mixed gradient and those of all objectives but this one; `None` if
/// they are not precise.
fn by_difference(
    passed: &[Gradients],
    difference: usize,
    mixed: &Gradients,
    param_indices: &[usize],
) -> Option<Gram> {
    let n = passed.len();
    let mut products = Gradients::gram(passed, param_indices);
    let over = || param_indices.iter().copied();
    let with_mixed: Vec<f64> =
        passed.iter().map(|gradients| mixed.product(gradients, over())).collect();
    // The inner products of the others with each other and with the mixed gradient are known.
    let sums: Vec<f64> = (0..n).map(|k| products.row(k).iter().sum()).collect();
    let whole = mixed.product(mixed, over());
    let square = whole - 2.0 * with_mixed.iter().sum::<f64>() + sums.iter().sum::<f64>();
    let longest = (0..n).map(|k| products.at(k, k)).fold(whole, f64::max);
    if square < ROUNDING * longest {
        return Some(products);
    }
    if square < SHORTEST * longest {
        return None;
    }
    for k in (0..n).filter(|&k| k != difference) {
        products.set(difference, k, with_mixed[k] - sums[k]);
    }
    products.set(difference, difference, square);
    Some(products)
}

/// The smallest square, relative to the longest gradient's, for which a difference is still precise
/// to four digits: f32 rounds at 6·10⁻⁸ of the longest, and the root of this is 10⁻³ of it.
const SHORTEST: f64 = 1e-6;

/// A square below this, relative to the longest gradient's, is the rounding of sums: the objective does not reach these
/// parameters.
const ROUNDING: f64 = 1e-13;

/// The event of a measurement, from the inner products over each layer. Values that a zero gradient leaves undefined are
/// omitted, and so are the layers if there is one only. Lagged cosines are not among its inputs.
pub(super) fn event(
    recipe: &Recipe,
    step: Step,
    at_ms: u64,
    losses: &[ObjectiveLoss],
    layers: &[Layer],
    by_layer: &[Gram],
) -> event::GradientsMeasured {
    let name = |k: usize| recipe.objectives[losses[k].objective].name.clone();
    let n = losses.len();
    let products = Gram::new(n, |j, k| by_layer.iter().map(|gram| gram.at(j, k)).sum());
    let sums: Vec<f64> = (0..n).map(|k| products.row(k).iter().sum()).collect();
    let total: f64 = (0..n).flat_map(|k| products.row(k)).sum();
    let norms = (0..n).map(|k| (name(k), products.at(k, k).sqrt() as f32)).collect();
    let mut gradient_shares = BTreeMap::new();
    if total > 0.0 {
        for (k, sum) in sums.iter().enumerate() {
            gradient_shares.insert(name(k), (sum / total) as f32);
        }
    }
    let of_layer = |(layer, gram): (&Layer, &Gram)| {
        let cosines = cosines(gram, name);
        (!cosines.is_empty()).then(|| LayerCosines { layer: layer.name.clone(), cosines })
    };
    let mut by_layer: Vec<LayerCosines> =
        layers.iter().zip(by_layer).filter_map(of_layer).collect();
    if by_layer.len() < 2 {
        by_layer.clear();
    }
    let cosines = cosines(&products, name);
    event::GradientsMeasured {
        at_ms,
        step,
        norms,
        gradient_shares,
        cosines,
        layers: by_layer,
        lagged_cosines: BTreeMap::new(),
    }
}

/// The cosine of each pair with gradients, by names in alphabetical order.
fn cosines(products: &Gram, name: impl Fn(usize) -> ObjectiveId) -> Cosines {
    let mut cosines = Cosines::new();
    for j in 0..products.n() {
        for k in 0..products.n() {
            let length = (products.at(j, j) * products.at(k, k)).sqrt();
            if name(j) < name(k) && length > 0.0 {
                let cosine = (products.at(j, k) / length) as f32;
                cosines.entry(name(j)).or_default().insert(name(k), cosine);
            }
        }
    }
    cosines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_belongs_to_a_numbered_layer_or_to_its_encoder() {
        let names = ["words.table", "trunk.1.forward.u", "trunk.12.backward.w", "2nd.table", "x"];
        assert_eq!(names.map(layer_of), ["words", "trunk.1", "trunk.12", "2nd", "x"]);
    }
}
