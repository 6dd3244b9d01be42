//! Stories with questions, whose answers are spans of the story.
//!
//! A story has facts of a few kinds, several of each, so that a question needs the names in it to find its sentence.
//! Statements and questions about one fact use different words. An answer is also right without the word that it
//! starts with, where that is an article or a preposition.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::corpus::File;
use crate::dice::Dice;

const NAMES: &[&str] = &[
    "Anna",
    "Mr Hale",
    "the baker",
    "Aunt Rose",
    "Ivo",
    "Mara",
    "the captain",
    "Lucy",
    "Old Tom",
    "Dr Finch",
    "Nils",
    "the twins",
    "Petra",
    "Mrs Crane",
    "the piper",
    "Oskar",
    "Jane",
    "the judge",
    "Basil",
    "Uncle Theo",
    "Wanda",
    "the miller",
    "Ruth",
    "Felix",
    "Mr Sparrow",
    "Ines",
    "the nurse",
    "Hugo",
    "Cousin May",
    "Leo",
];

const PLACES: &[&str] = &[
    "the old mill",
    "Redford",
    "the red barn",
    "a house by the river",
    "Millport",
    "the post office",
    "the harbour",
    "Long Acre",
    "the tea room",
    "a tent on the hill",
    "Easton",
    "the town hall",
    "the east tower",
    "Birch Wood",
    "the market square",
    "a hut in the forest",
    "Northgate",
    "the school",
    "the glass works",
    "Saltmere",
];

const TIMES: &[&str] = &[
    "in May",
    "on Monday",
    "last winter",
    "at nine",
    "before the war",
    "in June",
    "on Friday",
    "last year",
    "at midnight",
    "after the storm",
    "in the spring",
    "on Sunday",
    "two weeks ago",
    "at noon",
    "during the fair",
];

const THINGS: &[&str] = &[
    "a blue lamp",
    "the wooden chair",
    "two silver spoons",
    "a map of the coast",
    "the green coat",
    "an old clock",
    "the white pony",
    "a box of nails",
    "the long ladder",
    "a copper kettle",
    "the family bible",
    "six eggs",
    "a pair of boots",
    "the broken flute",
    "a wool blanket",
    "the last ticket",
    "an iron key",
    "the yellow kite",
    "a jar of honey",
    "the stone lion",
];

const FILLERS: &[&str] = &[
    "Nobody said a word .",
    "The weather was fine .",
    "It rained for the rest of the day .",
    "That was all the news .",
    "Some people talked about it for weeks .",
];

/// A kind of fact. In its statements and questions, `n` and `m` stand for two names, `p` for a place, `t` for a time
/// and `o` for a thing, each in brackets.
struct Kind {
    statements: &'static [&'static str],
    /// Each with the letter of its answer.
    questions: &'static [(&'static str, char)],
}

const KINDS: &[Kind] = &[
    Kind {
        statements: &[
            "[n] works in [p] .",
            "in [p] , [n] has a job .",
            "[n] earns a living in [p] .",
        ],
        questions: &[("where is [n] employed ?", 'p'), ("who is employed in [p] ?", 'n')],
    },
    Kind {
        statements: &[
            "[n] moved to [p] [t] .",
            "[t] [n] left for [p] .",
            "[t] , [p] became the home of [n] .",
        ],
        questions: &[("when did [n] go to [p] ?", 't'), ("where did [n] go [t] ?", 'p')],
    },
    Kind {
        statements: &[
            "[n] sold [o] to [m] .",
            "[m] bought [o] from [n] .",
            "[o] passed from [n] to [m] .",
        ],
        questions: &[
            ("what did [m] get from [n] ?", 'o'),
            ("who got [o] ?", 'm'),
            ("who gave [o] away ?", 'n'),
        ],
    },
    Kind {
        statements: &[
            "[n] met [m] in [p] .",
            "in [p] , [n] ran into [m] .",
            "[m] saw [n] in [p] .",
        ],
        questions: &[
            ("where were [n] and [m] together ?", 'p'),
            ("who was in [p] with [m] ?", 'n'),
        ],
    },
    Kind {
        statements: &[
            "[n] lost [o] in [p] .",
            "[o] of [n] vanished in [p] .",
            "in [p] , [n] forgot [o] .",
        ],
        questions: &[
            ("where should [n] look for [o] ?", 'p'),
            ("what is [n] without since [p] ?", 'o'),
        ],
    },
    Kind {
        statements: &[
            "[n] repaired [o] [t] .",
            "[t] [o] was mended by [n] .",
            "[t] , [n] fixed [o] .",
        ],
        questions: &[("when was [o] made whole ?", 't'), ("who made [o] whole [t] ?", 'n')],
    },
];

