//! Names for the integer labels of a corpus: `{ label = ["negative", "positive"] }` reads 0 and 1 as these.
//!
//! Files keep their integers, predictions that are written into them too.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Corpus, FieldValues, Lexicon, Symbol,
    read::{Read, ReadError},
};

/// The names of each field that has any, by integer, counted from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelNames(BTreeMap<String, Vec<String>>);

impl LabelNames {
    /// Names by field.
    pub fn new(names: BTreeMap<String, Vec<String>>) -> Self {
        Self(names)
    }

    /// The fields that have names.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The string that a file has for the name of a field's label.
    pub fn in_file(&self, field: &str, name: &str) -> String {
        let names = self.0.get(field).map_or(&[][..], Vec::as_slice);
        names.iter().position(|other| other == name).map_or(name.to_owned(), |at| at.to_string())
    }

    /// Calls a reader, and replaces the integers that it has read by their names. Examples with another
    /// string are faulty.
    pub(super) fn read(
        &self,
        corpus: &mut Corpus,
        reader: impl FnOnce(&mut Corpus) -> Read,
    ) -> Read {
        let fields: Vec<usize> = self.fields().filter_map(|field| corpus.field(field)).collect();
        // The reader's strings are not those of the corpus.
        let take =
            |corpus: &mut Corpus, &field: &usize| std::mem::take(&mut corpus.lexicons[field]);
        let mut named: Vec<Lexicon> = fields.iter().map(|field| take(corpus, field)).collect();
        let mut read = reader(corpus);
        let mut faulty = BTreeSet::new();
        for (&field, named) in fields.iter().zip(&mut named) {
            let (name, found) = (&corpus.fields[field].name, &corpus.lexicons[field]);
            let names = &self.0[name];
            // The symbol of each string's name.
            let symbols: Vec<Option<Symbol>> = found
                .iter()
                .map(|text| Some(named.intern(names.get(text.parse::<usize>().ok()?)?)))
                .collect();
            for (at, example) in read.split.examples.iter_mut().enumerate() {
                let Some(values) = example.fields[field].as_mut() else { continue };
                let strange = values.strings().into_iter().flatten();
                let strange =
                    strange.enumerate().find(|(_, symbol)| symbols[**symbol as usize].is_none());
                if let Some((token, symbol)) = strange {
                    let text = found.get(*symbol);
                    let is_of_tokens = matches!(values, FieldValues::Symbols(_));
                    let line = if is_of_tokens { example.line_of(token) } else { example.line };
                    read.faults.push(ReadError {
                        file: read.files.get(name).unwrap_or(&read.split.file).clone(),
                        line,
                        what: format!(
                            "{name} is {text:?}, expected an integer from 0 to {}, which `names` has \
                             names for",
                            names.len() - 1
                        ),
                    });
                    faulty.insert(at);
                    continue;
                }
                rename(values, |symbol| symbols[symbol as usize].expect("none is strange"));
            }
        }
        for (field, named) in fields.into_iter().zip(named) {
            corpus.lexicons[field] = named;
        }
        read.n_faulty += faulty.len() as u64;
        let mut at = 0..;
        read.split.examples.retain(|_| at.next().is_some_and(|at| !faulty.contains(&at)));
        read.faults.sort_by_key(|fault| fault.line);
        read
    }
}

fn rename(values: &mut FieldValues, name: impl Fn(Symbol) -> Symbol) {
    match values {
        FieldValues::Symbols(symbols)
        | FieldValues::Partial { symbols, .. }
        | FieldValues::Filled { symbols, .. }
        | FieldValues::Labels(symbols) => {
            for symbol in symbols {
                *symbol = name(*symbol);
            }
        }
        FieldValues::Label(symbol) => *symbol = name(*symbol),
        _ => {}
    }
}
