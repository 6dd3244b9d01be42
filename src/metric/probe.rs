//! A probe: a linear classifier of classes, trained on frozen vectors.
//!
//! Multinomial logistic regression with an L2 penalty over standardized features, trained on one
//! half of the vectors and tested on the other, and vice versa. The accuracy is averaged over the K
//! classes, so that chance is 1/K for any class distribution. After successful adversarial training
//! a probe is at chance, whatever the accuracy of the discriminator itself (Elazar and Goldberg
//! 2018). If there are many vectors, an evenly spaced subset is used.

use super::subsample::Subsample;

/// Iterations of gradient descent.
const STEPS: usize = 150;

/// The factor of half the squared norm of the weights.
const PENALTY: f64 = 1e-2;

/// Accumulates vectors with their classes.
#[derive(Clone, Debug, Default)]
pub struct Probe {
    subsample: Subsample<(Vec<f32>, usize)>,
}

impl Probe {
    /// Adds a vector and its class.
    pub fn add(&mut self, vector: &[f32], class: usize) {
        self.subsample.push(|| (vector.to_vec(), class));
    }

    /// The accuracy on vectors that the probe was not trained on, averaged over the classes, in
    /// percent; `None` if a half has fewer than two classes or a value is not finite.
    pub fn accuracy(&self) -> Option<f64> {
        let n_classes = self.subsample.items().iter().map(|(_, class)| class + 1).max()?;
        // Vectors of each class alternate, so that both halves have the same class distribution.
        let mut halves: [Vec<(&[f32], usize)>; 2] = Default::default();
        let mut n_met = vec![0u32; n_classes];
        for (vector, class) in self.subsample.items() {
            halves[(n_met[*class] % 2) as usize].push((vector, *class));
            n_met[*class] += 1;
        }
        let mut right = vec![0u32; n_classes];
        add_right(&halves[0], &halves[1], &mut right)?;
        add_right(&halves[1], &halves[0], &mut right)?;
        let there = right.iter().zip(&n_met).filter(|(_, n_met)| **n_met > 0);
        let shares: Vec<f64> = there.map(|(right, n)| f64::from(*right) / f64::from(*n)).collect();
        Some(100.0 * shares.iter().sum::<f64>() / shares.len() as f64)
    }
}

/// Counts, by class, which of `asked` a probe trained on `known` classifies correctly.
fn add_right(
    known: &[(&[f32], usize)],
    asked: &[(&[f32], usize)],
    right: &mut [u32],
) -> Option<()> {
    let first = known.first()?.1;
    if known.iter().all(|(_, class)| *class == first) {
        return None;
    }
    let vectors: Vec<&[f32]> = known.iter().map(|(vector, _)| *vector).collect();
    let scale = Scale::of(&vectors)?;
    let rows: Vec<Vec<f64>> = vectors.iter().map(|vector| scale.apply(vector)).collect();
    let targets: Vec<usize> = known.iter().map(|(_, class)| *class).collect();
    let n_classes = right.len();
    let weights = train(&rows, &targets, n_classes);
    for (vector, class) in asked {
        let scores = scores(&weights, &scale.apply(vector));
        let best = (0..n_classes).max_by(|&i, &j| scores[i].total_cmp(&scores[j]).then(j.cmp(&i)));
        right[*class] += u32::from(best == Some(*class));
    }
    Some(())
}

/// Mean and standard deviation of each feature.
struct Scale(Vec<(f64, f64)>);

impl Scale {
    fn of(rows: &[&[f32]]) -> Option<Self> {
        let n = rows.len() as f64;
        let width = rows.first()?.len();
        let mean = |at: usize| rows.iter().map(|row| f64::from(row[at])).sum::<f64>() / n;
        let numbers = (0..width).map(|at| {
            let mean = mean(at);
            let squares = rows.iter().map(|row| (f64::from(row[at]) - mean).powi(2));
            (mean, (squares.sum::<f64>() / n).sqrt())
        });
        let numbers: Vec<_> = numbers.collect();
        numbers.iter().all(|(_, deviation)| deviation.is_finite()).then_some(Self(numbers))
    }

