//! The command line: refused requests, and the outputs of commands.

use std::{collections::BTreeMap, fs, process::Command};

use auxdesk::{cli::Cli, journal::FILE, metric::SpanF1, recipe::shipped};
use clap::CommandFactory;
use serde_json::Value;

use crate::runs::{Exited, Here, finish, finish_with, json, json_file};

fn auxdesk(here: &Here, args: &[&str]) -> Exited {
    finish(&mut here.auxdesk(args))
}

/// The standard output of a command that succeeds without diagnostics.
fn printed(here: &Here, args: &[&str]) -> String {
    let exited = auxdesk(here, args);
    assert_eq!((exited.code, exited.err.as_str()), (Some(0), ""), "{args:?}");
    exited.out
}

/// A refused request: exit code 2, nothing on standard output, and this text on standard error.
fn refused(exited: &Exited, wanted: &str) {
    assert_eq!((exited.code, exited.out.as_str()), (Some(2), ""), "{}", exited.err);
    assert!(exited.err.contains(wanted), "expected {wanted}\nfound {}", exited.err);
}

/// Validates the configuration in the folder `config`.
fn configured(here: &Here) -> Command {
    let mut command = here.auxdesk(["check", "--config"]);
    command.env("XDG_CONFIG_HOME", here.path("config"));
    command
}

mod what_is_refused {
    use super::*;

    #[test]
    fn an_argument_whose_unprintable_characters_are_escaped() {
        let here = Here::new();
        for hidden in ["\u{202e}", "\u{200b}", "\u{9b}"] {
            let exited = auxdesk(&here, &["train", "--steps", &format!("{hidden}x")]);
            assert!(!exited.err.contains(hidden), "{}", exited.err);
            refused(&exited, "--steps");
        }
        assert_eq!(auxdesk(&here, &["--help"]).code, Some(0));
        assert_eq!(auxdesk(&here, &["--version"]).err, "");
    }

    #[test]
    fn an_unknown_recipe() {
        let here = Here::new();
        for command in ["train", "check"] {
            refused(&auxdesk(&here, &[command, "chunkign"]), "did you mean \"chunking\"?");
        }
        refused(&auxdesk(&here, &["show", "chunkign"]), "did you mean \"chunking\"?");
        assert!(!here.path("runs").exists(), "no run was begun");
    }

    #[test]
    fn an_unknown_kernel() {
        let here = Here::new();
        let run = |kernel| finish(here.tiny("run", 5, &[]).env("AUXDESK_KERNEL", kernel));
        refused(&run("avx1024"), "`AUXDESK_KERNEL`: expected \"portable\"");
        assert!(!here.path("run").exists(), "no run was begun");
        assert_eq!(run("portable").code, Some(0));
        let journal = fs::read_to_string(here.path("run").join("journal.jsonl")).unwrap();
        assert_eq!(json(journal.lines().next().unwrap())["kernel"], "portable");
    }

    #[test]
    fn a_misspelled_setting() {
        let here = Here::new();
        for (set, wanted) in [
            ("train.learning_rat=1", "learning_rate"),
            ("objective.poss.gain=1", "pos"),
            ("objective.pos.gian=1", "gain"),
            ("train.learning_rate", "="),
            ("train.learning_rate=fast", "rate"),
            ("train.learning_rate=nan", "rate"),
        ] {
            let exited = finish(&mut here.tiny("run", 5, &["--set", set]));
            refused(&exited, wanted);
            refused(&auxdesk(&here, &["check", "--set", set]), wanted);
        }
        assert!(!here.path("run").exists(), "no run was begun");
    }

    #[test]
    fn a_faulty_or_missing_corpus() {
        let here = Here::new();
        here.write("broken.tsv", "She\tPRON\n");
        for (file, wanted) in [("broken.tsv", "broken.tsv:1: "), ("gone.tsv", "no file gone.tsv")] {
            let set = format!("corpus.news.dev={file}");
            let exited = finish(&mut here.tiny("run", 5, &["--set", &set]));
            refused(&exited, wanted);
        }
        assert!(!here.path("run").exists(), "no run was begun");
    }

