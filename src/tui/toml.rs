//! A parser of desk.toml: entries with their lines, and all faults at once.
//!
//! Recipes have a parser of their own, which is above the desk in the layers and knows kinds,
//! defaults and `--set`; the messages have the same form.

use std::{borrow::Cow, collections::BTreeSet, fmt::Write, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Faults of one file.
pub(super) struct Faults<'a> {
    file: &'a str,
    /// The byte offsets of the lines.
    starts: Vec<usize>,
    /// Lines with syntax errors, for which no further fault is reported.
    syntax_errors: BTreeSet<usize>,
    found: BTreeSet<(usize, String)>,
}

/// One key of a table with its value.
pub(super) struct Entry<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a DeValue<'a>,
    pub(super) line: usize,
}

impl<'a> Faults<'a> {
    /// Parses a file; syntax errors are faults, and parsing continues after them.
    pub(super) fn read(file: &'a str, text: &'a str) -> (Spanned<DeTable<'a>>, Self) {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        let starts = starts.collect();
        let mut faults =
            Self { file, starts, syntax_errors: BTreeSet::new(), found: BTreeSet::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let line = error.span().map_or(1, |span| faults.line(&span));
            faults.syntax_errors.insert(line);
            faults.found.insert((line, format!("not TOML: {}", error.message())));
        }
        (table, faults)
    }

    /// The location of a line, as messages write it.
    pub(super) fn location(&self, line: usize) -> String {
        format!("{}:{line}", self.file)
    }

    /// Adds a fault of that line.
    pub(super) fn at(&mut self, line: usize, what: impl Into<String>) {
        if !self.syntax_errors.contains(&line) {
            self.found.insert((line, what.into()));
        }
    }

    /// Adds a fault: a value that the key does not accept.
    pub(super) fn value(&mut self, line: usize, key: &str, value: &DeValue<'_>, wanted: &str) {
        self.at(line, format!("`{key}`: expected {wanted}, found {}", found(value)));
    }

    /// The keys of a table, in the order of the file.
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

    /// The line of a value, which may differ from its key's.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.starts.partition_point(|start| *start <= span.start)
    }

    /// All faults, one per line, if there are any.
    pub(super) fn finish(self) -> Result<(), String> {
        let mut text = String::new();
        for (line, what) in &self.found {
            let _ = writeln!(text, "{}: {what}", self.location(*line));
        }
        if text.is_empty() { Ok(()) } else { Err(text.trim_end().to_owned()) }
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
    fn faults_are_reported_by_line_except_on_lines_with_syntax_errors() {
        let (table, mut faults) = Faults::read("a.toml", "z = 1\n\na = \nb = [\n 2]\n");
        let entries = faults.entries(table.get_ref());
        let lines: Vec<_> = entries.iter().map(|entry| (entry.key, entry.line)).collect();
        assert!(lines.contains(&("z", 1)) && lines.contains(&("b", 4)), "{lines:?}");
        faults.at(4, "second");
        faults.at(1, "first");
        faults.at(3, "follows from what isn't TOML");
        let text = faults.finish().unwrap_err();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines.len(), lines[0], lines[2]), (3, "a.toml:1: first", "a.toml:4: second"));
        assert!(lines[1].starts_with("a.toml:3: not TOML: "), "{text}");
    }
}
