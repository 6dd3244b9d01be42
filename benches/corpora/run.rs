//! Runs, and the summaries that are kept of them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::plan::{Arm, Corpus, shell};

/// What is kept of a run.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The command, with `$AUXDESK_CORPORA` in its paths; of a run that starts from another, both.
    command: String,
    /// The processor.
    pub(crate) cpu: String,
    /// What `auxdesk train --json` printed, or the figures of a baseline by OBJECTIVE.METRIC.
    pub(crate) summary: Value,
}

impl Kept {
    /// That of this command, if there is one.
    pub(crate) fn read(folder: &Path, corpus: &Corpus, arm: &Arm, seed: u64) -> Option<Self> {
        let text = fs::read_to_string(path(folder, corpus, arm, seed)).ok()?;
        let kept: Self = serde_json::from_str(&text).unwrap();
        (kept.command == command(corpus, arm, seed)).then_some(kept)
    }

    /// Replaces that of an earlier command.
    pub(crate) fn write(&self, folder: &Path, corpus: &Corpus, arm: &Arm, seed: u64) {
        let path = path(folder, corpus, arm, seed);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, serde_json::to_string_pretty(self).unwrap() + "\n").unwrap();
    }

    /// A score on test, OBJECTIVE.METRIC, unless the objective is muted.
    pub(crate) fn score(&self, of: &str) -> Option<f64> {
        if let Some(figure) = self.summary.get(of) {
            return figure.as_f64();
        }
        let (objective, metric) = of.split_once('.')?;
        let objectives = self.summary["objectives"].as_array()?;
        let is_it = |found: &&Value| found["name"] == objective && found["weight"] != 0.0;
        let found = objectives.iter().find(is_it)?;
        found["test"][metric].as_f64()
    }
}

fn path(folder: &Path, corpus: &Corpus, arm: &Arm, seed: u64) -> PathBuf {
    folder.join(&corpus.name).join(format!("{}-{seed}.json", arm.name))
}

/// The command of an arm, as one types it.
pub(crate) fn command(corpus: &Corpus, arm: &Arm, seed: u64) -> String {
    if let Some(baseline) = &arm.baseline {
        return format!("baselines {}", shell(baseline));
    }
    let train = |options: &[String]| format!("auxdesk train {} --seed {seed}", shell(options));
    let before =
        arm.from.as_ref().map(|source| format!("{} --run $RUN && ", train(&source.options())));
    format!("{}{}", before.unwrap_or_default(), train(&corpus.options(arm)))
}

/// Runs an arm, with further options of `auxdesk train`.
pub(crate) fn run(corpus: &Corpus, arm: &Arm, seed: u64, corpora: &str, more: &[&str]) -> Kept {
    let folder = tempfile::tempdir().unwrap();
    let summary = match &arm.baseline {
        Some(baseline) => serde_json::from_slice(&baselines(baseline, corpora)).unwrap(),
        None => {
            let source = folder.path().join("source");
            if let Some(arm) = &arm.from {
                train(&arm.options(), seed, &source, corpora, &source, more);
            }
            train(&corpus.options(arm), seed, &folder.path().join("run"), corpora, &source, more)
        }
    };
    Kept { command: command(corpus, arm, seed), cpu: cpu(), summary }
}

fn train(
    options: &[String],
    seed: u64,
    run: &Path,
    corpora: &str,
    source: &Path,
    more: &[&str],
) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auxdesk"));
    command.args(["train", "--headless", "--json", "--seed", &seed.to_string(), "--run"]).arg(run);
    let source = source.to_string_lossy();
    let expanded =
        |option: &String| option.replace("$AUXDESK_CORPORA", corpora).replace("$RUN", &source);
    command.args(options.iter().map(expanded)).args(more);
    let mut summary: Value = serde_json::from_slice(&printed(command)).unwrap();
    // The name of a temporary folder says nothing.
    summary.as_object_mut().unwrap().remove("run");
    summary
}

/// What the program `baselines` of `tools` prints.
pub(crate) fn baselines(arguments: &[String], corpora: &str) -> Vec<u8> {
    let mut command = Command::new("cargo");
    let tool = ["run", "-q", "--release", "--manifest-path", "tools/Cargo.toml", "--bin"];
    command.args(tool).args(["baselines", "--"]);
    command.args(arguments.iter().map(|arg| arg.replace("$AUXDESK_CORPORA", corpora)));
    printed(command)
}

/// What a program printed.
fn printed(mut command: Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn cpu() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let name = field("model name").unwrap_or_else(|| "unknown".to_owned());
    let flags = field("flags").unwrap_or_default();
    let vectors = ["avx512f", "avx2"]
        .into_iter()
        .find(|vectors| flags.split(' ').any(|flag| flag == *vectors));
    match vectors {
        Some("avx512f") => format!("{name} with AVX-512"),
        Some(_) => format!("{name} with AVX2"),
        None => name,
    }
}
