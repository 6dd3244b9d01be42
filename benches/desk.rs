//! The cost of the desk for a run, and its latency: the whole program in a pseudo-terminal,
//! training the default recipe with all its threads.
//!
//! `cargo bench --bench desk` prints the time from a key press on a fader to the pending mark on
//! the screen and to the applied gain, and the CPU time of the screen's thread. The reader is a
//! terminal emulator of its own, so the measurement includes what a user would see, and the
//! reader's own delays. `cargo bench --bench desk -- pairs [N]` trains N times (7) with the desk
//! and without it, interleaved, and prints the throughput of each.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench reads the clock, prints, and may stop where something is wrong"
)]

use std::{
    env, fs,
    io::{Read, Write},
    num::NonZeroU16,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use auxdesk::{
    journal::{FILE, Journal},
    protocol::{Event, Summary},
};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;
use vt100::Parser;

const PRESSES: usize = 100;

/// How long the screen's thread is measured.
const WATCHED: Duration = Duration::from_secs(20);

/// A timeout longer than anything here takes.
const LIMIT: Duration = Duration::from_mins(2);

/// Bytes that arrive this much later belong to another frame.
const APART: Duration = Duration::from_millis(8);

/// A requested gain on its fader.
const PENDING: char = '○';

fn main() {
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    machine();
    if words.first().is_some_and(|word| word == "pairs") {
        let n_pairs = words.get(1).and_then(|word| word.parse().ok()).unwrap_or(7);
        return pairs(n_pairs);
    }
    for size in [(80, 24), (200, 60)] {
        presses(size);
    }
    screen_share((200, 60));
}

fn machine() {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let (model, load) = (model.trim_start_matches(['\t', ':', ' ']), load.trim());
    println!("{model}, {cores} cores, load {load}");
}

/// The time from a key press to its effects on the screen.
fn presses(size: (u16, u16)) {
    let mut desk =
        Desk::train(size, &["--epochs", "10000", "--set", "train.evaluate_every=1000000"]);
    desk.wait("training", |screen| screen.contains("LIVE"));
    thread::sleep(Duration::from_secs(2));
    let (mut pending, mut applied, mut n_unseen) = (Vec::new(), Vec::new(), 0);
    for number in 0..PRESSES {
        let (key, answer) = if number % 2 == 0 { ("l", "to 1.050 ") } else { ("h", "to 1.000 ") };
        // Key presses are spread over steps and frames.
        thread::sleep(Duration::from_millis(100 + (number as u64 * 37) % 101));
        let pressed = Instant::now();
        desk.press(key);
        let done = |screen: &str| screen.lines().last().is_some_and(|line| line.contains(answer));
        let seen = desk.wait("the wish", |screen| screen.contains(PENDING) || done(screen));
        let was_pending = desk.text().contains(PENDING);
        n_unseen += usize::from(!was_pending);
        pending.push(ms(seen - pressed));
        applied.push(ms(desk.wait("the answer", done) - pressed));
    }
    let events = desk.stop();
    let steps: Vec<f64> = applied_steps(&events);
    assert_eq!(steps.len(), PRESSES);
    let beyond: Vec<f64> = applied.iter().zip(&steps).map(|(all, step)| all - step).collect();
    let (columns, rows) = size;
    println!("{columns}x{rows}, {PRESSES} presses while training, in ms:");
    println!("  a step took             {}", spread(&steps));
    println!("  key to pending mark     {}", spread(&pending));
    println!("  (answered before a frame could show the mark: {n_unseen})");
    println!("  key to applied gain     {}", spread(&applied));
    println!("  the same less the step  {}", spread(&beyond));
}

/// The duration of the step during which each gain was requested.
fn applied_steps(events: &[Event]) -> Vec<f64> {
    let mut last_ms = 0.0;
    let mut steps = Vec::new();
    for event in events {
        match event {
            Event::StepDone(event) => last_ms = event.step_ms as f64,
            Event::GainSet(_) => steps.push(last_ms),
            _ => {}
        }
    }
    steps
}

/// The CPU time of the screen's thread during training.
fn screen_share(size: (u16, u16)) {
    let mut desk = Desk::train(size, &["--epochs", "10000"]);
    desk.wait("training", |screen| screen.contains("LIVE"));
    thread::sleep(Duration::from_secs(2));
    let (columns, rows) = size;
    println!("{columns}x{rows}, the screen's thread:");
    watch("while training     ", &desk, WATCHED);
    desk.press(" ");
    desk.wait("the pause", |screen| screen.contains("PAUSED"));
    watch("while nothing moves", &desk, WATCHED / 4);
    desk.stop();
}

fn watch(when: &str, desk: &Desk, long: Duration) {
    let place = desk.screen_thread();
    let (begun, cpu_before, before) = (Instant::now(), cpu_ms(&place), desk.seen());
    thread::sleep(long);
    let (wall, cpu, after) = (ms(begun.elapsed()), cpu_ms(&place) - cpu_before, desk.seen());
    let (n_frames, n_bytes) = (after.frames - before.frames, after.bytes - before.bytes);
    let (seconds, share) = (wall / 1e3, cpu / wall * 100.0);
    let (pace, length) = (n_frames as f64 / seconds, n_bytes / n_frames.max(1));
    println!(
        "  {when}  {share:.2} % of {seconds:.0} s ({cpu:.0} ms), {pace:.1} frames a second of \
         {length} bytes"
    );
}

/// The CPU time of a thread.
fn cpu_ms(thread: &Path) -> f64 {
    let stat = fs::read_to_string(thread.join("schedstat")).unwrap();
    stat.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e6
}

/// The same run with the desk and without it, interleaved.
fn pairs(n_pairs: usize) {
    let (mut open, mut headless) = (Vec::new(), Vec::new());
    for number in 1..=n_pairs {
        let mut desk = Desk::train((200, 60), &["--epochs", "3"]);
        desk.wait("the end", |screen| screen.contains("FINISHED"));
        desk.press("q");
        open.push(desk.tokens_per_second());
        let mut lines = Desk::train((200, 60), &["--epochs", "3", "--headless"]);
        headless.push(lines.tokens_per_second());
        println!(
            "pair {number}: desk {:.0}  headless {:.0}",
            open[number - 1],
            headless[number - 1]
        );
    }
    let list = |all: &[f64]| all.iter().map(|x| format!("{x:.0}")).collect::<Vec<_>>().join(" ");
    println!("tokens a second with the desk: {}", list(&open));
    println!("tokens a second headless:      {}", list(&headless));
    let [desk, none] = [median(&open), median(&headless)];
    println!("medians {desk:.0} and {none:.0}: {:.4} times", desk / none);
}

/// The program in a terminal that is read continuously.
struct Desk {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    shared: Arc<Shared>,
    folder: TempDir,
    /// Kept open: otherwise the program's terminal would hang up.
    _master: Box<dyn MasterPty + Send>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: Parser,
    seen: Seen,
    /// The time of the last output.
    at: Instant,
    is_over: bool,
}

/// The output so far.
#[derive(Clone, Copy, Default)]
struct Seen {
    bytes: u64,
    frames: u64,
}

impl Desk {
    fn train((cols, rows): (u16, u16), more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_auxdesk"));
        command.args(["train", "chunking", "--set", "train.patience=1000000", "--run"]);
        command.arg(folder.path().join("run"));
        command.args(more);
        command.cwd(folder.path());
        for name in ["NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "COLORTERM", "LC_ALL", "LC_CTYPE"]
        {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("XDG_CONFIG_HOME", folder.path());
        // Without the tour, which would be shown on the first start.
        fs::create_dir_all(folder.path().join("auxdesk")).unwrap();
        fs::write(folder.path().join("auxdesk/tour-ended"), "").unwrap();
        command.env("XDG_STATE_HOME", folder.path());
        let child = pair.slave.spawn_command(command).unwrap();
        let [rows, cols] = [rows, cols].map(|length| NonZeroU16::new(length).unwrap());
        let (seen, at) = (Seen::default(), Instant::now());
        let state = State { parser: Parser::new(rows, cols, 0), seen, at, is_over: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let mut output = pair.master.try_clone_reader().unwrap();
        let reader = Arc::clone(&shared);
        thread::spawn(move || read_along(&mut output, &reader));
        let keyboard = pair.master.take_writer().unwrap();
        Self { child, keyboard, shared, folder, _master: pair.master }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Waits for a condition of the screen, and returns its time.
    fn wait(&self, what: &str, is_so: impl Fn(&str) -> bool) -> Instant {
        let begun = Instant::now();
        let mut state = self.shared.state();
        loop {
            let screen = state.parser.screen().contents();
            if is_so(&screen) {
                return state.at;
            }
            assert!(!state.is_over && begun.elapsed() < LIMIT, "waited for {what}:\n{screen}");
            (state, _) = self.shared.changed.wait_timeout(state, LIMIT).unwrap();
        }
    }

    fn text(&self) -> String {
        self.shared.state().parser.screen().contents()
    }

    fn seen(&self) -> Seen {
        self.shared.state().seen
    }

    fn screen_thread(&self) -> PathBuf {
        let tasks = format!("/proc/{}/task", self.child.process_id().unwrap());
        let mut folders = fs::read_dir(tasks).unwrap().map(|task| task.unwrap().path());
        let is_it =
            |folder: &PathBuf| fs::read_to_string(folder.join("comm")).unwrap() == "screen\n";
        folders.find(is_it).unwrap()
    }

    /// Stops the run by a signal, so that nothing more is evaluated; returns its events.
    fn stop(mut self) -> Vec<Event> {
        self.press("\x03");
        self.child.wait().unwrap();
        Journal::read(&self.folder.path().join("run").join(FILE)).unwrap().events
    }

    fn tokens_per_second(&mut self) -> f64 {
        self.child.wait().unwrap();
        let summary = fs::read_to_string(self.folder.path().join("run/summary.json")).unwrap();
        let summary: Summary = serde_json::from_str(&summary).unwrap();
        f64::from(summary.tokens_per_second)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn read_along(output: &mut dyn Read, shared: &Shared) {
    let mut bytes = [0; 16 * 1024];
    loop {
        let n_bytes = output.read(&mut bytes).unwrap_or(0);
        let at = Instant::now();
        let mut state = shared.state();
        state.seen.bytes += n_bytes as u64;
        state.seen.frames += u64::from(at - state.at > APART);
        state.at = at;
        state.is_over = n_bytes == 0;
        state.parser.process(&bytes[..n_bytes]);
        drop(state);
        shared.changed.notify_all();
        if n_bytes == 0 {
            return;
        }
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn median(all: &[f64]) -> f64 {
    part(all, 0.5)
}

fn part(all: &[f64], part: f64) -> f64 {
    let mut sorted = all.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * part).round() as usize]
}

fn spread(all: &[f64]) -> String {
    let [p50, p95, most] = [0.5, 0.95, 1.0].map(|share| part(all, share));
    format!("p50 {p50:6.1}  p95 {p95:6.1}  max {most:6.1}")
}
