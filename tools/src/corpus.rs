//! The corpora, the sizes of their splits, and their random seeds.

use crate::dice::Dice;
use crate::grammar::{Voice, Writer};
use crate::lexicon::Lexicon;
use crate::names::Cast;
use crate::sentence::Sentence;
use crate::{
    abstracts, claims, graphs, languages, noise, pairs, phrases, posts, prosody, questions,
    reports, reviews, scenes, search, stories, tones, write,
};

/// The base seed; every split's seed is an offset from it.
const SEED: u64 = 1;
const NEWS: [&str; 6] = ["markets", "politics", "weather", "sport", "science", "crime"];
const NOTES: [&str; 5] = ["birds", "plants", "stones", "sky", "camp"];

/// A file of the sample data.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
    /// A summary of its counts, for printing.
    pub(crate) about: String,
}

/// A file that is no text.
pub(crate) struct Binary {
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
    /// A summary of its counts, for printing.
    pub(crate) about: String,
}

/// A split to write.
struct Split {
    path: &'static str,
    voice: Voice,
    n_sentences: usize,
    noisy: bool,
}

/// Every file of the sample data: the texts, and the others.
pub(crate) fn files() -> (Vec<File>, Vec<Binary>) {
    let mut files = sentences();
    files.extend(reviews::files(1000 * SEED + 100));
    files.extend(posts::files(1000 * SEED + 200));
    files.extend(languages::files(1000 * SEED + 300));
    files.extend(graphs::files(1000 * SEED + 400, &news()));
    files.extend(pairs::files(1000 * SEED + 500));
    files.extend(search::files(1000 * SEED + 600));
    files.extend(stories::files(1000 * SEED + 700));
    files.extend(questions::files(1000 * SEED + 800));
    files.extend(claims::files(1000 * SEED + 900, &news()));
    files.extend(reports::files(1000 * SEED + 1000));
    files.extend(abstracts::files(1000 * SEED + 1100));
    files.extend(phrases::files(1000 * SEED + 1200));
    let (manifests, recordings) = tones::files(1000 * SEED + 1200);
    files.extend(manifests);
    let (texts, frames) = scenes::files(1000 * SEED + 1300);
    files.extend(texts);
    files.extend(prosody::files(1000 * SEED + 1400));
    (files, recordings.into_iter().chain(frames).collect())
}

/// Corpora of unrelated sentences.
fn sentences() -> Vec<File> {
    let news = news();
    let notes = lexicon(&[include_str!("../lexicon/notes.txt")]);
    [
        ("news/train.tsv", Voice::News, 1200, true),
        ("news/dev.tsv", Voice::News, 500, false),
        ("news/test.tsv", Voice::News, 600, false),
        ("field-notes/train.conllu", Voice::Notes, 500, true),
        ("field-notes/dev.conllu", Voice::Notes, 100, false),
        ("field-notes/test.conllu", Voice::Notes, 180, false),
    ]
    .into_iter()
    .enumerate()
    .map(|(place, (path, voice, n_sentences, noisy))| {
        let lexicon = if voice == Voice::News { &news } else { &notes };
        let mut dice = Dice::new(1000 * SEED + place as u64);
        file(&Split { path, voice, n_sentences, noisy }, lexicon, &mut dice)
    })
    .collect()
}

/// The word lists of news.
fn news() -> Lexicon {
    lexicon(&[
        include_str!("../lexicon/nouns.txt"),
        include_str!("../lexicon/verbs.txt"),
        include_str!("../lexicon/modifiers.txt"),
    ])
}

/// The word lists, with the invented stems that all splits share.
fn lexicon(texts: &[&str]) -> Lexicon {
    let mut lexicon = Lexicon::read(texts, include_str!("../lexicon/names.txt"));
    let mut dice = Dice::new(SEED);
    lexicon.stems = (0..900)
        .map(|_| {
            let n = 1 + usize::from(dice.chance(40));
            lexicon.syllables(&mut dice, n)
        })
        .collect();
    lexicon
}

