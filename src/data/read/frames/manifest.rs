//! The objects of a manifest, and the files that hold their frames.

use serde_json::Value;

use super::{
    super::{
        Corpus, Example,
        folder::SourceFolder,
        jsonl::{self, Layout, Object, ReadFrames, RequiredTexts, describe, no_key, said},
        tokens::Tokens,
    },
    FRAMES, HEIGHT, WIDTH,
    npy::{self, is_npy},
    pictures::{self, is_png},
    resize::{Target, resized},
    tensors::TensorFile,
};
use crate::keys::Values;

/// The key of an object that names a tensor, and is no field.
pub(super) const TENSOR: &str = "tensor";

/// The paths that a value of frames has.
pub(super) fn paths(value: &Value) -> Vec<&str> {
    match value {
        Value::String(path) => vec![path],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Reads the objects of one manifest.
pub(super) struct Manifest<'a> {
    /// The key of the frames.
    frames: &'a str,
    layout: Layout,
    files: Files<'a>,
}

impl<'a> Manifest<'a> {
    pub(super) fn new(values: &'a Values, folder: &'a SourceFolder) -> Self {
        let (height, width) = (values.count_if_set(HEIGHT), values.count_if_set(WIDTH));
        let target = height.zip(width).map(|(height, width)| Target { height, width });
        Self {
            frames: values.text(FRAMES),
            layout: Layout { required: RequiredTexts::None, tokens: Tokens::of(values) },
            files: Files { folder, target, last: None },
        }
    }

    /// The example of an object.
    pub(super) fn example(
        &mut self,
        object: &Object,
        line: u32,
        corpus: &mut Corpus,
    ) -> Result<Example, String> {
        match object.get(self.frames) {
            None => return Err(no_key(self.frames, object)),
            Some(Value::Null) => return Err(no_frames(self.frames, &Value::Null)),
            Some(_) => {}
        }
        let tensor = match said(object, TENSOR) {
            None => None,
            Some(Value::String(name)) => Some(name.as_str()),
            Some(other) => {
                let found = describe(other);
                return Err(format!("{TENSOR:?} is {found}, expected the name of a tensor"));
            }
        };
        let files = &mut self.files;
        self.layout.example(object, line, corpus, |key, value| files.frames(key, value, tensor))
    }
}

/// The files of frames in a manifest's folder.
struct Files<'a> {
    folder: &'a SourceFolder,
    /// The size to which pictures are resized.
    target: Option<Target>,
    /// The last file of tensors, of which the next object may name another one.
    last: Option<(String, TensorFile)>,
}

impl Files<'_> {
    /// The frames of an object, by the value of their key.
    fn frames(
        &mut self,
        key: &str,
        value: &Value,
        tensor: Option<&str>,
    ) -> Result<ReadFrames, String> {
        if !value.is_string() {
            is_absent(tensor)?;
        }
        match value {
            Value::Array(items) if items.first().is_some_and(Value::is_string) => {
                let path = |item: &Value| match item {
                    Value::String(path) => Ok(path.clone()),
                    other => {
                        let found = describe(other);
                        Err(format!("{key:?} holds {found}, expected the path of a PNG picture"))
                    }
                };
                let paths: Vec<String> = items.iter().map(path).collect::<Result<_, _>>()?;
                self.pictures(&paths)
            }
            Value::Array(_) => self.sized(jsonl::frames(key, value)?),
            Value::String(path) => {
                let paths = self.folder.matching(path).map_err(|why| format!("{path}: {why}"))?;
                match paths.as_slice() {
                    [path] => self.file(path, tensor).map_err(|why| format!("{path}: {why}")),
                    several => is_absent(tensor).and_then(|()| self.pictures(several)),
                }
            }
            other => Err(no_frames(key, other)),
        }
    }

    /// The frames of one file of any kind.
    fn file(&mut self, path: &str, tensor: Option<&str>) -> Result<ReadFrames, String> {
        if self.last.as_ref().is_none_or(|(last, _)| last != path) {
            self.last = None;
            let bytes = self.folder.read(path)?;
            if is_png(&bytes) {
                is_absent(tensor)?;
                return pictures::decoded(&bytes, self.target);
            }
            if is_npy(&bytes) {
                is_absent(tensor)?;
                return self.sized(npy::read(&bytes)?);
            }
            self.last = Some((path.to_owned(), TensorFile::open(bytes)?));
        }
        let (_, file) = self.last.as_ref().expect("it has been read");
        self.sized(file.frames(tensor)?)
    }

    /// Pictures of one size, as a sequence.
    fn pictures(&self, paths: &[String]) -> Result<ReadFrames, String> {
        let mut all: Option<ReadFrames> = None;
        for path in paths {
            let read = self.folder.read(path).and_then(|bytes| {
                let one = pictures::decoded(&bytes, self.target)?;
                match &mut all {
                    None => all = Some(one),
                    Some(all) if all.picture == one.picture => all.numbers.extend(one.numbers),
                    Some(all) => {
                        let size = |frames: &ReadFrames| {
                            frames.picture.map(|size| size.to_string()).unwrap_or_default()
                        };
                        let (wanted, found) = (size(all), size(&one));
                        return Err(format!(
                            "expected height × width × channels of {wanted}, as in {}, found {found}; set `height` and \
                             `width` of the corpus, or convert the pictures to the same channels",
                            paths[0]
                        ));
                    }
                }
                Ok(())
            });
            read.map_err(|why| format!("{path}: {why}"))?;
        }
        Ok(all.expect("a list or a pattern has a picture"))
    }

    /// Frames with their pictures resized, if the recipe says so.
    fn sized(&self, frames: ReadFrames) -> Result<ReadFrames, String> {
        match self.target {
            Some(target) => resized(frames, target),
            None => Ok(frames),
        }
    }
}

fn no_frames(key: &str, found: &Value) -> String {
    format!("{key:?} is {}, expected an array of vectors, or a path", describe(found))
}

/// Refuses a tensor's name where frames are not in a file of tensors.
fn is_absent(tensor: Option<&str>) -> Result<(), String> {
    if tensor.is_none() {
        return Ok(());
    }
    Err(format!(
        "expected {TENSOR:?} with the path of a .safetensors file, found other frames; remove it"
    ))
}
