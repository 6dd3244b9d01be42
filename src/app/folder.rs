//! A run's folder, which one process claims before it writes anything else.

mod claim;
mod remains;

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::whole::is_part;
use crate::{journal, state::run_name};
use claim::{CLAIM, Claim, NotClaimed};
use remains::{Made, Remains};

/// The resolved recipe of a run.
pub(super) const RECIPE: &str = "recipe.toml";

/// A folder that this process has claimed, new, empty or reopened.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    started: String,
    claim: Claim,
    /// What is removed unless a run begins.
    unless_begun: Option<Remains>,
}

impl RunFolder {
    /// The requested folder, which must be new or empty. The error says what is wrong.
    pub fn given(path: &Path) -> Result<Self, String> {
        let fault = |error: io::Error| format!("--run {}: {error}", path.display());
        is_free(path)?;
        let first_made = first_missing(path);
        fs::create_dir_all(path).map_err(fault)?;
        let claim = match Claim::take(path) {
            Ok(claim) if claim.is_exclusive() => claim,
            Ok(_) | Err(NotClaimed::Taken) => {
                return Err(format!(
                    "--run {}: another auxdesk writes to this folder; choose another folder",
                    path.display()
                ));
            }
            Err(NotClaimed::Io(error)) => return Err(fault(error)),
        };
        if let Err(why) = is_free(path) {
            if claim.is_new {
                let _ = fs::remove_file(path.join(CLAIM));
            }
            return Err(why);
        }
        Ok(Self::new(path, claim, now(), first_made))
    }

    /// `runs/NAME-YYYYMMDD-HHMMSS` in the current folder; if the name is taken, with `-2`, `-3`, …
    pub fn made(recipe: &str) -> Result<Self, String> {
        let runs = Path::new("runs");
        let fault = |error: io::Error| {
            format!("{}: {error}; use --run DIR to write elsewhere", runs.display())
        };
        let first_made = first_missing(runs);
        fs::create_dir_all(runs).map_err(fault)?;
        let started = now();
        let name = run_name(recipe, &started);
        for number in 1.. {
            let suffix = if number == 1 { String::new() } else { format!("-{number}") };
            let path = runs.join(format!("{name}{suffix}"));
            match fs::create_dir(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(fault(error)),
            }
            match Claim::take(&path) {
                Ok(claim) => {
                    let first_made = first_made.unwrap_or_else(|| path.clone());
                    return Ok(Self::new(&path, claim, started, Some(first_made)));
                }
                Err(NotClaimed::Taken) => {}
                Err(NotClaimed::Io(error)) => return Err(fault(error)),
            }
        }
        unreachable!("some number is free")
    }

    fn new(path: &Path, claim: Claim, started: String, first_made: Option<PathBuf>) -> Self {
        let unless_begun = Some(Remains::watched(path, Made::Contents(first_made), &claim));
        Self { path: path.to_owned(), started, claim, unless_begun }
    }

    /// The folder of a run to continue. The error says what is wrong: the run may still be running.
    pub fn reopened(path: &Path) -> Result<Self, String> {
        let fault = |error: io::Error| format!("{}: {error}", path.display());
        let claim = match Claim::take(path) {
            Ok(claim) => claim,
            Err(NotClaimed::Taken) => {
                return Err(format!("{}: this run is still running", path.display()));
            }
            Err(NotClaimed::Io(error)) => return Err(fault(error)),
        };
        let unless_begun = Some(Remains::watched(path, Made::Claim, &claim));
        let folder = Self { path: path.to_owned(), started: now(), claim, unless_begun };
        writable(path).map_err(fault)?;
        Ok(folder)
    }

    /// From now on it is a run's folder, and stays.
    pub(super) fn has_begun(&mut self) {
        if let Some(remains) = self.unless_begun.take() {
            remains.forget();
        }
    }

