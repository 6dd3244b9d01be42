//! A desk that stalled during changes and evaluations afterwards shows the same as a replay of the
//! journal.

use std::{thread, time::Duration};

use auxdesk::{
    bus::{self, Channels, SCREEN_CAPACITY},
    feed::{Feed, SharedRun, Update},
    journal::{self, Journal, VERSION, Writer},
    protocol::{Assignment, By, Command, CommandId, Event, Header, Step, event::Reason},
    recorder::{Recording, record},
    state::{Run, Totals, replay},
    train::{Moves, Trainer},
    tui::{self, ColorWhen, Config, Environment, GlyphChoice, Look},
};

use crate::{
    runs::wait_until,
    tiny::{Size, shipped_tiny},
};

const SIZE: Size = Size { width: 4, examples: 16 };

/// Rounds of two changes, an evaluation and some steps.
const ROUNDS: u64 = 100;

const STEPS_A_ROUND: u64 = 3;

/// The header of a run that no program has started.
pub(crate) fn header() -> Header {
    Header {
        version: VERSION,
        auxdesk: "0.0.0".to_owned(),
        name: "chunking".to_owned(),
        seed: 1,
        threads: 1,
        device: "cpu".to_owned(),
        kernel: "any".to_owned(),
        started: "2026-01-02T03:04:05Z".to_owned(),
        parent: None,
    }
}

/// The desk's screen of a run.
fn screen(run: &Run) -> String {
    let config = Config::defaults(tui::actions());
    let look = Look::choose(ColorWhen::Never, GlyphChoice::Auto, &config, &Environment::default());
    tui::text(run, &config, &look, (120, 40))
}

/// Polls the feed until the given command is answered; returns the answered commands.
fn until(feed: &mut Feed, answer: CommandId) -> Vec<CommandId> {
    let mut answered = Vec::new();
    for _ in 0..60_000 {
        match feed.wait(Duration::from_millis(1)) {
            Update::Event(event) => answered.extend(event.answers()),
            Update::CaughtUp(missed) => {
                assert!(missed.is_complete);
                answered.extend(missed.entries.iter().filter_map(|entry| entry.event.answers()));
            }
            Update::Empty => {}
            Update::Disconnected => panic!("the run has ended"),
        }
        if answered.contains(&answer) {
            answered.dedup();
            return answered;
        }
    }
    panic!("no answer within a minute");
}

#[test]
fn a_desk_that_stalled_through_a_hundred_changes_shows_what_a_replay_shows() {
    let sets = ["train.steps=1000", "train.evaluate_every=1000"].map(str::to_owned);
    let tiny = shipped_tiny("chunking", SIZE, &sets);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(journal::FILE);
    let writer = Writer::create(&path, &header()).unwrap();
    let Channels { mut bus, recorder, screen: events, commands } = bus::channels();
    let shared = SharedRun::new(Run::new(Some(&header())));
    let mut feed = Feed::new(events, shared.clone());
    let mut trainer = Trainer::new(tiny.setup(folder.path(), Moves::default()));
    let send = |command: Command| commands.send(By::Key, command).unwrap();

    thread::scope(|scope| {
        let (totals, written) = (Totals::default(), bus.written());
        scope.spawn(move || {
            record(recorder, Recording { writer, shared: &shared, totals, written, alerts: None })
        });
        let mut sent = vec![send(Command::Pause)];
        for round in 0..ROUNDS {
            let gain = round as f32 / 10.0;
            sent.extend([
                send(Assignment::gain("pos".into(), gain).into()),
                send(Assignment::muted("next-word".into(), round % 3 == 0).into()),
                send(Command::Evaluate),
            ]);
            sent.extend((0..STEPS_A_ROUND).map(|_| send(Command::StepOnce)));
        }
        sent.push(send(Command::Note { text: "after the stall".to_owned() }));
        scope.spawn(move || trainer.train(&mut bus));

        // The desk does not poll until all of that has happened.
        let last = *sent.last().unwrap();
        let has_happened = || {
            let journal = Journal::read(&path).unwrap();
            journal.events.iter().any(|event| event.answers() == Some(last))
        };
        wait_until("the last command is answered", has_happened);
        assert_eq!(until(&mut feed, last), sent, "each is answered, in order");
        let shown = Journal::read(&path).unwrap();
        assert!(shown.events.len() > SCREEN_CAPACITY + 100, "{} events", shown.events.len());
        let replayed = replay(&shown.header, &shown.events, Some(Step(ROUNDS * STEPS_A_ROUND)));
        assert_eq!(*feed.run(), replayed);
        assert_eq!(screen(feed.run()), screen(&replayed));
        assert!(screen(feed.run()).contains("PAUSED"), "{}", screen(feed.run()));

        // It follows again, and says how many events it missed.
        let resumed = send(Command::StepOnce);
        until(&mut feed, resumed);
        assert!(feed.run().missed > 100);
        send(Command::Stop { reason: Reason::Key });
        while feed.run().ended.is_none() {
            feed.wait(Duration::from_millis(1));
        }
    });
    let journal = Journal::read(&path).unwrap();
    assert!(matches!(journal.events.last(), Some(Event::RunEnded(_))));
    let replayed = replay(&journal.header, &journal.events, None);
    assert_eq!(*feed.run(), replayed);
    assert_eq!(screen(feed.run()), screen(&replayed));
}
