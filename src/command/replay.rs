//! `auxdesk replay`: replays a run from its journal, without training: on the desk, as lines, as
//! the text of one screen, or as a report.

use std::{io::BufRead, process::ExitCode};

use super::{Failure, print, print_json, print_text};
use crate::{
    app::{self, DeskShown, Replayed},
    cli::{ReplayArgs, ScreenSize},
    headless::{self, ProgressLines},
    journal::{self, Reader},
    printable::print_message,
    protocol::{Event, Step},
    state::{Run, until},
    tui::{
        self,
        replay::{Player, Speed},
        view::DeskMode,
    },
};

pub(super) fn run(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    if !args.headless && !args.json && args.screen.is_none() && super::look::fits_a_desk() {
        return on_the_screen(args);
    }
    let mut reader = journal::open(&journal::locate(&args.run))?;
    let at = args.at.map(Step);
    if args.json {
        let mut run = Run::new(Some(reader.header()));
        read_until(&mut reader, at, |event| run.apply(event))?;
        return print_json(&run.report());
    }
    if let Some(ScreenSize { columns, rows }) = args.screen {
        let mut run = Run::new(Some(reader.header()));
        read_until(&mut reader, at, |event| run.apply(event))?;
        let DeskShown { config, look, .. } = super::look::desk(args.look, DeskMode::Live)?;
        return print_text(&tui::text(&run, &config, &look, (columns, rows)));
    }
    let mut run = Run::new(Some(reader.header()));
    let mut progress = ProgressLines::new(headless::EVERY_MS);
    let mut lines = Vec::new();
    read_until(&mut reader, at, |event| {
        run.apply(event);
        progress.write_event(event, &run, &mut lines);
    })?;
    if at.is_none() {
        progress.close(&run, &mut lines);
    }
    print(&lines)
}

fn on_the_screen(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let DeskShown { config, look, .. } = super::look::desk(args.look, DeskMode::Live)?;
    let mut player = Player::open(&args.run)?;
    if let Some(speed) = args.speed {
        let speed = Speed::nearest(speed).ok_or_else(|| {
            Failure::Request(format!(
                "--speed: expected a number above 0 and at most 1000, found {speed}"
            ))
        })?;
        player.set_speed(speed);
    }
    match (args.at, args.speed) {
        (Some(step), None) => player.seek_step(Step(step))?,
        // With a speed, playback starts at once.
        (Some(step), Some(_)) => {
            player.seek_step(Step(step))?;
            player.play()?;
        }
        (None, Some(_)) => player.play()?,
        (None, None) => player.seek_end()?,
    }
    let Replayed { exit, signal } = app::replay(&mut player, &config, look)?;
    for note in player.left_out().notes() {
        print_message(&note);
    }
    exit?;
    Ok(signal.map_or(ExitCode::SUCCESS, |signal| ExitCode::from(128 + signal as u8)))
}

/// Applies the events up to a step one by one, and reads on to the end, so that an error anywhere
/// in the journal is found before anything is printed.
fn read_until<R: BufRead>(
    reader: &mut Reader<R>,
    at: Option<Step>,
    mut apply: impl FnMut(&Event),
) -> Result<(), Failure> {
    let mut is_over = false;
    while let Some(event) = reader.read_event()? {
        is_over = is_over || until([event], at).next().is_none();
        if !is_over {
            apply(event);
        }
    }
    for note in reader.left_out().notes() {
        print_message(&note);
    }
    Ok(())
}
