//! One step: draw, forward, mix, backward, update; and its events.

use anyhow::Result;
use tracing::trace_span;

use super::{
    Gradients, Stage, Trainer,
    accumulated::WeightedGradient,
    apart::GradientsApart,
    backward::TapBoundary,
    batches::{Draw, examples_drawn},
    earlier::EarlierGradients,
    gradient_probe::Layer,
    loss::ObjectiveLoss,
    measure::{MeasuredStep, Parts},
    mixer::active_groups,
    stopwatch::{Phase, Stopwatch},
    weights::{StepGradients, StepInputs, Weights},
};
use crate::{
    bus::Bus,
    mixer::Needs,
    model::Parameters,
    protocol::{
        Loss, ObjectiveId, Step,
        event::{NonFiniteLoss, Role, StepDone},
    },
    recipe::Group,
};

/// The result of a step.
struct Stepped<'a> {
    began_ms: u64,
    draws: &'a [Draw],
    losses: &'a [ObjectiveLoss],
    weights: &'a Weights,
    gradient_norm: f64,
}

/// The gradient of the weighted losses of a step.
struct MixedGradient {
    /// That of the update.
    update: Gradients,
    /// What is kept of its parts for a measurement.
    parts: Parts,
    /// The gradients of objectives that accumulate theirs.
    accumulating: Vec<WeightedGradient>,
}

