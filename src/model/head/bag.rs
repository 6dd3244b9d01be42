//! Bag: the words of a text from one vector, whatever their order (Weng et al. 2017, "Neural machine translation with
//! word predictions").
//!
//! With p = softmax(x·W + b) over the words of a vocabulary, and y the bag of a row's words, in which a word is as often
//! as in the text: loss = −(Σ_k ln p_{y_k}) / |y|. There is one row of scores for each vector, not one for each of its
//! words, and those of some vectors at a time are in memory.

use candle_core::{Result, Tensor};

use super::{HIDDEN, HeadConfig, HeadKind, HeadLoss, KEYS};
use crate::{
    data::Packing,
    kernel::{self, ParamRef, TargetBags},
    keys::{Key, Values},
    model::{
        parameters::{Linear, Scope},
        tap::RowKind,
    },
};

pub(super) struct Bag;

impl HeadKind for Bag {
    fn name(&self) -> &'static str {
        "bag"
    }

    fn about(&self) -> &'static str {
        "softmax over the words of a vocabulary, for a bag of words that each row predicts"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn works_on(&self, _on: RowKind) -> bool {
        true
    }

    fn supports_class_weights(&self) -> bool {
        false
    }

    fn configure(&self, values: &Values) -> HeadConfig {
        HeadConfig::Bag(BagConfig { hidden: values.count(HIDDEN.name) })
    }
}

/// The parsed options of a head for bags of words.
#[derive(Clone, Copy, Debug)]
pub struct BagConfig {
    /// The size of the tanh layer; 0 for none.
    hidden: usize,
}

impl BagConfig {
    /// Builds it, for rows of this dimension and so many words.
    pub fn build(self, scope: &mut Scope<'_>, width: usize, n_words: usize) -> Result<BagHead> {
        let (hidden, width) = match self.hidden {
            0 => (None, width),
            hidden => (Some(scope.linear("hidden", width, hidden)?), hidden),
        };
        let mut scope = scope.child("output");
        let bound = (6.0 / (width + n_words) as f64).sqrt();
        Ok(BagHead {
            hidden,
            weights: scope.uniform("weight", &[n_words, width], bound)?,
            bias: scope.from_values("bias", &[n_words], vec![0.0; n_words])?,
        })
    }
}

/// A head for bags of words.
pub struct BagHead {
    hidden: Option<Linear>,
    /// W, by word, so that the weights of a bag's words are read row by row: (words, width).
    weights: ParamRef,
    /// b: (words).
    bias: ParamRef,
}

/// The results of a head for bags in an evaluation.
pub struct BagEvaluation {
    /// The loss, equal to [`BagHead::loss`] on the CPU bit for bit; `None` if every bag is empty.
    pub loss: Option<HeadLoss>,
    /// The most probable words of each row, from the most probable on.
    pub words: Vec<Vec<u32>>,
}

/// Rows whose scores an evaluation has in memory at a time.
const ROWS: usize = 256;

impl BagHead {
    /// The loss of those rows of x (rows, width) whose bag is not empty, and their number; `None` if there are none.
    pub fn loss(
        &self,
        x: &Tensor,
        bags: &TargetBags,
        packing: &Packing,
    ) -> Result<Option<HeadLoss>> {
        let rows = filled(bags, 0..bags.n_rows());
        if rows.is_empty() {
            return Ok(None);
        }
        let x =
            if rows.len() == bags.n_rows() { x.clone() } else { kernel::gather(x, rows.clone())? };
        let x = self.hidden(&x)?;
        let per_row =
            kernel::bag_cross_entropy(&x, &self.weights, &self.bias, bags.of_rows(&rows))?;
        by_example(&per_row, &rows, packing).map(Some)
    }

