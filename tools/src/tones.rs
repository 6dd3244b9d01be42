//! Sung words with their transcripts: two words of a made-up language in each utterance, by several speakers.
//!
//! A word is a string of phonemes, each sung for a time of its own as a tone or a noise with two resonances. Its spelling
//! follows from the phonemes by rules that leave a choice, which is made once for each word: /k/ is `k`, `c` or `q`, /f/
//! is `f` or `ph`, a last `e` may be silent. So characters have to be learnt by the word, and phonemes are easier. Dev
//! and test have words and a speaker that train lacks.
//!
//! Sines are computed here from products and sums, which are equal on every machine.

mod sound;

use crate::corpus::{Binary, File};
use crate::dice::Dice;
use sound::{RATE, Speaker, sing};

/// Phonemes with their resonances in Hz, the percentage of noise, and their least length in ms.
const PHONEMES: [(&str, [usize; 2], usize, usize); 15] = [
    ("a", [800, 1300], 0, 60),
    ("e", [500, 1900], 0, 55),
    ("i", [300, 2400], 0, 50),
    ("o", [500, 900], 0, 60),
    ("u", [320, 700], 0, 55),
    ("m", [250, 1100], 2, 45),
    ("n", [250, 1600], 2, 45),
    ("l", [380, 2900], 3, 40),
    ("r", [480, 1150], 12, 40),
    ("z", [280, 3300], 55, 45),
    ("s", [3500, 3100], 100, 50),
    ("f", [1400, 2300], 100, 45),
    ("x", [2100, 2700], 100, 50),
    ("k", [1700, 1900], 85, 35),
    ("t", [2900, 3600], 85, 35),
];

const N_VOWELS: usize = 5;

/// The number of words, and of those that train has.
const N_WORDS: usize = 48;
const N_TRAINED: usize = 40;

/// The speakers, and how many train has.
const SPEAKERS: [Speaker; 6] = [
    Speaker { name: "ada", pitch: 196, scale: 112, pace: 100 },
    Speaker { name: "bo", pitch: 110, scale: 92, pace: 112 },
    Speaker { name: "cai", pitch: 147, scale: 100, pace: 90 },
    Speaker { name: "dee", pitch: 220, scale: 116, pace: 95 },
    Speaker { name: "eli", pitch: 98, scale: 88, pace: 105 },
    Speaker { name: "fay", pitch: 175, scale: 106, pace: 108 },
];
const N_TRAINED_SPEAKERS: usize = 5;

struct Word {
    phonemes: Vec<usize>,
    spelling: String,
}

/// The recordings and the manifests of all splits.
pub(crate) fn files(seed: u64) -> (Vec<File>, Vec<Binary>) {
    let words = words(&mut Dice::new(seed));
    let splits = [("train", 120), ("dev", 60), ("test", 120)];
    let split = |(at, (name, n)): (u64, (&str, usize))| {
        let mut dice = Dice::new(seed + 1 + at);
        let is_train = name == "train";
        split(name, n, is_train, &words, &mut dice)
    };
    (0..).zip(splits).map(split).unzip()
}

/// Different words of two or three syllables.
fn words(dice: &mut Dice) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    while words.len() < N_WORDS {
        let mut phonemes = Vec::new();
        for _ in 0..2 + usize::from(dice.chance(20)) {
            phonemes.push(N_VOWELS + dice.below(PHONEMES.len() - N_VOWELS));
            phonemes.push(dice.below(N_VOWELS));
        }
        if dice.chance(35) {
            // One that a word may end with.
            phonemes.push(N_VOWELS + dice.below(6));
        }
        if words.iter().all(|word| word.phonemes != phonemes) {
            let spelling = spelling(&phonemes, dice);
            words.push(Word { phonemes, spelling });
        }
    }
    words
}

