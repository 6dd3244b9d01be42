//! Parameters as operations read them, and the store in which their gradients accumulate.
//!
//! For every parameter that an operation reads, candle's backward pass allocates a zero tensor and
//! adds to it, and it makes the gradient of an embedding table dense. Here a backward pass
//! accumulates gradients in [`ParamGrads`], by parameter, and the caller of `backward` takes them
//! out.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use candle_core::{DType, Device, Result, Tensor, Var, bail};

use super::{add::add, buffer::Buffer, slices};

/// The gradient with respect to one parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Gradient {
    /// With respect to every element, in row-major order.
    Dense(Buffer),
    /// With respect to some rows of a table; the gradient of every other row is 0.
    Rows(RowGradient),
}

/// The gradient of some rows of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowGradient {
    /// The rows, each once, in order of first use.
    pub ids: Vec<u32>,
    /// Their gradients, row after row.
    pub rows: Vec<f32>,
}

impl RowGradient {
    /// The sum of rows of `width` elements over equal ids.
    pub(super) fn of(width: usize, ids: &[u32], rows: &[f32]) -> Self {
        let mut sum = Self::default();
        sum.add(width, ids, rows);
        sum
    }

    fn add(&mut self, width: usize, ids: &[u32], rows: &[f32]) {
        let mut places: HashMap<u32, usize> =
            self.ids.iter().enumerate().map(|(place, &id)| (id, place)).collect();
        for (&id, row) in ids.iter().zip(rows.chunks_exact(width)) {
            let place = *places.entry(id).or_insert_with(|| {
                self.ids.push(id);
                self.rows.resize(self.rows.len() + width, 0.0);
                self.ids.len() - 1
            });
            for (sum, g) in self.rows[place * width..][..width].iter_mut().zip(row) {
                *sum += g;
            }
        }
    }
}

impl Gradient {
    /// Multiplies every element by a factor.
    pub fn scale(&mut self, factor: f32) {
        let values = match self {
            Self::Dense(values) => values.iter_mut(),
            Self::Rows(gradient) => gradient.rows.iter_mut(),
        };
        values.for_each(|g| *g *= factor);
    }

    /// Adds another gradient of the same parameter, whose rows have `width` elements.
    pub fn add(&mut self, width: usize, other: Self) {
        match (self, other) {
            (Self::Dense(sums), Self::Dense(values)) => add(sums, &values),
            (Self::Rows(sum), Self::Rows(rows)) => sum.add(width, &rows.ids, &rows.rows),
            (Self::Dense(sums), Self::Rows(rows)) => {
                for (&id, row) in rows.ids.iter().zip(rows.rows.chunks_exact(width)) {
                    for (sum, g) in sums[id as usize * width..].iter_mut().zip(row) {
                        *sum += g;
                    }
                }
            }
            (sum @ Self::Rows(_), dense @ Self::Dense(_)) => {
                let rows = mem::replace(sum, dense);
                sum.add(width, rows);
            }
        }
    }
}

/// Accumulated gradients, by the index of their parameter.
#[derive(Clone, Debug)]
pub struct ParamGrads {
    grads: Arc<Mutex<BTreeMap<usize, Gradient>>>,
    anchor: Var,
}

impl ParamGrads {
    /// An empty store.
    pub fn new() -> Result<Self> {
        Ok(Self { grads: Arc::default(), anchor: Var::zeros(1, DType::F32, &Device::Cpu)? })
    }

    /// Takes out all gradients accumulated since the last call.
    pub fn take(&self) -> BTreeMap<usize, Gradient> {
        mem::take(&mut *self.grads.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A dummy variable for operations whose only inputs are parameters: candle differentiates an
    /// operation only if one of its inputs is tracked.
    pub(super) fn anchor(&self) -> &Tensor {
        self.anchor.as_tensor()
    }
}

/// A parameter as operations read it. They give candle no gradient for it but accumulate its
/// gradient in its [`ParamGrads`].
#[derive(Clone, Debug)]
pub struct ParamRef {
    var: Var,
    index: usize,
    param_grads: ParamGrads,
}

impl ParamRef {
    /// The parameter with that index.
    pub fn new(var: Var, index: usize, param_grads: ParamGrads) -> Self {
        Self { var, index, param_grads }
    }

    /// Its variable.
    pub fn var(&self) -> &Var {
        &self.var
    }

    /// Its index among all parameters.
    pub fn index(&self) -> usize {
        self.index
    }

    pub(super) fn param_grads(&self) -> &ParamGrads {
        &self.param_grads
    }

    pub(super) fn read<T>(&self, f: impl FnOnce(&[f32]) -> T) -> Result<T> {
        slices::read(self.var.as_tensor(), f)
    }

    /// Adds to its accumulated gradient.
    pub(super) fn accumulate(&self, gradient: Gradient) -> Result<()> {
        let width = self.var.dims().last().copied().unwrap_or(1);
        if let Gradient::Dense(values) = &gradient
            && values.len() != self.var.elem_count()
        {
            bail!("a gradient of {} elements for {:?}", values.len(), self.var.shape());
        }
        let mut grads = self.param_grads.grads.lock().unwrap_or_else(PoisonError::into_inner);
        match grads.entry(self.index) {
            Entry::Vacant(entry) => drop(entry.insert(gradient)),
            Entry::Occupied(mut entry) => entry.get_mut().add(width, gradient),
        }
        Ok(())
    }
}

/// What a parameter is compared with.
pub(super) enum Other {
    /// Another parameter.
    Parameter(ParamRef),
    /// Values that are not trained.
    Constant(Tensor),
}

impl Other {
    /// Its values.
    pub(super) fn tensor(&self) -> &Tensor {
        match self {
            Self::Parameter(parameter) => parameter.var().as_tensor(),
            Self::Constant(constant) => constant,
        }
    }
}
