//! Parameters as operations read them, and where the gradients by them go.
//!
//! candle would fill a tensor with 0 and add to it for every parameter that an operation reads, and make
//! a dense gradient of a whole table, three times over. Here a backward pass leaves what it has in a
//! [`Sink`], by parameter; whoever called `backward` takes it out.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use candle_core::{DType, Device, Result, Tensor, Var, bail};

use super::{buffer::Buffer, slices};

/// The gradient by one parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Gradient {
    /// By every number, in row order.
    Dense(Buffer),
    /// By some rows of a table; the other rows' is 0.
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
    /// The sum over equal ids of rows of so many numbers.
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
    /// Adds another gradient by the same parameter, whose rows have so many numbers.
    pub fn add(&mut self, width: usize, other: Self) {
        match (self, other) {
            (Self::Dense(sums), Self::Dense(numbers)) => {
                for (sum, g) in sums.iter_mut().zip(&*numbers) {
                    *sum += g;
                }
            }
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

/// Where backward passes leave gradients, by the parameter's number.
#[derive(Clone, Debug)]
pub struct Sink {
    left: Arc<Mutex<BTreeMap<usize, Gradient>>>,
    anchor: Var,
}

impl Sink {
    /// An empty one.
    pub fn new() -> Result<Self> {
        Ok(Self { left: Arc::default(), anchor: Var::zeros(1, DType::F32, &Device::Cpu)? })
    }

    /// All that was left since the last call.
    pub fn take(&self) -> BTreeMap<usize, Gradient> {
        mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A variable of no meaning, for operations that read nothing but parameters: candle walks back
    /// through an operation only if one of its inputs is tracked.
    pub(super) fn anchor(&self) -> &Tensor {
        self.anchor.as_tensor()
    }
}

/// A parameter as operations read it. They give no gradient to candle but leave it in the sink.
#[derive(Clone, Debug)]
pub struct Weight {
    var: Var,
    number: usize,
    sink: Sink,
}

impl Weight {
    /// The parameter of that number.
    pub fn new(var: Var, number: usize, sink: Sink) -> Self {
        Self { var, number, sink }
    }

    /// Its variable.
    pub fn var(&self) -> &Var {
        &self.var
    }

    /// Its place among all parameters.
    pub fn number(&self) -> usize {
        self.number
    }

    pub(super) fn sink(&self) -> &Sink {
        &self.sink
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&[f32]) -> T) -> Result<T> {
        slices::read(self.var.as_tensor(), look)
    }

    /// Leaves a gradient by it, or adds it to one that was left before.
    pub(super) fn leave(&self, gradient: Gradient) -> Result<()> {
        let width = self.var.dims().last().copied().unwrap_or(1);
        if let Gradient::Dense(numbers) = &gradient
            && numbers.len() != self.var.elem_count()
        {
            bail!("a gradient of {} numbers by {:?}", numbers.len(), self.var.shape());
        }
        let mut left = self.sink.left.lock().unwrap_or_else(PoisonError::into_inner);
        match left.entry(self.number) {
            Entry::Vacant(entry) => drop(entry.insert(gradient)),
            Entry::Occupied(mut entry) => entry.get_mut().add(width, gradient),
        }
        Ok(())
    }
}
