//! Rewriting rules that short texts grow from: alternatives by topic and by mood, read from a text.
//!
//! A line `name: one | 3*other` has alternatives, the second three times as likely as the first; `name =
//! words` a list drawn by Zipf's law, in which `_` is a space. Lines of one name add up. A name may end
//! in a mood (`--`, `-`, `0`, `+`, `++`), then in a scope: `adj+@books`. The nearest rule is taken:
//! that of the first scope that has any, there the one of the exact mood, of its sign, or of none.
//!
//! Of an alternative's words, `<name>` is rewritten in turn, `<!name>` in the opposite mood, `<name:+>`
//! in that mood; `<@person>` and `<@brand>` are invented names, and `_` is nothing.

use std::collections::BTreeMap;

use crate::dice::Dice;
use crate::lexicon::Lexicon;
use crate::names;

/// Moods from the worst to the best, as names of rules end in them.
const MOODS: [&str; 5] = ["--", "-", "0", "+", "++"];

/// What a text is about, and how it is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a> {
    /// Whose rules are preferred, the first most.
    pub(crate) scopes: &'a [&'a str],
    /// From -2 to 2.
    pub(crate) mood: i8,
}

/// Rules by name.
pub(crate) struct Rules {
    rules: BTreeMap<String, Rule>,
    /// What names of people and brands are made of.
    names: Lexicon,
}

#[derive(Debug)]
enum Rule {
    /// Words, the frequent ones first.
    Words(Vec<String>),
    /// Alternatives with their weights.
    Choices(Vec<usize>, Vec<String>),
}

impl Rules {
    pub(crate) fn read(text: &str) -> Self {
        let mut rules = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            if let Some((name, words)) = line.split_once(" = ") {
                let rule = rules.entry(name.to_owned()).or_insert(Rule::Words(Vec::new()));
                let Rule::Words(list) = rule else { panic!("{name} is no list of words") };
                list.extend(words.split_whitespace().map(str::to_owned));
            } else if let Some((name, choices)) = line.split_once(": ") {
                let rule =
                    rules.entry(name.to_owned()).or_insert(Rule::Choices(Vec::new(), Vec::new()));
                let Rule::Choices(weights, list) = rule else { panic!("{name} is no rule") };
                for choice in choices.split('|').map(str::trim) {
                    let weighted = choice.split_once('*');
                    let weighted = weighted.and_then(|(n, rest)| Some((n.parse().ok()?, rest)));
                    let (weight, choice) = weighted.unwrap_or((1, choice));
                    weights.push(weight);
                    list.push(choice.to_owned());
                }
            } else {
                panic!("no rule: {line}");
            }
        }
        Self { rules, names: Lexicon::read(&[], include_str!("../lexicon/names.txt")) }
    }

    /// The words of a list, by its name with mood and scope.
    pub(crate) fn words(&self, name: &str) -> &[String] {
        match self.rules.get(name) {
            Some(Rule::Words(words)) => words,
            _ => panic!("{name} is no list of words"),
        }
    }

    /// A text that the rule of that name makes, its tokens separated by single spaces.
    pub(crate) fn text(&self, dice: &mut Dice, name: &str, setting: Setting<'_>) -> String {
        let mut tokens = Vec::new();
        // Nobody says that a thing is muddled and muddled.
        while tokens.is_empty() || tokens.windows(3).any(|of| of[0] == of[2]) {
            tokens.clear();
            self.rewrite(dice, name, setting, &mut tokens);
        }
        for place in 1..tokens.len() {
            let sounds = tokens[place].starts_with(['a', 'e', 'i', 'o', 'u'])
                && !["one", "useful", "useless", "usual"].contains(&tokens[place].as_str());
            if tokens[place - 1] == "a" && sounds {
                tokens[place - 1] = "an".to_owned();
            }
        }
        tokens.join(" ")
    }

    fn rewrite(&self, dice: &mut Dice, name: &str, setting: Setting<'_>, tokens: &mut Vec<String>) {
        let words = match name {
            "@person" => names::person(&self.names, dice).to_string(),
            "@brand" => names::product(&self.names, dice),
            _ => match self.rule(name, setting) {
                Rule::Words(words) => dice.zipf(words).replace('_', " "),
                Rule::Choices(weights, choices) => choices[dice.weighted(weights)].clone(),
            },
        };
        for word in words.split(' ').filter(|word| !matches!(*word, "" | "_")) {
            let Some(inner) = word.strip_prefix('<').and_then(|word| word.strip_suffix('>')) else {
                tokens.push(word.to_owned());
                continue;
            };
            let (inner, mood) = match (inner.strip_prefix('!'), inner.split_once(':')) {
                (Some(inner), _) => (inner, -setting.mood),
                (None, Some((inner, mood))) => (inner, read_mood(mood)),
                (None, None) => (inner, setting.mood),
            };
            self.rewrite(dice, inner, Setting { mood, ..setting }, tokens);
        }
    }

    /// The rule that is nearest to the setting.
    fn rule(&self, name: &str, setting: Setting<'_>) -> &Rule {
        let exact = MOODS[(setting.mood + 2) as usize];
        let sign = MOODS[(setting.mood.signum() + 2) as usize];
        let scopes = setting.scopes.iter().map(|scope| format!("@{scope}"));
        scopes
            .chain([String::new()])
            .flat_map(|scope| [exact, sign, ""].map(|mood| format!("{name}{mood}{scope}")))
            .find_map(|key| self.rules.get(&key))
            .unwrap_or_else(|| panic!("no rule for {name} in {setting:?}"))
    }
}

fn read_mood(text: &str) -> i8 {
    let place = MOODS.iter().position(|mood| *mood == text);
    place.unwrap_or_else(|| panic!("no mood: {text}")) as i8 - 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "all: <claim> but <!claim> | 0*never\n\
                         claim: a <adj> <thing>\n\
                         adj+ = odd\n\
                         adj-: not <adj:+>\n\
                         adj-@tea = weak\n\
                         thing@tea = cup_of_tea\n\
                         thing = day\n";

    #[test]
    fn the_nearest_rule_by_scope_then_mood_is_taken() {
        let rules = Rules::read(RULES);
        let text =
            |scopes: &[&str], mood| rules.text(&mut Dice::new(1), "all", Setting { scopes, mood });
        assert_eq!(text(&["tea"], 1), "an odd cup of tea but a weak cup of tea");
        assert_eq!(text(&[], -2), "a not odd day but an odd day");
    }
}
