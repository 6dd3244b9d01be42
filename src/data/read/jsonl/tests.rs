//! Common irregularities of JSON lines, one per test.

use super::super::{Labels, testing::Setting};
use crate::data::{FieldValues, Prediction};

fn text_label() -> Setting {
    Setting::new("jsonl").list("labels", &["label"])
}

fn tagged() -> Setting {
    Setting::new("jsonl").list("text", &["form"]).list("tags", &["pos"])
}

#[test]
fn a_text_is_a_string_or_an_array_of_tokens() {
    let text = "{\"text\": \" a  b\\u00a0c\", \"label\": \"x\"}\n\n{\"label\":\"y\",\"text\":[\"a b\",\"c\"]}";
    let reading = text_label().read(text);
    assert_eq!(reading.fields(), ["text", "label"]);
    assert_eq!(reading.shown(), ["a|b\u{a0}c – x", "a b|c – y"]);
    assert_eq!(reading.read.split.examples[1].lines().collect::<Vec<_>>(), [3, 3]);
    let words = text_label().say("tokens", "words");
    assert_eq!(words.read("{\"text\":\"A, b.\"}\n").shown(), ["A|,|b|. – –"]);
}

#[test]
fn labels_are_strings_numbers_or_booleans_and_may_be_missing() {
    let text = "{\"text\":\"a\",\"label\":1}\n{\"text\":\"b\",\"label\":1.0}\n\
                {\"text\":\"c\",\"label\":true}\n{\"text\":\"d\",\"label\":null}\n\
                {\"text\":\"e\"}\n{\"text\":\"f\",\"label\":\"\"}\n";
    let wanted = ["a – 1", "b – 1.0", "c – true", "d – –", "e – –", "f – –"];
    assert_eq!(text_label().read(text).shown(), wanted);
}

#[test]
fn sets_may_be_empty() {
    let setting = Setting::new("jsonl").list("sets", &["topics"]);
    let text = "{\"text\":\"a\",\"topics\":[\"x\",\"y\",\"x\"]}\n{\"text\":\"b\",\"topics\":[]}\n\
                {\"text\":\"c\"}\n";
    assert_eq!(setting.read(text).shown(), ["a – {x,y}", "b – {}", "c – –"]);
    assert_eq!(
        setting.read("{\"text\":\"a\",\"topics\":\"x\"}\n").faults(),
        ["f:1: \"topics\" is a string, expected an array"]
    );
}

#[test]
fn there_must_be_one_tag_per_token() {
    let text = "{\"form\":[\"a\",\"b\"],\"pos\":[\"D\",\"N\"]}\n{\"form\":\"c\"}\n\
                {\"form\":\"d e\",\"pos\":[\"N\"]}\n{\"form\":\"f\",\"pos\":[\"\"]}\n\
                {\"form\":\"g\",\"pos\":[null]}\n";
    let reading = tagged().read(text);
    assert_eq!(reading.shown(), ["a/D|b/N", "c/–"]);
    let faults = [
        "f:3: \"pos\" has 1 item, expected 2, one per token",
        "f:4: tag 1 of \"pos\" is empty",
        "f:5: tag 1 of \"pos\" is null, expected a string",
    ];
    assert_eq!(reading.faults(), faults);
    assert_eq!(reading.corpus.lexicons[0].len(), 3, "a faulty example leaves no strings");
}

#[test]
fn invalid_objects_are_reported_with_their_line() {
    let text = "{\"text\": \"a\",}\n[1]\n{\"text\":\n\"b\"}\nnull\n{\"text\":\"\\ud800\"}\n";
    let faults = [
        "f:1: not JSON at column 14: trailing comma",
        "f:2: an array, expected an object",
        "f:3: not JSON at column 8: EOF while parsing a value; expected a whole object in each line",
        "f:4: not JSON at column 4: trailing characters",
        "f:5: null, expected an object",
    ];
    let reading = text_label().read(text);
    assert_eq!(reading.faults()[..5], faults);
    assert!(reading.faults()[5].starts_with("f:6: not JSON at column "), "{:?}", reading.faults());
}

#[test]
fn faults_of_texts_and_labels_are_reported() {
    for (text, fault) in [
        ("{\"txt\":\"a\"}", "no key \"text\"; did you mean \"txt\"?"),
        ("{}", "no key \"text\"; there is none"),
        ("{\"text\":\" \"}", "the text (text) is empty; expected at least one token"),
        ("{\"text\":[]}", "the text (text) is empty; expected at least one token"),
        ("{\"text\":[\"a\",\"\"]}", "token 2 of \"text\" is empty"),
        ("{\"text\":[\"a\",{}]}", "token 2 of \"text\" is an object, expected a string"),
        ("{\"text\":1}", "\"text\" is a number, expected a string or an array of tokens"),
        ("{\"text\":null}", "\"text\" is null, expected a string or an array of tokens"),
        (
            "{\"text\":\"a\",\"label\":[\"x\"]}",
            "\"label\" is an array, expected a string, a number, true or false; name the key under \
             sets if it may hold several",
        ),
        (
            "{\"text\":\"a\",\"label\":{}}",
            "\"label\" is an object, expected a string, a number, true or false",
        ),
    ] {
        assert_eq!(text_label().read(text).faults(), [format!("f:1: {fault}")], "{text}");
    }
    let fault = "f:2: byte 14 of the file is not UTF-8; JSON is UTF-8; 1 line is not: set invalid_bytes = \
                 \"replace\" to read U+FFFD in place of such bytes, or convert the file";
    let bytes = b"{\"text\":\"a\"}\n\"\xe9\"\n";
    assert_eq!(text_label().read(bytes).faults()[..1], [fault]);
    let replaced = text_label().say("invalid_bytes", "replace").read(b"{\"text\":\"\xe9\"}");
    assert_eq!(replaced.shown(), ["\u{fffd} – –"]);
}

