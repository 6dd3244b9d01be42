//! The reader: scores of the ends of answers, their loss, and the answer that is read.

mod hard;

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, bail};

use super::{
    Config, Reading, answers,
    policy::Policy,
    texts::{Attached, Right, Text},
};
use crate::{
    data::{
        Batch, Corpus, Prediction,
        prediction::{ScoredText, ranked},
        structure::TokenSpan,
    },
    kernel,
    metric::{Gold, Scorer, scorer::AnswerScorer},
    model::{
        Rows,
        head::{SpanHead, best_span},
    },
    objective::{Evaluation, Objective, ObjectiveSetup, RawLoss, choice, owner},
};

/// What is added to a probability of which the logarithm is taken.
const PROBABILITY_EPSILON: f64 = 1e-30;

/// The objective with its parameters.
pub(super) struct Reader {
    config: Config,
    head: SpanHead,
    policy: Policy,
    attached: BTreeMap<usize, Attached>,
}

/// The scores of a batch.
struct Scored {
    texts: Vec<Text>,
    /// ln P(start) and ln Q(end) of each token within its part, text after text: (tokens, 2).
    log_p: Tensor,
    /// ln P of each part, text after text: (parts); `None` if there is no selection.
    selection: Option<Tensor>,
}

impl Reader {
    pub(super) fn new(config: &Config, mut setup: ObjectiveSetup<'_>) -> Result<Self> {
        let width = setup.taps[0].width;
        let head = setup.span_head().build(&mut setup.scope, width)?;
        let policy = Policy::new(setup.scope.seed(), owner(setup.name));
        Ok(Self { config: config.clone(), head, policy, attached: BTreeMap::new() })
    }

    fn text(&self, tap: &Rows, batch: &Batch, example: usize) -> Text {
        let attached = self.attached.get(&batch.corpus);
        let rows = tap.packing.rows_of_example(example);
        let parts = attached.and_then(|attached| attached.segments(batch, &rows));
        let values = attached.and_then(|attached| batch.values(attached.answers).get(example));
        let mut answers = answers(values.and_then(Option::as_ref));
        answers.retain(|answer| answer.end as usize <= rows.len());
        let parts = parts.unwrap_or_else(|| std::iter::once(0..rows.len()).collect());
        Text { rows, parts, answers }
    }

    fn score(&self, taps: &[Rows], batch: &Batch) -> Result<Scored> {
        let texts: Vec<Text> =
            (0..batch.n_examples()).map(|example| self.text(&taps[0], batch, example)).collect();
        let order = texts.iter().flat_map(|text| &text.rows).map(|&row| row as u32).collect();
        let scores = kernel::gather(&self.head.scores(&taps[0].tensor)?, order)?;
        let sizes: Vec<usize> =
            texts.iter().flat_map(|text| &text.parts).map(ExactSizeIterator::len).collect();
        let of_side = |side: usize| {
            let scores = scores.narrow(1, side, 1)?.flatten_all()?;
            kernel::log_softmax_by_group(&scores, &sizes)
        };
        let log_p = Tensor::stack(&[of_side(0)?, of_side(1)?], 1)?;
        let selection = match &self.config.selected {
            Some(_) => Some(log_selection(&taps[1], &texts)?),
            None => None,
        };
        Ok(Scored { texts, log_p, selection })
    }

    /// The loss that the module documentation defines, and the rewards of a hard reading.
    fn loss_of(&self, scored: &Scored, batch: &Batch) -> Result<(Option<RawLoss>, Vec<f32>)> {
        let (reading, selection) = (self.config.reading(), scored.selection.as_ref());
        if let (Some(Reading::Hard(reward)), Some(selection)) = (reading, selection) {
            let drawn = self.draw(&scored.texts, &kernel::to_vec(selection)?, batch);
            let found = self.hard(scored, selection, (&drawn, reward), batch)?;
            return Ok(found.map_or((None, Vec::new()), |(loss, rewards)| (Some(loss), rewards)));
        }
        let right = Right::of(&scored.texts, |_, _| true);
        let Some(log_p) = right.log_p(&scored.log_p)? else { return Ok((None, Vec::new())) };
        let log_p = match (reading, selection) {
            (Some(Reading::Soft), Some(selection)) => {
                let of_parts = kernel::gather(&selection.unsqueeze(1)?, right.parts.clone())?;
                (log_p + of_parts.flatten_all()?)?
            }
            (Some(Reading::Pipeline), _) => {
                (log_p + Tensor::new(right.shares(), scored.log_p.device())?)?
            }
            _ => log_p,
        };
        Ok((choice::loss(&log_p, &right.of_examples)?, Vec::new()))
    }

