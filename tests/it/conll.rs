//! `predict` on files of CoNLL's formats: CoNLL-U, and columns as conlleval and seqeval read them.

use crate::runs::{Here, finish, json};

/// The output of a command that succeeds and says nothing.
fn printed(here: &Here, args: &[&str]) -> String {
    let exited = finish(&mut here.auxdesk(args));
    assert_eq!((exited.code, exited.err.as_str()), (Some(0), ""), "{args:?}");
    exited.out
}

/// Trains `recipe.toml`.
fn train(here: &Here) {
    let train = ["train", "recipe.toml", "--headless", "--run", "run", "--threads", "1"];
    let exited = finish(&mut here.auxdesk(train));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
}

#[test]
fn in_conllu_a_prediction_without_a_column_is_a_comment_or_an_attribute() {
    let here = Here::new();
    let word =
        |id: usize, form: &str, upos: &str| format!("{id}\t{form}\t_\t{upos}\t_\t_\t_\t_\t_\t_\n");
    let text = |words: [&str; 2]| {
        let sentence = format!("{}{}\n", word(1, words[0], "NOUN"), word(2, words[1], "VERB"));
        sentence.repeat(20)
    };
    here.write("news.conllu", text(["rain", "fell"]));
    here.write("films.conllu", text(["heroes", "ride"]));
    here.write(
        "recipe.toml",
        r#"name = "domains"
[train]
seed = 1
steps = 60
batch_size = 4
learning_rate = 0.05
[[corpus]]
name = "news"
format = "conllu"
train = "news.conllu"
[[corpus]]
name = "films"
format = "conllu"
train = "films.conllu"
[[encoder]]
name = "words"
kind = "embed"
field = "form"
width = 8
[[objective]]
name = "pos"
role = "main"
kind = "tag"
corpus = "news"
label = "upos"
tap = "words"
[[objective]]
name = "domain"
kind = "adversary"
corpus = ["news", "films"]
tap = "words.mean"
[[objective]]
name = "frequency"
kind = "frequency"
corpus = "news"
field = "form"
tap = "words"
"#,
    );
    train(&here);
    let text = |comment: &str, misc: &str| {
        let words = word(1, "heroes", "_") + &word(2, "fell", "_");
        format!("# text = heroes fell\n{comment}{words}").replace("\t_\n", &format!("\t{misc}\n"))
    };
    let input = text("", "_");
    here.write("input.conllu", &input);
    let predicted = |more: &[&str]| {
        printed(&here, &[&["predict", "run", "input.conllu", "--threads", "1"], more].concat())
    };
    let tagged =
        input.replace("heroes\t_\t_", "heroes\t_\tNOUN").replace("fell\t_\t_", "fell\t_\tVERB");
    assert_eq!(predicted(&[]), tagged);
    let out = predicted(&["--objective", "domain"]);
    let commented = |domain| text(&format!("# predicted = {domain}\n"), "_");
    assert!(["news", "films"].iter().any(|domain| out == commented(domain)), "{out}");
    let out = predicted(&["--objective", "frequency"]);
    let forms = |text: &str| {
        let forms = text.lines().map(|line| line.split('\t').nth(1).map(str::to_owned));
        forms.collect::<Vec<_>>()
    };
    assert_eq!(forms(&out), forms(&input), "the words stay");
    assert_eq!(out.matches("\tpredicted_form=").count(), 2, "{out}");
}

/// Sentences in which every word has one tag, so that a model of single words learns all of them.
const TRAIN: &str = "\
-DOCSTART- -X- O

Anna NNP B-PER
Lind NNP I-PER
visited VBD O
New NNP B-LOC
York NNP I-LOC
and CC O
Lund NNP B-LOC
. . O

Karl NNP B-PER
Berg NNP I-PER
met VBD O
Bo NNP B-PER
in IN O
Oslo NNP B-LOC
. . O

the DT O
Swedish JJ B-MISC
team NN O
is VBZ O
at IN O
the DT O
lake NN O
. . O

Nordic NNP B-ORG
Bank NNP I-ORG
and CC O
Volvo NNP B-ORG
met VBD O
Anna NNP B-PER
. . O

";

/// Other sentences of these words, with tags that iob2 forbids (`I-` after O, after another type, and at the start
/// of a sentence) and tags that the model does not predict.
const TEST: &str = "\
-DOCSTART- -X- O

Anna NNP B-PER
Lind NNP I-PER
visited VBD O
New NNP B-LOC
York NNP I-LOC
. . O

Lind NNP I-PER
met VBD O
Karl NNP B-PER
Berg NNP I-PER
in IN O
Oslo NNP B-LOC
. . O

the DT O
Swedish JJ I-MISC
team NN I-MISC
is VBZ O
at IN O
Lund NNP B-ORG
. . O

-DOCSTART- -X- O

New NNP B-ORG
York NNP I-ORG
Bank NNP I-ORG
met VBD O
Anna NNP B-PER
Karl NNP I-PER
. . O

Volvo NNP B-ORG
Bank NNP I-ORG
and CC O
Nordic NNP B-MISC
lake NN O
. . O

