//! Holds the terminal while the desk is up, and gives it back: at the end, in a panic, on Ctrl-Z,
//! and when it takes no more output.
//!
//! TerminalInput is read here and not by crossterm, whose reader never returns from a terminal that has
//! gone, waits inside half a sequence, and leaves what exceeds its buffer until the next key.
//! Reading does not block: [`Terminal::poll`] looks a hundred times a second, since waiting for
//! input and for a limit at once takes a system call that nothing here offers without `unsafe`.
//!
//! In the background nothing is read, written or set: each of the three may stop the whole program,
//! training included. The desk is drawn anew when the shell has brought it back.

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
pub use modes::{give_back_now, install_hook};

/// How long a look at the keyboard is put off when there was nothing: far below what a hand
/// notices, far above what a look costs.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// What came from the terminal.
#[derive(Clone, Debug, PartialEq)]
pub enum TerminalInput {
    /// A key was pressed, or repeats.
    Key(KeyEvent),
    /// Text was pasted. Its letters are no keys, and its lines end with `\n`.
    Paste(String),
    /// The mouse was used. Only if it was asked for.
    Mouse(MouseEvent),
    /// The terminal has this size now, or has come back from somewhere else: draw everything.
    Resize(Size),
    /// There is no terminal any more, or somebody else has given it back. From now on this is
    /// all that comes, and nothing is drawn.
    Gone,
}

/// What came of wishing to be suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspended {
    /// The program was stopped and goes on now, in the foreground or not.
    Continued,
    /// There is no shell above that could have it go on, so it was not stopped.
    NobodyToContinue,
}

/// Whether the mouse is the desk's or stays the terminal's, for selecting text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mouse {
    /// Clicks, drags and the wheel are [`TerminalInput::Mouse`].
    Desk,
    /// Nothing is asked of the terminal.
    Terminal,
}

/// The terminal while it is the desk's; dropping it gives it back.
pub struct Terminal {
    /// The controlling terminal, opened such that reading never waits.
    keyboard: File,
    drawing: Drawing,
    mouse: Mouse,
    decoder: Decoder,
    /// Time waited since the decoder last heard of any.
    napped: Duration,
    job: Job,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Here,
    /// In the background, or about to be.
    Away,
    Gone,
}

impl Terminal {
    /// Takes the terminal for the calling thread: raw, alternate screen, no cursor, pastes marked.
    /// An error leaves it as it was. For where [`fit`] says so.
    pub fn enter(mouse: Mouse) -> io::Result<Self> {
        let keyboard = modes::keyboard()?;
        let mut terminal = Self {
            keyboard,
            drawing: Drawing::new(modes::screen()?)?,
            mouse,
            decoder: Decoder::default(),
            napped: Duration::ZERO,
            job: Job::watch()?,
            state: State::Away,
        };
        // A program that was started in the background waits there until it is brought forward.
        if job::place(&terminal.keyboard) == Place::Foreground {
            terminal.take()?;
        }
        Ok(terminal)
    }

    /// Gives the terminal back. Once is enough; more do nothing.
    pub fn leave(&mut self) {
        self.put_away();
        self.state = State::Gone;
    }

    /// The size that frames have.
    pub fn size(&self) -> Size {
        self.drawing.size()
    }

    /// Draws one frame with one write; nothing while the terminal is not ours. The cursor stays
    /// hidden: what is typed shows its own. That the terminal has gone is told by [`Self::poll`].
    ///
    /// May never return, if the terminal takes no more output: see [`give_back_now`].
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) {
        let is_ours = self.state == State::Here && Modes::are_ours();
        if is_ours
            && job::place(&self.keyboard) == Place::Foreground
            && self.drawing.show(render).is_err()
        {
            self.leave();
        }
    }

    /// The next input, waiting for at most about `timeout`; `None` if there was none. All waiting
    /// of the desk is to be done here, since Esc is told from the start of a longer sequence by
    /// the silence that follows it.
    ///
    /// A stop signal from outside is obeyed here; coming back is told as [`TerminalInput::Resize`].
    pub fn poll(&mut self, timeout: Duration) -> Option<TerminalInput> {
        let mut left = timeout;
        loop {
            if let Some(input) = self.look() {
                if input == TerminalInput::Gone {
                    // Whoever asks again and again is not to do so without a pause.
                    thread::sleep(left);
                }
                return Some(input);
            }
            if left.is_zero() {
                return None;
            }
            let nap = left.min(POLL_INTERVAL);
            thread::sleep(nap);
            self.napped += nap;
            left -= nap;
        }
    }

    /// Gives the terminal back and stops the program and those it was started with, as Ctrl-Z would
    /// in a plain one; returns when it goes on. The terminal is taken again by [`Self::poll`], once
    /// the shell has brought the program to the foreground.
    pub fn suspend(&mut self) -> Suspended {
        if job::nobody_above() {
            return Suspended::NobodyToContinue;
        }
        if self.state == State::Here {
            self.put_away();
            self.job.stop_all();
        }
        Suspended::Continued
    }

    /// One look, without waiting.
    fn look(&mut self) -> Option<TerminalInput> {
        if self.state == State::Gone {
            return Some(TerminalInput::Gone);
        }
        if let Some(input) = self.decoder.next() {
            return Some(input);
        }
        match job::place(&self.keyboard) {
            Place::Gone => return Some(self.gone()),
            Place::Background => {
                self.state = State::Away;
                self.job.held(false);
                return None;
            }
            Place::Foreground => {}
        }
        if self.state == State::Here && !Modes::are_ours() {
            return Some(self.gone());
        }
        if self.job.is_stop_wished() {
            self.put_away();
            self.job.stop_self();
            return None;
        }
        // Whoever stopped us without asking may have set other modes since.
        let was_continued = self.job.was_continued();
        if self.state == State::Away || was_continued {
            let taken = self.take();
            return Some(self.drawn_anew(&taken));
        }
        match self.drawing.is_of_another_size() {
            Ok(false) => self.read(),
            Ok(true) => {
                let begun = self.drawing.begin_again();
                Some(self.drawn_anew(&begun))
            }
            Err(_) => Some(self.gone()),
        }
    }

    fn read(&mut self) -> Option<TerminalInput> {
        let napped = std::mem::take(&mut self.napped);
        let mut bytes = [0; 4096];
        match (&self.keyboard).read(&mut bytes) {
            Ok(n_bytes) if n_bytes > 0 => self.decoder.push(&bytes[..n_bytes]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.decoder.quiet(napped),
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

    /// Sets the modes and begins with an empty screen.
    fn take(&mut self) -> io::Result<()> {
        Modes::set(&self.keyboard, self.drawing.screen(), self.mouse)?;
        self.state = State::Here;
        self.job.held(true);
        self.decoder = Decoder::default();
        self.drawing.begin_again()
    }

    /// Gives the terminal back if it is ours and within reach.
    fn put_away(&mut self) {
        Modes::give_back(self.drawing.screen());
        self.job.held(false);
        if self.state == State::Here {
            self.state = State::Away;
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
