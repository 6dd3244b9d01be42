//! The score-function gradient against the gradient of the expected loss, which is enumerated.

use candle_core::{Device, Tensor, Var};

use super::{
    super::{
        super::Reading,
        tests::{corpus, p, powers, reader, span, taps},
    },
    *,
};
use crate::{
    data::{Corpus, FieldValues},
    model::{Parameters, Rows},
    objective::Objective,
};

/// One example, its rows, and the scores z of its two segments, of which the selection is the softmax.
struct Case {
    parameters: Parameters,
    reader: Reader,
    corpus: Corpus,
    batch: Batch,
    tokens: Rows,
    sentences: Rows,
    z: Var,
}

impl Case {
    fn new(example: usize, reward: Reward) -> Self {
        let (parameters, reader) = reader(15, Some(Reading::Hard(reward)));
        let corpus = corpus();
        let batch = Batch::new(0, &corpus, &corpus.train, &[example]);
        let [tokens, sentences]: [Rows; 2] = taps(&batch).try_into().ok().unwrap();
        let z = Var::new(&[0.3f32, -0.4], &Device::Cpu).unwrap();
        Self { parameters, reader, corpus, batch, tokens, sentences, z }
    }

    /// ln P of the segments, and the scores of the tokens.
    fn score(&self) -> Scored {
        let p = kernel::log_softmax_by_group(&self.z, &[2]).unwrap().exp().unwrap();
        let taps = [self.tokens.clone(), self.sentences.with(p.unsqueeze(1).unwrap())];
        self.reader.score(&taps, &self.batch).unwrap()
    }

    fn p(&self) -> [f64; 2] {
        let e = kernel::to_vec(&self.z).unwrap();
        let e = [e[0], e[1]].map(|z| f64::from(z).exp());
        e.map(|one| one / (e[0] + e[1]))
    }

    /// The gradient of the loss of a drawn segment: by z, and by the weights of the head.
    fn gradient_of(&self, drawn: usize, reward: Reward) -> [Vec<f32>; 2] {
        let scored = self.score();
        let selection = scored.selection.as_ref().unwrap();
        let found = self.reader.hard(&scored, selection, (&[Some(drawn)], reward), &self.batch);
        let (loss, _) = found.unwrap().unwrap();
        let gradients = loss.sum.backward().unwrap();
        // Nothing of the head is in the loss of a segment without an answer.
        let of = |var: &Var| match gradients.get(var) {
            Some(gradient) => kernel::to_vec(gradient).unwrap(),
            None => vec![0.0; var.elem_count()],
        };
        [of(&self.z), of(&self.parameters.all()[0].var)]
    }

    /// −Σ_s P(s)·R(s), by the formula.
    fn expected_loss(&self, rewards: impl Fn(&Self) -> [f64; 2]) -> f64 {
        let ([p, q], [r, s]) = (self.p(), rewards(self));
        -(p * r + q * s)
    }
}

/// R of both segments of the second text, `d` and `b c`, each with an answer of one token.
fn log_likelihoods(case: &Case) -> [f64; 2] {
    let e = powers(&case.reader, std::slice::from_ref(&case.tokens), 1);
    [1.0, p(&e, 1..3, 1, 1)].map(|p| (p + 1e-3).ln())
}

/// The same of the first text, `In the US .` and `, so`, whose second segment has no answer.
fn of_the_first(case: &Case) -> [f64; 2] {
    let e = powers(&case.reader, std::slice::from_ref(&case.tokens), 1);
    let likelihood = p(&e, 0..4, 1, 3) + p(&e, 0..4, 2, 2);
    [likelihood, 0.0].map(|p| (p + 1e-3).ln())
}

fn assert_difference(case: &Case, var: &Var, at: usize, gradient: f64, f: impl Fn(&Case) -> f64) {
    let values = kernel::to_vec(var).unwrap();
    let moved = |by: f32| {
        let mut values = values.clone();
        values[at] += by;
        var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
        f(case)
    };
    let difference = (moved(0.01) - moved(-0.01)) / 0.02;
    moved(0.0);
    let is_close = (gradient - difference).abs() < 2e-3 + 1e-2 * difference.abs();
    assert!(is_close, "{at}: {gradient}, expected {difference}");
}

