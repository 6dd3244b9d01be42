//! Line-aligned files: what is read, what is refused, and the form of predictions.

use super::super::{Labels, testing::Setting};

fn slots() -> Setting {
    let setting = Setting::new("parallel").list("fields", &["words", "slots", "intent"]);
    setting.list("tags", &["slots"]).list("labels", &["intent"])
}

fn languages() -> Setting {
    Setting::new("parallel").list("fields", &["en", "de"])
}

fn read(setting: &Setting, files: &[&str]) -> super::super::testing::Reading {
    let names = ["a", "b", "c"];
    let files: Vec<(&str, &[u8])> =
        names.iter().zip(files).map(|(name, text)| (*name, text.as_bytes())).collect();
    setting.read_files(&files, Labels::Required)
}

#[test]
fn a_line_of_each_file_is_an_example() {
    let reading = read(&slots(), &["fly  home \nstop\n", "O B-to\nO\n", "flight\nstop#now\n"]);
    assert_eq!(reading.fields(), ["words", "slots", "intent"]);
    assert_eq!(reading.shown(), ["fly/O|home/B-to – flight", "stop/O – stop#now"]);
    let pair = read(&languages(), &["the cat\r\n\ngo\n", "die Katze\n\nlos jetzt"]);
    assert_eq!(pair.faults(), [""; 0]);
    let lengths = pair.read.split.examples.iter();
    let lengths: Vec<_> = lengths.map(|example| (example.len_of(0), example.len_of(1))).collect();
    assert_eq!(lengths, [(2, 2), (1, 2)]);
    assert_eq!(pair.read.split.examples[1].line, 3);
    let sets = Setting::new("parallel").list("fields", &["x", "text"]).list("sets", &["x"]);
    assert_eq!(read(&sets, &["a|b\n\n", "one\ntwo\n"]).shown(), ["one – {a,b}", "two – –"]);
}

#[test]
fn a_faulty_line_is_reported_in_its_own_file() {
    let reading = read(&slots(), &["a b\n\nc\nd\n", "O\nO\nO\nO\n", "x\nx\n\n\u{fffd}\n"]);
    assert_eq!(
        reading.faults(),
        [
            "b:1: 1 tags, expected 2, one for each token of words",
            "a:2: the text (words) is empty; expected at least one token",
        ]
    );
    assert_eq!(reading.shown(), ["c/O – –", "d/O – \u{fffd}"]);
    assert!(!reading.read.is_unusable);
}

#[test]
fn files_with_different_numbers_of_lines_are_refused_as_a_whole() {
    let reading = read(&languages(), &["a\nb\nc\n", "x\ny\n"]);
    let what =
        "expected as many lines in every file, found none in b after line 2; align the files";
    assert_eq!(reading.faults(), [format!("a:3: {what}")]);
    assert!(reading.read.is_unusable && reading.read.split.examples.is_empty());
    let blank = read(&languages(), &["a\nb\n\n \n", "x\ny\n"]);
    assert_eq!((blank.faults(), blank.read.split.examples.len()), (vec![], 2));
    assert!(read(&languages(), &["a\n\nb\n", "x\n"]).read.is_unusable);
    let reading = read(&languages(), &["", "x\n"]);
    assert!(reading.faults()[0].ends_with("found none in a after line 0; align the files"));
    assert!(reading.read.is_unusable);
}

#[test]
fn predictions_are_a_line_for_each_line_of_the_input() {
    let setting = slots();
    let file: &[u8] = b"fly home\n\n \nstop";
    let reading = setting.read_files(&[("a", file)], Labels::Absent);
    assert_eq!(reading.shown(), ["fly/–|home/– – –", "stop/– – –"]);
    let written = |field| String::from_utf8(setting.write(&reading, field, "X")).unwrap();
    assert_eq!(written("slots"), "X X\n\n\nX\n");
    let intent = setting.write_each(&reading, "intent", |_| vec!["flight".into()]);
    assert_eq!(intent, b"flight\n\n\nflight\n");
}

#[test]
fn replaced_bytes_are_listed_in_their_own_files() {
    let setting = languages().say("invalid_bytes", "replace");
    let files: [(&str, &[u8]); 2] = [("a", b"x\n\xe9\n"), ("b", b"\xe9\n\xe9\n")];
    let replaced = setting.read_files(&files, Labels::Required).read.replaced;
    let places: Vec<_> = replaced.iter().map(|line| (line.file.as_ref(), line.line)).collect();
    assert_eq!(places, [("a", 2), ("b", 1), ("b", 2)]);
}

#[test]
fn predictions_have_the_encoding_of_the_files() {
    let setting = slots().say("encoding", "cp1252");
    let reading = setting.read_files(&[("a", b"caf\xe9\n")], Labels::Absent);
    assert_eq!(reading.shown(), ["caf\u{e9}/\u{2013} \u{2013} \u{2013}"]);
    let written = setting.write_each(&reading, "intent", |_| vec!["\u{20ac}\u{e9}".into()]);
    assert_eq!(written, b"\x80\xe9\n");
}

#[test]
fn fields_have_one_role_each() {
    assert_eq!(slots().check(), [""; 0]);
    assert_eq!(languages().list("fields", &["a", "a"]).check(), ["two fields are named \"a\""]);
    assert_eq!(
        languages().list("labels", &["ed"]).check(),
        ["no field named \"ed\" in `fields`; did you mean \"de\"?"]
    );
    assert_eq!(
        slots().list("labels", &["slots"]).check(),
        ["the field \"slots\" is named by two of tags, labels and sets"]
    );
    assert_eq!(
        languages().list("tags", &["en", "de"]).check(),
        ["every field has tags or labels; expected a text"]
    );
}