    /// The loss without a gradient, and for each row so many of its most probable words, of equal ones those of the
    /// lower ids; all words if there are not so many.
    pub fn evaluate(
        &self,
        x: &Tensor,
        bags: &TargetBags,
        packing: &Packing,
        n_words: &[usize],
    ) -> Result<BagEvaluation> {
        let n_rows = n_words.len();
        let n_classes = self.bias.var().dims1()?;
        if n_classes == 0 {
            return Ok(BagEvaluation { loss: None, words: vec![Vec::new(); n_rows] });
        }
        let (mut losses, mut words) = (Vec::new(), Vec::with_capacity(n_rows));
        let all = filled(bags, 0..n_rows);
        for first in (0..n_rows).step_by(ROWS) {
            let n = ROWS.min(n_rows - first);
            let x = self.hidden(&x.detach().narrow(0, first, n)?)?;
            let scores = kernel::linear_tied(&x, &self.weights, &self.bias)?.detach(); // (rows, words)
            let rows = filled(bags, first..first + n);
            if !rows.is_empty() {
                let here = rows.iter().map(|row| row - first as u32).collect();
                let scores = kernel::gather(&scores, here)?;
                losses.push(kernel::bag_cross_entropy_of_logits(&scores, &bags.of_rows(&rows))?);
            }
            let scores = kernel::to_vec(&scores)?;
            let of_rows = scores.chunks_exact(n_classes).zip(&n_words[first..]);
            words.extend(of_rows.map(|(scores, &n)| largest(scores, n)));
        }
        let loss = if losses.is_empty() {
            None
        } else {
            Some(by_example(&Tensor::cat(&losses, 0)?, &all, packing)?)
        };
        Ok(BagEvaluation { loss, words })
    }

    /// x (rows, width) as input to the output layer.
    fn hidden(&self, x: &Tensor) -> Result<Tensor> {
        #[cfg(test)]
        super::count::add(self);
        match &self.hidden {
            None => x.contiguous(),
            Some(hidden) => kernel::tanh(&hidden.forward(x)?),
        }
    }
}

/// Those of these rows whose bag is not empty.
fn filled(bags: &TargetBags, rows: std::ops::Range<usize>) -> Vec<u32> {
    rows.filter(|&row| !bags.of_row(row).is_empty()).map(|row| row as u32).collect()
}

/// The loss by example, given that of these rows.
fn by_example(per_row: &Tensor, rows: &[u32], packing: &Packing) -> Result<HeadLoss> {
    let examples = packing.examples_of_rows();
    let groups = rows.iter().map(|&row| examples[row as usize]).collect();
    let per_example = kernel::sum_by_group(per_row, groups, packing.n_examples())?;
    Ok(HeadLoss { per_example, count: rows.len() })
}

