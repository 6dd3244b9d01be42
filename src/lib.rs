//! auxdesk: a mixing desk for multi-task learning in natural language processing.
//!
//! A main task is trained together with auxiliary objectives over one shared encoder. The trainer
//! tells [`protocol::Event`]s; journal, desk and replay are readers of them.

#[cfg(test)]
mod arbitrary;

pub mod app;
pub mod bus;
pub mod cli;
pub mod command;
pub mod data;
pub mod headless;
pub mod journal;
pub mod kernel;
pub mod keys;
pub mod metric;
pub mod mixer;
pub mod model;
pub mod objective;
pub mod protocol;
pub mod recipe;
pub mod recorder;
pub mod schedule;
pub mod state;
pub mod train;