/// A fact: its kind, and what each letter stands for.
#[derive(Clone)]
struct Fact {
    kind: usize,
    slots: Vec<(char, &'static str)>,
}

impl Fact {
    fn draw(kind: usize, dice: &mut Dice) -> Self {
        let mut slots = Vec::new();
        for (letter, list) in
            [('n', NAMES), ('m', NAMES), ('p', PLACES), ('t', TIMES), ('o', THINGS)]
        {
            let is_used = KINDS[kind].statements[0].contains(&format!("[{letter}]"));
            let drawn = dice.pick(list);
            if is_used {
                slots.push((letter, drawn));
            }
        }
        Self { kind, slots }
    }

    fn slot(&self, letter: char) -> &'static str {
        let found = self.slots.iter().find(|(other, _)| *other == letter);
        found.map_or("", |(_, words)| *words)
    }

    /// Whether two facts of one kind agree in what a question says.
    fn answers(&self, other: &Self, question: &str) -> bool {
        self.kind == other.kind
            && self.slots.iter().all(|(letter, words)| {
                !question.contains(&format!("[{letter}]")) || other.slot(*letter) == *words
            })
    }

    /// A text about it, with the tokens of one slot, if that is asked for.
    fn text(&self, template: &str, asked: Option<char>) -> (String, Option<(usize, usize)>) {
        let mut tokens: Vec<&str> = Vec::new();
        let mut span = None;
        for part in template.split(' ') {
            let letter = part.strip_prefix('[').and_then(|rest| rest.chars().next());
            let start = tokens.len();
            match letter {
                Some(letter) => tokens.extend(self.slot(letter).split(' ')),
                None => tokens.push(part),
            }
            if letter.is_some() && letter == asked {
                span = Some((start, tokens.len()));
            }
        }
        let mut text = tokens.join(" ");
        let first: String = text.chars().take(1).flat_map(char::to_uppercase).collect();
        text.replace_range(..first.len(), &first);
        (text, span)
    }
}

/// Words that an answer may leave out at its start.
const LIGHT: &[&str] = &["a", "an", "the", "in", "on", "at"];

