//! What `cargo bench --bench corpora` computes itself: baselines, splits of articles, and the plan of its arms.

#[path = "../../benches/corpora/articles.rs"]
mod articles;
#[path = "../../benches/corpora/bm25.rs"]
mod bm25;
#[path = "../../benches/corpora/constant.rs"]
mod constant;
#[path = "../../benches/corpora/overlap.rs"]
mod overlap;
#[expect(dead_code, reason = "the page of results has more of the plan")]
#[path = "../../benches/corpora/plan.rs"]
mod plan;
#[path = "../../benches/corpora/scenes.rs"]
mod scenes;

use std::fs;

use auxdesk::recipe::{Overrides, RecipeSource, load, load_without_files};
use serde_json::{Value, json};

use crate::runs::Here;

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// Two documents of 2 and 4 words: their lengths are 1 − b ± b/3 around 1.
#[test]
fn a_score_of_bm25_worked_by_hand() {
    let bm25 = bm25::Bm25::of(&[words("a b"), words("a a c d")]);
    let scores = bm25.scores(&words("a c x"));
    let (of_a, of_c) = (1.2f64.ln(), 2f64.ln());
    let short = 1.0 - 0.25;
    let long = 1.0 + 0.25;
    let wanted = [
        of_a * 2.2 / (1.0 + 1.2 * short),
        of_a * 2.0 * 2.2 / (2.0 + 1.2 * long) + of_c * 2.2 / (1.0 + 1.2 * long),
    ];
    for (found, wanted) in scores.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-12, "{scores:?}, expected {wanted}");
    }
}

const COLLECTION: &str = r#"name = "collection"
[train]
steps = 1
[[corpus]]
name = "c"
format = "smart"
train = ["queries", "documents", "judgements"]
test = { from = "train", every = 2 }
[[encoder]]
name = "words"
kind = "bow"
field = "query"
width = 2
[[objective]]
name = "rank"
role = "main"
kind = "rank"
corpus = "c"
label = "relevance"
left = "words"
right = "documents:words"
"#;

/// The second query is test: its relevant document has a word of it, and is ranked first.
#[test]
fn bm25_ranks_the_collection_for_the_test_queries() {
    let here = Here::new();
    here.write("recipe.toml", COLLECTION);
    here.write("queries", ".I 1\n.W\nsailing boats\n.I 2\n.W\nWhere do Kites fly ?\n");
    here.write("documents", ".I 1\n.W\nboats sail\n.I 2\n.W\nno kites here\n.I 3\n.W\nnor there\n");
    here.write("judgements", "1 1 1\n2 2 1\n2 3 0\n");
    let source = RecipeSource::File(here.path("recipe.toml"));
    let corpora = load(&source, &Overrides::default()).unwrap().open().unwrap();
    let metrics = bm25::scores(&corpora[0]).metrics;
    assert_eq!(metrics.len(), 5);
    assert!(metrics.iter().all(|(_, score)| *score == 100.0), "{metrics:?}");
}

const CONTEXT: &str = "The mill stood by the river. Anna Hale bought the mill in May 1912, \
                       before the war. Nobody said a word.";

#[test]
fn the_answer_is_in_the_sentence_with_the_words_of_the_question() {
    assert_eq!(overlap::answer(CONTEXT, "Who bought the mill?"), "Anna Hale");
    assert_eq!(overlap::answer(CONTEXT, "When did Anna Hale buy the mill?"), "May 1912,");
    assert_eq!(overlap::answer("", "Who?"), "");
}

#[test]
fn answers_by_overlap_are_scored_as_those_of_an_objective() {
    let question = |text, answer| json!({ "question": text, "answers": [{ "text": answer }] });
    let qas = [question("Who bought the mill?", "the Anna Hale."), question("Who?", "Ivo")];
    let document = json!({ "data": [{ "paragraphs": [{ "context": CONTEXT, "qas": qas }] }] });
    let here = Here::new();
    here.write("test.json", document.to_string());
    let metrics = overlap::scores(&here.path("test.json")).metrics;
    for metric in [("exact_match", 50.0), ("f1", 50.0)] {
        assert!(metrics.contains(&metric), "{metrics:?}");
    }
}

