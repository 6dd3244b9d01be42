//! An encoder in the graph: its forward pass, over whole sequences or within their segments.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

use candle_core::Result;

use crate::{
    data::{Batch, Corpus, Segments},
    kernel::gather,
    model::{Mode, Rows, encoder::Encoder, tap::EncoderSignature, view},
    recipe::{Input, Tap},
};

/// An encoder in the graph; `None` for one that others only name.
pub(super) struct Node {
    pub(super) encoder: Option<Box<dyn Encoder>>,
    pub(super) input: Input,
    pub(super) signature: EncoderSignature,
    /// The field by whose segments it runs, if it does, and the field's place by corpus.
    pub(super) segment_by: Option<(String, BTreeMap<usize, usize>)>,
}

/// What an encoder gave for one batch.
#[derive(Default)]
struct States {
    input: Option<Rows>,
    layers: Vec<Rows>,
}

impl Node {
    /// Learns the strings of a corpus.
    pub(super) fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        if let Some(encoder) = &mut self.encoder {
            encoder.attach(corpus_idx, corpus);
        }
        if let Some((name, fields)) = &mut self.segment_by
            && let Some(field) = corpus.field(name)
        {
            fields.insert(corpus_idx, field);
        }
    }
}

/// One forward pass over a batch, from the first encoder on.
pub(super) struct Forward<'a> {
    nodes: &'a [Node],
    batch: &'a Batch,
    mode: Mode,
    /// What each encoder gave so far; nothing of one that isn't needed.
    states: Vec<States>,
    /// The segments that encoders run by, found once, by field.
    segments: RefCell<BTreeMap<usize, Rc<Segments>>>,
}

impl<'a> Forward<'a> {
    /// The states of those encoders that are needed; each stands after what it reads.
    pub(super) fn new(
        nodes: &'a [Node],
        needed: &[bool],
        batch: &'a Batch,
        mode: Mode,
    ) -> Result<Self> {
        let segments = RefCell::default();
        let mut forward = Self { nodes, batch, mode, states: Vec::new(), segments };
        for (node, needed) in nodes.iter().zip(needed) {
            let encoder = node.encoder.as_deref().filter(|_| *needed);
            let states = encoder.map(|encoder| forward.states(node, encoder)).transpose()?;
            forward.states.push(states.unwrap_or_default());
        }
        Ok(forward)
    }

    fn states(&self, node: &Node, encoder: &dyn Encoder) -> Result<States> {
        let taps = node.input.of(self.batch.corpus);
        if taps.is_empty() {
            let layers = encoder.forward(&[], self.batch, self.mode)?;
            return Ok(States { input: None, layers });
        }
        let input = self.read(taps)?;
        let layers = match &node.segment_by {
            None => encoder.forward(std::slice::from_ref(&input), self.batch, self.mode)?,
            Some((_, fields)) => {
                let field = fields.get(&self.batch.corpus);
                let field = *field.expect("the checker has seen the field in each corpus");
                let segments = self.segments(field);
                let rows = gather(&input.tensor, segments.rows.clone())?;
                let within = Rows::new(rows, &segments.within);
                let layers = encoder.forward(&[within], self.batch, self.mode)?;
                // Tokens go back to where whoever reads them expects them.
                let back = |rows: Rows| {
                    if !Arc::ptr_eq(&rows.packing, &segments.within) {
                        return Ok(rows);
                    }
                    Ok(input.with(gather(&rows.tensor, segments.places.clone())?))
                };
                layers.into_iter().map(back).collect::<Result<_>>()?
            }
        };
        Ok(States { input: Some(input), layers })
    }

    fn segments(&self, field: usize) -> Rc<Segments> {
        let find = || {
            let packing = self.batch.packing(field);
            Rc::new(Segments::new(packing, self.batch.symbols(field)))
        };
        self.segments.borrow_mut().entry(field).or_insert_with(find).clone()
    }

    /// The rows of some taps, concatenated.
    pub(super) fn read(&self, taps: &[Tap]) -> Result<Rows> {
        let rows = taps.iter().map(|tap| {
            let (node, states) = (&self.nodes[tap.encoder], &self.states[tap.encoder]);
            let rows = match tap.layer.checked_sub(1) {
                Some(layer) => Some(&states.layers[layer]),
                None => states.input.as_ref(),
            };
            let layer = node.signature.layer(Some(tap.layer));
            let layer = layer.expect("the checker has seen the layer");
            view(rows.expect("what is tapped has run"), tap.view, layer.directions.is_some())
        });
        Rows::concat(&rows.collect::<Result<Vec<_>>>()?)
    }
}
