//! A unigram language model of subwords (Kudo 2018, "Subword Regularization: Improving Neural Network Translation
//! Models with Multiple Subword Candidates"): a word is split into the subwords p₁ … pₙ whose probabilities have the
//! largest product.
//!
//! Training begins with all substrings of the words, of at most [`LONGEST`] characters, that occur twice or are one
//! character. Two iterations of expectation maximization, in which the new probability of a subword is its expected count
//! over all splits of all words, divided by the sum of these counts, alternate with removals: of the subwords, those
//! stay that are one character, and those of the others whose removal would lower the likelihood of the words most. That
//! of p is estimated as c·(log P(p) − Σ log P(q)), c the number of words whose best split has p, and q the best split of
//! p into others. At most a quarter is removed at a time, until no more than 1.1 times as many are left as requested; of
//! these the most probable are the result.
//!
//! The library's own training of this model is not used: its result depends on the order of a hash map and on the number
//! of threads, and its suffix array in Rust fails on small corpora.

use std::collections::HashMap;

use tokenizers::models::unigram::Unigram;

use super::{UNKNOWN, marked};
use crate::data::{Fitted, Vocabulary};

/// The key of the subwords, from the most probable on.
const PIECES: &str = "pieces";

/// The key of the logarithms of their probabilities, in the same order.
const LOG_PROBABILITIES: &str = "log_probabilities";

/// The longest subword, in characters.
const LONGEST: usize = 16;

/// The largest number of subwords that training begins with: those with the largest product of count and length.
const MOST_SEEDS: usize = 1_000_000;

/// An expected count below this removes a subword of several characters; a character's counts as this.
const LEAST_COUNT: f64 = 0.5;

/// Learns so many subwords, or all characters if these are more.
pub(super) fn fit(size: usize, words: &Vocabulary) -> Fitted {
    let words: Vec<(String, f64)> =
        words.iter().map(|(word, count)| (marked(word), count as f64)).collect();
    let mut model = Model::seeded(&words);
    if !model.pieces.is_empty() {
        let enough = (size as f64 * 1.1) as usize;
        loop {
            for _ in 0..2 {
                model.maximize();
            }
            if model.n_alive() <= enough.max(model.n_characters()) {
                break;
            }
            model.prune(enough.max((model.n_alive() as f64 * 0.75) as usize));
        }
    }
    let result = model.most_probable(size);
    let log_probabilities = result.iter().map(|piece| piece.log_p).collect();
    let pieces = result.iter().map(|piece| piece.text.to_owned());
    Fitted::default()
        .with_vocabulary(PIECES, Vocabulary::in_order(pieces))
        .with_numbers(LOG_PROBABILITIES, log_probabilities)
}

/// Whether this model was learnt.
pub(super) fn is_in(fitted: &Fitted) -> bool {
    fitted.vocabularies.contains_key(PIECES)
}

/// The model that was learnt; the error says what is missing.
pub(super) fn of(fitted: &Fitted) -> Result<Unigram, String> {
    let (pieces, log_probabilities) =
        (fitted.vocabulary(PIECES)?, fitted.numbers(LOG_PROBABILITIES)?);
    if pieces.len() != log_probabilities.len() {
        let (n, found) = (pieces.len(), log_probabilities.len());
        return Err(format!("expected {n} {LOG_PROBABILITIES:?}, found {found}"));
    }
    let known = pieces.iter().map(|(piece, _)| piece.to_owned()).zip(log_probabilities);
    let all = std::iter::once((UNKNOWN.to_owned(), 0.0)).chain(known).collect();
    Unigram::from(all, Some(0), false).map_err(|error| error.to_string())
}

/// The model while it is trained.
struct Model<'a> {
    /// In order of their seeds' scores; characters first.
    pieces: Vec<Piece<'a>>,
    /// The index of each piece.
    index: HashMap<&'a str, u32>,
    /// The words with their counts, each with its lattice.
    words: Vec<(f64, Lattice)>,
}

/// A subword.
#[derive(Clone, Copy, Debug)]
struct Piece<'a> {
    text: &'a str,
    n_characters: usize,
    log_p: f64,
    /// Whether it has not been removed.
    alive: bool,
}

