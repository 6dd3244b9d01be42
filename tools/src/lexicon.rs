//! The word lists, and how English words bend: plurals, third persons, pasts, participles.

use std::collections::BTreeMap;

use crate::dice::Dice;
use crate::sentence::capital;

/// Letters that no invented word may hold, whatever its ending makes of them.
const RUDE: [&str; 20] = [
    "anal", "shi", "dic", "tit", "tret", "dik", "fuc", "cun", "nig", "fag", "coo", "rap", "slu",
    "naz", "twa", "coc", "wan", "pis", "ars", "who",
];

/// Word lists by what they are and the topic they belong to; the topic `any` goes with all.
pub(crate) struct Lexicon {
    lists: BTreeMap<(String, String), Vec<String>>,
    /// Invented stems, the frequent ones first: the long tail is made of them.
    pub(crate) stems: Vec<String>,
}

/// A noun.
#[derive(Clone, Debug)]
pub(crate) struct Noun {
    pub(crate) one: String,
    pub(crate) many: String,
    /// Whether it takes no article and no plural.
    pub(crate) mass: bool,
}

/// A verb.
#[derive(Clone, Debug)]
pub(crate) struct Verb {
    pub(crate) base: String,
    pub(crate) third: String,
    pub(crate) past: String,
    pub(crate) participle: String,
    pub(crate) gerund: String,
    /// A particle or preposition that belongs to it.
    pub(crate) partner: String,
}

impl Lexicon {
    /// Reads lists of lines `KIND TOPIC: words`, or `KIND: words` for the topic `any`.
    pub(crate) fn read(texts: &[&str], names: &str) -> Self {
        let mut lists: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for line in texts.iter().flat_map(|text| text.lines()).chain(names.lines()) {
            let Some((key, words)) = line.split_once(": ").filter(|_| !line.starts_with('#'))
            else {
                continue;
            };
            let (kind, topic) = key.split_once(' ').unwrap_or((key, "any"));
            let list = lists.entry((kind.to_owned(), topic.to_owned())).or_default();
            for word in words.split(' ').filter(|word| !word.is_empty()) {
                if !list.iter().any(|known| known == word) {
                    list.push(word.to_owned());
                }
            }
        }
        Self { lists, stems: Vec::new() }
    }

