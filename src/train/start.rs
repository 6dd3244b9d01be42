//! A trainer made ready, and the first event of its run.

use super::{Optimizer, Setup, Trainer, rounds::Seen};
use crate::{
    data::{
        Corpus,
        stream::{Position, Stream, steps_per_pass},
    },
    mixer::{Fader, Faders},
    protocol::{
        Step,
        event::{BestMetric, CorpusStarted, MetricStarted, ObjectiveStarted, RunStarted, Split},
    },
    recipe::{Length, ObjectiveSpec, Recipe},
};

impl Trainer {
    /// A trainer before its first step.
    pub fn new(setup: Setup) -> Self {
        let Setup { recipe, corpora, vocabularies, system, run, moves, clock, interrupt, panic_at } =
            setup;
        let seed = recipe.train.seed;
        let faders = recipe.objectives.iter().map(|spec| Fader {
            objective: spec.name.clone(),
            gain: spec.gain,
            by_hand: false,
            muted: spec.muted,
            soloed: false,
        });
        Self {
            optimizer: Optimizer::new(recipe.train.optimizer, system.parameters()),
            streams: corpora.iter().map(|_| Stream::new(seed, Position::default())).collect(),
            faders: Faders::new(faders.collect()),
            rate: recipe.train.learning_rate,
            sampling: recipe.train.sampling.clone(),
            gradients_every: recipe.train.measure_gradients_every,
            step: Step(0),
            best: None,
            evaluated: Seen::default(),
            without_gain: 0,
            broken_in_a_row: 0,
            paused: false,
            stop: None,
            recipe,
            corpora,
            vocabularies,
            system,
            run,
            moves,
            clock,
            interrupt,
            panic_at,
        }
    }

    pub(super) fn started(&self) -> RunStarted {
        let steps_per_epoch = self.steps_per_epoch();
        let best = &self.recipe.train.best;
        RunStarted {
            at_ms: self.clock.ms(),
            objectives: objectives(&self.recipe),
            corpora: self.corpora.iter().map(corpus).collect(),
            parameters: self.system.parameters().n_elements() as u64,
            steps: match self.recipe.train.length {
                Length::Steps(steps) => steps,
                Length::Epochs(epochs) => epochs.saturating_mul(steps_per_epoch),
            },
            steps_per_epoch,
            best: BestMetric { objective: best.objective.clone(), metric: best.metric.clone() },
            sampling: Some(self.sampling.told(self.step).to_string()),
        }
    }

    /// Steps in a pass over the main objective's corpus: exact where every step draws it, else what
    /// is expected of the sampling and the faders that the run starts with. It is told once and stays,
    /// whatever hands change later: epochs end and evaluations come by the passes that were made, not
    /// by this number.
    fn steps_per_epoch(&self) -> u64 {
        let main = &self.recipe.objectives[self.recipe.main()];
        let corpus = main.corpora[0];
        let passes = steps_per_pass(&self.corpora[corpus], self.recipe.batch_size(corpus));
        let weights = self.faders.weights(self.recipe.train.weighting, 0);
        let groups = self.sounding_groups(&weights);
        let rates = self.sampler(&groups).rates(self.step);
        let drawn = groups.iter().zip(rates).filter(|(group, _)| group.corpora.contains(&corpus));
        let rate: f64 = drawn.map(|(_, rate)| rate).sum();
        if rate > 0.0 { (passes as f64 / rate).round() as u64 } else { passes }
    }
}

fn objectives(recipe: &Recipe) -> Vec<ObjectiveStarted> {
    let objective = |spec: &ObjectiveSpec| ObjectiveStarted {
        name: spec.name.clone(),
        role: spec.role,
        kind: spec.kind.name().to_owned(),
        corpus: spec.corpora.iter().map(|&at| recipe.corpora[at].name.clone()).collect(),
        gain: spec.gain.at(0) as f32,
        muted: spec.muted,
        metrics: spec
            .kind
            .metrics(&spec.values)
            .iter()
            .map(|metric| MetricStarted { name: metric.name.into(), direction: metric.direction })
            .collect(),
    };
    recipe.objectives.iter().map(objective).collect()
}

fn corpus(corpus: &Corpus) -> CorpusStarted {
    let splits = [Split::Train, Split::Dev, Split::Test].into_iter();
    CorpusStarted {
        name: corpus.name.clone(),
        splits: splits
            .filter_map(|split| Some((split.name().to_owned(), corpus.part(split)?.size())))
            .collect(),
        skipped: corpus.skipped,
    }
}
