//! The fused output layer against the plain composition and finite differences.

use candle_core::{DType, Device, Result, Tensor, Var};

use crate::kernel::{
    ParamRef, TargetBags, check, cross_entropy, cross_entropy_tied, is_fused, plain, slices,
};

type Layer = fn(&Tensor, &ParamRef, &ParamRef, Vec<u32>) -> Result<Tensor>;

fn plain_cross_entropy(
    x: &Tensor,
    weight: &ParamRef,
    bias: &ParamRef,
    targets: Vec<u32>,
) -> Result<Tensor> {
    plain::cross_entropy(x, weight, bias, &TargetBags::single(targets))
}

const BOTH: [Layer; 2] = [cross_entropy, plain_cross_entropy];

/// The loss of given logits, as x·1 + 0.
fn of_logits(layer: Layer, logits: &Tensor, targets: Vec<u32>) -> Result<Tensor> {
    let classes = logits.dim(1)?;
    let one = check::weight_of(&Tensor::eye(classes, DType::F32, &Device::Cpu)?)?;
    let zeros = check::weight_of(&Tensor::zeros(classes, DType::F32, &Device::Cpu)?)?;
    layer(logits, &one, &zeros, targets)
}

#[test]
fn a_worked_example() -> Result<()> {
    let logits = Var::new(&[[0f32, 3f32.ln()], [1.0, 1.0]], &Device::Cpu)?;
    for layer in BOTH {
        let each = of_logits(layer, &logits, vec![0, 1])?;
        // Probabilities 1/4, 3/4 and 1/2, 1/2.
        check::assert_close(&slices::to_vec(&each)?, &[4f32.ln(), 2f32.ln()], 0.0, 1e-6);
        let gradients = each.sum_all()?.backward()?;
        let found = slices::to_vec(gradients.get(&logits).unwrap())?;
        check::assert_close(&found, &[-0.75, 0.75, 0.5, -0.5], 0.0, 1e-6);
    }
    Ok(())
}

#[test]
fn a_target_outside_the_head_is_an_error() {
    let logits = Tensor::new(&[[0f32, 1.0]], &Device::Cpu).unwrap();
    let error = of_logits(cross_entropy, &logits, vec![2]).unwrap_err().to_string();
    assert!(error.contains("2 classes in the head, but target 2"), "{error}");
}

#[test]
fn losses_and_gradients_equal_the_plain_composition() -> Result<()> {
    for (rows, classes) in [(1, 1), (1, 7), (5, 1), (6, 8), (9, 45), (3, 500)] {
        for scale in [0.5, 5.0, 100.0, 1000.0] {
            let logits = check::var("logits", (rows, classes), scale)?;
            let targets = check::labels("targets", rows, classes);
            let expected = of_logits(plain_cross_entropy, &logits, targets.clone())?;
            let found = of_logits(cross_entropy, &logits, targets)?;
            check::assert_tensors_close(&found, &expected, 1e-5, 1e-6);
            let expected = check::gradients(&[&logits], &expected)?;
            let found = check::gradients(&[&logits], &found)?;
            check::assert_tensors_close(&found[0], &expected[0], 1e-5, 1e-6);
        }
    }
    Ok(())
}

#[test]
fn gradients_match_finite_differences() -> Result<()> {
    for (rows, classes) in [(1, 1), (1, 4), (4, 9)] {
        let logits = check::var("logits", (rows, classes), 2.0)?;
        let targets = check::labels("targets", rows, classes);
        for layer in BOTH {
            check::assert_differences(&[&logits], || of_logits(layer, &logits, targets.clone()));
        }
    }
    Ok(())
}

#[test]
fn extreme_logits_give_finite_losses() -> Result<()> {
    for large in [100f32, 1000.0] {
        let logits = Var::new(&[[large, -large], [large, large]], &Device::Cpu)?;
        for layer in BOTH {
            let each = of_logits(layer, &logits, vec![1, 0])?;
            check::assert_close(&slices::to_vec(&each)?, &[2.0 * large, 2f32.ln()], 1e-7, 1e-7);
            let gradients = each.sum_all()?.backward()?;
            let found = slices::to_vec(gradients.get(&logits).unwrap())?;
            check::assert_close(&found, &[1.0, -1.0, -0.5, 0.5], 0.0, 1e-6);
        }
    }
    Ok(())
}

#[test]
fn no_rows_give_no_losses_and_no_classes_are_an_error() -> Result<()> {
    let logits = check::var("logits", (0, 3), 1.0)?;
    for layer in BOTH {
        let each = of_logits(layer, &logits, Vec::new())?;
        assert_eq!(each.dims(), [0]);
        assert_eq!(check::gradients(&[&logits], &each)?[0].dims(), [0, 3]);
    }
    // The gradients of the layer are 0, not what the memory had.
    let (x, weight) = (check::var("x", (0, 2), 1.0)?, check::weight("weight", (2, 3), 1.0)?);
    let bias = check::weight("bias", 3, 1.0)?;
    let each = cross_entropy(&x, &weight, &bias, Vec::new())?;
    let store = each.sum_all()?.backward()?;
    let all: [&dyn check::Variable; 2] = [&weight, &bias];
    for gradient in all.iter().filter_map(|parameter| parameter.gradient(&store)) {
        assert!(slices::to_vec(&gradient)?.iter().all(|&g| g == 0.0));
    }
    let weight = check::weight("weight", (2, 0), 1.0)?;
    let bias = check::weight("bias", 0, 1.0)?;
    let error = cross_entropy(&x, &weight, &bias, Vec::new()).unwrap_err().to_string();
    assert!(error.contains("no classes in the head"), "{error}");
    Ok(())
}

