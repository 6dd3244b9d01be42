//! The transcriber: the loss of transcripts, and those that it predicts.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};

use super::{
    Config,
    transcript::{TranscriptField, Units},
};
use crate::{
    data::{Batch, Corpus, Lexicon, Packing, Prediction, Vocabulary, prediction::ScoredText},
    kernel::{self, LabelledFrames, frames_needed},
    metric::{Gold, Scorer, scorer::TranscriptScorer},
    model::{
        Rows,
        head::{CtcHead, Labelling},
    },
    objective::{Evaluation, Objective, ObjectiveSetup, RawLoss, labels::LABELS},
};

/// The objective with its parameters.
pub(super) struct Transcriber {
    label: String,
    units: Units,
    /// The units of train by class; the blank is the class after them.
    vocabulary: Vocabulary,
    head: CtcHead,
    attached: BTreeMap<usize, Attached>,
}

/// The transcripts of a corpus.
struct Attached {
    field: TranscriptField,
    lexicon: Lexicon,
}

/// The examples of a batch that have a loss.
#[derive(Default)]
struct Targets {
    examples: Vec<u32>,
    sequences: Vec<LabelledFrames>,
    /// The number of their units.
    count: usize,
}

impl Transcriber {
    pub(super) fn new(config: &Config, mut setup: ObjectiveSetup<'_>) -> Result<Self> {
        let vocabulary = setup.vocabulary(LABELS)?;
        let (head, width) = (setup.ctc_head(), setup.taps[0].width);
        Ok(Self {
            label: config.label.clone(),
            units: config.units,
            head: head.build(&mut setup.scope, width, vocabulary.len())?,
            vocabulary,
            attached: BTreeMap::new(),
        })
    }

    fn targets(&self, packing: &Packing, batch: &Batch) -> Targets {
        let mut targets = Targets::default();
        let Some(Attached { field, lexicon }) = self.attached.get(&batch.corpus) else {
            return targets;
        };
        for example in 0..batch.n_examples() {
            let Some(transcript) = field.of_batch(batch, example) else { continue };
            let units = transcript.units(self.units, lexicon);
            let classes = units.iter().map(|unit| self.vocabulary.id(unit));
            let Some(labels) = classes.collect::<Option<Vec<u32>>>() else { continue };
            let rows = packing.rows_of_example(example);
            if rows.len() < frames_needed(&labels) {
                continue;
            }
            targets.examples.push(example as u32);
            targets.count += labels.len().max(1);
            let rows = rows.into_iter().map(|row| row as u32).collect();
            targets.sequences.push(LabelledFrames { rows, labels });
        }
        targets
    }

    /// The loss of the examples that have one, given the scores of all rows; `None` if there are none.
    fn loss_of(
        &self,
        scores: &Tensor,
        packing: &Packing,
        batch: &Batch,
    ) -> Result<Option<RawLoss>> {
        let Targets { examples, sequences, count } = self.targets(packing, batch);
        if examples.is_empty() {
            return Ok(None);
        }
        let losses = self.head.loss(scores, sequences)?;
        let per_example = kernel::sum_by_group(&losses, examples, batch.n_examples())?;
        RawLoss::new(per_example, count).map(Some)
    }

    fn gold(&self, batch: &Batch, example: usize) -> Gold {
        let of_corpus = self.attached.get(&batch.corpus);
        let text = of_corpus.and_then(|Attached { field, lexicon }| {
            Some(field.of_batch(batch, example)?.text(lexicon))
        });
        text.map_or(Gold::None, |text| Gold::Texts(vec![text]))
    }

    fn text(&self, Labelling { labels, log_p }: &Labelling) -> ScoredText {
        let units = labels.iter().map(|&label| self.vocabulary.item(label));
        ScoredText { text: self.units.join(units), score: *log_p }
    }
}

impl Objective for Transcriber {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let Some(field) = TranscriptField::find(&self.label, self.units, corpus) else { return };
        let lexicon = corpus.lexicons[field.index].clone();
        self.attached.insert(corpus_idx, Attached { field, lexicon });
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Rows { tensor: x, packing } = &taps[0];
        self.loss_of(&self.head.scores(x)?, packing, batch)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Rows { tensor: x, packing } = &taps[0];
        let scores = self.head.scores(x)?;
        let examples = 0..batch.n_examples();
        let rows: Vec<Vec<usize>> =
            examples.clone().map(|example| packing.rows_of_example(example)).collect();
        let texts = self.head.decode(&scores, &rows)?;
        let texts = texts.iter().map(|found| found.iter().map(|it| self.text(it)).collect());
        Ok(Evaluation {
            loss: self.loss_of(&scores, packing, batch)?,
            gold: examples.map(|example| self.gold(batch, example)).collect(),
            predictions: texts.map(Prediction::Texts).collect(),
            scored_only: Vec::new(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(match self.units {
            Units::Characters => TranscriptScorer::of_characters(),
            Units::Words => TranscriptScorer::of_tokens(),
        })
    }
}

#[cfg(test)]
mod tests;