-DOCSTART- -X- O

Oslo NNP I-LOC
Lind NNP I-PER
Bo NNP B-PER
and CC O
York NNP I-LOC
. . O

Bo NNP B-PER
Berg NNP I-PER
is VBZ O
in IN O
the DT O
Swedish JJ B-MISC
New NNP B-LOC
York NNP I-LOC
";

const TAGGER: &str = r#"name = "entities"
[train]
seed = 1
steps = 200
evaluate_every = 200
batch_size = 4
learning_rate = 0.05
[[corpus]]
name = "news"
format = "columns"
columns = ["form", "pos", "entity"]
train = "train.txt"
dev = "train.txt"
test = "test.txt"
[[encoder]]
name = "words"
kind = "embed"
field = "form"
width = 16
min_count = 1
[[objective]]
name = "entity"
role = "main"
kind = "tag"
corpus = "news"
label = "entity"
scheme = "iob2"
tap = "words"
"#;

/// The file that the original conlleval and seqeval have scored is the one that the program writes
/// here, and both find the scores that `evaluate` prints.
#[test]
fn conlleval_and_seqeval_find_the_scores_of_evaluate_in_a_predicted_file() {
    let here = Here::new();
    here.write("train.txt", TRAIN);
    here.write("test.txt", TEST);
    here.write("recipe.toml", TAGGER);
    train(&here);
    let predicted = printed(&here, &["predict", "run", "test.txt"]);
    let fixture = |name: &str| {
        std::fs::read_to_string(format!("tests/fixtures/metric/predicted.{name}")).unwrap()
    };
    assert_eq!(predicted, fixture("txt"));
    let reference = json(&fixture("json"));
    let evaluated = finish(&mut here.auxdesk(["evaluate", "run", "--json"]));
    let evaluated = json(&evaluated.out);
    let repaired = &evaluated["irregularities"]["news"][0];
    assert_eq!((&repaired["treatment"], &repaired["count"]), (&"repaired_tags".into(), &5.into()));
    let ours = &evaluated["objectives"][0]["test"]["metrics"];
    for metric in ["precision", "recall", "f1"] {
        let theirs = 100.0 * reference["seqeval"][metric].as_f64().unwrap();
        assert!((ours[metric].as_f64().unwrap() - theirs).abs() < 1e-4, "{metric}: {ours}");
    }
    let value = |metric: &str| ours[metric].as_f64().unwrap();
    let (n_tokens, n_documents) = (47.0, 3.0);
    // The Perl program counts the line of a document as a token with the tag O.
    let n_right = value("accuracy") / 100.0 * n_tokens + n_documents;
    let accuracy = 100.0 * n_right / (n_tokens + n_documents);
    let [precision, recall, f1] = ["precision", "recall", "f1"].map(value);
    let line = format!(
        "accuracy: {accuracy:6.2}%; precision: {precision:6.2}%; recall: {recall:6.2}%; FB1: {f1:6.2}"
    );
    assert_eq!(reference["conlleval"]["report"][1], line);
}

/// Lines as in GermEval 2014: a header with the source of each sentence, the number of each token, outer and nested
/// entities.
const AS_IN_GERMEVAL: &str = "\
#\thttp://example.org/a [2009-10-17]
1\tRund\tO\tO
2\tum\tO\tO
3\tBad\tB-LOC\tO
4\tLauterberger\tI-LOC\tB-LOCderiv
5\t#\tO\tO

#\thttp://example.org/b [2009-10-18]
1\tUniversität\tB-ORG\tO
2\tBonn\tI-ORG\tB-LOC
";

#[test]
fn headers_of_sentences_stay_and_both_columns_of_nested_entities_are_read() {
    let here = Here::new();
    here.write("train.txt", AS_IN_GERMEVAL);
    here.write("test.txt", AS_IN_GERMEVAL);
    let nested = TAGGER.find("[[objective]]").map(|at| &TAGGER[at..]).unwrap();
    let nested = nested.replace("role = \"main\"\n", "").replace("\"entity\"", "\"nested\"");
    let columns = "columns = [\"_\", \"form\", \"entity\", \"nested\"]\ncomment = \"#\\t\"";
    let recipe = TAGGER.replace("columns = [\"form\", \"pos\", \"entity\"]", columns);
    here.write("recipe.toml", recipe + &nested);
    train(&here);
    let checked = json(&printed(&here, &["check", "recipe.toml", "--json"]));
    let size = &checked["corpora"][0]["splits"][2];
    assert_eq!((&size["examples"], &size["tokens"]), (&2.into(), &7.into()), "{checked}");
    for (objective, column) in [("entity", 2), ("nested", 3)] {
        let predicted = printed(&here, &["predict", "run", "test.txt", "--objective", objective]);
        let line = |line: &str| match line.split('\t').nth(column) {
            Some(tag) => format!("{line}\t{tag}\n"),
            None => format!("{line}\n"),
        };
        assert_eq!(predicted, AS_IN_GERMEVAL.lines().map(line).collect::<String>());
    }
}
