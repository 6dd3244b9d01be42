//! Word lists that a recipe names, with one word per line.

use std::{collections::BTreeMap, path::Path};

use super::shipped::{self, location};
use crate::{
    data::{Vocabulary, contents, read::Location},
    keys::{Key, ValueType, Values},
    regular_file,
};

/// Whether that file or sample exists.
pub(super) fn is_there(path: &str) -> bool {
    match path.strip_prefix("sample:") {
        Some(sample) => shipped::sample(sample).is_some(),
        None => Path::new(path).is_file(),
    }
}

/// The words of a list, at least one; the error follows its name in a message.
pub(super) fn read(path: &str) -> Result<Vocabulary, String> {
    let bytes = match location(path) {
        Location::File(file) => {
            let bytes =
                regular_file::read(&file).map_err(|error| format!("cannot be read: {error}"))?;
            contents::text(bytes).map_err(|why| format!("cannot be read: {why}"))?
        }
        Location::Sample(sample) => shipped::sample(&sample).unwrap_or_default().to_owned(),
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        format!(
            "is not UTF-8 at byte {}; expected one word per line",
            error.utf8_error().valid_up_to()
        )
    })?;
    let words = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let words: BTreeMap<&str, u64> =
        words.filter(|word| !word.is_empty()).map(|word| (word, 1)).collect();
    if words.is_empty() {
        return Err("is empty; expected one word per line".to_owned());
    }
    Ok(Vocabulary::from_counts(words, 1, None))
}

/// The lists that these keys name, by key. One that cannot be read has been reported, or is not
/// needed, as in prediction, where the checkpoint has it.
pub(super) fn lists(keys: &[Key], values: &Values) -> Vec<(&'static str, Vocabulary)> {
    let keys = keys.iter().filter(|key| matches!(key.takes, ValueType::Words));
    let list = |key: &Key| Some((key.name, read(values.text_if_set(key.name)?).ok()?));
    keys.filter_map(list).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_list_has_one_word_per_line_for_any_line_ending() {
        let folder = tempfile::tempdir().unwrap();
        let list = |bytes: &[u8]| {
            let path = folder.path().join("list.txt");
            std::fs::write(&path, bytes).unwrap();
            let list = read(path.to_str().unwrap())?;
            Ok(list.iter().map(|(word, _)| word.to_owned()).collect::<Vec<_>>())
        };
        let wanted = Ok(vec!["New York".to_owned(), "good".to_owned()]);
        assert_eq!(list("\u{feff}good\r\n\r\n New York \r\ngood".as_bytes()), wanted);
        let empty: Result<_, String> = Err("is empty; expected one word per line".to_owned());
        assert_eq!(list(b"\n \n"), empty);
        let broken = Err("is not UTF-8 at byte 1; expected one word per line".to_owned());
        assert_eq!(list(b"a\xff"), broken);
    }
}
