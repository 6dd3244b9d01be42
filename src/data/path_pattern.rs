//! Paths that match several files: `articles/{label}/*.txt`.
//!
//! `*` matches any part of a file's or folder's name, `[0-5]` one of these characters, and `{NAME}` a part that is
//! the value of a field called NAME: a folder for each class, or a file for each class (`polarity.{label}`). A folder or
//! file that has such a name itself (`runs[1]`) is taken literally. Files that are hidden are not matched.

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
    has_special(&text) && !path.exists()
}

fn has_special(text: &str) -> bool {
    parts(text).iter().any(|part| !matches!(part, Part::Text(_)))
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
        let is_literal = !matches!(component, Component::Normal(_)) || !has_special(&part);
        let mut longer = Vec::new();
        for Match { path, value } in found {
            if is_literal || path.join(component).exists() {
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

/// If a name matches, the text in the place of the braces; empty if the pattern has none. What a `*` or the
/// braces match is as short as possible.
fn matched<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    let parts = parts(pattern);
    // The pattern matches from the last `*` or braces on wherever it matches at all: it is enough to lengthen
    // what that one matches, and the time is that of the pattern times the name.
    let mut retry: Option<(usize, usize)> = None;
    let named = parts.iter().position(|part| matches!(part, Part::Value));
    let mut value = 0..0;
    let (mut part, mut at) = (0, 0);
    loop {
        let next = match parts.get(part) {
            None if at == name.len() => return Some(&name[value]),
            None => None,
            Some(Part::Text(text)) => name[at..].strip_prefix(text).map(|_| at + text.len()),
            Some(Part::Any) => Some(at),
            Some(Part::OneOf(set)) => after(name, at).filter(|&end| is_in(set, &name[at..end])),
            Some(Part::Value) => after(name, at),
        };
        if let Some(next) = next {
            if matches!(parts[part], Part::Any | Part::Value) {
                retry = Some((part, next));
            }
            if named == Some(part) {
                value = at..next;
            }
            (part, at) = (part + 1, next);
            continue;
        }
        let (special, end) = retry?;
        let end = after(name, end)?;
        if named == Some(special) {
            value.end = end;
        }
        retry = Some((special, end));
        (part, at) = (special + 1, end);
    }
}

/// The place after the character at one.
fn after(name: &str, at: usize) -> Option<usize> {
    name[at..].chars().next().map(|c| at + c.len_utf8())
}

/// A part of the pattern of a name.
enum Part<'p> {
    Text(&'p str),
    /// `*`.
    Any,
    /// One of the characters in square brackets.
    OneOf(&'p str),
    /// A name in braces: at least one character.
    Value,
}

/// Whether a character is in a set such as `0-5x`.
fn is_in(set: &str, char: &str) -> bool {
    let (chars, char) = (set.chars().collect::<Vec<_>>(), char.chars().next());
    let is_range = |at: usize| chars.get(at + 1) == Some(&'-') && at + 2 < chars.len();
    let mut at = 0;
    while at < chars.len() {
        let last = if is_range(at) { at + 2 } else { at };
        if char.is_some_and(|char| (chars[at]..=chars[last]).contains(&char)) {
            return true;
        }
        at = last + 1;
    }
    false
}

/// The set in square brackets that a pattern starts with, if it has a character.
fn set_of(pattern: &str) -> Option<&str> {
    let (set, _) = pattern.strip_prefix('[')?.split_once(']')?;
    Some(set).filter(|set| !set.is_empty() && !set.contains('/'))
}

fn parts(mut pattern: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    while !pattern.is_empty() {
        let (part, n_bytes) = if pattern.starts_with('*') {
            (Part::Any, 1)
        } else if let Some(set) = set_of(pattern) {
            (Part::OneOf(set), set.len() + 2)
        } else if let Some(name) = field_of(pattern).filter(|_| pattern.starts_with('{')) {
            (Part::Value, name.len() + 2)
        } else {
            // A brace or bracket that is none of a pair is part of the name.
            let mut chars = pattern.char_indices().skip(1);
            let special = chars.find(|(_, c)| matches!(c, '*' | '{' | '['));
            let n_bytes = special.map_or(pattern.len(), |(at, _)| at);
            (Part::Text(&pattern[..n_bytes]), n_bytes)
        };
        parts.push(part);
        pattern = &pattern[n_bytes..];
    }
    parts
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
            ("*.txt", "a.txt.txt", Some("")),
            ("é*é", "éé", Some("")),
            ("é*é", "é", None),
            ("{label}é", "ééé", Some("éé")),
            ("*-{label}.*", "a-b-c.x.y", Some("b-c")),
            ("{label}-{other}", "a-b-c", Some("a")),
            ("**", "", Some("")),
            ("0[0-5]*", "051", Some("")),
            ("0[0-5]*", "061", None),
            ("*[0-25a-].t", "x-.t", Some("")),
            ("*[0-25a-].t", "x4.t", None),
            ("{label}[12]", "a12", Some("a1")),
            ("[é]", "é", Some("")),
            ("[ab]", "", None),
            ("[]", "[]", Some("")),
            ("[", "[", Some("")),
        ] {
            assert_eq!(matched(pattern, name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_longer_than_any_other() {
        let name = "a".repeat(255);
        for part in ["*a", "{label}a", "*"] {
            let pattern = part.repeat(60);
            assert_eq!(matched(&(pattern.clone() + "b"), &name), None);
            assert!(matched(&pattern, &name).is_some());
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
    fn a_folder_whose_name_has_brackets_is_taken_literally() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a[1]", "a1", "a2"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("x.txt"), name).unwrap();
        }
        let found = |pattern: &str| -> Vec<String> {
            let found = matches(&folder.path().join(pattern)).unwrap().into_iter();
            found.map(|found| std::fs::read_to_string(found.path).unwrap()).collect()
        };
        assert_eq!(found("a[1]/*.txt"), ["a[1]"]);
        assert_eq!(found("a[2]/*.txt"), ["a2"]);
        assert_eq!(found("a*/x.txt"), ["a1", "a2", "a[1]"]);
    }

    #[test]
    fn a_field_is_named_in_one_part_of_a_path() {
        assert_eq!(field_of("a/{label}/*.txt"), Some("label"));
        assert_eq!(field_of("a/{}/b"), None);
        assert_eq!(field_of("a/{b/c}"), None);
        assert_eq!(field_of("a/b"), None);
    }
}
