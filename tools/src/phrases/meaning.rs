//! What a sentence says, whatever the language.

use super::words::{Noun, Stem, Words};
use crate::dice::Dice;

/// A noun with what belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Phrase {
    pub(crate) noun: Noun,
    pub(crate) plural: bool,
    pub(crate) definite: bool,
    pub(crate) adjective: Option<Stem>,
}

impl Phrase {
    fn draw(words: &Words, dice: &mut Dice) -> Self {
        let noun = dice.zipf(&words.nouns);
        let noun = Noun { stem: noun.stem.named(dice), ..noun.clone() };
        let adjective = dice.chance(40).then(|| dice.zipf(&words.adjectives).named(dice));
        Self { noun, plural: dice.chance(35), definite: dice.chance(60), adjective }
    }
}

/// Who acts.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// A pronoun: first, second or third person.
    Person(usize),
    Phrase(Box<Phrase>),
}

impl Subject {
    pub(crate) fn plural(&self) -> bool {
        matches!(self, Self::Phrase(phrase) if phrase.plural)
    }
}

/// A sentence.
#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub(crate) subject: Subject,
    pub(crate) verb: Stem,
    pub(crate) past: bool,
    pub(crate) negated: bool,
    pub(crate) object: Option<Phrase>,
    pub(crate) place: Option<(Stem, Phrase)>,
    pub(crate) adverb: Option<Stem>,
}

impl Clause {
    pub(crate) fn draw(words: &Words, dice: &mut Dice) -> Self {
        let subject = if dice.chance(30) {
            Subject::Person(dice.below(3))
        } else {
            Subject::Phrase(Box::new(Phrase::draw(words, dice)))
        };
        let object = dice.chance(80).then(|| Phrase::draw(words, dice));
        let place = dice
            .chance(40)
            .then(|| (dice.zipf(&words.prepositions).clone(), Phrase::draw(words, dice)));
        Self {
            subject,
            verb: dice.zipf(&words.verbs).named(dice),
            past: dice.chance(50),
            negated: dice.chance(15),
            object,
            place,
            adverb: dice.chance(30).then(|| dice.zipf(&words.adverbs).named(dice)),
        }
    }

    /// A verb has its second sense with an animate object.
    pub(crate) fn second_sense(&self) -> bool {
        self.object.as_ref().is_some_and(|object| object.noun.animate)
    }
}
