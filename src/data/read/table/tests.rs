//! Common irregularities of tables, one per test.

use super::super::{Labels, testing::Setting};
use crate::data::{FieldValues, Lexicon, Prediction, prediction::ScoredText};

fn label_text() -> Setting {
    Setting::table(&["label", "text"])
}

#[track_caller]
fn written(setting: &Setting, text: &str, label: &str) -> String {
    written_as(setting, text, Labels::Required, label)
}

#[track_caller]
fn written_as(setting: &Setting, text: &str, labels: Labels, label: &str) -> String {
    let reading = setting.read_as(text, labels);
    assert_eq!(reading.faults(), [""; 0]);
    let one = |_: &_| vec![label.to_owned()];
    String::from_utf8(setting.write_each(&reading, "label", one)).unwrap()
}

#[test]
fn the_text_comes_first_and_every_token_has_its_line() {
    let reading = label_text().read("pos\tgood  one \nneg\tbad\n");
    assert_eq!(reading.fields(), ["text", "label"]);
    assert_eq!(reading.shown(), ["good|one – pos", "bad – neg"]);
    assert_eq!(reading.read.split.examples[0].lines().collect::<Vec<_>>(), [1, 1]);
    assert_eq!(reading.read.split.examples[1].lines().collect::<Vec<_>>(), [2]);
}

#[test]
fn the_text_is_the_configured_column_or_text_or_the_last() {
    let fields = |setting: Setting| -> Vec<String> {
        setting.read("").fields().into_iter().map(str::to_owned).collect()
    };
    assert_eq!(fields(Setting::table(&["a", "_", "b"])), ["b", "a"]);
    assert_eq!(fields(Setting::table(&["a", "text", "b"])), ["text", "a", "b"]);
    assert_eq!(fields(Setting::table(&["a", "text", "b"]).say("text", "a")), ["a", "text", "b"]);
    let reading = Setting::table(&["_", "a", "_", "b"]).read("1\tx\t\ty z\n");
    assert_eq!(reading.shown(), ["y|z – x"]);
}

#[test]
fn lines_end_at_line_feeds_only_and_empty_ones_are_skipped() {
    let reading = label_text().read("\u{feff}1\ta\u{85}b\u{2028}c\r\n\n\r\n0\td");
    assert_eq!(reading.shown(), ["a\u{85}b\u{2028}c – 1", "d – 0"]);
    assert_eq!(reading.read.split.examples[1].lines().collect::<Vec<_>>(), [4]);
}

#[test]
fn an_empty_label_is_missing_and_an_empty_text_is_a_fault() {
    let reading = label_text().read("\ta\n0\t\n \tb\n1\t \u{a0}\n1\t \n\t\n");
    assert_eq!(reading.shown(), ["a – –", "b – –", "\u{a0} – 1"]);
    let empty = "the text (text) is empty; expected at least one token";
    assert_eq!(reading.faults(), [2, 5, 6].map(|line| format!("f:{line}: {empty}")));
    assert_eq!(reading.read.n_faulty, 3);
}

#[test]
fn a_column_of_numbers_has_a_finite_number_or_none() {
    let setting = Setting::table(&["score", "text"]).list("numbers", &["score"]);
    let reading = setting.read("4.5\ta\r\n \tb\n-3\tc\n1e2\td\n");
    assert_eq!(reading.faults(), [""; 0]);
    let numbers: Vec<Option<f32>> = (reading.read.split.examples.iter())
        .map(|example| match &example.fields[1] {
            Some(FieldValues::Numbers(numbers)) => Some(numbers[0]),
            _ => None,
        })
        .collect();
    assert_eq!(numbers, [Some(4.5), None, Some(-3.0), Some(100.0)]);
    let faults = setting.read("4,5\ta\ninf\tb\n").faults();
    let wanted = |line: u32, cell: &str| {
        format!("f:{line}: expected a finite number in column 1 (score), found {cell:?}")
    };
    assert_eq!(faults, [wanted(1, "4,5"), wanted(2, "inf")]);
}

#[test]
fn any_other_number_of_columns_is_a_fault() {
    let reading = Setting::table(&["label", "_", "text"]).read("1\tx\ta\n1 a\n0\tx\tb\tc\n1 x a\n");
    let faults = [
        "f:2: 1 column, expected 3 (label, _, text)",
        "f:3: 4 columns, expected 3 (label, _, text)",
        "f:4: 1 column, expected 3 (label, _, text); separator = \"space\" would give 3",
    ];
    assert_eq!(reading.faults(), faults);
    assert_eq!(reading.corpus.lexicons[0].len(), 1, "a faulty example leaves no strings");
}

