//! The long tail: words made of other words, and words made of stems that no dictionary has.
//!
//! English makes new words of old ones, and a corpus is full of words it has only once. What part of
//! speech such a word has can be read from its ending, or from its neighbours, or not at all.

use crate::dice::Dice;
use crate::lexicon::{Lexicon, Noun, Verb, with_ed, with_ing, with_ly};

/// A rare noun of a topic.
pub(crate) fn noun(lexicon: &Lexicon, dice: &mut Dice, topic: &str) -> Noun {
    let word = match dice.weighted(&[36, 10, 8, 12, 14, 20]) {
        0 => {
            let first = short(lexicon, dice, topic);
            let second = short(lexicon, dice, topic);
            // "dealtalk" is hard to read; two words that meet in the same letter are too.
            if first.chars().last() == second.chars().next() {
                first + "-" + &second
            } else {
                first + &second
            }
        }
        1 => agent(&Verb::read(lexicon.word(dice, "act", topic))),
        2 => {
            return Noun {
                mass: true,
                ..Noun::read(&Verb::read(lexicon.word(dice, "act", topic)).gerund)
            };
        }
        3 => return Noun { mass: true, ..Noun::read(&ness(lexicon.word(dice, "adj", topic))) },
        4 => {
            let stem = stem(lexicon, dice);
            stem + dice.pick(&["er", "ist", "ment", "ation", "ism", "ity", "age", "ance", "ing"])
        }
        _ => stem(lexicon, dice),
    };
    Noun::read(&word)
}

/// A rare adjective.
pub(crate) fn adjective(lexicon: &Lexicon, dice: &mut Dice, topic: &str) -> String {
    match dice.weighted(&[20, 14, 22, 12, 32]) {
        0 => short(lexicon, dice, topic) + dice.pick(&["less", "like", "-free", "-rich", "-led"]),
        1 => format!("un{}", Verb::read(lexicon.word(dice, "act", topic)).participle),
        2 => {
            short(lexicon, dice, topic)
                + "-"
                + &Verb::read(lexicon.word(dice, "cause", topic)).participle
        }
        3 => format!("{}ish", lexicon.word(dice, "adj", topic).trim_end_matches('e')),
        _ => {
            let stem = stem(lexicon, dice);
            stem + dice.pick(&["ous", "ial", "ive", "ic", "ish", "ed", "able", "y", ""])
        }
    }
}

/// A rare verb.
pub(crate) fn verb(lexicon: &Lexicon, dice: &mut Dice) -> Verb {
    let stem = stem(lexicon, dice);
    let base = stem + dice.pick(&["", "", "", "ise", "ate", "ify", "le"]);
    Verb {
        third: crate::lexicon::with_s(&base),
        past: with_ed(&base),
        participle: with_ed(&base),
        gerund: with_ing(&base),
        base,
        partner: String::new(),
    }
}

/// A rare adverb of manner.
pub(crate) fn adverb(lexicon: &Lexicon, dice: &mut Dice, topic: &str) -> String {
    if dice.chance(60) {
        let adjective = lexicon.word(dice, "adj", topic);
        let irregular = [
            "good", "fast", "hard", "ill", "long", "early", "low", "high", "old", "big", "daily",
            "late", "deadly", "likely", "lonely", "small", "young", "tiny", "little", "red",
            "green",
        ];
        if !irregular.contains(&adjective) {
            return with_ly(adjective);
        }
    }
    let stem = stem(lexicon, dice);
    with_ly(&(stem + dice.pick(&["ous", "ial", "ive", "ing", "ed"])))
}

fn stem(lexicon: &Lexicon, dice: &mut Dice) -> String {
    // Half of the time any stem, or a few would take the whole tail.
    match dice.chance(50) {
        true => dice.zipf(&lexicon.stems).clone(),
        false => lexicon.stems[dice.below(lexicon.stems.len())].clone(),
    }
}

/// A noun of at most six letters, for compounds.
fn short(lexicon: &Lexicon, dice: &mut Dice, topic: &str) -> String {
    loop {
        let kind = if dice.chance(75) { "thing" } else { "place" };
        let noun = Noun::read(lexicon.word(dice, kind, topic));
        if noun.one.len() <= 6 {
            return noun.one;
        }
    }
}

fn agent(verb: &Verb) -> String {
    // The gerund already has the doubled letter and has lost a silent e.
    format!("{}er", verb.gerund.trim_end_matches("ing"))
}

fn ness(adjective: &str) -> String {
    match adjective.strip_suffix('y') {
        Some(stem) => format!("{stem}iness"),
        None => format!("{adjective}ness"),
    }
}
