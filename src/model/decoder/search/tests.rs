use super::*;
use crate::{
    data::draw::unit,
    data::{Purpose, draw},
};

fn options(beam: usize, length_penalty: f32) -> SearchOptions {
    SearchOptions { beam, length_penalty, coverage_penalty: 0.0 }
}

/// A decoder over a few classes whose probabilities after a prefix are drawn from a seed, the example and the prefix.
struct Drawn {
    n_classes: usize,
    hypotheses: Vec<(u32, Vec<u32>)>,
    /// Calls of `step`.
    n_steps: usize,
}

impl Drawn {
    fn new(n_classes: usize) -> Self {
        Self { n_classes, hypotheses: Vec::new(), n_steps: 0 }
    }

    /// ln p of the classes after a prefix.
    fn scores(&self, example: u32, prefix: &[u32]) -> Vec<f32> {
        let mut draw = draw(u64::from(example), Purpose::Init, &format!("{prefix:?}"), 0);
        let weights: Vec<f32> =
            (0..self.n_classes).map(|_| (4.0 * unit(&mut draw) as f32).exp()).collect();
        let sum: f32 = weights.iter().sum();
        weights.iter().map(|weight| (weight / sum).ln()).collect()
    }

    fn search(
        &mut self,
        examples: &[(u32, usize)],
        beam: usize,
        penalty: f32,
    ) -> Vec<Vec<Hypothesis>> {
        let examples: Vec<SearchedExample> = (examples.iter())
            .map(|&(example, max_len)| SearchedExample { example, max_len })
            .collect();
        search(self, &examples, options(beam, penalty)).unwrap()
    }

    /// All sequences of an example of at most that length, from the best on.
    fn all(&self, example: u32, max_len: usize, penalty: f32) -> Vec<Hypothesis> {
        let mut open = vec![(Vec::new(), 0.0)];
        let mut all = Vec::new();
        while let Some((prefix, log_probability)) = open.pop() {
            let scores = self.scores(example, &prefix);
            let ended = log_probability + scores[EDGE as usize];
            let score = options(1, penalty).score(ended, prefix.len(), &[]);
            all.push(Hypothesis { classes: prefix.clone(), log_probability: ended, score });
            if prefix.len() < max_len {
                for class in 2..self.n_classes as u32 {
                    let longer = [&prefix[..], &[class]].concat();
                    open.push((longer, log_probability + scores[class as usize]));
                }
            }
        }
        all.sort_by(|a, b| b.score.total_cmp(&a.score));
        all
    }
}

impl Decoding for Drawn {
    fn n_classes(&self) -> usize {
        self.n_classes
    }

    fn begin(&mut self, examples: &[u32]) -> Result<()> {
        self.hypotheses = examples.iter().map(|&example| (example, Vec::new())).collect();
        Ok(())
    }

    fn step(&mut self, from: &[u32], classes: &[u32]) -> Result<Vec<f32>> {
        self.n_steps += 1;
        let continued = |(&from, &class): (&u32, &u32)| {
            let (example, prefix) = &self.hypotheses[from as usize];
            let class = Some(class).filter(|class| *class != EDGE);
            (*example, prefix.iter().copied().chain(class).collect())
        };
        self.hypotheses = from.iter().zip(classes).map(continued).collect();
        Ok(self
            .hypotheses
            .iter()
            .flat_map(|(example, prefix)| self.scores(*example, prefix))
            .collect())
    }
}

#[test]
fn a_beam_of_one_follows_the_most_probable_class() {
    let mut decoding = Drawn::new(6);
    for example in 0..40 {
        let found = decoding.search(&[(example, 7)], 1, 0.6);
        let mut prefix = Vec::new();
        while prefix.len() < 7 {
            let scores = decoding.scores(example, &prefix);
            let classes =
                (1..6).max_by(|a: &u32, b| scores[*a as usize].total_cmp(&scores[*b as usize]));
            let best = classes.unwrap();
            if best == EDGE {
                break;
            }
            prefix.push(best);
        }
        assert_eq!(found[0].len(), 1);
        assert_eq!(found[0][0].classes, prefix, "{example}");
    }
}

