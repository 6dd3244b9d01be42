use std::sync::Arc;

use super::*;
use crate::{data::Packing, kernel::check};
use candle_core::{DType, Device};

/// The classes of the vocabulary: unknown, end, and two words.
const N_CLASSES: u32 = 4;

/// Two examples: a source of two words, the second of which is outside the vocabulary, and one of three, two of which
/// are the same.
fn packing() -> Arc<Packing> {
    Arc::new(Packing::sorted_below(&Arc::new(Packing::of_examples(2)), &[2, 3]))
}

/// The classes of the words in the order of the rows: the longer source is first.
fn words() -> SourceWords {
    SourceWords::of_classes(N_CLASSES, &[2, 2, 3, 4, 2], &["new"])
}

fn layer(width: usize) -> Result<CopyLayer> {
    let weight = check::weight("weight", (width, width), 1.0)?;
    let query = Linear { weight, bias: check::weight("bias", width, 1.0)? };
    Ok(CopyLayer { query, sentinel: check::weight("sentinel", (1, width), 1.0)? })
}

/// With Q = 0 and b = 20, q is 1. The weights of the sentinel and the words of example 0 are 2, 1 and 3 to one another.
#[test]
fn a_worked_example() -> Result<()> {
    let layer = layer(1)?;
    let values =
        [(&layer.query.weight, 0.0), (&layer.query.bias, 20.0), (&layer.sentinel, 2f32.ln())];
    for (parameter, value) in values {
        let var = parameter.var();
        var.set(&Tensor::full(value, var.shape(), &Device::Cpu)?)?;
    }
    let packing = packing();
    let mut memory = vec![0.0; 5];
    let rows = packing.rows_of_example(0);
    (memory[rows[0]], memory[rows[1]]) = (0.0, 3f32.ln());
    let memory = Rows::new(Tensor::from_vec(memory, (5, 1), &Device::Cpu)?, &packing);
    let words = words();
    assert_eq!((words.class(rows[0] as u32), words.class(rows[1] as u32)), (Some(2), Some(4)));
    let copied = Copied { memory: &memory, words: &words };
    // P_V is 1/8, 1/2, 1/4 and 1/8.
    let log_p = [0.125f32.ln(), 0.5f32.ln(), 0.25f32.ln(), 0.125f32.ln()];
    let own = |targets: Vec<u32>| {
        let losses: Vec<f32> = targets.iter().map(|&class| -log_p[class as usize]).collect();
        Tensor::new(losses, &Device::Cpu)
    };
    let outputs = Tensor::zeros((5, 1), DType::F32, &Device::Cpu)?;
    let targets = vec![0, 1, 2, 3, 4];
    let loss = layer.cross_entropy(&outputs, (&[0; 5], targets), copied, own)?;
    let p =
        [2.0 / 6.0 / 8.0, 2.0 / 6.0 / 2.0, 2.0 / 6.0 / 4.0 + 1.0 / 6.0, 2.0 / 6.0 / 8.0, 3.0 / 6.0];
    let expected = p.map(|p: f32| -p.ln());
    check::assert_close(&kernel::to_vec(&loss)?, &expected, 1e-5, 1e-6);
    let found = layer.log_probabilities(&outputs.narrow(0, 0, 1)?, &[0], copied, &log_p)?;
    check::assert_close(&found, &expected.map(|loss| -loss), 1e-5, 1e-6);
    Ok(())
}

#[test]
fn probabilities_add_up_to_one_and_a_word_of_another_source_is_unknown() -> Result<()> {
    let layer = layer(3)?;
    let memory = Rows::new(check::var("memory", (5, 3), 1.0)?.into_inner(), &packing());
    let words = words();
    let copied = Copied { memory: &memory, words: &words };
    let outputs = check::var("outputs", (2, 3), 1.0)?;
    let log_p = kernel::log_softmax(check::var("scores", (2, 4), 1.0)?.as_tensor())?;
    let log_p = kernel::to_vec(&log_p)?;
    let found = layer.log_probabilities(&outputs, &[1, 0], copied, &log_p)?;
    for of_hypothesis in found.chunks_exact(5) {
        let sum: f32 = of_hypothesis.iter().map(|log_p| log_p.exp()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
    }
    // The source of example 1 does not have the word with class 4.
    assert_eq!(found[4], f32::NEG_INFINITY);
    let loss = |class: u32| -> Result<Vec<f32>> {
        let own = |targets: Vec<u32>| {
            let of_row = |(row, &class): (usize, &u32)| -log_p[4 * row + class as usize];
            let losses: Vec<f32> = targets.iter().enumerate().map(of_row).collect();
            Tensor::new(losses, &Device::Cpu)
        };
        kernel::to_vec(&layer.cross_entropy(&outputs, (&[1, 0], vec![class; 2]), copied, own)?)
    };
    for class in 0..4 {
        let expected = [-found[class as usize], -found[5 + class as usize]];
        check::assert_close(&loss(class)?, &expected, 1e-5, 1e-6);
    }
    check::assert_close(&loss(4)?, &[-found[0], -found[9]], 1e-5, 1e-6);
    Ok(())
}

#[test]
fn gradients_equal_finite_differences() -> Result<()> {
    let layer = layer(3)?;
    let packing = packing();
    let (memory, outputs) =
        (check::var("memory", (5, 3), 1.0)?, check::var("outputs", (6, 3), 1.0)?);
    let scores = check::var("scores", 6, 1.0)?;
    let words = words();
    let loss = || {
        let memory = Rows::new(memory.as_tensor().clone(), &packing);
        let copied = Copied { memory: &memory, words: &words };
        let targets = (&[1, 0, 1, 0, 1, 0][..], vec![2, 2, 1, 4, 0, 3]);
        layer.cross_entropy(&outputs, targets, copied, |_| scores.sqr())
    };
    let CopyLayer { query: Linear { weight, bias }, sentinel } = &layer;
    check::assert_differences(&[&memory, &outputs, &scores, weight, bias, sentinel], loss);
    Ok(())
}
