//! Baselines on public corpora that train nothing, and what prepares a corpus for them:
//! `baselines answers FILE` prints the scores of a word-overlap baseline on questions in SQuAD's JSON;
//! `baselines ranking QUERIES DOCUMENTS JUDGEMENTS` prints the scores of BM25 on the test queries of Cranfield;
//! `baselines split-articles FILE FOLDER` writes its articles to three files of a folder.

mod answers;
mod articles;
mod bm25;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["answers", file] => read(Path::new(file)).and_then(|document| answers::report(&document)),
        ["split-articles", file, folder] => {
            read(Path::new(file)).and_then(|document| articles::split(&document, Path::new(folder)))
        }
        ["ranking", queries, documents, judgements] => {
            bm25::report([queries, documents, judgements].map(Path::new))
        }
        _ => {
            eprintln!(
                "usage: baselines answers FILE | baselines ranking QUERIES DOCUMENTS JUDGEMENTS | \
                 baselines split-articles FILE FOLDER"
            );
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(what) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
    }
}

/// A file of JSON; an error names it.
fn read(path: &Path) -> Result<serde_json::Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
    let document = text.and_then(|text| {
        serde_json::from_str(&text).map_err(|error| format!("expected JSON, found {error}"))
    });
    document.map_err(|what| format!("{}: {what}", path.display()))
}

/// The array with that key.
fn array<'a>(value: &'a serde_json::Value, key: &str) -> Result<&'a [serde_json::Value], String> {
    let found = value.get(key).and_then(serde_json::Value::as_array);
    found.map(Vec::as_slice).ok_or_else(|| format!("expected an array {key:?}, found none"))
}
