//! Paths in a recipe: of files, samples and folders of runs.

use std::path::{Path, PathBuf};

use super::{fault::Diagnostics, shipped};
use crate::{data::path_pattern, keys::Place, nearest::hint};

/// A path in the form of a resolved recipe: absolute, or `sample:PATH`. A path to a missing
/// file is returned too, for a finished run whose corpora may be gone.
pub(super) fn file(
    text: &str,
    folder: &Path,
    place: &Place,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    if let Some(sample) = text.strip_prefix("sample:") {
        if shipped::sample(sample).is_none() {
            let hint = hint(sample, shipped::SAMPLES.iter().map(|(path, _)| *path));
            diagnostics.content(place, format!("no sample {sample:?}{hint}"));
        }
        return Some(text.to_owned());
    }
    let path = relative(text, folder, place);
    if path_pattern::is_pattern(&path) {
        if !path_pattern::matches(&path).is_ok_and(|files| !files.is_empty()) {
            diagnostics.content(place, format!("no file matches {}", path.display()));
        }
    } else if !path.exists() {
        diagnostics.content(place, format!("no file {}", path.display()));
    } else if path.is_dir() {
        diagnostics.content(place, format!("expected a file, found the folder {}", path.display()));
    }
    absolute(&path, place, diagnostics)
}

/// The absolute path of the folder of a run. A path to a missing one is returned too.
pub(super) fn run(
    text: &str,
    folder: &Path,
    place: &Place,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    let path = relative(text, folder, place);
    if !path.is_dir() {
        let what = format!("expected the folder of a run, found none at {}", path.display());
        diagnostics.content(place, what);
    }
    absolute(&path, place, diagnostics)
}

/// A path in a file is relative to that file; one on the command line, to the current folder.
fn relative(text: &str, folder: &Path, place: &Place) -> PathBuf {
    match place {
        Place::Line { .. } => folder.join(text),
        _ => PathBuf::from(text),
    }
}

/// The absolute form of a path; `None`, with a fault, if it is not UTF-8.
fn absolute(path: &Path, place: &Place, diagnostics: &mut Diagnostics) -> Option<String> {
    let absolute = std::path::absolute(path).ok();
    let Some(absolute) = absolute.as_deref().and_then(Path::to_str) else {
        diagnostics.content(place, format!("the path {} is not UTF-8", path.display()));
        return None;
    };
    Some(absolute.to_owned())
}
