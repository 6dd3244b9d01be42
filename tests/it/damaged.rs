//! `evaluate` and `predict` on a damaged checkpoint, or on one of another recipe: refused with the file and
//! what to do, never scored, never a panic.

use std::{collections::HashMap, fs, path::Path};

use candle_core::{DType, Device, Tensor, safetensors};

use crate::runs::{Here, finish};

/// The best checkpoint's parameters, changed.
fn change(run: &Path, with: impl Fn(&str, &mut Tensor) -> bool) {
    let path = run.join("checkpoints/best/model.safetensors");
    let mut tensors: HashMap<String, Tensor> = safetensors::load(&path, &Device::Cpu).unwrap();
    tensors.retain(|name, tensor| with(name, tensor));
    safetensors::save(&tensors, path).unwrap();
}

/// Asserts that both commands end with that code and message, and print nothing.
#[track_caller]
fn both(here: &Here, code: i32, wanted: &str) {
    for args in [&["evaluate", "run"][..], &["predict", "run", "test.tsv"]] {
        let exited = finish(&mut here.auxdesk(args));
        assert_eq!(
            (exited.code, exited.out.as_str()),
            (Some(code), ""),
            "{args:?}: {}",
            exited.err
        );
        assert!(exited.err.contains(wanted), "{args:?}: expected {wanted}\nfound {}", exited.err);
        assert!(!exited.err.contains("panicked"), "{}", exited.err);
    }
}

const MODEL: &str = "run/checkpoints/best/model.safetensors";
const STATE: &str = "run/checkpoints/best/state.json";
const ADVICE: &str =
    "if recipe.toml was edited after training, put run/checkpoints/best/recipe.toml in its place";

#[test]
fn parameters_that_are_not_finite_are_not_scored() {
    let here = Here::new();
    let run = here.finished("run", 2, &[]);
    for (value, n_wrong) in [(f32::NAN, 1), (f32::INFINITY, 1), (0.5, 0)] {
        change(&run, |name, tensor| {
            if name.starts_with("objective.pos.") && name.ends_with("bias") {
                let mut values = tensor.to_vec1::<f32>().unwrap();
                values[0] = value;
                *tensor = Tensor::new(values, &Device::Cpu).unwrap();
            }
            true
        });
        if n_wrong > 0 {
            both(&here, 2, &format!("{MODEL}: expected finite values, found 1 of "));
        }
    }
    assert_eq!(finish(&mut here.auxdesk(["evaluate", "run"])).code, Some(0));
}

#[test]
fn parameters_of_another_shape_type_or_name_are_refused() {
    let here = Here::new();
    let run = here.finished("run", 2, &[]);
    let kept = fs::read(here.path(MODEL)).unwrap();
    let bias = |name: &str| name.starts_with("objective.pos.") && name.ends_with("bias");
    change(&run, |name, _| !bias(name));
    both(&here, 2, &format!("{MODEL}: expected a parameter \"objective.pos."));
    fs::write(here.path(MODEL), &kept).unwrap();
    change(&run, |name, tensor| {
        if bias(name) {
            *tensor = Tensor::zeros(2, DType::F32, &Device::Cpu).unwrap();
        }
        true
    });
    both(&here, 2, "bias\" of shape [");
    fs::write(here.path(MODEL), &kept).unwrap();
    change(&run, |name, tensor| {
        if bias(name) {
            *tensor = tensor.to_dtype(DType::F64).unwrap();
        }
        true
    });
    both(&here, 2, "bias\" of type f32, found f64");
    fs::write(here.path(MODEL), &kept[..kept.len() / 2]).unwrap();
    both(&here, 2, &format!("{MODEL}: expected a safetensors file, found another one"));
    fs::remove_file(here.path(MODEL)).unwrap();
    both(
        &here,
        2,
        &format!(
            "{MODEL}: expected the parameters of the checkpoint, found no such file; put it back, or start a new run"
        ),
    );
    // An error of the operating system is reported as one.
    fs::create_dir(here.path(MODEL)).unwrap();
    both(&here, 1, &format!("{MODEL}: cannot be read: expected a file, found a folder"));
}

