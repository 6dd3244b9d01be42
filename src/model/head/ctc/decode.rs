//! Label sequences from the probabilities of classes in frames, whose last class is the blank.
//!
//! Best path: the best class of each frame, with equal neighbors merged and blanks removed (Graves et al. 2006). Prefix
//! beam search (Hannun et al. 2014, without a language model): frame by frame the most probable prefixes of label
//! sequences, each with the sum over all of its alignments that were followed, those that end with a blank and those
//! that end with its last label apart. A beam that holds every prefix gives the exact probabilities.

use std::collections::{BTreeMap, HashMap};

/// A label sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelling {
    /// The labels in their order.
    pub labels: Vec<u32>,
    /// ln of the probability of the alignments that were followed, which are all, many or only one of its alignments.
    pub log_p: f32,
}

/// The label sequence of the most probable alignment of frames, given ln of the probability of each of their classes.
/// Of equally probable classes the first is taken.
pub(super) fn best_path(frames: &[&[f32]]) -> Labelling {
    let (mut labels, mut log_p) = (Vec::new(), 0.0);
    let mut before = None;
    for frame in frames {
        let (mut best, mut most) = (0, f32::NEG_INFINITY);
        for (class, &log_y) in frame.iter().enumerate() {
            if log_y > most {
                (best, most) = (class, log_y);
            }
        }
        log_p += f64::from(most);
        if before != Some(best) && best + 1 != frame.len() {
            labels.push(best as u32);
        }
        before = Some(best);
    }
    Labelling { labels, log_p: log_p as f32 }
}

/// The most probable label sequences of frames, the best first, given ln of the probability of each of their classes.
/// At most `width` prefixes are followed, at least 1; none remains where a probability is NaN.
pub(super) fn beam_search(frames: &[&[f32]], width: usize) -> Vec<Labelling> {
    let mut tree = Tree::default();
    let empty = Ways { blank: 0.0, label: f64::NEG_INFINITY };
    let mut beam = vec![(ROOT, empty)];
    for frame in frames {
        beam = next(&beam, frame, &mut tree, width);
    }
    // After the last frame there is one of several prefixes without frames, and otherwise they are sorted.
    let labelling = |(prefix, ways): (u32, Ways)| Labelling {
        labels: tree.labels(prefix),
        log_p: ways.sum() as f32,
    };
    beam.into_iter().map(labelling).collect()
}

/// The empty prefix.
const ROOT: u32 = 0;

/// Every prefix that was in the beam, as the prefix before it and its last label.
#[derive(Default)]
struct Tree {
    /// From prefix 1 on.
    prefixes: Vec<(u32, u32)>,
    /// For lookups only.
    longer: HashMap<(u32, u32), u32>,
}

impl Tree {
    fn last_label(&self, prefix: u32) -> Option<u32> {
        Some(self.prefixes[prefix.checked_sub(1)? as usize].1)
    }

    fn insert(&mut self, extension: (u32, u32)) -> u32 {
        self.prefixes.push(extension);
        let prefix = self.prefixes.len() as u32;
        self.longer.insert(extension, prefix);
        prefix
    }

    fn labels(&self, mut prefix: u32) -> Vec<u32> {
        let mut labels = Vec::new();
        while let Some(at) = prefix.checked_sub(1) {
            let (shorter, label) = self.prefixes[at as usize];
            labels.push(label);
            prefix = shorter;
        }
        labels.reverse();
        labels
    }
}

/// ln of the probability of the alignments of a prefix.
#[derive(Clone, Copy)]
struct Ways {
    /// Of those that end with a blank.
    blank: f64,
    /// Of those that end with its last label.
    label: f64,
}

impl Ways {
    const NONE: Self = Self { blank: f64::NEG_INFINITY, label: f64::NEG_INFINITY };

    fn sum(self) -> f64 {
        log_add(self.blank, self.label)
    }
}

