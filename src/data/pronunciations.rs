//! Pronunciations: an additional sequence with the phonemes of the words of a transcript or a label, from a dictionary, so
//! that decoders can generate phonemes as they do words.
//!
//! A line of a dictionary is a word and its phonemes, separated by white space, as in CMUdict: `seven  S EH1 V AH0 N`.
//! `word(2)` is an alternative; of several, the first is used. Lines that start with `;;;` and what follows ` #` are
//! comments. Words are looked up as they are, then in lower case, then in upper case.

use std::collections::BTreeMap;

use super::{Axis, Corpus, FieldValues, SplitData, Symbol, read::ReadError};

/// A pronouncing dictionary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dictionary(BTreeMap<Box<str>, Box<str>>);

/// A dictionary, and the field whose words are pronounced.
#[derive(Clone, Copy, Debug)]
pub struct Pronunciations<'a> {
    /// The field.
    pub of: &'a str,
    /// The dictionary.
    pub dictionary: &'a Dictionary,
}

impl Dictionary {
    /// Reads a dictionary. The error follows the name of its file.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            format!("expected UTF-8, found other bytes at byte {}", error.valid_up_to())
        })?;
        let mut words = BTreeMap::new();
        for (line, number) in text.trim_start_matches('\u{feff}').lines().zip(1..) {
            let line = line.split(" #").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with(";;;") {
                continue;
            }
            let mut parts = line.split_whitespace();
            let word = parts.next().unwrap_or_default();
            let phonemes = parts.collect::<Vec<_>>().join(" ");
            if phonemes.is_empty() {
                return Err(format!(
                    "line {number}: expected a word and its phonemes, found {word:?} alone"
                ));
            }
            let word = word.strip_suffix(')').and_then(|word| word.split_once('(')).map_or(
                word,
                |(word, number)| {
                    if number.parse::<u32>().is_ok() { word } else { line }
                },
            );
            words.entry(word.into()).or_insert_with(|| phonemes.into());
        }
        if words.is_empty() {
            Err("expected a word in a line, found none".to_owned())
        } else {
            Ok(Self(words))
        }
    }

    /// The phonemes of a text; the error is a word that the dictionary lacks.
    fn pronounce<'t>(&self, text: &'t str) -> Result<Vec<&str>, &'t str> {
        let forms = |word: &str| [word.to_owned(), word.to_lowercase(), word.to_uppercase()];
        let phonemes = |word: &'t str| {
            let found = forms(word).into_iter().find_map(|form| self.0.get(form.as_str()));
            found.map(AsRef::as_ref).ok_or(word)
        };
        let words: Vec<&str> = text.split_whitespace().map(phonemes).collect::<Result<_, _>>()?;
        Ok(words.into_iter().flat_map(str::split_whitespace).collect())
    }
}