    #[test]
    fn an_unwritable_run_folder() {
        let here = Here::new();
        refused(&finish(&mut here.tiny("train.tsv/run", 5, &[])), "--run train.tsv/run: ");
        refused(&finish(&mut here.tiny("train.tsv", 5, &[])), "--run train.tsv: ");
        here.write("runs", "not a folder");
        refused(&auxdesk(&here, &["train", "--steps", "1"]), "runs: ");
    }

    #[test]
    fn a_non_empty_run_folder() {
        let here = Here::new();
        fs::create_dir(here.path("run")).unwrap();
        here.write("run/notes.txt", "mine");
        let exited = finish(&mut here.tiny("run", 5, &[]));
        refused(&exited, "--run run: expected a new or empty folder, found one with files");
        assert_eq!(fs::read_dir(here.path("run")).unwrap().count(), 1, "nothing was added");
        fs::create_dir(here.path("empty")).unwrap();
        here.finished("empty", 1, &[]);
    }

    #[test]
    fn moves_that_are_not_a_journal_or_change_unknown_objectives() {
        let here = Here::new();
        refused(
            &finish(&mut here.tiny("run", 5, &["--moves", "train.tsv"])),
            "train.tsv:1: expected a journal's first line",
        );
        refused(&finish(&mut here.tiny("run", 5, &["--moves", "gone"])), "gone: cannot be read");
        let header = r#"{"kind":"journal","version":2,"auxdesk":"0.1.0","name":"n","seed":1,"threads":1,"device":"cpu","kernel":"avx2","started":"2026-01-01T12:00:00Z","parent":null}"#;
        let muted = r#"{"kind":"muted","at_ms":2,"step":8,"from":9,"objective":"names","muted":true,"by":"key","command":2}"#;
        here.write("moves.jsonl", format!("{header}\n{muted}\n"));
        let exited = finish(&mut here.tiny("run", 5, &["--moves", "moves.jsonl"]));
        refused(
            &exited,
            "moves.jsonl: changes names from step 9, but the recipe has only chunk, pos, next-word, \
             frequency",
        );
        assert!(!here.path("run").exists(), "no run was begun");
    }

    #[test]
    fn unknown_and_mutually_exclusive_options() {
        let here = Here::new();
        for args in [
            &["train", "--sped", "3"][..],
            &["--sped"],
            &["train", "--steps", "many"],
            &["train", "--steps", "1", "--epochs", "1"],
            &["train", "--threads", "0"],
            &["train", "--device", "gpu"],
            &["replay"],
            &["completions", "tcsh"],
            &["train", "--color", "sometimes"],
            &["replay", "run", "--glyphs", "runes"],
            &["check", "--config", "chunking"],
        ] {
            refused(&auxdesk(&here, args), "error: ");
        }
        // Without a command, the first word is a recipe's name.
        refused(&auxdesk(&here, &["sing"]), "sing: no file of this path and no shipped recipe");
        refused(&auxdesk(&here, &["list", "recipe"]), "did you mean \"recipes\"?");
        refused(&auxdesk(&here, &["list", "heads", "crv"]), "did you mean \"crf\"?");
    }

    #[test]
    fn an_invalid_configuration() {
        let here = Here::new();
        fs::create_dir_all(here.path("config/auxdesk")).unwrap();
        here.write("config/auxdesk/desk.toml", "theme = \"drak\"\n\n[keys]\nfly = \"ctlr-r\"\n");
        let exited = finish(&mut configured(&here));
        let file = here.path("config/auxdesk/desk.toml");
        let file = file.display();
        refused(&exited, &format!("{file}:1: no theme named \"drak\"; did you mean \"dark\"?\n"));
        refused(&exited, &format!("{file}:4: no action named \"fly\""));
    }

