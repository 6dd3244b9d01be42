//! Corpora as they are in the world: tags that their scheme forbids, faulty lines, other encodings and compressed
//! files. What was not used as it stands is counted and listed by `check`, the journal and `evaluate`.

use serde_json::Value;

use crate::runs::{Exited, Here, finish, json};

/// A tagger of two columns; `SCHEME` and `MORE` are replaced.
const TAGGER: &str = r#"
name = "tagger"
[train]
steps = 2
batch_size = 4
evaluate_every = 1
[[corpus]]
name = "c"
format = "columns"
columns = ["form", "ner"]
train = "train.tsv"
dev = "dev.tsv"
[[encoder]]
name = "words"
kind = "embed"
field = "form"
width = 4
min_count = 1
[[encoder]]
name = "trunk"
kind = "birnn"
input = "words"
width = 4
[[objective]]
name = "ner"
role = "main"
kind = "tag"
corpus = "c"
label = "ner"
tap = "trunk"
scheme = "iob2"
head = "crf"
"#;

/// Lines as in CoNLL-2003 (English): iob1, but one span after O starts with B-.
const AS_IN_CONLL_2003: &str = "-DOCSTART-\tO\n\nthe\tO\nAtlanta\tB-MISC\nGames\tI-MISC\n\nU.N.\tI-ORG\nofficial\tO\nEkeus\tI-PER\n";

/// Lines as in CoNLL-2002 (Spanish): iob2, but one sentence opens with I-.
const AS_IN_CONLL_2002: &str =
    "Oslo\tI-LOC\n,\tO\n\nMelbourne\tB-LOC\n(\tO\nNueva\tB-LOC\nGales\tI-LOC\n";

fn run(here: &Here, args: &[&str]) -> Exited {
    finish(&mut here.auxdesk(args))
}

/// The output of a command that succeeds.
fn printed(here: &Here, args: &[&str]) -> String {
    let exited = run(here, args);
    assert_eq!(exited.code, Some(0), "{args:?}\n{}", exited.err);
    exited.out
}

fn tagger(train: &str, dev: &str, scheme: &str) -> Here {
    let here = Here::new();
    here.write("train.tsv", train);
    here.write("dev.tsv", dev);
    here.write("recipe.toml", TAGGER.replace("\"iob2\"", &format!("\"{scheme}\"")));
    here
}

/// The events of a run's journal.
fn journal(here: &Here, run: &str) -> Vec<Value> {
    here.read(&format!("{run}/journal.jsonl")).lines().map(json).collect()
}

#[test]
fn forbidden_tags_are_read_as_conlleval_reads_them_and_listed() {
    for (corpus, scheme, said) in [
        (AS_IN_CONLL_2003, "iob1", "4: expected I-MISC after O, found B-MISC"),
        (AS_IN_CONLL_2002, "iob2", "1: expected B-LOC at the start of the sentence, found I-LOC"),
    ] {
        let here = tagger(corpus, corpus, scheme);
        let checked = printed(&here, &["check", "recipe.toml"]);
        for split in ["train", "dev"] {
            let head = format!(
                "read 1 tag of {split} that the scheme forbids as conlleval reads them\n    {split}.tsv:{said}"
            );
            assert!(checked.contains(&head), "{checked}");
        }
        printed(&here, &["train", "recipe.toml", "--headless", "--run", "run", "--threads", "1"]);
        let events = journal(&here, "run");
        let started = events.iter().find(|event| event["kind"] == "run_started").unwrap();
        let found = &started["corpora"][0]["irregularities"][1];
        assert_eq!((&found["split"], &found["count"]), (&"dev".into(), &1.into()));
        assert_eq!(found["treatment"], "repaired_tags");
        let evaluated = json(&printed(&here, &["evaluate", "run", "--json"]));
        let found = &evaluated["irregularities"]["c"];
        assert_eq!(found.as_array().unwrap().len(), 1, "those of dev");
        assert_eq!(found[0]["lines"][0]["file"], "dev.tsv");
        // Strict by key.
        let set = "objective.ner.invalid_tags=refuse";
        let refused = run(&here, &["check", "recipe.toml", "--set", set]);
        assert_eq!(refused.code, Some(2));
        assert_eq!(refused.err.matches(&format!(".tsv:{said}")).count(), 2, "{}", refused.err);
    }
}

