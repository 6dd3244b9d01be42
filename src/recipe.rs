//! Recipes: from TOML to a checked [`Recipe`]. All faults are reported at once, with file and line.
//!
//! ```text
//! text ─parse─► values with their lines ─set─► with --set applied ─check─► Recipe ─resolved─► text
//! ```
//!
//! Nothing here reads a corpus or creates a tensor: files are only checked to exist, and word lists
//! not to be empty.

mod alignment;
mod check;
mod copies;
mod corpus;
mod difference;
mod early_stopping;
mod encoder;
mod fault;
mod group;
mod guard;
mod input;
mod kind;
mod layers_reached;
mod lengths;
pub mod list;
mod memory;
mod missing;
mod names;
mod objective;
mod open;
pub mod optimizer;
mod parse;
mod paths;
mod predictions;
mod reach;
mod reads;
mod resolved;
mod set;
mod share;
pub mod shipped;
pub mod system;
mod tap;
mod train;
mod vectors;
mod warnings;
mod weighting;
mod whole;
mod word_lists;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

pub use corpus::{CorpusSpec, SplitSource};
pub use difference::Difference;
pub use early_stopping::{EarlyStopping, Freeze};
pub use encoder::EncoderSpec;
pub(crate) use encoder::FROM;
pub use fault::{Fault, Faults};
pub use group::Group;
pub use guard::Guard;
pub use input::Input;
pub use layers_reached::{LayersReached, ParameterOwner};
pub use memory::{MemoryNeeds, mib};
pub use objective::{GradientFlow, ObjectiveSpec};
pub use optimizer::OptimizerConfig;
pub(crate) use resolved::toml_text;
pub use system::{FittedByOwner, System, VectorsByEncoder, fit};
pub use tap::Tap;
pub use train::{Best, Evaluate, Length, Train};
pub use vectors::{BytesRead, Opened, digests as vector_digests, encoder_of as encoder_of_vectors};
pub use warnings::Warning;
pub use weighting::{shadow_weightings, weighting};

use crate::{
    data::{Corpus, stream::steps_per_epoch},
    keys::Place,
    nearest::hint,
    protocol::event::{Direction, Role},
    regular_file,
};
use fault::Diagnostics;

/// The configuration of a run: checked, with defaults filled in and paths resolved.
///
/// Two recipes are equal if their resolved texts are.
#[derive(Clone)]
pub struct Recipe {
    /// Its name, with which the names of run directories begin.
    pub name: String,
    /// A one-line description.
    pub about: String,
    /// The settings of the run as a whole.
    pub train: Train,
    /// The corpora, in the recipe's order.
    pub corpora: Vec<CorpusSpec>,
    /// The encoders, each after its inputs, otherwise in the recipe's order.
    pub encoders: Vec<EncoderSpec>,
    /// The objectives, in the recipe's order.
    pub objectives: Vec<ObjectiveSpec>,
}

impl PartialEq for Recipe {
    fn eq(&self, other: &Self) -> bool {
        self.resolved() == other.resolved()
    }
}

impl Recipe {
    /// The batch size, in examples, of the corpus with that index.
    pub fn batch_size(&self, corpus_idx: usize) -> usize {
        self.corpora[corpus_idx].batch_size.unwrap_or(self.train.batch_size)
    }

    /// The number of batches in an epoch of these corpora, of the one with the most; at least 1.
    pub(crate) fn n_batches(&self, indices: &[usize], corpora: &[Corpus]) -> u64 {
        let n_batches = |&at: &usize| steps_per_epoch(&corpora[at], self.batch_size(at));
        indices.iter().map(n_batches).max().unwrap_or_default().max(1)
    }

