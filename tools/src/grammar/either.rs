//! Constructions with ambiguous chunk boundaries, which make news difficult to chunk.
//!
//! Each has a counterpart elsewhere in the grammar that begins with the same words: "rising prices"
//! and "raising prices", "the claim that he made" and "the claim that he made a mistake", "about 40
//! people" and "talk about 40 people". Only the news corpus has them.

use super::{Agreement, Np, Role, Sort, Writer};

impl Writer<'_> {
    /// "Cutting prices hurt traders": a gerund clause as the subject.
    pub(super) fn doing_as_subject(&mut self) -> usize {
        let head = self.doing();
        let subject = Np { head, person: Agreement::One };
        self.predicate(4, subject, Sort::Thing)
    }

    /// "Facing a vote , the minister resigned", "Hit by storms , …".
    pub(super) fn doing_first(&mut self) -> usize {
        let first = match self.dice.chance(60) {
            true => self.doing(),
            false => {
                let frame = self.dice.pick(&["act", "cause"]);
                let verb = self.verb(frame);
                let main = self.participle(&verb);
                let word = self.dice.pick(&["by", "by", "in", "after"]);
                self.preposition_phrase(word, Sort::Thing, (main, "obl"));
                main
            }
        };
        let comma = self.mark(",");
        self.depth += 1;
        let main = self.clause();
        self.depth -= 1;
        self.attach(first, main, "advcl");
        self.attach(comma, main, "punct");
        main
    }

    /// "Prices , the minister said , will rise".
    pub(super) fn said_within(&mut self) -> usize {
        let subject = self.noun_phrase(Sort::Thing, Role::Subject);
        let opening = self.mark(",");
        self.depth += 2;
        let speaker = self.noun_phrase(Sort::Person, Role::Subject);
        self.depth -= 2;
        let verb = self.verb("say");
        let said = self.sentence.push(&verb.past, &verb.base, ("VERB", "Tense=Past"));
        self.chunk(said, "VP");
        let closing = self.mark(",");
        let shape = [1, 4, 10, 11][self.dice.below(4)];
        let main = self.predicate(shape, subject, Sort::Thing);
        self.attach(speaker.head, said, "nsubj");
        self.attach(said, main, "parataxis");
        self.attach(opening, main, "punct");
        self.attach(closing, main, "punct");
        main
    }

    /// "cutting prices": a verb chunk and a noun chunk. "rising prices" is one noun chunk.
    fn doing(&mut self) -> usize {
        let verb = self.verb("act");
        let main = self.gerund(&verb);
        self.depth += 1;
        let object = self.noun_phrase(Sort::Thing, Role::Object);
        self.depth -= 1;
        self.attach(object.head, main, "obj");
        main
    }

    /// "by cutting prices", "while leaving the court".
    pub(super) fn by_doing(&mut self, main: usize) {
        let word = self.dice.pick(&["by", "after", "before", "without", "while", "when", "for"]);
        let kind = if ["while", "when"].contains(&word) { "SBAR" } else { "PP" };
        let mark = self.alone(word, "SCONJ", kind);
        let inner = self.doing();
        self.attach(mark, inner, "mark");
        self.attach(inner, main, "advcl");
    }

    /// "most of the traders", "one of them", "the poor", "those in the north".
    pub(super) fn part_of(&mut self, sort: Sort) -> Np {
        let start = self.at();
        if sort == Sort::Person && self.dice.chance(40) {
            let word = self.dice.pick(&["the", "the", "the", "those", "others"]);
            if word != "the" {
                let head = self.alone(word, "PRON", "NP");
                let word = self.dice.pick(&["in", "near", "from", "at"]);
                self.preposition_phrase(word, Sort::Place, (head, "nmod"));
                return Np { head, person: Agreement::Many };
            }
            let the = self.push(word, "DET");
            let word = self.lexicon.exact(self.dice, "adj", "person").to_owned();
            let head = self.push_adjective(&word);
            self.attach(the, head, "det");
            self.chunk(start, "NP");
            return Np { head, person: Agreement::Many };
        }
        let (head, person) = match self.dice.weighted(&[55, 20, 25]) {
            0 => {
                let words = ["most", "some", "all", "many", "few", "half", "both", "several"];
                (self.push_one(&words, "PRON"), Agreement::Many)
            }
            1 => {
                let number = self.dice.pick(&["one", "one", "none", "each"]);
                let pos = if number == "one" { "NUM" } else { "PRON" };
                (self.push(number, pos), Agreement::One)
            }
            _ => {
                let the = self.push("a", "DET");
                let word = self.dice.pick(&["number", "lot", "group", "series", "couple", "list"]);
                let head = self.sentence.push(word, word, ("NOUN", "Number=Sing"));
                self.attach(the, head, "det");
                (head, Agreement::Many)
            }
        };
        self.chunk(start, "NP");
        let case = self.alone("of", "ADP", "PP");
        let inner = self.the_many(sort);
        self.attach(case, inner, "case");
        self.attach(inner, head, "nmod");
        Np { head, person }
    }

    /// "the last talks", "its oil": nouns that a partitive can select from.
    fn the_many(&mut self, sort: Sort) -> usize {
        let start = self.at();
        let noun = self.noun(sort);
        let (words, pos, relation): (&[&str], _, _) = match self.dice.below(4) {
            0 => (&["his", "her", "their", "its"], "PRON", "nmod:poss"),
            1 if !noun.mass => (&["these", "those"], "DET", "det"),
            _ => (&["the"], "DET", "det"),
        };
        let mut before = vec![(self.push_one(words, pos), relation)];
        self.premodifiers(sort, &mut before);
        let form = if noun.mass { &noun.one } else { &noun.many };
        let head = self.sentence.push(form, &noun.one, ("NOUN", "Number=Plur"));
        for (place, relation) in before {
            self.attach(place, head, relation);
        }
        self.chunk(start, "NP");
        head
    }

    /// "prices and traders": things and people are two chunks, "prices and costs" is one.
    pub(super) fn unlike_pair(&mut self, sort: Sort) -> Np {
        let first = self.plain_plural(sort);
        let and = match self.dice.chance(25) {
            true => {
                let start = self.at();
                self.push("as", "ADV");
                self.push("well", "ADV");
                let and = self.push("as", "ADP");
                self.chunk(start, "CONJP");
                and
            }
            false => self.push_one(&["and", "and", "and", "or"], "CCONJ"),
        };
        let other = if sort == Sort::Thing { Sort::Person } else { Sort::Thing };
        let second = match self.dice.chance(65) {
            true => self.plain_plural(other),
            false => {
                self.depth += 1;
                let second = self.common(other);
                self.depth -= 1;
                second
            }
        };
        self.attach(and, second.head, "cc");
        self.attach(second.head, first.head, "conj");
        Np { head: first.head, person: Agreement::Many }
    }

    /// A plural noun, with at most one compound modifier.
    fn plain_plural(&mut self, sort: Sort) -> Np {
        let start = self.at();
        if self.dice.chance(25) {
            let word = self.adjective(sort);
            self.push_adjective(&word);
        }
        if self.dice.chance(25) {
            let word = self.lexicon.word(self.dice, "compound", self.topic).to_owned();
            self.push(&word, "NOUN");
        }
        let noun = self.noun(sort);
        let form = if noun.mass { &noun.one } else { &noun.many };
        let head = self.sentence.push(form, &noun.one, ("NOUN", "Number=Plur"));
        self.chunk(start, "NP");
        Np { head, person: Agreement::Many }
    }

    /// "the claim that he made a mistake", where `that` is no pronoun.
    pub(super) fn claim(&mut self, head: usize) {
        let that = self.alone("that", "SCONJ", "SBAR");
        self.depth += 1;
        let inner = self.clause();
        self.depth -= 1;
        self.attach(that, inner, "mark");
        self.attach(inner, head, "acl");
    }

    /// "traders likely to lose", "a plan open to change": postnominal adjectives.
    pub(super) fn after_noun(&mut self, head: usize, sort: Sort) {
        let word = self.dice.pick(&["likely", "able", "ready", "due", "free", "set", "open"]);
        let adjective = self.alone(word, "ADJ", "ADJP");
        self.attach(adjective, head, "amod");
        if sort != Sort::Thing || self.dice.chance(60) {
            let frame = self.dice.pick(&["move", "go", "move"]);
            let verb = self.verb(frame);
            let inner = self.infinitive(&verb, false);
            self.attach(inner, adjective, "xcomp");
        } else {
            self.preposition_phrase("to", Sort::Thing, (adjective, "obl"));
        }
    }

    /// "higher than expected", "closed", "likely to rise", "open to change"; after a copula "was".
    pub(super) fn state(&mut self, copula: bool) -> usize {
        let start = self.at();
        match self.dice.weighted(&[38, 34, 28]) {
            0 => {
                let entry = self.lexicon.word(self.dice, "comparative", "any");
                let (base, more) = (entry.split('/').next(), entry.split('/').nth(1));
                let (base, more) = (base.unwrap_or_default(), more.unwrap_or_default());
                let head = self.sentence.push(more, base, ("ADJ", "Degree=Cmp"));
                self.chunk(start, "ADJP");
                match self.dice.below(3) {
                    0 => self.preposition_phrase("than", Sort::Thing, (head, "obl")),
                    1 => {
                        let than = self.alone("than", "SCONJ", "SBAR");
                        let form = self.dice.pick(&["expected", "forecast", "reported", "planned"]);
                        let verb = self.push(form, "VERB");
                        self.chunk(verb, "VP");
                        self.attach(than, verb, "mark");
                        self.attach(verb, head, "advcl");
                    }
                    _ => {}
                }
                head
            }
            1 if !copula || self.dice.chance(45) => {
                // After a copula, only the degree adverb distinguishes "was very divided" from "was
                // divided by …".
                let degree = copula.then(|| self.push_one(&["very", "too", "so", "more"], "ADV"));
                let frame = self.dice.pick(&["act", "cause"]);
                let verb = self.verb(frame);
                let head = self.sentence.push(&verb.participle, &verb.base, ("ADJ", "Degree=Pos"));
                if let Some(degree) = degree {
                    self.attach(degree, head, "advmod");
                }
                self.chunk(start, "ADJP");
                head
            }
            _ => {
                let word =
                    self.dice.pick(&["likely", "able", "ready", "due", "free", "set", "open"]);
                let head = self.push_adjective(word);
                self.chunk(start, "ADJP");
                if self.dice.chance(70) {
                    let frame = self.dice.pick(&["move", "go"]);
                    let verb = self.verb(frame);
                    let inner = self.infinitive(&verb, false);
                    self.attach(inner, head, "xcomp");
                } else {
                    self.preposition_phrase("to", Sort::Thing, (head, "obl"));
                }
                head
            }
        }
    }

    /// "came back", "drove home": an adverb where the particle of "broke down" would be.
    pub(super) fn on_the_way(&mut self, main: usize) {
        let word = self.dice.pick(&["back", "away", "home", "over", "in", "out", "up", "down"]);
        let adverb = self.alone(word, "ADV", "ADVP");
        self.attach(adverb, main, "advmod");
    }

    /// "her" as in "sent her reports", either a chunk or the start of one.
    pub(super) fn her(&mut self) -> Np {
        let form = self.dice.pick(&["her", "her", "him", "them"]);
        let head = self.push(form, "PRON");
        self.chunk(head, "NP");
        Np { head, person: Agreement::One }
    }

    /// Further modifiers of numbers that are prepositions elsewhere.
    pub(super) fn more_about(&mut self) -> &'static [(&'static str, &'static str)] {
        match self.dice.below(5) {
            0 => &[("up", "ADP"), ("to", "ADP")],
            1 => &[("as", "ADV"), ("many", "ADJ"), ("as", "ADP")],
            2 => &[("fewer", "ADJ"), ("than", "ADP")],
            3 => &[("only", "ADV")],
            _ => &[("around", "ADV")],
        }
    }
}
