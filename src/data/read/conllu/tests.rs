//! Common irregularities of treebanks, one per test.

use super::super::{Labels, testing::Setting};
use crate::data::{Prediction, structure::GraphArc};

/// A word's line with this id, form and part of speech.
fn word(id: &str, form: &str, upos: &str) -> String {
    format!("{id}\t{form}\t_\t{upos}\t_\t_\t0\troot\t_\t_\n")
}

/// The forms and parts of speech of each sentence.
fn shown(text: &str, gold: Labels) -> Vec<String> {
    let reading = Setting::new("conllu").read_as(text, gold);
    assert_eq!(reading.faults(), [""; 0]);
    let shorten = |token: &str| {
        let cells: Vec<_> = token.split('/').collect();
        format!("{}/{}", cells[0], cells[2])
    };
    let shown = reading.shown();
    shown.iter().map(|s| s.split('|').map(shorten).collect::<Vec<_>>().join("|")).collect()
}

fn faults(text: &str) -> Vec<String> {
    Setting::new("conllu").read(text).faults()
}

#[test]
fn ranges_and_empty_nodes_are_not_words() {
    let lines = [
        word("0.1", "gone", "VERB"),
        word("1-2", "du", "_"),
        word("1", "de", "ADP"),
        word("2", "le", "DET"),
        word("2.1", "gone", "VERB"),
        word("3", "chat", "NOUN"),
    ];
    assert_eq!(shown(&lines.concat(), Labels::Required), ["de/ADP|le/DET|chat/NOUN"]);
}

#[test]
fn a_number_sign_starts_a_comment_or_is_a_form() {
    let text =
        format!("# text = # 1\n#\n#\ttab\n{}{}", word("1", "#", "SYM"), word("2", "1", "NUM"));
    assert_eq!(shown(&text, Labels::Required), ["#/SYM|1/NUM"]);
    assert_eq!(shown("# newdoc\n\n# a comment alone\n", Labels::Required), [""; 0]);
}

#[test]
fn forms_may_contain_spaces_and_unusual_characters() {
    for form in ["20 000", "a\u{a0}b", "\u{ad}", "\u{feff}x", "wait\u{85}", &"x".repeat(24_000)] {
        assert_eq!(shown(&word("1", form, "X"), Labels::Required), [format!("{form}/X")]);
    }
}

#[test]
fn sentences_end_at_blank_lines_and_at_lines_of_white_space() {
    let (a, b) = (word("1", "a", "X"), word("1", "b", "Y"));
    for between in ["\n", "\t\n", " \r\n", "\n# comment\n\n"] {
        assert_eq!(shown(&format!("\u{feff}{a}{between}{b}"), Labels::Required), ["a/X", "b/Y"]);
    }
    let crlf = format!("{a}\n{b}").replace('\n', "\r\n");
    assert_eq!(shown(&crlf, Labels::Required), ["a/X", "b/Y"]);
    assert_eq!(shown(b.trim_end(), Labels::Required), ["b/Y"]);
}

#[test]
fn ids_count_from_one_and_a_gap_is_one_fault() {
    let ids = |ids: &[&str]| faults(&ids.iter().map(|id| word(id, "x", "X")).collect::<String>());
    assert_eq!(ids(&["1", "3", "4"]), ["f:2: id 3, expected 2"]);
    assert_eq!(ids(&["1", "1-2", "2"]), ["f:2: range 1-2, expected one that starts at 2"]);
    assert_eq!(ids(&["a", "1"]), ["f:1: id \"a\", expected 1"]);
    assert_eq!(ids(&["+1"]), ["f:1: id \"+1\", expected 1"]);
    assert_eq!(ids(&["1", "2."]), ["f:2: id \"2.\", expected 2"]);
    assert_eq!(ids(&["18446744073709551615", "x"]).len(), 2);
    // A missing blank line shows as an id that starts again.
    assert_eq!(ids(&["1", "2", "1", "2"]), ["f:3: id 1, expected 3"]);
}

#[test]
fn every_line_has_ten_non_empty_columns() {
    assert_eq!(
        faults("1\ta\n2 b c\n"),
        [
            "f:1: 2 columns, expected 10 (id, form, lemma, upos, xpos, feats, head, deprel, deps, misc)",
            "f:2: id \"2 b c\", expected 2",
        ]
    );
    let empty = word("1", "a", "");
    assert_eq!(faults(&empty), ["f:1: column 4 (upos) is empty; _ stands for nothing"]);
}

#[test]
fn invalid_utf_8_is_reported_once() {
    let text = [&b"# caf\xe9 is no word\n1\tcaf\xe9"[..], b"\t_\t_\t_\t_\t_\t_\t_\t_\n"].concat();
    let text = [text, word("2", "b", "X").into_bytes()].concat();
    let setting = Setting::new("conllu");
    assert_eq!(
        setting.read(&text).faults(),
        [
            "f:2: byte 23 of the file is not UTF-8; 2 lines are not, and few or none of the others have characters \
          beyond ASCII: set encoding = \"latin-1\", which fits them"
        ]
    );
    let setting = setting.say("encoding", "latin-1");
    let reading = setting.read(&text);
    assert!(reading.shown()[0].starts_with("café/"));
    let written = setting.write(&reading, "lemma", "\u{e9}");
    assert!(written.windows(7).any(|bytes| bytes == b"caf\xe9\t\xe9\t"));
}

#[test]
fn input_to_predict_may_lack_its_labels() {
    let text = format!("{}{}\n{}", word("1", "_", "_"), word("2", "b", "_"), word("1", "c", "X"));
    assert_eq!(shown(&text, Labels::Absent), ["_/–|b/–", "c/X"]);
}

