//! Whether there is a terminal that a desk can stand on.

use std::io::{self, IsTerminal};

use rustix::termios::tcgetwinsize;

use super::modes;

/// Columns and rows below which there is no desk but plain lines.
pub const SMALLEST: (u16, u16) = (40, 10);

/// What standard output is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The desk.
    Desk,
    /// Too few columns or rows; here they are.
    TooSmall(u16, u16),
    /// A terminal that only appends: `TERM` is `dumb`, empty or not set.
    Dumb,
    /// A file, a pipe, or nothing; or no terminal that keys could come from.
    NoTerminal,
}

/// Looks at standard output and `TERM`.
pub fn fit() -> Fit {
    let stdout = io::stdout();
    let size = tcgetwinsize(&stdout).map_or((0, 0), |size| (size.ws_col, size.ws_row));
    let is_terminal = stdout.is_terminal() && modes::keyboard().is_ok();
    judge(is_terminal, std::env::var("TERM").ok().as_deref(), size)
}

fn judge(is_terminal: bool, term: Option<&str>, (columns, rows): (u16, u16)) -> Fit {
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
    fn a_desk_needs_a_terminal_that_moves_its_cursor_and_forty_columns_by_ten_rows() {
        let xterm = Some("xterm-256color");
        assert_eq!(judge(true, xterm, (40, 10)), Fit::Desk);
        assert_eq!(judge(true, xterm, (39, 10)), Fit::TooSmall(39, 10));
        assert_eq!(judge(true, xterm, (40, 9)), Fit::TooSmall(40, 9));
        assert_eq!(judge(true, xterm, (0, 0)), Fit::TooSmall(0, 0));
        for term in [None, Some(""), Some("dumb")] {
            assert_eq!(judge(true, term, (200, 60)), Fit::Dumb);
            assert_eq!(judge(false, term, (200, 60)), Fit::NoTerminal);
        }
        assert_eq!(judge(false, xterm, (200, 60)), Fit::NoTerminal);
    }
}
