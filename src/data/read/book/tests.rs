//! Examples made from plain text.

use super::super::{Labels, testing::Setting};

const TEXT: &str = "[A Tale by Nobody 1900]\n\nCHAPTER I. The Start\n\nAda sat by the\nriver. Ben ran. However, Cy\nslept!\n\n\
    \"Why?\" said Di. Then it rained.\n\nCHAPTER II\n\nTHE END OF IT\n\nIt was over. Indeed. In fact it snowed.\n";

fn setting(make: &str) -> Setting {
    Setting::new("book").count("seed", 1).say("make", make)
}

/// Ten short sentences of one chapter, and a few of another.
fn numbered(n: usize) -> String {
    let sentences: Vec<String> =
        (1..=n).map(|number| format!("Number {number} is here.\n")).collect();
    sentences.concat()
}

#[test]
fn pairs_of_adjacent_sentences_are_in_order_or_swapped() {
    let reading = setting("order").read(TEXT);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(reading.fields(), ["first", "second", "label"]);
    // The fifth sentence of the first chapter, and the third of the second, have no partner.
    let lengths: Vec<_> = (reading.read.split.examples.iter())
        .map(|example| (example.len_of(0).min(example.len_of(1)), example.len()))
        .collect();
    assert_eq!(lengths, [(3, 9), (5, 12), (2, 6)]);
    let label = |text: &str, seed| {
        setting("order").count("seed", seed).read(text).structures("label").concat()
    };
    let many = numbered(200);
    let all = label(&many, 1);
    assert_eq!(all.matches("yes").count() + all.matches("no").count(), 100);
    assert!((30..70).contains(&all.matches("yes").count()), "{all}");
    assert_ne!(all, label(&many, 2));
    // A swapped pair is swapped in its fields.
    let reading = setting("order").read(&many);
    for (example, label) in reading.read.split.examples.iter().zip(reading.structures("label")) {
        let line = |at: usize| example.sequences[at].as_ref().unwrap().line(0);
        assert_eq!(line(0) < line(1), label == "yes");
    }
}

#[test]
fn the_next_sentence_is_one_of_five_candidates() {
    let reading = setting("next").read(numbered(12) + "\nCHAPTER 2\n\n" + &numbered(7));
    assert_eq!(reading.fields(), ["context", "candidates", "next"]);
    let examples = &reading.read.split.examples;
    // Contexts from sentences 1 and 4; the rest of a chapter is too short.
    assert_eq!(examples.iter().map(|example| example.line).collect::<Vec<_>>(), [1, 4]);
    for (example, marks) in examples.iter().zip(reading.structures("next")) {
        let candidates = example.sequences[1].as_ref().unwrap();
        assert_eq!(candidates.items(), [5; 5]);
        let lines: Vec<u32> = (0..5).map(|item| candidates.line(5 * item)).collect();
        let right = marks.split(' ').position(|mark| mark == "yes").unwrap();
        assert_eq!((lines[right], marks.matches("yes").count()), (example.line + 3, 1));
        assert!(
            lines.iter().all(|line| (example.line + 3..example.line + 12).contains(line)),
            "{lines:?}"
        );
    }
}

#[test]
fn other_candidates_may_be_from_the_whole_text_and_contexts_may_overlap() {
    let text = numbered(9) + "\nCHAPTER 2\n\n" + &numbered(5);
    let setting = setting("next").say("negatives", "text").count("stride", 1);
    let reading = setting.read(&text);
    let examples = &reading.read.split.examples;
    // Contexts of a chapter's sentences 1 to 6, and 1 to 2; the second chapter starts at line 13.
    let lines: Vec<u32> = examples.iter().map(|example| example.line).collect();
    assert_eq!(lines, [1, 2, 3, 4, 5, 6, 13, 14]);
    let mut has_other_chapter = false;
    for (example, marks) in examples.iter().zip(reading.structures("next")) {
        let candidates = example.sequences[1].as_ref().unwrap();
        let lines: Vec<u32> = (0..5).map(|item| candidates.line(5 * item)).collect();
        let right = marks.split(' ').position(|mark| mark == "yes").unwrap();
        assert_eq!((lines[right], marks.matches("yes").count()), (example.line + 3, 1));
        let distinct: std::collections::BTreeSet<_> = lines.iter().collect();
        assert_eq!(distinct.len(), 5, "{lines:?}");
        assert!(lines.iter().all(|line| !(example.line..example.line + 3).contains(line)));
        has_other_chapter |= lines.iter().any(|line| (*line < 13) != (example.line < 13));
    }
    assert!(has_other_chapter);
    // Seven sentences have no five candidates beside a context.
    assert_eq!(setting.read(numbered(7)).read.split.examples.len(), 0);
}

#[test]
fn a_connective_is_removed_and_its_group_is_the_label() {
    let reading = setting("connective").read(TEXT);
    assert_eq!(reading.structures("label"), ["contrast", "time", "strengthen"]);
    assert_eq!(reading.structures("second"), ["Cy slept !", "it rained .", "it snowed ."]);
    assert_eq!(reading.structures("first"), ["Ben ran .", "\" Why ? \" said Di .", "Indeed ."]);
    let lines: Vec<u32> = reading.read.split.examples.iter().map(|example| example.line).collect();
    assert_eq!(lines, [6, 9, 15]);
}

#[test]
fn a_paragraph_that_cannot_be_decoded_is_left_out() {
    let text =
        b"One is here. Two is here.\n\nCaf\xe9 is here. Three is.\n\nFour is here. Five is here.\n";
    let reading = setting("order").read(text);
    assert!(reading.faults()[0].starts_with("f:3: byte 30 "), "{:?}", reading.faults());
    assert_eq!((reading.read.n_faulty, reading.read.split.examples.len()), (1, 2));
    assert_eq!(setting("order").say("encoding", "latin-1").read(text).read.split.examples.len(), 3);
}

#[test]
fn predictions_are_a_line_for_each_example() {
    let reading = setting("order").read_as(TEXT, Labels::Absent);
    assert_eq!(setting("order").find_labels(TEXT, &[]), "labelled");
    let written = setting("order").write_each(&reading, "label", |_| vec!["yes".into()]);
    assert_eq!(written, b"yes\nyes\nyes\n");
    let next = setting("next").read(numbered(8));
    assert_eq!(
        setting("next").write_structures(&next, "next").split(|byte| *byte == b' ').count(),
        5
    );
}
