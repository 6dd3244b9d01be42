//! The file of all parameters, in the safetensors format.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::{Path, PathBuf},
};

use candle_core::{DType, Result, Tensor};
use thiserror::Error;

use super::{Parameter, Parameters};
use crate::{kernel::Device, regular_file};

impl Parameters {
    /// Writes all parameters, by name, in the safetensors format.
    pub fn save(&self, path: &Path) -> Result<()> {
        let tensors = self
            .all
            .iter()
            .map(|parameter| (parameter.name.as_str(), parameter.var.as_tensor().clone()));
        candle_core::safetensors::save(&tensors.collect::<HashMap<_, _>>(), path)
    }

    /// Loads the values of all parameters from a file that [`Parameters::save`] wrote. A name that
    /// is missing or unknown, another shape or type, and a value that is not finite are errors.
    pub fn load(&self, path: &Path) -> std::result::Result<(), ParameterFileError> {
        let unfit = |what| ParameterFileError::Unfit { path: path.to_owned(), what };
        self.set_all(read(path)?).map_err(unfit)
    }

    fn set_all(&self, mut saved: BTreeMap<String, Tensor>) -> std::result::Result<(), String> {
        for Parameter { name, var, .. } in &self.all {
            let Some(tensor) = saved.remove(name) else {
                return Err(format!("expected a parameter {name:?}, found none"));
            };
            let (found, wanted) = (tensor.dims(), var.dims());
            if found != wanted {
                return Err(format!("expected {name:?} of shape {wanted:?}, found {found:?}"));
            }
            let set = || var.set(&tensor.to_device(&self.device)?);
            set().map_err(|error| error.to_string())?;
        }
        match saved.keys().next() {
            Some(name) => {
                Err(format!("found a parameter {name:?}, which the recipe does not have"))
            }
            None => Ok(()),
        }
    }
}

/// The values in a file that [`Parameters::save`] wrote, by name. Another type than f32, and a value that is not
/// finite, are errors.
pub fn read(path: &Path) -> std::result::Result<BTreeMap<String, Tensor>, ParameterFileError> {
    let bytes = regular_file::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ParameterFileError::Missing { path: path.to_owned() },
        _ => ParameterFileError::Unreadable { path: path.to_owned(), error },
    })?;
    checked(&bytes).map_err(|what| ParameterFileError::Unfit { path: path.to_owned(), what })
}

fn checked(bytes: &[u8]) -> std::result::Result<BTreeMap<String, Tensor>, String> {
    let saved = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)
        .map_err(|error| format!("expected a safetensors file, found another one ({error})"))?;
    let saved: BTreeMap<String, Tensor> = saved.into_iter().collect();
    for (name, tensor) in &saved {
        if tensor.dtype() != DType::F32 {
            let found = tensor.dtype().as_str();
            return Err(format!("expected {name:?} of type f32, found {found}"));
        }
        let n_wrong = n_non_finite(tensor).map_err(|error| error.to_string())?;
        if n_wrong > 0 {
            let n = tensor.elem_count();
            return Err(format!(
                "expected finite values, found {n_wrong} of {n} in {name:?} that are not"
            ));
        }
    }
    Ok(saved)
}

/// The number of values of a tensor that are NaN or infinite.
fn n_non_finite(tensor: &Tensor) -> Result<usize> {
    let values = tensor.flatten_all()?.to_vec1::<f32>()?;
    Ok(values.iter().filter(|value| !value.is_finite()).count())
}

/// Why a file of parameters was not loaded.
#[derive(Debug, Error)]
pub enum ParameterFileError {
    /// The file cannot be read.
    #[error("{path}: cannot be read: {error}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        error: io::Error,
    },
    /// It is missing.
    #[error(
        "{path}: expected the parameters of the checkpoint, found no such file; put it back, or start a new run",
        path = path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is damaged, or it has the parameters of another recipe.
    #[error("{path}: {what}", path = path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        what: String,
    },
}
