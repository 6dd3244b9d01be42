//! The two targets.
//!
//! North: subject, place, object, verb; articles and adjectives agree with the gender and number of their noun, adjectives
//! follow it, and what were prepositions follow their phrase. The verb agrees with its subject, and is negated by its
//! ending.
//!
//! South: adverb, verb, subject, object, place; a definite noun has a suffix instead of an article, an object the
//! accusative, and its adjective as well; pronouns are part of the verb.

use super::meaning::{Clause, Phrase, Subject};
use super::words::Stem;

const NORTH: usize = 0;
const SOUTH: usize = 1;

/// A sentence of the north.
pub(crate) fn north(clause: &Clause) -> Vec<String> {
    let mut said = Vec::new();
    match &clause.subject {
        Subject::Person(person) => said.push(["ek", "thu", "han"][*person].to_owned()),
        Subject::Phrase(phrase) => said.extend(of_north(phrase)),
    }
    if let Some(adverb) = &clause.adverb {
        said.push(adverb.target(NORTH, false).to_owned());
    }
    if let Some((preposition, phrase)) = &clause.place {
        said.extend(of_north(phrase));
        said.push(preposition.target(NORTH, false).to_owned());
    }
    if let Some(object) = &clause.object {
        said.extend(of_north(object));
    }
    let tense = if clause.past { "di" } else { "a" };
    let person = match &clause.subject {
        Subject::Person(0) => "m",
        Subject::Person(1) => "s",
        subject if subject.plural() => "nu",
        _ => "",
    };
    let negation = if clause.negated { "ek" } else { "" };
    let verb = clause.verb.target(NORTH, clause.second_sense());
    said.push(format!("{verb}{tense}{person}{negation}"));
    said.push(".".to_owned());
    said
}

fn of_north(phrase: &Phrase) -> Vec<String> {
    let Phrase { noun, plural, definite, adjective } = phrase;
    let ending = [["or", "a"], ["ir", "ur"]][usize::from(*plural)][noun.gender];
    let mut said = Vec::new();
    if *definite {
        said.push([["sa", "su"], ["thei", "thaur"]][usize::from(*plural)][noun.gender].to_owned());
    }
    said.push(format!("{}{ending}", noun.stem.target(NORTH, false)));
    said.extend(adjective_of(adjective.as_ref(), NORTH, noun.animate, ending));
    said
}

/// A sentence of the south.
pub(crate) fn south(clause: &Clause) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(adverb) = &clause.adverb {
        said.push(adverb.target(SOUTH, false).to_owned());
    }
    if clause.negated {
        said.push("nen".to_owned());
    }
    let tense = if clause.past { "vi" } else { "" };
    let person = match &clause.subject {
        Subject::Person(person) => ["mo", "ti", "se"][*person],
        Subject::Phrase(_) => "",
    };
    let verb = clause.verb.target(SOUTH, clause.second_sense());
    said.push(format!("{verb}{tense}{person}"));
    if let Subject::Phrase(phrase) = &clause.subject {
        said.extend(of_south(phrase, ""));
    }
    if let Some(object) = &clause.object {
        said.extend(of_south(object, "m"));
    }
    if let Some((preposition, phrase)) = &clause.place {
        said.push(preposition.target(SOUTH, false).to_owned());
        said.extend(of_south(phrase, ""));
    }
    said.push(".".to_owned());
    said
}

fn of_south(phrase: &Phrase, case: &str) -> Vec<String> {
    let Phrase { noun, plural, definite, adjective } = phrase;
    let number = if *plural { "ri" } else { "" };
    let article = if *definite { "la" } else { "" };
    let mut said = vec![format!("{}{number}{article}{case}", noun.stem.target(SOUTH, false))];
    said.extend(adjective_of(adjective.as_ref(), SOUTH, noun.animate, case));
    said
}

/// An adjective has its second sense with an animate noun.
fn adjective_of(
    adjective: Option<&Stem>,
    language: usize,
    animate: bool,
    ending: &str,
) -> Option<String> {
    adjective.map(|adjective| format!("{}{ending}", adjective.target(language, animate)))
}
