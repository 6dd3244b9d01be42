//! Mean and maximum over the tokens of each sequence, element by element.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{arch::is_fused, leaf, plain, slices};
use crate::data::Packing;

/// The mean over each sequence's rows, for x (rows, width): (sequences, width).
pub fn mean_over_tokens(x: &Tensor, packing: &Packing) -> Result<Tensor> {
    check("mean-over-tokens", x, packing)?;
    if !is_fused(x.device()) {
        return plain::mean_over_tokens(x, packing);
    }
    x.contiguous()?.apply_op1(Mean { packing: packing.clone() })
}

/// The maximum over each sequence's rows, element by element, for x (rows, width): (sequences,
/// width). The gradient goes to the first row that has the maximum.
pub fn max_over_tokens(x: &Tensor, packing: &Packing) -> Result<Tensor> {
    check("max-over-tokens", x, packing)?;
    if !is_fused(x.device()) {
        return plain::max_over_tokens(x, packing);
    }
    x.contiguous()?.apply_op1(Max { packing: packing.clone(), places: OnceLock::new() })
}

fn check(name: &str, x: &Tensor, packing: &Packing) -> Result<()> {
    let (rows, _) = x.dims2()?;
    if rows != packing.n_rows() {
        bail!("{name}: {rows} rows, {} packed", packing.n_rows());
    }
    Ok(())
}

struct Mean {
    packing: Packing,
}

impl CustomOp1 for Mean {
    fn name(&self) -> &'static str {
        "mean-over-tokens"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, width) = layout.shape().dims2()?;
        let x = slices::of(x, layout)?;
        let mut means = vec![0.0; self.packing.n_sequences() * width];
        for (row, (b, _)) in self.packing.positions().enumerate() {
            for (mean, x) in means[b * width..].iter_mut().zip(&x[row * width..][..width]) {
                *mean += x / self.packing.lengths()[b] as f32;
            }
        }
        Ok((CpuStorage::F32(means), (self.packing.n_sequences(), width).into()))
    }

    fn bwd(&self, x: &Tensor, _means: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let width = x.dim(1)?;
        let gradient = slices::to_vec(gradient)?;
        let mut grad_x = Vec::with_capacity(x.elem_count());
        for (b, _) in self.packing.positions() {
            let length = self.packing.lengths()[b] as f32;
            grad_x.extend(gradient[b * width..][..width].iter().map(|g| g / length));
        }
        leaf::gradient(x, grad_x)
    }
}

struct Max {
    packing: Packing,
    places: OnceLock<Vec<u32>>,
}

impl CustomOp1 for Max {
    fn name(&self) -> &'static str {
        "max-over-tokens"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, width) = layout.shape().dims2()?;
        let x = slices::of(x, layout)?;
        let n = self.packing.n_sequences();
        // Time step 0 has one row for each sequence, in their order.
        let mut maxima = x[..n * width].to_vec();
        let mut places: Vec<u32> = (0..n).flat_map(|b| vec![b as u32; width]).collect();
        for (row, (b, t)) in self.packing.positions().enumerate() {
            if t > 0 {
                for at in 0..width {
                    if x[row * width + at] > maxima[b * width + at] {
                        maxima[b * width + at] = x[row * width + at];
                        places[b * width + at] = row as u32;
                    }
                }
            }
        }
        // A second forward pass of the same op would compute the same values.
        let _ = self.places.set(places);
        Ok((CpuStorage::F32(maxima), (n, width).into()))
    }

    fn bwd(&self, x: &Tensor, _maxima: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let width = x.dim(1)?;
        let places = self.places.get().expect("backward comes after forward");
        let mut grad_x = vec![0.0; x.elem_count()];
        for (at, (&row, g)) in places.iter().zip(slices::to_vec(gradient)?).enumerate() {
            grad_x[row as usize * width + at % width] += g;
        }
        leaf::gradient(x, grad_x)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    #[test]
    fn a_worked_example() -> Result<()> {
        // Sequence 0 has rows 0, 2; sequence 1 has row 1.
        let packing = Packing::new(vec![2, 1]);
        let x = Var::new(&[[1f32, 4.0], [5.0, 6.0], [3.0, 2.0]], &Device::Cpu)?;
        let weights = Tensor::new(&[[1f32, 10.0], [100.0, 1000.0]], &Device::Cpu)?;
        let means = mean_over_tokens(&x, &packing)?;
        assert_eq!(slices::to_vec(&means)?, [2.0, 3.0, 5.0, 6.0]);
        let gradients = (means * &weights)?.sum_all()?.backward()?;
        let grad_x = slices::to_vec(gradients.get(&x).unwrap())?;
        assert_eq!(grad_x, [0.5, 5.0, 100.0, 1000.0, 0.5, 5.0]);
        let maxima = max_over_tokens(&x, &packing)?;
        assert_eq!(slices::to_vec(&maxima)?, [3.0, 4.0, 5.0, 6.0]);
        let gradients = (maxima * &weights)?.sum_all()?.backward()?;
        let grad_x = slices::to_vec(gradients.get(&x).unwrap())?;
        assert_eq!(grad_x, [0.0, 10.0, 100.0, 1000.0, 1.0, 0.0]);
        Ok(())
    }
}
