//! Of however many items some, evenly apart.

/// Items that are kept at most.
const MOST: usize = 1000;

/// Every item until there are too many, then every second of them, every fourth, and so on.
#[derive(Clone, Debug)]
pub(super) struct Thin<T> {
    items: Vec<T>,
    /// Items that were offered.
    n_met: usize,
    /// One of so many is kept.
    every: usize,
}

impl<T> Default for Thin<T> {
    fn default() -> Self {
        Self { items: Vec::new(), n_met: 0, every: 1 }
    }
}

impl<T> Thin<T> {
    /// Offers an item, which is made if it is kept.
    pub(super) fn push(&mut self, item: impl FnOnce() -> T) {
        if self.items.len() == MOST && self.n_met.is_multiple_of(self.every) {
            self.every *= 2;
            let mut odd = false;
            self.items.retain(|_| {
                odd = !odd;
                odd
            });
        }
        if self.n_met.is_multiple_of(self.every) {
            self.items.push(item());
        }
        self.n_met += 1;
    }

    pub(super) fn items(&self) -> &[T] {
        &self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_lies_evenly_apart() {
        let mut thin = Thin::default();
        (0..MOST).for_each(|item| thin.push(|| item));
        assert_eq!(thin.items(), (0..MOST).collect::<Vec<_>>());
        (MOST..5 * MOST).for_each(|item| thin.push(|| item));
        assert_eq!(thin.items(), (0..5 * MOST).step_by(8).collect::<Vec<_>>());
    }
}
