//! Checks that objectives with shared parameters have equal shapes and options.

use super::{
    fault::Diagnostics,
    objective::{ObjectiveSpec, SHARE},
};
use crate::{
    keys::{Key, ValueType, describe::quoted},
    model::{HeadKind, head::HIDDEN},
    objective::{HeadSource, Output},
};

/// Checks that an objective that shares another's parameters is compatible with it.
pub(super) fn check(specs: &[Option<ObjectiveSpec>], diagnostics: &mut Diagnostics) {
    for spec in specs.iter().flatten() {
        let Some(share) = &spec.share else { continue };
        let Some(owner) = specs.iter().flatten().find(|other| other.name == *share) else {
            continue;
        };
        let what = if owner.name == spec.name {
            Some("itself".to_owned())
        } else if let Some(third) = &owner.share {
            Some(format!("{share}, which shares those of {third}; name {third}"))
        } else {
            differs(owner, spec).map(|what| format!("{share}, {what}"))
        };
        if let Some(what) = what {
            diagnostics.fault(
                &spec.values.place(SHARE),
                format!("`share`: cannot use the parameters of {what}"),
            );
        }
    }
}

/// How the owner of parameters differs from what the other objective needs, if it does.
fn differs(owner: &ObjectiveSpec, spec: &ObjectiveSpec) -> Option<String> {
    let (owned, own) = (owner.kind.name(), spec.kind.name());
    let head = |spec: &ObjectiveSpec| spec.head.map(HeadKind::name);
    let hidden = |spec: &ObjectiveSpec| spec.values.count_if_set(HIDDEN.name);
    match spec.kind.head() {
        HeadSource::None | HeadSource::Own | HeadSource::OneOf(_) => {
            if owned != own {
                return Some(format!("which is of kind {owned:?}, not {own:?}"));
            }
            if head(owner) != head(spec) || hidden(owner) != hidden(spec) {
                let what = "whose head differs; expected the same head and hidden size";
                return Some(what.to_owned());
            }
            if let Some(key) = other_key(owner, spec) {
                return Some(format!("whose `{key}` differs; expected the same value"));
            }
        }
        HeadSource::Donor { head_donors, heads } => {
            if !head_donors.contains(&owned) {
                let wanted = quoted(head_donors.iter().copied());
                return Some(format!("which is of kind {owned:?}; expected one of {wanted}"));
            }
            let head = head(owner).unwrap_or_default();
            if !heads.contains(&head) {
                let wanted = quoted(heads.iter().copied());
                return Some(format!("whose head is {head:?}; expected one of {wanted}"));
            }
            if !matches!(owner.config.output(), Output::Field { as_read: true, .. }) {
                let what = "which encodes its labels differently; remove its `encode` or `types`";
                return Some(what.to_owned());
            }
        }
    }
    let widths = |spec: &ObjectiveSpec| -> Vec<usize> {
        spec.layers.iter().map(|layer| layer.width).collect()
    };
    let (found, wanted) = (widths(owner), widths(spec));
    (found != wanted).then(|| format!("whose tap has width {found:?}, not {wanted:?}"))
}

/// A key of kind or head that differs between two objectives; their fields may differ, and what concerns only a loss.
fn other_key(owner: &ObjectiveSpec, spec: &ObjectiveSpec) -> Option<&'static str> {
    let of_head = spec.head.map_or(&[] as &[Key], HeadKind::keys);
    let mut keys = spec.kind.keys().iter().chain(of_head);
    let differs = |key: &&Key| owner.values.get(key.name) != spec.values.get(key.name);
    let is_field = |key: &&Key| matches!(key.takes, ValueType::Name(refers) if refers.is_field());
    let is_of_loss = |key: &&Key| owner.kind.loss_keys().contains(&key.name);
    keys.find(|key| !is_field(key) && !is_of_loss(key) && differs(key)).map(|key| key.name)
}
