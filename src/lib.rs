//! auxdesk: a mixing desk for multi-task learning in natural language processing.
//!
//! A main task is trained together with auxiliary objectives over one shared encoder. The trainer
//! emits [`protocol::Event`]s; journal, progress lines, desk and replay consume them.
//!
//! # What to read first
//!
//! - [`recipe`]: TOML to a checked [`recipe::Recipe`], and to the [`recipe::System`] it describes.
//! - [`train::Trainer`]: the loop, whose step is draw, forward, mix, backward, update.
//! - [`protocol::Event`] and [`state::Run::apply`]: the events of a run, and the state that they
//!   determine.
//! - [`objective::ObjectiveKind`], [`model::encoder::EncoderKind`], [`model::HeadKind`],
//!   [`data::read::Format`], [`mixer::WeightingKind`]: what to implement to add to what recipes may say.
//!
//! The library is the program's own, in parts that can be tested: its paths may change with any
//! version, unlike the command line, recipes, journals and summaries.
//!
//! # A shipped recipe
//!
//! ```
//! use auxdesk::recipe::{self, Overrides, RecipeSource};
//!
//! let source = RecipeSource::find("chunking")?;
//! let sets = vec!["objective.pos.gain=0.2".to_owned()];
//! let recipe = recipe::load(&source, &Overrides { sets, ..Overrides::default() })?;
//! assert_eq!(recipe.objectives[recipe.main()].name.as_str(), "chunk");
//!
//! let corpora = recipe.open()?;
//! assert_eq!(corpora[0].train.size().examples, 1200);
//! # Ok::<(), recipe::Faults>(())
//! ```

#[cfg(test)]
mod arbitrary;

pub mod app;
pub mod bus;
pub mod cli;
pub mod command;
pub mod data;
pub mod feed;
pub mod headless;
pub mod journal;
pub mod kernel;
pub mod keys;
pub mod live;
pub mod metric;
pub mod mixer;
pub mod model;
pub mod nearest;
pub mod objective;
pub mod printable;
pub mod process_memory;
pub mod protocol;
pub mod recipe;
pub mod recorder;
pub mod regular_file;
pub mod schedule;
pub mod state;
pub mod train;
pub mod tui;
