//! Corpora in memory: examples of named sequences and typed fields, their strings interned.

use std::{collections::HashMap, ops::Range, sync::Arc};

use crate::protocol::event::{Split, SplitSize};

/// A string of one field of one corpus, by its place in the field's [`Lexicon`].
pub type Symbol = u32;

/// The distinct strings of one field of one corpus, in order of first sight.
#[derive(Clone, Debug, Default)]
pub struct Lexicon {
    items: Vec<Arc<str>>,
    index: HashMap<Arc<str>, Symbol>,
}

impl Lexicon {
    /// The symbol of a string, new if need be.
    pub fn intern(&mut self, item: &str) -> Symbol {
        if let Some(&symbol) = self.index.get(item) {
            return symbol;
        }
        let symbol = Symbol::try_from(self.items.len()).expect("fewer than 2^32 distinct strings");
        let item: Arc<str> = item.into();
        self.items.push(item.clone());
        self.index.insert(item, symbol);
        symbol
    }

    /// The symbol of a string; `None` if the lexicon lacks it.
    pub fn symbol(&self, item: &str) -> Option<Symbol> {
        self.index.get(item).copied()
    }

    /// The string of a symbol of this lexicon.
    pub fn get(&self, symbol: Symbol) -> &str {
        &self.items[symbol as usize]
    }

    /// Every string, in the order of the symbols.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(AsRef::as_ref)
    }

    /// How many distinct strings there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl<'a> FromIterator<&'a str> for Lexicon {
    fn from_iter<I: IntoIterator<Item = &'a str>>(items: I) -> Self {
        let mut lexicon = Self::default();
        items.into_iter().for_each(|item| {
            lexicon.intern(item);
        });
        lexicon
    }
}

/// What the values of a field stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// The positions of a sequence, by its place in the corpus.
    Sequence(usize),
    /// The items of a list of sequences, by its place in the corpus: candidates for a query.
    Items(usize),
    /// The example as a whole.
    Example,
}

/// The shape of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldForm {
    /// A string for each position or item.
    Symbols,
    /// One string.
    Label,
    /// A set of strings.
    Labels,
    /// A number, or a vector of them.
    Numbers,
    /// A vector for each position.
    Frames,
    /// Height, width and channels of numbers.
    Picture,
    /// Which segment each position is in.
    Segments,
    /// Arcs between positions.
    Arcs,
    /// Spans of positions, all of which hold.
    Spans,
    /// Spans of positions, any one of which is right.
    Answers,
    /// Relations between spans of positions.
    Relations,
    /// Text as it stands.
    Text,
}

impl FieldForm {
    /// What messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Symbols => "a string per token",
            Self::Label => "a string per example",
            Self::Labels => "a set of strings per example",
            Self::Numbers => "numbers for each example",
            Self::Frames => "a frame for each position",
            Self::Picture => "a picture for each example",
            Self::Segments => "a segment for each token",
            Self::Arcs => "arcs between tokens",
            Self::Spans => "spans of tokens",
            Self::Answers => "alternative spans of tokens",
            Self::Relations => "relations between spans",
            Self::Text => "a raw text for each example",
        }
    }
}

/// A field of a corpus, as its format declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What its values stand on.
    pub axis: Axis,
    /// The shape of its values.
    pub form: FieldForm,
}

impl Field {
    /// A field of that name.
    pub fn new(name: &str, axis: Axis, form: FieldForm) -> Self {
        Self { name: name.to_owned(), axis, form }
    }

    /// A field with a string for each position of the corpus's first sequence.
    pub fn of_tokens(name: &str) -> Self {
        Self::new(name, Axis::Sequence(0), FieldForm::Symbols)
    }

    /// A field with one string for the whole example.
    pub fn of_examples(name: &str) -> Self {
        Self::new(name, Axis::Example, FieldForm::Label)
    }
}

/// A sequence of a corpus: what its examples' positions stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceSpec {
    /// Its name, which is that of its first field.
    pub name: String,
    /// Whether an example has a list of such sequences, item by item.
    pub is_list: bool,
}

/// What examples of a format have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// The sequences, the main one first.
    pub sequences: Vec<SequenceSpec>,
    /// The fields: the words of the first sequence before all others.
    pub fields: Vec<Field>,
}

impl Schema {
    /// A corpus with one sequence, called by the first field, and these fields.
    pub fn of_tokens(fields: Vec<Field>) -> Self {
        let name = fields.first().map_or_else(String::new, |field| field.name.clone());
        Self { sequences: vec![SequenceSpec { name, is_list: false }], fields }
    }
}

/// An arc from a head to a dependent, as in a dependency tree or a semantic graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GraphArc {
    /// The head's position; `None` is the root.
    pub head: Option<u32>,
    /// The dependent's position.
    pub dependent: u32,
    /// The label, if it has one, by its symbol.
    pub label: Option<Symbol>,
}

/// A span of positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenSpan {
    /// The first position.
    pub start: u32,
    /// The position after the last.
    pub end: u32,
    /// The label, if it has one, by its symbol.
    pub label: Option<Symbol>,
}

/// A relation between two spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanRelation {
    /// The span that it is from.
    pub from: TokenSpan,
    /// The span that it is to.
    pub to: TokenSpan,
    /// Its type, by its symbol.
    pub label: Symbol,
}

