//! Whether the terminal can show the desk.

use std::io::{self, IsTerminal};

use rustix::termios::tcgetwinsize;

use super::modes;

/// The smallest terminal, in columns and rows; on smaller ones output is plain lines.
pub const SMALLEST: (u16, u16) = (40, 10);

/// What standard output supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The desk.
    Desk,
    /// Too few columns or rows; these are their numbers.
    TooSmall(u16, u16),
    /// A terminal without cursor movement: `TERM` is `dumb`, empty or unset.
    Dumb,
    /// A file, a pipe, or nothing; or no terminal to read keys from.
    NoTerminal,
}

/// Checks standard output and `TERM`.
pub fn fit() -> Fit {
    let stdout = io::stdout();
    let size = tcgetwinsize(&stdout).map_or((0, 0), |size| (size.ws_col, size.ws_row));
    let is_terminal = stdout.is_terminal() && modes::keyboard().is_ok();
    classify(is_terminal, std::env::var("TERM").ok().as_deref(), size)
}

fn classify(is_terminal: bool, term: Option<&str>, (columns, rows): (u16, u16)) -> Fit {
    if !is_terminal {
        return Fit::NoTerminal;
    }
    if matches!(term, None | Some("" | "dumb")) {
        return Fit::Dumb;
    }
    if columns < SMALLEST.0 || rows < SMALLEST.1 {
        return Fit::TooSmall(columns, rows);
    }
    Fit::Desk
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desk_needs_cursor_movement_and_forty_columns_by_ten_rows() {
        let xterm = Some("xterm-256color");
        assert_eq!(classify(true, xterm, (40, 10)), Fit::Desk);
        assert_eq!(classify(true, xterm, (39, 10)), Fit::TooSmall(39, 10));
        assert_eq!(classify(true, xterm, (40, 9)), Fit::TooSmall(40, 9));
        assert_eq!(classify(true, xterm, (0, 0)), Fit::TooSmall(0, 0));
        for term in [None, Some(""), Some("dumb")] {
            assert_eq!(classify(true, term, (200, 60)), Fit::Dumb);
            assert_eq!(classify(false, term, (200, 60)), Fit::NoTerminal);
        }
        assert_eq!(classify(false, xterm, (200, 60)), Fit::NoTerminal);
    }
}
