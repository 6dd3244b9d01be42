//! Pair: scores for pairs of rows, such as a token and a possible head.
//!
//! Both rows first pass a tanh layer of their own, if `hidden` is above 0: d and h. With the scorer `biaffine`
//! (Dozat and Manning 2017) a pair's score for label r is dᵀ·U_r·h + u_r·h + v_r·d + b_r; with `mlp` (Kiperwasser
//! and Goldberg 2016) it is w_r·tanh(A·d + B·h + a) + b_r, where the tanh layer of each row is left out, as A and
//! B do its work.

use candle_core::{Result, Tensor};

use super::{HeadConfig, HeadKind};
use crate::{
    kernel::{self, PairGroup},
    keys::{Key, MAX_WIDTH, ValueType, Values},
    model::{
        parameters::{Linear, Scope},
        tap::RowKind,
    },
};

pub(super) struct Pair;

pub(super) const HIDDEN: Key = Key::with_default(
    "hidden",
    ValueType::Within(1, MAX_WIDTH),
    "100",
    "hidden size of the tanh layers",
);

const SCORER: Key = Key::with_default(
    "scorer",
    ValueType::Choice(&["biaffine", "mlp"]),
    "\"biaffine\"",
    "score of a pair: a biaffine form of two tanh layers, or one tanh layer over both rows",
);

impl HeadKind for Pair {
    fn name(&self) -> &'static str {
        "pair"
    }

    fn about(&self) -> &'static str {
        "scores of pairs of rows: biaffine, or with a tanh layer over both"
    }

    fn keys(&self) -> &'static [Key] {
        &[HIDDEN, SCORER]
    }

    fn works_on(&self, _on: RowKind) -> bool {
        true
    }

    fn supports_class_weights(&self) -> bool {
        false
    }

    fn configure(&self, values: &Values) -> HeadConfig {
        let is_biaffine = values.text(SCORER.name) == "biaffine";
        HeadConfig::Pairs(PairConfig { hidden: values.count(HIDDEN.name), is_biaffine })
    }
}

/// The elements that the scores of a decoded batch may take in memory at a time: 16 MiB.
const MAX_ELEMENTS: usize = 1 << 22;

/// The parsed options of a head for pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairConfig {
    /// The size of the tanh layers.
    hidden: usize,
    /// Whether scores are biaffine; otherwise of a tanh layer over both rows.
    is_biaffine: bool,
}

impl PairConfig {
    /// Creates a scorer of pairs of rows of these dimensions (left, right), with a score for each of `n_labels`.
    pub fn build(
        self,
        scope: &mut Scope<'_>,
        widths: [usize; 2],
        n_labels: usize,
    ) -> Result<PairScorer> {
        let hidden = self.hidden;
        let [left, right] = widths;
        let (left, right) =
            (scope.linear("left", left, hidden)?, scope.linear("right", right, hidden)?);
        let output = if self.is_biaffine {
            // For each label a column for each element of the right row, and one for the terms without it.
            Output::Biaffine(scope.linear("biaffine", hidden, n_labels * (hidden + 1))?)
        } else {
            Output::Mlp(scope.linear("output", hidden, n_labels)?)
        };
        Ok(PairScorer { left, right, output, n_labels })
    }

    /// Elements that a step holds for so many pairs, besides the rows.
    pub fn scratch(self, n_pairs: u64) -> u64 {
        let per_pair = if self.is_biaffine { 4 } else { 4 * self.hidden as u64 };
        n_pairs.saturating_mul(per_pair)
    }
}

/// Scores of pairs of rows, with its parameters.
#[derive(Debug)]
pub struct PairScorer {
    left: Linear,
    right: Linear,
    output: Output,
    n_labels: usize,
}

#[derive(Debug)]
enum Output {
    Biaffine(Linear),
    Mlp(Linear),
}

/// The rows of both sides after the layers that every pair of a row shares.
pub struct PairRows {
    left: Tensor,
    right: Tensor,
}

impl PairScorer {
    /// The number of scores of a pair.
    pub fn n_labels(&self) -> usize {
        self.n_labels
    }

    /// What the pairs of these rows (rows, width) and (others, other width) share. The right rows may be in parts, one after
    /// the other: so rows that an objective taps are followed by others without a copy, and remain a leaf of the backward pass.
    pub fn rows(&self, left: &Tensor, right: &[&Tensor]) -> Result<PairRows> {
        #[cfg(test)]
        super::count::add(self);
        let left = self.left.forward(left)?;
        let parts =
            right.iter().map(|part| self.right.forward(part)).collect::<Result<Vec<_>>>()?;
        let right = Tensor::cat(&parts, 0)?;
        Ok(match self.output {
            Output::Biaffine(_) => {
                PairRows { left: kernel::tanh(&left)?, right: kernel::tanh(&right)? }
            }
            Output::Mlp(_) => PairRows { left, right },
        })
    }

