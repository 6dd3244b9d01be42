//! Reports of five topics with the sentences that their summaries have, and further ones with their topic only.
//!
//! The summary of a report has its sentences about the topic. Beside these there are asides about other topics, two at
//! the most about each, and sentences about none. Some words belong to two topics, so the topic of a sentence and that
//! of its report depend on each other.

use std::fmt::Write as _;

use crate::corpus::File;
use crate::dice::Dice;
use crate::sentence::capital;

struct Topic {
    name: &'static str,
    nouns: Vec<&'static str>,
    verbs: Vec<&'static str>,
}

fn topics() -> Vec<Topic> {
    let lines = include_str!("../lexicon/reports.txt").lines();
    let topic = |line: &'static str| {
        let (name, words) = line.split_once(": ").expect("a topic has a name");
        let (nouns, verbs) = words.split_once(" ; ").expect("a topic has nouns and verbs");
        Topic { name, nouns: nouns.split(' ').collect(), verbs: verbs.split(' ').collect() }
    };
    lines.filter_map(|line| line.strip_prefix("topic ")).map(topic).collect()
}

/// With nouns `@` and `#` and a verb `~` of a topic.
const ABOUT: [&str; 7] = [
    "the @ ~ the # %",
    "nobody ~ the @ before the # %",
    "& ~ the @ %",
    "& called the @ a $ #",
    "a $ @ was ~ %",
    "& ~ $ @ and # %",
    "the @ needs a $ # , & said",
];

/// Without any.
const OTHER: [&str; 7] = [
    "& was not available for comment",
    "more is expected %",
    "it rained %",
    "^ people came %",
    "& spoke for ^ minutes",
    "the news surprised & %",
    "a $ decision is due %",
];

const PEOPLE: [&str; 8] = [
    "the mayor",
    "a neighbour",
    "the minister",
    "a witness",
    "the owner",
    "an expert",
    "the union",
    "a visitor",
];
const TIMES: [&str; 8] = [
    "on Monday",
    "last night",
    "this week",
    "in spring",
    "after lunch",
    "on Friday",
    "in May",
    "at noon",
];
const QUALITIES: [&str; 8] =
    ["new", "broken", "large", "costly", "famous", "small", "strange", "late"];
const COUNTS: [&str; 5] = ["ten", "twenty", "forty", "a hundred", "several"];

/// What a sentence is about: a topic by its position, or none.
type About = Option<usize>;

fn sentence(about: About, topics: &[Topic], dice: &mut Dice) -> String {
    let template = dice.pick(if about.is_some() { &ABOUT } else { &OTHER });
    let mut text = String::new();
    let mut noun = "";
    for word in template.split(' ') {
        let topic = about.map(|about| &topics[about]);
        let word = match (word, topic) {
            ("@" | "#", Some(topic)) => {
                // The second noun is another one than the first.
                let before = noun;
                while noun == before {
                    noun = *dice.zipf(&topic.nouns);
                }
                noun
            }
            ("~", Some(topic)) => *dice.zipf(&topic.verbs),
            ("&", _) => dice.pick(&PEOPLE),
            ("%", _) => dice.pick(&TIMES),
            ("$", _) => dice.pick(&QUALITIES),
            ("^", _) => dice.pick(&COUNTS),
            (word, _) => word,
        };
        let _ = write!(text, "{word} ");
    }
    capital(&text) + "."
}

struct Report {
    /// Words that do not depend on the topic.
    title: String,
    topic: usize,
    sentences: Vec<(String, About)>,
}

impl Report {
    fn draw(topics: &[Topic], dice: &mut Dice) -> Self {
        let topic = dice.below(topics.len());
        let mut abouts = vec![Some(topic); 3 + dice.below(3)];
        for _ in 0..2 + dice.below(2) {
            let other = dice.below(topics.len());
            let n = abouts.iter().filter(|about| **about == Some(other)).count();
            if other != topic && n < 2 {
                abouts.push(Some(other));
            }
        }
        abouts.resize(abouts.len() + 2 + dice.below(3), None);
        for place in (1..abouts.len()).rev() {
            abouts.swap(place, dice.below(place + 1));
        }
        // More often than not the first sentence is about the topic.
        if let Some(place) = abouts.iter().position(|about| *about == Some(topic))
            && dice.chance(50)
        {
            abouts.swap(0, place);
        }
        let sentences = abouts.into_iter().map(|about| (sentence(about, topics, dice), about));
        let sentences = sentences.collect();
        Self { title: format!("News {}", dice.pick(&TIMES)), topic, sentences }
    }

    fn is_extracted(&self, about: About) -> bool {
        about == Some(self.topic)
    }

    /// An object of JSON, with the summary if wanted.
    fn line(&self, topics: &[Topic], with_summary: bool) -> String {
        let quoted = |texts: Vec<&str>| format!("[\"{}\"]", texts.join("\", \""));
        let all = self.sentences.iter();
        let sentences = quoted(all.clone().map(|(text, _)| text.as_str()).collect());
        let (title, topic) = (&self.title, topics[self.topic].name);
        let start =
            format!("{{\"title\": \"{title}\", \"sentences\": {sentences}, \"topic\": \"{topic}\"");
        if !with_summary {
            return start + "}\n";
        }
        let answer = |about| if self.is_extracted(about) { "yes" } else { "no" };
        let extract = quoted(all.clone().map(|(_, about)| answer(*about)).collect());
        let summary = all.filter(|(_, about)| self.is_extracted(*about));
        let summary: Vec<&str> = summary.map(|(text, _)| text.as_str()).collect();
        let summary = summary.join(" ");
        format!("{start}, \"extract\": {extract}, \"summary\": \"{summary}\"}}\n")
    }
}

/// Every file of the reports.
pub(crate) fn files(seed: u64) -> Vec<File> {
    let (topics, mut dice) = (topics(), Dice::new(seed));
    let splits = [
        ("summaries.train", 60, true),
        ("summaries.dev", 60, true),
        ("summaries.test", 150, true),
        ("topics.train", 600, false),
        ("topics.dev", 60, false),
        ("topics.test", 150, false),
    ];
    let file = |(name, n, with_summary): (&str, usize, bool)| {
        let (mut text, mut n_sentences, mut n_extracted) = (String::new(), 0, 0);
        for _ in 0..n {
            let report = Report::draw(&topics, &mut dice);
            n_sentences += report.sentences.len();
            let extracted =
                report.sentences.iter().filter(|(_, about)| report.is_extracted(*about));
            n_extracted += extracted.count();
            text += &report.line(&topics, with_summary);
        }
        let about = format!("{n} reports, {n_sentences} sentences, {n_extracted} about the topic");
        File { path: format!("reports/{name}.jsonl"), text, about }
    };
    splits.into_iter().map(file).collect()
}
