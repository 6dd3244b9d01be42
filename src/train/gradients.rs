//! Gradients of a loss by every parameter that it reaches.

use candle_core::{Result, Tensor};

use crate::{
    kernel::{self, RowGradient},
    model::Parameters,
};

/// The gradient by one parameter.
#[derive(Clone, Debug)]
enum Gradient {
    /// By every number.
    Dense(Tensor),
    /// By some rows of a table; the other rows' is 0.
    Rows(RowGradient),
}

/// The gradients of one loss, by the parameters' numbers; none for what it does not reach.
#[derive(Clone, Debug)]
pub struct Gradients {
    all: Vec<Option<Gradient>>,
    widths: Vec<usize>,
}

impl Gradients {
    /// The gradients of a loss, a scalar.
    pub fn of(loss: &Tensor, parameters: &Parameters) -> Result<Self> {
        let store = loss.backward()?;
        let mut rows = parameters.sink().take();
        let mut all = Vec::new();
        for (number, parameter) in parameters.all().iter().enumerate() {
            all.push(match rows.remove(&number) {
                Some(parts) => Some(Gradient::Rows(together(parts, parameter.var.dim(1)?))),
                None => match store.get(&parameter.var) {
                    Some(gradient) => Some(Gradient::Dense(gradient.contiguous()?)),
                    None => None,
                },
            });
        }
        let width = |var: &Tensor| var.dims().last().copied().unwrap_or(1);
        let widths = parameters.all().iter().map(|parameter| width(&parameter.var)).collect();
        Ok(Self { all, widths })
    }

    /// Whether the loss reaches the parameter of that number.
    pub fn reaches(&self, number: usize) -> bool {
        self.all[number].is_some()
    }

    /// Writes the gradient by one parameter over `out`, which holds its numbers; `None` if the loss
    /// does not reach it.
    pub fn write(&self, number: usize, out: &mut Vec<f32>, n_numbers: usize) -> Result<Option<()>> {
        let Some(gradient) = &self.all[number] else { return Ok(None) };
        out.clear();
        match gradient {
            Gradient::Dense(gradient) => {
                kernel::read(gradient, |numbers| out.extend_from_slice(numbers))?;
            }
            Gradient::Rows(rows) => {
                out.resize(n_numbers, 0.0);
                let width = self.widths[number];
                for (&id, row) in rows.ids.iter().zip(rows.rows.chunks_exact(width)) {
                    out[id as usize * width..][..width].copy_from_slice(row);
                }
            }
        }
        Ok(Some(()))
    }

    /// The square of the global norm over the parameters with these numbers, summed in their order.
    pub fn squared_norm(&self, numbers: std::ops::Range<usize>) -> Result<f64> {
        self.product(self, numbers)
    }

    /// The inner product with another loss's gradients over the parameters with these numbers.
    pub fn product(&self, other: &Self, numbers: std::ops::Range<usize>) -> Result<f64> {
        let mut sum = 0.0;
        for number in numbers {
            sum += match (&self.all[number], &other.all[number]) {
                (Some(Gradient::Dense(ours)), Some(Gradient::Dense(theirs))) => {
                    kernel::read(ours, |ours| kernel::read(theirs, |theirs| dot(ours, theirs)))??
                }
                (Some(Gradient::Rows(ours)), Some(Gradient::Rows(theirs))) => {
                    rows_product(ours, theirs, self.widths[number])
                }
                (None, _) | (_, None) => 0.0,
                (Some(_), Some(_)) => {
                    unreachable!("a parameter is read as a table always or never")
                }
            };
        }
        Ok(sum)
    }
}

/// The sum of several row gradients, rows in order of first use.
fn together(mut parts: Vec<RowGradient>, width: usize) -> RowGradient {
    let mut sum = parts.remove(0);
    for part in parts {
        for (&id, row) in part.ids.iter().zip(part.rows.chunks_exact(width)) {
            if let Some(at) = sum.ids.iter().position(|&known| known == id) {
                for (sum, g) in sum.rows[at * width..].iter_mut().zip(row) {
                    *sum += g;
                }
            } else {
                sum.ids.push(id);
                sum.rows.extend_from_slice(row);
            }
        }
    }
    sum
}

/// Σ a·b in f64, so that the order matters to no digit that is shown.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0f64; 8];
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += f64::from(*a) * f64::from(*b);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    sums.iter().sum::<f64>() + rest
}

fn rows_product(ours: &RowGradient, theirs: &RowGradient, width: usize) -> f64 {
    let places: std::collections::HashMap<u32, usize> =
        theirs.ids.iter().enumerate().map(|(at, &id)| (id, at)).collect();
    let rows = ours.ids.iter().zip(ours.rows.chunks_exact(width));
    rows.map(|(id, row)| {
        places.get(id).map_or(0.0, |&at| dot(row, &theirs.rows[at * width..][..width]))
    })
    .sum()
}
