//! The LSTM against a plain composition, candle's own layer, and each sequence alone.

use std::collections::HashMap;

use candle_core::{DType, Device, IndexOp, Result, Tensor, Var};
use candle_nn::{
    VarBuilder, ops,
    rnn::{self, LSTMConfig, RNN},
};
use proptest::prelude::*;

use crate::{
    data::Packing,
    kernel::{RecurrentWeights, Weight, check, check::Variable, lstm, to_vec},
};

const LENGTHS: [&[usize]; 3] = [&[5, 3, 3, 1], &[1], &[1, 1, 1]];

/// A layer of so many inputs, with rows for a packing.
fn layer(packing: &Packing, inputs: usize, width: usize) -> Result<(Var, RecurrentWeights)> {
    let weights = RecurrentWeights {
        input: check::weight("input", (inputs, 8 * width), 0.7)?,
        bias: check::weight("bias", 8 * width, 0.7)?,
        recurrent: check::weight("recurrent", (2, width, 4 * width), 0.5)?,
    };
    Ok((check::var("x", (packing.n_rows(), inputs), 1.0)?, weights))
}

/// Gates and recurrent weights for a packing.
fn inputs(packing: &Packing, width: usize, scale: f32) -> Result<(Var, Weight)> {
    let gates = check::var("gates", (packing.n_rows(), 8 * width), scale)?;
    let recurrent = check::weight("recurrent", (2, width, 4 * width), 0.5)?;
    Ok((gates, recurrent))
}

/// The layer whose inputs are its gates: x·1 + 0.
fn of_gates(gates: &Tensor, recurrent: &Weight, packing: &Packing) -> Result<Tensor> {
    let n = gates.dim(1)?;
    let weights = RecurrentWeights {
        input: check::weight_of(&Tensor::eye(n, DType::F32, &Device::Cpu)?)?,
        bias: check::weight_of(&Tensor::zeros(n, DType::F32, &Device::Cpu)?)?,
        recurrent: recurrent.clone(),
    };
    lstm(gates, &weights, packing)
}

/// The rows of these numbers, in this order.
fn rows(x: &Tensor, rows: impl Iterator<Item = usize>) -> Result<Tensor> {
    let rows: Vec<u32> = rows.map(|row| row as u32).collect();
    x.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)
}

/// What `of_gates` means, a sequence and a token at a time, in candle's own operations.
fn plain(gates: &Tensor, recurrent: &Tensor, packing: &Packing) -> Result<Tensor> {
    let width = recurrent.dim(1)?;
    let mut states = Vec::new(); // by sequence, then token
    for b in 0..packing.n_sequences() {
        let gates = rows(gates, packing.rows(b))?; // (length, 8·width)
        let length = packing.lengths()[b];
        let mut halves = Vec::new();
        for direction in 0..2 {
            let mut h = Tensor::zeros((1, width), DType::F32, &Device::Cpu)?;
            let mut c = h.clone();
            let mut half = Vec::new();
            for step in 0..length {
                let t = if direction == 0 { step } else { length - 1 - step };
                let x = gates.i((t..=t, direction * 4 * width..(direction + 1) * 4 * width))?;
                let parts = (x + h.matmul(&recurrent.i(direction)?)?)?.chunk(4, 1)?;
                let (i, f) = (ops::sigmoid(&parts[0])?, ops::sigmoid(&parts[1])?);
                let (g, o) = (parts[2].tanh()?, ops::sigmoid(&parts[3])?);
                c = ((f * c)? + (i * g)?)?;
                h = (o * c.tanh()?)?;
                half.push(h.clone());
            }
            if direction == 1 {
                half.reverse();
            }
            halves.push(Tensor::cat(&half, 0)?);
        }
        states.push(Tensor::cat(&halves, 1)?);
    }
    let states = Tensor::cat(&states, 0)?;
    let firsts: Vec<usize> = packing
        .lengths()
        .iter()
        .scan(0, |first, length| Some(std::mem::replace(first, *first + length)))
        .collect();
    rows(&states, packing.places().map(|(b, t)| firsts[b] + t))
}

