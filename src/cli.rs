//! The command line. Help, completions and the manual page are generated from these definitions.

use std::{path::PathBuf, str::FromStr};

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};

use crate::{
    kernel::DeviceName,
    model::decoder::MAX_BEAM,
    recipe::list,
    tui::{ColorWhen, GlyphChoice},
};

/// A mixing desk for multi-task learning in natural language processing.
///
/// Trains a main task together with auxiliary objectives over one shared encoder. Without a command:
/// `auxdesk train chunking`.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Option<CliCommand>,
    /// Options of `train`, if no command is given.
    #[command(flatten)]
    pub train: TrainArgs,
}

const EXAMPLES: &str = "Examples:
  auxdesk train chunking                    the default recipe on its sample data
  auxdesk show chunking > mine.toml         start a recipe of your own
  auxdesk check mine.toml                   validate it and its corpora
  auxdesk train mine.toml --set objective.pos.gain=0.5 --headless --json > summary.json
  auxdesk continue runs/mine-20260101-120000 --epochs 40
  auxdesk predict runs/mine-20260101-120000 input.tsv -o output.tsv";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Train a recipe
    Train(TrainArgs),
    /// Resume training from a run's last checkpoint
    Continue(ContinueArgs),
    /// Replay a run from its journal, without training
    Replay(ReplayArgs),
    /// Evaluate a run's best checkpoint on dev and test
    Evaluate(EvaluateArgs),
    /// Predict the labels of a file with a run's best checkpoint
    Predict(PredictArgs),
    /// List recipes, kinds and their keys
    List(ListArgs),
    /// Print a shipped recipe
    Show(ShowArgs),
    /// Validate a recipe and its corpora, and print corpus statistics
    Check(CheckArgs),
    /// Print shell completions
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

/// Options of `auxdesk train`.
#[derive(Args, Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct TrainArgs {
    /// Name of a shipped recipe, or path of a TOML file [default: chunking]
    pub recipe: Option<String>,
    /// Print progress lines to standard error instead of showing the desk; implied without a terminal
    #[arg(long)]
    pub headless: bool,
    /// Print append-only ASCII lines: for screen readers and logs
    #[arg(long)]
    pub plain: bool,
    /// Show a read-only desk: nothing can be changed
    #[arg(long)]
    pub observe: bool,
    /// Print the summary as one JSON document at the end; implies --headless
    #[arg(long)]
    pub json: bool,
    /// Run folder, new or empty [default: runs/NAME-YYYYMMDD-HHMMSS]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Random seed, overriding the recipe's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Number of updates, overriding the recipe's length
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// Number of epochs of the main corpus, overriding the recipe's length
    #[arg(long, value_name = "N", conflicts_with = "steps")]
    pub epochs: Option<u64>,
    /// Number of threads; does not affect results [default: physical cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Device: cpu, cuda, cuda:N or metal; all but cpu need a build with that feature
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub device: DeviceName,
    /// Repeat the manual changes of a journal, at their steps
    #[arg(long, value_name = "JOURNAL")]
    pub moves: Option<PathBuf>,
    /// Shell command that is run on each alert (a non-finite loss, a limit of a guard that was
    /// reached), with the event as a line of JSON on its standard input
    #[arg(long, value_name = "COMMAND")]
    pub on_alert: Option<String>,
    /// Set a key of the recipe, for example objective.pos.gain=0.5 (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Appearance of the desk.
    #[command(flatten)]
    pub look: LookArgs,
}

