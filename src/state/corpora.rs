//! Usage of each corpus: examples drawn, epochs and time.
//!
//! A step's time is divided among the corpora that it drew from, in proportion to the number of
//! examples drawn times the mean number of tokens per example of the training split: a step's work
//! grows with its tokens, and its event has only their total over all batches. The shares are
//! integer microseconds that add up to the step's time.

use super::Run;
use crate::protocol::event::{CorpusStarted, Split, SplitSize, StepDone};

/// Usage of one corpus so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CorpusUsage<'a> {
    /// Its name.
    pub name: &'a str,
    /// Examples of its training split.
    pub examples: u64,
    /// Examples drawn.
    pub drawn: u64,
    /// Epochs of its training split, with the current one as a fraction; `None` if unknown.
    pub epochs: Option<f32>,
    /// Its fraction of all examples drawn; `None` before the first.
    pub drawn_fraction: Option<f32>,
    /// Milliseconds spent on it.
    pub spent_ms: u64,
    /// Its fraction of the training time; `None` while that is 0.
    pub time_fraction: Option<f32>,
}

impl Run {
    /// Every corpus of the recipe, in its order.
    pub fn used(&self) -> impl Iterator<Item = CorpusUsage<'_>> {
        let drawn =
            |corpus: &CorpusStarted| self.usage.draws.get(&corpus.name).copied().unwrap_or(0);
        let all_drawn = self.plan.corpora.iter().map(drawn).fold(0, u64::saturating_add);
        let all_spent = self.usage.spent_us.iter().copied().fold(0, u64::saturating_add);
        let fraction = |of: u64, all: u64| (all > 0).then(|| of as f32 / all as f32);
        self.plan.corpora.iter().zip(&self.usage.spent_us).map(move |(corpus, spent_us)| {
            let (drawn, examples) = (drawn(corpus), train(corpus).map_or(0, |size| size.examples));
            CorpusUsage {
                name: &corpus.name,
                examples,
                drawn,
                epochs: fraction(drawn, examples),
                drawn_fraction: fraction(drawn, all_drawn),
                spent_ms: spent_us / 1_000,
                time_fraction: fraction(*spent_us, all_spent),
            }
        })
    }

    /// Divides the time of a step among the corpora it drew.
    pub(super) fn spend(&mut self, event: &StepDone) {
        let tokens = |corpus: &CorpusStarted| {
            let drawn = event.draws.get(&corpus.name).copied().unwrap_or(0);
            drawn as f64 * tokens_an_example(corpus)
        };
        let all_tokens: f64 = self.plan.corpora.iter().map(tokens).sum();
        if all_tokens <= 0.0 {
            return;
        }
        let all_us = event.step_ms.saturating_mul(1_000);
        let (mut tokens_before, mut us_before) = (0.0, 0);
        for (corpus, spent_us) in self.plan.corpora.iter().zip(&mut self.usage.spent_us) {
            // The end of each share is rounded, and the next share begins there. The last share
            // ends at the total time, as the same tokens are added in the same order.
            tokens_before += tokens(corpus);
            let until_us = (all_us as f64 * (tokens_before / all_tokens)).round() as u64;
            *spent_us = spent_us.saturating_add(until_us - us_before);
            us_before = until_us;
        }
    }
}

fn train(corpus: &CorpusStarted) -> Option<SplitSize> {
    corpus.splits.get(Split::Train.name()).copied()
}

fn tokens_an_example(corpus: &CorpusStarted) -> f64 {
    let size = train(corpus).filter(|size| size.examples > 0);
    size.map_or(0.0, |size| size.tokens as f64 / size.examples as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{arbitrary, protocol::event::RunStarted};

    /// Corpora with these numbers of examples and tokens, named `a`, `b` and so on.
    fn run(sizes: &[(u64, u64)]) -> Run {
        let corpora = ('a'..).zip(sizes).map(|(name, &(examples, tokens))| CorpusStarted {
            name: name.into(),
            splits: [("train".into(), SplitSize { examples, tokens })].into(),
            skipped: 0,
            irregularities: Vec::new(),
        });
        let mut run = Run::new(None);
        let started = RunStarted { corpora: corpora.collect(), ..arbitrary::run_started() };
        run.apply(&started.into());
        run
    }

    fn step(draws: &[(&str, u64)], step_ms: u64) -> StepDone {
        let draws = draws.iter().map(|&(name, drawn)| (name.to_owned(), drawn)).collect();
        StepDone { draws, step_ms, ..arbitrary::step_done(1, "chunk", 1.0) }
    }

    #[test]
    fn a_steps_time_is_divided_among_its_corpora_by_tokens() {
        // 10 tokens per example, and 2.
        let mut run = run(&[(100, 1_000), (50, 100), (10, 10)]);
        run.apply(&step(&[("a", 4), ("b", 10)], 9).into());
        run.apply(&step(&[("b", 15)], 5).into());
        let used: Vec<CorpusUsage> = run.used().collect();
        assert_eq!(used.iter().map(|used| used.spent_ms).collect::<Vec<_>>(), [6, 8, 0]);
        let [a, b, c] = used[..] else { panic!("three corpora") };
        assert_eq!((a.name, a.examples, a.drawn, a.epochs), ("a", 100, 4, Some(0.04)));
        assert_eq!((b.drawn, b.epochs, c.drawn, c.epochs), (25, Some(0.5), 0, Some(0.0)));
        assert_eq!(
            (a.drawn_fraction, b.drawn_fraction, c.drawn_fraction),
            (Some(4.0 / 29.0), Some(25.0 / 29.0), Some(0.0))
        );
        assert_eq!((a.time_fraction, c.time_fraction), (Some(6.0 / 14.0), Some(0.0)));
    }

    #[test]
    fn unknown_values_are_none() {
        let mut run = run(&[(0, 0)]);
        let before = run.clone();
        let used = before.used().next().unwrap();
        assert_eq!((used.epochs, used.drawn_fraction, used.time_fraction), (None, None, None));
        run.apply(&step(&[("nobody", 4)], 9).into());
        assert_eq!(run.used().next(), Some(used), "a corpus that is not in the cast");
    }

    proptest! {
        #[test]
        fn divided_time_adds_up_exactly(
            sizes in prop::collection::vec((1u64..1_000, 1u64..100_000), 1..5),
            steps in prop::collection::vec((prop::collection::vec(0u64..64, 5), 0u64..5_000), 0..40),
        ) {
            let mut run = run(&sizes);
            let mut all_ms = 0;
            for (drawn, step_ms) in steps {
                let names = ["a", "b", "c", "d", "e"];
                let draws: Vec<_> = names.into_iter().zip(drawn).take(sizes.len()).collect();
                all_ms += if draws.iter().any(|(_, drawn)| *drawn > 0) { step_ms } else { 0 };
                run.apply(&step(&draws, step_ms).into());
            }
            prop_assert_eq!(run.usage.spent_us.iter().sum::<u64>(), all_ms * 1_000);
        }
    }
}
