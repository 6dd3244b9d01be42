//! Descriptions of events: for progress lines, the list of events and answers to commands.

use super::Run;
use crate::{
    live::{self, LiveTarget, ObjectiveSetting},
    protocol::{
        By, Change, Changed, Control, Event, MetricId, ObjectiveId,
        event::{
            Continued, Ended, Evaluated, GuardKind, GuardTripped, LeftBehind, LengthChanged,
            NonFiniteLoss, Reason, Role, RunEnded, SamplingAdapted, Setting, Split, VectorCoverage,
        },
    },
};

/// The parts of an event's description, the most important first; `run` is the state after it.
/// Events that occur at every step or contain tables have no description.
pub fn describe(event: &Event, run: &Run) -> Vec<String> {
    let mut parts = match event {
        Event::StepDone(_)
        | Event::GradientsMeasured(_)
        | Event::ShadowShares(_)
        | Event::AffinitiesMeasured(_)
        | Event::PhasesTimed(_)
        | Event::ClassesScored(_)
        | Event::SamplesTaken(_) => Vec::new(),
        Event::RunStarted(event) => {
            let started = [
                format!("started: {} parameters", event.parameters),
                format!("{} steps, {} per epoch", event.steps, event.steps_per_epoch),
            ];
            let warnings = event.vectors.iter().filter_map(VectorCoverage::warning);
            started.into_iter().chain(warnings).collect()
        }
        Event::LengthChanged(event) => length_changed(event, run),
        Event::SamplingAdapted(event) => sampling_adapted(event),
        Event::GainSet(_) | Event::Muted(_) | Event::Soloed(_) | Event::SettingSet(_) => {
            event.changed().as_ref().map(changed).unwrap_or_default()
        }
        Event::SceneStored(event) => vec![
            format!("saved the mix as scene {}", event.scene.letter()),
            format!("after step {}", event.step),
        ],
        Event::CommandRefused(event) => vec![format!("refused: {}", event.why)],
        Event::Paused(event) => {
            vec![format!("paused after step {}", event.step), name_of(event.by).to_owned()]
        }
        Event::Resumed(event) => {
            vec![format!("resumed after step {}", event.step), name_of(event.by).to_owned()]
        }
        Event::Evaluated(event) => evaluated(event, run),
        Event::CheckpointSaved(event) => {
            vec![format!("saved {} at step {}", event.name, event.step)]
        }
        Event::NonFiniteLoss(event) => vec![broke(event)],
        Event::GuardTripped(event) => tripped(event),
        Event::Noted(event) => vec![format!("note at step {}: {}", event.step, event.text)],
        Event::Continued(event) => continued(event),
        Event::Rewound(event) => vec![format!("rewound to step {}", event.to)],
        Event::ScreenMissed(event) => {
            vec![format!("the screen fell behind by {} events in all, and caught up", event.total)]
        }
        Event::RunEnded(event) => ended(event, run),
    };
    parts.retain(|part| !part.is_empty());
    parts
}

fn length_changed(event: &LengthChanged, run: &Run) -> Vec<String> {
    let LengthChanged { step, steps, steps_per_epoch, counts_steps, .. } = event;
    let main = run.strips.iter().find(|strip| strip.role == Role::Main);
    let corpus = main.and_then(|main| main.corpus.first()).filter(|_| *counts_steps);
    let counted =
        corpus.map(|corpus| format!("no step draws {corpus}: each counts as one of its batches"));
    vec![
        format!("{steps} steps, {steps_per_epoch} per epoch"),
        format!("from step {}", step.next()),
        counted.unwrap_or_default(),
    ]
}

/// The groups with another rate.
fn sampling_adapted(event: &SamplingAdapted) -> Vec<String> {
    let percent = |rate: f32| format!("{:.0} %", 100.0 * rate);
    let old = |group: &String| event.old.get(group).copied();
    let changed = event.new.iter().filter(|(group, new)| old(group) != Some(**new));
    let mut parts = vec![format!("sampling follows progress from step {}", event.from)];
    parts.extend(changed.map(|(group, new)| match old(group) {
        Some(old) => format!("{group} in {} of steps, {} before", percent(*new), percent(old)),
        None => format!("{group} in {} of steps", percent(*new)),
    }));
    parts
}

fn continued(event: &Continued) -> Vec<String> {
    let Continued { step, steps, left_behind: LeftBehind { steps: n_steps, moves }, .. } = event;
    let left_behind = match (n_steps, moves) {
        (0, 0) => String::new(),
        (_, 0) => format!("{} left behind", count(*n_steps, "step")),
        _ => format!("{} and {} left behind", count(*n_steps, "step"), count(*moves, "move")),
    };
    vec![
        format!("continued from step {step} of {steps}"),
        left_behind,
        format!("kernel {}", event.kernel),
    ]
}

/// A count with its noun, in the plural unless it is 1.
pub fn count(n_things: u64, thing: &str) -> String {
    format!("{n_things} {thing}{}", if n_things == 1 { "" } else { "s" })
}

