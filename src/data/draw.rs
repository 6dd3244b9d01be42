//! Every draw is a pure function of (seed, purpose, name, counter).
//!
//! No generator's state is carried from draw to draw, so none is in a checkpoint, and an objective
//! that is absent takes no draw away from the others.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a draw is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The first values of the parameter of that name.
    Init,
    /// The mask at a dropout site; the counter is the step.
    Dropout,
    /// The order of a corpus; the counter is the pass.
    Shuffle,
    /// Which groups a step draws; the counter is the step.
    Sampling,
    /// A split carved from another; seeded by the recipe's key, never by the run.
    Carve,
}

impl Purpose {
    fn tag(self) -> u64 {
        match self {
            Self::Init => 1,
            Self::Dropout => 2,
            Self::Shuffle => 3,
            Self::Sampling => 4,
            Self::Carve => 5,
        }
    }
}

/// A generator for one draw. The `ChaCha8` generator's stream is fixed for good, unlike that of `StdRng`.
pub fn draw(seed: u64, purpose: Purpose, name: &str, counter: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (place, word) in [seed, purpose.tag(), fnv1a(name), counter].into_iter().enumerate() {
        key[place * 8..][..8].copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// FNV-1a, 64 bits (Fowler, Noll and Vo 1991): std's hasher promises no stable value.
fn fnv1a(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn a_draw_depends_on_all_four_and_on_nothing_else() {
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
