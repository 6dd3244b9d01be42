//! The readers on public corpora with published numbers of sentences and tokens.
//!
//! `AUXDESK_CORPORA` names their folder; without it nothing is tested.

mod structures;

use std::path::PathBuf;

use super::{
    Labels, Source,
    testing::{Reading, Setting},
};
use crate::data::{
    Example, FieldValues, Lexicon,
    vectors::{self, VectorFile},
};

/// File, sentences, tokens.
type Count = (&'static str, usize, usize);

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("AUXDESK_CORPORA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: AUXDESK_CORPORA is not set");
    }
    folder
}

#[track_caller]
fn check(setting: &Setting, counts: &[Count]) {
    let Some(folder) = folder() else { return };
    for &(file, n_sentences, n_tokens) in counts {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let reading = setting.read(&bytes);
        assert_eq!(reading.faults(), [""; 0], "{file}");
        let size = reading.read.split.size();
        assert_eq!((size.examples, size.tokens), (n_sentences as u64, n_tokens as u64), "{file}");
        let written = if setting.is_columns() {
            let written = String::from_utf8(setting.write(&reading, "form", "?!?")).unwrap();
            assert_eq!(written.matches("?!?").count(), n_tokens, "{file}");
            written.replace("\t?!?", "").replace(" ?!?", "").into_bytes()
        } else {
            setting.write_gold(&reading, "upos")
        };
        assert!(written == bytes, "{file} is not the same once the predictions are taken out");
    }
}

#[test]
fn conll_2000() {
    let counts = [
        ("conll2000-chunking/train.txt", 8_936, 211_727),
        ("conll2000-chunking/test.txt", 2_012, 47_377),
    ];
    check(&Setting::columns(&["form", "pos", "chunk"]), &counts);
}

#[test]
fn wnut_17() {
    let counts = [
        ("wnut17-ner/wnut17train.conll", 3_394, 62_730),
        ("wnut17-ner/emerging.dev.conll", 1_009, 15_733),
        ("wnut17-ner/emerging.test.annotated", 1_287, 23_394),
    ];
    check(&Setting::columns(&["form", "entity"]), &counts);
}

#[test]
fn danish_parts_of_speech() {
    let counts = [
        ("danish-pos-2col/da-ud-train.conllu", 4_868, 88_979),
        ("danish-pos-2col/da-ud-dev.conllu", 322, 5_870),
        ("danish-pos-2col/da-ud-test.conllu", 322, 5_884),
    ];
    check(&Setting::columns(&["form", "upos"]), &counts);
}

#[test]
fn multiged_swedish_and_italian() {
    let counts = [
        ("multiged2023-error-detection/swedish/sv_swell_train.tsv", 6_729, 115_203),
        ("multiged2023-error-detection/swedish/sv_swell_dev.tsv", 911, 15_685),
        ("multiged2023-error-detection/italian/it_merlin_train.tsv", 6_394, 80_335),
        ("multiged2023-error-detection/italian/it_merlin_dev.tsv", 758, 9_144),
    ];
    check(&Setting::columns(&["form", "correct"]), &counts);
}

#[test]
fn treebanks() {
    let counts = [
        ("ud-english-partut/en_partut-ud-train.conllu", 1_781, 43_504),
        ("ud-english-partut/en_partut-ud-dev.conllu", 156, 2_722),
        ("ud-english-partut/en_partut-ud-test.conllu", 153, 3_408),
        ("ud-french-partut/fr_partut-ud-train.conllu", 803, 24_107),
        ("ud-french-partut/fr_partut-ud-dev.conllu", 107, 1_870),
        ("ud-french-partut/fr_partut-ud-test.conllu", 110, 2_603),
        ("ud-hungarian-szeged/hu_szeged-ud-train.conllu", 910, 20_166),
        ("ud-hungarian-szeged/hu_szeged-ud-dev.conllu", 441, 11_418),
        ("ud-hungarian-szeged/hu_szeged-ud-test.conllu", 449, 10_448),
        ("ud-galician-treegal/gl_treegal-ud-train.conllu", 600, 15_436),
        ("ud-galician-treegal/gl_treegal-ud-test.conllu", 400, 10_112),
    ];
    check(&Setting::new("conllu"), &counts);
}

