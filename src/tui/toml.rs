//! Reading of desk.toml: entries with their lines, and every fault at once.
//!
//! Not what recipes are read with, which is above the desk and knows kinds, defaults and `--set`; the
//! messages have the same form.

use std::{borrow::Cow, collections::BTreeSet, fmt::Write, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Faults of one file.
pub(super) struct Faults<'a> {
    file: &'a str,
    /// Where lines begin, in bytes.
    starts: Vec<usize>,
    /// Lines that aren't TOML, about which nothing else is said.
    lost: BTreeSet<usize>,
    found: BTreeSet<(usize, String)>,
}

/// One key of a table with its value.
pub(super) struct Entry<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a DeValue<'a>,
    pub(super) line: usize,
}

impl<'a> Faults<'a> {
    /// Reads a file as far as it is TOML; the rest are faults.
    pub(super) fn read(file: &'a str, text: &'a str) -> (Spanned<DeTable<'a>>, Self) {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        let starts = starts.collect();
        let mut faults = Self { file, starts, lost: BTreeSet::new(), found: BTreeSet::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let line = error.span().map_or(1, |span| faults.line(&span));
            faults.lost.insert(line);
            faults.found.insert((line, format!("not TOML: {}", error.message())));
        }
        (table, faults)
    }

    /// Where something stands, as messages say it.
    pub(super) fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.file)
    }

    /// Something is wrong on that line.
    pub(super) fn at(&mut self, line: usize, what: impl Into<String>) {
        if !self.lost.contains(&line) {
            self.found.insert((line, what.into()));
        }
    }

    /// A value that is not what a key takes.
    pub(super) fn value(&mut self, line: usize, key: &str, value: &DeValue<'_>, wanted: &str) {
        self.at(line, format!("`{key}`: expected {wanted}, found {}", found(value)));
    }

    /// The keys of a table, in the order in which they were written.
    pub(super) fn entries<'t>(&self, table: &'t DeTable<'t>) -> Vec<Entry<'t>> {
        let mut written: Vec<(usize, Entry<'t>)> = Vec::new();
        for (key, value) in table {
            let key: &Spanned<Cow<'t, str>> = key;
            let line = self.line(&key.span());
            let entry = Entry { key: key.get_ref(), value: value.get_ref(), line };
            written.push((key.span().start, entry));
        }
        written.sort_by_key(|(start, _)| *start);
        written.into_iter().map(|(_, entry)| entry).collect()
    }

    /// The line that a value stands on, where it may be another than its key's.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.starts.partition_point(|start| *start <= span.start)
    }

    /// All that was wrong, a line each, if anything was.
    pub(super) fn finish(self) -> Result<(), String> {
        let mut told = String::new();
        for (line, what) in &self.found {
            let _ = writeln!(told, "{}: {what}", self.place(*line));
        }
        if told.is_empty() { Ok(()) } else { Err(told.trim_end().to_owned()) }
    }
}

/// A value as messages quote it.
pub(super) fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Float(float) => float.to_string(),
        DeValue::Boolean(switch) => switch.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_by_line_and_not_about_what_is_no_toml() {
        let (table, mut faults) = Faults::read("a.toml", "z = 1\n\na = \nb = [\n 2]\n");
        let entries = faults.entries(table.get_ref());
        let lines: Vec<_> = entries.iter().map(|entry| (entry.key, entry.line)).collect();
        assert!(lines.contains(&("z", 1)) && lines.contains(&("b", 4)), "{lines:?}");
        faults.at(4, "second");
        faults.at(1, "first");
        faults.at(3, "follows from what isn't TOML");
        let told = faults.finish().unwrap_err();
        let lines: Vec<_> = told.lines().collect();
        assert_eq!((lines.len(), lines[0], lines[2]), (3, "a.toml:1: first", "a.toml:4: second"));
        assert!(lines[1].starts_with("a.toml:3: not TOML: "), "{told}");
    }
}
