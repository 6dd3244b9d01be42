//! The network of a decoder: embedding, recurrent cell with attention, and output layer.

use candle_core::{DType, Result, Tensor, bail};

use super::{Copied, CopyLayer, Decoder, Decoding, SourceWords, TargetIds, UNKNOWN};
use crate::{
    data::{Lexicon, Packing, Subwords, Vocabulary},
    kernel::{
        self, AttendedRows, DecodedRows, DecoderMemory, DecoderState, DecoderWeights, PackedOutput,
        ParamRef,
    },
    model::{
        Mode, Rows,
        parameters::{Linear, Table},
    },
};

/// What the state before the first step is.
pub(in crate::model) enum Initial {
    /// 0.
    Zero,
    /// A trained row.
    Learned(Table),
    /// tanh of a linear layer of the summary's row.
    Summary(Linear),
}

/// The output layer: a score for each class.
pub(in crate::model) enum OutputLayer {
    /// With weights of its own.
    Own(Linear),
    /// The embeddings of the classes are its weights; with this bias.
    Tied(ParamRef),
}

/// A decoder's parameters.
pub(in crate::model) struct Network {
    pub(in crate::model) vocabulary: Vocabulary,
    /// What splits words, if the vocabulary is one of subwords.
    pub(in crate::model) subwords: Option<Subwords>,
    /// The embedding of each class.
    pub(in crate::model) embedding: Table,
    pub(in crate::model) weights: DecoderWeights,
    pub(in crate::model) initial: Initial,
    pub(in crate::model) output: OutputLayer,
    /// The field whose words it can copy, and the parameters for that.
    pub(in crate::model) copy: Option<(String, CopyLayer)>,
}

impl Network {
    /// The number of classes of the vocabulary.
    fn n_classes(&self) -> usize {
        self.embedding.rows().dims()[0]
    }

    /// The embeddings of classes.
    pub(in crate::model) fn embed(&self, classes: Vec<u32>, mode: Mode) -> Result<Tensor> {
        self.embedding.forward(classes, mode)
    }

    /// The rows of the inputs that it attends to.
    pub(super) fn memories<'a>(&self, inputs: &'a [Rows]) -> Vec<AttendedRows<'a>> {
        let memories = inputs.iter().take(self.weights.attention.len());
        memories.map(|rows| AttendedRows { rows: &rows.tensor, packing: &rows.packing }).collect()
    }

    /// The outputs of teacher forcing, from the embeddings of the previous classes, the inputs, and the initial state of
    /// each example of the batch.
    pub(in crate::model) fn outputs(
        &self,
        x: &Tensor,
        inputs: &[Rows],
        initial: &Tensor,
        target: &Packing,
    ) -> Result<Tensor> {
        let initial = kernel::gather(initial, target.examples())?; // (sequences, states)
        let target = DecodedRows { x, initial: &initial, packing: target };
        kernel::decode(target, &self.memories(inputs), &self.weights)
    }

    /// The initial state of these examples, one row for each: (examples, states).
    pub(in crate::model) fn initial_states(
        &self,
        inputs: &[Rows],
        examples: &[u32],
        mode: Mode,
    ) -> Result<Tensor> {
        let width = self.weights.recurrent.var().dim(0)? * self.weights.cell.n_states();
        match &self.initial {
            Initial::Zero => {
                let device = inputs[0].tensor.device();
                Tensor::zeros((examples.len(), width), DType::F32, device)
            }
            Initial::Learned(row) => row.forward(vec![0; examples.len()], mode),
            Initial::Summary(layer) => {
                let summary = &inputs[self.weights.attention.len()];
                let summaries = kernel::gather(&summary.tensor, examples.to_vec())?;
                kernel::tanh(&layer.forward(&summaries)?)
            }
        }
    }

    /// The output layer of a search.
    pub(super) fn packed_output(&self) -> Result<PackedOutput> {
        match &self.output {
            OutputLayer::Own(layer) => PackedOutput::new(&layer.weight, &layer.bias),
            OutputLayer::Tied(bias) => self.embedding.packed_output(bias),
        }
    }
}

