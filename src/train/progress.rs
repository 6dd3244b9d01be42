//! The state of a run that must survive a stop, as one value.
//!
//! Every trainer is built from it, both at the start and from a checkpoint. A checkpoint's
//! `state.json` contains it with the fitted data, so resuming cannot omit a part of it. Everything
//! else follows from the recipe and the corpora: every draw is a function of (seed, purpose, name,
//! counter). Tensors (parameters, the optimizer's moments) are in the checkpoint's other files. The
//! undo history is not part of it: it is reconstructed from the journal.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};

use super::{Counters, GuardMemory, Moves, Settings};
use crate::{
    data::{sampler::SamplingMemory, stream::Position},
    mixer::{CurrentWeighting, Fader, Faders, WeightingMemory, WeightingSpec},
    protocol::{ObjectiveId, ShareBy},
    recipe::{self, Recipe},
};

/// See the module documentation. JSON represents every number exactly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Counts of updates and evaluations, the results of evaluations, and the number of consecutive
    /// steps without an update.
    pub counters: Counters,
    /// What the guards remember of their objectives. Absent in older checkpoints.
    #[serde(default)]
    pub guards: BTreeMap<ObjectiveId, GuardMemory>,
    /// The epoch and the next batch of each corpus, by name.
    pub positions: BTreeMap<String, Position>,
    /// Faders, with their schedules and fades in progress.
    pub faders: Faders,
    /// The other live settings, with their schedules.
    pub settings: Settings,
    /// The weighting rule in force.
    pub weighting: WeightingProgress,
    /// The memory of the sampling rule in force. Absent in older checkpoints.
    #[serde(default)]
    pub sampling: SamplingMemory,
    /// The shadow rules.
    #[serde(default)]
    pub shadows: Vec<WeightingProgress>,
    /// The number of steps whose gradients an objective has accumulated.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accumulated: BTreeMap<ObjectiveId, u64>,
    /// The pending moves of `--moves`.
    pub moves: Moves,
    /// The number of updates of each parameter, by name; parameters without updates may be absent.
    pub updates: BTreeMap<String, u64>,
}

/// A weighting rule with its state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightingProgress {
    /// The rule with its options, in the notation of the desk: `dwa temperature=2`.
    pub rule: String,
    /// Its state.
    pub memory: WeightingMemory,
}

impl WeightingProgress {
    /// The state of a rule.
    pub(super) fn of(weighting: &CurrentWeighting) -> Self {
        Self { rule: weighting.spec().to_string(), memory: weighting.memory() }
    }

    /// Restores the rule.
    pub(super) fn build(&self) -> Result<CurrentWeighting> {
        let spec =
            recipe::weighting(&self.rule).map_err(|what| anyhow!("the checkpoint: {what}"))?;
        let mut weighting = CurrentWeighting::new(spec);
        weighting.restore(&self.memory)?;
        Ok(weighting)
    }
}

