//! An evenly spaced subset of a stream of unknown length.

/// The maximum number of items kept.
const MOST: usize = 1000;

/// Keeps every item until there are too many, then every second one, every fourth, and so on.
#[derive(Clone, Debug)]
pub(super) struct Subsample<T> {
    items: Vec<T>,
    /// The number of items so far.
    n_seen: usize,
    /// One of this many items is kept.
    every: usize,
}

impl<T> Default for Subsample<T> {
    fn default() -> Self {
        Self { items: Vec::new(), n_seen: 0, every: 1 }
    }
}

impl<T> Subsample<T> {
    /// Adds an item, which is only computed if it is kept.
    pub(super) fn push(&mut self, item: impl FnOnce() -> T) {
        if self.items.len() == MOST && self.n_seen.is_multiple_of(self.every) {
            self.every *= 2;
            let mut odd = false;
            self.items.retain(|_| {
                odd = !odd;
                odd
            });
        }
        if self.n_seen.is_multiple_of(self.every) {
            self.items.push(item());
        }
        self.n_seen += 1;
    }

    pub(super) fn items(&self) -> &[T] {
        &self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_items_are_evenly_spaced() {
        let mut subsample = Subsample::default();
        (0..MOST).for_each(|item| subsample.push(|| item));
        assert_eq!(subsample.items(), (0..MOST).collect::<Vec<_>>());
        (MOST..5 * MOST).for_each(|item| subsample.push(|| item));
        assert_eq!(subsample.items(), (0..5 * MOST).step_by(8).collect::<Vec<_>>());
    }
}