/// Pixels: rows of columns of channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels of a pixel.
    pub channels: usize,
    /// height × width × channels numbers.
    pub pixels: Vec<f32>,
}

/// What an example holds in one field.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValues {
    /// Strings, one for each position or item, by their symbols.
    Symbols(Vec<Symbol>),
    /// One string for the whole example, by its symbol.
    Label(Symbol),
    /// A set of strings for the whole example, perhaps of none, by their symbols.
    Labels(Vec<Symbol>),
    /// Numbers of the whole example.
    Numbers(Arc<[f32]>),
    /// A vector for each position.
    Frames {
        /// Dimension of a vector.
        width: usize,
        /// Vector after vector.
        numbers: Arc<[f32]>,
    },
    /// A picture.
    Picture(Arc<Picture>),
    /// The segment of each position, counted from 1.
    Segments(Vec<u32>),
    /// Arcs between positions.
    Arcs(Arc<[GraphArc]>),
    /// Spans, all of which hold.
    Spans(Arc<[TokenSpan]>),
    /// Spans, any one of which is right.
    Answers(Arc<[TokenSpan]>),
    /// Relations between spans.
    Relations(Arc<[SpanRelation]>),
    /// Text as it stands.
    Text(Arc<str>),
}

impl FieldValues {
    /// The set of these strings, in the order of first sight; empty ones are none.
    pub fn labels<'a>(items: impl IntoIterator<Item = &'a str>, lexicon: &mut Lexicon) -> Self {
        let mut symbols = Vec::new();
        for item in items.into_iter().filter(|item| !item.is_empty()) {
            let symbol = lexicon.intern(item);
            if !symbols.contains(&symbol) {
                symbols.push(symbol);
            }
        }
        Self::Labels(symbols)
    }

    /// Its strings, where it has any by themselves: one a position, the only one, or those of the set.
    pub fn strings(&self) -> Option<&[Symbol]> {
        match self {
            Self::Symbols(symbols) | Self::Labels(symbols) => Some(symbols),
            Self::Label(symbol) => Some(std::slice::from_ref(symbol)),
            _ => None,
        }
    }

    /// The shape of it.
    pub fn form(&self) -> FieldForm {
        match self {
            Self::Symbols(_) => FieldForm::Symbols,
            Self::Label(_) => FieldForm::Label,
            Self::Labels(_) => FieldForm::Labels,
            Self::Numbers(_) => FieldForm::Numbers,
            Self::Frames { .. } => FieldForm::Frames,
            Self::Picture(_) => FieldForm::Picture,
            Self::Segments(_) => FieldForm::Segments,
            Self::Arcs(_) => FieldForm::Arcs,
            Self::Spans(_) => FieldForm::Spans,
            Self::Answers(_) => FieldForm::Answers,
            Self::Relations(_) => FieldForm::Relations,
            Self::Text(_) => FieldForm::Text,
        }
    }
}

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
    /// The sequences, in the order of [`Corpus::sequences`].
    pub sequences: Vec<Option<Positions>>,
    /// The fields, in the order of [`Corpus::fields`].
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

/// One split of a corpus.
#[derive(Clone, Debug, Default)]
pub struct SplitData {
    /// Its examples, in the file's order.
    pub examples: Vec<Example>,
    /// The file it was read from, as messages name it.
    pub file: Arc<str>,
}

impl SplitData {
    /// Examples and tokens.
    pub fn size(&self) -> SplitSize {
        SplitSize {
            examples: self.examples.len() as u64,
            tokens: self.examples.iter().map(|example| example.len() as u64).sum(),
        }
    }
}

/// A corpus in memory.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// Its name in the recipe.
    pub name: String,
    /// The domain that the recipe says it is from.
    pub domain: Option<String>,
    /// The language that the recipe says it is in.
    pub language: Option<String>,
    /// Its sequences, the main one first.
    pub sequences: Vec<SequenceSpec>,
    /// Its fields; `_` columns are not among them.
    pub fields: Vec<Field>,
    /// The distinct strings of each field, over all splits.
    pub lexicons: Vec<Lexicon>,
    /// What is learnt from.
    pub train: SplitData,
    /// What the best checkpoint is chosen by.
    pub dev: Option<SplitData>,
    /// What is reported.
    pub test: Option<SplitData>,
    /// Faulty examples that were left out, as the recipe allows.
    pub skipped: u64,
}

impl Corpus {
    /// A corpus without examples, of that schema.
    pub fn of_schema(schema: Schema) -> Self {
        let Schema { sequences, fields } = schema;
        let lexicons = vec![Lexicon::default(); fields.len()];
        Self { sequences, fields, lexicons, ..Self::default() }
    }

    /// The place of a field of that name.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The splits that it has, train first.
    pub fn splits(&self) -> impl Iterator<Item = &SplitData> {
        [Some(&self.train), self.dev.as_ref(), self.test.as_ref()].into_iter().flatten()
    }

    /// A split, if the corpus has it.
    pub fn split(&self, split: Split) -> Option<&SplitData> {
        match split {
            Split::Train => Some(&self.train),
            Split::Dev => self.dev.as_ref(),
            Split::Test => self.test.as_ref(),
        }
    }
}