/// File and examples of a table in which all texts and labels are present.
#[track_caller]
fn check_table(setting: &Setting, counts: &[(&str, u64)], n_labels: usize) {
    let Some(folder) = folder() else { return };
    for &(file, n_examples) in counts {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let reading = setting.read(&bytes);
        assert_eq!(reading.faults(), [""; 0], "{file}");
        assert_eq!(reading.read.split.size().examples, n_examples, "{file}");
        let labels = reading.corpus.lexicons.get(1).map_or(0, Lexicon::len);
        assert_eq!(labels, n_labels, "{file}");
        assert!(without_predictions(setting, &reading) == bytes, "{file} is not the same");
    }
}

/// The file after predictions were written into it and removed again; those of faulty lines are empty.
fn without_predictions(setting: &Setting, reading: &Reading) -> Vec<u8> {
    let written = setting.write_each(reading, "label", |_| vec!["?!?".into()]);
    let n_examples = reading.read.split.examples.len();
    let faulty: Vec<u32> = reading.read.faults.iter().map(|fault| fault.line).collect();
    let mut without = Vec::with_capacity(written.len());
    let mut n_predictions = 0;
    for (line, number) in written.split_inclusive(|&byte| byte == b'\n').zip(1..) {
        let (text, end) = line.split_at(line.len() - usize::from(line.ends_with(b"\n")));
        let old = text.strip_suffix(b"?!?");
        n_predictions += usize::from(old.is_some());
        let old = if faulty.contains(&number) { Some(text) } else { old };
        // The separator before it.
        without.extend_from_slice(old.map_or(text, |old| &old[..old.len() - 1]));
        without.extend_from_slice(end);
    }
    assert_eq!(n_predictions, n_examples);
    without
}

fn label_and_text() -> Setting {
    Setting::table(&["label", "text"])
}

#[test]
fn sentiment_of_sentences() {
    let setting = label_and_text().say("separator", "space");
    let binary = [
        ("sentence-sentiment/stsa.binary.train", 6_920),
        ("sentence-sentiment/stsa.binary.dev", 872),
        ("sentence-sentiment/stsa.binary.test", 1_821),
    ];
    check_table(&setting, &binary, 2);
    let fine = [
        ("sentence-sentiment/stsa.fine.train", 8_544),
        ("sentence-sentiment/stsa.fine.dev", 1_101),
        ("sentence-sentiment/stsa.fine.test", 2_210),
    ];
    check_table(&setting, &fine, 5);
    let latin_1 = setting.say("encoding", "latin-1");
    check_table(&latin_1, &[("sentence-sentiment/rt-polarity.all", 10_662)], 2);
}

#[test]
fn reviews_of_which_four_are_empty() {
    let Some(folder) = folder() else { return };
    let bytes = std::fs::read(folder.join("sentence-sentiment/custrev.all")).unwrap();
    let setting = label_and_text().say("separator", "space");
    let reading = setting.read(&bytes);
    let lines: Vec<u32> = reading.read.faults.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [769, 1_368, 3_691, 3_775]);
    assert_eq!(reading.read.split.examples.len(), 3_775 - 4);
    assert!(without_predictions(&setting, &reading) == bytes);
}

#[test]
fn questions_of_which_one_is_not_utf_8() {
    let Some(folder) = folder() else { return };
    let setting = label_and_text().say("separator", "space");
    let bytes = std::fs::read(folder.join("trec-question-classification/TREC.train")).unwrap();
    let lines: Vec<u32> = setting.read(&bytes).read.faults.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [66]);
    let latin_1 = setting.clone().say("encoding", "latin-1");
    check_table(&latin_1, &[("trec-question-classification/TREC.train", 5_452)], 50);
    check_table(&setting, &[("trec-question-classification/TREC.test", 500)], 42);
}

#[test]
fn reviews_of_five_domains() {
    for (domain, n_train, n_unlabelled, encoding) in [
        ("apparel", 1_600, 2_000, "utf-8"),
        ("electronics", 1_598, 2_000, "utf-8"),
        ("kitchen_housewares", 1_600, 2_000, "utf-8"),
        ("software", 1_515, 475, "utf-8"),
        ("MR", 1_600, 2_000, "latin-1"),
    ] {
        let file = |split: &str| format!("fdu-mtl/{domain}.task.{split}");
        let labelled = label_and_text().say("encoding", encoding);
        check_table(&labelled, &[(&file("train"), n_train), (&file("test"), 400)], 2);
        let texts = Setting::table(&["text"]).say("encoding", encoding);
        check_table(&texts, &[(&file("unlabel"), n_unlabelled)], 0);
    }
}