#[test]
fn the_expected_gradient_is_that_of_the_expected_loss_whatever_the_baseline() {
    let rewards: [fn(&Case) -> [f64; 2]; 2] = [of_the_first, log_likelihoods];
    for (example, rewards) in rewards.into_iter().enumerate() {
        for baseline in [0.0, -2.5] {
            let mut case = Case::new(example, Reward::LogLikelihood);
            case.reader.policy.record_rewards(&[baseline]);
            case.reader.policy.update();
            assert_eq!(case.reader.policy.baseline(), baseline);
            let of = [0, 1].map(|drawn| case.gradient_of(drawn, Reward::LogLikelihood));
            let p = case.p();
            let vars = [case.z.clone(), case.parameters.all()[0].var.clone()];
            for (which, var) in vars.iter().enumerate() {
                let drawn = of[0][which].iter().zip(&of[1][which]);
                for (at, (first, second)) in drawn.enumerate() {
                    let drawn = [p[0] * f64::from(*first), p[1] * f64::from(*second)];
                    let expected = |case: &Case| case.expected_loss(rewards);
                    assert_difference(&case, var, at, drawn[0] + drawn[1], expected);
                }
            }
        }
    }
}

/// `d` is right, and the best span of `b c` only in part; F1 itself has no gradient.
#[test]
fn with_f1_the_selection_follows_the_expected_f1_whatever_the_baseline() {
    for baseline in [0.0, 0.7] {
        let mut case = Case::new(1, Reward::F1);
        case.reader.policy.record_rewards(&[baseline]);
        case.reader.policy.update();
        let scored = case.score();
        let f1 = [0, 1].map(|drawn| {
            let of = case.reader.f1_of_parts(&scored, &[Some(drawn)], &case.batch).unwrap();
            f64::from(of[0])
        });
        assert!(f1[0] == 1.0 && (0.0..1.0).contains(&f1[1]), "{f1:?}");
        let of = [0, 1].map(|drawn| case.gradient_of(drawn, Reward::F1));
        let p = case.p();
        for (at, (first, second)) in of[0][0].iter().zip(&of[1][0]).enumerate() {
            let drawn = [p[0] * f64::from(*first), p[1] * f64::from(*second)];
            assert_difference(&case, &case.z, at, drawn[0] + drawn[1], |case| {
                case.expected_loss(|_| f1)
            });
        }
    }
}

#[test]
fn an_answer_across_segments_has_no_part_in_the_loss_or_in_a_reward() {
    let mut case = Case::new(1, Reward::F1);
    let fields = &mut case.corpus.train.examples[1].fields;
    fields[1] = Some(FieldValues::Answers([span(0, 2)].into()));
    case.batch = Batch::new(0, &case.corpus, &case.corpus.train, &[1]);
    let scored = case.score();
    let log_p = kernel::to_vec(scored.selection.as_ref().unwrap()).unwrap();
    assert_eq!(case.reader.draw(&scored.texts, &log_p, &case.batch), [None]);
    assert!(case.reader.loss_of(&scored, &case.batch).unwrap().0.is_none());
    // `d b` is no reference for `d` either.
    let fields = &mut case.corpus.train.examples[1].fields;
    fields[1] = Some(FieldValues::Answers([span(0, 2), span(2, 3)].into()));
    case.batch = Batch::new(0, &case.corpus, &case.corpus.train, &[1]);
    let scored = case.score();
    let f1 = case.reader.f1_of_parts(&scored, &[Some(0)], &case.batch).unwrap();
    assert_eq!(f1, [0.0]);
}

#[test]
fn the_value_is_that_of_the_drawn_segment_and_a_text_without_answers_has_none() {
    let case = Case::new(0, Reward::LogLikelihood);
    let scored = case.score();
    let selection = scored.selection.as_ref().unwrap();
    for (drawn, wanted) in of_the_first(&case).into_iter().enumerate() {
        let drawn = (&[Some(drawn)][..], Reward::LogLikelihood);
        let (loss, rewards) =
            case.reader.hard(&scored, selection, drawn, &case.batch).unwrap().unwrap();
        let found = kernel::to_vec(&loss.per_example).unwrap();
        assert!((f64::from(found[0]) + wanted).abs() < 1e-5, "{found:?}, expected {wanted}");
        assert!((f64::from(rewards[0]) - wanted).abs() < 1e-5 && loss.count == 1);
    }
    let nothing = (&[None][..], Reward::LogLikelihood);
    assert!(case.reader.hard(&scored, selection, nothing, &case.batch).unwrap().is_none());
    let unlabelled = Case::new(2, Reward::LogLikelihood);
    let taps = [unlabelled.tokens.clone(), unlabelled.sentences.clone()];
    assert!(unlabelled.reader.loss(&taps, &unlabelled.batch).unwrap().is_none());
}
