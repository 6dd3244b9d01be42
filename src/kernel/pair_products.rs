//! Inner products of all pairs of rows of two tensors, group by group: every token of a sentence with every
//! possible head, every query with its candidates.
//!
//! For a group with left rows L (l, width) and right rows R (r, width): S = L·Rᵀ. With G = dL/dS: dL = G·R and
//! dR = Gᵀ·L, added to the rows in the order of the groups.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    arch::is_fused,
    gemm::{Accumulate, Matrix, Target, multiply},
    leaf,
    pair_group::PairGroup,
    plain, slices,
};

/// The inner product of each pair of rows of left (rows, width) and right (others, width): (pairs), group after
/// group in the order of [`PairGroup::pairs`].
pub fn pair_products(left: &Tensor, right: &Tensor, groups: &[PairGroup]) -> Result<Tensor> {
    let ((n_left, width), (n_right, other)) = (left.dims2()?, right.dims2()?);
    let is_inside = |group: &PairGroup| {
        group.left.iter().all(|&row| (row as usize) < n_left)
            && group.right.iter().all(|&row| (row as usize) < n_right)
    };
    if width != other || !groups.iter().all(is_inside) {
        bail!(
            "pair-products: left {:?}, right {:?}; expected rows of one width, and groups of these rows",
            left.shape(),
            right.shape()
        );
    }
    if !is_fused(left.device()) {
        return plain::pair_products(left, right, groups);
    }
    let op = PairProducts { groups: groups.to_vec() };
    left.contiguous()?.apply_op2(&right.contiguous()?, op)
}

struct PairProducts {
    groups: Vec<PairGroup>,
}

impl PairProducts {
    fn n_pairs(&self) -> usize {
        self.groups.iter().map(PairGroup::n_pairs).sum()
    }

    /// The groups, each with its part of values per pair.
    fn parts<'a>(&'a self, mut pairs: &'a [f32]) -> Vec<(&'a PairGroup, &'a [f32])> {
        let part = |group: &'a PairGroup| {
            let (part, rest) = pairs.split_at(group.n_pairs());
            pairs = rest;
            (group, part)
        };
        self.groups.iter().map(part).collect()
    }
}

/// The given rows of a row-major matrix, one after the other.
fn rows(x: &[f32], width: usize, rows: &[u32]) -> Vec<f32> {
    rows.iter().flat_map(|&row| &x[row as usize * width..][..width]).copied().collect()
}

/// a · b as a new matrix, row after row.
fn product(a: Matrix<'_>, b: Matrix<'_>) -> Vec<f32> {
    let n = b.n_columns();
    let mut product = vec![0.0; a.n_rows() * n];
    if !product.is_empty() {
        multiply(a, b, Accumulate::Overwrite, Target::new(&mut product, n));
    }
    product
}

impl CustomOp2 for PairProducts {
    fn name(&self) -> &'static str {
        "pair-products"
    }

    fn cpu_fwd(
        &self,
        left: &CpuStorage,
        left_layout: &Layout,
        right: &CpuStorage,
        right_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, width) = left_layout.shape().dims2()?;
        let (left, right) = (slices::of(left, left_layout)?, slices::of(right, right_layout)?);
        let of_group = |group: &PairGroup| {
            let [l, r] = [(left, &group.left), (right, &group.right)];
            let (l, r) = (rows(l.0, width, l.1), rows(r.0, width, r.1));
            let l = Matrix::new(&l, group.left.len(), width);
            product(l, Matrix::new(&r, group.right.len(), width).transposed())
        };
        let products: Vec<Vec<f32>> = self.groups.par_iter().map(of_group).collect();
        Ok((CpuStorage::F32(products.concat()), self.n_pairs().into()))
    }

    fn bwd(
        &self,
        left: &Tensor,
        right: &Tensor,
        _products: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (n_left, width) = left.dims2()?;
        let n_right = right.dim(0)?;
        let gradient = slices::to_vec(gradient)?;
        let parts = self.parts(&gradient);
        let of_groups: Vec<[Vec<f32>; 2]> = slices::read(left, |left| {
            slices::read(right, |right| {
                let of_group = |&(group, g): &(&PairGroup, &[f32])| {
                    let (l, r) = (rows(left, width, &group.left), rows(right, width, &group.right));
                    let (n_l, n_r) = (group.left.len(), group.right.len());
                    let g = Matrix::new(g, n_l, n_r);
                    let by_left = product(g, Matrix::new(&r, n_r, width));
                    [by_left, product(g.transposed(), Matrix::new(&l, n_l, width))]
                };
                parts.par_iter().map(of_group).collect()
            })
        })??;
        let mut grad_left = vec![0.0; n_left * width];
        let mut grad_right = vec![0.0; n_right * width];
        for (group, [by_left, by_right]) in self.groups.iter().zip(&of_groups) {
            add_rows(&mut grad_left, width, &group.left, by_left);
            add_rows(&mut grad_right, width, &group.right, by_right);
        }
        Ok((leaf::gradient(left, grad_left)?, leaf::gradient(right, grad_right)?))
    }
}

