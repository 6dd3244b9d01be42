//! A terminal for tests: a pseudo-terminal with a program in it, and a screen that shows its
//! output. Helpers only; the tests say what must hold.
//!
//! Every wait is for a condition, with a timeout.

use std::{
    ffi::OsStr,
    fs::File,
    io::{Read, Write},
    num::NonZeroU16,
    os::unix::fs::OpenOptionsExt,
    process::{Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::{self, JoinHandle},
};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use vt100::{MouseProtocolMode, Parser, Screen};

use crate::runs::wait_until;

/// Variables that would affect a program beyond its terminal.
const UNSET: &[&str] = &[
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "FORCE_COLOR",
    "COLORTERM",
    "COLUMNS",
    "LINES",
    "LC_ALL",
];

/// A program in a terminal; both end with the test at the latest.
pub(crate) struct Pty {
    /// `None` once it has hung up.
    ends: Option<Ends>,
    child: Box<dyn Child + Send + Sync>,
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
    cols: u16,
}

struct Ends {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: Parser,
    /// All output, including what a screen does not keep.
    written: Vec<u8>,
    is_paused: bool,
    is_closing: bool,
}

/// The state of a terminal after a program. Two equal states are equivalent for the next program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Modes {
    /// The line discipline: raw or not, echo, special keys, and everything else that `stty` shows.
    pub(crate) line: String,
    pub(crate) is_alternate_screen: bool,
    pub(crate) is_cursor_hidden: bool,
    pub(crate) is_paste_marked: bool,
    pub(crate) mouse: MouseProtocolMode,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<u32>,
    /// The signal that ended it, by name.
    pub(crate) signal: Option<String>,
}

impl Pty {
    /// Starts a program in a terminal of that size, without a shell, so that it cannot be
    /// suspended.
    pub(crate) fn start(command: &Command, cols: u16, rows: u16) -> Self {
        let pair = native_pty_system().openpty(size(cols, rows)).unwrap();
        // The slave's end is dropped with the pair, or its hangup would not be noticed.
        let child = pair.slave.spawn_command(builder(command)).unwrap();
        let state = State {
            parser: Parser::new(nonzero(rows), nonzero(cols), 0),
            written: Vec::new(),
            is_paused: false,
            is_closing: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let output = pair.master.try_clone_reader().unwrap();
        let reader = thread::spawn({
            let shared = Arc::clone(&shared);
            move || show(output, &shared)
        });
        let keyboard = pair.master.take_writer().unwrap();
        let ends = Some(Ends { master: pair.master, keyboard });
        Self { ends, child, shared, reader: Some(reader), cols }
    }

    /// Starts a program as a job of a shell, which prints its status as `[status]` whenever it ends
    /// or stops, and then executes lines: `fg`, `bg`, `exit`.
    pub(crate) fn under_a_shell(command: &Command, cols: u16, rows: u16) -> Self {
        let script =
            "set -m; \"$@\"; echo \"[$?]\"; while read -r word; do $word; echo \"[$?]\"; done";
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            shell.current_dir(folder);
        }
        Self::start(&shell, cols, rows)
    }

    /// Types text, or sends the sequence of a key.
    pub(crate) fn send(&mut self, keys: &str) {
        let keyboard = &mut self.ends.as_mut().unwrap().keyboard;
        keyboard.write_all(keys.as_bytes()).unwrap();
        keyboard.flush().unwrap();
    }

    /// Pastes text as terminals with bracketed paste do.
    pub(crate) fn paste(&mut self, text: &str) {
        self.send(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// The screen's text, one line per row, without trailing spaces.
    pub(crate) fn text(&self) -> String {
        self.screen(|screen| screen.rows(0, self.cols).collect::<Vec<_>>().join("\n"))
    }

    /// Accesses the screen's cells.
    pub(crate) fn screen<T>(&self, look: impl FnOnce(&Screen) -> T) -> T {
        look(self.state().parser.screen())
    }

    /// All output since the start of the program.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.state().written).into_owned()
    }

    /// Waits until the screen shows a text, at most a minute.
    pub(crate) fn wait_for_text(&self, text: &str) {
        self.wait_for(&format!("the screen shows {text:?}"), |pty| pty.text().contains(text));
    }

    /// Waits for a condition, at most a minute; prints the screen if it fails.
    pub(crate) fn wait_for(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let _shown = ShownInPanic(&self.shared);
        wait_until(what, || is_so(self));
    }

    /// The terminal's current modes.
    pub(crate) fn modes(&self) -> Modes {
        let termios = self.ends.as_ref().unwrap().master.get_termios().unwrap();
        let line = format!("{termios:?}");
        self.screen(|screen| Modes {
            line,
            is_alternate_screen: screen.alternate_screen(),
            is_cursor_hidden: screen.hide_cursor(),
            is_paste_marked: screen.bracketed_paste(),
            mouse: screen.mouse_protocol_mode(),
        })
    }

    /// Changes the terminal's size, like resizing its window.
    pub(crate) fn resize(&mut self, cols: u16, rows: u16) {
        // The screen first: output for the new size must find it.
        self.state().parser.set_size(nonzero(rows), nonzero(cols));
        self.cols = cols;
        self.ends.as_ref().unwrap().master.resize(size(cols, rows)).unwrap();
    }

    /// The terminal accepts no more output from now on.
    pub(crate) fn stop_reading(&self) {
        self.state().is_paused = true;
    }

    /// The terminal accepts output again.
    pub(crate) fn read_on(&self) {
        self.state().is_paused = false;
        self.shared.changed.notify_all();
    }

    /// Hangs up, like closing the terminal's window.
    pub(crate) fn hang_up(&mut self) {
        let Some(ends) = self.ends.take() else { return };
        self.state().is_closing = true;
        self.shared.changed.notify_all();
        // The reader may be waiting for output, and holds the master meanwhile.
        if let Some(name) = ends.master.tty_name() {
            let mut options = File::options();
            options.write(true).custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK);
            let _ = options.open(name).and_then(|mut slave| slave.write_all(b"\0"));
        }
        self.reader.take().unwrap().join().unwrap();
    }

