//! Runs in which encoders or objectives read what another objective predicts, or learn a part of its labels: continued,
//! evaluated and predicted with.

use std::{collections::BTreeMap, path::Path};

use auxdesk::protocol::{
    Loss,
    event::{Evaluated, Split},
};
use serde_json::Value;

use crate::{
    continued::{checkpoint_files, continued, folded, steps},
    label_inputs,
    runs::{Here, finish, json},
};

fn out(here: &Here, args: &[&str]) -> String {
    let exited = finish(&mut here.auxdesk(args));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    exited.out
}

/// Small batches, a high learning rate, an evaluation every 10 steps, and no early stopping.
const SMALL: &[&str] = &[
    "train.batch_size=4",
    "train.learning_rate=0.02",
    "train.evaluate_every=10",
    "train.patience=1000",
];

/// Trains `whole` for 40 steps, and `run` for 13 and then from its checkpoint to 40; asserts that both are equal
/// bit for bit.
#[track_caller]
fn assert_continues(here: &Here, recipe: &str, sets: &[&str]) {
    let train = |run: &str, n_steps: &str| {
        let args = ["train", recipe, "--run", run, "--steps", n_steps, "--threads", "1"];
        let sets = SMALL.iter().chain(sets).flat_map(|set| ["--set", set]);
        let args: Vec<&str> = args.into_iter().chain(sets).collect();
        out(here, &args);
    };
    train("whole", "40");
    train("run", "13");
    let exited = finish(&mut continued(here, "run", &["--steps", "40"]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let [whole, run] = ["whole", "run"].map(|run| here.path(run));
    assert_eq!(steps(&whole).len(), 40);
    assert_eq!(steps(&whole), steps(&run));
    let tensors = |run: &Path| -> BTreeMap<String, Vec<u8>> {
        let is_last = |(name, _): &(String, Vec<u8>)| {
            name.starts_with("last/") && name.ends_with(".safetensors")
        };
        checkpoint_files(run).into_iter().filter(is_last).collect()
    };
    assert!(tensors(&whole).len() > 1);
    assert!(tensors(&whole) == tensors(&run), "the checkpoints of step 40 differ");
}

/// The scores of a run's test split by objective, as `evaluate` prints them.
fn evaluated(here: &Here, sets: &[&str]) -> BTreeMap<String, Value> {
    let sets = sets.iter().flat_map(|set| ["--set", set]);
    let args = ["evaluate", "run", "--json", "--threads", "1"];
    let scores = json(&out(here, &args.into_iter().chain(sets).collect::<Vec<_>>()));
    let of = |scores: &Value| (scores["name"].as_str().unwrap().to_owned(), scores["test"].clone());
    scores["objectives"].as_array().unwrap().iter().map(of).collect()
}

/// The losses and metrics that `evaluate` computes are those of the end of the run.
fn assert_evaluates(here: &Here) {
    let scores = evaluated(here, &[]);
    let run = folded(&here.path("run"));
    let mut n_metrics = 0;
    for strip in &run.strips {
        let of_test = |found: &Evaluated| found.split == Split::Test;
        let wanted = strip.evaluations.iter().rfind(|found| of_test(found)).unwrap();
        let found = &scores[strip.name.as_str()];
        let number = |value: &Value| value.as_f64().map(|number| number as f32);
        assert_eq!(number(&found["loss"]), wanted.loss.map(Loss::get), "{}", strip.name);
        for (metric, value) in &wanted.metrics {
            n_metrics += 1;
            let what = format!("{}.{metric}", strip.name);
            assert_eq!(number(&found["metrics"][metric.as_str()]), Some(*value), "{what}");
        }
    }
    assert!(n_metrics >= run.strips.len(), "{n_metrics}");
}

/// With the predictions for a file as labels, some of which are of spans, the run makes no mistake.
#[track_caller]
fn assert_predicts(
    here: &Here,
    (objective, corpus): (&str, &str),
    input: &str,
    labelled: impl Fn(&str) -> String,
) {
    let predict = ["predict", "run", input, "--objective", objective, "--threads", "1"];
    let predicted = out(here, &predict);
    let lines: Vec<String> = predicted.lines().map(labelled).collect();
    here.write("predicted", lines.join("\n") + "\n");
    assert!(lines.iter().any(|line| line.contains("\tB-")), "no span is predicted");
    let scores = evaluated(here, &[&format!("corpus.{corpus}.test=predicted")]);
    assert_eq!(scores[objective]["metrics"]["f1"], 100.0, "{}", scores[objective]);
}

#[test]
fn a_run_with_an_encoder_that_reads_labels_is_continued_evaluated_and_predicted_with() {
    let here = Here::new();
    here.write("fed.toml", label_inputs::recipe("[\"lower\", \"labels:pos\"]"));
    let files = ["train", "dev", "test"].map(|split| format!("corpus.news.{split}={split}.tsv"));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    assert_continues(&here, "fed.toml", &files);
    assert_evaluates(&here);
    // The prediction is a further column.
    assert_predicts(&here, ("chunk", "news"), "test.tsv", |line| {
        let columns: Vec<&str> = line.split('\t').collect();
        match columns[..] {
            [form, pos, _, last, predicted] => [form, pos, predicted, last].join("\t"),
            _ => line.to_owned(),
        }
    });
}

#[test]
fn a_run_whose_objectives_agree_and_feed_an_encoder_is_continued_evaluated_and_predicted_with() {
    let here = Here::new();
    let text = std::fs::read_to_string("sample-data/claims/test.txt").unwrap();
    let unlabelled = |line: &str| line.split('\t').take(2).collect::<Vec<_>>().join("\t") + "\n";
    here.write("unlabelled.txt", text.lines().map(unlabelled).collect::<String>());
    let sets = [
        "train.best=entity.f1",
        "encoder.words.width=12",
        "encoder.words.dropout=0",
        "encoder.words.characters={ width = 4, hidden = 4 }",
        "encoder.lower.width=12",
        "encoder.lower.dropout=0",
        "encoder.upper.width=6",
        "objective.entity-again.muted=false",
        "objective.agreement.muted=false",
    ];
    assert_continues(&here, "relation-extraction", &sets);
    let last = &steps(&here.path("run")).into_values().next_back().unwrap().losses;
    assert!(last["agreement"].get() > 0.0, "{last:?}");
    assert_evaluates(&here);
    // Without relations.
    assert_predicts(&here, ("entity", "claims"), "unlabelled.txt", |line| {
        match line.split_once('\t') {
            Some((token, _)) => format!("{line}\t['N']\t[{token}]"),
            None => line.to_owned(),
        }
    });
}

#[test]
fn a_run_whose_answers_are_read_in_a_sampled_sentence_is_continued_and_evaluated() {
    for reward in ["log-likelihood", "f1"] {
        let here = Here::new();
        let reward = format!("objective.answer.reward={reward}");
        let sets = [
            "encoder.words.width=8",
            "encoder.reader.width=6",
            "encoder.second.width=6",
            "objective.sentence.hidden=6",
            "objective.answer.reading=hard",
            &reward,
        ];
        assert_continues(&here, "question-answering", &sets);
        assert_evaluates(&here);
    }
}

#[test]
fn a_run_that_learns_boundaries_beside_types_is_continued_and_evaluated() {
    let here = Here::new();
    assert_continues(
        &here,
        "keyphrases",
        &["encoder.words.width=8", "objective.boundaries.muted=false"],
    );
    let run = steps(&here.path("run"));
    assert!(run.values().any(|step| step.losses.contains_key("boundaries")), "{run:?}");
    assert_evaluates(&here);
}