#[test]
fn pairs_of_sentences_under_a_header() {
    let setting = Setting::table(&["_", "a", "b", "score", "judgement"])
        .list("text", &["a", "b"])
        .list("numbers", &["score"])
        .say("header", "skip");
    for (file, n_pairs) in
        [("SICK_train.txt", 4_500), ("SICK_trial.txt", 500), ("SICK_test_annotated.txt", 4_927)]
    {
        let Some(folder) = folder() else { return };
        let bytes = std::fs::read(folder.join("sick2014").join(file)).unwrap();
        let reading = setting.read(&bytes);
        assert_eq!(reading.faults(), [""; 0], "{file}");
        assert_eq!(reading.read.split.examples.len(), n_pairs, "{file}");
        assert_eq!(reading.corpus.lexicons[3].len(), 3, "{file}");
        let is_score = |example: &Example| {
            let Some(FieldValues::Numbers(numbers)) = &example.fields[2] else { return false };
            (1.0..=5.0).contains(&numbers[0])
        };
        assert!(reading.read.split.examples.iter().all(is_score), "{file}");
    }
}

#[test]
fn objects_with_tagged_sentences_and_with_labels() {
    let abstracts = Setting::new("jsonl").say("text", "sentences").list("tags", &["labels"]);
    let statements = Setting::new("jsonl").say("text", "sentence").list("labels", &["label"]);
    for (setting, file, n_examples, n_tokens) in [
        (&abstracts, "csabstruct/train.jsonl", 1_668, Some(11_333)),
        (&abstracts, "csabstruct/dev.jsonl", 295, Some(2_026)),
        (&abstracts, "csabstruct/test.jsonl", 226, Some(1_349)),
        (&statements, "nlvr/dev.json", 989, None),
        (&statements, "nlvr/test.json", 990, None),
        (&statements, "nlvr/hidden.json", 985, None),
    ] {
        let Some(folder) = folder() else { return };
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let reading = setting.read(&bytes);
        assert_eq!(reading.faults(), [""; 0], "{file}");
        let size = reading.read.split.size();
        assert_eq!(size.examples, n_examples, "{file}");
        assert_eq!(size.tokens, n_tokens.unwrap_or(size.tokens), "{file}");
        let written = setting.write_each(&reading, "", |_| vec!["?!?".into()]);
        let written = String::from_utf8(written).unwrap();
        let added = ", \"predicted\": \"?!?\"";
        assert_eq!(written.matches(added).count() as u64, n_examples, "{file}");
        assert!(written.replace(added, "").into_bytes() == bytes, "{file} is not the same");
    }
}

/// Files of one split, examples and tokens of the first text.
#[track_caller]
fn check_aligned(setting: &Setting, counts: &[(Vec<String>, usize, usize)]) -> Vec<Reading> {
    let Some(folder) = folder() else { return Vec::new() };
    let mut readings = Vec::new();
    for (names, n_examples, n_tokens) in counts {
        let bytes: Vec<Vec<u8>> =
            names.iter().map(|name| std::fs::read(folder.join(name)).unwrap()).collect();
        let files: Vec<(&str, &[u8])> =
            names.iter().map(String::as_str).zip(bytes.iter().map(Vec::as_slice)).collect();
        let reading = setting.read_files(&files, Labels::Required);
        assert_eq!(reading.faults(), [""; 0], "{names:?}");
        let examples = &reading.read.split.examples;
        assert_eq!(examples.len(), *n_examples, "{names:?}");
        let n_found: usize = examples.iter().map(|example| example.len_of(0)).sum();
        assert_eq!(n_found, *n_tokens, "{names:?}");
        let written = setting.write_each(&reading, "label", |_| vec!["?!?".into()]);
        assert_eq!(written, "?!?\n".repeat(*n_examples).into_bytes(), "{names:?}");
        readings.push(reading);
    }
    readings
}

