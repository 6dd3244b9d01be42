//! Pairs of sentences with a graded relatedness and a class of entailment.
//!
//! A sentence says a scene; the second is made of the first by changes: synonyms, more general or more special words,
//! modifiers dropped or added, negation, opposites, swapped roles, another part, or another scene. Both labels follow
//! from the two scenes, not from the words. A line is first sentence, second sentence, relatedness from 1 to 5, class,
//! under a header.

mod concepts;
mod relation;
mod scene;

use std::collections::BTreeSet;

use crate::corpus::File;
use crate::dice::Dice;
use relation::{CLASSES, class, relatedness};
use scene::{Count, Phrase, Polarity, Scene, Style, Use, Words};

const HEADER: &str = "first\tsecond\trelatedness\tjudgement\n";

/// Every file of the pairs.
pub(crate) fn files(seed: u64) -> Vec<File> {
    let words = Words(concepts::read(include_str!("../lexicon/pairs.txt")));
    let mut dice = Dice::new(seed);
    let mut seen = BTreeSet::new();
    let splits = [("train", 1500), ("dev", 300), ("test", 500)];
    splits.map(|(split, n)| file(split, n, &words, &mut dice, &mut seen)).into()
}

fn file(
    split: &str,
    n: usize,
    words: &Words,
    dice: &mut Dice,
    seen: &mut BTreeSet<String>,
) -> File {
    let mut text = HEADER.to_owned();
    let mut counts = [0; CLASSES.len()];
    let mut n_tokens = 0;
    for _ in 0..n {
        let (line, place) = loop {
            let first = Scene::drawn(words, dice);
            let second = changed(&first, words, dice);
            let [one, two] = [&first, &second].map(|scene| scene.text(words));
            let is_short = one.split(' ').count().max(two.split(' ').count()) <= 18;
            if one != two && is_short && seen.insert(format!("{one}\t{two}")) {
                let class = class(&first, &second, words);
                // Raters differ by up to three tenths.
                let score = relatedness(&first, &second, words) + dice.below(7);
                let score = score.saturating_sub(3).clamp(10, 50);
                let line = format!("{one}\t{two}\t{}.{}\t{class}\n", score / 10, score % 10);
                break (line, CLASSES.iter().position(|other| *other == class));
            }
        };
        n_tokens += line.split(['\t', ' ']).count() - 2;
        counts[place.expect("a class is listed")] += 1;
        text.push_str(&line);
    }
    let shares: Vec<String> = (CLASSES.iter().zip(counts))
        .map(|(class, n_of)| format!("{class} {:.1} %", 100.0 * f64::from(n_of) / n as f64))
        .collect();
    let about = format!("{n} pairs, {n_tokens} tokens, {}", shares.join(", "));
    File { path: format!("pairs/{split}.tsv"), text, about }
}

/// A scene made of another one.
fn changed(first: &Scene, words: &Words, dice: &mut Dice) -> Scene {
    let mut second = first.clone();
    match dice.weighted(&[12, 19, 11, 22, 10, 9, 7, 6, 6]) {
        0 => {}
        1 => {
            (0..=dice.below(3)).for_each(|_| generalize(&mut second, words, dice));
        }
        2 => (0..=dice.below(2)).for_each(|_| specialize(&mut second, words, dice)),
        3 => {
            second.polarity = match second.polarity {
                Polarity::Positive if dice.chance(35) => Polarity::No,
                Polarity::Positive => Polarity::Not,
                Polarity::Not | Polarity::No => Polarity::Positive,
            };
            match dice.below(4) {
                0 => generalize(&mut second, words, dice),
                1 => specialize(&mut second, words, dice),
                _ => {}
            }
        }
        4 => {
            for part in [Some(&mut second.verb), second.manner.as_mut()].into_iter().flatten() {
                if let Some(opposite) = words.0[part.list].concepts[part.concept].opposite {
                    *part = Use { concept: opposite, word: 0, ..*part };
                    break;
                }
            }
        }
        5 => match second.object.take() {
            Some(object) if is_person(&object, words) => {
                second.object = Some(std::mem::replace(&mut second.subject, object));
            }
            object => {
                second.object = object;
                replace(&mut second, words, dice);
            }
        },
        6 => replace(&mut second, words, dice),
        7 => {
            let other = Scene::drawn(words, dice);
            let (subject, place) = (second.subject, second.place);
            second = Scene { subject, place, ..other };
        }
        _ => return Scene::drawn(words, dice),
    }
    if dice.chance(60) {
        reword(&mut second, words, dice);
    }
    if dice.chance(45) {
        second.style = Style::drawn(dice);
    }
    second
}

fn is_person(phrase: &Phrase, words: &Words) -> bool {
    words.0[phrase.noun.list].sort == "person"
}

