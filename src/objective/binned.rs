//! Which bin a row falls into, a token or a whole example: what `frequency` and `statistic` share, whose files
//! have the losses.

use candle_core::Result;

use super::{Metric, Objective, Scorer, Scores, Setup, Term, by_example};
use crate::{
    data::{Batch, Corpus},
    metric::{Accuracy, FScore, Word},
    model::Rows,
    model::head::{Classes, Head},
    protocol::event::Direction,
};

/// What is reported of the bins.
pub(super) fn metrics() -> Vec<Metric> {
    vec![Metric { name: "accuracy", direction: Direction::Higher }]
}

/// Where bins come from.
pub(super) trait Bins: Send {
    /// How many there are.
    fn len(&self) -> usize;
    /// Learns the strings of a corpus.
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus);
    /// The bin of each row; `None` for one that has none.
    fn targets(&self, batch: &Batch) -> Vec<Option<u32>>;
}

/// Bins with the head that tells them apart.
pub(super) struct Binned<B> {
    bins: B,
    head: Box<dyn Head>,
}

impl<B: Bins> Binned<B> {
    pub(super) fn new(bins: B, setup: Setup<'_>) -> Result<Self> {
        let head = setup.head(Classes::of(bins.len()))?;
        Ok(Self { bins, head })
    }
}

impl<B: Bins> Objective for Binned<B> {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.bins.attach(corpus_idx, corpus);
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<Term>> {
        let Rows { tensor: x, packing } = &taps[0];
        Term::of(self.head.loss(x, &self.bins.targets(batch), packing)?)
    }

    fn scorer(&self) -> Box<dyn Scorer + '_> {
        Box::new(BinScorer {
            of: self,
            scores: Scores::default(),
            accuracy: Accuracy::default(),
            names: (0..self.bins.len()).map(|bin| bin.to_string()).collect(),
            by_bin: FScore::default(),
        })
    }

    /// The bin of each row, as a number.
    fn predict(&self, taps: &[Rows], _batch: &Batch) -> Result<Vec<Vec<String>>> {
        let Rows { tensor: x, packing } = &taps[0];
        let rows = self.head.decide(x, packing)?;
        Ok(by_example(packing, &rows, |bin| bin.to_string()))
    }
}

struct BinScorer<'a, B> {
    of: &'a Binned<B>,
    scores: Scores,
    accuracy: Accuracy,
    /// The bins as `predict` calls them.
    names: Vec<String>,
    by_bin: FScore,
}

impl<B: Bins> Scorer for BinScorer<'_, B> {
    fn add(&mut self, taps: &[Rows], batch: &Batch) -> Result<()> {
        self.scores.add(self.of.loss(taps, batch)?.as_ref())?;
        let decided = self.of.head.decide(&taps[0].tensor, &taps[0].packing)?;
        for (target, decided) in self.of.bins.targets(batch).iter().zip(&decided) {
            if let Some(target) = target {
                self.accuracy.add(target, decided, Word::Known);
                self.by_bin.add(&self.names[*target as usize], &self.names[*decided as usize]);
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Scores {
        let accuracy = self.accuracy.accuracy();
        self.scores.metrics = accuracy.map(|accuracy| ("accuracy", accuracy)).into_iter().collect();
        self.scores.classes = self.by_bin.by_class();
        self.scores
    }
}