    #[test]
    fn a_missing_run_or_a_run_without_checkpoint() {
        let here = Here::new();
        for command in [&["evaluate", "gone"][..], &["predict", "gone", "test.tsv"]] {
            refused(
                &auxdesk(&here, command),
                "gone: expected the folder of a run, found no recipe.toml in it",
            );
        }
        let run = here.finished("run", 1, &[]);
        refused(&auxdesk(&here, &["predict", "run", "gone.tsv"]), "gone.tsv: ");
        refused(
            &auxdesk(&here, &["predict", "run", "test.tsv", "--objective", "names"]),
            "no objective named \"names\"; this run has chunk, pos, next-word, frequency",
        );
        fs::remove_dir_all(run.join("checkpoints")).unwrap();
        refused(&auxdesk(&here, &["evaluate", "run"]), "run: no checkpoint yet");
    }
}

mod what_train_prints {
    use super::*;

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    fn sorted<const N: usize>(mut keys: [&str; N]) -> Vec<&str> {
        keys.sort_unstable();
        keys.to_vec()
    }

    #[test]
    fn one_json_document_with_the_documented_keys_which_is_the_summary() {
        let here = Here::new();
        let exited = finish(&mut here.tiny("run", 20, &["--json"]));
        assert_eq!(exited.code, Some(0), "{}", exited.err);
        assert_eq!(exited.out, here.read("run/summary.json"));
        assert_eq!(exited.out.lines().count(), 1);
        let summary = json(&exited.out);
        let all = [
            "run",
            "recipe",
            "seed",
            "ended",
            "steps",
            "epochs",
            "seconds",
            "tokens_per_second",
            "peak_memory_mib",
            "main",
            "objectives",
            "interventions",
        ];
        assert_eq!(keys(&summary), sorted(all));
        let main = ["objective", "metric", "dev", "test", "best_step"];
        assert_eq!(keys(&summary["main"]), sorted(main));
        let objectives = summary["objectives"].as_array().unwrap();
        let of_each =
            ["name", "role", "kind", "gain", "weight", "loss_first", "loss_last", "dev", "test"];
        for objective in objectives {
            assert_eq!(keys(objective), sorted(of_each));
        }
        let names: Vec<_> = objectives.iter().map(|objective| &objective["name"]).collect();
        assert_eq!(names, ["chunk", "pos", "next-word", "frequency"]);
        assert_eq!((&summary["run"], &summary["recipe"]), (&"run".into(), &"chunking".into()));
        assert_eq!((&summary["ended"], &summary["steps"]), (&"finished".into(), &20.into()));
        assert_eq!(summary["main"]["test"], objectives[0]["test"]["f1"]);
        assert!(!exited.err.is_empty(), "progress goes to standard error");
    }

    #[test]
    fn nothing_on_standard_output_without_json() {
        let here = Here::new();
        let exited = finish(&mut here.tiny("run", 5, &[]));
        assert_eq!((exited.code, exited.out.as_str()), (Some(0), ""));
        let n_lines = exited.err.lines().count();
        let closing: Vec<_> = exited.err.lines().skip(n_lines - 4).collect();
        let [replay, evaluate] = ["  auxdesk replay run", "  auxdesk evaluate run"];
        let wanted = ["the run is in run", replay, evaluate, "  auxdesk predict run INPUT"];
        assert_eq!(closing, wanted);
    }

    #[test]
    fn a_run_without_dev_and_test_has_null_scores() {
        let here = Here::new();
        let text = shipped::recipe("chunking").unwrap();
        let without = |line: &&str| !line.starts_with("dev =") && !line.starts_with("test =");
        let lines = text.lines().filter(without).filter(|line| !line.starts_with("patience"));
        let text = lines.collect::<Vec<_>>().join("\n");
        here.write("bare.toml", text.replace("sample:news/train.tsv", "train.tsv"));
        let small = ["--set", "encoder.words.width=8", "--set", "encoder.trunk.width=8"];
        let mut args = vec!["train", "bare.toml", "--steps", "3", "--json", "--run", "run"];
        args.extend(small);
        let exited = auxdesk(&here, &args);
        assert_eq!(exited.code, Some(0), "{}", exited.err);
        let summary = json(&exited.out);
        for split in ["dev", "test"] {
            assert_eq!(summary["main"][split], Value::Null);
            assert_eq!(summary["objectives"][0][split], Value::Null);
        }
        // Without dev, the last checkpoint is the best one.
        let predicted = printed(&here, &["predict", "run", "test.tsv"]);
        assert_eq!(predicted.lines().count(), here.read("test.tsv").lines().count());
    }

