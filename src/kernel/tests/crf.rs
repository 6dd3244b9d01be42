//! The CRF against the enumeration of all tag sequences and against sums in f64.

use candle_core::{Device, Result, Tensor, Var};
use proptest::prelude::*;

use crate::{
    data::Packing,
    kernel::{
        ParamRef,
        check::{self, Variable},
        crf, plain, to_vec,
    },
};

type Layer = fn(&Tensor, &ParamRef, Vec<u32>, &Packing) -> Result<Tensor>;

const BOTH: [Layer; 2] = [crf, plain::crf];

/// Every sequence of `n` tags.
pub(super) fn paths(tags: usize, n: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..tags.pow(n as u32)).map(move |mut code| {
        let digit = |_| {
            let tag = code % tags;
            code /= tags;
            tag
        };
        (0..n).map(digit).collect()
    })
}

/// score(y), as defined in the module.
pub(super) fn score(rows: &[&[f32]], transitions: &[f32], path: &[usize]) -> f64 {
    let tags = rows[0].len();
    let last = path[path.len() - 1];
    let ends = [transitions[tags * tags + path[0]], transitions[(tags + 1) * tags + last]];
    let emissions = path.iter().zip(rows).map(|(&tag, row)| row[tag]);
    let pairs = path.windows(2).map(|pair| transitions[pair[0] * tags + pair[1]]);
    emissions.chain(pairs).chain(ends).map(f64::from).sum()
}

/// One sequence's loss and gradients.
struct Exact {
    loss: f64,
    grad_emissions: Vec<f64>,
    grad_transitions: Vec<f64>,
}

impl Exact {
    fn new(n: usize, tags: usize) -> Self {
        let (grad_emissions, grad_transitions) =
            (vec![0.0; n * tags], vec![0.0; (tags + 2) * tags]);
        Self { loss: 0.0, grad_emissions, grad_transitions }
    }

    /// Adds `weight` times the transition and emission counts of a path.
    fn count(&mut self, path: &[usize], tags: usize, weight: f64) {
        for (t, tag) in path.iter().enumerate() {
            self.grad_emissions[t * tags + tag] += weight;
        }
        for pair in path.windows(2) {
            self.grad_transitions[pair[0] * tags + pair[1]] += weight;
        }
        self.grad_transitions[tags * tags + path[0]] += weight;
        self.grad_transitions[(tags + 1) * tags + path[path.len() - 1]] += weight;
    }

    /// By enumeration of all paths.
    fn enumerated(rows: &[&[f32]], transitions: &[f32], gold: &[usize]) -> Self {
        let tags = rows[0].len();
        let all: Vec<_> =
            paths(tags, rows.len()).map(|path| (score(rows, transitions, &path), path)).collect();
        let log_z = log_sum_exp(all.iter().map(|(score, _)| *score));
        let mut exact = Self::new(rows.len(), tags);
        for (score, path) in &all {
            exact.count(path, tags, (score - log_z).exp());
        }
        exact.count(gold, tags, -1.0);
        exact.loss = log_z - score(rows, transitions, gold);
        exact
    }

    /// By the textbook forward-backward algorithm in f64.
    fn summed(rows: &[&[f32]], transitions: &[f32], gold: &[usize]) -> Self {
        let (n, tags) = (rows.len(), rows[0].len());
        let emission = |t: usize, tag: usize| f64::from(rows[t][tag]);
        let weight = |from: usize, to: usize| f64::from(transitions[from * tags + to]);
        let mut alpha = vec![vec![0.0; tags]; n];
        let mut beta = vec![vec![0.0; tags]; n];
        for t in 0..n {
            for j in 0..tags {
                let before = if t == 0 {
                    weight(tags, j)
                } else {
                    log_sum_exp((0..tags).map(|i| alpha[t - 1][i] + weight(i, j)))
                };
                alpha[t][j] = emission(t, j) + before;
            }
        }
        for t in (0..n).rev() {
            for i in 0..tags {
                beta[t][i] = if t + 1 == n {
                    weight(tags + 1, i)
                } else {
                    let after = |j| weight(i, j) + emission(t + 1, j) + beta[t + 1][j];
                    log_sum_exp((0..tags).map(after))
                };
            }
        }
        let log_z = log_sum_exp((0..tags).map(|i| alpha[n - 1][i] + beta[n - 1][i]));
        let mut exact = Self::new(n, tags);
        for t in 0..n {
            let before: &[f64] = if t == 0 { &[] } else { &alpha[t - 1] };
            for j in 0..tags {
                let p = (alpha[t][j] + beta[t][j] - log_z).exp();
                exact.grad_emissions[t * tags + j] += p;
                if t == 0 {
                    exact.grad_transitions[tags * tags + j] += p;
                }
                if t + 1 == n {
                    exact.grad_transitions[(tags + 1) * tags + j] += p;
                }
                for (i, before) in before.iter().enumerate() {
                    let joint = before + weight(i, j) + emission(t, j) + beta[t][j];
                    exact.grad_transitions[i * tags + j] += (joint - log_z).exp();
                }
            }
        }
        exact.count(gold, tags, -1.0);
        exact.loss = log_z - score(rows, transitions, gold);
        exact
    }
}

