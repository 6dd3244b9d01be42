//! What can be typed. Help, completions and manual pages are made from these definitions.

use std::{path::PathBuf, str::FromStr};

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};

use crate::{
    kernel::DeviceName,
    tui::{ColorWhen, GlyphChoice},
};

/// A mixing desk for multi-task learning in natural language processing.
///
/// Trains a main task together with auxiliary objectives over one shared encoder. Without a command:
/// `auxdesk train chunking`.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<CliCommand>,
    /// Options of `train`, where no command is named.
    #[command(flatten)]
    pub train: TrainArgs,
}

const EXAMPLES: &str = "Examples:
  auxdesk train chunking                    the default recipe on its sample data
  auxdesk show chunking > mine.toml         a recipe of your own starts here
  auxdesk check mine.toml                   every fault in it and in its corpora
  auxdesk train mine.toml --set objective.pos.gain=0.5 --headless --json > summary.json
  auxdesk predict runs/mine-20260101-120000 input.tsv -o output.tsv";

/// One verb a variant.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Train a recipe
    Train(TrainArgs),
    /// Show a run again, from its journal, without training
    Replay(ReplayArgs),
    /// Score a run's best checkpoint on dev and test
    Evaluate(EvaluateArgs),
    /// Label a file with a run's best checkpoint
    Predict(PredictArgs),
    /// List what recipes may say
    List(ListArgs),
    /// Print a shipped recipe
    Show(ShowArgs),
    /// Find every fault in a recipe and its corpora, and count what is in them
    Check(CheckArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

/// Options of `auxdesk train`.
#[derive(Args, Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct TrainArgs {
    /// A shipped recipe's name, or the path of a TOML file [default: chunking]
    pub recipe: Option<String>,
    /// Print progress lines on standard error instead of the desk; implied without a terminal
    #[arg(long)]
    pub headless: bool,
    /// Only ever append lines, in ASCII: for readers by ear, and for logs
    #[arg(long)]
    pub plain: bool,
    /// Look, don't touch: a desk whose faders do not move
    #[arg(long)]
    pub observe: bool,
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
    /// Where to train: cpu, cuda, cuda:N or metal; all but cpu need a build with that feature
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub device: DeviceName,
    /// Make a journal's moves again, at their steps
    #[arg(long, value_name = "JOURNAL")]
    pub moves: Option<PathBuf>,
    /// Change a key of the recipe, for example objective.pos.gain=0.5 (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// What the desk looks like.
    #[command(flatten)]
    pub look: LookArgs,
}

/// Options of `auxdesk replay`.
#[derive(Args, Clone, Debug)]
pub struct ReplayArgs {
    /// A run's folder, or a journal file
    pub run: PathBuf,
    /// Print lines instead of showing it on the desk; implied without a terminal
    #[arg(long)]
    pub headless: bool,
    /// Print the report as one JSON document; implies --headless
    #[arg(long)]
    pub json: bool,
    /// Print the desk as text, at this size (120x40, for example), instead of lines
    #[arg(long, value_name = "WxH", requires = "headless", conflicts_with = "json")]
    pub screen: Option<ScreenSize>,
    /// Play at once, this many times as fast as the run was (0.25 to 1000)
    #[arg(long, value_name = "X", conflicts_with_all = ["headless", "json"])]
    pub speed: Option<f32>,
    /// Only what was told up to this step
    #[arg(long, value_name = "STEP")]
    pub at: Option<u64>,
    /// What the desk looks like.
    #[command(flatten)]
    pub look: LookArgs,
}

/// What the desk looks like, whichever command opens it.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct LookArgs {
    /// The desk's colours; auto obeys NO_COLOR, CLICOLOR_FORCE, COLORTERM and TERM
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = color_when())]
    pub color: ColorWhen,
    /// The desk's characters; auto goes by the locale and TERM
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
    /// From left to right.
    pub columns: u16,
    /// From top to bottom.
    pub rows: u16,
}

impl FromStr for ScreenSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size = text.split_once(['x', 'X']).and_then(|(columns, rows)| {
            let (columns, rows) = (columns.parse().ok()?, rows.parse().ok()?);
            Some(Self { columns, rows })
        });
        // A mistyped size is not to ask for gigabytes of blanks.
        size.filter(|size| (1..=1000).contains(&size.columns) && (1..=1000).contains(&size.rows))
            .ok_or_else(|| "wanted WIDTHxHEIGHT, 120x40 for example, 1000 at most".to_owned())
    }
}

/// Options of `auxdesk evaluate`.
#[derive(Args, Clone, Debug)]
pub struct EvaluateArgs {
    /// A run's folder
    pub run: PathBuf,
    /// Change a key of the run's recipe, a corpus's test file for example (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Score each class as well, and say which was taken for which
    #[arg(long)]
    pub classes: bool,
    /// Print the scores as one JSON document
    #[arg(long)]
    pub json: bool,
    /// Threads to use [default: physical cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Where to compute: cpu, cuda, cuda:N or metal; all but cpu need a build with that feature
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub device: DeviceName,
}

/// Options of `auxdesk predict`.
#[derive(Args, Clone, Debug)]
pub struct PredictArgs {
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
    /// Where to compute: cpu, cuda, cuda:N or metal; all but cpu need a build with that feature
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub device: DeviceName,
}

/// Options of `auxdesk list`.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// Recipes, objectives, encoders, heads, formats or weightings [default: all of them]
    pub topic: Option<String>,
    /// One of them, with every key that it has
    pub name: Option<String>,
}

/// Options of `auxdesk show`.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// A shipped recipe's name
    pub recipe: String,
}

/// Options of `auxdesk check`.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// A shipped recipe's name, or the path of a TOML file [default: chunking]
    pub recipe: Option<String>,
    /// Change a key of the recipe (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Print what was counted as one JSON document
    #[arg(long)]
    pub json: bool,
    /// Check your desk.toml instead, the desk's keys and themes
    #[arg(long, conflicts_with_all = ["recipe", "sets", "json"])]
    pub config: bool,
}

/// Options of `auxdesk completions`.
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
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
            Some(CliCommand::Train(train)) => train.threads,
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
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_train_work_without_its_name() {
        let cli = Cli::try_parse_from(["auxdesk", "--steps", "3"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.train.steps, Some(3));
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
