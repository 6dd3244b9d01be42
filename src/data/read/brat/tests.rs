//! Standoff annotation: what is read and refused, and the form of predictions.

use super::super::{
    Labels,
    testing::{Reading, Setting},
};
use crate::data::{Lexicon, Prediction, structure::TokenSpan};

const TEXT: &str = "Zo\u{eb}\u{a0}bakes rye bread.\nIt is dense\u{200b} bread, or loaf.";

const ANNOTATIONS: &str = "T1\tPerson 0 3\tZo\u{eb}\nT2\tFood 10 19\trye bread\nT3\tFood 14 19\tbread\n\
    R1\tMakes Arg1:T1 Arg2:T2\t\n*\tSynonym-of T3 T4 T5\n#1\tAnnotatorNotes T1\ta note\n\
    T4\tFood 34 39\tbread\nT5\tFood 44 48\tloaf\nT6\tFood 27 32;34 39\tdense bread\nA1\tSure T1\n";

fn setting() -> Setting {
    Setting::new("brat").list("equivalences", &["Equiv", "Synonym-of"])
}

fn read(text: &str, annotations: &str) -> Reading {
    let files = [("f.txt", text.as_bytes()), ("f.ann", annotations.as_bytes())];
    setting().read_files(&files, Labels::Required)
}

#[test]
fn offsets_count_characters() {
    let reading = read(TEXT, ANNOTATIONS);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(reading.fields(), ["form", "entity", "entities", "relations"]);
    let entities = "0-1:Person 2-4:Food 3-4:Food 8-9:Food 11-12:Food 7-9:Food";
    assert_eq!(reading.structures("entities"), [entities]);
    assert_eq!(
        reading.structures("relations"),
        ["0-1>2-4:Makes 3-4>8-9:Synonym-of 3-4>11-12:Synonym-of"]
    );
    let tags = "B-Person O B-Food I-Food O O O B-Food I-Food O O B-Food O";
    assert_eq!(reading.structures("entity"), [tags]);
    let example = &reading.read.split.examples[0];
    assert_eq!(example.lines().collect::<Vec<_>>(), [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2]);
    let crlf = read(&TEXT.replace('\n', "\r\n"), "T1\tFood 28 31\tden\r\n");
    assert_eq!(crlf.structures("entities"), ["7-8:Food"]);
}

#[test]
fn faults_name_their_file_and_line() {
    for (annotations, fault) in [
        (
            "T1\tFood 11 20\trye bread",
            "f.ann:1: T1: expected \"rye bread\" at \"Food 11 20\", found \"ye bread.\"",
        ),
        (
            "T1\tFood 12 21\trye bread",
            "f.ann:1: T1: expected \"rye bread\" at \"Food 12 21\", found \"e bread. \"; the offsets count bytes, expected characters",
        ),
        (
            "T1\tFood 9 900\tx",
            "f.ann:1: T1: expected offsets from 0 to 49, the characters of the text, found \"Food 9 900\"",
        ),
        (
            "T1\tFood 9 9\t",
            "f.ann:1: T1: expected a type, a start and a larger end, found \"Food 9 9\"",
        ),
        ("T1\tFood 3 4\t\u{a0}", "f.ann:1: T1: expected a token at \"Food 3 4\", found none"),
        ("R1\tMakes Arg1:T1 Arg2:T2", "f.ann:1: R1: expected the id of a span, found \"T1\""),
        (
            "R1\tMakes Arg1:T1",
            "f.ann:1: R1: expected a type and two spans, found \"Makes Arg1:T1\"",
        ),
        ("*\tEquiv T1", "f.ann:1: *: expected a type and two spans or more, found \"Equiv T1\""),
        (
            "X1\ty",
            "f.ann:1: annotation \"X1\", expected one that starts with T, R, *, A, M, E, N or #",
        ),
        (
            "T1\tFood 10 13\trye\nT1\tFood 10 13\trye",
            "f.ann:2: T1: expected each id once, found it again",
        ),
    ] {
        let reading = read(TEXT, annotations);
        assert_eq!(reading.faults(), [fault], "{annotations}");
        assert_eq!((reading.read.n_faulty, reading.read.split.examples.len()), (1, 0));
    }
    let empty = read("\n", "");
    assert_eq!(empty.faults(), ["f.txt:1: the file has no text; expected at least one token"]);
}

#[test]
fn predictions_are_annotations() {
    let reading = read(TEXT, ANNOTATIONS);
    let written = String::from_utf8(setting().write_structures(&reading, "entities")).unwrap();
    let wanted = "T1\tPerson 0 3\tZo\u{eb}\nT2\tFood 10 19\trye bread\nT3\tFood 14 19\tbread\n\
                  T4\tFood 34 39\tbread\nT5\tFood 44 48\tloaf\nT6\tFood 27 39\tdense\u{200b} bread\n";
    assert_eq!(written, wanted);
    assert_eq!(read(TEXT, &written).structures("entities"), reading.structures("entities"));
    let written = String::from_utf8(setting().write_structures(&reading, "relations")).unwrap();
    let wanted = "T1\tEntity 0 3\tZo\u{eb}\nT2\tEntity 10 19\trye bread\nT3\tEntity 14 19\tbread\n\
                  T4\tEntity 34 39\tbread\nT5\tEntity 44 48\tloaf\nR1\tMakes Arg1:T1 Arg2:T2\t\n\
                  *\tSynonym-of T3 T4 T5\n";
    assert_eq!(written, wanted);
    assert_eq!(read(TEXT, &written).structures("relations"), reading.structures("relations"));
    let tagged = String::from_utf8(setting().write_structures(&reading, "entity")).unwrap();
    assert!(
        tagged.starts_with("T1\tPerson 0 3\tZo\u{eb}\nT2\tFood 10 19\trye bread\nT3\tFood 27 39\t"),
        "{tagged}"
    );
}

#[test]
fn input_may_be_the_text_alone() {
    let reading = setting().read_as("A cat\nsat .", Labels::Absent);
    assert_eq!(reading.shown(), ["A/–/–/–|cat/–/–/–|sat/–/–/–|./–/–/–"]);
    assert_eq!(setting().find_labels("A cat", &[]), "unlabelled");
    let names: Lexicon = ["Animal"].into_iter().collect();
    let span = TokenSpan { start: 0, end: 3, label: Some(0) };
    let beyond = TokenSpan { end: 9, ..span };
    let spans = [Prediction::Spans(vec![span, beyond])];
    let written = setting().write_predictions(&reading, "entities", &names, &spans).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), "T1\tAnimal 0 9\tA cat sat\n");
}

#[test]
fn what_is_neither_entities_nor_relations_is_never_written() {
    let reading = setting().read_as("A cat\nsat .", Labels::Absent);
    let names: Lexicon = ["B-Animal", "0"].into_iter().collect();
    let classes = |class, n| [Prediction::Classes(vec![class; n])];
    let other = "predictions of a field that is not one of its labels";
    for (field, predictions, what) in [
        ("form", classes(0, 4), other),
        ("", classes(0, 4), other),
        ("label", classes(0, 1), other),
        ("form", [Prediction::Spans(Vec::new())], other),
        ("entity", classes(1, 4), "classes that are no tags in IOB2"),
        ("entity", classes(0, 1), "classes"),
    ] {
        let error = setting().write_predictions(&reading, field, &names, &predictions).unwrap_err();
        assert_eq!(error.what, what, "{field}");
    }
    assert!(setting().write_predictions(&reading, "entity", &names, &classes(0, 4)).is_ok());
}
