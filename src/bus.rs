//! The channels between the trainer and the other threads. The trainer waits for another thread in one place:
//! before it saves a checkpoint, until the journal holds every event so far ([`Bus::wait_until_written`]).
//!
//! Events go to the recorder over an unbounded channel, whose receiver only writes a file, and to
//! the screen over a bounded one. The screen may miss events, receives their number, and catches up
//! from the recorder's state ([`Feed`](crate::feed::Feed)). Commands are received between two
//! steps; the trainer interprets them.

mod written;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded, unbounded};

pub use written::Written;

use crate::protocol::{By, Command, CommandId, Event, SentCommand, event::ScreenMissed};

/// The number of events queued for the screen before it misses some.
pub const SCREEN_CAPACITY: usize = 1024;

/// An event for the screen, with its index in the run, from 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbered {
    /// The number of events sent to the recorder before it.
    pub number: u64,
    /// The event.
    pub event: Event,
}

/// Opens all channels of one run.
pub fn channels() -> Channels {
    channels_after(CommandId(0))
}

/// The channels of a run that is continued; command ids follow the last one.
pub fn channels_after(last: CommandId) -> Channels {
    let (to_recorder, recorder) = unbounded();
    // Two more places: for the number of missed events and for the last event, which must arrive.
    let (to_screen, screen) = bounded(SCREEN_CAPACITY + 2);
    let (to_trainer, commands) = unbounded();
    Channels {
        bus: Bus {
            recorder: Some(to_recorder),
            written: None,
            screen: Some(to_screen),
            commands,
            n_events: 0,
            missed: 0,
            missed_emitted: 0,
        },
        recorder,
        screen,
        commands: CommandSender { trainer: to_trainer, next: Arc::new(AtomicU64::new(last.0 + 1)) },
    }
}

/// The ends of a run's channels, each for the thread that uses it.
pub struct Channels {
    /// For the trainer.
    pub bus: Bus,
    /// For the recorder: every event; disconnects when the trainer drops its bus.
    pub recorder: Receiver<Event>,
    /// For the screen or the progress lines. Dropping it means that there is no receiver.
    pub screen: Receiver<Numbered>,
    /// For senders of commands: the desk, a test.
    pub commands: CommandSender,
}

/// The trainer's ends.
pub struct Bus {
    /// `None` once the recorder has disconnected.
    recorder: Option<Sender<Event>>,
    /// How far the recorder has come; `None` if there is none that writes a journal.
    written: Option<Written>,
    /// `None` once the screen has disconnected.
    screen: Option<Sender<Numbered>>,
    commands: Receiver<SentCommand>,
    /// Events sent to the recorder.
    n_events: u64,
    missed: u64,
    missed_emitted: u64,
}

/// The result of waiting for a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Waited {
    /// A command.
    Command(SentCommand),
    /// No command within the time.
    TimedOut,
    /// All senders have disconnected; waiting again would spin.
    Disconnected,
}

impl Bus {
    /// Sends an event to recorder and screen. Never blocks, never panics.
    pub fn emit(&mut self, event: impl Into<Event>) {
        let event = event.into();
        let at_ms = event.at_ms();
        let is_last = matches!(event, Event::RunEnded(_));

        // The screen receives the number of missed events as soon as it accepts events again, and
        // the journal receives that event too. The last event, and the number missed until then,
        // always have room.
        let capacity = if is_last { SCREEN_CAPACITY + 2 } else { SCREEN_CAPACITY };
        let total = self.missed;
        if total > self.missed_emitted
            && self.send_to_screen(capacity, || ScreenMissed { at_ms, total }.into()) == Sent::Taken
        {
            self.missed_emitted = total;
            self.send_to_recorder(ScreenMissed { at_ms, total }.into());
        }
        if self.send_to_screen(capacity, || event.clone()) == Sent::Missed {
            self.missed += 1;
        }
        self.send_to_recorder(event);
    }

    /// What the recorder adds to, for [`Bus::wait_until_written`].
    pub fn written(&mut self) -> Written {
        self.written.get_or_insert_default().clone()
    }

    /// Waits until the journal holds all events emitted so far, or is no longer written. Returns at once if
    /// no recorder has asked for [`Bus::written`].
    pub fn wait_until_written(&self) {
        if let Some(written) = &self.written {
            written.wait_for(self.n_events);
        }
    }

    /// Whether the journal is no longer written. Known from the first event that the recorder did
    /// not receive.
    pub fn recorder_disconnected(&self) -> bool {
        self.recorder.is_none()
    }

