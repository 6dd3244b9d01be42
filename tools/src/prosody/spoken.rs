//! How a phrase is spoken: products of factors, in thousandths, for what a phoneme is and where it is.
//!
//! - Duration: of the phoneme by itself; longer in a stressed syllable, more so with an accent, at the end of the phrase
//!   (last syllable, a little in the one before), for vowels before voiced obstruents; shorter before voiceless ones, in
//!   clusters and in words of three syllables (Klatt 1976).
//! - Voicing: of voiced obstruents it is lost beside a voiceless one and before the pause, and of unstressed high vowels
//!   often between voiceless ones; one in thirty is otherwise, as in a pitch tracker.
//! - Pitch: it falls over the phrase (declination), rises at the end of a question and a little before a comma, has a
//!   peak at an accent, and is higher after a voiceless onset than after a voiced one (Pierrehumbert 1980; Hombert 1978).

use super::End;
use crate::dice::Dice;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Vowel,
    Sonorant,
    Voiced,
    Voiceless,
}

pub(super) struct Phoneme {
    pub(super) name: &'static str,
    pub(super) class: Class,
    /// Its duration by itself, in tenths of a ms.
    duration: usize,
}

const fn phoneme(name: &'static str, class: Class, ms: usize) -> Phoneme {
    Phoneme { name, class, duration: 10 * ms }
}

pub(super) const PHONEMES: [Phoneme; 19] = [
    phoneme("a", Class::Vowel, 105),
    phoneme("e", Class::Vowel, 92),
    phoneme("i", Class::Vowel, 74),
    phoneme("o", Class::Vowel, 98),
    phoneme("u", Class::Vowel, 78),
    phoneme("m", Class::Sonorant, 66),
    phoneme("n", Class::Sonorant, 60),
    phoneme("l", Class::Sonorant, 58),
    phoneme("r", Class::Sonorant, 48),
    phoneme("b", Class::Voiced, 62),
    phoneme("d", Class::Voiced, 54),
    phoneme("g", Class::Voiced, 64),
    phoneme("v", Class::Voiced, 68),
    phoneme("z", Class::Voiced, 80),
    phoneme("p", Class::Voiceless, 82),
    phoneme("t", Class::Voiceless, 76),
    phoneme("k", Class::Voiceless, 84),
    phoneme("f", Class::Voiceless, 96),
    phoneme("s", Class::Voiceless, 104),
];

/// The pitch in tenths of Hz at the start of a phrase, and that to which it falls.
const PITCH: [usize; 2] = [1900, 1350];

/// A phoneme in a phrase.
pub(super) struct Phone {
    pub(super) phoneme: usize,
    pub(super) is_stressed: bool,
    /// Whether its syllable has an accent.
    pub(super) is_accented: bool,
    /// Whether its word has more than two syllables.
    pub(super) is_of_long_word: bool,
    /// The number of syllables after its own.
    pub(super) n_syllables_left: usize,
}

impl Phone {
    fn class(&self) -> Class {
        PHONEMES[self.phoneme].class
    }

    fn is_vowel(&self) -> bool {
        self.class() == Class::Vowel
    }
}

pub(super) struct Spoken {
    /// In tenths of a ms.
    pub(super) duration: usize,
    /// In tenths of Hz; `None` for an unvoiced phoneme.
    pub(super) pitch: Option<usize>,
}

/// Thousandths from 1000 − `by` to 1000 + `by`, those in the middle more often.
fn noise(dice: &mut Dice, by: usize) -> usize {
    1000 - by + dice.below(by + 1) + dice.below(by + 1)
}

fn product(of: usize, factors: &[usize]) -> usize {
    factors.iter().fold(of, |product, factor| product * factor / 1000)
}

