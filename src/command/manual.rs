//! `auxdesk completions` and `auxdesk man`: generated from the definitions of the command line.

use std::process::ExitCode;

use clap::CommandFactory;

use super::{Failure, print};
use crate::cli::{Cli, CompletionsArgs, Shell};

pub(super) fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let shell = match args.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Elvish => clap_complete::Shell::Elvish,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::Powershell => clap_complete::Shell::PowerShell,
        Shell::Zsh => clap_complete::Shell::Zsh,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "auxdesk", &mut script);
    print(&script)
}

/// The manual page of the program, then one per command.
pub(super) fn man() -> Result<ExitCode, Failure> {
    let mut program = Cli::command();
    program.build();
    let mut page = Vec::new();
    let commands = program.get_subcommands().filter(|command| command.get_name() != "help");
    for command in std::iter::once(&program).chain(commands) {
        let rendered = clap_mangen::Man::new(command.clone()).render(&mut page);
        rendered.map_err(anyhow::Error::new)?;
    }
    print(&page)
}
