//! An autoregressive decoder with attention over a memory, for a whole batch of teacher-forced
//! sequences (Bahdanau et al. 2015; Luong et al. 2015), and one step of it for search.
//!
//! With x_t the embedding of the previous symbol, h and c the state (and cell) of a recurrent cell,
//! m_j the rows of the memory of the same example and k_j their keys:
//!
//! ```text
//! g_t = x_t·W + b (+ y_{t−1}·F with input feeding)      h_t = cell(g_t, h_{t−1})
//! s_tj = h_t·k_j, k_j = m_j           (dot)
//!      | h_t·k_j, k_j = m_j·K         (general)
//!      | v·tanh(h_t·Q + k_j), k_j = m_j·K   (additive)
//! a_t = softmax(s_t)     c_t = Σ_j a_tj m_j     y_t = tanh([h_t; c_t]·O)
//! ```
//!
//! y_{−1} is 0, and the initial state is given. Without a memory, c_t is 0. Sequences are divided
//! into blocks, by their number alone, which run in parallel; the rows of a block are contiguous
//! (`block`). The gradients of parameters are products over the rows of a block, added block by
//! block.

mod attention;
mod back;
mod block;
mod forward;
mod operands;
mod step;

use std::{marker::PhantomData, sync::OnceLock};

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

pub use step::DecoderMemory;

use super::{
    arch::is_fused,
    decoder_weights::{
        DecoderAttention, DecoderCell, DecoderPackings, DecoderState, DecoderWeights, Sizes,
    },
    gru::Gru,
    lstm::Lstm,
    plain,
    recurrent::Cell,
    slices,
};
use back::BackwardPass;
use block::{Block, blocks};
use forward::{BlockInputs, Forward};
use operands::Operands;

/// The outputs y (rows, o) of teacher-forced sequences, from the embeddings of the previous symbols
/// (rows, e), the memory (memory rows, m) and the initial states (sequences, w; for an LSTM 2·w).
pub fn decode(
    x: &Tensor,
    memory: &Tensor,
    initial: &Tensor,
    weights: &DecoderWeights,
    packings: DecoderPackings<'_>,
) -> Result<Tensor> {
    let sizes = weights.sizes()?;
    let DecoderPackings { target, memory: of_memory } = packings;
    if x.dims2()? != (target.n_rows(), sizes.embedding)
        || memory.dims2()? != (of_memory.n_rows(), sizes.memory)
        || initial.dims2()? != (target.n_sequences(), sizes.initial)
    {
        bail!(
            "decoder: embeddings {:?}, memory {:?}, initial states {:?}; expected {} rows of {}, {} of {} \
             and {} of {}",
            x.shape(),
            memory.shape(),
            initial.shape(),
            target.n_rows(),
            sizes.embedding,
            of_memory.n_rows(),
            sizes.memory,
            target.n_sequences(),
            sizes.initial
        );
    }
    if !is_fused(x.device()) {
        return plain::decode(x, memory, initial, weights, packings);
    }
    match weights.cell {
        DecoderCell::Lstm => fused::<Lstm>(x, memory, initial, weights, packings, sizes),
        DecoderCell::Gru => fused::<Gru>(x, memory, initial, weights, packings, sizes),
    }
}

fn fused<C: Cell>(
    x: &Tensor,
    memory: &Tensor,
    initial: &Tensor,
    weights: &DecoderWeights,
    packings: DecoderPackings<'_>,
    sizes: Sizes,
) -> Result<Tensor> {
    let op = Decode::<C> {
        weights: weights.clone(),
        sizes,
        blocks: blocks(packings),
        requires_grad: x.track_op() || memory.track_op() || initial.track_op(),
        saved: OnceLock::new(),
        cell: PhantomData,
    };
    x.contiguous()?.apply_op3(&memory.contiguous()?, &initial.contiguous()?, op)
}

struct Decode<C: Cell> {
    weights: DecoderWeights,
    sizes: Sizes,
    blocks: Vec<Block>,
    requires_grad: bool,
    /// By block.
    saved: OnceLock<Vec<Forward>>,
    cell: PhantomData<C>,
}

impl<C: Cell> CustomOp3 for Decode<C> {
    fn name(&self) -> &'static str {
        "decoder"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        of_x: &Layout,
        memory: &CpuStorage,
        of_memory: &Layout,
        initial: &CpuStorage,
        of_initial: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let Sizes { output, .. } = self.sizes;
        let rows = of_x.shape().dims2()?.0;
        let (x, memory) = (slices::of(x, of_x)?, slices::of(memory, of_memory)?);
        let initial = slices::of(initial, of_initial)?;
        let operands = Operands::new::<C>(&self.weights, self.sizes)?;
        let forward = |block: &Block| {
            let memory = block.gathered_memory(memory, self.sizes.memory);
            let keys = operands.keys(&memory);
            let given =
                BlockInputs { x, initial, fed: &[], memory: &memory, keys: keys.as_deref() };
            let values = forward::run::<C>(block, &operands, given);
            Forward { values, memory, keys }
        };
        let made: Vec<Forward> = self.blocks.par_iter().map(forward).collect();
        let mut y = vec![0.0; rows * output];
        for (block, made) in self.blocks.iter().zip(&made) {
            block.scatter(made.values.outputs(block, output), output, &mut y);
        }
        if self.requires_grad {
            // A second forward pass of the same op would compute the same values.
            let _ = self.saved.set(made);
        }
        Ok((CpuStorage::F32(y), (rows, output).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        memory: &Tensor,
        initial: &Tensor,
        _y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let saved =
            self.saved.get().expect("backward comes after a forward that requires gradients");
        let back = BackwardPass::new(self)?;
        let gradient = gradient.contiguous()?;
        let swept = slices::read(&gradient, |gradient| {
            let blocks = self.blocks.par_iter().zip(saved);
            let sweep = |(block, saved)| back.sweep::<C>(block, saved, gradient);
            blocks.map(sweep).collect::<Vec<_>>()
        })?;
        slices::read(x, |x| back::accumulate(self, x, saved, &swept))??;
        let mut grad_x = vec![0.0; x.elem_count()];
        let mut grad_memory = vec![0.0; memory.elem_count()];
        let mut grad_initial = vec![0.0; initial.elem_count()];
        for (block, swept) in self.blocks.iter().zip(&swept) {
            block.scatter(&swept.grad_x, self.sizes.embedding, &mut grad_x);
            block.scatter_memory(&swept.grad_memory, self.sizes.memory, &mut grad_memory);
            block.scatter_initial(&swept.grad_initial, self.sizes.initial, &mut grad_initial);
        }
        let tensor = |values: Vec<f32>, like: &Tensor| {
            Tensor::from_vec(values, like.shape(), like.device()).map(Some)
        };
        Ok((tensor(grad_x, x)?, tensor(grad_memory, memory)?, tensor(grad_initial, initial)?))
    }
}
