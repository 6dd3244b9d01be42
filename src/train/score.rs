//! Evaluation of a split: one pass of the encoders over each corpus, for all objectives at once.

use candle_core::Result;

use crate::{
    data::{Batch, Corpus, SplitData, stream::eval_batches},
    metric::{Scorer, Scores},
    model::Mode,
    objective::{Evaluation, Objective, Output},
    protocol::event::Split,
    recipe::{Recipe, System},
};

/// The scores of every objective that has something in the split, by index, in the order of the
/// recipe. Muted ones are included. `proceed` is called before each batch, with its number of
/// examples; `None` if it returned false.
pub fn score(
    recipe: &Recipe,
    system: &System,
    corpora: &[Corpus],
    split: Split,
    proceed: impl FnMut(usize) -> bool,
) -> Result<Option<Vec<(usize, Scores)>>> {
    score_observed(recipe, system, corpora, split, proceed, |_| Ok(()))
}

/// The evaluation of an objective on a batch.
pub(super) struct Observed<'a> {
    pub(super) objective_idx: usize,
    pub(super) objective: &'a dyn Objective,
    /// The field that it predicts, if it is one of the corpus.
    pub(super) field: Option<usize>,
    pub(super) corpus_idx: usize,
    pub(super) corpus: &'a Corpus,
    pub(super) part: &'a SplitData,
    /// The examples of the batch, as indices of the split.
    pub(super) examples: &'a [usize],
    pub(super) evaluation: &'a Evaluation,
}

/// [`score`], with a look at each evaluation of an objective on a batch.
pub(super) fn score_observed(
    recipe: &Recipe,
    system: &System,
    corpora: &[Corpus],
    split: Split,
    mut proceed: impl FnMut(usize) -> bool,
    mut observe: impl FnMut(&Observed<'_>) -> Result<()>,
) -> Result<Option<Vec<(usize, Scores)>>> {
    let mut scored: Vec<Option<Scored>> = recipe.objectives.iter().map(|_| None).collect();
    for (corpus_idx, corpus) in corpora.iter().enumerate() {
        let Some(part) = corpus.split(split) else { continue };
        let objectives: Vec<usize> = (0..recipe.objectives.len())
            .filter(|&at| recipe.objectives[at].corpora.contains(&corpus_idx))
            .collect();
        if objectives.is_empty() {
            continue;
        }
        for examples in eval_batches(part, recipe.batch_size(corpus_idx)) {
            if !proceed(examples.len()) {
                return Ok(None);
            }
            let batch = Batch::for_evaluation(corpus_idx, corpus, part, &examples);
            let taps = system.taps(&objectives, &batch, Mode::Eval)?;
            for (&at, taps) in objectives.iter().zip(&taps) {
                let (evaluation, objective) =
                    (system.evaluate(at, taps, &batch)?, system.objective(at));
                scored[at].get_or_insert_with(|| Scored::new(objective)).add(&evaluation)?;
                let field = match recipe.objectives[at].config.output() {
                    Output::Field { name, .. } => corpus.field(name),
                    Output::Nothing | Output::New => None,
                };
                observe(&Observed {
                    objective_idx: at,
                    objective,
                    field,
                    corpus_idx,
                    corpus,
                    part,
                    examples: &batch.examples,
                    evaluation: &evaluation,
                })?;
            }
        }
    }
    let scores = scored.into_iter().enumerate();
    Ok(Some(scores.filter_map(|(at, scored)| Some((at, scored?.finish()))).collect()))
}

/// The accumulated scores of one objective.
struct Scored {
    scorer: Box<dyn Scorer>,
    scores: Scores,
}

impl Scored {
    fn new(objective: &dyn Objective) -> Self {
        Self { scorer: objective.scorer(), scores: Scores::default() }
    }

    fn add(&mut self, evaluation: &Evaluation) -> Result<()> {
        if let Some(loss) = &evaluation.loss {
            #[expect(clippy::disallowed_methods, reason = "an evaluation reads one number a batch")]
            let sum = loss.sum.to_scalar::<f32>()?;
            self.scores.sum += f64::from(sum);
            self.scores.count += loss.count;
        }
        evaluation.score(self.scorer.as_mut());
        Ok(())
    }

    fn finish(mut self) -> Scores {
        self.scorer.finish(&mut self.scores);
        self.scores
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        kernel::{Device, to_vec},
        model::{
            encoder::FirstValues,
            head::{self, HeadKind},
        },
        recipe::{self, Overrides, RecipeSource, VectorsByEncoder, fit, shipped},
    };

    #[test]
    fn an_evaluation_computes_each_heads_scores_once_and_the_loss_of_training() {
        let mut heads = BTreeSet::new();
        for (name, _) in shipped::RECIPES {
            let recipe = recipe::load(&RecipeSource::Shipped(name), &Overrides::default()).unwrap();
            let corpora = recipe.open().unwrap();
            let fitted = fit(&recipe, &corpora, &VectorsByEncoder::new());
            let system = System::new(
                &recipe,
                &fitted,
                &VectorsByEncoder::new(),
                FirstValues::Checkpoint,
                &Device::Cpu,
            );
            let mut system = system.unwrap();
            corpora.iter().enumerate().for_each(|(at, corpus)| system.attach(at, corpus));
            for (at, spec) in recipe.objectives.iter().enumerate() {
                let what = format!("{name}: {}", spec.name);
                let corpus_idx = spec.corpora[0];
                let corpus = &corpora[corpus_idx];
                let batch = Batch::new(corpus_idx, corpus, &corpus.train, &[0, 1, 2, 3, 4, 5]);
                let taps = system.taps(&[at], &batch, Mode::Eval).unwrap().remove(0);
                // On one thread, which has the counts.
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
                let (of, taps, batch) = (&mut system, &taps, &batch);
                let (evaluation, counts) = pool.install(move || {
                    let evaluation = of.evaluate(at, taps, batch).unwrap();
                    (evaluation, head::count::take())
                });
                assert!(counts.iter().all(|count| *count == 1), "{what}: {counts:?}");
                // An objective may have a head for arcs and one for their labels.
                assert!(spec.head.is_none() || !counts.is_empty(), "{what}: {counts:?}");
                heads.extend(spec.head.map(HeadKind::name));
                let n_examples = batch.n_examples();
                assert_eq!(evaluation.predictions.len(), n_examples, "{what}");
                assert_eq!(evaluation.gold.len(), n_examples, "{what}");
                // One that samples in training searches in an evaluation.
                if spec.kind.makes_examples() {
                    continue;
                }
                let loss = system.objective(at).loss(taps, batch).unwrap();
                let numbers = |loss: Option<crate::objective::RawLoss>| {
                    loss.map(|loss| (loss.count, to_vec(&loss.per_example).unwrap()))
                };
                let (found, wanted) = (numbers(evaluation.loss), numbers(loss));
                if crate::kernel::is_fused(&Device::Cpu) {
                    assert_eq!(found, wanted, "{what}");
                }
            }
        }
        let all: BTreeSet<_> = head::HEADS.iter().map(|head| head.name()).collect();
        assert_eq!(heads, all, "every kind of head is in some recipe");
    }
}