    /// All commands received since the last call, oldest first.
    pub fn commands(&self) -> Vec<SentCommand> {
        self.commands.try_iter().collect()
    }

    /// Waits for one command while the run is paused.
    pub fn wait_for_command(&self, timeout: Duration) -> Waited {
        match self.commands.recv_timeout(timeout) {
            Ok(command) => Waited::Command(command),
            Err(RecvTimeoutError::Timeout) => Waited::TimedOut,
            Err(RecvTimeoutError::Disconnected) => Waited::Disconnected,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "an unbounded channel: sending never blocks")]
    fn send_to_recorder(&mut self, event: Event) {
        self.n_events += 1;
        if self.recorder.as_ref().is_some_and(|recorder| recorder.send(event).is_err()) {
            self.recorder = None;
        }
    }

    /// Sent before the recorder's, so that a screen which has received everything knows whether it
    /// missed any. The event is created only if there is a receiver and fewer than `capacity` events
    /// are queued.
    fn send_to_screen(&mut self, capacity: usize, event: impl FnOnce() -> Event) -> Sent {
        let Some(screen) = &self.screen else { return Sent::NoReceiver };
        if screen.len() >= capacity {
            return Sent::Missed;
        }
        match screen.try_send(Numbered { number: self.n_events, event: event() }) {
            Ok(()) => Sent::Taken,
            Err(TrySendError::Full(_)) => Sent::Missed,
            Err(TrySendError::Disconnected(_)) => {
                self.screen = None;
                Sent::NoReceiver
            }
        }
    }
}

#[derive(PartialEq)]
enum Sent {
    Taken,
    Missed,
    NoReceiver,
}

/// Sends commands to the trainer; clone it for every thread that sends some.
#[derive(Clone, Debug)]
pub struct CommandSender {
    trainer: Sender<SentCommand>,
    next: Arc<AtomicU64>,
}

impl CommandSender {
    /// Sends a command and returns the id that its answers will have; `None` if the trainer has
    /// disconnected. Never blocks.
    pub fn send(&self, by: By, command: impl Into<Command>) -> Option<CommandId> {
        self.send_undo(by, command, None)
    }

