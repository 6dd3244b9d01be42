//! Decoding of dependency trees: the tree with the largest sum of arc scores.
//!
//! [`TreeScores::best`] finds it among all trees (Chu and Liu 1965; Edmonds 1967), [`TreeScores::best_projective`]
//! among those without crossing arcs (Eisner 1996). Both return trees with exactly one arc from the root: each arc
//! from the root has a penalty that exceeds the difference between any two trees, so that a tree with one such
//! arc, which always exists, has a larger sum than any with several (Zmigrod et al. 2020 discuss it, and why most
//! implementations lack it).

mod chu_liu_edmonds;
mod eisner;

/// The scores of all arcs into the tokens of a sentence.
pub struct TreeScores {
    /// The number of tokens and the root.
    n_nodes: usize,
    /// The score of the arc from each head to each dependent, dependent after dependent. Node 0 is the root, node
    /// i is token i − 1; the root's own row and the diagonal are not used.
    scores: Vec<f64>,
}

impl TreeScores {
    /// From finite scores: for each token those of its possible heads, the root first and then the tokens in
    /// their order. `scores` has n·(n + 1) elements for n tokens, at least one.
    pub fn new(scores: &[f32], n_tokens: usize) -> Self {
        let n_nodes = n_tokens + 1;
        assert_eq!(scores.len(), n_tokens * n_nodes, "a score for each token and head");
        let mut all = vec![0.0; n_nodes];
        all.extend(scores.iter().map(|&score| f64::from(score)));
        let largest = all.iter().fold(0.0f64, |largest, score| largest.max(score.abs()));
        let penalty = 2.0 * n_nodes as f64 * largest + 1.0;
        for from_root in all.iter_mut().step_by(n_nodes) {
            *from_root -= penalty;
        }
        Self { n_nodes, scores: all }
    }

    fn score(&self, head: usize, dependent: usize) -> f64 {
        self.scores[dependent * self.n_nodes + head]
    }

    /// The head of each token in the best tree; `None` is the root.
    pub fn best(&self) -> Vec<Option<u32>> {
        tokens(&chu_liu_edmonds::heads(self))
    }

    /// The head of each token in the best projective tree; `None` is the root.
    pub fn best_projective(&self) -> Vec<Option<u32>> {
        tokens(&eisner::heads(self))
    }
}