#[test]
fn a_missing_best_checkpoint_is_not_replaced_by_the_last_one() {
    let here = Here::new();
    let run = here.finished("run", 2, &[]);
    fs::rename(run.join("checkpoints/best"), here.path("kept")).unwrap();
    let last = here.path("run/checkpoints/last/state.json");
    let text = fs::read(&last).unwrap();
    let mut state: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let step = state["progress"]["counters"]["step"].clone();
    state["progress"]["counters"]["best"]["step"] = step;
    fs::write(&last, state.to_string()).unwrap();
    // Killed between saving `last` and `best`, or about to save it.
    assert_eq!(finish(&mut here.auxdesk(["evaluate", "run"])).code, Some(0));
    state["progress"]["counters"]["best"]["step"] = 1.into();
    state["progress"]["counters"]["best"]["value"] = 1.0.into();
    fs::write(&last, state.to_string()).unwrap();
    both(&here, 2, "run/checkpoints/best: expected the checkpoint of step ");
    fs::create_dir(run.join("checkpoints/best")).unwrap();
    both(
        &here,
        2,
        &format!(
            "{STATE}: expected the state of a checkpoint, found no such file; put it back, or start a new run"
        ),
    );
}

#[test]
fn a_state_that_is_not_json_is_refused() {
    let here = Here::new();
    here.finished("run", 2, &[]);
    let text = here.read(STATE);
    for damaged in [&text[..text.len() / 2], "", "[]", "{}"] {
        here.write(STATE, damaged);
        both(
            &here,
            2,
            &format!("{STATE}: expected the state of a checkpoint, found something else ("),
        );
    }
}

/// Each kind that fits something to the training splits, added to the recipe of a run without it.
#[test]
fn an_objective_or_encoder_that_the_run_was_not_trained_with_is_refused() {
    let here = Here::new();
    here.finished("run", 2, &[]);
    let recipe = here.read("run/recipe.toml");
    let objective =
        |keys: &str| format!("\n[[objective]]\nname = \"extra\"\ncorpus = \"news\"\n{keys}\n");
    let encoder = |keys: &str| format!("\n[[encoder]]\nname = \"more\"\n{keys}\n");
    let tag = |tap: &str| objective(&format!("kind = \"tag\"\nlabel = \"pos\"\ntap = \"{tap}\""));
    for (part, what, tables) in [
        ("objective.extra", "a vocabulary \"labels\"", tag("trunk.2")),
        ("objective.extra", "a vocabulary", objective("kind = \"next-word\"\ntap = \"trunk.1\"")),
        ("objective.extra", "a vocabulary", objective("kind = \"frequency\"\ntap = \"trunk.1\"")),
        (
            "objective.extra",
            "a vocabulary",
            objective("kind = \"statistic\"\ntap = \"words.mean\"\nfield = \"form\""),
        ),
        (
            "encoder.more",
            "a vocabulary \"words\"",
            encoder("kind = \"embed\"\nfield = \"pos\"\nwidth = 4") + &tag("more"),
        ),
        (
            "encoder.more",
            "a vocabulary \"features\"",
            encoder("kind = \"bow\"\nfield = \"form\"\nwidth = 4")
                + &objective("kind = \"statistic\"\ntap = \"more\"\nfield = \"form\""),
        ),
    ] {
        here.write("run/recipe.toml", format!("{recipe}{tables}"));
        both(&here, 2, &format!("{STATE}: {part}: expected {what}"));
        both(&here, 2, ADVICE);
    }
    here.write("run/recipe.toml", &recipe);
    assert_eq!(finish(&mut here.auxdesk(["evaluate", "run"])).code, Some(0));
}
