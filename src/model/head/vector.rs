//! Vector: a vector predicted from a row, ŷ = W·x + b or its tanh, and its distance from the vector y that it should be.
//!
//! The loss of row i, for a dimension of w:
//! - `squared`: Σ_d (ŷ_d − y_d)² / w;
//! - `absolute`: Σ_d |ŷ_d − y_d| / w;
//! - `cosine`: 1 − cos(ŷ, y);
//! - `margin`: Σ_{j≠i} [max(0, a − cos(ŷ_i, y_i) + cos(ŷ_i, y_j)) + max(0, a − cos(ŷ_i, y_i) + cos(ŷ_j, y_i))], where j is
//!   every other row with a target of the batch (Elliott and Kádár 2017; the second direction as in Kiros et al. 2014).
//!   It is a sum over these: it grows with the batch size.
//!
//! An objective divides the sum of the losses by the number of rows with a target. cos = ⟨ŷ, y⟩ / √((‖ŷ‖² + ε)·(‖y‖² + ε))
//! with ε = 10⁻⁴, as in `cosine.rs`.

use candle_core::{Result, Tensor};

use super::{HIDDEN, HeadConfig, HeadKind, ScoreLayers, cosine::unit_rows};
use crate::{
    kernel,
    keys::{Key, ValueType, Values},
    model::{parameters::Scope, tap::RowKind},
};

pub(super) struct Vector;

/// The key of the distance.
pub(crate) const DISTANCE: &str = "distance";

const ACTIVATION: &str = "activation";
const MARGIN: &str = "margin";

const KEYS: &[Key] = &[
    HIDDEN,
    Key::with_default(
        ACTIVATION,
        ValueType::Choice(&["none", "tanh"]),
        "\"none\"",
        "activation function of the predicted vector",
    ),
    Key::with_default(
        DISTANCE,
        ValueType::Choice(&["squared", "absolute", "cosine", "margin"]),
        "\"squared\"",
        "loss of a predicted vector: mean squared or absolute difference, 1 - cosine, or by how much less than the margin its cosine exceeds those of the other pairs in the batch",
    ),
    Key::with_default(MARGIN, ValueType::Number(0.0, 2.0), "0.1", "margin of that distance"),
];

impl HeadKind for Vector {
    fn name(&self) -> &'static str {
        "vector"
    }

    fn about(&self) -> &'static str {
        "a vector for each row, compared by squared or absolute difference, cosine or in-batch margin"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn works_on(&self, _on: RowKind) -> bool {
        true
    }

    fn supports_class_weights(&self) -> bool {
        false
    }

    fn configure(&self, values: &Values) -> HeadConfig {
        HeadConfig::Vector(VectorConfig {
            hidden: values.count(HIDDEN.name),
            has_tanh: values.text(ACTIVATION) == "tanh",
            distance: Distance::of(values),
        })
    }
}

/// How far a predicted vector is from its target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distance {
    /// The mean of the squared differences.
    Squared,
    /// The mean of the absolute differences.
    Absolute,
    /// 1 − the cosine.
    Cosine,
    /// The margin by which the cosine should exceed those of other pairs.
    Margin(f64),
}

impl Distance {
    /// That of a table with this head.
    pub(crate) fn of(values: &Values) -> Self {
        match values.text(DISTANCE) {
            "absolute" => Self::Absolute,
            "cosine" => Self::Cosine,
            "margin" => Self::Margin(values.number(MARGIN)),
            _ => Self::Squared,
        }
    }
}

/// The parsed options of a head for vectors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VectorConfig {
    /// The size of the tanh layer before the output; 0 for none.
    hidden: usize,
    /// Whether the output is a tanh.
    has_tanh: bool,
    distance: Distance,
}

/// Elements that a step holds for each pair of rows of a batch with the distance `margin`: cosines, two hinges, and
/// their gradients.
const PER_PAIR: u64 = 6;

