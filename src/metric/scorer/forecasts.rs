//! Metrics of predicted frames, beside those of persistence: that every frame repeats the one it is predicted from.

use super::{Scorer, Scores};
use crate::{
    data::Prediction,
    metric::{Gold, retrieval::cosine},
};

/// The error of a predicted frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForecastError {
    /// The mean of the squared differences.
    Squared,
    /// The mean of the absolute differences.
    Absolute,
    /// 1 − the cosine.
    Cosine,
}

/// `mse`, the mean squared error of predicted frames, and `persistence_mse`, that of the frames that they are predicted
/// from, or with the mean absolute error `mae` and `persistence_mae`, or `cosine` and `persistence_cosine`; and `skill`, by
/// how many percent the error is below that of persistence (the skill score of Murphy 1988).
#[derive(Clone, Debug)]
pub struct ForecastScorer {
    error: ForecastError,
    n_frames: u64,
    /// The sum of the errors.
    of_forecasts: f64,
    of_persistence: f64,
}

impl ForecastScorer {
    /// With that error.
    pub fn new(error: ForecastError) -> Self {
        Self { error, n_frames: 0, of_forecasts: 0.0, of_persistence: 0.0 }
    }

    fn error(&self, gold: &[f32], predicted: &[f32]) -> f64 {
        let differences = gold.iter().zip(predicted).map(|(&x, &y)| f64::from(x) - f64::from(y));
        let n = gold.len() as f64;
        match self.error {
            ForecastError::Squared => differences.map(|by| by.powi(2)).sum::<f64>() / n,
            ForecastError::Absolute => differences.map(f64::abs).sum::<f64>() / n,
            ForecastError::Cosine => 1.0 - cosine(gold, predicted),
        }
    }
}

impl Scorer for ForecastScorer {
    /// Adds a predicted frame. The gold vector is the frame that it is predicted from, followed by the one to predict.
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        let (Gold::Vector(gold), Prediction::Vector(predicted)) = (gold, prediction) else {
            return;
        };
        let (last, next) = gold.split_at(gold.len() / 2);
        self.of_forecasts += self.error(next, predicted);
        self.of_persistence += self.error(next, last);
        self.n_frames += 1;
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        if self.n_frames == 0 {
            return;
        }
        let [forecast, persistence] =
            [self.of_forecasts, self.of_persistence].map(|sum| sum / self.n_frames as f64);
        scores.metrics.extend(match self.error {
            ForecastError::Squared => [("mse", forecast), ("persistence_mse", persistence)],
            ForecastError::Absolute => [("mae", forecast), ("persistence_mae", persistence)],
            ForecastError::Cosine => {
                [("cosine", 1.0 - forecast), ("persistence_cosine", 1.0 - persistence)]
            }
        });
        if persistence > 0.0 {
            scores.metrics.push(("skill", 100.0 * (1.0 - forecast / persistence)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(error: ForecastError, pairs: &[([f32; 4], [f32; 2])]) -> Vec<(&'static str, f64)> {
        let mut scorer = Box::new(ForecastScorer::new(error));
        for (gold, predicted) in pairs {
            scorer.push(&Gold::Vector(gold.to_vec()), &Prediction::Vector(predicted.to_vec()));
        }
        scorer.push(&Gold::None, &Prediction::Vector(vec![9.0; 2]));
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        scores.metrics
    }

    #[test]
    fn errors_are_compared_with_those_of_persistence() {
        // Errors 1 and 0; persistence 2.5 and 1.5.
        let pairs = [
            ([0.0, 1.0, 1.0, 3.0], [2.0, 2.0]),
            ([0.0, 0.0, 1.0, 2f32.sqrt()], [1.0, 2f32.sqrt()]),
        ];
        let found = scores(ForecastError::Squared, &pairs);
        for ((name, found), (wanted_name, wanted)) in
            found.iter().zip([("mse", 0.5), ("persistence_mse", 2.0), ("skill", 75.0)])
        {
            assert!(*name == wanted_name && (found - wanted).abs() < 1e-5, "{name} {found}");
        }
        // Errors 1 and 0; persistence 1.5 and (1 + √2) / 2.
        let found = scores(ForecastError::Absolute, &pairs);
        let persistence = f64::midpoint(1.5, f64::midpoint(1.0, 2f64.sqrt()));
        for ((name, found), (wanted_name, wanted)) in found.iter().zip([
            ("mae", 0.5),
            ("persistence_mae", persistence),
            ("skill", 100.0 * (1.0 - 0.5 / persistence)),
        ]) {
            assert!(*name == wanted_name && (found - wanted).abs() < 1e-5, "{name} {found}");
        }
        let found = scores(ForecastError::Cosine, &[([0.0, 2.0, 3.0, 0.0], [3.0, 4.0])]);
        assert_eq!(found[0].0, "cosine");
        assert!((found[0].1 - 0.6).abs() < 1e-6 && (found[2].1 - 60.0).abs() < 1e-6, "{found:?}");
        assert_eq!(found[1], ("persistence_cosine", 0.0));
    }

    #[test]
    fn without_an_error_of_persistence_there_is_no_skill() {
        let found = scores(ForecastError::Squared, &[([1.0, 1.0, 1.0, 1.0], [1.0, 0.0])]);
        assert_eq!(found, [("mse", 0.5), ("persistence_mse", 0.0)]);
        assert_eq!(scores(ForecastError::Squared, &[]), []);
    }
}
