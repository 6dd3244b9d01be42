//! What measured steps have shown so far: the cosines of each pair of objectives, those of each auxiliary with the main
//! objective a step later, affinities, and the shares that were in force and those of the shadow rules.

use std::collections::BTreeMap;

use super::{Strip, Trace};
use crate::protocol::{
    ObjectiveId, Step,
    event::{AffinitiesMeasured, GradientsMeasured, ShadowShares, StepDone},
};

/// See the module documentation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// Each pair with its cosines, by names in alphabetical order.
    pub pairs: BTreeMap<(ObjectiveId, ObjectiveId), PairTrace>,
    /// The cosine of each auxiliary's gradient with that of the main objective in the next step.
    pub lagged_cosines: BTreeMap<ObjectiveId, Trace>,
    /// What steps for the first objective took off the loss of the second, as a part of it.
    pub affinities: BTreeMap<(ObjectiveId, ObjectiveId), Trace>,
    /// The share of each objective that was in force.
    pub shares: BTreeMap<ObjectiveId, Trace>,
    /// The shares that each shadow rule would have set, by its notation.
    pub shadows: BTreeMap<String, BTreeMap<ObjectiveId, Trace>>,
    /// The last answer of the shadow rules.
    pub last_shadows: Option<ShadowShares>,
}

/// The gradients of two objectives over the measured steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PairTrace {
    /// Their cosine.
    pub cosines: Trace,
    /// 1 where it is below 0, else 0.
    pub conflicts: Trace,
}

/// The largest number of shadow rules that are kept: as many as there are letters.
const MOST_RULES: usize = 26;

fn is_known(name: &ObjectiveId, strips: &[Strip]) -> bool {
    strips.iter().any(|strip| strip.name == *name)
}

/// The values of all pairs of objectives that have a strip: a journal may have any names.
fn pairs(
    values: &BTreeMap<ObjectiveId, BTreeMap<ObjectiveId, f32>>,
    strips: &[Strip],
) -> impl Iterator<Item = (ObjectiveId, ObjectiveId, f32)> {
    let all = values.iter().flat_map(|(one, others)| {
        others.iter().map(move |(other, value)| (one.clone(), other.clone(), *value))
    });
    all.filter(|(one, other, _)| is_known(one, strips) && is_known(other, strips))
}

impl Measured {
    /// The letter of each shadow rule, its mark on the faders, with its notation.
    pub fn letters(&self) -> impl Iterator<Item = (char, &str)> {
        let rules = self.last_shadows.iter().flat_map(|event| event.shares.keys());
        ('a'..='z').zip(rules.map(String::as_str))
    }

    /// The last share that each shadow rule would have set for an objective, with the rule's letter.
    pub fn shadows_of(&self, objective: &ObjectiveId) -> impl Iterator<Item = (char, f32)> {
        let rules = self.last_shadows.iter().flat_map(|event| event.shares.values());
        let shares = rules.map(|shares| shares.get(objective).copied());
        ('a'..='z').zip(shares).filter_map(|(letter, share)| Some((letter, share?)))
    }

    pub(super) fn gradients_measured(&mut self, event: &GradientsMeasured, strips: &[Strip]) {
        for (one, other, cosine) in pairs(&event.cosines, strips) {
            let pair = self.pairs.entry((one, other)).or_default();
            pair.cosines.push(event.step, cosine);
            pair.conflicts.push(event.step, if cosine < 0.0 { 1.0 } else { 0.0 });
        }
        for (name, &cosine) in event.lagged_cosines.iter().filter(|(it, _)| is_known(it, strips)) {
            self.lagged_cosines.entry(name.clone()).or_default().push(event.step, cosine);
        }
    }

    pub(super) fn affinities_measured(&mut self, event: &AffinitiesMeasured, strips: &[Strip]) {
        for (one, other, part) in pairs(&event.affinities, strips) {
            self.affinities.entry((one, other)).or_default().push(event.step, part);
        }
    }

