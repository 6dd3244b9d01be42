//! Predictions back to files: what a model adds is put in, every other byte stays as it was.

use std::{collections::HashMap, ops::Range};

use super::Example;

/// New bytes for a range of the old ones; an empty range inserts.
pub(super) type Edit = (Range<usize>, Vec<u8>);

/// The bytes with these edits, which must be in order and apart.
pub(super) fn splice(bytes: &[u8], edits: impl IntoIterator<Item = Edit>) -> Vec<u8> {
    let mut written = Vec::with_capacity(bytes.len() + bytes.len() / 4);
    let mut done = 0;
    for (range, new) in edits {
        written.extend_from_slice(&bytes[done..range.start]);
        written.extend_from_slice(&new);
        done = range.end;
    }
    written.extend_from_slice(&bytes[done..]);
    written
}

/// The prediction for each line of the file that a token stands on.
pub(super) fn by_line<'a>(
    examples: &[Example],
    predicted: &'a [Vec<String>],
) -> HashMap<u32, &'a str> {
    let pairs = examples.iter().zip(predicted);
    pairs
        .flat_map(|(example, labels)| {
            example.lines.iter().copied().zip(labels.iter().map(String::as_str))
        })
        .collect()
}

/// The prediction for each line of the file that an example stands on: its only string, or all of them
/// with `glue` between them.
pub(super) fn by_example(
    examples: &[Example],
    predicted: &[Vec<String>],
    glue: &str,
) -> HashMap<u32, String> {
    let pairs = examples.iter().zip(predicted);
    pairs
        .filter_map(|(example, labels)| Some((*example.lines.first()?, labels.join(glue))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_touch_nothing_but_their_ranges() {
        let edits = [(1..1, b"+".to_vec()), (2..3, b"XY".to_vec()), (5..5, b"!".to_vec())];
        assert_eq!(splice(b"abcde", edits), b"a+bXYde!");
        assert_eq!(splice(b"abcde", []), b"abcde");
    }
}
