//! Stories and questions: what is read and refused, and the form of predictions.

use super::super::{Labels, testing::Setting};
use crate::data::{Lexicon, Prediction};

const TEXT: &str = "1 Ada took the lamp.\n2 Ben ran home.\n3 Who has the lamp? \tAda\t1\n\
    4 Ada gave the lamp to Ben.\n5 Who has the lamp? \tBen\t1 4\n\
    1 Cy sat.\n2 Is Cy here?\tyes\t1\n";

fn setting() -> Setting {
    Setting::new("babi")
}

#[test]
fn a_question_has_the_sentences_of_its_story_before_it() {
    let reading = setting().read(TEXT);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(reading.fields(), ["question", "story", "answer", "supporting"]);
    let names: Vec<_> =
        reading.corpus.sequences.iter().map(|of| (of.name.as_str(), of.is_list)).collect();
    assert_eq!(names, [("question", false), ("story", true)]);
    assert_eq!(reading.structures("answer"), ["Ada", "Ben", "yes"]);
    assert_eq!(reading.structures("supporting"), ["yes no", "yes no yes", "yes"]);
    let examples = &reading.read.split.examples;
    assert_eq!(examples.iter().map(|example| example.line).collect::<Vec<_>>(), [3, 5, 7]);
    let story = examples[1].sequences[1].as_ref().unwrap();
    assert_eq!(story.items(), [5, 4, 7]);
    assert_eq!((story.line(0), story.line(9), story.bytes(10)), (1, 4, Some(6..10)));
    assert_eq!(examples[1].len_of(0), 5);
    let last = setting().count("max_sentences", 1).read(TEXT);
    assert_eq!(last.structures("supporting"), ["no", "yes", "yes"]);
}

#[test]
fn faults_name_their_line_and_leave_out_the_later_questions_of_the_story() {
    let support = "expected the number of a sentence of the story before the question";
    for (from, to, fault, n_faulty) in [
        ("2 Ben", "7 Ben", "f:2: number 7, expected 2, or 1 at the start of a story".to_owned(), 2),
        (
            "2 Ben ran home.",
            "2 ",
            "f:2: the sentence is empty; expected at least one token".into(),
            2,
        ),
        (
            "2 Ben",
            "Ben",
            "f:2: expected a number, a space and a sentence, found another line".into(),
            2,
        ),
        ("\tBen\t1 4", "\tBen\t3", format!("f:5: supporting sentence \"3\", {support}"), 1),
        ("\tBen\t1 4", "\tBen\tx", format!("f:5: supporting sentence \"x\", {support}"), 1),
        (
            "\tBen\t1 4",
            "",
            "f:5: expected a tab and an answer after the question, found none".into(),
            1,
        ),
        (
            "1 Cy sat.\n2",
            "1",
            "f:6: expected sentences of a story before the question, found none".into(),
            1,
        ),
    ] {
        let reading = setting().read(TEXT.replace(from, to));
        let faults = reading.faults();
        assert_eq!(faults[0], fault, "{to}");
        assert_eq!(reading.read.n_faulty, n_faulty, "{to}");
        assert_eq!(reading.read.split.examples.len() as u64, 3 - n_faulty, "{to}");
    }
}

#[test]
fn a_faulty_question_leaves_the_story_as_it_is() {
    let reading = setting().read(TEXT.replace("\tAda\t1", "\tAda\t9"));
    assert_eq!(reading.structures("answer"), ["Ben", "yes"]);
    let latin = b"1 Caf\xe9.\n2 Who?\tA\t1\n1 Go.\n2 Who?\tB\t1\n";
    let reading = setting().read(latin);
    assert_eq!((reading.faults().len(), reading.read.n_faulty), (1, 1));
    assert_eq!(reading.structures("answer"), ["B"]);
    assert_eq!(setting().say("encoding", "latin-1").read(latin).structures("answer"), ["A", "B"]);
}

#[test]
fn predictions_replace_the_answer_or_the_supporting_sentences() {
    let reading = setting().read(TEXT);
    assert_eq!(String::from_utf8(setting().write_structures(&reading, "answer")).unwrap(), TEXT);
    assert_eq!(
        String::from_utf8(setting().write_structures(&reading, "supporting")).unwrap(),
        TEXT
    );
    let written = setting().write_each(&reading, "answer", |_| vec!["Cy".into()]);
    let wanted =
        TEXT.replace("\tAda\t", "\tCy\t").replace("\tBen\t", "\tCy\t").replace("\tyes\t", "\tCy\t");
    assert_eq!(String::from_utf8(written).unwrap(), wanted);
    let faulty = setting().read(TEXT.replace("\t1 4", "\t3"));
    let written = String::from_utf8(setting().write_structures(&faulty, "answer")).unwrap();
    assert!(written.contains("lamp? \t_\t3\n"), "{written}");
}

#[test]
fn input_may_have_questions_without_answers() {
    let text = "1 Cy sat.\n2 Cy ran.\n3 Where is Cy?\n4 Who ran?";
    assert_eq!(setting().find_labels(text, &[]), "unlabelled");
    assert_eq!(setting().find_labels(TEXT, &[]), "labelled");
    let reading = setting().read_as(text, Labels::Absent);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(reading.structures("answer"), ["–", "–"]);
    let written = setting().write_each(&reading, "answer", |_| vec!["home".into()]);
    let wanted = "1 Cy sat.\n2 Cy ran.\n3 Where is Cy?\thome\n4 Who ran?\thome";
    assert_eq!(String::from_utf8(written).unwrap(), wanted);
    let names: Lexicon = ["no", "yes"].into_iter().collect();
    let predictions = [vec![0, 1], vec![1, 1]].map(Prediction::Classes);
    let written =
        setting().write_predictions(&reading, "supporting", &names, &predictions).unwrap();
    let wanted = "1 Cy sat.\n2 Cy ran.\n3 Where is Cy?\t\t2\n4 Who ran?\t\t1 2";
    assert_eq!(String::from_utf8(written).unwrap(), wanted);
}

#[test]
fn only_answers_and_supporting_sentences_are_written() {
    let reading = setting().read(TEXT);
    let names = &reading.corpus.lexicons[2];
    let classes = vec![Prediction::Classes(vec![0]); 3];
    let spans = vec![Prediction::Spans(Vec::new()); 3];
    let other = "predictions of a field that is not one of its labels";
    for (field, predictions, what) in [
        ("question", &classes, other),
        ("story", &classes, other),
        ("", &classes, other),
        ("answer", &spans, "spans"),
        ("supporting", &spans, "spans"),
    ] {
        let error = setting().write_predictions(&reading, field, names, predictions).unwrap_err();
        assert_eq!(error.what, what, "{field}");
    }
}
