//! The order in which a rule goes through the other gradients, drawn for each objective and step.

use super::{ObjectiveView, StepView};
use crate::data::{Purpose, draw, draw::unit};

/// The other objectives in the order for the one at `i`: uniform among all orders. A pair's place is a function of the
/// seed, the step and its two names, so that muting an objective leaves the order of the others as it is.
pub(super) fn order(step: &StepView<'_>, objectives: &[ObjectiveView<'_>], i: usize) -> Vec<usize> {
    let place = |j: usize| {
        let pair = format!("{} {}", objectives[i].name, objectives[j].name);
        unit(&mut draw(step.seed, Purpose::Weighting, &pair, step.done))
    };
    let mut others: Vec<(f64, usize)> =
        (0..objectives.len()).filter(|&j| j != i).map(|j| (place(j), j)).collect();
    others.sort_by(|one, other| one.0.total_cmp(&other.0));
    others.into_iter().map(|(_, j)| j).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixer::tests::names;

    #[test]
    fn every_order_is_as_likely_and_independent_of_other_objectives() {
        let names = names(4);
        let views: Vec<_> = names
            .iter()
            .map(|name| ObjectiveView { name, is_main: false, epoch: 0, loss: None })
            .collect();
        let mut n_first = [0; 4];
        for done in 0..3_000 {
            let step = StepView { seed: 1, done, objectives: &views, gram: None, earlier: None };
            let all = order(&step, &views, 1);
            n_first[all[0]] += 1;
            let without: Vec<usize> = all.into_iter().filter(|&j| j != 3).collect();
            assert_eq!(order(&step, &views[..3], 1), without);
        }
        // Four standard deviations of a binomial with n = 3000 and p = 1/3 are 103.
        assert_eq!(n_first[1], 0);
        assert!([0, 2, 3].iter().all(|&j| (897..=1_103).contains(&n_first[j])), "{n_first:?}");
    }
}