#[test]
fn states_and_gradients_are_those_of_a_plain_composition() -> Result<()> {
    for lengths in LENGTHS {
        for (inputs, width) in [(1, 1), (2, 3), (5, 8), (9, 17)] {
            let packing = Packing::new(lengths.to_vec());
            let (x, weights) = layer(&packing, inputs, width)?;
            let RecurrentWeights { input, bias, recurrent } = &weights;
            let found = lstm(&x, &weights, &packing)?;
            let gates = x.matmul(input.var())?.broadcast_add(bias.var())?;
            let expected = plain(&gates, recurrent.var(), &packing)?;
            check::assert_tensors_close(&found, &expected, 1e-4, 1e-6);
            let vars: [&dyn Variable; 4] = [&x, input, bias, recurrent];
            let found = check::gradients(&vars, &found)?;
            for (found, expected) in found.iter().zip(check::gradients(&vars, &expected)?) {
                check::assert_tensors_close(found, &expected, 1e-4, 2e-6);
            }
        }
    }
    Ok(())
}

#[test]
fn gradients_are_finite_differences() -> Result<()> {
    for lengths in LENGTHS {
        for (inputs, width) in [(1, 1), (2, 3)] {
            let packing = Packing::new(lengths.to_vec());
            let (x, weights) = layer(&packing, inputs, width)?;
            let RecurrentWeights { input, bias, recurrent } = &weights;
            let vars: [&dyn Variable; 4] = [&x, input, bias, recurrent];
            check::assert_differences(&vars, || lstm(&x, &weights, &packing));
        }
    }
    Ok(())
}

#[test]
fn an_empty_batch_has_no_states_and_no_gradient() -> Result<()> {
    let packing = Packing::new(Vec::new());
    let (x, weights) = layer(&packing, 2, 3)?;
    let states = lstm(&x, &weights, &packing)?;
    assert_eq!(states.dims(), [0, 6]);
    let RecurrentWeights { input, bias, recurrent } = &weights;
    let gradients = check::gradients(&[&x, input, bias, recurrent], &states)?;
    assert_eq!(gradients[0].dims(), [0, 2]);
    for gradient in &gradients[1..] {
        assert!(to_vec(gradient)?.iter().all(|&g| g == 0.0));
    }
    Ok(())
}

#[test]
fn shapes_that_do_not_fit_are_an_error() -> Result<()> {
    let packing = Packing::new(vec![1]);
    let (x, weights) = layer(&packing, 2, 3)?;
    let wrong = [
        RecurrentWeights { input: check::weight("", (3, 24), 1.0)?, ..weights.clone() },
        RecurrentWeights { bias: check::weight("", 23, 1.0)?, ..weights.clone() },
        RecurrentWeights { recurrent: check::weight("", (2, 3, 9), 1.0)?, ..weights.clone() },
        RecurrentWeights {
            input: check::weight("", (2, 0), 1.0)?,
            bias: check::weight("", 0, 1.0)?,
            recurrent: check::weight("", (2, 0, 0), 1.0)?,
        },
    ];
    for weights in wrong {
        let error = lstm(&x, &weights, &packing).unwrap_err();
        assert!(error.to_string().contains("wanted (rows, i), (i, 8w), (8w)"), "{error}");
    }
    Ok(())
}

#[test]
fn gates_far_beyond_the_ends_saturate() -> Result<()> {
    let packing = Packing::new(vec![4, 2]);
    for scale in [100.0, 1000.0] {
        let (gates, recurrent) = inputs(&packing, 3, scale)?;
        let signs = (gates.sign()? * f64::from(scale))?;
        for gates in [gates, Var::from_tensor(&signs)?] {
            let found = of_gates(&gates, &recurrent, &packing)?;
            let expected = plain(&gates, recurrent.var(), &packing)?;
            check::assert_tensors_close(&found, &expected, 1e-4, 1e-6);
            for gradient in check::gradients(&[&gates, &recurrent], &found)? {
                assert!(to_vec(&gradient)?.iter().all(|g| g.is_finite()));
            }
        }
    }
    Ok(())
}