/// Compares a layer with weights and biases within ±`scale` with the plain composition.
#[track_caller]
fn assert_plain((rows, inputs, classes): (usize, usize, usize), scale: f32) -> Result<()> {
    let x = check::var("x", (rows, inputs), 1.0)?;
    let weight = check::weight("weight", (inputs, classes), scale)?;
    let bias = check::weight("bias", classes, scale)?;
    let targets = check::labels("targets", rows, classes);
    let expected = plain_cross_entropy(&x, &weight, &bias, targets.clone())?;
    let vars: [&dyn check::Variable; 3] = [&x, &weight, &bias];
    let gradients = check::gradients(&vars, &expected)?;
    let found = cross_entropy(&x, &weight, &bias, targets)?;
    check::assert_tensors_close(&found, &expected, 1e-5, 1e-5);
    for (found, expected) in check::gradients(&vars, &found)?.iter().zip(&gradients) {
        check::assert_tensors_close(found, expected, 1e-4, 2e-5);
    }
    // Above, the gradients were recomputed, as each row had its own g; here they come from the
    // forward pass.
    let mean = |each: &Tensor| each.mean_all();
    let found = check::gradients(&vars, &mean(&found)?)?;
    for (found, expected) in found.iter().zip(check::gradients(&vars, &mean(&expected)?)?) {
        check::assert_tensors_close(found, &expected, 1e-4, 2e-5);
    }
    Ok(())
}

#[test]
fn several_blocks_of_classes_equal_the_plain_layer() -> Result<()> {
    for size in [(1, 1, 481), (7, 5, 960), (9, 3, 1_300)] {
        assert_plain(size, 0.3)?;
        assert_plain(size, 30.0)?;
    }
    Ok(())
}

/// One or two inputs beyond full vectors of 4, 8 and 16 lanes.
#[test]
fn inputs_beyond_full_vectors_equal_the_plain_layer() -> Result<()> {
    for size in [(30, 17, 481), (30, 50, 7), (75, 18, 1_000), (25, 33, 500)] {
        assert_plain(size, 0.3)?;
    }
    Ok(())
}

#[test]
fn several_blocks_of_rows_equal_the_plain_layer() -> Result<()> {
    // Logits near 1: with logits near 100, both computations lose precision that sums over many
    // rows would show.
    for size in [(104, 5, 7), (105, 3, 50), (209, 5, 500), (420, 2, 490)] {
        assert_plain(size, 0.3)?;
        assert_plain(size, 1.0)?;
    }
    Ok(())
}

#[test]
fn gradients_with_respect_to_all_inputs_match_finite_differences() -> Result<()> {
    for (rows, inputs, classes) in [(1, 1, 1), (4, 3, 5)] {
        let x = check::var("x", (rows, inputs), 1.0)?;
        let weight = check::weight("weight", (inputs, classes), 1.0)?;
        let bias = check::weight("bias", classes, 1.0)?;
        let targets = check::labels("targets", rows, classes);
        for layer in BOTH {
            check::assert_differences(&[&x, &weight, &bias], || {
                layer(&x, &weight, &bias, targets.clone())
            });
        }
    }
    Ok(())
}

#[test]
fn a_table_as_weights_gives_the_losses_and_gradients_of_its_transpose() -> Result<()> {
    for (rows, inputs, classes) in [(3, 6, 5), (130, 6, 481), (7, 6, 1_100), (30, 17, 490)] {
        let x = check::var("x", (rows, inputs), 1.0)?;
        let table = check::weight("table", (classes, inputs), 1.0)?;
        let weight = check::weight_of(&table.var().t()?.contiguous()?)?;
        let [bias, other] =
            [check::weight("bias", classes, 1.0)?, check::weight("bias", classes, 1.0)?];
        let targets = check::labels("targets", rows, classes);
        let found = cross_entropy_tied(&x, &table, &bias, targets.clone())?;
        let expected = cross_entropy(&x, &weight, &other, targets.clone())?;
        // Candle's own products sum a transposed factor in another order.
        let close = if is_fused(&Device::Cpu) { 0.0 } else { 1e-5 };
        check::assert_tensors_close(&found, &expected, close, close);
        let gradients = check::gradients(&[&x, &table, &bias], &found)?;
        let expected = check::gradients(&[&x, &weight, &other], &expected)?;
        let expected = [expected[0].clone(), expected[1].t()?.contiguous()?, expected[2].clone()];
        for (found, expected) in gradients.iter().zip(&expected) {
            check::assert_tensors_close(found, expected, close, close);
        }
        let single = TargetBags::single(targets.clone());
        let plain = plain::cross_entropy_tied(&x, &table, &bias, &single)?;
        check::assert_tensors_close(&found, &plain, 1e-5, 1e-5);
        // One value for all rows takes the gradients of the forward pass.
        let mean = cross_entropy_tied(&x, &table, &bias, targets)?.mean_all()?;
        let found = check::gradients(&[&table], &mean)?;
        let expected = check::gradients(&[&table], &plain.mean_all()?)?;
        check::assert_tensors_close(&found[0], &expected[0], 1e-4, 1e-5);
    }
    Ok(())
}
