//! A dev or test split that is held out of the training split.

use crate::data::{Purpose, SplitData, draw, draw::shuffle};

/// The examples of the training split that are held out, in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HoldOut {
    /// Examples n, 2n, 3n, …, counted from 1.
    Every(usize),
    /// A fraction of the examples, drawn with a seed of its own. The corpus's name does not affect
    /// the draw: two corpora that read one file with one seed hold out the same examples, so that
    /// neither trains on what the other is evaluated on.
    Fraction {
        /// Between 0 and 1.
        fraction: f64,
        /// The seed in the recipe, independent of the run's.
        seed: u64,
    },
}

impl HoldOut {
    /// Moves the held-out examples out of a split.
    pub(super) fn take(self, train: &mut SplitData) -> SplitData {
        let n = train.examples.len();
        let mut is_dev = vec![false; n];
        match self {
            Self::Every(every) => {
                (1..=n).filter(|at| at.is_multiple_of(every)).for_each(|at| is_dev[at - 1] = true);
            }
            Self::Fraction { fraction, seed } => {
                let mut order: Vec<usize> = (0..n).collect();
                shuffle(&mut order, &mut draw(seed, Purpose::HoldOut, "", 0));
                let n_dev = (fraction * n as f64).round() as usize;
                order.iter().take(n_dev).for_each(|&at| is_dev[at] = true);
            }
        }
        let examples = std::mem::take(&mut train.examples);
        let SplitData { file, files, collection, .. } = train.clone();
        let mut dev = SplitData { examples: Vec::new(), file, files, collection };
        for (example, is_dev) in examples.into_iter().zip(is_dev) {
            if is_dev { dev.examples.push(example) } else { train.examples.push(example) }
        }
        dev
    }
}
