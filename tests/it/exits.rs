//! The table of exits in ARCHITECTURE.md, one test per row: each cause, with its effect on journal,
//! checkpoint, terminal and exit code.

use std::{fs, path::Path, process::Stdio};

use auxdesk::{
    journal::{self, Journal},
    protocol::{
        Event,
        event::{Ended, Reason},
    },
    state::replay,
};

use crate::runs::{
    ENDLESS, Exited, Here, Started, document, ending, finish, journal, json, json_file, start,
    wait_for, wait_until, whole_checkpoint,
};

/// Standard output is for results, and a run without a desk writes printable lines only.
fn assert_printable_lines_only(exited: &Exited) {
    assert_eq!(exited.out, "");
    let is_plain = |c: char| c == '\n' || c == ' ' || c.is_ascii_graphic();
    assert!(exited.err.chars().all(is_plain), "{}", exited.err);
}

/// No line of the journal was dropped, and its state equals the report of the run.
pub(crate) fn assert_journal_is_complete(run: &Path) {
    let Journal { header, events, left_out } = journal(run);
    assert!(left_out.notes().is_empty(), "{:?}", left_out.notes());
    let replayed = document(&replay(&header, &events, None).report());
    assert_eq!(replayed, fs::read_to_string(run.join("state.json")).unwrap());
}