/// The ways to split a text: paths from its first boundary between characters to its last one.
struct Lattice {
    n_characters: usize,
    /// In order of their ends.
    arcs: Vec<Arc>,
}

/// A subword at its place in a text.
#[derive(Clone, Copy)]
struct Arc {
    from: u32,
    to: u32,
    piece: u32,
}

impl<'a> Model<'a> {
    /// All substrings, with probabilities in proportion to their counts times their lengths.
    fn seeded(words: &'a [(String, f64)]) -> Self {
        let counts = counts(words);
        let mut seeds: Vec<(&str, usize, f64)> = counts
            .into_iter()
            .map(|(text, count)| (text, text.chars().count(), count))
            .map(|(text, n_characters, count)| (text, n_characters, count * n_characters as f64))
            .collect();
        seeds.sort_by(|(a, n_a, score_a), (b, n_b, score_b)| {
            let is_longer = (*n_a > 1).cmp(&(*n_b > 1));
            is_longer.then(score_b.total_cmp(score_a)).then(a.cmp(b))
        });
        seeds.truncate(MOST_SEEDS.max(seeds.iter().filter(|(_, n, _)| *n == 1).count()));
        let total: f64 = seeds.iter().map(|(_, _, score)| score).sum();
        let piece = |&(text, n_characters, score): &(&'a str, usize, f64)| Piece {
            text,
            n_characters,
            log_p: (score / total).ln(),
            alive: true,
        };
        let pieces: Vec<Piece<'a>> = seeds.iter().map(piece).collect();
        let index = pieces.iter().zip(0..).map(|(piece, id)| (piece.text, id)).collect();
        let words = words.iter().map(|(word, n)| (*n, Lattice::new(word, &index))).collect();
        Self { pieces, index, words }
    }

    fn n_alive(&self) -> usize {
        self.pieces.iter().filter(|piece| piece.alive).count()
    }

    fn n_characters(&self) -> usize {
        self.pieces.iter().filter(|piece| piece.n_characters == 1).count()
    }

    /// One iteration of expectation maximization.
    fn maximize(&mut self) {
        let mut expected = vec![0.0; self.pieces.len()];
        for (count, lattice) in &self.words {
            lattice.expect(*count, &self.pieces, &mut expected);
        }
        for (piece, count) in self.pieces.iter_mut().zip(&mut expected) {
            if piece.n_characters == 1 {
                *count = count.max(LEAST_COUNT);
            }
            piece.alive &= *count >= LEAST_COUNT;
        }
        let alive = self.pieces.iter().zip(&expected).filter(|(piece, _)| piece.alive);
        let total: f64 = alive.map(|(_, count)| count).sum();
        for (piece, count) in self.pieces.iter_mut().zip(expected) {
            piece.log_p = (count / total).ln();
        }
        self.forget_removed();
    }

    /// Removes subwords of several characters until so many are left, those first that the words need least.
    fn prune(&mut self, n_left: usize) {
        let mut counts = vec![0.0; self.pieces.len()];
        for (count, lattice) in &self.words {
            for piece in lattice.best(&self.pieces, None) {
                counts[piece as usize] += count;
            }
        }
        let needed = |(id, piece): (u32, &Piece<'a>)| {
            let lattice = Lattice::new(piece.text, &self.index);
            let others = lattice.best(&self.pieces, Some(id));
            let without: f64 = others.iter().map(|&id| self.pieces[id as usize].log_p).sum();
            (id, counts[id as usize] * (piece.log_p - without))
        };
        let candidates = (0..).zip(&self.pieces);
        let mut losses: Vec<(u32, f64)> = candidates
            .filter(|(_, piece)| piece.alive && piece.n_characters > 1)
            .map(needed)
            .collect();
        losses.sort_by(|(a, loss_a), (b, loss_b)| loss_b.total_cmp(loss_a).then(a.cmp(b)));
        for (id, _) in losses.iter().skip(n_left.saturating_sub(self.n_characters())) {
            self.pieces[*id as usize].alive = false;
        }
        self.forget_removed();
    }

