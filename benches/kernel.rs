//! Kernels one by one, forward and backward, compared with candle's own operations.
//!
//! `cargo bench --bench kernel` prints the best of several passes in milliseconds and the ratio of
//! the two, with the dimensions of the reference step: 32 sentences of 25 tokens. A decoder is compared with a recurrent
//! layer of its sizes, in GFLOP/s.
//!
//! `-- --shapes all` prints the speed of single matrix products instead, with operands in the cache and out of it, as a
//! share of a loop of multiply-adds timed in the same second; `--shapes TEXT` those whose name has that text.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may panic, and prints")]
#![allow(clippy::disallowed_methods, reason = "a bench measures")]

#[path = "cpu.rs"]
mod cpu;
#[path = "kernel/peak.rs"]
mod peak;
#[path = "kernel/shapes.rs"]
mod shapes;

use std::{sync::Arc, time::Instant};

use auxdesk::{
    data::Packing,
    kernel::{
        self, AttendedRows, DecodedRows, DecoderAttention, DecoderCell, DecoderWeights, ParamGrads,
        ParamRef, RecurrentWeights,
    },
};
use candle_core::{D, Device, Result, Tensor, Var};
use candle_nn::{
    VarBuilder, ops,
    rnn::{self, Direction, LSTMConfig, RNN},
};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: kernel::Allocator = kernel::Allocator;

const SENTENCES: usize = 32;
const LENGTH: usize = 25;
const ROWS: usize = SENTENCES * LENGTH;

fn numbers(n: usize) -> Vec<f32> {
    let mut draw = ChaCha8Rng::seed_from_u64(n as u64);
    (0..n).map(|_| draw.random_range(-0.1f32..0.1)).collect()
}

fn var(shape: &[usize]) -> Var {
    Var::from_vec(numbers(shape.iter().product()), shape, &Device::Cpu).unwrap()
}

fn weight(param_grads: &ParamGrads, number: usize, shape: &[usize]) -> ParamRef {
    ParamRef::new(var(shape), number, param_grads.clone())
}

fn ids(n: usize, below: u32) -> Vec<u32> {
    let mut draw = ChaCha8Rng::seed_from_u64(7);
    (0..n).map(|_| draw.random_range(0..below)).collect()
}

/// The best time of forward and backward, in milliseconds.
fn best(param_grads: &ParamGrads, forward: &dyn Fn() -> Result<Tensor>) -> f64 {
    let pass = || {
        let began = Instant::now();
        forward().unwrap().sum_all().unwrap().backward().unwrap();
        param_grads.take();
        began.elapsed().as_secs_f64() * 1e3
    };
    (0..15).map(|_| pass()).fold(f64::INFINITY, f64::min)
}

fn compare(
    name: &str,
    param_grads: &ParamGrads,
    ours: &dyn Fn() -> Result<Tensor>,
    candle: &dyn Fn() -> Result<Tensor>,
) {
    let (ours, candle) = (best(param_grads, ours), best(param_grads, candle));
    println!("{name:<34} {ours:>8.2} {candle:>9.2} {:>7.1}", candle / ours);
}

fn main() {
    kernel::keep_memory();
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {}
        ["--shapes", filter] => return shapes::report(if filter == "all" { "" } else { filter }),
        _ => panic!("expected --shapes TEXT or nothing, found {args:?}"),
    }
    let param_grads = ParamGrads::new().unwrap();
    println!(
        "{:<34} {:>8} {:>9} {:>7}",
        kernel::name(&Device::Cpu),
        "ours ms",
        "candle ms",
        "ratio"
    );

    let (w, b) = (weight(&param_grads, 0, &[150, 1600]), weight(&param_grads, 1, &[1600]));
    let x = var(&[ROWS, 150]);
    let plain = || x.matmul(w.var())?.broadcast_add(b.var());
    compare("linear 800x150x1600", &param_grads, &|| kernel::linear(&x, &w, &b), &plain);

    let (w, b) = (weight(&param_grads, 0, &[50, 7_500]), weight(&param_grads, 1, &[7_500]));
    let (x, targets) = (var(&[ROWS, 50]), ids(ROWS, 7_500));
    let gold = Tensor::new(targets.clone(), &Device::Cpu).unwrap().unsqueeze(1).unwrap();
    let plain = || {
        let logits = x.matmul(w.var())?.broadcast_add(b.var())?;
        ops::log_softmax(&logits, D::Minus1)?.gather(&gold, 1)?.neg()
    };
    let ours = || kernel::cross_entropy(&x, &w, &b, targets.clone());
    compare("cross-entropy 800x50x7500", &param_grads, &ours, &plain);

    lstm(&param_grads);

    let (table, words) = (weight(&param_grads, 0, &[20_000, 100]), ids(ROWS, 20_000));
    let index = Tensor::new(words.clone(), &Device::Cpu).unwrap();
    let ours = || kernel::embedding(&table, words.clone(), true);
    compare("embedding 800 of 20000x100", &param_grads, &ours, &|| {
        table.var().index_select(&index, 0)
    });

    let x = var(&[ROWS, 400]);
    let ours = || kernel::dropout(&x, 0.5, ChaCha8Rng::seed_from_u64(1));
    compare("dropout 800x400", &param_grads, &ours, &|| ops::dropout(&x, 0.5));
    compare("tanh 800x400", &param_grads, &|| kernel::tanh(&x), &|| x.tanh());

    decoder(&param_grads);
}

