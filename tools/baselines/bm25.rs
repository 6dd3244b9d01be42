//! BM25 on Cranfield, the baseline of `docs/recipes/cranfield.toml`, in the metrics of auxdesk.
//!
//! score(q, d) = Σ_t ln(1 + (N − n + 0.5) / (n + 0.5)) · f · (k1 + 1) / (f + k1 · (1 − b + b · |d| / mean |d|)) over the
//! words t of the query, with f the count of t in d and n the number of documents that have it: BM25 (Robertson et al.
//! 1995) with the idf of Lucene; k1 = 1.2 and b = 0.75. Words are what white space separates, in lower case, if they have a letter or a digit; none
//! is stemmed or left out. Sections `.W` are read, queries are numbered by their places in the file.
//!
//! Of the queries 5, 10, ... the figures are printed as JSON, by the names that `auxdesk train --json` has for them.

mod metrics;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use metrics::Means;

const K1: f64 = 1.2;
const B: f64 = 0.75;

/// The metrics of the test queries, as JSON.
pub(crate) fn report([queries, documents, judgements]: [&Path; 3]) -> Result<String, String> {
    let (queries, documents) = (texts(&read(queries)?), texts(&read(documents)?));
    let ids: HashMap<&str, usize> =
        documents.iter().enumerate().map(|(at, (id, _))| (id.as_str(), at)).collect();
    let relevance = relevance(&read(judgements)?, queries.len(), &ids)
        .map_err(|error| format!("{}:{error}", judgements.display()))?;
    let words: Vec<&[String]> = documents.iter().map(|(_, words)| words.as_slice()).collect();
    let bm25 = Bm25::of(&words);
    let mut means = Means::default();
    for (number, (_, words)) in (1..).zip(&queries).filter(|(number, _)| number % 5 == 0) {
        let mut gold = vec![0.0; documents.len()];
        for &(document, relevance) in relevance.get(&number).into_iter().flatten() {
            gold[document] = relevance;
        }
        means.add(&gold, &bm25.scores(words));
    }
    Ok(means.json())
}

