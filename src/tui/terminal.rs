//! Sets up the terminal for the desk and restores it: at the end, in a panic, on Ctrl-Z, and when
//! it accepts no more output.
//!
//! Input is read here and not by crossterm, whose reader never returns from a terminal that is
//! gone, blocks in the middle of an escape sequence, and delays input beyond its buffer until the
//! next key. Reading does not block: [`Terminal::poll`] checks a hundred times a second, since
//! waiting for input with a timeout takes a system call that is not available without `unsafe`.
//!
//! In the background nothing is read, written or set: each of the three may stop the whole program,
//! training included. The desk is drawn again when the shell has brought it to the foreground.

mod decode;
mod drawing;
mod fit;
mod job;
mod modes;

use std::{
    fs::File,
    io::{self, Read},
    thread,
    time::Duration,
};

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::{Frame, layout::Size};

use decode::Decoder;
use drawing::Drawing;
use job::{Job, Place};
use modes::Modes;

pub use fit::{Fit, SMALLEST, fit};
pub use modes::{install_hook, restore_now};

/// The interval between two checks of the keyboard: far shorter than a user notices, far longer
/// than a check takes.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Input from the terminal.
#[derive(Clone, Debug, PartialEq)]
pub enum TerminalInput {
    /// A key was pressed, or repeats.
    Key(KeyEvent),
    /// Text was pasted. Its characters are not key presses, and its lines end with `\n`.
    Paste(String),
    /// A mouse event, if the mouse is enabled.
    Mouse(MouseEvent),
    /// The terminal has this size now, or is ours again: redraw everything.
    Resize(Size),
    /// The terminal is gone, or was restored by another thread. From now on this is the only input,
    /// and nothing is drawn.
    Gone,
}

/// The result of a request to suspend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspended {
    /// The program was stopped and continues now, in the foreground or not.
    Continued,
    /// There is no shell that could resume it, so it was not stopped.
    NoJobControl,
}

/// Whether the desk or the terminal (for selecting text) receives mouse events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mouse {
    /// Clicks, drags and the wheel are [`TerminalInput::Mouse`].
    Desk,
    /// No mouse events are requested.
    Terminal,
}

/// The terminal in the desk's modes; dropping it restores the terminal.
pub struct Terminal {
    /// The controlling terminal, opened so that reading never blocks.
    keyboard: File,
    drawing: Drawing,
    mouse: Mouse,
    decoder: Decoder,
    /// Time waited since the decoder last received any bytes.
    waited: Duration,
    job: Job,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Here,
    /// In the background, or about to be.
    Background,
    Gone,
}

impl Terminal {
    /// Sets up the terminal for the calling thread: raw mode, alternate screen, no cursor,
    /// bracketed paste. On an error it is left unchanged. Only where [`fit()`] allows it.
    pub fn enter(mouse: Mouse) -> io::Result<Self> {
        let keyboard = modes::keyboard()?;
        let mut terminal = Self {
            keyboard,
            drawing: Drawing::new(modes::screen()?)?,
            mouse,
            decoder: Decoder::default(),
            waited: Duration::ZERO,
            job: Job::watch()?,
            state: State::Background,
        };
        // A program that was started in the background waits until it is in the foreground.
        if job::place(&terminal.keyboard) == Place::Foreground {
            terminal.take()?;
        }
        Ok(terminal)
    }

    /// Restores the terminal. Further calls do nothing.
    pub fn leave(&mut self) {
        self.put_away();
        self.state = State::Gone;
    }

    /// The size of frames.
    pub fn size(&self) -> Size {
        self.drawing.size()
    }

