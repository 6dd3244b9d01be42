//! Linear algebra of small symmetric matrices: eigenvalues and eigenvectors, the pseudo-inverse, and linear systems.
//! A matrix has a row for each objective of a step, so that nothing here needs to be blocked or vectorized.

use super::Gram;

/// Eigenvalues at most this fraction of the largest one, times their number, count as 0. Gradients in `f32` that are
/// parallel leave up to 1e-14 of it.
const RANK_TOLERANCE: f64 = 1e-12;

/// The maximum number of sweeps; convergence is quadratic, and a matrix of order 20 takes about eight.
const MOST_SWEEPS: usize = 60;

/// The eigenvalues of a symmetric matrix that are positive beyond rounding, with their eigenvectors.
pub(super) struct Eigen {
    /// The eigenvalues, the largest first.
    pub(super) values: Vec<f64>,
    /// A unit vector for each of them.
    vectors: Vec<Vec<f64>>,
}

impl Eigen {
    /// Those of a matrix, by Jacobi's cyclic rotations (Golub and Van Loan 2013, "Matrix Computations", section 8.5).
    pub(super) fn of(matrix: &Gram) -> Self {
        let n = matrix.n();
        let mut a = matrix.clone();
        // The rows are the eigenvectors.
        let mut v: Vec<Vec<f64>> =
            (0..n).map(|j| (0..n).map(|k| f64::from(u8::from(j == k))).collect()).collect();
        for _ in 0..MOST_SWEEPS {
            let mut has_rotated = false;
            for p in 0..n {
                for q in p + 1..n {
                    has_rotated |= rotate(&mut a, &mut v, p, q);
                }
            }
            if !has_rotated {
                break;
            }
        }
        let mut pairs: Vec<(f64, Vec<f64>)> = (0..n).map(|k| a.at(k, k)).zip(v).collect();
        pairs.sort_by(|one, other| other.0.total_cmp(&one.0));
        let least = pairs.first().map_or(0.0, |(largest, _)| largest * n as f64 * RANK_TOLERANCE);
        let (values, vectors) =
            pairs.into_iter().filter(|(value, _)| *value > least && *value > 0.0).unzip();
        Self { values, vectors }
    }

    /// f(A)·b = Σ f(λ)·v·⟨v, b⟩ over these eigenvalues.
    pub(super) fn apply(&self, f: impl Fn(f64) -> f64, b: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; b.len()];
        for (&value, vector) in self.values.iter().zip(&self.vectors) {
            let along: f64 = vector.iter().zip(b).map(|(v, b)| v * b).sum();
            for (sum, v) in sum.iter_mut().zip(vector) {
                *sum += f(value) * along * v;
            }
        }
        sum
    }

    /// A⁺·b, with the pseudo-inverse of the matrix.
    pub(super) fn pseudo_inverse_times(&self, b: &[f64]) -> Vec<f64> {
        self.apply(f64::recip, b)
    }
}

/// Makes the element (p, q) of the matrix 0. Whether it was not so already.
fn rotate(a: &mut Gram, v: &mut [Vec<f64>], p: usize, q: usize) -> bool {
    let (app, aqq, apq) = (a.at(p, p), a.at(q, q), a.at(p, q));
    if apq.abs() <= f64::EPSILON * (app * aqq).abs().sqrt() * 1e-2 || apq == 0.0 {
        a.set(p, q, 0.0);
        return false;
    }
    let theta = (aqq - app) / (2.0 * apq);
    // The smaller root of t² + 2θt − 1; θ may be so large that its square is infinite.
    let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cos = t.hypot(1.0).recip();
    let sin = t * cos;
    for k in (0..a.n()).filter(|k| ![p, q].contains(k)) {
        let (akp, akq) = (a.at(k, p), a.at(k, q));
        a.set(k, p, cos * akp - sin * akq);
        a.set(k, q, sin * akp + cos * akq);
    }
    a.set(p, p, app - t * apq);
    a.set(q, q, aqq + t * apq);
    a.set(p, q, 0.0);
    let (head, tail) = v.split_at_mut(q);
    for (vp, vq) in head[p].iter_mut().zip(&mut tail[0]) {
        (*vp, *vq) = (cos * *vp - sin * *vq, sin * *vp + cos * *vq);
    }
    true
}

