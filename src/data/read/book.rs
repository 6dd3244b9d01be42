//! Book: plain text, from whose sentences the discourse examples of Jernite, Bowman and Sontag (2017) are made.
//!
//! `order` makes pairs of adjacent sentences, in their order (`yes`) or swapped (`no`); no sentence is in two pairs.
//! `next` makes contexts of three sentences with five candidates, in a drawn order: the one that follows (`yes`), and four
//! others, from the eight after it, or with `negatives = "text"` from the whole text, which is easier. A context starts
//! `stride` sentences after the one before it. `connective` makes pairs of adjacent sentences of which the second starts with a
//! connective; it is removed, with a comma after it, and its group is the label. There are nine groups, after the paper:
//! addition, contrast, time, result, specific, compare, strengthen, return and recognize. All sentences of an example
//! are of one chapter (`sentences` has the rules). The draws depend on `seed` and the number of the example only.
//!
//! The labels are made from the text, so input to `predict` always has them. Predictions are a file of their own, with a
//! line for each example.

mod sentences;

use std::ops::Range;

use super::{
    Axis, Corpus, Example, Field, FieldForm, FieldValues, Format, FoundLabels, KnownLabels, Labels,
    Positions, Read, ReadError, Schema, SequenceSpec, Source,
    encoding::{self, Decoder, Encoding},
    sentence_split, table,
    tokens::{self, Tokens},
};
use crate::{
    data::{
        Lexicon, Purpose, draw,
        draw::{below, choose, shuffle},
        prediction::FieldPredictions,
        write::UnwritableError,
    },
    keys::{Key, ValueType, Values},
};
use sentences::{Chapter, Sentence, chapters};

pub(super) struct Book;

const MAKE: &str = "make";
const ORDER: &str = "order";
const NEXT: &str = "next";
const CONNECTIVE: &str = "connective";
const LABEL: &str = "label";

const NEGATIVES: &str = "negatives";
const NEARBY: &str = "nearby";
const TEXT: &str = "text";
const STRIDE: &str = "stride";

const KEYS: &[Key] = &[
    Key::required(
        MAKE,
        ValueType::Choice(&[ORDER, NEXT, CONNECTIVE]),
        "examples that are made from the sentences",
    ),
    Key::with_default(
        NEGATIVES,
        ValueType::Choice(&[NEARBY, TEXT]),
        "\"nearby\"",
        "next: the other candidates are from the eight sentences after the next, or from the whole text",
    ),
    Key::with_default(
        STRIDE,
        ValueType::Count(1),
        "3",
        "next: sentences from one context to the one after it",
    ),
    Key::with_default("seed", ValueType::Seed, "1", "seed of the draws, independent of the run's"),
    sentence_split::ABBREVIATIONS,
    tokens::RAW_KEY,
    encoding::KEY,
    encoding::INVALID,
];

/// The sentences of a context, of the candidates, and of those that the others are drawn from.
const N_CONTEXT: usize = 3;
const N_CANDIDATES: usize = 5;
const N_NEARBY: usize = 8;

/// The connectives of each group, after Jernite et al. (2017).
const GROUPS: [(&str, &[&str]); 9] = [
    (
        "addition",
        &[
            "again",
            "also",
            "besides",
            "finally",
            "further",
            "furthermore",
            "moreover",
            "in addition",
        ],
    ),
    (
        "contrast",
        &[
            "anyway",
            "however",
            "instead",
            "nevertheless",
            "otherwise",
            "contrarily",
            "conversely",
            "nonetheless",
            "in contrast",
            "rather",
        ],
    ),
    ("time", &["meanwhile", "next", "then", "now", "thereafter"]),
    ("result", &["accordingly", "consequently", "hence", "thus", "therefore"]),
    ("specific", &["namely", "specifically", "notably", "that is", "for example"]),
    ("compare", &["likewise", "similarly"]),
    ("strengthen", &["indeed", "in fact"]),
    ("return", &["still"]),
    ("recognize", &["undoubtedly", "certainly"]),
];