    #[test]
    fn a_run_without_a_folder_name_is_created_in_runs() {
        let here = Here::new();
        let mut args = vec!["--steps", "1", "--json", "--set", "encoder.trunk.width=8"];
        args.extend(["--set", "corpus.news.train=train.tsv", "--set", "corpus.news.dev=dev.tsv"]);
        args.extend(["--set", "corpus.news.test=test.tsv", "--threads", "1"]);
        let exited = auxdesk(&here, &args);
        assert_eq!(exited.code, Some(0), "{}", exited.err);
        let run = json(&exited.out)["run"].as_str().unwrap().to_owned();
        assert!(run.starts_with("runs/chunking-2"), "{run}");
        assert_eq!(here.read(&format!("{run}/summary.json")), exited.out);
        let second = auxdesk(&here, &args);
        assert_ne!(json(&second.out)["run"], run, "a taken name gets a number");
    }
}

mod descriptions_of_recipes {
    use super::*;

    /// Sentences and tokens of a sample file, counted by the test.
    fn counted(split: &str) -> (usize, usize) {
        let text = fs::read_to_string(format!("sample-data/news/{split}.tsv")).unwrap();
        let tokens = text.lines().filter(|line| !line.is_empty()).count();
        (text.split("\n\n").filter(|sentence| !sentence.trim().is_empty()).count(), tokens)
    }