fn log_sum_exp(scores: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = scores.clone().fold(f64::NEG_INFINITY, f64::max);
    largest + scores.map(|score| (score - largest).exp()).sum::<f64>().ln()
}

/// A batch of random scores.
struct Case {
    packing: Packing,
    emissions: Var,
    transitions: ParamRef,
    gold: Vec<u32>,
}

impl Case {
    fn new(lengths: &[usize], tags: usize, emission: f32, transition: f32) -> Result<Self> {
        let packing = Packing::new(lengths.to_vec());
        let rows = packing.n_rows();
        Ok(Self {
            emissions: check::var("emissions", (rows, tags), emission)?,
            transitions: check::weight("transitions", (tags + 2, tags), transition)?,
            gold: check::labels("gold", rows, tags),
            packing,
        })
    }

    fn each(&self, layer: Layer) -> Result<Tensor> {
        layer(&self.emissions, &self.transitions, self.gold.clone(), &self.packing)
    }

    /// Losses and gradients, multiplied by a factor per sequence, must equal those of `exact`.
    fn assert(
        &self,
        exact: impl Fn(&[&[f32]], &[f32], &[usize]) -> Exact + Copy,
        relative: f32,
        absolute: f32,
    ) -> Result<()> {
        BOTH.iter().try_for_each(|layer| self.assert_one(*layer, exact, relative, absolute))
    }

    fn assert_one(
        &self,
        layer: Layer,
        exact: impl Fn(&[&[f32]], &[f32], &[usize]) -> Exact + Copy,
        relative: f32,
        absolute: f32,
    ) -> Result<()> {
        let tags = self.emissions.dim(1)?;
        let (emissions, transitions) = (to_vec(&self.emissions)?, to_vec(self.transitions.var())?);
        let each = self.each(layer)?;
        // Without gradients a loss is the same up to the order of summation.
        let scored =
            layer(&self.emissions.detach(), &self.transitions, self.gold.clone(), &self.packing)?;
        check::assert_tensors_close(&scored, &each, 1e-5, absolute);
        let factors = check::values("factors", self.packing.n_sequences(), 1.0);
        let mut losses = Vec::new();
        let mut grad_emissions = vec![0.0; emissions.len()];
        let mut grad_transitions = vec![0.0; transitions.len()];
        for (b, &factor) in factors.iter().enumerate() {
            let rows: Vec<&[f32]> =
                self.packing.rows(b).map(|row| &emissions[row * tags..][..tags]).collect();
            let gold: Vec<usize> =
                self.packing.rows(b).map(|row| self.gold[row] as usize).collect();
            let exact = exact(&rows, &transitions, &gold);
            losses.push(exact.loss as f32);
            for (row, by) in self.packing.rows(b).zip(exact.grad_emissions.chunks(tags)) {
                for (sum, by) in grad_emissions[row * tags..].iter_mut().zip(by) {
                    *sum = (f64::from(factor) * by) as f32;
                }
            }
            for (sum, by) in grad_transitions.iter_mut().zip(&exact.grad_transitions) {
                *sum += (f64::from(factor) * by) as f32;
            }
        }
        check::assert_close(&to_vec(&each)?, &losses, relative, absolute);
        let found = check::gradients(&[&self.emissions, &self.transitions], &each)?;
        check::assert_close(&to_vec(&found[0])?, &grad_emissions, relative, absolute);
        check::assert_close(&to_vec(&found[1])?, &grad_transitions, relative, absolute);
        Ok(())
    }
}

