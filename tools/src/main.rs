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
mod questions;
mod reports;
mod reviews;
mod rules;
mod search;
mod sentence;
mod stories;
mod tail;
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
    for file in corpus::files() {
        let path = Path::new(folder).join(&file.path);
        if check {
            if std::fs::read(&path).ok().as_deref() != Some(file.text.as_bytes()) {
                eprintln!("{}: differs from what the generator writes", path.display());
                differ = true;
            }
        } else if let Err(error) = save(&path, &file.text) {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        } else {
            eprintln!("{}: {}", path.display(), file.about);
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

fn save(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}
