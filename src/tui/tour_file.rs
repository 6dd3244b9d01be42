//! Whether the tour of the desk is over, kept in `$XDG_STATE_HOME/auxdesk/tour-ended`, or
//! `~/.local/state/auxdesk/tour-ended`, on every operating system.

use std::{fs, io, path::PathBuf};

use etcetera::base_strategy::{BaseStrategy, Xdg};

/// The file, which exists once the tour is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TourFile(Option<PathBuf>);

impl TourFile {
    /// That of the user; without a home folder there is none, and the tour is never over.
    pub fn of_user() -> Self {
        let state = Xdg::new().ok().and_then(|base| base.state_dir());
        Self(state.map(|state| state.join("auxdesk").join("tour-ended")))
    }

    /// Whether the tour is over: its end was reached, or it was dismissed.
    pub fn exists(&self) -> bool {
        self.0.as_ref().is_some_and(|path| path.exists())
    }

    /// Records that the tour has ended.
    pub fn create(&self) -> io::Result<()> {
        let Some(path) = &self.0 else { return Ok(()) };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(
            path,
            "The tour of the auxdesk desk is over. Without this file it is shown again.\n",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_tour_is_kept_in_a_folder_that_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let file = TourFile(Some(folder.path().join("state/auxdesk/tour-ended")));
        assert!(!file.exists());
        file.create().unwrap();
        assert!(file.exists());
        file.create().unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_and_no_folder_is_none() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("state"), "a file").unwrap();
        let file = TourFile(Some(folder.path().join("state/auxdesk/tour-ended")));
        assert!(file.create().is_err());
        assert!(!file.exists());
        assert!(TourFile(None).create().is_ok());
        assert!(!TourFile(None).exists());
    }
}
