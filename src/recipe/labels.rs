//! Inputs `"labels:OBJECTIVE"`: each stands for an encoder of its own, which reads the tap of the objective and has
//! no table in the recipe.

use super::{fault::Diagnostics, input, names::Named};
use crate::{
    keys::{Located, Place, Value},
    model::{
        TapName,
        encoder::{self, OBJECTIVE},
        head,
    },
    objective::{self, LABEL_WIDTH, ObjectiveKind},
};

/// The table of an encoder of labels.
pub(super) struct LabelTable {
    name: String,
    entries: Vec<(String, Located)>,
    place: Place,
}

impl LabelTable {
    pub(super) fn named(&self) -> Named<'_> {
        Named { noun: "encoder", name: &self.name, place: &self.place, entries: &self.entries }
    }
}

/// The tables of the encoders of labels that encoders read, each once. An objective without label vectors is a
/// fault; unknown ones are reported where they are read.
pub(super) fn tables(
    encoders: &[Named<'_>],
    objectives: &[Named<'_>],
    diagnostics: &mut Diagnostics,
) -> Vec<LabelTable> {
    let mut tables: Vec<LabelTable> = Vec::new();
    let said = encoders.iter().flat_map(|table| table.entries).map(|(_, said)| said);
    for (text, place) in said.flat_map(input::texts) {
        let Some(name) = text.strip_prefix(TapName::LABELS).map(without_view) else { continue };
        let full = format!("{}{name}", TapName::LABELS);
        let Some(objective) = objectives.iter().find(|table| table.name == name) else { continue };
        if tables.iter().any(|table| table.name == full) {
            continue;
        }
        let kind = objective.get("kind").and_then(|kind| kind.value.as_text());
        let Some(kind) = kind.and_then(objective::find) else { continue };
        if !has_vectors(kind) {
            let what = format!(
                "{text:?}: expected an objective with label vectors, found {name:?} of kind {:?}; read one of kind \
                 {}",
                kind.name(),
                with_vectors().join(" or ")
            );
            diagnostics.fault(place, what);
            continue;
        }
        if let Some(donor) = objective.get("share").and_then(|said| said.value.as_text()) {
            let what = format!(
                "{text:?}: expected an objective with a head of its own, found {name:?}, which shares that of {donor:?}; \
                 read \"{}{donor}\"",
                TapName::LABELS
            );
            diagnostics.fault(place, what);
            continue;
        }
        let default = kind.head().choices().first().copied();
        let head = objective.get("head").map_or(default, |said| said.value.as_text());
        if let Some(head) = head.and_then(head::find).filter(|head| !head.has_softmax()) {
            let what = format!(
                "{text:?}: expected an objective with a softmax for each row, found {name:?} with head {:?}; set \
                 its `head` to \"softmax\"",
                head.name()
            );
            diagnostics.fault(place, what);
            continue;
        }
        // What is missing or wrong is reported for the objective's own table.
        let Some(tap) = kind.taps().first().and_then(|tap| objective.get(tap.name)) else {
            continue;
        };
        let width = match objective.get(LABEL_WIDTH.name) {
            Some(Located { value: Value::Integer(width), place }) => {
                Located { value: Value::Integer(*width), place: place.clone() }
            }
            _ => Located::by_default(Value::Integer(objective::DEFAULT_LABEL_WIDTH)),
        };
        let text =
            |text: &str| Located { value: Value::Text(text.to_owned()), place: place.clone() };
        let entries = [
            ("name", text(&full)),
            ("kind", text(encoder::LABELS.name())),
            ("input", tap.clone()),
            (OBJECTIVE, text(name)),
            ("width", width),
        ];
        let entries = entries.map(|(key, said)| (key.to_owned(), said)).into();
        tables.push(LabelTable { name: full, entries, place: place.clone() });
    }
    tables
}

/// Whether encoders may read the labels of objectives of this kind.
fn has_vectors(kind: &dyn ObjectiveKind) -> bool {
    kind.keys().iter().any(|key| key.name == LABEL_WIDTH.name)
}

/// The kinds of objective with label vectors.
fn with_vectors() -> Vec<String> {
    let kinds = objective::OBJECTIVES.iter().filter(|kind| has_vectors(**kind));
    kinds.map(|kind| format!("{:?}", kind.name())).collect()
}

/// The name before a view such as `.mean`.
fn without_view(text: &str) -> &str {
    text.split('.').next().unwrap_or(text)
}
