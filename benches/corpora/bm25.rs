//! BM25 on the test queries of a corpus that ranks a collection.
//!
//! score(q, d) = Σ_t ln(1 + (N − n + 0.5) / (n + 0.5)) · f · (k1 + 1) / (f + k1 · (1 − b + b · |d| / mean |d|)) over the
//! words t of the query, with f the count of t in d and n the number of documents that have it: BM25 (Robertson et al.
//! 1995) with the idf of Lucene; k1 = 1.2 and b = 0.75. Words are compared in lower case, if they have a letter or a
//! digit; none is stemmed or left out.

use std::collections::{BTreeMap, HashMap};

use auxdesk::{
    data::{Corpus, FieldValues, Lexicon, Prediction, Symbol},
    metric::{Gold, Scorer, Scores, scorer::RankingScorer},
};

const K1: f64 = 1.2;
const B: f64 = 0.75;

/// The metrics of the test queries, in the fields `query`, `documents` and `relevance`.
pub(crate) fn scores(corpus: &Corpus) -> Scores {
    let [query, documents, relevance] =
        ["query", "documents", "relevance"].map(|field| corpus.field(field).unwrap());
    let test = corpus.test.as_ref().unwrap();
    let collection = test.collection.as_ref().unwrap();
    let all = collection.documents.iter();
    let all: Vec<Vec<String>> =
        all.map(|document| words(&corpus.lexicons[documents], &document.words)).collect();
    let bm25 = Bm25::of(&all);
    let names = &["ndcg_at_10", "map", "mrr", "recall_at_10", "ndcg"];
    let mut scorer = Box::new(RankingScorer::of(names));
    for example in &test.examples {
        let Some(FieldValues::References { documents: judged, .. }) = &example.fields[documents]
        else {
            panic!("a query refers to the documents that are judged");
        };
        let mut gold = vec![0.0; all.len()];
        for (&document, &grade) in judged.iter().zip(example.strings(relevance).unwrap()) {
            gold[document as usize] = corpus.lexicons[relevance].get(grade).parse().unwrap();
        }
        let asked = words(&corpus.lexicons[query], example.symbols(query).unwrap());
        let found = bm25.scores(&asked).into_iter().map(|score| score as f32).collect();
        scorer.push(&Gold::Relevance(gold), &Prediction::Ranking(found));
    }
    let mut scores = Scores::default();
    scorer.finish(&mut scores);
    scores
}

/// The words that are compared.
fn words(lexicon: &Lexicon, symbols: &[Symbol]) -> Vec<String> {
    let words = symbols.iter().map(|&symbol| lexicon.get(symbol));
    words.filter(|word| word.contains(char::is_alphanumeric)).map(str::to_lowercase).collect()
}

/// The statistics of a collection.
pub(crate) struct Bm25 {
    /// The documents that have a word, each with its count there.
    postings: HashMap<String, Vec<(usize, f64)>>,
    /// 1 − b + b · |d| / mean |d| of each document.
    lengths: Vec<f64>,
}

impl Bm25 {
    /// Those of documents, each given as its words.
    pub(crate) fn of(documents: &[Vec<String>]) -> Self {
        let n_words: usize = documents.iter().map(Vec::len).sum();
        let mean = n_words as f64 / documents.len().max(1) as f64;
        let mut postings = HashMap::<String, Vec<(usize, f64)>>::new();
        for (at, words) in documents.iter().enumerate() {
            let mut counts = BTreeMap::<&str, f64>::new();
            for word in words {
                *counts.entry(word).or_default() += 1.0;
            }
            for (word, count) in counts {
                postings.entry(word.to_owned()).or_default().push((at, count));
            }
        }
        let length = |words: &Vec<String>| 1.0 - B + B * words.len() as f64 / mean;
        Self { postings, lengths: documents.iter().map(length).collect() }
    }

    /// The score of each document.
    pub(crate) fn scores(&self, query: &[String]) -> Vec<f64> {
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
