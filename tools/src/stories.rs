//! A book of short stories, from whose sentences format `book` makes the examples of the discourse objectives.
//!
//! A story follows a script: reasons, then events in their order, about one person and one object; things go wrong, and
//! others happen meanwhile. Such sentences start with a connective. Person and object are introduced with "a", and are
//! "he" or "she" and "it" or "the" afterwards. A chapter has several stories.

use std::fmt::Write as _;

use crate::corpus::File;
use crate::dice::Dice;
use crate::sentence::capital;

/// What the lexicon has.
struct Words {
    /// People with their pronoun.
    people: Vec<(&'static str, &'static str)>,
    asides: Vec<&'static str>,
    scripts: Vec<Script>,
}

struct Script {
    objects: Vec<&'static str>,
    events: Vec<&'static str>,
    reasons: Vec<&'static str>,
    problems: Vec<&'static str>,
}

impl Words {
    fn read(text: &'static str) -> Self {
        let (mut people, mut asides, mut scripts) = (Vec::new(), Vec::new(), Vec::new());
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, rest) = line.split_once(": ").expect("a line has a name");
            let items = |part: &'static str| part.split('|').map(str::trim).collect::<Vec<_>>();
            match name {
                "aside" => asides = items(rest),
                "script" => {
                    let parts: Vec<&str> = rest.split(';').collect();
                    let [objects, events, reasons, problems] = parts[..] else {
                        panic!("a script has four parts: {line}")
                    };
                    scripts.push(Script {
                        objects: objects.split(' ').collect(),
                        events: items(events),
                        reasons: items(reasons),
                        problems: items(problems),
                    });
                }
                who => {
                    let pronoun = who.strip_prefix("who ").expect("people have a pronoun");
                    people.extend(rest.split(' ').map(|person| (person, pronoun)));
                }
            }
        }
        Self { people, asides, scripts }
    }
}

/// A story as it grows.
struct Story<'a> {
    dice: &'a mut Dice,
    person: &'static str,
    pronoun: &'static str,
    object: &'static str,
    knows_person: bool,
    knows_object: bool,
    text: String,
    n_sentences: usize,
}

impl Story<'_> {
    fn say(&mut self, connective: Option<&str>, template: &str) {
        let mut text = template.to_owned();
        if template.contains('@') {
            let who = mention(&mut self.knows_person, self.person, self.pronoun, 75, self.dice);
            text = text.replace('@', &who);
        }
        if template.contains('#') {
            let what = mention(&mut self.knows_object, self.object, "it", 50, self.dice);
            text = text.replace('#', &what);
        }
        let sentence = match connective {
            Some(connective) => format!("{connective}, {text}"),
            None => text,
        };
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{}.", capital(&sentence));
        self.n_sentences += 1;
    }
}

fn with_article(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {word}")
}

/// A mention of a person or an object, the first one with "a".
fn mention(
    is_known: &mut bool,
    word: &str,
    pronoun: &str,
    percent: usize,
    dice: &mut Dice,
) -> String {
    let has_pronoun = dice.chance(percent);
    match (std::mem::replace(is_known, true), has_pronoun) {
        (false, _) => with_article(word),
        (true, true) => pronoun.to_owned(),
        (true, false) => format!("the {word}"),
    }
}

/// A story, with its number of sentences.
fn story(words: &Words, dice: &mut Dice) -> (String, usize) {
    let script = &words.scripts[dice.below(words.scripts.len())];
    let (person, pronoun) = words.people[dice.below(words.people.len())];
    let object = dice.pick(&script.objects);
    let (knows_person, knows_object) = (false, false);
    let (text, n_sentences) = (String::new(), 0);
    let mut story =
        Story { dice, person, pronoun, object, knows_person, knows_object, text, n_sentences };
    let first = story.dice.below(script.reasons.len());
    let has_reason = story.dice.chance(60);
    if has_reason {
        story.say(None, script.reasons[first]);
        if story.dice.chance(60) {
            let connective = story.dice.pick(&["Moreover", "Besides", "Furthermore"]);
            story.say(Some(connective), script.reasons[(first + 1) % script.reasons.len()]);
        }
    }
    for (place, event) in script.events.iter().enumerate() {
        let connective = match place {
            0 if has_reason && story.dice.chance(70) => {
                Some(story.dice.pick(&["Therefore", "Consequently", "Thus"]))
            }
            1.. if story.dice.chance(30) => Some(story.dice.pick(&["Then", "Next"])),
            _ => None,
        };
        story.say(connective, event);
        if story.dice.chance(22) {
            let connective = story.dice.pick(&["However", "Nevertheless", "Nonetheless"]);
            let problem = story.dice.pick(&script.problems);
            story.say(Some(connective), problem);
        } else if story.dice.chance(12) {
            let aside = story.dice.pick(&words.asides);
            story.say(Some("Meanwhile"), aside);
        }
    }
    (story.text, story.n_sentences)
}

/// Every file of the stories.
pub(crate) fn files(seed: u64) -> Vec<File> {
    let words = Words::read(include_str!("../lexicon/stories.txt"));
    let mut dice = Dice::new(seed);
    [("train", 40), ("dev", 10), ("test", 15)]
        .map(|(split, n)| file(split, n, &words, &mut dice))
        .into()
}

fn file(split: &str, n_chapters: usize, words: &Words, dice: &mut Dice) -> File {
    let (mut text, mut n_sentences) = (String::new(), 0);
    for chapter in 1..=n_chapters {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "Chapter {chapter}\n");
        for _ in 0..8 {
            let (story, n) = story(words, dice);
            n_sentences += n;
            let _ = writeln!(text, "{story}");
        }
    }
    let about = format!("{n_chapters} chapters of 8 stories, {n_sentences} sentences");
    File { path: format!("stories/{split}.txt"), text, about }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_objects_are_introduced_where_they_are_first_named() {
        let words = Words::read(include_str!("../lexicon/stories.txt"));
        let mut dice = Dice::new(3);
        for _ in 0..200 {
            let (text, _) = story(&words, &mut dice);
            let text = text.to_lowercase();
            let named = words.people.iter().filter(|(who, _)| text.contains(&format!(" {who} ")));
            for (who, _) in named {
                let first = text.find(&format!("the {who} "));
                let introduced = text.find(&with_article(who));
                assert!(introduced.is_some_and(|at| first.is_none_or(|the| at < the)), "{text}");
            }
        }
    }
}
