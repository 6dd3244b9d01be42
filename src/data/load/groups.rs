//! Which files are read together: one, line-aligned ones, or those of the same name that patterns match, and of the
//! same value where all patterns name a field.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use super::{CorpusFile, LoadError, Location, files, is_pattern};

/// Files that are read together.
pub(super) struct Group {
    pub(super) files: Vec<CorpusFile>,
    /// The value of the field in the path of the first.
    pub(super) value: Option<String>,
}

/// Whether any of several inputs is a pattern.
pub(super) fn have_pattern(inputs: &[CorpusFile]) -> bool {
    inputs.len() > 1
        && inputs.iter().any(|input| match &input.location {
            Location::File(path) => is_pattern(path),
            Location::Sample(_) => false,
        })
}

/// The groups of the inputs of a split, in the order of the files of the first; or what is missing.
pub(super) fn groups(inputs: &[CorpusFile]) -> Result<Vec<Group>, Vec<LoadError>> {
    let (first, others) = match inputs {
        [only] => {
            let group = |(file, value)| Group { files: vec![file], value };
            return Ok(files(only).map_err(|error| vec![error])?.into_iter().map(group).collect());
        }
        aligned if !have_pattern(aligned) => {
            return Ok(vec![Group { files: aligned.to_vec(), value: None }]);
        }
        [first, others @ ..] => (first, others),
        [] => return Ok(Vec::new()),
    };
    let mut errors = Vec::new();
    let mut found = |input: &CorpusFile| {
        files(input).unwrap_or_else(|error| {
            errors.push(error);
            Vec::new()
        })
    };
    let firsts = found(first);
    let others: Vec<_> = others.iter().map(|input| (&input.name, found(input))).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    // Folders of several classes may have the same names of files.
    let all = firsts.iter().chain(others.iter().flat_map(|(_, files)| files));
    let by_value = all.into_iter().all(|(_, value)| value.is_some());
    let key = |file: &CorpusFile, value: &Option<String>| {
        (value.clone().filter(|_| by_value), stem(file))
    };
    let mut groups = Vec::with_capacity(firsts.len());
    let mut keys: BTreeMap<(Option<String>, String), usize> = BTreeMap::new();
    for (file, value) in firsts {
        if let Some(before) = keys.insert(key(&file, &value), groups.len()) {
            errors.push(again(&file.name, &groups, before));
        }
        groups.push(Group { files: vec![file], value });
    }
    for (position, (pattern, files)) in (1..).zip(others) {
        for (file, value) in files {
            match keys.get(&key(&file, &value)).map(|&at| (at, &mut groups[at])) {
                None => errors.push(without_partner(&file.name, &first.name)),
                Some((at, group)) if group.files.len() > position => {
                    errors.push(again(&file.name, &groups, at));
                }
                Some((_, group)) => group.files.push(file),
            }
        }
        let lacking = groups.iter().filter(|group| group.files.len() <= position);
        errors.extend(lacking.map(|group| without_partner(&group.files[0].name, pattern)));
    }
    if errors.is_empty() { Ok(groups) } else { Err(errors) }
}

/// The name of a file without its folders and its ending.
fn stem(file: &CorpusFile) -> String {
    let stem = Path::new(file.name.as_ref()).file_stem();
    stem.map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn again(file: &Arc<str>, groups: &[Group], at: usize) -> LoadError {
    let other = groups[at].files.last().map_or("", |file| file.name.as_ref());
    let why = format!("expected each name of a file once, found it again in {other}");
    LoadError::Unreadable { file: file.clone(), why }
}

fn without_partner(file: &Arc<str>, pattern: &Arc<str>) -> LoadError {
    let why = format!(
        "expected a file of the same name, but for the ending, that {pattern} matches, found none"
    );
    LoadError::Unreadable { file: file.clone(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> (tempfile::TempDir, Vec<CorpusFile>) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/1.txt", "a/2.txt", "a/1.ann", "a/2.ann", "b/1.ann", "b/3.ann"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let file = |name: &&str| {
            let path = folder.path().join(name);
            CorpusFile { location: Location::File(path), name: (*name).into() }
        };
        let files = names.iter().map(file).collect();
        (folder, files)
    }

    fn shown(names: &[&str]) -> Vec<String> {
        let (_folder, inputs) = named(names);
        match groups(&inputs) {
            Ok(groups) => groups
                .iter()
                .map(|group| {
                    group.files.iter().map(|file| file.name.as_ref()).collect::<Vec<_>>().join(" ")
                })
                .collect(),
            Err(errors) => errors.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn files_of_one_name_that_several_patterns_match_are_read_together() {
        assert_eq!(shown(&["a/*.txt", "a/*.ann"]), ["a/1.txt a/1.ann", "a/2.txt a/2.ann"]);
        assert_eq!(shown(&["a/1.txt", "a/2.ann"]), ["a/1.txt a/2.ann"]);
        assert_eq!(shown(&["a/*.txt"]), ["a/1.txt", "a/2.txt"]);
        assert_eq!(shown(&["a/1.txt", "b/1.*"]), ["a/1.txt b/1.ann"]);
    }

    #[test]
    fn files_of_one_name_in_folders_of_several_classes_are_told_apart_by_the_class() {
        assert_eq!(shown(&["{label}/1.*", "{label}/1.ann"])[0], {
            "a/1.txt: expected each name of a file once, found it again in a/1.ann"
        });
        let pairs = ["a/1.ann a/1.ann", "b/1.ann b/1.ann"];
        assert_eq!(shown(&["{label}/1.ann", "{label}/1.ann"]), pairs);
        assert_eq!(
            shown(&["{label}/1.ann", "*/1.ann"])[0],
            "b/1.ann: expected each name of a file once, found it again in a/1.ann"
        );
    }

    #[test]
    fn a_file_without_its_partner_is_a_fault() {
        let none = "expected a file of the same name, but for the ending, that";
        assert_eq!(
            shown(&["a/*.txt", "b/*.ann"]),
            [
                format!("b/3.ann: {none} a/*.txt matches, found none"),
                format!("a/2.txt: {none} b/*.ann matches, found none"),
            ]
        );
        assert_eq!(
            shown(&["a/*.txt", "*/1.ann"])[0],
            "b/1.ann: expected each name of a file once, found it again in a/1.ann"
        );
        assert_eq!(shown(&["a/*.txt", "c/*.ann"]), ["c/*.ann: no such file"]);
    }
}
