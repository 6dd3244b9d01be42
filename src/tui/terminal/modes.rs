//! The terminal's modes: set in one place, and given back from any thread, whatever happens.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::{fd::AsFd, unix::fs::OpenOptionsExt},
    panic,
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
    time::Duration,
};

use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};

use super::{
    Mouse,
    job::{Place, place},
};

/// Alternate screen, pastes marked, no cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?2004h\x1b[?25l";
/// Clicks, drags and the wheel, with places that have no limit. Not every motion: that is a flood.
const MOUSE: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
/// All of the above undone, last first, after the colours of a frame that was cut short. Undoing
/// what was not done has no effect, but for leaving the alternate screen, which ends with the rest.
const LEAVE: &[u8] = b"\x1b[0m\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[?25h\x1b[?2004l\x1b[?1049l";

/// What is to be given back, while there is something. A program has one terminal, and a panic hook
/// nothing but what is static. The lock is never held while something is written.
static MODES: Mutex<Option<Modes>> = Mutex::new(None);

/// The terminal's modes as they were before the desk.
pub(super) struct Modes {
    before: Termios,
    /// The terminal as [`keyboard`] opens it.
    keyboard: File,
    /// Who draws.
    holder: ThreadId,
}

impl Modes {
    /// Sets the desk's modes. If they are set already, they are set again, and what is given
    /// back later stays what it was.
    pub(super) fn set(keyboard: &File, screen: &File, mouse: Mouse) -> io::Result<()> {
        let now = tcgetattr(keyboard)?;
        let mut raw = now.clone();
        raw.make_raw();
        let held =
            Self { before: now, keyboard: keyboard.try_clone()?, holder: thread::current().id() };
        lock().get_or_insert(held);
        let set = tcsetattr(keyboard, OptionalActions::Now, &raw).map_err(io::Error::from);
        let entered = set.and_then(|()| {
            let mut screen = screen;
            screen.write_all(ENTER)?;
            if mouse == Mouse::Desk { screen.write_all(MOUSE) } else { Ok(()) }
        });
        if entered.is_err() {
            Self::give_back(screen);
        }
        entered
    }

    /// Whether there is something to give back.
    pub(super) fn are_ours() -> bool {
        lock().is_some()
    }

    /// Gives back what there is, once, waiting until the terminal has taken it. In the background
    /// nothing can be given back, nor need be: the shell has long set its own modes.
    pub(super) fn give_back(mut screen: &File) {
        let is_near = || Some(place(&lock().as_ref()?.keyboard) == Place::Foreground);
        if is_near() == Some(true) {
            // While this waits, somebody else may give back the rest.
            let _ = screen.write_all(LEAVE);
        }
        if let Some(modes) = lock().take()
            && place(&modes.keyboard) == Place::Foreground
        {
            // A terminal that has gone has no modes.
            let _ = tcsetattr(&modes.keyboard, OptionalActions::Now, &modes.before);
        }
    }

    fn give_back_without_waiting(self) {
        if place(&self.keyboard) != Place::Foreground {
            return;
        }
        for _ in 0..LAST_TRIES {
            // What the terminal has not taken by now is thrown away; then there is room for the last
            // words, or for more of a write that was stuck, which has to end first. A terminal holds
            // some kilobytes and a frame may be several times that. Setting modes wakes that write.
            let _ = tcflush(&self.keyboard, QueueSelector::OFlush);
            let _ = tcsetattr(&self.keyboard, OptionalActions::Now, &self.before);
            match (&self.keyboard).write_all(LEAVE) {
                // The write that was stuck is not over yet.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(LAST_NAP),
                Ok(()) | Err(_) => return,
            }
        }
    }
}

/// How often, and how far apart, last words are tried: a tenth of a second in all.
const LAST_TRIES: usize = 20;
const LAST_NAP: Duration = Duration::from_millis(5);

/// Gives the terminal back from any thread, at once, if it is held: when the screen's thread
/// is stuck in a write that nobody takes, and before the program is left without ceremony. Never
/// waits for the terminal. The screen's thread then sees it as gone.
///
/// Output that the terminal had not taken is thrown away. That frees a write that was stuck behind
/// it, so the screen's thread may end by itself after all. If the terminal takes nothing even so,
/// its modes are given back all the same, and only the alternate screen stays.
pub fn give_back_now() {
    let modes = lock().take();
    if let Some(modes) = modes {
        modes.give_back_without_waiting();
    }
}

/// Has panics printed on a terminal that has been given back, or not at all. To be called by the
/// main thread, before other hooks are set around this one.
///
/// A panic of the main thread or of the one that draws ends the desk: the terminal is given back,
/// then the panic is printed the usual way. Any other thread's is caught and told (the trainer's
/// own, and those of the pool it computes with, are events); while a desk stands, printing would
/// only spoil it, so nothing is printed. Without a desk, everything is.
pub fn install_hook() {
    let usual = panic::take_hook();
    let main = thread::current().id();
    panic::set_hook(Box::new(move |info| {
        let this = thread::current().id();
        let holder = lock().as_ref().map(|modes| modes.holder);
        let Some(holder) = holder else { return usual(info) };
        if this == holder || this == main {
            give_back_now();
            usual(info);
        }
    }));
}

fn lock() -> MutexGuard<'static, Option<Modes>> {
    MODES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Standard output to draw on. Not `Stdout`: a write that is stuck would hold its lock, and whoever
/// prints would wait for that. Opened anew where that can be, since a program before us may have
/// left standard output such that a write fails instead of waiting.
pub(super) fn screen() -> io::Result<File> {
    let opened = open(&mut File::options(), "/dev/stdout", 0);
    opened.or_else(|_| Ok(io::stdout().as_fd().try_clone_to_owned()?.into()))
}

/// The controlling terminal, opened anew such that neither reading nor writing ever waits. That is
/// a property of an opening, so nobody else's is changed. (The mode with the same effect, no least
/// number of bytes, would outlive a SIGKILL, and some shells would read the end of their input.)
pub(super) fn keyboard() -> io::Result<File> {
    open(File::options().read(true), "/dev/tty", libc::O_NONBLOCK)
}

fn open(options: &mut OpenOptions, path: &str, flags: i32) -> io::Result<File> {
    options.write(true).custom_flags(flags | libc::O_NOCTTY).open(path)
}
