//! The source: subject, verb, object; determiners and adjectives before nouns, which have no gender.

use super::meaning::{Clause, Phrase, Subject};

/// A word with its part of speech.
type Tagged = (String, &'static str);

const PRONOUNS: [&str; 3] = ["mi", "tu", "so"];

/// A sentence of the source.
pub(crate) fn say(clause: &Clause) -> Vec<Tagged> {
    let mut said = Vec::new();
    match &clause.subject {
        Subject::Person(person) => said.push((PRONOUNS[*person].to_owned(), "PRON")),
        Subject::Phrase(phrase) => phrase_of(phrase, &mut said),
    }
    if clause.negated {
        said.push(("nu".to_owned(), "PART"));
    }
    let ending = if clause.past { "ta" } else { "" };
    said.push((format!("{}{ending}", clause.verb.source), "VERB"));
    if let Some(object) = &clause.object {
        phrase_of(object, &mut said);
    }
    if let Some((preposition, phrase)) = &clause.place {
        said.push((preposition.source.clone(), "ADP"));
        phrase_of(phrase, &mut said);
    }
    if let Some(adverb) = &clause.adverb {
        said.push((adverb.source.clone(), "ADV"));
    }
    said.push((".".to_owned(), "PUNCT"));
    said
}

fn phrase_of(phrase: &Phrase, said: &mut Vec<Tagged>) {
    match (phrase.definite, phrase.plural) {
        (true, _) => said.push(("le".to_owned(), "DET")),
        (false, false) => said.push(("un".to_owned(), "DET")),
        (false, true) => {}
    }
    if let Some(adjective) = &phrase.adjective {
        said.push((adjective.source.clone(), "ADJ"));
    }
    let ending = if phrase.plural { "en" } else { "" };
    said.push((format!("{}{ending}", phrase.noun.stem.source), "NOUN"));
}
