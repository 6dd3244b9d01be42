//! Inputs `"labels:OBJECTIVE"` and `"probability:OBJECTIVE"`: each stands for an encoder of its own, which reads the
//! taps of the objective and has no table in the recipe.

use super::{fault::Diagnostics, input, names::Named};
use crate::{
    keys::{Located, Place, Value},
    model::{
        TapName,
        encoder::{self, EncoderKind, OBJECTIVE},
        head,
    },
    objective::{self, LABEL_WIDTH, ObjectiveKind, Selects},
};

/// The table of an encoder of predictions.
pub(super) struct PredictionTable {
    name: String,
    entries: Vec<(String, Located)>,
    place: Place,
}

impl PredictionTable {
    pub(super) fn named(&self) -> Named<'_> {
        Named { noun: "encoder", name: &self.name, place: &self.place, entries: &self.entries }
    }
}

/// What can be read of an objective.
struct Reads {
    prefix: &'static str,
    encoder: &'static dyn EncoderKind,
    /// What such an objective has, for messages.
    what: &'static str,
    /// Whether objectives of a kind have it.
    has: fn(&dyn ObjectiveKind) -> bool,
}

const READS: &[Reads] = &[
    Reads {
        prefix: TapName::LABELS,
        encoder: encoder::LABELS,
        what: "label vectors",
        has: |kind| kind.keys().iter().any(|key| key.name == LABEL_WIDTH.name),
    },
    Reads {
        prefix: TapName::PROBABILITY,
        encoder: encoder::PROBABILITY,
        what: "a probability for each row",
        has: |kind| kind.selects_rows() != Selects::Never,
    },
];

/// The tables of the encoders of predictions that encoders and objectives read, each once. An objective without such
/// predictions is a fault; unknown ones are reported where they are read.
pub(super) fn tables(
    encoders: &[Named<'_>],
    objectives: &[Named<'_>],
    diagnostics: &mut Diagnostics,
) -> Vec<PredictionTable> {
    let mut tables: Vec<PredictionTable> = Vec::new();
    let of_encoders = encoders.iter().flat_map(|table| table.entries).map(|(_, said)| said);
    let said = of_encoders.chain(objectives.iter().flat_map(selections));
    for (text, place) in said.flat_map(input::texts) {
        let read = READS.iter().find_map(|read| Some((read, text.strip_prefix(read.prefix)?)));
        let Some((read, name)) = read.map(|(read, name)| (read, without_view(name))) else {
            continue;
        };
        let full = format!("{}{name}", read.prefix);
        let Some(objective) = objectives.iter().find(|table| table.name == name) else { continue };
        if tables.iter().any(|table| table.name == full) {
            continue;
        }
        let kind = objective.get("kind").and_then(|kind| kind.value.as_text());
        let Some(kind) = kind.and_then(objective::find) else { continue };
        if let Some(what) = fault(read, kind, objective) {
            diagnostics.fault(place, format!("{text:?}: {what}"));
            continue;
        }
        // What is missing or wrong is reported for the objective's own table.
        if let Some(entries) = entries(read, kind, objective, &full, place) {
            tables.push(PredictionTable { name: full, entries, place: place.clone() });
        }
    }
    tables
}

/// The values of the taps by which an objective reads the probabilities of another.
fn selections<'a>(objective: &'a Named<'_>) -> impl Iterator<Item = &'a Located> {
    let kind = objective.get("kind").and_then(|kind| objective::find(kind.value.as_text()?));
    let taps = kind.map_or(&[][..], ObjectiveKind::taps).iter().filter(|tap| tap.selects);
    taps.filter_map(|tap| objective.get(tap.name))
}

/// Why that cannot be read of an objective.
fn fault(read: &Reads, kind: &dyn ObjectiveKind, objective: &Named<'_>) -> Option<String> {
    let (name, what) = (objective.name, read.what);
    if !(read.has)(kind) {
        let kinds = objective::OBJECTIVES.iter().filter(|kind| (read.has)(**kind));
        let kinds: Vec<String> = kinds.map(|kind| format!("{:?}", kind.name())).collect();
        let (kind, kinds) = (kind.name(), kinds.join(" or "));
        return Some(format!(
            "expected an objective with {what}, found {name:?} of kind {kind:?}; read one of kind {kinds}"
        ));
    }
    if let Some(donor) = objective.get("share").and_then(|said| said.value.as_text()) {
        let prefix = read.prefix;
        return Some(format!(
            "expected an objective with a head of its own, found {name:?}, which shares that of {donor:?}; read \
             \"{prefix}{donor}\""
        ));
    }
    let of_class = match kind.selects_rows() {
        Selects::RowsOfClass(key) if read.prefix == TapName::PROBABILITY => Some(key),
        _ => None,
    };
    if let Some(key) = of_class.filter(|key| objective.get(key).is_none()) {
        return Some(format!(
            "expected an objective with a `{key}` class, whose probability it is, found {name:?} without one; set its \
             `{key}`"
        ));
    }
    // Others select rows in their own way.
    if read.prefix == TapName::PROBABILITY && of_class.is_none() {
        return None;
    }
    let default = kind.head().choices().first().copied();
    let head = objective.get("head").map_or(default, |said| said.value.as_text());
    let head = head.and_then(head::find).filter(|head| !head.has_softmax())?.name();
    Some(format!(
        "expected an objective with a softmax for each row, found {name:?} with head {head:?}; set its `head` to \
         \"softmax\""
    ))
}

/// The entries of the encoder's table; `None` if a tap of the objective is missing.
fn entries(
    read: &Reads,
    kind: &dyn ObjectiveKind,
    objective: &Named<'_>,
    full: &str,
    place: &Place,
) -> Option<Vec<(String, Located)>> {
    let text = |text: &str| Located { value: Value::Text(text.to_owned()), place: place.clone() };
    let mut entries = vec![
        ("name".to_owned(), text(full)),
        ("kind".to_owned(), text(read.encoder.name())),
        (OBJECTIVE.to_owned(), text(objective.name)),
    ];
    for (input, tap) in read.encoder.source().inputs().iter().zip(kind.taps()) {
        entries.push((input.name.to_owned(), objective.get(tap.name)?.clone()));
    }
    if read.prefix == TapName::LABELS {
        let width = match objective.get(LABEL_WIDTH.name) {
            Some(Located { value: Value::Integer(width), place }) => {
                Located { value: Value::Integer(*width), place: place.clone() }
            }
            _ => Located::by_default(Value::Integer(objective::DEFAULT_LABEL_WIDTH)),
        };
        entries.push(("width".to_owned(), width));
    }
    Some(entries)
}

/// The name before a view such as `.mean`.
fn without_view(text: &str) -> &str {
    text.split('.').next().unwrap_or(text)
}