fn file(split: &Split, lexicon: &Lexicon, dice: &mut Dice) -> File {
    let (mut text, mut n_tokens, mut n_slips) = (String::new(), 0, 0);
    let mut sentences = stories(split.voice, split.n_sentences, lexicon, dice);
    for (place, sentence) in sentences.iter_mut().enumerate() {
        if split.noisy {
            let before = noise::labels(sentence);
            match split.voice {
                Voice::News => {
                    noise::words(sentence, dice, 1);
                    noise::spans(sentence, dice);
                }
                Voice::Notes => noise::words(sentence, dice, 2),
            }
            let now = noise::labels(sentence);
            n_slips += now.iter().zip(&before).filter(|(now, before)| now != before).count();
        }
        n_tokens += sentence.len();
        match split.voice {
            Voice::News => write::columns(&mut text, sentence),
            Voice::Notes => {
                let stem = split.path.rsplit('/').next().unwrap_or_default();
                let stem = stem.trim_end_matches(".conllu");
                write::conllu(&mut text, sentence, &format!("{stem}-{}", place + 1));
            }
        }
    }
    let n_sentences = split.n_sentences;
    let about = format!("{n_sentences} sentences, {n_tokens} tokens, {n_slips} with a slip");
    File { path: split.path.to_owned(), text, about }
}

/// So many sentences, in documents.
pub(crate) fn stories(
    voice: Voice,
    n_sentences: usize,
    lexicon: &Lexicon,
    dice: &mut Dice,
) -> Vec<Sentence> {
    let mut sentences: Vec<Sentence> = Vec::new();
    while sentences.len() < n_sentences {
        story(voice, lexicon, dice, &mut sentences);
    }
    sentences.truncate(n_sentences);
    sentences
}

/// A document of four to eight sentences about one topic, with the same people and places.
fn story(voice: Voice, lexicon: &Lexicon, dice: &mut Dice, sentences: &mut Vec<Sentence>) {
    let topics: &[&'static str] = if voice == Voice::News { &NEWS } else { &NOTES };
    let topic = topics[dice.below(topics.len())];
    let cast = Cast::new(lexicon, dice, topic);
    let end = sentences.len() + 4 + dice.below(5);
    let longest = if voice == Voice::News { 24 } else { 16 };
    while sentences.len() < end {
        let sentence = Writer::new(lexicon, dice, &cast, (voice, topic)).sentence();
        if (4..=longest).contains(&sentence.len()) {
            sentences.push(sentence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_write_the_same_bytes() {
        let [(texts, recordings), (texts_again, recordings_again)] = [files(), files()];
        for (first, second) in texts.iter().zip(texts_again) {
            assert_eq!(first.text, second.text, "{}", first.path);
        }
        for (first, second) in recordings.iter().zip(recordings_again) {
            assert_eq!(first.bytes, second.bytes, "{}", first.path);
        }
    }

    #[test]
    fn every_tree_has_one_root_and_no_loose_end() {
        for file in sentences().iter().filter(|file| file.path.ends_with(".conllu")) {
            for sentence in file.text.split_terminator("\n\n") {
                let rows = sentence.lines().filter(|line| !line.starts_with('#'));
                let heads: Vec<&str> = rows
                    .map(|row| row.split('\t').collect::<Vec<_>>())
                    .filter(|row| row[3] != "_")
                    .map(|row| row[6])
                    .collect();
                assert_eq!(heads.iter().filter(|head| **head == "0").count(), 1, "{sentence}");
                assert!(!sentence.contains("\tdep\t"), "{sentence}");
            }
        }
    }

    #[test]
    fn no_chunk_or_entity_goes_on_from_nothing() {
        for file in sentences().iter().filter(|file| file.path.ends_with(".tsv")) {
            let mut before = ["O", "O"];
            for line in file.text.lines() {
                let row: Vec<&str> = line.split('\t').collect();
                let now = if row.len() == 4 { [row[2], row[3]] } else { ["O", "O"] };
                for (tag, last) in now.iter().zip(before) {
                    let kind = tag.strip_prefix("I-");
                    assert!(kind.is_none_or(|kind| last.ends_with(kind) && last != "O"), "{line}");
                }
                before = now;
            }
        }
    }
}
