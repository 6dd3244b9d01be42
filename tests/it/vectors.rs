//! Pretrained word vectors: the words of dev, test and new texts keep theirs, a run is scored
//! without the file, and its faults are found before a run is started.

use std::{fmt::Write, fs, path::PathBuf, sync::Arc};

use auxdesk::{data::vectors::WordVectors, train::checkpoint};
use serde_json::Value;

use crate::runs::{Exited, Here, finish, json, json_file, start, wait_for};

/// Two classes that only the vectors tell apart.
const RECIPE: &str = "
name = 'unseen-words'
[train]
steps = 40
batch_size = 8
learning_rate = 0.05
evaluate_every = 20
[[corpus]]
name = 'news'
format = 'columns'
columns = ['form', 'class']
train = 'train.tsv'
dev = 'dev.tsv'
test = 'dev.tsv'
[[encoder]]
name = 'words'
kind = 'embed'
field = 'form'
width = 4
vectors = 'v.txt'
[[objective]]
name = 'class'
role = 'main'
kind = 'tag'
corpus = 'news'
label = 'class'
tap = 'words'
";

/// Words 0 to 39 are in train, once each; 40 to 79 in dev; 80 to 119 in neither.
fn word(at: usize) -> String {
    format!("word{}", ["a", "b", "c", "d", "e"][at % 5].repeat(at / 5 + 1))
}

fn class(at: usize) -> &'static str {
    if at.is_multiple_of(2) { "even" } else { "odd" }
}

fn vectors() -> String {
    let line = |at: usize| {
        let sign = if class(at) == "even" { 1.0 } else { -1.0 };
        let noise = (at as f64 * 0.7).sin();
        format!("{} {} {noise} {} 0.5\n", word(at), sign * 0.6, sign * 0.4)
    };
    (0..120).map(line).collect()
}

fn sentences(words: std::ops::Range<usize>) -> String {
    let mut text = String::new();
    for at in words {
        let _ =
            write!(text, "{}\t{}\n{}", word(at), class(at), if at % 4 == 3 { "\n" } else { "" });
    }
    text
}

fn here() -> Here {
    let here = Here::new();
    here.write("recipe.toml", RECIPE);
    here.write("train.tsv", sentences(0..40));
    here.write("dev.tsv", sentences(40..80));
    here.write("v.txt", vectors());
    here
}

fn train(here: &Here, more: &[&str]) -> Exited {
    finish(
        &mut here.auxdesk([&["train", "recipe.toml", "--headless", "--run", "run"], more].concat()),
    )
}

