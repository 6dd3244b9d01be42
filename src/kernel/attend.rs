//! Attention pooling: an average of the tokens of a sequence, weighted by a learned query.
//!
//! Over the tokens t of a sequence: s_t = q·k_t, a = softmax(s), y = Σ_t a_t x_t. With g = dL/dy:
//! ds_t = a_t (g·x_t − g·y), dx_t = a_t g, dk_t = ds_t q, dq = Σ_t ds_t k_t over all sequences.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

use super::{
    arch::is_fused,
    buffer::Buffer,
    leaf,
    parameter::{Gradient, ParamRef},
    plain, slices,
};
use crate::data::Packing;

/// The attention-weighted average of the rows of x (rows, width) over each sequence, from keys
/// (rows, inner) and a query (inner): (sequences, width).
pub fn attend(keys: &Tensor, query: &ParamRef, x: &Tensor, packing: &Packing) -> Result<Tensor> {
    check(keys, query, x, packing)?;
    if !is_fused(x.device()) {
        return plain::attend(keys, query, x, packing);
    }
    let op = Attend { query: query.clone(), packing: packing.clone(), shares: OnceLock::new() };
    keys.contiguous()?.apply_op2(&x.contiguous()?, op)
}

fn check(keys: &Tensor, query: &ParamRef, x: &Tensor, packing: &Packing) -> Result<()> {
    let ((n_keys, inner), (n_rows, _)) = (keys.dims2()?, x.dims2()?);
    if n_rows != packing.n_rows() || n_keys != n_rows || query.var().dims() != [inner] {
        bail!(
            "attend: keys {:?}, query {:?}, rows {:?} of {} tokens; expected (tokens, i), (i) and \
             (tokens, o)",
            keys.shape(),
            query.var().shape(),
            x.shape(),
            packing.n_rows()
        );
    }
    Ok(())
}

struct Attend {
    query: ParamRef,
    packing: Packing,
    /// a, the attention weight of each row.
    shares: OnceLock<Vec<f32>>,
}

impl CustomOp2 for Attend {
    fn name(&self) -> &'static str {
        "attend"
    }

    fn cpu_fwd(
        &self,
        keys: &CpuStorage,
        keys_layout: &Layout,
        x: &CpuStorage,
        x_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, inner) = keys_layout.shape().dims2()?;
        let (n_rows, width) = x_layout.shape().dims2()?;
        let (keys, x) = (slices::of(keys, keys_layout)?, slices::of(x, x_layout)?);
        let mut shares: Vec<f32> = self.query.read(|query| {
            (0..n_rows).map(|row| dot(&keys[row * inner..][..inner], query)).collect()
        })?;
        for b in 0..self.packing.n_sequences() {
            softmax(&mut shares, || self.packing.rows(b));
        }
        let mut y = vec![0.0; self.packing.n_sequences() * width];
        for (row, (b, _)) in self.packing.positions().enumerate() {
            add(&mut y[b * width..][..width], shares[row], &x[row * width..]);
        }
        // A second forward pass of the same op would compute the same values.
        let _ = self.shares.set(shares);
        Ok((CpuStorage::F32(y), (self.packing.n_sequences(), width).into()))
    }

    fn bwd(
        &self,
        keys: &Tensor,
        x: &Tensor,
        y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let shares = self.shares.get().expect("backward comes after forward");
        let (inner, width) = (keys.dim(1)?, x.dim(1)?);
        let (key_rows, x_rows) = (slices::to_vec(keys)?, slices::to_vec(x)?);
        let (y, gradient) = (slices::to_vec(y)?, slices::to_vec(gradient)?);
        let (mut grad_keys, mut grad_x) = (vec![0.0; key_rows.len()], vec![0.0; x_rows.len()]);
        let mut grad_query = Buffer::zeros(inner);
        self.query.read(|query| {
            for (row, (b, _)) in self.packing.positions().enumerate() {
                let (g, x) = (&gradient[b * width..][..width], &x_rows[row * width..][..width]);
                let grad_score = shares[row] * (dot(g, x) - dot(g, &y[b * width..][..width]));
                add(&mut grad_x[row * width..][..width], shares[row], g);
                add(&mut grad_keys[row * inner..][..inner], grad_score, query);
                add(&mut grad_query, grad_score, &key_rows[row * inner..]);
            }
        })?;
        self.query.accumulate(Gradient::Dense(grad_query))?;
        Ok((leaf::gradient(keys, grad_keys)?, leaf::gradient(x, grad_x)?))
    }
}

