//! Examples: named sequences, each position with its origin, and typed fields.

use std::sync::Arc;

use std::ops::Range;

use super::{FieldValues, Symbol, segment_ranges};

/// The positions of a sequence in an example, with their origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions {
    lines: Lines,
    /// The byte offsets of each token in the raw text, if it was tokenized from one.
    bytes: Option<Box<[(u32, u32)]>>,
    /// The number of positions of each item, in a list of sequences.
    items: Option<Box<[u32]>>,
}

/// The line of each position in the file, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lines {
    /// One line per position.
    Each(Box<[u32]>),
    /// `n` positions on one line.
    One { line: u32, n: u32 },
}

impl Positions {
    /// Positions on the given lines.
    pub fn on_lines(lines: Vec<u32>) -> Self {
        Self { lines: Lines::Each(lines.into()), bytes: None, items: None }
    }

    /// `n` positions on one line.
    pub fn on_line(line: u32, n: usize) -> Self {
        Self { lines: Lines::One { line, n: n as u32 }, bytes: None, items: None }
    }

    /// The same positions with byte offsets in the raw text, one pair each.
    #[must_use]
    pub fn at_bytes(self, bytes: Option<Vec<(u32, u32)>>) -> Self {
        Self { bytes: bytes.map(Into::into), ..self }
    }

    /// The same positions as a list of items with these lengths.
    #[must_use]
    pub fn in_items(self, lengths: Vec<u32>) -> Self {
        Self { items: Some(lengths.into()), ..self }
    }

    /// The number of positions.
    pub fn len(&self) -> usize {
        match &self.lines {
            Lines::Each(lines) => lines.len(),
            Lines::One { n, .. } => *n as usize,
        }
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The line of a position in the file.
    pub fn line(&self, position: usize) -> u32 {
        match &self.lines {
            Lines::Each(lines) => lines[position],
            Lines::One { line, .. } => *line,
        }
    }

    /// Whether it was tokenized from raw text.
    pub fn has_bytes(&self) -> bool {
        self.bytes.is_some()
    }

    /// The byte offsets of a position in the raw text, if it was tokenized from one.
    pub fn bytes(&self, position: usize) -> Option<Range<usize>> {
        let (start, end) = self.bytes.as_ref()?[position];
        Some(start as usize..end as usize)
    }

    /// The number of positions of each item in a list of sequences; otherwise a single item.
    pub fn items(&self) -> Vec<usize> {
        match &self.items {
            Some(items) => items.iter().map(|&n| n as usize).collect(),
            None => vec![self.len()],
        }
    }
}

/// A sentence, text or pair: its sequences and fields in the corpus's order, each of which may be
/// missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The first line of the example in the file, counted from 1.
    pub line: u32,
    /// Its file, if its split was read from several files one after the other.
    pub file: Option<Arc<str>>,
    /// The sequences, in the order of [`Corpus::sequences`](super::Corpus::sequences).
    pub sequences: Vec<Option<Positions>>,
    /// The fields, in the order of [`Corpus::fields`](super::Corpus::fields).
    pub fields: Vec<Option<FieldValues>>,
}

impl Example {
    /// An example with one sequence, whose tokens are on these lines.
    pub fn of_tokens(lines: Vec<u32>, fields: Vec<Option<FieldValues>>) -> Self {
        let line = lines.first().copied().unwrap_or(1);
        Self { line, file: None, sequences: vec![Some(Positions::on_lines(lines))], fields }
    }

    /// Adds a text that the file does not have, at its line, after all sequences and fields so far: the sequence and the
    /// field with these indices. Without tokens it is missing.
    pub fn add_text(&mut self, sequence: usize, field: usize, tokens: Vec<Symbol>) {
        let tokens = (!tokens.is_empty()).then_some(tokens);
        let positions = tokens.as_ref().map(|tokens| Positions::on_line(self.line, tokens.len()));
        self.sequences.resize(sequence, None);
        self.sequences.push(positions);
        self.fields.resize(field, None);
        self.fields.push(tokens.map(FieldValues::Symbols));
    }

    /// The total number of positions of its sequences.
    pub fn len(&self) -> usize {
        self.sequences.iter().flatten().map(Positions::len).sum()
    }

    /// Whether it has no positions.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of positions of a sequence; 0 if it is missing.
    pub fn len_of(&self, sequence: usize) -> usize {
        self.sequences.get(sequence).and_then(Option::as_ref).map_or(0, Positions::len)
    }

    /// The lines of the tokens of the first sequence.
    pub fn lines(&self) -> impl Iterator<Item = u32> + '_ {
        let positions = self.sequences.first().and_then(Option::as_ref);
        positions.into_iter().flat_map(|all| (0..all.len()).map(|at| all.line(at)))
    }

    /// The line of a token of the first sequence.
    pub fn line_of(&self, token: usize) -> u32 {
        let positions = self.sequences.first().and_then(Option::as_ref);
        positions.map_or(self.line, |positions| positions.line(token))
    }

    /// The strings of a field (one per token, a single one, or those of a set), if the example has
    /// it.
    pub fn strings(&self, field: usize) -> Option<&[Symbol]> {
        self.fields.get(field)?.as_ref()?.strings()
    }

    /// The symbol of a position, if the example has one there.
    pub fn symbol_at(&self, field: usize, position: usize) -> Option<Symbol> {
        match self.fields.get(field)?.as_ref()? {
            FieldValues::Symbols(symbols) | FieldValues::Filled { symbols, .. } => {
                symbols.get(position).copied()
            }
            FieldValues::Partial { symbols, positions } => {
                let at = positions.binary_search(&(position as u32)).ok()?;
                Some(symbols[at])
            }
            _ => None,
        }
    }

    /// The symbol of a position, if the example has one there that is a label.
    pub fn label_at(&self, field: usize, position: usize) -> Option<Symbol> {
        if let FieldValues::Filled { labelled, .. } = self.fields.get(field)?.as_ref()? {
            labelled.binary_search(&(position as u32)).ok()?;
        }
        self.symbol_at(field, position)
    }

    /// The symbols of a field with one at every position or item, if the example has such a field.
    pub fn symbols(&self, field: usize) -> Option<&[Symbol]> {
        match self.fields.get(field)?.as_ref()? {
            FieldValues::Symbols(symbols) | FieldValues::Filled { symbols, .. } => Some(symbols),
            _ => None,
        }
    }

    /// The positions of each segment, by a field that divides the tokens into segments, if the example has it.
    pub fn segments(&self, field: usize) -> Option<Vec<Range<usize>>> {
        let Some(FieldValues::Segments(names) | FieldValues::Symbols(names)) =
            self.fields.get(field)?
        else {
            return None;
        };
        Some(segment_ranges(&names.iter().copied().map(Some).collect::<Vec<_>>()))
    }

    /// The symbol of a field with one per example, if the example has it.
    pub fn label(&self, field: usize) -> Option<Symbol> {
        match self.fields.get(field)?.as_ref()? {
            FieldValues::Label(symbol) => Some(*symbol),
            _ => None,
        }
    }

    /// The symbols of a field with a set per example, if the example has it.
    pub fn label_set(&self, field: usize) -> Option<&[Symbol]> {
        match self.fields.get(field)?.as_ref()? {
            FieldValues::Labels(symbols) => Some(symbols),
            _ => None,
        }
    }
}
