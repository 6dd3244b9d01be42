//! The commands, one per file, and their exit codes.
//!
//! Results go to standard output, progress and diagnostics to standard error. Exit codes: 0
//! success, 1 the run failed, 2 the request was invalid; a run that was stopped by a signal has
//! 128 + the signal's number.

mod check;
mod continuation;
mod continue_run;
mod digests;
mod evaluate;
mod list;
mod look;
mod manual;
mod predict;
mod prepared;
mod progress;
mod replay;
mod saved;
mod session;
mod show;
mod train;

use std::{
    fmt::{self, Write as _},
    io::{self, Write},
    process::ExitCode,
};

use crate::{
    cli::{Cli, CliCommand},
    kernel,
    printable::{self, print_message, printable_lines},
    protocol::event::Irregularity,
};

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The request was invalid: exit code 2.
    Request(String),
    /// The run failed: exit code 1.
    Run(anyhow::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(what) => write!(f, "{what}"),
            Self::Run(error) => write!(f, "{error:#}"),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Run(error)
    }
}

impl From<crate::recipe::Faults> for Failure {
    fn from(faults: crate::recipe::Faults) -> Self {
        Self::Request(crate::data::load::show(&faults.0))
    }
}

impl From<crate::journal::JournalError> for Failure {
    fn from(error: crate::journal::JournalError) -> Self {
        Self::Request(error.to_string())
    }
}

/// Runs the parsed command.
pub fn run(cli: Cli, threads: usize) -> ExitCode {
    let asked = || match cli.command {
        None => train::run(&cli.train, threads),
        Some(CliCommand::Train(args)) => train::run(&args, threads),
        Some(CliCommand::Continue(args)) => continue_run::run(&args, threads),
        Some(CliCommand::Replay(args)) => replay::run(&args),
        Some(CliCommand::Evaluate(args)) => evaluate::run(&args),
        Some(CliCommand::Predict(args)) => predict::run(&args),
        Some(CliCommand::List(args)) => list::run(&args),
        Some(CliCommand::Show(args)) => show::run(&args),
        Some(CliCommand::Check(args)) => check::run(&args),
        Some(CliCommand::Completions(args)) => manual::completions(&args),
        Some(CliCommand::Man) => manual::man(),
    };
    match kernel::check_choice().map_err(Failure::Request).and_then(|()| asked()) {
        Ok(code) => code,
        Err(failure) => {
            print_message(&failure.to_string());
            match failure {
                Failure::Request(_) => ExitCode::from(2),
                Failure::Run(_) => ExitCode::FAILURE,
            }
        }
    }
}

/// Writes results to standard output. A closed pipe is a success: the reader has read enough.
fn print(data: &[u8]) -> Result<ExitCode, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(data).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("standard output cannot be written").into())
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Writes text for people to standard output.
fn print_text(text: &str) -> Result<ExitCode, Failure> {
    print(printable_lines(text).as_bytes())
}

/// Writes lines of a corpus that were not used as they stand.
fn write_irregularities(out: &mut String, irregularities: &[Irregularity]) {
    for irregularity in irregularities {
        let _ = writeln!(out, "  {irregularity}");
        for line in &irregularity.lines {
            let _ = writeln!(out, "    {}", printable::printable(&line.to_string()));
        }
        if irregularity.unlisted() > 0 {
            let _ = writeln!(out, "    and {} more", irregularity.unlisted());
        }
    }
}

/// Writes one JSON document to standard output.
fn print_json(document: &impl serde::Serialize) -> Result<ExitCode, Failure> {
    let mut text = printable::json(document).map_err(anyhow::Error::new)?;
    text.push('\n');
    print(text.as_bytes())
}
