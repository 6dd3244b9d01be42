//! Sentences: phrases with endings, in the order of the language.
//!
//! Endings say much about a word, and not all: nouns and short adjectives have the same ones, some
//! adverbs look like objects, roots of verbs and adjectives serve as nouns, and small words do two jobs.

use super::roots::Roots;
use super::sounds::Law;
use crate::dice::Dice;
use crate::sentence::capital;

/// How a language orders words.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Subject, verb, object; adjective before noun; prepositions.
    VerbSecond,
    /// Subject, object, verb; adjective after noun; postpositions.
    VerbLast,
}

/// A form and its part of speech.
pub(super) type Word = (String, &'static str);

/// Where a noun phrase stands: its case.
#[derive(Clone, Copy)]
enum Case {
    Subject,
    Object,
    Oblique,
}

/// Makes one sentence.
pub(super) struct Speaker<'a> {
    roots: &'a Roots,
    laws: &'a [Law],
    order: Order,
    dice: &'a mut Dice,
}

impl<'a> Speaker<'a> {
    pub(super) fn new(roots: &'a Roots, laws: &'a [Law], order: Order, dice: &'a mut Dice) -> Self {
        Self { roots, laws, order, dice }
    }

    pub(super) fn sentence(mut self) -> Vec<Word> {
        let mut words = self.clause();
        match self.dice.weighted(&[80, 8, 12]) {
            0 => {}
            1 => {
                let conjunction = self.small(&self.roots.conjunctions, "CCONJ");
                words.push(conjunction);
                words.extend(self.clause());
            }
            _ => {
                words.push((",".to_owned(), "PUNCT"));
                // A preposition may lead a clause, as "before" does.
                let doubles = self.dice.chance(35);
                let list =
                    if doubles { &self.roots.prepositions } else { &self.roots.subordinators };
                let subordinator = self.small(list, "SCONJ");
                let clause = self.clause();
                words.extend(self.ordered([subordinator].into(), clause));
            }
        }
        let mark = if self.dice.chance(10) { "?" } else { "." };
        words.push((mark.to_owned(), "PUNCT"));
        words
    }

    fn clause(&mut self) -> Vec<Word> {
        let mut words = Vec::new();
        if self.dice.chance(22) {
            let adverb = self.adverb();
            words.push(adverb);
        }
        let (subject, many) = self.noun_phrase(Case::Subject);
        let verbs = self.verbs(many);
        let mut rest = Vec::new();
        if self.dice.chance(58) {
            rest.extend(self.noun_phrase(Case::Object).0);
        }
        if self.dice.chance(36) {
            rest.extend(self.adposition_phrase());
        }
        words.extend(subject);
        words.extend(self.ordered(verbs, rest));
        words
    }

    /// What leads, first or last as the language has it.
    fn ordered(&self, mut lead: Vec<Word>, mut rest: Vec<Word>) -> Vec<Word> {
        match self.order {
            Order::VerbSecond => {
                lead.append(&mut rest);
                lead
            }
            Order::VerbLast => {
                rest.append(&mut lead);
                rest
            }
        }
    }

    fn verbs(&mut self, many: bool) -> Vec<Word> {
        let root = self.dice.zipf(&self.roots.verbs).clone();
        let mut words = Vec::new();
        if self.dice.chance(14) {
            words.push(self.changed(&self.roots.negation, "", "PART"));
        }
        if self.dice.chance(24) {
            let auxiliary = self.dice.zipf(&self.roots.auxiliaries).clone();
            let auxiliary = self.changed(&auxiliary, if many { "e" } else { "" }, "AUX");
            let verb = self.changed(&root, "ire", "VERB");
            words.extend(self.ordered([auxiliary].into(), [verb].into()));
            return words;
        }
        let ending = match (self.dice.below(6), many) {
            (0 | 1, false) => "et",
            (0 | 1, true) => "ent",
            (2 | 3, false) => "ida",
            (2 | 3, true) => "idari",
            // As a noun may end too.
            (_, false) => "a",
            (_, true) => "on",
        };
        words.push(self.changed(&root, ending, "VERB"));
        words
    }

