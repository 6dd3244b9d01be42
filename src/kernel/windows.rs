//! Windows: each token's row concatenated with those of its neighbours in the sequence, or in a picture.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{arch::is_fused, leaf, plain, slices};
use crate::data::Packing;

/// For each token t, the rows of tokens t − ⌊(width − 1) / 2⌋ to t + ⌊width / 2⌋ of its sequence,
/// concatenated, with 0 beyond the ends of the sequence: (rows, inputs) to (rows, width·inputs).
pub fn windows(x: &Tensor, width: usize, packing: &Packing) -> Result<Tensor> {
    let neighbours = neighbours(width, packing)?;
    if x.dim(0)? != packing.n_rows() {
        bail!("windows: rows {:?} of {} tokens", x.shape(), packing.n_rows());
    }
    windows_of(x, width, neighbours)
}

/// The rows that `neighbours` names, `width` of them concatenated at a time, with 0 for none: x (rows, inputs) to
/// (windows, width·inputs). A row may occur several times or not at all.
pub fn windows_of(x: &Tensor, width: usize, neighbours: Vec<Option<usize>>) -> Result<Tensor> {
    let n_rows = x.dim(0)?;
    if width == 0 || !neighbours.len().is_multiple_of(width) {
        bail!("windows: {} rows named, not windows of {width}", neighbours.len());
    }
    if let Some(row) = neighbours.iter().flatten().find(|&&row| row >= n_rows) {
        bail!("windows: row {row} of {n_rows}");
    }
    if !is_fused(x.device()) {
        return plain::windows(x, width, neighbours);
    }
    x.contiguous()?.apply_op1(Windows { neighbours, width })
}

/// For each row, the row at each position of its window.
pub(super) fn neighbours(width: usize, packing: &Packing) -> Result<Vec<Option<usize>>> {
    let Some(before) = width.checked_sub(1).map(|others| others / 2) else {
        bail!("windows: no tokens in a window; expected at least 1")
    };
    let neighbours = packing.positions().flat_map(|(b, t)| {
        (0..width).map(move |place| {
            let t = (t + place).checked_sub(before)?;
            (t < packing.lengths()[b]).then(|| packing.row(b, t))
        })
    });
    Ok(neighbours.collect())
}

struct Windows {
    /// For each row, the row at each position of its window.
    neighbours: Vec<Option<usize>>,
    width: usize,
}

impl CustomOp1 for Windows {
    fn name(&self) -> &'static str {
        "windows"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, inputs) = layout.shape().dims2()?;
        if inputs == 0 {
            bail!("windows: rows of no width; expected at least 1");
        }
        let x = slices::of(x, layout)?;
        let mut y = vec![0.0; self.neighbours.len() * inputs];
        for (place, neighbour) in y.chunks_exact_mut(inputs).zip(&self.neighbours) {
            if let Some(row) = neighbour {
                place.copy_from_slice(&x[row * inputs..][..inputs]);
            }
        }
        let n_windows = self.neighbours.len() / self.width;
        Ok((CpuStorage::F32(y), (n_windows, self.width * inputs).into()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let inputs = x.dim(1)?;
        let mut grad_x = vec![0.0; x.elem_count()];
        slices::read(&gradient.contiguous()?, |gradient| {
            for (gradient, neighbour) in gradient.chunks_exact(inputs).zip(&self.neighbours) {
                let Some(row) = neighbour else { continue };
                for (sum, g) in grad_x[row * inputs..].iter_mut().zip(gradient) {
                    *sum += g;
                }
            }
        })?;
        leaf::gradient(x, grad_x)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::kernel::check;

    #[test]
    fn a_worked_example() -> Result<()> {
        // Sequence 0 has rows 0, 2, 3; sequence 1 has row 1.
        let packing = Packing::new(vec![3, 1]);
        let x = Var::new(&[[1f32], [2.0], [3.0], [4.0]], &Device::Cpu)?;
        let three = windows(&x, 3, &packing)?;
        let wanted = [0.0, 1.0, 3.0, 0.0, 2.0, 0.0, 1.0, 3.0, 4.0, 3.0, 4.0, 0.0];
        assert_eq!(slices::to_vec(&three)?, wanted);
        // An even window has one more after its token than before.
        let two = windows(&x, 2, &packing)?;
        assert_eq!(slices::to_vec(&two)?, [1.0, 3.0, 2.0, 0.0, 3.0, 4.0, 4.0, 0.0]);
        let one = windows(&x, 1, &packing)?;
        assert_eq!(slices::to_vec(&one)?, [1.0, 2.0, 3.0, 4.0]);
        // Longer than both sequences.
        assert_eq!(windows(&x, 9, &packing)?.dims(), [4, 9]);
        let store = three.sum_all()?.backward()?;
        assert_eq!(slices::to_vec(store.get(&x).unwrap())?, [2.0, 1.0, 3.0, 2.0]);
        Ok(())
    }

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        for (lengths, width) in [(vec![1], 1), (vec![4, 3, 1], 3), (vec![2, 2], 4), (vec![1], 5)] {
            let packing = Packing::new(lengths);
            let x = check::var("x", (packing.n_rows(), 3), 1.0)?;
            check::assert_differences(&[&x], || windows(&x, width, &packing)?.sqr());
        }
        Ok(())
    }

    #[test]
    fn windows_of_named_rows_pass_their_gradient_to_each() -> Result<()> {
        let x = Var::new(&[[1f32, 10.0], [2.0, 20.0], [3.0, 30.0]], &Device::Cpu)?;
        let neighbours = vec![Some(2), None, Some(2), Some(0)];
        let both = windows_of(&x, 2, neighbours.clone())?;
        assert_eq!(slices::to_vec(&both)?, [3.0, 30.0, 0.0, 0.0, 3.0, 30.0, 1.0, 10.0]);
        let store = both.sum_all()?.backward()?;
        assert_eq!(slices::to_vec(store.get(&x).unwrap())?, [1.0, 1.0, 0.0, 0.0, 2.0, 2.0]);
        check::assert_differences(&[&x], || windows_of(&x, 4, neighbours.clone())?.sqr());
        let faults = [windows_of(&x, 3, neighbours.clone()), windows_of(&x, 1, vec![Some(3)])];
        let wanted = ["windows: 4 rows named, not windows of 3", "windows: row 3 of 3"];
        for (found, wanted) in faults.into_iter().zip(wanted) {
            assert!(found.unwrap_err().to_string().starts_with(wanted));
        }
        Ok(())
    }

    #[test]
    fn shapes_that_do_not_fit_are_an_error() -> Result<()> {
        let packing = Packing::new(vec![2]);
        let x = check::var("x", (3, 1), 1.0)?;
        assert!(windows(&x, 3, &packing).unwrap_err().to_string().contains("of 2 tokens"));
        let x = check::var("x", (2, 1), 1.0)?;
        assert!(windows(&x, 0, &packing).unwrap_err().to_string().contains("expected at least 1"));
        Ok(())
    }
}
