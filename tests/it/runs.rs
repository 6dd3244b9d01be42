//! Tiny runs of the whole program. Helpers only; the tests say what must hold.
//!
//! Each test has its own folder with an excerpt of the sample corpus, on which a run with a few
//! small layers takes a fraction of a second.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{Read, Seek},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use auxdesk::{
    journal::Journal,
    protocol::{Event, Report, event::RunEnded},
    train::checkpoint::{self, Checkpoint},
};
use serde_json::Value;
use tempfile::TempDir;

/// The settings of every tiny run, unless a test sets the same key.
const TINY: &[&str] = &[
    "corpus.news.train=train.tsv",
    "corpus.news.dev=dev.tsv",
    "corpus.news.test=test.tsv",
    "train.batch_size=8",
    "train.evaluate_every=10",
    "encoder.words.width=8",
    "encoder.words.characters.width=4",
    "encoder.words.characters.hidden=4",
    "encoder.trunk.width=8",
    "objective.next-word.vocabulary=50",
];

/// More steps than any test waits for.
pub(crate) const ENDLESS: u64 = 1_000_000;

/// A current folder with three small corpora.
pub(crate) struct Here(TempDir);

impl Here {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (split, n_sentences) in [("train", 160), ("dev", 40), ("test", 40)] {
            let text = fs::read_to_string(format!("sample-data/news/{split}.tsv")).unwrap();
            let sentences: Vec<&str> = text.split_inclusive("\n\n").take(n_sentences).collect();
            fs::write(folder.path().join(format!("{split}.tsv")), sentences.concat()).unwrap();
        }
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The program with these arguments, in this folder.
    pub(crate) fn auxdesk<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Command {
        let mut command = hearing(env!("CARGO_BIN_EXE_auxdesk"));
        self.prepare(command.args(args));
        command
    }

    /// A shell that runs `script`, where `"$@"` is the program with these arguments.
    pub(crate) fn shell(&self, script: &str, program: &Command) -> Command {
        let n_around = hearing("").get_args().len();
        let mut command = hearing("sh");
        command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_auxdesk")]);
        command.args(program.get_args().skip(n_around));
        self.prepare(&mut command);
        command
    }

    fn prepare(&self, command: &mut Command) {
        command.current_dir(&self.0).stdin(Stdio::null());
        for name in [
            "AUXDESK_PANIC_AT_STEP",
            "AUXDESK_ERROR_AT_STEP",
            "AUXDESK_OUT_OF_MEMORY_AT_STEP",
            "AUXDESK_PANIC_AT_FRAME",
            "COLUMNS",
        ] {
            command.env_remove(name);
        }
    }

    /// `train chunking --run RUN --steps N`, small, with these additional arguments.
    pub(crate) fn tiny(&self, run: &str, steps: u64, more: &[&str]) -> Command {
        // Early stopping would end it.
        let patience = (steps == ENDLESS).then_some("train.patience=1000000");
        let steps = steps.to_string();
        let mut args = vec!["train", "chunking", "--run", run, "--steps", &steps];
        if !more.contains(&"--threads") {
            args.extend(["--threads", "1"]);
        }
        args.extend(more);
        let key = |set: &str| set.split_once('=').map(|(key, _)| key.to_owned());
        let sets = TINY.iter().copied().chain(patience);
        for set in sets.filter(|set| more.iter().all(|other| key(other) != key(set))) {
            args.extend(["--set", set]);
        }
        self.auxdesk(args)
    }

    /// A finished tiny run; returns its folder.
    pub(crate) fn finished(&self, run: &str, steps: u64, more: &[&str]) -> PathBuf {
        let exited = finish(&mut self.tiny(run, steps, more));
        assert_eq!(exited.code, Some(0), "{}", exited.err);
        self.path(run)
    }
}

/// A running program; killed with the test at the latest.
pub(crate) struct Started {
    child: Child,
    out: Option<File>,
    err: Option<File>,
}

