//! The gains at which the gradients of all objectives that were measured have the same norm. Under a
//! weighting rule, whose shares change with the gains, there are none.

use super::{Effect, LEAST, Message, View};
use crate::{
    protocol::{Assignment, Command},
    state::{Run, Strip},
};

impl View {
    /// Sets these gains, as one change; or says why they are not known.
    pub(super) fn equalize_gradients(&mut self, run: &Run) -> Vec<Effect> {
        let gains = if self.pending.has_changes() {
            Err("changes are still pending".to_owned())
        } else {
            equal_gains(run)
        };
        match gains {
            Ok(gains) => Effect::send(Command::Set(gains)),
            Err(why) => {
                self.message = Some(Message::Refused(why));
                Vec::new()
            }
        }
    }
}

/// The largest gain that is set.
const MOST: f32 = 1_000.0;

/// A gradient is proportional to its gain, so each gain is divided by the norm. Their geometric mean
/// stays.
fn equal_gains(run: &Run) -> Result<Vec<Assignment>, String> {
    let Some(measured) = &run.gradients else {
        return Err("gradients are not measured; G sets the interval".to_owned());
    };
    if run.strips.iter().any(|strip| strip.share != 1.0) {
        return Err("a weighting rule sets the shares; set the rule `equal` first".to_owned());
    }
    if run.strips.iter().any(|strip| strip.fade.is_some()) {
        return Err("a fade is in progress".to_owned());
    }
    let mut changed = run.log.moves().filter_map(|entry| entry.event.changed());
    if changed.any(|changed| changed.from > measured.step) {
        let step = measured.step;
        return Err(format!("changes since the measurement of step {step}; wait for the next"));
    }
    let norm = |strip: &Strip| {
        let norm = measured.norms.get(&strip.name).copied()?;
        (run.is_active(strip) && norm > 0.0 && strip.gain > 0.0).then_some(norm)
    };
    let all: Vec<(&Strip, f32)> =
        run.strips.iter().filter_map(|strip| Some((strip, norm(strip)?))).collect();
    if all.len() < 2 {
        return Err("fewer than two objectives have a measured gradient".to_owned());
    }
    let mean = all.iter().map(|(_, norm)| norm.ln()).sum::<f32>() / all.len() as f32;
    let gain = |(strip, norm): (&Strip, f32)| {
        Assignment::gain(
            strip.name.clone(),
            (strip.gain * (mean - norm.ln()).exp()).clamp(LEAST, MOST),
        )
    };
    Ok(all.into_iter().map(gain).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arbitrary,
        protocol::{
            Step,
            event::{GradientsMeasured, Setting},
        },
    };

    fn run() -> Run {
        let mut run = Run::new(None);
        run.apply(&arbitrary::run_started().into());
        (1..=10).for_each(|at| run.apply(&arbitrary::step_done(at, "chunk", 1.0).into()));
        run
    }

    fn measured(step: u64, norms: &[(&str, f32)]) -> GradientsMeasured {
        GradientsMeasured {
            at_ms: 1,
            step: Step(step),
            norms: norms.iter().map(|&(name, norm)| (name.into(), norm)).collect(),
            gradient_shares: norms.iter().map(|&(name, _)| (name.into(), 0.5)).collect(),
            cosines: [].into(),
            layers: Vec::new(),
            lagged_cosines: [].into(),
        }
    }

    #[test]
    fn gains_are_divided_by_the_norms_and_keep_their_mean() {
        let mut run = run();
        assert!(equal_gains(&run).unwrap_err().contains("not measured"));
        run.apply(&measured(10, &[("chunk", 4.0), ("pos", 1.0), ("next-word", 0.0)]).into());
        let before: Vec<f32> = run.strips.iter().map(|strip| strip.gain).collect();
        let gains = equal_gains(&run).unwrap();
        let found: Vec<(String, f32)> = gains
            .iter()
            .map(|one| {
                let Setting::Number(gain) = one.value else { panic!("a number") };
                (one.control.strip().unwrap().to_string(), gain)
            })
            .collect();
        let gain_of = |name: &str| {
            before[run.strips.iter().position(|strip| strip.name.as_str() == name).unwrap()]
        };
        assert_eq!(found.len(), 2, "the language model has no gradient: {found:?}");
        for (name, factor) in [("chunk", 0.5), ("pos", 2.0)] {
            let (_, gain) = found.iter().find(|(other, _)| other == name).unwrap();
            assert!((gain / gain_of(name) - factor).abs() < 1e-5, "{found:?}");
        }
        run.apply(&arbitrary::gain_set(10, "pos", 1.0, 0.5).into());
        assert!(equal_gains(&run).unwrap_err().contains("changes since"));
    }
}