    /// The score of each pair of the groups, for a scorer of one label: (pairs), in the order of
    /// [`PairGroup::pairs`].
    pub fn all(&self, rows: &PairRows, groups: &[PairGroup]) -> Result<Tensor> {
        assert_eq!(self.n_labels, 1, "a score for each pair");
        match &self.output {
            Output::Biaffine(output) => {
                let left = output.forward(&rows.left)?; // (rows, hidden + 1)
                kernel::pair_products(&left, &with_ones(&rows.right)?, groups)
            }
            Output::Mlp(_) => {
                let (left, right) = groups.iter().flat_map(PairGroup::pairs).unzip();
                self.some(rows, left, right)?.flatten_all()
            }
        }
    }

    /// The label with the largest score of each of these pairs. Scores are in memory for some pairs at a time.
    pub fn best(&self, rows: &PairRows, left: &[u32], right: &[u32]) -> Result<Vec<u32>> {
        let hidden = rows.left.dim(1)?;
        let n_pairs = (MAX_ELEMENTS / (self.n_labels * (hidden + 1))).max(1);
        let mut best = Vec::with_capacity(left.len());
        for (left, right) in left.chunks(n_pairs).zip(right.chunks(n_pairs)) {
            best.extend(kernel::argmax(&self.some(rows, left.to_vec(), right.to_vec())?)?);
        }
        Ok(best)
    }

    /// The scores of the pairs of these left and right rows: (pairs, labels).
    pub fn some(&self, rows: &PairRows, left: Vec<u32>, right: Vec<u32>) -> Result<Tensor> {
        let (left, right) =
            (kernel::gather(&rows.left, left)?, kernel::gather(&rows.right, right)?);
        match &self.output {
            Output::Biaffine(output) => {
                kernel::biaffine_label_scores(&output.forward(&left)?, &right)
            }
            Output::Mlp(output) => output.forward(&kernel::tanh(&(left + right)?)?),
        }
    }
}

