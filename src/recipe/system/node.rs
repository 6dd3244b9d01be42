//! An encoder in the graph: its forward pass over each sequence that it runs over, whole or segment
//! by segment.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
};

use candle_core::Result;

use crate::{
    data::{Batch, Corpus, FieldForm, Segments, vectors::WordVectors},
    kernel::gather,
    model::{
        Mode, Rows,
        encoder::{AttachedField, Encoder, SequenceView},
        tap::EncoderSignature,
        view,
    },
    recipe::{Input, Tap},
};

/// An encoder in the graph; `None` for one that others only name.
pub(super) struct Node {
    pub(super) encoder: Option<Box<dyn Encoder>>,
    /// The contents of its vectors file, until every corpus has been attached.
    pub(super) vectors: Option<Arc<WordVectors>>,
    /// The input of each of its input keys.
    pub(super) inputs: Vec<Input>,
    pub(super) signature: EncoderSignature,
    /// The field that gives its segments, if it runs by segments, with the field's index in each
    /// corpus.
    pub(super) segment_by: Option<(String, BTreeMap<usize, usize>)>,
    /// The field that it reads itself, if it reads one.
    pub(super) field: Option<String>,
    /// The field of another text that it compares with, if it compares with one.
    pub(super) other_text: Option<String>,
    /// The indices of the fields that it may read, by corpus and name; `None` is its own field.
    pub(super) fields: BTreeMap<(usize, Option<String>), usize>,
    /// Whether it is frozen, with everything below it: it computes as in an evaluation, and no gradient reaches
    /// its output.
    pub(super) is_frozen: bool,
}

/// The output of an encoder for one sequence of a batch.
struct States {
    /// Layer 0: its first input, or of a decoder its initial state.
    bottom: Option<Rows>,
    layers: Vec<Rows>,
}

impl Node {
    /// Maps the strings of a corpus: of the field that it reads, and of those that taps name.
    pub(super) fn attach(
        &mut self,
        corpus_idx: usize,
        corpus: &Corpus,
        prefixes: &BTreeSet<String>,
    ) {
        if let Some(encoder) = &mut self.encoder
            && let Some(own) = &self.field
        {
            let other = self.other_text.iter().filter(|name| !prefixes.contains(*name));
            let names = prefixes.iter().chain(other).map(|name| (Some(name.clone()), name));
            for (key, name) in names.chain([(None, own)]) {
                let field = corpus.field(name);
                let is_read = |at: &usize| {
                    let form = corpus.fields[*at].form;
                    matches!(form, FieldForm::Symbols | FieldForm::Frames | FieldForm::Label)
                };
                let Some(field) = field.filter(is_read) else { continue };
                let (lexicon, vectors) = (&corpus.lexicons[field], self.vectors.as_deref());
                encoder.attach(&AttachedField { corpus_idx, field, lexicon, vectors });
                self.fields.insert((corpus_idx, key), field);
            }
        }
        if let Some((name, fields)) = &mut self.segment_by
            && let Some(field) = corpus.field(name)
        {
            fields.insert(corpus_idx, field);
        }
    }
}

/// The field that an encoder runs over, as a tap names it; `None` is its own field.
type Prefix<'a> = Option<&'a str>;

/// One forward pass over a batch: each encoder runs once for each sequence.
pub(super) struct Forward<'a> {
    nodes: &'a [Node],
    batch: &'a Batch,
    mode: Mode,
    /// The outputs so far of each encoder, by the field it ran over.
    states: Vec<BTreeMap<Prefix<'a>, States>>,
    /// The segments used by encoders, computed once per field.
    segments: RefCell<BTreeMap<usize, Rc<Segments>>>,
}

