//! The reader: scores of the ends of answers, their loss, and the answer that is read.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};

use super::{Config, answers};
use crate::{
    data::{
        Axis, Batch, Corpus, Lexicon, Prediction, prediction::ScoredText, structure::TokenSpan,
    },
    kernel,
    metric::{Gold, Scorer, scorer::AnswerScorer},
    model::{
        Rows,
        head::{SpanHead, best_span},
    },
    objective::{Evaluation, Objective, ObjectiveSetup, RawLoss, choice},
};

/// The objective with its parameters.
pub(super) struct Reader {
    config: Config,
    head: SpanHead,
    attached: BTreeMap<usize, Attached>,
}

/// The field of the answers in a corpus, and the words of their sequence.
struct Attached {
    answers: usize,
    sequence: usize,
    words: usize,
    lexicon: Lexicon,
}

impl Attached {
    fn of(label: &str, corpus: &Corpus) -> Option<Self> {
        let answers = corpus.field(label)?;
        let Axis::Sequence(sequence) = corpus.fields[answers].axis else { return None };
        let words = corpus.field(&corpus.sequences[sequence].name)?;
        Some(Self { answers, sequence, words, lexicon: corpus.lexicons[words].clone() })
    }

    /// The text of tokens in these rows.
    fn text(&self, batch: &Batch, rows: &[usize]) -> String {
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
}

/// The scores of a batch.
struct Scored {
    /// The rows of each example, in the order of its tokens.
    rows: Vec<Vec<usize>>,
    /// The scores of each row of each example: (rows, 2).
    scores: Tensor,
    /// The answers of each example.
    answers: Vec<Vec<TokenSpan>>,
}

impl Reader {
    pub(super) fn new(config: &Config, mut setup: ObjectiveSetup<'_>) -> Result<Self> {
        let width = setup.taps[0].width;
        let head = setup.span_head().build(&mut setup.scope, width)?;
        Ok(Self { config: config.clone(), head, attached: BTreeMap::new() })
    }

    fn score(&self, tap: &Rows, batch: &Batch) -> Result<Scored> {
        let attached = self.attached.get(&batch.corpus);
        let (mut rows, mut of_examples) = (Vec::new(), Vec::new());
        for example in 0..batch.n_examples() {
            let of_example = tap.packing.rows_of_example(example);
            let values = attached.and_then(|attached| batch.values(attached.answers).get(example));
            let is_inside = |answer: &TokenSpan| answer.end as usize <= of_example.len();
            let found = answers(values.and_then(Option::as_ref));
            of_examples.push(found.into_iter().filter(is_inside).collect());
            rows.push(of_example);
        }
        let order = rows.iter().flatten().map(|&row| row as u32).collect();
        let scores = kernel::gather(&self.head.scores(&tap.tensor)?, order)?;
        Ok(Scored { rows, scores, answers: of_examples })
    }
}

/// −ln Σ P(start)·Q(end) over the answers of each example.
fn loss_of(scored: &Scored) -> Result<Option<RawLoss>> {
    let (mut starts, mut ends, mut right) = (Vec::new(), Vec::new(), Vec::new());
    let mut first = 0;
    for (rows, answers) in scored.rows.iter().zip(&scored.answers) {
        let before = starts.len() as u32;
        starts.extend(answers.iter().map(|answer| first + answer.start));
        ends.extend(answers.iter().map(|answer| first + answer.end - 1));
        right.push((before..starts.len() as u32).collect());
        first += rows.len() as u32;
    }
    if starts.is_empty() {
        return Ok(None);
    }
    let sizes: Vec<usize> = scored.rows.iter().map(Vec::len).collect();
    let log_p = |side: usize, at: Vec<u32>| {
        let scores = scored.scores.narrow(1, side, 1)?.flatten_all()?;
        let log_p = kernel::log_softmax_by_group(&scores, &sizes)?;
        kernel::gather(&log_p.unsqueeze(1)?, at)?.flatten_all()
    };
    choice::loss(&(log_p(0, starts)? + log_p(1, ends)?)?, &right)
}

impl Objective for Reader {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        if let Some(attached) = Attached::of(&self.config.label, corpus) {
            self.attached.insert(corpus_idx, attached);
        }
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        loss_of(&self.score(&taps[0], batch)?)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let scored = self.score(&taps[0], batch)?;
        let mut evaluation = Evaluation::of_loss(loss_of(&scored)?, batch.n_examples());
        let scores = kernel::to_vec(&scored.scores)?;
        let scores: Vec<[f32; 2]> = scores.chunks_exact(2).map(|ends| [ends[0], ends[1]]).collect();
        let attached = self.attached.get(&batch.corpus);
        let mut first = 0;
        for (example, (rows, answers)) in scored.rows.iter().zip(&scored.answers).enumerate() {
            let ends = &scores[first..][..rows.len()];
            first += rows.len();
            let Some((start, last)) = best_span(ends, self.config.max_length) else { continue };
            let score = ends[start][0] + ends[last][1];
            let span = TokenSpan { start: start as u32, end: last as u32 + 1, label: None };
            evaluation.predictions[example] = Prediction::Spans(vec![span]);
            let Some(attached) = attached.filter(|_| !answers.is_empty()) else { continue };
            let of = |span: &TokenSpan| {
                attached.text(batch, &rows[span.start as usize..span.end as usize])
            };
            let best = ScoredText { text: of(&span), score };
            let gold = answers.iter().map(of).collect();
            evaluation.gold[example] =
                Gold::Spans(answers.iter().map(|&answer| vec![answer]).collect());
            evaluation.scored_only.push((Gold::Texts(gold), Prediction::Texts(vec![best])));
        }
        Ok(evaluation)
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(AnswerScorer::default())
    }

    fn class_names(&self) -> Lexicon {
        Lexicon::default()
    }
}

#[cfg(test)]
mod tests;
