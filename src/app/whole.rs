//! Atomic writes of files.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    process,
};

/// Writes to a temporary file beside the target and renames it. If the target is not a regular file
/// (a device, a pipe), it is written to directly; links are followed.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return fs::write(path, bytes);
    }
    let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut beside = place.as_os_str().to_owned();
    // The name contains the process id, so that no other file is overwritten.
    beside.push(format!(".{}.part", process::id()));
    let written = File::create_new(&beside)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&beside, &place));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_no_other_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out.tsv");
        fs::write(&place, "old").unwrap();
        fs::write(folder.path().join("out.tsv.new"), "precious").unwrap();
        write_whole(&place, b"new").unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"new");
        assert_eq!(fs::read(folder.path().join("out.tsv.new")).unwrap(), b"precious");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let [real, link] = ["real", "link"].map(|name| folder.path().join(name));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
    }
}
