//! The documents of a collection belong to no example alone: nothing pairs them with the rows of an example, and only
//! objectives that say so read their labels.

use super::{Diagnostics, EncoderSpec, Encoders, Here, ObjectiveSpec, Prefix, Stand, Unit};
use crate::{
    keys::{Refers, ValueType, describe::quoted},
    objective::OBJECTIVES,
};

impl Here<'_> {
    /// Whether rows are those of the collection's documents, or of their tokens.
    fn is_shared(self, stand: Stand<'_>) -> bool {
        let (Unit::Sequence(at) | Unit::Items(at)) = stand.of else { return false };
        Some(self.spec.schema.sequences[at].name.as_str()) == self.spec.format.collection()
    }
}

/// Reports an encoder that pairs the rows of two inputs by their example, one of which reads a collection.
pub(super) fn of_encoder(
    encoders: &Encoders,
    spec: &EncoderSpec,
    prefix: Prefix<'_>,
    here: Here<'_>,
    diagnostics: &mut Diagnostics,
) {
    let inputs = spec.kind.source().inputs_of(&spec.values).zip(&spec.inputs);
    let paired: Vec<_> = inputs.filter(|(key, _)| !key.weighs).collect();
    if paired.len() < 2 {
        return;
    }
    for (key, input) in paired {
        let first = input.of(here.at).first();
        let stand = first.and_then(|tap| encoders.stand(tap, prefix, here));
        if stand.is_some_and(|stand| here.is_shared(stand)) {
            let (name, corpus) = (&spec.name, &here.spec.name);
            let what = format!(
                "{name:?}: expected `{}` of a text that each example has, found the documents of corpus {corpus:?}, \
                 which its examples share; read another text, or none",
                key.name
            );
            diagnostics.fault(&spec.values.place(key.name), what);
        }
    }
}

/// Reports an objective that reads labels of the documents as if they were those of one example.
pub(super) fn of_objective(
    objective: &ObjectiveSpec,
    here: Here<'_>,
    diagnostics: &mut Diagnostics,
) {
    if objective.kind.reads_collections() {
        return;
    }
    for key in objective.kind.keys() {
        if !matches!(key.takes, ValueType::Name(Refers::Items)) {
            continue;
        }
        let Some(field) = objective.values.text_if_set(key.name) else { continue };
        if here.field(field).is_some_and(|stand| here.is_shared(stand)) {
            let (name, corpus) = (objective.name.as_str(), &here.spec.name);
            let reading = OBJECTIVES.iter().filter(|kind| kind.reads_collections());
            let kinds = quoted(reading.map(|kind| kind.name()));
            let what = format!(
                "{name:?}: expected labels of texts that each example has, found those of the documents of corpus \
                 {corpus:?}, which its examples share; set `kind` to one of {kinds}"
            );
            diagnostics.fault(&objective.values.place(key.name), what);
        }
    }
}