impl<'a> Forward<'a> {
    /// Computes the states that these taps need.
    pub(super) fn new(
        nodes: &'a [Node],
        wanted: impl Iterator<Item = &'a Tap>,
        batch: &'a Batch,
        mode: Mode,
    ) -> Result<Self> {
        let mut needed: Vec<BTreeSet<Prefix<'a>>> = vec![BTreeSet::new(); nodes.len()];
        for tap in wanted {
            needed[tap.encoder].insert(tap.field.as_deref());
        }
        // Encoders come after their inputs.
        for at in (0..nodes.len()).rev() {
            for prefix in needed[at].clone() {
                let inputs = nodes[at].inputs.iter();
                for tap in inputs.flat_map(|input| input.of(batch.corpus)) {
                    needed[tap.encoder].insert(tap.field.as_deref().or(prefix));
                }
            }
        }
        let segments = RefCell::default();
        let mut forward = Self { nodes, batch, mode, states: Vec::new(), segments };
        for (node, prefixes) in nodes.iter().zip(needed) {
            let mut states = BTreeMap::new();
            if let Some(encoder) = &node.encoder {
                for prefix in prefixes {
                    states.insert(prefix, forward.run(node, encoder.as_ref(), prefix)?);
                }
            }
            forward.states.push(states);
        }
        Ok(forward)
    }

    fn run(&self, node: &Node, encoder: &dyn Encoder, prefix: Prefix<'a>) -> Result<States> {
        let batch = self.batch;
        let mode = match self.mode {
            Mode::Train { .. } if node.is_frozen => Mode::Eval,
            mode => mode,
        };
        let index =
            |name: Prefix<'_>| node.fields.get(&(batch.corpus, name.map(str::to_owned))).copied();
        let other = node.other_text.as_deref();
        let other_text =
            other.and_then(|other| index(Some(other).filter(|other| prefix != Some(*other))));
        let on = SequenceView { batch, field: index(prefix), prefix, other_text };
        let inputs = node.inputs.iter().map(|input| self.read(input.of(batch.corpus), prefix));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let layers = match (&node.segment_by, inputs.as_slice()) {
            (Some((_, fields)), [input]) => {
                let field = fields.get(&batch.corpus);
                let field = *field.expect("the checker has seen the field in each corpus");
                let segments = self.segments(field);
                let rows = gather(&input.tensor, segments.rows.clone())?;
                let within = Rows::new(rows, &segments.within);
                let layers = encoder.forward(&[within], on, mode)?;
                // Restores the packing of the tokens that the readers expect.
                let back = |rows: Rows| {
                    if !Arc::ptr_eq(&rows.packing, &segments.within) {
                        return Ok(rows);
                    }
                    Ok(input.with(gather(&rows.tensor, segments.places.clone())?))
                };
                layers.into_iter().map(back).collect::<Result<_>>()?
            }
            _ => encoder.forward(&inputs, on, mode)?,
        };
        let mut layers = if node.is_frozen && matches!(self.mode, Mode::Train { .. }) {
            layers.into_iter().map(|rows| rows.without_gradient()).collect::<Result<_>>()?
        } else {
            layers
        };
        let bottom = match node.signature.initial {
            None => inputs.into_iter().next(),
            Some(_) => Some(layers.remove(0)),
        };
        Ok(States { bottom, layers })
    }

    fn segments(&self, field: usize) -> Rc<Segments> {
        let find = || {
            let packing = self.batch.packing(field);
            Rc::new(Segments::new(packing, self.batch.symbols(field)))
        };
        self.segments.borrow_mut().entry(field).or_insert_with(find).clone()
    }

    /// The concatenated rows of taps, for a reader that itself runs over that field.
    pub(super) fn read(&self, taps: &'a [Tap], prefix: Prefix<'a>) -> Result<Rows> {
        let rows = taps.iter().map(|tap| {
            let node = &self.nodes[tap.encoder];
            let states = self.states[tap.encoder].get(&tap.field.as_deref().or(prefix));
            let states = states.expect("what is tapped has run");
            let rows = match tap.layer.checked_sub(1) {
                Some(layer) => Some(&states.layers[layer]),
                None => states.bottom.as_ref(),
            };
            let layer = node.signature.layer(Some(tap.layer));
            let layer = layer.expect("the checker has seen the layer");
            view(rows.expect("the checker has seen layer 0"), tap.view, layer.directions.is_some())
        });
        Rows::concat(&rows.collect::<Result<Vec<_>>>()?)
    }
}
