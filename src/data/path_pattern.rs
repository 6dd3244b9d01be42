//! Paths that match several files: `articles/{label}/*.txt`.
//!
//! `*` matches any part of a file's or folder's name, and `{NAME}` a part that is the value of a field
//! called NAME: a folder for each class, or a file for each class (`polarity.{label}`). Files that are
//! hidden are not matched.

use std::{
    io,
    path::{Component, Path, PathBuf},
};

/// The name in braces in a path, if there is one.
pub fn field_of(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once('{')?;
    let (name, _) = rest.split_once('}')?;
    Some(name).filter(|name| !name.is_empty() && !name.contains('/'))
}

/// Whether a path that no file has is a pattern.
pub fn is_pattern(path: &Path) -> bool {
    let text = path.to_string_lossy();
    (text.contains('*') || field_of(&text).is_some()) && !path.exists()
}

/// A file that a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Its path.
    pub path: PathBuf,
    /// The text in the place of the braces, if the pattern has any.
    pub value: Option<String>,
}

/// The files that a pattern matches, in alphabetical order.
pub fn matches(pattern: &Path) -> io::Result<Vec<Match>> {
    let mut found = vec![Match { path: PathBuf::new(), value: None }];
    for component in pattern.components() {
        let part = component.as_os_str().to_string_lossy();
        let is_literal = !matches!(component, Component::Normal(_))
            || !part.contains('*') && field_of(&part).is_none();
        let mut longer = Vec::new();
        for Match { path, value } in found {
            if is_literal {
                longer.push(Match { path: path.join(component), value });
                continue;
            }
            let folder = if path.as_os_str().is_empty() { Path::new(".") } else { &path };
            let entries = match std::fs::read_dir(folder) {
                Ok(entries) => entries,
                Err(error) if is_of_no_folder(&error) => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let name = entry?.file_name();
                let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
                    continue;
                };
                if let Some(here) = matched(&part, name) {
                    let here = Some(here).filter(|here| !here.is_empty());
                    let value = value.clone().or(here.map(str::to_owned));
                    longer.push(Match { path: path.join(name), value });
                }
            }
        }
        found = longer;
    }
    found.retain(|found| found.path.is_file());
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn is_of_no_folder(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// If a name matches, the text in the place of the braces; empty if the pattern has none.
fn matched<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    let Some(special) = pattern.find(['*', '{']) else {
        return (pattern == name).then_some("");
    };
    let rest = name.strip_prefix(&pattern[..special])?;
    let pattern = &pattern[special..];
    let ends = || rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    if let Some(pattern) = pattern.strip_prefix('*') {
        return ends().find_map(|end| matched(pattern, &rest[end..]));
    }
    match (field_of(pattern), pattern.split_once('}')) {
        (Some(_), Some((_, pattern))) => {
            ends().skip(1).find_map(|end| matched(pattern, &rest[end..]).map(|_| &rest[..end]))
        }
        // A brace that is part of the name.
        _ => matched(&pattern[1..], rest.strip_prefix('{')?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_matches_with_the_value_in_braces() {
        for (pattern, name, wanted) in [
            ("a", "a", Some("")),
            ("a", "b", None),
            ("*.txt", "001.txt", Some("")),
            ("*.txt", "001.txt.gz", None),
            ("*", "x", Some("")),
            ("{label}", "sport", Some("sport")),
            ("rt.{label}", "rt.pos", Some("pos")),
            ("{label}-*.txt", "pos-1-2.txt", Some("pos")),
            ("rt.{label}", "rt.", None),
            ("{", "{", Some("")),
            ("{}*", "{}b", Some("")),
        ] {
            assert_eq!(matched(pattern, name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn files_are_found_in_alphabetical_order_with_their_folders_value() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["b/2.txt", "b/1.txt", "a/1.txt", "a/.hidden.txt", "a/x.md", "c/d/1.txt"] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let pattern = folder.path().join("{label}/*.txt");
        assert!(is_pattern(&pattern));
        let found = matches(&pattern).unwrap();
        let found: Vec<String> = found
            .iter()
            .map(|Match { path, value }| {
                let path = path.strip_prefix(folder.path()).unwrap().display();
                format!("{path} {}", value.as_deref().unwrap_or("–"))
            })
            .collect();
        assert_eq!(found, ["a/1.txt a", "b/1.txt b", "b/2.txt b"]);
        assert_eq!(matches(&folder.path().join("no/*")).unwrap(), []);
        assert!(!is_pattern(&folder.path().join("a/1.txt")));
    }

    #[test]
    fn a_field_is_named_in_one_part_of_a_path() {
        assert_eq!(field_of("a/{label}/*.txt"), Some("label"));
        assert_eq!(field_of("a/{}/b"), None);
        assert_eq!(field_of("a/{b/c}"), None);
        assert_eq!(field_of("a/b"), None);
    }
}