/// L with LLᵀ = A, for linear systems of a positive definite matrix.
pub(super) struct Cholesky {
    /// Each row ends at the diagonal.
    lower: Vec<Vec<f64>>,
}

impl Cholesky {
    /// That of a matrix to whose diagonal `ridge` is added. What rounding leaves of a pivot may be below 0: the ridge
    /// must be positive where the matrix is singular.
    pub(super) fn of(matrix: &Gram, ridge: impl Fn(usize) -> f64) -> Self {
        let mut lower: Vec<Vec<f64>> = Vec::new();
        for j in 0..matrix.n() {
            let mut row: Vec<f64> = Vec::new();
            for (k, column) in lower.iter().enumerate() {
                let known: f64 = row.iter().zip(column).map(|(a, b)| a * b).sum();
                row.push((matrix.at(j, k) - known) / column[k]);
            }
            let known: f64 = row.iter().map(|a| a * a).sum();
            row.push(((matrix.at(j, j) - known).max(0.0) + ridge(j)).sqrt());
            lower.push(row);
        }
        Self { lower }
    }

    /// x with LLᵀx = b.
    pub(super) fn solve(&self, mut b: Vec<f64>) -> Vec<f64> {
        let lower = &self.lower;
        for row in 0..b.len() {
            let known: f64 = lower[row].iter().zip(&b[..row]).map(|(l, x)| l * x).sum();
            b[row] = (b[row] - known) / lower[row][row];
        }
        for row in (0..b.len()).rev() {
            let known: f64 = (row + 1..b.len()).map(|k| lower[k][row] * b[k]).sum();
            b[row] = (b[row] - known) / lower[row][row];
        }
        b
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mixer::tests::{gradients, gram_of};

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found}, expected {expected}");
        }
    }

    /// [[2, 1], [1, 2]] has 3 along (1, 1) and 1 along (1, −1).
    #[test]
    fn eigenvalues_of_a_matrix_of_order_2() {
        let eigen = Eigen::of(&Gram::new(2, |j, k| if j == k { 2.0 } else { 1.0 }));
        assert_close(&eigen.values, &[3.0, 1.0]);
        assert_close(&eigen.apply(|value| value, &[1.0, 0.0]), &[2.0, 1.0]);
        assert_close(&eigen.pseudo_inverse_times(&[3.0, 0.0]), &[2.0, -1.0]);
    }

    #[test]
    fn a_singular_matrix_has_the_least_solution() {
        // (1, 2) twice: G = 5·11ᵀ with the eigenvalue 10, and G⁺·(1, 1) = (0.1, 0.1).
        let eigen = Eigen::of(&gram_of(&[vec![1.0, 2.0], vec![1.0, 2.0]]));
        assert_close(&eigen.values, &[10.0]);
        assert_close(&eigen.pseudo_inverse_times(&[1.0, 1.0]), &[0.1, 0.1]);
        assert!(Eigen::of(&Gram::new(3, |_, _| 0.0)).values.is_empty());
    }

    proptest! {
        #[test]
        fn the_matrix_is_the_sum_of_its_parts_and_solutions_solve(gradients in gradients(1..8)) {
            let gram = gram_of(&gradients);
            let eigen = Eigen::of(&gram);
            let trace: f64 = (0..gram.n()).map(|k| gram.at(k, k)).sum();
            let scale = trace.max(1e-9);
            for k in 0..gram.n() {
                let unit: Vec<f64> = (0..gram.n()).map(|j| f64::from(u8::from(j == k))).collect();
                for (j, found) in eigen.apply(|value| value, &unit).into_iter().enumerate() {
                    prop_assert!((found - gram.at(j, k)).abs() < 1e-10 * scale);
                }
                let ridge = 0.1 * scale;
                let x = Cholesky::of(&gram, |_| ridge).solve(unit.clone());
                for (j, back) in gram.times(&x).into_iter().enumerate() {
                    prop_assert!((back + ridge * x[j] - unit[j]).abs() < 1e-9);
                }
            }
        }
    }
}