impl Trainer {
    /// Draws a batch, trains, and emits the events. A step whose loss or gradient is non-finite
    /// changes no parameter and is reported as such; the next step draws the next batches.
    pub(super) fn train_step(&mut self, bus: &mut Bus) -> Result<()> {
        let _step = trace_span!("step").entered();
        let began_ms = self.output.ms();
        let mut watch = Stopwatch::start(self.output.us());
        let done = self.counters.step;
        self.control.fail_if_requested(done.0 + 1)?;
        let gains = self.mixer.gains(done);
        let epochs = self.batches.epochs(&self.plan);
        let groups = active_groups(&self.plan, &gains);
        let as_batch = self.counts_steps();
        if self.counters.enters(self.stage(&groups, done)) {
            self.learner.system.begin_stage()?;
        }
        watch.lap(Phase::Other, self.output.us());
        let draws = trace_span!("draw")
            .in_scope(|| self.batches.draw(&self.plan, &self.settings, &groups, done));
        watch.lap(Phase::Draw, self.output.us());
        let (losses, boundary) = trace_span!("forward")
            .in_scope(|| self.learner.compute_losses(&self.plan, &draws, &gains, done))?;
        watch.lap(Phase::Forward, self.output.us());
        let non_finite = losses.iter().filter(|loss| !loss.value.is_finite());
        let non_finite: Vec<usize> = non_finite.map(|loss| loss.objective).collect();
        if let Some(&first) = non_finite.first() {
            self.report_non_finite(Some(self.plan.name(first)), bus);
            self.guard_non_finite(&non_finite, bus);
            return Ok(());
        }
        // An objective that is muted, not soloed, finished or faded out begins anew.
        self.accumulated.retain(|objective| gains[objective] > 0.0);
        let needs = self.mixer.weighting.needs();
        let needs_apart =
            needs == Needs::Gram || losses.iter().any(|loss| self.accumulates(loss.objective));
        let apart = needs_apart.then(|| {
            trace_span!("backward")
                .in_scope(|| GradientsApart::of(&losses, &boundary, self.learner.parameters()))
        });
        let apart = apart.transpose()?;
        watch.lap(Phase::Backward, self.output.us());
        if apart.as_ref().is_some_and(|apart| !apart.gram().is_finite()) {
            self.report_non_finite(None, bus);
            return Ok(());
        }
        let is_measured = self.settings.measures_gradients(done.0 + 1);
        let inputs = StepInputs { gains: &gains, epochs: &epochs, losses: &losses };
        let memory = self.mixer.weighting.memory();
        let keeps = self.mixer.weighting.keeps_gradients();
        let of_rule = apart.as_ref().filter(|_| needs == Needs::Gram);
        let main = of_rule.and_then(|apart| Some((apart, self.main_gradient(&losses, apart)?)));
        let has_earlier = keeps && !self.earlier.is_empty();
        let products = main.filter(|_| has_earlier);
        let products = products.map(|(apart, main)| self.earlier.products(main, apart.shared()));
        let lagged_cosines = main.filter(|_| is_measured).map(|(apart, main)| {
            let cosines = self.earlier.cosines(main, apart.shared_encoders());
            let others = cosines.into_iter().filter(|(at, _)| !self.is_main(*at));
            others.map(|(at, cosine)| (self.plan.name(at), cosine)).collect()
        });
        let gradients = of_rule.map(|apart| StepGradients { gram: apart.gram(), products });
        let weights = self.mixer.weights(&self.plan, done, inputs, gradients);
        let is_next_measured = self.settings.measures_gradients(done.next().next().0);
        let kept = of_rule.filter(|_| keeps || is_next_measured);
        let kept = kept.map(|apart| EarlierGradients::of(&losses, apart)).unwrap_or_default();
        let mut gradient_norm = 0.0;
        let mut cosines = None;
        if !losses.is_empty() {
            let parameters = self.learner.parameters();
            let layers = if is_measured {
                Layer::all(parameters, 0..self.learner.system.n_shared())
            } else {
                Vec::new()
            };
            watch.lap(Phase::Other, self.output.us());
            let mixed = trace_span!("backward").in_scope(|| match apart {
                Some(apart) => Ok(self.combine(apart, &losses, &weights, &layers)),
                None => through_taps(&losses, &boundary, &weights, parameters, &layers),
            })?;
            let MixedGradient { update: gradients, parts, accumulating } = mixed;
            let norm =
                |gradients: &Gradients| gradients.squared_norm(0..parameters.all().len()).sqrt();
            gradient_norm = norm(&gradients);
            // As in an event: a norm beyond f32 has no JSON representation.
            let is_finite = |norm: f64| (norm as f32).is_finite();
            let others = accumulating.iter().map(|step| norm(&step.gradients));
            if !others.chain([gradient_norm]).all(is_finite) {
                // A step that is not made leaves no trace in the rule.
                self.mixer.weighting.restore(&memory).map_err(candle_core::Error::wrap)?;
                self.report_non_finite(None, bus);
                return Ok(());
            }
            watch.lap(Phase::Backward, self.output.us());
            if is_measured {
                let (boundary, gradients, weights) = (&boundary, &gradients, &weights);
                let (parts, layers) = (&parts, &layers[..]);
                let step = MeasuredStep {
                    boundary,
                    gradients,
                    weights,
                    parts,
                    layers,
                    inputs,
                    lagged_cosines: lagged_cosines.unwrap_or_default(),
                };
                cosines = Some(self.measure(step, bus)?);
            } else {
                self.mixer.update_shadows(&self.plan, done, inputs);
            }
            watch.lap(Phase::Measure, self.output.us());
            let learning_rate = self.settings.learning_rate.at(done.0);
            trace_span!("optimise").in_scope(|| {
                self.learner.update(
                    &gradients,
                    gradient_norm,
                    self.settings.clip_norm,
                    learning_rate,
                )
            })?;
            for step in accumulating {
                self.accumulated.step_done(step);
            }
        }
        watch.lap(Phase::Update, self.output.us());
        self.earlier = kept;
        // Their graph takes most of the memory of a step.
        drop(boundary);
        let losses: Vec<ObjectiveLoss> = losses.into_iter().map(ObjectiveLoss::detached).collect();
        if !losses.is_empty() {
            let inputs = StepInputs { gains: &gains, epochs: &epochs, losses: &losses };
            watch.lap(Phase::Other, self.output.us());
            self.measure_update(&draws, inputs, is_measured, bus)?;
            watch.lap(Phase::Measure, self.output.us());
            self.learner.system.after_update();
        }
        let (draws, losses) = (&draws[..], &losses[..]);
        let stepped = Stepped { began_ms, draws, losses, weights: &weights, gradient_norm };
        let event = self.step_done(&stepped);
        self.counters.step_done(as_batch);
        let event = StepDone { epochs: self.counted_epochs(), ..event };
        bus.emit(event);
        self.guard_step(losses, cosines.as_ref(), bus);
        if let Some(cosines) = &cosines {
            self.follow_cosines(cosines, bus);
        }
        watch.lap(Phase::Other, self.output.us());
        let (at_ms, step) = (self.output.ms(), self.counters.step);
        if let Some(timed) = self.phase_times.step_done(watch, at_ms, step) {
            bus.emit(timed);
        }
        Ok(())
    }

