//! The objects of a manifest, and the frames of the recordings that they name.

use std::{ops::Range, sync::Arc};

use serde_json::Value;

use super::{
    super::{
        Corpus, Example, FieldForm, FieldValues, Positions,
        folder::SourceFolder,
        jsonl::{Object, describe, label, no_key},
    },
    mel::{LogMel, MelSettings},
    resample::Resample,
    wav::Recording,
};
use crate::{data::Lexicon, keys::Values};

const OFFSET: &str = "offset";
const DURATION: &str = "duration";

/// The keys of an object that are no field.
pub(super) const OWN_KEYS: [&str; 2] = [OFFSET, DURATION];

/// Computes the frames of recordings.
pub(super) struct Features {
    settings: MelSettings,
    log_mel: LogMel,
    /// For the rate of the last recording that was resampled.
    resample: Option<Resample>,
}

impl Features {
    pub(super) fn new(settings: MelSettings) -> Self {
        Self { settings, log_mel: LogMel::new(settings), resample: None }
    }

    /// The dimension of a frame.
    pub(super) fn width(&self) -> usize {
        self.settings.bands
    }

    /// The frames of these seconds of a file.
    pub(super) fn of_file(
        &mut self,
        bytes: &[u8],
        seconds: &Range<f64>,
    ) -> Result<Vec<f32>, String> {
        self.of_recording(&Recording::decode(bytes)?, seconds)
    }

    fn of_recording(
        &mut self,
        recording: &Recording,
        seconds: &Range<f64>,
    ) -> Result<Vec<f32>, String> {
        let part = recording.part(seconds)?;
        let (from, to) = (recording.sample_rate, self.settings.sample_rate);
        if from == to {
            return Ok(self.log_mel.frames(part));
        }
        if !self.resample.as_ref().is_some_and(|resample| resample.is_for(from, to)) {
            self.resample = Some(Resample::new(from, to)?);
        }
        let resample = self.resample.as_mut().expect("there is one by now");
        Ok(self.log_mel.frames(&resample.resample(part)?))
    }
}

/// Reads the objects of one manifest.
pub(super) struct Manifest<'a> {
    /// The key of the path.
    audio: &'a str,
    folder: &'a SourceFolder,
    features: Features,
    /// The last recording, of which the next object may name another part.
    last: Option<(String, Recording)>,
}

impl<'a> Manifest<'a> {
    pub(super) fn new(values: &'a Values, folder: &'a SourceFolder, features: Features) -> Self {
        Self { audio: values.text("audio"), folder, features, last: None }
    }

    /// The example of an object.
    pub(super) fn example(
        &mut self,
        object: &Object,
        line: u32,
        corpus: &mut Corpus,
    ) -> Result<Example, String> {
        let path = match object.get(self.audio) {
            Some(Value::String(path)) => path,
            Some(other) => {
                let found = describe(other);
                return Err(format!(
                    "{:?} is {found}, expected the path of a recording",
                    self.audio
                ));
            }
            None => return Err(no_key(self.audio, object)),
        };
        let fields = corpus.fields.iter().skip(1);
        let fields: Vec<Option<Found<'_>>> = fields
            .map(|field| {
                let value = object.get(&field.name).filter(|value| !value.is_null());
                value.map(|value| found(&field.name, field.form, value)).transpose()
            })
            .collect::<Result<_, _>>()?;
        let numbers =
            self.frames(path, &seconds(object)?).map_err(|why| format!("{path}: {why}"))?;
        let width = self.features.width();
        let n_frames = numbers.len() / width;
        let frame_length =
            self.features.settings.hop as f64 / f64::from(self.features.settings.sample_rate);
        // Strings are interned once the whole object is without a fault, so that a faulty one adds none.
        let others = fields.into_iter().zip(&mut corpus.lexicons[1..]);
        let others = others.map(|(found, lexicon)| match found? {
            Found::Text(text) => Some(FieldValues::Text(Arc::from(text))),
            Found::Label(label) => Some(FieldValues::Label(lexicon.intern(&label))),
            Found::States(states) => of_frames(&states, n_frames, frame_length, lexicon),
        });
        let frames = FieldValues::Frames { width, picture: None, numbers: numbers.into() };
        Ok(Example {
            line,
            file: None,
            sequences: vec![Some(Positions::on_line(line, n_frames))],
            fields: std::iter::once(Some(frames)).chain(others).collect(),
        })
    }

