//! Property tests of the formats of one corpus: any pieces of their files are read or refused, and structures that
//! were written are read again.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    super::{Labels, lines::lines, testing::Setting},
    fault_lines, golds,
};
use crate::data::{Batch, Lexicon, Prediction};

/// Formats of structures: pieces of their files, their keys and the field of a structure.
fn structured() -> impl Strategy<Value = (Vec<u8>, Setting, &'static str)> {
    let formats = prop_oneof![
        Just((Setting::new("sdp"), "graph", SDP)),
        Just((Setting::new("semeval"), "relation", SEMEVAL)),
        Just((Setting::new("relations"), "relations", RELATIONS)),
        Just((Setting::new("babi"), "answer", BABI)),
        Just((Setting::new("babi").count("max_sentences", 2), "supporting", BABI)),
    ];
    formats.prop_flat_map(|(setting, field, pieces)| {
        let piece = prop_oneof![
            30 => prop::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
            2 => Just(b"\n".to_vec()),
            1 => Just(b"\r\n".to_vec()),
            1 => Just("\u{feff}\u{e9}\u{a0}".into()),
            1 => prop::collection::vec(any::<u8>(), 0..8),
        ];
        let bytes = prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat());
        (bytes, Just(setting), Just(field))
    })
}

const SDP: &[&str] = &[
    "#SDP 2015\n",
    "#s1\n",
    "1\ta\ta\tN\t-\t+\tf\t_\tX\n2\tb\t_\tN\t+\t+\t_\tY\t_\n\n",
    "1\ta\ta\tN\t+\t-\t_\n\n",
    "1\ta\ta\tN\n",
    "2\tb\t_\tV\t+\t+\tf\t_\n",
];

const SEMEVAL: &[&str] = &[
    "1\t\"a <e1>b</e1> c <e2>d e</e2>.\"\nX-Y(e1,e2)\nComment: z\n\n",
    "2\t\"<e2>b</e2><e1>c</e1>\"\r\nOther\r\n",
    "3\t\"<e1>b</e1> <e2>c</e2>\"\n",
    "4\t\"<e1>b</e1> <e2></e2>\"\n",
    "Comment\n",
];

const RELATIONS: &[&str] = &[
    "#doc 1\n",
    "#doc 2\n0\ta\tB-X\t['K', 'L']\t[2, 1]\n1\tb\tI-Y\t['K']\t[0]\n2\tc\tB-X\t['N']\t[2]\n",
    "#doc 3\n0\ta\tO\t['N']\t[0]\n1\tb\tI-Y\t[\"K\"]\t[1]\n",
    "0\ta\tO\t['N']\t[0]\n",
    "0\ta\n1\tb\tO\n",
];

const BABI: &[&str] = &[
    "1 Ada sat.\n",
    "2 Ben ran home.\n3 Who sat? \tAda\t1\n",
    "1 Cy sang.\r\n2 Who sang?\tCy\r\n",
    "2 Who ran?\n",
    "3 Who? \ta,b\t1 2\n",
];

const SQUAD: &[&str] = &[
    "{\"data\": [{\"paragraphs\": [",
    "{\"context\": \"A b \\u00e9c.\", \"qas\": [",
    "{\"id\": \"1\", \"question\": \"What?\", \"answers\": [{\"text\": \"\u{e9}c\", \"answer_start\": 4}]}",
    "{\"answers\": [], \"question\": \"Who?\", \"id\": \"2\"}",
    ",",
    "]}",
    "]}]}",
];

const BOOK: &[&str] = &[
    "CHAPTER I\n\n",
    "[A by B]\n",
    "\n",
    "Mr. Low sat. ",
    "However, it is.\n",
    "\"Why?\" said he. In fact: no. ",
    "* * *\n\n",
    "Then ",
    "A. ",
];

const SMART: &[&str] = &[
    ".I 1\n.W\nA b\n",
    ".I 2\r\n.T\r\nC\r\n.A\r\nd\r\n.W\r\n",
    ".I 1\n",
    ".W\n",
    ".I\n",
    "\n",
    "e\n",
];

const JUDGEMENTS: &[&str] =
    &["1 1\n", "2 1 3\n", "1 0 2 -1\r\n", "9 1 1\n", "1\n", "\n", "1 2 x\n"];

const BRAT: &[&str] = &[
    "R1\tX Arg1:T0 Arg2:T1\t\n",
    "*\tY T0 T1\n",
    "R2\tX Arg1:T9 Arg2:T1\n",
    "T0\tX 0 1\ta\n",
    "#1\tn T0\tx\n",
    "\n",
];

