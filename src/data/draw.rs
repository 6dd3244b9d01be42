//! Every draw is a pure function of (seed, purpose, name, counter).
//!
//! No generator keeps its state between draws, so a checkpoint stores none, and an absent objective
//! does not change the draws of others.

use std::f64::consts::TAU;

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The purpose of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The initial values of the parameter with that name.
    Init,
    /// The mask at a dropout site; the counter is the step.
    Dropout,
    /// The order of a corpus; the counter is the epoch.
    Shuffle,
    /// Which groups a step draws; the counter is the step.
    Sampling,
    /// The utility of the group with that name as the companion of the main objective's; the counter is the round.
    Companion,
    /// A split held out of another; seeded by the recipe's key, never by the run.
    HoldOut,
    /// The weighting coefficient of the objective with that name; the counter is the step.
    Weighting,
    /// Negative candidates from other examples, for the objective with that name; the counter is a hash of the
    /// batch's examples.
    Negatives,
    /// The segments that the objective with that name reads; the counter is a hash of its updates and the batch's
    /// examples.
    Selection,
    /// The texts that the objective with that name samples, for batches of the corpus after it; the counter is the step.
    Texts,
    /// The words that the decoder with that name reads in place of those of a target; the counter is the step.
    ScheduledSampling,
    /// The examples of dev of the corpus with that name that are shown after each evaluation.
    Samples,
    /// What a reader makes from plain text; seeded by the corpus's key, never by the run. The counter is the example.
    Examples,
}

impl Purpose {
    fn tag(self) -> u64 {
        match self {
            Self::Init => 1,
            Self::Dropout => 2,
            Self::Shuffle => 3,
            Self::Sampling => 4,
            Self::HoldOut => 5,
            Self::Weighting => 6,
            Self::Negatives => 7,
            Self::Examples => 8,
            Self::Selection => 9,
            Self::Texts => 10,
            Self::ScheduledSampling => 11,
            Self::Samples => 12,
            Self::Companion => 13,
        }
    }
}

/// A generator for one draw. The stream of `ChaCha8` is fixed forever, unlike that of `StdRng`.
pub fn draw(seed: u64, purpose: Purpose, name: &str, counter: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (place, word) in [seed, purpose.tag(), fnv1a(name), counter].into_iter().enumerate() {
        key[place * 8..][..8].copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// Shuffles a slice uniformly (Fisher and Yates 1938). Implemented here because rand's own shuffle
/// may change between versions, and with it the epoch of a checkpoint.
pub fn shuffle<T>(items: &mut [T], rng: &mut impl RngCore) {
    for place in (1..items.len()).rev() {
        items.swap(place, below(place + 1, rng));
    }
}

/// An integer from 0 to `n` - 1, each with the same probability; 0 if `n` is 0.
pub fn below(n: usize, rng: &mut impl RngCore) -> usize {
    // The high half of a 128-bit product is below n; its bias is under 2^-32.
    ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize
}

/// Moves `n` of the items, or all if there are fewer, to the front, each of them with the same probability, and
/// returns these.
pub fn choose<'a, T>(items: &'a mut [T], n: usize, rng: &mut impl RngCore) -> &'a [T] {
    let n = n.min(items.len());
    for place in 0..n {
        items.swap(place, place + below(items.len() - place, rng));
    }
    &items[..n]
}

/// A uniform value in [0, 1) with 53 bits.
pub fn unit(rng: &mut impl RngCore) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// `n` values from a standard normal distribution (Box and Muller 1958).
pub fn gaussian(n: usize, rng: &mut impl RngCore) -> Vec<f64> {
    let pairs = (0..n.div_ceil(2)).flat_map(|_| {
        // Positive, so that the logarithm is finite.
        let radius = (-2.0 * (1.0 - unit(rng)).ln()).sqrt();
        let (sin, cos) = (TAU * unit(rng)).sin_cos();
        [radius * cos, radius * sin]
    });
    pairs.take(n).collect()
}

/// A counter from several numbers, each with the weight of a byte in FNV-1a, after those that `first` stands for.
pub fn counter(first: u64, numbers: impl IntoIterator<Item = u64>) -> u64 {
    numbers.into_iter().fold(first, |hash, of| (hash ^ of).wrapping_mul(0x0100_0000_01b3))
}

/// What stands for no numbers: the offset of FNV-1a, 64 bits (Fowler, Noll and Vo 1991).
pub const NO_NUMBERS: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: std's hasher promises no stable value.
fn fnv1a(name: &str) -> u64 {
    counter(NO_NUMBERS, name.bytes().map(u64::from))
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn a_shuffle_is_a_uniform_permutation() {
        let mut firsts = [0; 4];
        for counter in 0..4_000 {
            let mut items = [0, 1, 2, 3];
            shuffle(&mut items, &mut draw(1, Purpose::Shuffle, "news", counter));
            firsts[items[0]] += 1;
            items.sort_unstable();
            assert_eq!(items, [0, 1, 2, 3]);
        }
        // Four standard deviations of a binomial with n = 4000 and p = 1/4 are 110.
        assert!(firsts.iter().all(|first| (890..=1_110).contains(first)), "{firsts:?}");
    }

    #[test]
    fn chosen_items_are_distinct_and_each_is_as_likely() {
        let mut counts = [0; 5];
        for counter in 0..2_000 {
            let mut items = [0, 1, 2, 3, 4];
            let mut rng = draw(1, Purpose::Negatives, "click", counter);
            let [one, other] = *choose(&mut items, 2, &mut rng) else { panic!("two of five") };
            assert_ne!(one, other);
            counts[one] += 1;
            counts[other] += 1;
        }
        // Four standard deviations of a binomial with n = 2000 and p = 2/5 are 88.
        assert!(counts.iter().all(|count| (712..=888).contains(count)), "{counts:?}");
        let mut rng = draw(1, Purpose::Negatives, "click", 0);
        assert_eq!(choose(&mut [7], 3, &mut rng), [7]);
    }

    #[test]
    fn a_uniform_draw_is_below_one() {
        let mut rng = draw(1, Purpose::Sampling, "", 0);
        let draws: Vec<f64> = (0..1_000).map(|_| unit(&mut rng)).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        let mean = draws.iter().sum::<f64>() / 1_000.0;
        assert!((mean - 0.5).abs() < 0.04, "{mean}");
    }

    #[test]
    fn a_draw_depends_on_seed_purpose_name_and_counter_only() {
        let first =
            |seed, purpose, name, counter| -> u64 { draw(seed, purpose, name, counter).random() };
        let here = first(1, Purpose::Init, "words", 0);
        assert_eq!(here, first(1, Purpose::Init, "words", 0));
        assert_ne!(here, first(2, Purpose::Init, "words", 0));
        assert_ne!(here, first(1, Purpose::Dropout, "words", 0));
        assert_ne!(here, first(1, Purpose::Init, "word", 0));
        assert_ne!(here, first(1, Purpose::Init, "words", 1));
        // The published test vector of FNV-1a for "a".
        assert_eq!(fnv1a("a"), 0xaf63_dc4c_8601_ec8c);
    }
}
