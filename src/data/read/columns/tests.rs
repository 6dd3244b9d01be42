//! Common irregularities of column files, one per test.

use super::super::{Labels, testing::Setting};
use crate::data::{Prediction, structure::TokenSpan};

fn form_pos() -> Setting {
    Setting::columns(&["form", "pos"])
}

#[test]
fn sentences_end_at_blank_lines_and_at_lines_of_white_space() {
    for between in ["\n", "\t\n", " \n", "\n\n \t \n", "\r\n"] {
        let reading = form_pos().read(format!("a\tD\nb\tN\n{between}c\tV\n{between}"));
        assert_eq!(reading.shown(), ["a/D|b/N", "c/V"], "{between:?}");
        assert_eq!(reading.read.split.examples[0].lines().collect::<Vec<_>>(), [1, 2]);
    }
}

#[test]
fn line_endings_are_equivalent_and_the_last_may_be_missing() {
    for text in
        ["a D\nb N\n\nc V\n", "a D\r\nb N\r\n\r\nc V\r\n", "a D\nb N\n\nc V", "a D\nb N\r\n\nc V\r"]
    {
        assert_eq!(form_pos().read(text).shown(), ["a/D|b/N", "c/V"], "{text:?}");
    }
    assert_eq!(form_pos().read("").shown(), [""; 0]);
    assert_eq!(form_pos().read("\n\n").shown(), [""; 0]);
}

#[test]
fn columns_can_be_ignored() {
    let reading = Setting::columns(&["_", "form", "_", "ner"]).read("1 a x O\n2 b y B\n");
    assert_eq!(reading.fields(), ["form", "ner"]);
    assert_eq!(reading.shown(), ["a/O|b/B"]);
    // Separated by tabs, an ignored cell may be empty, a named one may not.
    let setting = Setting::columns(&["form", "_", "ner"]);
    assert_eq!(setting.read("a\t\tO\n").shown(), ["a/O"]);
    assert_eq!(setting.read("a\tx\t\n").faults(), ["f:1: column 3 (ner) is empty"]);
}

#[test]
fn every_wrong_number_of_columns_is_reported() {
    let setting = Setting::columns(&["form", "pos", "chunk"]);
    let reading = setting.read("a D B\nb N\n\nc V I\n\nd\ne V I O\n");
    let faults = [
        "f:2: 2 columns, expected 3 (form, pos, chunk)",
        "f:6: 1 column, expected 3 (form, pos, chunk)",
        "f:7: 4 columns, expected 3 (form, pos, chunk)",
    ];
    assert_eq!(reading.faults(), faults);
    assert_eq!(reading.read.n_faulty, 2);
    assert_eq!(reading.shown(), ["c/V/I"]);
    assert_eq!(reading.corpus.lexicons[0].len(), 1, "a faulty example leaves no strings");
}

#[test]
fn the_separator_is_a_tab_if_the_first_token_line_has_one() {
    assert_eq!(
        form_pos().read("\n-DOCSTART- O\n\nNew York\tN\nCity\tN\n").shown(),
        ["New York/N|City/N"]
    );
    assert_eq!(form_pos().read(" a  D \nb \t N\n").shown(), ["a/D|b/N"]);
    assert_eq!(
        form_pos().read("a\tD\nb N\n").faults(),
        ["f:2: 1 column, expected 2 (form, pos); separator = \"space\" would give 2"]
    );
    assert_eq!(form_pos().say("separator", "space").read("a\tD\nb N\n").shown(), ["a/D|b/N"]);
    assert_eq!(
        form_pos().say("separator", "tab").read("a\t\n").faults(),
        ["f:1: column 2 (pos) is empty"]
    );
}

#[test]
fn other_white_space_is_part_of_a_token() {
    let reading = form_pos().read("a\u{a0}b\u{2003}\u{3000} N\n\u{feff}c N\n\u{200b} N\n");
    assert_eq!(reading.shown(), ["a\u{a0}b\u{2003}\u{3000}/N|\u{feff}c/N|\u{200b}/N"]);
}

