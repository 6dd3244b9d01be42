//! The desk's appearance, from options, the user's file and the terminal.

use super::Failure;
use crate::{
    app::DeskShown,
    cli,
    printable::print_message,
    tui::{
        self, Config, Environment, Look, TourFile,
        terminal::{Fit, fit},
        view::DeskMode,
    },
};

/// Whether this terminal can show the desk. If there is a terminal that cannot, prints why.
pub(super) fn fits_a_desk() -> bool {
    let why = match fit() {
        Fit::Desk => return true,
        Fit::NoTerminal => return false,
        Fit::Dumb => "TERM names a terminal without cursor addressing".to_owned(),
        Fit::TooSmall(columns, rows) => {
            format!("the desk needs at least 40x10, and this terminal has {columns}x{rows}")
        }
    };
    print_message(&format!("{why}; printing progress lines"));
    false
}

/// The desk's settings. A fault in the user's file is an invalid request.
pub(super) fn desk(look: cli::LookArgs, mode: DeskMode) -> Result<DeskShown, Failure> {
    let config = Config::load(tui::actions()).map_err(Failure::Request)?;
    let environment = Environment::of_this_process();
    let look = Look::choose(look.color, look.glyphs, &config, &environment);
    look.depth.enforce();
    // The tour is for whoever can follow it.
    let tour = (mode == DeskMode::Live).then(TourFile::of_user);
    Ok(DeskShown { config, look, mode, tour: tour.filter(|file| !file.exists()) })
}