/// x (rows, width) with a further column of ones.
fn with_ones(x: &Tensor) -> Result<Tensor> {
    let ones = Tensor::ones((x.dim(0)?, 1), x.dtype(), x.device())?;
    Tensor::cat(&[x, &ones], 1)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::model::Parameters;

    fn scorer(parameters: &mut Parameters, is_biaffine: bool, n_labels: usize) -> PairScorer {
        let config = PairConfig { hidden: 3, is_biaffine };
        config.build(&mut parameters.scope("objective.arcs"), [4, 5], n_labels).unwrap()
    }

    fn rows(name: &str, n: usize, width: usize) -> Var {
        let mut parameters = Parameters::new(5, &Device::Cpu).unwrap();
        let rows = parameters.scope("rows").uniform(name, &[n, width], 1.0).unwrap();
        rows.var().clone()
    }

    /// With U the identity, u = (0, 1), v = (10, 0) and b = 100, on rows that tanh barely changes.
    #[test]
    fn a_biaffine_score_worked_by_hand() -> Result<()> {
        let mut parameters = Parameters::new(1, &Device::Cpu)?;
        let config = PairConfig { hidden: 2, is_biaffine: true };
        let scorer = config.build(&mut parameters.scope("p"), [2, 2], 1)?;
        let set = |name: &str, values: &[f32]| -> Result<()> {
            let parameter = parameters.all().iter().find(|it| it.name == format!("p.{name}"));
            let var = &parameter.expect("the parameter has this name").var;
            var.set(&Tensor::from_slice(values, var.shape(), &Device::Cpu)?)
        };
        for side in ["left", "right"] {
            set(&format!("{side}.weight"), &[1.0, 0.0, 0.0, 1.0])?;
        }
        // Columns: the two elements of h, then the terms without h.
        set("biaffine.weight", &[1.0, 0.0, 10.0, 0.0, 1.0, 0.0])?;
        set("biaffine.bias", &[0.0, 1.0, 100.0])?;
        let d = Tensor::new(&[[0.01f32, 0.02]], &Device::Cpu)?;
        let h = Tensor::new(&[[0.03f32, 0.04]], &Device::Cpu)?;
        let pair = PairGroup { left: vec![0], right: vec![0] };
        let score = scorer.all(&scorer.rows(&d, &[&h])?, &[pair])?;
        let wanted = 0.01 * 0.03 + 0.02 * 0.04 + 0.04 + 10.0 * 0.01 + 100.0;
        assert!((kernel::to_vec(&score)?[0] - wanted).abs() < 1e-3);
        Ok(())
    }

    #[test]
    fn the_scores_of_some_pairs_are_those_of_all() -> Result<()> {
        for is_biaffine in [true, false] {
            let mut parameters = Parameters::new(1, &Device::Cpu)?;
            let scorer = scorer(&mut parameters, is_biaffine, 1);
            let rows = scorer.rows(&rows("left", 3, 4), &[&rows("right", 2, 5)])?;
            let groups = [
                PairGroup { left: vec![0, 2], right: vec![1, 0] },
                PairGroup { left: vec![1], right: vec![1] },
            ];
            let all = kernel::to_vec(&scorer.all(&rows, &groups)?)?;
            let (left, right) = groups.iter().flat_map(PairGroup::pairs).unzip();
            let some = kernel::to_vec(&scorer.some(&rows, left, right)?)?;
            for (all, some) in all.iter().zip(&some) {
                assert!((all - some).abs() < 1e-5, "{all}, {some}");
            }
            assert_eq!(all.len(), 5);
            assert_eq!(scorer.best(&rows, &[0, 2, 1], &[1, 0, 1])?, [0, 0, 0]);
        }
        Ok(())
    }

    #[test]
    fn right_rows_in_parts_have_the_scores_and_gradients_of_one_part() -> Result<()> {
        let mut parameters = Parameters::new(1, &Device::Cpu)?;
        let scorer = scorer(&mut parameters, true, 2);
        let (left, right) = (rows("left", 2, 4), rows("right", 2, 5));
        let more = rows("more", 1, 5);
        let of = |parts: &[&Tensor]| -> Result<Vec<Vec<f32>>> {
            let scores = scorer.some(&scorer.rows(&left, parts)?, vec![0, 1, 0], vec![2, 1, 0])?;
            let store = scores.sqr()?.sum_all()?.backward()?;
            let own = parameters.param_grads().take();
            let own = own.into_values().map(|gradient| match gradient {
                crate::kernel::Gradient::Dense(gradient) => gradient.to_vec(),
                crate::kernel::Gradient::Rows(_) => Vec::new(),
            });
            let vars = [&left, &right, &more].map(|var| kernel::to_vec(store.get(var).unwrap()));
            let vars = vars.into_iter().collect::<Result<Vec<_>>>()?;
            Ok([kernel::to_vec(&scores)?].into_iter().chain(own).chain(vars).collect())
        };
        let found = of(&[&right, &more])?.concat();
        let expected = of(&[&Tensor::cat(&[&*right, &*more], 0)?])?.concat();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-5, "{found}, expected {expected}");
        }
        Ok(())
    }

    /// Central differences of Σ factor · score with respect to both rows and every parameter.
    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        for (is_biaffine, n_labels) in [(true, 1), (true, 3), (false, 1), (false, 2)] {
            let mut parameters = Parameters::new(1, &Device::Cpu)?;
            let scorer = scorer(&mut parameters, is_biaffine, n_labels);
            let (left, right) = (rows("left", 3, 4), rows("right", 2, 5));
            let sum = || -> Result<Tensor> {
                let rows = scorer.rows(&left, &[&right])?;
                let some = scorer.some(&rows, vec![0, 2, 0], vec![1, 1, 0])?;
                let mut sum = (some * 0.5)?.sqr()?.sum_all()?;
                if n_labels == 1 {
                    let group = PairGroup { left: vec![0, 1], right: vec![0, 1] };
                    sum = (sum + scorer.all(&rows, &[group])?.sqr()?.sum_all()?)?;
                }
                Ok(sum)
            };
            let store = sum()?.backward()?;
            let n_parameters = parameters.all().len();
            let own = parameters.param_grads().take();
            let vars = parameters.all().iter().map(|it| &it.var).chain([&left, &right]);
            for (at, var) in vars.enumerate() {
                let gradient = match own.get(&at).filter(|_| at < n_parameters) {
                    Some(crate::kernel::Gradient::Dense(gradient)) => gradient.to_vec(),
                    _ => kernel::to_vec(store.get(var).expect("every variable has a gradient"))?,
                };
                let values = kernel::to_vec(var)?;
                for (element, gradient) in gradient.iter().enumerate() {
                    let value_at = |step: f32| -> Result<f32> {
                        let mut moved = values.clone();
                        moved[element] += step;
                        var.set(&Tensor::from_vec(moved, var.shape(), &Device::Cpu)?)?;
                        Ok(kernel::to_vec(&sum()?)?[0])
                    };
                    let difference = (value_at(0.01)? - value_at(-0.01)?) / 0.02;
                    value_at(0.0)?;
                    let off = (gradient - difference).abs();
                    assert!(off < 2e-2 * difference.abs() + 2e-3, "{at}: {gradient}, {difference}");
                }
            }
        }
        Ok(())
    }
}
