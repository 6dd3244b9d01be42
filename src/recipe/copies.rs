//! Objectives that keep a copy of the parameters of others: those have parameters of their own.

use super::{ObjectiveSpec, fault::Diagnostics};
use crate::objective::COPIED_HEADS;

/// Checks the objectives whose heads others name.
pub(super) fn check(specs: &[Option<ObjectiveSpec>], diagnostics: &mut Diagnostics) {
    for spec in specs.iter().flatten() {
        for name in spec.config.copied_heads() {
            // Unknown names are reported with the other faults of the table.
            let named = specs.iter().flatten().find(|other| other.name.as_str() == name);
            let Some(named) = named.filter(|named| !named.has_parameters()) else { continue };
            let what = match &named.share {
                Some(donor) => {
                    format!(", which shares those of {:?}; name that one", donor.as_str())
                }
                None => " without any; remove it".to_owned(),
            };
            let what = format!(
                "`{COPIED_HEADS}`: expected objectives with parameters of their own, found {name:?}{what}"
            );
            diagnostics.fault(&spec.values.place(COPIED_HEADS), what);
        }
    }
}
