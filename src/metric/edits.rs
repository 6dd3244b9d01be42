//! The edit rate of texts, as jiwer 4.0 computes it (github.com/jitsi/jiwer): the smallest number of substitutions,
//! deletions and insertions that make the references out of the hypotheses (Levenshtein 1966), over all texts together,
//! divided by the number of units of all references. It may be above 100 %.
//!
//! Words (`wer`): what spaces separate, once two or more white-space characters are one space and those at both ends are
//! gone; a single tab or line break between is a part of a word. Characters (`cer`): Unicode scalar values without white
//! space at both ends; spaces between count, each of them. An empty hypothesis is as many deletions as its reference has
//! units, an empty reference as many insertions as its hypothesis has. If all references are empty, there is no rate,
//! where jiwer gives the number of insertions.

/// Accumulates the edits of texts.
#[derive(Clone, Copy, Debug, Default)]
pub struct EditRate {
    n_edits: u64,
    n_units: u64,
}

impl EditRate {
    /// Adds the words of a reference and a hypothesis.
    pub fn add_words(&mut self, reference: &str, hypothesis: &str) {
        self.add([reference, hypothesis].map(words));
    }

    /// Adds the characters of a reference and a hypothesis.
    pub fn add_characters(&mut self, reference: &str, hypothesis: &str) {
        let characters = |text: &str| text.trim_matches(is_space).chars().collect();
        self.add::<char>([reference, hypothesis].map(characters));
    }

    fn add<T: PartialEq>(&mut self, [reference, hypothesis]: [Vec<T>; 2]) {
        self.n_edits += strsim::generic_levenshtein(&reference, &hypothesis) as u64;
        self.n_units += reference.len() as u64;
    }

    /// The number of edits divided by that of units of references, in percent; `None` without units.
    pub fn rate(&self) -> Option<f64> {
        (self.n_units > 0).then(|| 100.0 * self.n_edits as f64 / self.n_units as f64)
    }
}

/// White space as Python has it.
fn is_space(char: char) -> bool {
    char.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&char)
}

fn words(text: &str) -> Vec<String> {
    let mut single = String::with_capacity(text.len());
    let mut rest = text.trim_matches(is_space);
    while let Some(at) = rest.find(is_space) {
        let (before, spaces) = rest.split_at(at);
        let n_bytes = spaces.find(|char| !is_space(char)).unwrap_or(spaces.len());
        let run = &spaces[..n_bytes];
        single.push_str(before);
        single.push_str(if run.chars().nth(1).is_some() { " " } else { run });
        rest = &spaces[n_bytes..];
    }
    single.push_str(rest);
    single.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::fixture::{read, same, words as texts};

    #[test]
    fn edits_are_summed_over_all_texts() {
        let mut rate = EditRate::default();
        assert_eq!(rate.rate(), None);
        // A substitution and a deletion in three words, then an insertion into none.
        rate.add_words("a red boat", "the boat");
        rate.add_words("", "so");
        assert_eq!(rate.rate(), Some(100.0));
        let mut rate = EditRate::default();
        rate.add_characters(" né é ", "ne");
        assert_eq!(rate.rate(), Some(75.0), "a substitution and two deletions in four characters");
        let mut empty = EditRate::default();
        empty.add_words(" ", "a b");
        assert_eq!(empty.rate(), None);
    }

    #[test]
    fn a_run_of_white_space_is_one_space_and_a_single_tab_is_none() {
        assert_eq!(words("\t a  b\tc \n d\u{a0}e\u{1f} f "), ["a", "b\tc", "d\u{a0}e", "f"]);
        assert_eq!(words(" \t "), [""; 0]);
    }

    #[test]
    fn rates_equal_jiwers() {
        let fixture = read("edits.json");
        let cases = fixture["cases"].as_array().unwrap();
        assert!(cases.len() > 20);
        for case in cases {
            let (mut of_words, mut of_characters) = (EditRate::default(), EditRate::default());
            for (reference, hypothesis) in
                texts(&case["references"]).iter().zip(texts(&case["hypotheses"]))
            {
                of_words.add_words(reference, &hypothesis);
                of_characters.add_characters(reference, &hypothesis);
            }
            let name = case["name"].as_str().unwrap();
            for (ours, key) in [(of_words, "wer"), (of_characters, "cer")] {
                match ours.rate() {
                    Some(ours) => same(ours, &case[key], name),
                    None => assert!(case[key].is_null(), "{name}"),
                }
            }
        }
    }
}
