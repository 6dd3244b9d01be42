//! Decoders among the encoders: nothing but an objective that accepts its rows reads a decoder, and what it reads knows
//! nothing of the text that it generates.

use std::collections::BTreeSet;

use super::{EncoderSpec, Encoders, RowSource, fields, reads_labels};
use crate::{
    keys::{Located, Values},
    model::{
        encoder::EncoderKind,
        tap::{LayerSpec, RowKind},
    },
    recipe::{
        fault::Diagnostics,
        input::{self, Input},
        names::Named,
        tap::{Tap, no_decoder},
    },
};

/// The key of a decoder's attention, and the kind that has no parameters.
const ATTENTION: &str = "attention";
const DOT: &str = "dot";

/// Whether an input reads no decoder; reports each that it reads.
pub(super) fn are_absent(
    table: &Named<'_>,
    key: &str,
    said: &Located,
    below: &Encoders,
    diagnostics: &mut Diagnostics,
) -> bool {
    let mut all = true;
    for (text, place) in input::texts(said) {
        all &= no_decoder(&table.path(key), (text, place), &below.signatures, diagnostics);
    }
    all
}

/// Checks that a decoder generates one text per example and attends to one sequence of it, and that none of its inputs
/// reads that text.
pub(super) fn check(
    table: &Named<'_>,
    kind: &dyn EncoderKind,
    values: &Values,
    (reads, layers): (&[Input], &[LayerSpec]),
    below: &Encoders,
    diagnostics: &mut Diagnostics,
) -> Option<()> {
    let RowSource::Decoder(_) = kind.source() else { return Some(()) };
    let mut is_right = true;
    let of_items = |layer: &LayerSpec| (layer.on, layer.pooled) == (RowKind::Token, RowKind::Item);
    let given = kind.source().inputs_of(values).zip(layers);
    for (key, _) in given.filter(|(_, layer)| of_items(layer)) {
        let what = format!(
            "{}: expected one sequence per example, found the tokens of each item of a list; give one vector per item, as by \
             a view such as .mean",
            table.path(key.name)
        );
        diagnostics.fault(&values.place(key.name), what);
        is_right = false;
    }
    let reads_labels = |input: &Input| {
        let mut specs = input.all().filter_map(|tap| below.specs[tap.encoder].as_ref());
        specs.any(|spec| reads_labels(spec.kind))
    };
    let memories = kind.source().inputs_of(values).zip(reads);
    let mut memories = memories.filter(|(key, _)| key.on == Some(RowKind::Token));
    if let (Some((key, _)), Some(attention)) =
        (memories.find(|(_, input)| reads_labels(input)), values.text_if_set(ATTENTION))
        && attention != DOT
    {
        let what = format!(
            "{}: expected `{ATTENTION} = {DOT:?}` where `{}` is the one row of a label, as no parameter of another is trained, \
             found {attention:?}",
            table.path(ATTENTION),
            key.name
        );
        diagnostics.fault(&values.place(ATTENTION), what);
        is_right = false;
    }
    for field in fields(kind, values) {
        if below.signatures.lists.contains(field) {
            let what = format!(
                "{}: expected one text per example, found {field:?}, a list of texts; generate a field that is one text",
                table.path("field")
            );
            diagnostics.fault(&values.place("field"), what);
            is_right = false;
        }
        let same = below.signatures.same_text(field);
        for (key, input) in kind.source().inputs_of(values).zip(reads) {
            let Some(reader) = input.all().find_map(|tap| reader(tap, &same, below)) else {
                continue;
            };
            let what = format!(
                "{}: expected encoders that do not read {field:?}, the text that the decoder generates, found {:?}, \
                 which reads it; encode the other texts of the example",
                table.path(key.name),
                reader.name
            );
            diagnostics.fault(&values.place(key.name), what);
            is_right = false;
        }
    }
    is_right.then_some(())
}

/// The first encoder of a tap or below it that reads one of these fields.
fn reader<'a>(top: &Tap, fields: &BTreeSet<&str>, below: &'a Encoders) -> Option<&'a EncoderSpec> {
    let mut seen = BTreeSet::new();
    let mut open = vec![(top.encoder, top.field.as_deref())];
    while let Some((at, prefix)) = open.pop() {
        let Some(spec) = below.specs[at].as_ref().filter(|_| seen.insert((at, prefix))) else {
            continue;
        };
        let own = spec.config.field().map(|own| prefix.unwrap_or(own));
        let read = [own, spec.other_text(prefix), spec.segment_by.as_deref()];
        if read.into_iter().flatten().any(|read| fields.contains(read)) {
            return Some(spec);
        }
        let taps = spec.inputs.iter().flat_map(Input::all);
        open.extend(taps.map(|tap| (tap.encoder, tap.field.as_deref().or(prefix))));
        let named = spec.named().filter_map(|name| below.signatures.get(name));
        open.extend(named.map(|named| (named.place, prefix)));
    }
    None
}
