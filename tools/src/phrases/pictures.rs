//! The vector of the picture that a sentence describes.
//!
//! Each concept has a vector, whatever its name. That of a scene is the sum of those of its parts, rotated by their role,
//! so that who acts differs from what is acted upon, and some noise. Tense and negation are not in a picture.

use std::collections::BTreeMap;

use super::meaning::{Clause, Phrase, Subject};
use super::words::{Stem, Words};
use crate::dice::Dice;

/// The dimension of a vector.
pub(super) const DIMENSION: usize = 24;

/// The vector of a picture, in hundredths.
pub(super) type Picture = [i32; DIMENSION];

/// The rotation of the vectors of each role.
enum Role {
    Act,
    Subject,
    Object,
    Place,
}

/// The vectors of all concepts.
pub(super) struct Pictures {
    by_concept: BTreeMap<String, Picture>,
    persons: [Picture; 3],
    /// Of several of a kind.
    many: Picture,
}

impl Pictures {
    pub(super) fn draw(words: &Words, dice: &mut Dice) -> Self {
        let mut draw = || std::array::from_fn(|_| dice.below(201) as i32 - 100);
        let nouns = words.nouns.iter().map(|noun| &noun.stem);
        let others = [&words.verbs, &words.adjectives, &words.adverbs, &words.prepositions];
        let stems = nouns.chain(others.into_iter().flatten());
        Self {
            by_concept: stems.map(|stem| (concept(stem).to_owned(), draw())).collect(),
            persons: std::array::from_fn(|_| draw()),
            many: draw(),
        }
    }

    /// The picture of a scene.
    pub(super) fn of(&self, clause: &Clause, dice: &mut Dice) -> Picture {
        let mut picture: Picture = std::array::from_fn(|_| dice.below(41) as i32 - 20);
        self.add_stem(&clause.verb, Role::Act, &mut picture);
        if let Some(adverb) = &clause.adverb {
            self.add_stem(adverb, Role::Act, &mut picture);
        }
        match &clause.subject {
            Subject::Person(person) => add(&self.persons[*person], Role::Subject, &mut picture),
            Subject::Phrase(phrase) => self.add_phrase(phrase, Role::Subject, &mut picture),
        }
        if let Some(object) = &clause.object {
            self.add_phrase(object, Role::Object, &mut picture);
        }
        if let Some((preposition, phrase)) = &clause.place {
            self.add_stem(preposition, Role::Place, &mut picture);
            self.add_phrase(phrase, Role::Place, &mut picture);
        }
        picture
    }

    fn add_phrase(&self, phrase: &Phrase, role: Role, picture: &mut Picture) {
        let Phrase { noun, plural, adjective, .. } = phrase;
        let mut vector = self.by_concept[concept(&noun.stem)];
        if *plural {
            add(&self.many, Role::Act, &mut vector);
        }
        if let Some(adjective) = adjective {
            self.add_stem(adjective, Role::Act, &mut vector);
        }
        add(&vector, role, picture);
    }

    fn add_stem(&self, stem: &Stem, role: Role, picture: &mut Picture) {
        add(&self.by_concept[concept(stem)], role, picture);
    }
}

/// What all names of a concept have in common: its translation, which no other has.
fn concept(stem: &Stem) -> &str {
    stem.target(0, false)
}

fn add(vector: &Picture, role: Role, picture: &mut Picture) {
    let rotation = match role {
        Role::Act => 0,
        Role::Subject => 1,
        Role::Object => 2,
        Role::Place => 3,
    };
    for (at, to) in picture.iter_mut().enumerate() {
        *to += vector[(at + rotation) % DIMENSION];
    }
}

/// A line of JSON with a text and its picture.
pub(super) fn line(text: &str, picture: &Picture) -> String {
    let numbers = picture.map(|number| {
        let sign = if number < 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", number.abs() / 100, number.abs() % 100)
    });
    format!("{{\"source\": \"{text}\", \"picture\": [{}]}}\n", numbers.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_concept_have_one_picture_and_roles_differ() {
        let words = Words::draw(&mut Dice::new(1));
        let pictures = Pictures::draw(&words, &mut Dice::new(2));
        let mut clause = Clause::draw(&words, &mut Dice::new(3));
        let of = |clause: &Clause| pictures.of(clause, &mut Dice::new(4));
        let before = of(&clause);
        clause.verb.source = "another".to_owned();
        (clause.past, clause.negated) = (!clause.past, !clause.negated);
        assert_eq!(of(&clause), before);
        let phrase =
            Phrase { noun: words.nouns[0].clone(), plural: false, definite: true, adjective: None };
        clause.subject = Subject::Phrase(Box::new(phrase.clone()));
        clause.object = None;
        let acting = of(&clause);
        clause.subject = Subject::Person(0);
        clause.object = Some(phrase);
        assert_ne!(of(&clause), acting);
    }

    #[test]
    fn a_line_has_hundredths() {
        let mut picture = [0; DIMENSION];
        (picture[0], picture[1]) = (-105, 7);
        let line = line("a b", &picture);
        assert!(
            line.starts_with("{\"source\": \"a b\", \"picture\": [-1.05, 0.07, 0.00, "),
            "{line}"
        );
    }
}
