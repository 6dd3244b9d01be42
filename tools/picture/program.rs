//! A program in a pseudo-terminal, and the screen that it draws. It ends with its owner, if not before.

use std::{
    ffi::OsStr,
    io::{Read, Write},
    num::NonZeroU16,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use vt100::{Parser, Screen};

use crate::script::Act;

/// How long a thing is waited for.
const LIMIT: Duration = Duration::from_secs(180);

/// Between two frames the desk writes nothing for longer than this, within one for less.
const QUIET: Duration = Duration::from_millis(15);

/// What would make two pictures of one run differ from machine to machine.
const UNSET: &[&str] =
    &["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "COLORFGBG", "LC_ALL", "TMUX"];

/// The program and its terminal.
pub(crate) struct Program {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    parser: Parser,
    // Closed only when the program has ended.
    _master: Box<dyn MasterPty + Send>,
}

/// What to start, and where.
pub(crate) struct Start<'a> {
    /// The program's file.
    pub(crate) program: &'a OsStr,
    /// What it is given.
    pub(crate) arguments: &'a [String],
    /// Variables that it sees.
    pub(crate) variables: &'a [(&'a str, &'a str)],
    /// Columns and rows.
    pub(crate) size: (NonZeroU16, NonZeroU16),
}

impl Program {
    pub(crate) fn start(start: &Start) -> Result<Self, String> {
        let Start { program, arguments, variables, size: (columns, rows) } = *start;
        let fault = |what: &'static str| move |error| format!("{what}: {error:#}");
        let size =
            PtySize { rows: rows.get(), cols: columns.get(), pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).map_err(fault("no pseudo-terminal"))?;
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        for name in UNSET {
            command.env_remove(name);
        }
        let steady = [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LANG", "C.UTF-8")];
        for (name, value) in steady.iter().chain(variables) {
            command.env(name, value);
        }
        // Where there is none it would take the home folder.
        let here =
            std::env::current_dir().map_err(|error| format!("no current folder: {error}"))?;
        command.cwd(here);
        let child = pair.slave.spawn_command(command).map_err(|error| format!("{error:#}"))?;
        let mut reader = pair.master.try_clone_reader().map_err(fault("no output"))?;
        let keyboard = pair.master.take_writer().map_err(fault("no keyboard"))?;
        let (sender, output) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end of the program is an error on Linux.
            while let Ok(n_bytes @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..n_bytes].to_vec()).is_err() {
                    return;
                }
            }
        });
        let parser = Parser::new(rows, columns, 0);
        Ok(Self { child, keyboard, output, parser, _master: pair.master })
    }

    pub(crate) fn screen(&self) -> &Screen {
        self.parser.screen()
    }

    /// Does one thing of a script.
    pub(crate) fn act(&mut self, act: &Act) -> Result<(), String> {
        match act {
            Act::Step(wanted) => self.wait(&format!("step {wanted}"), |screen| {
                step(screen).is_some_and(|step| step >= *wanted)
            }),
            Act::See(text) => {
                self.wait(&format!("{text:?}"), |screen| rows(screen).any(|row| row.contains(text)))
            }
            Act::Send(keys) => {
                let sent = self.keyboard.write_all(keys.as_bytes());
                sent.and_then(|()| self.keyboard.flush()).map_err(|_| self.ended())?;
                // Each key press is answered by a frame. And what follows Esc at once is Alt with it.
                self.settle().map(drop)
            }
        }
    }

    /// Takes in the rest of the frame that is being written.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        let mut wait = 8 * QUIET;
        let since = now();
        loop {
            match self.output.recv_timeout(wait) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
            }
            if since.elapsed() > LIMIT {
                return Err("the screen never stands still".to_owned());
            }
            wait = QUIET;
        }
    }

    fn wait(&mut self, what: &str, is_so: impl Fn(&Screen) -> bool) -> Result<(), String> {
        let since = now();
        while !is_so(self.screen()) {
            let Some(left) = LIMIT.checked_sub(since.elapsed()) else {
                let (limit, shown) = (LIMIT.as_secs(), self.screen().contents());
                return Err(format!("no {what} within {limit} s; the screen shows\n{shown}"));
            };
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
            }
        }
        Ok(())
    }

    fn ended(&self) -> String {
        format!("the program has ended; it said\n{}", self.screen().contents().trim_end())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // By its own number: first asked as by a terminal that is closed, then made to.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "what is waited for here is another program")]
fn now() -> Instant {
    Instant::now()
}

fn rows(screen: &Screen) -> impl Iterator<Item = String> {
    let (_, columns) = screen.size();
    screen.rows(0, columns.get())
}

/// The step that the first row tells: `step 1,234/40,000`.
fn step(screen: &Screen) -> Option<u64> {
    let first = rows(screen).next()?;
    let (_, rest) = first.split_once("step ")?;
    let number = rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',');
    number.filter(|c| *c != ',').collect::<String>().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str) -> Program {
        let size = |n| NonZeroU16::new(n).unwrap();
        let arguments = ["-c".to_owned(), script.to_owned()];
        let (variables, size) = (&[][..], (size(40), size(4)));
        Program::start(&Start { program: "sh".as_ref(), arguments: &arguments, variables, size })
            .unwrap()
    }

    #[test]
    fn a_step_is_waited_for_and_a_key_is_answered() {
        let mut program =
            start("printf 'a  step 1,2'; printf '34/9'; read -r key; echo got $key; cat");
        program.act(&Act::Step(1234)).unwrap();
        program.act(&Act::Send("x\r".to_owned())).unwrap();
        program.act(&Act::See("got x".to_owned())).unwrap();
        assert!(program.child.try_wait().unwrap().is_none(), "it ends with its owner");
    }

    #[test]
    fn a_program_that_ends_too_soon_is_told_with_its_last_words() {
        let mut program = start("echo no such recipe");
        let fault = program.act(&Act::Step(1)).unwrap_err();
        assert_eq!(fault, "the program has ended; it said\nno such recipe");
    }
}
