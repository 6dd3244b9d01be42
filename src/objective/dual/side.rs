//! A decoder whose texts have a probability given what it reads, and one by themselves.

use std::{collections::BTreeMap, sync::Arc};

use candle_core::Result;

use super::gap::Scored;
use crate::{
    data::{Batch, Bigrams, Corpus},
    kernel,
    model::{
        Decoder, Rows,
        decoder::{TargetIds, TargetRows},
    },
};

/// A decoder, with the model of its texts by themselves.
pub(in crate::objective) struct Side {
    decoder: Arc<dyn Decoder>,
    field: String,
    marginal: Option<Bigrams>,
    /// The index of the field in each corpus that has it, and the ids of its strings.
    attached: BTreeMap<usize, (usize, TargetIds)>,
}

impl Side {
    /// The texts of a field, with equal probabilities if there is no model of them.
    pub(in crate::objective) fn new(
        decoder: Arc<dyn Decoder>,
        field: String,
        marginal: Option<Bigrams>,
    ) -> Self {
        Self { decoder, field, marginal, attached: BTreeMap::new() }
    }

    pub(in crate::objective) fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let Some(field) = corpus.field(&self.field) else { return };
        let ids = self.decoder.target_ids(&corpus.lexicons[field]);
        self.attached.insert(corpus_idx, (field, ids));
    }

    /// What it says about the text of each example, from the decoder's outputs; `None` if no example has one.
    pub(in crate::objective) fn score(&self, rows: &Rows, batch: &Batch) -> Result<Option<Scored>> {
        let Some((field, ids)) = self.attached.get(&batch.corpus) else { return Ok(None) };
        let packing = &rows.packing;
        let target = TargetRows::new(packing, batch, *field, ids);
        let (previous, targets) = (target.previous(), target.targets());
        if targets.is_empty() {
            return Ok(None);
        }
        let (mut marginal, mut n_words) =
            (vec![0.0; batch.n_examples()], vec![0; batch.n_examples()]);
        let examples = packing.examples_of_rows();
        for ((&example, &before), &class) in examples.iter().zip(&previous).zip(&targets) {
            let model = self.marginal.as_ref();
            marginal[example as usize] +=
                model.map_or(0.0, |model| model.log_probability(before, class));
            n_words[example as usize] += 1;
        }
        let per_row = self.decoder.cross_entropy(rows, targets, None)?;
        let conditional = kernel::sum_by_group(&per_row, examples, batch.n_examples())?;
        Ok(Some(Scored { conditional, marginal, n_words }))
    }
}
