//! The commands of `docs/corpora.md`: each reads its public corpus as it is distributed, and finds the published
//! numbers of examples and tokens. `AUXDESK_CORPORA` names the folder of the corpora; without it nothing is tested.

use std::{collections::BTreeMap, fs, process::Command};

use crate::runs::json;

/// The arguments of a command line, in which only single quotes quote.
fn arguments(line: &str, corpora: &str) -> Vec<String> {
    let mut arguments = vec![String::new()];
    let mut is_quoted = false;
    for char in line.replace("$AUXDESK_CORPORA", corpora).chars() {
        match char {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => arguments.push(String::new()),
            _ => arguments.last_mut().unwrap().push(char),
        }
    }
    arguments
}

/// The examples and tokens of each split: `train 8,936 211,727; test 2,012`.
fn counts(text: &str) -> BTreeMap<String, Vec<u64>> {
    let split = |text: &str| {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap().to_owned();
        (name, words.map(|count| count.replace(',', "").parse().unwrap()).collect())
    };
    text.split(';').map(split).collect()
}

#[test]
fn every_command_of_the_page_finds_the_published_counts() {
    let page = fs::read_to_string("docs/corpora.md").unwrap();
    let lines: Vec<&str> = page.lines().collect();
    let commands: Vec<(&str, &str)> = lines
        .windows(2)
        .filter(|pair| pair[1].starts_with("auxdesk check "))
        .map(|pair| (pair[0].strip_prefix("# ").unwrap(), pair[1]))
        .collect();
    assert!(commands.len() > 30, "{}", commands.len());
    let Ok(corpora) = std::env::var("AUXDESK_CORPORA") else {
        eprintln!("skipped: AUXDESK_CORPORA is not set");
        return;
    };
    let mut wrong = Vec::new();
    for (comment, command) in commands {
        let (name, published) = comment.split_once(": ").unwrap();
        let mut arguments = arguments(command, &corpora);
        arguments.push("--json".into());
        let output =
            Command::new(env!("CARGO_BIN_EXE_auxdesk")).args(&arguments[1..]).output().unwrap();
        if !output.status.success() {
            wrong.push(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
            continue;
        }
        let checked = json(std::str::from_utf8(&output.stdout).unwrap());
        let mut found = BTreeMap::new();
        for split in checked["corpora"][0]["splits"].as_array().unwrap() {
            let sizes = ["examples", "tokens"].map(|size| split[size].as_u64().unwrap());
            found.insert(split["split"].as_str().unwrap().to_owned(), sizes.to_vec());
        }
        // Where the number of tokens is not published, it is not compared.
        for (split, published) in counts(published) {
            let found = found.remove(&split).unwrap_or_default();
            if !found.starts_with(&published) {
                wrong.push(format!("{name}: {split} has {found:?}, published are {published:?}"));
            }
        }
        assert!(found.is_empty(), "{name} has more splits: {found:?}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
