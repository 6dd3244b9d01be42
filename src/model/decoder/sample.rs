//! Ancestral sampling: texts drawn symbol by symbol from the distributions of a decoder, for all at once.
//!
//! The unknown class is never drawn, nor the end at the beginning, so that no text is empty: the other classes are drawn in
//! proportion to their probabilities, or the most probable one is taken.

use candle_core::{Result, bail};
use rand::RngCore;

use super::{Decoding, EDGE, SearchedExample, UNKNOWN};
use crate::data::draw::unit;

/// How a symbol is chosen.
pub enum Choice<'a> {
    /// By its probability.
    Drawn(&'a mut dyn RngCore),
    /// It is the most probable one; of equal ones the first.
    MostProbable,
}

/// A text for each of these, without its end; an example may be listed several times. A text of the maximum length ends
/// there.
pub fn sample(
    decoding: &mut dyn Decoding,
    examples: &[SearchedExample],
    mut choice: Choice<'_>,
) -> Result<Vec<Vec<u32>>> {
    let mut texts: Vec<Vec<u32>> = vec![Vec::new(); examples.len()];
    let indices: Vec<u32> = examples.iter().map(|sampled| sampled.example).collect();
    decoding.begin(&indices)?;
    // The texts that have not ended, with their indices among those of the step before.
    let is_open = |at: &usize| examples[*at].max_len > 0;
    let mut open: Vec<(usize, u32)> =
        (0..examples.len()).filter(is_open).map(|at| (at, at as u32)).collect();
    while !open.is_empty() {
        let from: Vec<u32> = open.iter().map(|&(_, from)| from).collect();
        let last = |&(at, _): &(usize, u32)| texts[at].last().copied().unwrap_or(EDGE);
        let classes: Vec<u32> = open.iter().map(last).collect();
        let scores = decoding.step(&from, &classes)?;
        let mut next = Vec::with_capacity(open.len());
        for ((&(at, _), scores), place) in
            open.iter().zip(scores.chunks_exact(decoding.n_classes())).zip(0..)
        {
            let is_first = texts[at].is_empty();
            let class = match &mut choice {
                Choice::Drawn(draw) => draw_class(scores, is_first, unit(draw))?,
                Choice::MostProbable => most_probable(scores, is_first)?,
            };
            if class == EDGE {
                continue;
            }
            texts[at].push(class);
            if texts[at].len() < examples[at].max_len {
                next.push((at, place));
            }
        }
        open = next;
    }
    Ok(texts)
}

/// The classes that may be next, with their ln p.
fn possible(scores: &[f32], is_first: bool) -> impl Iterator<Item = (u32, f64)> + Clone + '_ {
    let scores = (0..).zip(scores).map(|(class, &score)| (class, f64::from(score)));
    scores.filter(move |&(class, _)| class != UNKNOWN && !(is_first && class == EDGE))
}

/// The class at a place in [0, 1) of their cumulative probabilities, given ln p of each.
fn draw_class(scores: &[f32], is_first: bool, place: f64) -> Result<u32> {
    let weights = possible(scores, is_first).map(|(class, score)| (class, score.exp()));
    let total: f64 = weights.clone().map(|(_, weight)| weight).sum();
    if !total.is_finite() || total <= 0.0 {
        bail!("sampling: expected probabilities with a sum above 0, found {total}")
    }
    let found = class_at(weights, place);
    found.map_or_else(|| bail!("sampling: expected a class with a probability above 0"), Ok)
}

/// The class at a place in [0, 1] of the cumulative weights, the last one where rounding leaves a rest; `None` if no
/// weight is above 0.
pub(super) fn class_at(
    weights: impl Iterator<Item = (u32, f64)> + Clone,
    place: f64,
) -> Option<u32> {
    let mut rest = place * weights.clone().map(|(_, weight)| weight).sum::<f64>();
    let mut found = None;
    for (class, weight) in weights.filter(|(_, weight)| *weight > 0.0) {
        found = Some(class);
        if rest < weight {
            break;
        }
        rest -= weight;
    }
    found
}

