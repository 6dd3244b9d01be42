//! The target classes of an output layer's rows.

use std::ops::Range;

use candle_core::{Result, bail};

/// For each row, the bag of its target classes. A class may be in a bag several times; each time it has the weight
/// 1 / size of the bag. Bags may overlap, as those of all the words from each place of a text on: they are ranges of
/// one list of classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetBags {
    classes: Vec<u32>,
    bags: Vec<Range<usize>>,
}

impl TargetBags {
    /// The bag of each row, as a range of these classes.
    pub fn new(classes: Vec<u32>, bags: Vec<Range<usize>>) -> Self {
        let fits = |bag: &Range<usize>| bag.start <= bag.end && bag.end <= classes.len();
        assert!(bags.iter().all(fits), "a bag is a range of the classes");
        Self { classes, bags }
    }

    /// One class for each row.
    pub fn single(classes: Vec<u32>) -> Self {
        let bags = (0..classes.len()).map(|row| row..row + 1).collect();
        Self { classes, bags }
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.bags.len()
    }

    /// The classes of a row.
    pub fn of_row(&self, row: usize) -> &[u32] {
        &self.classes[self.bags[row].clone()]
    }

    /// The weight of each of the classes of a row.
    pub(super) fn weight(&self, row: usize) -> f32 {
        1.0 / self.bags[row].len() as f32
    }

    /// The bags of these rows.
    #[must_use]
    pub fn of_rows(&self, rows: &[u32]) -> Self {
        let bags = rows.iter().map(|&row| self.bags[row as usize].clone()).collect();
        Self { classes: self.classes.clone(), bags }
    }

    /// Checks that so many rows have a bag each, which is not empty, of classes below this number.
    pub(super) fn check(&self, n_rows: usize, n_classes: usize) -> Result<()> {
        if n_rows != self.n_rows() {
            bail!("cross-entropy: {n_rows} rows, {} targets", self.n_rows());
        }
        if let Some(target) = self.classes.iter().find(|&&target| target as usize >= n_classes) {
            bail!("cross-entropy: {n_classes} classes in the head, but target {target}");
        }
        if let Some(row) = self.bags.iter().position(Range::is_empty) {
            bail!("cross-entropy: row {row} has no target; expected at least 1");
        }
        Ok(())
    }
}
