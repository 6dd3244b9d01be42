//! Connectionist temporal classification (Graves et al. 2006): the probability of a label sequence that is not aligned
//! with the frames it was observed in.
//!
//! An alignment π has a class for each frame, a symbol or the blank, the last class. The label sequence of an alignment
//! is what remains once equal neighbors are merged and blanks removed, so that a repeated symbol needs a blank between.
//! With y the softmax of the logits of a frame: loss = −ln Σ over the alignments π of the labels of Π_t y_t(π_t). The
//! gradient with respect to a logit is y_t(k) less the probability of k at frame t given the labels, by the
//! forward-backward algorithm in the log domain, which is shifted at each frame so that no length loses precision.

mod lattice;

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    arch::{fast, is_fused},
    labelled_frames::{LabelledFrames, frames_needed},
    leaf, plain, slices,
};

/// The loss of each sequence: (sequences). The last of the classes of the logits (rows, classes) is the blank. Rows that
/// are in no sequence have no gradient.
pub fn ctc(logits: &Tensor, sequences: Vec<LabelledFrames>) -> Result<Tensor> {
    check(logits, &sequences)?;
    if !is_fused(logits.device()) {
        return plain::ctc(logits, &sequences);
    }
    if sequences.is_empty() {
        return Tensor::zeros(0, logits.dtype(), logits.device());
    }
    let requires_grad = logits.track_op();
    logits.contiguous()?.apply_op1(Ctc { sequences, requires_grad, saved: OnceLock::new() })
}

fn check(logits: &Tensor, sequences: &[LabelledFrames]) -> Result<()> {
    let (n_rows, classes) = logits.dims2()?;
    if classes == 0 {
        bail!("ctc: no class in the head; expected the blank at least");
    }
    let mut is_used = vec![false; n_rows];
    for LabelledFrames { rows, labels } in sequences {
        for &row in rows {
            match is_used.get_mut(row as usize) {
                None => bail!("ctc: {n_rows} rows of logits, but row {row}"),
                Some(true) => bail!("ctc: row {row} is in two sequences, or twice in one"),
                Some(is_used) => *is_used = true,
            }
        }
        if let Some(label) = labels.iter().find(|&&label| label as usize + 1 >= classes) {
            bail!(
                "ctc: {classes} classes in the head, the last of them the blank, but label {label}"
            );
        }
        let needed = frames_needed(labels);
        if rows.len() < needed {
            let (n, found) = (labels.len(), rows.len());
            bail!("ctc: expected {needed} frames or more for {n} labels, found {found}");
        }
    }
    Ok(())
}

struct Ctc {
    sequences: Vec<LabelledFrames>,
    requires_grad: bool,
    /// The gradient of each sequence's loss with respect to its logits, frame after frame: (frames, classes).
    saved: OnceLock<Vec<Vec<f32>>>,
}

impl CustomOp1 for Ctc {
    fn name(&self) -> &'static str {
        "ctc"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let classes = layout.dims()[1];
        let logits = slices::of(logits, layout)?;
        let (losses, saved): (Vec<f32>, Vec<Option<Vec<f32>>>) = self
            .sequences
            .par_iter()
            .map(|LabelledFrames { rows, labels }| {
                let frame = |t: usize| &logits[rows[t] as usize * classes..][..classes];
                fast(
                    #[inline(always)]
                    || lattice::loss(frame, rows.len(), labels, self.requires_grad),
                )
            })
            .unzip();
        if let Some(saved) = saved.into_iter().collect() {
            // A second forward pass of the same op would compute the same values.
            let _ = self.saved.set(saved);
        }
        let n = losses.len();
        Ok((CpuStorage::F32(losses), n.into()))
    }

    fn bwd(&self, logits: &Tensor, _losses: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let classes = logits.dim(1)?;
        let saved =
            self.saved.get().expect("backward comes after a forward that requires gradients");
        let mut grad_logits = vec![0.0; logits.elem_count()];
        let sequences = self.sequences.iter().zip(saved).zip(slices::to_vec(gradient)?);
        for ((sequence, saved), g) in sequences {
            for (&row, by) in sequence.rows.iter().zip(saved.chunks_exact(classes)) {
                for (grad, by) in grad_logits[row as usize * classes..].iter_mut().zip(by) {
                    *grad = g * by;
                }
            }
        }
        leaf::gradient(logits, grad_logits)
    }
}
