//! The state after events, in worked examples; and independence from how the events are divided.

use proptest::prelude::*;

use super::*;
use crate::{
    arbitrary,
    protocol::{
        By, CommandId,
        event::{Muted, NonFiniteLoss, Rewound, ScreenMissed, Soloed},
        report::{AlertKind, BestScore, ScoreReport},
    },
};

fn run(events: impl IntoIterator<Item = Event>) -> Run {
    let mut run = Run::new(Some(&arbitrary::header()));
    run.apply(&arbitrary::run_started().into());
    events.into_iter().for_each(|event| run.apply(&event));
    run
}

fn fold(run: &mut Run, events: &[Event]) {
    for event in events {
        run.apply(event);
    }
}

fn muted(objective: &str, by: By) -> Event {
    mute(objective, true, by)
}

fn mute(objective: &str, muted: bool, by: By) -> Event {
    let (step, objective) = (Step(1), objective.into());
    let command = Some(CommandId(1));
    let (at_ms, from, undoes) = (1, step.next(), None);
    Muted { at_ms, step, from, objective, muted, by, command, undoes }.into()
}

#[test]
fn only_hands_intervene() {
    let run =
        run([By::Key, By::Schedule, By::Rule, By::Moves, By::Remote].map(|by| muted("pos", by)));
    assert_eq!(run.manual.interventions, 3);
    assert!(run.strips[2].muted);
}

#[test]
fn an_inactive_strip_has_weight_zero() {
    let mut run = run([arbitrary::step_done(1, "chunk", 2.0).into(), muted("pos", By::Key)]);
    let weights = |run: &Run| run.strips.iter().map(|strip| strip.weight).collect::<Vec<_>>();
    assert_eq!(weights(&run), [1.0, 1.0, 0.0]);
    run.apply(&solo("next-word", true));
    assert_eq!(weights(&run), [0.0, 1.0, 0.0]);
    assert!(run.is_active(&run.strips[1]) && !run.is_active(&run.strips[0]));
}

#[test]
fn a_strip_that_becomes_active_has_its_weight_before_the_next_step() {
    let mut step = arbitrary::step_done(1, "chunk", 2.0);
    step.shares.insert("chunk".into(), 0.5);
    step.weights.insert("chunk".into(), 0.5);
    let gain = arbitrary::gain_set(1, "pos", 1.0, 0.25);
    let mut run = run([step.into(), muted("pos", By::Key), gain.into(), solo("next-word", true)]);
    let weights = |run: &Run| run.strips.iter().map(|strip| strip.weight).collect::<Vec<_>>();
    assert_eq!(weights(&run), [0.0, 1.0, 0.0]);
    run.apply(&solo("next-word", false));
    assert_eq!(weights(&run), [0.5, 1.0, 0.0], "muted it stays out");
    run.apply(&mute("pos", false, By::Key));
    assert_eq!(weights(&run), [0.5, 1.0, 0.25]);
}

fn solo(objective: &str, soloed: bool) -> Event {
    let (step, objective) = (Step(1), objective.into());
    let (at_ms, from, by, command, undoes) = (1, Step(2), By::Key, None, None);
    Soloed { at_ms, step, from, objective, soloed, by, command, undoes }.into()
}

#[test]
fn a_schedule_changes_the_gain_and_rounding_does_not() {
    let mut run = run([]);
    let mut step = arbitrary::step_done(1, "chunk", 2.0);
    let (gain, share) = (0.1_f32, 3.7_f32);
    let set = arbitrary::gain_set(0, "chunk", 1.0, gain);
    run.apply(&set.into());
    step.weights.insert("chunk".into(), gain * share);
    step.shares.insert("chunk".into(), share);
    run.apply(&step.clone().into());
    assert_eq!(run.strips[0].gain.to_bits(), gain.to_bits());

    step.weights.insert("chunk".into(), 0.5 * share);
    run.apply(&step.clone().into());
    assert!((run.strips[0].gain - 0.5).abs() < 1e-6);

    run.apply(&muted("chunk", By::Key));
    step.weights.insert("chunk".into(), 0.0);
    run.apply(&step.into());
    assert!((run.strips[0].gain - 0.5).abs() < 1e-6, "muting keeps the gain");
}

