//! Samples of evaluations: what an objective predicts for a few examples of dev.

use std::collections::BTreeMap;

use auxdesk::protocol::{
    Assignment, Command, Event,
    event::{Evaluated, Reason, Sample, SampleForm, SamplesTaken, Setting, Split},
};

use crate::tiny::{Run, Size, shipped_tiny, trainable};

const SIZE: Size = Size { width: 4, examples: 16 };

fn run(name: &'static str, sets: &[&str]) -> Run {
    let often = ["train.steps=4", "train.evaluate_every=2"];
    let sets = often.iter().chain(sets).map(|set| (*set).to_owned()).collect::<Vec<_>>();
    shipped_tiny(name, SIZE, &sets).train(&[])
}

fn samples(run: &Run) -> Vec<&SamplesTaken> {
    let all = run.events.iter().filter_map(|event| match event {
        Event::SamplesTaken(taken) => Some(taken),
        _ => None,
    });
    all.collect()
}

#[test]
fn every_objective_of_every_recipe_has_samples_or_predicts_nothing_to_read() {
    let mut forms = BTreeMap::new();
    for name in trainable() {
        let run = run(name, &[]);
        let mut by_objective: BTreeMap<_, Vec<&SamplesTaken>> = BTreeMap::new();
        for taken in samples(&run) {
            assert!((1..=3).contains(&taken.samples.len()), "{name}: {taken:?}");
            for sample in &taken.samples {
                forms.insert(format!("{:?}", sample.form), name);
                assert!(!sample.rows.is_empty(), "{name} {}: {sample:?}", taken.objective);
                assert!(
                    sample.rows.iter().all(|row| row.gold.is_some() || row.predicted.is_some()),
                    "{name} {}: {sample:?}",
                    taken.objective
                );
            }
            by_objective.entry(taken.objective.clone()).or_default().push(taken);
        }
        // The same examples at both evaluations.
        for (objective, taken) in by_objective {
            let examples = |taken: &SamplesTaken| -> Vec<(String, u64)> {
                let samples = taken.samples.iter();
                samples.map(|sample| (sample.corpus.clone(), sample.example)).collect()
            };
            assert_eq!(taken.len(), 2, "{name} {objective}");
            assert_eq!(examples(taken[0]), examples(taken[1]), "{name} {objective}");
        }
    }
    assert_eq!(forms.len(), 4, "tokens, items, numbers, texts: {forms:?}");
}

#[test]
fn the_samples_of_all_examples_have_the_errors_that_are_scored() {
    let run = run("chunking", &["train.samples=20"]);
    let scored = |objective: &str, step| {
        let mut all = run.events.iter().filter_map(|event| match event {
            Event::Evaluated(event) => Some(event),
            _ => None,
        });
        let found = all.find(|event: &&Evaluated| {
            event.split == Split::Dev && event.objective.as_str() == objective && event.step == step
        });
        found.unwrap().metrics["accuracy"]
    };
    let of_pos = samples(&run).into_iter().filter(|taken| taken.objective.as_str() == "pos");
    let mut n_checked = 0;
    for taken in of_pos {
        assert!(taken.samples.iter().all(|sample| sample.form == SampleForm::Tokens));
        let n_rows: usize = taken.samples.iter().map(|sample| sample.rows.len()).sum();
        let n_wrong: usize = taken.samples.iter().map(Sample::n_wrong).sum();
        let accuracy = 100.0 * (n_rows - n_wrong) as f32 / n_rows as f32;
        assert!((accuracy - scored("pos", taken.step)).abs() < 1e-3, "{accuracy}");
        n_checked += 1;
    }
    assert_eq!(n_checked, 2);
}

#[test]
fn the_worst_samples_have_the_largest_losses() {
    let all = run("chunking", &["train.samples=20"]);
    let worst = run("chunking", &["train.samples=2", "train.worst_samples=true"]);
    assert_eq!((samples(&all).len(), samples(&worst).len()), (6, 6));
    for (all, worst) in samples(&all).into_iter().zip(samples(&worst)) {
        let losses = |taken: &SamplesTaken| -> Vec<f32> {
            taken.samples.iter().map(|sample| sample.loss.unwrap().get()).collect()
        };
        let mut sorted = losses(all);
        sorted.sort_by(|a, b| b.total_cmp(a));
        assert!(worst.worst && !all.worst);
        assert_eq!(losses(worst), sorted[..2]);
    }
}

#[test]
fn samples_change_nothing_else_and_can_be_switched_off_while_training() {
    let (with, without) = (run("chunking", &[]), run("chunking", &["train.samples=0"]));
    assert_eq!(samples(&without).len(), 0);
    assert_eq!(with.steps(), without.steps());
    let tensors = |run: &Run| run.tensors("last", "model.safetensors");
    assert!(tensors(&with) == tensors(&without));

    let off: Command = Assignment::setting("train.samples", Setting::Number(0.0)).into();
    let stop = Command::Stop { reason: Reason::Key };
    let orders = [Command::Pause, Command::Evaluate, off, Command::Evaluate, stop];
    let tiny = shipped_tiny("chunking", SIZE, &["train.steps=4".to_owned()]);
    let run = tiny.train(&orders);
    // Those of the first evaluation only; the language model predicts nothing to read.
    let with_samples: Vec<&str> =
        samples(&run).iter().map(|taken| taken.objective.as_str()).collect();
    assert_eq!(with_samples, ["chunk", "pos", "frequency"]);
}
