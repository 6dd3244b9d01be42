//! A run's folder: new, empty, or rejected.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::state::run_name;

/// A folder that was new or empty and is now this run's.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    started: String,
    lock: Lock,
}

/// `diagnostics.log`, locked while the program runs: the process that holds the lock writes to the
/// run's folder. The operating system releases it when the process ends for any reason.
#[derive(Debug)]
struct Lock(File);

impl Lock {
    fn of(folder: &Path) -> Result<Self, TryLockError> {
        let path = folder.join("diagnostics.log");
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(TryLockError::Error)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(TryLockError::WouldBlock),
            // Training works on file systems without locks too.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self(file)),
        }
    }

    /// The lock of a new folder.
    fn of_new(folder: &Path) -> io::Result<Self> {
        Self::of(folder).map_err(io::Error::from)
    }
}

impl RunFolder {
    /// The requested folder, which must be new or empty. The error says what is wrong.
    pub fn given(path: &Path) -> Result<Self, String> {
        let fault = |error: io::Error| format!("--run {}: {error}", path.display());
        fs::create_dir_all(path).map_err(fault)?;
        if fs::read_dir(path).map_err(fault)?.next().is_some() {
            let path = path.display();
            return Err(format!(
                "--run {path}: expected a new or empty folder, found one with files"
            ));
        }
        writable(path).map_err(fault)?;
        let lock = Lock::of_new(path).map_err(fault)?;
        Ok(Self { path: path.to_owned(), started: now(), lock })
    }

    /// `runs/NAME-YYYYMMDD-HHMMSS` in the current folder; if the name is taken, with `-2`, `-3`, …
    pub fn made(recipe: &str) -> Result<Self, String> {
        let runs = Path::new("runs");
        let fault = |error: io::Error| {
            format!("{}: {error}; use --run DIR to write elsewhere", runs.display())
        };
        fs::create_dir_all(runs).map_err(fault)?;
        let started = now();
        let name = run_name(recipe, &started);
        for number in 1.. {
            let suffix = if number == 1 { String::new() } else { format!("-{number}") };
            let path = runs.join(format!("{name}{suffix}"));
            match fs::create_dir(&path) {
                Ok(()) => {
                    let lock = Lock::of_new(&path).map_err(fault)?;
                    return Ok(Self { path, started, lock });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(fault(error)),
            }
        }
        unreachable!("some number is free")
    }

    /// The folder of a run to continue. The error says what is wrong: the run may still be running.
    pub fn reopened(path: &Path) -> Result<Self, String> {
        let fault = |error: io::Error| format!("{}: {error}", path.display());
        writable(path).map_err(fault)?;
        match Lock::of(path) {
            Ok(lock) => Ok(Self { path: path.to_owned(), started: now(), lock }),
            Err(TryLockError::WouldBlock) => {
                Err(format!("{}: this run is still running", path.display()))
            }
            Err(TryLockError::Error(error)) => Err(fault(error)),
        }
    }

    /// The file for log messages.
    pub(super) fn diagnostics(&self) -> io::Result<File> {
        self.lock.0.try_clone()
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The start time of the run: UTC, in seconds.
    pub fn started(&self) -> &str {
        &self.started
    }
}

/// Creates a file, so that a folder without write permission is rejected before training.
fn writable(path: &Path) -> io::Result<()> {
    let probe = path.join(".auxdesk");
    fs::write(&probe, b"")?;
    fs::remove_file(probe)
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
