//! The LSTM: the tests of every cell, and a comparison with candle's own layer.

use candle_core::Result;
use candle_nn::rnn::{self, LSTMConfig, RNN};

use super::recurrent::{Kind, Place, Stock, tests_of_a_cell};
use crate::kernel::{RecurrentWeights, check, lstm, plain};

pub(super) const LSTM: Kind = Kind {
    n_gates: 4,
    has_recurrent_bias: false,
    layer: lstm,
    plain: plain::lstm,
    // The gate f has no previous cell to forget at the first token; the gate o affects its own
    // state only.
    matters: |gate, Place { is_first, is_own }| (gate != 1 || !is_first) && (gate != 3 || is_own),
};

tests_of_a_cell!(LSTM);

#[test]
fn shapes_that_do_not_fit_are_an_error() -> Result<()> {
    let weights = LSTM.weights(2, 3, 0.7)?;
    let recurrent_bias = Some(check::weight("", (2, 3), 1.0)?);
    LSTM.refuses(
        [RecurrentWeights { recurrent_bias, ..weights }],
        "expected (rows, i), (i, 8w), (8w), (2, w, 4w) and none, w at least 1",
    )
}

#[test]
fn the_forward_direction_equals_candles_lstm() -> Result<()> {
    let stock = Stock::new(4)?;
    let own = rnn::lstm(stock.inputs, stock.width, LSTMConfig::default(), stock.vars())?;
    let expected = own.states_to_tensor(&own.seq(&stock.x)?)?.squeeze(0)?;
    let bias = (stock.b_ih.as_tensor() + stock.b_hh.as_tensor())?;
    let found = stock.forward_half(&LSTM, &bias, None)?;
    check::assert_tensors_close(&found, &expected, 1e-5, 1e-6);
    Ok(())
}
