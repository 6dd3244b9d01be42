//! `auxdesk show`: prints a shipped recipe.

use std::process::ExitCode;

use super::{Failure, print};
use crate::{
    cli::ShowArgs,
    recipe::{list, shipped},
};

pub(super) fn run(args: &ShowArgs) -> Result<ExitCode, Failure> {
    match shipped::recipe(&args.recipe) {
        Some(text) => print(text.as_bytes()),
        None => Err(Failure::Request(match list::entry("recipes", &args.recipe) {
            Err(what) => what,
            Ok(_) => unreachable!("a listed recipe is shipped"),
        })),
    }
}
