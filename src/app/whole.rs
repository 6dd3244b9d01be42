//! Atomic writes of files.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    process,
};

/// Writes to a temporary file beside the target and renames it, so that an interrupted write leaves
/// the old contents; the new file has the old one's permissions. What a rename would break is written
/// in place instead: a file that is not a regular one (a device, a pipe), and one that has several
/// names (hard links), which must go on to name the same contents. Symbolic links are followed.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let old = fs::metadata(path).ok();
    if old.as_ref().is_some_and(|old| !old.is_file() || n_names(old) > 1) {
        return fs::write(path, bytes);
    }
    let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut beside = place.as_os_str().to_owned();
    // The name contains the process id, so that no other file is overwritten.
    beside.push(format!(".{}{PART}", process::id()));
    let written = File::create_new(&beside).and_then(|mut file| {
        if let Some(old) = old {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(bytes)?;
        fs::rename(&beside, &place)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// The end of a temporary file's name.
const PART: &str = ".part";

/// Removes the temporary files of these targets in a folder that killed processes have left.
pub(super) fn remove_parts(folder: &Path, targets: &[&str]) -> io::Result<()> {
    let is_process = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_part = |name: &str| {
        targets.iter().any(|target| {
            let rest = name.strip_prefix(target).and_then(|rest| rest.strip_prefix('.'));
            rest.and_then(|rest| rest.strip_suffix(PART)).is_some_and(is_process)
        })
    };
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_part) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn n_names(file: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(file)
}

#[cfg(not(unix))]
fn n_names(_file: &fs::Metadata) -> u64 {
    1
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

    #[cfg(unix)]
    #[test]
    fn permissions_and_hard_links_are_kept() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
        fs::write(&one, "old").unwrap();
        fs::set_permissions(&one, fs::Permissions::from_mode(0o640)).unwrap();
        write_whole(&one, b"new").unwrap();
        assert_eq!(fs::metadata(&one).unwrap().permissions().mode() & 0o777, 0o640);
        fs::hard_link(&one, &other).unwrap();
        write_whole(&one, b"newer").unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"newer");
        assert_eq!(fs::metadata(&one).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn only_parts_of_the_targets_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["state.json", "state.json.123.part", "state.json.x.part", "data.12.part"];
        for name in names {
            fs::write(folder.path().join(name), "").unwrap();
        }
        remove_parts(folder.path(), &["state.json"]).unwrap();
        let there: Vec<&str> =
            names.into_iter().filter(|name| folder.path().join(name).exists()).collect();
        assert_eq!(there, ["state.json", "state.json.x.part", "data.12.part"]);
    }
}
