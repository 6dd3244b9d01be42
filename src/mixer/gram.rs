//! The Gram matrix of gradients: Gⱼₖ = ⟨gⱼ, gₖ⟩.

/// The inner products of all pairs of gradients, in `f64`.
#[derive(Clone, Debug, PartialEq)]
pub struct Gram {
    n: usize,
    products: Vec<f64>,
}

impl Gram {
    /// The Gram matrix of n gradients, from a function for the inner product of a pair; called for
    /// k ≤ j only.
    pub fn new(n: usize, mut product: impl FnMut(usize, usize) -> f64) -> Self {
        let mut gram = Self { n, products: vec![0.0; n * n] };
        for j in 0..n {
            for k in 0..=j {
                gram.set(j, k, product(j, k));
            }
        }
        gram
    }

    /// The number of gradients.
    pub fn n(&self) -> usize {
        self.n
    }

    /// ⟨gⱼ, gₖ⟩.
    pub fn at(&self, j: usize, k: usize) -> f64 {
        self.products[j * self.n + k]
    }

    /// Sets ⟨gⱼ, gₖ⟩, which equals ⟨gₖ, gⱼ⟩.
    pub fn set(&mut self, j: usize, k: usize, product: f64) {
        self.products[j * self.n + k] = product;
        self.products[k * self.n + j] = product;
    }

    /// ⟨gⱼ, gₖ⟩ for each k.
    pub fn row(&self, j: usize) -> &[f64] {
        &self.products[j * self.n..][..self.n]
    }

    /// ⟨gⱼ, Σₖ wₖ·gₖ⟩ for each j: G·w.
    pub fn times(&self, w: &[f64]) -> Vec<f64> {
        let product = |j| self.row(j).iter().zip(w).map(|(g, w)| g * w).sum();
        (0..self.n).map(product).collect()
    }

    /// Whether all products are finite.
    pub fn is_finite(&self) -> bool {
        self.products.iter().all(|product| product.is_finite())
    }

    /// The Gram matrix of the gradients cₖ·gₖ.
    #[must_use]
    pub fn scaled(&self, c: &[f64]) -> Self {
        Self::new(self.n, |j, k| c[j] * c[k] * self.at(j, k))
    }

    /// The Gram matrix of some of the gradients, in the given order.
    #[must_use]
    pub fn among(&self, some: &[usize]) -> Self {
        Self::new(some.len(), |j, k| self.at(some[j], some[k]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaled_and_selected_gram_matrices_equal_those_of_the_gradients() {
        let g = [[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]];
        let dot = |a: &[f64; 2], b: &[f64; 2]| a[0] * b[0] + a[1] * b[1];
        let gram = Gram::new(3, |j, k| dot(&g[j], &g[k]));
        assert_eq!((gram.at(0, 1), gram.at(1, 0), gram.row(2)), (1.0, 1.0, &[0.5, 1.5, 0.25][..]));
        // Σ w·g = (1 + 6 + 2, 2 − 2) = (9, 0).
        assert_eq!(gram.times(&[1.0, 2.0, 4.0]), [9.0, 27.0, 4.5]);
        let scaled = gram.scaled(&[1.0, 2.0, -1.0]);
        assert_eq!((scaled.at(1, 1), scaled.at(2, 1)), (40.0, -3.0));
        let among = gram.among(&[2, 0]);
        assert_eq!((among.n(), among.row(0), among.row(1)), (2, &[0.25, 0.5][..], &[0.5, 5.0][..]));
    }
}
