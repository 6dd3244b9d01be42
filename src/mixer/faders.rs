//! The desk's faders as the trainer has them: gain, mute and solo of every objective.

use super::Weighting;
use crate::{protocol::ObjectiveId, schedule::Schedule};

/// One objective's fader.
#[derive(Clone, Debug, PartialEq)]
pub struct Fader {
    /// Whose it is.
    pub objective: ObjectiveId,
    /// The human's part of the weight, or a schedule until a hand takes over.
    pub gain: Schedule,
    /// A hand has taken over: a gain that still moves is its fade.
    pub by_hand: bool,
    /// Weight 0, whatever the gain.
    pub muted: bool,
    /// While any fader is soloed, only soloed ones sound.
    pub soloed: bool,
}

/// What is applied to one objective.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weight {
    /// The weighting's part.
    pub share: f32,
    /// Gain × share; 0 for what does not sound.
    pub weight: f32,
}

/// All faders, in the recipe's order.
#[derive(Clone, Debug, PartialEq)]
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

    /// The fader of an objective.
    pub fn find(&mut self, objective: &ObjectiveId) -> Option<&mut Fader> {
        self.all.iter_mut().find(|fader| fader.objective == *objective)
    }

    /// The gain of each objective for the update after `done` others; 0 for what does not sound.
    fn gains(&self, done: u64) -> Vec<f32> {
        let any_soloed = self.all.iter().any(|fader| fader.soloed);
        let gain = |fader: &Fader| {
            let silent = fader.muted || (any_soloed && !fader.soloed);
            if silent { 0.0 } else { fader.gain.at(done) as f32 }
        };
        self.all.iter().map(gain).collect()
    }

    /// Whether anything sounds in the update after `done` others.
    pub fn anything_sounds(&self, done: u64) -> bool {
        self.gains(done).iter().any(|&gain| gain > 0.0)
    }

    /// Whether something sounds now and whenever a fade of a hand arrives, so that none of them leaves
    /// silence behind. What schedules of the recipe come to is the recipe's business.
    pub fn sound_on(&self, done: u64) -> bool {
        let fades = self.all.iter().filter(|fader| fader.by_hand);
        let mut arrivals = fades.filter_map(|fader| fader.gain.arrives_after(done));
        self.anything_sounds(done) && arrivals.all(|arrival| self.anything_sounds(arrival))
    }

    /// The weight of each objective for the update after `done` others.
    pub fn weights(&self, weighting: &dyn Weighting, done: u64) -> Vec<Weight> {
        let gains = self.gains(done);
        let n_sounding = gains.iter().filter(|&&gain| gain > 0.0).count();
        let mut shares = weighting.shares(n_sounding).into_iter();
        let mut weight = |gain: f32| {
            if gain == 0.0 {
                return Weight { share: 1.0, weight: 0.0 };
            }
            let share = shares.next().expect("a share for every sounding objective");
            Weight { share, weight: gain * share }
        };
        gains.into_iter().map(&mut weight).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mixer;

    fn faders(gains: &[(f64, bool, bool)]) -> Faders {
        let fader = |(at, &(gain, muted, soloed)): (usize, &(f64, bool, bool))| Fader {
            objective: format!("o{at}").as_str().into(),
            gain: Schedule::Constant(gain),
            by_hand: false,
            muted,
            soloed,
        };
        Faders::new(gains.iter().enumerate().map(fader).collect())
    }

    fn weights(gains: &[(f64, bool, bool)]) -> Vec<f32> {
        let equal = mixer::find("equal").unwrap();
        faders(gains).weights(equal, 0).iter().map(|weight| weight.weight).collect()
    }

    #[test]
    fn mute_beats_solo_and_solo_beats_the_rest() {
        assert_eq!(weights(&[(0.5, false, false), (2.0, true, false)]), [0.5, 0.0]);
        assert_eq!(weights(&[(0.5, false, false), (2.0, false, true)]), [0.0, 2.0]);
        assert_eq!(weights(&[(0.5, false, true), (2.0, true, true)]), [0.5, 0.0]);
        assert!(!faders(&[(0.0, false, false), (1.0, true, false)]).anything_sounds(0));
    }

    proptest! {
        #[test]
        fn under_equal_shares_weights_are_gains_and_silence_is_zero(
            strips in prop::collection::vec((0.0..4.0f64, any::<bool>(), any::<bool>()), 1..6)
        ) {
            let any_soloed = strips.iter().any(|strip| strip.2);
            for (weight, (gain, muted, soloed)) in weights(&strips).into_iter().zip(&strips) {
                let sounds = !muted && (!any_soloed || *soloed);
                prop_assert_eq!(weight, if sounds { *gain as f32 } else { 0.0 });
            }
        }
    }
}
