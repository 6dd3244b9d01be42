//! Items that are found or not, such as spans, relations and arcs: which classes gold and prediction have at the same
//! place.

use std::collections::BTreeMap;

use super::Counts;

/// Pairs of a gold and a predicted class at the same place, counted. `None` stands for no item: a gold item that was
/// missed, or a prediction where gold has nothing.
#[derive(Clone, Debug)]
pub(super) struct Confusions<C> {
    cells: BTreeMap<(Option<C>, Option<C>), u64>,
}

impl<C> Default for Confusions<C> {
    fn default() -> Self {
        Self { cells: BTreeMap::new() }
    }
}

impl<C: Ord + Clone> Confusions<C> {
    /// Adds the items of an example, each with its place and class; an item that is repeated counts once. Items at one
    /// place are paired one to one, those of equal classes first, then the others in the order of their classes.
    pub(super) fn add<P: Ord>(
        &mut self,
        gold: impl IntoIterator<Item = (P, C)>,
        predicted: impl IntoIterator<Item = (P, C)>,
    ) {
        let mut places = BTreeMap::<P, [Vec<C>; 2]>::new();
        gold.into_iter()
            .for_each(|(place, class)| insert(&mut places.entry(place).or_default()[0], class));
        predicted
            .into_iter()
            .for_each(|(place, class)| insert(&mut places.entry(place).or_default()[1], class));
        for [gold, mut predicted] in places.into_values() {
            let mut missed = Vec::new();
            for class in gold {
                match predicted.binary_search(&class) {
                    Ok(at) => self.count(Some(class), Some(predicted.remove(at))),
                    Err(_) => missed.push(class),
                }
            }
            let n = missed.len().max(predicted.len());
            let (mut missed, mut predicted) = (missed.into_iter(), predicted.into_iter());
            for _ in 0..n {
                self.count(missed.next(), predicted.next());
            }
        }
    }

    fn count(&mut self, gold: Option<C>, predicted: Option<C>) {
        *self.cells.entry((gold, predicted)).or_default() += 1;
    }

    /// The pairs of classes that occurred, with their numbers.
    pub(super) fn cells(&self) -> impl Iterator<Item = (Option<&C>, Option<&C>, u64)> {
        self.cells.iter().map(|((gold, predicted), n)| (gold.as_ref(), predicted.as_ref(), *n))
    }

    /// The counts of each class that occurred.
    pub(super) fn counts(&self) -> BTreeMap<&C, Counts> {
        counts(self.cells())
    }
}

/// The counts of each class, from pairs of a gold and a predicted class with their numbers.
pub(super) fn counts<C: Ord + Copy>(
    cells: impl Iterator<Item = (Option<C>, Option<C>, u64)>,
) -> BTreeMap<C, Counts> {
    let mut counts = BTreeMap::<C, Counts>::new();
    for (gold, predicted, n) in cells {
        if let Some(gold) = gold {
            counts.entry(gold).or_default().gold += n;
        }
        if let Some(predicted) = predicted {
            counts.entry(predicted).or_default().predicted += n;
        }
        if let Some(class) = gold.filter(|_| gold == predicted) {
            counts.entry(class).or_default().correct += n;
        }
    }
    counts
}

/// Inserts a class into a sorted list without repetitions.
fn insert<C: Ord>(classes: &mut Vec<C>, class: C) {
    if let Err(at) = classes.binary_search(&class) {
        classes.insert(at, class);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(confusions: &Confusions<char>) -> Vec<(Option<char>, Option<char>, u64)> {
        let all = confusions.cells();
        all.map(|(gold, predicted, n)| (gold.copied(), predicted.copied(), n)).collect()
    }

    #[test]
    fn an_item_is_confused_with_the_one_at_its_place() {
        let mut confusions = Confusions::default();
        confusions.add([(1, 'a'), (2, 'a'), (3, 'b')], [(1, 'a'), (2, 'b'), (4, 'b')]);
        let wanted = [
            (None, Some('b'), 1),
            (Some('a'), Some('a'), 1),
            (Some('a'), Some('b'), 1),
            (Some('b'), None, 1),
        ];
        assert_eq!(cells(&confusions), wanted);
        let counts = confusions.counts();
        assert_eq!(counts[&'a'], Counts { gold: 2, predicted: 1, correct: 1 });
        assert_eq!(counts[&'b'], Counts { gold: 1, predicted: 2, correct: 0 });
    }

    #[test]
    fn of_several_items_at_a_place_equal_ones_are_paired_first() {
        let mut confusions = Confusions::default();
        // b equals b; a is confused with c, which comes before d; a second b is the same item.
        confusions.add([(1, 'b'), (1, 'a'), (1, 'b')], [(1, 'd'), (1, 'c'), (1, 'b')]);
        let wanted = [(None, Some('d'), 1), (Some('a'), Some('c'), 1), (Some('b'), Some('b'), 1)];
        assert_eq!(cells(&confusions), wanted);
        assert_eq!(confusions.counts()[&'b'], Counts { gold: 1, predicted: 1, correct: 1 });
    }
}
