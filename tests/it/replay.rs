//! Replaying a run from its journal: the same report, from a complete journal or a truncated one.

use std::{fs, path::Path};

use auxdesk::{
    journal::{FILE, Journal, LeftOut, Reader},
    protocol::{Event, Step},
    state::replay,
};

use crate::runs::{Exited, Here, document, finish, journal, json, json_file};

/// The length of a journal's end, in bytes, that is truncated at every byte.
const CUT_BYTES: usize = 2_000;

fn report(journal: &Journal, at: Option<Step>) -> String {
    document(&replay(&journal.header, &journal.events, at).report())
}

fn read(bytes: &[u8]) -> Journal {
    let mut reader = Reader::new(Path::new("cut.jsonl"), bytes).unwrap();
    let events = reader.by_ref().map(Result::unwrap).collect();
    let (header, left_out) = reader.into_parts();
    Journal { header, events, left_out }
}

fn replayed(here: &Here, args: &[&str]) -> Exited {
    let mut all = vec!["replay", "--headless"];
    all.extend(args);
    finish(&mut here.auxdesk(all))
}

#[test]
fn a_replay_prints_the_report_of_the_run() {
    let here = Here::new();
    let run = here.finished("run", 20, &[]);
    let exited = replayed(&here, &["run", "--json"]);
    assert_eq!((exited.code, exited.err.as_str()), (Some(0), ""));
    assert_eq!(exited.out, here.read("run/state.json"));
    assert_eq!(json(&exited.out)["ended"], "finished");

    // A journal file outside of its run's folder.
    fs::rename(run.join(FILE), here.path("bare.jsonl")).unwrap();
    let bare = replayed(&here, &["bare.jsonl", "--json"]);
    assert_eq!((bare.code, bare.out), (Some(0), exited.out));
}

#[test]
fn a_report_has_the_usage_of_each_corpus() {
    let here = Here::new();
    let whole = journal(&here.finished("run", 20, &[]));
    let mut drawn = 0;
    let mut spent_ms = 0;
    let mut examples = 0;
    for event in &whole.events {
        match event {
            Event::RunStarted(event) => examples = event.corpora[0].splits["train"].examples,
            Event::StepDone(event) => {
                drawn += event.draws["news"];
                spent_ms += event.step_ms;
            }
            _ => {}
        }
    }
    let found = json(&replayed(&here, &["run", "--json"]).out);
    // As in the document: the shortest digits of an f32.
    let epochs: f64 = (drawn as f32 / examples as f32).to_string().parse().unwrap();
    let news = serde_json::json!([{
        "name": "news", "examples": examples, "drawn": drawn, "epochs": epochs, "drawn_fraction": 1.0,
        "spent_ms": spent_ms,
    }]);
    assert_eq!(found["corpora"], news);
    assert_eq!(found["sampling"], "proportional");

    // As written by a program that did not record the sampling rule.
    let text = here.read("run/journal.jsonl");
    let old = text.replace(",\"train.sampling\":\"proportional\"", "");
    assert_ne!(old, text);
    here.write("old.jsonl", old);
    let old = json(&replayed(&here, &["old.jsonl", "--json"]).out);
    assert_eq!(old["sampling"], serde_json::Value::Null);
    assert_eq!(old["corpora"], found["corpora"]);
}

#[test]
fn a_replay_prints_the_lines_that_the_run_printed() {
    let here = Here::new();
    let trained = finish(&mut here.tiny("run", 20, &[]));
    let exited = replayed(&here, &["run"]);
    assert_eq!((exited.code, exited.err.as_str()), (Some(0), ""));
    let (lines, closing) = trained.err.split_at(exited.out.len());
    assert_eq!(lines, exited.out);
    assert!(closing.starts_with("chunk f1 on dev: "), "{closing}");
}

