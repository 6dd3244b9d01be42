//! A command that is run on each alert, with the event on its standard input.
//!
//! Training does not wait for it: a command that hangs stays behind, and one that fails is mentioned
//! in the run's diagnostics.

use std::{
    io::{self, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use tracing::warn;

use crate::protocol::Event;

/// The maximum number of commands that are left running; further alerts are only mentioned.
const MOST_RUNNING: usize = 16;

/// How often it is checked which commands have ended.
const CHECK_INTERVAL: Duration = Duration::from_millis(200);

/// How long a session waits at its end for the last commands to have been started, and to end.
const LAST_COMMANDS: Duration = Duration::from_millis(500);

/// The thread that runs the command; dropped at the end of a session.
pub(super) struct Alerts {
    /// Disconnects when the thread has ended.
    done: Receiver<()>,
}

impl Alerts {
    /// Waits a moment for the last commands. The channel for alerts must be closed.
    pub(super) fn wait(&self) {
        let _ = self.done.recv_timeout(LAST_COMMANDS);
    }
}

/// Starts the thread, which ends when the channel for alerts closes.
pub(super) fn start(command: String) -> io::Result<(Sender<Event>, Alerts)> {
    let (sender, alerts) = crossbeam_channel::unbounded();
    let (running, done) = crossbeam_channel::bounded(0);
    let thread = thread::Builder::new().name("alerts".to_owned());
    thread.spawn(move || {
        let _running: Sender<()> = running;
        run_on_each(&command, &alerts);
    })?;
    Ok((sender, Alerts { done }))
}

fn run_on_each(command: &str, alerts: &Receiver<Event>) {
    let mut running: Vec<Child> = Vec::new();
    loop {
        let alert = alerts.recv_timeout(CHECK_INTERVAL);
        running.retain_mut(|child| is_running(command, child));
        match alert {
            Ok(_) if running.len() >= MOST_RUNNING => {
                warn!("--on-alert {command}: not run, as {MOST_RUNNING} are still running");
            }
            Ok(alert) => match run(command, &alert) {
                Ok(child) => running.push(child),
                Err(error) => warn!("--on-alert {command}: cannot be run: {error}"),
            },
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) if running.is_empty() => return,
            // Their results are still mentioned, unless the program ends before.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(CHECK_INTERVAL / 10),
        }
    }
}

fn is_running(command: &str, child: &mut Child) -> bool {
    match child.try_wait() {
        Ok(None) => return true,
        Ok(Some(status)) if status.success() => {}
        Ok(Some(status)) => warn!("--on-alert {command}: {status}"),
        Err(error) => warn!("--on-alert {command}: {error}"),
    }
    false
}

/// Starts the command in a process group of its own, which Ctrl-C does not reach. An event is
/// smaller than a pipe's buffer, so a command that reads nothing does not block.
fn run(command: &str, alert: &Event) -> io::Result<Child> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        let line = serde_json::to_string(alert)? + "\n";
        match input.write_all(line.as_bytes()) {
            // It may have ended without reading.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            _ => {}
        }
    }
    Ok(child)
}
