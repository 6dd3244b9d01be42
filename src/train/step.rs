//! One step: draw, forward, mix, backward, update; and what is told of it.

use anyhow::Result;
use tracing::trace_span;

use super::{
    Gradients, Trainer,
    batches::{Draw, examples_drawn},
    loss::ObjectiveLoss,
    mixer::active_groups,
    probe,
};
use crate::{
    bus::Bus,
    mixer::Weight,
    protocol::{
        Loss, ObjectiveId,
        event::{NonFiniteLoss, StepDone},
    },
};

/// What a step has come to.
struct Stepped<'a> {
    began_ms: u64,
    draws: &'a [Draw],
    losses: &'a [ObjectiveLoss],
    weights: &'a [Weight],
    gradient_norm: f64,
}

impl Trainer {
    /// Draws, trains, tells. A step whose loss or gradient is non-finite changes no parameter and is told
    /// as such; the draws go on.
    pub(super) fn train_step(&mut self, bus: &mut Bus) -> Result<()> {
        let _step = trace_span!("step").entered();
        let began_ms = self.output.ms();
        let done = self.counters.step;
        self.control.panic_if_asked(done.0 + 1);
        let weights = self.mixer.weights(done);
        let draws = trace_span!("draw").in_scope(|| {
            let groups = active_groups(&self.plan, &weights);
            self.batches.draw(&self.plan, &self.settings, &groups, done)
        });
        let (losses, taps) = trace_span!("forward")
            .in_scope(|| self.learner.compute_losses(&self.plan, &draws, &weights, done))?;
        let mut gradient_norm = 0.0;
        if !losses.is_empty() {
            if let Some(loss) = losses.iter().find(|loss| !loss.value.is_finite()) {
                self.report_non_finite(Some(self.plan.name(loss.objective)), bus);
                return Ok(());
            }
            let parameters = self.learner.parameters();
            let mut gradients = Gradients::none(parameters);
            let backs = trace_span!("backward").in_scope(|| {
                let backs = taps.heads(&losses, &weights, parameters, &mut gradients)?;
                let by_taps = backs.iter().flat_map(|back| &back.by_taps);
                taps.encoders(by_taps, parameters, &mut gradients)?;
                anyhow::Ok(backs)
            })?;
            gradient_norm = gradients.squared_norm(0..parameters.all().len()).sqrt();
            // As an event will say it: a norm beyond f32 is none that JSON has.
            if !(gradient_norm as f32).is_finite() {
                self.report_non_finite(None, bus);
                return Ok(());
            }
            if self.settings.measures_gradients(done.0 + 1) {
                let _measure = trace_span!("measure").entered();
                let shared = 0..self.learner.system.n_shared();
                let products = probe::measure(&taps, &backs, &gradients, parameters, &shared)?;
                let (step, at_ms) = (done.next(), self.output.ms());
                bus.tell(probe::event(&self.plan.recipe, step, at_ms, &losses, &products));
            }
            let learning_rate = self.settings.learning_rate.at(done.0);
            trace_span!("optimise").in_scope(|| {
                self.learner.update(&self.plan, &gradients, gradient_norm, learning_rate)
            })?;
        }
        let (draws, losses, weights) = (&draws[..], &losses[..], &weights[..]);
        let stepped = Stepped { began_ms, draws, losses, weights, gradient_norm };
        let event = self.step_done(&stepped);
        self.counters.step_done();
        bus.tell(event);
        Ok(())
    }

    /// What is told of a step that had its update; it is not counted yet.
    fn step_done(&self, stepped: &Stepped<'_>) -> StepDone {
        let Stepped { began_ms, draws, losses, weights, gradient_norm } = *stepped;
        let (done, at_ms) = (self.counters.step, self.output.ms());
        let name = |at: usize| self.plan.name(at);
        let temperature = self.settings.sampling.annealed(done);
        StepDone {
            at_ms,
            step: done.next(),
            losses: losses
                .iter()
                .filter_map(|loss| Some((name(loss.objective), Loss::read(loss.value)?)))
                .collect(),
            weights: (0..weights.len()).map(|at| (name(at), weights[at].weight)).collect(),
            shares: (0..weights.len()).map(|at| (name(at), weights[at].share)).collect(),
            draws: examples_drawn(&self.plan, draws),
            gradient_norm: gradient_norm as f32,
            learning_rate: self.settings.learning_rate.at(done.0) as f32,
            tokens: draws.iter().map(|(_, batch)| batch.n_tokens() as u64).sum(),
            step_ms: at_ms - began_ms,
            temperature: temperature.map(|temperature| temperature as f32),
        }
    }

    /// Tells of a non-finite loss, or of a non-finite gradient.
    fn report_non_finite(&mut self, objective: Option<ObjectiveId>, bus: &mut Bus) {
        self.counters.consecutive_non_finite += 1;
        let step = self.counters.step.next();
        bus.tell(NonFiniteLoss { at_ms: self.output.ms(), step, objective });
    }
}