/// Both directions of a layer; candle's own takes sentences of one length.
fn lstm(param_grads: &ParamGrads) {
    let (inputs, width) = (150, 200);
    let weights = RecurrentWeights {
        input: weight(param_grads, 0, &[inputs, 8 * width]),
        bias: weight(param_grads, 1, &[8 * width]),
        recurrent: weight(param_grads, 2, &[2, width, 4 * width]),
        recurrent_bias: None,
    };
    let packing = Packing::new(vec![LENGTH; SENTENCES]);
    let x = var(&[ROWS, inputs]);
    let ours = || kernel::lstm(&x, &weights, &packing);
    let map = candle_nn::VarMap::new();
    let vars = VarBuilder::from_varmap(&map, candle_core::DType::F32, &Device::Cpu);
    let layers = [Direction::Forward, Direction::Backward].map(|direction| {
        let config = LSTMConfig { direction, ..LSTMConfig::default() };
        rnn::lstm(inputs, width, config, vars.clone()).unwrap()
    });
    let batch = var(&[SENTENCES, LENGTH, inputs]);
    let plain = || {
        let states = layers.iter().map(|layer| layer.states_to_tensor(&layer.seq(&batch)?));
        Tensor::cat(&states.collect::<Result<Vec<_>>>()?, 2)
    };
    compare("lstm 32x25, 150 to 2x200", param_grads, &ours, &plain);
}

/// A decoder of 64 sequences of 14 symbols, which attends to 15 rows for each, and both directions of a layer over
/// sequences of 14, with hidden size 256.
fn decoder(param_grads: &ParamGrads) {
    const SEQUENCES: usize = 64;
    const STEPS: usize = 14;
    const MEMORY: usize = 15;
    let (width, memory, gates) = (256, 512, 1024);
    let examples = Arc::new(Packing::of_examples(SEQUENCES));
    let target = Packing::sorted_below(&examples, &[STEPS; SEQUENCES]);
    let of_memory = Packing::sorted_below(&examples, &[MEMORY; SEQUENCES]);
    let weights = DecoderWeights {
        cell: DecoderCell::Lstm,
        input: weight(param_grads, 0, &[width, gates]),
        bias: weight(param_grads, 1, &[gates]),
        recurrent: weight(param_grads, 2, &[width, gates]),
        recurrent_bias: None,
        feed: Some(weight(param_grads, 3, &[width, gates])),
        attention: vec![DecoderAttention::General {
            key: weight(param_grads, 4, &[memory, width]),
        }],
        output: weight(param_grads, 5, &[width + memory, width]),
    };
    let x = var(&[SEQUENCES * STEPS, width]);
    let rows = var(&[SEQUENCES * MEMORY, memory]);
    let initial = var(&[SEQUENCES, 2 * width]);
    let decoded = DecodedRows { x: &x, initial: &initial, packing: &target };
    let memories = [AttendedRows { rows: &rows, packing: &of_memory }];
    let ours = || kernel::decode(decoded, &memories, &weights);
    // Multiplications and additions of the forward pass; the backward pass has twice as many.
    let of_row = 3 * width * gates + (width + memory) * width + MEMORY * (width + memory);
    let flops = 2 * SEQUENCES * (STEPS * of_row + MEMORY * memory * width);
    report("decoder 64x14, 256, memory 15x512", flops, best(param_grads, &ours));

    let layer = RecurrentWeights {
        input: weight(param_grads, 0, &[width, 2 * gates]),
        bias: weight(param_grads, 1, &[2 * gates]),
        recurrent: weight(param_grads, 2, &[2, width, gates]),
        recurrent_bias: None,
    };
    let ours = || kernel::lstm(&x, &layer, &target);
    let flops = 2 * SEQUENCES * STEPS * 2 * (width * gates + width * gates);
    report("lstm 64x14, 256 to 2x256", flops, best(param_grads, &ours));
}

fn report(name: &str, forward: usize, ms: f64) {
    println!("{name:<34} {ms:>8.2} {:>9.1} GFLOP/s", 3.0 * forward as f64 / ms / 1e6);
}