fn spelling(phonemes: &[usize], dice: &mut Dice) -> String {
    let mut spelling = String::new();
    for (at, &phoneme) in phonemes.iter().enumerate() {
        let next = phonemes.get(at + 1).map(|&next| PHONEMES[next].0);
        let is_front = matches!(next, Some("e" | "i"));
        let choices: &[&str] = match PHONEMES[phoneme].0 {
            "k" if next == Some("u") => &["k", "c", "q"],
            "k" if !is_front => &["k", "c"],
            "s" if is_front => &["s", "c"],
            "f" => &["f", "ph"],
            "x" => &["sh", "x"],
            "i" => &["i", "i", "y", "ee"],
            "u" => &["u", "u", "oo"],
            "l" if next.is_none() => &["l", "ll"],
            "z" => &["z", "s"],
            same => &[same],
        };
        spelling += dice.pick(choices);
    }
    if PHONEMES[phonemes[phonemes.len() - 1]].1[0] < 300 && dice.chance(60) {
        spelling.push('e');
    }
    spelling
}

fn split(
    name: &str,
    n_utterances: usize,
    is_train: bool,
    words: &[Word],
    dice: &mut Dice,
) -> (File, Binary) {
    let (n_words, n_speakers) =
        if is_train { (N_TRAINED, N_TRAINED_SPEAKERS) } else { (words.len(), SPEAKERS.len()) };
    let (mut lines, mut samples) = (String::new(), Vec::new());
    for _ in 0..n_utterances {
        let speaker = &SPEAKERS[dice.below(n_speakers)];
        let said: Vec<&Word> = (0..2).map(|_| &words[dice.below(n_words)]).collect();
        let offset = samples.len();
        let mut sounds = vec![(None, 20 + dice.below(30))];
        for (at, word) in said.iter().enumerate() {
            if at > 0 {
                sounds.push((None, 30 + dice.below(40)));
            }
            for &phoneme in &word.phonemes {
                let length = PHONEMES[phoneme].3 + dice.below(35);
                sounds.push((Some(phoneme), length * speaker.pace / 100));
            }
        }
        sounds.push((None, 20 + dice.below(30)));
        let resonances = |phoneme: usize| (PHONEMES[phoneme].1, PHONEMES[phoneme].2);
        let sounds_of = sounds.iter().map(|(phoneme, length)| (phoneme.map(resonances), *length));
        samples.extend(sing(sounds_of, speaker, dice));
        let mut at = 0;
        let states = sounds.iter().map(|(phoneme, length)| {
            let start = at;
            at += length;
            let state = phoneme.map_or("-", |phoneme| PHONEMES[phoneme].0);
            format!("[{}, {}, \"{state}\"]", seconds(start), seconds(at))
        });
        let states = states.collect::<Vec<_>>().join(", ");
        let characters: Vec<&str> = said.iter().map(|word| word.spelling.as_str()).collect();
        let phonemes = said.iter().flat_map(|word| &word.phonemes);
        let phonemes: Vec<&str> = phonemes.map(|&phoneme| PHONEMES[phoneme].0).collect();
        lines += &format!(
            "{{\"audio\": \"{name}.wav\", \"offset\": {}, \"duration\": {}, \"speaker\": \"{}\", \"characters\": \
             \"{}\", \"phonemes\": \"{}\", \"states\": [{states}]}}\n",
            seconds(offset / (RATE / 1000)),
            seconds((samples.len() - offset) / (RATE / 1000)),
            speaker.name,
            characters.join(" "),
            phonemes.join(" "),
        );
    }
    let n_seconds = samples.len() / RATE;
    let about = format!("{n_utterances} utterances, {n_seconds} s");
    let file = File { path: format!("tones/{name}.jsonl"), text: lines, about: about.clone() };
    let bytes = wav(&samples);
    (file, Binary { path: format!("tones/{name}.wav"), bytes, about })
}

/// Milliseconds as seconds.
fn seconds(ms: usize) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// A WAV file of one channel with 8 bits, of samples from −1 to 1.
fn wav(samples: &[f64]) -> Vec<u8> {
    let (rate, n) = (RATE as u32, samples.len() as u32);
    let n_padded = n + n % 2;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + n_padded).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(rate.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend(b"\x01\0\x08\0data");
    bytes.extend(n.to_le_bytes());
    bytes.extend(
        samples.iter().map(|sample| (128.0 + 127.0 * sample.clamp(-1.0, 1.0)).round() as u8),
    );
    bytes.resize(44 + n_padded as usize, 0);
    bytes
}
