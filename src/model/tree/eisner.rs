//! The best projective tree, in time cubic in the nodes (Eisner 1996).
//!
//! A span of nodes i to j is *open* if it has an arc between i and j, and *closed* if the subtree of one end covers
//! it. Open spans are joined from two closed ones that meet; closed ones from an open and a closed one.

use super::TreeScores;

/// Which end of a span is the head of the other, or covers it.
#[derive(Clone, Copy)]
enum HeadAt {
    Left,
    Right,
}

/// The best spans of one kind, by their ends and by which one is the head.
struct Spans {
    n_nodes: usize,
    /// The score of the best one, and where it is joined.
    best: Vec<(f64, usize)>,
}

impl Spans {
    fn new(n_nodes: usize) -> Self {
        Self { n_nodes, best: vec![(0.0, 0); 2 * n_nodes * n_nodes] }
    }

    fn at(&self, left: usize, right: usize, head: HeadAt) -> usize {
        (left * self.n_nodes + right) * 2 + usize::from(matches!(head, HeadAt::Right))
    }

    fn score(&self, left: usize, right: usize, head: HeadAt) -> f64 {
        self.best[self.at(left, right, head)].0
    }

    fn joint(&self, left: usize, right: usize, head: HeadAt) -> usize {
        self.best[self.at(left, right, head)].1
    }

    fn set(&mut self, left: usize, right: usize, head: HeadAt, best: (f64, usize)) {
        let at = self.at(left, right, head);
        self.best[at] = best;
    }
}

/// The head of each node in the best projective tree; that of the root is 0.
pub(super) fn heads(scores: &TreeScores) -> Vec<usize> {
    let n = scores.n_nodes;
    let (mut open, mut closed) = (Spans::new(n), Spans::new(n));
    for length in 1..n {
        for left in 0..n - length {
            let right = left + length;
            let (within, at) = best(left..right, |at| {
                closed.score(left, at, HeadAt::Left) + closed.score(at + 1, right, HeadAt::Right)
            });
            open.set(left, right, HeadAt::Left, (within + scores.score(left, right), at));
            open.set(left, right, HeadAt::Right, (within + scores.score(right, left), at));
            let from_left = best(left + 1..right + 1, |at| {
                open.score(left, at, HeadAt::Left) + closed.score(at, right, HeadAt::Left)
            });
            let from_right = best(left..right, |at| {
                closed.score(left, at, HeadAt::Right) + open.score(at, right, HeadAt::Right)
            });
            closed.set(left, right, HeadAt::Left, from_left);
            closed.set(left, right, HeadAt::Right, from_right);
        }
    }
    let mut heads = vec![0; n];
    // Spans whose arcs have not been read yet, with whether they are open.
    let mut left_over = vec![(0, n - 1, HeadAt::Left, false)];
    while let Some((left, right, head, is_open)) = left_over.pop() {
        if left == right {
            continue;
        }
        if is_open {
            let at = open.joint(left, right, head);
            match head {
                HeadAt::Left => heads[right] = left,
                HeadAt::Right => heads[left] = right,
            }
            left_over.push((left, at, HeadAt::Left, false));
            left_over.push((at + 1, right, HeadAt::Right, false));
        } else {
            let at = closed.joint(left, right, head);
            let is_from_left = matches!(head, HeadAt::Left);
            left_over.push((left, at, head, is_from_left));
            left_over.push((at, right, head, !is_from_left));
        }
    }
    heads
}

/// The largest value over a range, and the first place that has it.
fn best(places: std::ops::Range<usize>, value: impl Fn(usize) -> f64) -> (f64, usize) {
    let values = places.map(|at| (value(at), at));
    values
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .expect("a span has a joint")
}