#[test]
fn each_article_is_in_one_split() {
    let here = Here::new();
    let data: Vec<Value> = (0..7).map(|at| json!({ "title": at })).collect();
    here.write("all.json", json!({ "data": data }).to_string());
    articles::split(&here.path("all.json"), &here.path("splits"));
    let titles = |split: &str| -> Vec<u64> {
        let document: Value = serde_json::from_str(&here.read(&format!("splits/{split}"))).unwrap();
        let articles = document["data"].as_array().unwrap().iter();
        articles.map(|article| article["title"].as_u64().unwrap()).collect()
    };
    let wanted = [vec![0, 1, 2, 3, 6], vec![4], vec![5]];
    assert_eq!(["train.json", "dev.json", "test.json"].map(titles), wanted);
}

const NUMBERS: &str = r#"name = "numbers"
[train]
steps = 1
[[corpus]]
name = "c"
format = "columns"
columns = ["form", "length", "voicing", "pitch"]
train = "train"
test = "test"
[[encoder]]
name = "words"
kind = "embed"
field = "form"
width = 2
[[objective]]
name = "length"
role = "main"
kind = "regress"
corpus = "c"
label = "length"
tap = "words"
[[objective]]
name = "voicing"
kind = "tag"
corpus = "c"
label = "voicing"
tap = "words"
[[objective]]
name = "pitch"
kind = "regress"
corpus = "c"
label = "pitch"
where = "voicing"
equals = "yes"
tap = "words"
[[objective]]
name = "step"
kind = "regress"
corpus = "c"
label = "pitch"
target = "step"
where = "voicing"
equals = "yes"
share = "pitch"
tap = "words"
"#;

/// Of `a` once, `b` twice and `c` three times, the bag {b, c} is found, of {a, b} one half and of {d} nothing.
#[test]
fn constant_bags_have_the_most_frequent_words() {
    let bag = "[[objective]]\nname = \"bag\"\nkind = \"bag\"\ncorpus = \"c\"\nlabel = \"voicing\"\ntap = \"words.mean\"\n";
    let here = Here::new();
    here.write("recipe.toml", format!("{NUMBERS}{bag}"));
    here.write("train", "x 1 b 1\nx 2 c 1\n\nx 2 c 2\nx 2 c 1\nx 1 a 1\nx 1 b 1\n");
    here.write("test", "x 1 c 1\nx 1 c 1\nx 1 b 1\n\nx 1 a 1\nx 1 b 1\n\nx 1 d 1\n");
    let source = RecipeSource::File(here.path("recipe.toml"));
    let sets = ["objective.pitch.equals=c".to_owned(), "objective.step.equals=c".to_owned()];
    let overrides = Overrides { sets: sets.into(), ..Overrides::default() };
    let recipe = load(&source, &overrides).unwrap();
    let scores = constant::scores(&recipe, &recipe.open().unwrap());
    assert_eq!(scores.last(), Some(&("bag.recall_at_k".to_owned(), 50.0)), "{scores:?}");
}

/// Lengths 1, 2, 7 and 4 have the median 3; of three voicings two are yes, with the pitches 5 and 7.
#[test]
fn a_constant_is_the_most_frequent_label_or_the_median() {
    let here = Here::new();
    here.write("recipe.toml", NUMBERS);
    here.write("train", "a 1 yes 5\nb 2 no -\n\na 7 yes 7\nc 4 yes 6\n");
    here.write("test", "a 3 yes 7\nb 5.5 no 0\nb 2 yes 6.5\n");
    let source = RecipeSource::File(here.path("recipe.toml"));
    let recipe = load(&source, &Overrides::default()).unwrap();
    let scores = constant::scores(&recipe, &recipe.open().unwrap());
    let wanted = [
        ("length.mae", (0.0 + 2.5 + 1.0) / 3.0),
        ("voicing.accuracy", 200.0 / 3.0),
        ("pitch.mae", 0.75),
    ];
    let names = scores.iter().map(|(name, _)| name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), wanted.map(|(name, _)| name));
    for ((name, found), (_, wanted)) in scores.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-9, "{name}: {found}, expected {wanted}");
    }
}

/// The objects of a manifest: caption, truth, what is seen, and the name of the picture.
fn objects(here: &Here, path: &str) -> Vec<(String, bool, String, String)> {
    let object = |line: &str| {
        let object: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| object[key].as_str().unwrap().to_owned();
        let picture = text("frames").rsplit('/').next().unwrap().to_owned();
        (text("caption"), object["true"].as_bool().unwrap(), text("seen"), picture)
    };
    here.read(path).lines().map(object).collect()
}

