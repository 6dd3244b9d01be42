//! The gain, mute and solo of every objective, as the trainer has them.

use serde::{Deserialize, Serialize};

use crate::{
    protocol::{ObjectiveId, ShareBy, Training},
    schedule::Schedule,
};

/// One objective's fader.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fader {
    /// The objective that it belongs to.
    pub objective: ObjectiveId,
    /// The gain that the user sets; a schedule of the recipe until then.
    pub gain: Schedule,
    /// Whether it was set by hand: a gain that still changes is then a fade.
    pub by_hand: bool,
    /// Whether it is muted: weight 0, the gain is kept.
    pub muted: bool,
    /// While any fader is soloed, only soloed ones are active.
    pub soloed: bool,
    /// Whether the objective is still trained: a finished one has weight 0.
    #[serde(default)]
    pub training: Training,
    /// Who sets its share.
    #[serde(default)]
    pub share_by: ShareBy,
}

/// All faders, in the recipe's order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Faders {
    all: Vec<Fader>,
}

impl Faders {
    /// The faders as a recipe sets them.
    pub fn new(all: Vec<Fader>) -> Self {
        Self { all }
    }

    /// Every fader.
    pub fn all(&self) -> &[Fader] {
        &self.all
    }

    /// The fader of an objective, if there is one.
    pub fn find(&mut self, objective: &ObjectiveId) -> Option<&mut Fader> {
        self.all.iter_mut().find(|fader| fader.objective == *objective)
    }

    /// The gain of each objective for the update after `done` others; 0 for inactive ones.
    pub fn gains(&self, done: u64) -> Vec<f32> {
        let any_soloed = self.all.iter().any(|fader| fader.soloed);
        let gain = |fader: &Fader| {
            let is_active =
                !fader.muted && !fader.training.is_finished() && (!any_soloed || fader.soloed);
            if is_active { fader.gain.at(done) as f32 } else { 0.0 }
        };
        self.all.iter().map(gain).collect()
    }

    /// Whether any objective is active in the update after `done` others.
    pub fn any_is_active(&self, done: u64) -> bool {
        self.gains(done).iter().any(|&gain| gain > 0.0)
    }

    /// Whether nothing is left to train: every objective that is not muted, and whose gain is above
    /// 0 now or at the end of its schedule, is finished; there is at least one.
    pub fn all_are_finished(&self, done: u64) -> bool {
        let has_gain = |fader: &&Fader| {
            !fader.muted && [done, u64::MAX].iter().any(|&done| fader.gain.at(done) as f32 > 0.0)
        };
        let mut trained = self.all.iter().filter(has_gain).peekable();
        trained.peek().is_some() && trained.all(|fader| fader.training.is_finished())
    }

    /// Whether an objective is active now and at the end of every fade in progress, so that no fade
    /// mutes everything. Schedules of the recipe were checked with the recipe.
    pub fn stays_active(&self, done: u64) -> bool {
        let fades = self.all.iter().filter(|fader| fader.by_hand);
        let mut arrivals = fades.filter_map(|fader| fader.gain.arrives_after(done));
        self.any_is_active(done) && arrivals.all(|arrival| self.any_is_active(arrival))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn faders(gains: &[(f64, bool, bool)]) -> Faders {
        let fader = |(at, &(gain, muted, soloed)): (usize, &(f64, bool, bool))| Fader {
            objective: format!("o{at}").as_str().into(),
            gain: Schedule::Constant(gain),
            by_hand: false,
            muted,
            soloed,
            training: Training::Ongoing,
            share_by: ShareBy::Rule,
        };
        Faders::new(gains.iter().enumerate().map(fader).collect())
    }

    fn gains(strips: &[(f64, bool, bool)]) -> Vec<f32> {
        faders(strips).gains(0)
    }

    #[test]
    fn mute_beats_solo_and_solo_beats_the_rest() {
        assert_eq!(gains(&[(0.5, false, false), (2.0, true, false)]), [0.5, 0.0]);
        assert_eq!(gains(&[(0.5, false, false), (2.0, false, true)]), [0.0, 2.0]);
        assert_eq!(gains(&[(0.5, false, true), (2.0, true, true)]), [0.5, 0.0]);
        assert!(!faders(&[(0.0, false, false), (1.0, true, false)]).any_is_active(0));
    }

    #[test]
    fn a_finished_objective_is_inactive() {
        let mut faders = faders(&[(1.0, false, false), (0.5, false, true), (1.0, true, false)]);
        faders.all[1].training = Training::Finished;
        assert_eq!(faders.gains(0), [0.0; 3], "a solo stays in force");
        assert!(!faders.all_are_finished(0), "the first one is not");
        faders.all[1].soloed = false;
        assert_eq!(faders.gains(0), [1.0, 0.0, 0.0]);
        faders.all[0].training = Training::Finished;
        assert!(faders.all_are_finished(0), "the third one is muted");
        faders.all[0].muted = true;
        faders.all[1].muted = true;
        assert!(!faders.all_are_finished(0), "nothing is finished that would be trained");
    }

    proptest! {
        #[test]
        fn inactive_objectives_have_a_gain_of_zero(
            strips in prop::collection::vec((0.0..4.0f64, any::<bool>(), any::<bool>()), 1..6)
        ) {
            let any_soloed = strips.iter().any(|strip| strip.2);
            for (found, (gain, muted, soloed)) in gains(&strips).into_iter().zip(&strips) {
                let is_active = !muted && (!any_soloed || *soloed);
                prop_assert_eq!(found, if is_active { *gain as f32 } else { 0.0 });
            }
        }
    }
}