/// Adds values, row after row, to the given rows of a matrix.
fn add_rows(sums: &mut [f32], width: usize, rows: &[u32], values: &[f32]) {
    if width == 0 {
        return;
    }
    for (&row, values) in rows.iter().zip(values.chunks_exact(width)) {
        for (sum, value) in sums[row as usize * width..].iter_mut().zip(values) {
            *sum += value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::check;

    /// Two groups that share a right row, one without a right row, and one of a single pair.
    fn groups() -> Vec<PairGroup> {
        let group =
            |left: &[u32], right: &[u32]| PairGroup { left: left.into(), right: right.into() };
        vec![
            group(&[0, 2], &[3, 0, 1]),
            group(&[1], &[]),
            group(&[3], &[3]),
            group(&[4, 1], &[3, 2]),
        ]
    }

    #[test]
    fn a_worked_example() -> Result<()> {
        let device = &candle_core::Device::Cpu;
        let left = candle_core::Var::new(&[[1f32, 2.0], [3.0, 4.0]], device)?;
        let right = candle_core::Var::new(&[[1f32, 0.0], [0.0, 10.0], [1.0, 1.0]], device)?;
        let group = PairGroup { left: vec![1, 0], right: vec![0, 2] };
        let products = pair_products(&left, &right, std::slice::from_ref(&group))?;
        assert_eq!(slices::to_vec(&products)?, [3.0, 7.0, 1.0, 3.0]);
        assert_eq!(group.pairs().collect::<Vec<_>>(), [(1, 0), (1, 2), (0, 0), (0, 2)]);
        let gradients = products.sum_all()?.backward()?;
        assert_eq!(slices::to_vec(gradients.get(&left).unwrap())?, [2.0, 1.0, 2.0, 1.0]);
        assert_eq!(slices::to_vec(gradients.get(&right).unwrap())?, [4.0, 6.0, 0.0, 0.0, 4.0, 6.0]);
        Ok(())
    }

    #[test]
    fn values_and_gradients_equal_the_plain_composition() -> Result<()> {
        for width in [1, 7, 33] {
            let (left, right) =
                (check::var("left", (5, width), 1.0)?, check::var("right", (4, width), 1.0)?);
            let found = pair_products(&left, &right, &groups())?;
            let expected = plain::pair_products(&left, &right, &groups())?;
            check::assert_tensors_close(&found, &expected, 1e-5, 1e-6);
            let vars: [&dyn check::Variable; 2] = [&left, &right];
            let gradients = check::gradients(&vars, &found)?;
            for (found, expected) in gradients.iter().zip(check::gradients(&vars, &expected)?) {
                check::assert_tensors_close(found, &expected, 1e-5, 1e-6);
            }
        }
        Ok(())
    }

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let (left, right) = (check::var("left", (5, 3), 1.0)?, check::var("right", (4, 3), 1.0)?);
        for products in [pair_products, plain::pair_products] {
            check::assert_differences(&[&left, &right], || products(&left, &right, &groups()));
        }
        Ok(())
    }

    #[test]
    fn rows_that_do_not_exist_are_an_error() -> Result<()> {
        let (left, right) = (check::var("left", (2, 3), 1.0)?, check::var("right", (2, 3), 1.0)?);
        let group = |left, right| [PairGroup { left: vec![left], right: vec![right] }];
        let wider = check::var("wider", (2, 4), 1.0)?;
        assert!(pair_products(&left, &right, &group(0, 2)).is_err());
        assert!(pair_products(&left, &right, &group(2, 0)).is_err());
        assert!(pair_products(&left, &wider, &group(0, 0)).is_err());
        assert_eq!(pair_products(&left, &right, &[])?.elem_count(), 0);
        Ok(())
    }
}
