//! Frames on their way to the terminal: what has changed since the frame before, in one write.

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

/// More than a large frame, all of it changed, so that a frame is one write and not seen half-done.
const FRAME_HOLDS: usize = 64 * 1024;

/// Empties the screen, in the usual colours.
const CLEAR: &[u8] = b"\x1b[0m\x1b[2J";

/// What the terminal shows, and the way to it.
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

    /// Where frames go.
    pub(super) fn screen(&self) -> &File {
        &self.screen
    }

    /// The size that frames have.
    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// Whether the terminal has another size by now. Asking at every look is cheaper than a signal
    /// is to handle, and misses nothing that changed while the program was stopped.
    pub(super) fn is_of_another_size(&self) -> io::Result<bool> {
        Ok(size(&self.screen)? != self.size)
    }

    /// Draws one frame. The steps of ratatui's `draw`, less those that ask for the size (it would
    /// open the terminal again, or run `tput`) and hide the cursor (dropping it would then print).
    pub(super) fn show(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        render(&mut self.cells.get_frame());
        self.cells.flush()?;
        self.cells.swap_buffers();
        Backend::flush(self.cells.backend_mut())
    }

    /// Begins again with an empty screen, of the terminal's present size. With a new `Terminal` and
    /// not by `resize` or `clear`, which ask where the cursor is and wait for an answer among
    /// the keys.
    pub(super) fn begin_again(&mut self) -> io::Result<()> {
        self.size = size(&self.screen)?;
        self.cells = cells(&self.screen, self.size)?;
        self.screen.write_all(CLEAR)
    }
}

fn size(screen: &File) -> io::Result<Size> {
    let size = tcgetwinsize(screen)?;
    Ok(Size::new(size.ws_col, size.ws_row))
}

fn cells(screen: &File, size: Size) -> io::Result<Cells> {
    let backend = CrosstermBackend::new(BufWriter::with_capacity(FRAME_HOLDS, screen.try_clone()?));
    // A fixed viewport, so that ratatui never asks for the size itself.
    let viewport = Viewport::Fixed(Rect::from((Position::ORIGIN, size)));
    Terminal::with_options(backend, TerminalOptions { viewport })
}