/// Options of `auxdesk continue`.
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct ContinueArgs {
    /// A run's folder
    pub run: PathBuf,
    /// Total number of updates, overriding the recipe's length
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// Total number of epochs of the main corpus, overriding the recipe's length
    #[arg(long, value_name = "N", conflicts_with = "steps")]
    pub epochs: Option<u64>,
    /// Print progress lines to standard error instead of showing the desk; implied without a
    /// terminal
    #[arg(long)]
    pub headless: bool,
    /// Print append-only ASCII lines: for screen readers and logs
    #[arg(long)]
    pub plain: bool,
    /// Show a read-only desk: nothing can be changed
    #[arg(long)]
    pub observe: bool,
    /// Print the summary as one JSON document at the end; implies --headless
    #[arg(long)]
    pub json: bool,
    /// Number of threads; does not affect results [default: physical cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Device: cpu, cuda, cuda:N or metal; all but cpu need a build with that feature
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub device: DeviceName,
    /// Repeat the manual changes of a journal, at their steps; replaces changes that are left to
    /// repeat
    #[arg(long, value_name = "JOURNAL")]
    pub moves: Option<PathBuf>,
    /// Shell command that is run on each alert (a non-finite loss, a limit of a guard that was
    /// reached), with the event as a line of JSON on its standard input
    #[arg(long, value_name = "COMMAND")]
    pub on_alert: Option<String>,
    /// Appearance of the desk.
    #[command(flatten)]
    pub look: LookArgs,
}

/// Options of `auxdesk replay`.
#[derive(Args, Clone, Debug)]
pub struct ReplayArgs {
    /// Run folder or journal file
    pub run: PathBuf,
    /// Print lines instead of showing the desk; implied without a terminal
    #[arg(long)]
    pub headless: bool,
    /// Print the report as one JSON document; implies --headless
    #[arg(long)]
    pub json: bool,
    /// Print the desk as text of this size, for example 120x40, instead of lines
    #[arg(long, value_name = "WxH", requires = "headless", conflicts_with = "json")]
    pub screen: Option<ScreenSize>,
    /// Start playing at this multiple of the speed of the run (0.25 to 1000)
    #[arg(long, value_name = "X", conflicts_with_all = ["headless", "json"])]
    pub speed: Option<f32>,
    /// Replay only events up to this step
    #[arg(long, value_name = "STEP")]
    pub at: Option<u64>,
    /// Appearance of the desk.
    #[command(flatten)]
    pub look: LookArgs,
}

/// Appearance of the desk, whichever command opens it.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct LookArgs {
    /// Colors; auto follows NO_COLOR, CLICOLOR_FORCE, COLORTERM and TERM
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = color_when())]
    pub color: ColorWhen,
    /// Glyph set; auto follows the locale and TERM
    #[arg(long, value_name = "SET", default_value = "auto", value_parser = glyph_choice())]
    pub glyphs: GlyphChoice,
}

fn color_when() -> impl TypedValueParser<Value = ColorWhen> {
    PossibleValuesParser::new(ColorWhen::names())
        .map(|name| ColorWhen::named(&name).expect("only names are let through"))
}

fn glyph_choice() -> impl TypedValueParser<Value = GlyphChoice> {
    PossibleValuesParser::new(GlyphChoice::names())
        .map(|name| GlyphChoice::named(&name).expect("only names are let through"))
}

/// Columns and rows of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScreenSize {
    /// Width, in columns.
    pub columns: u16,
    /// Height, in rows.
    pub rows: u16,
}

impl FromStr for ScreenSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size = text.split_once(['x', 'X']).and_then(|(columns, rows)| {
            let (columns, rows) = (columns.parse().ok()?, rows.parse().ok()?);
            Some(Self { columns, rows })
        });
        // A mistyped size must not allocate gigabytes.
        size.filter(|size| (1..=1000).contains(&size.columns) && (1..=1000).contains(&size.rows))
            .ok_or_else(|| {
                "expected WIDTHxHEIGHT, for example 120x40, at most 1000 each".to_owned()
            })
    }
}

/// Options of `auxdesk evaluate`.
#[derive(Args, Clone, Debug)]
pub struct EvaluateArgs {
    /// Run folder
    pub run: PathBuf,
    /// Set a key of the run's recipe, for example a corpus's test file (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Name of the checkpoint, for example best-NAME of an objective with `keep_best` [default:
    /// best]
    #[arg(long, value_name = "NAME")]
    pub checkpoint: Option<String>,
    /// Print scores per class and a confusion matrix
    #[arg(long)]
    pub classes: bool,
    /// Print the scores as one JSON document
    #[arg(long)]
    pub json: bool,
    /// Number of threads [default: physical cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Device: cpu, cuda, cuda:N or metal; all but cpu need a build with that feature
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub device: DeviceName,
}