#[test]
fn the_separator_is_a_tab_or_a_comma_by_the_first_line() {
    assert_eq!(label_text().read("1\tb, c\n").shown(), ["b,|c – 1"]);
    assert_eq!(label_text().read("\n1,b\n0,\"c, d\"\n").shown(), ["b – 1", "c,|d – 0"]);
    let spaces = label_text().read("1 b , c\n0 d, e\n");
    let hint = "expected 2 (label, text); separator = \"space\" would give 2";
    assert_eq!(spaces.faults(), [1, 2].map(|line| format!("f:{line}: 1 column, {hint}")));
    // A table with only texts needs no separator.
    let texts = Setting::table(&["text"]).read("a, b\tc\n\"d\n");
    assert_eq!(texts.shown(), ["a,|b|c", "\"d"]);
}

#[test]
fn only_the_first_space_separates_a_label_from_its_text() {
    let setting = label_text().say("separator", "space");
    let reading = setting.read("0 a  b , \"c\n+1 d\n word\n");
    assert_eq!(reading.shown(), ["a|b|,|\"c – 0", "d – +1", "word – –"]);
    assert_eq!(setting.read("0\n1 \n").faults().len(), 2);
    let three = Setting::table(&["coarse", "fine", "text"]).say("separator", "space");
    assert_eq!(three.read("A B c d\n").shown(), ["c|d – A – B"]);
}

#[test]
fn quoted_cells_follow_rfc_4180() {
    let setting = label_text().say("separator", "comma");
    let reading = setting.read("1,\"a, \"\"b\"\" c\"\n\"no, no\",5\" d\r\n\"\",\"e\"\n");
    assert_eq!(reading.shown(), ["a,|\"b\"|c – 1", "5\"|d – no, no", "e – –"]);
    let faults = [
        "f:1: 'x' after the closing quote of column 1, expected a comma; a quote within quotes is \
         written twice",
        "f:2: 3 columns, expected 2 (label, text)",
        "f:3: the quote that opens column 2 is not closed before the end of the file (a quoted cell \
         reaches from here to line 4, in which there may be other examples: not skipped)",
    ];
    assert_eq!(setting.read("\"1\"x,a\n1,a,\n1,\"a\n2,b\n").faults(), faults);
}

#[test]
fn a_quoted_cell_holds_line_breaks_and_is_never_half_read() {
    let setting = label_text().say("separator", "comma");
    let text = "good,\"two\r\nlines, fine\"\nbad,dull\n";
    let reading = setting.read(text);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(reading.shown(), ["two|lines,|fine – good", "dull – bad"]);
    let lines: Vec<u32> = reading.read.split.examples.iter().map(|example| example.line).collect();
    assert_eq!(lines, [1, 3]);
    let written = setting.write_each(&reading, "label", |_| vec!["X".into()]);
    assert_eq!(written, b"good,\"two\r\nlines, fine\",X\nbad,dull,X\n");
    // As in the header, and for the separator that is found.
    let reading = label_text().say("header", "skip").read("label,\"the\ntext\"\n1,\"a\n\nb\"\n");
    assert_eq!(reading.shown(), ["a|b – 1"]);
    // A quote that is closed too late is one fault, and no line of its cell is an example.
    let reading = setting.read("1,\"a\n2,b\n3,\"c\" d\n4,e\n");
    assert_eq!(
        reading.faults(),
        [
            "f:1: 'c' after the closing quote of column 2, expected a comma; a quote within quotes is written \
             twice (a quoted cell reaches from here to line 3, in which there may be other examples: not skipped)"
        ]
    );
    assert!(reading.read.is_unusable);
    assert!(!setting.read("1,\"a\"b\n2,c\n3,\"d\ne\"\n").read.is_unusable, "a fault of one line");
    assert_eq!(reading.shown(), ["e – 4"]);
}

#[test]
fn a_header_is_skipped_if_configured_and_reported_otherwise() {
    let text = "Label\ttext\n1\ta\n";
    assert_eq!(label_text().say("header", "skip").read(text).shown(), ["a – 1"]);
    let fault = "f:1: expected an example, found the names of the columns; set header = \"skip\" if the file \
                starts with them";
    assert_eq!(label_text().read(text).faults(), [fault]);
    assert_eq!(label_text().read("1\ta\nlabel\ttext\n").faults(), [""; 0]);
    assert_eq!(label_text().read("label\ttexts\n").faults(), [""; 0]);
    let csv = Setting::table(&["_", "text", "label"]).read("id,\"text\",label\n1,a,b\n");
    assert_eq!((csv.faults(), csv.shown()), (vec![fault.into()], vec!["a – b".into()]));
}

