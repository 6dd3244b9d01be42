//! A probabilistic grammar of English sentences, with every analysis written as the words come.
//!
//! A writer holds one sentence. Each function appends a phrase and gives back its head, which the
//! caller attaches; phrases never interleave, so the trees are projective.

mod attached;
mod before;
mod clause;
mod either;
mod noun;
mod number;
mod proper;
mod verb;
mod whole;

use crate::dice::Dice;
use crate::lexicon::{Lexicon, Noun, Verb};
use crate::names::Cast;
use crate::sentence::{Gap, Sentence};
use crate::tail;

/// What kind of text is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// News: names, sums, sayings.
    News,
    /// Field notes: what was seen, by whom, and where.
    Notes,
}

/// Writes one sentence.
pub(crate) struct Writer<'a> {
    pub(crate) lexicon: &'a Lexicon,
    pub(crate) dice: &'a mut Dice,
    pub(crate) cast: &'a Cast,
    pub(crate) topic: &'static str,
    pub(crate) voice: Voice,
    pub(crate) sentence: Sentence,
    /// How many clauses and modifiers are open around this place.
    depth: usize,
}

/// What a noun phrase has to agree with.
#[derive(Clone, Copy)]
struct Np {
    head: usize,
    person: Agreement,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Agreement {
    I,
    One,
    Many,
}

/// What a noun phrase is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Person,
    Thing,
    Place,
}

/// Where a noun phrase stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Subject,
    Object,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(
        lexicon: &'a Lexicon,
        dice: &'a mut Dice,
        cast: &'a Cast,
        (voice, topic): (Voice, &'static str),
    ) -> Self {
        Self { lexicon, dice, cast, topic, voice, sentence: Sentence::default(), depth: 0 }
    }

    /// True in so many of a hundred cases in news, and never in notes, which draw nothing for it.
    fn news(&mut self, percent: usize) -> bool {
        self.voice == Voice::News && self.dice.chance(percent)
    }

    fn at(&self) -> usize {
        self.sentence.len()
    }

    fn push(&mut self, form: &str, pos: &'static str) -> usize {
        self.sentence.push(form, form, (pos, "_"))
    }

    /// One of several words, all equally likely.
    fn push_one(&mut self, forms: &[&str], pos: &'static str) -> usize {
        let form = self.dice.pick(forms);
        self.push(form, pos)
    }

    fn attach(&mut self, child: usize, head: usize, relation: &'static str) {
        self.sentence.attach(child, head, relation);
    }

    fn chunk(&mut self, start: usize, kind: &'static str) {
        self.sentence.chunk(start, kind);
    }

    /// A punctuation mark without a space before it.
    fn mark(&mut self, form: &str) -> usize {
        let place = self.push(form, "PUNCT");
        self.sentence.words[place].gap = Gap::None;
        place
    }

    /// A word that is a chunk of its own.
    fn alone(&mut self, form: &str, pos: &'static str, kind: &'static str) -> usize {
        let place = self.push(form, pos);
        self.chunk(place, kind);
        place
    }

    /// The share of words that come from the long tail, in percent.
    fn rare(&self) -> usize {
        match self.voice {
            Voice::News => 11,
            Voice::Notes => 29,
        }
    }

    fn noun(&mut self, sort: Sort) -> Noun {
        let rare = self.rare();
        if sort == Sort::Thing && self.dice.chance(rare) {
            return tail::noun(self.lexicon, self.dice, self.topic);
        }
        if sort == Sort::Thing && self.news(31) {
            return Noun::read(self.lexicon.homograph(self.dice, "thing", self.topic));
        }
        let kind = match sort {
            Sort::Person => "person",
            Sort::Thing => "thing",
            Sort::Place => "place",
        };
        Noun::read(self.lexicon.word(self.dice, kind, self.topic))
    }

    fn verb(&mut self, frame: &str) -> Verb {
        let rare = self.rare();
        if ["act", "move", "cause"].contains(&frame) && self.dice.chance(rare) {
            return tail::verb(self.lexicon, self.dice);
        }
        if frame == "act" && self.news(40) {
            return Verb::read(self.lexicon.homograph(self.dice, "act", self.topic));
        }
        Verb::read(self.lexicon.word(self.dice, frame, self.topic))
    }

    fn adjective(&mut self, sort: Sort) -> String {
        if sort == Sort::Person && self.dice.chance(85) {
            return self.lexicon.exact(self.dice, "adj", "person").to_owned();
        }
        let rare = self.rare();
        if self.dice.chance(rare) {
            return tail::adjective(self.lexicon, self.dice, self.topic);
        }
        self.lexicon.word(self.dice, "adj", self.topic).to_owned()
    }

    fn manner(&mut self) -> String {
        let rare = self.rare();
        if self.dice.chance(2 * rare) {
            return tail::adverb(self.lexicon, self.dice, self.topic);
        }
        self.lexicon.exact(self.dice, "adv", "manner").to_owned()
    }
}
