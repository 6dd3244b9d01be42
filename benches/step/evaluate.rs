//! The throughput of evaluation of a trained system: of the reference system on its training data, of others on dev.

use std::{path::Path, time::Instant};

use auxdesk::{
    data::Example,
    model::decoder::EDGE,
    protocol::event::Split,
    recipe::Recipe,
    train::{checkpoint, score},
};

use candle_core::Tensor;

use super::{made, systems::MeasuredSystem};

/// Passes over the corpus that are measured, after one that is not.
const PASSES: usize = 5;

/// Tokens per second, for all objectives together, with the last checkpoint of a run.
pub(crate) fn tokens_per_s(recipe: &Recipe, run: &Path, measured: MeasuredSystem) -> f64 {
    // As in training: on one of the pool's threads.
    rayon::scope(|_| {
        let (corpora, _, mut system) = made(recipe, measured);
        let last = checkpoint::open(run, "last").unwrap().expect("a run leaves its last step");
        last.load(&mut system).unwrap();
        if measured == MeasuredSystem::Translation {
            suppress_ends(&system);
        }
        let split = if measured == MeasuredSystem::Reference { Split::Train } else { Split::Dev };
        let data = corpora.iter().filter_map(|corpus| corpus.split(split));
        let n_tokens: usize = data.flat_map(|data| &data.examples).map(Example::len).sum();
        let pass = |_| seconds(|| score(recipe, &system, &corpora, split, |_| true).unwrap());
        let all: f64 = (0..=PASSES).map(pass).skip(1).sum();
        (PASSES * n_tokens) as f64 / all
    })
}

/// Makes a decoder generate texts of the maximum length, as the peers do: after few steps of training the length of a text
/// is an accident.
fn suppress_ends(system: &auxdesk::recipe::System) {
    let all = system.parameters().all();
    let bias = all.iter().find(|parameter| parameter.name == "writer.scores.bias");
    let bias = bias.expect("the decoder has an output layer of its own");
    let mut values = bias.var.to_vec1::<f32>().unwrap();
    values[EDGE as usize] = -1e9;
    bias.var.set(&Tensor::new(values, bias.var.device()).unwrap()).unwrap();
}

#[allow(clippy::disallowed_methods, reason = "a bench measures")]
fn seconds<T>(what: impl FnOnce() -> Option<T>) -> f64 {
    let began = Instant::now();
    assert!(what().is_some(), "nobody interrupts");
    began.elapsed().as_secs_f64()
}