impl Pronunciations<'_> {
    /// The name of the field of phonemes, and of its sequence.
    pub const FIELD: &'static str = "phonemes";

    /// Leaves every example of a split of that corpus without phonemes.
    pub fn leave_out(split: &mut SplitData, corpus: &Corpus) {
        for example in &mut split.examples {
            example.sequences.resize(corpus.sequences.len(), None);
            example.fields.resize(corpus.fields.len(), None);
        }
    }

    /// Adds the phonemes to each example of a split of that corpus; one without a text, or with an empty one, has none.
    /// Returns the faults: words that the dictionary lacks. Their examples are removed.
    pub fn add(self, split: &mut SplitData, corpus: &mut Corpus) -> Vec<ReadError> {
        let of = corpus.field(self.of).expect("the checker has seen the field");
        let here = corpus.field(Self::FIELD).expect("the corpus has the field");
        let Axis::Sequence(sequence) = corpus.fields[here].axis else { return Vec::new() };
        let mut lexicon = std::mem::take(&mut corpus.lexicons[here]);
        let (labels, file) = (&corpus.lexicons[of], split.file.clone());
        let mut faults = Vec::new();
        split.examples.retain_mut(|example| {
            let text = match &example.fields[of] {
                Some(FieldValues::Text(text)) => text.as_ref(),
                Some(FieldValues::Label(label)) => labels.get(*label),
                _ => "",
            };
            let phonemes: Vec<Symbol> = match self.dictionary.pronounce(text) {
                Ok(phonemes) => phonemes.into_iter().map(|it| lexicon.intern(it)).collect(),
                Err(word) => {
                    let what = format!(
                        "no pronunciation of {word:?}, a word of {:?}; add it to the dictionary",
                        self.of
                    );
                    let file = example.file.clone().unwrap_or_else(|| file.clone());
                    faults.push(ReadError { file, line: example.line, what });
                    return false;
                }
            };
            example.add_text(sequence, here, phonemes);
            true
        });
        corpus.lexicons[here] = lexicon;
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Example, Field, FieldForm, Lexicon, Positions, Schema, SequenceSpec};

    const CMUDICT: &str = ";;; a comment\nseven S EH1 V AH0 N\nzero Z IH1 R OW0\nzero(2) Z IY1 R OW0 # rarer\n\
                           A.  EY1\n(paren P ER0 EH1 N\n";

    #[test]
    fn a_text_is_pronounced_by_the_first_pronunciation_of_each_word() {
        let dictionary = Dictionary::read(CMUDICT.as_bytes()).unwrap();
        let of = |text| dictionary.pronounce(text);
        let zero_seven = ["Z", "IH1", "R", "OW0", "S", "EH1", "V", "AH0", "N"];
        assert_eq!(of("Zero seven").unwrap(), zero_seven);
        assert_eq!(of("a. (paren").unwrap(), ["EY1", "P", "ER0", "EH1", "N"]);
        assert_eq!(of("zero nine ten"), Err("nine"));
        let why = |text: &str| Dictionary::read(text.as_bytes()).unwrap_err();
        assert_eq!(
            why("one W AH1 N\ntwo\n"),
            "line 2: expected a word and its phonemes, found \"two\" alone"
        );
        assert_eq!(why("\n"), "expected a word in a line, found none");
        assert!(Dictionary::read(b"\xff").unwrap_err().starts_with("expected UTF-8"));
    }

    #[test]
    fn examples_receive_phonemes_or_are_faulty() {
        let mut names = Lexicon::default();
        let example = |line, label| Example {
            line,
            file: None,
            sequences: vec![Some(Positions::on_line(line, 2))],
            fields: vec![None, label],
        };
        let (seven, other) = (names.intern("seven"), names.intern("other"));
        let labels = [Some(seven), None, Some(other)];
        let examples =
            (1..).zip(labels).map(|(line, label)| example(line, label.map(FieldValues::Label)));
        let mut split =
            SplitData { examples: examples.collect(), file: "f".into(), ..SplitData::default() };
        let audio = Field::new("audio", Axis::Sequence(0), FieldForm::Frames);
        let mut schema = Schema {
            sequences: vec![SequenceSpec { name: "audio".into(), is_list: false }],
            fields: vec![audio, Field::of_examples("digit")],
        };
        schema.add_text(Pronunciations::FIELD);
        let mut corpus = Corpus::of_schema(schema);
        corpus.lexicons[1] = names;
        let dictionary = &Dictionary::read(CMUDICT.as_bytes()).unwrap();
        let faults = Pronunciations { of: "digit", dictionary }.add(&mut split, &mut corpus);
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            ["f:3: no pronunciation of \"other\", a word of \"digit\"; add it to the dictionary"]
        );
        let [seven, without] = &split.examples[..] else { panic!("two examples") };
        let phonemes = seven.symbols(2).unwrap().iter().map(|it| corpus.lexicons[2].get(*it));
        assert_eq!(phonemes.collect::<Vec<_>>(), ["S", "EH1", "V", "AH0", "N"]);
        assert_eq!((seven.len_of(1), without.len_of(1)), (5, 0));
        assert_eq!((&without.fields[2], &without.sequences[1]), (&None, &None));
    }
}