    /// Sends a command that undoes or redoes the changes of an earlier one.
    #[expect(clippy::disallowed_methods, reason = "an unbounded channel: sending never blocks")]
    pub fn send_undo(
        &self,
        by: By,
        command: impl Into<Command>,
        undoes: Option<CommandId>,
    ) -> Option<CommandId> {
        let id = CommandId(self.next.fetch_add(1, Ordering::Relaxed));
        let command = command.into();
        self.trainer.send(SentCommand { id, by, command, undoes }).ok().map(|()| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{
        Step,
        event::{Ended, Reason, Rewound, RunEnded},
    };

    fn emit(bus: &mut Bus, n_events: usize) {
        for at_ms in 0..n_events as u64 {
            bus.emit(Rewound { at_ms, to: Step(at_ms) });
        }
    }

    fn totals(events: impl Iterator<Item = Event>) -> Vec<u64> {
        let total = |event| match event {
            Event::ScreenMissed(event) => Some(event.total),
            _ => None,
        };
        events.filter_map(total).collect()
    }

    fn on_screen(screen: &Receiver<Numbered>) -> impl Iterator<Item = Event> {
        screen.try_iter().map(|numbered| numbered.event)
    }

    #[test]
    fn a_stalled_screen_never_blocks_the_trainer_and_receives_the_number_missed() {
        let Channels { mut bus, recorder, screen, .. } = channels();
        emit(&mut bus, SCREEN_CAPACITY + 10);
        assert_eq!(recorder.len(), SCREEN_CAPACITY + 10, "the journal misses nothing");
        assert_eq!(
            totals(recorder.try_iter()),
            [0u64; 0],
            "nobody to tell while the screen is stalled"
        );
        assert_eq!(totals(on_screen(&screen)), [0u64; 0]);

        emit(&mut bus, 2);
        assert_eq!(totals(recorder.try_iter()), [10]);
        assert_eq!(totals(on_screen(&screen)), [10]);
    }

    #[test]
    fn the_last_free_slot_is_for_the_number_of_missed_events() {
        let Channels { mut bus, screen, .. } = channels();
        emit(&mut bus, SCREEN_CAPACITY + 1);
        screen.recv().unwrap();
        emit(&mut bus, 1);
        assert_eq!(totals(on_screen(&screen)), [1]);
        emit(&mut bus, 1);
        assert_eq!(totals(on_screen(&screen)), [2]);
    }

    #[test]
    fn a_screen_that_stalls_to_the_end_receives_the_end_and_the_number_missed() {
        let Channels { mut bus, recorder, screen, .. } = channels();
        emit(&mut bus, SCREEN_CAPACITY + 1);
        bus.emit(RunEnded {
            at_ms: 9,
            step: Step(9),
            ended: Ended::Finished,
            reason: Reason::Steps,
            message: None,
        });
        for events in [recorder.try_iter().collect::<Vec<_>>(), on_screen(&screen).collect()] {
            let [.., missed, ended] = events.as_slice() else { panic!("two events at least") };
            assert_eq!(*missed, Event::from(ScreenMissed { at_ms: 9, total: 1 }));
            assert_eq!(ended.kind(), "run_ended");
        }
    }

    #[test]
    fn events_on_the_screen_have_their_index_in_the_journal() {
        let Channels { mut bus, recorder, screen, .. } = channels();
        emit(&mut bus, SCREEN_CAPACITY + 3);
        let first: Vec<Numbered> = screen.try_iter().collect();
        emit(&mut bus, 1);
        let events: Vec<Event> = recorder.try_iter().collect();
        let shown: Vec<Numbered> = first.into_iter().chain(screen.try_iter()).collect();
        assert_eq!(shown.len(), SCREEN_CAPACITY + 2);
        for Numbered { number, event } in shown {
            assert_eq!(event, events[number as usize]);
        }
    }

    #[test]
    fn a_disconnected_screen_misses_no_events() {
        let Channels { mut bus, recorder, screen, .. } = channels();
        drop(screen);
        emit(&mut bus, SCREEN_CAPACITY + 10);
        assert_eq!(recorder.len(), SCREEN_CAPACITY + 10);
        assert_eq!(totals(recorder.try_iter()), [0u64; 0]);
    }

    #[test]
    fn a_disconnected_recorder_is_noticed_at_the_next_event() {
        let Channels { mut bus, recorder, screen, .. } = channels();
        emit(&mut bus, 1);
        drop(recorder);
        assert!(!bus.recorder_disconnected());
        emit(&mut bus, 1);
        assert!(bus.recorder_disconnected());
        assert_eq!(screen.len(), 2, "the screen still hears");
    }

    #[test]
    fn waiting_for_the_journal_ends_when_it_holds_every_event_or_is_no_longer_written() {
        let Channels { mut bus, recorder, .. } = channels();
        emit(&mut bus, 2);
        bus.wait_until_written();
        let written = bus.written();
        let (has_waited, waited) = bounded(0);
        let trainer = std::thread::spawn(move || {
            bus.wait_until_written();
            drop(has_waited);
            emit(&mut bus, 1);
            bus.wait_until_written();
        });
        written.add(1);
        assert_eq!(waited.try_recv(), Err(crossbeam_channel::TryRecvError::Empty));
        written.add(1);
        assert_eq!(waited.recv(), Err::<(), _>(crossbeam_channel::RecvError));
        written.end();
        trainer.join().unwrap();
        assert_eq!(recorder.len(), 3);
    }

    #[test]
    fn commands_arrive_in_order_with_their_own_ids() {
        let Channels { bus, commands, .. } = channels();
        let other = commands.clone();
        let first = commands.send(By::Key, Command::Pause);
        let second = other.send(By::Remote, Command::Resume);
        assert_ne!(first, second);
        let ids: Vec<_> = bus.commands().into_iter().map(|sent| Some(sent.id)).collect();
        assert_eq!(ids, [first, second]);
        assert_eq!(bus.commands(), []);
    }

    #[test]
    fn waiting_reports_disconnection() {
        let Channels { bus, commands, .. } = channels();
        assert_eq!(bus.wait_for_command(Duration::ZERO), Waited::TimedOut);
        commands.send(By::Key, Command::Resume);
        assert!(matches!(bus.wait_for_command(Duration::ZERO), Waited::Command(_)));
        drop(commands);
        assert_eq!(bus.wait_for_command(Duration::ZERO), Waited::Disconnected);
    }

    #[test]
    fn sending_to_a_disconnected_trainer_returns_none() {
        let Channels { bus, commands, .. } = channels();
        drop(bus);
        assert_eq!(commands.send(By::Key, Command::Pause), None);
    }
}
