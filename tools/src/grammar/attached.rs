//! Modifiers of verbs and nouns: adverbials of time, place, reason and manner, and relative
//! clauses.

use super::{Agreement, Np, Role, Sort, Voice, Writer};

impl Writer<'_> {
    /// Zero to two adverbials.
    pub(super) fn adjuncts(&mut self, main: usize) {
        if self.dice.chance(if self.depth == 0 { 50 } else { 22 }) {
            self.adjunct(main);
        }
        if self.depth == 0 && self.dice.chance(12) {
            self.adjunct(main);
        }
    }

    pub(super) fn adjunct(&mut self, main: usize) {
        let kind = match self.voice {
            Voice::News => self.dice.weighted(&[14, 15, 14, 12, 18, 11, 5, 6, 5]),
            Voice::Notes => self.dice.weighted(&[18, 16, 18, 8, 17, 12, 4, 6]),
        };
        match kind {
            0 => {
                let word =
                    self.dice.pick(&["on", "on", "in", "since", "in", "by", "until", "before"]);
                let case = self.alone(word, "ADP", "PP");
                let time = self.time_after(word);
                self.attach(case, time, "case");
                self.attach(time, main, "obl");
            }
            1 => {
                let moment = self.moment();
                self.attach(moment, main, "obl:tmod");
            }
            2 => {
                let word = self.dice.pick(&[
                    "in", "at", "near", "in", "outside", "across", "in", "around", "over",
                    "inside", "out of", "down", "off",
                ]);
                self.preposition_phrase(word, Sort::Place, (main, "obl"));
            }
            3 => {
                let word = self.dice.pick(&[
                    "after",
                    "before",
                    "during",
                    "because of",
                    "despite",
                    "with",
                    "without",
                    "for",
                    "like",
                    "about",
                ]);
                self.preposition_phrase(word, Sort::Thing, (main, "obl"));
            }
            4 => {
                let word = match self.dice.chance(55) {
                    true => self.lexicon.word(self.dice, "adv", "any").to_owned(),
                    false => self.manner(),
                };
                let place = self.alone(&word, "ADV", "ADVP");
                self.attach(place, main, "advmod");
            }
            5 if self.depth == 0 => {
                let word = self.dice.pick(&[
                    "after", "because", "as", "while", "before", "when", "if", "although", "since",
                    "until", "so",
                ]);
                let inner = self.subordinate(word);
                self.attach(inner, main, "advcl");
            }
            6 => {
                let case = self.alone("as", "ADP", "PP");
                let start = self.at();
                let noun = self.noun(Sort::Person);
                let head = self.sentence.push(&noun.one, &noun.one, ("NOUN", "Number=Sing"));
                self.chunk(start, "NP");
                self.attach(case, head, "case");
                self.attach(head, main, "obl");
            }
            7 => self.purpose_of(main, "advcl"),
            8 => self.by_doing(main),
            _ => {}
        }
    }

    pub(super) fn subordinate(&mut self, word: &str) -> usize {
        let mark = self.alone(word, "SCONJ", "SBAR");
        self.depth += 1;
        let inner = self.clause();
        self.depth -= 1;
        self.attach(mark, inner, "mark");
        inner
    }

    pub(super) fn purpose_of(&mut self, head: usize, relation: &'static str) {
        let verb = self.verb("act");
        let inner = self.infinitive(&verb, false);
        self.attach(inner, head, relation);
        self.depth += 1;
        let object = self.noun_phrase(Sort::Thing, Role::Object);
        self.depth -= 1;
        self.attach(object.head, inner, "obj");
    }

    /// "a plan to cut jobs".
    pub(super) fn purpose(&mut self, head: usize) {
        self.purpose_of(head, "acl");
    }

    /// "who sold the mill", "that fell on Monday", "the council sold".
    pub(super) fn relative(&mut self, head: usize, sort: Sort) {
        let subject_gap = sort == Sort::Person || self.dice.chance(45);
        if subject_gap {
            let word = match sort {
                Sort::Person => "who",
                _ => self.dice.pick(&["that", "which", "that"]),
            };
            let pronoun = self.sentence.push(word, word, ("PRON", "PronType=Rel"));
            self.chunk(pronoun, "NP");
            let many = self.sentence.words[head].feats.contains("Plur");
            let person = if many { Agreement::Many } else { Agreement::One };
            let subject = Np { head: pronoun, person };
            let shape = if sort == Sort::Person { 0 } else { 1 };
            let main = self.predicate(shape, subject, sort);
            self.attach(main, head, "acl:relcl");
            return;
        }
        let pronoun = self.dice.chance(35).then(|| {
            let word = self.dice.pick(&["that", "which"]);
            let place = self.sentence.push(word, word, ("PRON", "PronType=Rel"));
            self.chunk(place, "NP");
            place
        });
        self.depth += 1;
        let subject = self.noun_phrase(Sort::Person, Role::Subject);
        self.depth -= 1;
        let verb = self.verb("act");
        let main = self.verb_group(&verb, subject);
        self.attach(subject.head, main, "nsubj");
        if let Some(pronoun) = pronoun {
            self.attach(pronoun, main, "obj");
        }
        self.attach(main, head, "acl:relcl");
    }

    /// "jobs cut by the mill", "ministers facing a vote".
    pub(super) fn short_relative(&mut self, head: usize) {
        let verb = self.verb("act");
        let main = match self.dice.chance(50) {
            true => {
                let main = self.participle(&verb);
                let word = self.dice.pick(&["by", "in", "by", "from"]);
                let sort = if word == "by" { Sort::Person } else { Sort::Place };
                self.preposition_phrase(word, sort, (main, "obl"));
                main
            }
            false => {
                let main = self.gerund(&verb);
                let object = self.noun_phrase(Sort::Thing, Role::Object);
                self.attach(object.head, main, "obj");
                main
            }
        };
        self.attach(main, head, "acl");
    }
}