#[test]
fn a_byte_order_mark_is_not_part_of_a_token_but_a_later_one_is() {
    let text = "\u{feff}a D\n\n\u{feff}b N\n";
    assert_eq!(form_pos().read(text).shown(), ["a/D", "\u{feff}b/N"]);
    assert_eq!(form_pos().read("\u{feff}\na D\n").shown(), ["a/D"]);
}

#[test]
fn document_starts_are_not_tokens() {
    let text = "-DOCSTART- -X- O O\n\na D\n\n-DOCSTART- O\nb N\n-DOCSTART-\nc V\n";
    assert_eq!(form_pos().read(text).shown(), ["a/D", "b/N", "c/V"]);
    assert_eq!(form_pos().read("-DOCSTART-X N\n").shown(), ["-DOCSTART-X/N"]);
}

#[test]
fn invalid_utf_8_is_reported_with_its_offset() {
    let text = b"\xef\xbb\xbfa D\ncaf\xe9 N\n\nb V\n\xf0city N\n";
    let faults = [
        "f:2: byte 10 of the file is not UTF-8; 2 lines are not, and few or none of the others have characters \
         beyond ASCII: set encoding = \"latin-1\", which fits them",
        "f:5: byte 19 of the file is not UTF-8",
    ];
    assert_eq!(form_pos().read(text).faults(), faults);
}

#[test]
fn latin_1_is_read_if_configured_and_its_next_line_character_ends_no_line() {
    let setting = form_pos().say("encoding", "latin-1");
    let reading = setting.read(b"caf\xe9 N\nwait\x85 V\n\x85 .\n");
    assert_eq!(reading.shown(), ["café/N|wait\u{85}/V|\u{85}/."]);
    let written = setting.write(&reading, "pos", "\u{e9}\u{20ac}");
    assert_eq!(written, b"caf\xe9 N \xe9?\nwait\x85 V \xe9?\n\x85 . \xe9?\n");
}

#[test]
fn bytes_that_are_not_utf_8_are_replaced_if_configured_and_written_back() {
    let setting = form_pos().say("invalid_bytes", "replace");
    let reading = setting.read(b"caf\xc3\xa9 N\nbro\xe9n V\n");
    assert_eq!(reading.shown(), ["café/N|bro\u{fffd}n/V"]);
    let replaced: Vec<u32> = reading.read.replaced.iter().map(|line| line.line).collect();
    assert_eq!((reading.faults(), replaced), (vec![], vec![2]));
    assert_eq!(setting.write(&reading, "pos", "X"), b"caf\xc3\xa9 N X\nbro\xe9n V X\n");
    let advice = form_pos().read(b"caf\xc3\xa9 N\nbro\xe9n V\n").faults()[0].clone();
    assert!(
        advice.contains(
            "1 line has characters of several bytes in UTF-8, which another encoding would spoil"
        ),
        "{advice}"
    );
}

#[test]
fn a_mark_for_a_token_without_a_label_is_no_label() {
    let setting = form_pos().say("unlabelled", "_");
    assert_eq!(setting.read("_ N\nb _\n\nc _\n").shown(), ["_/N|b/–", "c/–"]);
    assert_eq!(form_pos().read("b _\n").shown(), ["b/_"]);
}

#[test]
fn a_very_long_line_is_accepted() {
    let long = "x".repeat(24_000);
    assert_eq!(form_pos().read(format!("{long}\tN\nb\tN")).shown(), [format!("{long}/N|b/N")]);
}

