//! The one test program: whole recipes, whole runs.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "test helpers may panic and are read in place"
)]

mod architecture;
mod broken;
mod cli;
mod exits;
mod leaks;
mod muted;
mod objectives;
mod optimisers;
mod orders;
mod recipes;
mod replay;
mod runs;
mod tiny;
mod twice;