    /// The list of a kind and topic; empty if there is none.
    pub(crate) fn list(&self, kind: &str, topic: &str) -> &[String] {
        self.lists.get(&(kind.to_owned(), topic.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// A word of the topic, or of none, by Zipf's law.
    pub(crate) fn word(&self, dice: &mut Dice, kind: &str, topic: &str) -> &str {
        let (own, any) = (self.list(kind, topic), self.list(kind, "any"));
        let list = if any.is_empty() || (!own.is_empty() && dice.chance(68)) { own } else { any };
        dice.zipf::<String>(list)
    }

    /// A word of the topic, or of none, that is also in a list of the other kinds: "plan", "charge".
    pub(crate) fn homograph(&self, dice: &mut Dice, kind: &str, topic: &str) -> &str {
        let stem = |entry: &str| entry.split(['/', '~', '!']).next().unwrap_or_default().to_owned();
        let others = if kind == "act" { ["thing", "place"] } else { ["act", "move"] };
        let all = |kind| [topic, "any"].into_iter().flat_map(move |topic| self.list(kind, topic));
        let others: Vec<String> =
            others.into_iter().flat_map(all).map(|entry| stem(entry)).collect();
        let both: Vec<&String> = all(kind).filter(|entry| others.contains(&stem(entry))).collect();
        dice.zipf::<&String>(&both).as_str()
    }

    /// A word of exactly that list, by Zipf's law.
    pub(crate) fn exact(&self, dice: &mut Dice, kind: &str, topic: &str) -> &str {
        dice.zipf::<String>(self.list(kind, topic))
    }

    /// One of a list of names, all equally likely.
    pub(crate) fn name(&self, dice: &mut Dice, kind: &str) -> &str {
        let list = self.list(kind, "any");
        &list[dice.below(list.len())]
    }

    /// An invented word of so many syllables, with no ending.
    pub(crate) fn syllables(&self, dice: &mut Dice, n: usize) -> String {
        loop {
            let word = self.any_syllables(dice, n);
            if !is_rude(&word) {
                return word;
            }
        }
    }

    fn any_syllables(&self, dice: &mut Dice, n: usize) -> String {
        let mut word = String::new();
        for syllable in 0..n {
            word += self.name(dice, if syllable == 0 { "onset" } else { "inner" });
            word += self.name(dice, "vowel");
        }
        word + self.name(dice, "coda")
    }

    /// An invented proper name with an ending of that list.
    pub(crate) fn invented(&self, dice: &mut Dice, tail: &str) -> String {
        let n = 1 + usize::from(dice.chance(30));
        let stem = self.syllables(dice, n);
        // Bare stems keep a name from saying what it names.
        let ending = if dice.chance(35) { "" } else { self.name(dice, tail) };
        capital(&(stem + ending))
    }
}

impl Noun {
    /// Reads `word`, `word~` (no plural) or `man/men`.
    pub(crate) fn read(entry: &str) -> Self {
        let mass = entry.ends_with('~');
        let entry = entry.trim_end_matches('~');
        match entry.split_once('/') {
            Some((one, many)) => Self { one: one.into(), many: many.into(), mass },
            None => Self { one: entry.into(), many: with_s(entry), mass },
        }
    }
}

impl Verb {
    /// Reads `open`, `plan!` (doubles), `rise/rose/risen`, `set+up/set/set` (with a partner).
    pub(crate) fn read(entry: &str) -> Self {
        let mut parts = entry.split('/');
        let head = parts.next().unwrap_or_default();
        let doubles = head.ends_with('!');
        let (base, partner) = head.split_once('+').unwrap_or((head, ""));
        let base = base.trim_end_matches('!');
        // The particle verbs write the mark of doubling after the particle.
        let partner = partner.trim_end_matches('!');
        let stem = if doubles
            || [
                "run", "cut", "set", "get", "put", "begin", "win", "sit", "hit", "split", "upset",
                "forget", "swim", "dig", "rob", "shut", "quit",
            ]
            .contains(&base)
        {
            format!("{base}{}", &base[base.len() - 1..])
        } else {
            base.to_owned()
        };
        let past = parts.next().map_or_else(|| with_ed(&stem), str::to_owned);
        let participle = parts.next().map_or_else(|| past.clone(), str::to_owned);
        Self {
            base: base.into(),
            third: if base == "have" { "has".into() } else { with_s(base) },
            past,
            participle,
            gerund: with_ing(&stem),
            partner: partner.into(),
        }
    }
}

/// Whether an invented word holds letters that it must not.
pub(crate) fn is_rude(word: &str) -> bool {
    RUDE.iter().any(|rude| word.contains(rude))
}

fn is_vowel(letter: Option<char>) -> bool {
    letter.is_some_and(|letter| "aeiou".contains(letter))
}

/// The word with the ending -s.
pub(crate) fn with_s(word: &str) -> String {
    if let Some(stem) = word.strip_suffix('y').filter(|stem| !is_vowel(stem.chars().last())) {
        return format!("{stem}ies");
    }
    let hisses = ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end));
    if hisses || word == "go" || word == "do" { format!("{word}es") } else { format!("{word}s") }
}

/// The word with the ending -ed.
pub(crate) fn with_ed(word: &str) -> String {
    if word.ends_with('e') {
        return format!("{word}d");
    }
    match word.strip_suffix('y').filter(|stem| !is_vowel(stem.chars().last())) {
        Some(stem) => format!("{stem}ied"),
        None => format!("{word}ed"),
    }
}

/// The word with the ending -ing.
pub(crate) fn with_ing(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ie") {
        return format!("{stem}ying");
    }
    match word.strip_suffix('e').filter(|_| !word.ends_with("ee") && word != "be") {
        Some(stem) => format!("{stem}ing"),
        None => format!("{word}ing"),
    }
}

/// The adverb of an adjective.
pub(crate) fn with_ly(word: &str) -> String {
    if let Some(stem) = word.strip_suffix('y') {
        return format!("{stem}ily");
    }
    if let Some(stem) = word.strip_suffix("le") {
        return format!("{stem}ly");
    }
    if word.ends_with("ic") { format!("{word}ally") } else { format!("{word}ly") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_bend_as_in_english() {
        let forms = |entry| {
            let verb = Verb::read(entry);
            [verb.third, verb.past, verb.participle, verb.gerund].join(" ")
        };
        assert_eq!(forms("plan!"), "plans planned planned planning");
        assert_eq!(forms("carry+out"), "carries carried carried carrying");
        assert_eq!(forms("rise/rose/risen"), "rises rose risen rising");
        assert_eq!(forms("die+down"), "dies died died dying");
        assert_eq!(forms("push"), "pushes pushed pushed pushing");
        assert_eq!(forms("have/had/had"), "has had had having");
        assert_eq!(forms("agree+to"), "agrees agreed agreed agreeing");
    }

    #[test]
    fn nouns_have_their_plural() {
        assert_eq!(Noun::read("man/men").many, "men");
        assert_eq!(Noun::read("berry").many, "berries");
        assert!(Noun::read("rain~").mass);
    }
}
