//! The encoders and decoders of an objective's taps, on examples that it makes within a step.

use candle_core::Result;

use super::{Forward, System};
use crate::{
    data::{Batch, Corpus, Example, SplitData},
    model::{Mode, Rows},
    objective::TapRunner,
};

/// The runner of the objective with that index, for a batch.
pub(super) struct Runner<'a> {
    pub(super) system: &'a System,
    pub(super) at: usize,
    pub(super) batch: &'a Batch,
    pub(super) mode: Mode,
}

/// The index of the corpus that an objective makes from one of the recipe's.
pub(super) fn made_idx(objective: usize, corpus: usize, n_corpora: usize) -> usize {
    n_corpora * (1 + objective) + corpus
}

impl TapRunner for Runner<'_> {
    fn run(&self, corpus: &Corpus, examples: Vec<Example>) -> Result<(Vec<Rows>, Batch)> {
        let System { encoders, objectives, n_corpora, .. } = self.system;
        let corpus_idx = made_idx(self.at, self.batch.corpus, *n_corpora);
        let all: Vec<usize> = (0..examples.len()).collect();
        let split = SplitData { examples, ..SplitData::default() };
        let batch = Batch::new(corpus_idx, corpus, &split, &all);
        let placed = &objectives[self.at];
        let forward = Forward::new(encoders, placed.taps.iter().flatten(), &batch, self.mode)?;
        let rows = placed.read(&forward, self.mode)?;
        Ok((rows, batch))
    }

    fn mode(&self) -> Mode {
        self.mode
    }
}
