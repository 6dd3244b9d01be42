//! Alerts: what is wrong with an objective or with the gradient.

use super::Run;
use crate::protocol::{
    event::{GuardKind, GuardTripped, NonFiniteLoss},
    report::{Alert, AlertKind},
};

impl Run {
    pub(super) fn non_finite_loss(&mut self, event: &NonFiniteLoss) {
        let kind = match event.objective {
            Some(_) => AlertKind::NonFiniteLoss,
            None => AlertKind::NonFiniteGradient,
        };
        if let Some(objective) = &event.objective {
            self.strip_mut(objective, |strip| strip.losses.interrupt());
        }
        self.alerts.push(Alert { step: event.step, objective: event.objective.clone(), kind });
    }

    pub(super) fn guard_tripped(&mut self, event: &GuardTripped) {
        let kind = match event.guard {
            GuardKind::NonFinite => AlertKind::RepeatedNonFiniteLoss,
            GuardKind::Spike => AlertKind::Spike,
            GuardKind::Stall => AlertKind::Stall,
            GuardKind::Conflict => AlertKind::Conflict,
        };
        self.alerts.push(Alert {
            step: event.step,
            objective: Some(event.objective.clone()),
            kind,
        });
    }
}
