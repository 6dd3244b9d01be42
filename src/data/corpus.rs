//! Corpora in memory: examples of named fields, their strings interned.

use std::{collections::HashMap, sync::Arc};

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

/// What an example holds under one name.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// A sequence of strings, one a token, by their symbols.
    Symbols(Vec<Symbol>),
    /// One string for the whole example, by its symbol.
    Label(Symbol),
    /// A set of strings for the whole example, perhaps of none, by their symbols.
    Labels(Vec<Symbol>),
}

impl Field {
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

    /// Its strings: one a token, the only one, or those of the set.
    pub fn strings(&self) -> &[Symbol] {
        match self {
            Self::Symbols(symbols) | Self::Labels(symbols) => symbols,
            Self::Label(symbol) => std::slice::from_ref(symbol),
        }
    }
}

/// One sentence, text or pair: its fields in the corpus's order, each of which may be missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The fields, in the order of [`Corpus::fields`].
    pub fields: Vec<Option<Field>>,
    /// The file's line of each token, counted from 1; for messages and for writing back.
    pub lines: Vec<u32>,
}

impl Example {
    /// How many tokens it has.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The strings of a field (one a token, the only one, those of the set), if the example has it.
    pub fn strings(&self, field: usize) -> Option<&[Symbol]> {
        Some(self.fields.get(field)?.as_ref()?.strings())
    }

    /// The symbols of a field, one a token, if the example has such a field.
    pub fn symbols(&self, field: usize) -> Option<&[Symbol]> {
        match self.fields.get(field)?.as_ref()? {
            Field::Symbols(symbols) => Some(symbols),
            Field::Label(_) | Field::Labels(_) => None,
        }
    }

    /// The symbol of a field that holds one for the whole example, if the example has it.
    pub fn label(&self, field: usize) -> Option<Symbol> {
        match self.fields.get(field)?.as_ref()? {
            Field::Symbols(_) | Field::Labels(_) => None,
            Field::Label(symbol) => Some(*symbol),
        }
    }

    /// The symbols of a field that holds a set for the whole example, if the example has it.
    pub fn label_set(&self, field: usize) -> Option<&[Symbol]> {
        match self.fields.get(field)?.as_ref()? {
            Field::Symbols(_) | Field::Label(_) => None,
            Field::Labels(symbols) => Some(symbols),
        }
    }
}

/// One split of a corpus.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Its examples, in the file's order.
    pub examples: Vec<Example>,
    /// The file it was read from, as messages name it.
    pub file: Arc<str>,
}

impl Part {
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
    /// The names of its fields; `_` columns are not among them.
    pub fields: Vec<String>,
    /// The distinct strings of each field, over all splits.
    pub lexicons: Vec<Lexicon>,
    /// What is learnt from.
    pub train: Part,
    /// What the best checkpoint is chosen by.
    pub dev: Option<Part>,
    /// What is reported.
    pub test: Option<Part>,
    /// Faulty examples that were left out, as the recipe allows.
    pub skipped: u64,
}

impl Corpus {
    /// The place of a field of that name.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field == name)
    }

    /// The splits that it has, train first.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        [Some(&self.train), self.dev.as_ref(), self.test.as_ref()].into_iter().flatten()
    }

    /// A split, if the corpus has it.
    pub fn part(&self, split: Split) -> Option<&Part> {
        match split {
            Split::Train => Some(&self.train),
            Split::Dev => self.dev.as_ref(),
            Split::Test => self.test.as_ref(),
        }
    }
}
