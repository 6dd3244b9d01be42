//! What an action asks for outside the view.

use super::pending::Request;
use crate::protocol::Step;

/// What is to be done outside the view.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send a command to the trainer, and tell the view its number with [`View::sent`](super::View::sent).
    Send(Request),
    /// Stop as SIGINT does.
    Interrupt,
    /// Stop the process until the shell continues it.
    Suspend,
    /// Leave the screen.
    Leave,
    /// Play, or hold.
    Play,
    /// Play faster, or slower.
    Speed(SpeedChange),
    /// Go to a place in the replay.
    Seek(Seek),
    /// Draw in the next theme.
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

/// A change of a replay's speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpeedChange {
    /// The next faster one.
    Up,
    /// The next slower one.
    Down,
}

/// A place in a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// Before the first step.
    Start,
    /// Everything told.
    End,
    /// So many steps on, or back.
    By(i64),
    /// A step.
    To(Step),
    /// The event after this.
    NextEvent,
    /// The event before this.
    PreviousEvent,
}
