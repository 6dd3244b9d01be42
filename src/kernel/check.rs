//! Helpers of the kernels' tests: seeded values, comparison with tolerances, and finite
//! differences.

use candle_core::{Device, Result, Shape, Tensor, Var, backprop};
use rand::Rng;

use super::{
    Buffer, TargetBags,
    parameter::{Gradient, ParamGrads, ParamRef},
    to_vec,
};
use crate::data::{Purpose, draw};

/// `n` values, uniform within ±`scale` and determined by the name.
pub(crate) fn values(name: &str, n: usize, scale: f32) -> Vec<f32> {
    let mut draw = draw(1, Purpose::Init, name, 0);
    (0..n).map(|_| draw.random_range(-scale..scale)).collect()
}

/// A variable with values of [`values`].
pub(crate) fn var(name: &str, shape: impl Into<Shape>, scale: f32) -> Result<Var> {
    let shape = shape.into();
    Var::from_vec(values(name, shape.elem_count(), scale), shape, &Device::Cpu)
}

/// A parameter with values of [`values`] and a gradient store of its own.
pub(crate) fn weight(name: &str, shape: impl Into<Shape>, scale: f32) -> Result<ParamRef> {
    weight_of(var(name, shape, scale)?.as_tensor())
}

/// A parameter with the given values and a gradient store of its own.
pub(crate) fn weight_of(values: &Tensor) -> Result<ParamRef> {
    Ok(ParamRef::new(Var::from_tensor(values)?, 0, ParamGrads::new()?))
}

/// A tensor with respect to which a gradient can be computed.
pub(crate) trait Variable {
    /// Its values.
    fn var(&self) -> &Var;
    /// The gradient that a backward pass has accumulated for it.
    fn gradient(&self, store: &backprop::GradStore) -> Option<Tensor>;
}

impl Variable for Var {
    fn var(&self) -> &Var {
        self
    }

    fn gradient(&self, store: &backprop::GradStore) -> Option<Tensor> {
        store.get(self).cloned()
    }
}

impl Variable for ParamRef {
    fn var(&self) -> &Var {
        ParamRef::var(self)
    }

    /// From its gradient store, or from candle's where candle's own operations read the parameter.
    fn gradient(&self, store: &backprop::GradStore) -> Option<Tensor> {
        let (n, shape) = (self.var().elem_count(), self.var().shape());
        let own = self.param_grads().take().into_values().next().map(|gradient| {
            let mut sums = Gradient::Dense(Buffer::zeros(n));
            sums.add(shape.dims().last().copied().unwrap_or(1), gradient);
            let Gradient::Dense(sums) = sums else { unreachable!("dense and anything is dense") };
            Tensor::from_slice(&sums, shape, &Device::Cpu).unwrap()
        });
        own.or_else(|| store.get(self.var()).cloned())
    }
}

/// `n` labels below `n_labels`.
pub(crate) fn labels(name: &str, n: usize, n_labels: usize) -> Vec<u32> {
    let mut draw = draw(1, Purpose::Init, name, 0);
    (0..n).map(|_| draw.random_range(0..n_labels) as u32).collect()
}

/// Bags of 1 to 4 classes, of which each has one in common with the next, and some have a class twice.
pub(super) fn bags(name: &str, rows: usize, classes: usize) -> TargetBags {
    let all = labels(name, 3 * rows + 1, classes);
    let bag = |row: usize| 3 * row..3 * row + 1 + (row + 3) % 4;
    TargetBags::new(all, (0..rows).map(bag).collect())
}

/// Panics unless every |found − expected| is at most `relative`·|expected| + `absolute`.
#[track_caller]
pub(crate) fn assert_close(found: &[f32], expected: &[f32], relative: f32, absolute: f32) {
    assert_eq!(found.len(), expected.len(), "numbers of elements");
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (found - expected).abs();
        // Not `off > bound`: a NaN must fail.
        assert!(off <= relative * expected.abs() + absolute, "{at}: {found}, expected {expected}");
    }
}

/// The same for tensors, whose shapes must be equal.
#[track_caller]
pub(crate) fn assert_tensors_close(
    found: &Tensor,
    expected: &Tensor,
    relative: f32,
    absolute: f32,
) {
    assert_eq!(found.shape(), expected.shape());
    assert_close(&to_vec(found).unwrap(), &to_vec(expected).unwrap(), relative, absolute);
}

/// The gradient of Σ factor · output with respect to each variable; the fixed factors differ
/// between outputs.
pub(crate) fn gradients(vars: &[&dyn Variable], output: &Tensor) -> Result<Vec<Tensor>> {
    let factors = var("factors", output.shape(), 1.0)?;
    let store = (output * factors.detach())?.sum_all()?.backward()?;
    let found = |var: &&dyn Variable| var.gradient(&store).expect("every variable has a gradient");
    Ok(vars.iter().map(found).collect())
}

/// Compares [`gradients`] with central differences, element by element.
///
/// The step is 0.01 and the sum over outputs is computed in f64. An output near 1 is rounded to
/// 6e-8, which contributes about 1e-5 to the difference; truncating the Taylor series after the
/// square contributes step²/6 of a third derivative near 1, 2e-5. The tolerance is 1e-2 of the
/// gradient plus 5e-4: far above both, and far below the effect of a missing term.
#[track_caller]
pub(crate) fn assert_differences(vars: &[&dyn Variable], output: impl Fn() -> Result<Tensor>) {
    const STEP: f32 = 0.01;
    let here = output().unwrap();
    let factors = values("factors", here.elem_count(), 1.0);
    let sum = || -> f64 {
        let output = to_vec(&output().unwrap()).unwrap();
        output.iter().zip(&factors).map(|(&y, &factor)| f64::from(y) * f64::from(factor)).sum()
    };
    for (var, gradient) in vars.iter().zip(gradients(vars, &here).unwrap()) {
        let var = var.var();
        let values = to_vec(var).unwrap();
        let set = |at: usize, value: f32| {
            let mut moved = values.clone();
            moved[at] = value;
            var.set(&Tensor::from_vec(moved, var.shape(), var.device()).unwrap()).unwrap();
        };
        let differences: Vec<f32> = (0..values.len())
            .map(|at| {
                let (above, below) = (values[at] + STEP, values[at] - STEP);
                set(at, above);
                let risen = sum();
                set(at, below);
                let fallen = sum();
                set(at, values[at]);
                ((risen - fallen) / f64::from(above - below)) as f32
            })
            .collect();
        assert_close(&to_vec(&gradient).unwrap(), &differences, 1e-2, 5e-4);
    }
}
