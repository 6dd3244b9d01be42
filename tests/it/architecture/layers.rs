//! The dependencies allowed between top-level modules, and words that only some files may contain.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::{Named, paths, sources, top};

/// The modules that both halves share.
const FOLD: &[&str] = &["state", "journal", "bus", "protocol"];

/// For each top-level module, the other modules that it may depend on. The graph is acyclic (a test
/// checks it).
///
/// Dependencies that the style page does not have, with their reasons:
/// - `schedule` is arithmetic and depends on nothing. `keys` parses one from a recipe's value. Every
///   kind declares its keys, so `keys` is below `data`, `model` and `objective`.
/// - `live` declares the settings that can be changed during training and their values, in terms of
///   `keys`; the checker, the trainer, the state and the desk use it.
/// - `kernel` may use `data::Packing` and nothing else of `data`. A packing is the shape of rows, without
///   tensors: `data` builds it and kernels iterate over it. If it were in `kernel`, `data` would depend on
///   the module of tensors.
/// - `nearest` is an edit distance and depends on nothing: recipes, corpus formats and the desk's
///   configuration suggest names by it.
/// - `objective` depends on `kernel`, because a kind that computes its own scores (next-word, over a large
///   vocabulary) needs the fused cross-entropy that heads use.
/// - `printable` makes text of others safe to print and depends on nothing: whatever quotes it may use it.
/// - `process_memory` reads what the system says of memory and depends on nothing: whatever takes much asks it.
/// - `regular_file` opens files and depends on nothing: whatever reads one may use it.
/// - `mixer` depends on `schedule`: a fader's gain may be scheduled. Its rules declare their options as
///   `keys`, and draw by `data::draw`, as everything else does.
/// - `tui` lists the weighting rules with their options, by `mixer::choices`.
/// - `train` depends on `bus`: the trainer emits events to it and never blocks.
/// - `recorder` applies events to the state and writes them, without a terminal; `headless` and `tui`
///   render the state.
/// - `feed` connects the recorder and the screens: it has the channel, from which a screen may miss
///   events, and the shared state from which it catches up.
/// - `app`, `cli` and `command` may depend on everything, so nothing else may depend on them.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("protocol", &["printable"]),
    ("schedule", &[]),
    ("nearest", &[]),
    ("printable", &[]),
    ("process_memory", &[]),
    ("regular_file", &[]),
    ("keys", &["schedule"]),
    ("live", &["keys", "protocol"]),
    ("bus", &["protocol"]),
    ("state", &["live", "protocol"]),
    ("journal", &["protocol", "printable", "regular_file"]),
    ("feed", &["state", "bus", "protocol"]),
    ("recorder", &["feed", "state", "journal", "bus", "protocol"]),
    ("headless", FOLD),
    (
        "tui",
        &[
            "feed",
            "state",
            "journal",
            "bus",
            "live",
            "mixer::choices",
            "mixer::WeightingChoice",
            "protocol",
            "nearest",
            "printable",
            "regular_file",
        ],
    ),
    (
        "data",
        &["protocol", "keys", "schedule", "nearest", "printable", "process_memory", "regular_file"],
    ),
    ("metric", &["data", "protocol"]),
    ("kernel", &["data::Packing"]),
    ("model", &["data", "kernel", "keys", "regular_file", "schedule"]),
    ("mixer", &["protocol", "schedule", "keys", "data::draw", "data::Purpose"]),
    ("objective", &["model", "metric", "data", "kernel", "keys", "protocol"]),
    (
        "recipe",
        &[
            "objective",
            "mixer",
            "model",
            "metric",
            "data",
            "kernel",
            "live",
            "nearest",
            "keys",
            "schedule",
            "protocol",
            "printable",
            "regular_file",
        ],
    ),
    (
        "train",
        &[
            "recipe",
            "objective",
            "mixer",
            "model",
            "metric",
            "data",
            "kernel",
            "live",
            "keys",
            "schedule",
            "bus",
            "protocol",
            "regular_file",
        ],
    ),
    ("app", EVERYTHING),
    ("cli", EVERYTHING),
    ("command", EVERYTHING),
    ("main", EVERYTHING),
    // Declares the modules and uses none of them except in its documentation.
    ("lib", &[]),
];

const EVERYTHING: &[&str] = &["*"];

