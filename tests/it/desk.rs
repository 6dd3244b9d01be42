//! The whole program in a terminal: a tiny run that trains, and somebody at the desk.
//!
//! What is on the screen is compared where a person would look. What was done is read from the
//! journal.

mod continued;
mod given_back;
mod looks;
mod moves;
mod pasted;
mod replayed;
mod report;
mod same;
mod sizes;
// Whether the thread that draws waits is read from its CPU time in /proc, which only Linux has.
#[cfg(target_os = "linux")]
mod stalled;

use std::{fs, path::PathBuf, process::Command};

use auxdesk::{
    journal::FILE,
    protocol::{
        Event,
        event::{Ended as RunEnd, Reason, StepDone},
    },
    state::{Run, describe},
};

use crate::{
    exits::the_journal_is_whole,
    pty::{Ended, Modes, Pty, child_of},
    runs::{ENDLESS, Here, ending, journal, wait_for, wait_until},
};

/// No evaluation, so that nothing but steps happens until somebody does something, and some
/// milliseconds a step, so that a journal that is read again and again stays short.
const QUIET: &[&str] = &["train.evaluate_every=1000000", "train.batch_size=80"];

const SIZE: (u16, u16) = (80, 24);

const ESC: &str = "\x1b";
const CTRL_C: &str = "\x03";
const CTRL_R: &str = "\x12";
const CTRL_U: &str = "\x15";
const CTRL_Z: &str = "\x1a";

/// The program in a terminal, and the terminal's modes before it came.
struct Desk<'a> {
    pty: Pty,
    before: Modes,
    here: &'a Here,
}

impl<'a> Desk<'a> {
    /// A run in the folder `run` that trains until somebody ends it.
    fn training(here: &'a Here, size: (u16, u16), more: &[&str]) -> Self {
        let desk = Self::open(here, &mut endless(here, more), size);
        desk.is_live();
        // Each of journal and desk may know before the other, and without strips keys move nothing.
        wait_for(&desk.run(), "run_started");
        desk.pty.wait_for_text("frequency");
        desk
    }

    /// The program, started by nobody that could bring it back after Ctrl-Z.
    fn open(here: &'a Here, command: &mut Command, (cols, rows): (u16, u16)) -> Self {
        Self::start(here, command, |command| Pty::start(command, cols, rows))
    }

    /// The program as a job of a shell.
    fn under_a_shell(here: &'a Here, command: &mut Command, (cols, rows): (u16, u16)) -> Self {
        let desk = Self::start(here, command, |command| Pty::under_a_shell(command, cols, rows));
        desk.is_live();
        desk
    }

    fn start(here: &'a Here, command: &mut Command, start: impl Fn(&Command) -> Pty) -> Self {
        // What a terminal is like that nobody has touched.
        let before = Pty::start(&Command::new("cat"), SIZE.0, SIZE.1).modes();
        if command.get_envs().all(|(name, _)| name != "XDG_CONFIG_HOME") {
            // Whoever runs the tests may have a file for the desk.
            command.env("XDG_CONFIG_HOME", here.path("no-config"));
        }
        // A panic is told in two lines, wherever the tests are run.
        command.env("RUST_BACKTRACE", "0");
        let pty = start(command);
        Self { pty, before, here }
    }

    fn press(&mut self, keys: &str) {
        self.pty.send(keys);
    }

    fn run(&self) -> PathBuf {
        self.here.path("run")
    }

    fn events(&self) -> Vec<Event> {
        journal(&self.run()).events
    }

    /// The events after the first so many, but for those that come with steps and with scores.
    fn happened(&self, after: usize) -> Vec<Event> {
        let comes_with = |event: &Event| {
            matches!(
                event,
                Event::StepDone(_) | Event::GradientsMeasured(_) | Event::ClassesScored(_)
            )
        };
        self.events().into_iter().filter(|event| !comes_with(event)).skip(after).collect()
    }

    fn n_steps(&self) -> usize {
        let journal = fs::read_to_string(self.run().join(FILE)).unwrap_or_default();
        journal.matches("\n{\"kind\":\"step_done\"").count()
    }

