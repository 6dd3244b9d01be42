//! Scheduled sampling (Bengio et al. 2015): in training a step reads the word of the target before it with a probability,
//! and otherwise one that is drawn from the decoder's own probabilities after the words that it has read so far.
//!
//! The words are drawn step by step, without dropout and among those of the vocabulary, as search generates; the rows of
//! the step are then computed from them as from a target, so that no gradient passes through a draw. Every row has two
//! draws of its own, by seed, decoder and step: whether its word is that of the target, and which it is otherwise.

use candle_core::{Result, Tensor};

use super::{FIRST, network::Network, sample::class_at};
use crate::{
    data::{Packing, Purpose, draw, draw::unit},
    kernel::{self, DecoderMemory},
    model::{Mode, Rows},
    schedule::Schedule,
};

/// For each row of a packing where its previous word is drawn, a number from 0 to 1 that decides which it is.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::model) struct Draws {
    quantiles: Vec<Option<f64>>,
}

impl Draws {
    /// The draws of a decoder for so many rows; `None` if every word is that of the target, as outside training.
    pub(in crate::model) fn new(
        mode: Mode,
        teacher_forcing: Schedule,
        site: &str,
        n_rows: usize,
    ) -> Option<Self> {
        let Mode::Train { seed, step } = mode else { return None };
        let probability = teacher_forcing.at(step);
        if probability >= 1.0 {
            return None;
        }
        let mut draw = draw(seed, Purpose::ScheduledSampling, site, step);
        let quantile = |_| {
            let (coin, quantile) = (unit(&mut draw), unit(&mut draw));
            (coin >= probability).then_some(quantile)
        };
        Some(Self { quantiles: (0..n_rows).map(quantile).collect() })
    }
}

impl Network {
    /// The class before each row: that of the target, or the one drawn.
    pub(in crate::model) fn sample_previous(
        &self,
        mut previous: Vec<u32>,
        draws: &Draws,
        inputs: &[Rows],
        initial: &Tensor,
        target: &Packing,
    ) -> Result<Vec<u32>> {
        let examples = target.examples();
        let inputs: Vec<Rows> = inputs.iter().map(|rows| rows.with(rows.tensor.detach())).collect();
        let memory = DecoderMemory::new(&self.memories(&inputs), &self.weights)?;
        let initial = kernel::gather(&initial.detach(), examples.clone())?;
        let output = self.packed_output()?;
        let mut state = memory.start(&initial)?;
        for t in 1..target.max_len() {
            let (before, rows) = (target.rows_at(t - 1), target.rows_at(t));
            let n = before.len();
            let x = self.embed(previous[before].to_vec(), Mode::Eval)?.detach();
            let open: Vec<u32> = (0..n as u32).collect();
            state = memory.step(&x, &state.select(&open)?, &examples[..n])?;
            let drawn = rows.enumerate();
            let drawn = drawn.filter_map(|(b, row)| Some((b as u32, row, draws.quantiles[row]?)));
            let drawn: Vec<(u32, usize, f64)> = drawn.collect();
            if drawn.is_empty() {
                continue;
            }
            let outputs = kernel::gather(&state.outputs, drawn.iter().map(|(b, ..)| *b).collect())?;
            let scores = output.log_probabilities(&outputs)?;
            let by_row = scores.chunks_exact(output.n_classes());
            for ((_, row, quantile), scores) in drawn.iter().zip(by_row) {
                // Without a word there is none to draw.
                previous[*row] = word_at(scores, *quantile).unwrap_or(previous[*row]);
            }
        }
        Ok(previous)
    }
}

/// The word at that part of the distribution, given ln p of every class; `None` if there is no word of a positive
/// probability.
fn word_at(scores: &[f32], quantile: f64) -> Option<u32> {
    let words = scores.iter().zip(0..).skip(FIRST as usize);
    class_at(words.map(|(score, class)| (class, f64::from(*score).exp())), quantile)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Shape;

    const TRAIN: Mode = Mode::Train { seed: 1, step: 50 };

    #[test]
    fn words_are_drawn_by_their_probabilities_without_the_end_and_the_unknown_word() {
        // P: unknown 0.3, end 0.3, then words of 0.1, 0, 0.2 and 0.1.
        let scores = [0.3f32, 0.3, 0.1, 0.0, 0.2, 0.1].map(f32::ln);
        for (quantile, wanted) in [(0.0, 2), (0.24, 2), (0.26, 4), (0.74, 4), (0.76, 5), (1.0, 5)] {
            assert_eq!(word_at(&scores, quantile), Some(wanted), "{quantile}");
        }
        assert_eq!(word_at(&scores[..2], 0.5), None);
        assert_eq!(word_at(&[0.0, 0.0, f32::NEG_INFINITY], 0.5), None);
    }

    #[test]
    fn rows_are_drawn_with_the_probability_of_the_step_in_training_only() {
        let ramp =
            Schedule::Ramp { shape: Shape::Linear, from: 1.0, to: 0.5, steps: 100, since: 0 };
        let n_drawn = |mode, schedule| {
            let draws = Draws::new(mode, schedule, "to-north/0", 10_000)?;
            Some(draws.quantiles.iter().filter(|quantile| quantile.is_some()).count())
        };
        assert_eq!(n_drawn(TRAIN, Schedule::Constant(1.0)), None);
        assert_eq!(n_drawn(TRAIN, Schedule::Constant(0.0)), Some(10_000));
        // 0.75 after 50 of 100 steps.
        assert!((2_300..2_700).contains(&n_drawn(TRAIN, ramp).unwrap()));
        assert_eq!(n_drawn(Mode::Train { seed: 1, step: 0 }, ramp), None);
        for mode in [Mode::Eval, Mode::Trace] {
            assert_eq!(n_drawn(mode, Schedule::Constant(0.0)), None);
        }
        let draws = |site| Draws::new(TRAIN, Schedule::Constant(0.5), site, 100);
        assert_eq!(draws("a/0"), draws("a/0"));
        assert_ne!(draws("a/0"), draws("a/1"));
    }
}
