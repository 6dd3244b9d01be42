//! An autoregressive decoder with attention over a memory, for a whole batch of teacher-forced
//! sequences (Bahdanau et al. 2015; Luong et al. 2015), and one step of it for search.
//!
//! With x_t the embedding of the previous symbol, h and c the state (and cell) of a recurrent cell,
//! m_j the rows of the memory of the same example, k_j their keys and v_j what is averaged:
//!
//! ```text
//! g_t = x_t·W + b (+ y_{t−1}·F with input feeding)      h_t = cell(g_t, h_{t−1})
//! s_tj = h_t·k_j, k_j = v_j = m_j                      (dot)
//!      | h_t·k_j, k_j = m_j·K, v_j = m_j               (general)
//!      | v·tanh(h_t·Q + k_j), k_j = m_j·K, v_j = m_j   (additive)
//!      | (h_t·Q)·k_j / √d, k_j = m_j·K, v_j = m_j·V    (multi-head)
//! a_t = softmax(s_t)     c_t = Σ_j a_tj v_j     y_t = tanh([h_t; c_t]·O)
//! ```
//!
//! With several heads (Vaswani et al. 2017) queries, keys and v_j are split into as many parts of dimension d, each
//! part has weights of its own, and c_t is the concatenation of their contexts. With several memories, such as texts in
//! two languages, each has an attention with parameters of its own, and all contexts stand in the place of c_t (Zoph and
//! Knight 2016).
//!
//! y_{−1} is 0, and the initial state is given. Without rows of a memory, c_t is 0. Sequences are divided
//! into blocks, by their number alone, which run in parallel; the rows of a block are contiguous
//! (`block`). The gradients of parameters are products over the rows of a block, added block by
//! block.

mod attention;
mod back;
mod block;
mod forward;
mod operands;
mod parameters;
mod step;

use std::{marker::PhantomData, ops::Range, sync::OnceLock};

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

pub use step::DecoderMemory;

use super::{
    arch::is_fused,
    decoder_weights::{
        AttendedRows, AttentionSizes, DecodedRows, DecoderAttention, DecoderCell, DecoderState,
        DecoderWeights, Sizes,
    },
    gru::Gru,
    leaf,
    lstm::Lstm,
    plain,
    recurrent::Cell,
    slices,
};
use back::BackwardPass;
use block::{Block, BlockMemory, blocks};
use forward::{BlockInputs, Forward};
use operands::{AttentionOperands, MemoryValues, Operands};

/// The outputs y (rows, o) of teacher-forced sequences that attend to one memory for each attention.
pub fn decode(
    target: DecodedRows<'_>,
    memories: &[AttendedRows<'_>],
    weights: &DecoderWeights,
) -> Result<Tensor> {
    let (sizes, attentions) = weights.sizes()?;
    let DecodedRows { x, initial, packing } = target;
    if x.dims2()? != (packing.n_rows(), sizes.embedding)
        || initial.dims2()? != (packing.n_sequences(), sizes.initial)
    {
        bail!(
            "decoder: embeddings {:?}, initial states {:?}; expected {} rows of {} and {} of {}",
            x.shape(),
            initial.shape(),
            packing.n_rows(),
            sizes.embedding,
            packing.n_sequences(),
            sizes.initial
        );
    }
    check_memories(memories, &attentions)?;
    if !is_fused(x.device()) {
        return plain::decode(target, memories, weights);
    }
    match weights.cell {
        DecoderCell::Lstm => fused::<Lstm>(target, memories, weights, (sizes, attentions)),
        DecoderCell::Gru => fused::<Gru>(target, memories, weights, (sizes, attentions)),
    }
}

/// Whether there is a memory for each attention, with rows of its dimension.
fn check_memories(memories: &[AttendedRows<'_>], attentions: &[AttentionSizes]) -> Result<()> {
    if memories.len() != attentions.len() {
        bail!("decoder: {} memories; expected {}", memories.len(), attentions.len());
    }
    for (memory, sizes) in memories.iter().zip(attentions) {
        if memory.rows.dims2()? != (memory.packing.n_rows(), sizes.memory) {
            bail!(
                "decoder: memory {:?}; expected {} rows of {}",
                memory.rows.shape(),
                memory.packing.n_rows(),
                sizes.memory
            );
        }
    }
    Ok(())
}

fn fused<C: Cell>(
    DecodedRows { x, initial, packing }: DecodedRows<'_>,
    memories: &[AttendedRows<'_>],
    weights: &DecoderWeights,
    (sizes, attentions): (Sizes, Vec<AttentionSizes>),
) -> Result<Tensor> {
    let flat = memories.iter().map(|memory| memory.rows.flatten_all());
    let flat = flat.collect::<Result<Vec<_>>>()?;
    let mut end = 0;
    let range = |memory: &Tensor| {
        let start = end;
        end += memory.elem_count();
        start..end
    };
    let ranges = flat.iter().map(range).collect();
    // One memory is not copied.
    let memory =
        if let [memory] = &flat[..] { memory.contiguous()? } else { Tensor::cat(&flat, 0)? };
    let op = Decode::<C> {
        weights: weights.clone(),
        sizes,
        attentions,
        memories: ranges,
        blocks: blocks(packing, memories),
        requires_grad: x.track_op() || memory.track_op() || initial.track_op(),
        saved: OnceLock::new(),
        cell: PhantomData,
    };
    x.contiguous()?.apply_op3(&memory, &initial.contiguous()?, op)
}

struct Decode<C: Cell> {
    weights: DecoderWeights,
    sizes: Sizes,
    attentions: Vec<AttentionSizes>,
    /// The elements of each memory among those of all.
    memories: Vec<Range<usize>>,
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
        let operands = Operands::new::<C>(&self.weights, (self.sizes, &self.attentions))?;
        let forward = |block: &Block| {
            let parts = block.memories.iter().zip(&self.memories).zip(&operands.attentions);
            let read = |((part, elements), attention): (
                (&BlockMemory, &Range<usize>),
                &AttentionOperands,
            )| {
                attention.read(part.gathered(&memory[elements.clone()], attention.sizes.memory))
            };
            let memories: Vec<MemoryValues> = parts.map(read).collect();
            let given = BlockInputs { x, initial, fed: &[], memories: &memories };
            let values = forward::run::<C>(block, &operands, given);
            Forward { values, memories }
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
        slices::read(x, |x| parameters::accumulate(self, x, saved, &swept))??;
        let mut grad_x = vec![0.0; x.elem_count()];
        let mut grad_memory = vec![0.0; memory.elem_count()];
        let mut grad_initial = vec![0.0; initial.elem_count()];
        for (block, swept) in self.blocks.iter().zip(&swept) {
            block.scatter(&swept.grad_x, self.sizes.embedding, &mut grad_x);
            for (at, elements) in self.memories.iter().enumerate() {
                let (columns, to) =
                    (self.attentions[at].memory, &mut grad_memory[elements.clone()]);
                block.memories[at].scatter(&swept.attentions[at].memory, columns, to);
            }
            block.scatter_initial(&swept.grad_initial, self.sizes.initial, &mut grad_initial);
        }
        let of_memory = leaf::gradient(memory, grad_memory)?;
        Ok((leaf::gradient(x, grad_x)?, of_memory, leaf::gradient(initial, grad_initial)?))
    }
}
