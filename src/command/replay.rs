//! `auxdesk replay`: a run again from its journal, without training.

use std::{io, process::ExitCode};

use super::{Failure, print_json};
use crate::{
    cli::Replay,
    headless::Progress,
    journal::{self, Journal},
    protocol::Step,
    state::{replay, until},
};

/// Milliseconds of the run's time between two lines about its steps.
const EVERY_MS: u64 = 2_000;

pub(super) fn run(args: &Replay) -> Result<ExitCode, Failure> {
    let Journal { header, events, left_out } = Journal::read(&journal::locate(&args.run))?;
    let mut talk = io::stderr().lock();
    for note in left_out.notes() {
        let _ = io::Write::write_all(&mut talk, format!("{note}\n").as_bytes());
    }
    let at = args.at.map(Step);
    if args.json {
        return print_json(&replay(&header, &events, at).report());
    }
    let mut progress = Progress::new(&header, EVERY_MS);
    for event in until(&events, at) {
        progress.tell(event, &mut talk);
    }
    if at.is_none() {
        progress.close(&mut talk);
    }
    Ok(ExitCode::SUCCESS)
}
