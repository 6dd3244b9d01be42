//! Standardization of frames: of each dimension d, y_d = (x_d − μ_d) / σ_d, with the mean and the standard deviation over
//! all frames of the training splits. A dimension that is constant in training is only centred. Of pictures it is the
//! pixels that are standardized, by channel; of tokens with a number each, these.

use super::{Corpus, FieldValues, Fitted};

/// The means and standard deviations of the dimensions of frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardization {
    mean: Vec<f64>,
    /// The standard deviation; 1 for a constant dimension.
    deviation: Vec<f64>,
}

const MEAN: &str = "mean";
const DEVIATION: &str = "standard_deviation";

impl Standardization {
    /// None: the frames stay as they are.
    pub fn identity(width: usize) -> Self {
        Self { mean: vec![0.0; width], deviation: vec![1.0; width] }
    }

    /// Fits it to the frames of dimension `frame` in fields of the training splits of corpora. A frame is one vector, or
    /// several one after the other, as the pixels of a picture, of dimension `width`.
    pub fn fit(corpora: &[(&Corpus, usize)], frame: usize, width: usize) -> Fitted {
        let frames = || {
            let all = corpora.iter().flat_map(|&(corpus, field)| {
                corpus
                    .train
                    .examples
                    .iter()
                    .filter_map(move |example| example.fields[field].as_ref())
            });
            all.filter_map(|values| match values {
                FieldValues::Frames { width: found, numbers, .. } => {
                    (*found == frame).then(|| numbers.chunks_exact(width))
                }
                _ => None,
            })
            .flatten()
        };
        Self::fit_vectors(frames, width)
    }

    /// Fits it to numbers, vectors of dimension 1.
    pub fn fit_numbers(numbers: &[f32]) -> Fitted {
        Self::fit_vectors(|| numbers.chunks_exact(1), 1)
    }

    /// Fits it to the vectors of dimension `width` that each call lists.
    fn fit_vectors<'a, I: Iterator<Item = &'a [f32]>>(
        vectors: impl Fn() -> I,
        width: usize,
    ) -> Fitted {
        let n_vectors = vectors().count().max(1) as f64;
        let mean_of = |of: &dyn Fn(usize, f64) -> f64| {
            let mut sums = vec![0.0; width];
            for frame in vectors() {
                for ((sum, &x), at) in sums.iter_mut().zip(frame).zip(0..) {
                    *sum += of(at, f64::from(x));
                }
            }
            sums.into_iter().map(|sum| sum / n_vectors).collect::<Vec<f64>>()
        };
        let mean = mean_of(&|_, x| x);
        let deviation = mean_of(&|at, x| (x - mean[at]).powi(2));
        let deviation = deviation.into_iter().map(f64::sqrt).collect();
        Fitted::default().with_numbers(MEAN, mean).with_numbers(DEVIATION, deviation)
    }

    /// What was fitted; the error says what is missing.
    pub fn of(fitted: &Fitted) -> Result<Self, String> {
        let (mean, deviation) = (fitted.numbers(MEAN)?, fitted.numbers(DEVIATION)?);
        if mean.len() != deviation.len() {
            let (means, deviations) = (mean.len(), deviation.len());
            return Err(format!(
                "expected as many means as standard deviations, found {means} and {deviations}"
            ));
        }
        let deviation = deviation.into_iter().map(|x| if x > 0.0 { x } else { 1.0 }).collect();
        Ok(Self { mean, deviation })
    }

    /// The dimension of a vector.
    pub fn width(&self) -> usize {
        self.mean.len()
    }