    /// The file for log messages.
    pub(super) fn diagnostics(&self) -> io::Result<File> {
        self.claim.file.try_clone()
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

impl Drop for RunFolder {
    /// Removes what a start has made that began no run.
    fn drop(&mut self) {
        let Some(remains) = self.unless_begun.take() else { return };
        remains.forget();
        remains.remove();
    }
}

/// Refuses a folder with files in it, unless it is only a claim, or also the recipe that a start wrote
/// which was killed before it wrote anything else.
fn is_free(path: &Path) -> Result<(), String> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| format!("--run {}: {error}", path.display()))?,
    };
    let names: io::Result<Vec<OsString>> =
        entries.map(|entry| entry.map(|entry| entry.file_name())).collect();
    let names = names.map_err(|error| format!("--run {}: {error}", path.display()))?;
    let is_recipe = |name: &OsString| {
        name == RECIPE || name.to_str().is_some_and(|name| is_part(name, &[RECIPE]))
    };
    // A folder in which somebody keeps a recipe has no claim.
    let is_claimed = names.iter().any(|name| name == CLAIM);
    if names.iter().all(|name| name == CLAIM || is_claimed && is_recipe(name)) {
        return Ok(());
    }
    let is_a_runs = [journal::FILE, RECIPE].iter().all(|name| path.join(name).is_file());
    let path = path.display();
    let continued = if is_a_runs {
        format!("; `auxdesk continue {path}` continues the run in it")
    } else {
        String::new()
    };
    Err(format!("--run {path}: expected a new or empty folder, found one with files{continued}"))
}

/// The outermost folder of a path that does not exist.
fn first_missing(path: &Path) -> Option<PathBuf> {
    let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    path.ancestors().take_while(missing).last().map(Path::to_owned)
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn of_many_simultaneous_claims_one_wins() {
        for round in 0..50 {
            let folder = tempfile::tempdir().unwrap();
            let run = folder.path().join("run");
            if round % 2 == 0 {
                fs::create_dir(&run).unwrap();
            }
            let barrier = Arc::new(Barrier::new(4));
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let (barrier, run) = (Arc::clone(&barrier), run.clone());
                    std::thread::spawn(move || {
                        barrier.wait();
                        let claimed = RunFolder::given(&run);
                        barrier.wait();
                        claimed.is_ok()
                    })
                })
                .collect();
            let won = threads.into_iter().map(|thread| thread.join().unwrap());
            assert_eq!(won.filter(|won| *won).count(), 1, "round {round}");
        }
    }

    #[test]
    fn a_start_that_fails_leaves_the_folder_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("a/b");
        let claimed = RunFolder::given(&new).unwrap();
        fs::write(new.join(RECIPE), "").unwrap();
        fs::create_dir_all(new.join("checkpoints/start")).unwrap();
        drop(claimed);
        assert!(names(folder.path()).is_empty());

        fs::create_dir(folder.path().join("empty")).unwrap();
        drop(RunFolder::given(&folder.path().join("empty")).unwrap());
        assert_eq!(names(folder.path()), ["empty"]);
        assert!(names(&folder.path().join("empty")).is_empty());
    }

    #[test]
    fn a_claim_that_nobody_holds_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(CLAIM), "killed while it started\n").unwrap();
        let held = RunFolder::given(folder.path()).unwrap();
        let refused = RunFolder::given(folder.path()).unwrap_err();
        assert!(refused.contains("another auxdesk writes to this folder"), "{refused}");
        drop(held);
        assert_eq!(names(folder.path()), [CLAIM], "it was there before");
    }

    #[test]
    fn a_folder_with_only_the_recipe_of_a_killed_start_is_free() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(RECIPE), "").unwrap();
        let refused = RunFolder::given(folder.path()).unwrap_err();
        assert!(refused.contains("found one with files"), "somebody's own: {refused}");
        for part in [RECIPE, "recipe.toml.4711.part"] {
            fs::write(folder.path().join(part), "").unwrap();
            fs::write(folder.path().join(CLAIM), "").unwrap();
            drop(RunFolder::given(folder.path()).unwrap());
        }
        fs::write(folder.path().join("notes.txt"), "").unwrap();
        assert!(RunFolder::given(folder.path()).is_err());
    }

    #[test]
    fn a_begun_run_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut claimed = RunFolder::given(folder.path()).unwrap();
        fs::write(folder.path().join(RECIPE), "").unwrap();
        claimed.has_begun();
        drop(claimed);
        assert_eq!(names(folder.path()), [CLAIM, RECIPE]);
    }
}