#[test]
fn input_to_predict_may_lack_its_labels() {
    let setting = Setting::columns(&["_", "form", "pos", "chunk"]);
    let read = |text: &str| setting.read_as(text, Labels::Absent);
    assert_eq!(read("1 a\n2 b\n\n1 d\n").shown(), ["a/–/–|b/–/–", "d/–/–"]);
    assert_eq!(read("1 a D\n2 b V\n\n1 d D\n").shown(), ["a/D/–|b/V/–", "d/D/–"]);
    // The first token line says how many columns there are.
    assert_eq!(
        read("1 a D\n2 b\n3\n4 c D B O\n").faults(),
        [
            "f:2: 2 columns, expected 3 (_, form, pos, chunk)",
            "f:3: 1 column, expected 3 (_, form, pos, chunk)",
            "f:4: 5 columns, expected 3 (_, form, pos, chunk)",
        ]
    );
    assert_eq!(read("1\n").faults(), ["f:1: 1 column, expected 2 to 3 (_, form, pos, chunk)"]);
    assert_eq!(Setting::columns(&["form", "pos"]).read("a\n").read.n_faulty, 1);
}

#[test]
fn a_prediction_is_appended_as_a_column_and_no_other_byte_changes() {
    for (text, wanted) in [
        ("a D\n\nb  N\n", "a D X\n\nb  N X\n"),
        ("a\tD\r\n\t\r\nb\tN", "a\tD\tX\r\n\t\r\nb\tN\tX"),
        ("\u{feff}-DOCSTART- O\n\na D\n\n\n", "\u{feff}-DOCSTART- O O\n\na D X\n\n\n"),
        // A skipped token has an empty prediction.
        ("a D\nb\n\nc V\n", "a D _\nb _\n\nc V X\n"),
        // A line's own separator, whatever that of the first token line is.
        ("a D\nb \tN\nc\tV\n", "a D X\nb \tN\tX\nc\tV\tX\n"),
        ("a\tD\nb c\tN\n", "a\tD\tX\nb c\tN\tX\n"),
        // Scripts want as many columns in every line.
        ("-DOCSTART-\n\na D\n", "-DOCSTART- O O\n\na D X\n"),
        ("-DOCSTART-\tO\n\na\tD\n", "-DOCSTART-\tO\tO\n\na\tD\tX\n"),
    ] {
        let setting = form_pos();
        let reading = setting.read(text);
        assert_eq!(String::from_utf8(setting.write(&reading, "pos", "X")).unwrap(), wanted);
    }
}

#[test]
fn duplicate_and_missing_names_are_faults() {
    assert_eq!(form_pos().check(), [""; 0]);
    assert_eq!(Setting::columns(&["a", "_", "_", "a"]).check(), ["two columns are named \"a\""]);
    assert_eq!(Setting::columns(&["_"]).check(), ["no column has a name"]);
}

#[test]
fn numbers_and_spans_fit_a_column_and_vectors_do_not() {
    let setting = form_pos();
    let reading = setting.read("a X\nb X\n");
    let names = ["NP"].into_iter().collect();
    let write = |prediction| setting.write_predictions(&reading, "pos", &names, &[prediction]);
    assert_eq!(write(Prediction::Numbers(vec![0.5, 2.0])).unwrap(), b"a X 0.5\nb X 2\n");
    let span = TokenSpan { start: 0, end: 2, label: Some(0) };
    assert_eq!(write(Prediction::Spans(vec![span])).unwrap(), b"a X B-NP\nb X I-NP\n");
    assert_eq!(write(Prediction::None).unwrap(), b"a X _\nb X _\n");
    let why = write(Prediction::Vector(vec![1.0])).unwrap_err().to_string();
    assert!(why.starts_with("\"columns\" has no place for a vector; "), "{why}");
}

#[test]
fn an_input_has_labels_in_every_line_or_in_none() {
    let setting = Setting::columns(&["form", "pos", "entity"]);
    let found = |text: &str| setting.find_labels(text, &[("entity", "B-LOC"), ("entity", "O")]);
    assert_eq!(found("a D O\nb D B-LOC\n\nc D O\n"), "labelled");
    assert_eq!(found("-DOCSTART- -X- -X- O\n\na D\n\nb D\n"), "unlabelled");
    assert_eq!(found("a\n\nb\n"), "unlabelled");
    assert_eq!(
        found("a D O\nb D O\n\nc D\n"),
        "f:4: expected 3 columns, as in line 1, found 2; labels must be in every line or in none: pass \
         --labelled or --unlabelled"
    );
    // A label that the run does not know is nothing unusual among known ones.
    assert_eq!(found("a D O\nb D B-NEW\n"), "labelled");
    // A line with a fault of its own decides nothing.
    assert_eq!(found("a D O\nb D O O\nc \u{e9}\n"), found("a D O\nc D\n").replace(":2:", ":3:"));
}

