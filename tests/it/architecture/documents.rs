//! The names in ARCHITECTURE.md and CONTRIBUTING.md exist in the source tree.
//!
//! In backticks, a path or file name must be that of a file or folder, complete or from some folder
//! on; a type, a constant, `Type::name` and `function()` must be declared in the sources; and a
//! name `in` a file must occur in it. In the table of folders, the modules of a row are below the
//! row's folders.

use std::{collections::BTreeSet, fs, path::Path};

use super::reader::{Source, all_sources};

const DOCUMENTS: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];

/// Types of Rust and candle that are named without their crate.
const FOREIGN: &[&str] = &["None", "VarBuilder"];

#[test]
fn names_in_the_documents_exist_in_the_tree() {
    let tree = Tree::read();
    let mut faults = Vec::new();
    let mut n_checked = 0;
    for document in DOCUMENTS {
        let text = fs::read_to_string(document).unwrap();
        for (number, line) in without_code(&text) {
            for fault in tree.faults(line, &mut n_checked) {
                faults.push(format!("{document}:{number}: {fault}"));
            }
        }
    }
    assert!(n_checked > 150, "{n_checked} names have been checked");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn missing_names_are_found() {
    let tree = Tree {
        paths: ["src", "src/a", "src/a.rs", "src/a/b.rs", ".ci/run"].map(str::to_owned).into(),
        sources: vec![Source::read("a/b.rs", "enum E { V } fn f() {} const C: u8 = 1; trait T {}")],
    };
    let faults = |line| tree.faults(line, &mut 0);
    let there =
        "`src/a.rs` `a/b.rs` `b.rs` `src/a/` `.ci/run` `E` `E::V` `f()` `C` `b::E` `a/NAME.rs`";
    assert_eq!(faults(there), Vec::<String>::new());
    assert_eq!(faults("`f` in `a/b.rs`; `any words`, `--flag`, `word`"), Vec::<String>::new());
    assert_eq!(faults("| `a.rs`, `a/` | things (`b`, `C`) |"), Vec::<String>::new());
    for line in [
        "`src/c.rs`",
        "`c.rs`",
        "`src/c/`",
        "`Fx`",
        "`E::W`",
        "`g()`",
        "`DD`",
        "`g` in `a/b.rs`",
        "| `a.rs`, `a/` | things (`c`) |",
    ] {
        assert_eq!(faults(line).len(), 1, "{line}: {:?}", faults(line));
    }
}

struct Tree {
    /// Files and folders, from the root.
    paths: BTreeSet<String>,
    sources: Vec<Source>,
}

impl Tree {
    fn read() -> Self {
        let mut paths = BTreeSet::new();
        let mut folders = vec![Path::new(".").to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(".").unwrap().to_str().unwrap().to_owned();
                if ["target", ".git"].contains(&name.as_str()) {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                }
                paths.insert(name);
            }
        }
        Self { paths, sources: all_sources() }
    }

    fn faults(&self, line: &str, n_checked: &mut usize) -> Vec<String> {
        let parts: Vec<&str> = line.split('`').collect();
        let mut faults = Vec::new();
        for at in (1..parts.len()).step_by(2) {
            let name = parts[at];
            let within = (parts.get(at + 1) == Some(&" in "))
                .then(|| parts.get(at + 2).copied())
                .flatten()
                .filter(|path| {
                    Path::new(path).extension().is_some_and(|extension| extension == "rs")
                });
            let is_there = match within {
                Some(path) if is_word(name) => self.has_word(path, name),
                _ => match self.has(name) {
                    Some(is_there) => is_there,
                    None => continue,
                },
            };
            *n_checked += 1;
            if !is_there {
                let within = within.map(|path| format!(" in `{path}`")).unwrap_or_default();
                faults.push(format!("`{name}`{within} is not there"));
            }
        }
        // A row of the table of folders.
        if let ["", folders, holds, ""] = line.split('|').collect::<Vec<_>>().as_slice() {
            let quoted = |text: &str| -> Vec<String> {
                text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
            };
            let folders: Vec<String> = quoted(folders)
                .iter()
                .map(|folder| folder.trim_end_matches('/').trim_end_matches(".rs").to_owned())
                .collect();
            let modules = quoted(holds).into_iter().filter(|name| is_module(name));
            for module in modules.filter(|_| !folders.is_empty() && self.ends_with(&folders[0])) {
                *n_checked += 1;
                let below = |folder: &String| {
                    ["", ".rs", "/main.rs"]
                        .iter()
                        .any(|end| self.ends_with(&format!("{folder}/{module}{end}")))
                };
                if !folders.iter().any(below) {
                    faults.push(format!("no module `{module}` below {}", folders.join(", ")));
                }
            }
        }
        faults
    }

    /// Whether the item of a name exists; `None` if the name is not one of ours.
    fn has(&self, name: &str) -> Option<bool> {
        let is_file = [".rs", ".md"].iter().any(|end| name.ends_with(end));
        let is_path = name.contains('/') && !name.starts_with('/');
        if name.contains(char::is_whitespace)
            || name.contains("NAME")
            || name.starts_with("AUXDESK_")
        {
            return None;
        }
        if is_file || is_path {
            return Some(self.ends_with(name.trim_end_matches('/')));
        }
        if let Some(function) = name.strip_suffix("()").filter(|name| is_word(name)) {
            return Some(self.declares(function));
        }
        if let Some((above, last)) = name.rsplit_once("::") {
            let above = above.rsplit("::").next().unwrap_or(above);
            return (is_word(above) && is_word(last)).then(|| self.has_within(above, last));
        }
        let is_ours = is_word(name) && name.len() > 1 && name.starts_with(char::is_uppercase);
        (is_ours && !FOREIGN.contains(&name)).then(|| self.declares(name))
    }

    /// Whether a path exists, from some folder on.
    fn ends_with(&self, path: &str) -> bool {
        self.paths.contains(path)
            || self
                .paths
                .iter()
                .any(|whole| whole.strip_suffix(path).is_some_and(|s| s.ends_with('/')))
    }

    fn declares(&self, name: &str) -> bool {
        self.sources.iter().any(|file| file.declares(name))
    }

    /// Whether a type or module has an item of that name.
    fn has_within(&self, above: &str, name: &str) -> bool {
        let of_type = self
            .sources
            .iter()
            .any(|file| file.declares(above) && file.tokens.iter().any(|token| token.text == name));
        let is_module = |file: &&Source| {
            let module = file.module();
            module == above
                || module.starts_with(&format!("{above}::"))
                || module.ends_with(&format!("::{above}"))
                || module.contains(&format!("::{above}::"))
        };
        of_type
            || self.sources.iter().filter(is_module).any(|file| file.has(name))
            || self.sources.iter().any(|file| file.module().ends_with(&format!("{above}::{name}")))
    }

    fn has_word(&self, path: &str, name: &str) -> bool {
        let path = path.strip_prefix("src/").or(path.strip_prefix("tests/")).unwrap_or(path);
        let mut files = self.sources.iter().filter(|file| file.path.ends_with(path));
        files.any(|file| file.tokens.iter().any(|token| token.text == name))
    }
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// A name in the form of module names.
fn is_module(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

/// The lines of a document with their numbers, without code blocks.
fn without_code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}
