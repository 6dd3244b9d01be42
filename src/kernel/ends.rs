//! The final states of a bidirectional recurrent layer.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use super::{arch::is_fused, leaf, plain, slices};
use crate::data::Packing;

/// For x (rows, 2·width), each sequence's last row of the forward half concatenated with its first row of the backward half:
/// (sequences, 2·width).
pub fn ends(x: &Tensor, packing: &Packing) -> Result<Tensor> {
    let half = x.dim(1)? / 2;
    let last = (0..packing.n_sequences()).map(|b| packing.row(b, packing.lengths()[b] - 1) as u32);
    let first = (0..packing.n_sequences()).map(|b| packing.row(b, 0) as u32);
    if is_fused(x.device()) {
        return x.contiguous()?.apply_op1(Ends { rows: last.zip(first).collect(), half });
    }
    plain::ends(x, last.collect(), first.collect())
}

struct Ends {
    /// The last and the first row of each sequence.
    rows: Vec<(u32, u32)>,
    /// The columns of each direction.
    half: usize,
}

impl Ends {
    /// For each sequence, the first elements of its final states in x.
    fn starts(&self) -> impl Iterator<Item = [usize; 2]> {
        let width = 2 * self.half;
        self.rows
            .iter()
            .map(move |&(last, first)| [last as usize * width, first as usize * width + self.half])
    }
}

impl CustomOp1 for Ends {
    fn name(&self) -> &'static str {
        "ends"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = slices::of(x, layout)?;
        let mut y = Vec::with_capacity(self.rows.len() * 2 * self.half);
        for start in self.starts().flatten() {
            y.extend_from_slice(&x[start..][..self.half]);
        }
        Ok((CpuStorage::F32(y), (self.rows.len(), 2 * self.half).into()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let mut grad_x = vec![0.0; x.elem_count()];
        slices::read(&gradient.contiguous()?, |gradient| {
            let starts = self.starts().flatten();
            for (start, gradient) in starts.zip(gradient.chunks_exact(self.half.max(1))) {
                grad_x[start..][..self.half].copy_from_slice(gradient);
            }
        })?;
        leaf::gradient(x, grad_x)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::kernel::check;

    #[test]
    fn ends_are_the_last_forward_and_the_first_backward_state() -> Result<()> {
        let packing = Packing::new(vec![2, 1]);
        // Rows: (0,0), (1,0), (0,1).
        let x = Tensor::new(&[[1f32, 10.0], [2.0, 20.0], [3.0, 30.0]], &Device::Cpu)?;
        assert_eq!(slices::to_vec(&ends(&x, &packing)?)?, [3.0, 10.0, 2.0, 20.0]);
        Ok(())
    }

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let x = check::var("x", (6, 4), 1.0)?;
        check::assert_differences(&[&x], || ends(&x, &Packing::new(vec![3, 2, 1]))?.sqr());
        Ok(())
    }
}
