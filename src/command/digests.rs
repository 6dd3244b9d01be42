//! Digests of the files that a run was started with, compared with those that are there when it is continued.

use std::collections::BTreeMap;

use super::Failure;
use crate::printable::print_message;

/// Refuses a file that has changed, given its digest and that of the one that the run read. Runs of an
/// earlier version have no digests of vectors files; that is told.
pub(super) fn is_unchanged(
    digests: &BTreeMap<String, String>,
    were: &BTreeMap<String, String>,
) -> Result<(), Failure> {
    for key in digests.keys().filter(|key| !were.contains_key(*key)) {
        print_message(&format!(
            "`{key}`: whether the file has changed since the run was trained with it is unknown: the \
             run has no digest of it"
        ));
    }
    let mut known = digests.iter().filter_map(|(key, digest)| Some((key, digest, were.get(key)?)));
    let Some((key, ..)) = known.find(|(_, digest, was)| digest != was) else { return Ok(()) };
    Err(Failure::Request(format!(
        "`{key}`: the file has changed since the run was trained with it; put it back, or start a new run"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_earlier_digest_has_not_changed() {
        let digests = |all: &[(&str, &str)]| -> BTreeMap<String, String> {
            all.iter().map(|(key, digest)| ((*key).to_owned(), (*digest).to_owned())).collect()
        };
        let now = digests(&[("corpus.c.train", "1-a"), ("encoder.words.vectors", "2-b")]);
        assert!(is_unchanged(&now, &digests(&[("corpus.c.train", "1-a")])).is_ok());
        assert!(is_unchanged(&now, &now).is_ok());
        for key in ["corpus.c.train", "encoder.words.vectors"] {
            let mut were = now.clone();
            were.insert(key.to_owned(), "3-c".to_owned());
            let Err(Failure::Request(why)) = is_unchanged(&now, &were) else { panic!("{key}") };
            assert!(why.starts_with(&format!("`{key}`: the file has changed")), "{why}");
        }
    }
}
