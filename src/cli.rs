//! What can be typed. Help, completions and manual pages are made from these definitions.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A mixing desk for multi-task learning in natural language processing.
///
/// Trains a main task together with auxiliary objectives over one shared encoder. Without a command:
/// `auxdesk train chunking`.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of `train`, where no command is named.
    #[command(flatten)]
    pub train: Train,
}

const EXAMPLES: &str = "Examples:
  auxdesk train chunking                    the default recipe on its sample data
  auxdesk show chunking > mine.toml         a recipe of your own starts here
  auxdesk check mine.toml                   every fault in it and in its corpora
  auxdesk train mine.toml --set objective.pos.gain=0.5 --headless --json > summary.json
  auxdesk predict runs/mine-20260101-120000 input.tsv -o output.tsv";

/// One verb a variant.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a recipe
    Train(Train),
    /// Show a run again, from its journal, without training
    Replay(Replay),
    /// Score a run's best checkpoint on dev and test
    Evaluate(Evaluate),
    /// Label a file with a run's best checkpoint
    Predict(Predict),
    /// List what recipes may say
    List(List),
    /// Print a shipped recipe
    Show(Show),
    /// Find every fault in a recipe and its corpora, and count what is in them
    Check(Check),
    /// Print completions for a shell
    Completions(Completions),
    /// Print the manual page
    Man,
}

/// Options of `auxdesk train`.
#[derive(Args, Clone, Debug, Default)]
pub struct Train {
    /// A shipped recipe's name, or the path of a TOML file [default: chunking]
    pub recipe: Option<String>,
    /// Print progress lines; the only way until the desk is built
    #[arg(long)]
    pub headless: bool,
    /// Only ever append lines, in ASCII; the only way until the desk is built
    #[arg(long)]
    pub plain: bool,
    /// Print the summary as one JSON document at the end; implies --headless
    #[arg(long)]
    pub json: bool,
    /// The run's folder, new or empty [default: runs/NAME-YYYYMMDD-HHMMSS]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// The seed of every draw, instead of the recipe's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// End after so many updates, instead of the recipe's length
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// End after so many passes over the main corpus, instead of the recipe's length
    #[arg(long, value_name = "N", conflicts_with = "steps")]
    pub epochs: Option<u64>,
    /// Threads that train; they change no bit of the result [default: physical cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Where to train: cpu (cuda and metal are not built yet)
    #[arg(long, value_name = "DEVICE", default_value = "cpu", value_parser = ["cpu"])]
    pub device: Option<String>,
    /// Make a journal's moves again, at their steps
    #[arg(long, value_name = "JOURNAL")]
    pub moves: Option<PathBuf>,
    /// Change a key of the recipe, for example objective.pos.gain=0.5 (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

/// Options of `auxdesk replay`.
#[derive(Args, Clone, Debug)]
pub struct Replay {
    /// A run's folder, or a journal file
    pub run: PathBuf,
    /// Print lines; the only way for now
    #[arg(long)]
    pub headless: bool,
    /// Print the report as one JSON document; implies --headless
    #[arg(long)]
    pub json: bool,
    /// Only what was told up to this step
    #[arg(long, value_name = "STEP")]
    pub at: Option<u64>,
}

/// Options of `auxdesk evaluate`.
#[derive(Args, Clone, Debug)]
pub struct Evaluate {
    /// A run's folder
    pub run: PathBuf,
    /// Change a key of the run's recipe, a corpus's test file for example (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Print the scores as one JSON document
    #[arg(long)]
    pub json: bool,
    /// Threads to use [default: physical cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

/// Options of `auxdesk predict`.
#[derive(Args, Clone, Debug)]
pub struct Predict {
    /// A run's folder
    pub run: PathBuf,
    /// A file in the corpus's own format, with or without labels; - for standard input
    pub input: PathBuf,
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Whose labels [default: the main objective's]
    #[arg(long, value_name = "NAME")]
    pub objective: Option<String>,
    /// Threads to use [default: physical cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

/// Options of `auxdesk list`.
#[derive(Args, Clone, Debug)]
pub struct List {
    /// Recipes, objectives, encoders, heads, formats or weightings [default: all of them]
    pub topic: Option<String>,
    /// One of them, with every key that it has
    pub name: Option<String>,
}

/// Options of `auxdesk show`.
#[derive(Args, Clone, Debug)]
pub struct Show {
    /// A shipped recipe's name
    pub recipe: String,
}

/// Options of `auxdesk check`.
#[derive(Args, Clone, Debug)]
pub struct Check {
    /// A shipped recipe's name, or the path of a TOML file [default: chunking]
    pub recipe: Option<String>,
    /// Change a key of the recipe (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Print what was counted as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Options of `auxdesk completions`.
#[derive(Args, Clone, Debug)]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

/// A shell that completions can be made for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Shell {
    /// GNU Bash
    Bash,
    /// Elvish
    Elvish,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
    /// Z shell
    Zsh,
}

impl Cli {
    /// The threads asked for, by whichever command takes them.
    pub fn threads(&self) -> Option<usize> {
        let threads = match &self.command {
            None => self.train.threads,
            Some(Command::Train(train)) => train.threads,
            Some(Command::Evaluate(evaluate)) => evaluate.threads,
            Some(Command::Predict(predict)) => predict.threads,
            Some(_) => None,
        };
        threads.map(usize::from)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_train_work_without_its_name() {
        let cli = Cli::try_parse_from(["auxdesk", "--steps", "3"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.train.steps, Some(3));
    }
}
