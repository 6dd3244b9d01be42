//! Bags of targets against single targets, the plain composition and finite differences.

use candle_core::{DType, Device, Result, Tensor, Var};

use crate::kernel::{
    ParamRef, TargetBags, bag_cross_entropy, check, cross_entropy_tied, plain, slices,
};

type Layer = fn(&Tensor, &ParamRef, &ParamRef, &TargetBags) -> Result<Tensor>;

fn fused(x: &Tensor, table: &ParamRef, bias: &ParamRef, bags: &TargetBags) -> Result<Tensor> {
    bag_cross_entropy(x, table, bias, bags.clone())
}

const BOTH: [Layer; 2] = [fused, plain::cross_entropy_tied];

#[test]
fn a_worked_example() -> Result<()> {
    // Probabilities 1/4, 3/4.
    let logits = Var::new(&[[0f32, 3f32.ln()], [0.0, 3f32.ln()]], &Device::Cpu)?;
    let one = check::weight_of(&Tensor::eye(2, DType::F32, &Device::Cpu)?)?;
    let zeros = check::weight_of(&Tensor::zeros(2, DType::F32, &Device::Cpu)?)?;
    for layer in BOTH {
        // Class 1 twice in the first bag, which the second one overlaps.
        let bags = TargetBags::new(vec![0, 1, 1], vec![0..3, 0..2]);
        let each = layer(&logits, &one, &zeros, &bags)?;
        let (p, q) = (-0.25f32.ln(), -0.75f32.ln());
        let wanted = [(p + 2.0 * q) / 3.0, f32::midpoint(p, q)];
        check::assert_close(&slices::to_vec(&each)?, &wanted, 0.0, 1e-6);
        // p − q: q is 1/3, 2/3 and 1/2, 1/2.
        let gradients = each.sum_all()?.backward()?;
        let found = slices::to_vec(gradients.get(&logits).unwrap())?;
        check::assert_close(&found, &[-1.0 / 12.0, 1.0 / 12.0, -0.25, 0.25], 0.0, 1e-6);
    }
    Ok(())
}

#[test]
fn the_loss_of_a_bag_is_the_mean_of_the_losses_with_each_of_its_classes() -> Result<()> {
    for (rows, inputs, classes) in [(1, 1, 1), (9, 3, 45), (105, 5, 481), (7, 4, 1_100)] {
        for scale in [0.3, 30.0] {
            let x = check::var("x", (rows, inputs), 1.0)?;
            let table = check::weight("table", (classes, inputs), scale)?;
            let bias = check::weight("bias", classes, scale)?;
            let bags = check::bags("bags", rows, classes);
            let found = bag_cross_entropy(&x, &table, &bias, bags.clone())?;
            let of_class = |row: usize, class: u32| {
                let row = x.narrow(0, row, 1)?;
                cross_entropy_tied(&row, &table, &bias, vec![class])
            };
            let mean = |row: usize| {
                let bag = bags.of_row(row);
                let all: Vec<Tensor> =
                    bag.iter().map(|&class| of_class(row, class)).collect::<Result<_>>()?;
                Tensor::cat(&all, 0)?.mean_keepdim(0)
            };
            let wanted = (0..rows).map(mean).collect::<Result<Vec<_>>>()?;
            check::assert_tensors_close(&found, &Tensor::cat(&wanted, 0)?, 1e-5, 1e-5);
        }
    }
    Ok(())
}

#[test]
fn losses_and_gradients_equal_the_plain_composition() -> Result<()> {
    for (rows, inputs, classes) in [(1, 2, 4), (9, 3, 45), (209, 5, 490), (7, 4, 1_100)] {
        let x = check::var("x", (rows, inputs), 1.0)?;
        let table = check::weight("table", (classes, inputs), 1.0)?;
        let bias = check::weight("bias", classes, 1.0)?;
        let bags = check::bags("bags", rows, classes);
        let vars: [&dyn check::Variable; 3] = [&x, &table, &bias];
        // The gradient is the same for all rows in the mean only.
        let mean = |each: Tensor| each.mean_all();
        let single: [fn(Tensor) -> Result<Tensor>; 2] = [Ok, mean];
        for of in single {
            let expected = of(plain::cross_entropy_tied(&x, &table, &bias, &bags)?)?;
            let found = of(bag_cross_entropy(&x, &table, &bias, bags.clone())?)?;
            check::assert_tensors_close(&found, &expected, 1e-5, 1e-5);
            let expected = check::gradients(&vars, &expected)?;
            for (found, expected) in check::gradients(&vars, &found)?.iter().zip(&expected) {
                check::assert_tensors_close(found, expected, 1e-4, 2e-5);
            }
        }
    }
    Ok(())
}

#[test]
fn gradients_match_finite_differences() -> Result<()> {
    for (rows, inputs, classes) in [(1, 1, 2), (4, 3, 5)] {
        let x = check::var("x", (rows, inputs), 1.0)?;
        let table = check::weight("table", (classes, inputs), 1.0)?;
        let bias = check::weight("bias", classes, 1.0)?;
        let bags = check::bags("bags", rows, classes);
        for layer in BOTH {
            check::assert_differences(&[&x, &table, &bias], || layer(&x, &table, &bias, &bags));
        }
    }
    Ok(())
}

#[test]
fn an_empty_bag_and_a_class_outside_the_head_are_errors() -> Result<()> {
    let x = check::var("x", (2, 2), 1.0)?;
    let table = check::weight("table", (3, 2), 1.0)?;
    let bias = check::weight("bias", 3, 1.0)?;
    let error =
        |bags: TargetBags| bag_cross_entropy(&x, &table, &bias, bags).unwrap_err().to_string();
    let empty = error(TargetBags::new(vec![0], vec![0..1, 1..1]));
    assert!(empty.contains("row 1 has no target"), "{empty}");
    let outside = error(TargetBags::single(vec![0, 3]));
    assert!(outside.contains("3 classes in the head, but target 3"), "{outside}");
    let of_one = error(TargetBags::single(vec![0]));
    assert!(of_one.contains("2 rows, 1 targets"), "{of_one}");
    Ok(())
}
