//! Numbers, amounts, dates and durations.

use super::{Agreement, Np, Writer};
use crate::lexicon::Noun;

impl Writer<'_> {
    /// A cardinal number above one, in digits or in words.
    pub(super) fn cardinal(&mut self) -> usize {
        let form = match self.dice.weighted(&[40, 30, 15, 15]) {
            0 => self
                .dice
                .pick(&["two", "three", "four", "five", "six", "seven", "ten", "twelve", "twenty"])
                .to_owned(),
            1 => (2 + self.dice.below(98)).to_string(),
            2 => (100 + self.dice.below(899)).to_string(),
            _ => format!("{},{:03}", 1 + self.dice.below(40), 5 * self.dice.below(200)),
        };
        self.sentence.push(&form, &form, ("NUM", "NumType=Card"))
    }

    /// "about 40", "more than 300": modifiers of a number, in the same chunk.
    pub(super) fn about(&mut self) {
        let words: &[(&str, &'static str)] = match self.dice.weighted(&[30, 20, 20, 15, 15]) {
            _ if self.news(30) => self.more_about(),
            0 => &[("about", "ADV")],
            1 => &[("more", "ADJ"), ("than", "ADP")],
            2 => &[("over", "ADP")],
            3 => &[("at", "ADP"), ("least", "ADJ")],
            _ => &[("nearly", "ADV")],
        };
        let places: Vec<usize> = words.iter().map(|(form, pos)| self.push(form, pos)).collect();
        let number = self.cardinal();
        for place in places {
            self.attach(place, number, "advmod");
        }
    }

    /// An amount: "3 percent", "$ 40 million", "about 12 pounds".
    pub(super) fn amount(&mut self) -> Np {
        let start = self.at();
        let head = match self.dice.weighted(&[34, 22, 44]) {
            0 => {
                let number = self.decimal();
                let unit = self.dice.pick(&["percent", "percent", "%"]);
                let head = self.push(unit, if unit == "%" { "SYM" } else { "NOUN" });
                self.attach(number, head, "nummod");
                head
            }
            1 => {
                let head = self.push("$", "SYM");
                let number = self.decimal();
                let scale = self.dice.pick(&["million", "billion"]);
                let scale = self.sentence.push(scale, scale, ("NUM", "NumType=Card"));
                self.attach(number, scale, "compound");
                self.attach(scale, head, "nummod");
                head
            }
            _ => {
                if self.dice.chance(30) {
                    self.about();
                } else {
                    self.cardinal();
                }
                let number = self.at() - 1;
                let unit = Noun::read(self.lexicon.word(self.dice, "unit", "any"));
                let head = self.sentence.push(&unit.many, &unit.one, ("NOUN", "Number=Plur"));
                self.attach(number, head, "nummod");
                head
            }
        };
        self.chunk(start, "NP");
        Np { head, person: Agreement::Many }
    }

    fn decimal(&mut self) -> usize {
        let form = match self.dice.chance(50) {
            true => format!("{}.{}", self.dice.below(20), 1 + self.dice.below(9)),
            false => (2 + self.dice.below(80)).to_string(),
        };
        self.sentence.push(&form, &form, ("NUM", "NumType=Card"))
    }

    /// A time without a preposition: "last week", "Monday", "yesterday".
    pub(super) fn moment(&mut self) -> usize {
        let start = self.at();
        let head = match self.dice.weighted(&[45, 30, 25]) {
            0 => {
                let word = self.dice.pick(&["last", "this", "next", "last", "each", "that"]);
                let pos = if ["last", "next"].contains(&word) { "ADJ" } else { "DET" };
                let first = self.push(word, pos);
                let noun = Noun::read(self.lexicon.word(self.dice, "time", "any"));
                let head = self.sentence.push(&noun.one, &noun.one, ("NOUN", "Number=Sing"));
                self.attach(first, head, if pos == "DET" { "det" } else { "amod" });
                head
            }
            1 => {
                let day = self.proper_word("weekday");
                match self.news(25) {
                    true => {
                        let word = self.dice.pick(&["night", "morning", "evening"]);
                        let head = self.sentence.push(word, word, ("NOUN", "Number=Sing"));
                        self.attach(day, head, "compound");
                        head
                    }
                    false => day,
                }
            }
            _ => {
                let word = self.dice.pick(&["yesterday", "today", "tomorrow", "tonight", "today"]);
                self.sentence.push(word, word, ("NOUN", "Number=Sing"))
            }
        };
        self.chunk(start, "NP");
        head
    }

    /// A time after its preposition: "Monday", "March 3", "1998", "the summer".
    pub(super) fn time_after(&mut self, preposition: &str) -> usize {
        let start = self.at();
        let head = match (preposition, self.dice.below(3)) {
            ("on", 0) => {
                let month = self.proper_word("month");
                let day = (1 + self.dice.below(28)).to_string();
                let day = self.sentence.push(&day, &day, ("NUM", "NumType=Card"));
                self.attach(day, month, "nummod");
                month
            }
            ("on", _) => self.proper_word("weekday"),
            (_, 0) => self.proper_word("month"),
            (_, 1) => {
                let year = (1961 + self.dice.below(60)).to_string();
                self.sentence.push(&year, &year, ("NUM", "NumType=Card"))
            }
            _ => {
                let the = self.push("the", "DET");
                let noun = Noun::read(self.lexicon.word(self.dice, "season", "any"));
                let head = self.sentence.push(&noun.one, &noun.one, ("NOUN", "Number=Sing"));
                self.attach(the, head, "det");
                head
            }
        };
        self.chunk(start, "NP");
        head
    }

    fn proper_word(&mut self, kind: &str) -> usize {
        let form = self.lexicon.name(self.dice, kind);
        self.sentence.push(form, form, ("PROPN", "Number=Sing"))
    }
}
