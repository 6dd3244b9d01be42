//! Builds a trainer, and emits the first event of its run.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{
    Opening, Progress, Trainer, TrainerSetup, TrainingSession, WeightingProgress,
    accumulated::Accumulated, batches::Batches, checkpoint::Checkpoint, control::Control,
    earlier::EarlierGradients, learner::Learner, length::EpochLength, mixer::Mixer, output::Output,
    plan::Plan, stopwatch::PhaseTimes,
};
use crate::{
    data::{Corpus, statistics::overlaps},
    metric::short_name,
    mixer::CurrentWeighting,
    protocol::{
        Event,
        event::{
            BestMetric, Continued, CorpusStarted, IrregularLine, Irregularity, MetricStarted,
            ObjectiveStarted, RunStarted, Split,
        },
    },
    recipe::{ObjectiveSpec, Recipe},
};

impl Trainer {
    /// A trainer before its first step, with a newly built system.
    pub fn new(setup: TrainerSetup) -> Self {
        let progress = Progress::start(&setup.recipe);
        let train = &setup.recipe.train;
        let weighting = CurrentWeighting::new(train.weighting.clone());
        let shadows = train.shadow_weightings.iter().cloned().map(CurrentWeighting::new).collect();
        Self::at(setup, progress, (weighting, shadows))
    }

    /// A trainer that resumes from a checkpoint: parameters and the optimizer's moments are loaded.
    /// Moves in `setup`, if given, replace the pending ones.
    ///
    /// # Errors
    /// The checkpoint does not match the recipe, or a file of it cannot be read.
    pub fn resume(setup: TrainerSetup, checkpoint: &Checkpoint) -> Result<Self> {
        let progress = checkpoint.state.progress.clone();
        let weighting = progress.weighting.build()?;
        let shadows =
            progress.shadows.iter().map(WeightingProgress::build).collect::<Result<_>>()?;
        let mut trainer = Self::at(setup, progress, (weighting, shadows));
        checkpoint.load(&mut trainer.learner.system)?;
        let parameters = trainer.learner.system.parameters();
        let updates = &checkpoint.state.progress.updates;
        trainer.learner.optimizer.restore(parameters, &checkpoint.running_values()?, updates)?;
        let (earlier, accumulated) = (checkpoint.weighting()?, checkpoint.accumulated()?);
        trainer.earlier = EarlierGradients::from_tensors(&earlier, parameters)?;
        let n_steps = &checkpoint.state.progress.accumulated;
        trainer.accumulated =
            Accumulated::from_tensors(n_steps, &accumulated, &trainer.plan, parameters)?;
        Ok(trainer)
    }

    fn at(
        setup: TrainerSetup,
        progress: Progress,
        (weighting, shadows): (CurrentWeighting, Vec<CurrentWeighting>),
    ) -> Self {
        let TrainerSetup { recipe, corpora, digests, fitted, system, run, moves, .. } = setup;
        let TrainerSetup { vectors, coverage, warm_starts, .. } = setup;
        let TrainerSetup { clock, interrupt, failures, opening, .. } = setup;
        let mut learner = Learner::new(&recipe, system);
        let n_batches = (0..corpora.len()).map(|at| recipe.n_batches(&[at], &corpora)).collect();
        let plan =
            Plan { recipe, corpora, n_batches, fitted, digests, vectors, coverage, warm_starts };
        // The rules have been restored already; the update counts are stored with the optimizer's
        // tensors.
        let Progress {
            counters,
            guards,
            positions,
            faders,
            settings,
            moves: left,
            accumulated: _,
            weighting: _,
            sampling,
            shadows: _,
            updates: _,
        } = progress;
        let has_new_moves = moves.as_ref().is_some_and(|moves| *moves != left);
        let moves = moves.unwrap_or(left);
        learner.apply(&plan, &settings, &faders);
        let mut trainer = Self {
            batches: Batches::new(&plan, &positions, sampling),
            mixer: Mixer { faders, weighting, shadows },
            learner,
            settings,
            counters,
            guards,
            earlier: EarlierGradients::default(),
            accumulated: Accumulated::default(),
            control: Control::new(moves, has_new_moves, interrupt, failures),
            output: Output { run, clock, opening },
            phase_times: PhaseTimes::default(),
            reported_rates: BTreeMap::new(),
            reported: EpochLength { steps: plan.batches_per_epoch(), counts_steps: false },
            plan,
        };
        trainer.reported = trainer.epoch_length();
        trainer.reported_rates = trainer.rates();
        trainer
    }

    /// The state of the run that must survive a stop, except tensors.
    pub fn progress(&self) -> Progress {
        Progress {
            counters: self.counters.clone(),
            guards: self.guards.clone(),
            positions: self.batches.positions(&self.plan),
            faders: self.mixer.faders.clone(),
            settings: self.settings.clone(),
            weighting: WeightingProgress::of(&self.mixer.weighting),
            sampling: self.batches.sampling.clone(),
            shadows: self.mixer.shadows.iter().map(WeightingProgress::of).collect(),
            accumulated: self.accumulated.n_steps(&self.plan),
            moves: self.control.moves.clone(),
            updates: self.learner.optimizer.counts(self.learner.parameters()),
        }
    }

    /// The first event: the objectives and corpora of the run, or the checkpoint it resumes from.
    pub(super) fn opening(&self) -> Event {
        match &self.output.opening {
            Opening::Started => self.started().into(),
            Opening::Continued(session) => {
                let TrainingSession { left_behind, auxdesk, threads, device, kernel } =
                    session.clone();
                let (at_ms, step) = (self.output.ms(), self.counters.step);
                let steps = self.expected_steps(self.reported);
                Continued { at_ms, step, steps, left_behind, auxdesk, threads, device, kernel }
                    .into()
            }
        }
    }

    fn started(&self) -> RunStarted {
        let Plan { recipe, corpora, .. } = &self.plan;
        let best = &recipe.train.best;
        let overlaps: Vec<_> = corpora.iter().map(overlaps).collect();
        let warnings = recipe.warnings(corpora, &overlaps);
        RunStarted {
            at_ms: self.output.ms(),
            objectives: objectives(recipe),
            corpora: corpora.iter().map(corpus).collect(),
            parameters: self.learner.parameters().n_elements() as u64,
            steps: self.expected_steps(self.reported),
            steps_per_epoch: self.reported.steps,
            best: BestMetric { objective: best.objective.clone(), metric: best.metric.clone() },
            settings: self.live_settings(),
            vectors: self.plan.coverage.clone(),
            warm_starts: self.plan.warm_starts.clone(),
            warnings: warnings.iter().map(ToString::to_string).collect(),
        }
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
            .map(|metric| MetricStarted {
                name: metric.name.into(),
                short: short_name(metric.name).map(Into::into),
                direction: metric.direction,
            })
            .collect(),
        patience: spec.early_stopping.patience,
    };
    recipe.objectives.iter().map(objective).collect()
}

fn without_folders(irregularity: &Irregularity) -> Irregularity {
    let lines = irregularity.lines.iter().cloned().map(IrregularLine::without_folder);
    Irregularity { lines: lines.collect(), ..irregularity.clone() }
}

fn corpus(corpus: &Corpus) -> CorpusStarted {
    let splits = [Split::Train, Split::Dev, Split::Test].into_iter();
    CorpusStarted {
        name: corpus.name.clone(),
        splits: splits
            .filter_map(|split| Some((split.name().to_owned(), corpus.split(split)?.size())))
            .collect(),
        skipped: corpus.skipped(),
        irregularities: corpus.irregularities.iter().map(without_folders).collect(),
    }
}