/// The phonemes as they are spoken, and the duration of the pause.
pub(super) fn speak(phones: &[Phone], end: End, dice: &mut Dice) -> (Vec<Spoken>, usize) {
    // A lively phrase is faster and higher.
    let lively = dice.below(101);
    let (pace, height) = (1120 - 240 * lively / 100, 920 + 160 * lively / 100);
    // How strong each accent is.
    let mut strength = 1000;
    let mut spoken = Vec::new();
    for (at, phone) in phones.iter().enumerate() {
        let is_start = at == 0 || !phones[at - 1].is_accented;
        if phone.is_accented && is_start {
            strength = noise(dice, 400);
        }
        let duration = duration(phones, at, strength);
        let duration = product(duration, &[pace, noise(dice, 130)]);
        let is_voiced = is_voiced(phones, at, dice);
        let pitch = product(pitch(phones, at, strength, end), &[height, noise(dice, 40)]);
        spoken.push(Spoken { duration, pitch: is_voiced.then_some(pitch) });
    }
    let pause = match end {
        End::Continuation => 1500,
        End::Statement | End::Question => 3000,
    };
    (spoken, product(pause, &[pace, noise(dice, 200)]))
}

/// What an accent of that strength adds, in thousandths.
fn emphasis(by: usize, strength: usize) -> usize {
    1000 + by * strength / 1000
}

fn duration(phones: &[Phone], at: usize, strength: usize) -> usize {
    let phone = &phones[at];
    let mut factors = Vec::new();
    if phone.is_stressed {
        factors.push(if phone.is_vowel() { 1150 } else { 1050 });
    }
    if phone.is_accented {
        factors.push(emphasis(if phone.is_vowel() { 350 } else { 180 }, strength));
    }
    match phone.n_syllables_left {
        0 => factors.push(1450),
        1 => factors.push(1100),
        _ => {}
    }
    if phone.is_of_long_word {
        factors.push(880);
    }
    let neighbours = [at.checked_sub(1).map(|before| &phones[before]), phones.get(at + 1)];
    if phone.is_vowel() {
        factors.extend(neighbours[1].and_then(|next| match next.class() {
            Class::Voiced => Some(1180),
            Class::Voiceless => Some(880),
            Class::Vowel | Class::Sonorant => None,
        }));
    } else if neighbours.into_iter().flatten().any(|other| !other.is_vowel()) {
        factors.push(800);
    }
    product(PHONEMES[phone.phoneme].duration, &factors)
}

fn is_voiced(phones: &[Phone], at: usize, dice: &mut Dice) -> bool {
    let phone = &phones[at];
    let is_voiceless = |at: usize| phones[at].class() == Class::Voiceless;
    let before = at > 0 && is_voiceless(at - 1);
    let after = at + 1 < phones.len() && is_voiceless(at + 1);
    let by_rule = match phone.class() {
        Class::Sonorant => true,
        Class::Voiceless => false,
        Class::Voiced => !before && !after && at + 1 < phones.len(),
        Class::Vowel => {
            let is_high = matches!(PHONEMES[phone.phoneme].name, "i" | "u");
            let may_be_lost = is_high && !phone.is_stressed && before && after;
            !may_be_lost || dice.chance(25)
        }
    };
    by_rule ^ dice.chance(3)
}

fn pitch(phones: &[Phone], at: usize, strength: usize, end: End) -> usize {
    let phone = &phones[at];
    let [start, least] = PITCH;
    let declined = start - (start - least) * at / phones.len();
    let mut factors = Vec::new();
    if phone.is_accented {
        factors.push(emphasis(if phone.is_vowel() { 300 } else { 180 }, strength));
    } else if phones[..at].iter().rev().take(2).any(|before| before.is_accented) {
        factors.push(emphasis(90, strength));
    }
    let rise = match (end, phone.n_syllables_left) {
        (End::Question, 0) => 1450,
        (End::Question, 1) => 1150,
        (End::Continuation, 0) => 1120,
        (End::Statement, 0) => 900,
        _ => 1000,
    };
    factors.push(rise);
    if phone.is_vowel() && at > 0 {
        factors.extend(match phones[at - 1].class() {
            Class::Voiceless => Some(1060),
            Class::Voiced => Some(960),
            Class::Vowel | Class::Sonorant => None,
        });
    }
    product(declined, &factors)
}
