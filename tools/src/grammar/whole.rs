//! Complete sentences: coordinated, fronted, quoted and reported clauses, and headlines.

use super::{Agreement, Np, Role, Sort, Voice, Writer};
use crate::sentence::{Gap, Sentence, capital};

impl Writer<'_> {
    /// A complete sentence.
    pub(crate) fn sentence(mut self) -> Sentence {
        let shape = match self.voice {
            Voice::News => self.dice.weighted(&[40, 10, 7, 6, 6, 8, 5, 3, 3, 5, 4, 3]),
            Voice::Notes => self.dice.weighted(&[58, 12, 8, 0, 2, 12, 8, 0, 0]),
        };
        let root = match shape {
            1 => self.fronted(),
            2 => self.after_clause(),
            3 => self.quotation(),
            4 => self.attributed(),
            5 => self.two_clauses(),
            6 => self.two_verbs(),
            7 => self.headline(),
            8 if self.topic == "sport" => self.score_line(),
            9 => self.doing_as_subject(),
            10 => self.doing_first(),
            11 => self.said_within(),
            _ => self.clause(),
        };
        let stop = self.mark(".");
        self.attach(stop, root, "punct");
        self.sentence.finish(root);
        self.sentence
    }

    /// "In March , …", "However , …".
    pub(super) fn fronted(&mut self) -> usize {
        let (case, front, relation) = match self.dice.weighted(&[45, 25, 30]) {
            0 => {
                let word = self.dice.pick(&["in", "on", "by", "since"]);
                let case = self.alone(word, "ADP", "PP");
                (Some(case), self.time_after(word), "obl")
            }
            1 => (None, self.moment(), "obl:tmod"),
            _ => {
                let word = self.dice.pick(&[
                    "however",
                    "later",
                    "now",
                    "still",
                    "instead",
                    "meanwhile",
                    "then",
                ]);
                (None, self.alone(word, "ADV", "ADVP"), "advmod")
            }
        };
        let commas = if self.voice == Voice::News { 45 } else { 65 };
        let comma = self.dice.chance(commas).then(|| self.mark(","));
        let main = self.clause();
        if let Some(case) = case {
            self.attach(case, front, "case");
        }
        self.attach(front, main, relation);
        if let Some(comma) = comma {
            self.attach(comma, main, "punct");
        }
        main
    }

    /// "As prices rose , …".
    pub(super) fn after_clause(&mut self) -> usize {
        let word =
            self.dice.pick(&["as", "after", "when", "while", "although", "before", "if", "since"]);
        let inner = self.subordinate(word);
        let comma = self.mark(",");
        self.depth += 1;
        let main = self.clause();
        self.depth -= 1;
        self.attach(inner, main, "advcl");
        self.attach(comma, main, "punct");
        main
    }

    /// `" … , " said the mayor`.
    pub(super) fn quotation(&mut self) -> usize {
        let opening = self.push("\"", "PUNCT");
        self.depth += 1;
        let inner = self.clause();
        self.depth -= 1;
        let at = opening + 1;
        self.sentence.words[at].gap = Gap::None;
        let form = capital(&self.sentence.words[at].form);
        self.sentence.words[at].form = form;
        let comma = self.mark(",");
        let closing = self.mark("\"");
        for place in [opening, comma, closing] {
            self.attach(place, inner, "punct");
        }
        let (main, subject) = match self.dice.chance(50) {
            true => {
                let verb = self.verb("say");
                let main = self.sentence.push(&verb.past, &verb.base, ("VERB", "Tense=Past"));
                self.chunk(main, "VP");
                (main, self.noun_phrase_named())
            }
            false => {
                let subject = self.noun_phrase(Sort::Person, Role::Subject);
                let verb = self.verb("say");
                let main = self.sentence.push(&verb.past, &verb.base, ("VERB", "Tense=Past"));
                self.chunk(main, "VP");
                (main, subject)
            }
        };
        self.attach(subject.head, main, "nsubj");
        self.attach(inner, main, "ccomp");
        if self.dice.chance(30) {
            self.adjunct(main);
        }
        main
    }

    pub(super) fn noun_phrase_named(&mut self) -> Np {
        match self.dice.chance(35) {
            true => self.person_name(),
            false => self.noun_phrase(Sort::Person, Role::Object),
        }
    }

    /// "… , the mayor said".
    pub(super) fn attributed(&mut self) -> usize {
        self.depth += 1;
        let inner = self.clause();
        self.depth -= 1;
        let comma = self.mark(",");
        self.attach(comma, inner, "punct");
        let subject = self.noun_phrase(Sort::Person, Role::Subject);
        let verb = self.verb("say");
        let main = self.sentence.push(&verb.past, &verb.base, ("VERB", "Tense=Past"));
        self.chunk(main, "VP");
        self.attach(subject.head, main, "nsubj");
        self.attach(inner, main, "ccomp");
        if self.dice.chance(25) {
            let moment = self.moment();
            self.attach(moment, main, "obl:tmod");
        }
        main
    }

    pub(super) fn two_clauses(&mut self) -> usize {
        self.depth += 1;
        let first = self.clause();
        let comma = self.dice.chance(60).then(|| self.mark(","));
        let and = self.push_one(&["and", "but", "and", "so", "or"], "CCONJ");
        let second = self.clause();
        self.depth -= 1;
        if let Some(comma) = comma {
            self.attach(comma, second, "punct");
        }
        self.attach(and, second, "cc");
        self.attach(second, first, "conj");
        first
    }

    /// "cut jobs and raised prices".
    pub(super) fn two_verbs(&mut self) -> usize {
        self.depth += 1;
        let subject = self.noun_phrase(Sort::Person, Role::Subject);
        let first = self.predicate(0, subject, Sort::Person);
        let and = self.push_one(&["and", "and", "but"], "CCONJ");
        let verb = self.verb("act");
        let second = self.sentence.push(&verb.past, &verb.base, ("VERB", "Tense=Past"));
        self.chunk(second, "VP");
        let object = self.noun_phrase(Sort::Thing, Role::Object);
        self.depth -= 1;
        self.attach(object.head, second, "obj");
        self.attach(and, second, "cc");
        self.attach(second, first, "conj");
        first
    }

    /// "Marlow council plans cuts": no articles, the present tense.
    pub(super) fn headline(&mut self) -> usize {
        let subject = match self.some_name(Sort::Person, Role::Subject) {
            Some(name) => name,
            None => {
                let noun = self.noun(Sort::Person);
                let head = self.sentence.push(&noun.many, &noun.one, ("NOUN", "Number=Plur"));
                self.chunk(head, "NP");
                Np { head, person: Agreement::Many }
            }
        };
        let verb = self.verb("act");
        let form = if subject.person == Agreement::One { &verb.third } else { &verb.base };
        let main = self.sentence.push(form, &verb.base, ("VERB", "Tense=Pres"));
        self.chunk(main, "VP");
        let start = self.at();
        let compound = self.dice.chance(50).then(|| {
            let word = self.lexicon.word(self.dice, "compound", self.topic);
            self.sentence.push(word, word, ("NOUN", "Number=Sing"))
        });
        let noun = self.noun(Sort::Thing);
        let form = if noun.mass { &noun.one } else { &noun.many };
        let head = self.sentence.push(form, &noun.one, ("NOUN", "Number=Plur"));
        self.chunk(start, "NP");
        if let Some(compound) = compound {
            self.attach(compound, head, "compound");
        }
        self.attach(subject.head, main, "nsubj");
        self.attach(head, main, "obj");
        if self.dice.chance(50) {
            self.adjunct(main);
        }
        main
    }

    /// "Marlow Rovers 3 , Kesten 1".
    pub(super) fn score_line(&mut self) -> usize {
        let mut heads = Vec::new();
        for side in 0..2 {
            if side == 1 {
                let comma = self.mark(",");
                heads.push(comma);
            }
            let club = self.other_name("organisation");
            let goals = self.dice.below(6).to_string();
            let start = self.at();
            let score = self.sentence.push(&goals, &goals, ("NUM", "NumType=Card"));
            self.chunk(start, "NP");
            self.attach(score, club.head, "nummod");
            heads.push(club.head);
        }
        self.attach(heads[1], heads[2], "punct");
        self.attach(heads[2], heads[0], "conj");
        heads[0]
    }
}
