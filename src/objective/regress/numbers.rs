//! The numbers of tokens: the strings of a field, and at which tokens they count.

use crate::data::{Batch, Corpus, Example, Symbol};

/// A field of numbers.
#[derive(Clone, Debug)]
pub(super) struct NumberField {
    pub(super) name: String,
    /// What holds at the tokens that have a number, if not all of the file have one.
    pub(super) condition: Option<Condition>,
}

/// A field has a label.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) field: String,
    pub(super) label: String,
}

/// A finite number.
fn number(text: &str) -> Option<f32> {
    text.parse().ok().filter(|number: &f32| number.is_finite())
}

impl NumberField {
    /// Its numbers in a corpus; `None` if the corpus does not have the field.
    pub(super) fn attach(&self, corpus: &Corpus) -> Option<Attached> {
        let field = corpus.field(&self.name)?;
        let condition = match &self.condition {
            None => None,
            Some(Condition { field, label }) => {
                let field = corpus.field(field)?;
                Some((field, corpus.lexicons[field].symbol(label)))
            }
        };
        let numbers = corpus.lexicons[field].iter().map(number).collect();
        Some(Attached { field, condition, numbers })
    }

    /// Those of train, token by token.
    pub(super) fn of_train(&self, corpus: &Corpus) -> Vec<f32> {
        let Some(attached) = self.attach(corpus) else { return Vec::new() };
        let examples = corpus.train.examples.iter();
        let symbols = examples.flat_map(|example| attached.symbols(example));
        symbols.filter_map(|(_, symbol)| attached.numbers[symbol as usize]).collect()
    }
}

/// The numbers of one corpus.
pub(super) struct Attached {
    /// The index of the field.
    field: usize,
    /// The index of the field of the condition, and the symbol that it has; `None` if no token of the corpus has it.
    condition: Option<(usize, Option<Symbol>)>,
    /// The number of each symbol; `None` for a string that is none.
    numbers: Vec<Option<f32>>,
}

impl Attached {
    /// The symbol of each token of an example that counts and has one.
    fn symbols(&self, example: &Example) -> impl Iterator<Item = (usize, Symbol)> {
        let holds = |token: usize| match self.condition {
            None => true,
            Some((field, wanted)) => wanted.is_some() && example.label_at(field, token) == wanted,
        };
        let symbol = move |token| Some((token, example.label_at(self.field, token)?));
        (0..example.len()).filter(move |&token| holds(token)).filter_map(symbol)
    }

    /// The tokens of an example whose string should be a number and is none, with their symbols.
    pub(super) fn strange(&self, example: &Example) -> impl Iterator<Item = (usize, Symbol)> {
        self.symbols(example).filter(|&(_, symbol)| self.numbers[symbol as usize].is_none())
    }

    /// The number of each row of a batch; `None` where there is none.
    pub(super) fn of_rows(&self, batch: &Batch) -> Vec<Option<f32>> {
        let mut numbers: Vec<Option<f32>> = batch
            .row_labels(self.field)
            .iter()
            .map(|symbol| self.numbers[(*symbol)? as usize])
            .collect();
        if let Some((field, wanted)) = self.condition {
            for (number, label) in numbers.iter_mut().zip(batch.row_labels(field)) {
                *number = number.filter(|_| wanted.is_some() && *label == wanted);
            }
        }
        numbers
    }
}