#[test]
fn a_corpus_of_another_scheme_is_one_fault_and_is_read_with_the_scheme_that_it_names() {
    let iob1 = "Ada\tI-PER\nSmith\tI-PER\nsaw\tO\nOslo\tI-LOC\n\n".repeat(10);
    let here = tagger(&iob1, &iob1, "iob2");
    let refused = run(&here, &["check", "recipe.toml"]);
    assert_eq!((refused.code, refused.err.lines().count()), (Some(2), 2), "{}", refused.err);
    let line = "train.tsv:1: expected iob2 tags, found I-PER: 20 tags of the file are not iob2 at their place; \
                set scheme = \"iob1\", which fits them (encode = \"iob2\" would still train with iob2)";
    assert!(refused.err.starts_with(line), "{}", refused.err);
    let sets = [
        "check",
        "recipe.toml",
        "--set",
        "objective.ner.scheme=iob1",
        "--set",
        "objective.ner.encode=iob2",
    ];
    assert!(!printed(&here, &sets).contains("forbids"));
}

#[test]
fn spans_are_scored_in_every_scheme_and_form() {
    let of = |tags: [&str; 4]| {
        let sentence: Vec<_> = ["Ada", "Smith", "saw", "Oslo"].iter().zip(tags).collect();
        let lines = sentence.iter().map(|(form, tag)| format!("{form}\t{tag}\n"));
        let lines = lines.collect::<Vec<_>>().concat();
        format!("{lines}\n").repeat(12)
    };
    for (scheme, form, tags) in [
        ("io", None, ["PER", "PER", "O", "LOC"]),
        ("bilou", None, ["B-PER", "L-PER", "O", "U-LOC"]),
        ("bmes", Some("B_PER"), ["B_PER", "E_PER", "O", "S_LOC"]),
        ("iob2", Some("PER-B"), ["PER-B", "PER-I", "O", "LOC-B"]),
    ] {
        let here = tagger(&of(tags), &of(tags), scheme);
        let form = form.map(|form| format!("objective.ner.tag_form=\"{form}\""));
        let mut args = vec![
            "train",
            "recipe.toml",
            "--headless",
            "--run",
            "run",
            "--threads",
            "1",
            "--steps",
            "60",
        ];
        args.extend(["--set", "train.learning_rate=0.1"]);
        args.extend(form.iter().flat_map(|form| ["--set", form]));
        printed(&here, &args);
        let evaluated = json(&printed(&here, &["evaluate", "run", "--json"]));
        assert_eq!(evaluated["objectives"][0]["dev"]["metrics"]["f1"], 100.0, "{scheme} {form:?}");
        let predicted = printed(&here, &["predict", "run", "dev.tsv"]);
        let first = format!("Ada\t{0}\t{0}\n", tags[0]);
        assert!(predicted.starts_with(&first), "{predicted}");
    }
}

