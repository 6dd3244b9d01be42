//! Digests of what the recipe of a run names, files and the runs that it starts from, compared with those that are there
//! when it is continued.

use std::collections::BTreeMap;

use super::Failure;
use crate::{printable::print_message, recipe::FROM};

/// Refuses what has changed, by its digest and that of what the run was started with. Prints which digests a run of an
/// earlier version lacks.
pub(super) fn is_unchanged(
    digests: &BTreeMap<String, String>,
    were: &BTreeMap<String, String>,
) -> Result<(), Failure> {
    for key in digests.keys().filter(|key| !were.contains_key(*key)) {
        let (what, since) = wording(key);
        print_message(&format!(
            "`{key}`: whether {what} has changed since {since} is unknown: the run has no digest of it"
        ));
    }
    let mut known = digests.iter().filter_map(|(key, digest)| Some((key, digest, were.get(key)?)));
    let Some((key, ..)) = known.find(|(_, digest, was)| digest != was) else { return Ok(()) };
    let (what, since) = wording(key);
    Err(Failure::Request(format!(
        "`{key}`: {what} has changed since {since}; put it back, or start a new run"
    )))
}

/// What a key names, a run or a file, and when the run read it.
fn wording(key: &str) -> (&'static str, &'static str) {
    if key.rsplit('.').next() == Some(FROM) {
        ("what it names", "the run was started with it")
    } else {
        ("the file", "the run was trained with it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_earlier_digest_has_not_changed() {
        let digests = |all: &[(&str, &str)]| -> BTreeMap<String, String> {
            all.iter().map(|(key, digest)| ((*key).to_owned(), (*digest).to_owned())).collect()
        };
        let now = digests(&[
            ("corpus.c.train", "1-a"),
            ("encoder.words.from", "4-d"),
            ("encoder.words.vectors", "2-b"),
        ]);
        assert!(is_unchanged(&now, &digests(&[("corpus.c.train", "1-a")])).is_ok());
        assert!(is_unchanged(&now, &now).is_ok());
        for (key, what) in [
            ("corpus.c.train", "the file has changed since the run was trained with it"),
            ("encoder.words.vectors", "the file has changed since the run was trained with it"),
            ("encoder.words.from", "what it names has changed since the run was started with it"),
        ] {
            let mut were = now.clone();
            were.insert(key.to_owned(), "3-c".to_owned());
            let Err(Failure::Request(why)) = is_unchanged(&now, &were) else { panic!("{key}") };
            assert!(why.starts_with(&format!("`{key}`: {what}; put it back")), "{why}");
        }
    }
}
