//! Lexicons: the distinct strings of one field of one corpus, interned.

use std::{collections::HashMap, sync::Arc};

/// A string of one field of one corpus, as an index into the field's [`Lexicon`].
pub type Symbol = u32;

/// The distinct strings of one field of one corpus, in order of first occurrence.
#[derive(Clone, Debug, Default)]
pub struct Lexicon {
    items: Vec<Arc<str>>,
    index: HashMap<Arc<str>, Symbol>,
}

impl Lexicon {
    /// The symbol of a string, added if it is new.
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

    /// The symbol of a string, if the lexicon has it.
    pub fn symbol(&self, item: &str) -> Option<Symbol> {
        self.index.get(item).copied()
    }

    /// The string of a symbol of this lexicon.
    pub fn get(&self, symbol: Symbol) -> &str {
        &self.items[symbol as usize]
    }

    /// All strings, in the order of their symbols.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(AsRef::as_ref)
    }

    /// The number of distinct strings.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it is empty.
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