    #[test]
    fn check_counts_the_sample_data() {
        let here = Here::new();
        let text = printed(&here, &["check"]);
        // What the program itself takes differs by a MiB.
        let without_memory = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.starts_with("memory about "));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(without_memory(&text), without_memory(&printed(&here, &["check", "chunking"])));
        assert!(text.starts_with("recipe chunking: valid\n"), "{text}");
        let document = json(&printed(&here, &["check", "--json"]));
        let splits = document["corpora"][0]["splits"].as_array().unwrap();
        for (split, name) in splits.iter().zip(["train", "dev", "test"]) {
            let (examples, tokens) = counted(name);
            assert_eq!(split["split"], name);
            assert_eq!((&split["examples"], &split["tokens"]), (&examples.into(), &tokens.into()));
            let line = text.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
            assert!(line.contains(&format!("{examples} examples")), "{line}");
            assert!(line.contains(&format!("{tokens} tokens")), "{line}");
        }
        let labels = document["labels"].as_array().unwrap();
        assert_eq!(labels[0]["objective"], "chunk");
        let train = fs::read_to_string("sample-data/news/train.tsv").unwrap();
        let mut counts = BTreeMap::<&str, u64>::new();
        for line in train.lines().filter(|line| !line.is_empty()) {
            *counts.entry(line.split('\t').nth(2).unwrap()).or_default() += 1;
        }
        assert_eq!(labels[0]["labels"], serde_json::to_value(counts).unwrap());
        assert!(!here.path("runs").exists(), "nothing was trained");
    }

    #[test]
    fn check_lists_the_labels_that_an_objective_trains_and_none_where_there_are_none() {
        let here = Here::new();
        let labels = |recipe: &str, objective: &str| {
            let document = json(&printed(&here, &["check", recipe, "--json"]));
            let sets = document["labels"].as_array().unwrap().clone();
            let set = sets.into_iter().find(|set| set["objective"] == objective)?;
            let labels = set["labels"].as_object().unwrap().keys().cloned();
            Some(labels.collect::<Vec<_>>())
        };
        // Those of arcs are of another field, and boundaries have no types.
        let relations = labels("representation", "parse").unwrap();
        assert!(relations.contains(&"nsubj".to_owned()), "{relations:?}");
        assert_eq!(labels("representation", "relatedness"), None);
        assert_eq!(labels("keyphrases", "boundaries").unwrap(), ["B", "I", "O"]);
        assert!(
            labels("keyphrases", "boundaries").unwrap().len()
                < labels("keyphrases", "keyphrase").unwrap().len()
        );
        // Numbers are no classes, of which train could lack some.
        let synthesis = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/recipes/synthesis.toml");
        assert_eq!(labels(synthesis, "duration"), None);
        assert_eq!(labels(synthesis, "voicing").unwrap(), ["unvoiced", "voiced"]);
        let document = json(&printed(&here, &["check", synthesis, "--json"]));
        assert_eq!(document["warnings"].as_array().unwrap().len(), 0, "{document}");
    }

    #[test]
    fn show_prints_the_shipped_file_which_is_a_valid_recipe() {
        let here = Here::new();
        for (name, _) in shipped::RECIPES {
            let text = printed(&here, &["show", name]);
            let file = fs::read_to_string(format!("assets/recipes/{name}.toml")).unwrap();
            assert_eq!(text, file);
            here.write("mine.toml", text);
            printed(&here, &["check", "mine.toml"]);
        }
    }

    #[test]
    fn list_shows_every_topic_and_every_entry() {
        let here = Here::new();
        let all = printed(&here, &["list"]);
        for topic in auxdesk::recipe::list::TOPICS {
            assert!(all.contains(&format!("{topic}\n")), "{topic}");
            let list = printed(&here, &["list", topic]);
            let entries = list.split("\nnot built yet:").next().unwrap();
            for name in entries.lines().filter_map(|line| line.split_whitespace().next()) {
                assert!(all.contains(name), "{topic} {name}");
                let entry = printed(&here, &["list", topic, name]);
                assert!(entry.starts_with(&format!("{name}: ")), "{entry}");
            }
        }
    }

    #[test]
    fn completions_and_manual_have_every_command() {
        let here = Here::new();
        let page = printed(&here, &["man"]);
        let shells = ["bash", "elvish", "fish", "powershell", "zsh"];
        let scripts = shells.map(|shell| printed(&here, &["completions", shell]));
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            assert!(page.contains(name), "{name}");
            assert!(scripts.iter().all(|script| script.contains(name)), "{name}");
        }
    }

    #[test]
    fn the_summary_of_the_configuration() {
        let here = Here::new();
        let file = here.path("config/auxdesk/desk.toml");
        let exited = finish(&mut configured(&here));
        assert_eq!((exited.code, exited.err.as_str()), (Some(0), ""));
        let nothing = format!("{}: no such file; using the defaults\n", file.display());
        assert!(exited.out.starts_with(&nothing), "{}", exited.out);
        fs::create_dir_all(here.path("config/auxdesk")).unwrap();
        here.write(
            "config/auxdesk/desk.toml",
            "theme = \"mine\"\n[themes.mine]\ngood = \"bold\"\n",
        );
        let exited = finish(&mut configured(&here));
        let reported = format!(
            "{}: valid\n  theme mine\n  a theme named mine\n  glyphs auto\n  mouse off\n  \
             all actions have their default keys\n",
            file.display()
        );
        assert_eq!((exited.code, exited.out, exited.err.as_str()), (Some(0), reported, ""));
    }

    /// With `UPDATE_EXPECTED=1` the text is written instead of compared; review it.
    #[test]
    fn the_help_of_the_program() {
        let here = Here::new();
        let help = printed(&here, &["--help"]);
        let path = "tests/it/help.txt";
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(path, &help).unwrap();
        }
        assert_eq!(help, fs::read_to_string(path).unwrap());
        let version = printed(&here, &["--version"]);
        assert_eq!(version, format!("auxdesk {}\n", env!("CARGO_PKG_VERSION")));
    }
}

mod what_a_saved_run_does {
    use super::*;