fn most_probable(scores: &[f32], is_first: bool) -> Result<u32> {
    let mut best: Option<(u32, f64)> = None;
    for (class, score) in possible(scores, is_first) {
        if score.is_nan() {
            bail!("sampling: expected the logarithm of a probability, found {score}")
        }
        if best.is_none_or(|(_, most)| score > most) {
            best = Some((class, score));
        }
    }
    let best = best.map(|(class, _)| class);
    best.map_or_else(|| bail!("sampling: expected a class that may be next"), Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Purpose, draw};

    /// Each class with these probabilities after any other.
    struct Fixed(Vec<f32>);

    impl Decoding for Fixed {
        fn n_classes(&self) -> usize {
            self.0.len()
        }

        fn begin(&mut self, _examples: &[u32]) -> Result<()> {
            Ok(())
        }

        fn step(&mut self, from: &[u32], _classes: &[u32]) -> Result<Vec<f32>> {
            let of_each: Vec<f32> = self.0.iter().map(|p| p.ln()).collect();
            Ok(from.iter().flat_map(|_| of_each.clone()).collect())
        }
    }

    fn texts(probabilities: &[f32], n: u32, max_len: usize, seed: u64) -> Vec<Vec<u32>> {
        let examples: Vec<SearchedExample> =
            (0..n).map(|example| SearchedExample { example, max_len }).collect();
        let mut draw = draw(seed, Purpose::Texts, "p", 0);
        let choice = Choice::Drawn(&mut draw);
        sample(&mut Fixed(probabilities.to_vec()), &examples, choice).unwrap()
    }

    /// Of the unknown class, the end and two symbols.
    #[test]
    fn symbols_are_drawn_in_proportion_to_their_probabilities() {
        let found = texts(&[0.5, 0.25, 0.2, 0.05], 4000, 50, 1);
        assert!(found.iter().all(|text| !text.is_empty() && !text.contains(&UNKNOWN)));
        let count = |symbol: u32| found.iter().filter(|text| text[0] == symbol).count() as f64;
        assert!((count(2) / 4000.0 - 0.8).abs() < 0.03, "{}", count(2));
        // After the first symbol a text ends with probability 1/2: its mean length is 2.
        let mean = found.iter().map(Vec::len).sum::<usize>() as f64 / 4000.0;
        assert!((mean - 2.0).abs() < 0.1, "{mean}");
        assert_eq!(found, texts(&[0.5, 0.25, 0.2, 0.05], 4000, 50, 1));
        assert_ne!(found, texts(&[0.5, 0.25, 0.2, 0.05], 4000, 50, 2));
    }

    #[test]
    fn a_text_has_at_most_its_maximum_length() {
        assert_eq!(texts(&[0.0, 0.0, 1.0], 2, 3, 1), [[2, 2, 2], [2, 2, 2]]);
        assert_eq!(texts(&[0.0, 0.0, 1.0], 2, 0, 1), [[0; 0], [0; 0]]);
    }

    #[test]
    fn the_most_probable_symbol_is_neither_unknown_nor_an_end_at_the_beginning() {
        let examples = [SearchedExample { example: 0, max_len: 9 }];
        let mut fixed = Fixed(vec![0.5, 0.3, 0.1, 0.1]);
        let found = sample(&mut fixed, &examples, Choice::MostProbable).unwrap();
        assert_eq!(found, [[2]]);
    }

    #[test]
    fn probabilities_that_are_not_finite_are_errors() {
        assert!(draw_class(&[0.0, f32::NAN, 0.0], false, 0.5).is_err());
        assert!(draw_class(&[0.0, 0.0, f32::NEG_INFINITY], true, 0.5).is_err());
        assert!(most_probable(&[0.0, f32::NAN, 0.0], false).is_err());
    }
}