impl VectorConfig {
    /// Creates a head that predicts vectors of the second dimension from rows of the first.
    pub fn build(self, scope: &mut Scope<'_>, [rows, vector]: [usize; 2]) -> Result<VectorHead> {
        let layers = ScoreLayers::new(scope, rows, self.hidden, vector)?;
        Ok(VectorHead { layers, has_tanh: self.has_tanh, distance: self.distance })
    }

    /// Elements that a step holds for so many pairs of rows of a batch, besides the rows.
    pub fn scratch(self, n_pairs: u64) -> u64 {
        match self.distance {
            Distance::Squared | Distance::Absolute | Distance::Cosine => 0,
            Distance::Margin(_) => n_pairs.saturating_mul(PER_PAIR),
        }
    }
}

/// A head for vectors, with its parameters.
pub struct VectorHead {
    layers: ScoreLayers,
    has_tanh: bool,
    distance: Distance,
}

impl VectorHead {
    /// The predicted vectors of x (rows, width): (rows, dimension).
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let vectors = self.layers.forward(x)?;
        if self.has_tanh { kernel::tanh(&vectors) } else { Ok(vectors) }
    }

    /// The loss of each predicted vector with its target (rows, dimension): (rows).
    pub fn losses(&self, predicted: &Tensor, targets: &Tensor) -> Result<Tensor> {
        match self.distance {
            Distance::Squared => (predicted - targets)?.sqr()?.mean(1),
            Distance::Absolute => (predicted - targets)?.abs()?.mean(1),
            Distance::Cosine => {
                (unit_rows(predicted)? * unit_rows(targets)?)?.sum(1)?.affine(-1.0, 1.0)
            }
            Distance::Margin(margin) => margin_losses(predicted, targets, margin),
        }
    }
}

