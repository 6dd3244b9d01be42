//! Public corpora of graphs, entities, relations, questions and discourse.

use super::{
    super::{
        Labels,
        testing::{Reading, Setting},
    },
    folder,
};
use crate::data::FieldValues;

/// The arcs, spans, answers or relations of a field in all examples.
fn n_structures(reading: &Reading, field: &str) -> usize {
    let all = reading.structures(field);
    all.iter().flat_map(|structures| structures.split_whitespace()).count()
}

#[test]
fn semantic_graphs_of_two_formalisms() {
    let Some(folder) = folder() else { return };
    let names = ["dm", "psd"];
    let bytes = names
        .map(|name| std::fs::read(folder.join(format!("mrp2019-sample/{name}/wsj.sdp"))).unwrap());
    for (bytes, n_arcs) in bytes.iter().zip([1_478 + 88, 1_257 + 97]) {
        let setting = Setting::new("sdp");
        let reading = setting.read(bytes);
        assert_eq!(reading.faults(), [""; 0]);
        let size = reading.read.split.size();
        assert_eq!((size.examples, size.tokens), (89, 1_968));
        assert_eq!(n_structures(&reading, "graph"), n_arcs);
        assert!(setting.write_structures(&reading, "graph") == *bytes, "the file is not the same");
    }
    let setting = Setting::new("sdp").list("graphs", &names);
    let files: Vec<(&str, &[u8])> =
        names.into_iter().zip(bytes.iter().map(Vec::as_slice)).collect();
    let reading = setting.read_files(&files, Labels::Required);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(reading.read.split.examples.len(), 89);
    assert_eq!(names.map(|name| n_structures(&reading, name)), [1_566, 1_354]);
}

/// Reads a file without a fault, and the prediction of its own structures gives the same file.
fn read_and_write(setting: &Setting, file: &str, field: &str) -> Option<Reading> {
    let bytes = std::fs::read(folder()?.join(file)).unwrap();
    let reading = setting.read(&bytes);
    assert_eq!(reading.faults(), [""; 0], "{file}");
    assert!(setting.write_structures(&reading, field) == bytes, "{file} is not the same");
    Some(reading)
}

#[test]
fn relations_of_two_marked_entities() {
    for (file, n_examples, n_relations) in
        [("TRAIN_FILE.TXT", 8_000, 19), ("TEST_FILE_FULL.TXT", 2_717, 19)]
    {
        let file = format!("semeval2010-task8/{file}");
        let Some(reading) = read_and_write(&Setting::new("semeval"), &file, "relation") else {
            return;
        };
        assert_eq!(reading.read.split.size().examples, n_examples, "{file}");
        assert_eq!(n_structures(&reading, "entities"), 2 * n_examples as usize, "{file}");
        assert!(reading.corpus.lexicons[4].len() <= n_relations, "{file}");
    }
}

#[test]
fn entities_and_their_relations() {
    for (file, n_sentences, n_tokens, n_entities, n_relations) in [
        ("train.txt", 910, 26_804, 3_393, 1_273),
        ("dev.txt", 243, 6_975, 877, 353),
        ("test.txt", 288, 8_408, 1_079, 422),
    ] {
        let file = format!("conll04-entities-relations/{file}");
        let setting = Setting::new("relations");
        let Some(reading) = read_and_write(&setting, &file, "relations") else { return };
        let size = reading.read.split.size();
        assert_eq!((size.examples, size.tokens), (n_sentences, n_tokens), "{file}");
        assert_eq!(n_structures(&reading, "entities"), n_entities, "{file}");
        assert_eq!(n_structures(&reading, "relations"), n_relations, "{file}");
        assert_eq!((reading.corpus.lexicons[2].len(), reading.corpus.lexicons[3].len()), (4, 5));
    }
}

#[test]
fn questions_about_stories() {
    for (task, n_answers) in [
        ("qa1_single-supporting-fact", 6),
        ("qa4_two-arg-relations", 6),
        ("qa5_three-arg-relations", 7),
        ("qa6_yes-no-questions", 2),
        ("qa12_conjunction", 6),
        ("qa15_basic-deduction", 4),
        ("qa20_agents-motivations", 7),
    ] {
        for split in ["train", "test"] {
            let file = format!("babi-en-1k/{task}_{split}.txt");
            let setting = Setting::new("babi");
            let Some(reading) = read_and_write(&setting, &file, "answer") else { return };
            assert_eq!(reading.read.split.examples.len(), 1_000, "{file}");
            assert_eq!(reading.corpus.lexicons[2].len(), n_answers, "{file}");
            let supporting = reading.structures("supporting");
            assert!(supporting.iter().all(|marks| marks.contains("yes")), "{file}");
        }
    }
}

