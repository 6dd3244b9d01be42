//! Queries of a search engine with candidate titles, graded, and queries with their classes.
//!
//! A query names a subject and what somebody wants with it. A title about both is relevant with grade 2, a title
//! about the subject and another wish of the same kind with grade 1. Query and title use different words for one
//! wish, and several names of one subject.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::corpus::File;
use crate::dice::Dice;

/// A topic, and the names of each of its subjects.
struct Topic {
    name: &'static str,
    subjects: &'static [&'static [&'static str]],
}

const TOPICS: &[Topic] = &[
    Topic {
        name: "home",
        subjects: &[
            &["tap", "faucet"],
            &["front door", "entrance door"],
            &["window", "sash window"],
            &["fridge", "refrigerator"],
            &["boiler", "heater"],
            &["roof", "roof tiles"],
            &["chimney", "fireplace"],
            &["oven", "stove"],
        ],
    },
    Topic {
        name: "garden",
        subjects: &[
            &["rose", "rose bush"],
            &["tomato", "tomatoes"],
            &["lawn", "grass"],
            &["hedge", "hedges"],
            &["apple tree", "orchard"],
            &["pond", "water garden"],
            &["greenhouse", "glasshouse"],
            &["tulip", "tulip bulbs"],
        ],
    },
    Topic {
        name: "travel",
        subjects: &[
            &["ferry", "ferry boat"],
            &["hotel", "inn"],
            &["airport", "airfield"],
            &["suitcase", "luggage"],
            &["tent", "campsite"],
            &["museum", "gallery"],
            &["castle", "fortress"],
            &["sleeper train", "night train"],
        ],
    },
    Topic {
        name: "music",
        subjects: &[
            &["guitar", "guitars"],
            &["piano", "grand piano"],
            &["violin", "fiddle"],
            &["drum kit", "drums"],
            &["choir", "choral singing"],
            &["trumpet", "cornet"],
            &["turntable", "record player"],
            &["accordion", "squeezebox"],
        ],
    },
    Topic {
        name: "pets",
        subjects: &[
            &["dog", "puppy"],
            &["cat", "kitten"],
            &["rabbit", "bunny"],
            &["parrot", "parakeet"],
            &["hamster", "guinea pig"],
            &["goldfish", "aquarium"],
            &["pony", "horse"],
            &["tortoise", "turtle"],
        ],
    },
    Topic {
        name: "vehicles",
        subjects: &[
            &["bicycle", "bike"],
            &["motorcycle", "motorbike"],
            &["tyre", "wheel"],
            &["gearbox", "transmission"],
            &["windscreen", "windshield"],
            &["caravan", "camper van"],
            &["scooter", "moped"],
            &["canoe", "kayak"],
        ],
    },
];

/// What somebody wants: its kind, and the words before a subject in queries and in titles.
struct Wish {
    kind: &'static str,
    queries: &'static [&'static str],
    titles: &'static [&'static str],
}

const WISHES: &[Wish] = &[
    Wish {
        kind: "shop",
        queries: &["price of a", "cheap", "how much is a", "cost of a new"],
        titles: &["what you pay for a", "current prices, a", "affordable deals, the"],
    },
    Wish {
        kind: "shop",
        queries: &["best", "buy a", "compare", "which"],
        titles: &["buyer's guide to the", "reviews and ratings, the", "ten tested models of"],
    },
    Wish {
        kind: "shop",
        queries: &["where to find a", "nearest", "second hand"],
        titles: &["local shops with a", "classified adverts, a", "dealers near you, the"],
    },
    Wish {
        kind: "care",
        queries: &["mend a", "broken", "how to fix a", "damaged"],
        titles: &["repairing the", "step by step repair, the", "spare parts and repairs, a"],
    },
    Wish {
        kind: "care",
        queries: &["clean a", "wash", "dirty", "stains on a"],
        titles: &["keeping it spotless, the", "cleaning tips, a", "gentle washing of the"],
    },
    Wish {
        kind: "care",
        queries: &["winter and the", "protect a", "storing a"],
        titles: &["protection from frost, the", "safe storage, a", "how to cover the"],
    },
    Wish {
        kind: "learn",
        queries: &["history of the", "who invented the", "old"],
        titles: &["origins of the", "a thousand years with the", "from past to present, the"],
    },
    Wish {
        kind: "learn",
        queries: &["beginner", "learn about the", "first"],
        titles: &["an introduction, the", "easy lessons, the", "getting started with a"],
    },
    Wish {
        kind: "learn",
        queries: &["is it safe, a", "danger of a", "risk with a"],
        titles: &["hazards of the", "safety advice, a", "accidents with the"],
    },
];

/// Titles beside the relevant ones.
const N_CANDIDATES: usize = 8;

/// Percentage of rankings of train in which the click is on a title at random, besides the right ones.
const SLIPS: usize = 5;

/// A subject and a wish, by their positions in the lists.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Need {
    topic: usize,
    subject: usize,
    wish: usize,
}

impl Need {
    fn draw(dice: &mut Dice) -> Self {
        let topic = dice.below(TOPICS.len());
        Self {
            topic,
            subject: dice.below(TOPICS[topic].subjects.len()),
            wish: dice.below(WISHES.len()),
        }
    }

    fn is_of_subject(self, other: Self) -> bool {
        (self.topic, self.subject) == (other.topic, other.subject)
    }