    /// The best span of a text and the logarithm of its probability, given those of its tokens and parts.
    fn best(
        &self,
        text: &Text,
        ends: &[[f32; 2]],
        selection: Option<&[f32]>,
    ) -> Option<(TokenSpan, f32)> {
        let mut best: Option<(TokenSpan, f32)> = None;
        // The only part that is read.
        let likeliest = match self.config.reading() {
            Some(Reading::Pipeline | Reading::Hard(_)) => {
                selection.and_then(|selection| ranked(selection).first().copied())
            }
            Some(Reading::Soft) | None => None,
        };
        for (at, part) in text.parts.iter().enumerate() {
            if likeliest.is_some_and(|likeliest| likeliest != at) {
                continue;
            }
            let ends = &ends[part.clone()];
            let Some((first, last)) = best_span(ends, self.config.max_length) else { continue };
            let of_part = selection.map_or(0.0, |selection| selection[at]);
            let score = of_part + ends[first][0] + ends[last][1];
            if best.is_none_or(|(_, found)| score > found) {
                let [start, end] = [part.start + first, part.start + last + 1].map(|at| at as u32);
                best = Some((TokenSpan { start, end, label: None }, score));
            }
        }
        best
    }
}

/// The two values of each row of x (rows, 2).
fn pairs(x: &Tensor) -> Result<Vec<[f32; 2]>> {
    Ok(kernel::to_vec(x)?.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect())
}

/// ln P of each part, from the rows of the selection: (parts).
fn log_selection(rows: &Rows, texts: &[Text]) -> Result<Tensor> {
    let mut order = Vec::new();
    for (example, text) in texts.iter().enumerate() {
        let of_example = rows.packing.rows_of_example(example);
        if of_example.len() != text.parts.len() {
            let (found, wanted) = (of_example.len(), text.parts.len());
            bail!("expected a probability for each of {wanted} segments, found {found}");
        }
        order.extend(of_example.into_iter().map(|row| row as u32));
    }
    kernel::gather(&rows.tensor, order)?.flatten_all()?.affine(1.0, PROBABILITY_EPSILON)?.log()
}

impl Objective for Reader {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        if let Some(attached) = Attached::of(&self.config, corpus) {
            self.attached.insert(corpus_idx, attached);
        }
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let (loss, rewards) = self.loss_of(&self.score(taps, batch)?, batch)?;
        self.policy.record_rewards(&rewards);
        Ok(loss)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let scored = self.score(taps, batch)?;
        let (loss, _) = self.loss_of(&scored, batch)?;
        let mut evaluation = Evaluation::of_loss(loss, batch.n_examples());
        let log_p = pairs(&scored.log_p)?;
        let selection = scored.selection.as_ref().map(kernel::to_vec).transpose()?;
        let attached = self.attached.get(&batch.corpus);
        let (mut n_tokens, mut n_parts) = (0, 0);
        for (example, text) in scored.texts.iter().enumerate() {
            let ends = &log_p[n_tokens..][..text.rows.len()];
            let selection = selection.as_ref().map(|all| &all[n_parts..][..text.parts.len()]);
            n_tokens += text.rows.len();
            n_parts += text.parts.len();
            let Some((span, score)) = self.best(text, ends, selection) else { continue };
            evaluation.predictions[example] = Prediction::Spans(vec![span]);
            let Some(attached) = attached.filter(|_| !text.answers.is_empty()) else { continue };
            let of = |span: &TokenSpan| {
                attached.text(batch, &text.rows[span.start as usize..span.end as usize])
            };
            let best = ScoredText { text: of(&span), score };
            let gold = text.answers.iter().map(of).collect();
            evaluation.gold[example] =
                Gold::Spans(text.answers.iter().map(|&answer| vec![answer]).collect());
            evaluation.scored_only.push((Gold::Texts(gold), Prediction::Texts(vec![best])));
        }
        Ok(evaluation)
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(AnswerScorer::default())
    }

    fn after_update(&mut self) {
        self.policy.update();
    }

    fn hold_update(&mut self, is_held: bool) {
        self.policy.hold(is_held);
    }

    fn discard_update(&mut self) {
        self.policy.discard_rewards();
    }

    fn memory(&self) -> BTreeMap<String, Tensor> {
        self.policy.memory()
    }

    fn restore(&mut self, memory: BTreeMap<String, Tensor>) -> Result<()> {
        self.policy.restore(memory)
    }
}

#[cfg(test)]
mod tests;