impl Decoder for Network {
    fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    fn target_ids(&self, lexicon: &Lexicon) -> TargetIds {
        TargetIds::new(&self.vocabulary, self.subwords.as_ref(), lexicon)
    }

    fn n_memories(&self) -> usize {
        self.weights.attention.len()
    }

    fn text(&self, symbols: &[&str]) -> String {
        if self.subwords.is_some() { Subwords::text(symbols) } else { symbols.join(" ") }
    }

    fn copies(&self) -> Option<&str> {
        self.copy.as_ref().map(|(field, _)| field.as_str())
    }

    fn cross_entropy(
        &self,
        outputs: &Rows,
        targets: Vec<u32>,
        copied: Option<Copied<'_>>,
    ) -> Result<Tensor> {
        let Rows { tensor, packing } = outputs;
        let own = |targets| match &self.output {
            OutputLayer::Own(layer) => layer.cross_entropy(tensor, targets),
            OutputLayer::Tied(bias) => self.embedding.cross_entropy(tensor, bias, targets),
        };
        match (&self.copy, copied) {
            (Some((_, layer)), Some(copied)) => {
                layer.cross_entropy(tensor, (&packing.examples_of_rows(), targets), copied, own)
            }
            (None, None) => own(targets),
            _ => bail!("a decoder is given the words of the source if it can copy them"),
        }
    }

    fn start<'a>(
        &'a self,
        inputs: &[Rows],
        words: Option<&'a SourceWords>,
    ) -> Result<Box<dyn Decoding + 'a>> {
        let inputs: Vec<Rows> = inputs.iter().map(|rows| rows.with(rows.tensor.detach())).collect();
        let memory = DecoderMemory::new(&self.memories(&inputs), &self.weights)?;
        Ok(Box::new(NetworkDecoding {
            network: self,
            inputs,
            words,
            memory,
            output: self.packed_output()?,
            state: None,
            examples: Vec::new(),
        }))
    }
}

/// The hypotheses of a search with a network.
struct NetworkDecoding<'a> {
    network: &'a Network,
    inputs: Vec<Rows>,
    /// The words that it can copy.
    words: Option<&'a SourceWords>,
    memory: DecoderMemory,
    output: PackedOutput,
    /// `None` before the first step.
    state: Option<DecoderState>,
    /// The example of each hypothesis.
    examples: Vec<u32>,
}

impl Decoding for NetworkDecoding<'_> {
    fn n_classes(&self) -> usize {
        self.words.map_or(self.network.n_classes(), SourceWords::n_all)
    }

    fn begin(&mut self, examples: &[u32]) -> Result<()> {
        let initial = self.network.initial_states(&self.inputs, examples, Mode::Eval)?;
        self.state = Some(self.memory.start(&initial.detach())?);
        self.examples = examples.to_vec();
        Ok(())
    }

    fn step(&mut self, from: &[u32], classes: &[u32]) -> Result<Vec<f32>> {
        let Some(state) = &self.state else { bail!("a search begins before its first step") };
        let examples: Vec<u32> = from.iter().map(|&from| self.examples[from as usize]).collect();
        let known = |&class: &u32| {
            if (class as usize) < self.network.n_classes() { class } else { UNKNOWN }
        };
        let x = self.network.embed(classes.iter().map(known).collect(), Mode::Eval)?.detach();
        let state = self.memory.step(&x, &state.select(from)?, &examples)?;
        let mut log_probabilities = self.output.log_probabilities(&state.outputs)?;
        if let (Some((_, layer)), Some(words)) = (&self.network.copy, self.words) {
            let copied = Copied { memory: &self.inputs[0], words };
            log_probabilities =
                layer.log_probabilities(&state.outputs, &examples, copied, &log_probabilities)?;
        }
        (self.state, self.examples) = (Some(state), examples);
        Ok(log_probabilities)
    }

    fn keep_attention(&mut self) {
        self.memory.keep_attention();
    }

    fn attention(&self) -> &[Vec<f32>] {
        self.state.as_ref().map_or(&[], |state| &state.attention)
    }
}
