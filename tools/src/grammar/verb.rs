//! Verb groups: auxiliaries, adverbs between them, tenses, passives and infinitives.

use super::{Agreement, Np, Voice, Writer};
use crate::lexicon::Verb;
use crate::sentence::Gap;

const INFINITIVE: (&str, &str) = ("VERB", "VerbForm=Inf");
const PAST: (&str, &str) = ("VERB", "Tense=Past");
const PRESENT: (&str, &str) = ("VERB", "Tense=Pres");
const PAST_PARTICIPLE: (&str, &str) = ("VERB", "Tense=Past|VerbForm=Part");
const PRESENT_PARTICIPLE: (&str, &str) = ("VERB", "Tense=Pres|VerbForm=Part");

impl Writer<'_> {
    /// A finite verb group that agrees with its subject; returns the index of the main verb.
    pub(super) fn verb_group(&mut self, verb: &Verb, subject: Np) -> usize {
        let tense = self.dice.weighted(&[47, 24, 11, 9, 5, 4]);
        let manner = (tense < 2 && self.dice.chance(6)).then(|| self.manner());
        let manner = manner.map(|word| self.alone(&word, "ADV", "ADVP"));
        let start = self.at();
        let person = subject.person;
        let mut helpers: Vec<(usize, &'static str)> = Vec::new();
        let main = match tense {
            0 => {
                self.often(&mut helpers, 6);
                self.sentence.push(&verb.past, &verb.base, PAST)
            }
            1 if self.voice == Voice::News || self.dice.chance(50) => {
                self.often(&mut helpers, 6);
                let form = if person == Agreement::One { &verb.third } else { &verb.base };
                self.sentence.push(form, &verb.base, PRESENT)
            }
            1 | 2 => {
                let modal = self
                    .dice
                    .pick(&["will", "would", "could", "may", "might", "must", "can", "should"]);
                helpers.push((self.push(modal, "AUX"), "aux"));
                self.negation(&mut helpers, 12);
                self.often(&mut helpers, 10);
                self.sentence.push(&verb.base, &verb.base, INFINITIVE)
            }
            3 => {
                let form = match (self.dice.chance(60), person) {
                    (false, _) => "had",
                    (_, Agreement::One) => "has",
                    _ => "have",
                };
                helpers.push((self.sentence.push(form, "have", ("AUX", "VerbForm=Fin")), "aux"));
                self.negation(&mut helpers, 10);
                self.often(&mut helpers, 18);
                self.sentence.push(&verb.participle, &verb.base, PAST_PARTICIPLE)
            }
            4 => {
                helpers.push((self.be(person), "aux"));
                self.negation(&mut helpers, 8);
                self.often(&mut helpers, 15);
                self.sentence.push(&verb.gerund, &verb.base, PRESENT_PARTICIPLE)
            }
            _ => {
                let form = match (self.dice.chance(65), person) {
                    (true, _) => "did",
                    (_, Agreement::One) => "does",
                    _ => "do",
                };
                helpers.push((self.sentence.push(form, "do", ("AUX", "VerbForm=Fin")), "aux"));
                self.negation(&mut helpers, 100);
                self.sentence.push(&verb.base, &verb.base, INFINITIVE)
            }
        };
        self.chunk(start, "VP");
        helpers.extend(manner.map(|place| (place, "advmod")));
        for (place, relation) in helpers {
            self.attach(place, main, relation);
        }
        main
    }

    /// "was cut", "has been arrested".
    pub(super) fn passive_group(&mut self, verb: &Verb, subject: Np) -> usize {
        let start = self.at();
        let mut helpers: Vec<(usize, &'static str)> = Vec::new();
        match self.dice.weighted(&[60, 20, 20]) {
            0 => {
                helpers.push((self.be(subject.person), "aux:pass"));
                self.negation(&mut helpers, 6);
            }
            1 => {
                let modal = self.dice.pick(&["will", "may", "could", "must", "can"]);
                helpers.push((self.push(modal, "AUX"), "aux"));
                helpers.push((self.sentence.push("be", "be", ("AUX", "VerbForm=Inf")), "aux:pass"));
            }
            _ => {
                let form = if subject.person == Agreement::One { "has" } else { "have" };
                helpers.push((self.sentence.push(form, "have", ("AUX", "VerbForm=Fin")), "aux"));
                self.often(&mut helpers, 20);
                helpers
                    .push((self.sentence.push("been", "be", ("AUX", "VerbForm=Part")), "aux:pass"));
            }
        }
        let main = self.sentence.push(&verb.participle, &verb.base, PAST_PARTICIPLE);
        self.chunk(start, "VP");
        for (place, relation) in helpers {
            self.attach(place, main, relation);
        }
        main
    }

    /// A form of `be` that agrees with a subject, at the start of its chunk.
    pub(super) fn be(&mut self, person: Agreement) -> usize {
        // "it 's": the clitic has the same form as in "the mill 's".
        let after_pronoun = self.sentence.words.last().is_some_and(|word| word.pos == "PRON");
        let after_noun =
            self.sentence.words.last().is_some_and(|word| ["NOUN", "PROPN"].contains(&word.pos));
        if (person == Agreement::One && after_pronoun && self.dice.chance(35))
            || (person == Agreement::One && after_noun && self.news(16))
        {
            let place = self.sentence.push("'s", "be", ("AUX", "VerbForm=Fin"));
            self.sentence.words[place].gap = Gap::Joined;
            return place;
        }
        let form = match (self.dice.chance(65), person) {
            (true, Agreement::Many) => "were",
            (true, _) => "was",
            (_, Agreement::Many) => "are",
            (_, Agreement::One) => "is",
            (_, Agreement::I) => "am",
        };
        self.sentence.push(form, "be", ("AUX", "VerbForm=Fin"))
    }

    /// "to cut" as a chunk of its own, or in the chunk of the preceding verb.
    pub(super) fn infinitive(&mut self, verb: &Verb, joins: bool) -> usize {
        let start = self.at();
        let to = self.push("to", "PART");
        let main = self.sentence.push(&verb.base, &verb.base, INFINITIVE);
        self.attach(to, main, "mark");
        match self.sentence.chunks.last_mut() {
            Some(chunk) if joins => chunk.end += 2,
            _ => self.chunk(start, "VP"),
        }
        main
    }

    /// "cutting" as a chunk of its own.
    pub(super) fn gerund(&mut self, verb: &Verb) -> usize {
        let main = self.sentence.push(&verb.gerund, &verb.base, PRESENT_PARTICIPLE);
        self.chunk(main, "VP");
        main
    }

    /// "cut" as in "jobs cut by the mill".
    pub(super) fn participle(&mut self, verb: &Verb) -> usize {
        let main = self.sentence.push(&verb.participle, &verb.base, PAST_PARTICIPLE);
        self.chunk(main, "VP");
        main
    }

    /// An adverb of time inside the verb group, with this probability in percent.
    fn often(&mut self, helpers: &mut Vec<(usize, &'static str)>, percent: usize) {
        if self.dice.chance(percent) {
            let word = self.dice.pick(&[
                "also", "still", "now", "only", "already", "never", "even", "probably", "recently",
                "just",
            ]);
            helpers.push((self.push(word, "ADV"), "advmod"));
        }
    }

    fn negation(&mut self, helpers: &mut Vec<(usize, &'static str)>, percent: usize) {
        if !self.dice.chance(percent) {
            return;
        }
        let before = self.sentence.words.last().map_or("", |word| word.form.as_str());
        let joins = !["may", "might", "will", "can", "am", "'s"].contains(&before);
        let short = joins && self.dice.chance(50);
        let place = match short {
            true => self.sentence.push("n't", "not", ("PART", "_")),
            false => self.push("not", "PART"),
        };
        if short {
            self.sentence.words[place].gap = Gap::Joined;
        }
        helpers.push((place, "advmod"));
    }
}
