//! Warm start: parameters of encoders from the checkpoints of other runs, as in pretraining on a language model
//! (Ramachandran et al. 2017).
//!
//! An encoder with `from = RUN` starts from the encoder of its name in RUN: from its best checkpoint, or its last one
//! if it has no dev split. Every parameter must be there with the same shape; RUN may have more layers. The rows of
//! an embedding table are matched by their strings, as the two runs may have different vocabularies: a string in
//! RUN's table takes RUN's row, also in place of a vector of the encoder's own `vectors` file, and any other string
//! keeps the first values that it has without `from`; likewise the weights and the biases of the classes of a decoder. The
//! vectors that RUN read from a file are not taken.
//!
//! The kind and the keys that change what the parameters compute must be those of RUN's recipe; other keys that
//! differ are listed in the note. All of it is read and checked before a run's folder exists.

mod compare;

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fmt::Write as _,
    path::Path,
};

use candle_core::{Result, Tensor};

use super::checkpoint::{self, Checkpoint};
use crate::{
    data::Vocabulary,
    kernel,
    model::{Parameters, encoder::StringTable},
    protocol::{Step, event::WarmStarted},
    recipe::{self, EncoderSpec, FROM, FittedByOwner, Overrides, Recipe, RecipeSource, System},
};

/// First values of parameters from other runs.
#[derive(Debug, Default)]
pub struct WarmStart {
    values: Vec<(String, Values)>,
    started: Vec<WarmStarted>,
    notes: Vec<String>,
}

/// The values of a parameter.
#[derive(Debug)]
enum Values {
    /// All of them.
    All(Tensor),
    /// Those of the strings that another run knows too.
    Known {
        /// The parameter of that run.
        theirs: Tensor,
        /// The dimension along which the strings are.
        dimension: usize,
        /// The indices of strings that it knows, here and there.
        known: Vec<(usize, usize)>,
    },
}

impl WarmStart {
    /// Reads what the encoders of a recipe take from other runs; nothing if none has the key. The error names the
    /// key, what was expected and what was found.
    pub fn read(recipe: &Recipe, fitted: &FittedByOwner) -> std::result::Result<Self, String> {
        let mut warm_start = Self::default();
        let from = |encoder: &EncoderSpec| encoder.values.text_if_set(FROM).is_some();
        if !recipe.encoders.iter().any(from) {
            return Ok(warm_start);
        }
        let shapes = System::parameter_shapes(recipe, fitted).map_err(|error| error.to_string())?;
        let mut runs = BTreeMap::new();
        for encoder in &recipe.encoders {
            let Some(run) = encoder.values.text_if_set(FROM) else { continue };
            let prefix = format!("{}.", encoder.name);
            let own = shapes.iter().filter(|(parameter, _)| parameter.starts_with(&prefix));
            let added = warm_start.add(encoder, (run, &mut runs), &own.collect::<Vec<_>>(), fitted);
            added.map_err(|what| {
                let place = encoder.values.place(FROM);
                format!("{place}: `encoder.{}.{FROM}`: {what}", encoder.name)
            })?;
        }
        Ok(warm_start)
    }

    /// A line for each encoder, with what it starts from.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What each encoder starts from, for the first event.
    pub fn started(&self) -> &[WarmStarted] {
        &self.started
    }

    /// A digest of the parameters of each run, by its key in the recipe.
    pub fn digests(&self) -> BTreeMap<String, String> {
        let digest = |started: &WarmStarted| {
            (format!("encoder.{}.{FROM}", started.encoder), started.digest.clone())
        };
        self.started.iter().map(digest).collect()
    }