proptest! {
    #[test]
    fn documents_of_questions_are_read_or_refused(
        pieces in prop::collection::vec(prop::sample::select(SQUAD), 0..6),
        gold in golds(),
    ) {
        let setting = Setting::new("squad");
        for text in [pieces.concat(), [SQUAD[0], SQUAD[1], &pieces.join(","), "]}]}]}"].concat()] {
            let reading = setting.read_as(&text, gold);
            prop_assert_eq!(reading.read.n_faulty == 0, reading.read.faults.is_empty());
            let written = setting.write_structures(&reading, "answer");
            let object: BTreeMap<String, String> = serde_json::from_slice(&written).unwrap();
            prop_assert!(object.len() >= reading.read.split.examples.len());
        }
    }

    #[test]
    fn collections_are_read_or_refused(
        texts in prop::array::uniform2(prop::collection::vec(prop::sample::select(SMART), 0..8)),
        judgements in prop::collection::vec(prop::sample::select(JUDGEMENTS), 0..6),
        bytes in prop::collection::vec(any::<u8>(), 0..8),
        gold in golds(),
    ) {
        let [queries, documents] = texts.map(|pieces| pieces.concat().into_bytes());
        let judgements = judgements.concat().into_bytes();
        for judgements in [judgements, bytes] {
            let setting = Setting::new("smart").map("relevance", &[("1", 1), ("3", 2), ("-1", 0)]);
            let files = [("q", &queries[..]), ("d", &documents), ("r", &judgements)];
            let reading = setting.read_files(&files, gold);
            let is_sound = reading.read.n_faulty == 0 && !reading.read.is_unusable;
            prop_assert_eq!(is_sound, reading.read.faults.is_empty());
            let (corpus, split) = (&reading.corpus, &reading.read.split);
            let all: Vec<usize> = (0..split.examples.len()).collect();
            for batch in [
                Batch::new(0, corpus, split, &all),
                Batch::for_evaluation(0, corpus, split, &all),
            ] {
                let n_items = batch.sequence(1).parent().map_or(0, |items| items.n_rows());
                for candidates in batch.candidates(2).unwrap_or_default() {
                    prop_assert!(candidates.rows.iter().all(|row| (*row as usize) < n_items));
                }
            }
            let n = split.collection.as_ref().map_or(0, |it| it.documents.len());
            let rankings = vec![Prediction::Ranking(vec![0.5; n]); all.len()];
            let written = setting.write_predictions(&reading, "", &Lexicon::default(), &rankings);
            prop_assert_eq!(lines(&written.unwrap()).count(), n * all.len());
        }
    }

    #[test]
    fn standoff_annotation_is_read_or_refused(
        text in any::<String>(),
        lines in prop::collection::vec((0..12_usize, 0..12_usize, 0..4), 0..6),
        pieces in prop::collection::vec(prop::sample::select(BRAT), 0..4),
        bytes in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        let setting = Setting::new("brat");
        let text = format!("{text} a b c");
        let chars: Vec<char> = text.chars().collect();
        let span = |(at, (start, n, kind)): (usize, &(usize, usize, i32))| {
            let surface: String = chars.iter().skip(*start).take(*n).collect();
            let surface = surface.replace(['\r', '\n'], " ");
            format!("T{at}\tK{kind} {start} {}\t{surface}\n", start + n)
        };
        let spans: String = lines.iter().enumerate().map(span).collect();
        for annotations in [(spans.clone() + &pieces.concat()).into_bytes(), bytes] {
            let files: [(&str, &[u8]); 2] = [("t", text.as_bytes()), ("a", &annotations)];
            let reading = setting.read_files(&files, Labels::Required);
            prop_assert_eq!(reading.read.n_faulty == 0, reading.read.faults.is_empty());
            for field in ["entities", "relations"] {
                let written = setting.write_structures(&reading, field);
                let files: [(&str, &[u8]); 2] = [("t", text.as_bytes()), ("a", &written)];
                let again = setting.read_files(&files, Labels::Required);
                if reading.read.n_faulty == 0 {
                    prop_assert_eq!(again.faults(), [""; 0]);
                    let (found, wanted) = (again.structures(field), reading.structures(field));
                    prop_assert_eq!(found[0].split(' ').count(), wanted[0].split(' ').count());
                }
            }
        }
    }

    #[test]
    fn any_text_makes_examples_with_tokens_and_a_prediction_each(
        pieces in prop::collection::vec(prop::sample::select(BOOK), 0..30),
        noise in any::<String>(),
        make in prop_oneof![Just("order"), Just("next"), Just("connective")],
    ) {
        let setting = Setting::new("book").say("make", make);
        let text = pieces.concat() + &noise;
        let reading = setting.read(&text);
        prop_assert_eq!(reading.faults(), [""; 0]);
        for example in &reading.read.split.examples {
            prop_assert!(!example.is_empty() && example.lines().count() == example.len_of(0));
        }
        let written = setting.write_each(&reading, "label", |_| vec!["?!".into()]);
        prop_assert_eq!(lines(&written).count(), reading.read.split.examples.len());
    }

    #[test]
    fn structures_that_were_written_are_read_again(
        (bytes, setting, field) in structured(),
        gold in golds(),
    ) {
        let reading = setting.read_as(&bytes, gold);
        prop_assert!(fault_lines(&reading).is_sorted());
        prop_assert_eq!(reading.read.n_faulty == 0, reading.read.faults.is_empty());
        let written = setting.write_structures(&reading, field);
        if reading.read.faults.is_empty() {
            let again = setting.read_as(&written, gold);
            prop_assert_eq!(again.faults(), [""; 0]);
            // Of an example without a structure an empty one is written, or what stands for no prediction.
            let is_empty = |text: &str| text.split_whitespace().all(|word| ["\u{2013}", "_", "no"].contains(&word));
            let known = |texts: Vec<String>| -> Vec<String> {
                let text = |text: String| if is_empty(&text) { String::new() } else { text };
                texts.into_iter().map(text).collect()
            };
            prop_assert_eq!(known(again.structures(field)), known(reading.structures(field)));
        }
    }
}
