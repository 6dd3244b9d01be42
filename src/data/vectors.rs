//! Word vectors from text files: GloVe's (`WORD NUMBER …`) and word2vec's, which begin with a line
//! `COUNT DIMENSION`.

use std::{collections::BTreeMap, sync::Arc};

use super::read::{ReadError, Source};

/// The vectors of the given words; the first one where a word has several. A word may contain
/// spaces: the last `width` columns are its vector, everything before them is the word.
pub fn read_vectors(
    source: &Source,
    width: usize,
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<f32>>, ReadError> {
    let fault = |line: usize, what| ReadError {
        file: source.name.clone() as Arc<str>,
        line: line as u32,
        what,
    };
    let mut vectors = BTreeMap::new();
    let mut promised = None;
    let mut n_vectors = 0;
    let mut n_lines = 0;
    for (piece, number) in source.bytes.split_inclusive(|&byte| byte == b'\n').zip(1..) {
        n_lines = number;
        let text = std::str::from_utf8(piece)
            .map_err(|_| fault(number, "not UTF-8; save the vectors as UTF-8".into()))?;
        // word2vec ends each line with a space.
        let text = text.trim_end_matches([' ', '\t', '\r', '\n']);
        if text.is_empty() {
            continue;
        }
        if number == 1
            && let Some((count, found)) = header(text)
            && width != 1
        {
            if found != width {
                return Err(fault(
                    number,
                    format!("vectors of dimension {found}, expected {width}"),
                ));
            }
            promised = Some(count);
            continue;
        }
        n_vectors += 1;
        let line = split(text, width).map_err(|what| fault(number, what))?;
        if wanted(line.word) && !vectors.contains_key(line.word) {
            let vector = line.vector().map_err(|what| fault(number, what))?;
            vectors.insert(line.word.to_owned(), vector);
        }
    }
    match promised {
        Some(count) if n_vectors < count => {
            Err(fault(n_lines, format!("the file ends after {n_vectors} vectors of {count}")))
        }
        _ => Ok(vectors),
    }
}

/// Count and dimension, if the line has them.
fn header(text: &str) -> Option<(usize, usize)> {
    let (count, width) = text.split_once(' ')?;
    Some((count.parse().ok()?, width.parse().ok()?))
}

struct Line<'a> {
    word: &'a str,
    numbers: &'a str,
    width: usize,
}

/// Separates the word from its vector.
fn split(text: &str, width: usize) -> Result<Line<'_>, String> {
    let n_values = text.bytes().filter(|&byte| is_separator(byte.into())).count();
    if n_values < width {
        return Err(format!("{n_values} values after the word, expected {width}"));
    }
    // Vectors of a larger dimension must not be taken for words with spaces that end in numbers.
    if n_values > width && text.split(is_separator).skip(1).all(|cell| cell.parse::<f32>().is_ok())
    {
        return Err(format!("{n_values} values after the word, expected {width}"));
    }
    let (at, _) = text
        .rmatch_indices(is_separator)
        .nth(width - 1)
        .expect("there are at least as many separators as numbers");
    Ok(Line { word: &text[..at], numbers: &text[at + 1..], width })
}

impl Line<'_> {
    fn vector(&self) -> Result<Vec<f32>, String> {
        let mut vector = Vec::with_capacity(self.width);
        for cell in self.numbers.split(is_separator) {
            match cell.parse::<f32>() {
                Ok(number) if number.is_finite() => vector.push(number),
                _ => return Err(format!("{cell:?}, expected a finite number")),
            }
        }
        Ok(vector)
    }
}

fn is_separator(char: char) -> bool {
    matches!(char, ' ' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BTreeMap<String, Vec<f32>>, String> {
        let source = Source { name: "v.txt".into(), bytes: text.as_bytes().into() };
        read_vectors(&source, 2, |word| word != "unwanted").map_err(|error| error.to_string())
    }

    #[test]
    fn glove_and_word2vec_text_are_read() {
        let glove = read("the 0.1 -2e-1\n. . 1 2\r\nunwanted x 1\n\u{a0} 3 4").unwrap();
        assert_eq!(glove["the"], [0.1, -0.2]);
        assert_eq!(glove[". ."], [1.0, 2.0]);
        assert_eq!(glove["\u{a0}"], [3.0, 4.0]);
        assert_eq!(glove.len(), 3);
        let word2vec = read("2 2\n</s> 0 1 \nthe 1 0 \n").unwrap();
        assert_eq!(word2vec["the"], [1.0, 0.0]);
    }

    #[test]
    fn the_first_vector_of_a_word_is_used() {
        assert_eq!(read("a 1 2\na 3 4\n").unwrap()["a"], [1.0, 2.0]);
    }

    #[test]
    fn faults_name_their_line() {
        for (text, fault) in [
            ("a 1 2\nb 1\n", "v.txt:2: 1 values after the word, expected 2"),
            ("a 1 2 3\n", "v.txt:1: 3 values after the word, expected 2"),
            ("a 1 x\n", "v.txt:1: \"x\", expected a finite number"),
            ("a 1 nan\n", "v.txt:1: \"nan\", expected a finite number"),
            ("5 3\na 1 2 3\n", "v.txt:1: vectors of dimension 3, expected 2"),
            ("3 2\na 1 2\n", "v.txt:2: the file ends after 1 vectors of 3"),
        ] {
            assert_eq!(read(text), Err(fault.into()));
        }
    }
}
