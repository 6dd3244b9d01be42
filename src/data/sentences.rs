//! Sentences in running text: an additional field with the sentence of each token.

use super::{Axis, Corpus, Field, FieldForm, FieldValues, SplitData};

/// The tokens that end a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentences {
    /// The tokens.
    pub ends: Vec<String>,
    /// The field that contains them.
    pub field: String,
}

impl Sentences {
    /// The name of the field with the sentence numbers.
    pub const FIELD: &str = "sentence";

    /// That field, on this axis.
    pub fn field(axis: Axis) -> Field {
        Field::new(Self::FIELD, axis, FieldForm::Segments)
    }

    /// Adds its sentences to each example of a split of that corpus, whose last field is that of
    /// the sentences. They are counted from 1 in each example; one without tokens in the field has
    /// none.
    pub fn divide(&self, split: &mut SplitData, corpus: &Corpus) {
        let field = corpus.field(&self.field).expect("the checker has seen the field");
        let is_end = |string: &str| self.ends.iter().any(|end| end == string);
        let ends: Vec<bool> = corpus.lexicons[field].iter().map(is_end).collect();
        for example in &mut split.examples {
            let segments = example.symbols(field).map(|symbols| {
                let mut sentence = 1;
                let each = symbols.iter().map(|&symbol| {
                    let here = sentence;
                    sentence += u32::from(ends[symbol as usize]);
                    here
                });
                FieldValues::Segments(each.collect())
            });
            example.fields.resize(corpus.fields.len() - 1, None);
            example.fields.push(segments);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Example, Lexicon, Schema};

    #[test]
    fn a_sentence_ends_at_its_last_token_or_at_the_end_of_the_example() {
        let mut text = Lexicon::default();
        let mut example = |words: &str| {
            let symbols: Vec<_> = words.split(' ').map(|word| text.intern(word)).collect();
            let lines = vec![1; symbols.len()];
            Example::of_tokens(lines, vec![Some(FieldValues::Symbols(symbols))])
        };
        let mut examples = vec![example("so . it goes ! on"), example("on . .")];
        examples.push(Example::of_tokens(vec![1], vec![None]));
        let mut split = SplitData { examples, file: "train".into(), ..SplitData::default() };
        let fields = vec![Field::of_tokens("text"), Sentences::field(Axis::Sequence(0))];
        let mut corpus = Corpus::of_schema(Schema::of_tokens(fields));
        corpus.lexicons[0] = text;
        let sentences = Sentences { ends: vec![".".into(), "!".into()], field: "text".into() };
        sentences.divide(&mut split, &corpus);
        let found: Vec<_> =
            split.examples.iter().map(|example| example.fields[1].clone()).collect();
        let wanted = [vec![1, 1, 2, 2, 2, 3], vec![1, 1, 2]];
        let wanted: Vec<_> =
            wanted.into_iter().map(|all| Some(FieldValues::Segments(all))).collect();
        assert_eq!(found, [&wanted[..], &[None]].concat());
    }
}