/// Words that only some files may contain.
const FENCES: &[Fence] = &[
    Fence {
        words: &["candle_core"],
        inside: |path| !NO_TENSORS.contains(&top(path).as_str()),
        why: "there is no tensor here",
    },
    Fence {
        words: &["candle_nn"],
        inside: |path| path.starts_with("kernel/plain"),
        why: "candle-nn's layers are for other devices, behind the kernels' functions",
    },
    Fence {
        words: &["ratatui", "crossterm"],
        inside: |path| top(path) == "tui",
        why: "only tui knows a terminal",
    },
    Fence {
        words: &["unsafe"],
        inside: |path| ["kernel", "main"].contains(&top(path).as_str()),
        why: "unsafe code is in src/kernel and in main.rs",
    },
    Fence {
        words: &["Instant", "SystemTime", "UNIX_EPOCH", "jiff", "Zoned", "Timestamp"],
        inside: |path| ["train/clock.rs", "app/folder.rs"].contains(&path),
        why: "a run's time is train::Clock's, and its start is a run folder's",
    },
];

const NO_TENSORS: &[&str] = &[
    "protocol", "state", "journal", "bus", "feed", "headless", "recorder", "keys", "live",
    "schedule", "metric", "mixer", "tui", "data", "cli",
];

struct Fence {
    words: &'static [&'static str],
    inside: fn(&str) -> bool,
    why: &'static str,
}

#[test]
fn every_module_uses_only_modules_below_it() {
    let mut broken = Vec::new();
    for file in sources() {
        let top = top(&file.path);
        let Some((_, may)) = MAY_NAME.iter().find(|(module, _)| *module == top) else {
            broken.push(format!("src/{}:1: {top} has no row in the table", file.path));
            continue;
        };
        for Named { line, path } in paths(&file) {
            let module = path.split("::").next().unwrap_or_default();
            let within =
                |allowed: &&str| path == **allowed || path.starts_with(&format!("{allowed}::"));
            if module == top || *may == EVERYTHING || may.iter().any(within) {
                continue;
            }
            broken.push(format!("src/{}:{line}: {top} may not name {path}", file.path));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn restricted_words_occur_only_in_their_files() {
    let mut broken = Vec::new();
    let mut n_unsafe_in_main = 0;
    for file in sources() {
        for token in &file.tokens {
            for fence in FENCES.iter().filter(|fence| fence.words.contains(&token.text.as_str())) {
                if !(fence.inside)(&file.path) {
                    let (path, line, text) = (&file.path, token.line, &token.text);
                    broken.push(format!("src/{path}:{line}: {text}: {}", fence.why));
                }
            }
        }
        if file.path == "main.rs" {
            let at = |word| file.tokens.iter().filter(move |token| token.text == word);
            n_unsafe_in_main = at("unsafe").count();
            let lines: BTreeSet<usize> = at("unsafe").map(|token| token.line).collect();
            let sets: BTreeSet<usize> = at("set_var").map(|token| token.line).collect();
            assert_eq!(lines, sets, "the one unsafe line of main.rs sets a variable");
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!(n_unsafe_in_main, 1, "main.rs has one unsafe block");
}

#[test]
fn the_table_has_a_row_for_every_module_and_no_cycle() {
    let there: BTreeSet<String> = sources().iter().map(|file| top(&file.path)).collect();
    let rows: BTreeSet<String> = MAY_NAME.iter().map(|(module, _)| (*module).to_owned()).collect();
    let gone: Vec<_> = rows.difference(&there).filter(|module| *module != "tui").collect();
    assert!(gone.is_empty(), "rows for modules that are not there: {gone:?}");
    let missing: Vec<_> = there.difference(&rows).collect();
    assert!(missing.is_empty(), "modules without a row: {missing:?}");

    // Rows that depend on no remaining row are removed, until none is left.
    let mut left: BTreeMap<&str, BTreeSet<&str>> = MAY_NAME
        .iter()
        .filter(|(_, may)| *may != EVERYTHING)
        // A path into a module is a narrow exception, which must not cause a cycle either.
        .map(|(module, may)| {
            let below = may.iter().map(|path| path.split("::").next().unwrap_or(path));
            (*module, below.collect())
        })
        .collect();
    while let Some(lowest) = left.iter().find(|(_, may)| may.is_empty()).map(|(&module, _)| module)
    {
        left.remove(lowest);
        for may in left.values_mut() {
            may.remove(lowest);
        }
    }
    assert!(left.is_empty(), "these name each other: {left:?}");
}