fn margin_losses(predicted: &Tensor, targets: &Tensor, margin: f64) -> Result<Tensor> {
    let n = predicted.dim(0)?;
    let (predicted, targets) = (unit_rows(predicted)?, unit_rows(targets)?);
    let cosines = predicted.matmul(&targets.t()?.contiguous()?)?; // (rows, rows)
    let own = (predicted * targets)?.sum_keepdim(1)?; // (rows, 1)
    let others: Vec<f32> = (0..n * n).map(|at| if at / n == at % n { 0.0 } else { 1.0 }).collect();
    let others = Tensor::from_vec(others, (n, n), cosines.device())?;
    // Of the element (i, j) by how much pair i falls short of the margin over prediction i with target j; in the other
    // direction pair j over prediction i with its target.
    let by_target = cosines.broadcast_sub(&own)?.affine(1.0, margin)?.relu()?;
    let by_prediction = cosines.broadcast_sub(&own.t()?)?.affine(1.0, margin)?.relu()?;
    (by_target * &others)?.sum(1)? + (by_prediction * &others)?.sum(0)?
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::{kernel::to_vec, model::Parameters};

    fn rows<const W: usize>(rows: &[[f32; W]]) -> Var {
        Var::from_vec(rows.concat(), (rows.len(), W), &Device::Cpu).unwrap()
    }

    fn config(distance: Distance) -> VectorConfig {
        VectorConfig { hidden: 0, has_tanh: false, distance }
    }

    fn losses(distance: Distance, predicted: &Tensor, targets: &Tensor) -> Vec<f32> {
        let mut parameters = Parameters::new(1, &Device::Cpu).unwrap();
        let head = config(distance).build(&mut parameters.scope("p"), [2, 2]).unwrap();
        to_vec(&head.losses(predicted, targets).unwrap()).unwrap()
    }

    #[track_caller]
    fn assert_near(found: &[f32], wanted: &[f32]) {
        assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-3, "{found}, expected {wanted}");
        }
    }

    #[test]
    fn differences_and_cosines_by_hand() {
        let (predicted, targets) =
            (rows(&[[1.0, 2.0], [6.0, 8.0]]), rows(&[[3.0, 1.0], [3.0, 4.0]]));
        assert_near(&losses(Distance::Squared, &predicted, &targets), &[2.5, 12.5]);
        assert_near(&losses(Distance::Absolute, &predicted, &targets), &[1.5, 3.5]);
        // cos((1, 2), (3, 1)) = 5 / √50.
        let wanted = [1.0 - 5.0 / 50f32.sqrt(), 0.0];
        assert_near(&losses(Distance::Cosine, &predicted, &targets), &wanted);
    }

    /// Cosines of predictions (rows) with targets (columns): 1, 0, 0.6; 0, 1, 0.8; 1, 0, 0.6.
    #[test]
    fn margins_over_the_other_pairs_of_the_batch_by_hand() {
        let predicted = rows(&[[2.0, 0.0], [0.0, 3.0], [4.0, 0.0]]);
        let targets = rows(&[[5.0, 0.0], [0.0, 6.0], [3.0, 4.0]]);
        // Pair 1: its target with prediction 3 has the cosine 1 of the pair itself. Pair 2: none is within 0.1.
        // Pair 3, of cosine 0.6: the target of pair 1 has 1 with its prediction; prediction 1 has 0.6, prediction 2 has
        // 0.8 with its target.
        let wanted = [0.1, 0.0, 0.5 + 0.1 + 0.3];
        assert_near(&losses(Distance::Margin(0.1), &predicted, &targets), &wanted);
        let one = |tensor: &Var| tensor.narrow(0, 0, 1).unwrap();
        assert_near(&losses(Distance::Margin(0.1), &one(&predicted), &one(&targets)), &[0.0]);
    }

    /// With respect to the rows and to every parameter, with and without the layers that are optional.
    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let distances =
            [Distance::Squared, Distance::Absolute, Distance::Cosine, Distance::Margin(0.5)];
        for distance in distances {
            for (hidden, has_tanh) in [(0, false), (3, true)] {
                let mut parameters = Parameters::new(3, &Device::Cpu)?;
                let config = VectorConfig { hidden, has_tanh, distance };
                let head = config.build(&mut parameters.scope("objective.p"), [2, 4])?;
                let x = rows(&[[0.3, -0.9], [1.1, 0.4], [-0.6, 0.7]]);
                let targets =
                    rows(&[[0.5, -0.1, 0.8, 0.2], [-0.7, 0.9, 0.1, -0.3], [0.4, 0.4, -0.8, 0.6]]);
                let targets = targets.detach();
                let factors = Tensor::new(&[0.5f32, 1.0, 2.0], &Device::Cpu)?;
                let sum = || -> Result<Tensor> {
                    (head.losses(&head.forward(&x)?, &targets)? * &factors)?.sum_all()?.reshape(1)
                };
                let store = sum()?.backward()?;
                let n_parameters = parameters.all().len();
                let own = parameters.param_grads().take();
                assert_eq!(own.len(), n_parameters, "every parameter has a gradient");
                let vars = parameters.all().iter().map(|it| &it.var).chain([&x]);
                for (at, var) in vars.enumerate() {
                    let gradient = match own.get(&at).filter(|_| at < n_parameters) {
                        Some(kernel::Gradient::Dense(gradient)) => gradient.to_vec(),
                        _ => to_vec(store.get(var).expect("the rows have a gradient"))?,
                    };
                    let values = to_vec(var)?;
                    for (element, gradient) in gradient.iter().enumerate() {
                        let value_at = |step: f32| -> Result<f32> {
                            let mut moved = values.clone();
                            moved[element] += step;
                            var.set(&Tensor::from_vec(moved, var.shape(), &Device::Cpu)?)?;
                            Ok(to_vec(&sum()?)?[0])
                        };
                        let difference = (value_at(1e-2)? - value_at(-1e-2)?) / 2e-2;
                        value_at(0.0)?;
                        let off = (gradient - difference).abs();
                        let what = format!("{config:?} {at}: {gradient}, {difference}");
                        assert!(off < 2e-2 * difference.abs() + 2e-3, "{what}");
                    }
                }
            }
        }
        Ok(())
    }
}
