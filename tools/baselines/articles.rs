//! Articles of a document in SQuAD's JSON, split so that no article is in two splits: of every six, the fifth is for
//! dev and the sixth for test.

use std::path::Path;

use serde_json::{Value, json};

use crate::array;

const SPLITS: [&str; 3] = ["train", "dev", "test"];

/// The split of an article, by its place from 0.
fn split_of(place: usize) -> &'static str {
    match place % 6 {
        4 => "dev",
        5 => "test",
        _ => "train",
    }
}

/// Writes a file for each split; returns the number of questions of each.
pub(crate) fn split(document: &Value, folder: &Path) -> Result<String, String> {
    let articles = array(document, "data")?;
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut counts = Vec::new();
    for split in SPLITS {
        let of_split = articles.iter().enumerate().filter(|(place, _)| split_of(*place) == split);
        let data: Vec<&Value> = of_split.map(|(_, article)| article).collect();
        let mut n_questions = 0;
        for article in &data {
            for paragraph in array(article, "paragraphs")? {
                n_questions += array(paragraph, "qas")?.len();
            }
        }
        counts.push(format!("{split}: {} articles, {n_questions} questions", data.len()));
        let path = folder.join(format!("{split}.json"));
        let text = format!("{:#}\n", json!({ "data": data }));
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(counts.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_article_is_in_one_split() {
        let article = |at: usize| {
            let qas: Vec<Value> = (0..at).map(|at| json!({ "id": at })).collect();
            json!({ "title": at.to_string(), "paragraphs": [{ "context": "c", "qas": qas }] })
        };
        let document = json!({ "data": (0..7).map(article).collect::<Vec<_>>() });
        let folder = std::env::temp_dir().join(format!("articles-{}", std::process::id()));
        let report = split(&document, &folder).unwrap();
        let wanted = "train: 5 articles, 12 questions\ndev: 1 articles, 4 questions\n\
                      test: 1 articles, 5 questions";
        assert_eq!(report, wanted);
        let titles = |split: &str| {
            let text = std::fs::read_to_string(folder.join(format!("{split}.json"))).unwrap();
            let document: Value = serde_json::from_str(&text).unwrap();
            let articles = array(&document, "data").unwrap().iter();
            articles
                .map(|article| article["title"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(titles("train"), ["0", "1", "2", "3", "6"]);
        assert_eq!([titles("dev"), titles("test")].concat(), ["4", "5"]);
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(split(&json!({ "data": {} }), &folder).is_err());
    }
}
