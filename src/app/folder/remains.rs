//! What a start leaves that begins no run.
//!
//! A start that fails removes what it made, so that the corrected command finds the folder as it
//! was. A failed allocation ends the program without unwinding, so what it removes then is also in a
//! list of the process.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, Once, PoisonError},
};

use super::{CLAIM, Claim, RECIPE};
use crate::{journal, kernel, train::checkpoint};

/// What a start leaves that begins no run.
#[derive(Clone, Debug)]
pub(super) struct Remains {
    folder: PathBuf,
    made: Made,
    is_claim_new: bool,
}

/// The remains of this process's starts of which none has begun a run yet.
static UNBEGUN: Mutex<Vec<Remains>> = Mutex::new(Vec::new());

/// What a start has made.
#[derive(Clone, Debug)]
pub(super) enum Made {
    /// At most the claim: the folder is that of an earlier run.
    Claim,
    /// The folder's contents, and each folder from this one down to it.
    Contents(Option<PathBuf>),
}

impl Remains {
    /// What is removed too if an allocation fails.
    pub(super) fn watched(folder: &Path, made: Made, claim: &Claim) -> Self {
        static REGISTERED: Once = Once::new();
        REGISTERED.call_once(|| kernel::after_out_of_memory(remove_unbegun));
        let remains = Self { folder: folder.to_owned(), made, is_claim_new: claim.is_new };
        UNBEGUN.lock().unwrap_or_else(PoisonError::into_inner).push(remains.clone());
        remains
    }

    pub(super) fn forget(&self) {
        let mut all = UNBEGUN.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| other.folder != self.folder);
    }

    /// What cannot be removed stays: the start has another fault to report.
    pub(super) fn remove(&self) {
        if let Made::Contents(_) = self.made {
            let _ = fs::remove_dir_all(self.folder.join(checkpoint::FOLDER));
            for name in [journal::FILE, RECIPE] {
                let _ = fs::remove_file(self.folder.join(name));
            }
        }
        if self.is_claim_new {
            let _ = fs::remove_file(self.folder.join(CLAIM));
        }
        if let Made::Contents(Some(first_made)) = &self.made {
            for folder in self.folder.ancestors().take_while(|it| it.starts_with(first_made)) {
                let _ = fs::remove_dir(folder);
            }
        }
    }
}

/// Removes what the starts of this process have made that began no run.
fn remove_unbegun() {
    // The thread whose allocation failed may hold it.
    if let Ok(all) = UNBEGUN.try_lock() {
        all.iter().for_each(Remains::remove);
    }
}
