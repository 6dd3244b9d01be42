//! Continuing from a checkpoint: restores the state at which `last` was saved, and marks later
//! events as left behind.
//!
//! A trainer that continues from a checkpoint restores its mix, settings and counts, so the state
//! does too. What the journal has beyond the checkpoint is not deleted: its points are removed from
//! the curves, its scores and changes no longer count, and its entries stay in the log, marked as
//! left behind.

use std::collections::BTreeMap;

use super::{DataUsage, LatestStep, ManualChanges, Measured, Pace, Run, Strip, strip::StripPoint};
use crate::protocol::{
    Step,
    event::{CheckpointSaved, Continued, GradientsMeasured},
};

/// The restored part of the state; the rest is truncated by step or by index.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ResumePoint {
    /// The checkpoint; `None` at the start.
    saved: Option<CheckpointSaved>,
    step: Step,
    latest: LatestStep,
    usage: DataUsage,
    rates: BTreeMap<String, f32>,
    manual: ManualChanges,
    pace: Pace,
    gradients: Option<GradientsMeasured>,
    measured: Measured,
    n_logged: u64,
    n_alerts: usize,
    n_notes: usize,
    strips: Vec<StripPoint>,
}

impl Run {
    /// Saves the current state as the one to continue from: the run has started, or `last` has been
    /// saved.
    pub(super) fn keep_resume_point(&mut self, saved: Option<&CheckpointSaved>) {
        self.resume_point = Some(Box::new(ResumePoint {
            saved: saved.cloned(),
            step: self.step,
            latest: self.latest,
            usage: self.usage.clone(),
            rates: self.rates.clone(),
            manual: self.manual.clone(),
            pace: self.pace,
            gradients: self.gradients.clone(),
            measured: self.measured.clone(),
            n_logged: self.log.n_logged(),
            n_alerts: self.alerts.len(),
            n_notes: self.notes.len(),
            strips: self.strips.iter().map(Strip::point).collect(),
        }));
    }

    /// Whether the run has started.
    pub fn has_started(&self) -> bool {
        self.resume_point.is_some()
    }

    /// The checkpoint that the run would be continued from.
    pub fn last_saved(&self) -> Option<&CheckpointSaved> {
        self.resume_point.as_ref()?.saved.as_ref()
    }

    /// The numbers of steps and manual changes beyond the checkpoint that the run would be
    /// continued from.
    pub fn beyond_checkpoint(&self) -> (u64, u64) {
        let Some(point) = &self.resume_point else { return (0, 0) };
        let n_steps = self.step.0.saturating_sub(point.step.0);
        (n_steps, self.manual.interventions.saturating_sub(point.manual.interventions))
    }

    /// Restores the last resume point. If the journal has none for that step, the state is only
    /// truncated there.
    pub(super) fn continued(&mut self, event: &Continued) {
        self.truncate(event.step);
        self.plan.steps = event.steps;
        self.paused = false;
        self.manual.refused = None;
        self.ended = None;
        let Some(point) = self.resume_point.take_if(|point| point.step == event.step) else {
            return self.log.rewind(event.step);
        };
        let kept = (*point).clone();
        self.latest = kept.latest;
        self.usage = kept.usage;
        self.rates = kept.rates;
        self.manual = ManualChanges { refused: None, ..kept.manual };
        self.pace = kept.pace;
        self.gradients = kept.gradients;
        self.measured = kept.measured;
        self.alerts.truncate(kept.n_alerts);
        self.notes.truncate(kept.n_notes);
        self.log.leave_behind(kept.n_logged);
        for (strip, kept) in self.strips.iter_mut().zip(kept.strips) {
            strip.restore(kept);
        }
        self.resume_point = Some(point);
    }
}