impl Format for Book {
    fn name(&self) -> &'static str {
        "book"
    }

    fn about(&self) -> &'static str {
        "plain text, from whose sentences examples of their order, successor or connective are made"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn schema(&self, values: &Values) -> Schema {
        if values.text(MAKE) != NEXT {
            return tokens::schema(&["first", "second"], [Field::of_examples(LABEL)]);
        }
        let sequence = |name: &str, is_list| SequenceSpec { name: name.to_owned(), is_list };
        Schema {
            sequences: vec![sequence("context", false), sequence("candidates", true)],
            fields: vec![
                Field::of_tokens("context"),
                Field::new("candidates", Axis::Sequence(1), FieldForm::Symbols),
                Field::new(NEXT, Axis::Items(1), FieldForm::Symbols),
            ],
        }
    }

    fn read(&self, sources: &[Source], values: &Values, _: Labels, corpus: &mut Corpus) -> Read {
        let source = &sources[0];
        let decoder = Decoder::new(values, &source.bytes);
        let mut read = Read::default();
        read.split.file = source.name.clone();
        let fault = |line, what| {
            read.faults.push(ReadError { file: source.name.clone(), line, what });
        };
        let (cut, abbreviations) =
            (Tokens::of(values), values.texts(sentence_split::ABBREVIATIONS.name));
        let chapters = chapters(&source.bytes, &decoder, cut, &abbreviations, fault);
        read.n_faulty = read.faults.len() as u64;
        read.replaced = decoder.replaced(&source.name);
        let mut maker = Maker { seed: values.count("seed") as u64, corpus, examples: Vec::new() };
        match values.text(MAKE) {
            ORDER => chapters.iter().for_each(|chapter| maker.order(chapter)),
            NEXT => {
                let is_nearby = values.text(NEGATIVES) == NEARBY;
                let n_chapters = chapters.iter().map(Vec::len);
                let starts: Vec<usize> = n_chapters
                    .scan(0, |end, n_sentences| Some(std::mem::replace(end, *end + n_sentences)))
                    .collect();
                let text = chapters.concat();
                for (chapter, start) in chapters.iter().zip(starts) {
                    let within = start..start + chapter.len();
                    maker.next(&text, within, is_nearby, values.count(STRIDE));
                }
            }
            _ => chapters.iter().for_each(|chapter| maker.connective(chapter)),
        }
        read.split.examples = maker.examples;
        read
    }

    fn find_labels(
        &self,
        _sources: &[Source],
        _values: &Values,
        _known: &KnownLabels,
        _skips_faults: bool,
    ) -> Result<FoundLabels, ReadError> {
        Ok(FoundLabels::sure(Labels::Required))
    }

    fn write(
        &self,
        _source: &Source,
        values: &Values,
        _examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        let mut written = String::new();
        for prediction in field.predictions {
            let cell = table::cell(prediction, field.names)
                .ok_or(UnwritableError { format: self.name(), what: prediction.describe() })?;
            written += &(cell + "\n");
        }
        Ok(Encoding::of(values).encode(&written))
    }
}

/// Makes the examples of a file.
struct Maker<'c> {
    seed: u64,
    corpus: &'c mut Corpus,
    examples: Vec<Example>,
}

