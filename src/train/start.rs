//! A trainer made ready, and the first event of its run.

use super::{
    Trainer, TrainerSetup, batches::Batches, control::Control, counters::Counters,
    learner::Learner, mixer::Mixer, mixer::active_groups, output::Output, plan::Plan,
    settings::Settings,
};
use crate::{
    data::{Corpus, stream::steps_per_pass},
    protocol::{
        Step,
        event::{BestMetric, CorpusStarted, MetricStarted, ObjectiveStarted, RunStarted, Split},
    },
    recipe::{Length, ObjectiveSpec, Recipe},
};

impl Trainer {
    /// A trainer before its first step.
    pub fn new(setup: TrainerSetup) -> Self {
        let TrainerSetup {
            recipe,
            corpora,
            vocabularies,
            system,
            run,
            moves,
            clock,
            interrupt,
            panic_at,
        } = setup;
        let plan = Plan { recipe, corpora, vocabularies };
        Self {
            batches: Batches::new(&plan),
            mixer: Mixer::new(&plan.recipe),
            learner: Learner::new(&plan, system),
            settings: Settings::new(&plan.recipe),
            counters: Counters::default(),
            control: Control::new(moves, interrupt, panic_at),
            output: Output { run, clock },
            plan,
        }
    }

    pub(super) fn started(&self) -> RunStarted {
        let Plan { recipe, corpora, .. } = &self.plan;
        let steps_per_epoch = self.steps_per_epoch();
        let best = &recipe.train.best;
        RunStarted {
            at_ms: self.output.ms(),
            objectives: objectives(recipe),
            corpora: corpora.iter().map(corpus).collect(),
            parameters: self.learner.parameters().n_elements() as u64,
            steps: match recipe.train.length {
                Length::Steps(steps) => steps,
                Length::Epochs(epochs) => epochs.saturating_mul(steps_per_epoch),
            },
            steps_per_epoch,
            best: BestMetric { objective: best.objective.clone(), metric: best.metric.clone() },
            sampling: Some(self.settings.sampling.told(self.counters.step).to_string()),
            weighting: Some(self.mixer.weighting.spec().to_string()),
        }
    }

    /// Steps in an epoch of the main objective's corpus: exact where every step draws it, else what
    /// is expected of the sampling and the faders that the run starts with. It is told once and stays,
    /// whatever hands change later: epochs end and evaluations come by the epochs that were made, not
    /// by this number.
    fn steps_per_epoch(&self) -> u64 {
        let corpus = self.plan.main_corpus();
        let steps = steps_per_pass(&self.plan.corpora[corpus], self.plan.recipe.batch_size(corpus));
        let groups = active_groups(&self.plan, &self.mixer.gains(Step(0)));
        let rates = self.settings.sampler(&self.plan, &groups).rates(self.counters.step);
        let drawn = groups.iter().zip(rates).filter(|(group, _)| group.corpora.contains(&corpus));
        let rate: f64 = drawn.map(|(_, rate)| rate).sum();
        if rate > 0.0 { (steps as f64 / rate).round() as u64 } else { steps }
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
            .config
            .metrics()
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
            .filter_map(|split| Some((split.name().to_owned(), corpus.split(split)?.size())))
            .collect(),
        skipped: corpus.skipped,
    }
}
