//! The tokenization of texts before BLEU, as sacreBLEU 2.6.0 does it.

/// How a text is divided into tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokenization {
    /// At white space: the text is tokenized.
    None,
    /// That of mteval-v13a, for European languages.
    V13a,
}

impl Tokenization {
    /// By its name in recipes; "none" for any other.
    pub fn find(name: &str) -> Self {
        if name == "13a" { Self::V13a } else { Self::None }
    }

    /// The tokens of a text.
    pub fn tokens(self, text: &str) -> Vec<String> {
        let text = match self {
            Self::None => text.to_owned(),
            Self::V13a => v13a(text),
        };
        text.split(is_space).filter(|token| !token.is_empty()).map(str::to_owned).collect()
    }

    /// The signatures of BLEU and chrF with one reference, as sacreBLEU prints them.
    pub fn signatures(self) -> [String; 2] {
        let name = match self {
            Self::None => "none",
            Self::V13a => "13a",
        };
        [
            format!("BLEU|nrefs:1|case:mixed|eff:no|tok:{name}|smooth:exp|version:2.6.0"),
            "chrF2|nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0".to_owned(),
        ]
    }
}

/// What Python's `str.split` takes for white space.
pub(super) fn is_space(char: char) -> bool {
    char.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&char)
}

fn v13a(text: &str) -> String {
    let mut text = text.trim_end_matches(is_space).replace("<skipped>", "");
    text = text.replace("-\n", "").replace('\n', " ");
    for (entity, char) in [("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")] {
        text = text.replace(entity, char);
    }
    let is_symbol =
        |char: char| char.is_ascii_punctuation() && !['\'', ',', '-', '.'].contains(&char);
    let mut spaced = vec![' '];
    for char in text.chars() {
        if is_symbol(char) {
            spaced.extend([' ', char, ' ']);
        } else {
            spaced.push(char);
        }
    }
    spaced.push(' ');
    let is_point = |char: char| char == '.' || char == ',';
    // A point after what is no digit, a point before what is no digit, and a dash after a digit.
    let rules: [(Rule, [bool; 3]); 3] = [
        (&|a, b| !a.is_ascii_digit() && is_point(b), [false, true, true]),
        (&|a, b| is_point(a) && !b.is_ascii_digit(), [true, true, false]),
        (&|a, b| a.is_ascii_digit() && b == '-', [false, true, true]),
    ];
    for (matches, spaces) in rules {
        spaced = replace_pairs(&spaced, matches, spaces);
    }
    spaced.into_iter().collect()
}

type Rule<'a> = &'a dyn Fn(char, char) -> bool;

/// Puts spaces before, between and after two characters that match, from left to right and without overlap.
fn replace_pairs(text: &[char], matches: Rule<'_>, spaces: [bool; 3]) -> Vec<char> {
    let mut replaced = Vec::with_capacity(text.len() + 8);
    let mut rest = text;
    while let [first, others @ ..] = rest {
        match others {
            [second, after @ ..] if matches(*first, *second) => {
                let [before, between, behind] = spaces.map(|space| space.then_some(' '));
                replaced.extend(before);
                replaced.push(*first);
                replaced.extend(between);
                replaced.push(*second);
                replaced.extend(behind);
                rest = after;
            }
            _ => {
                replaced.push(*first);
                rest = others;
            }
        }
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_is_divided_except_within_numbers() {
        let tokens = |text: &str| Tokenization::V13a.tokens(text).join(" ");
        assert_eq!(tokens("It's 3.5, or 1,000-2; (no)."), "It's 3.5 , or 1,000 - 2 ; ( no ) .");
        assert_eq!(tokens("a &quot;b&quot; well-known ..."), "a \" b \" well-known . . .");
        assert_eq!(Tokenization::None.tokens(" a,  b.\u{a0}c "), ["a,", "b.", "c"]);
    }
}
