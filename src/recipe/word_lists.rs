//! Word lists that a recipe names, with one word per line.
//!
//! A list may begin with a header of lines that start with `;`, as the Opinion Lexicon does. A line is part of it
//! only if it cannot be a word: `; ` and a text, a rule of three `;` or more, or a bare `;` above one of these. So
//! a list of punctuation or of emoticons keeps `;`, `;;` and `;-)`.

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
            "is not UTF-8 at byte {}; expected one word per line; convert the file to UTF-8",
            error.utf8_error().valid_up_to()
        )
    })?;
    let words = without_header(text.trim_start_matches('\u{feff}')).lines().map(str::trim);
    let words: BTreeMap<&str, u64> =
        words.filter(|word| !word.is_empty()).map(|word| (word, 1)).collect();
    if words.is_empty() {
        return Err("is empty; expected one word per line".to_owned());
    }
    Ok(Vocabulary::from_counts(words, 1, None))
}

/// The lines of a list after its header.
fn without_header(text: &str) -> &str {
    let mut end = 0;
    let mut has_text = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        let line = line.trim();
        let rest = line.trim_start_matches(';');
        let n_semicolons = line.len() - rest.len();
        if !line.is_empty() && n_semicolons == 0 || rest.starts_with(|c: char| !c.is_whitespace()) {
            break;
        }
        let is_text = rest.contains(char::is_alphanumeric);
        if is_text || rest.is_empty() && n_semicolons > 2 {
            has_text |= is_text;
            end = at;
        }
    }
    if has_text { &text[end..] } else { text }
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
        let broken =
            Err("is not UTF-8 at byte 1; expected one word per line; convert the file to UTF-8"
                .to_owned());
        assert_eq!(list(b"a\xff"), broken);
    }
    #[test]
    fn a_header_of_comments_is_not_read_as_words() {
        let rule = ";".repeat(78);
        let lexicon = format!(
            "{rule} \n; \n; A lexicon: positive\n;\n;   of words\r\n;\n{rule}\n\na+\nable\n"
        );
        assert_eq!(without_header(&lexicon), "\na+\nable\n");
        assert_eq!(without_header("; one line\na"), "a");
        assert_eq!(without_header(";; two lines\n\n;; of a header\n;\na"), ";\na");
        for words in
            [";\n:\n", ";;;\n;\n", ";-)\n; )\n", "; )\n;-)\n", ";)\n:)\n", "a\n; b\n", "\n", ""]
        {
            assert_eq!(without_header(words), words);
        }
        assert_eq!(without_header("; emoticons\n;-)\n;\n; )"), ";-)\n;\n; )");
    }
}
