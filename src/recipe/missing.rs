//! Examples that lack a field that an encoder looks words up in, or have frames of another form than it reads. A
//! format may accept them, as labels may be missing; as an input the field is required.
//!
//! Where a file has a placeholder such as `_`, that is the word. If the field is also one of labels, it is none there.

use std::collections::{BTreeMap, BTreeSet};

use super::{EncoderSpec, ObjectiveSpec, Recipe, encoder::closure};
use crate::{
    data::{
        Axis, Corpus, Example, FieldForm, FieldValues, Placeholder, SplitData, Symbol,
        read::ReadError,
    },
    keys::describe::quoted,
    model::encoder::{FrameForm, RowSource},
};

impl Recipe {
    /// A fault for each example of a split that has positions but not the field of words that an
    /// encoder reads for one of these objectives, or frames of another dimension.
    pub fn missing_inputs<'a>(
        &self,
        objectives: impl Iterator<Item = &'a ObjectiveSpec>,
        corpus_idx: usize,
        corpus: &Corpus,
        split: &SplitData,
    ) -> Vec<ReadError> {
        let mut readers = BTreeMap::<usize, BTreeSet<&str>>::new();
        let mut forms = BTreeSet::<(usize, &str, FrameForm)>::new();
        for objective in objectives {
            for (field, encoder) in self.words_read(objective, corpus_idx, corpus) {
                readers.entry(field).or_default().insert(encoder);
            }
            for (field, encoder) in self.fields_read(objective, corpus_idx, corpus) {
                let form = encoder.config.frames();
                forms.extend(form.map(|form| (field, encoder.name.as_str(), form)));
            }
        }
        let faults = absent(&readers, corpus, split);
        let of_frames = split.examples.iter().flat_map(|example| {
            let others = forms.iter().filter_map(|&(field, encoder, form)| {
                let name = &corpus.fields[field].name;
                let what = other_frames(example.fields[field].as_ref()?, (name, encoder), form)?;
                let file = split.file_of(example, name);
                Some(ReadError { file, line: example.line, what })
            });
            others.collect::<Vec<_>>()
        });
        faults.chain(of_frames).collect()
    }

    /// A fault for each example of a split that lacks the label from which an objective's encoders compute their rows:
    /// without a class no text of it can be generated. In training such an example has no loss.
    pub fn missing_labels(
        &self,
        objective: &ObjectiveSpec,
        corpus_idx: usize,
        corpus: &Corpus,
        split: &SplitData,
    ) -> Vec<ReadError> {
        let mut readers = BTreeMap::<usize, BTreeSet<&str>>::new();
        for (field, encoder) in self.fields_read(objective, corpus_idx, corpus) {
            if corpus.fields[field].form == FieldForm::Label {
                readers.entry(field).or_default().insert(&encoder.name);
            }
        }
        absent(&readers, corpus, split).collect()
    }

    /// The placeholders that are words of a corpus: those of fields that encoders read for these objectives.
    pub fn placeholders<'a>(
        &self,
        objectives: impl Iterator<Item = &'a ObjectiveSpec>,
        corpus_idx: usize,
        corpus: &mut Corpus,
    ) -> Vec<PlaceholderWord> {
        let read = objectives.flat_map(|objective| self.words_read(objective, corpus_idx, corpus));
        let read: BTreeSet<usize> = read.map(|(field, _)| field).collect();
        let words = read.into_iter().filter_map(|field| {
            let Placeholder { text, is_required } = corpus.fields[field].placeholder.as_ref()?;
            let symbol = corpus.lexicons[field].intern(text);
            Some(PlaceholderWord { field, symbol, is_required: *is_required })
        });
        words.collect()
    }

    /// The fields of words that encoders read for an objective, each with the encoder's name.
    fn words_read(
        &self,
        objective: &ObjectiveSpec,
        corpus_idx: usize,
        corpus: &Corpus,
    ) -> Vec<(usize, &str)> {
        let fields = self.fields_read(objective, corpus_idx, corpus).into_iter();
        let words = fields.filter(|(field, _)| corpus.fields[*field].form == FieldForm::Symbols);
        words.map(|(field, encoder)| (field, encoder.name.as_str())).collect()
    }

    /// The texts of a corpus that encoders read for an objective, in the corpus's order: all of them if they read none.
    pub fn texts_read(&self, objective: &ObjectiveSpec, corpus_idx: usize) -> Vec<String> {
        let read = self.names_read(objective, corpus_idx);
        let texts = self.corpora[corpus_idx].schema.sequences.iter().map(|text| text.name.clone());
        let is_read = |text: &String| read.iter().any(|(name, _)| name == text);
        let of_encoders: Vec<String> = texts.clone().filter(is_read).collect();
        if of_encoders.is_empty() { texts.collect() } else { of_encoders }
    }

    /// The fields that encoders read for an objective.
    fn fields_read(
        &self,
        objective: &ObjectiveSpec,
        corpus_idx: usize,
        corpus: &Corpus,
    ) -> Vec<(usize, &EncoderSpec)> {
        let names = self.names_read(objective, corpus_idx).into_iter();
        names.filter_map(|(name, encoder)| Some((corpus.field(&name)?, encoder))).collect()
    }

    /// The names of these fields.
    fn names_read(
        &self,
        objective: &ObjectiveSpec,
        corpus_idx: usize,
    ) -> Vec<(String, &EncoderSpec)> {
        let spec = |at: usize| self.encoders.get(at);
        let index = |name: &str| self.encoders.iter().position(|encoder| encoder.name == name);
        let taps = objective.taps.iter().flatten();
        let runs = taps.flat_map(|tap| closure(spec, index, tap, corpus_idx));
        let fields = runs.flat_map(|(at, prefix)| {
            let encoder = &self.encoders[at];
            let own = encoder.config.field();
            let own = own.filter(|_| encoder.kind.source() == RowSource::Field);
            let prefix = prefix.as_deref();
            let names = [own.map(|own| prefix.unwrap_or(own)), encoder.other_text(prefix)];
            let names = names.into_iter().flatten();
            names.map(|name| (name.to_owned(), encoder)).collect::<Vec<_>>()
        });
        fields.collect()
    }
}