#[test]
fn utterances_with_slots_and_intents_in_files_of_their_own() {
    let setting = Setting::new("parallel").list("fields", &["words", "slots", "intent"]);
    let setting = setting.list("tags", &["slots"]).list("labels", &["intent"]);
    for (corpus, counts, n_slots, n_intents) in [
        (
            "slu-atis",
            [("train", 4_478, 50_497), ("valid", 500, 5_703), ("test", 893, 9_164)],
            120,
            21,
        ),
        (
            "slu-snips",
            [("train", 13_084, 117_700), ("valid", 700, 6_384), ("test", 700, 6_354)],
            72,
            7,
        ),
    ] {
        let files = |split: &str| {
            ["seq.in", "seq.out", "label"].map(|name| format!("{corpus}/{split}/{name}")).to_vec()
        };
        let counts = counts.map(|(split, examples, tokens)| (files(split), examples, tokens));
        let readings = check_aligned(&setting, &counts);
        let Some(train) = readings.first() else { return };
        let lexicons = &train.corpus.lexicons;
        assert_eq!((lexicons[1].len(), lexicons[2].len()), (n_slots, n_intents), "{corpus}");
    }
}

#[test]
fn sentences_in_three_languages() {
    let languages = ["en", "de", "fr"];
    let counts = [
        ("train", 29_000, [377_534, 360_706, 409_845]),
        ("val", 1_014, [13_308, 12_828, 14_381]),
        ("test_2016_flickr", 1_000, [12_968, 12_103, 13_988]),
    ];
    // Each language first, as tokens are counted in the first text.
    for first in 0..3 {
        let mut order = languages.to_vec();
        order.rotate_left(first);
        let setting = Setting::new("parallel").list("fields", &order);
        let files = |split: &str| -> Vec<String> {
            let file =
                |language: &&str| format!("multi30k-en-de-fr/{split}.lc.norm.tok.{language}");
            order.iter().map(file).collect()
        };
        let counts =
            counts.map(|(split, examples, tokens)| (files(split), examples, tokens[first]));
        check_aligned(&setting, &counts);
    }
}

#[test]
fn articles_in_a_folder_for_each_class() {
    let Some(folder) = folder() else { return };
    let pattern = folder.join("bbc-news-summary/articles/{label}/*.txt");
    let corpus = Setting::new("document").load(&[pattern]);
    assert_eq!(corpus.train.size().examples, 400);
    let label = corpus.field("label").unwrap();
    let classes: Vec<&str> = corpus.lexicons[label].iter().collect();
    assert_eq!(classes, ["business", "entertainment", "politics", "sport", "tech"]);
    let counts = crate::data::vocabulary::count(&corpus.lexicons[label], &corpus.train, label);
    assert_eq!(counts, [80; 5]);
}

#[test]
fn articles_with_their_summaries() {
    let Some(folder) = folder() else { return };
    let pattern = |part: &str| folder.join(format!("bbc-news-summary/{part}/{{label}}/*.txt"));
    let setting = Setting::new("document").say("tokens", "words");
    let setting = setting.switch("sentences", true).switch("summaries", true);
    let corpus = setting.load(&[pattern("articles"), pattern("summaries")]);
    assert_eq!(corpus.train.size().examples, 400);
    let extract = corpus.field("extract").unwrap();
    let is_yes = |&symbol: &u32| corpus.lexicons[extract].get(symbol) == "yes";
    let labels = corpus.train.examples.iter().map(|example| example.symbols(extract).unwrap());
    let n_extracted: Vec<usize> =
        labels.map(|labels| labels.iter().filter(|&label| is_yes(label)).count()).collect();
    assert!(n_extracted.iter().all(|&n| n > 0));
    // They are 99.8 % of the characters of the summaries.
    assert_eq!(n_extracted.iter().sum::<usize>(), 2_888);
}

#[test]
fn glove() {
    let Some(folder) = folder() else { return };
    let file = "glove-6b-50d-top15k/glove.6B.50d.top15000.txt";
    let bytes = std::fs::read(folder.join(file)).unwrap();
    let source = Source::new(file, bytes);
    let read = |width| {
        let (name, contents) = (&source.name, source.bytes.as_ref());
        vectors::read(VectorFile { name, contents, len: None, memory: None }, width, usize::MAX)
    };
    let vectors = read(50).unwrap();
    assert_eq!(vectors.len(), 15_000);
    assert_eq!(vectors.get("the").unwrap()[..2], [0.418, 0.249_68]);
    let errors = read(25).unwrap_err();
    assert!(errors[0].to_string().contains(":1: expected vectors of dimension 25, found 50"));
}