/// The indices of the n largest scores, the first of equal ones first; all if there are not so many.
fn largest(scores: &[f32], n: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    let score = |at: u32| scores[at as usize];
    let by_score = |&a: &u32, &b: &u32| score(b).total_cmp(&score(a)).then(a.cmp(&b));
    if n < order.len() {
        order.select_nth_unstable_by(n, by_score);
        order.truncate(n);
    }
    order.sort_unstable_by(by_score);
    order
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use candle_core::{DType, Device, Var};

    use super::*;
    use crate::model::Parameters;

    /// A head whose scores are the rows themselves, over three words.
    fn head() -> Result<(Parameters, BagHead)> {
        let mut parameters = Parameters::new(1, &Device::Cpu)?;
        let head = BagConfig { hidden: 0 }.build(&mut parameters.scope("head"), 3, 3)?;
        head.weights.var().set(&Tensor::eye(3, DType::F32, &Device::Cpu)?)?;
        Ok((parameters, head))
    }

    /// Probabilities 1/6, 2/6, 3/6 and 1/4, 1/2, 1/4.
    fn rows() -> Result<Var> {
        let ln = |x: f32| x.ln();
        Var::new(&[[ln(1.0), ln(2.0), ln(3.0)], [0.0, ln(2.0), 0.0]], &Device::Cpu)
    }

    #[test]
    fn a_word_counts_as_often_as_it_is_in_the_bag_and_empty_bags_do_not_count() -> Result<()> {
        let (_, head) = head()?;
        let packing = Packing::of_examples(2);
        let x = rows()?;
        // Word 2 twice, and word 0.
        let bags = TargetBags::new(vec![2, 0, 2], vec![0..3, 0..0]);
        let loss = head.loss(&x, &bags, &packing)?.unwrap();
        assert_eq!(loss.count, 1);
        let wanted = (2.0 * 2f32.ln() + 6f32.ln()) / 3.0;
        let found = kernel::to_vec(&loss.per_example)?;
        assert!((found[0] - wanted).abs() < 1e-6 && found[1] == 0.0, "{found:?}");
        // p − q in the first row, nothing in the second.
        let gradients = loss.per_example.sum_all()?.backward()?;
        let found = kernel::to_vec(gradients.get(&x).unwrap())?;
        let wanted = [1.0 / 6.0 - 1.0 / 3.0, 1.0 / 3.0, 0.5 - 2.0 / 3.0, 0.0, 0.0, 0.0];
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        let none = TargetBags::new(Vec::new(), vec![0..0; 2]);
        assert!(head.loss(&x, &none, &packing)?.is_none());
        Ok(())
    }

    #[test]
    fn an_evaluation_has_the_loss_of_training_and_the_most_probable_words() -> Result<()> {
        let mut parameters = Parameters::new(1, &Device::Cpu)?;
        let head = BagConfig { hidden: 3 }.build(&mut parameters.scope("head"), 2, 7)?;
        // More rows than are in memory at a time, some without a bag.
        let n = 2 * ROWS + 5;
        let values = (0..2 * n).map(|at| (at as f32 * 0.7).sin()).collect();
        let x = Var::from_vec(values, (n, 2), &Device::Cpu)?;
        let bags = (0..n).map(|row| row % 5..row % 5 + row % 3).collect();
        let bags = TargetBags::new((0..7).collect(), bags);
        let packing = Packing::of_examples(n);
        let n_words: Vec<usize> = (0..n).map(|row| row % 9).collect();
        let evaluated = head.evaluate(&x, &bags, &packing, &n_words)?;
        let (found, wanted) = (evaluated.loss.unwrap(), head.loss(&x, &bags, &packing)?.unwrap());
        assert_eq!(found.count, wanted.count);
        assert!(!found.per_example.track_op());
        let close = if kernel::is_fused(&Device::Cpu) { 0.0 } else { 1e-5 };
        let [found, wanted] = [found, wanted].map(|loss| kernel::to_vec(&loss.per_example));
        assert!(found?.iter().zip(&wanted?).all(|(a, b)| (a - b).abs() <= close));
        let lengths: Vec<usize> = evaluated.words.iter().map(Vec::len).collect();
        assert_eq!(lengths, n_words.iter().map(|&n| n.min(7)).collect::<Vec<_>>());
        Ok(())
    }

    #[test]
    fn words_are_in_the_order_of_their_probabilities_and_equal_ones_in_that_of_their_ids()
    -> Result<()> {
        let (_, head) = head()?;
        let x = rows()?;
        let none = TargetBags::new(Vec::new(), vec![0..0; 2]);
        let packing = Arc::new(Packing::of_examples(2));
        let evaluated = head.evaluate(&x, &none, &packing, &[2, 3])?;
        assert!(evaluated.loss.is_none());
        assert_eq!(evaluated.words, [vec![2, 1], vec![1, 0, 2]]);
        Ok(())
    }

    #[test]
    fn gradients_reach_all_parameters_of_the_head() -> Result<()> {
        let mut parameters = Parameters::new(1, &Device::Cpu)?;
        let head = BagConfig { hidden: 4 }.build(&mut parameters.scope("head"), 3, 5)?;
        let bags = TargetBags::new(vec![4, 1], vec![0..2, 0..1]);
        let x = rows()?;
        let loss = head.loss(&x, &bags, &Packing::of_examples(2))?.unwrap();
        loss.per_example.sum_all()?.backward()?;
        let grads = parameters.param_grads().take();
        let names: Vec<&str> =
            parameters.all().iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!(
            names,
            ["head.hidden.weight", "head.hidden.bias", "head.output.weight", "head.output.bias"]
        );
        assert_eq!(grads.len(), names.len());
        Ok(())
    }
}