/// The head of each token, from that of each node.
fn tokens(heads: &[usize]) -> Vec<Option<u32>> {
    heads[1..].iter().map(|&head| Some(head.checked_sub(1)? as u32)).collect()
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;
    use crate::data::{Purpose, draw};

    /// Whether every token reaches the root, and exactly one is its dependent.
    fn is_tree(heads: &[Option<u32>]) -> bool {
        let reaches = |start: usize| {
            let mut at = Some(start as u32);
            for _ in 0..=heads.len() {
                let Some(token) = at else { return true };
                at = heads[token as usize];
            }
            false
        };
        let n_roots = heads.iter().filter(|head| head.is_none()).count();
        n_roots == 1 && (0..heads.len()).all(reaches)
    }

    fn is_projective(heads: &[Option<u32>]) -> bool {
        let arcs: Vec<(i64, i64)> = (0..)
            .zip(heads)
            .map(|(dependent, head)| {
                let head = head.map_or(-1, i64::from);
                (head.min(dependent), head.max(dependent))
            })
            .collect();
        let cross = |(a, b): (i64, i64), (c, d): (i64, i64)| a < c && c < b && b < d;
        arcs.iter().all(|&one| arcs.iter().all(|&other| !cross(one, other)))
    }

    /// Every assignment of heads to n tokens.
    fn assignments(n: usize) -> impl Iterator<Item = Vec<Option<u32>>> {
        let base = n as u32 + 1;
        (0..base.pow(n as u32)).map(move |code| {
            let digit = |at: usize| (code / base.pow(at as u32) % base).checked_sub(1);
            (0..n).map(digit).collect()
        })
    }

    fn sum(scores: &[f32], heads: &[Option<u32>]) -> f64 {
        let n = heads.len();
        let of = |(dependent, head): (usize, &Option<u32>)| {
            f64::from(scores[dependent * (n + 1) + head.map_or(0, |head| head as usize + 1)])
        };
        heads.iter().enumerate().map(of).sum()
    }

    #[test]
    fn both_decoders_find_the_best_of_all_trees_of_up_to_six_tokens() {
        let mut draw = draw(7, Purpose::Init, "trees", 0);
        for (n, n_cases) in [(1, 5), (2, 200), (3, 200), (4, 100), (5, 30), (6, 6)] {
            let trees: Vec<_> = assignments(n).filter(|heads| is_tree(heads)).collect();
            // Cayley's formula: n labelled tokens have n^(n − 1) rooted trees.
            assert_eq!(trees.len(), n.pow(n as u32 - 1));
            for case in 0..n_cases {
                // Scores of few different values have ties.
                let scores: Vec<f32> = (0..n * (n + 1))
                    .map(|_| match case % 2 {
                        0 => draw.random_range(-3.0..3.0),
                        _ => draw.random_range(-2..=2) as f32,
                    })
                    .collect();
                let best = |trees: &mut dyn Iterator<Item = &Vec<Option<u32>>>| {
                    trees.map(|heads| sum(&scores, heads)).fold(f64::NEG_INFINITY, f64::max)
                };
                let decoder = TreeScores::new(&scores, n);
                for (found, expected) in [
                    (decoder.best(), best(&mut trees.iter())),
                    (
                        decoder.best_projective(),
                        best(&mut trees.iter().filter(|heads| is_projective(heads))),
                    ),
                ] {
                    assert!(is_tree(&found), "{n}: {found:?}");
                    let sum = sum(&scores, &found);
                    assert!(
                        (sum - expected).abs() < 1e-9,
                        "{n}: {sum} of {found:?}, expected {expected}"
                    );
                }
                assert!(is_projective(&decoder.best_projective()));
            }
        }
    }

    /// Tokens 0 and 1 prefer each other, and both prefer the root to the others' heads: the cycle is broken where
    /// it costs least.
    #[test]
    fn a_cycle_is_broken_at_its_weakest_arc() {
        let scores = [1.0, 0.0, 5.0, 3.0, 6.0, 0.0];
        assert_eq!(TreeScores::new(&scores, 2).best(), [Some(1), None]);
        let scores = [4.0, 0.0, 5.0, 2.0, 6.0, 0.0];
        assert_eq!(TreeScores::new(&scores, 2).best(), [None, Some(0)]);
    }

    /// The crossing arcs 0 ← 2 and 1 ← 3.
    #[test]
    fn only_the_projective_decoder_avoids_crossing_arcs() {
        let mut scores = vec![0.0; 4 * 5];
        for (dependent, head, score) in [(0, 3, 9.0), (1, 4, 9.0), (2, 4, 9.0), (3, 0, 1.0)] {
            scores[dependent * 5 + head] = score;
        }
        let decoder = TreeScores::new(&scores, 4);
        let best = decoder.best();
        assert_eq!(best, [Some(2), Some(3), Some(3), None]);
        assert!(!is_projective(&best) && is_projective(&decoder.best_projective()));
    }

    #[test]
    fn long_sentences_have_one_root_with_either_decoder() {
        let n = 400;
        let mut draw = draw(3, Purpose::Init, "long", 0);
        // The root is every token's best head.
        let scores: Vec<f32> = (0..n * (n + 1))
            .map(|at| if at % (n + 1) == 0 { 50.0 } else { draw.random_range(-1.0..1.0) })
            .collect();
        let decoder = TreeScores::new(&scores, n);
        assert!(is_tree(&decoder.best()));
        assert!(is_tree(&decoder.best_projective()));
    }
}