#[test]
fn a_replay_up_to_a_step_is_the_fold_of_the_events_up_to_it() {
    let here = Here::new();
    let whole = journal(&here.finished("run", 20, &[]));
    for at in [0, 1, 10, 19, 20, 99] {
        let exited = replayed(&here, &["run", "--json", "--at", &at.to_string()]);
        assert_eq!(exited.out, report(&whole, Some(Step(at))));
        let found = json(&exited.out);
        assert_eq!(found["step"], at.min(20));
        assert_eq!(found["ended"] == "finished", at >= 20);
        let scored = !found["objectives"][0]["metrics"].as_object().unwrap().is_empty();
        assert_eq!(scored, at >= 10, "dev is scored after step 10");
    }
}

#[test]
fn a_journal_truncated_at_any_byte_is_the_fold_of_its_complete_lines() {
    let here = Here::new();
    let run = here.finished("run", 20, &[]);
    let bytes = fs::read(run.join(FILE)).unwrap();
    let whole = read(&bytes);
    assert_eq!(whole.left_out, LeftOut::default());
    for end in bytes.len() - CUT_BYTES..=bytes.len() {
        let cut = &bytes[..end];
        let journal = read(cut);
        let n_lines =
            cut.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).count();
        let last = cut.rsplit(|byte| *byte == b'\n').next().unwrap();
        // A last line that lacks only its newline is complete.
        let is_whole = bytes.get(end) == Some(&b'\n');
        let n_events = n_lines - 1 + usize::from(is_whole);
        assert_eq!(journal.events, whole.events[..n_events], "cut at {end}");
        let notes = journal.left_out.notes();
        if last.is_empty() || is_whole {
            assert!(notes.is_empty(), "cut at {end}: {notes:?}");
        } else {
            let (line, n_bytes) = (n_lines + 1, last.len());
            let note =
                format!("dropped a torn last line: line {line}, cut off after {n_bytes} bytes");
            assert_eq!(notes, [note], "cut at {end}");
        }
    }
}

#[test]
fn a_truncated_line_is_reported_and_the_rest_is_replayed() {
    let here = Here::new();
    let run = here.finished("run", 20, &[]);
    let bytes = fs::read(run.join(FILE)).unwrap();
    let header = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for end in [header, header + 1, bytes.len() / 2, bytes.len() - 30, bytes.len() - 1] {
        here.write("cut.jsonl", &bytes[..end]);
        let cut = read(&bytes[..end]);
        let exited = replayed(&here, &["cut.jsonl", "--json"]);
        assert_eq!(exited.code, Some(0), "cut at {end}: {}", exited.err);
        assert_eq!(exited.out, report(&cut, None), "cut at {end}");
        let reported: Vec<_> = exited.err.lines().collect();
        assert_eq!(reported, cut.left_out.notes(), "cut at {end}");

        let is_over = matches!(cut.events.last(), Some(Event::RunEnded(_)));
        assert_eq!(json(&exited.out)["ended"].is_string(), is_over, "cut at {end}");
    }
}

#[test]
fn unknown_kinds_of_events_are_skipped_and_counted() {
    let here = Here::new();
    let run = here.finished("run", 5, &[]);
    let (path, later) = (run.join(FILE), "{\"kind\":\"sung\",\"at_ms\":1,\"note\":\"la\"}\n");
    fs::write(&path, fs::read_to_string(&path).unwrap() + later).unwrap();
    let exited = replayed(&here, &["run", "--json"]);
    assert_eq!(json(&exited.out), json_file(&run, "state.json"));
    assert_eq!(exited.err, "skipped lines that this auxdesk does not know: 1 (1 of kind sung)\n");
}

#[test]
fn files_that_are_not_journals_are_refused_with_what_was_found() {
    let here = Here::new();
    here.write("empty.jsonl", "");
    fs::create_dir(here.path("folder")).unwrap();
    for (path, wanted) in [
        ("train.tsv", "train.tsv:1: expected a journal's first line"),
        ("empty.jsonl", "empty.jsonl: expected a journal"),
        ("nowhere", "nowhere: cannot be read: No such file"),
        ("folder", "folder/journal.jsonl: cannot be read: No such file"),
    ] {
        for args in [&[path][..], &[path, "--json"]] {
            let exited = replayed(&here, args);
            assert_eq!((exited.code, exited.out.as_str()), (Some(2), ""), "{path}");
            assert!(exited.err.starts_with(wanted), "{}", exited.err);
        }
    }
}