    /// The columns of a file, without its empty lines.
    fn rows(text: &str) -> Vec<Vec<&str>> {
        let lines = text.lines().filter(|line| !line.is_empty());
        lines.map(|line| line.split('\t').collect()).collect()
    }

    #[test]
    fn predict_adds_a_column_and_changes_no_others() {
        let here = Here::new();
        here.finished("run", 20, &[]);
        let input = here.read("test.tsv");
        let output = printed(&here, &["predict", "run", "test.tsv"]);
        assert_eq!(input.lines().count(), output.lines().count(), "empty lines are kept");
        for (before, after) in input.lines().zip(output.lines()) {
            let rest = after.strip_prefix(before).unwrap();
            assert_eq!(rest.is_empty(), before.is_empty());
            let tag = rest.strip_prefix('\t').unwrap_or("O");
            assert!(tag == "O" || tag.starts_with("B-") || tag.starts_with("I-"), "{tag}");
        }

        let from_standard_input = finish_with(&mut here.auxdesk(["predict", "run", "-"]), &input);
        assert_eq!(
            (from_standard_input.code, from_standard_input.out.as_str()),
            (Some(0), &*output)
        );

        let exited = auxdesk(&here, &["predict", "run", "test.tsv", "-o", "out.tsv"]);
        assert_eq!((exited.code, exited.out.as_str()), (Some(0), ""));
        assert_eq!(here.read("out.tsv"), output);
        let before = here.read("test.tsv");
        // By another path, and through a link.
        std::os::unix::fs::symlink("test.tsv", here.path("link.tsv")).unwrap();
        for (input, file) in [("test.tsv", "./test.tsv"), ("link.tsv", "test.tsv")] {
            let same = auxdesk(&here, &["predict", "run", input, "-o", file]);
            assert_eq!((same.code, same.out.as_str()), (Some(2), ""));
            let why = format!(
                "--output: {input} is the input, which the predictions would replace; expected another file"
            );
            assert!(same.err.contains(&why), "{}", same.err);
            assert_eq!(here.read("test.tsv"), before);
        }
        let unwritable = auxdesk(&here, &["predict", "run", "test.tsv", "-o", "gone/out.tsv"]);
        assert_eq!((unwritable.code, unwritable.out.as_str()), (Some(1), ""));
        assert!(unwritable.err.starts_with("gone/out.tsv: cannot be written: "));
    }

    #[test]
    fn predict_needs_no_labels() {
        let here = Here::new();
        here.finished("run", 20, &[]);
        let input = here.read("test.tsv");
        let with_labels = printed(&here, &["predict", "run", "test.tsv"]);
        let form = |line: &str| line.split('\t').next().unwrap().to_owned() + "\n";
        here.write("forms.tsv", input.lines().map(form).collect::<String>());
        let output = printed(&here, &["predict", "run", "forms.tsv"]);
        assert_eq!(output.lines().count(), input.lines().count());
        let rows = rows(&with_labels).into_iter();
        for (line, row) in output.lines().filter(|line| !line.is_empty()).zip(rows) {
            // A single column has no tab to infer the separator from, so a space separates.
            assert_eq!(line, format!("{} {}", row[0], row[row.len() - 1]));
        }
    }

    #[test]
    fn predict_refuses_an_input_without_a_field_that_an_encoder_reads() {
        let here = Here::new();
        here.finished("run", 2, &["--set", "encoder.words.field=pos"]);
        here.write("forms.tsv", "The\nend\n\nNo\n");
        let wanted = "forms.tsv:1: expected \"pos\", the input of encoder \"words\", found none; add it to the example\n";
        let refusal = auxdesk(&here, &["predict", "run", "forms.tsv"]);
        refused(&refusal, &(wanted.to_owned() + &wanted.replace(":1:", ":4:")));
    }

