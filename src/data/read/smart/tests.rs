use super::super::{
    Labels,
    testing::{Reading, Setting},
};
use crate::data::{Batch, FieldValues, Lexicon, Prediction};

const QUERIES: &str = "\
.I 001
.W
where do kites fly
in the autumn .
.I 002
.W
when do harbours freeze
.I 004
.W
who sails
";

const DOCUMENTS: &str = "\
.I 1
.T
the kite
.A
the editor
.B
letters from the harbour 3, 12.
.W
the kite climbs
.I 2
.T
ice
.W
.I 3
.W
ice leaves our harbour
";

const JUDGEMENTS: &str = "1 1 2 \r\n1 3 3\n2 3 1\n2 1 -1";

fn setting() -> Setting {
    let grades = [("1", 4), ("2", 3), ("3", 2), ("4", 1), ("-1", 0)];
    Setting::new("smart").say("query_numbers", "ordinal").map("relevance", &grades)
}

fn read_with(setting: &Setting, files: [&str; 3]) -> Reading {
    let [queries, documents, judgements] = files.map(str::as_bytes);
    let files = [("q", queries), ("d", documents), ("r", judgements)];
    setting.read_files(&files, Labels::Required)
}

fn faults(setting: &Setting, files: [&str; 3]) -> Vec<String> {
    read_with(setting, files).faults()
}

/// The judged documents of each query and their relevance.
fn judged(reading: &Reading) -> Vec<(Vec<u32>, Vec<&str>)> {
    let of = |example: &crate::data::Example| {
        let Some(FieldValues::References { documents, .. }) = &example.fields[1] else {
            panic!("no references")
        };
        let relevance = example.symbols(2).unwrap().iter();
        let lexicon = &reading.corpus.lexicons[2];
        (documents.clone(), relevance.map(|&symbol| lexicon.get(symbol)).collect())
    };
    reading.read.split.examples.iter().map(of).collect()
}

#[test]
fn queries_refer_to_documents_that_are_judged() {
    let reading = read_with(&setting(), [QUERIES, DOCUMENTS, JUDGEMENTS]);
    assert_eq!(reading.faults(), [""; 0]);
    let wanted = [(vec![0, 2], vec!["3", "2"]), (vec![2, 0], vec!["4", "0"]), (vec![], vec![])];
    assert_eq!(judged(&reading), wanted);
    let collection = reading.read.split.collection.as_ref().unwrap();
    let words = |at: usize| -> Vec<&str> {
        let document = &collection.documents[at];
        document.words.iter().map(|&word| reading.corpus.lexicons[1].get(word)).collect()
    };
    assert_eq!(words(0), ["the", "kite", "the", "kite", "climbs"]);
    assert_eq!((words(1), words(2)), (vec!["ice"], vec!["ice", "leaves", "our", "harbour"]));
    let lines: Vec<u32> = reading.read.split.examples.iter().map(|query| query.line).collect();
    assert_eq!(lines, [1, 5, 8]);
    // Without the titles, the second document is empty.
    let bodies = setting().list("sections", &["W"]);
    let reading = read_with(&bodies, [QUERIES, DOCUMENTS, JUDGEMENTS]);
    assert_eq!(reading.faults(), [""; 0]);
    assert!(reading.read.split.collection.unwrap().documents[1].words.is_empty());
}

#[test]
fn judgements_may_have_the_numbers_and_the_columns_of_trec() {
    let trec = Setting::new("smart");
    let reading = read_with(&trec, [QUERIES, DOCUMENTS, "001 0 1 2\n\n004 3\n002 0 3 0\n"]);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(
        judged(&reading),
        [(vec![0], vec!["2"]), (vec![2], vec!["0"]), (vec![2], vec!["1"])]
    );
}

#[test]
fn a_judgement_of_what_is_not_there_is_a_fault() {
    let judgements = "230 1 2\n1 1401 2\n1 1 2\n1 1 3\n1\n2 2 7\n";
    assert_eq!(
        faults(&setting(), [QUERIES, DOCUMENTS, judgements]),
        [
            "r:1: expected a query of q, which has 3, found \"230\"; `query_numbers` says how queries are numbered",
            "r:2: expected a document of d, which has 3, found \"1401\"",
            "r:4: expected one judgement of document 1 for query 1, found a second one after that of line 3",
            "r:5: expected a query, a document and a grade, found 1 column",
            "r:6: expected a grade of `relevance` (-1, 1, 2, 3, 4), found \"7\"",
        ]
    );
    let given = Setting::new("smart");
    assert_eq!(
        faults(&given, [QUERIES, DOCUMENTS, "001 1 -1\n002 1 x\n"]),
        [
            "r:1: expected a grade of 0 or more, found \"-1\"; set `relevance` to what each grade stands for",
            "r:2: expected a grade of 0 or more, found \"x\"; set `relevance` to what each grade stands for",
        ]
    );
}