    /// The standardized values of frames, frame after frame.
    pub fn apply<'a>(&'a self, frames: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let of_dimension = |(&x, (mean, deviation)): (&f32, (&f64, &f64))| {
            ((f64::from(x) - mean) * (1.0 / deviation)) as f32
        };
        let frames = frames.chunks_exact(self.width().max(1));
        frames.flat_map(move |frame| {
            frame.iter().zip(self.mean.iter().zip(&self.deviation)).map(of_dimension)
        })
    }

    /// The frame with these standardized values.
    pub fn invert(&self, frame: &[f32]) -> Vec<f32> {
        let of_dimension = |(&y, (mean, deviation)): (&f32, (&f64, &f64))| {
            (f64::from(y) * deviation + mean) as f32
        };
        frame.iter().zip(self.mean.iter().zip(&self.deviation)).map(of_dimension).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Axis, Example, Field, FieldForm, Positions, Schema, SplitData};

    /// Three frames: the first dimension has the mean 2 and the variance 8/3, the second is constant.
    #[test]
    fn means_and_deviations_are_those_of_all_frames_of_train() {
        let field = Field::new("audio", Axis::Sequence(0), FieldForm::Frames);
        let mut corpus = Corpus::of_schema(Schema::of_tokens(vec![field]));
        let example = |numbers: &[f32]| Example {
            line: 1,
            file: None,
            sequences: vec![Some(Positions::on_line(1, numbers.len() / 2))],
            fields: vec![Some(FieldValues::Frames {
                width: 2,
                picture: None,
                numbers: numbers.into(),
            })],
        };
        let examples = vec![example(&[0.0, 7.0, 4.0, 7.0]), example(&[2.0, 7.0])];
        corpus.train = SplitData { examples, ..SplitData::default() };
        let fitted = Standardization::fit(&[(&corpus, 0)], 2, 2);
        assert_eq!(fitted.numbers[MEAN], [2.0, 7.0]);
        let found = Standardization::of(&fitted).unwrap();
        let deviation = (8.0f64 / 3.0).sqrt();
        let frames: Vec<f32> = found.apply(&[4.0, 7.5, 2.0, 6.0]).collect();
        let wanted = [(2.0 / deviation) as f32, 0.5, 0.0, -1.0];
        assert_eq!(frames, wanted);
        for (found, wanted) in found.invert(&wanted[..2]).iter().zip([4.0, 7.5]) {
            assert!((found - wanted).abs() < 1e-6);
        }
        let identity: Vec<f32> = Standardization::identity(2).apply(&[4.0, 7.5]).collect();
        assert_eq!(identity, [4.0, 7.5]);
        assert!(Standardization::of(&Fitted::default()).is_err());
        let fitted = Standardization::fit_numbers(&[1.0, 4.0, 4.0]);
        assert_eq!(
            (&fitted.numbers[MEAN][..], &fitted.numbers[DEVIATION][..]),
            (&[3.0][..], &[2f64.sqrt()][..])
        );
    }

    #[test]
    fn pixels_are_standardized_by_channel_and_a_constant_one_is_only_centred() {
        let field = Field::new("picture", Axis::Sequence(0), FieldForm::Frames);
        let mut corpus = Corpus::of_schema(Schema::of_tokens(vec![field]));
        // Pictures of two pixels with two channels: 0, 4 and 2, 2 of the first one, and 0.1 of the second.
        let picture = |numbers: [f32; 4]| Example {
            line: 1,
            file: None,
            sequences: vec![Some(Positions::on_line(1, 1))],
            fields: vec![Some(FieldValues::Frames {
                width: 4,
                picture: None,
                numbers: numbers.to_vec().into(),
            })],
        };
        let examples = vec![picture([0.0, 0.1, 4.0, 0.1]), picture([2.0, 0.1, 2.0, 0.1])];
        corpus.train = SplitData { examples, ..SplitData::default() };
        let fitted = Standardization::fit(&[(&corpus, 0)], 4, 2);
        assert_eq!(fitted.numbers[MEAN], [2.0, f64::from(0.1f32)]);
        assert_eq!(fitted.numbers[DEVIATION], [2f64.sqrt(), 0.0]);
        let found: Vec<f32> = Standardization::of(&fitted).unwrap().apply(&[4.0, 0.6]).collect();
        assert_eq!(found, [2f32.sqrt(), 0.6 - 0.1]);
    }
}
