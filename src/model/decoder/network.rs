//! The network of a decoder: embedding, recurrent cell with attention, and output layer.

use candle_core::{DType, Result, Tensor, bail};

use super::{Decoder, Decoding};
use crate::{
    data::{Packing, Vocabulary},
    kernel::{self, DecoderMemory, DecoderPackings, DecoderState, DecoderWeights, ParamRef},
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
    /// The embedding of each class.
    pub(in crate::model) embedding: Table,
    pub(in crate::model) weights: DecoderWeights,
    pub(in crate::model) initial: Initial,
    pub(in crate::model) output: OutputLayer,
}

impl Network {
    /// The embeddings of classes.
    pub(in crate::model) fn embed(&self, classes: Vec<u32>, mode: Mode) -> Result<Tensor> {
        self.embedding.forward(classes, mode)
    }

    /// The outputs of teacher forcing, from the embeddings of the previous classes, the memory, and the initial state of
    /// each example of the batch.
    pub(in crate::model) fn outputs(
        &self,
        x: &Tensor,
        memory: &Rows,
        initial: &Tensor,
        target: &Packing,
    ) -> Result<Tensor> {
        let initial = kernel::gather(initial, target.examples())?; // (sequences, states)
        let packings = DecoderPackings { target, memory: &memory.packing };
        kernel::decode(x, &memory.tensor, &initial, &self.weights, packings)
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
                let summaries = kernel::gather(&inputs[1].tensor, examples.to_vec())?;
                kernel::tanh(&layer.forward(&summaries)?)
            }
        }
    }

    /// ln p of each class for rows of outputs: (rows, classes).
    fn log_probabilities(&self, outputs: &Tensor) -> Result<Tensor> {
        let logits = match &self.output {
            OutputLayer::Own(layer) => layer.forward(outputs)?,
            OutputLayer::Tied(bias) => self.embedding.scores(outputs, bias)?,
        };
        kernel::log_softmax(&logits.detach())
    }
}

impl Decoder for Network {
    fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    fn cross_entropy(&self, outputs: &Tensor, targets: Vec<u32>) -> Result<Tensor> {
        match &self.output {
            OutputLayer::Own(layer) => layer.cross_entropy(outputs, targets),
            OutputLayer::Tied(bias) => self.embedding.cross_entropy(outputs, bias, targets),
        }
    }

    fn start(&self, inputs: &[Rows]) -> Result<Box<dyn Decoding + '_>> {
        let inputs: Vec<Rows> = inputs.iter().map(|rows| rows.with(rows.tensor.detach())).collect();
        let memory = DecoderMemory::new(&inputs[0].tensor, &inputs[0].packing, &self.weights)?;
        Ok(Box::new(NetworkDecoding {
            network: self,
            inputs,
            memory,
            state: None,
            examples: Vec::new(),
        }))
    }
}

/// The hypotheses of a search with a network.
struct NetworkDecoding<'a> {
    network: &'a Network,
    inputs: Vec<Rows>,
    memory: DecoderMemory,
    /// `None` before the first step.
    state: Option<DecoderState>,
    /// The example of each hypothesis.
    examples: Vec<u32>,
}

impl Decoding for NetworkDecoding<'_> {
    fn n_classes(&self) -> usize {
        self.network.embedding.rows().dims()[0]
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
        let x = self.network.embed(classes.to_vec(), Mode::Eval)?.detach();
        let state = self.memory.step(&x, &state.select(from)?, &examples)?;
        let log_probabilities = self.network.log_probabilities(&state.outputs)?;
        (self.state, self.examples) = (Some(state), examples);
        kernel::to_vec(&log_probabilities)
    }
}