    fn frames(&mut self, path: &str, seconds: &Range<f64>) -> Result<Vec<f32>, String> {
        if self.last.as_ref().is_none_or(|(last, _)| last != path) {
            self.last = None;
            let recording = Recording::decode(&self.folder.read(path)?)?;
            self.last = Some((path.to_owned(), recording));
        }
        let (_, recording) = self.last.as_ref().expect("it has been read");
        self.features.of_recording(recording, seconds)
    }
}

/// The seconds of the recording that an object is about.
fn seconds(object: &Object) -> Result<Range<f64>, String> {
    let time = |key: &str| match object.get(key).filter(|value| !value.is_null()) {
        None => Ok(None),
        Some(value) => match value.as_f64().filter(|time| time.is_finite() && *time >= 0.0) {
            Some(time) => Ok(Some(time)),
            None => Err(format!("{key:?} is {value}, expected a time in seconds, 0 or more")),
        },
    };
    let start = time(OFFSET)?.unwrap_or(0.0);
    Ok(start..time(DURATION)?.map_or(f64::INFINITY, |duration| start + duration))
}

/// A value that was found.
enum Found<'o> {
    Text(&'o str),
    Label(std::borrow::Cow<'o, str>),
    States(Vec<State<'o>>),
}

/// The label of the frames between two times, in seconds.
struct State<'o> {
    start: f64,
    end: f64,
    label: &'o str,
}

fn found<'o>(key: &str, form: FieldForm, value: &'o Value) -> Result<Found<'o>, String> {
    match form {
        FieldForm::Text => match value {
            Value::String(text) if text.trim().is_empty() => Err(format!(
                "the transcript ({key}) is empty; expected at least one character, or no key {key:?}"
            )),
            Value::String(text) => Ok(Found::Text(text)),
            other => Err(format!("{key:?} is {}, expected a string", describe(other))),
        },
        FieldForm::Label => Ok(Found::Label(label(key, value)?)),
        _ => Ok(Found::States(states(key, value)?)),
    }
}

/// States in the order of time, which do not overlap.
fn states<'o>(key: &str, value: &'o Value) -> Result<Vec<State<'o>>, String> {
    let wanted = "an array of [start, end, label] with times in seconds";
    let Value::Array(items) = value else {
        return Err(format!("{key:?} is {}, expected {wanted}", describe(value)));
    };
    let mut states: Vec<State<'_>> = Vec::with_capacity(items.len());
    for (item, at) in items.iter().zip(1..) {
        let parts = item.as_array().map(Vec::as_slice);
        let Some([start, end, Value::String(label)]) = parts else {
            return Err(format!("state {at} of {key:?} is {item}, expected {wanted}"));
        };
        let (Some(start), Some(end)) = (start.as_f64(), end.as_f64()) else {
            return Err(format!("state {at} of {key:?} is {item}, expected {wanted}"));
        };
        let earliest = states.last().map_or(0.0, |state| state.end);
        if start < earliest || end <= start {
            return Err(format!(
                "state {at} of {key:?} is from {start} to {end}, expected one that starts at {earliest} or later and \
                 ends after its start"
            ));
        }
        states.push(State { start, end, label });
    }
    Ok(states)
}

/// The label of each frame, which is that of the time at its centre; none if no frame has one.
fn of_frames(
    states: &[State<'_>],
    n_frames: usize,
    frame_length: f64,
    lexicon: &mut Lexicon,
) -> Option<FieldValues> {
    let labels = (0..n_frames).map(|t| {
        let time = t as f64 * frame_length;
        let at = states.partition_point(|state| state.end <= time);
        let state = states.get(at).filter(|state| state.start <= time)?;
        Some(lexicon.intern(state.label))
    });
    FieldValues::of_positions(labels)
}