    /// The gradient of the weighted losses, combined from separate gradients.
    fn combine(
        &self,
        apart: GradientsApart,
        losses: &[ObjectiveLoss],
        weights: &Weights,
        layers: &[Layer],
    ) -> MixedGradient {
        let (parameters, needs) = (self.learner.parameters(), self.mixer.weighting.needs());
        let by_layer = layers.iter().map(Layer::param_indices).map(|param_indices| match needs {
            Needs::Gram => apart.gram_over(param_indices),
            Needs::Nothing | Needs::Losses => apart.gram_over_all(param_indices),
        });
        let parts = Parts::Apart { raw: apart.gram().clone(), by_layer: by_layer.collect() };
        let mut update = Gradients::none(parameters);
        let mut accumulating = Vec::new();
        for (objective, gradients) in apart.weighted(losses, weights, parameters, needs) {
            if !self.accumulates(objective) {
                update.add_all(gradients);
                continue;
            }
            let n_steps = self.accumulation_steps(objective);
            let step = WeightedGradient { objective, n_steps, gradients };
            if let Some(mean) = self.accumulated.mean_with(&step, parameters) {
                update.add_all(mean);
            }
            accumulating.push(step);
        }
        MixedGradient { update, parts, accumulating }
    }

    fn accumulates(&self, objective: usize) -> bool {
        self.accumulated.is_apart(objective, self.accumulation_steps(objective))
    }

    fn accumulation_steps(&self, objective: usize) -> u64 {
        self.settings.accumulation_steps(&self.plan.recipe.objectives[objective].name)
    }

    fn is_main(&self, objective: usize) -> bool {
        self.plan.recipe.objectives[objective].role == Role::Main
    }

    /// The raw gradient of the main objective, if the step has a loss of it.
    fn main_gradient<'a>(
        &self,
        losses: &[ObjectiveLoss],
        apart: &'a GradientsApart,
    ) -> Option<&'a Gradients> {
        let at = losses.iter().position(|loss| self.is_main(loss.objective))?;
        Some(&apart.gradients()[at])
    }

    /// The stage of the step after `done` others, which draws from these groups.
    fn stage(&self, groups: &[Group], done: Step) -> Stage {
        match self.sampler(groups).stage(done) {
            Some((round, group)) => Stage { round, group: Some(groups[group].name.clone()) },
            None => Stage { round: self.epochs(), group: None },
        }
    }

    /// The event of a completed step, which has not been counted yet.
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
            weights: weights.all().map(|(at, _, weight)| (name(at), weight)).collect(),
            shares: weights.all().map(|(at, share, _)| (name(at), share)).collect(),
            draws: examples_drawn(&self.plan, draws),
            gradient_norm: gradient_norm as f32,
            learning_rate: self.settings.learning_rate.at(done.0) as f32,
            tokens: draws.iter().map(|(_, batch)| batch.n_tokens() as u64).sum(),
            step_ms: at_ms - began_ms,
            temperature: temperature.map(|temperature| temperature as f32),
            epochs: None,
        }
    }

    /// Reports a non-finite loss, or a non-finite gradient; objectives forget the step.
    fn report_non_finite(&mut self, objective: Option<ObjectiveId>, bus: &mut Bus) {
        self.learner.system.discard_update();
        self.counters.consecutive_non_finite += 1;
        let step = self.counters.step.next();
        bus.emit(NonFiniteLoss { at_ms: self.output.ms(), step, objective });
    }
}

/// The gradient of the weighted losses by one pass through the encoders for all of them.
fn through_taps(
    losses: &[ObjectiveLoss],
    boundary: &TapBoundary,
    weights: &Weights,
    parameters: &Parameters,
    layers: &[Layer],
) -> Result<MixedGradient> {
    let mut update = Gradients::none(parameters);
    let is_measured = !layers.is_empty();
    let parts = boundary.heads(losses, weights, parameters, &mut update, is_measured)?;
    let by_taps = parts.iter().flat_map(|part| &part.by_taps);
    boundary.encoders(by_taps, parameters, &mut update)?;
    Ok(MixedGradient { update, parts: Parts::ByTaps(parts), accumulating: Vec::new() })
}
