//! Scenes: who does what to whom, where and how, and the sentence that says so.

use super::concepts::{Forms, List};
use crate::dice::Dice;

/// The lists of words, by kind and sort.
pub(super) struct Words(pub(super) Vec<List>);

impl Words {
    /// The place of a list.
    pub(super) fn list(&self, kind: &str, sort: &str) -> usize {
        let found = self.0.iter().position(|list| (list.kind, list.sort) == (kind, sort));
        found.expect("the list exists")
    }
}

/// A meaning in a scene, and the word that says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) list: usize,
    pub(super) concept: usize,
    /// The index of the synonym.
    pub(super) word: usize,
    /// Whether the more general word is used.
    pub(super) is_general: bool,
}

impl Use {
    pub(super) fn drawn(list: usize, words: &Words, dice: &mut Dice) -> Self {
        let concepts = &words.0[list].concepts;
        let concept = dice.below(concepts.len());
        let word = dice.below(concepts[concept].words.len());
        Self { list, concept, word, is_general: false }
    }

    pub(super) fn forms(self, words: &Words) -> &Forms {
        let concept = &words.0[self.list].concepts[self.concept];
        match &concept.above {
            Some(above) if self.is_general => above,
            _ => &concept.words[self.word],
        }
    }
}

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    One,
    Some,
    Two,
    Three,
}

/// A noun with its count and adjectives of different lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) count: Count,
    pub(super) adjectives: Vec<Use>,
    pub(super) noun: Use,
}

/// What is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Polarity {
    /// Nothing.
    Positive,
    /// That those who are named do it: "is not".
    Not,
    /// That anyone does it: "no man is", "nobody".
    No,
}

/// How a scene is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) is_passive: bool,
    /// "there is a man slicing".
    pub(super) has_there: bool,
    /// The place comes first.
    pub(super) is_fronted: bool,
}

/// A scene.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scene {
    pub(super) subject: Phrase,
    pub(super) verb: Use,
    pub(super) object: Option<Phrase>,
    pub(super) place: Option<Use>,
    pub(super) manner: Option<Use>,
    pub(super) polarity: Polarity,
    pub(super) style: Style,
}

/// The sorts of objects, each with verbs of its own; none for verbs without an object.
const OBJECTS: [&str; 8] =
    ["none", "food", "thing", "instrument", "opening", "vehicle", "person", "person"];

/// The adjectives of living beings and of other things.
const OF_LIVING: [&str; 4] = ["age", "mood", "state", "size"];
const OF_THINGS: [&str; 3] = ["size", "color", "state"];

impl Scene {
    pub(super) fn drawn(words: &Words, dice: &mut Dice) -> Self {
        let sort = dice.pick(&OBJECTS);
        let who = if sort == "none" && dice.chance(20) { "animal" } else { "person" };
        let subject = Phrase::drawn(who, words, dice);
        let object = (sort != "none").then(|| match sort {
            "person" if dice.chance(25) => Phrase::drawn("animal", words, dice),
            sort => Phrase::drawn(sort, words, dice),
        });
        let polarity = match dice.weighted(&[82, 13, 5]) {
            0 => Polarity::Positive,
            1 => Polarity::Not,
            _ => Polarity::No,
        };
        let (place, manner) = (dice.chance(45), dice.chance(22));
        let mut some = |wanted: bool, kind: &str| {
            wanted.then(|| Use::drawn(words.list(kind, "any"), words, dice))
        };
        let (place, manner) = (some(place, "place"), some(manner, "manner"));
        let verb = Use::drawn(words.list("verb", sort), words, dice);
        let style = Style::drawn(dice);
        Self { subject, verb, object, place, manner, polarity, style }
    }

    /// The sentence, its tokens separated by single spaces.
    pub(super) fn text(&self, words: &Words) -> String {
        let mut text: Vec<String> = Vec::new();
        let place = self.place.map(|place| place.forms(words)[0].clone());
        let [mut front, mut back] = [place.clone(), None];
        if !self.style.is_fronted {
            (front, back) = (None, place);
        }
        text.extend(front);
        let is_passive = self.style.is_passive && self.object.is_some();
        let (first, agent) = match &self.object {
            Some(object) if is_passive => (object, Some(&self.subject)),
            _ => (&self.subject, None),
        };
        let be = if first.count == Count::One { "is" } else { "are" };
        let has_no = self.polarity == Polarity::No;
        if self.style.has_there && self.polarity != Polarity::Not {
            text.extend(["there".to_owned(), be.to_owned()]);
            text.push(first.text(has_no, words));
        } else {
            text.extend([first.text(has_no, words), be.to_owned()]);
            text.extend((self.polarity == Polarity::Not).then(|| "not".to_owned()));
        }
        let [present, past] = self.verb.forms(words);
        match agent {
            Some(agent) => {
                text.extend(["being".to_owned(), past.clone(), "by".to_owned()]);
                text.push(agent.text(false, words));
            }
            None => {
                text.push(present.clone());
                text.extend(self.object.as_ref().map(|object| object.text(false, words)));
            }
        }
        text.extend(back);
        text.extend(self.manner.map(|manner| manner.forms(words)[0].clone()));
        text.join(" ")
    }
}

impl Style {
    pub(super) fn drawn(dice: &mut Dice) -> Self {
        let [is_passive, has_there, is_fronted] = [20, 15, 15].map(|percent| dice.chance(percent));
        Self { is_passive, has_there, is_fronted }
    }
}

impl Phrase {
    pub(super) fn drawn(sort: &str, words: &Words, dice: &mut Dice) -> Self {
        let count =
            [Count::One, Count::Some, Count::Two, Count::Three][dice.weighted(&[70, 10, 14, 6])];
        let noun = Use::drawn(words.list("noun", sort), words, dice);
        let mut phrase = Self { count, adjectives: Vec::new(), noun };
        for percent in [35, 12] {
            if dice.chance(percent) {
                phrase.describe(words, dice);
            }
        }
        phrase
    }

    /// Adds an adjective of a list that it has none of.
    pub(super) fn describe(&mut self, words: &Words, dice: &mut Dice) {
        let is_living = ["person", "animal"].contains(&words.0[self.noun.list].sort);
        let sorts = if is_living { &OF_LIVING[..] } else { &OF_THINGS };
        let list = words.list("adj", dice.pick(sorts));
        if !self.adjectives.iter().any(|other| other.list == list) {
            self.adjectives.push(Use::drawn(list, words, dice));
            self.adjectives.sort_by_key(|adjective| adjective.list);
        }
    }

    fn text(&self, has_no: bool, words: &Words) -> String {
        let noun = &self.noun.forms(words)[usize::from(self.count != Count::One)];
        let adjectives = self.adjectives.iter().map(|adjective| &adjective.forms(words)[0]);
        let rest: Vec<&str> = adjectives.chain([noun]).map(String::as_str).collect();
        let article = match self.count {
            _ if has_no => "no",
            Count::One if rest[0].starts_with(['a', 'e', 'i', 'o', 'u']) => "an",
            Count::One => "a",
            Count::Some => "some",
            Count::Two => "two",
            Count::Three => "three",
        };
        format!("{article} {}", rest.join(" "))
    }
}
