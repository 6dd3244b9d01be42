//! Yes or no about a whole example, by what words it holds: what `presence` and `contains` share.
//!
//! loss = Σ of the cross-entropy of each answer, over the rows that are asked, divided by their number. A
//! row is an example, or each of its tokens where the tap has one for each.

use std::collections::BTreeMap;

use candle_core::Result;

use super::{Metric, Objective, Scorer, Scores, Setup, Term, by_example};
use crate::{
    data::{Batch, Corpus, Packing},
    metric::{Accuracy, FScore, Word},
    model::{
        Rows,
        head::{Classes, Head},
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
    head: Box<dyn Head>,
    /// For each corpus, the place of the field, and whether each of its strings is marked.
    attached: BTreeMap<usize, (usize, Vec<bool>)>,
}

impl Question {
    pub(super) fn new(setup: Setup<'_>, marks: Box<dyn Marks>) -> Result<Self> {
        let field = setup.values.text("field").to_owned();
        let head = setup.head(Classes::of(1))?;
        Ok(Self { field, marks, head, attached: BTreeMap::new() })
    }

    /// The answer for each sequence; `None` if it lacks the field.
    fn answers(&self, batch: &Batch) -> Vec<Option<bool>> {
        let attached = self.attached.get(&batch.corpus);
        let Some((field, marked)) = attached else {
            return vec![None; batch.n_examples()];
        };
        let symbols = batch.symbols(*field);
        let answer = |b: usize| {
            let rows = batch.rows_of(*field, b).into_iter();
            let symbols: Option<Vec<u32>> = rows.map(|row| symbols[row]).collect();
            Some(symbols?.iter().skip(self.marks.from()).any(|&symbol| marked[symbol as usize]))
        };
        (0..batch.n_examples()).map(answer).collect()
    }

    /// The answer of each row of the tap, which is that of its example.
    fn asked(&self, packing: &Packing, batch: &Batch) -> Vec<Option<u32>> {
        let answers = self.answers(batch);
        let of = |example: u32| answers[example as usize].map(u32::from);
        packing.examples_of_rows().into_iter().map(of).collect()
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

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<Term>> {
        let Rows { tensor: x, packing } = &taps[0];
        Term::of(self.head.loss(x, &self.asked(packing, batch), packing)?)
    }

    fn scorer(&self) -> Box<dyn Scorer + '_> {
        let (accuracy, answers) = (Accuracy::default(), FScore::default());
        Box::new(AnswerScorer { question: self, scores: Scores::default(), accuracy, answers })
    }

    /// The answer of each row.
    fn predict(&self, taps: &[Rows], _batch: &Batch) -> Result<Vec<Vec<String>>> {
        let Rows { tensor: x, packing } = &taps[0];
        let decided = self.head.decide(x, packing)?;
        Ok(by_example(packing, &decided, |answer| word(answer).to_owned()))
    }
}

struct AnswerScorer<'a> {
    question: &'a Question,
    scores: Scores,
    accuracy: Accuracy,
    answers: FScore,
}

impl Scorer for AnswerScorer<'_> {
    fn add(&mut self, taps: &[Rows], batch: &Batch) -> Result<()> {
        self.scores.add(self.question.loss(taps, batch)?.as_ref())?;
        let Rows { tensor: x, packing } = &taps[0];
        let targets = self.question.asked(packing, batch);
        let decided = self.question.head.decide(x, packing)?;
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