    /// The metric by which an objective's evaluations are compared: the one that selects the best
    /// checkpoint if it is that objective's, otherwise its first.
    pub(crate) fn tracked_metric(&self, objective_idx: usize) -> Option<(&str, Direction)> {
        let spec = &self.objectives[objective_idx];
        let best = &self.train.best;
        if spec.name == best.objective {
            return Some((best.metric.as_str(), best.direction));
        }
        let first = *spec.config.metrics().first()?;
        Some((first.name, first.direction))
    }

    /// The index of the main objective.
    pub fn main(&self) -> usize {
        let main = self.objectives.iter().position(|objective| objective.role == Role::Main);
        main.expect("a checked recipe has a main objective")
    }
}

/// The source of a recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipeSource {
    /// A recipe shipped with the program, by name.
    Shipped(&'static str),
    /// In a file.
    File(PathBuf),
}

impl RecipeSource {
    /// Resolves an argument: the name of a shipped recipe, or else the path of a file.
    pub fn find(text: &str) -> Result<Self, Faults> {
        if let Some((name, _)) = shipped::RECIPES.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Shipped(name));
        }
        let path = PathBuf::from(text);
        if path.is_file() {
            return Ok(Self::File(path));
        }
        let what = if path.is_dir() {
            "`this`: expected a TOML file, found a folder".to_owned()
        } else if path.exists() {
            "expected a TOML file, found a pipe or a device; save the recipe to a file".to_owned()
        } else {
            let hint = hint(text, shipped::RECIPES.iter().map(|(name, _)| *name));
            format!("no file of this path and no shipped recipe of this name{hint}")
        };
        Err(Faults::one(Place::File(text.into()), what))
    }
}

/// Command-line options that override a recipe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--set KEY=VALUE`, in the order given.
    pub sets: Vec<String>,
    /// `--seed`.
    pub seed: Option<u64>,
    /// `--steps`; replaces the recipe's epochs.
    pub steps: Option<u64>,
    /// `--epochs`; replaces the recipe's steps.
    pub epochs: Option<u64>,
}

/// Reads and checks a recipe.
pub fn load(source: &RecipeSource, overrides: &Overrides) -> Result<Recipe, Faults> {
    let (recipe, diagnostics) = read_and_check(source, overrides)?;
    diagnostics.finish()?;
    Ok(recipe.expect("a recipe without a fault is whole"))
}

/// Like [`load`], for a finished run: the files that the recipe names may no longer exist.
pub fn load_without_files(source: &RecipeSource, overrides: &Overrides) -> Result<Recipe, Faults> {
    let (recipe, mut diagnostics) = read_and_check(source, overrides)?;
    diagnostics.forget_content();
    diagnostics.finish()?;
    Ok(recipe.expect("a recipe without a fault is whole"))
}

fn read_and_check(
    source: &RecipeSource,
    overrides: &Overrides,
) -> Result<(Option<Recipe>, Diagnostics), Faults> {
    let (file, text, folder): (Arc<str>, _, _) = match source {
        RecipeSource::Shipped(name) => {
            let text = shipped::recipe(name).unwrap_or_default();
            ((*name).into(), text.to_owned(), PathBuf::new())
        }
        RecipeSource::File(path) => {
            let file: Arc<str> = path.to_string_lossy().into();
            let text = read(path).map_err(|what| Faults::one(Place::File(file.clone()), what))?;
            (file, text, path.parent().unwrap_or(Path::new("")).to_owned())
        }
    };
    let mut diagnostics = Diagnostics::default();
    let mut tree = parse::document(&text, &file, &mut diagnostics);
    set::apply(&mut tree, overrides, &mut diagnostics);
    let recipe = whole::check(&tree, &Place::File(file), &folder, &mut diagnostics);
    Ok((recipe, diagnostics))
}

/// The largest recipe in bytes.
const LARGEST: u64 = 16 << 20;

fn read(path: &Path) -> Result<String, String> {
    let bytes = regular_file::read_small(path, LARGEST)
        .map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| {
        format!("byte {} is not UTF-8; expected TOML, which is", error.utf8_error().valid_up_to())
    })
}