/// Reads a file, with U+FFFD for what is not UTF-8; an error names the file.
fn read(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The number and the words of each text of a SMART file.
fn texts(file: &str) -> Vec<(String, Vec<String>)> {
    let mut texts: Vec<(String, Vec<String>)> = Vec::new();
    let mut is_read = false;
    for line in file.lines() {
        if let Some(id) = line.strip_prefix(".I ") {
            texts.push((id.trim().to_owned(), Vec::new()));
            is_read = false;
        } else if let Some(section) = section(line) {
            is_read = section == 'W';
        } else if let Some((_, words)) = texts.last_mut().filter(|_| is_read) {
            let is_word = |word: &&str| word.contains(char::is_alphanumeric);
            words.extend(line.split_whitespace().filter(is_word).map(str::to_lowercase));
        }
    }
    texts
}

fn section(line: &str) -> Option<char> {
    let mut chars = line.trim_end().strip_prefix('.')?.chars();
    let name = chars.next().filter(char::is_ascii_uppercase)?;
    chars.next().is_none().then_some(name)
}

/// The relevant documents of each of the queries, by their places: grades 1 to 4 are a relevance of 4 to 1, and -1 is
/// irrelevant. An error starts with the line.
fn relevance(
    file: &str,
    n_queries: usize,
    documents: &HashMap<&str, usize>,
) -> Result<BTreeMap<usize, Vec<(usize, f64)>>, String> {
    let mut all = BTreeMap::<usize, Vec<(usize, f64)>>::new();
    for (number, line) in (1..).zip(file.lines()) {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let [query, document, grade] = cells[..] else {
            return Err(format!(
                "{number}: expected a query, a document and a grade, found {line:?}"
            ));
        };
        let query = query.parse().ok().filter(|query| (1..=n_queries).contains(query));
        let query = query.ok_or_else(|| {
            format!("{number}: expected a query from 1 to {n_queries}, found {:?}", cells[0])
        })?;
        let document = *documents
            .get(document)
            .ok_or_else(|| format!("{number}: expected a document, found {document:?}"))?;
        let relevance = match grade {
            "1" | "2" | "3" | "4" => 5.0 - f64::from(grade.as_bytes()[0] - b'0'),
            "-1" => continue,
            _ => {
                return Err(format!(
                    "{number}: expected a grade of 1 to 4, or -1, found {grade:?}"
                ));
            }
        };
        all.entry(query).or_default().push((document, relevance));
    }
    Ok(all)
}

/// The statistics of a collection.
struct Bm25 {
    /// The documents that have a word, each with its count there.
    postings: HashMap<String, Vec<(usize, f64)>>,
    /// 1 − b + b · |d| / mean |d| of each document.
    lengths: Vec<f64>,
}

impl Bm25 {
    fn of(documents: &[&[String]]) -> Self {
        let n_words: usize = documents.iter().map(|words| words.len()).sum();
        let mean = n_words as f64 / documents.len().max(1) as f64;
        let mut postings = HashMap::<String, Vec<(usize, f64)>>::new();
        for (at, words) in documents.iter().enumerate() {
            let mut counts = BTreeMap::<&str, f64>::new();
            words.iter().for_each(|word| *counts.entry(word).or_default() += 1.0);
            for (word, count) in counts {
                postings.entry(word.to_owned()).or_default().push((at, count));
            }
        }
        let length = |words: &&[String]| 1.0 - B + B * words.len() as f64 / mean;
        Self { postings, lengths: documents.iter().map(length).collect() }
    }

    /// The score of each document.
    fn scores(&self, query: &[String]) -> Vec<f64> {
        let n = self.lengths.len() as f64;
        let mut scores = vec![0.0; self.lengths.len()];
        for postings in query.iter().filter_map(|word| self.postings.get(word)) {
            let n_with = postings.len() as f64;
            let weight = (1.0 + (n - n_with + 0.5) / (n_with + 0.5)).ln();
            for &(at, f) in postings {
                scores[at] += weight * f * (K1 + 1.0) / (f + K1 * self.lengths[at]);
            }
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    /// Two documents of 2 and 4 words: their lengths are 1 − b ± b/3 around 1.
    #[test]
    fn a_score_worked_by_hand() {
        let documents = [words("a b"), words("a a c d")];
        let bm25 = Bm25::of(&documents.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let scores = bm25.scores(&words("a c x"));
        let (of_a, of_c) = (1.2f64.ln(), 2f64.ln());
        let short = 1.0 - 0.25;
        let long = 1.0 + 0.25;
        let wanted = [
            of_a * 2.2 / (1.0 + 1.2 * short),
            of_a * 2.0 * 2.2 / (2.0 + 1.2 * long) + of_c * 2.2 / (1.0 + 1.2 * long),
        ];
        for (found, wanted) in scores.iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-12, "{scores:?}, expected {wanted}");
        }
    }

    #[test]
    fn sections_and_grades_are_read() {
        let texts = texts(".I 1\r\n.T\r\nTitle\r\n.W\r\nThe kite .\r\n.I 2\n.W\n");
        assert_eq!(texts, [("1".to_owned(), words("the kite")), ("2".to_owned(), Vec::new())]);
        let documents = HashMap::from([("1", 0), ("2", 1), ("3", 2)]);
        let found = relevance("1 2 1 \r\n1 3 -1\n2 1 4", 2, &documents).unwrap();
        assert_eq!((&found[&1], &found[&2]), (&vec![(1, 4.0)], &vec![(0, 1.0)]));
        for (line, wanted) in [
            ("1 2", "2: expected a query, a document and a grade, found \"1 2\""),
            ("3 2 1", "2: expected a query from 1 to 2, found \"3\""),
            ("2 4 1", "2: expected a document, found \"4\""),
            ("2 2 5", "2: expected a grade of 1 to 4, or -1, found \"5\""),
        ] {
            let error = relevance(&format!("1 2 1\n{line}"), 2, &documents).unwrap_err();
            assert_eq!(error, wanted);
        }
    }
}
