//! Runs, and the summaries that are kept of them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use auxdesk::{
    data::{digest::digest, read::Location},
    metric::Scores,
    recipe::{Overrides, RecipeSource, SplitSource, load},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    articles, bm25, constant, cpu, names, overlap,
    plan::{Arm, Baseline, Conversion, Corpus, Layout, shell},
    scenes, variables,
};

/// What is kept of a run.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The command, with `$AUXDESK_CORPORA` in its paths; of a run that starts from another, both.
    command: String,
    /// A digest of the recipe; of a run that starts from another, of both recipes.
    recipe: String,
    /// The processor.
    pub(crate) cpu: String,
    /// What `auxdesk train --json` printed, or the figures of a baseline by OBJECTIVE.METRIC.
    pub(crate) summary: Value,
}

impl Kept {
    /// That of this command and recipe, if there is one.
    pub(crate) fn read(folder: &Path, corpus: &Corpus, arm: &Arm, seed: u64) -> Option<Self> {
        let text = fs::read_to_string(path(folder, corpus, arm, seed)).ok()?;
        let kept: Self = serde_json::from_str(&text).unwrap();
        let is_it =
            kept.command == command(corpus, arm, seed) && kept.recipe == recipe(corpus, arm);
        is_it.then_some(kept)
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
        // The last share of an objective that is trained may be 0; a muted one has no loss either.
        let is_trained = |found: &Value| found["weight"] != 0.0 || !found["loss_last"].is_null();
        let is_it = |found: &&Value| found["name"] == objective && is_trained(found);
        let found = objectives.iter().find(is_it)?;
        found["test"][metric].as_f64()
    }
}

fn path(folder: &Path, corpus: &Corpus, arm: &Arm, seed: u64) -> PathBuf {
    folder.join(&corpus.name).join(format!("{}-{seed}.json", arm.name))
}

/// The command of an arm, as one types it.
pub(crate) fn command(corpus: &Corpus, arm: &Arm, seed: u64) -> String {
    if let Some(baseline) = arm.baseline {
        return format!("{baseline:?}: {}", shell(&corpus.options(arm)));
    }
    let train = |options: &[String]| format!("auxdesk train {} --seed {seed}", shell(options));
    let before =
        arm.from.as_ref().map(|source| format!("{} --run $RUN && ", train(&source.options())));
    format!("{}{}", before.unwrap_or_default(), train(&corpus.options(arm)))
}

/// The recipes of a run, without comments and spaces: a changed recipe is another one.
fn recipe(corpus: &Corpus, arm: &Arm) -> String {
    let own = arm.recipe.as_ref().unwrap_or(&corpus.recipe);
    let all = arm.from.iter().map(|source| &source.recipe).chain([own]);
    let digests = all.map(|path| {
        let recipe: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
        digest(recipe.to_string().as_bytes())
    });
    digests.collect::<Vec<_>>().join(" ")
}

/// The programs that train, and what they are called with.
pub(crate) struct Programs<'a> {
    /// The folder of the corpora.
    pub(crate) corpora: &'a str,
    /// Further options of `auxdesk train`.
    pub(crate) options: Vec<&'a str>,
}