/// The result of a program.
pub(crate) struct Exited {
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Starts a program and captures both outputs.
pub(crate) fn start(command: &mut Command) -> Started {
    let (out, err) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    command.stdout(out.try_clone().unwrap()).stderr(err.try_clone().unwrap());
    Started { child: command.spawn().unwrap(), out: Some(out), err: Some(err) }
}

/// Runs a program to its end.
pub(crate) fn finish(command: &mut Command) -> Exited {
    start(command).wait()
}

/// Runs a program to its end, with this standard input.
pub(crate) fn finish_with(command: &mut Command, input: &str) -> Exited {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, input.as_bytes()).unwrap();
    file.rewind().unwrap();
    finish(command.stdin(file))
}

impl Started {
    /// A program whose outputs the test reads itself.
    pub(crate) fn of(child: Child) -> Self {
        Self { child, out: None, err: None }
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Sends a signal by name, `INT` for example.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        // A program that has just ended accepts no signal; the test checks its effects.
        Command::new("kill").args(["-s", name, &id]).stderr(Stdio::null()).status().unwrap();
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Exited {
        wait_until("the program ends", || self.has_ended());
        let status = self.child.wait().unwrap();
        let text = |file: &mut Option<File>| {
            let mut bytes = Vec::new();
            if let Some(file) = file {
                file.rewind().unwrap();
                file.read_to_end(&mut bytes).unwrap();
            }
            String::from_utf8(bytes).unwrap()
        };
        Exited {
            code: status.code(),
            signal: status.signal(),
            out: text(&mut self.out),
            err: text(&mut self.err),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a condition, at most a minute.
#[expect(clippy::disallowed_methods, reason = "a limit in minutes, whatever a look takes")]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_mins(1) {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("waited a minute until {what}");
}

/// Waits until a run's journal has a line of that kind.
pub(crate) fn wait_for(run: &Path, kind: &str) {
    let line = format!("\n{{\"kind\":\"{kind}\"");
    wait_until(kind, || {
        let journal = fs::read_to_string(run.join("journal.jsonl"));
        journal.is_ok_and(|journal| journal.contains(&line))
    });
}

/// A run's journal.
pub(crate) fn journal(run: &Path) -> Journal {
    Journal::read(&run.join("journal.jsonl")).unwrap()
}

/// The last event of a run's journal, which must be its end.
pub(crate) fn ending(run: &Path) -> RunEnded {
    match journal(run).events.pop() {
        Some(Event::RunEnded(ended)) => ended,
        other => panic!("expected run_ended, found {other:?}"),
    }
}

/// A checkpoint, all of whose files have been read to their end.
pub(crate) fn whole_checkpoint(run: &Path, name: &str) -> Checkpoint {
    let folder = run.join("checkpoints").join(name);
    for file in ["model.safetensors", "optimiser.safetensors"] {
        let tensors = candle_core::safetensors::load(folder.join(file), &candle_core::Device::Cpu);
        assert!(!tensors.unwrap().is_empty(), "{name}/{file}");
    }
    checkpoint::open(run, name).unwrap().unwrap()
}

/// A report as the program writes it. Texts are compared, since a `Value` of an `f32` has more
/// digits than the text.
pub(crate) fn document(report: &Report) -> String {
    serde_json::to_string(report).unwrap() + "\n"
}

/// The one JSON document in a text.
pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A JSON file of a run's folder.
pub(crate) fn json_file(run: &Path, name: &str) -> Value {
    json(&fs::read_to_string(run.join(name)).unwrap())
}

/// A program that receives signals which these tests may have been started to ignore, under nohup
/// or behind a shell's `&`: a child inherits that, and auxdesk would rightly respect it.
fn hearing(program: &str) -> Command {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let deaf: Vec<&str> = [("HUP", 1), ("INT", 2), ("TERM", 15)]
        .into_iter()
        .filter(|(_, number)| ignored & (1 << (number - 1)) != 0)
        .map(|(name, _)| name)
        .collect();
    if deaf.is_empty() {
        return Command::new(program);
    }
    let mut env = Command::new("env");
    env.arg(format!("--default-signal={}", deaf.join(","))).arg(program);
    env
}