#[test]
fn faulty_texts_are_refused_with_their_lines() {
    let queries = ".I 1\n.W\na\n.I 1\n.W\nb\n.I\n.W\nc\n.I 2\n.W\n.I 3\n.A\nd\n";
    assert_eq!(
        faults(&Setting::new("smart"), [queries, DOCUMENTS, ""]),
        [
            "q:4: expected a number of its own after .I, found \"1\", that of line 1",
            "q:7: expected a number after .I, found \"\"",
            "q:10: expected words in query 2, found none",
            "q:12: expected words in query 3, found none",
        ]
    );
    assert_eq!(
        faults(&Setting::new("smart"), ["text\n", DOCUMENTS, ""]),
        ["q:1: expected .I and a number, found text before the first"]
    );
    let without = faults(&Setting::new("smart"), [QUERIES, "", ""]);
    assert_eq!(without, ["d:1: expected .I and a number, found none in the file"]);
    let empty = faults(&Setting::new("smart"), [QUERIES, ".I 1\n.X\na\n", ""]);
    assert_eq!(
        empty,
        ["d:1: expected documents with words, found none; set `sections` to those of the file"]
    );
}

#[test]
fn faulty_queries_are_left_out_with_their_judgements_and_the_others_keep_their_numbers() {
    let queries: &[u8] =
        b".I 1\n.W\nkites \xff\n.I 2\n.W\nsails\n.I 2\n.W\nmasts\n.I\n.W\nboats\n.I 4\n.A\n";
    let read = |setting: &Setting, documents: &str, judgements: &str| {
        let documents = documents.as_bytes();
        let files = [("q", queries), ("d", documents), ("r", judgements.as_bytes())];
        setting.read_files(&files, Labels::Required)
    };
    let lines = |reading: &Reading| -> Vec<String> {
        reading.faults().iter().map(|fault| fault.splitn(3, ':').take(2).collect()).collect()
    };
    let of_queries = ["q3", "q7", "q10", "q13"];
    for (setting, judgements) in [
        // One of the queries without a number may be query 9.
        (Setting::new("smart"), "1 1\n2 3\n9 1\n4 2\n"),
        (Setting::new("smart").say("query_numbers", "ordinal"), "1 1\n2 3\n3 1\n4 2\n5 1\n"),
    ] {
        let reading = read(&setting, DOCUMENTS, judgements);
        assert_eq!(lines(&reading), of_queries);
        assert_eq!((reading.read.n_faulty, reading.read.is_unusable), (4, false));
        assert_eq!(judged(&reading), [(vec![2], vec!["1"])]);
        assert_eq!(reading.shown().len(), 1);
        // A judgement that cannot be read is one of a query that is not known.
        let reading = read(&setting, DOCUMENTS, &format!("2 3\n2 77\n2\n{judgements}"));
        assert_eq!(lines(&reading), [&of_queries[..], &["r2", "r3", "r5"]].concat());
        assert_eq!((reading.read.n_faulty, reading.read.is_unusable), (4, true));
    }
    // Of documents with faults, one that is judged may be the faulty one; a second judgement is one all the same.
    let documents = ".I 1\n.W\nkites\n.I\n.W\nsails\n";
    let reading = read(&Setting::new("smart"), documents, "2 7\n2 1\n2 1\n");
    assert_eq!(lines(&reading), [&of_queries[..], &["d4", "r3"]].concat());
    assert!(reading.read.is_unusable);
    let none = read_with(&Setting::new("smart"), ["kites\n", DOCUMENTS, ""]).read;
    assert_eq!((none.n_faulty, none.is_unusable), (0, true));
}

