//! Sound changes: what became of the ancestor's letters in a language.

/// One change: `from` became `to` between what is on its left and on its right.
#[derive(Debug)]
pub(super) struct Law {
    from: String,
    to: String,
    left: String,
    right: String,
}

impl Law {
    /// Reads `k>h` (everywhere), `k>h/V_V` (between vowels), `e>i/_#` (at the end), `h>` (lost).
    ///
    /// On either side V is a vowel, C a consonant, # the word's edge; any other letter is itself.
    pub(super) fn read(text: &str) -> Self {
        let (change, place) = text.split_once('/').unwrap_or((text, "_"));
        let (from, to) = change.split_once('>').expect("a law has > between two sounds");
        let (left, right) = place.split_once('_').expect("a place has _ for the sound");
        Self { from: from.into(), to: to.into(), left: left.into(), right: right.into() }
    }

    /// The word after the change.
    pub(super) fn apply(&self, word: &str) -> String {
        let mut out = String::new();
        let mut at = 0;
        while at < word.len() {
            let end = at + self.from.len();
            let here = word[at..].starts_with(&self.from)
                && ends_like(&word[..at], &self.left)
                && starts_like(&word[end..], &self.right);
            if here {
                out += &self.to;
                at = end;
            } else {
                out += &word[at..=at];
                at += 1;
            }
        }
        out
    }
}

fn starts_like(word: &str, pattern: &str) -> bool {
    let mut letters = word.chars();
    pattern.chars().all(|wanted| fits(letters.next(), wanted))
}

fn ends_like(word: &str, pattern: &str) -> bool {
    let mut letters = word.chars().rev();
    pattern.chars().rev().all(|wanted| fits(letters.next(), wanted))
}

fn fits(letter: Option<char>, wanted: char) -> bool {
    let is_vowel = letter.is_some_and(|letter| "aeiouy".contains(letter));
    match wanted {
        'V' => is_vowel,
        'C' => letter.is_some() && !is_vowel,
        '#' => letter.is_none(),
        _ => letter == Some(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_law_holds_only_in_its_place() {
        let after = |law: &str, word: &str| Law::read(law).apply(word);
        assert_eq!(after("p>f", "papo"), "fafo");
        assert_eq!(after("t>th/V_V", "tatent"), "tathent");
        assert_eq!(after("e>i/_#", "erere"), "ereri");
        assert_eq!(after("h>", "haho"), "ao");
        assert_eq!(after("o>uo/_C#", "kolon"), "koluon");
        assert_eq!(after("p>f/#_", "papo"), "fapo");
    }
}
