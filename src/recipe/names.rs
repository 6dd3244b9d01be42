//! Names in a recipe: their spelling, and suggestions for unknown ones.

use std::collections::BTreeMap;

use super::fault::Diagnostics;
use crate::{
    keys::{Located, Place, Refers, Value},
    nearest::hint,
};

/// The names of a recipe's tables.
#[derive(Default)]
pub(super) struct Names {
    pub(super) corpora: Vec<String>,
    pub(super) encoders: Vec<String>,
    pub(super) objectives: Vec<String>,
}

impl Names {
    pub(super) fn of(&self, refers: Refers) -> &[String] {
        match refers {
            Refers::Corpus => &self.corpora,
            Refers::Encoder => &self.encoders,
            Refers::Objective => &self.objectives,
            Refers::Field
            | Refers::Label
            | Refers::Labels
            | Refers::Arcs
            | Refers::Spans
            | Refers::Relations
            | Refers::Items
            | Refers::Numbers
            | Refers::Answers
            | Refers::Text
            | Refers::Transcript
            | Refers::Segments
            | Refers::Row
            | Refers::OtherText
            | Refers::Frames => &[],
        }
    }

    /// Whether there is one with that name; reports a fault with the nearest name if not.
    pub(super) fn know(
        &self,
        refers: Refers,
        name: &str,
        place: &Place,
        diagnostics: &mut Diagnostics,
    ) -> bool {
        let names = self.of(refers);
        let known = names.iter().any(|other| other == name);
        if !known {
            let hint = hint(name, names.iter().map(String::as_str));
            diagnostics.absent(place, format!("no {} named {name:?}{hint}", refers.noun()));
        }
        known
    }
}

/// Whether a name has the form `[a-z][a-z0-9-]*`.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// A name that no table of that noun can have: parameters of an encoder are called `NAME.…`, those of all objectives
/// `objective.…`.
const RESERVED: (&str, &str) = ("encoder", "objective");

/// A table with its name, which is empty if it has none.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) noun: &'static str,
    pub(super) name: &'a str,
    pub(super) place: &'a Place,
    pub(super) entries: &'a [(String, Located)],
}

impl<'a> Named<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&'a Located> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, located)| located)
    }

    /// Its name in messages: its path in backticks, `` `encoder.trunk` ``.
    pub(super) fn label(&self) -> String {
        match self.name {
            "" => format!("[[{}]]", self.noun),
            name => format!("`{}.{name}`", self.noun),
        }
    }

    /// The path of a key of it in messages: `` `encoder.trunk.input` ``.
    pub(super) fn path(&self, key: &str) -> String {
        match self.name {
            "" => format!("`{}.{key}`", self.noun),
            name => format!("`{}.{name}.{key}`", self.noun),
        }
    }
}

/// The tables of one kind, with faults for names that are missing, duplicate or misspelled. The
/// contents of such tables are still checked.
pub(super) fn named<'a>(
    tables: &[(&'a Place, &'a [(String, Located)])],
    noun: &'static str,
    diagnostics: &mut Diagnostics,
) -> Vec<Named<'a>> {
    let mut seen: BTreeMap<&str, &Place> = BTreeMap::new();
    let mut found = Vec::new();
    for &(place, entries) in tables {
        let mut named = Named { noun, name: "", place, entries };
        match named.get("name") {
            None => diagnostics.absent(
                place,
                format!("`{noun}.name`: missing key; every [[{noun}]] needs a name"),
            ),
            Some(Located { value: Value::Text(name), place }) => {
                named.name = name;
                if !is_name(name) {
                    diagnostics.fault(place, bad_name(name));
                } else if (noun, name.as_str()) == RESERVED {
                    let what = "reserved name \"objective\": the names of objectives' parameters start with it; \
                                choose another";
                    diagnostics.fault(place, what);
                } else if let Some(first) = seen.get(name.as_str()) {
                    let what = format!("a second {noun} named {name:?}; the first is at {first}");
                    diagnostics.fault(place, what);
                } else {
                    seen.insert(name, place);
                }
            }
            Some(Located { value, place }) => diagnostics.fault(
                place,
                format!("`{noun}.name`: expected a string, found {}", super::fault::found(value)),
            ),
        }
        found.push(named);
    }
    found
}

pub(super) fn bad_name(name: &str) -> String {
    format!(
        "invalid name {name:?}: use lower-case letters, digits and \"-\", starting with a letter"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_with_dashes() {
        assert!(is_name("next-word2"));
        for name in ["", "Next", "2nd", "next_word", "a.b", "ä"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
