//! The texts of a batch with their answers, and the parts that answers are in.

use std::ops::Range;

use candle_core::{Result, Tensor};

use super::Config;
use crate::{
    data::{Axis, Batch, Corpus, Lexicon, segment_ranges, structure::TokenSpan},
    kernel,
};

/// The fields of a corpus: of the answers, of the words of their sequence, and of its segments.
pub(super) struct Attached {
    pub(super) answers: usize,
    sequence: usize,
    words: usize,
    segments: Option<usize>,
    lexicon: Lexicon,
}

impl Attached {
    pub(super) fn of(config: &Config, corpus: &Corpus) -> Option<Self> {
        let answers = corpus.field(&config.label)?;
        let Axis::Sequence(sequence) = corpus.fields[answers].axis else { return None };
        let words = corpus.field(&corpus.sequences[sequence].name)?;
        let segments = match &config.selected {
            Some((segment_by, _)) => Some(corpus.field(segment_by)?),
            None => None,
        };
        let lexicon = corpus.lexicons[words].clone();
        Some(Self { answers, sequence, words, segments, lexicon })
    }

    /// The text of tokens in these rows.
    pub(super) fn text(&self, batch: &Batch, rows: &[usize]) -> String {
        let symbols = batch.symbols(self.words);
        let mut text = String::new();
        for (at, &row) in rows.iter().enumerate() {
            if at > 0 && !batch.is_joined(self.sequence, row) {
                text.push(' ');
            }
            let symbol = symbols.get(row).copied().flatten();
            text.push_str(symbol.map_or("", |symbol| self.lexicon.get(symbol)));
        }
        text
    }

    /// The segments of a text in these rows.
    pub(super) fn segments(&self, batch: &Batch, rows: &[usize]) -> Option<Vec<Range<usize>>> {
        let symbols = batch.symbols(self.segments?);
        let of = |&row: &usize| symbols.get(row).copied().flatten();
        Some(segment_ranges(&rows.iter().map(of).collect::<Vec<_>>()))
    }
}

/// The text of an example of a batch.
pub(super) struct Text {
    /// The rows of its tokens.
    pub(super) rows: Vec<usize>,
    /// The parts that an answer is in: the whole text, or its segments.
    pub(super) parts: Vec<Range<usize>>,
    pub(super) answers: Vec<TokenSpan>,
}

impl Text {
    /// The answers within each part, as the place of the part and the answer.
    pub(super) fn answers_in_parts(&self) -> impl Iterator<Item = (usize, &TokenSpan)> {
        self.parts.iter().enumerate().flat_map(|(at, part)| {
            let answers = self.answers.iter().filter(|answer| answer.is_within(part));
            answers.map(move |answer| (at, answer))
        })
    }
}

/// The places of the answers of all texts, and of their parts.
#[derive(Default)]
pub(super) struct Right {
    /// The first and the last token of each answer.
    starts: Vec<u32>,
    ends: Vec<u32>,
    /// The part of each.
    pub(super) parts: Vec<u32>,
    /// The answers of each example, by their places in the lists above.
    pub(super) of_examples: Vec<Vec<u32>>,
}

impl Right {
    /// The answers within parts, each given as its example and its place in the text, that `is_read` wants.
    pub(super) fn of(texts: &[Text], is_read: impl Fn(usize, usize) -> bool) -> Self {
        let mut right = Self::default();
        let (mut n_tokens, mut n_parts) = (0, 0);
        for (example, text) in texts.iter().enumerate() {
            let first = right.parts.len() as u32;
            for (part, answer) in
                text.answers_in_parts().filter(|(part, _)| is_read(example, *part))
            {
                right.starts.push(n_tokens + answer.start);
                right.ends.push(n_tokens + answer.end - 1);
                right.parts.push(n_parts + part as u32);
            }
            right.of_examples.push((first..right.parts.len() as u32).collect());
            n_tokens += text.rows.len() as u32;
            n_parts += text.parts.len() as u32;
        }
        right
    }

    /// ln P(start)·Q(end) of each answer, given those of the tokens: (answers); `None` without answers.
    pub(super) fn log_p(&self, of_tokens: &Tensor) -> Result<Option<Tensor>> {
        if self.parts.is_empty() {
            return Ok(None);
        }
        let of_side = |side: usize, at: &[u32]| {
            let of_tokens = of_tokens.narrow(1, side, 1)?.contiguous()?;
            kernel::gather(&of_tokens, at.to_vec())?.flatten_all()
        };
        (of_side(0, &self.starts)? + of_side(1, &self.ends)?).map(Some)
    }

    /// −ln of the number of parts with an answer of the same example, for each answer.
    pub(super) fn shares(&self) -> Vec<f32> {
        let of_example = |answers: &Vec<u32>| {
            let mut parts: Vec<u32> = answers.iter().map(|&at| self.parts[at as usize]).collect();
            parts.dedup();
            vec![-(parts.len() as f32).ln(); answers.len()]
        };
        self.of_examples.iter().flat_map(of_example).collect()
    }
}
