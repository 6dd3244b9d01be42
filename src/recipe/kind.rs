//! The kind of a table: implemented, planned, or unknown.

use super::{fault::Diagnostics, names::Named};
use crate::{
    keys::Located,
    nearest::{hint, nearest},
};

/// The implemented and the planned kinds of one sort.
pub(super) struct Kinds<T: 'static> {
    /// The noun for messages: `encoder kind`.
    pub(super) noun: &'static str,
    pub(super) built: &'static [T],
    pub(super) name: fn(&T) -> &'static str,
    pub(super) planned: &'static [&'static str],
}

impl<T: Copy> Kinds<T> {
    /// The kind that a table names under `key`; `None`, with a fault, if it is not implemented.
    pub(super) fn of(
        &self,
        table: &Named<'_>,
        key: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<T> {
        let Some(located) = table.get(key) else {
            let (label, hint) = (table.label(), self.hint(""));
            let path = label.trim_matches(['`', '[', ']']);
            diagnostics.absent(table.place, format!("`{path}.{key}`: missing key{hint}"));
            return None;
        };
        self.find(located, key, diagnostics)
    }

    /// The kind with that name; `None`, with a fault, if it is not implemented.
    pub(super) fn find(
        &self,
        said: &Located,
        key: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<T> {
        let Located { value, place } = said;
        let Some(name) = value.as_text() else {
            let found = super::fault::found(value);
            diagnostics.fault(place, format!("`{key}`: expected a string, found {found}"));
            return None;
        };
        let kind = self.built.iter().copied().find(|kind| (self.name)(kind) == name);
        if kind.is_none() {
            if self.planned.contains(&name) {
                diagnostics.not_implemented(place, name);
            } else {
                let (noun, hint) = (self.noun, self.hint(name));
                diagnostics.fault(place, format!("no {noun} named {name:?}{hint}"));
            }
        }
        kind
    }

    fn hint(&self, wrong: &str) -> String {
        let planned = self.planned.iter().copied();
        let all = self.built.iter().map(self.name).chain(planned);
        match nearest(wrong, all.clone()) {
            Some(_) => hint(wrong, all),
            // The list of valid names has only implemented kinds.
            None => hint(wrong, self.built.iter().map(self.name)),
        }
    }
}
