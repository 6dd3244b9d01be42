//! Numbers of tokens: the parameters that each loss reaches, and the commands.

use std::fmt::Write as _;

use auxdesk::model::Mode;

use crate::{
    runs::{Here, finish, json},
    tiny::{Size, gradients, shipped_tiny},
};

const SIZE: Size = Size { width: 4, examples: 8 };

/// Steps are predicted by the head of the pitch, and no loss reaches the head of another.
#[test]
fn each_loss_reaches_the_encoders_and_the_head_that_it_names() {
    let tiny = shipped_tiny("synthesis", SIZE, &[]);
    let system = tiny.system();
    let parameters = system.parameters();
    let heads = |at: usize| -> Vec<&str> {
        let batch = tiny.batch(0, 8);
        let mode = Mode::Train { seed: 1, step: 0 };
        let taps = system.taps(&[at], &batch, mode).unwrap();
        let loss = system.loss(at, &taps[0], &batch, mode).unwrap().unwrap();
        let found = gradients(&loss.mean().unwrap(), parameters);
        let is_reached = |gradient: &Option<Vec<f32>>| {
            gradient.as_ref().is_some_and(|all| all.iter().any(|element| element.abs() > 1e-6))
        };
        let reached: Vec<&str> = parameters
            .all()
            .iter()
            .zip(&found)
            .filter(|(_, gradient)| is_reached(gradient))
            .map(|(parameter, _)| parameter.name.as_str())
            .collect();
        for encoder in ["phonemes.", "stress.", "trunk."] {
            assert!(reached.iter().any(|name| name.starts_with(encoder)), "{encoder} {reached:?}");
        }
        reached.into_iter().filter(|name| name.starts_with("objective.")).collect()
    };
    let head = |name: &str| {
        [format!("objective.{name}.output.weight"), format!("objective.{name}.output.bias")]
    };
    for (at, name) in ["duration", "voicing", "pitch"].into_iter().enumerate() {
        assert_eq!(heads(at), head(name));
    }
    // A difference of two rows has no bias, but for rounding.
    assert_eq!(heads(3), head("pitch")[..1]);
    assert!(parameters.all().iter().all(|it| !it.name.contains("pitch-step")));
}

/// A run in which `a` lasts 100, `b` 250 and `c` 400, and only `a` and `b` have a pitch: of 5, and of 6 after `a`.
fn trained(here: &Here) {
    let mut text = String::new();
    for n in 0..60_usize {
        let mut before = 9;
        for at in 0..4 {
            let phoneme = (n * (at + 1) + n / 5 + at) % 3;
            let pitch = match (phoneme, before) {
                (2, _) => "-",
                (1, 0) => "6",
                _ => "5",
            };
            let (name, duration) = (["a", "b", "c"][phoneme], [100, 250, 400][phoneme]);
            let voicing = if phoneme == 2 { "no" } else { "yes" };
            writeln!(text, "{name}\t{duration}\t{voicing}\t{pitch}").unwrap();
            before = phoneme;
        }
        text.push('\n');
    }
    here.write("phrases.tsv", text);
    here.write(
        "recipe.toml",
        r#"name = "numbers"
[train]
seed = 1
steps = 250
batch_size = 20
learning_rate = { shape = "linear", from = 0.02, to = 0.001, steps = 250 }
[[corpus]]
name = "phrases"
format = "columns"
columns = ["phoneme", "duration", "voicing", "pitch"]
train = "phrases.tsv"
dev = "phrases.tsv"
[[encoder]]
name = "phonemes"
kind = "embed"
field = "phoneme"
width = 6
[[encoder]]
name = "trunk"
kind = "birnn"
input = "phonemes"
width = 8
[[objective]]
name = "duration"
role = "main"
kind = "regress"
corpus = "phrases"
label = "duration"
tap = "trunk"
[[objective]]
name = "pitch"
kind = "regress"
corpus = "phrases"
label = "pitch"
where = "voicing"
equals = "yes"
distance = "absolute"
tap = "trunk"
[[objective]]
name = "step"
kind = "regress"
corpus = "phrases"
label = "pitch"
where = "voicing"
equals = "yes"
distance = "absolute"
target = "step"
share = "pitch"
tap = "trunk"
"#,
    );
    let train = ["train", "recipe.toml", "--headless", "--run", "run", "--threads", "1"];
    let exited = finish(&mut here.auxdesk(train));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
}

#[test]
fn predict_writes_numbers_in_the_unit_of_the_file_and_evaluate_their_error() {
    let here = Here::new();
    trained(&here);
    here.write("input.tsv", "a\nb\nc\n\nb\na\n");
    let predict = |objective: &str| {
        let args = ["predict", "run", "input.tsv", "--threads", "1", "--objective", objective];
        finish(&mut here.auxdesk(args))
    };
    let columns = |text: &str| -> Vec<(String, f32)> {
        let lines = text.lines().filter(|line| !line.is_empty());
        let cells = lines.map(|line| line.split_once([' ', '\t']).unwrap());
        cells.map(|(phoneme, number)| (phoneme.to_owned(), number.parse().unwrap())).collect()
    };
    let near = |found: &[(String, f32)], wanted: &[(&str, f32)], by: f32| {
        assert_eq!(found.len(), wanted.len());
        for ((phoneme, found), (wanted_phoneme, wanted)) in found.iter().zip(wanted) {
            assert_eq!(phoneme, wanted_phoneme);
            assert!((found - wanted).abs() < by, "{phoneme}: {found}, expected {wanted}");
        }
    };
    let durations = predict("duration").out;
    let wanted = [("a", 100.0), ("b", 250.0), ("c", 400.0), ("b", 250.0), ("a", 100.0)];
    near(&columns(&durations), &wanted, 15.0);
    // Of an unvoiced token something is predicted that nothing was trained for.
    let pitch = columns(&predict("pitch").out);
    near(&pitch[..2], &[("a", 5.0), ("b", 6.0)], 0.2);
    near(&pitch[3..], &[("b", 5.0), ("a", 5.0)], 0.2);
    let refused = predict("step");
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.err.contains("step is of kind \"regress\", which predicts no labels"),
        "{}",
        refused.err
    );
    let evaluated = finish(&mut here.auxdesk(["evaluate", "run", "--json", "--threads", "1"])).out;
    let objectives = json(&evaluated)["objectives"].clone();
    for (at, most) in [(0, 15.0), (1, 0.2), (2, 0.2)] {
        let metrics = &objectives[at]["dev"]["metrics"];
        assert!(metrics["mae"].as_f64().unwrap() < most, "{evaluated}");
        assert!(metrics["pearson"].as_f64().unwrap() > 0.9, "{evaluated}");
    }
}