    /// The shares of a measured step that were in force.
    pub(super) fn step_done(&mut self, event: &StepDone, strips: &[Strip]) {
        let is_trained =
            |name: &ObjectiveId| event.losses.contains_key(name) && is_known(name, strips);
        for (name, &share) in event.shares.iter().filter(|(name, _)| is_trained(name)) {
            self.shares.entry(name.clone()).or_default().push(event.step, share);
        }
    }

    pub(super) fn shadow_shares(&mut self, event: &ShadowShares, strips: &[Strip]) {
        for (rule, shares) in event.shares.iter().take(MOST_RULES) {
            if self.shadows.len() >= MOST_RULES && !self.shadows.contains_key(rule) {
                continue;
            }
            let traces = self.shadows.entry(rule.clone()).or_default();
            for (objective, &share) in shares.iter().filter(|(name, _)| is_known(name, strips)) {
                traces.entry(objective.clone()).or_default().push(event.step, share);
            }
        }
        self.last_shadows = Some(event.clone());
    }

    /// Forgets the shadow rules that are not among these.
    pub(super) fn shadows_set(&mut self, rules: &str) {
        let is_kept = |rule: &String| rules.split(',').any(|kept| kept.trim() == rule);
        self.shadows.retain(|rule, _| is_kept(rule));
        if let Some(last) = &mut self.last_shadows {
            last.shares.retain(|rule, _| is_kept(rule));
        }
    }

    pub(super) fn rewind(&mut self, to: Step) {
        for pair in self.pairs.values_mut() {
            pair.cosines.rewind(to);
            pair.conflicts.rewind(to);
        }
        let shadows = self.shadows.values_mut().flat_map(BTreeMap::values_mut);
        let affinities = self.affinities.values_mut();
        self.shares
            .values_mut()
            .chain(shadows)
            .chain(affinities)
            .chain(self.lagged_cosines.values_mut())
            .for_each(|trace| trace.rewind(to));
        self.last_shadows.take_if(|event| event.step > to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arbitrary, protocol::Step, state::Run};

    #[test]
    fn names_without_a_strip_and_rules_without_a_letter_are_not_kept() {
        let mut run = Run::new(None);
        run.apply(&arbitrary::run_started().into());
        let share = |name: &str| BTreeMap::from([(ObjectiveId::from(name), 2.0)]);
        let shares = (0..40).map(|at| (format!("rule-{at:02}"), share("pos"))).collect();
        let (at_ms, step, took_us) = (1, Step(1), 1);
        run.apply(&ShadowShares { at_ms, step, shares, took_us }.into());
        assert_eq!(run.measured.shadows.len(), MOST_RULES);
        assert_eq!(run.measured.letters().last(), Some(('z', "rule-25")));
        let affinities = BTreeMap::from([
            ("pos".into(), share("chunk")),
            ("pos".into(), share("nobody")),
            ("nobody".into(), share("pos")),
        ]);
        run.apply(&AffinitiesMeasured { at_ms, step, affinities, took_us }.into());
        assert!(run.measured.affinities.is_empty());
        // A share of 0 is recorded; one of an objective without a loss in the step is not.
        let cosines = BTreeMap::from([("chunk".into(), share("pos"))]);
        let (norms, gradient_shares, layers) = (share("pos"), share("pos"), Vec::new());
        let lagged_cosines = BTreeMap::from([("pos".into(), -0.5), ("nobody".into(), 0.5)]);
        let event = GradientsMeasured {
            at_ms,
            step,
            norms,
            gradient_shares,
            cosines,
            layers,
            lagged_cosines,
        };
        run.apply(&event.into());
        let mut done = arbitrary::step_done(1, "pos", 1.0);
        done.shares = BTreeMap::from([("pos".into(), 0.0), ("chunk".into(), 3.0)]);
        run.apply(&done.into());
        assert_eq!(run.measured.shares.len(), 1);
        assert_eq!(
            run.measured.lagged_cosines.keys().collect::<Vec<_>>(),
            [&ObjectiveId::from("pos")]
        );
        assert_eq!(run.measured.shares["pos"].last(), Some(0.0));
        run.measured.shadows_set("rule-03, none-such");
        assert_eq!(run.measured.shadows.keys().collect::<Vec<_>>(), ["rule-03"]);
    }
}