#[test]
fn numbers_have_the_encoding_of_the_corpus() {
    let (queries, documents): (&[u8], &[u8]) = (b".I q\xe9\n.W\nsails\n", b".I d\xe9\n.W\nkites\n");
    let files = [("q", queries), ("d", documents), ("r", &b"q\xe9 d\xe9\n"[..])];
    let setting = Setting::new("smart").say("encoding", "latin-1");
    let reading = setting.read_files(&files, Labels::Required);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(judged(&reading), [(vec![0], vec!["1"])]);
    let ranking = [Prediction::Ranking(vec![0.5])];
    let written = setting.write_predictions(&reading, "", &Lexicon::default(), &ranking);
    assert_eq!(written.unwrap(), b"q\xe9 Q0 d\xe9 1 0.5 auxdesk\n");
    let reading = Setting::new("smart").read_files(&files, Labels::Required);
    let advice = reading.faults()[0].clone();
    assert!(advice.starts_with("q:1: byte 4 of the file is not UTF-8"), "{advice}");
    assert_eq!((reading.read.n_faulty, reading.read.is_unusable), (1, true));
}

#[test]
fn a_batch_has_each_document_once_and_an_evaluation_the_whole_collection() {
    let Reading { corpus, read, .. } = read_with(&setting(), [QUERIES, DOCUMENTS, JUDGEMENTS]);
    let split = read.split;
    let words = |batch: &Batch, row: u32| -> Vec<String> {
        let packing = batch.sequence(1);
        let sequence = packing.sequences_of_parent()[row as usize].unwrap() as usize;
        let symbols = batch.symbols(1);
        let of = |row: usize| corpus.lexicons[1].get(symbols[row].unwrap()).to_owned();
        packing.rows(sequence).map(of).collect()
    };
    let batch = Batch::new(0, &corpus, &split, &[0, 1, 2]);
    // Longest queries first: those of lines 1, 5 and 8.
    assert_eq!(batch.examples, [0, 1, 2]);
    // The first document has five words and the third four.
    assert_eq!(batch.n_tokens(), 8 + 4 + 2 + 5 + 4);
    let candidates = batch.candidates(2).unwrap();
    let first = |at: usize| -> Vec<String> {
        candidates[at].rows.iter().map(|&row| words(&batch, row)[0].clone()).collect()
    };
    assert_eq!(
        (first(0), first(1)),
        (vec!["the".to_owned(), "ice".to_owned()], vec!["ice".to_owned(), "the".to_owned()])
    );
    assert_eq!(candidates[2].rows, [0; 0]);
    let names = |labels: &Option<Vec<Option<u32>>>| -> Vec<Option<String>> {
        let of = |label: &Option<u32>| label.map(|it| corpus.lexicons[2].get(it).to_owned());
        labels.as_ref().unwrap().iter().map(of).collect()
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(names(&candidates[1].labels), [text("4"), text("0")]);
    assert_eq!(batch.candidates(0), None);

    let batch = Batch::for_evaluation(0, &corpus, &split, &[1, 2]);
    let candidates = batch.candidates(2).unwrap();
    assert_eq!(batch.n_tokens(), 4 + 2 + 5 + 1 + 4);
    let all: Vec<Vec<String>> = candidates[1].rows.iter().map(|&row| words(&batch, row)).collect();
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [5, 1, 4]);
    assert_eq!(names(&candidates[0].labels), [text("0"), None, text("4")]);
    assert_eq!(names(&candidates[1].labels), [None, None, None]);

    // No query of the batch has a judged document: there is one all the same, a candidate of none.
    let batch = Batch::new(0, &corpus, &split, &[2]);
    assert_eq!(batch.n_tokens(), 2 + 5);
    assert_eq!(batch.candidates(2).unwrap()[0].rows, [0; 0]);
}

#[test]
fn predictions_are_a_run_as_trec_eval_reads_it() {
    let setting = setting();
    let reading = read_with(&setting, [QUERIES, DOCUMENTS, JUDGEMENTS]);
    let written = |predictions: &[Prediction]| {
        let names = Lexicon::default();
        let written = setting.write_predictions(&reading, "", &names, predictions);
        written.map(|bytes| String::from_utf8(bytes).unwrap())
    };
    let rankings = [
        Prediction::Ranking(vec![0.5, 2.0, 1.25]),
        Prediction::None,
        Prediction::Ranking(vec![-1.0, -1.0, 3.0]),
    ];
    let wanted = "\
1 Q0 2 1 2 auxdesk
1 Q0 3 2 1.25 auxdesk
1 Q0 1 3 0.5 auxdesk
3 Q0 3 1 3 auxdesk
3 Q0 1 2 -1 auxdesk
3 Q0 2 3 -1 auxdesk
";
    assert_eq!(written(&rankings).unwrap(), wanted);
    assert!(written(&[const { Prediction::Classes(Vec::new()) }; 3]).is_err());
}
