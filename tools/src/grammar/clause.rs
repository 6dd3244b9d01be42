//! Clauses: a subject, a verb, and the verb's complements.

use super::{Agreement, Np, Role, Sort, Voice, Writer};

impl Writer<'_> {
    /// A clause with its subject; returns the index of its verb.
    pub(super) fn clause(&mut self) -> usize {
        let shape = match self.voice {
            Voice::News => self.dice.weighted(&[20, 12, 11, 7, 8, 8, 5, 7, 4, 6, 10, 8, 2, 3]),
            Voice::Notes => self.dice.weighted(&[28, 14, 6, 7, 8, 9, 3, 6, 4, 6, 9, 4, 5, 3]),
        };
        let sort = match shape {
            1 | 4 | 8 | 11 => Sort::Thing,
            10 if self.dice.chance(60) => Sort::Thing,
            12 => return self.existential(),
            _ => Sort::Person,
        };
        let subject = self.noun_phrase(sort, Role::Subject);
        self.predicate(shape, subject, sort)
    }

    pub(super) fn predicate(&mut self, shape: usize, subject: Np, sort: Sort) -> usize {
        let relation = if shape == 11 { "nsubj:pass" } else { "nsubj" };
        let frame = [
            "act",
            "move",
            "say",
            "want",
            "cause",
            "go",
            "give",
            "phrasal",
            "phrasal_move",
            "prep",
            "link",
            "act",
            "",
            "",
        ][shape];
        let main = match shape {
            10 => return self.linked(subject, sort),
            13 => return self.identity(subject),
            11 => {
                let verb = self.verb(frame);
                let main = self.passive_group(&verb, subject);
                if self.dice.chance(35) {
                    self.preposition_phrase("by", Sort::Person, (main, "obl:agent"));
                }
                main
            }
            7 | 8 => self.with_particle(frame, subject),
            _ => {
                let verb = self.verb(frame);
                let main = self.verb_group(&verb, subject);
                self.complement(shape, main, &verb.partner);
                main
            }
        };
        self.attach(subject.head, main, relation);
        self.adjuncts(main);
        main
    }

    pub(super) fn complement(&mut self, shape: usize, main: usize, partner: &str) {
        match shape {
            0 | 4 => {
                let object = self.noun_phrase(Sort::Thing, Role::Object);
                self.attach(object.head, main, "obj");
            }
            1 if ["markets", "weather", "science"].contains(&self.topic)
                && self.dice.chance(40) =>
            {
                if self.dice.chance(35) {
                    self.preposition_phrase_amount("by", main);
                } else {
                    let amount = self.amount();
                    self.attach(amount.head, main, "obl");
                }
                if self.dice.chance(40) {
                    self.preposition_phrase_amount("to", main);
                }
            }
            2 => self.content(main),
            3 => {
                let frame = if self.dice.chance(75) { "act" } else { "move" };
                let verb = self.verb(frame);
                let inner = self.infinitive(&verb, true);
                self.attach(inner, main, "xcomp");
                if frame == "act" {
                    let object = self.noun_phrase(Sort::Thing, Role::Object);
                    self.attach(object.head, inner, "obj");
                }
            }
            5 if self.news(18) => self.on_the_way(main),
            5 if self.dice.chance(70) => {
                let word = self.dice.pick(&[
                    "to", "in", "from", "to", "near", "through", "past", "up", "down", "over",
                    "into", "along", "across",
                ]);
                self.preposition_phrase(word, Sort::Place, (main, "obl"));
            }
            6 => {
                self.depth += 1;
                let receiver = match self.news(20) {
                    true => self.her(),
                    false => self.noun_phrase(Sort::Person, Role::Object),
                };
                self.depth -= 1;
                self.attach(receiver.head, main, "iobj");
                let object = self.noun_phrase(Sort::Thing, Role::Object);
                self.attach(object.head, main, "obj");
            }
            9 => {
                let sort = if self.dice.chance(70) { Sort::Thing } else { Sort::Person };
                self.preposition_phrase(partner, sort, (main, "obl"));
            }
            _ => {}
        }
    }

    pub(super) fn preposition_phrase_amount(&mut self, word: &str, head: usize) {
        let case = self.alone(word, "ADP", "PP");
        let amount = self.amount();
        self.attach(case, amount.head, "case");
        self.attach(amount.head, head, "obl");
    }

    /// The content clause after a verb of saying, with or without `that`.
    pub(super) fn content(&mut self, main: usize) {
        if self.depth >= 2 {
            let object = self.noun_phrase(Sort::Thing, Role::Object);
            return self.attach(object.head, main, "obj");
        }
        let that = self.dice.chance(45).then(|| self.alone("that", "SCONJ", "SBAR"));
        self.depth += 1;
        let inner = self.clause();
        self.depth -= 1;
        self.attach(inner, main, "ccomp");
        if let Some(that) = that {
            self.attach(that, inner, "mark");
        }
    }

    /// "set up a firm", "set a firm up", "broke down".
    pub(super) fn with_particle(&mut self, frame: &str, subject: Np) -> usize {
        let verb = self.verb(frame);
        let main = self.verb_group(&verb, subject);
        let late = frame == "phrasal" && self.dice.chance(25);
        if late {
            self.depth += 2;
            let object = self.noun_phrase(Sort::Thing, Role::Object);
            self.depth -= 2;
            self.attach(object.head, main, "obj");
        }
        let particle = self.alone(&verb.partner, "ADP", "PRT");
        self.attach(particle, main, "compound:prt");
        if frame == "phrasal" && !late {
            let object = self.noun_phrase(Sort::Thing, Role::Object);
            self.attach(object.head, main, "obj");
        }
        main
    }

    /// "seems weak", "was very cold", "is likely to rise", "were up".
    pub(super) fn linked(&mut self, subject: Np, sort: Sort) -> usize {
        let copula = self.dice.chance(60);
        let verb = self.verb("link");
        let link = match copula {
            true => {
                let place = self.be(subject.person);
                self.chunk(place, "VP");
                place
            }
            false => self.verb_group(&verb, subject),
        };
        let phrase = self.at();
        let head = if self.news(26) {
            self.state(copula)
        } else if copula && self.dice.chance(12) {
            let word =
                self.dice.pick(&["up", "down", "out", "back", "away", "there", "here", "over"]);
            self.alone(word, "ADV", "ADVP")
        } else {
            let degree = self.dice.chance(22).then(|| {
                let word = self.lexicon.exact(self.dice, "adv", "degree");
                self.push(word, "ADV")
            });
            let word = self.adjective(sort);
            let head = self.push_adjective(&word);
            if let Some(degree) = degree {
                self.attach(degree, head, "advmod");
            }
            if self.dice.chance(10) {
                let and = self.push_one(&["and", "but"], "CCONJ");
                let word = self.adjective(sort);
                let second = self.push_adjective(&word);
                self.attach(and, second, "cc");
                self.attach(second, head, "conj");
            }
            self.chunk(phrase, "ADJP");
            head
        };
        let root = match copula {
            true => {
                self.attach(link, head, "cop");
                head
            }
            false => {
                self.attach(head, link, "xcomp");
                link
            }
        };
        self.attach(subject.head, root, "nsubj");
        self.adjuncts(root);
        root
    }

    /// "is the leader of the party".
    pub(super) fn identity(&mut self, subject: Np) -> usize {
        let start = self.at();
        let copula = self.be(subject.person);
        self.chunk(start, "VP");
        let many = subject.person == Agreement::Many;
        let start = self.at();
        let article = if many { "the" } else { self.dice.pick(&["the", "a", "the"]) };
        let article = self.sentence.push(article, article, ("DET", "_"));
        let adjective = self.dice.chance(45).then(|| {
            let word = self.lexicon.word(self.dice, "attr", "any");
            self.push_adjective(word)
        });
        let noun = self.noun(Sort::Person);
        let head = match many {
            true => self.sentence.push(&noun.many, &noun.one, ("NOUN", "Number=Plur")),
            false => self.sentence.push(&noun.one, &noun.one, ("NOUN", "Number=Sing")),
        };
        self.attach(article, head, "det");
        if let Some(adjective) = adjective {
            self.attach(adjective, head, "amod");
        }
        self.agree(article);
        self.chunk(start, "NP");
        if self.dice.chance(45) {
            self.preposition_phrase("of", Sort::Thing, (head, "nmod"));
        }
        self.attach(copula, head, "cop");
        self.attach(subject.head, head, "nsubj");
        self.adjuncts(head);
        head
    }

    /// "there was a storm near the coast".
    pub(super) fn existential(&mut self) -> usize {
        let there = self.alone("there", "PRON", "NP");
        let start = self.at();
        let noun = self.noun(Sort::Thing);
        let many = !noun.mass && self.dice.chance(40);
        let forms = if many { ["were", "are", "were"] } else { ["was", "is", "was"] };
        let form = self.dice.pick(&forms);
        let main = self.sentence.push(form, "be", ("VERB", "VerbForm=Fin"));
        self.chunk(start, "VP");
        self.attach(there, main, "expl");
        let start = self.at();
        let article = match (many, noun.mass) {
            (true, _) => self.push_one(&["no", "some", "many", "few", "several"], "DET"),
            (_, true) => self.push_one(&["no", "little", "some", "more"], "DET"),
            _ => self.push_one(&["no", "a", "a", "another"], "DET"),
        };
        let (form, feats) =
            if many { (&noun.many, "Number=Plur") } else { (&noun.one, "Number=Sing") };
        let head = self.sentence.push(form, &noun.one, ("NOUN", feats));
        self.attach(article, head, "det");
        self.agree(article);
        self.chunk(start, "NP");
        self.attach(head, main, "nsubj");
        self.adjuncts(main);
        main
    }
}