impl Programs<'_> {
    /// Runs an arm; goes on with a run of the same command and recipe that was interrupted.
    pub(crate) fn run(&self, corpus: &Corpus, arm: &Arm, seed: u64) -> Kept {
        let (command, recipe) = (command(corpus, arm, seed), recipe(corpus, arm));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("corpora").join(&corpus.name);
        let folder = folder.join(format!("{}-{seed}", arm.name));
        let (note, text) = (folder.join("command"), format!("{command}\n{recipe}\n"));
        if folder.exists() && !fs::read_to_string(&note).is_ok_and(|other| other == text) {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        fs::write(&note, text).unwrap();
        let (source, run) = (folder.join("source"), folder.join("run"));
        let summary = if let Some(baseline) = arm.baseline {
            self.figures(baseline, corpus, arm)
        } else {
            if let Some(arm) = &arm.from {
                self.train(&arm.options(), seed, &source, &source);
            }
            self.train(&corpus.options(arm), seed, &run, &source)
        };
        fs::remove_dir_all(&folder).unwrap();
        Kept { command, recipe, cpu: cpu::name(), summary }
    }

    /// Trains into the folder `run`; the folder `source` is `$RUN`.
    fn train(&self, options: &[String], seed: u64, run: &Path, source: &Path) -> Value {
        let mut summary = finished(run)
            .or_else(|| self.continued(run))
            .unwrap_or_else(|| self.trained(options, seed, run, source));
        // The name of a temporary folder says nothing.
        summary.as_object_mut().unwrap().remove("run");
        summary
    }

    /// What an interrupted run prints when it is continued, if it can be.
    fn continued(&self, run: &Path) -> Option<Value> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auxdesk"));
        command.arg("continue").arg(run).args(["--headless", "--json"]).args(&self.options);
        let output = run.exists().then(|| command.output().unwrap())?;
        // Only a run that is refused begins anew: one that was stopped keeps its folder.
        match output.status.code() {
            Some(0) => Some(serde_json::from_slice(&output.stdout).unwrap()),
            Some(2) => None,
            _ => panic!("{}: {}; continue it by the same command", run.display(), output.status),
        }
    }

    fn trained(&self, options: &[String], seed: u64, run: &Path, source: &Path) -> Value {
        if run.exists() {
            fs::remove_dir_all(run).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_auxdesk"));
        let seed = seed.to_string();
        command.args(["train", "--headless", "--json", "--seed", &seed, "--run"]).arg(run);
        let source = source.to_string_lossy();
        let expanded = |option: &String| self.expanded(option).replace("$RUN", &source);
        command.args(options.iter().map(expanded)).args(&self.options);
        serde_json::from_slice(&printed(command)).unwrap()
    }

    /// The figures of a baseline, by OBJECTIVE.METRIC.
    fn figures(&self, baseline: Baseline, corpus: &Corpus, arm: &Arm) -> Value {
        let sets = corpus.set.iter().chain(&arm.set).map(|set| self.expanded(set)).collect();
        let source = RecipeSource::File(corpus.recipe.clone().into());
        let recipe = load(&source, &Overrides { sets, ..Overrides::default() });
        let recipe = recipe.unwrap_or_else(|faults| panic!("{faults}"));
        let of_main = |scores: Scores| {
            let objective = &recipe.objectives[recipe.main()].name;
            let figures = scores.metrics.into_iter();
            figures.map(|(name, figure)| (format!("{objective}.{name}"), figure)).collect()
        };
        let figures: Vec<(String, f64)> = match baseline {
            Baseline::Constant => constant::scores(&recipe, &recipe.open().unwrap()),
            Baseline::Bm25 => of_main(bm25::scores(&recipe.open().unwrap()[0])),
            Baseline::WordOverlap => match &recipe.corpora[0].test {
                Some(SplitSource::Files(files)) => match &files[..] {
                    [Location::File(file)] => of_main(overlap::scores(file)),
                    other => panic!("expected a file, found {other:?}"),
                },
                other => panic!("expected a test file, found {other:?}"),
            },
        };
        Value::Object(figures.into_iter().map(|(of, figure)| (of, figure.into())).collect())
    }

    /// Converts the files of a corpus.
    pub(crate) fn convert(&self, Conversion { layout, of, into }: &Conversion) {
        let (of, into) = (self.expanded(of), Path::new(into));
        let convert = match layout {
            Layout::Articles => articles::split,
            Layout::Shapeworld => scenes::shapeworld,
            Layout::Nlvr => scenes::nlvr,
            Layout::GeoClasses => names::classes,
            Layout::AtisVariables => variables::numbered,
        };
        convert(Path::new(&of), into);
    }

    fn expanded(&self, text: &str) -> String {
        text.replace("$AUXDESK_CORPORA", self.corpora)
    }
}

/// The summary of a run that has finished.
fn finished(run: &Path) -> Option<Value> {
    let text = fs::read_to_string(run.join("summary.json")).ok()?;
    let summary: Value = serde_json::from_str(&text).ok()?;
    (summary["ended"] == "finished").then_some(summary)
}

/// What a program printed.
fn printed(mut command: Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