    /// Presses keys and gives back what they made happen beside the steps: one event.
    fn done_by(&mut self, keys: &str) -> Event {
        let before = self.happened(0).len();
        self.press(keys);
        self.pty.wait_for(&format!("{keys:?} makes something happen"), |_| {
            !self.happened(before).is_empty()
        });
        let mut happened = self.happened(before);
        assert_eq!(happened.len(), 1, "{keys:?}: {happened:?}");
        let event = happened.remove(0);
        self.shows(&event);
        event
    }

    /// Waits until the desk knows of an event. The journal may know before it, and the next key is to find
    /// what this one did.
    fn shows(&mut self, event: &Event) {
        let words: String = describe(event, &Run::new(None)).join("  ").chars().take(60).collect();
        self.pty.wait_for_text(&words);
    }

    /// Waits for the step that computed with a number first.
    fn step(&self, number: u64) -> StepDone {
        let mut found = None;
        wait_until("the step is done", || {
            found = self.events().into_iter().find_map(|event| match event {
                Event::StepDone(event) if event.step.0 == number => Some(event),
                _ => None,
            });
            found.is_some()
        });
        found.unwrap()
    }

    fn trains_on(&self) {
        let before = self.n_steps();
        wait_until("training goes on", || self.n_steps() > before + 20);
    }

    /// Holds training after some steps, and clears the bottom line.
    fn pause(&mut self) {
        self.press(" ");
        self.pty.wait_for_text("PAUSED");
        self.clear();
    }

    /// Has the bottom line show keys again.
    fn clear(&mut self) {
        self.press(ESC);
        self.pty.wait_for("the keys are shown", |pty| {
            pty.text().lines().last().unwrap_or_default().starts_with(" ? help")
        });
    }

    /// The desk stands and the run goes on.
    fn is_live(&self) {
        self.pty.wait_for_text("LIVE");
        self.pty.wait_for_text("? help");
        self.is_up();
    }

    fn is_up(&self) {
        let modes = self.pty.modes();
        assert!(modes.is_alternate_screen && modes.is_cursor_hidden && modes.is_paste_marked);
        assert_ne!(modes.line, self.before.line);
        assert_eq!(modes.mouse, self.before.mouse, "nobody asked for the mouse");
    }

    fn is_given_back(&self) {
        assert_eq!(self.pty.modes(), self.before);
    }

    /// The programs below the shell: ours, or none.
    fn below_the_shell(&self) -> Option<u32> {
        child_of(self.pty.id())
    }

    /// Waits until the shell says a status, on a terminal that is as it was.
    fn shell_says(&self, status: &str) {
        self.pty.wait_for(&format!("the shell says {status}"), |pty| {
            !pty.modes().is_alternate_screen && pty.text().trim_end().ends_with(status)
        });
        self.is_given_back();
    }

    /// Says that the run is to end here, and that it is.
    fn quit(&mut self) {
        self.press("q");
        self.pty.wait_for_text("stop this run?");
        self.press("y");
        self.leaves(0);
    }

    /// Waits for the end, with the terminal as it was.
    fn leaves(&mut self, code: u32) {
        assert_eq!(self.pty.wait(), Ended { code: Some(code), signal: None });
        self.is_given_back();
    }

    /// How the run ended, by a journal that lacks nothing.
    fn ended(&self, ended: RunEnd, reason: Reason) {
        let end = ending(&self.run());
        assert_eq!((end.ended, end.reason), (ended, reason));
        the_journal_is_whole(&self.run());
    }
}

/// A tiny run in which nothing happens by itself, with these arguments added.
fn quiet(here: &Here, run: &str, steps: u64, more: &[&str]) -> Command {
    let mut args = more.to_vec();
    for set in QUIET {
        let key = &set[..=set.find('=').unwrap()];
        if more.iter().all(|word| !word.starts_with(key)) {
            args.extend(["--set", set]);
        }
    }
    here.tiny(run, steps, &args)
}

/// The same with more steps than anybody waits for.
fn endless(here: &Here, more: &[&str]) -> Command {
    quiet(here, "run", ENDLESS, more)
}