    /// Draws one frame with one write; nothing while the program is in the background. The cursor
    /// stays hidden: text inputs draw their own. [`Self::poll`] reports that the terminal is gone.
    ///
    /// May never return, if the terminal accepts no more output: see [`restore_now`].
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) {
        let is_ours = self.state == State::Here && Modes::are_ours();
        if is_ours
            && job::place(&self.keyboard) == Place::Foreground
            && self.drawing.show(render).is_err()
        {
            self.leave();
        }
    }

    /// The next input, waiting for at most about `timeout`; `None` if there was none. The desk must
    /// do all its waiting here, since Esc is distinguished from the start of a longer sequence by
    /// the pause that follows it.
    ///
    /// A stop signal from outside is handled here; the return to the foreground is reported as
    /// [`TerminalInput::Resize`].
    pub fn poll(&mut self, timeout: Duration) -> Option<TerminalInput> {
        let mut left = timeout;
        loop {
            if let Some(input) = self.check() {
                if input == TerminalInput::Gone {
                    // A caller that polls in a loop must not spin.
                    thread::sleep(left);
                }
                return Some(input);
            }
            if left.is_zero() {
                return None;
            }
            let nap = left.min(POLL_INTERVAL);
            thread::sleep(nap);
            self.waited += nap;
            left -= nap;
        }
    }

    /// Restores the terminal and stops the program's process group, as Ctrl-Z does in cooked mode;
    /// returns when it continues. [`Self::poll`] sets the terminal up again once the shell has
    /// brought the program to the foreground.
    pub fn suspend(&mut self) -> Suspended {
        if job::has_no_job_control() {
            return Suspended::NoJobControl;
        }
        if self.state == State::Here {
            self.put_away();
            self.job.stop_all();
        }
        Suspended::Continued
    }

    /// Checks once, without waiting.
    fn check(&mut self) -> Option<TerminalInput> {
        if self.state == State::Gone {
            return Some(TerminalInput::Gone);
        }
        if let Some(input) = self.decoder.next() {
            return Some(input);
        }
        match job::place(&self.keyboard) {
            Place::Gone => return Some(self.gone()),
            Place::Background => {
                self.state = State::Background;
                self.job.held(false);
                return None;
            }
            Place::Foreground => {}
        }
        if self.state == State::Here && !Modes::are_ours() {
            return Some(self.gone());
        }
        if self.job.is_stop_requested() {
            self.put_away();
            self.job.stop_self();
            return None;
        }
        // Whoever stopped us from outside may have changed the modes since.
        let was_continued = self.job.was_continued();
        if self.state == State::Background || was_continued {
            let taken = self.take();
            return Some(self.drawn_anew(&taken));
        }
        match self.drawing.has_resized() {
            Ok(false) => self.read(),
            Ok(true) => {
                let begun = self.drawing.reset();
                Some(self.drawn_anew(&begun))
            }
            Err(_) => Some(self.gone()),
        }
    }

    fn read(&mut self) -> Option<TerminalInput> {
        let waited = std::mem::take(&mut self.waited);
        let mut bytes = [0; 4096];
        match (&self.keyboard).read(&mut bytes) {
            Ok(n_bytes) if n_bytes > 0 => self.decoder.push(&bytes[..n_bytes]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.decoder.quiet(waited),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => return Some(self.gone()),
        }
        self.decoder.next()
    }

    fn drawn_anew(&mut self, done: &io::Result<()>) -> TerminalInput {
        match done {
            Ok(()) => TerminalInput::Resize(self.size()),
            Err(_) => self.gone(),
        }
    }

    /// Sets the modes and clears the screen.
    fn take(&mut self) -> io::Result<()> {
        Modes::set(&self.keyboard, self.drawing.screen(), self.mouse)?;
        self.state = State::Here;
        self.job.held(true);
        self.decoder = Decoder::default();
        self.drawing.reset()
    }

    /// Restores the terminal if it is in our modes and reachable.
    fn put_away(&mut self) {
        Modes::restore(self.drawing.screen());
        self.job.held(false);
        if self.state == State::Here {
            self.state = State::Background;
        }
    }

    fn gone(&mut self) -> TerminalInput {
        self.leave();
        TerminalInput::Gone
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.leave();
    }
}
