//! The gradients of the step before: for a rule that keeps them, and for a measurement of how the main objective's gradient
//! in a step is aligned with those of the other objectives in the step before (Lin et al. 2019, "Adaptive Auxiliary Task
//! Weighting for Reinforcement Learning"). Where it is, the step before was one for the main objective too.

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, Result, Tensor, bail};

use super::{Gradients, Plan, loss::ObjectiveLoss};
use crate::{
    kernel::{Gradient, RowGradient},
    model::Parameters,
    protocol::{ObjectiveId, event::Role},
};

/// The cosines of alignments with the objectives other than the main one, by name.
pub(super) fn cosines(
    plan: &Plan,
    alignments: &BTreeMap<usize, Alignment>,
) -> BTreeMap<ObjectiveId, f32> {
    let others =
        alignments.iter().filter(|(at, _)| plan.recipe.objectives[**at].role != Role::Main);
    others.filter_map(|(&at, alignment)| Some((plan.name(at), alignment.cosine?))).collect()
}

/// The end of the name of the rows that a sparse gradient has.
const IDS: &str = ".ids";

/// The separate gradients of a step.
#[derive(Clone, Copy)]
pub(super) struct SeparateGradients<'a> {
    pub(super) losses: &'a [ObjectiveLoss],
    /// In the order of the losses.
    pub(super) gradients: &'a [Gradients],
    /// The indices of the shared parameters.
    pub(super) shared: &'a [usize],
    /// The indices of those that a measurement is over.
    pub(super) measured: &'a [usize],
}

/// The main objective's gradient in a step beside that of an objective in the step before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Alignment {
    /// The inner product over the shared parameters.
    pub(super) product: f64,
    /// Over those that a measurement is over; `None` where one of the two gradients is 0.
    pub(super) cosine: Option<f32>,
}

/// The gradients of the objectives with respect to the shared parameters, by index in the recipe: raw ones under a rule of
/// the gradients, else weighted ones, of which only the cosines are used.
#[derive(Clone, Debug, Default)]
pub(super) struct EarlierGradients(BTreeMap<usize, Gradients>);

impl EarlierGradients {
    /// Those of a step.
    pub(super) fn of(step: SeparateGradients<'_>) -> Self {
        let of = |(loss, gradients): (&ObjectiveLoss, &Gradients)| {
            (loss.objective, gradients.restricted(step.shared))
        };
        Self(step.losses.iter().zip(step.gradients).map(of).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of these beside the main objective's gradient in the step that comes next, by index in the recipe; `None` if
    /// that step has no loss of the main objective, or if there are none.
    pub(super) fn alignments(
        &self,
        plan: &Plan,
        step: SeparateGradients<'_>,
    ) -> Option<BTreeMap<usize, Alignment>> {
        let is_main =
            |loss: &ObjectiveLoss| plan.recipe.objectives[loss.objective].role == Role::Main;
        let main = &step.gradients[step.losses.iter().position(is_main)?];
        let over = || step.shared.iter().copied();
        let measured = || step.measured.iter().copied();
        let square = main.product(main, measured());
        let alignment = |(&at, earlier): (&usize, &Gradients)| {
            let product = main.product(earlier, over());
            let length = (square * earlier.product(earlier, measured())).sqrt();
            let cosine =
                (length > 0.0).then(|| (main.product(earlier, measured()) / length) as f32);
            (at, Alignment { product, cosine: cosine.filter(|cosine| cosine.is_finite()) })
        };
        (!self.0.is_empty()).then(|| self.0.iter().map(alignment).collect())
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
