//! Parameters by name, with initial values drawn from (seed, name).
//!
//! The stock variable builder draws from an unseeded generator and lists its variables in the order
//! of a hash map; here both values and order are functions of the recipe.

mod file;

use std::{collections::HashMap, ops::Range};

use candle_core::{DType, Result, Tensor, Var, bail};
use rand::Rng;

pub use file::{ParameterFileError, read};

use crate::{
    data::{Purpose, draw},
    kernel::{self, Device, PackedOutput, ParamGrads, ParamRef},
    model::Mode,
};

/// A trainable tensor.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name: the encoder's or objective's, then the layer's, with dots.
    pub name: String,
    /// Its values.
    pub var: Var,
    /// Whether it is an embedding table, whose rows are read by id.
    pub by_id: bool,
    /// Whether it keeps its values: it has no gradient.
    pub is_frozen: bool,
}

/// The maximum number of parameters of a system: deep stacks of layers in many encoders would take
/// minutes to be counted.
const MOST: usize = 100_000;

/// All trainable tensors of a system, in the order of their creation.
#[derive(Debug)]
pub struct Parameters {
    seed: u64,
    device: Device,
    all: Vec<Parameter>,
    /// The place of each in `all`, by name.
    by_name: HashMap<String, usize>,
    /// The shape of each, if parameters are counted instead of created.
    counted: Option<Vec<Vec<usize>>>,
    param_grads: ParamGrads,
}

impl Parameters {
    /// No parameters yet; initial values are drawn from this seed, the same for any device.
    pub fn new(seed: u64, device: &Device) -> Result<Self> {
        let (device, param_grads) = (device.clone(), ParamGrads::new()?);
        let (all, by_name) = (Vec::new(), HashMap::new());
        Ok(Self { seed, device, all, by_name, counted: None, param_grads })
    }

    /// Parameters that are only counted: each takes no memory, and a system built with them cannot
    /// compute anything.
    pub fn counting() -> Result<Self> {
        Ok(Self { counted: Some(Vec::new()), ..Self::new(0, &Device::Cpu)? })
    }

    /// The name and the shape of each parameter.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.all.iter().enumerate().map(|(at, parameter)| {
            let counted = self.counted.as_ref().map(|counted| counted[at].as_slice());
            (parameter.name.as_str(), counted.unwrap_or_else(|| parameter.var.dims()))
        })
    }

    /// Their device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// All parameters, in the order of their creation.
    pub fn all(&self) -> &[Parameter] {
        &self.all
    }

    /// Number of trainable parameters.
    pub fn n_elements(&self) -> usize {
        let trained = self.all.iter().filter(|parameter| !parameter.is_frozen);
        trained.map(|parameter| parameter.var.elem_count()).sum()
    }

    /// Freezes the parameters with these indices.
    pub fn freeze(&mut self, indices: Range<usize>) {
        self.all[indices].iter_mut().for_each(|parameter| parameter.is_frozen = true);
    }

    /// Freezes the parameter with this index, or trains it again.
    pub fn set_frozen(&mut self, param_idx: usize, is_frozen: bool) {
        self.all[param_idx].is_frozen = is_frozen;
    }

    /// The accumulated gradients with respect to parameters.
    pub fn param_grads(&self) -> &ParamGrads {
        &self.param_grads
    }

    /// The scope in which a part of the system creates its parameters.
    pub fn scope(&mut self, name: &str) -> Scope<'_> {
        Scope { parameters: self, prefix: name.to_owned(), shared: false }
    }

    /// The scope in which a part of the system finds parameters that another one has created, or
    /// creates them for it.
    pub fn shared_scope(&mut self, name: &str) -> Scope<'_> {
        Scope { parameters: self, prefix: name.to_owned(), shared: true }
    }
}

/// A prefix of names for parameters.
#[derive(Debug)]
pub struct Scope<'a> {
    parameters: &'a mut Parameters,
    prefix: String,
    /// Whether existing parameters are used.
    shared: bool,
}