    #[test]
    fn predict_writes_the_labels_of_any_objective() {
        let here = Here::new();
        here.finished("run", 20, &[]);
        let output = printed(&here, &["predict", "run", "test.tsv", "--objective", "pos"]);
        let tags: Vec<_> = here.read("train.tsv").lines().map(str::to_owned).collect();
        let known: Vec<&str> = tags.iter().filter_map(|line| line.split('\t').nth(1)).collect();
        for row in rows(&output) {
            assert!(row.len() == 5 && known.contains(&row[4]), "{row:?}");
        }
    }

    #[test]
    fn predict_numbers_sentences_like_the_training_data() {
        let here = Here::new();
        let sets = ["corpus.news.sentence_ends=[\".\"]", "encoder.trunk.segment_by=sentence"];
        here.finished("run", 20, &sets.map(|set| ["--set", set]).concat());
        let output = printed(&here, &["predict", "run", "test.tsv"]);
        assert_eq!(output.lines().count(), here.read("test.tsv").lines().count());
        assert!(rows(&output).iter().all(|row| row.len() == 5), "{output}");
    }

    #[test]
    fn predict_does_not_need_the_training_corpora() {
        let here = Here::new();
        here.finished("run", 20, &[]);
        let before = printed(&here, &["predict", "run", "test.tsv"]);
        fs::rename(here.path("test.tsv"), here.path("kept.tsv")).unwrap();
        for file in ["train.tsv", "dev.tsv"] {
            fs::remove_file(here.path(file)).unwrap();
        }
        fs::rename(here.path("run"), here.path("moved")).unwrap();
        assert_eq!(printed(&here, &["predict", "moved", "kept.tsv"]), before);
        refused(&auxdesk(&here, &["evaluate", "moved"]), "train.tsv");
    }

    #[test]
    fn evaluate_does_not_need_the_runs_word_lists() {
        let here = Here::new();
        fs::write(here.path("list.txt"), "good\nbad\n").unwrap();
        let set = ["--set", "encoder.masked.words=list.txt"];
        let train = ["train", "presence", "--headless", "--steps", "2", "--run", "run"];
        let trained = auxdesk(&here, &[&train[..], &set].concat());
        assert_eq!(trained.code, Some(0), "{}", trained.err);
        let before = printed(&here, &["evaluate", "run"]);
        fs::remove_file(here.path("list.txt")).unwrap();
        assert_eq!(printed(&here, &["evaluate", "run"]), before);
    }

    #[test]
    fn predictions_have_the_scores_of_the_run_and_of_evaluate() {
        let here = Here::new();
        // The best checkpoint must differ from the last one, or predicting with the last would pass.
        let run = here.finished("run", 60, &["--set", "train.learning_rate=0.03"]);
        let summary = json_file(&run, "summary.json");
        let best = summary["main"]["best_step"].as_u64().unwrap();

        let output = printed(&here, &["predict", "run", "test.tsv"]);
        let mut span_f1 = SpanF1::default();
        for sentence in output.split("\n\n") {
            let rows = rows(sentence);
            let [gold, predicted] = [2, 4].map(|at| rows.iter().map(|row| row[at]).collect());
            let (gold, predicted): (Vec<&str>, Vec<&str>) = (gold, predicted);
            span_f1.add(&gold, &predicted);
        }
        let reported = summary["main"]["test"].as_f64().unwrap();
        assert!(reported > 5.0, "a score of nothing says nothing");
        assert_eq!(format!("{:.2}", span_f1.overall().f1), format!("{reported:.2}"));

        let evaluated = json(&printed(&here, &["evaluate", "run", "--json"]));
        assert_eq!(evaluated["step"], best);
        let objectives = summary["objectives"].as_array().unwrap();
        for (evaluated, reported) in
            evaluated["objectives"].as_array().unwrap().iter().zip(objectives)
        {
            assert_eq!(evaluated["name"], reported["name"]);
            assert_eq!(evaluated["test"]["metrics"], reported["test"]);
            assert_eq!(evaluated["dev"]["metrics"], reported["dev"]);
        }
        let text = printed(&here, &["evaluate", "run"]);
        assert!(text.starts_with(&format!("run at step {best}\n")), "{text}");
        assert!(text.contains(&format!("f1 {reported:.2}")), "{text}");
    }

