//! Writes the sample corpora of auxdesk: `sample-data FOLDER`, compares them: `--check FOLDER`, or
//! measures those of a folder: `--baselines FOLDER`.
//!
//! Every file is a pure function of the seed, the lexicon and the grammar in this crate.

mod abstracts;
mod baselines;
mod claims;
mod corpus;
mod dice;
mod grammar;
mod graphs;
mod languages;
mod lexicon;
mod names;
mod noise;
mod pairs;
mod phrases;
mod posts;
mod prosody;
mod questions;
mod reports;
mod reviews;
mod rules;
mod scenes;
mod search;
mod sentence;
mod stories;
mod tail;
mod tones;
mod write;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (folder, check) = match arguments[..] {
        ["--check", folder] | [folder, "--check"] => (folder, true),
        ["--baselines", folder] | [folder, "--baselines"] => return measure(folder),
        [folder] if !folder.starts_with('-') => (folder, false),
        _ => {
            eprintln!("usage: sample-data [--check | --baselines] FOLDER");
            return ExitCode::from(2);
        }
    };
    let mut differ = false;
    let (texts, binaries) = corpus::files();
    let texts = texts.iter().map(|file| (&file.path, file.text.as_bytes(), &file.about));
    let binaries = binaries.iter().map(|file| (&file.path, file.bytes.as_slice(), &file.about));
    for (path, bytes, about) in texts.chain(binaries) {
        let path = Path::new(folder).join(path);
        if check {
            if std::fs::read(&path).ok().as_deref() != Some(bytes) {
                eprintln!("{}: differs from what the generator writes", path.display());
                differ = true;
            }
        } else if let Err(error) = save(&path, bytes) {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        } else {
            eprintln!("{}: {about}", path.display());
        }
    }
    if differ { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn measure(folder: &str) -> ExitCode {
    match baselines::report(Path::new(folder)) {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn save(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, bytes)
}
