//! A deterministic long journal: eight objectives with falling losses, a spike, a non-finite loss
//! with the gap after it, and all other events that a run has now and then.
//!
//! The benchmark of the journal uses it too. This file has no tests, since a benchmark would
//! compile them.

use std::path::Path;

use auxdesk::{
    journal::Writer,
    protocol::{
        By, CommandId, Event, Header, Loss, ObjectiveId, Step,
        event::{
            BestMetric, CheckpointSaved, CorpusStarted, Direction, Evaluated, GainSet,
            GradientsMeasured, MetricStarted, Muted, NonFiniteLoss, ObjectiveStarted, Reason, Role,
            RunEnded, RunStarted, Split, SplitSize, StepDone,
        },
    },
};

/// The objectives, the main one first.
pub(crate) const OBJECTIVES: [&str; 8] =
    ["chunk", "pos", "ner", "next-word", "frequency", "parse", "topic", "sentiment"];

/// How many times larger than its neighbors the spike is.
pub(crate) const SPIKE: f32 = 50.0;

const STEP_MS: u64 = 30;

/// The positions of the special events in a journal of that length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Long {
    /// The total number of updates.
    pub(crate) steps: u64,
}

impl Long {
    /// The step at which [`Long::spiked`] has its spike.
    pub(crate) fn spike(self) -> Step {
        Step(self.steps * 3 / 5)
    }

    /// The objective whose loss has a spike.
    pub(crate) fn spiked() -> ObjectiveId {
        OBJECTIVES[3].into()
    }

    /// The objective whose loss is non-finite.
    pub(crate) fn broken() -> ObjectiveId {
        OBJECTIVES[2].into()
    }

    /// The steps without a loss of [`Long::broken`], from the non-finite one on.
    pub(crate) fn gap(self) -> std::ops::Range<u64> {
        let from = self.steps * 3 / 10;
        from..from + 2_000.min(self.steps / 20)
    }

    /// Writes the journal.
    pub(crate) fn write(self, path: &Path) {
        let mut writer = Writer::create(path, &header()).unwrap();
        writer.push(&self.started().into());
        for step in 1..=self.steps {
            if step == self.gap().start {
                let (at_ms, step) = (step * STEP_MS, Step(step));
                writer.push(&NonFiniteLoss { at_ms, step, objective: Some(Self::broken()) }.into());
            }
            writer.push(&self.step_done(step).into());
            for event in now_and_then(step) {
                writer.push(&event);
            }
            // A recorder writes events as they arrive, not all at the end.
            if step.is_multiple_of(1_000) {
                writer.flush().unwrap();
            }
        }
        let (at_ms, step, reason) = (self.steps * STEP_MS + 9, Step(self.steps), Reason::Steps);
        let ended = RunEnded { at_ms, step, ended: reason.ended(), reason, message: None };
        writer.push(&ended.into());
        writer.flush().unwrap();
    }

