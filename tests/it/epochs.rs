//! The epochs of a run whose corpus no step draws any more: steps count as its batches, in a run by hand, repeated
//! from its journal, and continued.

use auxdesk::{
    bus::{self, Channels},
    protocol::{
        Assignment, Command, Event, Step,
        event::{Evaluated, LengthChanged, Reason, Setting, StepDone},
    },
    recipe::Length,
    state,
    train::{Moves, Opening, Trainer, TrainingSession, checkpoint},
};

use crate::tiny::{Run, Size, Tiny, shipped_tiny};

/// Four batches of each corpus in an epoch.
const SIZE: Size = Size { width: 4, examples: 16 };

/// Two corpora, `fine` of the main objective and `coarse`.
fn desk(sampling: &str, epochs: u64) -> Tiny {
    let mut tiny = shipped_tiny("sentiment", SIZE, &[format!("train.sampling={sampling}")]);
    tiny.recipe.train.length = Length::Epochs(epochs);
    tiny
}

fn mute(objective: &str, muted: bool) -> Command {
    Assignment::muted(objective.into(), muted).into()
}

/// Pauses, takes steps one by one with commands between them, and stops; after its end a run refuses steps.
fn orders(parts: &[(usize, &[Command])]) -> Vec<Command> {
    let mut orders = vec![Command::Pause];
    for (n_steps, commands) in parts {
        orders.extend(std::iter::repeat_n(Command::StepOnce, *n_steps));
        orders.extend_from_slice(commands);
    }
    orders.extend([Command::Resume, Command::Stop { reason: Reason::Key }]);
    orders
}

/// The changes of a run, without its stop.
fn moves_of(run: &Run) -> Moves {
    Moves::of(&run.events[..run.events.len() - 1])
}

fn evaluated_at(events: &[Event]) -> Vec<u64> {
    let at = |event: &Event| match event {
        Event::Evaluated(Evaluated { step, .. }) => Some(step.0),
        _ => None,
    };
    let mut steps: Vec<u64> = events.iter().filter_map(at).collect();
    steps.dedup();
    steps
}

fn lengths(events: &[Event]) -> Vec<LengthChanged> {
    let length = |event: &Event| match event {
        Event::LengthChanged(event) => Some(LengthChanged { at_ms: 0, ..event.clone() }),
        _ => None,
    };
    events.iter().filter_map(length).collect()
}

fn length(step: u64, steps: u64, steps_per_epoch: u64, counts_steps: bool) -> LengthChanged {
    LengthChanged { at_ms: 0, step: Step(step), steps, steps_per_epoch, counts_steps }
}

/// Updates, epochs and the expected number of updates after each step, as a screen shows them.
fn shown(events: &[Event]) -> Vec<(u64, f32, u64)> {
    let mut run = state::Run::new(None);
    let mut shown = Vec::new();
    for event in events {
        run.apply(event);
        if matches!(event, Event::StepDone(_)) {
            shown.push((run.step.0, run.epochs().unwrap(), run.plan.steps));
        }
    }
    shown
}

#[test]
fn a_run_whose_corpus_is_muted_has_evaluations_and_an_end() {
    let tiny = desk("all", 3);
    // Two steps of `fine`, then `coarse` alone.
    let run = tiny.train(&orders(&[(2, &[mute("fine", true)]), (20, &[])]));
    assert_eq!(run.ended.step, Step(12));
    assert!(run.steps()[2..].iter().all(|step| !step.draws.contains_key("fine")));
    assert_eq!(evaluated_at(&run.events), [4, 8, 12]);
    assert_eq!(run.checkpoint("last").step(), Step(12));
    assert_eq!(lengths(&run.events), [length(2, 12, 4, true)]);
    let shown = shown(&run.events);
    assert_eq!(shown[1..4], [(2, 0.5, 12), (3, 0.75, 12), (4, 1.0, 12)]);
    assert_eq!(shown.last(), Some(&(12, 3.0, 12)));

    let again = tiny.train_with(&[], moves_of(&run));
    assert_eq!((again.ended.reason, again.ended.step), (Reason::Epochs, Step(12)));
    assert_eq!(run.steps(), again.steps());
    assert_eq!(run.checkpoint("last"), again.checkpoint("last"));
    assert_eq!(lengths(&again.events), lengths(&run.events));
}

