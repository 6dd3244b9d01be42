//! Continuing from a checkpoint: restores the state at which `last` was saved, and marks later
//! events as left behind.
//!
//! A trainer that continues from a checkpoint restores its mix, settings and counts, so the state
//! does too. What the journal has beyond the checkpoint is not deleted: its points are removed from
//! the curves, its scores and changes no longer count, and its entries stay in the log, marked as
//! left behind.

use std::collections::BTreeMap;

use super::{History, Pace, Run, Strip, strip::StripPoint};
use crate::protocol::{
    Scene, Step,
    event::{Continued, GradientsMeasured, SceneStored, Setting},
};

/// The restored part of the state; the rest is truncated by step or by index.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ResumePoint {
    step: Step,
    temperature: Option<f32>,
    learning_rate: Option<f32>,
    gradient_norm: Option<f32>,
    tokens: u64,
    draws: BTreeMap<String, u64>,
    spent_us: Vec<u64>,
    pace: Pace,
    gradients: Option<GradientsMeasured>,
    settings: BTreeMap<String, Setting>,
    interventions: u64,
    history: History,
    scenes: BTreeMap<Scene, SceneStored>,
    n_logged: u64,
    n_alerts: usize,
    n_notes: usize,
    strips: Vec<StripPoint>,
}

impl Run {
    /// Saves the current state as the one to continue from: the run has started, or `last` has been
    /// saved.
    pub(super) fn keep_resume_point(&mut self) {
        self.resume_point = Some(Box::new(ResumePoint {
            step: self.step,
            temperature: self.temperature,
            learning_rate: self.learning_rate,
            gradient_norm: self.gradient_norm,
            tokens: self.tokens,
            draws: self.draws.clone(),
            spent_us: self.spent_us.clone(),
            pace: self.pace,
            gradients: self.gradients.clone(),
            settings: self.settings.clone(),
            interventions: self.interventions,
            history: self.history.clone(),
            scenes: self.scenes.clone(),
            n_logged: self.log.n_logged(),
            n_alerts: self.alerts.len(),
            n_notes: self.notes.len(),
            strips: self.strips.iter().map(Strip::point).collect(),
        }));
    }

    /// The step of the checkpoint that the run would be continued from: 0 before the first, `None`
    /// before the start.
    pub fn resume_step(&self) -> Option<Step> {
        self.resume_point.as_ref().map(|point| point.step)
    }

    /// The numbers of steps and manual changes beyond the checkpoint that the run would be
    /// continued from.
    pub fn beyond_checkpoint(&self) -> (u64, u64) {
        let Some(point) = &self.resume_point else { return (0, 0) };
        let n_steps = self.step.0.saturating_sub(point.step.0);
        (n_steps, self.interventions.saturating_sub(point.interventions))
    }

    /// Restores the last resume point. If the journal has none for that step, the state is only
    /// truncated there.
    pub(super) fn continued(&mut self, event: &Continued) {
        self.truncate(event.step);
        self.steps = event.steps;
        self.paused = false;
        self.refused = None;
        self.ended = None;
        let Some(point) = self.resume_point.take_if(|point| point.step == event.step) else {
            return self.log.rewind(event.step);
        };
        let kept = (*point).clone();
        self.temperature = kept.temperature;
        self.learning_rate = kept.learning_rate;
        self.gradient_norm = kept.gradient_norm;
        self.tokens = kept.tokens;
        self.draws = kept.draws;
        self.spent_us = kept.spent_us;
        self.pace = kept.pace;
        self.gradients = kept.gradients;
        self.settings = kept.settings;
        self.interventions = kept.interventions;
        self.history = kept.history;
        self.scenes = kept.scenes;
        self.alerts.truncate(kept.n_alerts);
        self.notes.truncate(kept.n_notes);
        self.log.leave_behind(kept.n_logged);
        for (strip, kept) in self.strips.iter_mut().zip(kept.strips) {
            strip.restore(kept);
        }
        self.resume_point = Some(point);
    }
}
