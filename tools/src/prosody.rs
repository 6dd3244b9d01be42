//! Phrases of a made-up language as phonemes, with what speech synthesis predicts of them: duration, voicing and pitch.
//!
//! A phrase is two to five words and the mark at its end, `.`, `,` or `?`, which is a token: the pause. Words are
//! Zipf-distributed, and half of them can have an accent; the second of two neighbours has none. No column says where
//! accents are: they follow from the words, and show as longer and higher syllables (`spoken`). So duration and pitch are
//! evidence of one hidden cause. Another one, of which a text says nothing, is how lively a phrase is: faster and higher.
//!
//! Durations are in ms and pitch in Hz, with one decimal, both computed from integers.

mod spoken;

use std::fmt::Write as _;

use crate::corpus::File;
use crate::dice::Dice;
use spoken::{Class, PHONEMES, Phone, Spoken};

/// The phrases of each split.
const SPLITS: [(&str, usize); 3] = [("train", 160), ("dev", 80), ("test", 200)];

const N_WORDS: usize = 150;

/// A word: its syllables, of which one is stressed.
pub(crate) struct Word {
    /// The indices of the phonemes of each syllable.
    syllables: Vec<Vec<usize>>,
    stressed: usize,
    takes_accent: bool,
}

/// The end of a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Statement,
    Continuation,
    Question,
}

impl End {
    fn mark(self) -> &'static str {
        match self {
            Self::Statement => ".",
            Self::Continuation => ",",
            Self::Question => "?",
        }
    }
}

/// The files of all splits. No phrase is in two of them.
pub(crate) fn files(seed: u64) -> Vec<File> {
    let words = words(&mut Dice::new(seed));
    let (mut dice, mut said) = (Dice::new(seed + 1), std::collections::BTreeSet::new());
    let file = |(name, n_phrases): (&str, usize)| {
        let (mut text, mut n_tokens, mut n) = (String::new(), 0, 0);
        while n < n_phrases {
            let n_words = 2 + dice.below(4);
            let phrase: Vec<&Word> = (0..n_words).map(|_| dice.zipf(&words)).collect();
            let end = [End::Statement, End::Continuation, End::Question][dice.weighted(&[5, 2, 3])];
            let phones = phones(&phrase);
            let spelled: Vec<usize> = phones.iter().map(|phone| phone.phoneme).collect();
            if !said.insert((spelled, end.mark())) {
                continue;
            }
            let (spoken, pause) = spoken::speak(&phones, end, &mut dice);
            write(&mut text, &phones, &spoken, (end, pause));
            n_tokens += phones.len() + 1;
            n += 1;
        }
        let about = format!("{n_phrases} phrases, {n_tokens} phonemes and pauses");
        File { path: format!("prosody/{name}.tsv"), text, about }
    };
    SPLITS.map(file).into()
}

/// Different words of one to three syllables.
fn words(dice: &mut Dice) -> Vec<Word> {
    let of = |wanted: &[Class]| -> Vec<usize> {
        (0..PHONEMES.len()).filter(|&at| wanted.contains(&PHONEMES[at].class)).collect()
    };
    let vowels = of(&[Class::Vowel]);
    let onsets = of(&[Class::Sonorant, Class::Voiced, Class::Voiceless]);
    let mut words: Vec<Word> = Vec::new();
    while words.len() < N_WORDS {
        let n = 1 + dice.weighted(&[3, 5, 2]);
        let syllable = |_| {
            let mut phonemes = Vec::new();
            if dice.chance(85) {
                phonemes.push(onsets[dice.below(onsets.len())]);
            }
            phonemes.push(vowels[dice.below(vowels.len())]);
            if dice.chance(40) {
                phonemes.push(onsets[dice.below(onsets.len())]);
            }
            phonemes
        };
        let syllables: Vec<Vec<usize>> = (0..n).map(syllable).collect();
        let (stressed, takes_accent) = (dice.below(n), dice.chance(50));
        if words.iter().all(|word| word.syllables != syllables) {
            words.push(Word { syllables, stressed, takes_accent });
        }
    }
    words
}

/// The phonemes of a phrase, with all that their pronunciation follows from.
fn phones(words: &[&Word]) -> Vec<Phone> {
    let mut phones = Vec::new();
    let mut is_after_accent = false;
    let n_syllables: usize = words.iter().map(|word| word.syllables.len()).sum();
    let mut before = 0;
    for word in words {
        let is_accented = word.takes_accent && !is_after_accent;
        is_after_accent = is_accented;
        for (at, syllable) in word.syllables.iter().enumerate() {
            before += 1;
            let is_stressed = at == word.stressed;
            phones.extend(syllable.iter().map(|&phoneme| Phone {
                phoneme,
                is_stressed,
                is_accented: is_accented && is_stressed,
                is_of_long_word: word.syllables.len() > 2,
                n_syllables_left: n_syllables - before,
            }));
        }
    }
    phones
}

/// One line per token: phoneme, stress, duration, voicing and pitch; an empty line ends a phrase.
fn write(out: &mut String, phones: &[Phone], spoken: &[Spoken], (end, pause): (End, usize)) {
    for (phone, spoken) in phones.iter().zip(spoken) {
        let (name, stress) = (PHONEMES[phone.phoneme].name, u8::from(phone.is_stressed));
        let (voicing, pitch) = match spoken.pitch {
            Some(pitch) => ("voiced", pitch),
            None => ("unvoiced", 0),
        };
        let (duration, pitch) = (tenths(spoken.duration), tenths(pitch));
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{name}\t{stress}\t{duration}\t{voicing}\t{pitch}");
    }
    let _ = writeln!(out, "{}\t0\t{}\tunvoiced\t0.0\n", end.mark(), tenths(pause));
}

fn tenths(number: usize) -> String {
    format!("{}.{}", number / 10, number % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pitch_is_where_phonemes_are_voiced_and_every_line_is_whole() {
        for file in files(7) {
            for line in file.text.lines().filter(|line| !line.is_empty()) {
                let row: Vec<&str> = line.split('\t').collect();
                let [_, stress, duration, voicing, pitch] = row[..] else { panic!("{line}") };
                assert!(["0", "1"].contains(&stress), "{line}");
                assert!(duration.parse::<f32>().unwrap() > 10.0, "{line}");
                assert_eq!(voicing == "voiced", pitch.parse::<f32>().unwrap() > 50.0, "{line}");
            }
        }
    }
}