impl Scope<'_> {
    /// The seed of initial values, which is that of the run.
    pub fn seed(&self) -> u64 {
        self.parameters.seed
    }

    /// Where its parameters are.
    pub fn device(&self) -> &Device {
        self.parameters.device()
    }

    /// The scope one level below.
    pub fn child(&mut self, name: &str) -> Scope<'_> {
        let prefix = format!("{}.{name}", self.prefix);
        Scope { prefix, parameters: self.parameters, shared: self.shared }
    }

    /// The scope of another part, for parameters of its own.
    pub fn sibling(&mut self, name: &str) -> Scope<'_> {
        Scope { parameters: self.parameters, prefix: name.to_owned(), shared: false }
    }

    /// The scope of another part, in which its parameters are found, or created for it.
    pub fn shared_sibling(&mut self, name: &str) -> Scope<'_> {
        Scope { parameters: self.parameters, prefix: name.to_owned(), shared: true }
    }

    /// A parameter with uniform initial values between −bound and bound.
    pub fn uniform(&mut self, name: &str, shape: &[usize], bound: f64) -> Result<ParamRef> {
        let name = format!("{}.{name}", self.prefix);
        if self.parameters.counted.is_some() {
            return self.make(name, Vec::new(), shape);
        }
        let mut draw = draw(self.parameters.seed, Purpose::Init, &name, 0);
        let n = shape.iter().product();
        let bound = bound as f32;
        let values = (0..n).map(|_| (2.0 * draw.random::<f32>() - 1.0) * bound).collect();
        self.make(name, values, shape)
    }

    /// A parameter with the given initial values.
    pub fn from_values(
        &mut self,
        name: &str,
        shape: &[usize],
        values: Vec<f32>,
    ) -> Result<ParamRef> {
        self.make(format!("{}.{name}", self.prefix), values, shape)
    }

    fn make(&mut self, name: String, values: Vec<f32>, shape: &[usize]) -> Result<ParamRef> {
        match self.parameters.find(&name) {
            Some(_) if !self.shared => panic!("two parameters are called {name:?}"),
            Some(there) if self.parameters.counted.is_some() => Ok(there),
            Some(there) if there.var().dims() != shape => {
                bail!("{name:?} is {:?}, and who shares it wants {shape:?}", there.var().shape())
            }
            Some(there) => Ok(there),
            None => self.parameters.make(name, values, shape),
        }
    }

    /// A linear layer: weights drawn uniformly within √(6 / (inputs + outputs)) (Glorot and Bengio
    /// 2010), biases 0.
    pub fn linear(&mut self, name: &str, inputs: usize, outputs: usize) -> Result<Linear> {
        let bound = (6.0 / (inputs + outputs) as f64).sqrt();
        self.linear_from_values(name, &[inputs, outputs], bound, vec![0.0; outputs])
    }

    /// A linear layer with weights (inputs, outputs) drawn uniformly within a bound, and these
    /// biases.
    pub fn linear_from_values(
        &mut self,
        name: &str,
        shape: &[usize; 2],
        bound: f64,
        bias: Vec<f32>,
    ) -> Result<Linear> {
        let mut scope = self.child(name);
        Ok(Linear {
            weight: scope.uniform("weight", shape, bound)?,
            bias: scope.from_values("bias", &[bias.len()], bias)?,
        })
    }

    /// A table of rows, drawn uniformly within √(3 / width), so that the norm of a row is near 1.
    pub fn table(&mut self, name: &str, rows: usize, width: usize) -> Result<Table> {
        let table = self.uniform(name, &[rows, width], (3.0 / width as f64).sqrt())?;
        self.parameters.all[table.index()].by_id = true;
        Ok(Table(table))
    }

    /// The parameters that another part has created, except embedding tables, with their names
    /// within that part.
    pub fn parameters_under(&self, part: &str) -> Vec<(String, ParamRef)> {
        self.under(part, |parameter| !parameter.by_id)
    }

    /// The same with embedding tables.
    pub fn parameters_and_tables_under(&self, part: &str) -> Vec<(String, ParamRef)> {
        self.under(part, |_| true)
    }

    fn under(&self, part: &str, is_wanted: impl Fn(&Parameter) -> bool) -> Vec<(String, ParamRef)> {
        let child = |name: &str| Some(name.strip_prefix(part)?.strip_prefix('.')?.to_owned());
        let of = |(index, parameter): (usize, &Parameter)| {
            let name = child(&parameter.name).filter(|_| is_wanted(parameter))?;
            Some((name, self.parameters.weight(index)))
        };
        self.parameters.all.iter().enumerate().filter_map(of).collect()
    }
}

impl Parameters {
    fn find(&self, name: &str) -> Option<ParamRef> {
        Some(self.weight(*self.by_name.get(name)?))
    }

    fn weight(&self, index: usize) -> ParamRef {
        ParamRef::new(self.all[index].var.clone(), index, self.param_grads.clone())
    }