/// Hours, minutes and seconds.
pub fn hms(ms: u64) -> String {
    let seconds = ms / 1000;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn evaluated(event: &Evaluated, run: &Run) -> Vec<String> {
    let mut parts = vec![
        format!("{} after step {}", event.split.name(), event.step),
        event.objective.to_string(),
    ];
    parts.extend(event.loss.map(|loss| format!("loss {:.4}", loss.get())));
    parts.extend(scores(event, run));
    let best = run.strip(&event.objective).and_then(|strip| strip.best.as_ref());
    let is_best = event.split == Split::Dev
        && !event.extra
        && best.is_some_and(|best| best.step == event.step);
    parts.push(if is_best { "best so far" } else { "" }.to_owned());
    parts.push(if event.extra { "manual evaluation" } else { "" }.to_owned());
    parts
}

/// The scores in the order in which the objective declares its metrics; others follow.
fn scores(event: &Evaluated, run: &Run) -> Vec<String> {
    let declared = run.strip(&event.objective).map(|strip| strip.metrics.as_slice());
    let declared = declared.unwrap_or_default();
    let rank = |name: &MetricId| declared.iter().position(|metric| metric.name == *name);
    let mut metrics: Vec<_> = event.metrics.iter().collect();
    metrics.sort_by_key(|(name, _)| rank(name).unwrap_or(declared.len()));
    metrics.into_iter().map(|(name, value)| format!("{name} {value:.2}")).collect()
}

fn ended(event: &RunEnded, run: &Run) -> Vec<String> {
    let ended = match event.ended {
        Ended::Finished => "finished",
        Ended::Stopped => "stopped",
        Ended::Failed => "failed",
    };
    let reason = match event.reason {
        Reason::Steps => "all steps done",
        Reason::Epochs => "all epochs done",
        Reason::Patience => "early stopping: no improvement within patience",
        Reason::Key => "by key",
        Reason::Signal => "by signal",
        Reason::Panic => "the trainer panicked",
        Reason::Error => "an operation on tensors failed",
        Reason::Loss => "ten non-finite losses in a row",
        Reason::Disk => "could not write to disk",
    };
    let mut parts = vec![format!("{ended}: {reason}")];
    parts.extend(event.message.clone());
    parts.push(format!("{} done", count(event.step.0, "step")));
    parts.extend(run.epochs().map(|epochs| format!("epoch {epochs:.2}")));
    let chosen = run.plan.best_metric.as_ref().and_then(|best| run.strip(&best.objective));
    if let Some((strip, best)) = chosen.and_then(|strip| Some((strip, strip.best.as_ref()?))) {
        let (value, step) = (best.value, best.step);
        parts.push(format!("best {} of {} {value:.2} at step {step}", best.metric, strip.name));
    }
    if run.manual.interventions > 0 {
        parts.push(count(run.manual.interventions, "change"));
    }
    parts
}

fn changed(changed: &Changed) -> Vec<String> {
    let Changed { change: Change { control, old, new, over }, from, by, .. } = changed;
    let is_on = *new == Setting::Switch(true);
    let what = match control {
        Control::Gain(objective) => format!("gain of {objective} {} to {}", gain(old), gain(new)),
        Control::Muted(objective) if is_on => format!("muted {objective}"),
        Control::Muted(objective) => format!("unmuted {objective}"),
        Control::Soloed(objective) if is_on => format!("soloed {objective}"),
        Control::Soloed(objective) => format!("unsoloed {objective}"),
        Control::Setting(path) => match live::find(path) {
            Some((_, LiveTarget::Objective(ObjectiveSetting::Finished, objective))) => {
                let what = if is_on { "finished" } else { "trained again" };
                format!("{objective} {what}")
            }
            _ => format!("{path} {old} to {new}"),
        },
    };
    vec![
        what,
        over.map(|over| format!("over {over} steps")).unwrap_or_default(),
        format!("from step {from}, {}", name_of(*by)),
        if changed.ended_schedule { "ends its schedule" } else { "" }.to_owned(),
    ]
}

fn gain(gain: &Setting) -> String {
    match gain {
        Setting::Number(gain) => format!("{gain:.3}"),
        other => other.to_string(),
    }
}

fn name_of(by: By) -> &'static str {
    match by {
        By::Key => "by key",
        By::Schedule => "by schedule",
        By::Rule => "by rule",
        By::Moves => "by a recorded run's changes",
        By::Remote => "by remote",
    }
}

fn tripped(event: &GuardTripped) -> Vec<String> {
    let GuardTripped { objective, value, limit, .. } = event;
    let why = match event.guard {
        GuardKind::NonFinite => {
            format!("non-finite loss in {} in a row", count(*value as u64, "attempt"))
        }
        GuardKind::Spike => {
            let times = if *value < 1e4 { format!("{value:.1}") } else { format!("{value:e}") };
            format!("loss {times} times the smoothed loss, limit {limit}")
        }
        GuardKind::Stall => {
            format!("no lower smoothed loss for {}", count(*value as u64, "step"))
        }
        GuardKind::Conflict => {
            format!(
                "gradient against the main objective's for {}",
                count(*value as u64, "measurement")
            )
        }
    };
    if event.muted {
        vec![format!("guard muted {objective}: {why}")]
    } else {
        let only = "not muted: no other objective is active".to_owned();
        vec![format!("guard of {objective}: {why}"), only]
    }
}

fn broke(event: &NonFiniteLoss) -> String {
    let whose = event.objective.as_ref().map(ObjectiveId::as_str);
    let what = whose.map_or("gradient norm".into(), |name| format!("loss of {name}"));
    format!("non-finite {what} at step {}; update skipped", event.step)
}
