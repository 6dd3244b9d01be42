//! Guards: an objective whose loss or gradient goes wrong is muted, and the others are trained on.
//!
//! The smoothed loss is the exponential moving average with decay 0.98, without the bias of its
//! start, as the desk shows it. A guard that has tripped begins anew once its objective is unmuted.

use serde::{Deserialize, Serialize};

use super::{Trainer, loss::ObjectiveLoss, origin::Origin};
use crate::{
    bus::Bus,
    protocol::{
        ObjectiveId,
        event::{Cosines, GuardKind, GuardTripped, Role},
    },
    recipe::Guard,
};

/// The decay of the smoothed loss.
const DECAY: f64 = 0.98;

/// The number of losses from which on one may be a spike.
const MIN_LOSSES: u64 = 20;

/// A smoothed loss is a new minimum if it is lower by this fraction.
const MIN_IMPROVEMENT: f64 = 1e-3;

/// What a guard remembers of its objective.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GuardMemory {
    /// Non-finite losses in a row.
    non_finite: u64,
    /// The number of finite losses.
    n_losses: u64,
    /// The moving average before its correction.
    average: f64,
    /// The minimum of the smoothed loss.
    minimum: Option<f64>,
    /// The number of losses since then.
    since_minimum: u64,
    /// Measured steps in a row with a negative cosine.
    conflicts: u64,
    /// A limit was reached while no other objective was active: reported once.
    is_reported: bool,
}

/// A limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Reached {
    kind: GuardKind,
    value: f64,
    limit: f64,
}

impl GuardMemory {
    /// A finite loss of a step.
    fn loss(&mut self, guard: &Guard, loss: f64) -> Option<Reached> {
        self.non_finite = 0;
        let before = self.smoothed().filter(|_| self.n_losses >= MIN_LOSSES);
        self.n_losses += 1;
        self.average = DECAY * self.average + (1.0 - DECAY) * loss;
        let smoothed = self.smoothed().unwrap_or(loss);
        let is_minimum =
            self.minimum.is_none_or(|minimum| smoothed < minimum - MIN_IMPROVEMENT * minimum.abs());
        self.since_minimum = if is_minimum { 0 } else { self.since_minimum + 1 };
        if is_minimum {
            self.minimum = Some(smoothed);
        }
        let times = before.filter(|before| *before > 0.0).map(|before| loss / before);
        let spike = guard.spike.zip(times).filter(|(limit, times)| times > limit);
        let spike = spike.map(|(limit, value)| Reached { kind: GuardKind::Spike, value, limit });
        spike.or_else(|| reached(GuardKind::Stall, self.since_minimum, guard.stall))
    }

    /// A loss that is not finite.
    fn non_finite_loss(&mut self, guard: &Guard) -> Option<Reached> {
        self.non_finite += 1;
        reached(GuardKind::NonFinite, self.non_finite, guard.non_finite)
    }

    /// The cosine of the gradients of the objective and the main one.
    fn cosine(&mut self, guard: &Guard, cosine: f32) -> Option<Reached> {
        self.conflicts = if cosine < 0.0 { self.conflicts + 1 } else { 0 };
        reached(GuardKind::Conflict, self.conflicts, guard.conflict)
    }

    /// The moving average without the bias of its start.
    fn smoothed(&self) -> Option<f64> {
        let weight = 1.0 - DECAY.powi(i32::try_from(self.n_losses).unwrap_or(i32::MAX));
        (weight > 0.0).then(|| self.average / weight)
    }
}

fn reached(kind: GuardKind, value: u64, limit: Option<u64>) -> Option<Reached> {
    let limit = limit.filter(|limit| value >= *limit)?;
    Some(Reached { kind, value: value as f64, limit: limit as f64 })
}

impl Trainer {
    /// Passes the guards the losses of a step, and its cosines if it was measured.
    pub(super) fn guard_step(
        &mut self,
        losses: &[ObjectiveLoss],
        cosines: Option<&Cosines>,
        bus: &mut Bus,
    ) {
        for loss in losses {
            let value = f64::from(loss.value);
            self.guard(loss.objective, |memory, guard| memory.loss(guard, value), bus);
        }
        if let Some(cosines) = cosines {
            self.guard_cosines(cosines, bus);
        }
    }

    /// Passes the guards of these objectives a loss that is not finite.
    pub(super) fn guard_non_finite(&mut self, objectives: &[usize], bus: &mut Bus) {
        for &at in objectives {
            self.guard(at, GuardMemory::non_finite_loss, bus);
        }
    }

    /// Passes the guards the cosines of a measured step.
    fn guard_cosines(&mut self, cosines: &Cosines, bus: &mut Bus) {
        let main = self.plan.name(self.plan.recipe.main());
        for at in 0..self.plan.recipe.objectives.len() {
            let spec = &self.plan.recipe.objectives[at];
            if spec.role == Role::Main {
                continue;
            }
            // Each pair stands once.
            let of_pair = |a: &ObjectiveId, b| cosines.get(a)?.get(b).copied();
            let cosine = of_pair(&spec.name, &main).or_else(|| of_pair(&main, &spec.name));
            if let Some(cosine) = cosine {
                self.guard(at, |memory, guard| memory.cosine(guard, cosine), bus);
            }
        }
    }