#[test]
fn a_finished_run_exits_0_with_a_complete_journal_and_checkpoints() {
    let here = Here::new();
    let exited = finish(&mut here.tiny("run", 20, &[]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let run = here.path("run");
    let end = ending(&run);
    assert_eq!((end.ended, end.reason, end.step.0), (Ended::Finished, Reason::Steps, 20));
    assert_journal_is_complete(&run);
    whole_checkpoint(&run, "best");
    assert_eq!(whole_checkpoint(&run, "last").state.step().0, 20);
    assert_printable_lines_only(&exited);
}

/// Sends one signal once the run has a checkpoint.
fn signalled(name: &str, code: i32) {
    let here = Here::new();
    let started = start(&mut here.tiny("run", ENDLESS, &[]));
    let run = here.path("run");
    wait_for(&run, "checkpoint_saved");
    started.signal(name);
    let exited = started.wait();
    assert_eq!(exited.code, Some(code), "{}", exited.err);
    let end = ending(&run);
    assert_eq!((end.ended, end.reason), (Ended::Stopped, Reason::Signal));
    assert!(exited.err.contains("\n  auxdesk continue run\n"), "{}", exited.err);
    assert_journal_is_complete(&run);
    assert_eq!(whole_checkpoint(&run, "last").state.step(), end.step, "the last step is kept");
    assert_eq!(json_file(&run, "summary.json")["ended"], "stopped");
    assert_printable_lines_only(&exited);
}

#[test]
fn ctrl_c_ends_the_run_after_the_current_batch_with_130() {
    signalled("INT", 130);
}

#[test]
fn sigterm_ends_the_run_after_the_current_batch_with_143() {
    signalled("TERM", 143);
}

#[test]
fn sighup_ends_the_run_after_the_current_batch_with_129() {
    signalled("HUP", 129);
}

// The signals that a program inherited as ignored are read from /proc, which only Linux has.
#[cfg(target_os = "linux")]
#[test]
fn a_run_under_nohup_continues_after_sighup() {
    let here = Here::new();
    let train = here.tiny("run", ENDLESS, &[]);
    let started = start(&mut here.shell("trap '' HUP; exec \"$@\"", &train));
    let run = here.path("run");
    wait_for(&run, "step_done");
    started.signal("HUP");
    let done = journal(&run).events.len();
    wait_until("training has gone on", || journal(&run).events.len() > done + 20);
    started.signal("INT");
    assert_eq!(started.wait().code, Some(130));
}

#[test]
fn a_second_ctrl_c_aborts_with_130() {
    let here = Here::new();
    // A step of many seconds, which the first Ctrl-C waits for and the second one does not.
    let wide = ["--set", "encoder.trunk.width=256", "--set", "train.batch_size=160"];
    let mut started = start(&mut here.tiny(
        "run",
        1,
        &[&wide[..], &["--set", "encoder.trunk.layers=6"]].concat(),
    ));
    let run = here.path("run");
    wait_for(&run, "run_started");
    wait_until("the program ends", || {
        started.signal("INT");
        started.has_ended()
    });
    let exited = started.wait();
    assert_eq!(exited.code, Some(130), "{}", exited.err);
    let Journal { events, left_out, .. } = journal(&run);
    assert!(left_out.notes().is_empty());
    let kinds: Vec<_> = events.iter().map(Event::kind).collect();
    assert_eq!(kinds, ["run_started"], "nobody waited for the step or wrote an end");
    assert_printable_lines_only(&exited);
}

#[test]
fn a_killed_run_has_a_readable_journal_and_complete_checkpoints() {
    let here = Here::new();
    let mut started = start(&mut here.tiny("run", ENDLESS, &["--set", "train.evaluate_every=2"]));
    let run = here.path("run");
    // Not at its first checkpoint, but while later ones replace earlier ones.
    wait_until("several checkpoints are saved", || {
        let journal = fs::read_to_string(run.join(journal::FILE)).unwrap_or_default();
        journal.matches("\"name\":\"last\"").count() >= 5
    });
    started.child().kill().unwrap();
    let exited = started.wait();
    assert_eq!((exited.code, exited.signal), (None, Some(9)));
    let Journal { header, events, .. } = journal(&run);
    let folded = replay(&header, &events, None);
    assert!(folded.ended.is_none() && folded.step.0 >= 10);
    // A kill between the two renames leaves the complete one under a temporary name, where it is
    // found.
    for name in ["best", "last"] {
        let there = run.join("checkpoints").join(name).exists();
        let name = if there { name.to_owned() } else { format!(".{name}.new") };
        whole_checkpoint(&run, &name);
    }
    let replayed = finish(&mut here.auxdesk(["replay", "run", "--json"]));
    assert_eq!(replayed.code, Some(0));
    assert_eq!(replayed.out, document(&folded.report()));
    let evaluated = finish(&mut here.auxdesk(["evaluate", "run", "--json"]));
    assert_eq!(evaluated.code, Some(0), "{}", evaluated.err);
    assert_printable_lines_only(&exited);
}

/// A tiny run whose files are limited to a number of blocks of 512 bytes.
fn limited(here: &Here, blocks: u32, more: &[&str]) -> Exited {
    let train = here.tiny("run", ENDLESS, more);
    finish(&mut here.shell(&format!("ulimit -f {blocks}; exec \"$@\""), &train))
}

#[test]
fn a_journal_that_cannot_grow_fails_the_run_with_reason_disk() {
    let here = Here::new();
    let exited = limited(&here, 40, &["--set", "train.evaluate_every=1000"]);
    assert_eq!(exited.code, Some(1), "{}", exited.err);
    let run = here.path("run");
    assert!(exited.err.contains("run/journal.jsonl"), "the file is named: {}", exited.err);
    let Journal { header, events, left_out } = journal(&run);
    assert!(left_out.torn.is_some(), "the line that no longer fitted");
    assert!(replay(&header, &events, None).step.0 > 20, "what was written before is readable");
    let state = json_file(&run, "state.json");
    assert_eq!((&state["ended"], &state["reason"]), (&"failed".into(), &"disk".into()));
    assert_eq!(json_file(&run, "summary.json")["ended"], "failed");
    assert_printable_lines_only(&exited);
}

#[test]
fn a_checkpoint_that_cannot_be_written_fails_the_run_with_reason_disk() {
    let here = Here::new();
    let exited = limited(&here, 180, &[]);
    assert_eq!(exited.code, Some(1), "{}", exited.err);
    let run = here.path("run");
    let end = ending(&run);
    assert_eq!((end.ended, end.reason, end.step.0), (Ended::Failed, Reason::Disk, 10));
    assert!(end.message.unwrap().starts_with("checkpoints/last: "), "the file is named first");
    assert!(exited.err.contains("checkpoints/last"), "the file is named: {}", exited.err);
    assert_journal_is_complete(&run);
    assert!(!run.join("checkpoints/last").exists(), "no half of a checkpoint has its name");
    assert_printable_lines_only(&exited);
}

#[test]
fn a_panic_in_the_trainer_fails_the_run_and_keeps_saved_files() {
    let here = Here::new();
    let exited = finish(here.tiny("run", 100, &[]).env("AUXDESK_PANIC_AT_STEP", "15"));
    assert_eq!(exited.code, Some(1), "{}", exited.err);
    let run = here.path("run");
    let end = ending(&run);
    assert_eq!((end.ended, end.reason, end.step.0), (Ended::Failed, Reason::Panic, 14));
    assert_eq!(end.message.as_deref(), Some("panic requested at step 15"));
    assert_journal_is_complete(&run);
    for name in ["best", "last"] {
        assert_eq!(whole_checkpoint(&run, name).state.step().0, 10);
    }
    assert!(!exited.err.contains("panicked at"), "{}", exited.err);
    let log = here.read("run/diagnostics.log");
    assert!(log.contains("panic requested at step 15"), "{log}");
    assert!(log.contains("train_step"), "the backtrace names where: {log}");
    assert_printable_lines_only(&exited);
}

#[test]
fn a_failed_tensor_operation_ends_the_run_with_reason_error() {
    let here = Here::new();
    let exited = finish(here.tiny("run", 100, &[]).env("AUXDESK_ERROR_AT_STEP", "15"));
    assert_eq!(exited.code, Some(1), "{}", exited.err);
    let run = here.path("run");
    let end = ending(&run);
    assert_eq!((end.ended, end.reason, end.step.0), (Ended::Failed, Reason::Error, 14));
    assert!(end.message.is_some_and(|why| why.contains("error requested at step 15")));
    assert_journal_is_complete(&run);
    assert_eq!(whole_checkpoint(&run, "last").state.step().0, 10, "as it stood");
    assert_printable_lines_only(&exited);
}

#[test]
fn ten_non_finite_losses_in_a_row_fail_the_run() {
    let here = Here::new();
    let rate = "train.learning_rate={ shape = \"step\", from = 0.003, to = 1e38, steps = 15 }";
    let exited = finish(&mut here.tiny("run", 100, &["--set", rate]));
    assert_eq!(exited.code, Some(1), "{}", exited.err);
    let run = here.path("run");
    let end = ending(&run);
    assert_eq!((end.ended, end.reason), (Ended::Failed, Reason::Loss));
    let events = journal(&run).events;
    let broke = events.iter().filter(|event| matches!(event, Event::NonFiniteLoss(_)));
    assert_eq!(broke.count(), 10);
    assert_journal_is_complete(&run);
    assert_eq!(
        whole_checkpoint(&run, "last").state.step().0,
        10,
        "nothing broken is saved over it"
    );
    assert!(exited.err.contains("failed: ten non-finite losses in a row"), "{}", exited.err);
    assert_printable_lines_only(&exited);
}

#[test]
fn a_reader_that_closes_early_is_a_success() {
    let here = Here::new();
    for args in [&["list"][..], &["show", "chunking"], &["man"], &["--help"]] {
        let mut command = here.auxdesk(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(Started::of(child).wait().code, Some(0), "{args:?}");
    }
    let head = here.shell("{ \"$@\"; echo $? >&2; } | head -n 1", &here.auxdesk(["list"]));
    let exited = finish(&mut { head });
    assert_eq!((exited.out.lines().count(), exited.err.as_str()), (1, "0\n"));
}

#[test]
fn an_unread_summary_is_a_success() {
    let here = Here::new();
    let mut command = here.tiny("run", 5, &["--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(Started::of(child).wait().code, Some(0));
    assert_journal_is_complete(&here.path("run"));
}

#[test]
fn a_closed_standard_error_does_not_stop_training() {
    let here = Here::new();
    let closed = here.shell("exec \"$@\" 2>&-", &here.tiny("closed", 20, &["--json"]));
    let exited = finish(&mut { closed });
    assert_eq!(exited.code, Some(0));
    assert_eq!(json(&exited.out)["ended"], "finished");
    assert_journal_is_complete(&here.path("closed"));

    let mut command = here.tiny("gone", 20, &[]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(Started::of(child).wait().code, Some(0));
    assert_journal_is_complete(&here.path("gone"));
}

#[test]
fn a_blocked_standard_error_blocks_neither_training_nor_the_exit() {
    let here = Here::new();
    // More lines than a pipe holds.
    let few = here.read("dev.tsv").split_inclusive("\n\n").take(2).collect::<String>();
    here.write("few.tsv", few);
    let often = ["--set", "train.evaluate_every=1", "--set", "corpus.news.dev=few.tsv"];
    let often = [&often[..], &["--set", "train.patience=1000"]].concat();
    let mut command = here.tiny("run", 200, &often);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let unread = child.stderr.take();
    assert_eq!(Started::of(child).wait().code, Some(0));
    assert!(json_file(&here.path("run"), "summary.json")["steps"] == 200);
    assert_journal_is_complete(&here.path("run"));
    drop(unread);
}

#[test]
fn a_run_stopped_by_a_key_exits_0() {
    let here = Here::new();
    let header = here.finished("first", 1, &[]);
    let header = fs::read_to_string(header.join(journal::FILE)).unwrap();
    let header = header.lines().next().unwrap();
    let stop = r#"{"kind":"run_ended","at_ms":1,"step":7,"ended":"stopped","reason":"key","message":null}"#;
    here.write("stop.jsonl", format!("{header}\n{stop}\n"));
    let exited = finish(&mut here.tiny("run", 100, &["--moves", "stop.jsonl"]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let end = ending(&here.path("run"));
    assert_eq!((end.ended, end.reason, end.step.0), (Ended::Stopped, Reason::Key, 7));
    assert_eq!(whole_checkpoint(&here.path("run"), "last").state.step().0, 7);
    assert_journal_is_complete(&here.path("run"));
    assert_printable_lines_only(&exited);
}
