//! Warm start: parameters of encoders from the checkpoints of other runs, as in pretraining on a language model
//! (Ramachandran et al. 2017).
//!
//! An encoder with `from = RUN` starts from the encoder of its name in RUN: from its best checkpoint, or its last one
//! if it has no dev split. Every parameter must be there with the same shape; RUN may have more layers. The rows of
//! an embedding table are matched by their strings, as the two runs may have different vocabularies: a string that
//! RUN does not know keeps its random row. All of it is read before a run's folder exists.

use std::{collections::BTreeMap, path::Path};

use candle_core::{Result, Tensor};

use super::checkpoint::{self, Checkpoint};
use crate::{
    data::Vocabulary,
    model::Parameters,
    recipe::{EncoderSpec, FROM, FittedByOwner, Recipe, System},
};

/// First values of parameters from other runs.
#[derive(Debug, Default)]
pub struct WarmStart {
    values: Vec<(String, Values)>,
    notes: Vec<String>,
}

/// The values of a parameter.
#[derive(Debug)]
enum Values {
    /// All of them.
    All(Tensor),
    /// Rows of a table, by their index.
    Rows(Vec<(usize, Vec<f32>)>),
}

impl WarmStart {
    /// Reads what the encoders of a recipe take from other runs; nothing if none has the key. The error names the
    /// key, what was expected and what was found.
    pub fn read(recipe: &Recipe, fitted: &FittedByOwner) -> std::result::Result<Self, String> {
        let mut warm_start = Self::default();
        for encoder in &recipe.encoders {
            let Some(run) = encoder.values.text_if_set(FROM) else { continue };
            let added = warm_start.add(encoder, Path::new(run), recipe, fitted);
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

    fn add(
        &mut self,
        encoder: &EncoderSpec,
        run: &Path,
        recipe: &Recipe,
        fitted: &FittedByOwner,
    ) -> std::result::Result<(), String> {
        let (name, shown) = (&encoder.name, run.display());
        let checkpoint = open(run)?;
        let saved = checkpoint.values().map_err(|error| format!("{error:#}"))?;
        let sizes = System::parameter_sizes(recipe, fitted).map_err(|error| error.to_string())?;
        let prefix = format!("{name}.");
        if !saved.keys().any(|saved| saved.starts_with(&prefix)) {
            let mut others: Vec<&str> =
                saved.keys().filter_map(|saved| saved.split('.').next()).collect();
            others.dedup();
            let others = others.join(", ");
            return Err(format!(
                "expected an encoder named {name:?} in {shown}, found {others}; name it as it is there"
            ));
        }
        let owner = format!("encoder.{name}");
        let vocabulary = |fitted: &FittedByOwner, key: &str| {
            fitted.get(&owner).and_then(|fitted| fitted.vocabularies.get(key)).cloned()
        };
        let (mut n_rows, mut n_known) = (0, 0);
        for (parameter, n_elements) in sizes.iter().filter(|(own, _)| own.starts_with(&prefix)) {
            let Some(tensor) = saved.get(parameter) else {
                return Err(format!(
                    "expected the parameter {parameter:?} in {shown}, found none; set the keys of the encoder as \
                     they are there"
                ));
            };
            let shape = || format!("{:?}", tensor.dims());
            let mut tables = encoder.config.tables().iter();
            let table = tables.find(|(suffix, _)| *parameter == format!("{prefix}{suffix}"));
            let Some((_, key)) = table else {
                if tensor.elem_count() as u64 != *n_elements {
                    return Err(of_another_size(parameter, *n_elements, &shape()));
                }
                self.values.push((parameter.clone(), Values::All(tensor.clone())));
                continue;
            };
            let (own, theirs) =
                (vocabulary(fitted, key), vocabulary(&checkpoint.state.fitted, key));
            let (own, theirs) = (own.unwrap_or_default(), theirs.unwrap_or_default());
            let rows = tensor.to_vec2::<f32>().map_err(|error| error.to_string())?;
            let width = rows.first().map_or(0, Vec::len) as u64;
            if rows.len() != theirs.len() + 1 || width * (own.len() as u64 + 1) != *n_elements {
                return Err(of_another_size(parameter, *n_elements, &shape()));
            }
            let known = known_rows(&own, &theirs, &rows);
            n_rows += own.len();
            n_known += known.len() - 1;
            self.values.push((parameter.clone(), Values::Rows(known)));
        }
        let step = checkpoint.state.step().0;
        let rows = if n_rows > 0 {
            format!("; {n_known} of {n_rows} rows of embedding tables are known there")
        } else {
            String::new()
        };
        self.notes.push(format!("encoder {name} starts from {shown}, step {step}{rows}"));
        Ok(())
    }

    /// Sets the first values of a system's parameters.
    pub fn apply(&self, parameters: &Parameters) -> Result<()> {
        let by_name: BTreeMap<&str, _> =
            parameters.all().iter().map(|it| (it.name.as_str(), &it.var)).collect();
        for (name, values) in &self.values {
            let Some(var) = by_name.get(name.as_str()) else { continue };
            match values {
                Values::All(tensor) => {
                    if tensor.dims() != var.dims() {
                        candle_core::bail!(
                            "expected {name:?} of shape {:?}, found {:?}",
                            var.dims(),
                            tensor.dims()
                        );
                    }
                    var.set(&tensor.to_device(var.device())?)?;
                }
                Values::Rows(known) => {
                    let mut rows = var.to_vec2::<f32>()?;
                    for (at, row) in known {
                        rows[*at].clone_from(row);
                    }
                    var.set(&Tensor::new(rows, var.device())?)?;
                }
            }
        }
        Ok(())
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

fn of_another_size(parameter: &str, n_elements: u64, shape: &str) -> String {
    format!(
        "expected {parameter:?} with {n_elements} elements, found the shape {shape}; set the keys of the encoder as \
         they are there"
    )
}

/// The rows of a table whose strings another run knows, and row 0, that of the unknown string.
fn known_rows(own: &Vocabulary, theirs: &Vocabulary, rows: &[Vec<f32>]) -> Vec<(usize, Vec<f32>)> {
    let known = own.iter().zip(1..).filter_map(|((string, _), at)| {
        let row = theirs.id(string)? as usize + 1;
        Some((at, rows[row].clone()))
    });
    std::iter::once((0, rows[0].clone())).chain(known).collect()
}