#[test]
fn where_faults_are_skipped_a_few_odd_lines_do_not_decide() {
    let setting = Setting::columns(&["form", "pos"]);
    let known = [("pos", "D")];
    let labelled = "a D\n".repeat(9);
    let odd = format!("{labelled}word\n");
    assert_eq!(setting.find_labels_skipping(&odd, &known), "labelled");
    assert_eq!(setting.find_labels_skipping(&format!("word\n{labelled}"), &known), "labelled");
    assert!(setting.find_labels(&odd, &known).contains("labels must be in every line or in none"));
    let bare = "a\n".repeat(9) + "a D\n";
    assert_eq!(setting.find_labels_skipping(&bare, &known), "unlabelled");
    let both = setting.find_labels_skipping("a D\na D\na\n", &known);
    assert!(both.contains("labels must be in every line or in none"), "{both}");
}

#[test]
fn bare_tokens_that_hold_a_space_are_not_read_as_labelled() {
    let setting = Setting::columns(&["form", "entity"]);
    let known = [("entity", "B-LOC"), ("entity", "O")];
    let text = "New York\nSan Marino\n";
    assert_eq!(
        setting.find_labels(text, &known),
        "f:1: no value of column 2 (entity) is a label of the run, for example \"York\"; set separator = \
         \"tab\" if tokens hold a space, or pass --labelled or --unlabelled"
    );
    let tab = setting.say("separator", "tab");
    assert_eq!(tab.find_labels(text, &known), "unlabelled");
    assert_eq!(tab.read_as(text, Labels::Absent).shown(), ["New York/–|San Marino/–"]);
    // A tab is evidence, and strange labels are told.
    assert_eq!(
        tab.find_labels("a\tB-NEW\n", &known),
        "labelled; f:1: no value of column 2 (entity) is a label of the run, for example \"B-NEW\""
    );
}

#[test]
fn an_empty_start_of_comments_is_a_fault() {
    let setting = Setting::columns(&["form"]).say("comment", "");
    assert!(setting.check()[0].starts_with("expected the start of comment lines"));
}

#[test]
fn comments_are_not_tokens_where_a_token_may_be_the_same_mark() {
    let setting = Setting::columns(&["_", "form", "outer", "inner"]).say("comment", "#\t");
    let text =
        "#\thttp://a.de [2009-10-17]\n1\tA\tB-PER\tO\n2\t#\tO\tO\n\n#\tb\n\n#\tc\n1\tB\tO\tO\n";
    let reading = setting.read(text);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(reading.shown(), ["A/B-PER/O|#/O/O", "B/O/O"]);
    let written = String::from_utf8(setting.write(&reading, "outer", "X")).unwrap();
    assert_eq!(written.replace("\tX\n", "\n"), text);
    assert_eq!(written.matches("\tX\n").count(), 3);
    assert_eq!(setting.find_labels(text, &[("outer", "O")]), "labelled");
}

#[test]
fn a_prefix_is_stripped_from_tokens_and_stays_in_the_file() {
    let setting = form_pos().say("strip_prefix", "en:");
    let text = "en:Ada\tB-PER\nen:en:\tO\nen:\tO\nx\ten:\n";
    let reading = setting.read(text);
    assert_eq!(reading.shown(), ["Ada/B-PER|en:/O|en:/O|x/en:"]);
    let written = String::from_utf8(setting.write(&reading, "pos", "X")).unwrap();
    assert_eq!(written.replace("\tX\n", "\n"), text);
}