#[test]
fn unmuted_again_the_rest_of_the_epoch_is_drawn() {
    let tiny = desk("all", 2);
    let unmuted = [mute("fine", false)];
    let run = tiny.train(&orders(&[(1, &[mute("fine", true)]), (2, &unmuted), (20, &[])]));
    assert_eq!(run.ended.step, Step(8));
    assert_eq!(evaluated_at(&run.events), [4, 8]);
    let drawn = run.steps().iter().filter(|step| step.draws.contains_key("fine")).count();
    assert_eq!(drawn, 6);
    assert_eq!(lengths(&run.events), [length(1, 8, 4, true), length(3, 8, 4, false)]);
    assert_eq!(shown(&run.events).last(), Some(&(8, 2.0, 8)));
}

#[test]
fn a_run_that_is_continued_counts_on() {
    let moves =
        || moves_of(&desk("all", 2).train(&orders(&[(2, &[mute("fine", true)]), (3, &[])])));
    let whole = desk("all", 5).train_with(&[], moves());
    let first = desk("all", 2).train_with(&[], moves());
    assert_eq!((first.ended.reason, first.ended.step), (Reason::Epochs, Step(8)));

    let mut setup = desk("all", 5).setup(first.folder(), Moves::default());
    setup.moves = None;
    setup.opening = Opening::Continued(TrainingSession {
        left_behind: auxdesk::train::LeftBehind::default(),
        auxdesk: String::new(),
        threads: 1,
        device: String::new(),
        kernel: String::new(),
    });
    let saved = checkpoint::open(first.folder(), "last").unwrap().unwrap();
    let Channels { mut bus, recorder, screen, .. } = bus::channels();
    drop(screen);
    let ended = Trainer::resume(setup, &saved).unwrap().train(&mut bus);
    assert_eq!((ended.reason, ended.step), (Reason::Epochs, Step(20)));
    let events: Vec<Event> = recorder.try_iter().collect();
    let Event::Continued(continued) = &events[0] else { panic!("{:?}", events[0]) };
    assert_eq!((continued.step, continued.steps), (Step(8), 20));
    assert!(lengths(&events).is_empty(), "the length is that of the first event");
    let steps = |events: &[Event]| -> Vec<StepDone> {
        let step = |event: &Event| match event {
            Event::StepDone(step) => Some(StepDone { at_ms: 0, step_ms: 0, ..step.clone() }),
            _ => None,
        };
        events.iter().filter_map(step).collect()
    };
    assert_eq!(steps(&events), whole.steps()[8..]);
    assert_eq!(first.checkpoint("last"), whole.checkpoint("last"));
    let journal: Vec<Event> = first.events.iter().chain(&events).cloned().collect();
    assert_eq!(shown(&journal).last(), Some(&(20, 5.0, 20)));
}

/// With probability 0.8 a step draws `fine`: 5 steps per epoch. Alone it is drawn by every step.
#[test]
fn the_expected_length_follows_mutes_and_sampling() {
    let tiny = desk("{ kind = \"fixed\", draws = { fine = 0.8, coarse = 0.2 } }", 10);
    let uniform = Assignment::setting("train.sampling", Setting::Text("uniform".to_owned()));
    let run = tiny.train(&orders(&[
        (0, &[mute("coarse", true)]),
        (4, &[Assignment::gain("fine".into(), 0.5).into(), mute("coarse", false)]),
        (0, &[uniform.into()]),
        (1, &[]),
    ]));
    let Event::RunStarted(started) = &run.events[0] else { panic!("the first event") };
    assert_eq!((started.steps, started.steps_per_epoch), (50, 5));
    // After 4 steps 36 of 40 batches are left.
    let wanted = [length(0, 40, 4, false), length(4, 49, 5, false), length(4, 76, 8, false)];
    assert_eq!(lengths(&run.events), wanted);
    let text = state::describe(&lengths(&run.events)[1].clone().into(), &state::Run::new(None));
    assert_eq!(text.join("  "), "49 steps, 5 per epoch  from step 5");
}

/// A schedule that is yet to draw the corpus: the epochs are those of its draws alone.
#[test]
fn steps_before_a_schedule_draws_the_corpus_do_not_count() {
    let gain = "objective.fine.gain={ shape = \"step\", from = 0, to = 1, steps = 6 }";
    let sets = ["train.sampling=all".to_owned(), gain.to_owned()];
    let mut tiny = shipped_tiny("sentiment", SIZE, &sets);
    tiny.recipe.train.length = Length::Epochs(2);
    let run: Run = tiny.train(&[]);
    assert_eq!((run.ended.reason, run.ended.step), (Reason::Epochs, Step(14)));
    assert_eq!(evaluated_at(&run.events), [10, 14]);
    assert!(run.steps().iter().all(|step| step.epochs.is_none()));
}
