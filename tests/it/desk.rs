//! The whole program in a terminal: a tiny run that trains, and key presses at the desk.
//!
//! The screen is compared where a user would look. Effects are read from the journal.

mod continued;
mod given_back;
mod looks;
mod moves;
mod pasted;
mod replayed;
mod report;
mod same;
mod sizes;
// Whether the drawing thread waits is read from its CPU time in /proc, which only Linux has.
#[cfg(target_os = "linux")]
mod stalled;
mod tour;
mod train_on;

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
    exits::assert_journal_is_complete,
    pty::{Ended, Modes, Pty, child_of},
    runs::{ENDLESS, Here, ending, journal, wait_for, wait_until},
};

/// No evaluations, so that nothing but steps happens without a key press, and some milliseconds per
/// step, so that a journal that is read repeatedly stays short.
const QUIET: &[&str] = &["train.evaluate_every=1000000", "train.batch_size=80"];

const SIZE: (u16, u16) = (80, 24);

const ESC: &str = "\x1b";
const CTRL_C: &str = "\x03";
const CTRL_R: &str = "\x12";
const CTRL_U: &str = "\x15";
const CTRL_Z: &str = "\x1a";

/// The program in a terminal, and the terminal's modes before it started.
struct Desk<'a> {
    pty: Pty,
    before: Modes,
    here: &'a Here,
}

impl<'a> Desk<'a> {
    /// A run in the folder `run` that trains until it is stopped.
    fn training(here: &'a Here, size: (u16, u16), more: &[&str]) -> Self {
        let desk = Self::open(here, &mut endless(here, more), size);
        desk.is_live();
        // Journal and desk receive events independently, and without strips the keys have no
        // effect.
        wait_for(&desk.run(), "run_started");
        desk.pty.wait_for_text("frequency");
        desk
    }

    /// The program without a shell that could resume it after Ctrl-Z.
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
        // The modes of an untouched terminal.
        let before = Pty::start(&Command::new("cat"), SIZE.0, SIZE.1).modes();
        if command.get_envs().all(|(name, _)| name != "XDG_CONFIG_HOME") {
            // The user who runs the tests may have a desk.toml.
            command.env("XDG_CONFIG_HOME", here.path("no-config"));
        }
        if command.get_envs().all(|(name, _)| name != "XDG_STATE_HOME") {
            // Whoever runs the tests, the tour is over.
            fs::create_dir_all(here.path("state/auxdesk")).unwrap();
            here.write("state/auxdesk/tour-ended", "");
            command.env("XDG_STATE_HOME", here.path("state"));
        }
        // A panic is printed in two lines, independently of the environment.
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

    /// The events from the given index on, except those of steps and scores.
    fn happened(&self, after: usize) -> Vec<Event> {
        let comes_with = |event: &Event| {
            matches!(
                event,
                Event::StepDone(_)
                    | Event::GradientsMeasured(_)
                    | Event::ShadowShares(_)
                    | Event::AffinitiesMeasured(_)
                    | Event::PhasesTimed(_)
                    | Event::ClassesScored(_)
                    | Event::SamplesTaken(_)
            )
        };
        self.events().into_iter().filter(|event| !comes_with(event)).skip(after).collect()
    }

    fn n_steps(&self) -> usize {
        let journal = fs::read_to_string(self.run().join(FILE)).unwrap_or_default();
        journal.matches("\n{\"kind\":\"step_done\"").count()
    }

    /// Presses keys and returns the one event, other than steps, that they cause.
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

    /// Waits until the desk has received an event. The journal may have it earlier, and the next
    /// key must see the effect of the previous one.
    fn shows(&mut self, event: &Event) {
        let words: String = describe(event, &Run::new(None)).join("  ").chars().take(60).collect();
        self.pty.wait_for_text(&words);
    }

    /// Waits for the step with that number.
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

    /// Pauses training after some steps, and clears the bottom line.
    fn pause(&mut self) {
        self.press(" ");
        self.pty.wait_for_text("PAUSED");
        self.clear();
    }

    /// Makes the bottom line show keys again.
    fn clear(&mut self) {
        self.press(ESC);
        self.pty.wait_for("the keys are shown", |pty| {
            pty.text().lines().last().unwrap_or_default().starts_with(" ? help")
        });
    }

    /// The desk is shown and the run trains.
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

    fn is_restored(&self) {
        assert_eq!(self.pty.modes(), self.before);
    }

    /// The process below the shell: ours, or none.
    fn below_the_shell(&self) -> Option<u32> {
        child_of(self.pty.id())
    }

    /// Waits until the shell prints a status, on a restored terminal.
    fn shell_says(&self, status: &str) {
        self.pty.wait_for(&format!("the shell says {status}"), |pty| {
            !pty.modes().is_alternate_screen && pty.text().trim_end().ends_with(status)
        });
        self.is_restored();
    }

    /// Stops the run and confirms it.
    fn quit(&mut self) {
        self.press("q");
        self.pty.wait_for_text("stop this run?");
        self.press("y");
        self.leaves(0);
    }

    /// Waits for the end, with the terminal restored.
    fn leaves(&mut self, code: u32) {
        assert_eq!(self.pty.wait(), Ended { code: Some(code), signal: None });
        self.is_restored();
    }

    /// How the run ended, from a complete journal.
    fn ended(&self, ended: RunEnd, reason: Reason) {
        let end = ending(&self.run());
        assert_eq!((end.ended, end.reason), (ended, reason));
        assert_journal_is_complete(&self.run());
    }
}

/// A tiny run in which nothing happens by itself, with these additional arguments.
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

/// The same with more steps than any test waits for.
fn endless(here: &Here, more: &[&str]) -> Command {
    quiet(here, "run", ENDLESS, more)
}
