//! The sentences of a document, and those that its summary has.
//!
//! Lines are joined to paragraphs, which empty lines separate, and `sentence_split` has the rules of sentences. A summary
//! has a sentence if it contains its text where a sentence may start: at its own start, after a mark that ends a sentence,
//! or where another sentence of the document ends. White space does not count: extracted sentences may be joined without
//! any.

use super::super::{
    encoding::Decoder,
    lines::lines,
    sentence_split::{Paragraph, is_closing, split},
};

/// A sentence with the line that it starts on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    pub(super) text: String,
    pub(super) line: u32,
}

/// The sentences of a file, none of them empty; a line that cannot be decoded is a fault.
pub(super) fn sentences(
    bytes: &[u8],
    decoder: &Decoder,
    abbreviations: &[&str],
    mut fault: impl FnMut(u32, String),
) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    let mut paragraph = Paragraph::default();
    for line in lines(bytes) {
        if line.is_blank() {
            end(&mut paragraph, abbreviations, &mut sentences);
            continue;
        }
        match decoder.decode(&line) {
            Ok(text) => paragraph.add(&line, text.trim()),
            Err(what) => fault(line.number, what),
        }
    }
    end(&mut paragraph, abbreviations, &mut sentences);
    sentences
}

/// Adds the sentences of a paragraph, which is emptied.
fn end(paragraph: &mut Paragraph, abbreviations: &[&str], sentences: &mut Vec<Sentence>) {
    let paragraph = std::mem::take(paragraph);
    for (start, end) in split(&paragraph.text, abbreviations) {
        let text = paragraph.text[start..end].trim();
        if !text.is_empty() {
            let start = end - paragraph.text[start..end].trim_start().len();
            sentences.push(Sentence { text: text.to_owned(), line: paragraph.line(start) });
        }
    }
}

/// Whether the summary has each sentence.
pub(super) fn extracted<'a>(sentences: impl Iterator<Item = &'a str>, summary: &str) -> Vec<bool> {
    let summary = without_space(summary);
    let sentences: Vec<String> = sentences.map(without_space).collect();
    let mut sorted: Vec<&str> = sentences.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    sorted.dedup();
    // The longest other sentence that each one starts with: in this order, it is the one before or a start of that one.
    let mut starts: Vec<Option<usize>> = Vec::with_capacity(sorted.len());
    for (at, sentence) in sorted.iter().enumerate() {
        let mut start = at.checked_sub(1);
        while let Some(other) = start.filter(|&other| !sentence.starts_with(sorted[other])) {
            start = starts[other];
        }
        starts.push(start);
    }
    let mut has = vec![false; sorted.len()];
    let mut is_end = vec![false; summary.len() + 1];
    let mut is_after_mark = true;
    for (at, char) in summary.char_indices() {
        if is_after_mark || is_end[at] {
            let rest = &summary[at..];
            // The sentences that the rest starts with are the last one before it in this order, and its starts.
            let mut next = sorted.partition_point(|sentence| *sentence <= rest).checked_sub(1);
            while let Some(sentence) = next {
                if rest.starts_with(sorted[sentence]) {
                    has[sentence] = true;
                    is_end[at + sorted[sentence].len()] = true;
                }
                next = starts[sentence];
            }
        }
        is_after_mark = is_closing(char);
    }
    let is_extracted =
        |sentence: &String| sorted.binary_search(&sentence.as_str()).is_ok_and(|at| has[at]);
    sentences.iter().map(is_extracted).collect()
}

fn without_space(text: &str) -> String {
    text.split_whitespace().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_of_a_summary_starts_where_another_one_ends() {
        for (sentences, summary, wanted) in [
            (&["No."][..], "A PIANo.", &[false][..]),
            (&["No."], "A piano. No.", &[true]),
            (&["No."], "A piano.No.", &[true]),
            (&["\"No.\"", "He left."], "He said so.\"No.\"He left.", &[true, true]),
            // A title has no mark at its end, and a part of a sentence is none.
            (&["Title", "It rains.", "rains."], "Title It\nrains.", &[true, true, false]),
            (
                &["It", "It is", "It is so.", "is so.", "Is"],
                "It is so.",
                &[true, true, true, true, false],
            ),
            (&["So.", "So.", "\u{e9}t\u{e9}."], "So.\u{e9}t\u{e9}.", &[true, true, true]),
            (&["So."], "", &[false]),
            (&[], "So.", &[]),
        ] {
            assert_eq!(extracted(sentences.iter().copied(), summary), wanted, "{summary}");
        }
    }

    #[test]
    fn sentences_that_start_with_each_other_are_all_found() {
        let sentences: Vec<String> = (1..=300).map(|n| "ab.".repeat(n)).collect();
        let summary = format!("{}c", sentences[199]);
        let found = extracted(sentences.iter().map(String::as_str), &summary);
        assert_eq!(found, (1..=300).map(|n| n <= 200).collect::<Vec<_>>());
    }
}