/// Other words of the same meaning.
fn reword(scene: &mut Scene, words: &Words, dice: &mut Dice) {
    let phrases = [Some(&mut scene.subject), scene.object.as_mut()].into_iter().flatten();
    let of_phrases = phrases.flat_map(|it| it.adjectives.iter_mut().chain([&mut it.noun]));
    let others = [Some(&mut scene.verb), scene.place.as_mut(), scene.manner.as_mut()];
    for part in of_phrases.chain(others.into_iter().flatten()) {
        let n = words.0[part.list].concepts[part.concept].words.len();
        if dice.chance(60) {
            part.word = dice.below(n);
        }
    }
}

/// The subject or the object.
fn some_phrase<'a>(scene: &'a mut Scene, dice: &mut Dice) -> &'a mut Phrase {
    match &mut scene.object {
        Some(object) if dice.chance(60) => object,
        _ => &mut scene.subject,
    }
}

/// Says less about a part.
fn generalize(scene: &mut Scene, words: &Words, dice: &mut Dice) {
    let is_special = |it: &Use| words.0[it.list].concepts[it.concept].above.is_some();
    match dice.below(5) {
        0 if scene.place.is_some() => scene.place = None,
        1 if scene.manner.is_some() => scene.manner = None,
        2 if is_special(&scene.verb) => scene.verb.is_general = true,
        _ => {
            let phrase = some_phrase(scene, dice);
            match (phrase.count, dice.below(3)) {
                (Count::Two | Count::Three, 0) => phrase.count = Count::Some,
                (_, 1) if is_special(&phrase.noun) => phrase.noun.is_general = true,
                _ if !phrase.adjectives.is_empty() => {
                    phrase.adjectives.remove(dice.below(phrase.adjectives.len()));
                }
                _ => phrase.noun.is_general = is_special(&phrase.noun),
            }
        }
    }
}

/// Says more about a part.
fn specialize(scene: &mut Scene, words: &Words, dice: &mut Dice) {
    match dice.below(4) {
        0 if scene.place.is_none() => {
            scene.place = Some(Use::drawn(words.list("place", "any"), words, dice));
        }
        1 if scene.manner.is_none() => {
            scene.manner = Some(Use::drawn(words.list("manner", "any"), words, dice));
        }
        _ => {
            let phrase = some_phrase(scene, dice);
            match phrase.count {
                Count::Some if dice.chance(50) => phrase.count = Count::Two,
                _ => phrase.describe(words, dice),
            }
        }
    }
}

/// Another meaning in one part.
fn replace(scene: &mut Scene, words: &Words, dice: &mut Dice) {
    let part = match dice.below(4) {
        0 => &mut scene.verb,
        1 if scene.place.is_some() => scene.place.as_mut().expect("it has a place"),
        _ => &mut some_phrase(scene, dice).noun,
    };
    let old = part.concept;
    while part.concept == old {
        *part = Use::drawn(part.list, words, dice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        Words(concepts::read(include_str!("../lexicon/pairs.txt")))
    }

    /// "a man is slicing an onion".
    fn scene(words: &Words) -> Scene {
        let word = |kind, sort| Use {
            list: words.list(kind, sort),
            concept: 0,
            word: 0,
            is_general: false,
        };
        let phrase =
            |sort| Phrase { count: Count::One, adjectives: Vec::new(), noun: word("noun", sort) };
        let style = Style { is_passive: false, has_there: false, is_fronted: false };
        Scene {
            subject: phrase("person"),
            verb: word("verb", "food"),
            object: Some(phrase("food")),
            place: None,
            manner: None,
            polarity: Polarity::Positive,
            style,
        }
    }

    #[test]
    fn the_class_depends_on_direction_and_polarity() {
        let words = words();
        let plain = scene(&words);
        assert_eq!(plain.text(&words), "a man is slicing an onion");
        let mut general = plain.clone();
        general.object.as_mut().unwrap().noun.is_general = true;
        general.style.is_passive = true;
        assert_eq!(general.text(&words), "a vegetable is being sliced by a man");
        let denied = |scene: &Scene, polarity| Scene { polarity, ..scene.clone() };
        let (not, no) = (Polarity::Not, Polarity::No);
        for (first, second, wanted) in [
            (plain.clone(), general.clone(), "entailment"),
            (general.clone(), plain.clone(), "neutral"),
            (plain.clone(), denied(&general, not), "contradiction"),
            (general.clone(), denied(&plain, not), "neutral"),
            (denied(&general, not), denied(&plain, not), "entailment"),
            (denied(&plain, not), denied(&general, not), "neutral"),
            (denied(&general, no), plain.clone(), "contradiction"),
            (denied(&plain, not), denied(&plain, no), "neutral"),
        ] {
            assert_eq!(class(&first, &second, &words), wanted, "{first:?} {second:?}");
        }
    }

    #[test]
    fn relatedness_falls_with_every_difference() {
        let words = words();
        let plain = scene(&words);
        assert_eq!(relatedness(&plain, &plain, &words), 50);
        let not = Scene { polarity: Polarity::Not, ..plain.clone() };
        assert_eq!(relatedness(&plain, &not, &words), 39);
        let mut other = not.clone();
        other.verb.concept = 1;
        assert_eq!(relatedness(&plain, &other, &words), 25);
    }
}
