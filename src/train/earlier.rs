//! The gradients of the step before, for a rule that keeps them.

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, Result, Tensor, bail};

use super::{Gradients, Plan, apart::GradientsApart, loss::ObjectiveLoss};
use crate::{
    kernel::{Gradient, RowGradient},
    model::Parameters,
    protocol::event::Role,
};

/// The end of the name of the rows that a sparse gradient has.
const IDS: &str = ".ids";

/// The raw gradients of the objectives with respect to the shared parameters, by index in the recipe.
#[derive(Clone, Debug, Default)]
pub(super) struct EarlierGradients(BTreeMap<usize, Gradients>);

impl EarlierGradients {
    /// Those of a step.
    pub(super) fn of(losses: &[ObjectiveLoss], apart: &GradientsApart) -> Self {
        let shared = apart.shared();
        let of = |(loss, gradients): (&ObjectiveLoss, &Gradients)| {
            (loss.objective, gradients.restricted(shared))
        };
        Self(losses.iter().zip(apart.gradients()).map(of).collect())
    }

    /// The inner product of the main objective's gradient in the step that comes next with each of these, by index in the
    /// recipe; `None` if the step has no loss of the main objective, or if there are none.
    pub(super) fn products(
        &self,
        plan: &Plan,
        losses: &[ObjectiveLoss],
        apart: &GradientsApart,
    ) -> Option<BTreeMap<usize, f64>> {
        let is_main =
            |loss: &ObjectiveLoss| plan.recipe.objectives[loss.objective].role == Role::Main;
        let main = &apart.gradients()[losses.iter().position(is_main)?];
        let shared = apart.shared();
        let product = |(&at, earlier): (&usize, &Gradients)| {
            (at, main.product(earlier, shared.iter().copied()))
        };
        (!self.0.is_empty()).then(|| self.0.iter().map(product).collect())
    }

    /// As tensors by name, for a checkpoint.
    pub(super) fn tensors(&self, parameters: &Parameters) -> Result<BTreeMap<String, Tensor>> {
        let mut tensors = BTreeMap::new();
        for (objective, gradients) in &self.0 {
            for (number, parameter) in parameters.all().iter().enumerate() {
                let name = format!("{objective}.{number}");
                match gradients.get(number) {
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

    /// From what [`EarlierGradients::tensors`] returned.
    pub(super) fn from_tensors(
        tensors: &HashMap<String, Tensor>,
        parameters: &Parameters,
    ) -> Result<Self> {
        let mut all = BTreeMap::<usize, Gradients>::new();
        for (name, tensor) in tensors.iter().filter(|(name, _)| !name.ends_with(IDS)) {
            let numbers = name.split_once('.');
            let numbers = numbers.and_then(|(objective, number)| {
                Some((objective.parse::<usize>().ok()?, number.parse::<usize>().ok()?))
            });
            let parameter = numbers.and_then(|(_, number)| parameters.all().get(number));
            let (Some((objective, number)), Some(parameter)) = (numbers, parameter) else {
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
            gradients.set(number, gradient);
        }
        Ok(Self(all))
    }
}