#[test]
fn no_direction_sees_what_lies_ahead_of_it_nor_another_sequence() -> Result<()> {
    let packing = Packing::new(vec![5, 3, 3, 1]);
    let width = 3;
    let (gates, recurrent) = inputs(&packing, width, 1.0)?;
    for (b, t) in packing.places() {
        for direction in 0..2 {
            let states = of_gates(&gates, &recurrent, &packing)?;
            let state =
                states.i((packing.row(b, t), direction * width..(direction + 1) * width))?;
            let gradients = state.sum_all()?.backward()?;
            let gradient = gradients.get(&gates).unwrap().to_vec2::<f32>()?;
            for (other_b, other_t) in packing.places() {
                for (column, &g) in gradient[packing.row(other_b, other_t)].iter().enumerate() {
                    let seen = if direction == 0 { other_t <= t } else { other_t >= t };
                    let may = b == other_b && seen && column / (4 * width) == direction;
                    // The gate f has nothing to forget at the first token.
                    let first = if direction == 0 { 0 } else { packing.lengths()[b] - 1 };
                    let gate = column / width % 4;
                    let must =
                        may && (gate != 1 || other_t != first) && (gate != 3 || other_t == t);
                    assert!(may || g == 0.0, "({b}, {t}) sees ({other_b}, {other_t}): {g}");
                    assert!(!must || g != 0.0, "({b}, {t}) misses ({other_b}, {other_t})");
                }
            }
        }
    }
    Ok(())
}

/// Each sequence of a batch has the states and gradients that it has alone.
fn assert_alone(lengths: &[usize], width: usize) -> Result<()> {
    let packing = Packing::new(lengths.to_vec());
    let (gates, recurrent) = inputs(&packing, width, 1.0)?;
    let together = of_gates(&gates, &recurrent, &packing)?;
    let by_gates = together.sum_all()?.backward()?.remove(&gates).unwrap();
    for (b, &length) in lengths.iter().enumerate() {
        let own = Var::from_tensor(&rows(&gates, packing.rows(b))?)?;
        let alone = of_gates(&own, &recurrent, &Packing::new(vec![length]))?;
        // Not bit for bit: the product's kernel depends on how many rows there are.
        check::assert_tensors_close(&rows(&together, packing.rows(b))?, &alone, 0.0, 1e-6);
        let by_own = alone.sum_all()?.backward()?.remove(&own).unwrap();
        check::assert_tensors_close(&rows(&by_gates, packing.rows(b))?, &by_own, 1e-5, 1e-6);
    }
    Ok(())
}

#[test]
fn a_batch_is_its_sequences_one_by_one() -> Result<()> {
    for lengths in LENGTHS {
        for width in [1, 8, 17] {
            assert_alone(lengths, width)?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn any_batch_is_its_sequences_one_by_one(
        mut lengths in prop::collection::vec(1usize..12, 1..9),
        width in 1usize..20,
    ) {
        lengths.sort_by(|a, b| b.cmp(a));
        assert_alone(&lengths, width).unwrap();
    }
}

#[test]
fn the_forward_half_is_candles_own_lstm() -> Result<()> {
    let (length, inputs, width) = (7, 5, 4);
    let x = check::var("x", (1, length, inputs), 1.0)?;
    let weights = |name, shape: (usize, usize)| check::var(name, shape, 0.5);
    let (w_ih, w_hh) =
        (weights("w_ih", (4 * width, inputs))?, weights("w_hh", (4 * width, width))?);
    let (b_ih, b_hh) = (check::var("b_ih", 4 * width, 0.5)?, check::var("b_hh", 4 * width, 0.5)?);
    let named = HashMap::from([
        ("weight_ih_l0".to_owned(), w_ih.as_tensor().clone()),
        ("weight_hh_l0".to_owned(), w_hh.as_tensor().clone()),
        ("bias_ih_l0".to_owned(), b_ih.as_tensor().clone()),
        ("bias_hh_l0".to_owned(), b_hh.as_tensor().clone()),
    ]);
    let vars = VarBuilder::from_tensors(named, DType::F32, &Device::Cpu);
    let stock = rnn::lstm(inputs, width, LSTMConfig::default(), vars)?;
    let expected = stock.states_to_tensor(&stock.seq(&x)?)?.squeeze(0)?;

    let bias = (b_ih.as_tensor() + b_hh.as_tensor())?;
    let gates = x.squeeze(0)?.matmul(&w_ih.t()?)?.broadcast_add(&bias)?;
    let gates = Tensor::cat(&[&gates, &gates.zeros_like()?], 1)?;
    let recurrent = w_hh.t()?.contiguous()?;
    let recurrent = check::weight_of(&Tensor::stack(&[&recurrent, &recurrent], 0)?)?;
    let states = of_gates(&gates, &recurrent, &Packing::new(vec![length]))?;
    check::assert_tensors_close(&states.i((.., ..width))?, &expected, 1e-5, 1e-6);
    Ok(())
}
