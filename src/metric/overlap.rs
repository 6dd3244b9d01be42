//! The overlap of two representations of the same examples.
//!
//! With s_a and h_a the two vectors of example a, each centered and scaled to unit length: the mean
//! over pairs of different examples of ⟨s_a, s_b⟩·⟨h_a, h_b⟩, in percent. It is near 0 for
//! unrelated representations of any dimension, and 100 if both lie on one line. If there are many
//! examples, an evenly spaced subset is used.

use super::subsample::Subsample;

/// Accumulates pairs of vectors.
#[derive(Clone, Debug, Default)]
pub struct Overlap {
    pairs: Subsample<(Vec<f32>, Vec<f32>)>,
}

impl Overlap {
    /// Adds the two vectors of an example.
    pub fn add(&mut self, shared: &[f32], private: &[f32]) {
        self.pairs.push(|| (shared.to_vec(), private.to_vec()));
    }

    /// In percent; `None` with fewer than three examples.
    pub fn overlap(&self) -> Option<f64> {
        let (shared, private): (Vec<_>, Vec<_>) = self.pairs.items().iter().cloned().unzip();
        let (shared, private) = (directions(&shared), directions(&private));
        let n = shared.len();
        let pairs = (0..n).flat_map(|b| (0..b).map(move |a| (a, b)));
        let products =
            pairs.map(|(a, b)| dot(&shared[a], &shared[b]) * dot(&private[a], &private[b]));
        let sum: f64 = products.sum();
        (n > 2).then(|| 200.0 * sum / (n * (n - 1)) as f64)
    }
}

/// Centered, with unit length; a vector at the mean stays 0.
fn directions(rows: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let n = rows.len() as f64;
    let column = |at: usize| rows.iter().map(|row| f64::from(row[at])).sum::<f64>() / n;
    let mean: Vec<f64> = (0..rows.first().map_or(0, Vec::len)).map(column).collect();
    let direction = |row: &Vec<f32>| -> Vec<f64> {
        let centred: Vec<f64> = row.iter().zip(&mean).map(|(x, m)| f64::from(*x) - m).collect();
        let length = dot(&centred, &centred).sqrt();
        if length > 0.0 { centred.iter().map(|x| x / length).collect() } else { centred }
    };
    rows.iter().map(direction).collect()
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlap(rows: &[([f32; 2], [f32; 2])]) -> Option<f64> {
        let mut overlap = Overlap::default();
        for (s, h) in rows {
            overlap.add(s, h);
        }
        overlap.overlap()
    }

    /// Both on a line, in the same order: every pair of examples has a product of 1.
    #[test]
    fn vectors_on_one_line_overlap_completely() {
        let rows = [([4.0, 1.0], [5.0, 9.0]), ([4.0, 1.0], [5.0, 9.0]), ([-7.0, 1.0], [5.0, -8.0])];
        assert!((overlap(&rows).unwrap() - 100.0).abs() < 1e-9);
        assert_eq!(overlap(&rows[..2]), None);
        assert_eq!(overlap(&[]), None);
    }

    /// s separates two halves, h separates within them. Of the six pairs, two agree in s only, two
    /// in h only, and two in neither: (−1 − 1 − 1 − 1 + 1 + 1) / 6.
    #[test]
    fn a_worked_example() {
        let rows = [
            ([1.0, 0.0], [1.0, 0.0]),
            ([1.0, 0.0], [-1.0, 0.0]),
            ([-1.0, 0.0], [1.0, 0.0]),
            ([-1.0, 0.0], [-1.0, 0.0]),
        ];
        assert!((overlap(&rows).unwrap() + 100.0 / 3.0).abs() < 1e-9);
    }
}