#[test]
fn questions_about_passages() {
    for language in ["en", "es"] {
        let Some(folder) = folder() else { return };
        let setting = Setting::new("squad");
        let reading = setting
            .read(std::fs::read(folder.join(format!("xquad/xquad.{language}.json"))).unwrap());
        assert_eq!(reading.faults(), [""; 0]);
        assert_eq!(reading.read.split.examples.len(), 1_190);
        assert_eq!(n_structures(&reading, "answer"), 1_190);
        assert_eq!(reading.corpus.fields[3].name, "id");
        let written = setting.write_structures(&reading, "answer");
        let written = String::from_utf8(written).unwrap();
        assert_eq!(written.lines().filter(|line| line.starts_with("  \"")).count(), 1_190);
    }
}

#[test]
fn keyphrases_in_standoff_annotation() {
    for (split, n_texts, n_entities, n_relations) in
        [("train", 350, 6_732, 683), ("dev", 50, 1_162, 168), ("test", 100, 2_052, 208)]
    {
        let Some(folder) = folder() else { return };
        let patterns =
            ["*.txt", "*.ann"].map(|name| folder.join("scienceie2017").join(split).join(name));
        let corpus = Setting::new("brat").load(&patterns);
        let examples = &corpus.train.examples;
        assert_eq!(examples.len(), n_texts, "{split}");
        let n_found = |name: &str| -> usize {
            let at = corpus.field(name).unwrap();
            let n = |values: &FieldValues| match values {
                FieldValues::Spans(spans) => spans.len(),
                FieldValues::Relations(relations) => relations.len(),
                _ => 0,
            };
            examples.iter().filter_map(|example| example.fields[at].as_ref()).map(n).sum()
        };
        assert_eq!(
            (n_found("entities"), n_found("relations")),
            (n_entities, n_relations),
            "{split}"
        );
        assert_eq!(corpus.lexicons[2].len(), 3, "{split}");
    }
}

#[test]
fn queries_and_the_documents_that_they_rank() {
    let Some(folder) = folder() else { return };
    let names = ["cran.qry", "cran.all.1400", "cranqrel"];
    let bytes = names.map(|name| std::fs::read(folder.join("cranfield").join(name)).unwrap());
    let files: Vec<(&str, &[u8])> =
        names.into_iter().zip(bytes.iter().map(Vec::as_slice)).collect();
    let grades = [("1", 4), ("2", 3), ("3", 2), ("4", 1), ("-1", 0)];
    let setting = Setting::new("smart")
        .say("query_numbers", "ordinal")
        .list("sections", &["W"])
        .map("relevance", &grades);
    let reading = setting.read_files(&files, Labels::Required);
    assert_eq!(reading.faults(), [""; 0]);
    let split = &reading.read.split;
    let judged = split.examples.iter().map(|query| query.symbols(2).unwrap().len());
    assert_eq!((split.examples.len(), judged.sum::<usize>()), (225, 1_837));
    let documents = &split.collection.as_ref().unwrap().documents;
    let n_empty = documents.iter().filter(|document| document.words.is_empty()).count();
    assert_eq!((documents.len(), n_empty), (1_400, 2));
    // Numbers by their places are needed: the last query has the number 365.
    let given = setting.say("query_numbers", "given").read_files(&files, Labels::Required);
    assert!(given.read.is_unusable && given.faults().len() > 1_000, "{}", given.faults().len());
}

#[test]
fn examples_are_made_from_the_sentences_of_books() {
    for (file, n_order, n_next, n_connective) in [
        ("carroll-alice", 696, 435, 30),
        ("chesterton-thursday", 1_727, 1_118, 103),
        ("austen-persuasion", 1_767, 1_133, 36),
    ] {
        let Some(folder) = folder() else { return };
        let text = std::fs::read(folder.join(format!("gutenberg-books/{file}.txt"))).unwrap();
        let n_examples = ["order", "next", "connective"].map(|make| {
            let reading = Setting::new("book").say("make", make).read(&text);
            assert_eq!(reading.faults(), [""; 0], "{file}");
            reading.read.split.examples.len()
        });
        assert_eq!(n_examples, [n_order, n_next, n_connective], "{file}");
    }
}
