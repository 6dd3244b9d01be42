//! Runs the peer and this program alternately, and prints the ratios.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

use super::{Options, child, systems::MeasuredSystem};

/// The setting with which PyTorch is fastest: the allocator keeps large tensors. Our program sets
/// this itself.
const MALLOC: [(&str, &str); 2] =
    [("MALLOC_MMAP_THRESHOLD_", "1073741824"), ("MALLOC_TRIM_THRESHOLD_", "4294967296")];

/// One measurement of this program, in a process of its own.
pub(crate) fn here(options: &Options) -> Value {
    reported(&mut child(options))
}

/// Rounds of both, the ratios of each round, and the ratio of the best steps.
pub(crate) fn compare(options: &Options) {
    let ours = without(options, &["rounds", "against", "plain"]);
    let peer = Peer::of(options, &ours);
    let mut best = [f64::INFINITY; 2];
    let mut ratios: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    println!("{:>5} {:>12} {:>12} {:>6}", "round", "peer tok/s", "ours tok/s", "ratio");
    for round in 1..=options.number("rounds", 7) {
        let peer = match &peer {
            Peer::Program(program) => theirs(program, options),
            Peer::Plain(options) => here(options),
        };
        let ours = here(&ours);
        for (best, reported) in best.iter_mut().zip([&peer, &ours]) {
            *best = best.min(reported["step_ms_min"].as_f64().unwrap());
        }
        for (what, key) in [("training", "tokens_per_s"), ("evaluation", "evaluate_tokens_per_s")] {
            let [Some(theirs), Some(ours)] = [&peer, &ours].map(|reported| reported[key].as_f64())
            else {
                continue;
            };
            ratios.entry(what).or_default().push(ours / theirs);
            println!("{round:>5} {theirs:>12.0} {ours:>12.0} {:>6.2}  {what}", ours / theirs);
        }
    }
    for (what, ratios) in &mut ratios {
        ratios.sort_by(f64::total_cmp);
        let (least, median, most) = (ratios[0], ratios[ratios.len() / 2], ratios[ratios.len() - 1]);
        println!("{what} by rounds: median {median:.2} ({least:.2} to {most:.2})");
    }
    println!("by best steps: {:.1} / {:.1} ms = {:.2}", best[0], best[1], best[0] / best[1]);
}

/// The program to compare with.
enum Peer {
    /// Another program, by its command line.
    Program(String),
    /// The same step of stock layers, with these options.
    Plain(Options),
}

impl Peer {
    fn of(options: &Options, ours: &Options) -> Self {
        match options.given.get("against").map(String::as_str) {
            None => {
                Self::Program(std::env::var("AUXDESK_PEER").expect("AUXDESK_PEER='PYTHON PEER'"))
            }
            Some("plain") => {
                // Few steps suffice, as each takes most of a second.
                let mut plain = without(ours, &["steps", "spans", "evaluate"]);
                plain.given.insert("plain".to_owned(), "1".to_owned());
                Self::Plain(plain)
            }
            Some(other) => panic!("--against plain, not {other}"),
        }
    }
}

/// The options without those of these names.
pub(crate) fn without(options: &Options, names: &[&str]) -> Options {
    let mut options = options.clone();
    options.given.retain(|name, _| !names.contains(&name.as_str()));
    options
}

/// The peer with the same options; for the reference step and sentences of different lengths the faster of its two
/// variants.
fn theirs(peer: &str, options: &Options) -> Value {
    let mut words = peer.split_whitespace();
    let program = words.next().expect("AUXDESK_PEER names a program");
    let words: Vec<&str> = words.collect();
    let system = MeasuredSystem::of(options);
    let folder = tempfile::tempdir().unwrap();
    if system != MeasuredSystem::Reference {
        system.write_corpus(options, folder.path());
    }
    let run = |more: &[&str]| {
        let mut command = Command::new(program);
        command.args(&words).args(more).envs(MALLOC);
        if system != MeasuredSystem::Reference {
            command.arg("--data").arg(folder.path());
        }
        for (name, value) in &options.given {
            match name.as_str() {
                "rounds" | "spans" | "plain" | "system" => {}
                "evaluate" if system == MeasuredSystem::Reference => {}
                "gradients" => drop(command.args(["--conflict-every", value])),
                name => drop(command.args([format!("--{name}"), value.clone()])),
            }
        }
        reported(&mut command)
    };
    if !options.real_lengths() {
        return run(&[]);
    }
    let rate = |reported: &Value| reported["tokens_per_s"].as_f64().unwrap();
    let (packed, padded) = (
        run(&["--bucket", "1", "--word-lstm", "packed"]),
        run(&["--bucket", "1", "--word-lstm", "padded"]),
    );
    if rate(&packed) > rate(&padded) { packed } else { padded }
}

/// The last line of a program's output, as JSON.
fn reported(command: &mut Command) -> Value {
    let output = command.output().expect("the program can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    serde_json::from_str(text.lines().last().unwrap_or_default())
        .unwrap_or_else(|error| panic!("{command:?}: {error}: {text}{errors}"))
}
