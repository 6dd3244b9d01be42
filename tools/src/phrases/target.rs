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

/// The second word from the top of the stack becomes a dependent of the top.
const LEFT: &str = "LEFT";
/// The top of the stack becomes a dependent of the second word.
const RIGHT: &str = "RIGHT";

/// A sentence of the north.
pub(crate) fn north(clause: &Clause) -> Vec<String> {
    north_parsed(clause).into_iter().map(|(word, _)| word).collect()
}

/// The same with the actions of a parser among the words, as a tree of dependencies is built from left to right: a word is
/// pushed on a stack, `LEFT` makes the second word from its top a dependent of the top, `RIGHT` the top one of the second
/// (Nivre 2008). The last word left is the verb.
pub(crate) fn north_with_actions(clause: &Clause) -> Vec<String> {
    let said = north_parsed(clause).into_iter();
    said.flat_map(|(word, actions)| {
        std::iter::once(word).chain(actions.into_iter().map(str::to_owned))
    })
    .collect()
}

/// The words of a sentence of the north, each with the actions that follow it.
fn north_parsed(clause: &Clause) -> Vec<(String, Vec<&'static str>)> {
    let mut said = Vec::new();
    let mut n_dependents = 1;
    match &clause.subject {
        Subject::Person(person) => said.push((["ek", "thu", "han"][*person].to_owned(), vec![])),
        Subject::Phrase(phrase) => said.extend(of_north(phrase)),
    }
    if let Some(adverb) = &clause.adverb {
        said.push((adverb.target(NORTH, false).to_owned(), vec![]));
        n_dependents += 1;
    }
    if let Some((preposition, phrase)) = &clause.place {
        said.extend(of_north(phrase));
        // The phrase depends on what follows it.
        said.push((preposition.target(NORTH, false).to_owned(), vec![LEFT]));
        n_dependents += 1;
    }
    if let Some(object) = &clause.object {
        said.extend(of_north(object));
        n_dependents += 1;
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
    said.push((format!("{verb}{tense}{person}{negation}"), vec![LEFT; n_dependents]));
    said.push((".".to_owned(), vec![RIGHT]));
    said
}

fn of_north(phrase: &Phrase) -> Vec<(String, Vec<&'static str>)> {
    let Phrase { noun, plural, definite, adjective } = phrase;
    let ending = [["or", "a"], ["ir", "ur"]][usize::from(*plural)][noun.gender];
    let mut said = Vec::new();
    let mut actions = Vec::new();
    if *definite {
        let article = [["sa", "su"], ["thei", "thaur"]][usize::from(*plural)][noun.gender];
        said.push((article.to_owned(), vec![]));
    }
    said.push((format!("{}{ending}", noun.stem.target(NORTH, false)), vec![]));
    if let Some(adjective) = adjective_of(adjective.as_ref(), NORTH, noun.animate, ending) {
        said.push((adjective, vec![]));
        actions.push(RIGHT);
    }
    actions.extend(definite.then_some(LEFT));
    if let Some((_, after)) = said.last_mut() {
        *after = actions;
    }
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
