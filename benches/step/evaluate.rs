//! The throughput of evaluation of a trained system, on its training data.

use std::{path::Path, time::Instant};

use auxdesk::{
    data::Example,
    protocol::event::Split,
    recipe::Recipe,
    train::{checkpoint, score},
};

use super::made;

/// Passes over the corpus that are measured, after one that is not.
const PASSES: usize = 5;

/// Tokens per second, for all objectives together, with the last checkpoint of a run.
pub(crate) fn tokens_per_s(recipe: &Recipe, run: &Path) -> f64 {
    // As in training: on one of the pool's threads.
    rayon::scope(|_| {
        let (corpora, _, mut system) = made(recipe);
        let last = checkpoint::open(run, "last").unwrap().expect("a run leaves its last step");
        last.load(&mut system).unwrap();
        let train = corpora.iter().flat_map(|corpus| &corpus.train.examples);
        let n_tokens: usize = train.map(Example::len).sum();
        let pass =
            |_| seconds(|| score(recipe, &system, &corpora, Split::Train, |_| true).unwrap());
        let all: f64 = (0..=PASSES).map(pass).skip(1).sum();
        (PASSES * n_tokens) as f64 / all
    })
}

#[allow(clippy::disallowed_methods, reason = "a bench measures")]
fn seconds<T>(what: impl FnOnce() -> Option<T>) -> f64 {
    let began = Instant::now();
    assert!(what().is_some(), "nobody interrupts");
    began.elapsed().as_secs_f64()
}
