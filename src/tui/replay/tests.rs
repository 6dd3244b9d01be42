use std::{fs::OpenOptions, io::Write};

use proptest::prelude::*;

use super::*;
use crate::{
    arbitrary,
    journal::Writer,
    protocol::{Event, event::Reason, event::RunEnded},
    state::replay,
};

/// A small distance between snapshots, so that seeking back uses all of its strategies.
const FEW_LINES: u64 = 300;

struct Replay {
    player: Player,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

fn opened(events: &[Event]) -> Replay {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(journal::FILE);
    let mut writer = Writer::create(&path, &arbitrary::header()).unwrap();
    for event in events {
        writer.push(event);
    }
    writer.flush().unwrap();
    let mut player = Player::open(folder.path()).unwrap();
    player.near = FEW_LINES;
    Replay { player, path, _folder: folder }
}

/// Ten steps of 10 ms each.
fn ten_steps() -> Vec<Event> {
    let steps = (1..=10).map(|step| arbitrary::step_done(step, "chunk", 1.0 / step as f32).into());
    std::iter::once(arbitrary::run_started().into()).chain(steps).collect()
}

fn ended() -> Event {
    let (at_ms, step, reason) = (101, Step(10), Reason::Steps);
    RunEnded { at_ms, step, ended: reason.ended(), reason, message: None }.into()
}

fn finish(player: &mut Player, n_events: usize) {
    let mut before = 0;
    while let SeekProgress::Seeking { done, all } = player.fold_some(n_events).unwrap() {
        assert!(player.is_seeking() && before <= done && done <= all);
        before = done;
    }
    assert!(!player.is_seeking());
}

fn step(player: &Player) -> u64 {
    player.run().step.0
}

/// The state after a number of step events.
fn counted(events: &[Event], n_steps: u64) -> Run {
    let mut run = Run::new(Some(&arbitrary::header()));
    let mut n_done = 0;
    let is_told = |event: &&Event| {
        n_done += u64::from(matches!(event, Event::StepDone(_)));
        n_done <= n_steps
    };
    events.iter().take_while(is_told).for_each(|event| run.apply(event));
    run
}

#[derive(Clone, Copy, Debug)]
enum SeekRequest {
    Step(Step),
    End,
    Forward(u64),
    Back(u64),
}

fn seek_request() -> impl Strategy<Value = SeekRequest> {
    prop_oneof![
        4 => (0u64..45).prop_map(|step| SeekRequest::Step(Step(step))),
        1 => Just(SeekRequest::End),
        2 => (0u64..4).prop_map(SeekRequest::Forward),
        2 => (0u64..4).prop_map(SeekRequest::Back),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_seek_ends_with_the_fold_of_the_events_up_to_it(
        events in arbitrary::events(),
        wishes in proptest::collection::vec(seek_request(), 1..12),
        n_events in 1usize..20,
    ) {
        let mut replayed = opened(&events);
        let player = &mut replayed.player;
        let header = arbitrary::header();
        let n_steps = |run: &Player| run.position.n_steps;
        let in_all = counted(&events, u64::MAX);
        finish(player, n_events);
        prop_assert_eq!(player.run(), &replay(&header, &events, Some(Step(0))));
        for seek_request in wishes {
            let before = n_steps(player);
            let wanted = match seek_request {
                SeekRequest::Step(step) => {
                    player.seek_step(step).unwrap();
                    replay(&header, &events, Some(step))
                }
                SeekRequest::End => {
                    player.seek_end().unwrap();
                    in_all.clone()
                }
                SeekRequest::Forward(n_steps) => {
                    player.step_forward(n_steps).unwrap();
                    counted(&events, before + n_steps)
                }
                SeekRequest::Back(n_steps) => {
                    player.step_back(n_steps).unwrap();
                    counted(&events, before.saturating_sub(n_steps))
                }
            };
            finish(player, n_events);
            prop_assert_eq!(player.run(), &wanted, "{:?}", seek_request);
            prop_assert!(player.snapshots.len() <= 2);
        }
        player.seek_end().unwrap();
        finish(player, n_events);
        prop_assert!(player.is_at_end());
        prop_assert_eq!(player.left_out(), &LeftOut::default());
    }
}

#[test]
fn steps_during_a_seek_add_up() {
    let mut replayed = opened(&ten_steps());
    let player = &mut replayed.player;
    player.seek_step(Step(8)).unwrap();
    player.fold_some(2).unwrap();
    for _ in 0..3 {
        player.step_back(1).unwrap();
    }
    finish(player, 100);
    assert_eq!(step(player), 5);
    player.step_forward(1).unwrap();
    player.step_forward(2).unwrap();
    finish(player, 100);
    assert_eq!(step(player), 8);
}

#[test]
fn seeking_back_from_the_end_uses_a_snapshot() {
    let steps = (1..=200).map(|step| arbitrary::step_done(step, "chunk", 1.0).into());
    let mut replayed = opened(&steps.collect::<Vec<_>>());
    let player = &mut replayed.player;
    player.seek_end().unwrap();
    finish(player, 1000);
    player.step_back(1).unwrap();
    let begins = player.seek_from;
    assert!(player.n_bytes - begins <= 2 * FEW_LINES, "{begins} of {}", player.n_bytes);
    finish(player, 1000);
    assert_eq!(step(player), 199);

    // The same holds after a seek to any step.
    player.seek_step(Step(100)).unwrap();
    finish(player, 1000);
    let there = player.reader.n_bytes();
    player.step_back(1).unwrap();
    let begins = player.seek_from;
    assert!(there - begins <= 3 * FEW_LINES, "{begins} before {there}");
}

#[test]
fn play_applies_events_up_to_the_elapsed_time() {
    let mut replayed = opened(&ten_steps());
    let player = &mut replayed.player;
    finish(player, 100);
    let after = |player: &mut Player, elapsed_ms| {
        player.advance(elapsed_ms, 100).unwrap();
        step(player)
    };
    assert_eq!(after(player, 1000), 0, "it is held");
    player.play().unwrap();
    assert_eq!(after(player, 9), 0);
    assert_eq!(after(player, 1), 1);
    player.set_speed(player.speed().faster());
    assert_eq!(after(player, 10), 3);
    player.set_speed(Speed::nearest(0.25).unwrap());
    assert_eq!([after(player, 20), after(player, 20)], [3, 4]);
    player.toggle().unwrap();
    assert_eq!(after(player, 1000), 4);

    // A seek during playback continues from its target.
    player.toggle().unwrap();
    player.set_speed(Speed::ONE);
    player.seek_step(Step(7)).unwrap();
    assert_eq!([after(player, 500), after(player, 10)], [7, 8]);
    assert_eq!(after(player, 1000), 10);
    assert!(player.is_at_end());
}

#[test]
fn time_beyond_one_calls_limit_is_not_made_up() {
    let mut replayed = opened(&ten_steps());
    let player = &mut replayed.player;
    finish(player, 100);
    player.play().unwrap();
    player.advance(1_000_000, 3).unwrap();
    assert_eq!(step(player), 3);
    player.advance(10, 100).unwrap();
    assert_eq!(step(player), 4);
}

#[test]
fn play_at_the_end_starts_again_from_the_beginning() {
    let events: Vec<_> = ten_steps().into_iter().chain([ended()]).collect();
    let mut replayed = opened(&events);
    let player = &mut replayed.player;
    player.seek_end().unwrap();
    finish(player, 100);
    player.play().unwrap();
    player.advance(0, 100).unwrap();
    assert_eq!(step(player), 0);
    player.advance(20, 100).unwrap();
    assert_eq!(step(player), 2);
}

#[test]
fn a_growing_journal_is_followed() {
    let mut replayed = opened(&ten_steps());
    let Replay { player, path, .. } = &mut replayed;
    player.seek_end().unwrap();
    finish(player, 100);
    assert!(player.is_at_end());
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    let line = serde_json::to_string(&Event::from(arbitrary::step_done(11, "chunk", 0.1))).unwrap();
    let (first, rest) = line.split_at(40);
    file.write_all(first.as_bytes()).unwrap();
    player.advance(50, 100).unwrap();
    assert_eq!(step(player), 10);
    assert!(player.left_out().torn.is_some());
    file.write_all(rest.as_bytes()).unwrap();
    file.write_all(b"\n").unwrap();
    player.advance(50, 100).unwrap();
    assert_eq!(step(player), 11);
    assert!(player.left_out().torn.is_none() && player.fraction_read() == 1.0);

    // A seek to an earlier step stops following.
    player.seek_step(Step(3)).unwrap();
    finish(player, 100);
    player.advance(50, 100).unwrap();
    assert_eq!(step(player), 3);
}

#[test]
fn a_corrupt_line_is_reported_once_and_events_before_it_can_be_replayed() {
    let mut replayed = opened(&ten_steps());
    let Replay { player, path, .. } = &mut replayed;
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(b"bad\n").unwrap();
    player.seek_end().unwrap();
    let error = player.fold_some(100).unwrap_err().to_string();
    assert!(error.contains(":13: expected an event, found `bad`"), "{error}");
    finish(player, 100);
    assert_eq!(step(player), 10);
    player.step_back(2).unwrap();
    finish(player, 100);
    assert_eq!(step(player), 8);
}