#[test]
fn skipping_is_for_train_unless_another_split_is_named() {
    let good = "Ada\tB-PER\nsaw\tO\nOslo\tB-LOC\n\n";
    let here = tagger(&format!("{good}broken\n\n"), &format!("{good}a\tO\tO\n"), "iob2");
    let refused = run(&here, &["check", "recipe.toml", "--set", "corpus.c.faults=skip"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.starts_with("dev.tsv:5: 3 columns, expected 2"), "{}", refused.err);
    assert_eq!(refused.err.lines().count(), 1, "{}", refused.err);
    let both = "corpus.c.faults={ train = \"skip\", dev = \"skip\" }";
    let checked = printed(&here, &["check", "recipe.toml", "--set", both]);
    for said in [
        "skipped 1 faulty example of train\n    train.tsv:5: 1 column, expected 2",
        "skipped 1 faulty example of dev\n    dev.tsv:5: 3 columns, expected 2",
    ] {
        assert!(checked.contains(said), "{checked}");
    }
}

#[test]
fn faults_of_lines_and_of_tags_are_in_one_answer() {
    let here = tagger("a\tO\nb\n\nc\tX-PER\n", "a\tO\n", "iob2");
    let refused = run(&here, &["check", "recipe.toml"]);
    let wanted = "train.tsv:2: 1 column, expected 2 (form, ner)\n\
                  train.tsv:4: expected an iob2 tag (O, B-TYPE or I-TYPE), found X-PER\n";
    assert_eq!((refused.code, refused.err.as_str()), (Some(2), wanted));
}

#[test]
fn utf_16_gzip_and_a_bad_byte_are_read_and_archives_are_named() {
    let here = tagger("", "Ada\tB-PER\n", "iob2");
    let utf_16: Vec<u8> =
        "\u{feff}Zoë\tB-PER\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    here.write("train.tsv", utf_16);
    assert!(printed(&here, &["check", "recipe.toml"]).contains("1 examples"));
    here.write("train.tsv", b"Zo\xc3\xab\tB-PER\nM\xfcller\tI-PER\n");
    let set = "corpus.c.invalid_bytes=replace";
    let checked = printed(&here, &["check", "recipe.toml", "--set", set]);
    let said = "replaced bytes that are not UTF-8 in 1 line of train\n    train.tsv:2: ";
    assert!(checked.contains(said), "{checked}");
    here.write("train.tsv", b"PK\x03\x04\x14\0\0\0");
    let refused = run(&here, &["check", "recipe.toml"]);
    assert_eq!(refused.code, Some(2));
    let said = "train.tsv: expected text, found a zip archive";
    assert!(refused.err.starts_with(said), "{}", refused.err);
}

/// CoNLL-U with the columns after the id; `_` elsewhere.
fn conllu(words: &[[&str; 3]]) -> String {
    let lines = words.iter().zip(1..).map(|([form, lemma, upos], id)| {
        format!("{id}\t{form}\t{lemma}\t{upos}\t_\t_\t_\t_\t_\t_\n")
    });
    lines.collect::<String>() + "\n"
}

#[test]
fn a_placeholder_is_a_word_where_an_encoder_reads_it() {
    let here = Here::new();
    let sentence = conllu(&[["Go", "go", "VERB"], ["_", "_", "SYM"], ["now", "_", "ADV"]]);
    here.write("train.conllu", sentence.repeat(4));
    let recipe = TAGGER.replace("\"columns\"\ncolumns = [\"form\", \"ner\"]", "\"conllu\"");
    let recipe = recipe.replace("train.tsv", "train.conllu").replace("dev = \"dev.tsv\"\n", "");
    let recipe = recipe.replace("\"ner\"\ntap", "\"upos\"\ntap").replace("scheme = \"iob2\"\n", "");
    for field in ["xpos", "lemma", "feats", "deprel"] {
        let recipe = recipe.replace("field = \"form\"", &format!("field = \"{field}\""));
        here.write("recipe.toml", recipe);
        printed(&here, &["check", "recipe.toml"]);
    }
    printed(&here, &["train", "recipe.toml", "--headless", "--run", "run", "--threads", "1"]);
    let predicted = printed(&here, &["predict", "run", "train.conllu"]);
    assert_eq!(predicted.lines().count(), 16, "{predicted}");
}

#[test]
fn a_placeholder_is_a_word_and_no_label_where_a_field_is_both() {
    let here = Here::new();
    let sentence = conllu(&[["Go", "go", "VERB"], ["on", "on", "_"], ["now", "now", "ADV"]]);
    here.write("train.conllu", sentence.repeat(4) + &conllu(&[["So", "so", "_"]]));
    let recipe = TAGGER.replace("\"columns\"\ncolumns = [\"form\", \"ner\"]", "\"conllu\"");
    let recipe = recipe
        .replace("train.tsv", "train.conllu")
        .replace("dev = \"dev.tsv\"", "dev = \"train.conllu\"");
    let recipe = recipe.replace("\"ner\"\ntap", "\"upos\"\ntap").replace("scheme = \"iob2\"\n", "");
    let recipe = recipe.replace("field = \"form\"", "field = \"upos\"");
    here.write("recipe.toml", recipe.replace("head = \"crf\"", "head = \"softmax\""));
    let checked = json(&printed(&here, &["check", "recipe.toml", "--json"]));
    let labels = serde_json::json!({ "ADV": 4, "VERB": 4 });
    assert_eq!(checked["labels"][0]["labels"], labels);
    let train = ["train", "recipe.toml", "--headless", "--json", "--run", "run", "--threads", "1"];
    printed(&here, &train);
    let state = json(&here.read("run/checkpoints/last/state.json"));
    let words = state["fitted"]["encoder.words"].to_string();
    let labels = state["fitted"]["objective.ner"].to_string();
    assert!(words.contains("[\"_\",5]"), "{words}");
    assert!(!labels.contains("\"_\""), "{labels}");
    let predicted = printed(&here, &["predict", "run", "train.conllu"]);
    assert!(
        predicted
            .lines()
            .filter(|line| !line.is_empty())
            .all(|line| !line.contains("\t_\t_\t_\t_\t_\t_\t_")),
        "{predicted}"
    );
}

#[test]
fn tags_of_partly_labelled_sentences_are_those_of_the_scheme() {
    let whole = "Ada\tB-PER\nsaw\tO\n\n";
    let here = tagger(&format!("a\tX-PER\nb\t_\n\n{whole}"), whole, "iob2");
    let set = ["--set", "corpus.c.unlabelled=_", "--set", "objective.ner.head=softmax"];
    let refused = run(&here, &[&["check", "recipe.toml"], &set[..]].concat());
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    let fault = "train.tsv:1: expected an iob2 tag (O, B-TYPE or I-TYPE), found X-PER";
    assert!(refused.err.starts_with(fault), "{}", refused.err);
    // The token before it may be in the span.
    here.write("train.tsv", format!("a\t_\nb\tI-PER\n\n{whole}"));
    let checked = printed(&here, &[&["check", "recipe.toml"], &set[..]].concat());
    assert!(!checked.contains("scheme forbids"), "{checked}");
}

#[test]
fn sentences_that_a_crf_cannot_train_are_counted_and_may_not_be_all() {
    let whole = "Ada\tB-PER\nsaw\tO\n\n";
    let here = tagger(&format!("a\tO\nb\t_\n\n{whole}"), whole, "iob2");
    let set = ["--set", "corpus.c.unlabelled=_"];
    let check = [&["check", "recipe.toml"], &set[..]].concat();
    let checked = printed(&here, &check);
    let said = "no training on 1 sentence of train without a label at every token\n    train.tsv:2: expected a label, \
                which `head = \"crf\"` needs at every token, found none";
    assert!(checked.contains(said), "{checked}");
    here.write("train.tsv", "a\tO\nb\t_\n\na\t_\nb\tO\n");
    let refused = run(&here, &check);
    let fault = "train.tsv:2: expected sentences with \"ner\" at every token, which `head = \"crf\"` needs, found none \
                 in 2; set `head = \"softmax\"`";
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.starts_with(fault), "{}", refused.err);
    let softmax = [&check[..], &["--set", "objective.ner.head=softmax"]].concat();
    assert!(!printed(&here, &softmax).contains("no training on"));
}

