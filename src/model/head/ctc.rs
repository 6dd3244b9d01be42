//! CTC: a label sequence for rows that are not aligned with it (Graves et al. 2006): for each row a softmax over the
//! labels and a blank, the last class.

mod decode;

use candle_core::{Result, Tensor};

use super::{HIDDEN, HeadConfig, HeadKind, ScoreLayers};
use crate::{
    kernel::{self, LabelledFrames},
    keys::{Key, ValueType, Values},
    model::{parameters::Scope, tap::RowKind},
};

pub use decode::Labelling;

pub(super) struct Ctc;

const BEAM: &str = "beam";

const KEYS: &[Key] = &[
    HIDDEN,
    Key::with_default(
        BEAM,
        ValueType::Within(1, 1_000),
        "1",
        "beam size of the prefix beam search that decodes label sequences; 1: those of the best class of each row",
    ),
];

impl HeadKind for Ctc {
    fn name(&self) -> &'static str {
        "ctc"
    }

    fn about(&self) -> &'static str {
        "a label sequence that is not aligned with its rows, by a softmax of each row over labels and a blank"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn works_on(&self, on: RowKind) -> bool {
        on == RowKind::Token
    }

    fn supports_class_weights(&self) -> bool {
        false
    }

    fn configure(&self, values: &Values) -> HeadConfig {
        let (hidden, beam) = (values.count(HIDDEN.name), values.count(BEAM));
        HeadConfig::Ctc(CtcConfig { hidden, beam })
    }
}

/// The parsed options of a head for label sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CtcConfig {
    /// The size of the tanh layer; 0 for none.
    hidden: usize,
    /// The beam size.
    beam: usize,
}

impl CtcConfig {
    /// Creates it for rows of this dimension and so many labels.
    pub fn build(self, scope: &mut Scope<'_>, width: usize, n_labels: usize) -> Result<CtcHead> {
        let layers = ScoreLayers::new(scope, width, self.hidden, n_labels + 1)?;
        Ok(CtcHead { layers, beam: self.beam })
    }

    /// Elements that a step holds for so many pairs of a row and a label, besides the scores: the logarithm of the
    /// probability of the label and of a blank before it.
    pub fn scratch(self, n_pairs: u64) -> u64 {
        n_pairs.saturating_mul(2)
    }
}

/// Scores of labels and the blank, with its parameters.
pub struct CtcHead {
    layers: ScoreLayers,
    beam: usize,
}

impl CtcHead {
    /// The scores of x (rows, width): (rows, labels + 1).
    pub fn scores(&self, x: &Tensor) -> Result<Tensor> {
        self.layers.forward(x)
    }

    /// The loss of each sequence of rows with these scores: (sequences).
    pub fn loss(&self, scores: &Tensor, sequences: Vec<LabelledFrames>) -> Result<Tensor> {
        kernel::ctc(scores, sequences)
    }

    /// The label sequences of each sequence of rows with these scores, the most probable first, as many as the beam
    /// has at most.
    pub fn decode(&self, scores: &Tensor, sequences: &[Vec<usize>]) -> Result<Vec<Vec<Labelling>>> {
        let n_classes = scores.dim(1)?;
        let log_p = kernel::log_softmax(scores)?;
        kernel::read(&log_p.contiguous()?, |log_p| {
            let of_sequence = |rows: &Vec<usize>| {
                let frames: Vec<&[f32]> =
                    rows.iter().map(|row| &log_p[row * n_classes..][..n_classes]).collect();
                match self.beam {
                    1 => vec![decode::best_path(&frames)],
                    beam => decode::beam_search(&frames, beam),
                }
            };
            sequences.iter().map(of_sequence).collect()
        })
    }
}
