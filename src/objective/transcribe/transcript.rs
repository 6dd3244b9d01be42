//! Transcripts: texts or labels of a field, or the strings of the tokens of a sequence, as sequences of units.

use crate::data::{Batch, Corpus, Example, FieldForm, FieldValues, Lexicon, Symbol};

/// What a transcript is a sequence of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Units {
    Characters,
    /// What white space separates.
    Words,
}

impl Units {
    /// The text of some units.
    pub(super) fn join<'a>(self, units: impl Iterator<Item = &'a str>) -> String {
        match self {
            Self::Characters => units.collect(),
            Self::Words => units.collect::<Vec<_>>().join(" "),
        }
    }

    /// Their name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Characters => "character",
            Self::Words => "word",
        }
    }
}

/// The field of a corpus that has transcripts.
#[derive(Clone, Copy, Debug)]
pub(super) struct TranscriptField {
    pub(super) index: usize,
    form: FieldForm,
    units: Units,
}

impl TranscriptField {
    /// The field with that name, if the corpus has it.
    pub(super) fn find(name: &str, units: Units, corpus: &Corpus) -> Option<Self> {
        let index = corpus.field(name)?;
        Some(Self { index, form: corpus.fields[index].form, units })
    }

    /// The units of the transcript of an example, if it has one.
    pub(super) fn units_of<'a>(
        self,
        example: &'a Example,
        corpus: &'a Corpus,
    ) -> Option<Vec<&'a str>> {
        let transcript = match example.fields.get(self.index)?.as_ref()? {
            FieldValues::Text(text) => Transcript::Text(text),
            values => Transcript::of_tokens(values.label_symbols().collect())?,
        };
        Some(transcript.units(self.units, &corpus.lexicons[self.index]))
    }

    /// The transcript of an example of a batch, if it has one.
    pub(super) fn of_batch(self, batch: &Batch, example: usize) -> Option<Transcript<'_>> {
        match self.form {
            FieldForm::Text => match batch.values(self.index).get(example)?.as_ref()? {
                FieldValues::Text(text) => Some(Transcript::Text(text)),
                _ => None,
            },
            FieldForm::Label => {
                Transcript::of_tokens(batch.labels(self.index)[example].into_iter().collect())
            }
            _ => {
                let symbols = batch.row_labels(self.index);
                let rows = batch.rows_of(self.index, example).into_iter();
                Transcript::of_tokens(rows.filter_map(|row| symbols[row]).collect())
            }
        }
    }
}

/// The transcript of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Transcript<'a> {
    Text(&'a str),
    /// The strings of tokens, or a label; never empty, as a sequence without tokens is one that is missing.
    Tokens(Vec<Symbol>),
}

impl Transcript<'_> {
    fn of_tokens(tokens: Vec<Symbol>) -> Option<Self> {
        (!tokens.is_empty()).then_some(Self::Tokens(tokens))
    }

    /// Its text; that of tokens has spaces between them.
    pub(super) fn text(&self, lexicon: &Lexicon) -> String {
        match self {
            Self::Text(text) => (*text).to_owned(),
            Self::Tokens(tokens) => {
                Units::Words.join(tokens.iter().map(|&token| lexicon.get(token)))
            }
        }
    }
}

impl<'a> Transcript<'a> {
    /// Its units. A token is a word, or several if it has spaces, as a label may; its characters are followed by a space
    /// where another token follows.
    pub(super) fn units(&self, units: Units, lexicon: &'a Lexicon) -> Vec<&'a str> {
        match (self, units) {
            (Self::Text(text), Units::Characters) => characters(text).collect(),
            (Self::Text(text), Units::Words) => text.split_whitespace().collect(),
            (Self::Tokens(tokens), Units::Characters) => {
                let spelt = tokens.iter().enumerate().flat_map(|(at, &token)| {
                    let space = (at > 0).then_some(" ");
                    space.into_iter().chain(characters(lexicon.get(token)))
                });
                spelt.collect()
            }
            (Self::Tokens(tokens), Units::Words) => {
                tokens.iter().flat_map(|&token| lexicon.get(token).split_whitespace()).collect()
            }
        }
    }
}

fn characters(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().map(|(at, char)| &text[at..at + char.len_utf8()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_its_characters_or_words_and_tokens_have_spaces_between() {
        let lexicon: Lexicon = ["né", "b c", "d"].into_iter().collect();
        let text = Transcript::Text(" né  d");
        assert_eq!(text.units(Units::Characters, &lexicon), [" ", "n", "é", " ", " ", "d"]);
        assert_eq!(text.units(Units::Words, &lexicon), ["né", "d"]);
        assert_eq!(text.text(&lexicon), " né  d");
        let tokens = Transcript::of_tokens(vec![0, 2, 1]).unwrap();
        assert_eq!(tokens.units(Units::Words, &lexicon), ["né", "d", "b", "c"]);
        let characters = ["n", "é", " ", "d", " ", "b", " ", "c"];
        assert_eq!(tokens.units(Units::Characters, &lexicon), characters);
        assert_eq!(tokens.text(&lexicon), "né d b c");
        assert_eq!(Units::Characters.join(characters.into_iter()), "né d b c");
        assert_eq!(Transcript::of_tokens(Vec::new()), None);
        assert_eq!(Transcript::Text("").units(Units::Characters, &lexicon), [""; 0]);
    }
}