#[test]
fn an_underscore_is_no_label_except_where_words_may_have_no_features() {
    let text = format!("{}{}\n{}", word("1", "_", "_"), word("2", "b", "X"), word("1", "c", "_"));
    assert_eq!(shown(&text, Labels::Required), ["_/–|b/X", "c/–"]);
    let feats = |text: &str| {
        let reading = Setting::new("conllu").read(text);
        let field = reading.corpus.field("feats").unwrap();
        let examples = reading.read.split.examples.iter();
        examples.map(|example| example.strings(field).map(<[u32]>::len)).collect::<Vec<_>>()
    };
    assert_eq!(feats(&text), [None, None], "the file specifies no features");
    let with = text.replace("\tX\t_\t_", "\tX\t_\tCase=Nom");
    assert_eq!(feats(&with), [Some(2), Some(1)]);
}

#[test]
fn a_prediction_replaces_its_column_and_no_other_byte_changes() {
    let make = |upos: &str| {
        let words = [word("1-2", "du", "_"), word("1", "de", upos), word("2", "le", upos)];
        let faulty = word("7", "x", if upos == "X" { "X" } else { "_" });
        format!("\u{feff}# c\n{}\t\n{faulty}\n{}", words.concat(), word("1", "z", upos).trim_end())
            .replace("\tdu\t", "\tdu \t")
            .replace("# c\n", "# c\r\n")
    };
    let setting = Setting::new("conllu");
    let reading = setting.read(make("X"));
    assert_eq!(reading.read.n_faulty, 1);
    let written = |field| String::from_utf8(setting.write(&reading, field, "NOUN")).unwrap();
    assert_eq!(written("upos"), make("NOUN"));
    assert!(written("misc").ends_with("\t_\tNOUN"));
}

#[test]
fn a_tree_is_written_into_the_columns_of_heads_and_relations() {
    let setting = Setting::new("conllu");
    let line = |id: u32, form: &str| format!("{id}\t{form}\t_\t_\t_\t_\t0\told\t_\t_\n");
    let text = format!("# a comment\n{}{}\n", line(1, "she"), line(2, "runs"));
    let reading = setting.read(&text);
    let names = ["root", "nsubj"].into_iter().collect();
    let arc = |head, dependent, label| GraphArc { head, dependent, label: Some(label) };
    let arcs = vec![arc(None, 1, 0), arc(Some(1), 0, 1)];
    let written = setting.write_predictions(&reading, "head", &names, &[Prediction::Arcs(arcs)]);
    let wanted = text.replacen("0\told", "2\tnsubj", 1).replacen("0\told", "0\troot", 1);
    assert_eq!(String::from_utf8(written.unwrap()).unwrap(), wanted);
}

#[test]
fn a_value_of_a_sentence_is_a_comment_before_its_first_word() {
    let setting = Setting::new("conllu");
    let [range, de, le] = [word("1-2", "du", "_"), word("1", "de", "X"), word("2", "le", "X")];
    let make = |values: [&str; 3], name: &str| {
        let [one, faulty, last] = values.map(|value| match value {
            "" => String::new(),
            value => format!("# {name} = {value}\n"),
        });
        format!(
            "# text = du\n{one}{range}{de}# between\n{le}\n{faulty}{}\n{}{}{}",
            word("7", "x", "X"),
            last.replace('\n', "\r\n"),
            word("1", "a", "X").replace('\n', "\r\n"),
            word("2", "b", "X").trim_end()
        )
    };
    let reading = setting.read(make([""; 3], ""));
    assert_eq!((reading.read.n_faulty, reading.read.split.examples.len()), (1, 2));
    let names = ["news", "a\nb"].into_iter().collect();
    let predictions = [Prediction::Classes(vec![0]), Prediction::Classes(vec![1])];
    for (field, name) in [("", "predicted"), ("domain", "predicted_domain")] {
        let written = setting.write_predictions(&reading, field, &names, &predictions).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert_eq!(written, make(["news", "_", "a b"], name));
        assert_eq!(setting.read(&written).shown(), reading.shown());
    }
}

#[test]
fn a_value_of_each_word_that_no_column_holds_is_an_attribute() {
    let setting = Setting::new("conllu");
    let make = |values: [&str; 3]| {
        let line = |id: &str, form: &str, misc: &str| {
            word(id, form, "X").replace("\t_\n", &format!("\t{misc}\n"))
        };
        let [a, b, c] = values;
        let range = line("1-2", "ab", "_");
        let (a, b) = (line("1", "a", a), line("2", "b", &format!("SpaceAfter=No{b}")));
        format!("{range}{a}{b}\n{}", line("3", "c", c))
    };
    let reading = setting.read(make(["_", "", "_"]));
    let names = ["1", "a|b"].into_iter().collect();
    let predictions = [Prediction::Classes(vec![0, 1])];
    for (field, name) in
        [("form", "predicted_form"), ("length", "predicted_length"), ("", "predicted")]
    {
        let written = setting.write_predictions(&reading, field, &names, &predictions).unwrap();
        let values = ["1", "a\\pb", "_"].map(|value| format!("{name}={value}"));
        let [a, b, c] = values.each_ref().map(String::as_str);
        assert_eq!(String::from_utf8(written).unwrap(), make([a, &format!("|{b}"), c]));
    }
}

#[test]
fn heads_stay_where_another_column_is_predicted_for_no_sentence() {
    let setting = Setting::new("conllu");
    let reading = setting.read(word("7", "x", "X"));
    let written = setting.write_predictions(&reading, "upos", &["X"].into_iter().collect(), &[]);
    assert_eq!(String::from_utf8(written.unwrap()).unwrap(), word("7", "x", "_"));
}
