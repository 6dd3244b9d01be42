//! Reading of a long journal: lines and megabytes per CPU second, and peak memory.
//!
//! `cargo bench --bench journal` reads one million losses; `-- STEPS` another number of steps. The
//! last column compares with `serde_json` parsing the same lines to trees in the same process, so
//! that results of different machines can be compared.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may panic, and prints")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
};

use auxdesk::{
    journal,
    state::Run,
    tui::replay::{Player, SeekProgress},
};

#[path = "../tests/it/long/journal.rs"]
#[allow(dead_code, reason = "tests look closer at the journal than this does")]
mod long;
#[path = "memory.rs"]
mod memory;

/// One million losses of the eight objectives.
const STEPS: u64 = 125_000;

fn main() {
    let steps = std::env::args().find_map(|arg| arg.parse().ok());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(journal::FILE);
    long::Long { steps: steps.unwrap_or(STEPS) }.write(&path);
    let bytes = fs::metadata(&path).unwrap().len();
    println!("{:>12} {:>10} {:>10} {:>8} {:>8} {:>8}", "", "CPU s", "lines/s", "MB/s", "MiB", "x");

    let tree = measured(|| trees(&path));
    let tell = |name: &str, reported: Measured| {
        let seconds = reported.seconds;
        println!(
            "{name:>12} {seconds:>10.3} {:>10.0} {:>8.0} {:>8.1} {:>8.2}",
            reported.lines as f64 / seconds,
            bytes as f64 / 1e6 / seconds,
            reported.peak_mib,
            tree.seconds / seconds,
        );
    };
    tell("tree", tree);
    tell("given away", measured(|| given_away(&path)));
    tell("read", measured(|| read(&path)));
    tell("read + fold", measured(|| folded(&path)));
    tell("to the end", measured(|| to_the_end(&path)));

    let mut player = Player::open(&path).unwrap();
    player.seek_end().unwrap();
    finish(&mut player);
    let back = measured(|| {
        player.step_back(1).unwrap();
        finish(&mut player)
    });
    let (steps, ms) = (player.run().step, back.seconds * 1e3);
    println!("a step back, to step {steps}: {ms:.1} ms, {:.1} MiB at most", back.peak_mib);
}

/// A replay as on the desk.
fn to_the_end(path: &Path) -> u64 {
    let mut player = Player::open(path).unwrap();
    player.seek_end().unwrap();
    finish(&mut player)
}

fn finish(player: &mut Player) -> u64 {
    let mut n_lines = 0;
    while player.fold_some(1).unwrap() != SeekProgress::Arrived {
        n_lines += 1;
    }
    n_lines
}

fn trees(path: &Path) -> u64 {
    let mut lines = BufReader::new(fs::File::open(path).unwrap());
    let (mut line, mut n_lines) = (Vec::new(), 0);
    while lines.read_until(b'\n', &mut line).unwrap() > 0 {
        serde_json::from_slice::<serde_json::Value>(&line).unwrap();
        line.clear();
        n_lines += 1;
    }
    n_lines
}

fn given_away(path: &Path) -> u64 {
    journal::open(path).unwrap().map(|event| u64::from(event.is_ok())).sum()
}

fn read(path: &Path) -> u64 {
    let mut reader = journal::open(path).unwrap();
    let mut n_lines = 0;
    while reader.read_event().unwrap().is_some() {
        n_lines += 1;
    }
    n_lines
}

fn folded(path: &Path) -> u64 {
    let mut reader = journal::open(path).unwrap();
    let mut run = Run::new(Some(reader.header()));
    let mut n_lines = 0;
    while let Some(event) = reader.read_event().unwrap() {
        run.apply(event);
        n_lines += 1;
    }
    n_lines
}

#[derive(Clone, Copy)]
struct Measured {
    lines: u64,
    seconds: f64,
    peak_mib: f64,
}

/// The median of five runs.
fn measured(mut work: impl FnMut() -> u64) -> Measured {
    let once = |_| {
        // Writing 5 resets the kernel's peak; where that is not permitted, peaks only grow.
        let _ = fs::write("/proc/self/clear_refs", "5");
        let before = cpu_seconds();
        let lines = work();
        Measured { lines, seconds: cpu_seconds() - before, peak_mib: memory::peak_mib() }
    };
    let mut runs: Vec<Measured> = (0..5).map(once).collect();
    runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    runs[2]
}

/// CPU seconds of this thread, including system time.
fn cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}
