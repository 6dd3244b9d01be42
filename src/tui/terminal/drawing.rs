//! Writes frames to the terminal: the changes since the previous frame, in one write.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
};

use ratatui::{
    Frame, Terminal, TerminalOptions, Viewport,
    backend::{Backend, CrosstermBackend},
    layout::{Position, Rect, Size},
};
use rustix::termios::tcgetwinsize;

/// Larger than a large frame that changes completely, so that a frame is one write and never seen
/// half-drawn.
const FRAME_CAPACITY: usize = 64 * 1024;

/// Clears the screen, in the default colors.
const CLEAR: &[u8] = b"\x1b[0m\x1b[2J";

/// The terminal's contents, and the file to write to.
pub(super) struct Drawing {
    screen: File,
    size: Size,
    cells: Cells,
}

type Cells = Terminal<CrosstermBackend<BufWriter<File>>>;

impl Drawing {
    pub(super) fn new(screen: File) -> io::Result<Self> {
        let size = size(&screen)?;
        Ok(Self { cells: cells(&screen, size)?, screen, size })
    }

    /// The file that frames are written to.
    pub(super) fn screen(&self) -> &File {
        &self.screen
    }

    /// The size of frames.
    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// Whether the terminal's size has changed. Querying it each time is simpler than handling a
    /// signal, and misses no change while the program was stopped.
    pub(super) fn has_resized(&self) -> io::Result<bool> {
        Ok(size(&self.screen)? != self.size)
    }

    /// Draws one frame, with the steps of ratatui's `draw` except those that query the size (which
    /// would open the terminal again, or run `tput`) and hide the cursor (dropping it would then
    /// print).
    pub(super) fn show(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        render(&mut self.cells.get_frame());
        self.cells.flush()?;
        self.cells.swap_buffers();
        Backend::flush(self.cells.backend_mut())
    }

    /// Starts again with an empty screen of the terminal's current size: with a new `Terminal`, as
    /// `resize` and `clear` query the cursor position and wait for an answer among the keys.
    pub(super) fn reset(&mut self) -> io::Result<()> {
        self.size = size(&self.screen)?;
        self.cells = cells(&self.screen, self.size)?;
        self.screen.write_all(CLEAR)
    }
}

/// The largest size of frames: a terminal may say that it has 65,535 columns and rows, whose cells
/// would take hundreds of gigabytes.
const LARGEST: Size = Size { width: 1000, height: 500 };

/// The size to draw in, at most [`LARGEST`].
fn size(screen: &File) -> io::Result<Size> {
    let size = tcgetwinsize(screen)?;
    Ok(Size::new(size.ws_col.min(LARGEST.width), size.ws_row.min(LARGEST.height)))
}

fn cells(screen: &File, size: Size) -> io::Result<Cells> {
    let backend =
        CrosstermBackend::new(BufWriter::with_capacity(FRAME_CAPACITY, screen.try_clone()?));
    // A fixed viewport, so that ratatui never queries the size itself.
    let viewport = Viewport::Fixed(Rect::from((Position::ORIGIN, size)));
    Terminal::with_options(backend, TerminalOptions { viewport })
}