/// The softmax over the given elements, in place. The largest is subtracted first, so that no
/// exponential overflows.
fn softmax<I: Iterator<Item = usize>>(numbers: &mut [f32], places: impl Fn() -> I) {
    let largest = places().map(|at| numbers[at]).fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for at in places() {
        numbers[at] = (numbers[at] - largest).exp();
        sum += numbers[at];
    }
    for at in places() {
        numbers[at] /= sum;
    }
}

fn dot(x: &[f32], y: &[f32]) -> f32 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// Adds factor·x to the sums, element by element.
fn add(sums: &mut [f32], factor: f32, x: &[f32]) {
    for (sum, x) in sums.iter_mut().zip(x) {
        *sum += factor * x;
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::kernel::check::{self, Variable};

    #[test]
    fn a_worked_example() -> Result<()> {
        // Sequence 0 has rows 0, 2; sequence 1 has row 1. Scores ln 3 and 0: attention weights 3/4
        // and 1/4.
        let packing = Packing::new(vec![2, 1]);
        let ln3 = 3f32.ln();
        let keys = Var::new(&[[ln3, 0.0], [7.0, 7.0], [0.0, 5.0]], &Device::Cpu)?;
        let query = check::weight_of(&Tensor::new(&[1f32, 0.0], &Device::Cpu)?)?;
        let x = Var::new(&[[4f32], [9.0], [8.0]], &Device::Cpu)?;
        let y = attend(&keys, &query, &x, &packing)?;
        check::assert_close(&slices::to_vec(&y)?, &[5.0, 9.0], 1e-6, 0.0);
        let store = y.sum_all()?.backward()?;
        // ds_0 = 3/4 (4 − 5), ds_2 = 1/4 (8 − 5). The weight of a sequence's only token is
        // constant.
        let found = slices::to_vec(store.get(&keys).unwrap())?;
        check::assert_close(&found, &[-0.75, 0.0, 0.0, 0.0, 0.75, 0.0], 1e-6, 1e-6);
        let found = slices::to_vec(store.get(&x).unwrap())?;
        check::assert_close(&found, &[0.75, 1.0, 0.25], 1e-6, 0.0);
        let grad_query = slices::to_vec(&query.gradient(&store).unwrap())?;
        check::assert_close(&grad_query, &[-0.75 * ln3, 0.75 * 5.0], 1e-6, 0.0);
        Ok(())
    }

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        for (lengths, inner, width) in [(vec![1], 1, 1), (vec![4, 3, 1], 5, 3), (vec![2, 2], 2, 7)]
        {
            let packing = Packing::new(lengths);
            let keys = check::var("keys", (packing.n_rows(), inner), 1.0)?;
            let query = check::weight("query", inner, 1.0)?;
            let x = check::var("x", (packing.n_rows(), width), 1.0)?;
            check::assert_differences(&[&keys, &query, &x], || attend(&keys, &query, &x, &packing));
        }
        Ok(())
    }

    #[test]
    fn large_scores_stay_finite() -> Result<()> {
        let packing = Packing::new(vec![2]);
        let keys = Var::new(&[[1e4f32], [-1e4]], &Device::Cpu)?;
        let query = check::weight_of(&Tensor::new(&[1f32], &Device::Cpu)?)?;
        let x = Var::new(&[[2f32], [3.0]], &Device::Cpu)?;
        assert_eq!(slices::to_vec(&attend(&keys, &query, &x, &packing)?)?, [2.0]);
        Ok(())
    }

    #[test]
    fn shapes_that_do_not_fit_are_an_error() -> Result<()> {
        let packing = Packing::new(vec![2]);
        for (keys, query, rows) in [(1, 3, 2), (2, 2, 2), (2, 3, 1)] {
            let keys = check::var("keys", (keys, 3), 1.0)?;
            let x = check::var("x", (rows, 1), 1.0)?;
            let error = attend(&keys, &check::weight("query", query, 1.0)?, &x, &packing);
            assert!(error.unwrap_err().to_string().contains("expected (tokens, i)"));
        }
        Ok(())
    }
}