struct Story {
    facts: Vec<Fact>,
    /// The statement of each fact, or a sentence without one.
    sentences: Vec<(Option<usize>, &'static str)>,
}

impl Story {
    fn draw(dice: &mut Dice) -> Self {
        let mut facts: Vec<Fact> = Vec::new();
        let mut kinds: Vec<usize> = (0..KINDS.len()).collect();
        for _ in 0..3 {
            let kind = kinds.remove(dice.below(kinds.len()));
            for _ in 0..2 {
                let mut fact = Fact::draw(kind, dice);
                // Half of the facts are about somebody or a place that the story has already.
                if let Some(other) = facts.last().filter(|_| dice.chance(50)) {
                    for (letter, words) in &mut fact.slots {
                        let known = other.slot(*letter);
                        if !known.is_empty() && "np".contains(*letter) && dice.chance(50) {
                            *words = known;
                        }
                    }
                }
                if fact.slot('n') != fact.slot('m') {
                    facts.push(fact);
                }
            }
        }
        let mut sentences: Vec<(Option<usize>, &'static str)> = (0..facts.len())
            .map(|at| (Some(at), dice.pick(KINDS[facts[at].kind].statements)))
            .collect();
        sentences.push((None, dice.pick(FILLERS)));
        for place in (1..sentences.len()).rev() {
            sentences.swap(place, dice.below(place + 1));
        }
        Self { facts, sentences }
    }

    fn text(&self) -> String {
        let sentence = |(fact, template): &(Option<usize>, &str)| match fact {
            Some(fact) => self.facts[*fact].text(template, None).0,
            None => (*template).to_owned(),
        };
        self.sentences.iter().map(sentence).collect::<Vec<_>>().join(" ")
    }

    /// The tokens of the answer, and whether it is as right without the first of them.
    fn answer(&self, asked: usize, letter: char) -> Vec<(usize, usize)> {
        let mut before = 0;
        for (fact, template) in &self.sentences {
            let (text, span) = match fact {
                Some(fact) => self.facts[*fact].text(template, Some(letter)),
                None => ((*template).to_owned(), None),
            };
            if let (true, Some((start, end))) = (*fact == Some(asked), span) {
                let words = self.facts[asked].slot(letter);
                let is_light = words.split(' ').next().is_some_and(|word| LIGHT.contains(&word));
                let mut spans = vec![(before + start, before + end)];
                spans.extend(is_light.then_some((before + start + 1, before + end)));
                return spans;
            }
            before += text.split(' ').count();
        }
        unreachable!("every fact has a sentence")
    }

    /// A question that one fact answers, and its answers.
    fn question(&self, dice: &mut Dice) -> Option<(String, Vec<(usize, usize)>)> {
        let asked = dice.below(self.facts.len());
        let fact = &self.facts[asked];
        let questions = KINDS[fact.kind].questions;
        let (template, letter) = questions[dice.below(questions.len())];
        let n_answers = self.facts.iter().filter(|other| fact.answers(other, template)).count();
        (n_answers == 1).then(|| (fact.text(template, None).0, self.answer(asked, letter)))
    }
}

const QUESTIONS_EACH: usize = 3;

/// Every file of the stories.
pub(crate) fn files(seed: u64) -> Vec<File> {
    let splits = [("train", 360), ("dev", 50), ("test", 100)];
    let of_split = |(at, (split, n)): (u64, (&str, usize))| {
        let mut dice = Dice::new(seed + at);
        file(split, n, &mut dice)
    };
    (0..).zip(splits).map(of_split).collect()
}

fn file(split: &str, n_stories: usize, dice: &mut Dice) -> File {
    let (mut text, mut n_questions, mut n_tokens) = (String::new(), 0, 0);
    for _ in 0..n_stories {
        let story = Story::draw(dice);
        let told = story.text();
        let mut seen = BTreeSet::new();
        for _ in 0..20 {
            if seen.len() == QUESTIONS_EACH {
                break;
            }
            let Some((question, answers)) = story.question(dice) else { continue };
            if !seen.insert(question.clone()) {
                continue;
            }
            let spans: Vec<String> =
                answers.iter().map(|(start, end)| format!("[{start}, {end}]")).collect();
            let spans = spans.join(", ");
            n_questions += 1;
            n_tokens += told.split(' ').count();
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{{\"story\": \"{told}\", \"question\": \"{question}\", \"answer\": [{spans}]}}"
            );
        }
    }
    let about =
        format!("{n_stories} stories, {n_questions} questions, {n_tokens} tokens of their stories");
    File { path: format!("questions/{split}.jsonl"), text, about }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_the_fact_says() {
        let fact = |kind: usize, slots: &[(char, &'static str)]| Fact { kind, slots: slots.into() };
        let facts = vec![
            fact(0, &[('n', "Anna"), ('p', "the old mill")]),
            fact(0, &[('n', "Ivo"), ('p', "Redford")]),
        ];
        let sentences = vec![(Some(1), KINDS[0].statements[0]), (Some(0), KINDS[0].statements[1])];
        let story = Story { facts, sentences };
        assert_eq!(story.text(), "Ivo works in Redford . In the old mill , Anna has a job .");
        assert_eq!(story.answer(0, 'p'), [(6, 9), (7, 9)]);
        assert_eq!(story.answer(1, 'p'), [(3, 4)]);
        assert_eq!(story.answer(0, 'n'), [(10, 11)]);
        let question = KINDS[0].questions[0].0;
        assert!(!story.facts[0].answers(&story.facts[1], question));
    }
}