/// A prefix after a frame: one that is in the tree, or a label after one that is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Candidate {
    Known(u32),
    Longer(u32, u32),
}

/// The best prefixes after one more frame, the most probable first, in a fixed order where they are equally probable.
fn next(beam: &[(u32, Ways)], frame: &[f32], tree: &mut Tree, width: usize) -> Vec<(u32, Ways)> {
    let Some((&log_blank, of_labels)) = frame.split_last() else { return beam.to_vec() };
    let mut known = BTreeMap::<u32, Ways>::new();
    let mut candidates = Vec::new();
    for &(prefix, ways) in beam {
        let sum = ways.sum();
        let last = tree.last_label(prefix);
        let same = known.entry(prefix).or_insert(Ways::NONE);
        same.blank = log_add(same.blank, sum + f64::from(log_blank));
        if let Some(last) = last {
            let log_y = f64::from(of_labels[last as usize]);
            same.label = log_add(same.label, ways.label + log_y);
        }
        for (label, &log_y) in (0..).zip(of_labels) {
            // A label follows itself only after a blank; otherwise it goes on.
            let before = if last == Some(label) { ways.blank } else { sum };
            let log_p = before + f64::from(log_y);
            if let Some(&longer) = tree.longer.get(&(prefix, label)) {
                let longer = known.entry(longer).or_insert(Ways::NONE);
                longer.label = log_add(longer.label, log_p);
            } else {
                let ways = Ways { label: log_p, ..Ways::NONE };
                candidates.push((log_p, Candidate::Longer(prefix, label), ways));
            }
        }
    }
    let known = known.into_iter();
    candidates.extend(known.map(|(prefix, ways)| (ways.sum(), Candidate::Known(prefix), ways)));
    candidates.retain(|(log_p, ..)| *log_p > f64::NEG_INFINITY);
    let order = |a: &(f64, Candidate, Ways), b: &(f64, Candidate, Ways)| {
        b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1))
    };
    if candidates.len() > width {
        candidates.select_nth_unstable_by(width - 1, order);
        candidates.truncate(width);
    }
    candidates.sort_by(order);
    let prefix = |(_, candidate, ways)| match candidate {
        Candidate::Known(prefix) => (prefix, ways),
        Candidate::Longer(prefix, label) => (tree.insert((prefix, label)), ways),
    };
    candidates.into_iter().map(prefix).collect()
}