    #[test]
    fn evaluate_prints_the_same_scores_per_class_as_the_run() {
        let here = Here::new();
        let run = here.finished("run", 60, &["--set", "train.learning_rate=0.03"]);
        let evaluated = json(&printed(&here, &["evaluate", "run", "--json", "--classes"]));
        let sum = |scores: &Value, key: &str| -> u64 {
            let classes = scores["classes"].as_array().unwrap();
            classes.iter().map(|class| class[key].as_u64().unwrap()).sum()
        };
        let [chunk, pos, next_word, frequency] =
            [0, 1, 2, 3].map(|at| &evaluated["objectives"][at]["test"]);
        // Spans: the pooled counts give the reported F1, and the matrix has a row and a column more.
        let [gold, predicted, correct] =
            ["gold", "predicted", "correct"].map(|key| sum(chunk, key) as f64);
        let f1 = 200.0 * correct / (gold + predicted);
        assert!(f1 > 5.0 && (f1 - chunk["metrics"]["f1"].as_f64().unwrap()).abs() < 1e-4, "{f1}");
        let n_classes = chunk["classes"].as_array().unwrap().len();
        assert_eq!(chunk["confusion"].as_array().unwrap().len(), n_classes + 1);
        // Tags and bins: every token is in one cell, and the diagonal is the correct ones.
        for scores in [pos, frequency] {
            let cells = scores["confusion"].as_array().unwrap().iter();
            let cells = cells.flat_map(|row| row.as_array().unwrap());
            let n_tokens: u64 = cells.map(|n| n.as_u64().unwrap()).sum();
            assert_eq!([sum(scores, "gold"), sum(scores, "predicted")], [n_tokens; 2]);
            let accuracy = 100.0 * sum(scores, "correct") as f64 / n_tokens as f64;
            let reported = scores["metrics"]["accuracy"].as_f64().unwrap();
            assert!((accuracy - reported).abs() < 1e-4, "{accuracy} {reported}");
        }
        assert!(next_word.get("classes").is_none(), "a vocabulary has no per-class scores");

        let journal = fs::read_to_string(run.join(FILE)).unwrap();
        let lines: Vec<Value> = journal.lines().map(json).collect();
        let of_pos = |line: &&Value| line["split"] == "test" && line["objective"] == "pos";
        let of_pos: Vec<&Value> = lines.iter().filter(of_pos).collect();
        let [reported, by_class] = of_pos[..] else { panic!("{of_pos:?}") };
        assert_eq!(reported["kind"], "evaluated");
        assert_eq!(by_class["kind"], "classes_scored");
        assert_eq!(by_class["confusion"], pos["confusion"]);
        let counts = |scores: &Value| -> Vec<[Value; 4]> {
            let of = |class: &Value| {
                ["name", "gold", "predicted", "correct"].map(|key| class[key].clone())
            };
            scores["classes"].as_array().unwrap().iter().map(of).collect()
        };
        assert_eq!(counts(by_class), counts(pos));
        let text = printed(&here, &["evaluate", "run", "--classes"]);
        let first = pos["classes"][0]["name"].as_str().unwrap();
        assert!(text.lines().any(|line| line.trim().starts_with(&format!("1 {first} "))), "{text}");
        let plain = printed(&here, &["evaluate", "run"]);
        assert!(
            text.len() > plain.len() && plain.lines().all(|line| text.contains(line)),
            "{text}"
        );
    }

    #[test]
    fn evaluate_scores_another_test_file() {
        let here = Here::new();
        here.finished("run", 20, &[]);
        let with_dev_for_test = ["evaluate", "run", "--json", "--set", "corpus.news.test=dev.tsv"];
        let evaluated = json(&printed(&here, &with_dev_for_test));
        let chunk = &evaluated["objectives"][0];
        assert_eq!(chunk["test"], chunk["dev"]);
        assert!(chunk["dev"]["loss"].as_f64().unwrap() > 0.0);
    }
}
