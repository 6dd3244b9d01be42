//! The plain compositions of the smaller kernels against the fused operations and finite
//! differences. The larger kernels' own tests compare theirs.

use candle_core::{Device, Result, Tensor, Var};

use crate::{
    data::{Packing, Purpose, draw},
    kernel::{
        TargetBags, attend, binary_cross_entropy, check, columns, dropout, ends, gather,
        max_over_tokens, mean_over_tokens, plain, reverse, seed_gradient, sum, sum_bags,
        sum_by_group, tanh, to_vec, windows,
    },
};

/// Values of a fused operation and of its composition, and their gradients with respect to x.
struct Both<'a> {
    fused: &'a dyn Fn(&Tensor) -> Result<Tensor>,
    plain: &'a dyn Fn(&Tensor) -> Result<Tensor>,
}

impl Both<'_> {
    #[track_caller]
    fn assert_same(&self, x: &Var, absolute: f32) -> Result<()> {
        let [fused, plain] = [(self.fused)(x)?, (self.plain)(x)?];
        check::assert_tensors_close(&plain, &fused, 0.0, absolute);
        let [fused, plain] =
            [check::gradients(&[x], &fused)?.remove(0), check::gradients(&[x], &plain)?.remove(0)];
        check::assert_tensors_close(&plain, &fused, 0.0, absolute);
        Ok(())
    }

    #[track_caller]
    fn assert_differences(&self, x: &Var) {
        check::assert_differences(&[x], || (self.plain)(x));
    }
}

#[test]
fn gather_and_sum_by_group_agree() -> Result<()> {
    let x = check::var("x", (5, 3), 1.0)?;
    let rows = || vec![4, 0, 4, 2];
    let both = Both { fused: &|x| gather(x, rows()), plain: &|x| plain::gather(x, rows()) };
    both.assert_same(&x, 0.0)?;
    both.assert_differences(&x);
    // Of rows that lie apart.
    let x = check::var("x", (3, 5), 1.0)?;
    let rows = || vec![4, 1, 4];
    let both =
        Both { fused: &|x| gather(&x.t()?, rows()), plain: &|x| plain::gather(&x.t()?, rows()) };
    both.assert_same(&x, 0.0)?;

    let x = check::var("x", 6, 1.0)?;
    let groups = || vec![3, 0, 3, 1, 0, 3];
    let both = Both {
        fused: &|x| sum_by_group(x, groups(), 4),
        plain: &|x| plain::sum_by_group(x, groups(), 4),
    };
    both.assert_same(&x, 0.0)?;
    both.assert_differences(&x);
    Ok(())
}

#[test]
fn both_dropouts_use_the_same_mask() -> Result<()> {
    let x = check::var("x", (40, 30), 1.0)?;
    let masked = |x: &Tensor| dropout(x, 0.3, draw(1, Purpose::Dropout, "test", 3));
    // The mask, obtained by masking ones.
    let factors = to_vec(&masked(&x.ones_like()?)?)?;
    assert!(factors.contains(&0.0) && factors.iter().any(|&factor| factor > 1.0));
    let both = Both { fused: &masked, plain: &|x| plain::dropout(x, factors.clone()) };
    both.assert_same(&x, 0.0)
}

#[test]
fn both_tanhs_agree() -> Result<()> {
    let x = check::var("x", (7, 3), 3.0)?;
    let both = Both { fused: &tanh, plain: &plain::tanh };
    both.assert_same(&x, 1e-6)?;
    both.assert_differences(&x);
    Ok(())
}

#[test]
fn both_poolings_agree() -> Result<()> {
    for lengths in [&[5, 3, 3, 1][..], &[1], &[1, 1], &[4, 4]] {
        let packing = Packing::new(lengths.to_vec());
        let x = check::var("x", (packing.n_rows(), 3), 1.0)?;
        let both = Both {
            fused: &|x| mean_over_tokens(x, &packing),
            plain: &|x| plain::mean_over_tokens(x, &packing),
        };
        both.assert_same(&x, 1e-6)?;
        both.assert_differences(&x);
        let both = Both {
            fused: &|x| max_over_tokens(x, &packing),
            plain: &|x| plain::max_over_tokens(x, &packing),
        };
        both.assert_same(&x, 0.0)?;
        both.assert_differences(&x);
        // Of equal values, the first receives the gradient.
        both.assert_same(&Var::from_tensor(&x.zeros_like()?)?, 0.0)?;
    }
    Ok(())
}

#[test]
fn columns_and_ends_are_copies() -> Result<()> {
    let x = check::var("x", (6, 4), 1.0)?;
    let packing = Packing::new(vec![3, 2, 1]);
    for (from, n) in [(0, 4), (1, 2), (2, 2), (3, 0)] {
        let (fused, plain) =
            (|x: &Tensor| columns(x, from, n), |x: &Tensor| plain::columns(x, from, n));
        Both { fused: &fused, plain: &plain }.assert_same(&x, 0.0)?;
    }
    let (last, first) = (vec![5, 4, 2], vec![0, 1, 2]);
    let both = Both {
        fused: &|x| ends(x, &packing),
        plain: &|x| plain::ends(x, last.clone(), first.clone()),
    };
    both.assert_same(&x, 0.0)
}

