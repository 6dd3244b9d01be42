//! Sampling that follows progress: what an evaluation or a measurement says is passed to the rule, and a change of what it
//! draws is an event.

use std::collections::BTreeMap;

use super::{Trainer, mixer::active_groups};
use crate::{
    bus::Bus,
    data::sampler::{DevScore, Rule, Sampler, TrackedScore},
    metric::Scores,
    protocol::event::{Cosines, SamplingAdapted},
    recipe::Group,
};

impl Trainer {
    /// The sampler over these groups.
    pub(super) fn sampler(&self, groups: &[Group]) -> Sampler<'_> {
        self.batches.sampler(&self.plan, &self.settings, groups)
    }

    /// Passes the scores of a scheduled evaluation on dev to the rule, and the value of the metric that selects the best
    /// checkpoint, if it has one.
    pub(super) fn follow_scores(
        &mut self,
        scores: &[(usize, Scores)],
        tracked: Option<f32>,
        bus: &mut Bus,
    ) {
        if !self.settings.sampling.at(self.counters.step).follows_progress() {
            return;
        }
        let groups = active_groups(&self.plan, &self.mixer.gains(self.counters.step));
        let score = |at: usize| {
            let (_, scores) = scores.iter().find(|(of, _)| *of == at)?;
            let (metric, direction) = self.plan.recipe.tracked_metric(at)?;
            let (_, value) = scores.metrics.iter().find(|(name, _)| *name == metric)?;
            let value = Some(*value as f32).filter(|value| value.is_finite())?;
            Some((self.plan.name(at), value, direction))
        };
        let of_group = |group: &Group| {
            let scores = group.objectives.iter().filter_map(|&at| score(at));
            let score = |(objective, value, direction)| {
                let group = group.name.clone();
                DevScore { objective, group, value, direction }
            };
            scores.map(score).collect::<Vec<_>>()
        };
        let scores: Vec<DevScore> = groups.iter().flat_map(of_group).collect();
        let direction = self.plan.recipe.train.best.direction;
        let tracked = tracked.map(|value| TrackedScore { value, direction });
        let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        let active = (self.plan.recipe.train.seed, &names[..]);
        let (step, sampling) = (self.counters.step, &self.settings.sampling);
        self.batches.sampling.evaluated(sampling, step, active, &scores, tracked);
        self.report_plan(bus);
    }

    /// Passes the cosines of a measured step to the rule: of two groups, the mean over their objectives.
    pub(super) fn follow_cosines(&mut self, cosines: &Cosines, bus: &mut Bus) {
        if !matches!(*self.settings.sampling.at(self.counters.step), Rule::Interference(_)) {
            return;
        }
        let groups = active_groups(&self.plan, &self.mixer.gains(self.counters.step));
        let mut by_pair: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
        let group_of = |name: &str| {
            let is_it = |&at: &usize| self.plan.recipe.objectives[at].name.as_str() == name;
            groups.iter().position(|group| group.objectives.iter().any(is_it))
        };
        for (a, others) in cosines {
            for (b, cosine) in others {
                if let (Some(a), Some(b)) = (group_of(a.as_str()), group_of(b.as_str()))
                    && a != b
                {
                    by_pair.entry((a.min(b), a.max(b))).or_default().push(f64::from(*cosine));
                }
            }
        }
        for ((a, b), cosines) in by_pair {
            let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
            self.batches.sampling.measured(&groups[a].name, &groups[b].name, mean);
        }
        self.report_plan(bus);
    }

    /// Reports what the mix and the sampling rule mean from now on, if it is not what was reported last: the rates of a rule
    /// that follows progress, and the length of the run.
    pub(super) fn report_plan(&mut self, bus: &mut Bus) {
        let new = self.rates();
        let old = std::mem::replace(&mut self.reported_rates, new.clone());
        if old != new && !new.is_empty() {
            let (at_ms, step) = (self.output.ms(), self.counters.step);
            bus.emit(SamplingAdapted { at_ms, step, from: step.next(), old, new });
        }
        self.report_length(bus);
    }

    /// The rate of each group in the next step, by name, under a rule that follows progress.
    pub(super) fn rates(&self) -> BTreeMap<String, f32> {
        let step = self.counters.step;
        if !self.settings.sampling.at(step).follows_progress() {
            return BTreeMap::new();
        }
        let groups = active_groups(&self.plan, &self.mixer.gains(step));
        let rates = self.sampler(&groups).rates(step).into_iter().map(|rate| rate as f32);
        groups.into_iter().map(|group| group.name).zip(rates).collect()
    }
}
