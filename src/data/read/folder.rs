//! The folder of a corpus file, from which the other files that it names are read.

use std::{borrow::Cow, cmp::Ordering, io, path::PathBuf};

use super::Samples;
use crate::{
    data::path_pattern::{Match, is_pattern, matches},
    regular_file,
};

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

    /// The paths in this folder that a path stands for: itself, or those that it matches as a pattern, in the order of
    /// their names, in which digits count as a number. The error follows the path.
    pub fn matching(&self, path: &str) -> Result<Vec<String>, String> {
        let Self::OnDisk(folder) = self else { return Ok(vec![path.to_owned()]) };
        let whole = folder.join(path);
        if !is_pattern(&whole) {
            return Ok(vec![path.to_owned()]);
        }
        let found = matches(&whole).map_err(|error| error.to_string())?;
        if found.is_empty() {
            return Err("no such file".to_owned());
        }
        let within = |found: Match| {
            let path = found.path.strip_prefix(folder).unwrap_or(&found.path);
            path.to_string_lossy().into_owned()
        };
        let mut found: Vec<String> = found.into_iter().map(within).collect();
        found.sort_by(|a, b| by_number(a, b));
        Ok(found)
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

/// The order of two names in which runs of digits are numbers: `2.png` is before `10.png`.
fn by_number(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (n, m) = (digits(left), digits(right));
        let order = if n > 0 && m > 0 {
            let [x, y] = [&left[..n], &right[..m]].map(|run| run.trim_start_matches('0'));
            (left, right) = (&left[n..], &right[m..]);
            (x.len(), x).cmp(&(y.len(), y))
        } else {
            let (mut rest, mut other) = (left.chars(), right.chars());
            let (x, y) = (rest.next(), other.next());
            (left, right) = (rest.as_str(), other.as_str());
            if x.is_none() && y.is_none() {
                // Names that differ in leading zeros only.
                return a.cmp(b);
            }
            x.cmp(&y)
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// The number of digits that a text starts with.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_names_are_numbers() {
        let mut names = ["b", "a10.png", "a2.png", "a02.png", "a2", "a", "é1", "a2b3", "a2b10"];
        names.sort_by(|a, b| by_number(a, b));
        assert_eq!(names, ["a", "a2", "a02.png", "a2.png", "a2b3", "a2b10", "a10.png", "b", "é1"]);
    }
}
