//! The selector: scores of sentences, their loss, and the sentence that is selected.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};

use super::{Config, Fields, LABELS, METRICS, Marks, containing, is_marked};
use crate::{
    data::{Batch, Corpus, FieldValues, Lexicon, Prediction, prediction::ranked, segment_ranges},
    kernel::{self, PairGroup},
    metric::{Gold, Scorer, scorer::RankingScorer},
    model::{Rows, encoder::RowProbability, head::PointerHead},
    objective::{Evaluation, Objective, ObjectiveSetup, RawLoss, choice},
};

/// The objective with its parameters.
pub(super) struct Selector {
    /// The strings of an item that does not hold the answer, and of one that does.
    names: [String; 2],
    marks: Marks,
    scorer: RowScorer,
    attached: BTreeMap<usize, Fields>,
}

/// What scores the rows of examples.
pub(super) struct RowScorer {
    head: PointerHead,
}

impl RowScorer {
    pub(super) fn new(mut setup: ObjectiveSetup<'_>) -> Result<Self> {
        let [sentences, question] = [setup.taps[0].width, setup.taps[1].width];
        let head = setup.pointer_head().build(&mut setup.scope, [question, sentences])?;
        Ok(Self { head })
    }

    /// The rows of each example, and the score of each, example after example: (rows).
    fn score(&self, taps: &[Rows]) -> Result<(Vec<PairGroup>, Tensor)> {
        let (sentences, questions) = (&taps[0], &taps[1]);
        let group = |example: usize| PairGroup {
            left: vec![example as u32],
            right: sentences
                .packing
                .rows_of_example(example)
                .iter()
                .map(|&row| row as u32)
                .collect(),
        };
        let groups: Vec<PairGroup> = (0..sentences.packing.n_examples()).map(group).collect();
        let scores = self.head.scores(&questions.tensor, &sentences.tensor, &groups)?;
        Ok((groups, scores))
    }
}

impl RowProbability for RowScorer {
    fn of(&self, taps: &[Rows]) -> Result<Tensor> {
        let (groups, scores) = self.score(taps)?;
        let sizes: Vec<usize> = groups.iter().map(PairGroup::n_pairs).collect();
        let p = kernel::log_softmax_by_group(&scores, &sizes)?.exp()?.unsqueeze(1)?; // (rows, 1)
        // The place of each row among those of all examples.
        let mut places = vec![0; p.dim(0)?];
        for (place, &row) in (0..).zip(groups.iter().flat_map(|group| &group.right)) {
            places[row as usize] = place;
        }
        kernel::gather(&p, places)
    }
}

impl Selector {
    pub(super) fn new(config: &Config, setup: ObjectiveSetup<'_>) -> Result<Self> {
        let vocabulary = setup.vocabulary(LABELS)?;
        let of = |mark: bool, instead: &'static str| {
            let mut strings = vocabulary.iter().map(|(label, _)| label);
            strings.find(|label| is_marked(label) == Some(mark)).unwrap_or(instead).to_owned()
        };
        let names = [of(false, "no"), of(true, "yes")];
        let scorer = RowScorer::new(setup)?;
        Ok(Self { names, marks: config.marks.clone(), scorer, attached: BTreeMap::new() })
    }

    /// Whether each row of an example holds the answer, if the example says so.
    fn gold(&self, batch: &Batch, example: usize, rows: &[u32]) -> Option<Vec<bool>> {
        let marks = match self.attached.get(&batch.corpus)? {
            Fields::Items(field, is_marked) => {
                let symbols = batch.symbols(*field);
                let of = |&row: &u32| is_marked[(*symbols.get(row as usize)?)? as usize];
                rows.iter().map(of).collect::<Option<Vec<bool>>>()?
            }
            Fields::Segments(answers, segments) => {
                let Some(FieldValues::Answers(answers)) = batch.values(*answers).get(example)?
                else {
                    return None;
                };
                let symbols = batch.symbols(*segments);
                let names = batch.rows_of(*segments, example).into_iter().map(|row| symbols[row]);
                containing(&segment_ranges(&names.collect::<Vec<_>>()), answers)
            }
        };
        (marks.len() == rows.len() && !rows.is_empty()).then_some(marks)
    }

    fn gold_of(&self, batch: &Batch, groups: &[PairGroup]) -> Vec<Option<Vec<bool>>> {
        let of = |(example, group): (usize, &PairGroup)| self.gold(batch, example, &group.right);
        groups.iter().enumerate().map(of).collect()
    }
}

/// The loss of the scores of each example's rows, example after example: (rows).
fn loss_of(
    scores: &Tensor,
    groups: &[PairGroup],
    gold: &[Option<Vec<bool>>],
) -> Result<Option<RawLoss>> {
    let mut right = Vec::new();
    let mut first = 0;
    for (group, gold) in groups.iter().zip(gold) {
        let marked = gold.iter().flatten().zip(first..).filter(|(is_marked, _)| **is_marked);
        right.push(marked.map(|(_, at)| at).collect());
        first += group.right.len() as u32;
    }
    let sizes: Vec<usize> = groups.iter().map(PairGroup::n_pairs).collect();
    let log_p = kernel::log_softmax_by_group(scores, &sizes)?;
    choice::loss(&log_p, &right)
}

impl Objective for Selector {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        if let Some(fields) = self.marks.find(corpus) {
            self.attached.insert(corpus_idx, fields);
        }
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let (groups, scores) = self.scorer.score(taps)?;
        loss_of(&scores, &groups, &self.gold_of(batch, &groups))
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let (groups, scores) = self.scorer.score(taps)?;
        let gold = self.gold_of(batch, &groups);
        let loss = loss_of(&scores, &groups, &gold)?;
        let scores = kernel::to_vec(&scores)?;
        let mut evaluation = Evaluation::of_loss(loss, batch.n_examples());
        let mut first = 0;
        for (example, (group, gold)) in groups.iter().zip(gold).enumerate() {
            let scores = scores[first..][..group.right.len()].to_vec();
            first += scores.len();
            let best = ranked(&scores).first().copied();
            if let (Marks::Items(_), Some(best)) = (&self.marks, best) {
                let classes = (0..scores.len()).map(|at| u32::from(at == best));
                evaluation.predictions[example] = Prediction::Classes(classes.collect());
            } else if best.is_some() {
                evaluation.predictions[example] = Prediction::Ranking(scores.clone());
            }
            if let Some(gold) = gold {
                let relevance = gold.iter().map(|&is_marked| f32::from(u8::from(is_marked)));
                let pair = (Gold::Relevance(relevance.collect()), Prediction::Ranking(scores));
                evaluation.scored_only.push(pair);
            }
        }
        Ok(evaluation)
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(RankingScorer::of(METRICS))
    }

    fn class_names(&self) -> Lexicon {
        self.names.iter().map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests;
