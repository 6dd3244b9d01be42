//! Long journals: the result of replays, and what they must show.

mod journal;

use auxdesk::{
    journal::{FILE, Journal},
    protocol::{Event, Step},
    state::replay,
    tui::replay::{Player, SeekProgress},
};

use journal::Long;

/// Few enough steps for every test run, and enough for snapshots to be kept.
const LONG: Long = Long { steps: 12_000 };

fn finish(player: &mut Player) {
    while player.fold_some(1_000).unwrap() != SeekProgress::Arrived {}
}

#[test]
fn seeking_in_a_long_journal_equals_folding_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    LONG.write(&path);
    let journal = Journal::read(&path).unwrap();
    let mut player = Player::open(folder.path()).unwrap();
    player.seek_end().unwrap();
    finish(&mut player);
    assert_eq!(player.run(), &replay(&journal.header, &journal.events, None));
    let gap = LONG.gap();
    for at in [LONG.steps - 1, LONG.spike().0, gap.end, gap.start, 0, gap.start - 1] {
        player.seek_step(Step(at)).unwrap();
        finish(&mut player);
        let reported = replay(&journal.header, &journal.events, Some(Step(at)));
        assert_eq!(player.run(), &reported, "at step {at}");
    }
}

#[test]
fn a_long_journal_shows_its_spike_and_its_gap() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    LONG.write(&path);
    let (mut without, mut largest) = (Vec::new(), (0.0, Step(0)));
    for event in Journal::read(&path).unwrap().events {
        let Event::StepDone(event) = event else { continue };
        if !event.losses.contains_key(&Long::broken()) {
            without.push(event.step.0);
        }
        // The first steps have the largest losses except for the spike.
        let loss = event.losses[&Long::spiked()].get();
        if loss > largest.0 {
            largest = (loss, event.step);
        }
    }
    assert_eq!(without, LONG.gap().collect::<Vec<_>>());
    assert_eq!(largest.1, LONG.spike());
}
