//! Perplexity of a language model (Jelinek et al. 1977).
//!
//! perplexity = exp(Σ nll / n), with nll in nats. It is not a proportion, so not in percent.

/// Accumulates negative log-likelihoods.
#[derive(Clone, Copy, Debug, Default)]
pub struct Perplexity {
    nll: f64,
    n_words: u64,
}

impl Perplexity {
    /// Adds the total negative log-likelihood, in nats, of `n_words` predicted words.
    pub fn add(&mut self, nll: f64, n_words: u64) {
        self.nll += nll;
        self.n_words += n_words;
    }

    /// The perplexity; `None` without words, or where it overflows.
    pub fn perplexity(&self) -> Option<f64> {
        let value = (self.nll / self.n_words as f64).exp();
        (self.n_words > 0 && value.is_finite()).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uniform_distribution_over_eight_has_perplexity_eight() {
        let mut scorer = Perplexity::default();
        scorer.add(3.0 * 8_f64.ln(), 3);
        scorer.add(8_f64.ln(), 1);
        assert!((scorer.perplexity().unwrap() - 8.0).abs() < 1e-12);
    }

    #[test]
    fn no_words_or_an_overflow_give_none() {
        let mut scorer = Perplexity::default();
        assert_eq!(scorer.perplexity(), None);
        scorer.add(1e4, 1);
        assert_eq!(scorer.perplexity(), None);
    }
}
