//! The losses of an objective for the means of its first and last steps, in bounded memory.

use crate::protocol::Step;

/// The maximum number of blocks kept; up to as many losses are kept one by one.
const MOST: usize = 1 << 16;

/// Losses in order, summed in blocks of equal numbers. Blocks have one loss each until there are too
/// many; then neighbors are merged, again and again. So means of a run with at most [`MOST`] losses
/// are exact, and later ones are off by at most the part of two blocks that they cut, of tens of
/// thousands. A run with more losses that is continued from a step within a block may have other means
/// than one that was never killed: the block keeps its mean ([`Losses::truncate`]).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Losses {
    blocks: Vec<Block>,
    /// The number of losses of every block but the last.
    per_block: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Block {
    first: Step,
    last: Step,
    n: u64,
    sum: f64,
}

impl Default for Losses {
    fn default() -> Self {
        Self { blocks: Vec::new(), per_block: 1 }
    }
}

impl Losses {
    /// Adds the loss of a later step.
    pub(super) fn push(&mut self, step: Step, loss: f32) {
        let loss = f64::from(loss);
        match self.blocks.last_mut() {
            Some(block) if block.n < self.per_block => {
                *block = Block { last: step, n: block.n + 1, sum: block.sum + loss, ..*block };
            }
            _ => self.blocks.push(Block { first: step, last: step, n: 1, sum: loss }),
        }
        if self.blocks.len() > MOST {
            self.per_block *= 2;
            let merged = self.blocks.chunks(2).map(|pair| {
                let (first, last) = (pair[0], pair[pair.len() - 1]);
                Block {
                    first: first.first,
                    last: last.last,
                    n: pair.iter().map(|block| block.n).sum(),
                    sum: pair.iter().map(|block| block.sum).sum(),
                }
            });
            self.blocks = merged.collect();
        }
    }

    /// Forgets the losses after a step. A block across it keeps its mean.
    pub(super) fn truncate(&mut self, to: Step) {
        self.blocks.retain(|block| block.first <= to);
        if let Some(block) = self.blocks.last_mut().filter(|block| block.last > to) {
            let share =
                (to.0 - block.first.0 + 1) as f64 / (block.last.0 - block.first.0 + 1) as f64;
            let n = ((block.n as f64 * share).round() as u64).max(1);
            *block = Block { last: to, n, sum: block.sum / block.n as f64 * n as f64, ..*block };
        }
    }

    /// The number of losses.
    pub(super) fn len(&self) -> u64 {
        self.blocks.iter().map(|block| block.n).sum()
    }

    /// The mean of the first `n` losses; `None` if there are none.
    pub(super) fn mean_of_first(&self, n: u64) -> Option<f32> {
        mean(self.blocks.iter(), n)
    }

    /// The mean of the last `n` losses; `None` if there are none.
    pub(super) fn mean_of_last(&self, n: u64) -> Option<f32> {
        // In the order of the steps: sums do not depend on how often a run was continued.
        let mut n_left = n;
        let from = self.blocks.iter().rposition(|block| {
            n_left = n_left.saturating_sub(block.n);
            n_left == 0
        });
        let blocks = &self.blocks[from.unwrap_or(0)..];
        let excess = blocks.iter().map(|block| block.n).sum::<u64>().saturating_sub(n);
        let (first, rest) = blocks.split_first()?;
        let part = part_of(first, first.n - excess);
        let sum = rest.iter().fold(part, |sum, block| sum + block.sum);
        let n = blocks.iter().map(|block| block.n).sum::<u64>() - excess;
        (n > 0).then(|| (sum / n as f64) as f32)
    }
}

/// The sum of `n` losses of a block, which are taken to be equal.
fn part_of(block: &Block, n: u64) -> f64 {
    if n == block.n { block.sum } else { block.sum / block.n as f64 * n as f64 }
}

fn mean<'a>(blocks: impl Iterator<Item = &'a Block>, n: u64) -> Option<f32> {
    let (mut n_taken, mut sum) = (0, 0.0);
    for block in blocks {
        let n_more = block.n.min(n - n_taken);
        sum += part_of(block, n_more);
        n_taken += n_more;
        if n_taken == n {
            break;
        }
    }
    (n_taken > 0).then(|| (sum / n_taken as f64) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(losses: impl Iterator<Item = f32>) -> Losses {
        let mut all = Losses::default();
        for (step, loss) in (1..).zip(losses) {
            all.push(Step(step), loss);
        }
        all
    }

    #[test]
    fn few_losses_have_exact_means() {
        let losses = of((1..=40).map(|n| n as f32));
        assert_eq!((losses.mean_of_first(2), losses.mean_of_last(2)), (Some(1.5), Some(39.5)));
        assert_eq!(losses.mean_of_last(40), losses.mean_of_first(40));
        assert_eq!(Losses::default().mean_of_first(1), None);
        assert_eq!(Losses::default().mean_of_last(1), None);
    }

    #[test]
    fn a_long_run_keeps_a_bounded_number_of_blocks_and_good_means() {
        let n = 1_000_001;
        let losses = of((0..n).map(|at| 1.0 + at as f32 / n as f32));
        assert!(losses.blocks.len() <= MOST);
        assert_eq!(losses.len(), n);
        let few = n / 20;
        let near = |mean: Option<f32>, wanted: f32| (mean.unwrap() - wanted).abs() < 1e-4;
        assert!(near(losses.mean_of_first(few), 1.025), "{:?}", losses.mean_of_first(few));
        assert!(near(losses.mean_of_last(few), 1.975), "{:?}", losses.mean_of_last(few));
    }

    #[test]
    fn a_cut_within_a_block_keeps_its_share() {
        let mut losses = of((0..4 * MOST).map(|at| at as f32));
        losses.truncate(Step(1001));
        assert_eq!(losses.len(), 1001);
        losses.push(Step(1002), 1001.0);
        assert_eq!(losses.len(), 1002);
        let mean = losses.mean_of_first(1002).unwrap();
        assert!((mean - 500.5).abs() < 0.01, "{mean}");
    }
}
