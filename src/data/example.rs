//! Examples: named sequences, each position with where it came from, and typed fields.

use std::ops::Range;

use super::{FieldValues, Symbol};

/// The positions of a sequence in an example, each with where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions {
    lines: Lines,
    /// Where in the raw text each token stands, in bytes, if it was cut from one.
    bytes: Option<Box<[(u32, u32)]>>,
    /// How many positions each item has, in a list of sequences.
    items: Option<Box<[u32]>>,
}

/// The file's line of each position, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lines {
    /// A line each.
    Each(Box<[u32]>),
    /// So many on one line.
    One { line: u32, n: u32 },
}

impl Positions {
    /// Positions on these lines.
    pub fn on_lines(lines: Vec<u32>) -> Self {
        Self { lines: Lines::Each(lines.into()), bytes: None, items: None }
    }

    /// So many positions on one line.
    pub fn on_line(line: u32, n: usize) -> Self {
        Self { lines: Lines::One { line, n: n as u32 }, bytes: None, items: None }
    }

    /// The same positions, which stand at these bytes of the raw text; one for each.
    #[must_use]
    pub fn at_bytes(self, bytes: Option<Vec<(u32, u32)>>) -> Self {
        Self { bytes: bytes.map(Into::into), ..self }
    }

    /// The same positions, of a list of items of these lengths.
    #[must_use]
    pub fn in_items(self, lengths: Vec<u32>) -> Self {
        Self { items: Some(lengths.into()), ..self }
    }

    /// How many positions there are.
    pub fn len(&self) -> usize {
        match &self.lines {
            Lines::Each(lines) => lines.len(),
            Lines::One { n, .. } => *n as usize,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The file's line of a position.
    pub fn line(&self, position: usize) -> u32 {
        match &self.lines {
            Lines::Each(lines) => lines[position],
            Lines::One { line, .. } => *line,
        }
    }

    /// Where in the raw text a position stands, in bytes, if it was cut from one.
    pub fn bytes(&self, position: usize) -> Option<Range<usize>> {
        let (start, end) = self.bytes.as_ref()?[position];
        Some(start as usize..end as usize)
    }

    /// How many positions each item has, in a list of sequences; one item that is all of them otherwise.
    pub fn items(&self) -> Vec<usize> {
        match &self.items {
            Some(items) => items.iter().map(|&n| n as usize).collect(),
            None => vec![self.len()],
        }
    }
}

/// One sentence, text or pair: its sequences and fields in the corpus's order, each of which may be
/// missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The file's line that it begins on, counted from 1.
    pub line: u32,
    /// The sequences, in the order of [`Corpus::sequences`](super::Corpus::sequences).
    pub sequences: Vec<Option<Positions>>,
    /// The fields, in the order of [`Corpus::fields`](super::Corpus::fields).
    pub fields: Vec<Option<FieldValues>>,
}

impl Example {
    /// An example with one sequence, whose tokens stand on these lines.
    pub fn of_tokens(lines: Vec<u32>, fields: Vec<Option<FieldValues>>) -> Self {
        let line = lines.first().copied().unwrap_or(1);
        Self { line, sequences: vec![Some(Positions::on_lines(lines))], fields }
    }

    /// How many positions its sequences have in all.
    pub fn len(&self) -> usize {
        self.sequences.iter().flatten().map(Positions::len).sum()
    }

    /// Whether they have none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many positions a sequence has; 0 if it is missing.
    pub fn len_of(&self, sequence: usize) -> usize {
        self.sequences.get(sequence).and_then(Option::as_ref).map_or(0, Positions::len)
    }

    /// The file's lines of the tokens of the first sequence.
    pub fn lines(&self) -> impl Iterator<Item = u32> + '_ {
        let positions = self.sequences.first().and_then(Option::as_ref);
        positions.into_iter().flat_map(|all| (0..all.len()).map(|at| all.line(at)))
    }

    /// The file's line of a token of the first sequence.
    pub fn line_of(&self, token: usize) -> u32 {
        let positions = self.sequences.first().and_then(Option::as_ref);
        positions.map_or(self.line, |positions| positions.line(token))
    }

    /// The strings of a field (one per token, the only one, those of the set), if the example has it.
    pub fn strings(&self, field: usize) -> Option<&[Symbol]> {
        self.fields.get(field)?.as_ref()?.strings()
    }

    /// The symbols of a field, one a position or item, if the example has such a field.
    pub fn symbols(&self, field: usize) -> Option<&[Symbol]> {
        match self.fields.get(field)?.as_ref()? {
            FieldValues::Symbols(symbols) => Some(symbols),
            _ => None,
        }
    }

    /// The symbol of a field that holds one for the whole example, if the example has it.
    pub fn label(&self, field: usize) -> Option<Symbol> {
        match self.fields.get(field)?.as_ref()? {
            FieldValues::Label(symbol) => Some(*symbol),
            _ => None,
        }
    }

    /// The symbols of a field that holds a set for the whole example, if the example has it.
    pub fn label_set(&self, field: usize) -> Option<&[Symbol]> {
        match self.fields.get(field)?.as_ref()? {
            FieldValues::Labels(symbols) => Some(symbols),
            _ => None,
        }
    }
}
