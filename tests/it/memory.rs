//! Systems that are too large are refused before anything is made, and a failed allocation ends the
//! program in order.

use std::path::Path;

use auxdesk::{journal::Journal, state::replay};

use crate::runs::{Exited, Here, finish, journal, json};

/// Runs a command whose address space is limited to 8 GiB.
fn limited(here: &Here, command: &std::process::Command) -> Exited {
    finish(&mut here.shell("ulimit -v 8388608; exec \"$@\"", command))
}

#[test]
fn check_says_how_much_memory_training_takes() {
    let here = Here::new();
    let exited = finish(&mut here.auxdesk(["check", "chunking"]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let line = exited.out.lines().find(|line| line.starts_with("memory about "));
    assert!(line.is_some_and(|line| line.contains(", parameters ")), "{}", exited.out);
    let exited = finish(&mut here.auxdesk(["check", "chunking", "--json"]));
    assert!(json(&exited.out)["memory_mib"]["parameters"].as_u64() > Some(0));
}

#[test]
fn a_system_larger_than_the_memory_is_refused_with_its_key_and_without_a_folder() {
    let here = Here::new();
    for (set, key) in [
        ("encoder.trunk.width=30000", "`encoder.trunk.width`"),
        ("encoder.words.characters.hidden=30000", "`encoder.words.characters.hidden`"),
        ("encoder.trunk.layers=1000", "`encoder.trunk.layers`"),
    ] {
        let wide = ["--set", set, "--set", "encoder.words.width=512"];
        let wide = if set.contains("layers") {
            [&wide[..], &["--set", "encoder.trunk.width=700"]].concat()
        } else {
            wide.to_vec()
        };
        let check = here.auxdesk([&["check", "chunking"], &wide[..]].concat());
        for command in [check, here.tiny("run", 5, &wide)] {
            let exited = limited(&here, &command);
            assert_eq!(exited.code, Some(2), "{set}: {}", exited.err);
            assert!(exited.err.contains("this system needs about"), "{}", exited.err);
            assert!(exited.err.contains(&format!("lower {key}")), "{}", exited.err);
        }
        assert!(!here.path("run").exists());
    }
}

#[test]
fn dimensions_beyond_any_sense_are_refused_at_once() {
    let here = Here::new();
    for (set, expected) in [
        ("encoder.trunk.layers=1000000000", "a whole number between 1 and 1000"),
        ("encoder.trunk.width=1000000000", "a whole number between 1 and 65536"),
        ("objective.next-word.hidden=100000", "a whole number between 1 and 65536"),
        ("objective.chunk.hidden=100000", "a whole number between 0 and 65536"),
    ] {
        let exited = limited(&here, &here.auxdesk(["check", "chunking", "--set", set]));
        assert_eq!(exited.code, Some(2), "{set}: {}", exited.err);
        assert!(exited.err.contains(&format!("expected {expected}")), "{}", exited.err);
    }
}

#[test]
fn a_recipe_with_ten_thousand_encoders_is_refused() {
    let here = Here::new();
    let shown = finish(&mut here.auxdesk(["show", "chunking"])).out;
    let more = (0..10_000).map(|at| {
        format!("[[encoder]]\nname = \"e{at}\"\nkind = \"dense\"\ninput = \"trunk\"\nwidth = 4\n")
    });
    here.write("many.toml", shown + &more.collect::<String>());
    let exited = finish(&mut here.auxdesk(["check", "many.toml"]));
    assert_eq!(exited.code, Some(2));
    let why = "expected at most 1000 tables [[encoder]], found 10";
    assert!(exited.err.contains(why), "{}", exited.err);
}

#[test]
fn more_threads_than_any_machine_has_are_refused() {
    let here = Here::new();
    let exited = finish(&mut here.tiny("run", 5, &["--threads", "60000"]));
    assert_eq!(exited.code, Some(2), "{}", exited.err);
    assert!(exited.err.contains("60000 is not in 1..=1024"), "{}", exited.err);
    assert!(!here.path("run").exists());
}

#[test]
fn a_failed_allocation_during_training_exits_with_1_and_a_message() {
    let here = Here::new();
    let exited = finish(here.tiny("run", 100, &[]).env("AUXDESK_OUT_OF_MEMORY_AT_STEP", "15"));
    assert_eq!((exited.code, exited.signal), (Some(1), None), "{}", exited.err);
    assert!(exited.err.contains("out of memory: an allocation of"), "{}", exited.err);
    continues(&here, &here.path("run"));
}

#[test]
fn a_failed_allocation_before_the_first_step_leaves_no_folder() {
    let here = Here::new();
    let exited = finish(here.tiny("run", 5, &[]).env("AUXDESK_OUT_OF_MEMORY_AT_STEP", "0"));
    assert_eq!((exited.code, exited.signal), (Some(1), None), "{}", exited.err);
    assert!(exited.err.contains("out of memory: an allocation of"), "{}", exited.err);
    assert!(!here.path("run").exists());
    here.finished("run", 5, &[]);
}

#[test]
fn a_thread_that_cannot_be_started_is_a_message_and_changes_nothing() {
    let here = Here::new();
    here.finished("run", 5, &[]);
    let before = here.read("run/journal.jsonl");
    // The standard library reads the size of a thread's stack from it: more than any address space has.
    let stack = (1_u64 << 60).to_string();
    for mut command in [
        here.tiny("other", 5, &[]),
        here.auxdesk(["continue", "run", "--steps", "9"]),
        here.auxdesk(["evaluate", "run"]),
        here.auxdesk(["predict", "run", "test.tsv"]),
    ] {
        let exited = finish(command.env("RUST_MIN_STACK", &stack));
        assert_eq!((exited.code, exited.signal), (Some(1), None), "{}", exited.err);
        let why = "cannot start the threads to compute on; lower --threads: ";
        assert!(exited.err.starts_with(why) && exited.out.is_empty(), "{}", exited.err);
        assert_eq!(exited.err.lines().count(), 1, "{}", exited.err);
    }
    assert!(!here.path("other").exists());
    assert_eq!(here.read("run/journal.jsonl"), before);
}

/// What was written until then is a run that can be continued.
fn continues(here: &Here, run: &Path) {
    let Journal { header, events, .. } = journal(run);
    let next = replay(&header, &events, None).step.next().to_string();
    let exited = finish(&mut here.auxdesk(["continue", "run", "--steps", &next]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
}
