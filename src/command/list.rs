//! `auxdesk list`: recipes, kinds and their keys.

use std::process::ExitCode;

use super::{Failure, print_text};
use crate::{cli::ListArgs, recipe::list};

pub(super) fn run(args: &ListArgs) -> Result<ExitCode, Failure> {
    let text = match (&args.topic, &args.name) {
        (None, _) => Ok(list::all()),
        (Some(topic), None) => list::topic(topic),
        (Some(topic), Some(name)) => list::entry(topic, name),
    };
    print_text(&text.map_err(Failure::Request)?)
}
