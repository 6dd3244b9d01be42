//! Recordings with their transcripts: the frames of a recording are its log-mel energies (`mel`), computed once, when
//! the corpus is read.
//!
//! A file is a manifest, JSON lines with the path of a recording in each, relative to the manifest's folder; or it is
//! itself a recording, so that a pattern such as `recordings/{digit}_*_[5-9].wav` gives an example for each file, whose
//! label is in its name. An object may say which seconds of the recording it is about, by `offset` and `duration`.
//!
//! Recordings are WAV files (`wav`) of any sample rate, which are resampled to one (`resample`).

mod manifest;
mod mel;
mod resample;
mod wav;

#[cfg(test)]
mod tests;

use super::{
    Axis, Corpus, Example, Field, FieldForm, FieldValues, Format, Labels, Positions, Read,
    ReadError, Schema, SequenceSpec, Source, SplitData, columns,
    encoding::{self, Decoder},
    jsonl::{Object, objects, read_objects, write_predicted},
};
use crate::{
    data::{contents, prediction::FieldPredictions, write::UnwritableError},
    keys::{Key, ValueType, Values},
};
use manifest::{Features, Manifest};
use mel::{LogMel, MelSettings};
use wav::is_wav;

pub(super) struct Audio;

const NAMES: ValueType = ValueType::List(&ValueType::Text);

const KEYS: &[Key] = &[
    Key::with_default(
        "audio",
        ValueType::Text,
        "\"audio\"",
        "the key of the path of a recording, and the name of the field of its frames",
    ),
    Key::optional("texts", NAMES, "keys of transcripts: a string"),
    Key::optional("labels", NAMES, "keys of labels: a string, a number, true or false"),
    Key::optional(
        "states",
        NAMES,
        "keys of arrays of [start, end, label] with times in seconds, for the frames between them",
    ),
    Key::with_default(
        "sample_rate",
        ValueType::Within(1_000, 192_000),
        "16000",
        "sample rate in Hz; recordings of another one are resampled",
    ),
    Key::with_default(
        "bands",
        ValueType::Within(1, 1024),
        "40",
        "number of mel bands: the dimension of a frame",
    ),
    Key::with_default(
        "window",
        ValueType::Number(1.0, 1000.0),
        "25",
        "length of the window of a frame in ms",
    ),
    Key::with_default("hop", ValueType::Number(1.0, 1000.0), "10", "time between two frames in ms"),
    encoding::INVALID,
];

/// The settings that the keys give.
fn settings(values: &Values) -> MelSettings {
    let sample_rate = values.count("sample_rate") as u32;
    let samples = |key| (values.number(key) / 1000.0 * f64::from(sample_rate)).round() as usize;
    let (window, hop) = (samples("window").max(1), samples("hop").max(1));
    MelSettings { sample_rate, bands: values.count("bands"), window, hop }
}

impl Format for Audio {
    fn name(&self) -> &'static str {
        "audio"
    }

    fn about(&self) -> &'static str {
        "WAV recordings as log-mel frames: JSON lines with a path and transcripts, or files by pattern"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn check(&self, values: &Values) -> Vec<(&'static str, String)> {
        let keys = ["audio", "texts", "labels", "states"];
        let mut faults = columns::fields_twice(values, &keys);
        for key in keys {
            let names = values.texts(key).into_iter();
            faults.extend(names.filter(|name| manifest::OWN_KEYS.contains(name)).map(|name| {
                (key, format!("{name:?} is the key of a part's time; name the field otherwise"))
            }));
        }
        if let Some(band) = LogMel::empty_band(settings(values)) {
            let (bands, rate) = (values.count("bands"), values.count("sample_rate"));
            let what = format!(
                "band {band} of {bands} has no frequency of the spectrum at {rate} Hz; lower `bands`, or raise \
                 `window`"
            );
            faults.push(("bands", what));
        }
        faults
    }

    fn schema(&self, values: &Values) -> Schema {
        let audio = values.text("audio");
        let field = |axis, form| move |name| Field::new(name, axis, form);
        let frames = Field::new(audio, Axis::Sequence(0), FieldForm::Frames);
        let texts = values.texts("texts").into_iter().map(field(Axis::Example, FieldForm::Text));
        let labels = values.texts("labels").into_iter().map(field(Axis::Example, FieldForm::Label));
        let states = values.texts("states").into_iter();
        let states = states.map(field(Axis::Sequence(0), FieldForm::Symbols));
        Schema {
            sequences: vec![SequenceSpec { name: audio.to_owned(), is_list: false }],
            fields: std::iter::once(frames).chain(texts).chain(labels).chain(states).collect(),
        }
    }

    /// A recording stays as it is.
    fn decode(&self, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        if is_wav(&bytes) {
            return Ok(bytes);
        }
        let hint = "; a recording must be a WAV file that is not compressed";
        contents::text(bytes).map_err(|why| format!("{why}{hint}"))
    }

    fn named_files(&self, source: &Source, values: &Values) -> Vec<String> {
        if is_wav(&source.bytes) {
            return Vec::new();
        }
        let path = |object: Object| Some(object.get(values.text("audio"))?.as_str()?.to_owned());
        let named = objects(source).filter_map(path);
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
        let mut features = Features::new(settings(values));
        if is_wav(&source.bytes) {
            return of_recording(source, &mut features, corpus);
        }
        let decoder = Decoder::new(values, &source.bytes);
        let mut manifest = Manifest::new(values, &source.folder, features);
        read_objects(source, &decoder, |object, line| manifest.example(object, line, corpus))
    }

    fn no_prediction(&self) -> &'static str {
        "null"
    }

    /// As for JSON lines; that of a recording is an object with its prediction.
    fn write(
        &self,
        source: &Source,
        values: &Values,
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        let is_array = values.texts("states").contains(&field.field);
        if is_wav(&source.bytes) {
            let object = Source::new(source.name.clone(), &b"{}\n"[..]);
            return Ok(write_predicted(&object, examples, field, is_array));
        }
        Ok(write_predicted(source, examples, field, is_array))
    }
}

/// The example of a file that is a recording: its frames, and no other field.
fn of_recording(source: &Source, features: &mut Features, corpus: &Corpus) -> Read {
    let split = SplitData { file: source.name.clone(), ..SplitData::default() };
    let mut read = Read { split, ..Read::default() };
    match features.of_file(&source.bytes, &(0.0..f64::INFINITY)) {
        Err(what) => {
            read.faults.push(ReadError { file: source.name.clone(), line: 1, what });
            read.n_faulty = 1;
        }
        Ok(numbers) => {
            let width = features.width();
            let positions = Positions::on_line(1, numbers.len() / width);
            let mut fields = vec![None; corpus.fields.len()];
            fields[0] = Some(FieldValues::Frames { width, picture: None, numbers: numbers.into() });
            let sequences = vec![Some(positions)];
            read.split.examples.push(Example { line: 1, file: None, sequences, fields });
        }
    }
    read
}
