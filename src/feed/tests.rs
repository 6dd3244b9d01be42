//! A screen that misses events at any point ends with the same state as the recorder.

use crossbeam_channel::{Sender, unbounded};
use proptest::prelude::*;

use super::*;
use crate::arbitrary;

fn feed() -> (Sender<Numbered>, SharedRun, Feed) {
    let (sender, receiver) = unbounded();
    let shared = SharedRun::new(Run::new(Some(&arbitrary::header())));
    let feed = Feed::new(receiver, shared.clone());
    (sender, shared, feed)
}

fn send(sender: &Sender<Numbered>, number: u64, event: &Event) {
    sender.try_send(Numbered { number, event: event.clone() }).unwrap();
}

/// Polls all available updates: the logged events, and whether the channel has disconnected.
fn drain(feed: &mut Feed, received: &mut Vec<Event>) -> bool {
    loop {
        match feed.poll() {
            Update::Event(event) => received.push(event),
            Update::CaughtUp(missed) => {
                assert!(missed.is_complete);
                received.extend(missed.entries.into_iter().map(|entry| entry.event));
            }
            Update::Empty => return false,
            Update::Disconnected => return true,
        }
    }
}

/// Steps and the like are not logged; of a total only the last counts.
fn is_logged(event: &Event) -> bool {
    !matches!(
        event,
        Event::StepDone(_)
            | Event::GradientsMeasured(_)
            | Event::ShadowShares(_)
            | Event::AffinitiesMeasured(_)
            | Event::PhasesTimed(_)
            | Event::ClassesScored(_)
            | Event::SamplesTaken(_)
            | Event::ScreenMissed(_)
            | Event::Rewound(_)
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_state_is_complete_whatever_is_missed_and_logged_events_occur_once(
        events in arbitrary::events(),
        missed in proptest::collection::vec(any::<bool>(), 1..64),
        lags in proptest::collection::vec(0..5_usize, 1..64),
    ) {
        // Rewound events are removed from the log too.
        let events: Vec<Event> =
            events.into_iter().filter(|event| !matches!(event, Event::Rewound(_))).collect();
        let (sender, shared, mut feed) = feed();
        let (mut received, mut n_recorded) = (Vec::new(), 0);
        for (at, event) in events.iter().enumerate() {
            if !missed[at % missed.len()] {
                send(&sender, at as u64, event);
            }
            // The recorder is some events behind, and the screen polls now and then.
            let lag = lags[at % lags.len()];
            while n_recorded + lag <= at {
                shared.apply(&events[n_recorded]);
                n_recorded += 1;
            }
            if lag % 2 == 0 {
                prop_assert!(!drain(&mut feed, &mut received));
            }
        }
        for event in &events[n_recorded..] {
            shared.apply(event);
        }
        drop(sender);
        prop_assert!(!drain(&mut feed, &mut received), "the recorder has not ended yet");
        shared.close();
        prop_assert!(drain(&mut feed, &mut received));

        let mut whole = Run::new(Some(&arbitrary::header()));
        for event in &events {
            whole.apply(event);
        }
        prop_assert_eq!(feed.run(), &whole);
        let received: Vec<&Event> = received.iter().filter(|event| is_logged(event)).collect();
        let expected: Vec<&Event> = events.iter().filter(|event| is_logged(event)).collect();
        prop_assert_eq!(received, expected);
    }
}

#[test]
fn events_missed_last_are_noticed_without_a_later_event() {
    let (sender, shared, mut feed) = feed();
    let events: [Event; 2] =
        [arbitrary::run_started().into(), arbitrary::step_done(1, "chunk", 2.0).into()];
    send(&sender, 0, &events[0]);
    for event in &events {
        shared.apply(event);
    }
    let mut received = Vec::new();
    assert!(!drain(&mut feed, &mut received));
    assert_eq!(received, events[..1]);
    assert_eq!(feed.run().step.0, 1);
}

#[test]
fn a_screen_whose_recorder_failed_continues_with_the_events_it_receives() {
    let (sender, shared, mut feed) = feed();
    send(&sender, 0, &arbitrary::run_started().into());
    send(&sender, 3, &arbitrary::step_done(3, "chunk", 1.0).into());
    assert!(!drain(&mut feed, &mut Vec::new()));
    assert_eq!(feed.run().step.0, 0, "the recorder may still get there");
    shared.close();
    drop(sender);
    assert!(drain(&mut feed, &mut Vec::new()));
    assert_eq!(feed.run().step.0, 3);
}
