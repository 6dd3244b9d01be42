//! Questions about passages: what is read and refused, and the form of predictions.

use super::super::{Labels, testing::Setting};

const TEXT: &str = r#"{"version": "1.1", "data": [{"title": "t", "paragraphs": [
  {"context": "Zo\u00eb's caf\u00e9 opened in 1912, near the river.",
   "qas": [
    {"id": "a1", "question": "When did it open?",
     "answers": [{"text": "1912", "answer_start": 21}, {"text": "in 1912", "answer_start": 18}]},
    {"answers": [{"answer_start": 7, "text": "af\u00e9"}], "id": "a2", "question": "What opened?"}
   ]},
  {"context": "It rains.", "qas": [{"id": "b", "question": "Who sings?", "answers": []}]}
]}]}
"#;

fn setting() -> Setting {
    Setting::new("squad")
}

#[test]
fn a_question_has_its_passage_and_spans_of_it() {
    let reading = setting().read(TEXT);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(reading.fields(), ["context", "question", "answer", "id"]);
    let examples = &reading.read.split.examples;
    assert_eq!(examples.iter().map(|example| example.line).collect::<Vec<_>>(), [4, 6, 8]);
    assert_eq!((examples[0].len_of(0), examples[0].len_of(1)), (10, 5));
    // The second answer touches only a part of a token.
    assert_eq!(reading.structures("answer"), ["4-5 3-5", "1-2", "–"]);
    assert_eq!(examples[0].line_of(0), 2);
    assert_eq!(
        setting().read(TEXT.replace('\n', " ")).structures("answer"),
        ["4-5 3-5", "1-2", "–"]
    );
    let impossible = TEXT.replace("\"id\": \"a1\"", "\"id\": \"a1\", \"is_impossible\": true");
    assert_eq!(setting().read(impossible).structures("answer"), ["–", "1-2", "–"]);
}

#[test]
fn faults_name_their_line() {
    for (from, to, fault) in [
        (
            "\"answer_start\": 21",
            "\"answer_start\": 20",
            "f:5: answer \"1912\" is not at character 20 of its passage, but at 21",
        ),
        (
            "\"answer_start\": 21",
            "\"answer_start\": 23",
            "f:5: answer \"1912\" is at byte 23 of its passage; expected \"answer_start\" in characters",
        ),
        ("\"1912\"", "\"1913\"", "f:5: answer \"1913\" is not in its passage"),
        (
            "\"answer_start\": 21",
            "\"start\": 21",
            "f:5: expected an answer with a string \"text\" and a number \"answer_start\", found another value",
        ),
        (
            "\"question\": \"When did it open?\"",
            "\"question\": 4",
            "f:4: \"question\" is a number, expected a string",
        ),
        (
            "\"context\": \"It rains.\", ",
            "",
            "f:8: an object without a key \"context\", expected a string there",
        ),
        ("\"It rains.\"", "\" \"", "f:8: the text (context) is empty; expected at least one token"),
        ("\"b\"", "\"a1\"", "f:8: expected each id once, found \"a1\" again"),
        (
            ", \"answers\": []",
            "",
            "f:8: a question without a key \"answers\", expected an array there",
        ),
        (
            "\"paragraphs\": [",
            "\"paragraphs\": 3, \"x\": [",
            "f:1: \"paragraphs\" is a number, expected an array",
        ),
    ] {
        let reading = setting().read(TEXT.replace(from, to));
        assert_eq!(reading.faults(), [fault], "{to}");
        assert_eq!(reading.read.n_faulty, 1, "{to}");
        assert!(!reading.read.is_unusable);
    }
}

#[test]
fn a_file_that_is_no_such_document_is_refused_as_a_whole() {
    let reading = setting().read("{\"data\": [\n}");
    assert_eq!(reading.faults(), ["f:2: not JSON at column 1: expected value"]);
    assert!(reading.read.is_unusable);
    let lines = setting().read("[]");
    assert_eq!(lines.faults(), ["f:1: an array without a key \"data\", expected an array there"]);
    let bytes = [&b"\xff\n"[..], TEXT.as_bytes()].concat();
    let reading = setting().read(&bytes);
    assert!(
        reading.faults()[0].starts_with("f:1: byte 0 of the file is not UTF-8; JSON is UTF-8;")
    );
    assert!(reading.read.is_unusable && reading.read.split.examples.is_empty());
    let marked = format!("\u{feff}{TEXT}");
    assert_eq!(setting().read(marked).read.split.examples.len(), 3);
}

#[test]
fn predictions_are_an_object_of_ids_and_texts() {
    let reading = setting().read(TEXT);
    let written = String::from_utf8(setting().write_structures(&reading, "answer")).unwrap();
    assert_eq!(written, "{\n  \"a1\": \"1912\",\n  \"a2\": \"caf\u{e9}\",\n  \"b\": \"\"\n}\n");
    let faulty = setting().read(TEXT.replace("\"1912\"", "\"1913\""));
    let written = String::from_utf8(setting().write_structures(&faulty, "answer")).unwrap();
    assert!(written.starts_with("{\n  \"a1\": \"\",\n  \"a2\": \"caf\u{e9}\",\n"), "{written}");
    let names = &reading.corpus.lexicons[0];
    let classes = vec![crate::data::Prediction::Classes(vec![0]); 3];
    assert!(setting().write_predictions(&reading, "answer", names, &classes).is_err());
}

#[test]
fn input_may_lack_answers() {
    let text = r#"{"data": [{"paragraphs": [{"context": "It rains.", "qas": [
        {"id": "q", "question": "What does it do?"}]}]}]}"#;
    let reading = setting().read_as(text, Labels::Absent);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(reading.structures("answer"), ["–"]);
}