    /// Adds the parameters of an encoder, which have these shapes, from a run; each run is read once.
    fn add<'a>(
        &mut self,
        encoder: &EncoderSpec,
        (run, runs): (&'a str, &mut BTreeMap<&'a str, Source>),
        shapes: &[&(String, Vec<usize>)],
        fitted: &FittedByOwner,
    ) -> std::result::Result<(), String> {
        let name = &encoder.name;
        if shapes.is_empty() {
            return Err(format!(
                "expected an encoder with parameters, found one of kind {:?} without any; remove the key",
                encoder.kind.name()
            ));
        }
        let source = match runs.entry(run) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(place) => place.insert(Source::read(Path::new(run))?),
        };
        let differing = compare::encoders(encoder, &source.recipe, run)?;
        let owner = format!("encoder.{name}");
        let vocabulary = |fitted: &FittedByOwner, key: &str| {
            fitted.get(&owner).and_then(|fitted| fitted.vocabularies.get(key)).cloned()
        };
        let (mut n_strings, mut n_known, mut vocabularies) = (0, 0, BTreeSet::new());
        for (parameter, shape) in shapes {
            let Some(tensor) = source.values.get(parameter) else {
                return Err(format!(
                    "expected the parameter {parameter:?} in {run}, found none; set the keys of the encoder as they \
                     are there"
                ));
            };
            let mut tables = encoder.config.tables().iter();
            let table = tables.find(|table| *parameter == format!("{name}.{}", table.name));
            let Some(&StringTable { vocabulary: key, dimension, n_special, .. }) = table else {
                has_shape(parameter, tensor, shape)?;
                self.values.push((parameter.clone(), Values::All(tensor.clone())));
                continue;
            };
            let (own, theirs) = (vocabulary(fitted, key), vocabulary(&source.fitted, key));
            let (own, theirs) = (own.unwrap_or_default(), theirs.unwrap_or_default());
            let mut wanted = shape.clone();
            wanted[dimension] = theirs.len() + n_special;
            has_shape(parameter, tensor, &wanted)?;
            let known = known_strings(&own, &theirs, n_special);
            // Several parameters may have values for the strings of one vocabulary.
            if vocabularies.insert(key) {
                n_strings += own.len();
                n_known += known.len() - n_special;
            }
            let theirs = tensor.clone();
            self.values.push((parameter.clone(), Values::Known { theirs, dimension, known }));
        }
        let mut note = format!("encoder {name} starts from {run}, step {}", source.step.0);
        if n_strings > 0 {
            let _ =
                write!(note, "; {n_known} of {n_strings} rows of embedding tables are known there");
        }
        if !differing.is_empty() {
            let _ = write!(note, "; other values there: {}", differing.join(", "));
        }
        self.notes.push(note);
        self.started.push(WarmStarted {
            encoder: name.clone(),
            run: run.to_owned(),
            step: source.step,
            digest: source.digest.clone(),
        });
        Ok(())
    }

    /// Sets the first values of a system's parameters.
    pub fn apply(&self, parameters: &Parameters) -> Result<()> {
        let by_name: BTreeMap<&str, _> =
            parameters.all().iter().map(|it| (it.name.as_str(), &it.var)).collect();
        for (name, values) in &self.values {
            let Some(var) = by_name.get(name.as_str()) else { continue };
            match values {
                Values::All(tensor) => var.set(&tensor.to_device(var.device())?)?,
                Values::Known { theirs, dimension, known } => {
                    let [before, after] = [&var.dims()[..*dimension], &var.dims()[dimension + 1..]]
                        .map(|dims| dims.iter().product::<usize>());
                    let [n, n_theirs] = [var.dim(*dimension)?, theirs.dim(*dimension)?];
                    let (mut rows, theirs) =
                        (kernel::to_vec(var.as_tensor())?, kernel::to_vec(theirs)?);
                    for (outer, (at, there)) in
                        (0..before).flat_map(|outer| known.iter().map(move |pair| (outer, pair)))
                    {
                        let there = (outer * n_theirs + there) * after;
                        rows[(outer * n + at) * after..][..after]
                            .copy_from_slice(&theirs[there..][..after]);
                    }
                    var.set(&Tensor::from_vec(rows, var.shape(), var.device())?)?;
                }
            }
        }
        Ok(())
    }
}

/// A checkpoint of a run that others start from.
struct Source {
    recipe: Recipe,
    fitted: FittedByOwner,
    step: Step,
    digest: String,
    values: BTreeMap<String, Tensor>,
}

/// How often a checkpoint is read that a run replaces meanwhile.
const ATTEMPTS: usize = 3;

impl Source {
    /// Reads the checkpoint of a run; all of it is of one, if the run goes on.
    fn read(run: &Path) -> std::result::Result<Self, String> {
        for _ in 0..ATTEMPTS {
            let checkpoint = open(run)?;
            let source = Self::of(&checkpoint);
            if checkpoint.is_current() {
                return source;
            }
        }
        Err(format!(
            "expected a checkpoint that stays while it is read, found a new one in {} in each of {ATTEMPTS} attempts; \
             try again, or when the run has ended",
            run.display()
        ))
    }

    fn of(checkpoint: &Checkpoint) -> std::result::Result<Self, String> {
        let recipe = RecipeSource::File(checkpoint.recipe());
        let recipe = recipe::load_without_files(&recipe, &Overrides::default());
        Ok(Self {
            recipe: recipe.map_err(|faults| faults.to_string())?,
            fitted: checkpoint.state.fitted.clone(),
            step: checkpoint.state.step(),
            digest: checkpoint.digest().map_err(|error| format!("{error:#}"))?,
            values: checkpoint.values().map_err(|error| error.to_string())?,
        })
    }
}

/// The checkpoint of a run that others start from.
fn open(run: &Path) -> std::result::Result<Checkpoint, String> {
    for name in ["best", "last"] {
        let checkpoint = checkpoint::open(run, name).map_err(|error| error.to_string())?;
        if let Some(checkpoint) = checkpoint {
            return Ok(checkpoint);
        }
    }
    Err(format!("expected the folder of a run with a checkpoint, found none in {}", run.display()))
}

/// Whether a parameter has that shape in another run.
fn has_shape(parameter: &str, tensor: &Tensor, shape: &[usize]) -> std::result::Result<(), String> {
    if tensor.dims() == shape {
        return Ok(());
    }
    Err(format!(
        "expected {parameter:?} of shape {shape:?}, found {:?}; set the keys of the encoder as they are there",
        tensor.dims()
    ))
}

/// The indices of the strings that another run knows, here and there, after those of no string, which are the same.
fn known_strings(own: &Vocabulary, theirs: &Vocabulary, n_special: usize) -> Vec<(usize, usize)> {
    let known = own.iter().zip(n_special..);
    let known =
        known.filter_map(|((string, _), at)| Some((at, theirs.id(string)? as usize + n_special)));
    (0..n_special).map(|at| (at, at)).chain(known).collect()
}
