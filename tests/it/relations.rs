//! Relations as users have them: trained on files in the `#doc` format, and predicted into it.

use std::fmt::Write;

use crate::runs::{Here, finish};

/// Sentences of a person, a verb and a firm, in either order; with tags and relations, or without.
fn claims(is_labelled: bool) -> String {
    let verbs = [("joined", Some((0, 2))), ("left", None), ("hired", Some((2, 0)))];
    let mut text = String::new();
    for (at, (verb, relation)) in (0..).zip(verbs.iter().cycle().take(27)) {
        let (person, firm) = (["Ann", "Bob", "Cleo"][at / 3 % 3], ["Acme", "Bolt", "Crux"][at / 9]);
        let is_first = *verb != "hired";
        let named = |is_person| if is_person { (person, "B-person") } else { (firm, "B-firm") };
        writeln!(text, "#doc {at}").unwrap();
        for (token, (word, tag)) in
            [named(is_first), (*verb, "O"), named(!is_first)].into_iter().enumerate()
        {
            write!(text, "{token}\t{word}").unwrap();
            if is_labelled {
                let (name, to) = match relation {
                    Some((from, to)) if *from == token => ("works-for", *to),
                    _ => ("N", token),
                };
                write!(text, "\t{tag}\t['{name}']\t[{to}]").unwrap();
            }
            text.push('\n');
        }
    }
    text
}

const RECIPE: &str = r#"name = "claims"
[train]
seed = 1
steps = 120
batch_size = 9
learning_rate = 0.02
[[corpus]]
name = "claims"
format = "relations"
train = "train.txt"
dev = "train.txt"
[[encoder]]
name = "words"
kind = "embed"
field = "form"
width = 16
min_count = 1
[[encoder]]
name = "trunk"
kind = "birnn"
input = ["words", "labels:entity"]
width = 8
[[objective]]
name = "relation"
role = "main"
kind = "relation"
corpus = "claims"
label = "relations"
entities = "entity"
hidden = 8
tap = "trunk"
[[objective]]
name = "entity"
kind = "tag"
corpus = "claims"
label = "entity"
scheme = "iob2"
tap = "words"
"#;

#[test]
fn relations_of_predicted_entities_are_written_as_they_are_read() {
    let here = Here::new();
    let gold = claims(true);
    here.write("train.txt", &gold);
    here.write("bare.txt", claims(false));
    here.write("recipe.toml", RECIPE);
    let run = |args: &[&str]| {
        let exited = finish(&mut here.auxdesk(args));
        assert_eq!(exited.code, Some(0), "{}", exited.err);
        exited.out
    };
    run(&["train", "recipe.toml", "--headless", "--run", "run", "--threads", "1"]);
    assert_eq!(run(&["predict", "run", "train.txt"]), gold);
    // Without tags, only arguments of relations have one.
    let predicted = run(&["predict", "run", "bare.txt"]);
    assert_eq!(predicted.lines().count(), gold.lines().count());
    for (sentence, gold) in predicted.split("#doc ").zip(gold.split("#doc ")) {
        let is_related = gold.contains("works-for");
        for (line, gold) in sentence.lines().zip(gold.lines()) {
            let gold: Vec<&str> = gold.split('\t').collect();
            let line: Vec<&str> = line.split('\t').collect();
            assert_eq!(line.len(), gold.len());
            for (column, (found, gold)) in line.into_iter().zip(gold).enumerate() {
                let is_untagged = column == 2 && !is_related;
                assert_eq!(found, if is_untagged { "O" } else { gold }, "{sentence}");
            }
        }
    }
    let tags = run(&["predict", "run", "bare.txt", "--objective", "entity"]);
    for (line, gold) in tags.lines().zip(gold.lines()) {
        assert_eq!(line.split('\t').nth(2), gold.split('\t').nth(2));
    }
}