#[test]
fn sets_have_any_number_of_labels() {
    let setting = Setting::table(&["topics", "text"]).list("sets", &["topics"]);
    let reading = setting.read("a|b| a\tx\n|\ty\n\tz\nb\tw\n");
    assert_eq!(reading.shown(), ["x – {a,b}", "y – {}", "z – –", "w – {b}"]);
    let written = |set: &[&str]| {
        let set: Vec<_> = set.iter().map(|&label| label.to_owned()).collect();
        setting.write_each(&setting.read("a\tx\n"), "topics", |_| set.clone())
    };
    assert_eq!(written(&["a", "b"]), b"a\tx\ta|b\n");
    assert_eq!(written(&[]), b"a\tx\t|\n");
}

#[test]
fn punctuation_is_separated_if_configured() {
    let setting = label_text().say("tokens", "words");
    assert_eq!(setting.read("1\tDon't, please.\n").shown(), ["Don't|,|please|. – 1"]);
}

#[test]
fn latin_1_is_read_if_configured_and_its_next_line_character_ends_no_line() {
    let bytes = b"1\tcaf\xe9 \x85 b\n";
    let setting = label_text().say("encoding", "latin-1");
    assert_eq!(setting.read(bytes).shown(), ["caf\u{e9}|\u{85}|b – 1"]);
    let fault = "f:1: byte 5 of the file is not UTF-8; 1 line is not, and few or none of the others have characters \
                 beyond ASCII: set encoding = \"cp1252\", which fits them";
    assert_eq!(label_text().read(bytes).faults(), [fault]);
}

#[test]
fn a_very_long_line_is_accepted() {
    let long = "abc, ".repeat(4_800);
    for text in [format!("1\t{long}\n"), format!("1,\"{long}\"\n")] {
        assert_eq!(label_text().read(text).read.split.size().tokens, 4_800);
    }
}

#[test]
fn input_to_predict_may_have_texts_only() {
    let read = |setting: &Setting, text: &str| setting.read_as(text, Labels::Absent);
    assert_eq!(read(&label_text(), "good , one\ntwo\n").shown(), ["good|,|one – –", "two – –"]);
    let setting = Setting::table(&["_", "text", "a", "b"]);
    for (text, wanted) in [
        ("x y\nz\n", ["x|y – – – –", "z – – – –"]),
        ("1\tx y\n1\tz\n", ["x|y – – – –", "z – – – –"]),
        ("1\tx y\tA\n1\tz\tA\n", ["x|y – A – –", "z – A – –"]),
    ] {
        assert_eq!(read(&setting, text).shown(), wanted);
    }
    let tab = label_text().say("separator", "tab");
    assert_eq!(read(&tab, "a\n1\ta\n").faults(), ["f:2: 2 columns, expected 1 (text)"]);
    // Every word is one of the text.
    let space = label_text().say("separator", "space");
    assert_eq!(read(&space, "good film\nbad\n").shown(), ["good|film – –", "bad – –"]);
    let quoted = label_text().say("separator", "comma");
    assert_eq!(read(&quoted, "\"good, one\"\n").shown(), ["good,|one – –"]);
    assert_eq!(read(&label_text(), "\"good, one\"\n").shown(), ["good,|one – –"]);
    assert_eq!(read(&label_text(), "Well,a\tb\n").read.n_faulty, 1);
    assert_eq!(read(&label_text(), "Well,a\n").shown(), ["Well,a – –"]);
    assert_eq!(read(&label_text(), "text\na\n").read.n_faulty, 1);
}

#[test]
fn a_prediction_is_appended_as_a_column_and_no_other_byte_changes() {
    let tab = label_text();
    assert_eq!(written(&tab, "1\ta  b \r\n\n\ta", "X"), "1\ta  b \tX\r\n\n\ta\tX");
    assert_eq!(written_as(&tab, "a b\n", Labels::Absent, "X"), "a b\tX\n");
    let comma = label_text().say("separator", "comma");
    assert_eq!(written(&comma, "1,\"a, b\"\n", "X"), "1,\"a, b\",X\n");
    assert_eq!(written(&comma, "1,a\n", "no, \"X\""), "1,a,\"no, \"\"X\"\"\"\n");
    let space = label_text().say("separator", "space");
    assert_eq!(written(&space, "1 a b\n", "X"), "1 a b X\n");
    let header = label_text().say("header", "skip");
    assert_eq!(
        written(&header, "label\ttext\n1\ta\n", "X"),
        "label\ttext\tpredicted_label\n1\ta\tX\n"
    );
    assert_eq!(
        written_as(&header, "text\r\na\n", Labels::Absent, "X"),
        "text\tpredicted_label\r\na\tX\n"
    );
}