/// Options of `auxdesk predict`.
#[derive(Args, Clone, Debug)]
pub struct PredictArgs {
    /// Run folder
    pub run: PathBuf,
    /// File in the corpus's format; - for standard input. Whether it has labels is inferred from all
    /// of it. For line-aligned files: those of all texts, or of all fields
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Output file [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The input has labels, which predictions are added to
    #[arg(long, conflicts_with = "unlabelled")]
    pub labelled: bool,
    /// The input has no labels: with separator = "space" every line is a text
    #[arg(long)]
    pub unlabelled: bool,
    /// Set a key of a corpus, for example corpus.NAME.separator=tab (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Name of the checkpoint, for example best-NAME of an objective with `keep_best` [default:
    /// best]
    #[arg(long, value_name = "NAME")]
    pub checkpoint: Option<String>,
    /// Objective whose labels to predict [default: the main objective]
    #[arg(long, value_name = "NAME")]
    pub objective: Option<String>,
    /// Hypotheses that the search for a text keeps open [default: the objective's `beam`]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_BEAM)))]
    pub beam: Option<u16>,
    /// Write the N best texts of each example, as lines of its number, text and score, separated by |||; the number is that
    /// of its line in the file, from 0, and the score is ln p divided by the length penalty
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_BEAM)))]
    pub nbest: Option<u16>,
    /// Number of threads [default: physical cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Device: cpu, cuda, cuda:N or metal; all but cpu need a build with that feature
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub device: DeviceName,
}

/// Options of `auxdesk list`.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// One of [`list::TOPICS`]
    #[arg(help = format!("One of {} [default: all of them]", list::TOPICS.join(", ")))]
    pub topic: Option<String>,
    /// Name of one, to list its keys
    pub name: Option<String>,
}

/// Options of `auxdesk show`.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// Name of a shipped recipe
    pub recipe: String,
}

/// Options of `auxdesk check`.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// Name of a shipped recipe, or path of a TOML file [default: chunking]
    pub recipe: Option<String>,
    /// Set a key of the recipe (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Print the corpus statistics as one JSON document
    #[arg(long)]
    pub json: bool,
    /// Validate desk.toml, the desk's keys and themes, instead
    #[arg(long, conflicts_with_all = ["recipe", "sets", "json"])]
    pub config: bool,
}

/// Options of `auxdesk completions`.
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// A shell with completions.
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
    /// The number of threads given to whichever command takes it.
    pub fn threads(&self) -> Option<usize> {
        let threads = match &self.command {
            None => self.train.threads,
            Some(CliCommand::Train(train)) => train.threads,
            Some(CliCommand::Continue(args)) => args.threads,
            Some(CliCommand::Evaluate(evaluate)) => evaluate.threads,
            Some(CliCommand::Predict(predict)) => predict.threads,
            Some(_) => None,
        };
        threads.map(usize::from)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::tui::GlyphSet;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_train_work_without_the_command() {
        let cli = Cli::try_parse_from(["auxdesk", "--steps", "3"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.train.steps, Some(3));
    }

    #[test]
    fn the_help_of_list_names_every_topic() {
        let mut command = Cli::command();
        let list = command.find_subcommand_mut("list").unwrap();
        let help = list.render_help().to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains(&list::TOPICS.join(", ")), "{help}");
    }

    #[test]
    fn the_look_is_chosen_by_name() {
        let cli = Cli::try_parse_from(["auxdesk", "--color", "16", "--glyphs", "ascii"]).unwrap();
        assert_eq!(cli.train.look.color, ColorWhen::Ansi16);
        assert_eq!(cli.train.look.glyphs, GlyphChoice::Set(GlyphSet::Ascii));
        let cli = Cli::try_parse_from(["auxdesk", "replay", "--color", "never", "run"]).unwrap();
        let Some(CliCommand::Replay(replay)) = cli.command else { panic!("a replay") };
        assert_eq!(replay.look.color, ColorWhen::Never);
        assert_eq!(replay.look.glyphs, GlyphChoice::Auto);
        assert!(Cli::try_parse_from(["auxdesk", "--color", "truecolor"]).is_err());
    }
}
