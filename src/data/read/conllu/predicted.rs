//! Predictions that no column of CoNLL-U holds. A value of a sentence is a comment before its first
//! word, `# predicted = news`; a value of each word is an attribute in the last column,
//! `predicted_form=3`, where `|` is written `\p`. A prediction about the form is such an attribute too:
//! in the column it would replace the text.

use std::collections::HashMap;

use super::{FIELDS, NOTHING, cell, is_word};
use crate::data::{
    Example, Prediction,
    read::{
        encoding::Encoding,
        lines::{Line, lines},
    },
    write::Edit,
};

/// Whether there is one value for each sentence, and not for each word.
pub(super) fn is_of_sentences(examples: &[Example], predictions: &[Prediction]) -> bool {
    examples.iter().zip(predictions).any(|(example, prediction)| match prediction {
        Prediction::Classes(classes) => classes.len() == 1 && example.len() > 1,
        Prediction::Numbers(numbers) => numbers.len() == 1 && example.len() > 1,
        _ => false,
    })
}

/// The values of a field under a name of their own.
pub(super) struct Named<'a> {
    name: String,
    encoding: Encoding,
    /// By line: of each word, or of the first word of each sentence.
    values: &'a HashMap<u32, String>,
}

impl<'a> Named<'a> {
    /// The values of a field; its name is empty if the corpus has no such field.
    pub(super) fn new(field: &str, encoding: Encoding, values: &'a HashMap<u32, String>) -> Self {
        let name =
            if field.is_empty() { "predicted".to_owned() } else { format!("predicted_{field}") };
        Self { name, encoding, values }
    }

    /// The value of a line, on one line; that of a faulty sentence is `_`.
    fn value(&self, line: &Line<'_>) -> String {
        let value = self.values.get(&line.number).map_or(NOTHING, String::as_str);
        value.replace(char::is_control, " ")
    }

    /// A comment before the first word of each sentence.
    pub(super) fn comments(&self, bytes: &[u8]) -> Vec<Edit> {
        let mut edits = Vec::new();
        // The start of the sentence after its comments, and whether its comment is written.
        let (mut start, mut is_written) = (None, false);
        for line in lines(bytes) {
            if line.is_blank() {
                (start, is_written) = (None, false);
            } else if !is_written && !line.bytes.starts_with(b"#") {
                // A range may stand before the first word.
                let start = *start.get_or_insert(line.start);
                is_written = is_word(&line);
                if is_written {
                    let end = if bytes[line.end()..].starts_with(b"\r") { "\r\n" } else { "\n" };
                    let comment = format!("# {} = {}{end}", self.name, self.value(&line));
                    edits.push((start..start, self.encoding.encode(&comment)));
                }
            }
        }
        edits
    }

    /// An attribute in the last column of each word.
    pub(super) fn attributes(&self, bytes: &[u8]) -> Vec<Edit> {
        let attribute = |line: Line<'_>| {
            let place = cell(&line, FIELDS.len() - 1)?;
            let value = self.value(&line).replace('|', "\\p");
            let attribute = self.encoding.encode(&format!("{}={value}", self.name));
            let old = &bytes[place.clone()];
            let new = if old == NOTHING.as_bytes() {
                attribute
            } else {
                [old, b"|", &attribute].concat()
            };
            Some((place, new))
        };
        lines(bytes).filter(is_word).filter_map(attribute).collect()
    }
}
