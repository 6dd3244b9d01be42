//! Texts transcribed from longer sequences that are not aligned with them: training, evaluation and prediction by the
//! whole program.

use std::fmt::Write as _;

use crate::runs::{Exited, Here, finish, finish_with, json};

const RECIPE: &str = r#"name = "spelling"

[train]
seed = 1
steps = 160
batch_size = 8
optimizer = "adam"
learning_rate = 0.02
evaluate_every = 40

[[corpus]]
name = "sounds"
format = "jsonl"
text = ["sounds", "letters"]
sets = ["moods"]
raw = ["text"]
train = "train.jsonl"
dev = "dev.jsonl"

[[encoder]]
name = "frames"
kind = "embed"
field = "sounds"
width = 8

[[encoder]]
name = "trunk"
kind = "birnn"
input = "frames"
width = 8

[[objective]]
name = "spell"
role = "main"
kind = "transcribe"
corpus = "sounds"
label = "text"
tap = "trunk"
"#;

const WORDS: [&str; 9] = ["abba", "cad", "dab", "a", "bead", "deed", "cab", "ebb", "add"];

/// A text, and its characters as sounds of different lengths, with silence between equal ones.
fn example(n: usize) -> (String, String) {
    let text = format!("{} {}", WORDS[n % 9], WORDS[(n / 9 + 2 * n) % 9]);
    let mut sounds = Vec::new();
    for (at, char) in text.chars().enumerate() {
        let sound = if char == ' ' { "_".to_owned() } else { char.to_string() };
        if sounds.last() == Some(&sound) || (n + at).is_multiple_of(4) {
            sounds.push("-".to_owned());
        }
        sounds.extend(vec![sound; 1 + (n * at + at) % 3]);
    }
    (text, sounds.join(" "))
}

fn lines(examples: std::ops::Range<usize>) -> String {
    let mut lines = String::new();
    for n in examples {
        let (text, sounds) = example(n);
        let letters: Vec<String> =
            text.split(' ').collect::<String>().chars().map(String::from).collect();
        let letters = letters.join(" ");
        let _ = writeln!(
            lines,
            r#"{{"sounds": "{sounds}", "text": "{text}", "letters": "{letters}", "moods": ["x"]}}"#
        );
    }
    lines
}

fn corpus(here: &Here, recipe: &str) {
    here.write("train.jsonl", lines(0..120));
    // One has a character that training lacks.
    let strange =
        r#"{"sounds": "a a b - a d", "text": "abzd", "letters": "a b Z d", "moods": ["x"]}"#;
    here.write("dev.jsonl", lines(120..160) + strange + "\n");
    here.write("recipe.toml", recipe);
}

fn train(here: &Here) -> Exited {
    let args = ["train", "recipe.toml", "--headless", "--run", "run", "--threads", "1"];
    let exited = finish(&mut here.auxdesk(args));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    exited
}

/// The metrics of dev.
fn metrics(here: &Here) -> serde_json::Value {
    let evaluated = finish(&mut here.auxdesk(["evaluate", "run", "--json", "--threads", "1"]));
    assert_eq!(evaluated.code, Some(0), "{}", evaluated.err);
    json(&evaluated.out)["objectives"][0]["dev"]["metrics"].clone()
}