#[test]
fn very_long_lines_and_deep_nesting_are_accepted() {
    let long = format!("{{\"text\":\"{}\"}}", "abc, ".repeat(4_800));
    assert_eq!(text_label().read(long).read.split.size().tokens, 4_800);
    let deep = "[".repeat(24_000);
    assert_eq!(text_label().read(deep).faults().len(), 1);
}

#[test]
fn a_prediction_is_appended_as_a_key_and_no_other_byte_changes() {
    let text =
        "\u{feff}{\"text\":\"a }b\" , \"label\":\"\u{e9}\" } \r\n\n  {\"text\":\"c\",\"other\":{}}";
    let wanted = "\u{feff}{\"text\":\"a }b\" , \"label\":\"\u{e9}\" , \"predicted\": \"x\\\"\"} \r\n\n  \
                  {\"text\":\"c\",\"other\":{}, \"predicted\": \"x\\\"\"}";
    let setting = text_label();
    let reading = setting.read_as(text, Labels::Absent);
    let written = setting.write_each(&reading, "label", |_| vec!["x\"".into()]);
    assert_eq!(String::from_utf8(written.clone()).unwrap(), wanted);
    let again = text_label().list("labels", &["label", "predicted"]).read(written);
    assert_eq!(again.shown(), ["a|}b – \u{e9} – x\"", "c – – – x\""]);
}

#[test]
fn the_prediction_of_a_faulty_object_is_null() {
    let setting = text_label();
    let reading = setting.read("{\"text\":\"a\"}\n{\"text\":1}\n{}\nnot JSON\n");
    let written = setting.write_each(&reading, "label", |_| vec!["x".into()]);
    assert_eq!(
        String::from_utf8(written).unwrap(),
        "{\"text\":\"a\", \"predicted\": \"x\"}\n{\"text\":1, \"predicted\": null}\n\
         {\"predicted\": null}\nnot JSON\n"
    );
}

#[test]
fn predictions_for_tokens_are_an_array_even_for_one() {
    let setting = tagged();
    let reading = setting.read_as("{\"form\":\"a b\"}\n{\"form\":\"c\"}\n", Labels::Absent);
    let written = setting.write(&reading, "pos", "X");
    assert_eq!(
        String::from_utf8(written.clone()).unwrap(),
        "{\"form\":\"a b\", \"predicted\": [\"X\",\"X\"]}\n{\"form\":\"c\", \"predicted\": [\"X\"]}\n"
    );
    let again = tagged().list("tags", &["predicted"]).read(written);
    assert_eq!(again.shown(), ["a/X|b/X", "c/X"]);
}

#[test]
fn predicted_arcs_spans_and_relations_round_trip() {
    for (form, value) in [
        ("arcs", "[[0,2,\"x\"],[2,1]]"),
        ("spans", "[[0,2,\"x\"],[2,3]]"),
        ("relations", "[[[0,1,\"x\"],[1,3],\"y\"]]"),
    ] {
        let setting = Setting::new("jsonl").list("text", &["text"]);
        let reading = setting
            .clone()
            .list(form, &["gold"])
            .read(format!("{{\"text\":\"a b c\",\"gold\":{value}}}\n"));
        let at = reading.corpus.field("gold").unwrap();
        let gold = reading.read.split.examples[0].fields[at].clone().unwrap();
        let prediction = match &gold {
            FieldValues::Arcs(arcs) => Prediction::Arcs(arcs.to_vec()),
            FieldValues::Spans(spans) => Prediction::Spans(spans.to_vec()),
            FieldValues::Relations(relations) => Prediction::Relations(relations.to_vec()),
            other => panic!("{form}: {other:?}"),
        };
        let names = &reading.corpus.lexicons[at];
        let written = setting.write_predictions(&reading, "gold", names, &[prediction]).unwrap();
        let again = setting.list(form, &["gold", "predicted"]).read(written);
        assert_eq!(again.faults(), [""; 0]);
        let predicted = again.corpus.field("predicted").unwrap();
        assert_eq!(again.read.split.examples[0].fields[predicted], Some(gold), "{form}");
    }
}

#[test]
fn duplicate_names_are_faults() {
    assert_eq!(text_label().check(), [""; 0]);
    assert_eq!(text_label().list("tags", &["label"]).check(), ["two fields are named \"label\""]);
    let pair = text_label().list("text", &["a", "b"]);
    assert_eq!(pair.check(), [""; 0]);
    let untagged = text_label().list("item_tags", &["clicked"]);
    assert_eq!(untagged.check(), ["there are no items to tag; set items or remove item_tags"]);
}