impl Maker<'_> {
    fn order(&mut self, chapter: &Chapter) {
        for pair in chapter.chunks_exact(2) {
            let mut order = [0, 1];
            shuffle(&mut order, &mut draw(self.seed, Purpose::Examples, ORDER, self.count()));
            let label = if order == [0, 1] { "yes" } else { "no" };
            self.pair(&pair[order[0]], &pair[order[1]], label);
        }
    }

    fn connective(&mut self, chapter: &Chapter) {
        for pair in chapter.windows(2) {
            if let Some((n_tokens, group)) = group(&pair[1]) {
                self.pair(&pair[0], &pair[1][n_tokens..], group);
            }
        }
    }

    /// Makes the examples of a chapter, the sentences of that range of the text.
    fn next(&mut self, text: &[Sentence], chapter: Range<usize>, is_nearby: bool, stride: usize) {
        if text.len() < N_CONTEXT + N_CANDIDATES {
            return;
        }
        let n_after = if is_nearby { N_CANDIDATES } else { 1 };
        let ends = chapter.end.saturating_sub(N_CONTEXT + n_after - 1);
        for start in (chapter.start..ends).step_by(stride) {
            let (context, next) = (start..start + N_CONTEXT, start + N_CONTEXT);
            let mut rng = draw(self.seed, Purpose::Examples, NEXT, self.count());
            let mut candidates = vec![next];
            if is_nearby {
                let mut nearby: Vec<usize> =
                    (next + 1..chapter.end.min(next + 1 + N_NEARBY)).collect();
                candidates.extend(choose(&mut nearby, N_CANDIDATES - 1, &mut rng));
            }
            while candidates.len() < N_CANDIDATES {
                let at = below(text.len(), &mut rng);
                let is_new = !(start..=next).contains(&at) && !candidates.contains(&at);
                candidates.extend(is_new.then_some(at));
            }
            shuffle(&mut candidates, &mut rng);
            let [words, items, marks, ..] = self.corpus.lexicons.as_mut_slice() else {
                unreachable!("the corpus has the fields of the format");
            };
            let (context, context_words) = sequence(text[context].iter().flatten(), words);
            let lengths = candidates.iter().map(|&at| text[at].len() as u32).collect();
            let of_items = candidates.iter().flat_map(|&at| &text[at]);
            let (of_items, item_words) = sequence(of_items, items);
            let mark = |&at: &usize| marks.intern(if at == next { "yes" } else { "no" });
            let marks = FieldValues::Symbols(candidates.iter().map(mark).collect());
            let sequences = vec![Some(context), Some(of_items.in_items(lengths))];
            self.push(sequences, vec![Some(context_words), Some(item_words), Some(marks)]);
        }
    }

    fn pair(&mut self, first: &[(String, u32)], second: &[(String, u32)], label: &str) {
        let [firsts, seconds, labels, ..] = self.corpus.lexicons.as_mut_slice() else {
            unreachable!("the corpus has the fields of the format");
        };
        let (first, first_words) = sequence(first, firsts);
        let (second, second_words) = sequence(second, seconds);
        let label = FieldValues::Label(labels.intern(label));
        let fields = vec![Some(first_words), Some(second_words), Some(label)];
        self.push(vec![Some(first), Some(second)], fields);
    }

    fn push(&mut self, sequences: Vec<Option<Positions>>, mut fields: Vec<Option<FieldValues>>) {
        fields.resize(self.corpus.fields.len(), None);
        let line = sequences[0].as_ref().map_or(1, |of| of.line(0));
        self.examples.push(Example { line, file: None, sequences, fields });
    }

    /// The number of examples so far.
    fn count(&self) -> u64 {
        self.examples.len() as u64
    }
}

/// The positions and words of tokens.
fn sequence<'s>(
    tokens: impl IntoIterator<Item = &'s (String, u32)>,
    lexicon: &mut Lexicon,
) -> (Positions, FieldValues) {
    let (symbols, lines) =
        tokens.into_iter().map(|(token, line)| (lexicon.intern(token), *line)).unzip();
    (Positions::on_lines(lines), FieldValues::Symbols(symbols))
}

/// The number of tokens of the connective that a sentence starts with, with a comma after it, and its group. What is
/// left of the sentence has a word.
fn group(sentence: &Sentence) -> Option<(usize, &'static str)> {
    let starts = |connective: &str| {
        let words: Vec<&str> = connective.split(' ').collect();
        let is_start = words.len() < sentence.len()
            && words
                .iter()
                .zip(sentence)
                .all(|(word, (token, _))| token.eq_ignore_ascii_case(word));
        is_start.then_some(words.len())
    };
    let mut found = GROUPS.iter().flat_map(|(group, connectives)| {
        connectives.iter().filter_map(move |connective| Some((starts(connective)?, *group)))
    });
    let (n_tokens, group) = found.next()?;
    let n_tokens = n_tokens + usize::from(sentence[n_tokens].0 == ",");
    let has_word =
        sentence[n_tokens..].iter().any(|(token, _)| token.chars().any(char::is_alphanumeric));
    has_word.then_some((n_tokens, group))
}

#[cfg(test)]
mod tests;