#[test]
fn captions_of_a_world_are_in_one_split_with_what_is_seen_in_it() {
    let here = Here::new();
    let (mut captions, mut agreements, mut worlds) = (String::new(), String::new(), Vec::new());
    for world in 0..5 {
        captions.extend([format!("there is {world} . \n"), "a shape is red .\n\n".to_owned()]);
        agreements += "1.0;0.0\n";
        let entity = |color: &str, shape: &str| json!({ "color": { "name": color }, "shape": { "name": shape } });
        worlds.push(json!({ "entities": [entity("red", "square"), entity("blue", "square")] }));
    }
    here.write("caption.txt", captions);
    here.write("agreement.txt", agreements);
    here.write("world_model.json", Value::from(worlds).to_string());
    scenes::shapeworld(&here.path(""), &here.path("made"));
    let seen = || "blue red square".to_owned();
    let object = |caption: &str, is_true, world: usize| {
        (caption.to_owned(), is_true, seen(), format!("world-{world}.png"))
    };
    let test = [object("there is 4 .", true, 4), object("a shape is red .", false, 4)];
    assert_eq!(objects(&here, "made/test.jsonl"), test);
    let sizes = ["train", "dev"].map(|split| objects(&here, &format!("made/{split}.jsonl")).len());
    assert_eq!(sizes, [6, 2]);
}

/// Two examples of the first sentence, in capitals and without, and one of each of four others.
#[test]
fn examples_of_a_sentence_are_in_one_split_with_colors_by_name() {
    let here = Here::new();
    let mut lines = String::new();
    for (sentence, identifier) in [
        ("One box", "1-0"),
        ("two", "2-0"),
        ("one box", "1-1"),
        ("3", "3-0"),
        ("4", "4-0"),
        ("5", "5-0"),
    ] {
        let object = |color: &str| json!({ "color": color, "type": "circle", "size": 10 });
        let example = json!({
            "sentence": sentence, "label": "false", "identifier": identifier, "directory": "7",
            "structured_rep": [[object("Yellow")], [], [object("#0099ff")]],
        });
        lines.extend([example.to_string(), "\n".to_owned()]);
    }
    here.write("dev.json", lines.trim_end());
    scenes::nlvr(&here.path(""), &here.path("made"));
    let object = |sentence: &str, identifier: &str| {
        let picture = format!("dev-{identifier}-0.png");
        (sentence.to_owned(), false, "blue circle yellow".to_owned(), picture)
    };
    let train = [
        object("one box", "1-0"),
        object("two", "2-0"),
        object("one box", "1-1"),
        object("3", "3-0"),
    ];
    assert_eq!(objects(&here, "made/train.jsonl"), train);
    assert_eq!(objects(&here, "made/dev.jsonl"), [object("4", "4-0")]);
    assert_eq!(objects(&here, "made/test.jsonl"), [object("5", "5-0")]);
    assert!(here.read("made/test.jsonl").contains("dev-images/7/dev-5-0-0.png"));
}

/// Every arm is a recipe without a fault but for its files, and every column a metric of one of its objectives.
#[test]
fn every_arm_of_the_results_can_be_trained_and_has_the_metrics_of_its_table() {
    let plan: plan::Plan =
        toml::from_str(&fs::read_to_string("docs/results/arms.toml").unwrap()).unwrap();
    assert!(plan.corpus.len() > 10, "{}", plan.corpus.len());
    for corpus in &plan.corpus {
        for arm in &corpus.arm {
            let what = format!("{}, {}", corpus.name, arm.name);
            let options = arm.from.iter().map(plan::Source::options).chain([corpus.options(arm)]);
            for options in options {
                let source = RecipeSource::File(options[0].clone().into());
                let sets = options[1..].iter().filter(|option| *option != "--set").cloned();
                let overrides = Overrides { sets: sets.collect(), ..Overrides::default() };
                let recipe = load_without_files(&source, &overrides);
                let recipe = recipe.unwrap_or_else(|faults| panic!("{what}: {faults}"));
                if options[0] != corpus.recipe {
                    continue;
                }
                for metric in &corpus.metrics {
                    let (name, of) = metric.of.split_once('.').unwrap();
                    let mut objectives = recipe.objectives.iter();
                    let spec = objectives.find(|spec| spec.name.as_str() == name).unwrap();
                    let metrics = spec.config.metrics();
                    let is_there = metrics.iter().any(|metric| metric.name == of);
                    assert!(is_there, "{what}: no metric {}", metric.of);
                }
            }
        }
    }
}
