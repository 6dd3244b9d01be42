//! The extractor: scores of sentences, their loss, and the sentences that it extracts.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};

use super::{Config, LABELS, LEAD};
use crate::{
    data::{
        Axis, Batch, Corpus, FieldValues, Lexicon, Packing, Prediction, prediction::ScoredText,
    },
    kernel,
    metric::{
        Gold, Scorer,
        scorer::{ExtractScorer, extracted},
    },
    model::{
        Rows,
        encoder::RowProbability,
        head::{Classes, Head},
    },
    objective::{Evaluation, Objective, ObjectiveSetup, RawLoss},
};

/// The objective with its parameters.
pub(super) struct Extractor {
    label: String,
    positive: String,
    reference: Option<String>,
    head: Box<dyn Head>,
    /// The labels: of the rest, and of what is extracted.
    names: Lexicon,
    /// The number of sentences of a lead.
    lead: usize,
    attached: BTreeMap<usize, Attached>,
}

/// The fields of one corpus.
struct Attached {
    /// The index of the field of labels; a corpus to predict on may have none.
    label: Option<usize>,
    /// Whether each symbol of that field is the label of what is extracted.
    is_positive: Vec<bool>,
    /// The words of the sentences.
    words: Option<Words>,
    /// The index of the field of references.
    reference: Option<usize>,
}

/// The field of the words of sentences.
struct Words {
    sequence: usize,
    field: usize,
    lexicon: Lexicon,
}

impl Words {
    /// Those of the list of sentences that the labels belong to.
    fn of(corpus: &Corpus, label: usize) -> Option<Self> {
        let Axis::Items(sequence) = corpus.fields[label].axis else { return None };
        let field = corpus.field(&corpus.sequences[sequence].name)?;
        Some(Self { sequence, field, lexicon: corpus.lexicons[field].clone() })
    }

    /// The text of the sentence in a row, its words separated by spaces.
    fn text(&self, batch: &Batch, row: usize) -> String {
        let (packing, symbols) = (batch.sequence(self.sequence), batch.symbols(self.field));
        let Some(sentence) = packing.sequences_of_parent()[row] else { return String::new() };
        let words = packing.rows(sentence as usize).filter_map(|row| symbols[row]);
        let words: Vec<&str> = words.map(|symbol| self.lexicon.get(symbol)).collect();
        words.join(" ")
    }
}

impl Extractor {
    pub(super) fn new(config: &Config, setup: ObjectiveSetup<'_>) -> Result<Self> {
        let vocabulary = setup.vocabulary(LABELS)?;
        let rest =
            vocabulary.iter().map(|(label, _)| label).find(|label| *label != config.positive);
        let names = [rest.unwrap_or_default(), config.positive.as_str()].into_iter().collect();
        let lead = setup.numbers(LEAD)?.first().map_or(1, |lead| *lead as usize);
        Ok(Self {
            label: config.label.clone(),
            positive: config.positive.clone(),
            reference: config.reference.clone(),
            head: setup.head(Classes::of(1))?,
            names,
            lead,
            attached: BTreeMap::new(),
        })
    }

    fn attached(&self, batch: &Batch) -> &Attached {
        self.attached.get(&batch.corpus).expect("the corpus has been attached")
    }

    /// 1 for each row of the summary, 0 for others; `None` without a label.
    fn targets(&self, packing: &Packing, batch: &Batch) -> Vec<Option<u32>> {
        let Attached { label, is_positive, .. } = self.attached(batch);
        let Some(label) = *label else { return vec![None; packing.n_rows()] };
        let symbols = batch.row_labels(label).iter();
        symbols.map(|symbol| Some(u32::from(is_positive[(*symbol)? as usize]))).collect()
    }

    /// The sentences of an example with their scores, beside its reference, if it has one.
    fn texts(
        &self,
        batch: &Batch,
        example: usize,
        rows: &[usize],
        scores: &[f32],
    ) -> Option<(Gold, Prediction)> {
        let Attached { reference, words, .. } = self.attached(batch);
        let Some(FieldValues::Text(reference)) = &batch.values((*reference)?)[example] else {
            return None;
        };
        let words = words.as_ref()?;
        let sentence =
            |(&row, &score): (&usize, &f32)| ScoredText { text: words.text(batch, row), score };
        let sentences = rows.iter().zip(scores).map(sentence).collect();
        Some((Gold::Texts(vec![reference.to_string()]), Prediction::Texts(sentences)))
    }
}

impl Objective for Extractor {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let label = corpus.field(&self.label);
        let labels = label.iter().flat_map(|&label| corpus.lexicons[label].iter());
        let is_positive = labels.map(|label| label == self.positive).collect();
        let words = label.and_then(|label| Words::of(corpus, label));
        let reference = self.reference.as_deref().and_then(|field| corpus.field(field));
        self.attached.insert(corpus_idx, Attached { label, is_positive, words, reference });
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Rows { tensor: x, packing } = &taps[0];
        RawLoss::of(self.head.loss(x, &self.targets(packing, batch), packing)?)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Rows { tensor: x, packing } = &taps[0];
        let targets = self.targets(packing, batch);
        let scores = self.head.scores(x)?; // (sentences, 1)
        let loss = RawLoss::of(self.head.loss_of_scores(&scores, &targets, packing)?)?;
        let scores = kernel::to_vec(&scores)?;
        let (mut gold, mut predictions, mut scored_only) = (Vec::new(), Vec::new(), Vec::new());
        for example in 0..batch.n_examples() {
            let rows = packing.rows_of_example(example);
            let classes: Vec<Option<u32>> = rows.iter().map(|&row| targets[row]).collect();
            gold.push(if classes.iter().all(Option::is_none) {
                Gold::None
            } else {
                Gold::Classes { classes, oov: Vec::new() }
            });
            let scores: Vec<f32> = rows.iter().map(|&row| scores[row]).collect();
            predictions.push(if rows.is_empty() {
                Prediction::None
            } else {
                let classes = extracted(&scores).into_iter();
                Prediction::Classes(classes.map(u32::from).collect())
            });
            scored_only.extend(self.texts(batch, example, &rows, &scores));
        }
        Ok(Evaluation { loss, gold, predictions, scored_only })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(ExtractScorer::new(self.lead))
    }

    fn class_names(&self) -> Lexicon {
        self.names.clone()
    }
}

/// The probability with which a sentence is extracted.
pub(super) struct SentenceProbability {
    head: Box<dyn Head>,
}

impl SentenceProbability {
    pub(super) fn new(setup: ObjectiveSetup<'_>) -> Result<Self> {
        Ok(Self { head: setup.head(Classes::of(1))? })
    }
}

impl RowProbability for SentenceProbability {
    fn of(&self, taps: &[Rows]) -> Result<Tensor> {
        // 1 / (1 + e^−s), without an exponential that overflows.
        let scores = self.head.scores(&taps[0].tensor)?;
        kernel::tanh(&scores.affine(0.5, 0.0)?)?.affine(0.5, 0.5)
    }
}

#[cfg(test)]
mod tests;
