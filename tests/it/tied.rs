//! An objective that reads parameters and no rows: its gradient is mixed, measured and applied like
//! any other.

use auxdesk::protocol::{
    Command, Event,
    event::{GradientsMeasured, Reason},
};

use crate::{
    objectives::{assert_differences, moved, own, reached},
    tiny::{Run, Size, Tiny, gradients, numbers, text_tiny},
};

const SIZE: Size = Size { width: 4, examples: 16 };

const TIED: &str = "
name = \"tied\"

[train]
steps = 50
measure_gradients_every = 1
clip_norm = 1000.0

[[corpus]]
name = \"news\"
format = \"columns\"
columns = [\"form\", \"pos\", \"chunk\", \"_\"]
train = \"sample:news/train.tsv\"
dev = \"sample:news/dev.tsv\"

[[encoder]]
name = \"words\"
kind = \"embed\"
field = \"form\"
width = 4

[[encoder]]
name = \"one\"
kind = \"birnn\"
input = \"words\"
width = 4

[[encoder]]
name = \"other\"
kind = \"birnn\"
input = \"words\"
width = 4

[[objective]]
name = \"pos\"
role = \"main\"
kind = \"tag\"
corpus = \"news\"
label = \"pos\"
tap = \"one\"

[[objective]]
name = \"chunk\"
kind = \"tag\"
corpus = \"news\"
label = \"chunk\"
tap = \"other\"

[[objective]]
name = \"near\"
kind = \"tie\"
corpus = \"news\"
encoder = \"one\"
to = \"other\"
gain = 0.03
";

fn tied(sets: &[&str]) -> Tiny {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    text_tiny(TIED, SIZE, &sets)
}

fn steps(tiny: &Tiny, n: usize) -> Run {
    let mut orders = vec![Command::Pause];
    orders.extend(std::iter::repeat_n(Command::StepOnce, n));
    orders.push(Command::Stop { reason: Reason::Key });
    tiny.train(&orders)
}

fn measured(run: &Run) -> Vec<GradientsMeasured> {
    let gradients = |event: &Event| match event {
        Event::GradientsMeasured(gradients) => Some(gradients.clone()),
        _ => None,
    };
    run.events.iter().filter_map(gradients).collect()
}

/// The gradient with respect to A is 2·(A − B) and its negative with respect to B, so its norm is
/// 2·√2·√loss, times the weight.
#[test]
fn a_gradient_without_a_tap_is_measured_with_its_norm_and_share() {
    let all = steps(&tied(&[]), 3);
    for (step, measured) in all.steps().iter().zip(measured(&all)) {
        let wanted = 0.03 * (8.0 * step.losses["near"].get()).sqrt();
        let norm = measured.norms["near"];
        assert!((norm - wanted).abs() < 1e-4 * wanted, "{norm}, expected {wanted}");
        let sum: f32 = measured.gradient_shares.values().sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        assert!(measured.gradient_shares["near"].abs() > 1e-4);
        assert_eq!(
            measured.cosines.values().map(std::collections::BTreeMap::len).sum::<usize>(),
            3
        );
    }
    // Each of the others is the same with and without the tie.
    let first = measured(&all).remove(0);
    let alone = measured(&steps(&tied(&["objective.near.muted=true"]), 1)).remove(0);
    assert_eq!(alone.norms.len(), 2);
    for (name, norm) in &alone.norms {
        let beside = first.norms[name];
        assert!((beside - norm).abs() < 1e-4 * norm, "{name}: {beside} beside the tie, {norm}");
    }
}

#[test]
fn a_tie_alone_reduces_the_distance_of_two_encoders_only() {
    let sets = ["objective.pos.gain=0", "objective.chunk.muted=true", "objective.near.gain=1"];
    let sets = [&sets[..], &["train.best=near.distance", "train.steps=40"]].concat();
    let tiny = tied(&sets);
    let (before, run) = (tiny.system(), tiny.train(&[]));
    let losses: Vec<f32> = run.steps().iter().map(|step| step.losses["near"].get()).collect();
    assert!(losses.is_sorted_by(|a, b| a > b), "{losses:?}");
    let after = run.tensors("last", "model.safetensors");
    for parameter in before.parameters().all() {
        let first: Vec<u32> = numbers(&parameter.var).into_iter().map(f32::to_bits).collect();
        let (_, last) = after.iter().find(|(name, _)| *name == parameter.name).unwrap();
        let is_tied = ["one.", "other."].iter().any(|prefix| parameter.name.starts_with(prefix));
        // Parameters that are equal at the start stay equal.
        let moved = first != *last;
        assert!(is_tied || !moved, "{} moved", parameter.name);
        assert!(
            moved || !parameter.name.ends_with("weight") || !is_tied,
            "{} stood",
            parameter.name
        );
    }
}

#[test]
fn two_runs_of_a_tie_are_equal_bit_for_bit() {
    let run = || steps(&tied(&[]), 5);
    let (one, other) = (run(), run());
    assert_eq!(one.steps(), other.steps());
    let tensors = |run: &Run| run.tensors("last", "model.safetensors");
    assert!(tensors(&one) == tensors(&other));
}

/// The heads of both taggers are held, by an objective whose table is above theirs.
#[test]
fn the_gradient_of_an_anchor_reaches_the_heads_that_it_holds_and_matches_finite_differences() {
    let held = "[[objective]]\nname = \"held\"\nkind = \"anchor\"\ncorpus = \"news\"\n\
                heads = [\"pos\", \"chunk\"]\n\n[[objective]]";
    let text = TIED.replacen("[[objective]]", held, 1);
    let tiny = text_tiny(&text, SIZE, &[]);
    let system = moved(tiny.system(), 0.005);
    let loss = tiny.term(&system, 0, 3).mean().unwrap();
    let all = gradients(&loss, system.parameters());
    let wanted = [own(&system, "pos"), own(&system, "chunk")];
    assert!(wanted.iter().all(|names| names.len() == 2), "{wanted:?}");
    assert_eq!(reached(&system, &all), wanted.into_iter().flatten().collect());
    let exact = || {
        let term = tiny.term(&system, 0, 3);
        let sum: f64 = numbers(&term.per_example).into_iter().map(f64::from).sum();
        sum / term.count as f64
    };
    for (parameter, gradient) in system.parameters().all().iter().zip(all) {
        let Some(gradient) = gradient else { continue };
        assert_differences(parameter, &gradient, &[0.01, 0.002], &parameter.name, exact);
    }
    // What is built before the anchor has the same first values as without it.
    let plain = tied(&[]).system();
    for (parameter, other) in tiny.system().parameters().all().iter().zip(plain.parameters().all())
    {
        assert_eq!(parameter.name, other.name);
        assert_eq!(numbers(&parameter.var), numbers(&other.var));
    }
}
