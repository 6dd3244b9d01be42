//! Results are equal bit for bit with any number of threads.

use candle_core::{Result, Tensor};

use super::{gru::GRU, lstm::LSTM, recurrent::variables};
use crate::{
    data::Packing,
    kernel::{check, check::Variable, crf, cross_entropy, gru, linear, lstm, to_vec},
};

/// The loss and all gradients of a small network that is large enough for several blocks of rows, and of panels.
fn bits() -> Result<Vec<u32>> {
    let lengths: Vec<usize> = (1..=24).rev().collect();
    let packing = Packing::new(lengths);
    let (rows, inputs, width, tags) = (packing.n_rows(), 40, 33, 19);
    let hidden = 400;
    let x = check::var("x", (rows, inputs), 1.0)?;
    let lower = LSTM.weights(inputs, width, 0.2)?;
    let upper = GRU.weights(2 * width, width, 0.2)?;
    let layer = check::weight("layer", (2 * width, hidden), 0.5)?;
    let layer_bias = check::weight("layer bias", hidden, 0.5)?;
    let head = check::weight("head", (hidden, tags), 0.5)?;
    let head_bias = check::weight("head bias", tags, 0.5)?;
    let transitions = check::weight("transitions", (tags + 2, tags), 0.5)?;
    let gold = check::labels("gold", rows, tags);
    let states = gru(&lstm(&x, &lower, &packing)?, &upper, &packing)?;
    let scores = linear(&linear(&states, &layer, &layer_bias)?, &head, &head_bias)?;
    let words = check::weight("words", (2 * width, 1_000), 0.5)?;
    let words_bias = check::weight("words bias", 1_000, 0.5)?;
    let next = check::labels("next", rows, 1_000);
    let each = [
        cross_entropy(&states, &words, &words_bias, next)?,
        crf(&scores, &transitions, gold, &packing)?,
    ];
    let each = Tensor::cat(&each, 0)?;
    let mut vars = variables(&x, &lower);
    vars.extend(&variables(&x, &upper)[1..]);
    vars.extend([
        &layer as &dyn Variable,
        &layer_bias,
        &head,
        &head_bias,
        &transitions,
        &words,
        &words_bias,
    ]);
    let mut bits = Vec::new();
    for numbers in check::gradients(&vars, &each)?.iter().chain([&each]) {
        bits.extend(to_vec(numbers)?.iter().map(|x| x.to_bits()));
    }
    Ok(bits)
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() -> Result<()> {
    let on = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(bits)
    };
    let one = on(1)?;
    assert_eq!(
        one.len(),
        300 * 40
            + (41 * 264 + 2 * 33 * 132)
            + (67 * 198 + 2 * 33 * 99 + 2 * 33)
            + 67 * 400
            + 401 * 19
            + 21 * 19
            + 67 * 1_000
            + 324
    );
    for n_threads in [2, 3] {
        assert!(on(n_threads)? == one, "{n_threads} threads differ from one");
    }
    Ok(())
}
