//! Devices and pipes as inputs are refused with a message, or read up to a bound; nothing hangs and
//! no memory grows without end.

use std::{fs, process::Command};

use crate::runs::{Here, finish};

/// `/dev/zero`, and a pipe that nobody writes to.
fn endless(here: &Here) -> Vec<String> {
    let made = Command::new("mkfifo").arg(here.path("pipe")).status().unwrap();
    assert!(made.success());
    vec!["/dev/zero".to_owned(), here.path("pipe").display().to_string()]
}

#[test]
fn a_device_or_a_pipe_is_refused_wherever_a_file_is_named() {
    let here = Here::new();
    here.finished("run", 5, &[]);
    for endless in endless(&here) {
        let corpus = format!("corpus.news.train={endless}");
        let vectors = format!("encoder.words.vectors={endless}");
        for args in [
            &["check", &endless][..],
            &["train", &endless],
            &["check", "chunking", "--set", &corpus],
            &["check", "chunking", "--set", &vectors],
            &["train", "chunking", "--run", "new", "--set", &corpus],
            &["train", "chunking", "--run", "new", "--moves", &endless],
            &["replay", &endless],
            &["replay", &endless, "--headless"],
            &["evaluate", "run", "--set", &corpus.replace("train", "dev")],
        ] {
            let exited = finish(&mut here.auxdesk(args));
            assert_eq!(exited.code, Some(2), "{args:?}: {}", exited.err);
            assert!(!here.path("new").exists());
        }
    }
}

#[test]
fn the_user_s_key_file_may_be_no_device() {
    let here = Here::new();
    fs::create_dir_all(here.path("config/auxdesk")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", here.path("config/auxdesk/desk.toml")).unwrap();
    let mut check = here.auxdesk(["check", "--config"]);
    let exited = finish(check.env("XDG_CONFIG_HOME", here.path("config")));
    assert_eq!(exited.code, Some(2), "{}", exited.err);
    assert!(exited.err.contains("expected a file, found a device"), "{}", exited.err);
}

#[test]
fn prediction_reads_a_device_up_to_a_bound() {
    let here = Here::new();
    here.finished("run", 5, &[]);
    let exited = finish(&mut here.auxdesk(["predict", "run", "/dev/zero"]));
    assert_eq!(exited.code, Some(2), "{}", exited.err);
    assert!(exited.err.contains("expected at most 1024 MiB, found more"), "{}", exited.err);
    let piped = here.shell("cat dev.tsv | \"$@\"", &here.auxdesk(["predict", "run", "/dev/stdin"]));
    let exited = finish(&mut { piped });
    assert_eq!(exited.code, Some(0), "{}", exited.err);
}

#[test]
fn a_journal_s_line_of_a_hundred_megabytes_is_refused() {
    let here = Here::new();
    let run = here.finished("run", 5, &[]);
    let mut journal = fs::read(run.join("journal.jsonl")).unwrap();
    journal.resize(journal.len() + 100_000_000, b'x');
    here.write("run/journal.jsonl", journal);
    for args in [&["replay", "run", "--headless"][..], &["continue", "run", "--steps", "6"]] {
        let exited = finish(&mut here.auxdesk(args));
        assert_eq!(exited.code, Some(2), "{}", exited.err);
        assert!(exited.err.contains("lines of at most 16 MiB"), "{}", exited.err);
    }
}