    fn started(self) -> RunStarted {
        let objective = |(objective_idx, name): (usize, &&str)| ObjectiveStarted {
            name: (*name).into(),
            role: if objective_idx == 0 { Role::Main } else { Role::Auxiliary },
            kind: "tag".into(),
            corpus: vec!["news".into()],
            gain: 1.0,
            muted: false,
            metrics: vec![MetricStarted {
                name: "f1".into(),
                short: None,
                direction: Direction::Higher,
            }],
            patience: None,
        };
        let train = SplitSize { examples: 32_000, tokens: 640_000 };
        RunStarted {
            at_ms: 0,
            objectives: OBJECTIVES.iter().enumerate().map(objective).collect(),
            corpora: vec![CorpusStarted {
                name: "news".into(),
                splits: [("train".into(), train)].into(),
                skipped: 0,
                irregularities: Vec::new(),
            }],
            parameters: 1_234_567,
            steps: self.steps,
            steps_per_epoch: 1_000,
            best: BestMetric { objective: OBJECTIVES[0].into(), metric: "f1".into() },
            settings: [].into(),
            vectors: Vec::new(),
            warm_starts: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn step_done(self, step: u64) -> StepDone {
        let gain = |objective_idx| gain(objective_idx, step);
        let share = |objective_idx| 1.0 + 0.2 * noise(objective_idx, step / 100);
        let each = |value: &dyn Fn(u64) -> f32| {
            let ids = OBJECTIVES.iter().zip(0..);
            ids.map(|(name, objective_idx)| ((*name).into(), value(objective_idx))).collect()
        };
        let is_absent = |name: &ObjectiveId, objective_idx| {
            gain(objective_idx) == 0.0 || (*name == Self::broken() && self.gap().contains(&step))
        };
        let ids = OBJECTIVES.iter().map(|name| ObjectiveId::from(*name)).zip(0..);
        let losses = ids
            .filter(|(name, objective_idx)| !is_absent(name, *objective_idx))
            .map(|(name, objective_idx)| {
                let loss = self.loss(&name, objective_idx, step);
                (name, Loss::read(loss).unwrap())
            })
            .collect();
        StepDone {
            at_ms: step * STEP_MS,
            step: Step(step),
            losses,
            weights: each(&|objective_idx| gain(objective_idx) * share(objective_idx)),
            shares: each(&share),
            draws: [("news".into(), 32)].into(),
            gradient_norm: 1.0 + noise(9, step),
            learning_rate: 0.001,
            tokens: 600 + step % 80,
            step_ms: STEP_MS - step % 3,
            temperature: None,
            epochs: None,
        }
    }

    /// A noisy loss that falls to a tenth, on a scale of its own.
    fn loss(self, name: &ObjectiveId, objective_idx: u64, step: u64) -> f32 {
        let scale = 8.0 / (objective_idx + 1) as f32;
        let done = step as f32 / self.steps as f32;
        let loss =
            scale * (0.1 + 0.9 * (-5.0 * done).exp()) * (1.0 + 0.1 * noise(objective_idx, step));
        let spikes = *name == Self::spiked() && Step(step) == self.spike();
        if spikes { SPIKE * loss } else { loss }
    }
}

pub(crate) fn header() -> Header {
    Header {
        version: 2,
        auxdesk: "0.1.0".into(),
        name: "long".into(),
        seed: 1,
        threads: 2,
        device: "cpu".into(),
        kernel: "avx2".into(),
        started: "2026-01-02T03:04:05Z".into(),
        parent: None,
    }
}

/// The last objective is muted for 1,000 steps of every 20,000.
fn gain(objective_idx: u64, step: u64) -> f32 {
    if objective_idx == 7 && (step - 1) % 20_000 >= 19_000 { 0.0 } else { 1.0 }
}

/// The events between two steps.
fn now_and_then(step: u64) -> Vec<Event> {
    let (at_ms, at) = (step * STEP_MS + 1, Step(step));
    let mut events = Vec::new();
    if step % 20_000 == 19_000 || step.is_multiple_of(20_000) {
        let (objective, command) = (OBJECTIVES[7].into(), Some(CommandId(step)));
        let muted = step % 20_000 == 19_000;
        events.push(
            Muted {
                at_ms,
                step: at,
                from: at.next(),
                objective,
                muted,
                by: By::Key,
                command,
                undoes: None,
            }
            .into(),
        );
    }
    if step.is_multiple_of(5_000) {
        let gain = GainSet {
            at_ms,
            step: at,
            from: at.next(),
            objective: OBJECTIVES[1].into(),
            old: 1.0,
            new: 1.0,
            by: By::Key,
            command: Some(CommandId(step)),
            ended_schedule: false,
            over: None,
            undoes: None,
        };
        events.push(gain.into());
    }
    if step.is_multiple_of(500) {
        let each = |counter: u64| {
            let ids = OBJECTIVES.iter().zip(0..);
            ids.map(|(name, idx)| ((*name).into(), noise(idx, counter))).collect()
        };
        let (norms, gradient_shares) = (each(step), each(step + 1));
        let cosines = [(ObjectiveId::from(OBJECTIVES[0]), each(step + 2))].into();
        events.push(
            GradientsMeasured {
                at_ms,
                step: at,
                norms,
                gradient_shares,
                cosines,
                layers: Vec::new(),
                lagged_cosines: [].into(),
            }
            .into(),
        );
    }
    if step.is_multiple_of(2_000) {
        events.extend(OBJECTIVES.iter().zip(0..).map(|(name, objective_idx)| {
            let f1 = 80.0 + 10.0 * noise(objective_idx, step);
            let evaluated = Evaluated {
                at_ms,
                step: at,
                split: Split::Dev,
                objective: (*name).into(),
                loss: Loss::read(1.0),
                metrics: [("f1".into(), f1)].into(),
                extra: false,
                took_ms: 400,
                command: None,
            };
            Event::from(evaluated)
        }));
        events.push(
            CheckpointSaved {
                at_ms,
                step: at,
                name: "last".into(),
                last_evaluation: at,
                best: None,
                command: None,
            }
            .into(),
        );
    }
    events
}

/// A value from −1 to 1 that is a function of its arguments (the mixing of SplitMix64).
fn noise(of: u64, counter: u64) -> f32 {
    let mut x = counter.wrapping_mul(64).wrapping_add(of).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (((x ^ (x >> 31)) >> 40) as f32 / (1 << 23) as f32) - 1.0
}