    /// The words, and whether they are many.
    fn noun_phrase(&mut self, case: Case) -> (Vec<Word>, bool) {
        match self.dice.weighted(&[68, 13, 14, 5]) {
            0 => {}
            1 => return ([self.pronoun(case)].into(), self.dice.chance(30)),
            2 => return ([self.name(case)].into(), false),
            // "That" stands alone too.
            _ => return ([self.small(&self.roots.determiners, "PRON")].into(), false),
        }
        let many = self.dice.chance(35);
        let mut words = Vec::new();
        let counted = many && self.dice.chance(28);
        if counted && self.dice.chance(40) {
            words.push(((2 + self.dice.below(60)).to_string(), "NUM"));
        } else if counted {
            let number = self.small(&self.roots.numbers, "NUM");
            words.push(number);
        } else if self.dice.chance(48) {
            let determiner = self.dice.zipf(&self.roots.determiners).clone();
            words.push(self.changed(&determiner, if many { "s" } else { "" }, "DET"));
        }
        let (noun, theme) = self.noun();
        let ending = ending(theme, case, many);
        let noun = self.changed(&noun, &ending, "NOUN");
        let adjective = if self.dice.chance(34) { self.adjective(&ending) } else { Vec::new() };
        words.extend(self.ordered(adjective, [noun].into()));
        (words, many)
    }

    /// A root with the vowel of its class.
    fn noun(&mut self) -> (String, char) {
        let source = self.dice.weighted(&[68, 20, 12]);
        let from_verb = source == 1;
        let list = [&self.roots.nouns, &self.roots.verbs, &self.roots.adjectives][source];
        let root = self.dice.zipf(list).clone();
        // The class is the root's own, so it is read off its letters.
        let theme = if root.bytes().map(usize::from).sum::<usize>() % 3 == 0 { 'o' } else { 'a' };
        let derived = if from_verb && self.dice.chance(45) { "id" } else { "" };
        (root + derived, theme)
    }

    /// One adjective that agrees with a noun of that ending, perhaps with an adverb.
    fn adjective(&mut self, ending: &str) -> Vec<Word> {
        let root = self.dice.zipf(&self.roots.adjectives).clone();
        let middle = ["", "ik", "isar"][self.dice.weighted(&[50, 40, 10])];
        let adjective = self.changed(&root, &format!("{middle}{ending}"), "ADJ");
        if self.dice.chance(14) {
            let adverb = self.adverb();
            return self.ordered([adverb].into(), [adjective].into());
        }
        [adjective].into()
    }

    fn adverb(&mut self) -> Word {
        match self.dice.weighted(&[40, 40, 20]) {
            0 => self.small(&self.roots.adverbs, "ADV"),
            kind => {
                let root = self.dice.zipf(&self.roots.adjectives).clone();
                self.changed(&root, if kind == 1 { "ilme" } else { "an" }, "ADV")
            }
        }
    }

    fn adposition_phrase(&mut self) -> Vec<Word> {
        let adposition = self.small(&self.roots.prepositions, "ADP");
        let (phrase, _) = self.noun_phrase(Case::Oblique);
        self.ordered([adposition].into(), phrase)
    }

    fn pronoun(&mut self, case: Case) -> Word {
        let root = self.dice.zipf(&self.roots.pronouns).clone();
        self.changed(&root, if matches!(case, Case::Subject) { "" } else { "n" }, "PRON")
    }

    fn name(&mut self, case: Case) -> Word {
        let root = self.dice.zipf(&self.roots.names).clone();
        let ending = if matches!(case, Case::Oblique) { "su" } else { "" };
        let (form, pos) = self.changed(&root, ending, "PROPN");
        (capital(&form), pos)
    }

    /// A word that never has an ending.
    fn small(&mut self, list: &[String], pos: &'static str) -> Word {
        let root = self.dice.zipf(list).clone();
        self.changed(&root, "", pos)
    }

    /// Root and ending as the language's sound laws have left them.
    fn changed(&self, root: &str, ending: &str, pos: &'static str) -> Word {
        let word = format!("{root}{ending}");
        (self.laws.iter().fold(word, |word, law| law.apply(&word)), pos)
    }
}

/// The ending of a noun of that class.
fn ending(theme: char, case: Case, many: bool) -> String {
    let after = match (case, many) {
        (Case::Subject, false) => "",
        (Case::Subject, true) => "ri",
        (Case::Object, false) => "n",
        (Case::Object, true) => "rin",
        (Case::Oblique, false) => "su",
        (Case::Oblique, true) => "risu",
    };
    format!("{theme}{after}")
}
