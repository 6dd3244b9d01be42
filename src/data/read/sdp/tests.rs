//! Semantic dependency graphs: what is read, joined and refused, and the form of predictions.

use super::super::{
    Labels,
    testing::{Reading, Setting},
};
use crate::data::{Lexicon, Prediction, structure::GraphArc};

/// Two sentences, the first with a predicate that is a top and one that is not.
const GRAPHS: &str = "#SDP 2015\n#s1\n\
    1\tCats\tcat\tNNS\t-\t-\tn:x\tARG1\t_\n\
    2\tsleep\tsleep\tVBP\t+\t+\tv:e\t_\t_\n\
    3\tvery\tvery\tRB\t-\t+\t_\t_\t_\n\
    4\twell\twell\tRB\t-\t-\ta:e\tloc\tARG1\n\n\
    #s2\n1\tGo\t_\tVB\t-\t-\t_\n2\t!\t_\t.\t-\t-\t_\n";

/// The same sentences in another order, and other graphs.
const OTHERS: &str = "#SDP 2015\n#s2\n1\tGo\tgo\tVB\t+\t+\tev\t_\n2\t!\t!\t.\t-\t-\t_\tpunct\n\n\
    #s1\n1\tCats\tcat\tNNS\t-\t-\t_\n2\tsleep\tsleep\tVBP\t-\t-\t_\n3\tvery\tvery\tRB\t-\t-\t_\n\
    4\twell\twell\tRB\t+\t-\t_\n";

fn setting() -> Setting {
    Setting::new("sdp")
}

fn two(first: &str, second: &str) -> Reading {
    let files = [("dm", first.as_bytes()), ("psd", second.as_bytes())];
    setting().list("graphs", &["dm", "psd"]).read_files(&files, Labels::Required)
}

#[test]
fn the_columns_of_predicates_become_arcs_and_tops_arcs_from_the_root() {
    let reading = setting().read(GRAPHS);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(reading.fields(), ["form", "lemma", "pos", "frame", "graph"]);
    assert_eq!(
        reading.shown(),
        [
            "Cats/cat/NNS/n:x/–|sleep/sleep/VBP/v:e/–|very/very/RB/–/–|well/well/RB/a:e/–",
            "Go/–/VB/–/–|!/–/./–/–"
        ]
    );
    let arcs = ["1>0:ARG1 root>1:top 1>3:loc 2>3:ARG1", ""];
    assert_eq!(reading.structures("graph"), arcs);
    assert_eq!(reading.read.split.examples[1].lines().collect::<Vec<_>>(), [9, 10]);
}

#[test]
fn the_own_graph_written_back_is_the_file_itself() {
    for text in [GRAPHS.to_owned(), GRAPHS.replace('\n', "\r\n"), GRAPHS.trim_end().to_owned()] {
        let reading = setting().read(&text);
        let written = setting().write_structures(&reading, "graph");
        assert_eq!(String::from_utf8(written).unwrap(), text);
        let frames =
            setting().write_each(&reading, "pos", |example| vec!["X".into(); example.len()]);
        let wanted = ["NNS", "VBP", "RB", "VB", "."];
        let wanted =
            wanted.iter().fold(text, |text, pos| text.replace(&format!("\t{pos}\t"), "\tX\t"));
        assert_eq!(String::from_utf8(frames).unwrap(), wanted);
    }
}

#[test]
fn files_are_joined_by_the_id_of_their_sentences() {
    let reading = two(GRAPHS, OTHERS);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(reading.structures("dm")[0], "1>0:ARG1 root>1:top 1>3:loc 2>3:ARG1");
    assert_eq!(reading.structures("psd"), ["root>3:top", "root>0:top 0>1:punct"]);
    // Lemmas and frames are those of the first file.
    assert_eq!(reading.shown()[1], "Go/–/VB/–/–/–|!/–/./–/–/–");
    let without = OTHERS.split("\n\n").next().unwrap();
    assert_eq!(two(GRAPHS, without).structures("psd"), ["–", "root>0:top 0>1:punct"]);
}

#[test]
fn sentences_that_do_not_fit_together_are_faults() {
    let reading = two(GRAPHS, &OTHERS.replace("\tvery\tvery", "\tquite\tquite"));
    assert_eq!(reading.faults(), ["psd:9: word 3 is \"quite\", expected \"very\", as in dm:5"]);
    assert_eq!((reading.read.n_faulty, reading.read.split.examples.len()), (1, 1));
    let reading = two(GRAPHS, &OTHERS.replace("4\twell\twell\tRB\t+\t-\t_\n", ""));
    assert_eq!(reading.faults(), ["psd:6: 3 words, expected 4, as in dm:2"]);
    let ids = "expected the id of one of the sentences of dm, each once, found #s3";
    let reading = two(GRAPHS, &OTHERS.replace("#s1", "#s3"));
    assert_eq!(reading.faults(), [format!("psd:6: {ids}")]);
    assert_eq!((reading.read.n_faulty, reading.read.split.examples.len()), (1, 2));
    let again = "dm:8: expected each id once, found #s1 again, which is at line 2 too";
    assert!(two(&GRAPHS.replace("#s2", "#s1"), OTHERS).faults().contains(&again.to_owned()));
    let none =
        "dm:8: expected a line #ID before the sentence, by which files are joined, found none";
    assert!(two(&GRAPHS.replace("#s2\n", ""), OTHERS).faults().contains(&none.to_owned()));
}

