//! Effects of an action outside the view.

use super::pending::Request;
use crate::protocol::Step;

/// An effect to carry out outside the view.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send a command to the trainer, and pass its id to [`View::sent`](super::View::sent).
    Send(Request),
    /// Stop as SIGINT does.
    Interrupt,
    /// Keep that the tour is over.
    EndTour,
    /// Train the run, which has ended, on.
    TrainOn(Extension),
    /// Stop the process until the shell continues it.
    Suspend,
    /// Leave the desk.
    Quit,
    /// Play or pause.
    Play,
    /// Change the playback speed.
    Speed(SpeedChange),
    /// Seek in the replay.
    Seek(Seek),
    /// Switch to the next theme.
    NextTheme,
}

impl Effect {
    /// A command to send, as the only effect.
    pub(super) fn send(request: impl Into<Request>) -> Vec<Self> {
        vec![Self::Send(request.into())]
    }

    /// A command to send, if there is one.
    pub(super) fn send_if(request: Option<Request>) -> Vec<Self> {
        request.map(Self::Send).into_iter().collect()
    }
}

/// How much longer a run that has ended is to be trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// A number of epochs more.
    Epochs(u64),
    /// A number of steps more.
    Steps(u64),
}

/// A change of a replay's speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpeedChange {
    /// The next higher speed.
    Up,
    /// The next lower speed.
    Down,
}

/// The target of a seek in a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// Before the first step.
    Start,
    /// The end of the journal.
    End,
    /// A number of steps forward or back.
    By(i64),
    /// A step.
    To(Step),
    /// The next event.
    NextEvent,
    /// The previous event.
    PreviousEvent,
}
