//! Heads: from a tap to scores, a loss and a decision. One kind a file, one line in the table.

mod crf;
mod softmax;

use super::tap::On;
use crate::keys::{Key, Takes};

/// Every head auxdesk builds, in the order `auxdesk list` shows them.
pub const HEADS: &[&dyn HeadKind] = &[&softmax::Softmax, &crf::Crf];

/// Heads that recipes may already name and that are still to come.
pub const PLANNED: &[&str] = &["sigmoid", "pair", "span", "pointer", "ctc", "bag", "vector"];

/// The head of that name.
pub fn find(name: &str) -> Option<&'static dyn HeadKind> {
    HEADS.iter().copied().find(|kind| kind.name() == name)
}

/// What every head that classifies lets a recipe say.
const KEYS: &[Key] = &[Key::with_default(
    "hidden",
    Takes::Count(0),
    "0",
    "numbers in a tanh layer before the scores; 0 for none",
)];

/// A kind of head, with the keys that it adds to an `[[objective]]`.
pub trait HeadKind: Sync {
    /// What recipes say.
    fn name(&self) -> &'static str;
    /// One line for `auxdesk list`: lower case, no full stop.
    fn about(&self) -> &'static str;
    /// What a recipe may say in the objective's table.
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    /// Whether it can work on rows of that sort.
    fn works_on(&self, on: On) -> bool;
}
