//! Spelling: an additional sequence with the characters of a label, of a raw text or of the tokens of a text, so that
//! encoders and decoders can read and write characters as they do words.

use std::sync::Arc;

use super::{Axis, Corpus, Example, FieldValues, SplitData};

/// The character in place of white space, as in SentencePiece (Kudo and Richardson 2018): a token is never a space.
pub const SPACE: &str = "\u{2581}";

/// The field that is spelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpelledField {
    /// Its name.
    pub of: String,
}

impl SpelledField {
    /// The name of the field of characters, and of its sequence.
    pub const FIELD: &'static str = "spelling";

    /// The text of some characters.
    pub fn text<'a>(characters: impl Iterator<Item = &'a str>) -> String {
        characters.map(|character| if character == SPACE { " " } else { character }).collect()
    }

    /// Adds its characters to each example of a split of that corpus. An example without a text, or with an empty one, has
    /// none.
    pub fn add(&self, split: &mut SplitData, corpus: &mut Corpus) {
        let here = corpus.field(Self::FIELD).expect("the corpus has the field");
        let of = corpus.field(&self.of);
        let Axis::Sequence(sequence) = corpus.fields[here].axis else { return };
        let mut lexicon = std::mem::take(&mut corpus.lexicons[here]);
        for example in &mut split.examples {
            let text = of.and_then(|of| text_of(example, of, corpus));
            let characters = text.map(|text| {
                let of_text = text.char_indices();
                let symbol = |(at, char): (usize, char)| {
                    let space = char.is_whitespace();
                    lexicon.intern(if space { SPACE } else { &text[at..at + char.len_utf8()] })
                };
                of_text.map(symbol).collect::<Vec<_>>()
            });
            example.add_text(sequence, here, characters.unwrap_or_default());
        }
        corpus.lexicons[here] = lexicon;
    }
}

/// The text of a field of an example: that of tokens has spaces between them.
fn text_of(example: &Example, field: usize, corpus: &Corpus) -> Option<Arc<str>> {
    let lexicon = &corpus.lexicons[field];
    match example.fields.get(field)?.as_ref()? {
        FieldValues::Text(text) => Some(text.clone()),
        FieldValues::Label(label) => Some(lexicon.get(*label).into()),
        FieldValues::Symbols(tokens) => {
            let tokens: Vec<&str> = tokens.iter().map(|token| lexicon.get(*token)).collect();
            Some(tokens.join(" ").into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Field, FieldForm, Schema};

    #[test]
    fn a_label_a_text_and_tokens_are_spelled() {
        let fields = vec![
            Field::of_tokens("words"),
            Field::of_examples("label"),
            Field::new("raw", Axis::Example, FieldForm::Text),
        ];
        let spelled = |of: &str| {
            let mut schema = Schema::of_tokens(fields.clone());
            schema.add_text(SpelledField::FIELD);
            let mut corpus = Corpus::of_schema(schema);
            let tokens = ["né", "ab"].map(|word| corpus.lexicons[0].intern(word));
            let label = corpus.lexicons[1].intern("a b");
            let values = [
                Some(FieldValues::Symbols(tokens.to_vec())),
                Some(FieldValues::Label(label)),
                Some(FieldValues::Text("x\ny".into())),
            ];
            let mut examples = vec![Example::of_tokens(vec![7, 7], values.to_vec())];
            examples.push(Example::of_tokens(
                vec![8],
                vec![None, None, Some(FieldValues::Text("".into()))],
            ));
            let mut split = SplitData { examples, ..SplitData::default() };
            SpelledField { of: of.to_owned() }.add(&mut split, &mut corpus);
            let [spelled, without] = &split.examples[..] else { panic!("two examples") };
            assert_eq!((without.fields[3].clone(), without.sequences[1].clone()), (None, None));
            let symbols = spelled.symbols(3).unwrap();
            assert_eq!(spelled.len_of(1), symbols.len());
            let lexicon = &corpus.lexicons[3];
            symbols.iter().map(|symbol| lexicon.get(*symbol).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(spelled("words"), ["n", "é", SPACE, "a", "b"]);
        assert_eq!(spelled("label"), ["a", SPACE, "b"]);
        assert_eq!(spelled("raw"), ["x", SPACE, "y"]);
        assert_eq!(SpelledField::text(["n", "é", SPACE, "a"].into_iter()), "né a");
    }
}