/// A rule of gradients may give an active objective a share of 0: its loss is measured all the same.
#[test]
fn a_share_of_zero_leaves_no_gap_in_the_losses_and_a_mute_does() {
    let has_gap = |without_loss: bool| {
        let mut middle = arbitrary::step_done(2, "chunk", 2.0);
        middle.weights.insert("chunk".into(), 0.0);
        middle.shares.insert("chunk".into(), 0.0);
        if without_loss {
            middle.losses.clear();
        }
        let last = arbitrary::step_done(3, "chunk", 2.0);
        let run = run([arbitrary::step_done(1, "chunk", 2.0), middle, last].map(Event::from));
        run.strips[0].losses.at(Step(3)).unwrap().after_gap
    };
    assert!(!has_gap(false));
    assert!(has_gap(true));
}

#[test]
fn missed_events_and_alerts_are_kept() {
    let broke = |objective: Option<&str>| -> Event {
        let objective = objective.map(ObjectiveId::from);
        NonFiniteLoss { at_ms: 1, step: Step(4), objective }.into()
    };
    let missed = ScreenMissed { at_ms: 3, total: 12 }.into();
    let run = run([broke(Some("pos")), broke(None), missed]);
    let kinds: Vec<_> = run.alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, [AlertKind::NonFiniteLoss, AlertKind::NonFiniteGradient]);
    assert_eq!((run.missed, run.at_ms), (12, 3));
}

#[test]
fn remaining_time_and_epochs_follow_the_steps() {
    let run = run((1..=25).map(|step| arbitrary::step_done(step, "chunk", 1.0).into()));
    assert_eq!(run.epochs(), Some(2.5));
    assert_eq!(run.left_ms(), Some(750));
    assert_eq!(run.usage.tokens, 2500);
    assert_eq!(run.pace.tokens_per_second(), Some(10_000.0));
}

#[test]
fn rewinding_restores_earlier_scores() {
    let dev = |step, f1| arbitrary::evaluated(step, Split::Dev, "chunk", "f1", f1).into();
    let mut run = run([dev(10, 60.0), dev(20, 80.0), dev(30, 70.0)]);
    let best = |value, step| Some(BestScore { metric: "f1".into(), value, step: Step(step) });
    assert_eq!(run.strips[0].best, best(80.0, 20));
    run.apply(&Rewound { at_ms: 9, to: Step(10) }.into());
    assert_eq!(run.strips[0].best, best(60.0, 10));
    let scores: Option<ScoreReport> = run.strips[0].scores(Split::Dev);
    assert_eq!(scores.unwrap().step, Step(10));
}

#[test]
fn a_strip_keeps_the_last_classes_of_each_split_until_they_are_rewound() {
    let reported = |step, split| arbitrary::classes_scored(step, split, "pos");
    let (dev, test) = (reported(20, Split::Dev), reported(15, Split::Test));
    let events = [reported(10, Split::Dev), dev.clone(), test.clone()];
    let mut run = run(events.map(Event::from));
    let kept = |run: &Run| run.strips[2].classes.clone();
    assert_eq!(kept(&run), [(Split::Dev, dev), (Split::Test, test.clone())].into());
    assert_eq!(run.log.len(), 1, "a page of numbers is not among what happened");
    run.apply(&Rewound { at_ms: 9, to: Step(15) }.into());
    assert_eq!(kept(&run), [(Split::Test, test)].into());
}

