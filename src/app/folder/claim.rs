//! The claim of a folder, by which one process has it.
//!
//! The claim is the file `diagnostics.log`: the process that creates it, which the file system lets
//! one process do, and that holds its lock, has the folder. The lock is there because a claim must
//! not outlive a process that was killed: the operating system releases it when the process ends for
//! any reason, and a folder with a claim that nobody holds, and at most the recipe, which is the first
//! file that a start writes, is as good as an empty one. Where the file system has no locks, creation
//! alone decides, and such a folder is refused. Between reading a folder and claiming it another
//! process may have begun and ended a run there, so it is read again afterwards, and the file must
//! still be the one that has the name.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::Path,
};

/// The claim, and the file for log messages.
pub(super) const CLAIM: &str = "diagnostics.log";

/// A locked file of a folder.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) file: File,
    pub(super) is_new: bool,
    is_locked: bool,
}

/// Why a folder could not be claimed.
pub(super) enum NotClaimed {
    /// Another process has it.
    Taken,
    Io(io::Error),
}

impl Claim {
    /// Claims a folder; an existing claim is taken over if nobody holds it.
    pub(super) fn take(folder: &Path) -> Result<Self, NotClaimed> {
        let path = folder.join(CLAIM);
        let mut options = OpenOptions::new();
        options.append(true);
        let (file, is_new) = match options.clone().create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                (options.open(&path), false)
            }
            file => (file, true),
        };
        let file = file.map_err(NotClaimed::Io)?;
        let is_locked = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => return Err(NotClaimed::Taken),
            // Training works on file systems without locks too.
            Err(TryLockError::Error(_)) => false,
        };
        // A start that failed meanwhile has removed its claim, and this lock with it.
        if is_named(&file, &path).map_err(NotClaimed::Io)? {
            Ok(Self { file, is_new, is_locked })
        } else {
            Err(NotClaimed::Taken)
        }
    }

    /// Whether no other process can hold it: on a file system without locks, a claim that this
    /// process did not create may be held.
    pub(super) fn is_exclusive(&self) -> bool {
        self.is_new || self.is_locked
    }
}

/// Whether the path is still that of the open file.
#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let open = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Open files keep their names on other systems.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Unix")]
fn is_named(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}
