//! The types that both halves of auxdesk share: ids, losses, events, commands, reports.
//!
//! The trainer emits events ([`Event`]), the desk sends commands ([`Command`]), and the journal is
//! the events on disk. Nothing here reads a clock or uses tensors; the only computations are
//! metrics that all parts derive from the same counts ([`Counts`]).

pub mod change;
pub mod command;
pub mod control;
pub mod counts;
pub mod event;
pub mod id;
pub mod loss;
pub mod report;
pub mod summary;

pub use change::{Change, Changed};
pub use command::{Command, SentCommand};
pub use control::{Assignment, Control, ShareBy, Training};
pub use counts::Counts;
pub use event::{Event, Header};
pub use id::{By, CommandId, MetricId, ObjectiveId, Scene, Step};
pub use loss::Loss;
pub use report::Report;
pub use summary::Summary;