#[test]
fn examples_together_give_the_results_of_each_alone() {
    let mut decoding = Drawn::new(5);
    let examples: Vec<(u32, usize)> = (0..30).map(|at| (at, 1 + at as usize % 6)).collect();
    for beam in [1, 2, 4] {
        let together = decoding.search(&examples, beam, 0.6);
        for (&example, together) in examples.iter().zip(together) {
            assert_eq!(decoding.search(&[example], beam, 0.6)[0], together, "{example:?}");
        }
    }
}

#[test]
fn a_beam_of_all_sequences_finds_the_best_ones() {
    for (example, penalty) in (0..12).zip([0.0, 0.6, 2.0].into_iter().cycle()) {
        let mut decoding = Drawn::new(4);
        let all = decoding.all(example, 4, penalty);
        assert_eq!(all.len(), 31);
        let found = decoding.search(&[(example, 4)], all.len(), penalty).remove(0);
        let classes =
            |all: &[Hypothesis]| all.iter().map(|it| it.classes.clone()).collect::<Vec<_>>();
        assert_eq!(classes(&found), classes(&all), "{example}");
        assert!((found[0].score - all[0].score).abs() < 1e-5);
    }
}

#[test]
fn a_wider_beam_finds_better_sequences_and_a_length_is_never_exceeded() {
    let mut decoding = Drawn::new(9);
    let examples: Vec<(u32, usize)> = (0..50).map(|at| (at, 5)).collect();
    let mut best = |beam| {
        let found = decoding.search(&examples, beam, 0.0);
        assert!(found.iter().flatten().all(|it| it.classes.len() <= 5));
        found.iter().map(|found| f64::from(found[0].score)).sum::<f64>()
    };
    let (one, eight) = (best(1), best(8));
    assert!(eight > one + 1.0, "{eight} {one}");
    decoding.n_steps = 0;
    decoding.search(&[(0, 0)], 3, 0.6);
    assert_eq!(decoding.n_steps, 1);
    assert!(decoding.search(&[], 3, 0.6).is_empty());
}

/// A decoder all of whose scores are this.
struct Constant(f32);

impl Decoding for Constant {
    fn n_classes(&self) -> usize {
        5
    }

    fn begin(&mut self, _examples: &[u32]) -> Result<()> {
        Ok(())
    }

    fn step(&mut self, from: &[u32], _classes: &[u32]) -> Result<Vec<f32>> {
        Ok(vec![self.0; 5 * from.len()])
    }
}

#[test]
fn scores_that_are_no_log_probabilities_are_errors() {
    let searched = [SearchedExample { example: 0, max_len: 5 }];
    let fault =
        |score| search(&mut Constant(score), &searched, options(2, 0.6)).unwrap_err().to_string();
    for (score, found) in [(f32::NAN, "found NaN"), (f32::INFINITY, "found inf")] {
        let what = fault(score);
        assert!(what.contains("search: non-finite log-probabilities"), "{what}");
        assert!(what.contains(found), "{what}");
    }
    let what = fault(f32::NEG_INFINITY);
    assert!(what.contains("search: every continuation of a text has probability 0"), "{what}");
}

#[test]
fn there_are_at_most_as_many_texts_as_open_hypotheses() {
    // At the greatest length all open hypotheses end.
    let searched = [SearchedExample { example: 0, max_len: 1 }];
    for beam in 1..4 {
        let found = search(&mut Constant(-1.0), &searched, options(beam, 0.0)).unwrap();
        assert_eq!(found[0].len(), beam, "{found:?}");
        assert!((found[0][0].log_probability + 1.0).abs() < 1e-6);
    }
}

#[test]
fn the_length_penalty_is_that_of_wu_and_others() {
    // Three symbols and the end: ((5 + 4) / 6)^α.
    let score = options(1, 2.0).score(-3.0, 3, &[]);
    assert!((score - -3.0 / 2.25).abs() < 1e-6);
}

