//! The folder of a corpus file, from which the other files that it names are read.

use std::{borrow::Cow, io, path::PathBuf};

use super::Samples;
use crate::regular_file;

/// The largest file in bytes that a corpus file names.
const LARGEST: u64 = 1 << 30;

/// The folder of a corpus file.
#[derive(Clone, Debug, Default)]
pub enum SourceFolder {
    /// There is none: the contents come from elsewhere.
    #[default]
    Unknown,
    /// A folder on disk; empty for the current one.
    OnDisk(PathBuf),
    /// A folder inside the program: its files, by their paths in it.
    Samples(Samples),
}

impl SourceFolder {
    /// That of a sample, by the path of the sample.
    pub(in crate::data) fn of_sample(path: &str, samples: &Samples) -> Self {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let within = samples.iter().filter_map(|(path, bytes)| {
            let name = path.strip_prefix(folder)?.trim_start_matches('/');
            Some((name, *bytes))
        });
        Self::Samples(within.collect())
    }

    /// The contents of a file by its path in this folder. The error follows the path.
    pub fn read(&self, path: &str) -> Result<Cow<'static, [u8]>, String> {
        match self {
            Self::Unknown => Err("no such file".to_owned()),
            Self::OnDisk(folder) => {
                let read = regular_file::read_small(&folder.join(path), LARGEST);
                read.map(Cow::Owned).map_err(|error| match error.kind() {
                    io::ErrorKind::NotFound => "no such file".to_owned(),
                    _ => error.to_string(),
                })
            }
            Self::Samples(samples) => match samples.get(path) {
                Some(bytes) => Ok(Cow::Borrowed(bytes)),
                None => Err("no such sample inside the program".to_owned()),
            },
        }
    }
}
