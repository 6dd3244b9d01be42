//! Files embedded in the program: recipes, and the samples that they are trained on.

use crate::data::read::{Location, Samples};

macro_rules! recipes {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../assets/recipes/", $name, ".toml")))),*]
    };
}

macro_rules! samples {
    ($($path:literal)*) => {
        &[$(($path, include_bytes!(concat!("../../sample-data/", $path)))),*]
    };
}

/// All shipped recipes, by name, in the order of `auxdesk list`.
pub const RECIPES: &[(&str, &str)] = recipes![
    "chunking" "language-modelling" "data-statistics" "adversarial"
    "presence" "sentiment" "multilingual" "semantic-parsing"
    "representation"
    "ranking" "question-answering"
    "relation-extraction" "summaries" "keyphrases" "translation" "initial-state"
    "inverse" "speech" "grounding"
];

/// All shipped samples: the path after `sample:`, and the bytes.
pub const SAMPLES: &[(&str, &[u8])] = samples![
    "news/train.tsv" "news/dev.tsv" "news/test.tsv"
    "field-notes/train.conllu" "field-notes/dev.conllu" "field-notes/test.conllu"
    "reviews/books/train.tsv" "reviews/books/dev.tsv"
    "reviews/books/test.tsv" "reviews/books/unlabelled.tsv"
    "reviews/kitchen/train.tsv" "reviews/kitchen/dev.tsv"
    "reviews/kitchen/test.tsv" "reviews/kitchen/unlabelled.tsv"
    "reviews/kitchen/aspects.train.jsonl" "reviews/kitchen/aspects.dev.jsonl"
    "reviews/kitchen/aspects.test.jsonl"
    "reviews/music/train.tsv" "reviews/music/dev.tsv"
    "reviews/music/test.tsv" "reviews/music/unlabelled.tsv"
    "reviews/sports/train.tsv" "reviews/sports/dev.tsv"
    "reviews/sports/test.tsv" "reviews/sports/unlabelled.tsv"
    "reviews/positive.txt" "reviews/negative.txt" "reviews/pivots.txt"
    "sentiment/fine.train.tsv" "sentiment/fine.dev.tsv" "sentiment/fine.test.tsv"
    "sentiment/coarse.train.tsv" "sentiment/coarse.dev.tsv" "sentiment/coarse.test.tsv"
    "languages/north/train.tsv" "languages/north/dev.tsv"
    "languages/south/train.tsv" "languages/south/dev.tsv"
    "languages/isle/train.tsv" "languages/isle/dev.tsv" "languages/isle/test.tsv"
    "languages/isle/projected.tsv"
    "graphs/train.pas.sdp" "graphs/train.psd.sdp" "graphs/train.dm.sdp"
    "graphs/dev.pas.sdp" "graphs/dev.psd.sdp" "graphs/dev.dm.sdp"
    "graphs/test.pas.sdp" "graphs/test.psd.sdp" "graphs/test.dm.sdp"
    "pairs/train.tsv" "pairs/dev.tsv" "pairs/test.tsv"
    "stories/train.txt" "stories/dev.txt" "stories/test.txt"
    "claims/train.txt" "claims/dev.txt" "claims/test.txt"
    "search/clicks.train.jsonl" "search/clicks.dev.jsonl" "search/clicks.test.jsonl"
    "search/topics.train.jsonl" "search/topics.dev.jsonl"
    "questions/train.jsonl" "questions/dev.jsonl" "questions/test.jsonl"
    "reports/summaries.train.jsonl" "reports/summaries.dev.jsonl" "reports/summaries.test.jsonl"
    "reports/topics.train.jsonl" "reports/topics.dev.jsonl" "reports/topics.test.jsonl"
    "abstracts/keyphrases.train.tsv" "abstracts/keyphrases.dev.tsv" "abstracts/keyphrases.test.tsv"
    "abstracts/chunks.train.tsv" "abstracts/chunks.dev.tsv" "abstracts/chunks.test.tsv"
    "phrases/north/train.source" "phrases/north/train.target"
    "phrases/north/dev.source" "phrases/north/dev.target"
    "phrases/north/test.source" "phrases/north/test.target"
    "phrases/north/train.actions" "phrases/north/dev.actions" "phrases/north/test.actions"
    "phrases/south/train.source" "phrases/south/train.target"
    "phrases/south/dev.source" "phrases/south/dev.target"
    "phrases/tags/train.tsv" "phrases/tags/dev.tsv"
    "phrases/pictures/train.jsonl" "phrases/pictures/dev.jsonl"
    "phrases/unpaired/train.jsonl" "phrases/unpaired/dev.jsonl"
    "tones/train.jsonl" "tones/dev.jsonl" "tones/test.jsonl"
    "tones/train.wav" "tones/dev.wav" "tones/test.wav"
    "scenes/train.jsonl" "scenes/dev.jsonl" "scenes/test.jsonl"
    "scenes/train.safetensors" "scenes/dev.safetensors" "scenes/test.safetensors"
    "scenes/clips.train.jsonl" "scenes/clips.dev.jsonl"
    "scenes/clips.train.safetensors" "scenes/clips.dev.safetensors"
    "scenes/train.report" "scenes/train.entailed" "scenes/dev.report" "scenes/dev.entailed"
    "prosody/train.tsv" "prosody/dev.tsv" "prosody/test.tsv"
];

/// The text of the shipped recipe with that name.
pub fn recipe(name: &str) -> Option<&'static str> {
    RECIPES.iter().find(|(other, _)| *other == name).map(|(_, text)| *text)
}

/// The bytes of the shipped sample with that path, without `sample:`.
pub fn sample(path: &str) -> Option<&'static [u8]> {
    SAMPLES.iter().find(|(other, _)| *other == path).map(|(_, bytes)| *bytes)
}

/// All samples, by path.
pub fn samples() -> Samples {
    SAMPLES.iter().copied().collect()
}

/// The location of a checked path.
pub(super) fn location(path: &str) -> Location {
    match path.strip_prefix("sample:") {
        Some(sample) => Location::Sample(sample.to_owned()),
        None => Location::File(path.into()),
    }
}