/// Two words, 2 and 3, each of which has probability ½ after itself and at the start, like the end. A step after 2 attends
/// to the first of two rows, any other to the second.
struct Attending {
    attention: Vec<Vec<f32>>,
}

impl Decoding for Attending {
    fn n_classes(&self) -> usize {
        4
    }

    fn begin(&mut self, _examples: &[u32]) -> Result<()> {
        Ok(())
    }

    fn step(&mut self, _from: &[u32], classes: &[u32]) -> Result<Vec<f32>> {
        let to = |class: &u32| if *class == 2 { vec![1.0, 0.0] } else { vec![0.0, 0.5] };
        self.attention = classes.iter().map(to).collect();
        let third = (1.0f32 / 3.0).ln();
        Ok([f32::NEG_INFINITY, third, third, third].repeat(classes.len()))
    }

    fn attention(&self) -> &[Vec<f32>] {
        &self.attention
    }
}

/// All texts of one length have one probability. The sums of attention of "2" are 1 and ½, of "3" 0 and 1: with the
/// penalty "2" is first, and its score is 2·ln ⅓ + ln ½.
#[test]
fn the_coverage_penalty_prefers_texts_that_attend_to_every_row() {
    let searched = [SearchedExample { example: 0, max_len: 1 }];
    let found = |coverage_penalty| {
        let options = SearchOptions { coverage_penalty, ..options(4, 0.0) };
        let decoding = &mut Attending { attention: Vec::new() };
        search(decoding, &searched, options).unwrap().remove(0)
    };
    let classes =
        |found: &[Hypothesis]| found.iter().map(|it| it.classes.clone()).collect::<Vec<_>>();
    assert_eq!(classes(&found(0.0)), [vec![], vec![2], vec![3]]);
    let with = found(1.0);
    assert_eq!(classes(&with), [vec![2], vec![], vec![3]]);
    assert!((with[0].score - (2.0 * (1.0f32 / 3.0).ln() + 0.5f32.ln())).abs() < 1e-5);
    assert!((with[0].log_probability - 2.0 * (1.0f32 / 3.0).ln()).abs() < 1e-6);
}

#[test]
fn a_search_has_a_bounded_number_of_scores_in_memory_or_those_of_one_example() {
    assert_eq!(searched_at_once(1, 8192), 1024);
    assert_eq!(searched_at_once(100, 8192), 10);
    assert_eq!(searched_at_once(100, 1 << 20), 1);
    assert_eq!(searched_at_once(1, 0), SCORES);
}

/// More classes than are compared at a time, with equal scores and impossible classes among them.
#[test]
fn the_best_continuations_are_those_of_a_stable_sort() {
    let n_classes = 3 * CHUNK + 5;
    let mut draw = draw(1, Purpose::Init, "scores", 0);
    let scores: Vec<f32> =
        (0..3 * n_classes).map(|_| -(9.0 * unit(&mut draw)).floor() as f32).collect();
    let scores: Vec<f32> = scores
        .into_iter()
        .map(|score| if score < -7.0 { f32::NEG_INFINITY } else { score })
        .collect();
    let open = [-1.0, f32::NEG_INFINITY, -2.0]
        .map(|log_probability| Open { log_probability, ..Open::default() });
    let of_example = OpenOfExample { open: &open, first: 0, scores: &scores, n_classes };
    for only_ends in [false, true] {
        let mut all: Vec<(usize, u32, f32)> = Vec::new();
        for (at, score) in scores.iter().enumerate() {
            let (place, class) = (at / n_classes, (at % n_classes) as u32);
            let log_probability = open[place].log_probability + score;
            let is_possible = if only_ends { class == EDGE } else { class != UNKNOWN };
            if is_possible && log_probability.is_finite() {
                all.push((place, class, log_probability));
            }
        }
        all.sort_by(|a, b| b.2.total_cmp(&a.2));
        for n in [2, 10, 40] {
            let found = of_example.best(n, only_ends);
            let found: Vec<_> =
                found.iter().map(|c| (c.place, c.class, c.log_probability)).collect();
            assert_eq!(found, all[..n.min(all.len())], "{n}");
        }
    }
}
