//! The random draws of the generator. Weights are integers, so that rounding cannot differ between
//! machines.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A random number generator.
#[derive(Clone)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// A generator with a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `n`, uniformly distributed.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n as u32) as usize
    }

    /// True with this probability in percent.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// An element of the list, uniformly distributed.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }

    /// An index into the weights, drawn in proportion to them.
    pub(crate) fn weighted(&mut self, weights: &[usize]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (place, weight) in weights.iter().enumerate() {
            if left < *weight {
                return place;
            }
            left -= weight;
        }
        unreachable!("the draw is below the sum of the weights")
    }

    /// An element of the list, Zipf-distributed: the k-th, from 1, has a probability in proportion
    /// to 1 / (k + 2).
    pub(crate) fn zipf<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let weights: Vec<usize> = (0..list.len()).map(|place| 10_000 / (place + 3)).collect();
        &list[self.weighted(&weights)]
    }
}
