//! Objectives that use another's parameters: whether they are made alike.

use super::{
    fault::Findings,
    objective::{ObjectiveSpec, SHARE},
};
use crate::{
    keys::{Key, Takes},
    model::HeadKind,
};

/// Whether what shares another's parameters is made like it.
pub(super) fn check(specs: &[Option<ObjectiveSpec>], findings: &mut Findings) {
    for spec in specs.iter().flatten() {
        let Some(share) = &spec.share else { continue };
        let Some(owner) = specs.iter().flatten().find(|other| other.name == *share) else {
            continue;
        };
        let head = |spec: &ObjectiveSpec| spec.head.map(HeadKind::name);
        let widths = |spec: &ObjectiveSpec| -> Vec<usize> {
            spec.layers.iter().map(|layer| layer.width).collect()
        };
        let hidden = |spec: &ObjectiveSpec| spec.values.count_if_said("hidden");
        let what = if owner.name == spec.name {
            "itself".to_owned()
        } else if let Some(third) = &owner.share {
            format!("{share}, which shares those of {third}; name {third}")
        } else if owner.kind.name() != spec.kind.name() {
            format!("{share}, which is of kind {:?}, not {:?}", owner.kind.name(), spec.kind.name())
        } else if head(owner) != head(spec) || hidden(owner) != hidden(spec) {
            format!("{share}, whose head is another; wanted the same head and hidden")
        } else if let Some(key) = other_key(owner, spec) {
            format!("{share}, whose {key} is another; wanted the same")
        } else if widths(owner) != widths(spec) {
            format!("{share}, whose tap has rows of {:?}, not {:?}", widths(owner), widths(spec))
        } else {
            continue;
        };
        findings.fault(&spec.values.place(SHARE), format!("shares the parameters of {what}"));
    }
}

/// A key of kind or head that two objectives say differently; the fields that they read may differ.
fn other_key(owner: &ObjectiveSpec, spec: &ObjectiveSpec) -> Option<&'static str> {
    let of_head = spec.head.map_or(&[] as &[Key], HeadKind::keys);
    let mut keys = spec.kind.keys().iter().chain(of_head);
    let differs = |key: &&Key| owner.values.get(key.name) != spec.values.get(key.name);
    let is_field = |key: &&Key| matches!(key.takes, Takes::Name(refers) if refers.is_field());
    keys.find(|key| !is_field(key) && differs(key)).map(|key| key.name)
}