    fn forget_removed(&mut self) {
        for (_, lattice) in &mut self.words {
            lattice.arcs.retain(|arc| self.pieces[arc.piece as usize].alive);
        }
        self.index.retain(|_, id| self.pieces[*id as usize].alive);
    }

    /// The characters, and the most probable ones of the others up to so many in all, from the most probable on.
    fn most_probable(&self, size: usize) -> Vec<Piece<'a>> {
        let mut result: Vec<Piece<'a>> =
            self.pieces.iter().filter(|piece| piece.alive).copied().collect();
        let order =
            |a: &Piece<'a>, b: &Piece<'a>| b.log_p.total_cmp(&a.log_p).then(a.text.cmp(b.text));
        result.sort_by(|a, b| {
            (a.n_characters > 1).cmp(&(b.n_characters > 1)).then_with(|| order(a, b))
        });
        result.truncate(size.max(self.n_characters()));
        result.sort_by(order);
        result
    }
}

/// The counts of all substrings that occur twice or are one character, by their length: of those of k characters only such
/// are counted whose first k − 1 characters occur twice, so that few others are in memory.
fn counts(words: &[(String, f64)]) -> HashMap<&str, f64> {
    let mut all = HashMap::<&str, f64>::new();
    for length in 1..=LONGEST {
        let mut of_length = HashMap::<&str, f64>::new();
        for (word, count) in words {
            for (from, to, text) in substrings(word) {
                let last = text.char_indices().next_back().map_or(0, |(byte, _)| byte);
                let is_frequent = length == 1 || all.get(&text[..last]).is_some_and(|n| *n >= 2.0);
                if (to - from) as usize == length && is_frequent {
                    *of_length.entry(text).or_default() += count;
                }
            }
        }
        of_length.retain(|_, count| length == 1 || *count >= 2.0);
        if of_length.is_empty() {
            break;
        }
        all.extend(of_length);
    }
    all
}

/// All substrings of at most [`LONGEST`] characters, by the index of their last character, with the indices of their
/// first character and of the one after them.
fn substrings(text: &str) -> impl Iterator<Item = (u32, u32, &str)> {
    let mut boundaries: Vec<usize> = text.char_indices().map(|(byte, _)| byte).collect();
    boundaries.push(text.len());
    let n = boundaries.len();
    let all =
        (1..n).flat_map(move |to| (to.saturating_sub(LONGEST)..to).map(move |from| (from, to)));
    all.map(move |(from, to)| (from as u32, to as u32, &text[boundaries[from]..boundaries[to]]))
}

impl Lattice {
    /// The lattice of a text, with the pieces that the index has.
    fn new(text: &str, index: &HashMap<&str, u32>) -> Self {
        let arcs = substrings(text)
            .filter_map(|(from, to, text)| Some(Arc { from, to, piece: *index.get(text)? }));
        Self { n_characters: text.chars().count(), arcs: arcs.collect() }
    }