/// A fault for each example that lacks one of these fields, which encoders with these names read.
fn absent<'a>(
    readers: &'a BTreeMap<usize, BTreeSet<&'a str>>,
    corpus: &'a Corpus,
    split: &'a SplitData,
) -> impl Iterator<Item = ReadError> + 'a {
    split.examples.iter().flat_map(move |example| {
        let lacking = readers.iter().filter(|(field, _)| lacks(example, corpus, **field));
        lacking.map(|(&field, encoders)| ReadError {
            file: split.file_of(example, &corpus.fields[field].name),
            line: example.line,
            what: format!(
                "expected {:?}, the input of {} {}, found none; add it to the example",
                corpus.fields[field].name,
                if encoders.len() == 1 { "encoder" } else { "encoders" },
                quoted(encoders.iter().copied())
            ),
        })
    })
}

/// A placeholder that is a word of a field.
#[derive(Clone, Copy, Debug)]
pub struct PlaceholderWord {
    field: usize,
    symbol: Symbol,
    /// Whether every file has the field.
    is_required: bool,
}

impl PlaceholderWord {
    /// Puts the word where the examples of a split lack one.
    pub fn fill(self, split: &mut SplitData) {
        let Self { field, symbol, is_required } = self;
        let has_field = |example: &Example| example.fields[field].is_some();
        // A file without labels may lack the column.
        if !is_required && !split.examples.iter().any(has_field) {
            return;
        }
        for example in &mut split.examples {
            let mut symbols = vec![symbol; example.len_of(0)];
            let labelled = match &mut example.fields[field] {
                None => Vec::new(),
                Some(FieldValues::Partial { symbols: some, positions }) => {
                    for (&word, &position) in some.iter().zip(&*positions) {
                        symbols[position as usize] = word;
                    }
                    std::mem::take(positions)
                }
                Some(_) => continue,
            };
            example.fields[field] = Some(FieldValues::Filled { symbols, labelled });
        }
    }
}

/// The fault of frames of another form than an encoder reads; the names are those of the field and of the encoder.
fn other_frames(
    values: &FieldValues,
    (field, encoder): (&str, &str),
    form: FrameForm,
) -> Option<String> {
    let &FieldValues::Frames { width: found, picture, .. } = values else { return None };
    match (form, picture) {
        (FrameForm::Vectors(width), _) if found == width => None,
        (FrameForm::Vectors(width), _) => Some(format!(
            "expected frames of dimension {width} in {field:?}, found {found}; set `encoder.{encoder}.width`"
        )),
        (FrameForm::Pictures(size), Some(found)) if found == size => None,
        (FrameForm::Pictures(size), Some(found)) => Some(format!(
            "expected pictures of height × width × channels {size} in {field:?}, found {found}; set \
             `encoder.{encoder}.size`, or `height` and `width` of the corpus"
        )),
        (FrameForm::Pictures(size), None) => Some(format!(
            "expected pictures of height × width × channels {size} in {field:?}, found vectors of dimension {found}; \
             read them by an encoder of kind \"frames\""
        )),
    }
}

/// Whether an example has rows for a field but no values.
fn lacks(example: &Example, corpus: &Corpus, field: usize) -> bool {
    let has_rows = match corpus.fields[field].axis {
        Axis::Sequence(sequence) => example.len_of(sequence) > 0,
        Axis::Items(sequence) => {
            let items = example.sequences[sequence].as_ref();
            items.is_some_and(|items| !items.items().is_empty())
        }
        Axis::Example => true,
    };
    let has_values = match corpus.fields[field].form {
        FieldForm::Label => example.label(field).is_some(),
        _ => example.symbols(field).is_some(),
    };
    has_rows && !has_values
}
