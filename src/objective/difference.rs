//! Difference: private vectors should be orthogonal to the shared ones (Bousmalis et al. 2016; Liu
//! et al. 2017).
//!
//! With S (n, w) the rows of one tap and H (n, v) those of the other, columns centered and rows
//! scaled to unit length: loss = ‖Sᵀ·H‖²_F / n², the mean over pairs of examples (a, b) of ⟨s_a,
//! s_b⟩·⟨h_a, h_b⟩. It is between 0 and 1 for any dimensions: 1 where the centered rows of either
//! lie on one line, about 1/n for unrelated vectors. Liu's sum over the raw rows grows with n, w
//! and v.
//!
//! Its metric is [`Overlap`](crate::metric::Overlap): the same over a split, without the pairs of
//! an example with itself.

use candle_core::{Result, Tensor};

use super::{
    ConfigFault, Declared, Evaluation, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RawLoss, TapKey,
};
use crate::{
    data::{Batch, Prediction},
    kernel,
    keys::Key,
    metric::{Gold, Scorer, scorer::OverlapScorer},
    model::{Rows, tap::RowKind},
    protocol::event::Direction,
};

pub(super) struct Difference;

/// Added under the square root, so that a row of zeros has a gradient.
const TINY: f64 = 1e-6;

impl ObjectiveKind for Difference {
    fn name(&self) -> &'static str {
        "difference"
    }

    fn about(&self) -> &'static str {
        "orthogonality penalty between private and shared vectors"
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn taps(&self) -> &'static [TapKey] {
        const ON: Option<RowKind> = Some(RowKind::Example);
        &[
            TapKey { name: "tap", on: ON, selects: false },
            TapKey { name: "against", on: ON, selects: false },
        ]
    }

    fn head(&self) -> HeadSource {
        HeadSource::None
    }

    fn configure(
        &self,
        _declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        Ok(Box::new(Difference))
    }
}

impl ObjectiveConfig for Difference {
    fn metrics(&self) -> Vec<Metric> {
        vec![Metric { name: "overlap", direction: Direction::Lower }]
    }

    fn output(&self) -> Output<'_> {
        Output::Nothing
    }

    fn build(&self, _setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        Ok(Box::new(Difference))
    }
}

/// Columns centered, rows of unit length.
fn directions(x: &Tensor) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(0)?)?;
    let lengths = (centred.sqr()?.sum_keepdim(1)? + TINY)?.sqrt()?;
    centred.broadcast_div(&lengths)
}

/// ‖Sᵀ·H‖²_F / n², a scalar.
fn overlap(shared: &Tensor, private: &Tensor) -> Result<Tensor> {
    let n = shared.dim(0)? as f64;
    let product = directions(shared)?.t()?.contiguous()?.matmul(&directions(private)?)?; // (w, v)
    product.sqr()?.sum_all()?.affine(1.0 / (n * n), 0.0)
}

impl Objective for Difference {
    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let n = batch.n_examples();
        if n < 3 {
            // Two centered rows always lie on one line.
            return Ok(None);
        }
        let sum = overlap(&taps[0].tensor, &taps[1].tensor)?;
        let per_example = sum.affine(1.0 / n as f64, 0.0)?.broadcast_as(n)?;
        Ok(Some(RawLoss { sum, count: 1, per_example }))
    }

    /// The metric compares the two vectors of each example.
    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let loss = self.loss(taps, batch)?;
        let vectors = |tap: &Tensor| -> Result<Vec<Vec<f32>>> {
            let width = tap.dim(1)?;
            Ok(kernel::to_vec(tap)?.chunks_exact(width).map(<[f32]>::to_vec).collect())
        };
        let pairs = vectors(&taps[0].tensor)?.into_iter().zip(vectors(&taps[1].tensor)?);
        let pairs =
            pairs.map(|(shared, private)| (Gold::Vector(shared), Prediction::Vector(private)));
        let scored_only = pairs.collect();
        let evaluation = Evaluation::of_loss(loss, batch.n_examples());
        Ok(Evaluation { scored_only, ..evaluation })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(OverlapScorer::default())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::kernel::to_vec;

    fn rows(rows: &[[f32; 2]]) -> Var {
        Var::from_vec(rows.concat(), (rows.len(), 2), &Device::Cpu).unwrap()
    }

    /// Centered, S is (1, 0), (−1, 0) and H (0, 1), (0, −1), or S itself: SᵀH has one 2, n² is 4.
    #[test]
    fn two_rows_overlap_completely() -> Result<()> {
        let s = rows(&[[3.0, 1.0], [-1.0, 1.0]]);
        let h = rows(&[[5.0, 9.0], [5.0, 1.0]]);
        for other in [&s, &h] {
            let found = to_vec(&overlap(&s, other)?.reshape(1)?)?[0];
            assert!((found - 1.0).abs() < 1e-6, "{found}");
        }
        Ok(())
    }

    /// S differs between the halves of the four rows, H within them: SᵀH is 0.
    #[test]
    fn rows_that_differ_independently_do_not_overlap() -> Result<()> {
        let s = rows(&[[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]]);
        let h = rows(&[[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]);
        assert!(to_vec(&overlap(&s, &h)?.reshape(1)?)?[0].abs() < 1e-9);
        Ok(())
    }

    #[test]
    fn gradients_match_finite_differences_and_are_never_nan() -> Result<()> {
        let (s, h) = (
            rows(&[[0.3, -1.0], [0.8, 0.4], [-0.7, 0.1]]),
            rows(&[[0.2, 0.9], [-0.4, 0.5], [1.0, -0.3]]),
        );
        let store = overlap(&s, &h)?.backward()?;
        let value = |s: &Tensor, h: &Tensor| to_vec(&overlap(s, h)?.reshape(1)?).map(|v| v[0]);
        for (var, of_first) in [(&s, true), (&h, false)] {
            let gradient = to_vec(store.get(var).unwrap())?;
            let numbers = to_vec(var)?;
            for at in 0..numbers.len() {
                let moved = |by: f32| -> Result<f32> {
                    let mut moved = numbers.clone();
                    moved[at] += by;
                    let moved = Tensor::from_vec(moved, (3, 2), &Device::Cpu)?;
                    if of_first { value(&moved, &h) } else { value(&s, &moved) }
                };
                let difference = (moved(1e-2)? - moved(-1e-2)?) / 2e-2;
                assert!((gradient[at] - difference).abs() < 2e-3, "{} {difference}", gradient[at]);
            }
        }
        let flat = rows(&[[1.0, 1.0], [1.0, 1.0]]);
        let store = overlap(&flat, &h.narrow(0, 0, 2)?)?.backward()?;
        assert!(to_vec(store.get(&flat).unwrap())?.iter().all(|g| g.is_finite()));
        Ok(())
    }
}