    /// Adds the expected counts of a word that occurs so often: the forward-backward algorithm over all its splits.
    fn expect(&self, count: f64, pieces: &[Piece<'_>], expected: &mut [f64]) {
        let log_p = |arc: &Arc| pieces[arc.piece as usize].log_p;
        let mut before = vec![f64::NEG_INFINITY; self.n_characters + 1];
        before[0] = 0.0;
        for arc in &self.arcs {
            let through = before[arc.from as usize] + log_p(arc);
            before[arc.to as usize] = log_sum(before[arc.to as usize], through);
        }
        let mut after = vec![f64::NEG_INFINITY; self.n_characters + 1];
        after[self.n_characters] = 0.0;
        // An arc's end is later than its start, so that in this order all arcs from its end come before it.
        for arc in self.arcs.iter().rev() {
            let through = after[arc.to as usize] + log_p(arc);
            after[arc.from as usize] = log_sum(after[arc.from as usize], through);
        }
        let total = before[self.n_characters];
        for arc in &self.arcs {
            let share = before[arc.from as usize] + log_p(arc) + after[arc.to as usize] - total;
            expected[arc.piece as usize] += count * share.exp();
        }
    }

    /// The pieces of the most probable split that does not have the one excepted: the Viterbi algorithm.
    fn best(&self, pieces: &[Piece<'_>], except: Option<u32>) -> Vec<u32> {
        let mut best: Vec<(f64, Option<Arc>)> =
            vec![(f64::NEG_INFINITY, None); self.n_characters + 1];
        best[0].0 = 0.0;
        for &arc in self.arcs.iter().filter(|arc| Some(arc.piece) != except) {
            let log_p = best[arc.from as usize].0 + pieces[arc.piece as usize].log_p;
            let end = &mut best[arc.to as usize];
            if log_p > end.0 {
                *end = (log_p, Some(arc));
            }
        }
        let mut split = Vec::new();
        let mut end = self.n_characters;
        while let Some(arc) = best[end].1 {
            split.push(arc.piece);
            end = arc.from as usize;
        }
        split.reverse();
        split
    }
}

/// log(eᵃ + eᵇ).
fn log_sum(a: f64, b: f64) -> f64 {
    let (more, less) = if a > b { (a, b) } else { (b, a) };
    if less == f64::NEG_INFINITY { more } else { more + (less - more).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vocabulary(words: &[(&str, u64)]) -> Vocabulary {
        Vocabulary::from_counts(words.iter().copied().collect(), 1, None)
    }

    fn model<'a>(words: &'a [(String, f64)], log_p: &[(&str, f64)]) -> Model<'a> {
        let mut model = Model::seeded(words);
        for piece in &mut model.pieces {
            piece.log_p = log_p.iter().find(|(text, _)| *text == piece.text).unwrap().1.ln();
        }
        model
    }

    /// Every split of a text into pieces of the model.
    fn splits(text: &str, model: &Model<'_>) -> Vec<Vec<u32>> {
        if text.is_empty() {
            return vec![Vec::new()];
        }
        let ends = text.char_indices().map(|(byte, _)| byte).skip(1).chain([text.len()]);
        let mut all = Vec::new();
        for end in ends {
            let Some(&first) = model.index.get(&text[..end]) else { continue };
            for rest in splits(&text[end..], model) {
                all.push([&[first], &rest[..]].concat());
            }
        }
        all
    }

    #[test]
    fn expected_counts_by_hand() {
        // P(ab) = 1/2 as a whole and 1/16 in two: 8/9 and 1/9 of four occurrences.
        let words = [("ab".to_owned(), 4.0)];
        let mut model = model(&words, &[("a", 0.25), ("b", 0.25), ("ab", 0.5)]);
        let mut expected = vec![0.0; 3];
        model.words[0].1.expect(4.0, &model.pieces, &mut expected);
        let of = |text: &str| expected[model.index[text] as usize];
        assert!((of("ab") - 32.0 / 9.0).abs() < 1e-12, "{expected:?}");
        assert!((of("a") - 4.0 / 9.0).abs() < 1e-12 && (of("b") - 4.0 / 9.0).abs() < 1e-12);
        // The characters count as 0.5 each.
        model.maximize();
        let of = |text: &str| model.pieces[model.index[text] as usize].log_p.exp();
        let total = 32.0 / 9.0 + 1.0;
        assert!((of("ab") - 32.0 / 9.0 / total).abs() < 1e-12);
        assert!((of("a") - 0.5 / total).abs() < 1e-12);
    }

    #[test]
    fn what_words_have_in_common_becomes_a_subword() {
        let consonants = ["b", "d", "k", "m", "p", "t"];
        let stems = consonants.iter().flat_map(|a| consonants.map(|b| format!("{a}o{b}")));
        let words: Vec<String> =
            stems.flat_map(|stem| [format!("{stem}ing"), format!("{stem}ed"), stem]).collect();
        let words: Vec<(&str, u64)> = words.iter().map(|word| (word.as_str(), 1)).collect();
        // Twelve characters with the mark, and two more.
        let fitted = fit(14, &vocabulary(&words));
        let pieces: Vec<&str> =
            fitted.vocabularies[PIECES].iter().map(|(piece, _)| piece).collect();
        assert_eq!(pieces.len(), 14);
        assert!(pieces.contains(&"ing") && pieces.contains(&"ed"), "{pieces:?}");
        // All characters stay, whatever size is requested.
        let least = fit(1, &vocabulary(&words));
        assert!(least.vocabularies[PIECES].iter().all(|(piece, _)| piece.chars().count() == 1));
        assert!(is_in(&least) && of(&Fitted::default()).is_err());
    }

    proptest! {
        #[test]
        fn expected_counts_and_the_best_split_are_those_of_all_splits(
            word in "[ab]{1,7}", seed in prop::collection::vec(0.01..1.0f64, 130), except in 0..4usize,
        ) {
            let words = [(word.clone(), 3.0)];
            let mut model = Model::seeded(&words);
            for (piece, p) in model.pieces.iter_mut().zip(&seed) {
                piece.log_p = p.ln();
            }
            let log_p = |split: &[u32]| split.iter().map(|&id| model.pieces[id as usize].log_p).sum::<f64>();
            let all = splits(&word, &model);
            let total: f64 = all.iter().map(|split| log_p(split).exp()).sum();
            let mut wanted = vec![0.0; model.pieces.len()];
            for split in &all {
                for &id in split {
                    wanted[id as usize] += 3.0 * log_p(split).exp() / total;
                }
            }
            let mut found = vec![0.0; model.pieces.len()];
            model.words[0].1.expect(3.0, &model.pieces, &mut found);
            for (found, wanted) in found.iter().zip(wanted) {
                prop_assert!((found - wanted).abs() < 1e-9);
            }
            let except = model.index.get(&word[..except.min(word.len())]).copied();
            let best = model.words[0].1.best(&model.pieces, except);
            let allowed = all.iter().filter(|split| except.is_none_or(|id| !split.contains(&id)));
            let wanted = allowed.map(|split| log_p(split)).fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(best.is_empty() && wanted == f64::NEG_INFINITY || (log_p(&best) - wanted).abs() < 1e-9);
        }

        #[test]
        fn the_library_splits_as_the_training_does(
            words in prop::collection::vec("[a-d]{1,8}", 1..20), new in "[a-d]{1,9}", size in 1usize..40,
        ) {
            let counts: Vec<(&str, u64)> = words.iter().map(|word| (word.as_str(), 3)).collect();
            let fitted = fit(size, &vocabulary(&counts));
            let pieces: Vec<Piece<'_>> = fitted.vocabularies[PIECES]
                .iter()
                .zip(&fitted.numbers[LOG_PROBABILITIES])
                .map(|((text, _), log_p)| Piece { text, n_characters: text.chars().count(), log_p: *log_p, alive: true })
                .collect();
            let index: HashMap<&str, u32> = pieces.iter().zip(0..).map(|(piece, id)| (piece.text, id)).collect();
            let subwords = super::super::Subwords::of(&fitted).unwrap();
            let known = |word: &str| word.chars().all(|c| index.contains_key(c.to_string().as_str()));
            for word in words.iter().chain([&new]).filter(|word| known(word)) {
                let found: f64 = subwords.split(word).iter().map(|text| pieces[index[text.as_str()] as usize].log_p).sum();
                let best = Lattice::new(&marked(word), &index).best(&pieces, None);
                let wanted: f64 = best.iter().map(|&id| pieces[id as usize].log_p).sum();
                prop_assert!((found - wanted).abs() < 1e-9);
            }
        }

        #[test]
        fn an_iteration_never_lowers_the_likelihood(words in prop::collection::vec("[a-c]{1,6}", 1..9)) {
            let words: Vec<(String, f64)> = words.into_iter().map(|word| (word, 1e7)).collect();
            let mut model = Model::seeded(&words);
            let likelihood = |model: &Model<'_>| -> f64 {
                let of = |(n, lattice): &(f64, Lattice)| {
                    let mut before = vec![f64::NEG_INFINITY; lattice.n_characters + 1];
                    before[0] = 0.0;
                    for arc in &lattice.arcs {
                        let through = before[arc.from as usize] + model.pieces[arc.piece as usize].log_p;
                        before[arc.to as usize] = log_sum(before[arc.to as usize], through);
                    }
                    n * before[lattice.n_characters]
                };
                model.words.iter().map(of).sum()
            };
            let before = likelihood(&model);
            model.maximize();
            // The floor of a character's count is negligible here.
            prop_assert!(likelihood(&model) >= before - 1e-6 * before.abs());
        }
    }
}
