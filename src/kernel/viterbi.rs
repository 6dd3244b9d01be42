//! Decoding of a conditional random field.

use rayon::prelude::*;

use super::{arch::fast, crf::Transitions};
use crate::data::Packing;

/// The most probable allowed tag sequence of each sequence, by Viterbi's algorithm (1967): one tag
/// per row.
///
/// `transitions` as in [`crf`](super::crf()); `allowed(from, to)` says which tag may follow which,
/// with `None` for the start and the end of the sequence. Of equal scores the lower tag wins.
pub fn viterbi(
    emissions: &[f32],
    transitions: &[f32],
    packing: &Packing,
    allowed: &(dyn Fn(Option<usize>, Option<usize>) -> bool + Sync),
) -> Vec<u32> {
    let rows = packing.n_rows();
    if rows == 0 {
        return Vec::new();
    }
    let tags = emissions.len() / rows;
    assert!(tags > 0 && emissions.len() == rows * tags, "viterbi: {} scores", emissions.len());
    assert_eq!(transitions.len(), (tags + 2) * tags, "viterbi: transitions of {tags} tags");
    let masked: Vec<f32> = (0..tags + 2)
        .flat_map(|from| (0..tags).map(move |to| (from, to)))
        .map(|(from, to)| {
            let may = match from.checked_sub(tags) {
                None => allowed(Some(from), Some(to)),
                Some(0) => allowed(None, Some(to)),
                Some(_) => allowed(Some(to), None),
            };
            if may { transitions[from * tags + to] } else { f32::NEG_INFINITY }
        })
        .collect();
    let transitions = Transitions { tags, scores: &masked };
    let paths: Vec<Vec<u32>> = (0..packing.n_sequences())
        .into_par_iter()
        .map(|b| {
            let emission = |t| &emissions[packing.row(b, t) * tags..][..tags];
            fast(
                #[inline(always)]
                || best_path(emission, packing.lengths()[b], transitions),
            )
        })
        .collect();
    let mut best = vec![0; rows];
    for (b, path) in paths.iter().enumerate() {
        for (row, &tag) in packing.rows(b).zip(path) {
            best[row] = tag;
        }
    }
    best
}

#[inline(always)]
fn best_path<'a>(
    emission: impl Fn(usize) -> &'a [f32],
    n: usize,
    transitions: Transitions<'_>,
) -> Vec<u32> {
    let tags = transitions.tags;
    let mut scores: Vec<f32> =
        emission(0).iter().zip(transitions.start()).map(|(e, w)| e + w).collect();
    // The best previous tag of each tag, from the second token on, and the scores of the current
    // token.
    let mut from = vec![0; (n - 1) * tags];
    let mut next = vec![0.0; tags];
    for (t, from) in (1..n).zip(from.chunks_exact_mut(tags)) {
        next.fill(f32::NEG_INFINITY);
        for (i, &score) in scores.iter().enumerate() {
            let ways = next.iter_mut().zip(from.iter_mut()).zip(transitions.from(i));
            // Selected without a branch, so that the compiler vectorizes over tags.
            for ((next, from), w) in ways {
                let better = score + w > *next;
                *next = if better { score + w } else { *next };
                *from = if better { i as u32 } else { *from };
            }
        }
        for ((score, next), e) in scores.iter_mut().zip(&next).zip(emission(t)) {
            *score = next + e;
        }
    }
    let ends = scores.iter().zip(transitions.end()).map(|(score, w)| score + w);
    let (mut best, mut largest) = (0, f32::NEG_INFINITY);
    for (tag, score) in ends.enumerate() {
        if score > largest {
            (best, largest) = (tag as u32, score);
        }
    }
    let mut path = vec![best; n];
    for t in (1..n).rev() {
        path[t - 1] = from[(t - 1) * tags + path[t] as usize];
    }
    path
}
