//! Objectives that read a decoder and its inverse, in whole systems.

use std::collections::BTreeSet;

use auxdesk::model::Mode;

use crate::{
    objectives::assert_differences,
    tiny::{Size, Tiny, gradients, numbers, shipped_tiny},
};

const SIZE: Size = Size { width: 3, examples: 8 };

fn place(tiny: &Tiny, objective: &str) -> usize {
    let objectives = &tiny.recipe.objectives;
    objectives.iter().position(|spec| spec.name.as_str() == objective).unwrap()
}

#[test]
fn the_gradient_of_a_gap_matches_finite_differences_through_both_decoders() {
    for marginals in ["bigram", "none"] {
        let set = format!("objective.dual.marginals={marginals}");
        let tiny = shipped_tiny("inverse", SIZE, &[set]);
        let (system, at) = (tiny.system(), place(&tiny, "dual"));
        let loss = || tiny.term(&system, at, 3);
        let by_parameter = gradients(&loss().mean().unwrap(), system.parameters());
        let mut reached = BTreeSet::new();
        for (parameter, gradient) in system.parameters().all().iter().zip(by_parameter) {
            let Some(gradient) = gradient else { continue };
            reached.insert(parameter.name.split('.').next().unwrap());
            let what = format!("{marginals}: {}", parameter.name);
            assert_differences(parameter, &gradient, &[0.01, 0.002, 0.0005], &what, || {
                let term = loss();
                let each = numbers(&term.per_example).into_iter().map(f64::from);
                each.sum::<f64>() / term.count as f64
            });
        }
        let encoders = ["words", "reader", "writer"];
        let both = ["source", "target"].map(|side| encoders.map(|part| format!("{side}-{part}")));
        assert_eq!(reached, both.iter().flatten().map(String::as_str).collect());
    }
}

#[test]
fn samples_are_a_function_of_the_step_and_an_evaluation_translates_greedily() {
    let tiny = shipped_tiny("inverse", SIZE, &[]);
    let system = tiny.system();
    for name in ["round-trip", "round-trip-back"] {
        let at = place(&tiny, name);
        let batch = tiny.batch(tiny.recipe.objectives[at].corpora[0], 8);
        let loss = |mode: Mode| -> Vec<f32> {
            let taps = system.taps(&[at], &batch, mode).unwrap();
            numbers(&system.loss(at, &taps[0], &batch, mode).unwrap().unwrap().per_example)
        };
        let step = |step| loss(Mode::Train { seed: 1, step });
        assert_eq!(step(3), step(3), "{name}");
        assert_ne!(step(3), step(4), "{name}");
        let corpus = &tiny.corpora[batch.corpus];
        let field = corpus.field(if name == "round-trip" { "source" } else { "target" }).unwrap();
        let n_texts = (0..8).filter(|&b| !batch.rows_of(field, b).is_empty()).count();
        // The others are of the other language.
        assert!((1..8).contains(&n_texts), "{name}");
        assert_eq!(step(3).iter().filter(|loss| **loss > 0.0).count(), n_texts, "{name}");
        let evaluate = || {
            let taps = system.taps(&[at], &batch, Mode::Eval).unwrap();
            system.evaluate(at, &taps[0], &batch).unwrap()
        };
        let (once, again) = (evaluate(), evaluate());
        let [once, again] = [once, again].map(|it| it.loss.expect("some texts are translated"));
        assert_eq!(numbers(&once.per_example), numbers(&again.per_example), "{name}");
        // The words and the end of each text.
        assert_eq!(once.count, batch.symbols(field).len() + n_texts, "{name}");
    }
}
