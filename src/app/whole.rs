//! Atomic writes of files.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
};

/// Writes to a temporary file beside the target and renames it, so that an interrupted write leaves
/// the old contents; the new file has the old one's permissions. What a rename would break is written
/// in place instead: a file that is not a regular one (a device, a pipe), and one that has several
/// names (hard links), which must go on to name the same contents. Symbolic links are followed, also
/// those to a file that does not exist yet.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let old = fs::metadata(path).ok();
    if old.as_ref().is_some_and(|old| !old.is_file() || n_names(old) > 1) {
        return fs::write(path, bytes);
    }
    let place = target(path)?;
    let (mut file, beside) = create_beside(&place)?;
    let mut write = || {
        if let Some(old) = &old {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(bytes)?;
        fs::rename(&beside, &place)
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// The number of links that are followed one after the other, as Linux does.
const MOST_LINKS: usize = 40;

/// The file that a path refers to through any symbolic links, whether or not it exists.
fn target(path: &Path) -> io::Result<PathBuf> {
    if let Ok(place) = path.canonicalize() {
        return Ok(place);
    }
    let mut place = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(to) = fs::read_link(&place) else { return Ok(place) };
        place = place.parent().unwrap_or(Path::new("")).join(to);
    }
    Err(io::Error::other("expected a file, found a symbolic link to itself"))
}

/// Creates a file beside a target, with a name that no other file has: the first number from the
/// process id on that is free. Another process, or one that was killed, may have used that.
fn create_beside(target: &Path) -> io::Result<(File, PathBuf)> {
    let mut number = process::id();
    loop {
        let mut beside = target.as_os_str().to_owned();
        beside.push(format!(".{number}{PART}"));
        match File::create_new(&beside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                number = number.wrapping_add(1);
            }
            file => return Ok((file?, beside.into())),
        }
    }
}

/// The end of a temporary file's name.
const PART: &str = ".part";

/// Whether a file name is that of a temporary file of one of these targets.
pub(super) fn is_part(name: &str, targets: &[&str]) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    targets.iter().any(|target| {
        let rest = name.strip_prefix(target).and_then(|rest| rest.strip_prefix('.'));
        rest.and_then(|rest| rest.strip_suffix(PART)).is_some_and(is_number)
    })
}

/// Removes the temporary files of these targets in a folder that killed processes have left.
pub(super) fn remove_parts(folder: &Path, targets: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| is_part(name, targets)) {
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
    fn a_link_to_a_file_that_does_not_exist_yet_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let [real, link, circle] = ["real", "link", "circle"].map(|name| folder.path().join(name));
        std::os::unix::fs::symlink("real", &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        std::os::unix::fs::symlink("circle", &circle).unwrap();
        assert!(write_whole(&circle, b"new").is_err());
        assert!(fs::symlink_metadata(&circle).unwrap().is_symlink());
    }

    #[test]
    fn a_part_of_another_process_stays() {
        let folder = tempfile::tempdir().unwrap();
        let [place, part] = ["out".to_owned(), format!("out.{}.part", process::id())]
            .map(|name| folder.path().join(name));
        fs::write(&part, "another's").unwrap();
        write_whole(&place, b"new").unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"new");
        assert_eq!(fs::read(&part).unwrap(), b"another's");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
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