    /// The program's process.
    pub(crate) fn id(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Sends the program a signal by name, `TERM` for example.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// Waits for the end of the program, and for its last output unless nobody reads it.
    pub(crate) fn wait(&mut self) -> Ended {
        let shown = ShownInPanic(&self.shared);
        let mut status = None;
        wait_until("the program ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let reads = |shared: &Shared| !shared.state().is_paused;
        if let Some(reader) = self.reader.as_ref().filter(|_| reads(&self.shared)) {
            wait_until("the last output is shown", || reader.is_finished());
        }
        drop(shown);
        Ended::from(status.unwrap())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        self.hang_up();
        let _ = self.child.wait();
    }
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        let signal = status.signal().map(str::to_owned);
        Self { code: signal.is_none().then_some(status.exit_code()), signal }
    }
}

/// The process that a shell is running; `None` if there is none.
#[cfg(target_os = "linux")]
pub(crate) fn child_of(shell: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
    children.trim().parse().ok()
}

/// The process that a shell is running; `None` if there is none. Other systems have no /proc, and
/// not every Linux has `ps`.
#[cfg(not(target_os = "linux"))]
pub(crate) fn child_of(shell: u32) -> Option<u32> {
    let processes = Command::new("ps").args(["-A", "-o", "ppid=,pid="]).output().unwrap();
    let processes = String::from_utf8(processes.stdout).unwrap();
    processes.lines().find_map(|line| {
        let (parent, child) = line.trim().split_once(char::is_whitespace)?;
        (parent.parse() == Ok(shell)).then(|| child.trim().parse().ok())?
    })
}

/// Sends a process a signal by name.
pub(crate) fn signal(id: u32, name: &str) {
    // A process that has just ended accepts no signal; the test checks its effects.
    Command::new("kill")
        .args(["-s", name, &id.to_string()])
        .stderr(Stdio::null())
        .status()
        .unwrap();
}

/// Shows a program's output until it has ended, or the terminal hangs up.
fn show(mut output: Box<dyn Read + Send>, shared: &Shared) {
    let mut bytes = [0; 4096];
    loop {
        let state = shared.state();
        let waits = |state: &mut State| state.is_paused && !state.is_closing;
        let state = shared.changed.wait_while(state, waits).unwrap();
        if state.is_closing {
            return;
        }
        drop(state);
        // On Linux the end of the program is EIO.
        let n_bytes = output.read(&mut bytes).unwrap_or(0);
        if n_bytes == 0 {
            return;
        }
        let mut state = shared.state();
        state.parser.process(&bytes[..n_bytes]);
        state.written.extend(&bytes[..n_bytes]);
    }
}

fn builder(command: &Command) -> CommandBuilder {
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    for name in UNSET {
        builder.env_remove(name);
    }
    builder.env("TERM", "xterm-256color");
    builder.env("LANG", "C.UTF-8");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => builder.env(name, value),
            None => builder.env_remove(name),
        }
    }
    // Without it, the home folder would be used.
    let here = std::env::current_dir().unwrap();
    builder.cwd(command.get_current_dir().map_or(here.as_os_str(), |folder| OsStr::new(folder)));
    builder
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn nonzero(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}

/// Prints the screen when a test fails while this exists.
struct ShownInPanic<'a>(&'a Shared);

impl Drop for ShownInPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the screen was:\n{}", self.0.state().parser.screen().contents());
        }
    }
}