#[test]
fn losses_and_gradients_equal_the_enumeration_of_all_paths() -> Result<()> {
    for tags in 1..=4 {
        Case::new(&[5, 4, 3, 3, 2, 1, 1], tags, 1.5, 1.5)?.assert(Exact::enumerated, 1e-5, 1e-5)?;
    }
    Ok(())
}

#[test]
fn widely_differing_transitions_are_summed_correctly() -> Result<()> {
    // On either side of the range in which products are used instead of the log domain.
    for transition in [12.0, 14.9, 15.1, 40.0] {
        for emission in [1.5, 300.0] {
            let case = Case::new(&[5, 5, 4, 3, 2, 1], 4, emission, transition)?;
            let absolute = if emission > 100.0 { 5e-4 } else { 2e-5 };
            case.assert(Exact::enumerated, 1e-5, absolute)?;
            let case = Case::new(&[60, 7], 23, emission, transition)?;
            case.assert(Exact::summed, 1e-4, 1e-3)?;
        }
    }
    Ok(())
}

#[test]
fn gradients_match_finite_differences() -> Result<()> {
    let case = Case::new(&[4, 2, 1], 3, 1.0, 1.0)?;
    for layer in BOTH {
        check::assert_differences(&[&case.emissions, &case.transitions], || case.each(layer));
    }
    // One transition is so improbable that the log domain is used.
    let mut transitions = to_vec(case.transitions.var())?;
    transitions[1] = -50.0;
    let shape = case.transitions.var().shape().clone();
    case.transitions.var().set(&Tensor::from_vec(transitions, shape, &Device::Cpu)?)?;
    for layer in BOTH {
        check::assert_differences(&[&case.emissions, &case.transitions], || case.each(layer));
    }
    Ok(())
}

#[test]
fn scores_of_any_size_are_summed_correctly() -> Result<()> {
    // f32 represents 100 to within 8e-6 and 1000 to within 6e-5, and a sequence has about ten of
    // them; the relative error of a probability is the absolute error of its logarithm.
    for (scale, absolute) in [(100.0, 2e-4), (1000.0, 2e-3)] {
        for (emission, transition) in [(scale, scale), (scale, 1.0), (1.0, scale)] {
            for tags in 2..=4 {
                let case = Case::new(&[5, 4, 2, 1], tags, emission, transition)?;
                case.assert(Exact::enumerated, 1e-5, absolute)?;
            }
        }
    }
    Ok(())
}

#[test]
fn equal_large_scores_make_all_paths_equally_probable() -> Result<()> {
    for score in [-1000.0f32, -100.0, 100.0, 1000.0] {
        let case = Case::new(&[4, 1], 3, 1.0, 1.0)?;
        case.emissions.set(&(case.emissions.ones_like()? * f64::from(score))?)?;
        case.transitions.var().set(&(case.transitions.var().ones_like()? * f64::from(score))?)?;
        case.assert(Exact::enumerated, 1e-5, 1e-4)?;
    }
    Ok(())
}

#[test]
fn three_hundred_tokens_agree_with_f64() -> Result<()> {
    for (emission, transition) in [(2.0, 2.0), (10.0, 5.0), (100.0, 30.0)] {
        let case = Case::new(&[300, 40], 20, emission, transition)?;
        case.assert(Exact::summed, 1e-4, 1e-4)?;
    }
    Ok(())
}

#[test]
fn an_empty_batch_has_no_losses() -> Result<()> {
    let case = Case::new(&[], 3, 1.0, 1.0)?;
    for layer in BOTH {
        let each = case.each(layer)?;
        assert_eq!(each.dims(), [0]);
        let store = each.sum_all()?.backward()?;
        if let Some(gradient) = case.transitions.gradient(&store) {
            assert!(to_vec(&gradient)?.iter().all(|&g| g == 0.0));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn no_loss_is_negative(
        mut lengths in prop::collection::vec(1usize..9, 1..6),
        tags in 1usize..12,
        scale in prop::sample::select(vec![0.1f32, 1.0, 10.0, 100.0, 1000.0]),
    ) {
        lengths.sort_by(|a, b| b.cmp(a));
        let case = Case::new(&lengths, tags, scale, 1.0).unwrap();
        for layer in BOTH {
            let losses = to_vec(&case.each(layer).unwrap()).unwrap();
            let are_losses = losses.iter().all(|&loss| loss >= 0.0 && loss.is_finite());
            prop_assert!(are_losses, "{losses:?}");
        }
    }
}