    fn make(&mut self, name: String, values: Vec<f32>, shape: &[usize]) -> Result<ParamRef> {
        if self.all.len() == MOST {
            bail!(
                "expected at most {MOST} parameter tensors, those of all layers of encoders and \
                 objectives, found more, the first of them {name:?}; use fewer layers or encoders"
            );
        }
        let var = if let Some(counted) = &mut self.counted {
            counted.push(shape.to_vec());
            Var::zeros(1, DType::F32, &self.device)?
        } else {
            Var::from_vec(values, shape, &self.device)?
        };
        self.by_name.insert(name.clone(), self.all.len());
        self.all.push(Parameter { name, var, by_id: false, is_frozen: false });
        Ok(self.weight(self.all.len() - 1))
    }
}

/// y = x·W + b.
#[derive(Debug)]
pub struct Linear {
    /// W: (inputs, outputs).
    pub weight: ParamRef,
    /// b: (outputs).
    pub bias: ParamRef,
}

impl Linear {
    /// x (rows, inputs) to (rows, outputs).
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        kernel::linear(x, &self.weight, &self.bias)
    }

    /// The softmax cross-entropy of x (rows, inputs) with one target per row, for this layer:
    /// (rows).
    pub fn cross_entropy(&self, x: &Tensor, targets: Vec<u32>) -> Result<Tensor> {
        kernel::cross_entropy(x, &self.weight, &self.bias, targets)
    }

    /// The same without a gradient, and the class with the largest logit of each row: (rows) each.
    pub fn cross_entropy_and_argmax(
        &self,
        x: &Tensor,
        targets: Vec<u32>,
    ) -> Result<(Tensor, Vec<u32>)> {
        kernel::cross_entropy_and_argmax(x, &self.weight, &self.bias, targets)
    }
}

/// An embedding table.
#[derive(Debug)]
pub struct Table(ParamRef);

impl Table {
    /// The rows with these ids: (ids, width).
    pub fn forward(&self, ids: Vec<u32>, mode: Mode) -> Result<Tensor> {
        kernel::embedding(&self.0, ids, mode != Mode::Eval)
    }

    /// The rows with these ids of the table, followed by those of `fixed` (fixed rows, width),
    /// which are not trained: (ids, width).
    pub fn forward_with_fixed(&self, fixed: Vec<f32>, ids: Vec<u32>, mode: Mode) -> Result<Tensor> {
        kernel::embedding_with_fixed(&self.0, fixed, ids, mode != Mode::Eval)
    }

    /// All rows of the table, which require a gradient if x does: (rows, width).
    pub fn all_rows_for(&self, x: &Tensor) -> Result<Tensor> {
        let ids = (0..self.rows().dim(0)? as u32).collect();
        kernel::embedding(&self.0, ids, x.track_op())
    }

    /// The loss of each row of x (rows, width) with its target, where the rows of the table are the
    /// weights of the classes: (rows).
    pub fn cross_entropy(&self, x: &Tensor, bias: &ParamRef, targets: Vec<u32>) -> Result<Tensor> {
        kernel::cross_entropy_tied(x, &self.0, bias, targets)
    }

    /// The output layer of a search, likewise.
    pub fn packed_output(&self, bias: &ParamRef) -> Result<PackedOutput> {
        PackedOutput::tied(&self.0, bias)
    }

    /// The values of all rows: (rows, width).
    pub fn rows(&self) -> &Tensor {
        self.0.var().as_tensor()
    }

    /// Sets the initial values of all rows, one row after the other.
    pub fn set(&self, rows: Vec<f32>) -> Result<()> {
        let var = self.0.var();
        var.set(&Tensor::from_vec(rows, var.shape(), var.device())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_by_name_and_bounded_in_number() {
        let mut parameters = Parameters::counting().unwrap();
        let make = |parameters: &mut Parameters, at: usize| {
            parameters
                .scope("e")
                .from_values(&at.to_string(), &[2], Vec::new())
                .map(|it| it.index())
        };
        for at in 0..MOST {
            assert_eq!(make(&mut parameters, at).unwrap(), at);
        }
        let shared = parameters.shared_scope("e").from_values("7", &[2], Vec::new()).unwrap();
        assert_eq!(shared.index(), 7);
        let error = make(&mut parameters, MOST).unwrap_err().to_string();
        assert!(error.contains("expected at most 100000 parameter tensors"), "{error}");
    }
}
