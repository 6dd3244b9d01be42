//! Devices: which are accepted, and that candle's own operations, which compute on all devices but
//! the CPU, train, evaluate and predict like the fused ones. They run on the CPU here.

use std::path::Path;

use serde_json::Value;

use crate::runs::{Exited, Here, finish, json, json_file};

/// A tiny run with candle's own operations.
fn plain(here: &Here, run: &str, steps: u64, more: &[&str]) -> Exited {
    finish(here.tiny(run, steps, more).env("AUXDESK_KERNEL", "plain"))
}

/// A run's steps, preceded by its header.
fn lines(run: &Path) -> Vec<Value> {
    let journal = std::fs::read_to_string(run.join("journal.jsonl")).unwrap();
    let lines = journal.lines().map(json);
    lines
        .filter(|line| ["journal", "step_done"].contains(&line["kind"].as_str().unwrap()))
        .collect()
}

#[test]
fn losses_with_candles_own_operations_agree_with_the_fused_ones() {
    let here = Here::new();
    for cell in ["lstm", "gru"] {
        let cell = format!("encoder.trunk.cell={cell}");
        let sets = [
            &cell,
            "train.measure_gradients_every=5",
            "encoder.trunk.dropout=0.3",
            "train.clip_norm=1",
        ];
        let more: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        let name = |kind: &str| format!("{kind}-{}", cell.replace('=', "-"));
        let fused = lines(&here.finished(&name("fused"), 15, &more));
        let exited = plain(&here, &name("plain"), 15, &more);
        assert_eq!(exited.code, Some(0), "{}", exited.err);
        let plain = lines(&here.path(&name("plain")));
        assert_eq!((&plain[0]["device"], &plain[0]["kernel"]), (&"cpu".into(), &"plain".into()));
        assert_eq!((plain.len(), fused.len()), (16, 16));
        for (plain, fused) in plain[1..].iter().zip(&fused[1..]) {
            let step = &fused["step"];
            let losses = fused["losses"].as_object().unwrap();
            let pair = |(name, loss)| (String::as_str(name), &plain["losses"][name], loss);
            let mut pairs: Vec<_> = losses.iter().map(pair).collect();
            pairs.push(("norm", &plain["gradient_norm"], &fused["gradient_norm"]));
            for (name, plain, fused) in pairs {
                let [plain, fused] = [plain, fused].map(|number| number.as_f64().unwrap());
                let off = (plain - fused).abs();
                assert!(off <= 2e-3 * fused.abs(), "{name} at {step}: {plain}, fused {fused}");
            }
            assert_eq!(plain["tokens"], fused["tokens"]);
        }
    }
}

#[test]
fn scores_and_predictions_agree_between_both_kernels() {
    let here = Here::new();
    here.finished("run", 30, &[]);
    for args in [
        &["evaluate", "run", "--json", "--device", "cpu"][..],
        &["predict", "run", "test.tsv"],
        &["predict", "run", "test.tsv", "--objective", "pos"],
    ] {
        let fused = finish(&mut here.auxdesk(args));
        let plain = finish(here.auxdesk(args).env("AUXDESK_KERNEL", "plain"));
        assert_eq!((fused.code, plain.code), (Some(0), Some(0)), "{}{}", fused.err, plain.err);
        if args[0] == "predict" {
            assert!(fused.out == plain.out, "{args:?}");
            continue;
        }
        let [fused, plain] = [&fused.out, &plain.out].map(|out| json(out));
        let scores = |all: &Value, at: usize| all["objectives"][at]["test"].clone();
        for at in 0..2 {
            assert_eq!(scores(&fused, at)["metrics"], scores(&plain, at)["metrics"]);
            let losses =
                [fused.clone(), plain.clone()].map(|all| scores(&all, at)["loss"].as_f64());
            let [Some(fused), Some(plain)] = losses else { panic!("{losses:?}") };
            assert!((fused - plain).abs() <= 1e-4 * fused, "{fused}, plain {plain}");
        }
    }
}

/// Each of candle's own operations adds a level of recursion to the backward pass.
#[test]
fn a_sentence_of_a_thousand_tokens_does_not_overflow_the_stack() {
    let here = Here::new();
    let text = here.read("train.tsv");
    let tokens: Vec<&str> = text.lines().filter(|line| !line.is_empty()).take(1000).collect();
    assert_eq!(tokens.len(), 1000);
    here.write("long.tsv", tokens.join("\n") + "\n");
    let exited = plain(&here, "run", 2, &["--set", "corpus.news.train=long.tsv"]);
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    assert_eq!(json_file(&here.path("run"), "summary.json")["steps"], 2);
}

#[test]
fn a_device_missing_from_the_build_is_refused_with_the_feature() {
    let here = Here::new();
    let built = [("cuda", cfg!(feature = "cuda")), ("metal", cfg!(feature = "metal"))];
    for (feature, _) in built.into_iter().filter(|(_, is_built)| !is_built) {
        let wanted = format!(
            "this program was built without {feature}; build it with `cargo install --path . \
             --features {feature}`\n"
        );
        for args in [&["train", "chunking"][..], &["evaluate", "run"], &["predict", "run", "-"]] {
            let exited = finish(&mut here.auxdesk(args.iter().chain(&["--device", feature])));
            assert_eq!((exited.code, exited.out.as_str()), (Some(2), ""), "{}", exited.err);
            assert!(exited.err.starts_with(&format!("--device {feature}")), "{}", exited.err);
            assert!(exited.err.ends_with(&wanted), "{}", exited.err);
        }
    }
    assert!(!here.path("runs").exists(), "no run was begun");
    for name in ["gpu", "cuda:", "cuda:x", "metal:1"] {
        let exited = finish(&mut here.auxdesk(["train", "--device", name]));
        assert_eq!(exited.code, Some(2));
        let has_names =
            ["cpu", "cuda", "cuda:N", "metal"].iter().all(|name| exited.err.contains(name));
        assert!(has_names, "{}", exited.err);
    }
}