#[test]
fn comments_are_neither_examples_nor_a_header() {
    let words = Setting::table(&["text"]).say("comment", ";");
    let text = "; Opinion lexicon\n;\n\ngood\nbad;\n";
    assert_eq!(words.read(text).shown(), ["good", "bad;"]);
    assert_eq!(written(&words, text, "X"), "; Opinion lexicon\n;\n\ngood\tX\nbad;\tX\n");
    let header = label_text().say("comment", "#").say("header", "skip");
    let text = "# v1\nlabel\ttext\n1\ta\n# end\n";
    assert_eq!(header.read(text).shown(), ["a – 1"]);
    assert_eq!(written(&header, text, "X"), "# v1\nlabel\ttext\tpredicted_label\n1\ta\tX\n# end\n");
    assert_eq!(header.find_labels(text, &[("label", "1")]), "labelled");
}

#[test]
fn the_column_of_predictions_has_a_name_that_no_other_has() {
    let columns = ["label", "text", "predicted_label", "predicted_label_2"];
    let setting = Setting::table(&columns).say("header", "skip").say("separator", "comma");
    assert_eq!(
        written(&setting, "label,text,predicted_label,\"predicted_label_2\"\n1,a,x,y\n", "X"),
        "label,text,predicted_label,\"predicted_label_2\",predicted_label_3\n1,a,x,y,X\n"
    );
}

#[test]
fn the_prediction_of_a_faulty_line_is_empty() {
    for (setting, text, wanted) in [
        (label_text(), "1\ta\nb\n0\t\n", "1\ta\tX\nb\t\n0\t\t\n"),
        (label_text().say("separator", "comma"), "1,a\nb\n", "1,a,X\nb,\n"),
    ] {
        let reading = setting.read(text);
        let written = setting.write_each(&reading, "label", |_| vec!["X".into()]);
        assert_eq!(String::from_utf8(written).unwrap(), wanted);
    }
}

#[test]
fn words_are_labels_or_texts_in_a_whole_input() {
    let setting = label_text().say("separator", "space");
    let found = |text: &str| setting.find_labels(text, &[("label", "0"), ("label", "1")]);
    let text_only = "unlabelled; no line starts with a label of the run, so every line is read as a \
                     text; pass --labelled if the lines start with other labels";
    assert_eq!(found("good film\nbad film\n"), text_only);
    let either = "starts with \"1\", as do 2 of 3 lines with a label of the run: it may be a label or \
                  the first word of a text; pass --labelled or --unlabelled";
    assert_eq!(found("good film\n1 star\n1 more\n"), format!("f:2: {either}"));
    assert_eq!(found("1 a\n0 b\n1 c\n"), format!("f:1: {}", either.replace("2 of", "3 of")));
    // One word is a text; an empty label in every line leaves the same text.
    assert_eq!(found("good\nbad\n\n"), "unlabelled");
    assert_eq!(found(" good film\n bad\n"), "labelled");
    assert_eq!(
        setting.find_labels("good film\n", &[]),
        "f:1: the first word may be a label or part of the text; pass --labelled or --unlabelled"
    );
    let unknown = setting.find_labels("good film\n", &[("other", "good")]);
    assert!(unknown.starts_with("f:1: the first word may be"), "{unknown}");
}

#[test]
fn where_faults_are_skipped_a_few_odd_lines_do_not_decide() {
    let known = [("label", "0"), ("label", "1")];
    let tab = label_text();
    assert_eq!(tab.find_labels_skipping(&("1\ta\n".repeat(9) + "b\n"), &known), "labelled");
    assert_eq!(tab.find_labels_skipping(&("b\n".repeat(9) + "1\ta\n"), &known), "unlabelled");
    let mixed = "labels must be in every line or in none";
    assert!(tab.find_labels_skipping("1\ta\n0\tb\nb\n", &known).contains(mixed));
    // A text with a comma is no faulty line.
    let comma = label_text().say("separator", "comma");
    assert_eq!(comma.find_labels_skipping(&("1,a\n".repeat(9) + "b\n"), &known), "labelled");
    assert!(comma.find_labels_skipping(&("b\n".repeat(9) + "1,a\n"), &known).contains(mixed));
}

