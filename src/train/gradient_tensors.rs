//! Gradients of objectives as tensors of a checkpoint: `OBJECTIVE.PARAMETER`, both by index, with the values in row-major
//! order. A sparse gradient of a table has only the rows that are not 0, and `OBJECTIVE.PARAMETER.ids` has their indices.

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, Result, Tensor, bail};

use super::Gradients;
use crate::{
    kernel::{Gradient, RowGradient},
    model::Parameters,
};

/// The end of the name of the rows that a sparse gradient has.
const IDS: &str = ".ids";

/// The gradients of these objectives, by name.
pub(super) fn of<'a>(
    all: impl IntoIterator<Item = (usize, &'a Gradients)>,
    parameters: &Parameters,
) -> Result<BTreeMap<String, Tensor>> {
    let mut tensors = BTreeMap::new();
    for (objective, gradients) in all {
        for (param_idx, parameter) in parameters.all().iter().enumerate() {
            let name = format!("{objective}.{param_idx}");
            match gradients.get(param_idx) {
                None => {}
                Some(Gradient::Dense(all)) => {
                    let shape = parameter.var.shape();
                    tensors.insert(name, Tensor::from_slice(all, shape, &Device::Cpu)?);
                }
                Some(Gradient::Rows(RowGradient { ids, rows })) => {
                    let shape = (ids.len(), rows.len() / ids.len().max(1));
                    tensors.insert(
                        format!("{name}{IDS}"),
                        Tensor::from_slice(ids, ids.len(), &Device::Cpu)?,
                    );
                    tensors.insert(name, Tensor::from_slice(rows, shape, &Device::Cpu)?);
                }
            }
        }
    }
    Ok(tensors)
}

/// The gradients in what [`of`] returned, by the index of their objective.
///
/// # Errors
/// A name or a shape is not that of a gradient with respect to one of these parameters.
pub(super) fn read(
    tensors: &HashMap<String, Tensor>,
    parameters: &Parameters,
) -> Result<BTreeMap<usize, Gradients>> {
    let mut all = BTreeMap::<usize, Gradients>::new();
    for (name, tensor) in tensors.iter().filter(|(name, _)| !name.ends_with(IDS)) {
        let indices = name.split_once('.').and_then(|(objective, param_idx)| {
            Some((objective.parse::<usize>().ok()?, param_idx.parse::<usize>().ok()?))
        });
        let parameter = indices.and_then(|(_, param_idx)| parameters.all().get(param_idx));
        let (Some((objective, param_idx)), Some(parameter)) = (indices, parameter) else {
            bail!("expected OBJECTIVE.PARAMETER, found {name:?}");
        };
        let values: Vec<f32> = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
        let shape = parameter.var.dims();
        let (n_rows, width) =
            (shape.first().copied().unwrap_or(1), shape.last().copied().unwrap_or(1));
        let ids = tensors.get(&format!("{name}{IDS}")).map(Tensor::to_vec1::<u32>);
        let (gradient, fits) = match ids.transpose()? {
            Some(ids) => {
                let fits = shape.len() == 2
                    && values.len() == ids.len() * width
                    && ids.iter().all(|id| (*id as usize) < n_rows);
                (Gradient::Rows(RowGradient { ids, rows: values }), fits)
            }
            None => (Gradient::Dense(values.as_slice().into()), tensor.dims() == shape),
        };
        if !fits {
            bail!("{name}: expected a gradient of shape {shape:?}, found {:?}", tensor.dims());
        }
        let gradients = all.entry(objective).or_insert_with(|| Gradients::none(parameters));
        gradients.set(param_idx, gradient);
    }
    Ok(all)
}
