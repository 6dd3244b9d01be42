//! Prenominal modifiers: determiners, adjectives, participles, other nouns.

use super::{Sort, Voice, Writer};

impl Writer<'_> {
    pub(super) fn determiner(
        &mut self,
        many: bool,
        mass: bool,
        before: &mut Vec<(usize, &'static str)>,
    ) {
        let owners = ["his", "her", "their", "its", "our", "my"];
        let kind = match (many, mass) {
            (true, _) if self.voice == Voice::News => self.dice.weighted(&[28, 42, 12, 5, 6, 7]),
            (true, _) => self.dice.weighted(&[34, 32, 14, 6, 8, 6]),
            (_, true) => self.dice.weighted(&[40, 42, 0, 4, 6, 8]),
            _ => self.dice.weighted(&[50, 0, 0, 8, 10, 32]),
        };
        if kind == 0 && many && self.news(6) {
            let word = self.push_one(&["all", "both", "half"], "DET");
            before.push((word, "det:predet"));
        }
        let place = match kind {
            0 => (self.sentence.push("the", "the", ("DET", "Definite=Def")), "det"),
            1 => return,
            2 => {
                if self.dice.chance(35) {
                    self.about();
                } else {
                    self.cardinal();
                }
                (self.at() - 1, "nummod")
            }
            3 => {
                let word = match many {
                    true => self.dice.pick(&["these", "those"]),
                    false => self.dice.pick(&["this", "that"]),
                };
                (self.push(word, "DET"), "det")
            }
            4 => {
                let n = if self.voice == Voice::News { 5 } else { 6 };
                let word = owners[self.dice.below(n)];
                (self.sentence.push(word, word, ("PRON", "Poss=Yes")), "nmod:poss")
            }
            _ if many => {
                let word = self.dice.pick(&["some", "all", "no", "both", "many", "several", "few"]);
                (self.push(word, "DET"), "det")
            }
            _ if mass => (self.push_one(&["some", "no", "more"], "DET"), "det"),
            _ => match self.dice.weighted(&[76, 24]) {
                0 => (self.sentence.push("a", "a", ("DET", "Definite=Ind")), "det"),
                _ => {
                    let word = self.dice.pick(&["another", "every", "no", "each", "one"]);
                    let pos = if word == "one" { "NUM" } else { "DET" };
                    (self.push(word, pos), if pos == "NUM" { "nummod" } else { "det" })
                }
            },
        };
        before.push(place);
    }

    pub(super) fn premodifiers(&mut self, sort: Sort, before: &mut Vec<(usize, &'static str)>) {
        let kind = match self.voice {
            Voice::News => self.dice.weighted(&[46, 20, 6, 8, 8, 5, 4, 3]),
            Voice::Notes => self.dice.weighted(&[56, 20, 6, 5, 4, 4, 3, 2]),
        };
        match kind {
            1 => {
                let word = self.adjective(sort);
                before.push((self.push_adjective(&word), "amod"));
            }
            2 => {
                let word = self.lexicon.word(self.dice, "attr", "any");
                before.push((self.push_adjective(word), "amod"));
            }
            3 if sort == Sort::Thing => {
                let verb = self.verb("act");
                let form = ("VERB", "Tense=Past|VerbForm=Part");
                before.push((self.sentence.push(&verb.participle, &verb.base, form), "amod"));
            }
            4 if sort == Sort::Thing => {
                let verb = self.verb("move");
                let form = ("VERB", "Tense=Pres|VerbForm=Part");
                before.push((self.sentence.push(&verb.gerund, &verb.base, form), "amod"));
            }
            5 => {
                let entry = self.lexicon.word(self.dice, "comparative", "any");
                let forms: Vec<&str> = entry.split('/').collect();
                let definite = before.last().is_some_and(|(place, _)| {
                    ["the", "his", "her", "their", "its", "'s"]
                        .contains(&self.sentence.words[*place].form.as_str())
                });
                let place = match !definite || self.dice.chance(50) {
                    true => self.sentence.push(forms[1], forms[0], ("ADJ", "Degree=Cmp")),
                    false => self.sentence.push(forms[2], forms[0], ("ADJ", "Degree=Sup")),
                };
                before.push((place, "amod"));
            }
            6 => {
                let degree = self.dice.pick(&[
                    "very",
                    "rather",
                    "more",
                    "highly",
                    "fairly",
                    "increasingly",
                    "quite",
                    "less",
                ]);
                let degree = self.push(degree, "ADV");
                let word = self.adjective(sort);
                let adjective = self.push_adjective(&word);
                self.attach(degree, adjective, "advmod");
                before.push((adjective, "amod"));
            }
            7 if self.voice == Voice::News => {
                let word = self.lexicon.name(self.dice, "nationality");
                before.push((self.push_adjective(word), "amod"));
            }
            _ => {}
        }
        let compounds = if self.voice == Voice::News { 28 } else { 14 };
        if self.dice.chance(compounds) {
            let word = match sort == Sort::Person || self.dice.chance(60) {
                true => self.lexicon.word(self.dice, "compound", self.topic).to_owned(),
                false => self.noun(Sort::Thing).one,
            };
            let place = self.sentence.push(&word, &word, ("NOUN", "Number=Sing"));
            before.push((place, "compound"));
            if self.news(15) {
                let word = self.noun(Sort::Thing).one;
                let place = self.sentence.push(&word, &word, ("NOUN", "Number=Sing"));
                before.push((place, "compound"));
            }
        }
    }

    pub(super) fn push_adjective(&mut self, word: &str) -> usize {
        self.sentence.push(word, word, ("ADJ", "Degree=Pos"))
    }

    /// Replaces `a` by `an` before a vowel.
    pub(super) fn agree(&mut self, article: usize) {
        if self.sentence.words[article].form != "a" {
            return;
        }
        let next = &self.sentence.words[article + 1].form;
        if next.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O'])
            || (next.starts_with('u') && !next.starts_with("uni") && !next.starts_with("us"))
        {
            self.sentence.words[article].form = "an".to_owned();
        }
    }
}