#[test]
fn a_number_of_columns_is_that_of_a_whole_input() {
    let known = [("label", "0"), ("label", "1")];
    let tab = label_text();
    assert_eq!(tab.find_labels("1\ta\n0\tb\n", &known), "labelled");
    assert_eq!(tab.find_labels("1\ta\nx\tb\n", &known), "labelled");
    assert_eq!(tab.find_labels("good, one\nb\n", &known), "unlabelled");
    assert_eq!(
        tab.find_labels("1\ta\n\nb\n", &known),
        "f:3: expected 2 columns, as in line 1, found 1; labels must be in every line or in none: pass \
         --labelled or --unlabelled"
    );
    assert_eq!(
        tab.find_labels("good\tone\n", &known),
        "labelled; f:1: no label of the input is one of the run, for example \"good\" in column 1 \
         (label); pass --unlabelled if the lines are texts with a tab"
    );
    // A comma is part of many texts.
    assert_eq!(tab.find_labels("1,a\n0,b\n", &known), "labelled");
    assert_eq!(
        tab.find_labels("Well,a\nno,b\n", &known),
        "f:1: expected a label of the run in column 1 (label), found \"Well\", which may be part of a \
         text with a comma; pass --labelled or --unlabelled"
    );
    let header = label_text().say("header", "skip");
    assert_eq!(header.find_labels("text\ngood\n", &known), "unlabelled");
    // A file without a header may have lost its first example.
    assert_eq!(
        header.find_labels("bad\ngood\n", &known),
        "unlabelled; f:1: line skipped as a header, though it names no column; set header = \"none\" if \
         it is an example"
    );
    let sets = Setting::table(&["topics", "text"]).list("sets", &["topics"]);
    assert_eq!(sets.find_labels("a|b\tx\n|\ty\n", &[("topics", "a"), ("topics", "b")]), "labelled");
    assert_eq!(Setting::table(&["text"]).find_labels("a b\n", &known), "labelled");
}

#[test]
fn predictions_for_tokens_are_joined_by_spaces() {
    let setting = label_text();
    let reading = setting.read("1\ta b c\n");
    assert_eq!(setting.write(&reading, "text", "X"), b"1\ta b c\tX X X\n");
}

#[test]
fn written_files_can_be_read_with_the_prediction_as_a_column() {
    for separator in ["tab", "comma"] {
        let setting = label_text().say("separator", separator);
        let mark = if separator == "tab" { "\t" } else { "," };
        let text = format!("1{mark}a b\n{mark}c\n\n0{mark}d\n");
        let wider = Setting::table(&["label", "text", "said"]).say("separator", separator);
        let again = wider.read(written(&setting, &text, "x, \"y\""));
        assert_eq!(again.shown(), ["a|b – 1 – x, \"y\"", "c – – – x, \"y\"", "d – 0 – x, \"y\""]);
    }
}

#[test]
fn keys_with_unknown_columns_are_faults() {
    assert_eq!(label_text().check(), [""; 0]);
    assert_eq!(Setting::table(&["a", "a"]).check(), ["two columns are named \"a\""]);
    assert_eq!(
        label_text().say("text", "txt").check(),
        ["no column named \"txt\"; did you mean \"text\"?"]
    );
    assert_eq!(
        label_text().list("sets", &["text", "_"]).check(),
        [
            "the column \"text\" is the text, not labels",
            "no column named \"_\"; expected one of \"label\", \"text\""
        ]
    );
    let pairs = Setting::table(&["a", "b"]).list("text", &["a", "b"]);
    assert_eq!(pairs.check(), [""; 0]);
}

#[test]
fn numbers_and_texts_fit_a_cell_and_trees_do_not() {
    let setting = label_text();
    let reading = setting.read("1\ta b\n");
    let names = Lexicon::default();
    let write = |prediction| setting.write_predictions(&reading, "label", &names, &[prediction]);
    assert_eq!(write(Prediction::Numbers(vec![-1.5])).unwrap(), b"1\ta b\t-1.5\n");
    let text = ScoredText { text: "the\tbest".to_owned(), score: 0.0 };
    assert_eq!(write(Prediction::Texts(vec![text])).unwrap(), b"1\ta b\tthe best\n");
    assert!(write(Prediction::Arcs(Vec::new())).is_err());
}