#[test]
fn a_stray_quote_is_not_skipped_with_the_lines_that_it_swallows() {
    let here = Here::new();
    let mut lines: Vec<String> =
        (0..20).map(|n| format!("{},film {n}\n", ["neg", "pos"][n % 2])).collect();
    lines[9] = "neg,\"Great film\n".to_owned();
    let recipe = TAGGER.replace(
        "\"columns\"\ncolumns = [\"form\", \"ner\"]",
        "\"table\"\ncolumns = [\"ner\", \"form\"]\nseparator = \"comma\"\nfaults = \"skip\"",
    );
    let recipe =
        recipe.replace("dev = \"dev.tsv\"\n", "").replace("kind = \"tag\"", "kind = \"classify\"");
    let recipe =
        recipe.replace("tap = \"trunk\"\nscheme = \"iob2\"\nhead = \"crf\"", "tap = \"trunk.max\"");
    here.write("recipe.toml", recipe);
    here.write("train.tsv", lines.concat());
    let refused = run(&here, &["check", "recipe.toml"]);
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    let fault = "train.tsv:10: the quote that opens column 2 is not closed before the end of the file (a quoted cell \
                 reaches from here to line 20, in which there may be other examples: not skipped)";
    assert!(refused.err.starts_with(fault), "{}", refused.err);
    // A fault of a single line is skipped.
    lines[9] = "neg,\"Great\" film\n".to_owned();
    here.write("train.tsv", lines.concat());
    assert!(
        printed(&here, &["check", "recipe.toml"]).contains("skipped 1 faulty example of train")
    );
}

#[test]
fn tags_of_skipped_sentences_are_not_listed_and_each_tag_is_once() {
    let whole = "Ada\tI-PER\n\n";
    let corpus = format!("a\tX-PER\nb\tO\nc\tI-PER\n\n{whole}");
    let here = tagger(&corpus, whole, "iob2");
    // Under both schemes a span may not start with I-, with different words.
    let second = "[[objective]]\nname = \"again\"\nkind = \"tag\"\ncorpus = \"c\"\nlabel = \"ner\"\ntap = \"trunk\"\n\
                  scheme = \"iobes\"\n";
    let recipe = TAGGER.replace("dev = \"dev.tsv\"", "faults = \"skip\"");
    here.write("recipe.toml", format!("{recipe}{second}"));
    let checked = printed(&here, &["check", "recipe.toml"]);
    assert!(checked.contains("skipped 1 faulty example of train"), "{checked}");
    assert!(checked.contains("read 1 tag of train"), "{checked}");
}

#[test]
fn the_journal_of_a_run_does_not_depend_on_its_folder() {
    let started = || {
        let here = tagger(AS_IN_CONLL_2002, AS_IN_CONLL_2002, "iob2");
        let other = Here::new();
        let recipe = here.path("recipe.toml");
        let run = here.path("run");
        let (recipe, run) = (recipe.to_str().unwrap(), run.to_str().unwrap());
        let args = ["train", recipe, "--headless", "--run", run, "--threads", "1"];
        let exited = finish(&mut other.auxdesk(args));
        assert_eq!(exited.code, Some(0), "{}", exited.err);
        let events = journal(&here, "run");
        let found = events.iter().find(|event| event["kind"] == "run_started").unwrap();
        (found["corpora"].clone(), found["warnings"].clone())
    };
    let (corpora, warnings) = started();
    assert_eq!(corpora[0]["irregularities"][0]["lines"][0]["file"], "train.tsv");
    assert_eq!(started(), (corpora, warnings));
}