/// ln(eᵃ + eᵇ).
fn log_add(a: f64, b: f64) -> f64 {
    let (less, most) = if a < b { (a, b) } else { (b, a) };
    if less == f64::NEG_INFINITY { most } else { most + (less - most).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ln of a softmax of made-up scores for frames of so many classes.
    fn frames(case: usize, n: usize, classes: usize) -> Vec<Vec<f32>> {
        let score = |t: usize, class: usize| ((case * 31 + t * 17 + class * 41) % 23) as f32 / 6.0;
        let of_frame = |t: usize| {
            let scores: Vec<f32> = (0..classes).map(|class| score(t, class)).collect();
            let sum: f32 = scores.iter().map(|s| s.exp()).sum();
            scores.iter().map(|s| s - sum.ln()).collect()
        };
        (0..n).map(of_frame).collect()
    }

    fn slices(frames: &[Vec<f32>]) -> Vec<&[f32]> {
        frames.iter().map(Vec::as_slice).collect()
    }

    /// The probability of every label sequence, by a sum over all alignments.
    fn enumerated(frames: &[Vec<f32>], classes: usize) -> BTreeMap<Vec<u32>, f64> {
        let mut found = BTreeMap::new();
        for code in 0..classes.pow(frames.len() as u32) {
            let class = |t: usize| code / classes.pow(t as u32) % classes;
            let log_p: f64 = (0..frames.len()).map(|t| f64::from(frames[t][class(t)])).sum();
            let mut labels: Vec<u32> = (0..frames.len()).map(|t| class(t) as u32).collect();
            labels.dedup();
            labels.retain(|&label| label as usize + 1 != classes);
            *found.entry(labels).or_default() += log_p.exp();
        }
        found
    }

    #[test]
    fn a_beam_that_holds_every_prefix_gives_the_exact_probability_of_every_label_sequence() {
        for (n, classes) in [(1, 1), (1, 4), (4, 3), (5, 4), (7, 2)] {
            for case in 0..12 {
                let frames = frames(case, n, classes);
                let all = enumerated(&frames, classes);
                let found = beam_search(&slices(&frames), 10_000);
                assert!(found.is_sorted_by(|a, b| a.log_p >= b.log_p));
                assert_eq!(found.len(), all.len());
                for Labelling { labels, log_p } in &found {
                    let wanted = all[labels];
                    let p = f64::from(*log_p).exp();
                    assert!((p - wanted).abs() < 1e-5 * wanted, "{labels:?}: {p}, {wanted}");
                }
            }
        }
    }

    #[test]
    fn a_narrow_beam_gives_lower_bounds_and_no_more_label_sequences_than_its_width() {
        for case in 0..20 {
            let frames = frames(case, 6, 4);
            let all = enumerated(&frames, 4);
            let best = all.values().copied().fold(0.0, f64::max);
            let mut n_exact = 0;
            for width in [1, 2, 3, 8, 30] {
                let found = beam_search(&slices(&frames), width);
                assert_eq!(found.len(), width);
                for Labelling { labels, log_p } in &found {
                    assert!(f64::from(*log_p).exp() <= all[labels] * (1.0 + 1e-5));
                }
                n_exact += usize::from((all[&found[0].labels] - best).abs() < 1e-9);
            }
            assert!(n_exact >= 2, "{n_exact} of 5 beams find the best one");
        }
    }

    /// Two frames with P(a) = 0.4 and P(blank) = 0.6: the best alignment has no label and probability 0.36, but "a" has
    /// three alignments, 0.16 + 0.24 + 0.24.
    #[test]
    fn the_best_path_is_not_always_the_best_label_sequence() {
        let frame = [0.4f32.ln(), 0.6f32.ln()];
        let frames = [frame.as_slice(); 2];
        let greedy = best_path(&frames);
        assert_eq!(greedy.labels, [0; 0]);
        assert!((greedy.log_p.exp() - 0.36).abs() < 1e-6);
        let found = beam_search(&frames, 2);
        assert_eq!((found[0].labels.as_slice(), found[1].labels.as_slice()), (&[0][..], &[][..]));
        assert!((found[0].log_p.exp() - 0.64).abs() < 1e-6);
    }

    #[test]
    fn equal_neighbors_are_merged_unless_a_blank_is_between() {
        let frame = |class: usize| -> [f32; 3] {
            std::array::from_fn(|at| if at == class { 0.9f32.ln() } else { 0.05f32.ln() })
        };
        let frames = [2, 0, 0, 2, 0, 1, 1, 2, 2, 1].map(frame);
        let frames: Vec<&[f32]> = frames.iter().map(<[f32; 3]>::as_slice).collect();
        assert_eq!(best_path(&frames).labels, [0, 0, 1, 1]);
        assert_eq!(beam_search(&frames, 4)[0].labels, [0, 0, 1, 1]);
    }

    #[test]
    fn without_frames_the_label_sequence_is_empty_and_nan_decodes_to_something_or_nothing() {
        let empty = Labelling { labels: Vec::new(), log_p: 0.0 };
        assert_eq!((best_path(&[]), beam_search(&[], 3)), (empty.clone(), vec![empty]));
        let nan = [f32::NAN; 3];
        assert_eq!(best_path(&[nan.as_slice()]).labels, [0]);
        assert_eq!(beam_search(&[nan.as_slice()], 3), []);
    }
}