#[test]
fn gradient_reversal_leaves_values_unchanged() -> Result<()> {
    let x = Var::new(&[0.1f32, -3.0, 1e-30, 1e30, f32::MIN_POSITIVE, 0.0], &Device::Cpu)?;
    for strength in [0.5, 1.0, 0.0, 1e-3] {
        let both =
            Both { fused: &|x| reverse(x, strength), plain: &|x| plain::reverse(x, strength) };
        both.assert_same(&x, 0.0)?;
    }
    Ok(())
}

#[test]
fn both_seeded_gradients_agree() -> Result<()> {
    let x = check::var("x", (3, 2), 1.0)?;
    let gradient = check::var("gradient", (3, 2), 1.0)?;
    for zero in
        [seed_gradient(&x, gradient.as_detached_tensor())?, plain::seed_gradient(&x, &gradient)?]
    {
        assert_eq!(to_vec(&zero)?, [0.0]);
        let store = zero.backward()?;
        check::assert_tensors_close(store.get(&x).unwrap(), &gradient, 0.0, 0.0);
    }
    Ok(())
}

#[test]
fn sums_of_tensors_are_not_tracked() -> Result<()> {
    let [x, y, z] = ["x", "y", "z"].map(|name| check::var(name, (3, 2), 1.0).unwrap().into_inner());
    let tensors = [x, y, z];
    for n in 1..=3 {
        let found = plain::sum(&tensors[..n])?;
        check::assert_tensors_close(&found, &sum(&tensors[..n])?, 0.0, 0.0);
        assert!(!found.track_op());
    }
    assert!(plain::sum(&[]).is_err());
    Ok(())
}

/// As with fused operations, which save nothing where no gradient is required.
#[test]
fn results_of_untracked_rows_are_not_tracked() -> Result<()> {
    let x = check::var("x", (3, 2), 1.0)?.detach();
    let (weight, bias) = (check::weight("weight", (2, 4), 1.0)?, check::weight("bias", 4, 1.0)?);
    assert!(!plain::linear(&x, &weight, &bias)?.track_op());
    assert!(
        !plain::cross_entropy(&x, &weight, &bias, &TargetBags::single(vec![0, 1, 2]))?.track_op()
    );
    let transitions = check::weight("transitions", (4, 2), 1.0)?;
    assert!(!plain::crf(&x, &transitions, vec![0, 1, 1], &Packing::new(vec![2, 1]))?.track_op());
    Ok(())
}

#[test]
fn both_binary_cross_entropies_agree() -> Result<()> {
    let z = check::var("z", (4, 2), 3.0)?;
    let answers = || vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0];
    let both = Both {
        fused: &|z| binary_cross_entropy(z, answers()),
        plain: &|z| plain::binary_cross_entropy(z, answers()),
    };
    both.assert_same(&z, 1e-6)?;
    both.assert_differences(&z);
    // candle's own relu and abs have no gradient here.
    let zero = Var::zeros((4, 2), candle_core::DType::F32, &Device::Cpu)?;
    both.assert_same(&zero, 1e-6)
}

#[test]
fn both_windows_and_bags_agree() -> Result<()> {
    let packing = Packing::new(vec![4, 2, 1]);
    let x = check::var("x", (7, 3), 1.0)?;
    for width in 1..=4 {
        // Both compositions are given the fused one's neighbours.
        let neighbours = windows::neighbours(width, &packing)?;
        let both = Both {
            fused: &|x| windows::windows(x, width, &packing),
            plain: &|x| plain::windows(x, width, neighbours.clone()),
        };
        both.assert_same(&x, 0.0)?;
        both.assert_differences(&x);
    }
    let bags = || vec![vec![0.5, -1.0], vec![], vec![2.0, 1.0, 0.25, 3.0], vec![1.0]];
    let both = Both { fused: &|x| sum_bags(x, bags()), plain: &|x| plain::sum_bags(x, &bags()) };
    both.assert_same(&x, 1e-6)?;
    both.assert_differences(&x);
    Ok(())
}

#[test]
fn both_attention_poolings_agree() -> Result<()> {
    let packing = Packing::new(vec![4, 2, 1]);
    let keys = check::var("keys", (7, 5), 2.0)?;
    let query = check::weight("query", 5, 2.0)?;
    let x = check::var("x", (7, 3), 1.0)?;
    let vars: [&dyn check::Variable; 3] = [&keys, &query, &x];
    let found = plain::attend(&keys, &query, &x, &packing)?;
    let fused = attend(&keys, &query, &x, &packing)?;
    check::assert_tensors_close(&found, &fused, 1e-5, 1e-6);
    for (found, fused) in
        check::gradients(&vars, &found)?.iter().zip(check::gradients(&vars, &fused)?)
    {
        check::assert_tensors_close(found, &fused, 1e-4, 1e-6);
    }
    check::assert_differences(&vars, || plain::attend(&keys, &query, &x, &packing));
    Ok(())
}
