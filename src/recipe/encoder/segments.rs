//! Segments of examples: what runs within each by itself, and what reads a row for each.

use std::collections::BTreeSet;

use super::Encoders;
use crate::{
    keys::{Key, Refers, Takes, Values},
    model::{
        encoder::EncoderKind,
        tap::{EncoderSignature, LayerSpec, RowKind},
    },
    recipe::{fault::Findings, input::Input, names::Named},
};

pub(super) const SEGMENT_BY: Key = Key::optional(
    "segment_by",
    Takes::Name(Refers::Field),
    "run over each segment by itself: tokens in a row with one string in this field, as a sentence",
);

/// How an encoder meets the segments of examples, which a field tells apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segmented {
    /// Not at all: it reads rows of tokens or of examples.
    No,
    /// It runs over the tokens of each segment by itself. Where it makes one row of a sequence, that is
    /// one for each segment.
    Within(String),
    /// It reads a row for each segment, as a sequence.
    Above(String),
}

impl Segmented {
    /// The field that tells apart the segments that its rows stand for, if they do.
    fn field_of_rows(&self, layer: LayerSpec) -> Option<&str> {
        match self {
            Self::Within(field) | Self::Above(field) if layer.on == RowKind::Item => Some(field),
            _ => None,
        }
    }
}

/// How an encoder of this input meets segments; `None` if it can't.
pub(super) fn check(
    table: &Named<'_>,
    kind: &dyn EncoderKind,
    values: &Values,
    (reads, layer): (&Input, Option<LayerSpec>),
    below: &Encoders,
    findings: &mut Findings,
) -> Option<Segmented> {
    let segment_by = values.text_if_said(SEGMENT_BY.name);
    let place =
        || if segment_by.is_some() { values.place(SEGMENT_BY.name) } else { values.place("input") };
    let mut fault = |what: String| {
        findings.fault(&place(), format!("{}: {what}", table.label()));
        None
    };
    let Some(layer) = layer else { return Some(Segmented::No) };
    let reads_tokens =
        kind.keys().iter().any(|key| matches!(key.takes, Takes::Name(Refers::Field)));
    if reads_tokens && (segment_by.is_some() || layer.on == RowKind::Item) {
        let what = "looks at the tokens of its rows, and those of segments have none";
        return fault(format!("a {:?} {what}", kind.name()));
    }
    match (layer.on, segment_by) {
        (RowKind::Token, Some(segment_by)) => Some(Segmented::Within(segment_by.to_owned())),
        (found, Some(_)) => fault(format!(
            "its input is a row for each {}; wanted one for each token",
            found.name()
        )),
        (RowKind::Item, None) => {
            let fields = reads.all().filter_map(|tap| {
                let spec = below.specs[tap.encoder].as_ref()?;
                let rows = spec.signature.layer(Some(tap.layer))?;
                spec.segments.field_of_rows(rows)
            });
            let fields: BTreeSet<&str> = fields.collect();
            match Vec::from_iter(fields)[..] {
                [field] => Some(Segmented::Above(field.to_owned())),
                [one, other, ..] => fault(format!(
                    "its inputs are segments of {one:?} and of {other:?}; wanted those of one field"
                )),
                [] => unreachable!("rows for segments come from an encoder that has made them"),
            }
        }
        (RowKind::Token | RowKind::Example, None) => Some(Segmented::No),
    }
}

/// What a signature is where sequences are those of segments, or segments are the sequence.
pub(super) fn signature(
    signature: EncoderSignature,
    input: Option<LayerSpec>,
    segments: &Segmented,
) -> EncoderSignature {
    let on = |on| match (segments, on) {
        (Segmented::Within(_), RowKind::Example) | (Segmented::Above(_), RowKind::Token) => {
            RowKind::Item
        }
        (_, on) => on,
    };
    let layers = signature.layers.into_iter().map(|layer| LayerSpec { on: on(layer.on), ..layer });
    EncoderSignature { input, layers: layers.collect() }
}
