//! Articles of a document in SQuAD's JSON, split so that no article is in two splits: of every six, the fifth is for
//! dev and the sixth for test.

use std::{fs, path::Path};

use serde_json::{Value, json};

const SPLITS: [&str; 3] = ["train", "dev", "test"];

/// The split of an article, by its place from 0.
fn split_of(place: usize) -> &'static str {
    match place % 6 {
        4 => "dev",
        5 => "test",
        _ => "train",
    }
}

/// Writes the articles of a file to `train.json`, `dev.json` and `test.json` of a folder.
pub(crate) fn split(file: &Path, folder: &Path) {
    let document: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let articles = document["data"].as_array().unwrap();
    fs::create_dir_all(folder).unwrap();
    for split in SPLITS {
        let of_split = articles.iter().enumerate().filter(|(place, _)| split_of(*place) == split);
        let data: Vec<&Value> = of_split.map(|(_, article)| article).collect();
        let text = format!("{:#}\n", json!({ "data": data }));
        fs::write(folder.join(format!("{split}.json")), text).unwrap();
    }
}