    fn grade(self, title: Self) -> u8 {
        let is_of_kind = WISHES[self.wish].kind == WISHES[title.wish].kind;
        match self.is_of_subject(title) {
            true if self.wish == title.wish => 2,
            true if is_of_kind => 1,
            _ => 0,
        }
    }

    fn names(self) -> &'static [&'static str] {
        TOPICS[self.topic].subjects[self.subject]
    }

    /// A query, and which name of the subject it has.
    fn query(self, dice: &mut Dice) -> (String, usize) {
        let name = dice.below(self.names().len());
        let words = dice.pick(WISHES[self.wish].queries);
        (format!("{words} {}", self.names()[name]), name)
    }

    /// A title; one about the subject of a query seldom has the same name of it.
    fn title(self, query: (Self, usize), dice: &mut Dice) -> String {
        let (need, said) = query;
        let n = self.names().len();
        let name = match self.is_of_subject(need) {
            true if dice.chance(20) => said,
            true => (said + 1 + dice.below(n - 1)) % n,
            false => dice.below(n),
        };
        format!("{} {}", dice.pick(WISHES[self.wish].titles), self.names()[name])
    }

    /// The needs of the titles that a search for it finds: its own, another of its subject, and others that share
    /// a part of it or none.
    fn found(self, dice: &mut Dice) -> Vec<Self> {
        let mut found = vec![self];
        if dice.chance(20) {
            found.push(self);
        }
        while found.len() < N_CANDIDATES {
            let other = Self::draw(dice);
            found.push(match dice.below(10) {
                0..3 => Self { wish: other.wish, ..self },
                3..5 => Self { wish: self.wish, ..other },
                5..8 => Self { topic: self.topic, wish: self.wish, ..other },
                _ => Self { topic: self.topic, ..other },
            });
        }
        for place in (1..found.len()).rev() {
            found.swap(place, dice.below(place + 1));
        }
        found
    }
}

/// Every file of the search engine.
pub(crate) fn files(seed: u64) -> Vec<File> {
    let mut dice = Dice::new(seed);
    let mut seen = BTreeSet::new();
    let mut files = Vec::new();
    // A query of dev and test is in no other split.
    for (split, n) in [("test", 150), ("dev", 100), ("train", 80)] {
        files.push(clicks(split, n, &mut dice, &mut seen));
    }
    for (split, n) in [("dev", 100), ("train", 600)] {
        files.push(topics(split, n, &mut dice, &mut seen));
    }
    files
}

/// A need with a query that is new, and which name of its subject that has.
fn new_query(dice: &mut Dice, seen: &mut BTreeSet<String>) -> (Need, usize, String) {
    loop {
        let need = Need::draw(dice);
        let (query, name) = need.query(dice);
        if seen.insert(query.clone()) {
            return (need, name, query);
        }
    }
}

fn clicks(split: &str, n: usize, dice: &mut Dice, seen: &mut BTreeSet<String>) -> File {
    let mut text = String::new();
    let (mut n_titles, mut n_relevant, mut n_slips) = (0, 0, 0);
    for _ in 0..n {
        let (need, name, query) = new_query(dice, seen);
        let found = need.found(dice);
        let mut grades: Vec<u8> = found.iter().map(|title| need.grade(*title)).collect();
        if split == "train" && dice.chance(SLIPS) {
            let place = dice.below(grades.len());
            n_slips += usize::from(grades[place] == 0);
            grades[place] = grades[place].max(1);
        }
        let titles: Vec<String> =
            found.iter().map(|title| format!("\"{}\"", title.title((need, name), dice))).collect();
        let clicked: Vec<String> = grades.iter().map(|grade| format!("\"{grade}\"")).collect();
        n_titles += titles.len();
        n_relevant += grades.iter().filter(|grade| **grade > 0).count();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{{\"query\": \"{query}\", \"candidates\": [{}], \"clicked\": [{}]}}",
            titles.join(", "),
            clicked.join(", ")
        );
    }
    let about = format!(
        "{n} queries, {n_titles} titles, {n_relevant} of them relevant, {n_slips} by a slip"
    );
    File { path: format!("search/clicks.{split}.jsonl"), text, about }
}

fn topics(split: &str, n: usize, dice: &mut Dice, seen: &mut BTreeSet<String>) -> File {
    let mut text = String::new();
    for _ in 0..n {
        let (need, _, query) = new_query(dice, seen);
        let (topic, kind) = (TOPICS[need.topic].name, WISHES[need.wish].kind);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{{\"query\": \"{query}\", \"topics\": [\"{topic}\", \"{kind}\"]}}");
    }
    let about = format!("{n} queries, two classes each");
    File { path: format!("search/topics.{split}.jsonl"), text, about }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_is_in_one_file_and_has_a_relevant_title() {
        let files = files(1);
        let mut queries = BTreeSet::new();
        for file in &files {
            for line in file.text.lines() {
                let query = line.split('"').nth(3).unwrap_or_default();
                assert!(queries.insert(query.to_owned()), "{}: {query}", file.path);
                let has_best = line.ends_with("}") && line.contains("\"2\"");
                assert!(has_best || file.path.contains("topics"), "{}: {line}", file.path);
            }
        }
        assert_eq!(queries.len(), 1_030);
    }
}
