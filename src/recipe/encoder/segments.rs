//! Segments of examples: encoders that run over each segment by itself, and encoders that read one
//! row per segment.

use std::collections::BTreeSet;

use super::{Encoders, RowSource};
use crate::{
    keys::{Key, Refers, ValueType, Values},
    model::{
        encoder::EncoderKind,
        tap::{LayerSpec, RowKind},
    },
    recipe::{fault::Diagnostics, input::Input, names::Named},
};

pub(super) const SEGMENT_BY: Key = Key::optional(
    "segment_by",
    ValueType::Name(Refers::Segments),
    "encode each segment by itself: consecutive tokens with the same value of this field, for example a sentence",
);

/// An encoder's use of the segments that a field gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Segmented {
    /// The field that gives its segments, each of which is encoded by itself; `None` if it runs
    /// over whole sequences.
    pub(super) segment_by: Option<String>,
    /// The field that gives the segments its rows represent, if they represent items.
    pub(super) items: Option<String>,
}

/// An encoder's use of segments, given its first input; `None` if there is a fault.
pub(super) fn check(
    table: &Named<'_>,
    kind: &dyn EncoderKind,
    values: &Values,
    first: Option<(&Input, LayerSpec)>,
    below: &Encoders,
    diagnostics: &mut Diagnostics,
) -> Option<Segmented> {
    let segment_by = values.text_if_set(SEGMENT_BY.name);
    let place =
        || if segment_by.is_some() { values.place(SEGMENT_BY.name) } else { values.place("input") };
    let mut fault = |what: String| {
        diagnostics.fault(&place(), format!("{}: {what}", table.label()));
        None
    };
    let Some((reads, layer)) = first else { return Some(Segmented::default()) };
    let reads_tokens = matches!(kind.source(), RowSource::Encoder(_))
        && kind.keys().iter().any(|key| matches!(key.takes, ValueType::Name(Refers::Field)));
    if reads_tokens && (segment_by.is_some() || layer.on == RowKind::Item) {
        let what = "reads the tokens of its rows, and rows of segments have none";
        return fault(format!("a {:?} {what}", kind.name()));
    }
    if let Some(field) = segment_by {
        if layer.on != RowKind::Token {
            let found = layer.on.name();
            return fault(format!("its input has one row per {found}; expected one per token"));
        }
        if layer.pooled == RowKind::Item {
            diagnostics.not_implemented(&place(), "segments of the items of a list");
            return None;
        }
        let field = Some(field.to_owned());
        return Some(Segmented { segment_by: field.clone(), items: field });
    }
    let specs = reads.all().filter_map(|tap| {
        let spec = below.specs[tap.encoder].as_ref()?;
        let rows = spec.signature.layer(Some(tap.layer))?;
        spec.items.as_deref().filter(|_| rows.on == RowKind::Item)
    });
    let fields: BTreeSet<&str> = specs.collect();
    let mut fields = fields.into_iter();
    let items = fields.next().map(str::to_owned);
    if let (Some(one), Some(other)) = (&items, fields.next()) {
        return fault(format!(
            "its inputs are segments of {one:?} and of {other:?}; expected segments of one field"
        ));
    }
    Some(Segmented { segment_by: None, items })
}

/// The first input as the kind sees it: items are a sequence like any other, and for an encoder
/// that runs by segments a sequence represents one segment.
pub(super) fn as_sequence(input: LayerSpec, segmented: &Segmented) -> LayerSpec {
    match (input.on, &segmented.segment_by) {
        (RowKind::Token, Some(_)) => LayerSpec { pooled: RowKind::Item, ..input },
        (RowKind::Item, _) => LayerSpec { on: RowKind::Token, ..input },
        _ => input,
    }
}

/// The layer after the inverse mapping: its rows represent again what those of the first input do.
pub(super) fn restored(layer: LayerSpec, input: LayerSpec) -> LayerSpec {
    match layer.on {
        RowKind::Token => LayerSpec { on: input.on, pooled: input.pooled, ..layer },
        RowKind::Item | RowKind::Example | RowKind::Step => layer,
    }
}