    /// Mutes an objective that reaches a limit of its guard, unless nothing would be trained.
    fn guard(
        &mut self,
        at: usize,
        observe: impl FnOnce(&mut GuardMemory, &Guard) -> Option<Reached>,
        bus: &mut Bus,
    ) {
        let guard = self.plan.recipe.objectives[at].guard;
        if guard == Guard::default() {
            return;
        }
        let objective = self.plan.name(at);
        let memory = self.guards.entry(objective.clone()).or_default();
        let Some(Reached { kind, value, limit }) = observe(memory, &guard) else { return };
        let step = self.counters.step;
        let mut faders = self.mixer.faders.clone();
        if let Some(fader) = faders.find(&objective) {
            fader.muted = true;
        }
        let muted = faders.stays_active(step.0);
        let was_reported = std::mem::replace(&mut memory.is_reported, true);
        if muted {
            *memory = GuardMemory::default();
        } else if was_reported {
            return;
        }
        let at_ms = self.output.ms();
        let (value, limit) = (value as f32, limit as f32);
        let tripped = objective.clone();
        bus.emit(GuardTripped {
            at_ms,
            step,
            objective: tripped,
            guard: kind,
            value,
            limit,
            muted,
        });
        if muted {
            if kind == GuardKind::NonFinite {
                self.counters.consecutive_non_finite = 0;
            }
            let event = self.set_muted(&objective, true, Origin::RULE);
            bus.emit(event.expect("the recipe has this objective"));
            self.report_plan(bus);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(kind: GuardKind, limit: f64) -> Guard {
        let count = Some(limit as u64);
        match kind {
            GuardKind::NonFinite => Guard { non_finite: count, ..Guard::default() },
            GuardKind::Spike => Guard { spike: Some(limit), ..Guard::default() },
            GuardKind::Stall => Guard { stall: count, ..Guard::default() },
            GuardKind::Conflict => Guard { conflict: count, ..Guard::default() },
        }
    }

    /// The place of the first loss that reaches the limit, and the value.
    fn first(kind: GuardKind, limit: f64, losses: &[f64]) -> Option<(usize, f64)> {
        let (mut memory, guard) = (GuardMemory::default(), guard(kind, limit));
        losses.iter().enumerate().find_map(|(at, loss)| {
            let reached = memory.loss(&guard, *loss)?;
            assert_eq!((reached.kind, reached.limit), (kind, limit));
            Some((at, reached.value))
        })
    }

    #[test]
    fn a_spike_is_a_multiple_of_the_smoothed_loss() {
        let mut losses = vec![2.0; 30];
        losses[10] = 100.0;
        assert_eq!(first(GuardKind::Spike, 5.0, &losses[..20]), None, "too few losses");
        let mut losses = vec![2.0; 30];
        (losses[25], losses[28]) = (9.0, 11.0);
        let (at, times) = first(GuardKind::Spike, 4.6, &losses).unwrap();
        assert_eq!(at, 28);
        // 11 / 2.31: the 9 has raised the average of the twos by 7 * 0.02 * 0.98^2 / (1 - 0.98^28).
        assert!((times - 4.76).abs() < 0.01, "{times}");
        assert_eq!(first(GuardKind::Spike, 6.0, &losses), None);
        assert_eq!(first(GuardKind::Spike, 2.0, &vec![-1.0; 40]), None);
    }

    #[test]
    fn a_stall_is_a_number_of_losses_without_a_new_minimum() {
        let falling: Vec<f64> = (0..200).map(|at| 5.0 - 0.02 * f64::from(at)).collect();
        assert_eq!(first(GuardKind::Stall, 10.0, &falling), None);
        let flat = [vec![3.0, 2.0], vec![2.5; 40]].concat();
        // The smoothed loss is lowest at the second loss.
        assert_eq!(first(GuardKind::Stall, 10.0, &flat), Some((11, 10.0)));
    }

    #[test]
    fn non_finite_losses_and_conflicts_count_in_a_row() {
        let mut memory = GuardMemory::default();
        let guard = Guard { non_finite: Some(2), conflict: Some(3), ..Guard::default() };
        assert_eq!(memory.non_finite_loss(&guard), None);
        assert_eq!(memory.loss(&guard, 1.0), None);
        assert_eq!(memory.non_finite_loss(&guard), None);
        assert_eq!(memory.non_finite_loss(&guard).unwrap().kind, GuardKind::NonFinite);
        let cosines = [-0.1, -0.2, 0.0, -0.1, -0.3, -0.5];
        let reached: Vec<bool> =
            cosines.iter().map(|&cosine| memory.cosine(&guard, cosine).is_some()).collect();
        assert_eq!(reached, [false, false, false, false, false, true]);
    }
}
