//! Sentences in running text: a field more, with the number of each token's sentence.

use super::{Corpus, Field, Part};

/// Which tokens end a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentences {
    /// The tokens, as they are written.
    pub ends: Vec<String>,
    /// The field that they are looked for in.
    pub field: String,
}

impl Sentences {
    /// The field that has the numbers.
    pub const FIELD: &str = "sentence";

    /// Gives each example of a split of that corpus, whose last field is that of the numbers, its
    /// sentences. They are counted from 1 in each example; one without tokens in the field lacks them.
    pub fn number(&self, part: &mut Part, corpus: &mut Corpus) {
        let field = corpus.field(&self.field).expect("the checker has seen the field");
        let numbers = corpus.field(Self::FIELD).expect("the field of numbers is the corpus's last");
        let is_end = |string: &str| self.ends.iter().any(|end| end == string);
        let ends: Vec<bool> = corpus.lexicons[field].iter().map(is_end).collect();
        let lexicon = &mut corpus.lexicons[numbers];
        for example in &mut part.examples {
            let numbered = example.symbols(field).map(|symbols| {
                let mut number = 1;
                let each = symbols.iter().map(|&symbol| {
                    let here = lexicon.intern(&number.to_string());
                    number += usize::from(ends[symbol as usize]);
                    here
                });
                Field::Symbols(each.collect())
            });
            example.fields.resize(numbers, None);
            example.fields.push(numbered);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Example, Lexicon};

    #[test]
    fn a_sentence_goes_on_to_its_end_and_the_last_needs_none() {
        let mut text = Lexicon::default();
        let mut example = |words: &str| {
            let symbols: Vec<_> = words.split(' ').map(|word| text.intern(word)).collect();
            Example { lines: vec![1; symbols.len()], fields: vec![Some(Field::Symbols(symbols))] }
        };
        let mut examples = vec![example("so . it goes ! on"), example("on . .")];
        examples.push(Example { lines: vec![1], fields: vec![None] });
        let mut part = Part { examples, file: "train".into() };
        let mut corpus = Corpus {
            fields: vec!["text".into(), Sentences::FIELD.into()],
            lexicons: vec![text, Lexicon::default()],
            ..Corpus::default()
        };
        let sentences = Sentences { ends: vec![".".into(), "!".into()], field: "text".into() };
        sentences.number(&mut part, &mut corpus);
        let number = |example: &Example| {
            let symbols = example.symbols(1)?.iter();
            Some(
                symbols.map(|&symbol| corpus.lexicons[1].get(symbol)).collect::<Vec<_>>().join(" "),
            )
        };
        let found: Vec<_> = part.examples.iter().map(number).collect();
        assert_eq!(found, [Some("1 1 2 2 2 3".into()), Some("1 1 2".into()), None]);
    }
}