#[test]
fn a_continued_run_restores_mix_and_history_and_marks_what_is_left_behind() {
    let saved = |step| -> Event {
        let (step, name, command) = (Step(step), "last".into(), None);
        CheckpointSaved { at_ms: 9, step, name, last_evaluation: step, best: None, command }.into()
    };
    let moved = |step, order, old, new| -> Event {
        let command = Some(CommandId(order));
        let set = arbitrary::gain_set(step, "pos", old, new);
        crate::protocol::event::GainSet { command, at_ms: order * 10_000, ..set }.into()
    };
    let dev =
        |step, f1| -> Event { arbitrary::evaluated(step, Split::Dev, "chunk", "f1", f1).into() };
    let step = |step| -> Event { arbitrary::step_done(step, "chunk", step as f32).into() };
    let kept = [moved(0, 1, 1.0, 0.5), step(1), step(2), dev(2, 60.0), saved(2)];
    let beyond = [moved(2, 2, 0.5, 0.9), step(3), muted("pos", By::Key), step(4), dev(4, 80.0)];
    let checkpoint = run(kept.clone());
    let mut run = run(kept.into_iter().chain(beyond));
    assert_eq!(run.beyond_checkpoint(), (2, 2));
    run.apply(&arbitrary::continued(2).into());

    let seen = |run: &Run| {
        let strip = |strip: &Strip| {
            (
                strip.gain,
                strip.weight,
                strip.muted,
                strip.loss,
                strip.best.clone(),
                strip.evaluations.len(),
            )
        };
        let strips: Vec<_> = run.strips.iter().map(strip).collect();
        (
            run.step,
            run.usage.tokens,
            run.usage.draws.clone(),
            run.manual.interventions,
            run.manual.history.clone(),
            strips,
        )
    };
    assert_eq!(seen(&run), seen(&checkpoint));
    assert_eq!(run.manual.history.n_done(), 1, "the move before the checkpoint can be taken back");
    let left_behind: Vec<&str> = (run.log.iter())
        .filter(|entry| entry.is_left_behind)
        .map(|entry| entry.event.kind())
        .collect();
    assert_eq!(left_behind, ["gain_set", "muted", "evaluated"]);
    assert_eq!(run.log.moves().count(), 1);

    // Killed again before another checkpoint was saved.
    run.apply(&step(3));
    run.apply(&moved(3, 9, 0.5, 0.1));
    run.apply(&arbitrary::continued(2).into());
    assert_eq!(seen(&run), seen(&checkpoint));
}

proptest! {
    #[test]
    fn folding_parts_equals_folding_the_whole(events in arbitrary::events(), cut in 0usize..32) {
        let mut whole = Run::new(None);
        fold(&mut whole, &events);
        let (first, rest) = events.split_at(cut.min(events.len()));
        let mut part = Run::new(None);
        fold(&mut part, first);
        let half_way = part.report();
        let mut parts = part.clone();
        fold(&mut parts, rest);
        prop_assert_eq!(parts.report(), whole.report());
        prop_assert_eq!(&parts, &whole);
        prop_assert_eq!(part.report(), half_way);
    }

    #[test]
    fn a_rewound_run_equals_one_without_the_later_events(
        events in proptest::collection::vec(arbitrary::event(), 0..40),
        to in (0u64..40).prop_map(Step),
    ) {
        let is_kept = |event: &&Event| match event {
            Event::Evaluated(event) => event.step <= to,
            Event::ClassesScored(event) => event.step <= to,
            Event::SamplesTaken(event) => event.step <= to,
            Event::NonFiniteLoss(event) => event.step <= to,
            Event::GuardTripped(event) => event.step <= to,
            Event::CheckpointSaved(event) => event.step <= to,
            _ => true,
        };
        let rewound: Event = Rewound { at_ms: 9, to }.into();
        let kept = run(events.iter().filter(is_kept).cloned().chain([rewound.clone()]));
        let all = run(events.iter().cloned().chain([rewound]));
        let seen = |run: &Run| {
            let scores = |strip: &Strip| (strip.best.clone(), strip.scores_by_split());
            run.strips.iter().map(scores).collect::<Vec<_>>()
        };
        prop_assert_eq!(seen(&all), seen(&kept));
        // Only the latest classes are kept, so there may be none; those that are there must be
        // right.
        for (all, kept) in all.strips.iter().zip(&kept.strips) {
            for (split, classes) in &all.classes {
                prop_assert_eq!(Some(classes), kept.classes.get(split));
            }
        }
        prop_assert_eq!(all.alerts, kept.alerts);
        prop_assert_eq!(all.checkpoints, kept.checkpoints);
    }
}