#[test]
fn characters_are_spelt_from_sounds_and_one_that_training_lacks_is_an_error() {
    let here = Here::new();
    corpus(&here, RECIPE);
    train(&here);
    let found = metrics(&here);
    let [cer, wer] = ["cer", "wer"].map(|name| found[name].as_f64().unwrap());
    assert!(cer > 0.0 && cer < 8.0, "{found}");
    assert!(wer >= cer && wer < 25.0, "{found}");
    let mut input = String::new();
    for n in 160..170 {
        let _ = writeln!(input, r#"{{"sounds": "{}", "letters": null}}"#, example(n).1);
    }
    let predicted =
        finish_with(&mut here.auxdesk(["predict", "run", "-", "--threads", "1"]), &input);
    assert_eq!(predicted.code, Some(0), "{}", predicted.err);
    let mut n_right = 0;
    for (line, n) in predicted.out.lines().zip(160..170) {
        let texts = json(line)["predicted"].as_array().unwrap().clone();
        assert_eq!(texts.len(), 1, "{line}");
        assert!(texts[0]["score"].as_f64().unwrap() <= 0.0, "{line}");
        let text = texts[0]["text"].as_str().unwrap();
        assert!(text.chars().all(|char| "abcde ".contains(char)), "{line}");
        n_right += usize::from(text == example(n).0);
    }
    assert!(n_right > 6, "{}", predicted.out);
}

#[test]
fn symbols_of_another_sequence_have_a_token_error_rate_and_a_beam_has_several_texts() {
    let here = Here::new();
    let symbols = RECIPE.replace(
        "label = \"text\"",
        "label = \"letters\"\nunits = \"words\"\nbeam = 3\nhidden = 6",
    );
    corpus(&here, &symbols);
    train(&here);
    let found = metrics(&here);
    let rate = found["token_error_rate"].as_f64().unwrap();
    assert!(rate > 0.0 && rate < 8.0 && found["cer"].is_null(), "{found}");
    let input = format!("{{\"sounds\": \"{}\", \"letters\": null}}\n", example(7).1);
    let predicted =
        finish_with(&mut here.auxdesk(["predict", "run", "-", "--threads", "1"]), &input);
    let texts = json(&predicted.out)["predicted"].as_array().unwrap().clone();
    let scores: Vec<f64> = texts.iter().map(|text| text["score"].as_f64().unwrap()).collect();
    assert!(scores.len() == 3 && scores.is_sorted_by(|a, b| a >= b), "{}", predicted.out);
    assert_eq!(texts[0]["text"], "e b b d e e d");
}

#[test]
fn a_transcript_longer_than_what_it_transcribes_is_refused_or_skipped() {
    let here = Here::new();
    corpus(&here, RECIPE);
    let long = r#"{"sounds": "a a", "text": "aa", "letters": "a"}"#;
    here.write("train.jsonl", lines(0..20) + long + "\n");
    let check =
        |more: &[&str]| finish(&mut here.auxdesk([&["check", "recipe.toml"], more].concat()));
    let refused = check(&[]);
    let wanted = "train.jsonl:21: expected 3 tokens of \"sounds\" or more for the 2 characters of \"text\", one for \
                  each and one between equal ones, found 2\n";
    assert_eq!((refused.code, refused.err.as_str()), (Some(2), wanted));
    let skipped = check(&["--set", "corpus.sounds.faults=skip"]);
    assert_eq!(skipped.code, Some(0), "{}", skipped.err);
    assert!(skipped.out.contains("skipped 1 faulty example of train"), "{}", skipped.out);
    assert!(skipped.out.contains("\nlabels of spell (text): 6\n"), "{}", skipped.out);
    for (label, wanted) in [
        (
            "moods",
            "the field \"moods\" of corpus \"sounds\" has a set of strings per example; expected a raw text or a string \
             for each example, or one string per token",
        ),
        ("txt", "no field named \"txt\" in corpus \"sounds\"; did you mean \"text\"?"),
    ] {
        let refused = check(&["--set", &format!("objective.spell.label={label}")]);
        assert_eq!(refused.code, Some(2));
        assert!(refused.err.contains(wanted), "{}", refused.err);
    }
    here.write("train.jsonl", "{\"sounds\": \"a a\", \"letters\": null}\n");
    let refused = check(&[]);
    let wanted =
        "train.jsonl:1: from here on no example of train has a \"text\"; expected one at least\n";
    assert_eq!((refused.code, refused.err.as_str()), (Some(2), wanted));
}

#[test]
fn examples_whose_joined_rows_are_too_few_are_counted_and_still_transcribed() {
    let here = Here::new();
    let half = "[[encoder]]\nname = \"half\"\nkind = \"halve\"\ninput = \"trunk\"\n\n[[objective]]";
    let recipe = RECIPE.replace("[[objective]]", half);
    corpus(&here, &recipe.replace("tap = \"trunk\"", "tap = \"half\"").replace("160", "10"));
    let short = r#"{"sounds": "a b c", "text": "abc", "letters": "a"}"#;
    here.write("train.jsonl", lines(0..20) + short + "\n");
    let is_short = |n: &usize| {
        let (text, sounds) = example(*n);
        let bytes = text.as_bytes();
        let needed = bytes.len() + bytes.windows(2).filter(|pair| pair[0] == pair[1]).count();
        sounds.split(' ').count().div_ceil(2) < needed
    };
    let n_short = (0..20).filter(is_short).count() + 1;
    assert!(n_short < 20, "{n_short}");
    let checked = finish(&mut here.auxdesk(["check", "recipe.toml"]));
    assert_eq!(checked.code, Some(0), "{}", checked.err);
    let (s, needs) =
        if n_short == 1 { ("", "its transcript needs") } else { ("s", "their transcripts need") };
    let counted =
        format!("no training on {n_short} example{s} of train with fewer rows than {needs}");
    assert!(checked.out.contains(&counted), "{}", checked.out);
    let line = "train.jsonl:21: expected 3 rows at `tap` or more for the 3 characters of \"text\", found 2 for 3 tokens";
    assert!(checked.out.contains(line), "{}", checked.out);
    train(&here);
    let input = "{\"sounds\": \"a b c\", \"letters\": null}\n";
    let predicted =
        finish_with(&mut here.auxdesk(["predict", "run", "-", "--threads", "1"]), input);
    assert_eq!(json(&predicted.out)["predicted"].as_array().unwrap().len(), 1, "{}", predicted.err);
}
