//! Affinities of objectives (Fifty et al. 2021, "Efficiently Identifying Task Groupings for Multi-Task Learning"): what a
//! step for objective i alone does to the loss of objective j, on one batch.
//!
//! Zᵢⱼ = 1 − Lⱼ(θ − η·gᵢ) / Lⱼ(θ), with gᵢ the raw gradient of objective i with respect to the shared parameters θ, those
//! that at least two objectives reach; the heads of one objective stay. Above 0 the step lowers the loss. η is the same for
//! all objectives of a measurement: to first order no objective's own step lowers its loss by more than one percent. The
//! paper's η is the learning rate of its optimizer.
//!
//! A measurement follows an update, has the batches and draws of its step, and leaves every parameter as it was to the bit.
//! With n active objectives it takes n + 1 forward and n backward passes, counted as n + 1 steps: with a budget b it is made
//! every ⌈(n + 1) / b⌉ steps, and does not depend on a clock. A step with one loss only is not measured, and an objective
//! whose loss is 0 or less has no affinities. Where steps draw groups in turn, an interval that is a multiple of their
//! number meets the same group each time.

use std::collections::BTreeMap;

use anyhow::Result;
use tracing::trace_span;

use super::{Gradients, Trainer, apart::GradientsApart, batches::Draw};
use crate::{
    bus::Bus,
    kernel::{self, Gradient},
    model::Parameters,
    protocol::event::AffinitiesMeasured,
};

/// The largest decrease of an objective's own loss, to first order, as a part of it.
const MOST: f64 = 0.01;

impl Trainer {
    /// Whether affinities are measured after the step that comes next.
    pub(super) fn measures_affinities(&self, gains: &[f32]) -> bool {
        let n = gains.iter().filter(|gain| **gain > 0.0).count();
        let budget = self.settings.affinity_budget;
        budget > 0.0 && n > 1 && {
            // As `f32`, which the budget is in commands.
            let interval = ((n + 1) as f32 / budget as f32).ceil() as u64;
            (self.counters.step.0 + 1).is_multiple_of(interval.max(1))
        }
    }

    /// Measures the affinities on the batches of the step that was made last but is not counted yet, and emits them.
    pub(super) fn measure_affinities(
        &mut self,
        draws: &[Draw],
        gains: &[f32],
        bus: &mut Bus,
    ) -> Result<()> {
        let _measure = trace_span!("affinities").entered();
        let (began_us, done) = (self.output.us(), self.counters.step);
        let losses_now = || self.learner.compute_losses(&self.plan, draws, gains, done);
        let (losses, boundary) = losses_now()?;
        let parameters = self.learner.parameters();
        let apart = GradientsApart::of(&losses, &boundary, parameters)?;
        let before: Vec<(usize, f32)> =
            losses.iter().map(|loss| (loss.objective, loss.value)).collect();
        // The graph takes as much memory as a step.
        drop((losses, boundary));
        let mut affinities = BTreeMap::new();
        if let Some(learning_rate) = learning_rate(&before, &apart) {
            let saved = Saved::of(parameters, apart.shared())?;
            for (gradients, (objective, _)) in apart.gradients().iter().zip(&before) {
                descend(parameters, gradients, apart.shared(), learning_rate)?;
                let after = losses_now();
                saved.restore(parameters)?;
                let (after, _) = after?;
                let by = before.iter().zip(&after).filter_map(|((other, before), after)| {
                    let part = 1.0 - f64::from(after.value) / f64::from(*before);
                    let part = part as f32;
                    (*before > 0.0 && part.is_finite()).then_some((self.plan.name(*other), part))
                });
                affinities.insert(self.plan.name(*objective), by.collect());
            }
        }
        let (at_ms, step) = (self.output.ms(), done.next());
        let took_us = self.output.us().saturating_sub(began_us);
        bus.emit(AffinitiesMeasured { at_ms, step, affinities, took_us });
        Ok(())
    }
}

/// η; `None` if no objective with a positive loss has a gradient with respect to the shared parameters.
fn learning_rate(losses: &[(usize, f32)], apart: &GradientsApart) -> Option<f64> {
    let gram = apart.gram();
    let is_finite = gram.is_finite() && losses.iter().all(|(_, loss)| loss.is_finite());
    let losses = losses.iter().map(|(_, loss)| f64::from(*loss)).enumerate();
    let usable = losses.filter(|(k, loss)| *loss > 0.0 && gram.at(*k, *k) > 0.0);
    let rates = usable.map(|(k, loss)| MOST * loss / gram.at(k, k));
    rates.min_by(f64::total_cmp).filter(|rate| is_finite && rate.is_finite())
}

/// θ − η·g for the parameters with these indices.
fn descend(
    parameters: &Parameters,
    gradients: &Gradients,
    param_indices: &[usize],
    learning_rate: f64,
) -> Result<()> {
    for &param_idx in param_indices {
        let var = &parameters.all()[param_idx].var;
        let Some(gradient) = gradients.get(param_idx) else {
            continue;
        };
        let width = var.dims().last().copied().unwrap_or(1);
        let step = |x: &mut f32, g: &f32| {
            *x = (f64::from(*x) - learning_rate * f64::from(*g)) as f32;
        };
        kernel::update(var, |values| match gradient {
            Gradient::Dense(all) => values.iter_mut().zip(all.iter()).for_each(|(x, g)| step(x, g)),
            Gradient::Rows(rows) => {
                for (&id, row) in rows.ids.iter().zip(rows.rows.chunks_exact(width)) {
                    let values = &mut values[id as usize * width..][..width];
                    values.iter_mut().zip(row).for_each(|(x, g)| step(x, g));
                }
            }
        })?;
    }
    Ok(())
}

/// Copies of the parameters with some indices.
struct Saved(Vec<(usize, Vec<f32>)>);

impl Saved {
    fn of(parameters: &Parameters, param_indices: &[usize]) -> Result<Self> {
        let copy = |&param_idx: &usize| {
            let values = kernel::to_vec(&parameters.all()[param_idx].var)?;
            Ok((param_idx, values.as_slice().to_vec()))
        };
        Ok(Self(param_indices.iter().map(copy).collect::<candle_core::Result<_>>()?))
    }

    fn restore(&self, parameters: &Parameters) -> Result<()> {
        for (param_idx, values) in &self.0 {
            kernel::update(&parameters.all()[*param_idx].var, |now| now.copy_from_slice(values))?;
        }
        Ok(())
    }
}
