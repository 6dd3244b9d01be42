//! Faults of a recipe: all of them at once, without those that only follow from others.

use std::{collections::BTreeSet, fmt};

use thiserror::Error;

use crate::{
    keys::{MAX_INTEGER, MAX_NUMBER, Place, Value},
    printable::printable,
};

/// A fault of a recipe, with its location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The location of the value, or where it is missing.
    pub place: Place,
    /// What was found, what was expected, what to do.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `--set KEY` has named the key already.
        let what = match &self.place {
            Place::Set(key) => self.what.strip_prefix(&format!("`{key}`: ")),
            _ => None,
        };
        // One line, whatever names and quotations it has.
        let line = format!("{}: {}", self.place, what.unwrap_or(&self.what));
        f.write_str(&printable(&line))
    }
}

/// All faults of a recipe, sorted by location; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// A single fault.
    pub fn one(place: Place, what: impl Into<String>) -> Self {
        Self(vec![Fault { place, what: what.into() }])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (fault_idx, fault) in self.0.iter().enumerate() {
            if fault_idx > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

/// The class of a fault, which determines whether it may only follow from another one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// The file is not TOML there.
    Syntax,
    /// Wrong in any case.
    Grammar,
    /// Something is missing. If there is a syntax error too, it may be in the part that was not
    /// parsed.
    Absent,
    /// A file is missing. A recipe with kinds that are not implemented yet may name files that do
    /// not exist yet.
    Content,
    /// Valid, but not implemented yet.
    NotImplemented,
}

/// Collects the faults of a recipe.
#[derive(Default)]
pub(super) struct Diagnostics {
    found: Vec<(Class, Fault)>,
}

impl Diagnostics {
    pub(super) fn syntax(&mut self, place: Place, what: impl Into<String>) {
        self.add(Class::Syntax, place, what.into());
    }

    pub(super) fn fault(&mut self, place: &Place, what: impl Into<String>) {
        self.add(Class::Grammar, place.clone(), what.into());
    }

    /// Reports something that is missing.
    pub(super) fn absent(&mut self, place: &Place, what: impl Into<String>) {
        self.add(Class::Absent, place.clone(), what.into());
    }

    /// Reports a file that is missing.
    pub(super) fn content(&mut self, place: &Place, what: impl Into<String>) {
        self.add(Class::Content, place.clone(), what.into());
    }

    pub(super) fn not_implemented(&mut self, place: &Place, kind: &str) {
        self.add(Class::NotImplemented, place.clone(), format!("not built yet: {kind}"));
    }

    /// Adds the faults that another one has collected.
    pub(super) fn append(&mut self, other: Self) {
        self.found.extend(other.found);
    }

    /// Drops the faults about missing files.
    pub(super) fn forget_content(&mut self) {
        self.found.retain(|(class, _)| *class != Class::Content);
    }

    /// The remaining faults, if there are any, sorted by location.
    pub(super) fn finish(self) -> Result<(), Faults> {
        let has = |class| self.found.iter().any(|(found, _)| *found == class);
        let (broken, not_implemented) = (has(Class::Syntax), has(Class::NotImplemented));
        let lost: BTreeSet<String> = (self.found.iter())
            .filter(|(class, _)| *class == Class::Syntax)
            .map(|(_, fault)| fault.place.to_string())
            .collect();
        let mut faults: Vec<Fault> = (self.found.into_iter())
            .filter(|(class, fault)| match class {
                Class::Syntax => true,
                Class::Absent => !broken,
                Class::Content => !not_implemented && !lost.contains(&fault.place.to_string()),
                Class::Grammar | Class::NotImplemented => !lost.contains(&fault.place.to_string()),
            })
            .map(|(_, fault)| fault)
            .collect();
        faults.sort_by_key(|fault| rank(&fault.place));
        let mut said = BTreeSet::new();
        faults.retain(|fault| said.insert(fault.to_string()));
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
    }

    fn add(&mut self, class: Class, place: Place, what: String) {
        self.found.push((class, Fault { place, what }));
    }
}

/// The file first, then its lines, then the command line.
fn rank(place: &Place) -> (u8, String, u32) {
    match place {
        Place::File(file) => (0, file.to_string(), 0),
        Place::Line { file, line } => (1, file.to_string(), *line),
        Place::Set(key) => (2, key.to_string(), 0),
        Place::Option(option) => (3, (*option).to_owned(), 0),
        Place::Default => (4, String::new(), 0),
    }
}

/// A value as messages quote it.
pub(super) fn found(value: &Value) -> String {
    match value {
        Value::Switch(switch) => switch.to_string(),
        Value::Integer(integer) if *integer > MAX_INTEGER as i64 => {
            format!("{integer}, which is greater than the maximum {MAX_INTEGER}")
        }
        Value::Integer(integer) => integer.to_string(),
        Value::Number(number) if number.abs() > MAX_NUMBER => {
            format!("{number:e}, which is greater than the maximum {MAX_NUMBER:.1e}")
        }
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("the string {text:?}"),
        Value::List(_) | Value::Table(_) => value.describe().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(line: u32) -> Place {
        Place::Line { file: "a.toml".into(), line }
    }

    #[test]
    fn faults_are_sorted_and_reported_once() {
        let mut diagnostics = Diagnostics::default();
        diagnostics.fault(&line(10), "ten");
        diagnostics.fault(&line(9), "nine");
        diagnostics.fault(&line(10), "ten");
        let faults = diagnostics.finish().unwrap_err();
        assert_eq!(faults.to_string(), "a.toml:9: nine\na.toml:10: ten");
    }

    #[test]
    fn a_fault_is_one_line_whatever_it_quotes() {
        let file = "a\n.toml".into();
        let fault =
            Fault { place: Place::File(file), what: "found B-\nb.toml: valid\r".to_owned() };
        assert_eq!(fault.to_string(), "a\\n.toml: found B-\\nb.toml: valid\\r");
    }

    #[test]
    fn consequences_of_syntax_errors_are_not_reported() {
        let mut diagnostics = Diagnostics::default();
        diagnostics.syntax(line(3), "not TOML");
        diagnostics.fault(&line(3), "follows");
        diagnostics.absent(&line(1), "needs \"kind\"");
        diagnostics.fault(&line(8), "its own");
        let faults = diagnostics.finish().unwrap_err();
        assert_eq!(faults.to_string(), "a.toml:3: not TOML\na.toml:8: its own");
    }
}
