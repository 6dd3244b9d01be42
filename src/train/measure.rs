//! What a measured step reports besides its losses: the gradients of its objectives, and the shares that the shadow rules
//! would set.

use std::collections::BTreeMap;

use anyhow::Result;
use tracing::trace_span;

use super::{
    Gradients, Trainer,
    backward::{TapBoundary, TapGradients},
    batches::Draw,
    gradient_probe::{self, Layer, Probe},
    weights::{StepInputs, Weights},
};
use crate::{
    bus::Bus,
    mixer::Gram,
    protocol::{
        ObjectiveId,
        event::{Cosines, GradientsMeasured, ShadowShares},
    },
};

/// What is kept of the separate gradients, for a measurement.
pub(super) enum Parts {
    /// The weighted gradients with respect to taps.
    ByTaps(Vec<TapGradients>),
    /// The inner products of the raw ones over the shared parameters, and over those of each layer.
    Apart { raw: Gram, by_layer: Vec<Gram> },
}

/// A step whose gradients are measured, before its update.
pub(super) struct MeasuredStep<'a> {
    pub(super) boundary: &'a TapBoundary,
    pub(super) gradients: &'a Gradients,
    pub(super) weights: &'a Weights,
    pub(super) parts: &'a Parts,
    pub(super) layers: &'a [Layer],
    pub(super) inputs: StepInputs<'a>,
    /// The lagged cosines, by name.
    pub(super) lagged_cosines: BTreeMap<ObjectiveId, f32>,
}

impl Trainer {
    /// Measures the gradients of a step, computes the shares of the shadow rules, and emits the
    /// events; returns the cosines.
    pub(super) fn measure(&mut self, measured: MeasuredStep<'_>, bus: &mut Bus) -> Result<Cosines> {
        let _measure = trace_span!("measure").entered();
        let MeasuredStep { boundary, gradients, weights, parts, layers, inputs, lagged_cosines } =
            measured;
        let (done, losses) = (self.counters.step, inputs.losses);
        let needs_raw = self.mixer.shadows_need_gram();
        let (by_layer, raw, began_us) = match parts {
            Parts::Apart { raw, by_layer } => {
                let weighted = by_layer.iter().map(|gram| weights.weighted(gram, losses));
                (weighted.collect(), Some(raw.clone()), self.output.us())
            }
            Parts::ByTaps(parts) => {
                let mut probe = Probe::new(boundary, parts, self.learner.parameters())?;
                let by_layer = probe.by_layer(gradients, layers)?;
                let began_us = self.output.us();
                let raw = needs_raw.then(|| probe.raw(losses, weights)).transpose()?;
                (by_layer, raw, began_us)
            }
        };
        let (step, at_ms) = (done.next(), self.output.ms());
        let event: GradientsMeasured =
            gradient_probe::event(&self.plan.recipe, step, at_ms, losses, layers, &by_layer);
        let cosines = event.cosines.clone();
        bus.emit(GradientsMeasured { lagged_cosines, ..event });
        if self.mixer.shadows.is_empty() {
            return Ok(cosines);
        }
        // A raw gradient is a weighted one divided by its weight, which may be tiny.
        let raw = raw.filter(Gram::is_finite);
        let shares = self.mixer.shadow_shares(&self.plan, done, inputs, raw.as_ref());
        let took_us = self.output.us().saturating_sub(began_us);
        bus.emit(ShadowShares { at_ms: self.output.ms(), step, shares, took_us });
        Ok(cosines)
    }

    /// What follows an update, before its objectives are told of it: the losses of the same batches and draws for the rules
    /// that need them, and affinities.
    pub(super) fn measure_update(
        &mut self,
        draws: &[Draw],
        inputs: StepInputs<'_>,
        is_measured: bool,
        bus: &mut Bus,
    ) -> Result<()> {
        let needs_losses = self.mixer.needs_losses_after_update(is_measured);
        let has_affinities = inputs.losses.len() > 1 && self.measures_affinities(inputs.gains);
        if !needs_losses && !has_affinities {
            return Ok(());
        }
        self.learner.system.hold_update(true);
        if needs_losses {
            let done = self.counters.step;
            let (losses, _) = self.learner.compute_losses(&self.plan, draws, inputs.gains, done)?;
            if losses.iter().all(|loss| loss.value.is_finite()) {
                let inputs = StepInputs { losses: &losses, ..inputs };
                self.mixer.after_update(&self.plan, done, inputs, is_measured);
            }
        }
        if has_affinities {
            self.measure_affinities(draws, inputs.gains, bus)?;
        }
        self.learner.system.hold_update(false);
        Ok(())
    }
}
