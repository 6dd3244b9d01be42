//! Who asked for a change of the settings.

use crate::protocol::{By, CommandId};

/// The sender of a command, and the id repeated in its answer; commands from `--moves` and changes by
/// a rule have no id.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) by: By,
    pub(super) id: Option<CommandId>,
    pub(super) undoes: Option<CommandId>,
}

impl Origin {
    /// A rule of training.
    pub(super) const RULE: Self = Self { by: By::Rule, id: None, undoes: None };
}
