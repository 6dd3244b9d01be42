//! The GRU: the tests of every cell, a comparison with candle's own layer, and a worked example.

use candle_core::{Device, IndexOp, Result, Tensor, Var};
use candle_nn::rnn::{self, GRUConfig, GRUState, RNN};

use super::recurrent::{Kind, Stock, tests_of_a_cell, variables};
use crate::{
    data::Packing,
    kernel::{RecurrentWeights, check, gru, plain, to_vec},
};

pub(super) const GRU: Kind = Kind {
    n_gates: 3,
    has_recurrent_bias: true,
    layer: gru,
    plain: plain::gru,
    // Also at the first token: r resets the recurrent bias, and z keeps a state of 0.
    matters: |_, _| true,
};

tests_of_a_cell!(GRU);

#[test]
fn shapes_that_do_not_fit_are_an_error() -> Result<()> {
    let weights = GRU.weights(2, 3, 0.7)?;
    let recurrent_bias = Some(check::weight("", (2, 4), 1.0)?);
    GRU.refuses(
        [
            RecurrentWeights { recurrent_bias: None, ..weights.clone() },
            RecurrentWeights { recurrent_bias, ..weights },
        ],
        "expected (rows, i), (i, 6w), (6w), (2, w, 3w) and (2, w), w at least 1",
    )
}

#[test]
fn the_forward_direction_equals_candles_gru() -> Result<()> {
    let stock = Stock::new(3)?;
    let own = rnn::gru(stock.inputs, stock.width, GRUConfig::default(), stock.vars())?;
    // Its `states_to_tensor` concatenates the states of all tokens in one row.
    let states: Vec<Tensor> = own.seq(&stock.x)?.iter().map(GRUState::h).cloned().collect();
    // Both biases are added to r and z alike; in n the recurrent one is reset.
    let (kept, n) = (stock.b_hh.i(..2 * stock.width)?, stock.b_hh.i(2 * stock.width..)?);
    let merged = (stock.b_ih.as_tensor() + Tensor::cat(&[&kept, &n.zeros_like()?], 0)?)?;
    let found = stock.forward_half(&GRU, &merged, Some(&n))?;
    check::assert_tensors_close(&found, &Tensor::cat(&states, 0)?, 1e-5, 1e-6);
    Ok(())
}

/// Hidden size 1, recurrent bias ln 2, and an input that is the gates. σ(ln 3) = 3/4, tanh(ln
/// 2) = 3/5.
///
/// First token: x = (0, ln 3, ½·ln 2), so r = 1/2, z = 3/4, n = tanh(½·ln 2 + ½·ln 2) = 3/5, and
/// h = 1/4 · 3/5 = 3/20. Second: x = (−ln 3, 0, −½·ln 2) and h·U = (2·ln 3, ln 3, ln 2), so r = 3/4,
/// z = 3/4, n = tanh(−½·ln 2 + 3/4 · 2·ln 2) = 3/5, and h = 1/4 · 3/5 + 3/4 · 3/20 = 21/80.
#[test]
fn a_worked_example_of_two_tokens() -> Result<()> {
    let (two, three) = (2f32.ln(), 3f32.ln());
    let first = [0.0, three, 0.5 * two];
    let second = [-three, 0.0, -0.5 * two];
    let weights = RecurrentWeights {
        input: check::weight_of(&Tensor::eye(6, candle_core::DType::F32, &Device::Cpu)?)?,
        bias: check::weight_of(&Tensor::new(&[0f32; 6], &Device::Cpu)?)?,
        recurrent: check::weight_of(
            &(Tensor::new(&[[[2.0 * three, three, two]]; 2], &Device::Cpu)? * (20.0 / 3.0))?,
        )?,
        recurrent_bias: Some(check::weight_of(&Tensor::new(&[[two]; 2], &Device::Cpu)?)?),
    };
    // The backward direction reads the same tokens from the end.
    let rows = [[first, second].concat(), [second, first].concat()];
    let x = Var::from_vec(rows.concat(), (2, 6), &Device::Cpu)?;
    let states = gru(&x, &weights, &Packing::new(vec![2]))?;
    check::assert_close(
        &to_vec(&states)?,
        &[3.0 / 20.0, 21.0 / 80.0, 21.0 / 80.0, 3.0 / 20.0],
        1e-6,
        0.0,
    );

    // The first token alone. With respect to its n: 1/4 · (1 − 9/25) = 4/25; to b: r times that; to
    // its r: 4/25 · ln 2 · 1/4; to its z: −3/5 · 3/16.
    let alone = Var::from_vec(rows[0].clone(), (1, 6), &Device::Cpu)?;
    let state = gru(&alone, &weights, &Packing::new(vec![1]))?.i((0, 0))?;
    let store = state.backward()?;
    let gradients: Vec<Vec<f32>> = variables(&alone, &weights)
        .iter()
        .map(|variable| to_vec(&variable.gradient(&store).unwrap()))
        .collect::<Result<_>>()?;
    let grad_gates = [two / 25.0, -9.0 / 80.0, 4.0 / 25.0, 0.0, 0.0, 0.0];
    check::assert_close(&gradients[0], &grad_gates, 1e-6, 0.0);
    check::assert_close(&gradients[2], &grad_gates, 1e-6, 0.0);
    check::assert_close(&gradients[3], &[0.0; 6], 0.0, 0.0);
    check::assert_close(&gradients[4], &[2.0 / 25.0, 0.0], 1e-6, 0.0);
    Ok(())
}
