//! Sequences of frames with texts: vectors, or pictures.
//!
//! A file is a manifest, JSON lines with the frames of an example in each and any of its texts and labels. Frames are
//! an array of vectors, or the path of a file relative to the manifest's folder: a NumPy array (`npy`), a tensor of a
//! safetensors file (`tensors`), which the key `tensor` of the object names if there are several, or PNG pictures
//! (`pictures`): one, an array of them, or those that match a pattern such as `clip-3/*.png`, in which 2 is before 10.
//!
//! An array of two dimensions is frames × values. One of four is pictures, frames × height × width × channels, and one
//! of three is pictures of a single channel. Pictures are resized by averaging areas (`resize`) if the recipe says so.
//! Integers of 8 bits, those of pictures among them, are divided by 255.

mod array;
mod manifest;
mod npy;
mod pictures;
mod resize;
mod tensors;

#[cfg(test)]
mod tests;

use super::{
    Axis, Corpus, Example, Field, FieldForm, Format, Labels, Read, Schema, SequenceSpec, Source,
    columns,
    encoding::{self, Decoder},
    jsonl::{objects, read_objects, write_predicted},
    tokens,
};
use crate::{
    data::{prediction::FieldPredictions, write::UnwritableError},
    keys::{Key, ValueType, Values},
};
use manifest::Manifest;

pub(super) struct Frames;

const NAMES: ValueType = ValueType::List(&ValueType::Text);

const FRAMES: &str = "frames";
const TEXTS: &str = "texts";
const LABELS: &str = "labels";
const SETS: &str = "sets";
const HEIGHT: &str = "height";
const WIDTH: &str = "width";

/// The most rows or columns to which a picture is resized.
const MOST: u64 = 4096;

const KEYS: &[Key] = &[
    Key::with_default(
        FRAMES,
        ValueType::Text,
        "\"frames\"",
        "the key of the frames, and the name of their field: an array of vectors, or the path of a .npy, .safetensors \
         or PNG file, several PNG files, or a pattern of them",
    ),
    Key::optional(TEXTS, NAMES, "keys of texts: a string, or an array of its tokens"),
    Key::optional(LABELS, NAMES, "keys of labels: a string, a number, true or false"),
    Key::optional(SETS, NAMES, "keys of sets of labels: arrays of any length"),
    Key::optional(
        HEIGHT,
        ValueType::Within(1, MOST),
        "number of rows of pixels to which pictures are resized; default: as they are",
    ),
    Key::optional(WIDTH, ValueType::Within(1, MOST), "number of columns, likewise"),
    tokens::KEY,
    encoding::INVALID,
];

/// The recipe keys that name fields after that of the frames, in the order of the fields, and their form.
const FIELDS: [(&str, FieldForm); 3] =
    [(TEXTS, FieldForm::Symbols), (LABELS, FieldForm::Label), (SETS, FieldForm::Labels)];

impl Format for Frames {
    fn name(&self) -> &'static str {
        "frames"
    }

    fn about(&self) -> &'static str {
        "frames with texts: JSON lines with vectors, or with the path of an array or of PNG pictures"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn check(&self, values: &Values) -> Vec<(&'static str, String)> {
        let keys = [FRAMES, TEXTS, LABELS, SETS];
        let mut faults = columns::fields_twice(values, &keys);
        for key in keys {
            let names = values.texts(key).into_iter();
            faults.extend(names.filter(|name| *name == manifest::TENSOR).map(|name| {
                (key, format!("{name:?} is the key of a tensor's name; name the field otherwise"))
            }));
        }
        for (key, other) in [(HEIGHT, WIDTH), (WIDTH, HEIGHT)] {
            if values.get(key).is_some() && values.get(other).is_none() {
                faults.push((key, format!("expected `{other}` with it, found none; add it")));
            }
        }
        faults
    }

    fn schema(&self, values: &Values) -> Schema {
        let frames = values.text(FRAMES);
        let texts = values.texts(TEXTS);
        let sequence = |name: &str| SequenceSpec { name: name.to_owned(), is_list: false };
        let mut fields = vec![Field::new(frames, Axis::Sequence(0), FieldForm::Frames)];
        for (key, form) in FIELDS {
            for (name, at) in values.texts(key).into_iter().zip(1..) {
                let axis = if key == TEXTS { Axis::Sequence(at) } else { Axis::Example };
                fields.push(Field::new(name, axis, form));
            }
        }
        Schema { sequences: std::iter::once(frames).chain(texts).map(sequence).collect(), fields }
    }

    fn named_files(&self, source: &Source, values: &Values) -> Vec<String> {
        let named = objects(source).flat_map(|object| {
            let named = object.get(values.text(FRAMES)).map(manifest::paths).unwrap_or_default();
            // A path without a file is a fault of the corpus.
            let files =
                |path: &str| source.folder.matching(path).unwrap_or_else(|_| vec![path.to_owned()]);
            named.into_iter().flat_map(files).collect::<Vec<_>>()
        });
        let mut named: Vec<String> = named.collect();
        named.dedup();
        named
    }

    fn read(
        &self,
        sources: &[Source],
        values: &Values,
        _labels: Labels,
        corpus: &mut Corpus,
    ) -> Read {
        let source = &sources[0];
        let decoder = Decoder::new(values, &source.bytes);
        let mut manifest = Manifest::new(values, &source.folder);
        read_objects(source, &decoder, |object, line| manifest.example(object, line, corpus))
    }

    fn no_prediction(&self) -> &'static str {
        "null"
    }

    fn write(
        &self,
        source: &Source,
        values: &Values,
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        let is_array =
            [FRAMES, TEXTS, SETS].iter().any(|key| values.texts(key).contains(&field.field));
        Ok(write_predicted(source, examples, field, is_array))
    }
}
