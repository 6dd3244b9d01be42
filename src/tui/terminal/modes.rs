//! The terminal's modes: set in one place, and restored from any thread in any case.

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

/// Alternate screen, bracketed paste, no cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?2004h\x1b[?25l";
/// Clicks, drags and the wheel, with unlimited coordinates. Not every motion, which would be a
/// flood of events.
const MOUSE: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
/// Undoes all of the above in reverse order, after resetting the colors of a frame that was cut
/// short. Undoing what was not done has no effect, except for leaving the alternate screen, which
/// comes last.
const LEAVE: &[u8] = b"\x1b[0m\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[?25h\x1b[?2004l\x1b[?1049l";

/// The modes to restore, while there are any. A program has one terminal, and a panic hook can
/// access statics only. The lock is never held during a write.
static MODES: Mutex<Option<Modes>> = Mutex::new(None);

/// The terminal's modes before the desk.
pub(super) struct Modes {
    before: Termios,
    /// The terminal as [`keyboard`] opens it.
    keyboard: File,
    /// The thread that draws.
    holder: ThreadId,
}

impl Modes {
    /// Sets the desk's modes. If they are set already, they are set again, and the modes to restore
    /// later do not change.
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
            Self::restore(screen);
        }
        entered
    }

    /// Whether there are modes to restore.
    pub(super) fn are_ours() -> bool {
        lock().is_some()
    }

    /// Restores the modes once, waiting until the terminal has accepted the output. In the
    /// background they cannot be restored and need not be: the shell has set its own modes.
    pub(super) fn restore(mut screen: &File) {
        let is_near = || Some(place(&lock().as_ref()?.keyboard) == Place::Foreground);
        if is_near() == Some(true) {
            // While this blocks, another thread may restore the modes.
            let _ = screen.write_all(LEAVE);
        }
        if let Some(modes) = lock().take()
            && place(&modes.keyboard) == Place::Foreground
        {
            // A terminal that is gone has no modes.
            let _ = tcsetattr(&modes.keyboard, OptionalActions::Now, &modes.before);
        }
    }

    fn restore_without_waiting(self) {
        if place(&self.keyboard) != Place::Foreground {
            return;
        }
        for _ in 0..N_TRIES {
            // Output that the terminal has not accepted is discarded; then there is room for the
            // final sequence, or for more of a blocked write, which has to end first. A terminal
            // buffers some kilobytes and a frame may be several times larger. Setting modes wakes
            // that write.
            let _ = tcflush(&self.keyboard, QueueSelector::OFlush);
            let _ = tcsetattr(&self.keyboard, OptionalActions::Now, &self.before);
            match (&self.keyboard).write_all(LEAVE) {
                // The blocked write has not ended yet.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    thread::sleep(RETRY_INTERVAL);
                }
                Ok(()) | Err(_) => return,
            }
        }
    }
}

/// The number and interval of attempts to write the final sequence: a tenth of a second in total.
const N_TRIES: usize = 20;
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// Restores the terminal from any thread, at once, if its modes are set: when the drawing thread is
/// blocked in a write, and before an abrupt exit. It never waits for the terminal. The drawing
/// thread then sees the terminal as gone.
///
/// Output that the terminal has not accepted is discarded. That unblocks a write, so the drawing
/// thread may still end normally. If the terminal accepts no output even so, its modes are restored
/// all the same, and only the alternate screen remains.
pub fn restore_now() {
    let modes = lock().take();
    if let Some(modes) = modes {
        modes.restore_without_waiting();
    }
}

/// Installs a panic hook that prints panics on a restored terminal, or not at all. The main thread
/// must call it before other hooks wrap this one.
///
/// A panic of the main thread or of the drawing thread ends the desk: the terminal is restored,
/// then the panic is printed as usual. Panics of other threads are caught and reported (those of
/// the trainer and its thread pool as events); while a desk is shown, printing would only damage
/// the screen, so they are not printed. Without a desk, all are.
pub fn install_hook() {
    let usual = panic::take_hook();
    let main = thread::current().id();
    panic::set_hook(Box::new(move |info| {
        let this = thread::current().id();
        let holder = lock().as_ref().map(|modes| modes.holder);
        let Some(holder) = holder else { return usual(info) };
        if this == holder || this == main {
            restore_now();
            usual(info);
        }
    }));
}

fn lock() -> MutexGuard<'static, Option<Modes>> {
    MODES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Standard output to draw on. Not `Stdout`: a blocked write would hold its lock, and other
/// printing would wait for it. Opened anew where possible, since a previous program may have made
/// standard output non-blocking, where a write fails instead of waiting.
pub(super) fn screen() -> io::Result<File> {
    let opened = open(&mut File::options(), "/dev/stdout", 0);
    opened.or_else(|_| Ok(io::stdout().as_fd().try_clone_to_owned()?.into()))
}

/// The controlling terminal, opened anew so that neither reading nor writing ever blocks. That is a
/// property of the open file, so other processes are not affected. (The terminal mode with the same
/// effect, a minimum of 0 bytes, would outlive a SIGKILL, and some shells would read end of input.)
pub(super) fn keyboard() -> io::Result<File> {
    open(File::options().read(true), "/dev/tty", libc::O_NONBLOCK)
}

fn open(options: &mut OpenOptions, path: &str, flags: i32) -> io::Result<File> {
    options.write(true).custom_flags(flags | libc::O_NOCTTY).open(path)
}