    /// The standardized row, followed by a 1 for the bias.
    fn apply(&self, row: &[f32]) -> Vec<f64> {
        let numbers = row.iter().zip(&self.0);
        // A constant feature carries no information.
        let scaled =
            numbers.map(
                |(&x, (mean, deviation))| {
                    if *deviation > 1e-9 { (f64::from(x) - mean) / deviation } else { 0.0 }
                },
            );
        scaled.chain([1.0]).collect()
    }
}

/// The score of each class; the weights have one row per class.
fn scores(weights: &[Vec<f64>], row: &[f64]) -> Vec<f64> {
    let score = |weights: &Vec<f64>| weights.iter().zip(row).map(|(w, x)| w * x).sum();
    weights.iter().map(score).collect()
}

/// Accelerated gradient descent (Nesterov 1983) with a step size from the curvature: that of a
/// softmax is at most half the mean squared norm of a row.
fn train(rows: &[Vec<f64>], targets: &[usize], n_classes: usize) -> Vec<Vec<f64>> {
    let (n, width) = (rows.len() as f64, rows[0].len());
    let squares: f64 = rows.iter().flatten().map(|x| x * x).sum();
    let step = 1.0 / (0.5 * squares / n + PENALTY);
    let mut weights = vec![vec![0.0; width]; n_classes];
    let mut ahead = weights.clone();
    for number in 0..STEPS {
        let mut gradient: Vec<Vec<f64>> =
            ahead.iter().map(|row| row.iter().map(|w| PENALTY * w).collect()).collect();
        for (row, &target) in rows.iter().zip(targets) {
            let scores = scores(&ahead, row);
            let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let likely: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
            let sum: f64 = likely.iter().sum();
            for (class, (gradient, likely)) in gradient.iter_mut().zip(&likely).enumerate() {
                let by_score = likely / sum - f64::from(u8::from(class == target));
                for (g, x) in gradient.iter_mut().zip(row) {
                    *g += by_score * x / n;
                }
            }
        }
        let momentum = number as f64 / (number as f64 + 3.0);
        for ((weights, ahead), gradient) in weights.iter_mut().zip(&mut ahead).zip(&gradient) {
            for ((w, ahead), g) in weights.iter_mut().zip(ahead).zip(gradient) {
                let next = *ahead - step * g;
                *ahead = next + momentum * (next - *w);
                *w = next;
            }
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pseudorandom value from −1 to 1.
    fn noise(at: usize) -> f32 {
        (at as f32 * 12.9898).sin() * 43758.547 % 1.0
    }

    fn probe(n: usize, vector: impl Fn(usize, usize) -> Vec<f32>) -> Probe {
        let mut probe = Probe::default();
        (0..n).for_each(|at| probe.add(&vector(at, at % 3), at % 3));
        probe
    }

    #[test]
    fn informative_vectors_are_classified_correctly() {
        let reported =
            probe(120, |at, class| vec![noise(at), class as f32 + 0.1 * noise(at + 500), 7.0]);
        assert!(reported.accuracy().unwrap() > 95.0);
    }

    #[test]
    fn uninformative_vectors_are_at_chance() {
        let mute = probe(900, |at, _| vec![noise(3 * at), noise(3 * at + 1), noise(3 * at + 2)]);
        let accuracy = mute.accuracy().unwrap();
        assert!((25.0..42.0).contains(&accuracy), "{accuracy}");
        assert_eq!(probe(90, |_, _| vec![0.5; 4]).accuracy(), Some(100.0 / 3.0));
    }

    #[test]
    fn too_little_training_data_gives_no_accuracy() {
        assert_eq!(Probe::default().accuracy(), None);
        assert_eq!(probe(1, |_, _| vec![1.0]).accuracy(), None);
        assert_eq!(probe(30, |_, _| vec![f32::NAN]).accuracy(), None);
    }

    #[test]
    fn very_many_vectors_are_subsampled() {
        assert!(probe(2007, |_, class| vec![class as f32]).accuracy().unwrap() > 99.0);
    }

    /// Nine of ten vectors are of one class and carry no information: plain accuracy would be 90.
    #[test]
    fn classes_have_equal_weight() {
        let mut probe = Probe::default();
        (0..600).for_each(|at| probe.add(&[noise(at)], usize::from(at % 10 == 0)));
        let accuracy = probe.accuracy().unwrap();
        assert!((45.0..55.0).contains(&accuracy), "{accuracy}");
    }
}
