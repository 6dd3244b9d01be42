//! Scoring a split: one pass of the encoders over each corpus, all objectives at once.

use candle_core::Result;

use crate::{
    data::{Batch, Corpus, stream::in_order},
    model::Mode,
    objective::{Scorer, Scores},
    protocol::event::Split,
    recipe::{Recipe, System},
};

/// The scores of every objective that has something in the split, by its place in the recipe, in
/// the recipe's order. Muted ones are scored too. `go_on` is asked before each batch, with how many
/// examples it has; `None` if it said no.
pub fn score(
    recipe: &Recipe,
    system: &System,
    corpora: &[Corpus],
    split: Split,
    mut go_on: impl FnMut(usize) -> bool,
) -> Result<Option<Vec<(usize, Scores)>>> {
    let mut scorers: Vec<Option<Box<dyn Scorer + '_>>> =
        recipe.objectives.iter().map(|_| None).collect();
    for (corpus_idx, corpus) in corpora.iter().enumerate() {
        let Some(part) = corpus.part(split) else { continue };
        let objectives: Vec<usize> = (0..recipe.objectives.len())
            .filter(|&at| recipe.objectives[at].corpora.contains(&corpus_idx))
            .collect();
        if objectives.is_empty() {
            continue;
        }
        for examples in in_order(part, recipe.batch_size(corpus_idx)) {
            if !go_on(examples.len()) {
                return Ok(None);
            }
            let batch = Batch::new(corpus_idx, corpus, part, &examples);
            let taps = system.taps(&objectives, &batch, Mode::Eval)?;
            for (&at, taps) in objectives.iter().zip(&taps) {
                scorers[at]
                    .get_or_insert_with(|| system.objective(at).scorer())
                    .add(taps, &batch)?;
            }
        }
    }
    let scores = scorers.into_iter().enumerate();
    Ok(Some(scores.filter_map(|(at, scorer)| Some((at, scorer?.finish()))).collect()))
}
