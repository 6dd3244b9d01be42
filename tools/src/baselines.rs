//! Statistics of the sample corpora that their README states: sizes, unknown words, and the scores
//! of simple baselines.

mod tags;
mod texts;

use std::io::Error;
use std::path::Path;

/// The statistics of the corpora in a directory, as lines of text.
pub(crate) fn report(folder: &Path) -> std::io::Result<String> {
    let mut out = String::new();
    tags::report(&mut out, folder)?;
    texts::report(&mut out, folder)?;
    Ok(out)
}

/// Reads a file; an error names it.
fn read(path: &Path) -> std::io::Result<String> {
    let named = |error: Error| Error::new(error.kind(), format!("{}: {error}", path.display()));
    std::fs::read_to_string(path).map_err(named)
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}
