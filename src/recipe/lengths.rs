//! The number of rows that a tap has for an example, known before any tensor is created.

use super::{ObjectiveSpec, Recipe};
use crate::{
    data::{Axis, Corpus},
    model::encoder::{Reshaping, RowSource},
};

/// The sequence that the rows of a tap are computed from, and how each encoder reshapes them, from the lowest one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TapLength {
    pub(super) sequence: usize,
    pub(super) reshaped: Vec<Reshaping>,
}

impl TapLength {
    /// The number of rows for a sequence of n positions.
    pub(super) fn n_rows(&self, n: usize) -> usize {
        self.reshaped.iter().fold(n, |n, reshaping| reshaping.n_rows(n))
    }
}

impl Recipe {
    /// That of the first tap of an objective over a corpus; `None` if it has no tap, if its rows are of segments or of
    /// the texts of a list, or if the corpus lacks the field.
    pub(super) fn tap_length(
        &self,
        spec: &ObjectiveSpec,
        corpus_idx: usize,
        corpus: &Corpus,
    ) -> Option<TapLength> {
        let mut tap = spec.taps.first()?.first()?;
        let mut prefix = tap.field.as_deref();
        let mut reshaped = Vec::new();
        loop {
            let encoder = &self.encoders[tap.encoder];
            if encoder.segment_by.is_some() {
                return None;
            }
            if tap.layer > 0 {
                reshaped.push(encoder.config.reshaping());
            }
            if encoder.kind.source() == RowSource::Field {
                let field = corpus.field(prefix.or(encoder.config.field())?)?;
                let Axis::Sequence(sequence) = corpus.fields[field].axis else { return None };
                reshaped.reverse();
                let is_one = !corpus.sequences[sequence].is_list;
                return is_one.then_some(TapLength { sequence, reshaped });
            }
            tap = encoder.inputs.first()?.of(corpus_idx).first()?;
            prefix = tap.field.as_deref().or(prefix);
        }
    }
}
