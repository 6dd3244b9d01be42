//! `arms.toml`: the corpora, and the arms that are compared on each.

use serde::Deserialize;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    /// In the order of the page.
    pub(crate) corpus: Vec<Corpus>,
}

/// A corpus, or several that are trained together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Corpus {
    /// The name of its folder.
    pub(crate) name: String,
    /// The heading of its section.
    pub(crate) title: String,
    /// What stands before its table.
    pub(crate) about: String,
    /// The recipe of its arms.
    pub(crate) recipe: String,
    /// `--set` options of every arm, with `$AUXDESK_CORPORA` where a path has it.
    pub(crate) set: Vec<String>,
    /// What is made of its files before.
    pub(crate) converted: Option<Conversion>,
    /// The columns.
    pub(crate) metrics: Vec<Metric>,
    /// Published figures.
    #[serde(default)]
    pub(crate) published: Vec<Published>,
    /// The arms.
    pub(crate) arm: Vec<Arm>,
    /// What stands after its table.
    #[serde(default)]
    pub(crate) conclusion: String,
    /// A picture of the arms, if there is one.
    pub(crate) picture: Option<Picture>,
}

/// What a picture shows beside the scores.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Picture {
    /// The arm whose mean and standard deviation are a band.
    pub(crate) band: String,
    /// The arm whose mean is a dashed line.
    pub(crate) line: String,
    /// A description for those who cannot see it.
    pub(crate) alt: String,
}

/// A column of a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metric {
    /// OBJECTIVE.METRIC, on test.
    pub(crate) of: String,
    /// The heading of the column.
    pub(crate) name: String,
    /// Decimals that are shown.
    #[serde(default = "one")]
    pub(crate) decimals: usize,
}

fn one() -> usize {
    1
}

/// A row of published figures.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Published {
    /// The system and its source.
    pub(crate) name: String,
    /// One for each metric; "" where none is published.
    pub(crate) figures: Vec<String>,
}

/// A way of training.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arm {
    /// The name of its files.
    pub(crate) name: String,
    /// The heading of its row.
    pub(crate) about: String,
    /// Its recipe, if it is not that of the corpus.
    pub(crate) recipe: Option<String>,
    /// Further `--set` options.
    #[serde(default)]
    pub(crate) set: Vec<String>,
    /// A run that is trained before, whose folder is `$RUN` in `set`.
    pub(crate) from: Option<Source>,
    /// What is computed in place of training.
    pub(crate) baseline: Option<Baseline>,
}

/// What trains nothing.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Baseline {
    /// The ranking of the collection of the first corpus.
    Bm25,
    /// Answers in the test file of the first corpus.
    WordOverlap,
    /// The most frequent label, or the median of numbers, of each objective.
    Constant,
}

/// Files of the splits that are made of those of a corpus.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Conversion {
    /// What they are made of.
    pub(crate) layout: Layout,
    /// The file, or the folder.
    pub(crate) of: String,
    /// The folder of the splits.
    pub(crate) into: String,
}

/// The layout of a corpus that is converted.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Layout {
    /// A file in SQuAD's JSON, whose articles are split.
    Articles,
    /// A folder of ShapeWorld.
    Shapeworld,
    /// The folder of NLVR.
    Nlvr,
    /// The folder of GeoQuery, whose names become classes.
    GeoClasses,
    /// The folder of ATIS, whose variables of lambda calculus become those of train.
    AtisVariables,
}

/// A run that others start from.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// Its recipe.
    pub(crate) recipe: String,
    /// Its `--set` options.
    pub(crate) set: Vec<String>,
}

impl Corpus {
    /// The options of `auxdesk train` for an arm.
    pub(crate) fn options(&self, arm: &Arm) -> Vec<String> {
        let recipe = arm.recipe.as_ref().unwrap_or(&self.recipe);
        options(recipe, self.set.iter().chain(&arm.set))
    }
}

impl Source {
    /// The options of `auxdesk train`.
    pub(crate) fn options(&self) -> Vec<String> {
        options(&self.recipe, self.set.iter())
    }
}

fn options<'a>(recipe: &str, set: impl Iterator<Item = &'a String>) -> Vec<String> {
    let set = set.flat_map(|set| ["--set".to_owned(), set.clone()]);
    std::iter::once(recipe.to_owned()).chain(set).collect()
}

/// A command line, as one types it.
pub(crate) fn shell(options: &[String]) -> String {
    let quoted = |option: &String| {
        let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_=./$:,".contains(char);
        if option.chars().all(is_plain) {
            option.clone()
        } else if option.contains('$') {
            // The shell expands variables between double quotes.
            format!("\"{}\"", option.replace('\\', "\\\\").replace('"', "\\\""))
        } else {
            format!("'{option}'")
        }
    };
    options.iter().map(quoted).collect::<Vec<_>>().join(" ")
}
