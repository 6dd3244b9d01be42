//! The two file formats: tab-separated columns and `CoNLL-U`.

use std::fmt::Write as _;

use crate::sentence::{Gap, Sentence, Span};

/// Form, part of speech, chunk and entity of every token; an empty line ends a sentence.
pub(crate) fn columns(out: &mut String, sentence: &Sentence) {
    let chunks = tags(sentence.len(), &sentence.chunks);
    let entities = tags(sentence.len(), &sentence.entities);
    for ((word, chunk), entity) in sentence.words.iter().zip(chunks).zip(entities) {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}\t{}\t{chunk}\t{entity}", word.form, word.pos);
    }
    out.push('\n');
}

/// The ten columns of `CoNLL-U`, with ranges for multiword tokens.
pub(crate) fn conllu(out: &mut String, sentence: &Sentence, id: &str) {
    let _ = writeln!(out, "# sent_id = {id}\n# text = {}", text(sentence));
    let n = sentence.len();
    let joined = |place: usize| place < n && sentence.words[place].gap == Gap::Joined;
    let glued = |place: usize| place < n && sentence.words[place].gap == Gap::None;
    let misc = |glued: bool| if glued { "SpaceAfter=No" } else { "_" };
    for (place, word) in sentence.words.iter().enumerate() {
        if joined(place + 1) && !joined(place) {
            let next = &sentence.words[place + 1];
            let (first, form) = (place + 1, format!("{}{}", word.form, next.form));
            let misc = misc(glued(place + 2));
            let _ = writeln!(out, "{first}-{}\t{form}\t_\t_\t_\t_\t_\t_\t_\t{misc}", first + 1);
        }
        let head = if word.head == place { 0 } else { word.head + 1 };
        let within = joined(place) || joined(place + 1);
        let _ = writeln!(
            out,
            "{}\t{}\t{}\t{}\t_\t{}\t{head}\t{}\t_\t{}",
            place + 1,
            word.form,
            word.lemma,
            word.pos,
            word.feats,
            word.relation,
            misc(!within && glued(place + 1)),
        );
    }
    out.push('\n');
}

/// The sentence as plain text.
pub(crate) fn text(sentence: &Sentence) -> String {
    let mut text = String::new();
    for word in &sentence.words {
        if !text.is_empty() && word.gap == Gap::Space {
            text.push(' ');
        }
        text += &word.form;
    }
    text
}

/// Spans as IOB2 tags.
pub(crate) fn tags(n: usize, spans: &[Span]) -> Vec<String> {
    let mut tags = vec!["O".to_owned(); n];
    for span in spans {
        for (place, tag) in tags[span.start..span.end].iter_mut().enumerate() {
            let prefix = if place == 0 { 'B' } else { 'I' };
            *tag = format!("{prefix}-{}", span.kind);
        }
    }
    tags
}
