//! Viterbi's path against the best of all paths by enumeration.

use super::crf::{paths, score};
use crate::{
    data::Packing,
    kernel::{check, viterbi},
};

type Allowed = dyn Fn(Option<usize>, Option<usize>) -> bool + Sync;

fn free(_: Option<usize>, _: Option<usize>) -> bool {
    true
}

/// The best allowed path; of equal ones the one with the lowest tag at the end, then before it.
fn best(rows: &[&[f32]], transitions: &[f32], allowed: &Allowed) -> Option<Vec<u32>> {
    let tags = rows[0].len();
    let may = |path: &Vec<usize>| {
        allowed(None, Some(path[0]))
            && allowed(path.last().copied(), None)
            && path.windows(2).all(|pair| allowed(Some(pair[0]), Some(pair[1])))
    };
    let (_, path) = paths(tags, rows.len())
        .filter(may)
        .map(|path| (score(rows, transitions, &path), path))
        .reduce(|best, other| {
            let lower = best.1.iter().rev().cmp(other.1.iter().rev());
            if best.0.total_cmp(&other.0).then(lower.reverse()).is_lt() { other } else { best }
        })?;
    Some(path.iter().map(|&tag| tag as u32).collect())
}

/// Compares every sequence of a packing; `grain` rounds scores so that some are equal.
fn assert_best(name: &str, tags: usize, grain: Option<f32>, allowed: &Allowed) {
    let packing = Packing::new(vec![5, 4, 4, 2, 1]);
    let rounded = |mut numbers: Vec<f32>| {
        if let Some(grain) = grain {
            for x in &mut numbers {
                *x = (*x / grain).round() * grain;
            }
        }
        numbers
    };
    let emissions = rounded(check::values(name, packing.n_rows() * tags, 2.0));
    let transitions = rounded(check::values("transitions", (tags + 2) * tags, 2.0));
    let found = viterbi(&emissions, &transitions, &packing, allowed);
    for b in 0..packing.n_sequences() {
        let rows: Vec<&[f32]> =
            packing.rows(b).map(|row| &emissions[row * tags..][..tags]).collect();
        let found: Vec<u32> = packing.rows(b).map(|row| found[row]).collect();
        if let Some(expected) = best(&rows, &transitions, allowed) {
            assert_eq!(found, expected, "{name}: sequence {b} of {tags} tags");
        }
    }
}

#[test]
fn the_best_path_is_the_best_of_all() {
    for tags in 1..=4 {
        assert_best("free", tags, None, &free);
    }
}

#[test]
fn equal_paths_resolve_to_the_lower_tag() {
    for tags in 2..=4 {
        // Quarters are summed exactly in any order.
        assert_best("grains of 2", tags, Some(2.0), &free);
        assert_best("grains of 1/4", tags, Some(0.25), &free);
    }
    let packing = Packing::new(vec![3, 1]);
    assert_eq!(viterbi(&[0.5; 12], &[0.5; 15], &packing, &free), [0; 4]);
}

#[test]
fn disallowed_transitions_are_never_taken() {
    // As with chunk tags: 0 is outside, 1 begins a chunk, 2 continues one and must follow 1 or 2.
    let chunks =
        |from: Option<usize>, to: Option<usize>| to != Some(2) || matches!(from, Some(1 | 2));
    assert_best("chunks", 3, None, &chunks);
    assert_best("chunks of equal scores", 3, Some(1.0), &chunks);
    // One possible start, one possible end, and never the same tag twice.
    let strict = |from: Option<usize>, to: Option<usize>| match (from, to) {
        (None, Some(to)) => to == 3,
        (Some(from), None) => from == 1,
        (from, to) => from != to,
    };
    assert_best("strict", 4, None, &strict);
}

#[test]
fn some_path_is_returned_where_none_is_allowed() {
    let packing = Packing::new(vec![3]);
    assert_eq!(viterbi(&[1.0; 6], &[1.0; 8], &packing, &|_, _| false), [0; 3]);
    assert_eq!(viterbi(&[], &[1.0; 8], &Packing::new(Vec::new()), &free), [0u32; 0]);
}

#[test]
fn a_long_sequence_of_large_scores_is_still_decoded() {
    let packing = Packing::new(vec![300]);
    let emissions: Vec<f32> = (0..300)
        .flat_map(|t| (0..20).map(move |tag| if t * 7 % 20 == tag { 1000.0 } else { -1000.0 }))
        .collect();
    let found = viterbi(&emissions, &[0.0; 22 * 20], &packing, &free);
    assert!(found.iter().enumerate().all(|(t, &tag)| tag as usize == t * 7 % 20));
}