#[test]
fn the_id_is_the_last_line_of_a_comment_before_the_words_that_has_no_space() {
    for header in ["#SDP 2014\n#s1\n", "# a note\n#s1\n# another\n", "#note\n#s1\n#\n", "#s1\n"] {
        let first = GRAPHS.replace("#SDP 2015\n#s1\n", header);
        for (first, second) in [(first.as_str(), OTHERS), (OTHERS, first.as_str())] {
            let reading = two(first, second);
            assert_eq!(reading.faults(), [""; 0], "{header}");
            assert!(!reading.structures("psd").contains(&"\u{2013}".to_owned()), "{header}");
        }
    }
    let reading = setting().read(GRAPHS.replace("#s2", "#s3\n\n#s2"));
    assert_eq!(reading.faults(), ["f:8: expected words after #s3, found none"]);
    assert_eq!((reading.read.n_faulty, reading.read.split.examples.len()), (1, 2));
    assert_eq!(setting().read("#SDP 2015\n\n# a note\n").faults(), [""; 0]);
}

#[test]
fn the_form_and_other_fields_are_never_written() {
    let reading = setting().read(GRAPHS);
    let names: Lexicon = ["X"].into_iter().collect();
    let classes = [4, 2].map(|n| Prediction::Classes(vec![0; n]));
    let graphs = [const { Prediction::Arcs(Vec::new()) }; 2];
    for (field, predictions) in
        [("form", &classes), ("", &classes), ("pas", &graphs), ("form", &graphs)]
    {
        let error = setting().write_predictions(&reading, field, &names, predictions).unwrap_err();
        assert_eq!(error.what, "predictions of a field that is not one of its labels", "{field}");
    }
    assert!(setting().write_predictions(&reading, "lemma", &names, &classes).is_ok());
}

#[test]
fn faults_name_their_line() {
    for (from, to, fault) in [
        ("1\tCats", "x\tCats", "f:3: id \"x\", expected 1"),
        ("\tVBP\t+\t+", "\tVBP\t?\t+", "f:4: column top is \"?\", expected \"+\" or \"-\""),
        ("\tVBP\t", "\t\t", "f:4: column 4 is empty; _ stands for nothing"),
        (
            "v:e\t_\t_",
            "v:e\tARG2\t_",
            "f:4: an arc \"ARG2\" from the word to itself, expected one to another word",
        ),
        (
            "\tloc\tARG1",
            "\tloc",
            "f:6: 8 columns, expected 9: id, form, lemma, pos, top, pred, frame, and one for each of 2 predicates",
        ),
    ] {
        let reading = setting().read(GRAPHS.replace(from, to));
        assert_eq!(reading.faults(), [fault], "{to}");
        assert_eq!((reading.read.n_faulty, reading.read.split.examples.len()), (1, 1), "{to}");
    }
    let latin = [GRAPHS.as_bytes(), b"\n1\tcaf\xe9\t_\tN\t-\t-\t_\n"].concat();
    assert!(setting().read(&latin).faults()[0].starts_with("f:12: byte "));
    assert_eq!(setting().say("encoding", "latin-1").read(&latin).read.split.examples.len(), 3);
}

#[test]
fn input_without_graphs_has_four_columns() {
    let text = "#a\n1\tGo\tgo\tVB\n2\ton\ton\tRP\n\n#b\n1\tStop\n";
    let reading = setting().read_as(text, Labels::Absent);
    assert_eq!(reading.faults(), ["f:6: 2 columns, expected at least 4 (id, form, lemma, pos)"]);
    assert_eq!(reading.structures("graph"), ["–"]);
    let names: Lexicon = ["ARG1", "top"].into_iter().collect();
    let arc = |head, dependent| GraphArc { head, dependent, label: Some(0) };
    let graph = Prediction::Arcs(vec![arc(None, 0), arc(Some(0), 1)]);
    let written = setting().write_predictions(&reading, "graph", &names, &[graph]).unwrap();
    let wanted = "#a\n1\tGo\tgo\tVB\t+\t+\t_\t_\n2\ton\ton\tRP\t-\t-\t_\tARG1\n\n#b\n1\tStop\n";
    assert_eq!(String::from_utf8(written.clone()).unwrap(), wanted);
    let again = setting().read(written.strip_suffix(b"#b\n1\tStop\n").unwrap());
    assert_eq!(again.structures("graph"), ["root>0:top 0>1:ARG1"]);
    let frames = setting().write(&reading, "frame", "v:e");
    let wanted = "#a\n1\tGo\tgo\tVB\t-\t-\tv:e\n2\ton\ton\tRP\t-\t-\tv:e\n\n#b\n1\tStop\n";
    assert_eq!(String::from_utf8(frames).unwrap(), wanted);
    let nameless = Prediction::Arcs(vec![GraphArc { label: None, ..arc(Some(0), 1) }]);
    let error = setting().write_predictions(&reading, "graph", &names, &[nameless]).unwrap_err();
    assert_eq!(error.what, "arcs without labels");
}

#[test]
fn the_graph_of_a_faulty_sentence_is_empty() {
    let reading = setting().read(GRAPHS.replace("1\tCats", "x\tCats"));
    let written = String::from_utf8(setting().write_structures(&reading, "graph")).unwrap();
    assert!(
        written.contains("2\tsleep\tsleep\tVBP\t-\t-\tv:e\n3\tvery\tvery\tRB\t-\t-\t_\n"),
        "{written}"
    );
}

#[test]
fn graphs_have_names_of_their_own() {
    let check = |graphs: &[&str]| setting().list("graphs", graphs).check();
    assert_eq!(setting().check(), [""; 0]);
    assert_eq!(check(&["dm", "dm"]), ["two graphs are named \"dm\""]);
    assert_eq!(
        check(&["pos"]),
        ["expected another name than form, lemma, pos, frame, found \"pos\""]
    );
    assert_eq!(check(&[]), ["expected at least one graph, found none"]);
}
