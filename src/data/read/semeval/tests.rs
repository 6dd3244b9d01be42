//! Marked entities and their relation: what is read and refused, and the form of predictions.

use super::super::{Labels, testing::Setting};
use crate::data::Prediction;

const TEXT: &str = "7\t\"The <e1>storm</e1> damaged the old <e2>bridge</e2>, badly.\"\r\n\
    Cause-Effect(e1,e2)\r\nComment: none\r\n\r\n\
    8\t\"A <e2>red oak</e2> stood in the <e1>park</e1>.\"\r\nOther\r\nComment:\r\n\r\n";

fn setting() -> Setting {
    Setting::new("semeval")
}

#[test]
fn two_entities_are_marked_and_related() {
    let reading = setting().read(TEXT);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(reading.fields(), ["form", "distance_1", "distance_2", "entities", "relation"]);
    assert_eq!(reading.structures("entities"), ["1-2:e1 5-6:e2", "6-7:e1 1-3:e2"]);
    assert_eq!(reading.structures("relation"), ["Cause-Effect(e1,e2)", "Other"]);
    let shown = "The/-1/-5/–|storm/0/-4/–|damaged/1/-3/–|the/2/-2/–|old/3/-1/–|bridge/4/0/–|,/5/1/–|\
                 badly/6/2/–|./7/3/– – Cause-Effect(e1,e2)";
    assert_eq!(reading.shown()[0], shown);
    let near = setting().count("max_distance", 2).read(TEXT);
    assert!(
        near.shown()[0]
            .starts_with("The/-1/-2/–|storm/0/-2/–|damaged/1/-2/–|the/2/-2/–|old/2/-1/–")
    );
}

#[test]
fn byte_offsets_are_those_of_the_text_without_markers() {
    let reading =
        setting().read("1\t\"Vid\u{e9}o of <e1>gas</e1>-powered <e2>cars</e2>\"\nOther\n");
    let example = &reading.read.split.examples[0];
    let plain = "Vid\u{e9}o of gas-powered cars";
    let tokens: Vec<&str> = (0..example.len())
        .map(|at| &plain[example.sequences[0].as_ref().unwrap().bytes(at).unwrap()])
        .collect();
    // A marker within a word ends a token.
    assert_eq!(tokens, ["Vid\u{e9}o", "of", "gas", "-", "powered", "cars"]);
    assert_eq!(reading.structures("entities"), ["2-3:e1 5-6:e2"]);
}

#[test]
fn faults_name_their_line() {
    let text = |marked: &str| format!("\n1\t\"{marked}\"\nOther\n\n");
    for (text, fault) in [
        (text("a <e1>b</e1> c"), "f:2: expected <e2> in the text, found none"),
        (text("a b"), "f:2: expected <e1> and <e2> in the text, found none"),
        (text("a <e1>b <e2>c</e2>"), "f:2: expected </e1>, found <e2>"),
        (text("<e1>a</e1> <e1>b</e1>"), "f:2: expected <e2>, found <e1>"),
        (text("<e1>a</e1> <e2>b</e2> </e2>"), "f:2: expected no further marker, found </e2>"),
        (text("<e1> </e1> <e2>b</e2>"), "f:2: expected a token before </e1>, found none"),
        (
            "1\ta <e1>b</e1> <e2>c</e2>\nOther\n".to_owned(),
            "f:1: expected a number, a tab and a text in double quotes, found another line",
        ),
        (
            "1\t\"<e1>b</e1> <e2>c</e2>\"\nOther\nMessage\n".to_owned(),
            "f:3: expected a number, a tab and a text in double quotes, found another line",
        ),
        (
            "1\t\"<e1>b</e1> <e2>c</e2>\"\nComment: none\n".to_owned(),
            "f:1: expected a line with the relation after the text, found none",
        ),
    ] {
        let reading = setting().read(&text);
        assert_eq!(reading.faults(), [fault], "{text}");
        assert_eq!(reading.read.n_faulty, 1, "{text}");
    }
}

#[test]
fn a_prediction_replaces_the_line_of_the_relation() {
    let reading = setting().read(TEXT);
    assert_eq!(String::from_utf8(setting().write_structures(&reading, "relation")).unwrap(), TEXT);
    let written = setting().write_each(&reading, "relation", |_| vec!["X(e2,e1)".into()]);
    let wanted = TEXT.replace("Cause-Effect(e1,e2)", "X(e2,e1)").replace("Other", "X(e2,e1)");
    assert_eq!(String::from_utf8(written).unwrap(), wanted);
    let broken = setting().read(TEXT.replace("<e1>storm", "storm"));
    let written = String::from_utf8(setting().write_structures(&broken, "relation")).unwrap();
    assert!(
        written.contains("badly.\"\r\n_\r\nComment") && written.contains("\r\nOther\r\n"),
        "{written}"
    );
}

#[test]
fn only_relations_are_written() {
    let reading = setting().read(TEXT);
    let names = &reading.corpus.lexicons[4];
    let classes = vec![Prediction::Classes(vec![0]); 2];
    let spans = vec![Prediction::Spans(Vec::new()); 2];
    let other = "predictions of a field that is not one of its labels";
    for (field, predictions, what) in [
        ("form", &classes, other),
        ("distance_1", &classes, other),
        ("", &classes, other),
        ("entities", &spans, other),
        ("relation", &spans, "spans"),
    ] {
        let error = setting().write_predictions(&reading, field, names, predictions).unwrap_err();
        assert_eq!(error.what, what, "{field}");
    }
}

#[test]
fn input_may_be_a_text_a_line() {
    let text = "1\t\"<e1>a</e1> <e2>b</e2>\"\r\n2\t\"<e2>c</e2> <e1>d</e1>\"";
    assert_eq!(setting().find_labels(text, &[]), "unlabelled");
    assert_eq!(setting().find_labels(TEXT, &[]), "labelled");
    let reading = setting().read_as(text, Labels::Absent);
    assert_eq!(reading.structures("relation"), ["–", "–"]);
    let written = setting().write_each(&reading, "relation", |_| vec!["Other".into()]);
    let wanted = "1\t\"<e1>a</e1> <e2>b</e2>\"\r\nOther\r\n2\t\"<e2>c</e2> <e1>d</e1>\"\nOther";
    assert_eq!(String::from_utf8(written).unwrap(), wanted);
}