fn evaluated(here: &Here, run: &str) -> Value {
    let exited = finish(&mut here.auxdesk(["evaluate", run, "--json"]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    json(&exited.out)["objectives"][0]["dev"].clone()
}

fn predicted(here: &Here, run: &str, words: std::ops::Range<usize>) -> usize {
    let bare = words.clone().map(|at| format!("{}\n", word(at))).collect::<Vec<_>>().concat();
    here.write("new.tsv", bare);
    let exited = finish(&mut here.auxdesk(["predict", run, "new.tsv"]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let is_right = |(at, line): &(usize, &str)| line.split_whitespace().last() == Some(class(*at));
    words.zip(exited.out.lines()).filter(is_right).count()
}

#[test]
fn words_outside_training_have_their_vectors_in_evaluation_and_prediction() {
    let here = here();
    for fine_tune in ["all", "known", "none"] {
        let set = format!("encoder.words.fine_tune={fine_tune}");
        let exited = train(&here, &["--set", &set]);
        assert_eq!(exited.code, Some(0), "{}", exited.err);
        let accuracy = &json_file(&here.path("run"), "summary.json")["main"]["dev"];
        assert_eq!(accuracy.as_f64(), Some(100.0), "{fine_tune}");
        assert_eq!(predicted(&here, "run", 80..120), 40, "{fine_tune}");
        fs::remove_dir_all(here.path("run")).unwrap();
    }
    // Without vectors no word of dev is known.
    here.write("recipe.toml", RECIPE.replace("vectors = 'v.txt'", ""));
    assert_eq!(train(&here, &[]).code, Some(0));
    let accuracy = json_file(&here.path("run"), "summary.json")["main"]["dev"].as_f64().unwrap();
    assert!(accuracy < 60.0, "{accuracy}");
}

#[test]
fn a_run_is_scored_and_continued_after_it_was_moved_without_the_file() {
    let here = here();
    assert_eq!(train(&here, &[]).code, Some(0));
    let before = evaluated(&here, "run");
    assert_eq!(before["metrics"]["accuracy"].as_f64(), Some(100.0));
    fs::rename(here.path("run"), here.path("moved")).unwrap();
    fs::remove_file(here.path("v.txt")).unwrap();
    assert_eq!(evaluated(&here, "moved"), before);
    assert_eq!(predicted(&here, "moved", 80..120), 40);
    let exited = finish(&mut here.auxdesk(["continue", "moved", "--steps", "60", "--headless"]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    assert_eq!(evaluated(&here, "moved")["metrics"]["accuracy"].as_f64(), Some(100.0));

    let stored: Vec<PathBuf> = fs::read_dir(here.path("moved/checkpoints/vectors"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(stored.len(), 1);
    fs::remove_file(&stored[0]).unwrap();
    let exited = finish(&mut here.auxdesk(["evaluate", "moved"]));
    assert_eq!(exited.code, Some(2), "{}", exited.err);
    assert!(exited.err.contains("expected the pretrained vectors of the run"), "{}", exited.err);
}

#[test]
fn stored_vectors_of_another_dimension_are_refused() {
    let here = here();
    assert_eq!(train(&here, &[]).code, Some(0));
    let state = checkpoint::open(&here.path("run"), "last").unwrap().unwrap().state;
    let digest = &state.vectors["encoder.words.vectors"];
    fs::remove_file(here.path(&format!("run/checkpoints/vectors/{digest}.safetensors"))).unwrap();
    let words = ["worda", "wordb"].into_iter();
    let other = WordVectors::of_rows(words, 3, vec![0.5; 6]).unwrap().with_digest(digest);
    let other = [("words".to_owned(), Arc::new(other))].into();
    checkpoint::vectors::save(&here.path("run"), &other).unwrap();
    let exited = finish(&mut here.auxdesk(["evaluate", "run"]));
    assert_eq!(exited.code, Some(2), "{}", exited.err);
    let what = "encoder.words: expected vectors of dimension 4, found 3";
    assert!(exited.err.contains(what), "{}", exited.err);
}

#[test]
fn two_encoders_that_read_one_file_to_different_lines_keep_their_own_vectors() {
    let here = here();
    let other = "[[encoder]]\nname = 'few'\nkind = 'embed'\nfield = 'form'\nwidth = 4\nvectors = 'v.txt'\nmax_vectors = 10\n\
                 [[objective]]\nname = 'again'\nkind = 'tag'\ncorpus = 'news'\nlabel = 'class'\ntap = 'few'\n";
    here.write("recipe.toml", format!("{RECIPE}{other}"));
    assert_eq!(train(&here, &[]).code, Some(0));
    assert_eq!(fs::read_dir(here.path("run/checkpoints/vectors")).unwrap().count(), 2);
    assert_eq!(evaluated(&here, "run")["metrics"]["accuracy"].as_f64(), Some(100.0));
    assert_eq!(predicted(&here, "run", 80..120), 40);
}

#[test]
fn a_run_without_a_checkpoint_refuses_vectors_that_have_changed() {
    let here = here();
    here.write("recipe.toml", RECIPE.replace("evaluate_every = 20", "evaluate_every = 1000000"));
    let args = ["train", "recipe.toml", "--headless", "--run", "run", "--steps", "1000000"];
    let mut program = start(&mut here.auxdesk(args));
    wait_for(&here.path("run"), "step_done");
    program.child().kill().unwrap();
    program.wait();
    here.write("v.txt", vectors().replacen("0.5", "0.25", 1));
    let exited = finish(&mut here.auxdesk(["continue", "run"]));
    assert_eq!(exited.code, Some(2), "{}", exited.err);
    let expected =
        "`encoder.words.vectors`: the file has changed since the run was trained with it";
    assert!(exited.err.contains(expected), "{}", exited.err);
}

#[test]
fn all_faults_of_a_vectors_file_are_found_before_a_run_is_started() {
    let here = here();
    here.write("v.txt", "a 1 2 3 4\nb 1 2 3\n<<<<<<< HEAD\nc 1 2 3 nan\n");
    // A fault of a corpus is in the same answer.
    here.write("dev.tsv", "word\n");
    for command in ["train", "check"] {
        let exited = finish(&mut here.auxdesk([command, "recipe.toml"]));
        assert_eq!((exited.code, exited.out.as_str()), (Some(2), ""), "{}", exited.err);
        for fault in [
            "v.txt:2: expected 4 values after the word, found 3",
            "v.txt:3: expected a word and its vector, found a marker of a merge conflict; resolve the conflict",
            "v.txt:4: expected a finite number, found \"nan\"",
            "dev.tsv:1: ",
        ] {
            assert!(exited.err.contains(fault), "expected {fault}\nfound {}", exited.err);
        }
    }
    assert!(!here.path("runs").exists(), "no run was begun");
}

/// The bytes before the compressed text are those of a gzip member that stores it (RFC 1952, RFC 1951).
#[test]
fn a_compressed_vectors_file_is_read_and_another_archive_is_named() {
    let here = here();
    let text = vectors();
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    let n = u16::try_from(text.len()).unwrap();
    gzip.extend(n.to_le_bytes().into_iter().chain((!n).to_le_bytes()));
    gzip.extend(text.as_bytes());
    let crc = text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    });
    gzip.extend((!crc).to_le_bytes().into_iter().chain(u32::from(n).to_le_bytes()));
    here.write("v.txt", gzip);
    let checked = finish(&mut here.auxdesk(["check", "recipe.toml"]));
    assert!(checked.out.contains("(news, form): 120 words"), "{}{}", checked.out, checked.err);
    here.write("v.txt", b"PK\x03\x04\x14\0");
    let checked = finish(&mut here.auxdesk(["check", "recipe.toml"]));
    let expected = "v.txt: expected text, found a zip archive";
    assert!(checked.code == Some(2) && checked.err.contains(expected), "{}", checked.err);
}

#[test]
fn coverage_is_told_by_check_and_at_the_start_of_a_run() {
    let here = here();
    // Every eighth word of the file is in another case, and no word of dev has a vector.
    let lines = vectors();
    let lines = lines.lines().take(40).enumerate();
    let text: String = lines
        .map(
            |(at, line)| {
                if at % 8 == 0 { line.replacen("word", "Word", 1) } else { line.to_owned() }
            },
        )
        .map(|line| line + "\n")
        .collect();
    here.write("v.txt", text);
    let exited = finish(&mut here.auxdesk(["check", "recipe.toml"]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    for line in [
        "vectors of words (news, form): 40 words",
        "  train  87.50 % of       40 tokens   87.50 % of      40 distinct words",
        "        without a vector: worda 1",
        "  dev     0.00 % of       40 tokens    0.00 % of      40 distinct words",
        "  warning: few tokens of news have a vector of encoder words: 0.00 % of dev",
    ] {
        assert!(exited.out.contains(line), "expected {line}\nfound {}", exited.out);
    }
    let checked = finish(&mut here.auxdesk(["check", "recipe.toml", "--json"]));
    let split = &json(&checked.out)["vectors"][0]["splits"][0];
    assert_eq!((&split["words_with_vector"], &split["tokens"]), (&35.into(), &40.into()));
    let exited = train(&here, &[]);
    for line in [
        "vectors of words for news train: 87.50 % of tokens, 87.50 % of 40 distinct words",
        "warning: few tokens of news have a vector of encoder words: 0.00 % of dev",
    ] {
        assert!(exited.err.contains(line), "expected {line}\nfound {}", exited.err);
    }
}