impl Progress {
    /// The progress of a run that has not begun.
    pub fn start(recipe: &Recipe) -> Self {
        let faders = recipe.objectives.iter().map(|spec| Fader {
            objective: spec.name.clone(),
            gain: spec.gain,
            by_hand: false,
            muted: spec.muted,
            soloed: false,
            training: spec.early_stopping.training,
            share_by: ShareBy::when(spec.by_rule),
        });
        let of = |spec: &WeightingSpec| WeightingProgress::of(&CurrentWeighting::new(spec.clone()));
        Self {
            counters: Counters::default(),
            guards: BTreeMap::new(),
            positions: BTreeMap::new(),
            faders: Faders::new(faders.collect()),
            settings: Settings::new(recipe),
            weighting: of(&recipe.train.weighting),
            sampling: SamplingMemory::default(),
            shadows: recipe.train.shadow_weightings.iter().map(of).collect(),
            accumulated: BTreeMap::new(),
            moves: Moves::default(),
            updates: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        arbitrary,
        data::sampler::{DevScore, Rule, Sampling, TrackedScore},
        protocol::{Step, Training, event::Direction},
        schedule::{Schedule, Shape},
        train::{BestSoFar, LastEvaluation, ObjectiveCounters, Stage},
    };

    fn finite() -> impl Strategy<Value = f64> {
        use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
        POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
    }

    fn schedule() -> impl Strategy<Value = Schedule> {
        let shape =
            proptest::sample::select(Shape::NAMES).prop_map(|name| Shape::find(name).unwrap());
        let ramp = (shape, finite(), finite(), any::<u64>(), any::<u64>());
        prop_oneof![
            finite().prop_map(Schedule::Constant),
            ramp.prop_map(|(shape, from, to, steps, since)| Schedule::Ramp {
                shape,
                from,
                to,
                steps,
                since
            }),
        ]
    }

    fn sampling() -> impl Strategy<Value = Sampling> {
        prop_oneof![
            (0.01..1e6).prop_map(|temperature| Sampling::Constant(Rule::Temperature(temperature))),
            (".{1,9}", 1e-9..1e9f64)
                .prop_map(|(group, draw)| Sampling::Constant(Rule::Fixed([(group, draw)].into()))),
            schedule().prop_map(Sampling::Annealed),
        ]
    }

    fn sampling_memory() -> impl Strategy<Value = SamplingMemory> {
        let scores = proptest::collection::vec((any::<bool>(), -9.0..9.0f32), 0..6);
        (any::<u64>(), any::<u8>(), scores, -1.0..1.0f64).prop_map(
            |(since, kind, scores, cosine)| {
                let kinds = ["stop-and-go", "bandit", "interference"];
                let rule: Rule = kinds[usize::from(kind) % 3].parse().unwrap();
                let mut memory = SamplingMemory::new(Step(since));
                for (is_first, value) in scores {
                    let objective = if is_first { "a" } else { "b" };
                    let (group, direction) = (objective.to_owned(), Direction::Higher);
                    let score = DevScore { objective: objective.into(), group, value, direction };
                    let tracked = TrackedScore { value, direction };
                    let sampling = Sampling::Constant(rule.clone());
                    let active = (since, &["a", "b"][..]);
                    memory.evaluated(&sampling, Step(0), active, &[score], Some(tracked));
                    memory.measured("a", "b", cosine);
                }
                memory
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn progress_round_trips_exactly(
            (counts, value) in (proptest::array::uniform8(any::<u64>()), any::<f32>()),
            by_group in any::<bool>(),
            (clip_norm, strength) in (proptest::option::of(finite()), schedule()),
            faders in proptest::collection::vec((schedule(), any::<[bool; 3]>()), 0..4),
            (learning_rate, sampling, sampling_memory) in (schedule(), sampling(), sampling_memory()),
            events in arbitrary::events(),
        ) {
            let [step, epoch, at, best, without, corpus_epoch, next, every] = counts;
            let best = BestSoFar { value, step: Step(best) };
            let faders = faders.into_iter().enumerate().map(|(at, (gain, [by_hand, muted, soloed]))| {
                let objective = format!("o{at}").as_str().into();
                Fader { objective, gain, by_hand, muted, soloed, training: Training::when(soloed), share_by: ShareBy::when(muted) }
            });
            let progress = Progress {
                counters: Counters {
                    step: Step(step),
                    last_evaluation: LastEvaluation { epoch, step: Step(at) },
                    best: Some(best).filter(|best| best.value.is_finite()),
                    objectives: [("domain".into(), ObjectiveCounters {
                        best: Some(best).filter(|best| best.value.is_finite()),
                        evals_without_improvement: without,
                    })].into(),
                    evals_without_improvement: without,
                    consecutive_non_finite: without as u32,
                    steps_as_batches: next,
                    stage: best.value.is_finite().then(|| Stage {
                        round: at,
                        group: by_group.then(|| "news".to_owned()),
                    }),
                },
                guards: [("domain".into(), GuardMemory::default())].into(),
                positions: [("news".to_owned(), Position { epoch: corpus_epoch, next })].into(),
                faders: Faders::new(faders.collect()),
                settings: Settings {
                    learning_rate,
                    clip_norm,
                    sampling,
                    measure_gradients_every: every,
                    affinity_budget: f64::from(value).abs().clamp(0.0, 1.0),
                    samples: at,
                    worst_samples: by_group,
                    strengths: [("domain".into(), strength)].into(),
                    learning_rate_factors: [("domain".into(), f64::from(value).abs().min(9.0))].into(),
                    accumulation_steps: [("domain".into(), every)].into(),
                },
                weighting: WeightingProgress {
                    rule: "dwa temperature=2".to_owned(),
                    memory: WeightingMemory::new(&[value].map(|value| value.is_finite().then_some(value))),
                },
                sampling: sampling_memory,
                shadows: vec![WeightingProgress {
                    rule: "upgrad".to_owned(),
                    memory: WeightingMemory::default(),
                }],
                accumulated: [("domain".into(), next)].into(),
                moves: Moves::of(&events),
                updates: [("trunk.weight".to_owned(), every)].into(),
            };
            let text = serde_json::to_string(&progress).unwrap();
            let read: Progress = serde_json::from_str(&text).unwrap();
            // Equal as numbers; -0.0 and everything else also as text.
            prop_assert_eq!(&read, &progress);
            prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
    }
}
