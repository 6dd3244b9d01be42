//! The commands of `docs/corpora.md`: each reads its public corpus as it is distributed, and finds the published
//! numbers of examples and tokens. `AUXDESK_CORPORA` names the folder of the corpora; without it nothing is tested.

use std::{collections::BTreeMap, fs, process::Command};

use crate::runs::json;

/// The arguments of a command line, as a shell has them: a backslash in double quotes quotes the next character, and
/// the variable is expanded but for single quotes.
fn arguments(line: &str, corpora: &str) -> Vec<String> {
    let mut arguments = vec![String::new()];
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match (char, quote) {
            ('$', None | Some('"')) if chars.as_str().starts_with("AUXDESK_CORPORA") => {
                chars = chars.as_str()["AUXDESK_CORPORA".len()..].chars();
                arguments.last_mut().unwrap().push_str(corpora);
            }
            (' ', None) => arguments.push(String::new()),
            ('\'' | '"', None) => quote = Some(char),
            (_, Some(end)) if char == end => quote = None,
            ('\\', Some('"')) => arguments.last_mut().unwrap().extend(chars.next()),
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

/// The commands of the page of results that start from no other run, nor from files that another command makes under
/// `target`. A bash array has the options that the arms of a corpus share.
fn result_commands(page: &str) -> Vec<String> {
    let (mut commands, mut shared, mut is_shared) = (Vec::new(), String::new(), false);
    for line in page.lines() {
        match line {
            "corpus=(" => (is_shared, shared) = (true, String::new()),
            ")" => is_shared = false,
            _ if is_shared => shared.extend([" ", line.trim()]),
            _ if line.starts_with("auxdesk train ") && !line.contains("$RUN") => {
                let command = line.replace(" \"${corpus[@]}\"", &shared);
                commands.extend(Some(command).filter(|command| !command.contains("target/")));
            }
            _ => {}
        }
    }
    commands
}

#[test]
fn every_command_of_the_results_reads_its_corpora() {
    let commands = result_commands(&fs::read_to_string("docs/results/README.md").unwrap());
    assert!(commands.len() > 5, "{}", commands.len());
    let Ok(corpora) = std::env::var("AUXDESK_CORPORA") else {
        eprintln!("skipped: AUXDESK_CORPORA is not set");
        return;
    };
    for command in commands {
        let check = command.replace("auxdesk train", "auxdesk check").replace(" --seed 1", "");
        let arguments = arguments(&check, &corpora);
        let output =
            Command::new(env!("CARGO_BIN_EXE_auxdesk")).args(&arguments[1..]).output().unwrap();
        assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}
