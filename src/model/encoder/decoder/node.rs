//! A decoder's forward pass in the graph: teacher forcing, or scheduled sampling.

use std::{collections::BTreeMap, sync::Arc};

use candle_core::Result;

use crate::{
    model::{
        Mode, Rows,
        decoder::{Decoder, Draws, Network, TargetIds, TargetRows},
        encoder::{AttachedField, Encoder, SequenceView},
    },
    schedule::Schedule,
};

/// A decoder as a node of the graph.
pub(super) struct Node {
    pub(super) name: String,
    pub(super) network: Arc<Network>,
    pub(super) dropout: f64,
    /// The probability that a step reads the word of the target before it.
    pub(super) teacher_forcing: Schedule,
    /// The classes of the strings of each field, by corpus and field.
    pub(super) attached: BTreeMap<(usize, usize), TargetIds>,
}

impl Encoder for Node {
    fn attach(&mut self, field: &AttachedField<'_>) {
        let ids = self.network.target_ids(field.lexicon);
        self.attached.insert((field.corpus_idx, field.field), ids);
    }

    fn forward(&self, inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>> {
        let (batch, field) = (on.batch, on.field());
        let ids = &self.attached[&(batch.corpus, field)];
        let packing = TargetRows::packing(batch, field, ids);
        let previous = TargetRows::new(&packing, batch, field, ids).previous();
        let site = on.site(&self.name);
        let examples: Vec<u32> = (0..batch.n_examples() as u32).collect();
        let initial = self.network.initial_states(inputs, &examples, mode)?;
        let initial = Rows::new(initial, batch.per_example());
        let draws = Draws::new(mode, self.teacher_forcing, &site, packing.n_rows());
        let previous = match draws {
            None => previous,
            Some(draws) => {
                self.network.sample_previous(previous, &draws, inputs, &initial.tensor, &packing)?
            }
        };
        let x = self.network.embed(previous, mode)?;
        let x = mode.dropout(&format!("{site}/embedding"), self.dropout, x)?;
        let outputs = self.network.outputs(&x, inputs, &initial.tensor, &packing)?;
        let outputs = mode.dropout(&format!("{site}/output"), self.dropout, outputs)?;
        Ok(vec![initial, Rows::new(outputs, &packing)])
    }
}
