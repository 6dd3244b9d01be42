//! Taps and inputs: from `ENCODER.LAYER.VIEW` to an existing layer.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::Diagnostics;
use crate::{
    keys::{Located, Place, Value},
    model::tap::{EncoderSignature, InitialState, LayerSpec, RowKind, TapName, TapView},
};

/// A resolved tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tap {
    /// Its name in the recipe.
    pub name: TapName,
    /// The index of the encoder in [`super::Recipe::encoders`].
    pub encoder: usize,
    /// The layer's number, from 1; 0 is the encoder's input.
    pub layer: usize,
    /// The view.
    pub view: TapView,
    /// The field that the encoder runs over, if it is not the one that it reads itself.
    pub field: Option<String>,
}

/// Encoders that can be tapped so far.
pub(super) struct Signatures {
    /// By name.
    pub(super) by_name: BTreeMap<String, Tappable>,
    /// The fields that are lists of sequences.
    pub(super) lists: BTreeSet<String>,
    /// Fields that corpora make of another one: their characters or phonemes, and that field.
    pub(super) derived: BTreeSet<(&'static str, String)>,
}

impl Signatures {
    /// The encoder with that name.
    pub(super) fn get(&self, name: &str) -> Option<&Tappable> {
        self.by_name.get(name)
    }

    /// The field and those of the same text.
    pub(super) fn same_text<'a>(&'a self, field: &'a str) -> BTreeSet<&'a str> {
        let bases = self.derived.iter().filter(|(derived, _)| *derived == field);
        let texts: BTreeSet<&str> = bases.map(|(_, of)| of.as_str()).chain([field]).collect();
        let derived = self.derived.iter().filter(|(_, of)| texts.contains(of.as_str()));
        derived.map(|(derived, _)| *derived).chain(texts.iter().copied()).collect()
    }

    /// Whether the encoder with that name is a decoder.
    pub(super) fn is_decoder(&self, name: &str) -> bool {
        let signature = self.get(name).and_then(|tappable| tappable.signature.as_ref());
        signature.is_some_and(is_decoder)
    }

