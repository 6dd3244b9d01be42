//! `auxdesk replay`: a run again from its journal, without training.

use std::{io, process::ExitCode};

use super::{Failure, print, print_json};
use crate::{
    cli::Replay,
    headless::{self, Progress},
    journal::{self, Journal},
    protocol::Step,
    state::{replay, until},
};

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
    let mut progress = Progress::new(&header, headless::EVERY_MS);
    let mut lines = Vec::new();
    for event in until(&events, at) {
        progress.tell(event, &mut lines);
    }
    if at.is_none() {
        progress.close(&mut lines);
    }
    print(&lines)
}
