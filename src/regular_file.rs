//! Files that are read: only regular ones have an end, and can be read a second time.
//!
//! A device may deliver bytes without end, and opening a pipe waits for somebody who writes to it. So
//! neither is opened, but for the input of a prediction, which is read once and up to a bound
//! ([`read_at_most`]).

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    path::Path,
};

/// Opens a regular file, or says what else it is.
pub fn open(path: &Path) -> io::Result<File> {
    let there = fs::metadata(path)?;
    if there.is_file() {
        return File::open(path);
    }
    let (kind, what) = match kind(&there) {
        "folder" => (io::ErrorKind::IsADirectory, "expected a file, found a folder".to_owned()),
        kind => (
            io::ErrorKind::InvalidInput,
            format!("expected a file, found a {kind}; save its contents to a file"),
        ),
    };
    Err(io::Error::new(kind, what))
}

/// The contents of a regular file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The contents of a regular file of at most this many bytes.
pub fn read_small(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_at_most(open(path)?, most)
}

/// Reads to the end, which must come after at most this many bytes.
pub fn read_at_most(reader: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let mib = most >> 20;
        let what = format!("expected at most {mib} MiB, found more");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}

#[cfg(unix)]
fn kind(there: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = there.file_type();
    if kind.is_dir() {
        "folder"
    } else if kind.is_fifo() {
        "pipe"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    }
}

#[cfg(not(unix))]
fn kind(there: &Metadata) -> &'static str {
    if there.is_dir() { "folder" } else { "device" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_ends_at_its_bound() {
        assert_eq!(read_at_most(&b"abc"[..], 3).unwrap(), b"abc");
        let error = read_at_most(io::repeat(0), 2 << 20).unwrap_err();
        assert_eq!(error.to_string(), "expected at most 2 MiB, found more");
    }

    #[test]
    fn a_folder_is_not_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(folder.path()).unwrap_err();
        assert_eq!(error.to_string(), "expected a file, found a folder");
        assert_eq!(read(&folder.path().join("no")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_not_opened() {
        let error = read(Path::new("/dev/zero")).unwrap_err();
        let why = "expected a file, found a device; save its contents to a file";
        assert_eq!(error.to_string(), why);
    }
}
