//! The vectors files of a recipe: their contents, and how well they cover its corpora.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read},
    path::Path,
    sync::Arc,
};

use super::{
    Fault, Faults, Recipe, VectorsByEncoder,
    open::line_fault,
    shipped::{self, location},
};
use crate::{
    data::{
        Corpus,
        contents::stream,
        read::Location,
        vectors::{self, VectorFile, VectorSource, WordVectors},
    },
    keys::Place,
    protocol::event::VectorCoverage,
    regular_file,
};

/// The contents of the files that a recipe names.
#[derive(Debug)]
pub struct Opened {
    /// The corpora, in the recipe's order.
    pub corpora: Vec<Corpus>,
    /// The vectors files that encoders read.
    pub vectors: VectorsByEncoder,
}

/// Progress in reading a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BytesRead<'a> {
    /// The name of the file.
    pub file: &'a str,
    /// The bytes read so far.
    pub done: u64,
    /// Its length in bytes.
    pub total: u64,
}

impl Recipe {
    /// Loads every corpus and every vectors file. The faults of all of them are reported together.
    /// Vectors that take more than `memory` bytes are refused. A long file is read in blocks, and `progress` is called after each of them.
    pub fn open_all(
        &self,
        memory: Option<u64>,
        progress: &mut dyn FnMut(BytesRead<'_>),
    ) -> Result<Opened, Faults> {
        match (self.open(), self.open_vectors(memory, progress)) {
            (Ok(corpora), Ok(vectors)) => Ok(Opened { corpora, vectors }),
            (corpora, vectors) => {
                let faults = [corpora.err(), vectors.err()].into_iter().flatten();
                Err(Faults(faults.flat_map(|faults| faults.0).collect()))
            }
        }
    }

    /// Reads every vectors file, once if several encoders read it alike.
    fn open_vectors(
        &self,
        memory: Option<u64>,
        progress: &mut dyn FnMut(BytesRead<'_>),
    ) -> Result<VectorsByEncoder, Faults> {
        let mut by_encoder = VectorsByEncoder::new();
        let mut files: Vec<(VectorSource, Option<Arc<WordVectors>>)> = Vec::new();
        let mut faults = Vec::new();
        for encoder in &self.encoders {
            let Some(source) = encoder.config.vectors() else { continue };
            let is_alike = |other: &VectorSource| {
                (&other.path, other.width, other.max) == (&source.path, source.width, source.max)
            };
            let read =
                files.iter().find(|(other, _)| is_alike(other)).map(|(_, read)| read.clone());
            let read = read.unwrap_or_else(|| {
                let read = read_file(&source, memory, progress).map(Arc::new);
                let read = read.map_err(|all| faults.extend(all)).ok();
                files.push((source, read.clone()));
                read
            });
            by_encoder.extend(read.map(|read| (encoder.name.clone(), read)));
        }
        if faults.is_empty() { Ok(by_encoder) } else { Err(Faults(faults)) }
    }

    /// The coverage of each corpus by the vectors of each encoder that reads it.
    pub fn coverage(&self, corpora: &[Corpus], vectors: &VectorsByEncoder) -> Vec<VectorCoverage> {
        let mut all = Vec::new();
        for encoder in &self.encoders {
            let source = encoder.config.vectors();
            let Some((source, read)) = source.zip(vectors.get(&encoder.name)) else { continue };
            all.extend(encoder.fields(corpora).map(|(corpus, field)| VectorCoverage {
                encoder: encoder.name.clone(),
                corpus: corpus.name.clone(),
                field: corpus.fields[field].name.clone(),
                vectors: read.len() as u64,
                repeated: read.n_repeated(),
                splits: vectors::coverage(corpus, field, read, source.forms),
            }));
        }
        all
    }
}

/// The vectors of a file, or all its faults.
fn read_file(
    source: &VectorSource,
    memory: Option<u64>,
    progress: &mut dyn FnMut(BytesRead<'_>),
) -> Result<WordVectors, Vec<Fault>> {
    let name: Arc<str> = shown(&source.path).into();
    let (contents, len) = open_file(&source.path).map_err(|what| {
        vec![Fault { place: Place::File(name.clone()), what: format!("cannot be read: {what}") }]
    })?;
    let contents = Counted {
        contents,
        done: 0,
        report: |done| {
            progress(BytesRead { file: &name, done, total: len });
        },
    };
    let contents =
        stream(contents).map_err(|what| vec![Fault { place: Place::File(name.clone()), what }])?;
    let file = VectorFile { name: &name, contents, len: Some(len), memory };
    vectors::read(file, source.width, source.max)
        .map_err(|faults| faults.into_iter().map(line_fault).collect())
}

/// A reader that reports the number of bytes read so far.
struct Counted<R, F> {
    contents: R,
    done: u64,
    report: F,
}

impl<R: Read, F: FnMut(u64)> Read for Counted<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.contents.read(buffer)?;
        self.done += n as u64;
        (self.report)(self.done);
        Ok(n)
    }
}

/// The contents of a file or sample, and their length in bytes.
fn open_file(path: &Path) -> Result<(Box<dyn Read>, u64), String> {
    match location(&path.to_string_lossy()) {
        Location::File(path) => {
            let file = regular_file::open(&path).map_err(|error| error.to_string())?;
            let metadata = file.metadata().map_err(|error| error.to_string())?;
            Ok((Box::new(file), metadata.len()))
        }
        Location::Sample(sample) => {
            let bytes = shipped::sample(&sample).unwrap_or_default();
            Ok((Box::new(Cursor::new(bytes)), bytes.len() as u64))
        }
    }
}

/// The path as the user may have written it, independent of the location of the project.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).to_string_lossy().into_owned()
}

/// A digest of each vectors file, by its key in the recipe.
pub fn digests(vectors: &VectorsByEncoder) -> BTreeMap<String, String> {
    let digest = |(encoder, vectors): (&String, &Arc<WordVectors>)| {
        (format!("{BEFORE}{encoder}{AFTER}"), vectors.digest().to_owned())
    };
    vectors.iter().map(digest).collect()
}

/// The encoder whose vectors a key of [`digests`] names.
pub fn encoder_of(key: &str) -> &str {
    let encoder = key.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(AFTER));
    encoder.unwrap_or(key)
}

/// What the key of a vectors file has before and after the name of its encoder.
const BEFORE: &str = "encoder.";
const AFTER: &str = ".vectors";