    /// The encoder that a tap reads, if it exists. A text field may be called "labels" too: then it is a prefix like any
    /// other.
    fn tapped(&self, name: &TapName) -> Option<&Tappable> {
        let of_objective = name.of_objective().and_then(|_| self.get(&name.read()));
        of_objective.or_else(|| self.get(&name.encoder))
    }
}

/// Whether a tap reads no outputs of a decoder, for a key that accepts none; reports a fault if it does.
pub(super) fn no_outputs(
    path: &str,
    said: (&str, &Place),
    signatures: &Signatures,
    diagnostics: &mut Diagnostics,
) -> bool {
    let Ok(tap) = said.0.parse::<TapName>() else { return true };
    let signature = signatures.tapped(&tap).and_then(|tappable| tappable.signature.as_ref());
    if tap.layer == Some(0) || !signature.is_some_and(is_decoder) {
        return true;
    }
    let name = &tap.encoder;
    let what = format!(
        "{path}: expected an encoder that is no decoder, or the initial state of one, found {:?}; tap \"{name}.0\", or tap \
         the decoder by an objective for its outputs, such as \"generate\"",
        said.0
    );
    diagnostics.fault(said.1, what);
    false
}

/// Whether a tap reads nothing of a decoder, for an encoder's input; reports a fault if it does.
pub(super) fn no_decoder(
    path: &str,
    (text, place): (&str, &Place),
    signatures: &Signatures,
    diagnostics: &mut Diagnostics,
) -> bool {
    let name = text.parse::<TapName>().ok();
    let signature = name.and_then(|name| signatures.tapped(&name)?.signature.as_ref());
    let is_decoder = signature.is_some_and(is_decoder);
    if is_decoder {
        let what = format!(
            "{path}: expected an encoder that is no decoder, found {text:?}; tap the decoder by a \"generate\" objective"
        );
        diagnostics.fault(place, what);
    }
    !is_decoder
}

fn is_decoder(signature: &EncoderSignature) -> bool {
    signature.initial.is_some()
}

/// What is known of an encoder that can be tapped.
#[derive(Clone, Debug)]
pub(super) struct Tappable {
    /// Its index.
    pub(super) place: usize,
    /// Its signature, if it is known.
    pub(super) signature: Option<EncoderSignature>,
    /// The fields that it and its inputs read, transitively.
    pub(super) fields: BTreeSet<String>,
    /// The field that gives the segments of one of them.
    pub(super) segment_by: Option<String>,
}

/// Parses a tap; reports a fault if it is malformed.
pub(super) fn parse_tap(
    tap: &str,
    place: &Place,
    diagnostics: &mut Diagnostics,
) -> Option<TapName> {
    tap.parse().map_err(|what: String| diagnostics.fault(place, what)).ok()
}

/// The strings of a checked tap or input: one string, or an array.
pub(super) fn strings(located: &Located) -> Vec<(&str, &Place)> {
    match &located.value {
        Value::Text(text) => vec![(text, &located.place)],
        Value::List(items) => {
            items.iter().filter_map(|item| Some((item.value.as_text()?, &item.place))).collect()
        }
        _ => Vec::new(),
    }
}

/// Resolves the value of a tap key or an input, whose taps are concatenated; `None` if it has a
/// fault, or if an encoder that it reads has one.
pub(super) fn resolve(
    said: &Located,
    signatures: &Signatures,
    diagnostics: &mut Diagnostics,
) -> Option<(Vec<Tap>, LayerSpec)> {
    let strings = strings(said);
    let found: Vec<_> =
        strings.iter().map(|(tap, place)| one(tap, place, signatures, diagnostics)).collect();
    let found: Vec<(Tap, LayerSpec)> = found.into_iter().collect::<Option<_>>()?;
    let (first, whole) = found.first()?;
    for ((other, layer), (tap, place)) in found.iter().zip(&strings).skip(1) {
        if other.field != first.field
            && (layer.on, whole.on) != (RowKind::Example, RowKind::Example)
        {
            let what = format!(
                "{tap:?} cannot be concatenated with {:?}: they are rows of two sequences; add .mean, .max or .last",
                strings[0].0
            );
            diagnostics.fault(place, what);
            return None;
        }
    }
    let mut layers = found.iter().map(|(_, layer)| *layer);
    let mut whole = layers.next()?;
    for (layer, (tap, place)) in layers.zip(&strings[1..]) {
        let Some(wider) = whole.concat(layer) else {
            let (first, one, other) = (strings[0].0, layer.on.name(), whole.on.name());
            diagnostics.fault(
                place,
                format!(
                    "{tap:?} cannot be concatenated with {first:?}: it has one row per {one}, the other one per {other}"
                ),
            );
            return None;
        };
        whole = wider;
    }
    Some((found.into_iter().map(|(tap, _)| tap).collect(), whole))
}

fn one(
    text: &str,
    place: &Place,
    signatures: &Signatures,
    diagnostics: &mut Diagnostics,
) -> Option<(Tap, LayerSpec)> {
    let name = parse_tap(text, place, diagnostics)?;
    // An unknown encoder has been reported with the known names.
    // A text field may be called "labels": then it is a prefix like any other.
    let of_objective = signatures.get(&name.read()).filter(|_| name.of_objective().is_some());
    let tappable = of_objective.or_else(|| signatures.get(&name.encoder))?;
    let signature = tappable.signature.as_ref()?;
    let is_list = |field: &String| signatures.lists.contains(field);
    let field = match &name.field {
        // The prefix of an objective's predictions is no field.
        Some(_) if of_objective.is_some() => None,
        // A prefix that names its own field is redundant.
        Some(field) if tappable.fields.len() == 1 && tappable.fields.contains(field) => None,
        field => field.clone(),
    };
    // True if it runs over the items of a list, where its own field is one sequence.
    let mut in_items = false;
    if let Some(field) = &field {
        let is_own_list = tappable.fields.iter().any(is_list);
        in_items = is_list(field) && !is_own_list;
        let what = match (&tappable.segment_by, tappable.fields.len()) {
            _ if is_own_list && !is_list(field) => {
                Some(format!("it reads a list of texts, and {field:?} is one text"))
            }
            (Some(by), _) => {
                Some(format!("it runs by the segments of {by:?}, a field of another sequence"))
            }
            (None, 1) => None,
            (None, _) => {
                let fields: Vec<&str> = tappable.fields.iter().map(String::as_str).collect();
                let fields = fields.join(", ");
                Some(format!("it reads the fields {fields}; a prefix can replace one field only"))
            }
        };
        if let Some(what) = what {
            diagnostics.fault(place, format!("{text:?}: {what}"));
            return None;
        }
    }
    if signature.layers.is_empty() {
        let what =
            format!("{:?} is named by other encoders for its parameters, not tapped", name.encoder);
        diagnostics.fault(place, what);
        return None;
    }
    let Some(layer) = signature.layer(name.layer) else {
        let what = no_layer(&name.encoder, name.layer, signature);
        diagnostics.fault(place, format!("{text:?}: {what}"));
        return None;
    };
    let layer = if in_items { layer.in_items() } else { layer };
    let Some(viewed) = layer.view(name.view) else {
        let why = match name.view {
            TapView::Forward | TapView::Backward => {
                "only the layers of a recurrent network have directions"
            }
            _ => "it already has one row per example",
        };
        diagnostics.fault(place, format!("{text:?}: there is no such view of this layer; {why}"));
        return None;
    };
    let number = name.layer.unwrap_or(signature.layers.len());
    Some((Tap { encoder: tappable.place, layer: number, view: name.view, name, field }, viewed))
}

/// Why an encoder has no layer of that number.
fn no_layer(encoder: &str, number: Option<usize>, signature: &EncoderSignature) -> String {
    if let (Some(0), Some(InitialState::Zero)) = (number, signature.initial) {
        return format!(
            "expected the initial state of a decoder that depends on parameters, found that of {encoder:?}, which is 0 for \
             every example; give {encoder:?} a `summary`, or set `initial = \"learned\"`"
        );
    }
    let n_layers = signature.layers.len();
    let counted = match n_layers {
        1 => "1 layer; expected 1".to_owned(),
        n_layers => format!("{n_layers} layers; expected 1 to {n_layers}"),
    };
    let input = match (signature.initial, signature.inputs.as_slice()) {
        (None, []) | (Some(InitialState::Zero), _) => "",
        (None, _) => ", or 0 for its input",
        (Some(InitialState::Rows(_)), _) => ", or 0 for its initial state",
    };
    format!("{encoder:?} has {counted}{input}")
}
