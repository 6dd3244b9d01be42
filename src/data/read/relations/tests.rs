//! Entities and relations: what is read and refused, and the form of predictions.

use super::super::{Labels, testing::Setting};
use crate::data::{
    Lexicon, Prediction,
    structure::{SpanRelation, TokenSpan},
};

const TEXT: &str = "#doc 1\n0\tAda\tB-Peop\t['N']\t[0]\n1\tByron\tI-Peop\t['Live_In', 'Work_For']\t[5, 3]\n\
    2\tleft\tO\t['N']\t[2]\n3\tKew\tB-Org\t['OrgBased_In']\t[5]\n4\tin\tO\t['N']\t[4]\n\
    5\tLondon\tB-Loc\t['N']\t[5]\n#doc 2\n0\tOslo\tI-Loc\t['N']\t[0]\n1\tslept\tO\t['N']\t[1]\n";

fn setting() -> Setting {
    Setting::new("relations")
}

#[test]
fn a_relation_is_noted_at_the_last_token_of_its_first_entity() {
    let reading = setting().read(TEXT);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(reading.fields(), ["form", "entity", "entities", "relations"]);
    let entities = ["0-2:Peop 3-4:Org 5-6:Loc", "0-1:Loc"];
    assert_eq!(reading.structures("entities"), entities);
    let relations = ["0-2>5-6:Live_In 0-2>3-4:Work_For 3-4>5-6:OrgBased_In", ""];
    assert_eq!(reading.structures("relations"), relations);
    assert_eq!(reading.shown()[1], "Oslo/I-Loc/–/–|slept/O/–/–");
    assert_eq!(reading.read.split.examples[1].lines().collect::<Vec<_>>(), [9, 10]);
}

#[test]
fn faults_name_their_line() {
    for (from, to, fault) in [
        (
            "[5, 3]",
            "[5, 30]",
            "f:3: the relation \"Work_For\" points to token 30, expected one of the sentence, from 0 to 5",
        ),
        (
            "[5, 3]",
            "[5, 2]",
            "f:3: the relation \"Work_For\" has token 2 (\"left\"), expected the last token of an entity",
        ),
        ("[5, 3]", "[5]", "f:3: [5] has 1 items, expected 2, one for each relation"),
        (
            "['Live_In', 'Work_For']",
            "Live_In",
            "f:3: Live_In, expected a list of relations such as ['N']",
        ),
        ("[5, 3]", "5", "f:3: 5, expected a list of numbers such as [3]"),
        ("B-Org", "S-Org", "f:5: tag \"S-Org\", expected O, B-TYPE or I-TYPE"),
        ("4\tin", "6\tin", "f:6: index \"6\", expected 4; a sentence starts at a line \"#doc ID\""),
        (
            "\tin\tO",
            "\tin",
            "f:6: 4 columns, expected 5: index, token, entity, relations, the tokens they point to",
        ),
        ("\tin\t", "\t\t", "f:6: column 2 is empty, expected a token"),
    ] {
        let reading = setting().read(TEXT.replace(from, to));
        assert_eq!(reading.faults(), [fault], "{to}");
        assert_eq!((reading.read.n_faulty, reading.read.split.examples.len()), (1, 1), "{to}");
    }
}

#[test]
fn the_own_relations_and_entities_written_back_are_the_file_itself() {
    for text in [TEXT.to_owned(), TEXT.replace('\n', "\r\n"), TEXT.trim_end().to_owned()] {
        let reading = setting().read(&text);
        let written = setting().write_structures(&reading, "relations");
        assert_eq!(String::from_utf8(written).unwrap(), text);
        // Tags are written as IOB2.
        let written = String::from_utf8(setting().write_structures(&reading, "entities")).unwrap();
        assert_eq!(written, text.replace("I-Loc", "B-Loc"));
        assert_eq!(setting().write_gold(&reading, "entity"), text.as_bytes());
    }
}

#[test]
fn input_may_have_the_tokens_only() {
    let text = "#doc 1\n0\tAda\n1\tleft\n2\tKew\n#doc 2\n0\n";
    let reading = setting().read_as(text, Labels::Absent);
    assert_eq!(
        reading.faults(),
        ["f:6: 1 column, expected 5: index, token, entity, relations, the tokens they point to"]
    );
    assert_eq!(reading.shown(), ["Ada/–/–/–|left/–/–/–|Kew/–/–/–"]);
    let tags = setting().write(&reading, "entity", "B-Loc");
    let wanted = "#doc 1\n0\tAda\tB-Loc\n1\tleft\tB-Loc\n2\tKew\tB-Loc\n#doc 2\n0\n";
    assert_eq!(String::from_utf8(tags).unwrap(), wanted);
    let names: Lexicon = ["it's", "Loc"].into_iter().collect();
    let span = |start, end, label| TokenSpan { start, end, label };
    let relation = SpanRelation { from: span(2, 3, Some(1)), to: span(0, 1, None), label: 0 };
    let relations = [Prediction::Relations(vec![relation])];
    let written = setting().write_predictions(&reading, "relations", &names, &relations).unwrap();
    let wanted = "#doc 1\n0\tAda\tB\t['N']\t[0]\n1\tleft\tO\t['N']\t[1]\n2\tKew\tB-Loc\t[\"it's\"]\t[0]\n#doc 2\n0\n";
    assert_eq!(String::from_utf8(written.clone()).unwrap(), wanted);
    let again = setting().read(written.strip_suffix(b"#doc 2\n0\n").unwrap());
    assert_eq!(again.structures("relations"), ["2-3>0-1:it's"]);
    assert_eq!(again.structures("entities"), ["0-1 2-3:Loc"]);
}

#[test]
fn a_faulty_sentence_has_no_relation() {
    let reading = setting().read(TEXT.replace("B-Org", "S-Org"));
    let written = String::from_utf8(setting().write_structures(&reading, "relations")).unwrap();
    assert!(written.contains("3\tKew\tS-Org\t['N']\t[3]\n"), "{written}");
}

#[test]
fn what_is_neither_tags_nor_relations_is_never_written() {
    let reading = setting().read(TEXT);
    let names: Lexicon = ["B-Loc", "0"].into_iter().collect();
    let span = TokenSpan { start: 0, end: 1, label: None };
    let relation = SpanRelation { from: span, to: span, label: 0 };
    let relations = || vec![Prediction::Relations(vec![relation]); 2];
    let classes = |class| [6, 2].map(|n| Prediction::Classes(vec![class; n])).to_vec();
    let other = "predictions of a field that is not one of its labels";
    for (field, predictions, what) in [
        ("form", classes(0), other),
        ("", classes(0), other),
        ("form", relations(), other),
        ("entity", classes(1), "classes that are no tags in IOB2"),
        ("entity", relations(), "relations"),
        ("relations", classes(0), "classes"),
    ] {
        let error = setting().write_predictions(&reading, field, &names, &predictions).unwrap_err();
        assert_eq!(error.what, what, "{field}");
    }
    assert!(setting().write_predictions(&reading, "entity", &names, &classes(0)).is_ok());
}
