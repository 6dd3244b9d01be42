use super::super::{Labels, testing::Setting};
use crate::data::FieldValues;

#[test]
fn a_file_is_a_text_of_several_lines() {
    let setting = Setting::new("document");
    let reading = setting.read("Title here\n\nOne text .\n");
    assert_eq!(reading.shown(), ["Title|here|One|text|."]);
    let lines: Vec<u32> = reading.read.split.examples[0].lines().collect();
    assert_eq!(lines, [1, 1, 3, 3, 3]);
    assert_eq!(setting.write_each(&reading, "label", |_| vec!["X".into()]), b"X\n");
    let empty = setting.read_as("\n \n", Labels::Absent);
    assert_eq!(empty.faults(), ["f:1: the file has no text; expected at least one token"]);
    let latin: &[u8] = b"caf\xe9\n";
    assert_eq!(setting.read(latin).read.n_faulty, 1);
    let setting = setting.say("encoding", "latin-1");
    let reading = setting.read(latin);
    assert_eq!(reading.shown(), ["caf\u{e9}"]);
    assert_eq!(setting.write_each(&reading, "label", |_| vec!["n\u{e9}".into()]), b"n\xe9\n");
}

const TEXT: &str = "A title\n\nOne rose 3.5 %\r\nto Mr. Low. Two fell.\n\nThree held. ...\n";

fn summarized() -> Setting {
    let setting = Setting::new("document").say("tokens", "words");
    setting.switch("sentences", true).switch("summaries", true)
}

#[test]
fn a_summary_has_sentences_of_its_text_in_any_order_and_without_space_between() {
    let setting = summarized();
    let summary = "Three held. ...One rose 3.5 % to Mr. Low.";
    let files = [("a", TEXT.as_bytes()), ("b", summary.as_bytes())];
    let reading = setting.read_files(&files, Labels::Required);
    assert_eq!(reading.faults(), [""; 0]);
    let example = &reading.read.split.examples[0];
    assert_eq!(example.sequences[0].as_ref().unwrap().items(), [2, 9, 3, 4]);
    assert_eq!(example.lines().collect::<Vec<_>>()[1..4], [1, 3, 3]);
    let symbols = example.symbols(1).unwrap().iter();
    let extract: Vec<&str> =
        symbols.map(|&symbol| reading.corpus.lexicons[1].get(symbol)).collect();
    assert_eq!(extract, ["no", "yes", "no", "yes"]);
    assert_eq!(example.fields[2], Some(FieldValues::Text(summary.into())));
    let written = setting.write_gold(&reading, "extract");
    assert_eq!(
        String::from_utf8(written).unwrap(),
        "One rose 3.5 % to Mr. Low.\nThree held. ...\n"
    );
    assert_eq!(setting.write_each(&reading, "label", |_| vec!["X".into()]), b"X\n");
}

#[test]
fn a_text_without_its_summary_has_no_labels_and_an_empty_one_is_a_fault() {
    let setting = summarized();
    let reading = setting.read_as(TEXT, Labels::Absent);
    assert_eq!(reading.read.split.examples[0].fields[1..], [None, None]);
    let files = [("a", TEXT.as_bytes()), ("b", &b"\n"[..])];
    let reading = setting.read_files(&files, Labels::Required);
    assert_eq!(reading.faults(), ["b:1: the file has no text; expected a summary"]);
    let files = [("a", &b"\n"[..]), ("b", &b"x"[..])];
    let reading = setting.read_files(&files, Labels::Required);
    assert_eq!(reading.faults(), ["a:1: the file has no text; expected at least one token"]);
}

#[test]
fn summaries_need_sentences() {
    let setting = summarized().switch("sentences", false);
    let wanted = "expected `sentences = true`, as a summary has some of them, found false; set it";
    assert_eq!(setting.check(), [wanted]);
    assert!(summarized().check().is_empty());
}
