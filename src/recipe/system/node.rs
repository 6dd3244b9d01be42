//! An encoder in the graph: its forward pass, over tokens, within segments or above them.

use std::{collections::BTreeMap, rc::Rc};

use candle_core::{Result, Tensor};

use crate::{
    data::{Batch, Corpus, Segments},
    kernel::gather,
    model::{
        Mode,
        encoder::Encoder,
        tap::{EncoderSignature, RowKind, View},
        view,
    },
    recipe::{Input, Segmented, Tap},
};

/// An encoder in the graph; `None` for one that others only name.
pub(super) struct Node {
    pub(super) encoder: Option<Box<dyn Encoder>>,
    pub(super) input: Input,
    pub(super) signature: EncoderSignature,
    pub(super) segments: Segmented,
    /// The place of the field that tells segments apart, by corpus.
    pub(super) fields: BTreeMap<usize, usize>,
}

/// What an encoder gave for one batch.
#[derive(Default)]
pub(super) struct States {
    input: Option<Tensor>,
    layers: Vec<Tensor>,
    /// Those that its rows stand for, or that its input's do.
    segments: Option<Rc<Segments>>,
}

impl Node {
    /// Learns the strings of a corpus.
    pub(super) fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        if let Some(encoder) = &mut self.encoder {
            encoder.attach(corpus_idx, corpus);
        }
        if let Segmented::Within(field) = &self.segments
            && let Some(field) = corpus.field(field)
        {
            self.fields.insert(corpus_idx, field);
        }
    }

    /// Its layers for a batch, by what those below it gave.
    pub(super) fn forward(
        &self,
        encoder: &dyn Encoder,
        below: (&[Node], &[States]),
        batch: &Batch,
        mode: Mode,
    ) -> Result<States> {
        let taps = self.input.of(batch.corpus);
        let input = if taps.is_empty() { None } else { Some(read(taps, below, batch)?) };
        let (segments, layers) = match (&self.segments, &input) {
            (Segmented::Within(_), Some(rows)) => {
                // What runs within the same segments below has found them.
                let found = taps.iter().find_map(|tap| {
                    let is_alike = below.0[tap.encoder].segments == self.segments;
                    below.1[tap.encoder].segments.clone().filter(|_| is_alike)
                });
                let segments = found.unwrap_or_else(|| {
                    let field = self.fields.get(&batch.corpus);
                    let field = *field.expect("the checker has seen the field in each corpus");
                    Rc::new(Segments::new(&batch.packing, batch.symbols(field)))
                });
                let rows = gather(rows, segments.rows.clone())?;
                let batch = batch.repacked(segments.within.clone());
                (Some(segments), encoder.forward(Some(&rows), &batch, mode)?)
            }
            (Segmented::Above(_), Some(rows)) => {
                let segments = taps.iter().find_map(|tap| below.1[tap.encoder].segments.clone());
                let segments = segments.expect("what makes a row for each segment has told which");
                let batch = batch.repacked(segments.of_examples.clone());
                (Some(segments), encoder.forward(Some(rows), &batch, mode)?)
            }
            (_, input) => (None, encoder.forward(input.as_ref(), batch, mode)?),
        };
        let Some(segments) = segments else { return Ok(States { input, layers, segments: None }) };
        let layers = layers.into_iter().zip(&self.signature.layers).map(|(rows, layer)| {
            match (layer.on, &self.segments) {
                // Each as whoever reads it expects it: tokens and examples in the batch's order.
                (RowKind::Token, _) => gather(&rows, segments.places.clone()),
                (RowKind::Item, Segmented::Within(_)) => gather(&rows, segments.order.clone()),
                (RowKind::Item, _) => Ok(rows),
                (RowKind::Example, _) => gather(&rows, segments.examples.clone()),
            }
        });
        let layers = layers.collect::<Result<_>>()?;
        Ok(States { input, layers, segments: Some(segments) })
    }
}

/// The rows of some taps, side by side.
pub(super) fn read(taps: &[Tap], below: (&[Node], &[States]), batch: &Batch) -> Result<Tensor> {
    let rows = taps.iter().map(|tap| {
        let (node, states) = (&below.0[tap.encoder], &below.1[tap.encoder]);
        let rows = match tap.layer.checked_sub(1) {
            Some(layer) => Some(&states.layers[layer]),
            None => states.input.as_ref(),
        };
        let rows = rows.expect("what is tapped has run");
        let layer = node.signature.layer(Some(tap.layer)).expect("the checker has seen the layer");
        let directions = layer.directions.is_some();
        match (&states.segments, layer.on, tap.view) {
            (Some(segments), RowKind::Item, View::Last | View::Mean | View::Max) => {
                let shown = view(rows, tap.view, directions, &segments.of_examples)?;
                gather(&shown, segments.examples.clone())
            }
            _ => view(rows, tap.view, directions, &batch.packing),
        }
    });
    let rows: Vec<Tensor> = rows.collect::<Result<_>>()?;
    match rows.as_slice() {
        [rows] => Ok(rows.clone()),
        several => Tensor::cat(several, 1),
    }
}
