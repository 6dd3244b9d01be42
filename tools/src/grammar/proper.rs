//! Proper noun phrases, with titles, occupations and appositions.

use super::{Agreement, Np, Role, Sort, Voice, Writer};

impl Writer<'_> {
    /// A person: full name, surname, with a title, after an occupation, or before an apposition.
    pub(super) fn person_name(&mut self) -> Np {
        let person = self.cast.person(self.lexicon, self.dice);
        let start = self.at();
        let form = match self.voice {
            Voice::News => self.dice.weighted(&[24, 36, 14, 8, 12, 6]),
            Voice::Notes => self.dice.weighted(&[18, 14, 4, 60, 4, 0]),
        };
        let mut before = None;
        if form == 2 {
            let title = self.lexicon.name(self.dice, "title");
            before = Some(self.sentence.push(title, title, ("PROPN", "Number=Sing")));
        } else if form == 4 {
            let trade = self.noun(Sort::Person);
            before = Some(self.sentence.push(&trade.one, &trade.one, ("NOUN", "Number=Sing")));
        }
        let words = match form {
            1 | 2 => person.surname,
            3 => person.given,
            _ => format!("{} {}", person.given, person.surname),
        };
        let head = self.name_words(&words, "person");
        if let Some(before) = before {
            self.attach(before, head, "compound");
        }
        self.chunk(start, "NP");
        if form == 5 && self.depth < 2 {
            self.apposition(head);
        }
        Np { head, person: Agreement::One }
    }

    /// Any other name. `of` within a name is a chunk of its own; `&` is part of the noun chunk.
    pub(super) fn other_name(&mut self, kind: &'static str) -> Np {
        let name = self.cast.name(self.lexicon, self.dice, kind, self.topic);
        let start = self.at();
        let with_article = match kind {
            "product" | "event" => true,
            "organisation" => name.contains(" of ") || name.chars().all(char::is_uppercase),
            _ => false,
        };
        let mut article = None;
        if with_article && self.dice.chance(80) {
            let word = if kind == "product" && self.dice.chance(40) { "a" } else { "the" };
            article = Some(self.push(word, "DET"));
        }
        let head = match name.split_once(" of ") {
            Some((body, of)) => {
                let entity = self.at();
                let head = self.proper_words(body);
                self.chunk(start, "NP");
                let case = self.alone("of", "ADP", "PP");
                let inner = self.at();
                let last = self.proper_words(of);
                self.chunk(inner, "NP");
                self.attach(case, last, "case");
                self.attach(last, head, "nmod");
                self.sentence.entity(entity, kind);
                head
            }
            None => {
                let head = self.name_words(&name, kind);
                self.chunk(start, "NP");
                head
            }
        };
        if let Some(article) = article {
            self.attach(article, head, "det");
        }
        Np { head, person: Agreement::One }
    }

    /// The words of a name as one entity, headed by the first word.
    pub(super) fn name_words(&mut self, name: &str, kind: &'static str) -> usize {
        let start = self.at();
        let head = self.proper_words(name);
        self.sentence.entity(start, kind);
        head
    }

    fn proper_words(&mut self, name: &str) -> usize {
        let head = self.at();
        for word in name.split(' ') {
            let place = match word {
                "&" => self.push(word, "CCONJ"),
                _ if word.chars().all(|letter| letter.is_ascii_digit()) => {
                    self.sentence.push(word, word, ("NUM", "NumType=Card"))
                }
                _ => self.sentence.push(word, word, ("PROPN", "Number=Sing")),
            };
            if place != head {
                self.attach(place, head, "flat");
            }
        }
        head
    }

    /// ", the captain of Marlow Rovers ,"
    fn apposition(&mut self, head: usize) {
        let opening = self.mark(",");
        self.attach(opening, head, "punct");
        let start = self.at();
        let article = self.dice.pick(&["the", "the", "a"]);
        let article = self.push(article, "DET");
        let trade = self.noun(Sort::Person);
        let noun = self.sentence.push(&trade.one, &trade.one, ("NOUN", "Number=Sing"));
        self.attach(article, noun, "det");
        self.chunk(start, "NP");
        if self.dice.chance(60) {
            let preposition = self.dice.pick(&["of", "at", "for", "of"]);
            let case = self.alone(preposition, "ADP", "PP");
            let kind = if self.dice.chance(75) { "organisation" } else { "place" };
            let name = self.other_name(kind);
            self.attach(case, name.head, "case");
            self.attach(name.head, noun, "nmod");
        }
        self.attach(noun, head, "appos");
        let closing = self.mark(",");
        self.attach(closing, head, "punct");
    }

    /// A name that fits where a person or a thing is expected, or `None`.
    pub(super) fn some_name(&mut self, sort: Sort, role: Role) -> Option<Np> {
        let kind = match (self.voice, sort) {
            (Voice::Notes, Sort::Person) if self.dice.chance(25) => {
                return Some(self.person_name());
            }
            (Voice::Notes, Sort::Place) if self.dice.chance(25) => "place",
            (Voice::Notes, _) => return None,
            (Voice::News, Sort::Place) if self.dice.chance(42) => {
                match self.dice.weighted(&[88, 12]) {
                    0 => "place",
                    _ => "organisation",
                }
            }
            (Voice::News, Sort::Person) => {
                let subject = usize::from(role == Role::Subject);
                match self.dice.weighted(&[12 + 6 * subject, 9 + 3 * subject, 3, 74]) {
                    0 => return Some(self.person_name()),
                    1 => "organisation",
                    2 => "place",
                    _ => return None,
                }
            }
            (Voice::News, Sort::Thing) => match self.dice.weighted(&[30, 20, 15, 10, 925]) {
                0 => "product",
                1 => "event",
                2 => "organisation",
                3 => "place",
                _ => return None,
            },
            _ => return None,
        };
        Some(self.other_name(kind))
    }
}
