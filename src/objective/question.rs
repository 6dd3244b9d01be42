//! Yes or no about a whole example, by what words it holds: what `presence` and `contains` share.
//!
//! loss = Σ of the cross-entropy of each answer, over the rows that are asked, divided by their number. A
//! row is an example, or each of its tokens where the tap has one for each.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};

use super::{Metric, Objective, Scorer, Scores, Setup, Term, by_sequence};
use crate::{
    data::{Batch, Corpus, Packing},
    metric::{Accuracy, FScore, Word},
    model::{
        head::{Classes, Head},
        tap::RowKind,
    },
    protocol::event::Direction,
};

/// What is reported of the answers.
pub(super) fn metrics() -> Vec<Metric> {
    ["accuracy", "f1"].map(|name| Metric { name, direction: Direction::Higher }).into()
}

/// Which tokens make the answer yes.
pub(super) trait Marks: Send {
    /// Whether this string does.
    fn is_marked(&self, string: &str) -> bool;
    /// The first token that is looked at.
    fn from(&self) -> usize {
        0
    }
}

/// A question with its parameters.
pub(super) struct Question {
    field: String,
    marks: Box<dyn Marks>,
    on: RowKind,
    head: Box<dyn Head>,
    /// For each corpus, the place of the field, and whether each of its strings is marked.
    attached: BTreeMap<usize, (usize, Vec<bool>)>,
}

impl Question {
    pub(super) fn new(setup: Setup<'_>, marks: Box<dyn Marks>) -> Result<Self> {
        let field = setup.values.text("field").to_owned();
        let on = setup.taps[0].on;
        let head = setup.head(Classes::of(1))?;
        Ok(Self { field, marks, on, head, attached: BTreeMap::new() })
    }

    /// The answer for each sequence; `None` if it lacks the field.
    fn answers(&self, batch: &Batch) -> Vec<Option<bool>> {
        let attached = self.attached.get(&batch.corpus);
        let Some((field, marked)) = attached else {
            return vec![None; batch.packing.n_sequences()];
        };
        let symbols = batch.symbols(*field);
        let answer = |b: usize| {
            let symbols: Option<Vec<u32>> = batch.packing.rows(b).map(|row| symbols[row]).collect();
            Some(symbols?.iter().skip(self.marks.from()).any(|&symbol| marked[symbol as usize]))
        };
        (0..batch.packing.n_sequences()).map(answer).collect()
    }

    /// The rows that are asked: (rows) of the tap, and the answer of each.
    fn asked(&self, batch: &Batch) -> (Packing, Vec<Option<u32>>) {
        let answers = self.answers(batch);
        let of = |b: usize| answers[b].map(u32::from);
        match self.on {
            RowKind::Example => {
                let n = batch.packing.n_sequences();
                (Packing::of_vectors(n), (0..n).map(of).collect())
            }
            RowKind::Item => unreachable!("the checker lets no tap of segments through"),
            RowKind::Token => {
                let packing = batch.packing.clone();
                let targets = packing.places().map(|(b, _)| of(b)).collect();
                (packing, targets)
            }
        }
    }
}

/// The answer that is looked for: f1 is its.
const YES: &str = "yes";

fn word(answer: u32) -> &'static str {
    if answer > 0 { YES } else { "no" }
}

impl Objective for Question {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let Some(field) = corpus.field(&self.field) else { return };
        let marked = corpus.lexicons[field].iter().map(|string| self.marks.is_marked(string));
        self.attached.insert(corpus_idx, (field, marked.collect()));
    }

    fn loss(&self, taps: &[Tensor], batch: &Batch) -> Result<Option<Term>> {
        let (packing, targets) = self.asked(batch);
        Term::of(self.head.loss(&taps[0], &targets, &packing)?)
    }

    fn scorer(&self) -> Box<dyn Scorer + '_> {
        let (accuracy, answers) = (Accuracy::default(), FScore::default());
        Box::new(AnswerScorer { question: self, scores: Scores::default(), accuracy, answers })
    }

    /// The answer of each row.
    fn predict(&self, taps: &[Tensor], batch: &Batch) -> Result<Vec<Vec<String>>> {
        let (packing, _) = self.asked(batch);
        let decided = self.head.decide(&taps[0], &packing)?;
        Ok(by_sequence(&packing, &decided, |answer| word(answer).to_owned()))
    }
}

struct AnswerScorer<'a> {
    question: &'a Question,
    scores: Scores,
    accuracy: Accuracy,
    answers: FScore,
}

impl Scorer for AnswerScorer<'_> {
    fn add(&mut self, taps: &[Tensor], batch: &Batch) -> Result<()> {
        self.scores.add(self.question.loss(taps, batch)?.as_ref())?;
        let (packing, targets) = self.question.asked(batch);
        let decided = self.question.head.decide(&taps[0], &packing)?;
        for (gold, decided) in targets.into_iter().zip(decided) {
            let Some(gold) = gold else { continue };
            self.accuracy.add(&gold, &decided, Word::Known);
            self.answers.add(word(gold), word(decided));
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Scores {
        if let Some(accuracy) = self.accuracy.accuracy() {
            let f1 = self.answers.f_beta(YES, 1.0);
            self.scores.metrics = vec![("accuracy", accuracy), ("f1", f1)];
        }
        self.scores.classes = self.answers.by_class();
        self.scores
    }
}
