//! The loss of a choice of which several alternatives are right: −ln Σ P over them.

use candle_core::{Result, Tensor};

use super::RawLoss;
use crate::kernel;

/// −ln Σ e^{log_p} over the right alternatives of each example, given the logarithms of the probabilities of all
/// alternatives (alternatives) and, for each example, the right ones; examples without any have no loss. `None` if
/// none has any.
pub(super) fn loss(log_p: &Tensor, right: &[Vec<u32>]) -> Result<Option<RawLoss>> {
    let (mut sizes, mut firsts, mut examples) = (Vec::new(), Vec::new(), Vec::new());
    let mut n = 0;
    for (example, right) in (0..).zip(right).filter(|(_, right)| !right.is_empty()) {
        sizes.push(right.len());
        firsts.push(n as u32);
        examples.push(example);
        n += right.len();
    }
    let count = examples.len();
    if count == 0 {
        return Ok(None);
    }
    let z = kernel::gather(&log_p.unsqueeze(1)?, right.concat())?; // (right ones, 1)
    // For any element of a group, ln Σ e^z = z − log_softmax(z).
    let share = kernel::log_softmax_by_group(&z.flatten_all()?, &sizes)?.unsqueeze(1)?;
    let sums = kernel::gather(&(z - share)?, firsts)?.flatten_all()?;
    let per_example = kernel::sum_by_group(&sums.neg()?, examples, right.len())?;
    RawLoss::new(per_example, count).map(Some)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    /// Probabilities 1/2, 1/4, 1/4 and 1: of the first three alternatives the last two are right, 1/2 together.
    #[test]
    fn a_worked_example() -> Result<()> {
        let log_p = Var::new(&[0.5f32.ln(), 0.25f32.ln(), 0.25f32.ln(), 0.0], &Device::Cpu)?;
        let found = loss(&log_p, &[vec![1, 2], vec![], vec![3]])?.expect("two have a right one");
        assert_eq!(found.count, 2);
        for (found, wanted) in kernel::to_vec(&found.per_example)?.iter().zip([2f32.ln(), 0.0, 0.0])
        {
            assert!((found - wanted).abs() < 1e-6, "{found}, expected {wanted}");
        }
        // −p / Σ p of each right one.
        let gradients = found.sum.backward()?;
        let gradient = kernel::to_vec(gradients.get(&log_p).unwrap())?;
        for (found, wanted) in gradient.iter().zip([0.0, -0.5, -0.5, -1.0]) {
            assert!((found - wanted).abs() < 1e-6, "{gradient:?}");
        }
        assert!(loss(&log_p, &[vec![], vec![]])?.is_none());
        Ok(())
    }
}
