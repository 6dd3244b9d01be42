//! Reads the sources: words, paths and modules, without comments, strings and code under
//! `#[cfg(test)]`.

use std::{collections::BTreeMap, fs, path::Path};

/// A file of `src` by its path, without comments, strings and tests.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) path: String,
    pub(super) tokens: Vec<Token>,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
}

/// A path from the crate's root, and its location.
pub(super) struct Named {
    pub(super) line: usize,
    pub(super) path: String,
}

impl Source {
    pub(super) fn read(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), tokens: without_tests(&tokens(text)) }
    }

    /// The module's path from the crate's root.
    pub(super) fn module(&self) -> String {
        self.path.trim_end_matches(".rs").replace('/', "::")
    }

    /// Whether an item of that name is declared here: a type, a function, a macro, a constant.
    pub(super) fn declares(&self, name: &str) -> bool {
        const BEFORE: &[&str] =
            &["fn", "struct", "enum", "trait", "type", "const", "static", "mod", "macro_rules"];
        self.tokens
            .windows(2)
            .any(|pair| pair[1].text == name && BEFORE.contains(&pair[0].text.as_str()))
    }

    /// Whether an item of that name is declared or imported here.
    pub(super) fn has(&self, name: &str) -> bool {
        self.declares(name) || self.uses().iter().any(|(taken, _)| taken == name)
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }

    /// The imports of the file: their names here, and their paths from the crate's root.
    pub(super) fn uses(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for at in 0..self.tokens.len() {
            if self.text(at) != "use" {
                continue;
            }
            let mut leaves = Vec::new();
            // A path that begins with a name refers to a child module or another crate, which no
            // module has.
            let start = self.root(at + 1).unwrap_or((at + 1, self.module()));
            tree(&self.tokens, start.0, &start.1, &mut leaves);
            found.extend(leaves.into_iter().map(|leaf| (leaf.name, leaf.path)));
        }
        found
    }

    /// The continuation of a path and its parent; `None` if the path begins with a name.
    fn root(&self, mut at: usize) -> Option<(usize, String)> {
        let mut above = match self.text(at) {
            "crate" | "auxdesk" => return Some((at + 2, String::new())),
            "self" => return Some((at + 2, self.module())),
            "super" => self.module(),
            _ => return None,
        };
        while self.text(at) == "super" && self.text(at + 1) == "::" {
            above.truncate(above.rfind("::").unwrap_or(0));
            at += 2;
        }
        Some((at, above))
    }
}

/// The top-level module of a file.
pub(super) fn top(path: &str) -> String {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first).to_owned()
}

/// The sources without code that is compiled for tests only.
pub(super) fn sources() -> Vec<Source> {
    let files: BTreeMap<String, Vec<Token>> =
        files("src").into_iter().map(|(path, text)| (path, tokens(&text))).collect();
    // `#[cfg(test)] mod name;` makes name.rs and everything below it tests.
    let tests: Vec<String> =
        files.iter().flat_map(|(path, tokens)| test_files(path, tokens)).collect();
    let is_test = |path: &str| {
        let below =
            |test: &String| path == format!("{test}.rs") || path.starts_with(&format!("{test}/"));
        tests.iter().any(below)
    };
    let kept = files.into_iter().filter(|(path, _)| !is_test(path));
    kept.map(|(path, tokens)| Source { path, tokens: without_tests(&tokens) }).collect()
}

/// The sources and the tests, complete.
pub(super) fn all_sources() -> Vec<Source> {
    let all = ["src", "tests", "benches"].map(files).into_iter().flatten();
    all.map(|(path, text)| Source { path, tokens: tokens(&text) }).collect()
}

/// The texts of a folder's Rust files by their paths in it.
pub(super) fn files(root: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![Path::new(root).to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

/// The first words, at most n.
fn words(tokens: &[Token], n: usize) -> Vec<&str> {
    tokens.iter().take(n).map(|token| token.text.as_str()).collect()
}

const CFG_TEST: &[&str] = &["#", "[", "cfg", "(", "test", ")", "]"];

const VISIBLE: &[&str] = &["pub", "(", "crate", ")"];

fn test_files(path: &str, tokens: &[Token]) -> Vec<String> {
    let folder = match path.strip_suffix(".rs").unwrap() {
        "lib" | "main" => String::new(),
        stem => format!("{stem}/"),
    };
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        if words(&tokens[at..], CFG_TEST.len()) != CFG_TEST {
            continue;
        }
        let declared = words(&tokens[at + CFG_TEST.len()..], VISIBLE.len() + 3);
        let declared = declared.strip_prefix(VISIBLE).unwrap_or(&declared);
        if let ["mod", name, ";", ..] = declared {
            found.push(format!("{folder}{name}"));
        }
    }
    found
}

/// Removes every item under `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if words(&tokens[at..], CFG_TEST.len()) != CFG_TEST {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        // The item ends with a `;` or a `}` at its own depth.
        let (mut depth, mut is_over) = (0, false);
        while at < tokens.len() && !is_over {
            match tokens[at].text.as_str() {
                "{" | "(" | "[" => depth += 1,
                ")" | "]" => depth -= 1,
                "}" => {
                    depth -= 1;
                    is_over = depth == 0;
                }
                ";" => is_over = depth == 0,
                _ => {}
            }
            at += 1;
        }
    }
    kept
}

/// Words, `::` and single punctuation marks; no comments, no strings.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    while at < chars.len() {
        let from = at;
        let next = chars.get(at + 1).copied().unwrap_or(' ');
        match chars[at] {
            '/' if next == '/' => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
            }
            '/' if next == '*' => {
                let mut depth = 0;
                loop {
                    match (chars[at], chars.get(at + 1)) {
                        ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
                        ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
                        _ => at += 1,
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            '"' => at = end_of_string(&chars, at + 1),
            '\'' if next == '\\' => {
                at += 3;
                while chars[at] != '\'' {
                    at += 1;
                }
                at += 1;
            }
            '\'' if chars.get(at + 2) == Some(&'\'') => at += 3,
            '\'' => at += 1,
            c if is_word(c) => {
                while at < chars.len() && is_word(chars[at]) {
                    at += 1;
                }
                let word: String = chars[from..at].iter().collect();
                let marks = chars[at..].iter().take_while(|c| **c == '#').count();
                let quoted = chars.get(at + marks) == Some(&'"');
                match word.as_str() {
                    "r" | "br" if quoted => at = end_of_raw(&chars, at + marks + 1, marks),
                    "b" | "c" if quoted && marks == 0 => at = end_of_string(&chars, at + 1),
                    _ => tokens.push(Token { text: word, line }),
                }
            }
            ':' if next == ':' => {
                tokens.push(Token { text: "::".to_owned(), line });
                at += 2;
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(Token { text: c.to_string(), line });
                }
                at += 1;
            }
        }
        line += chars[from..at].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

fn end_of_string(chars: &[char], mut at: usize) -> usize {
    while chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn end_of_raw(chars: &[char], mut at: usize, marks: usize) -> usize {
    let ends =
        |at: usize| chars[at] == '"' && chars[at + 1..].iter().take(marks).all(|c| *c == '#');
    while !ends(at) {
        at += 1;
    }
    at + 1 + marks
}

/// Every path into the crate that the file uses with `crate`, `super` or `self`, from the crate's
/// root.
pub(super) fn paths(file: &Source) -> Vec<Named> {
    let mut found = Vec::new();
    for at in 0..file.tokens.len() {
        // A segment after another `::` is part of a path already.
        if file.text(at + 1) != "::" || (at > 0 && file.text(at - 1) == "::") {
            continue;
        }
        if let Some((start, above)) = file.root(at) {
            let mut leaves = Vec::new();
            tree(&file.tokens, start, &above, &mut leaves);
            found.extend(leaves.into_iter().map(|Leaf { line, path, .. }| Named { line, path }));
        }
    }
    found
}

/// The end of a path, with its name from here on.
struct Leaf {
    line: usize,
    path: String,
    name: String,
}

/// Reads a path, or a group of them, from `at` on; returns the position after it.
fn tree(tokens: &[Token], mut at: usize, prefix: &str, found: &mut Vec<Leaf>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let line = tokens.get(at).map_or(0, |token| token.line);
    let is_word =
        |word: &str| word.chars().all(|c| c.is_alphanumeric() || c == '_') && !word.is_empty();
    let mut path = prefix.to_owned();
    loop {
        match text(at) {
            "{" => {
                at += 1;
                while text(at) != "}" {
                    at = tree(tokens, at, &path, found);
                    if text(at) == "," {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "*" | "self" => at += 1,
            word if is_word(word) => {
                path = if path.is_empty() { word.to_owned() } else { format!("{path}::{word}") };
                at += 1;
                if text(at) == "::" && (is_word(text(at + 1)) || ["{", "*"].contains(&text(at + 1)))
                {
                    at += 1;
                    continue;
                }
            }
            _ => {}
        }
        let mut name = path.rsplit("::").next().unwrap_or_default().to_owned();
        if text(at) == "as" {
            text(at + 1).clone_into(&mut name);
            at += 2;
        }
        found.push(Leaf { line, path, name });
        return at;
    }
}

/// The reader of sources works, or the tests above would be vacuous.
#[test]
fn paths_are_found_in_groups_and_expressions_but_not_in_words() {
    let text = r##"
        //! crate::no
        use crate::{a, b::{self, c::d as e, f::*}, super_};
        pub(crate) fn f(x: &crate::g::H<auxdesk::i::J>) -> char {
            /* crate::no /* crate::no */ crate::no */
            let _ = ("crate::no \" crate::no", r#"crate::no " crate::no"#, b"crate::no", '"', '\'');
            crate::k::l::<crate::m>('x', "\\"); super::super::n::o(); super::here(); $crate::p!();
        }
        #[cfg(test)]
        #[allow(x)]
        mod tests { use crate::no; fn f() { crate::no } }
        #[cfg(test)] use crate::no;
        fn lifetime<'a>(x: &'a crate::q) {}
    "##;
    let file = Source::read("x/y.rs", text);
    let found = paths(&file).into_iter().map(|named| (named.path, named.line));
    let expected = [
        ("a", 3),
        ("b", 3),
        ("b::c::d", 3),
        ("b::f", 3),
        ("super_", 3),
        ("g::H", 4),
        ("i::J", 4),
        ("k::l", 7),
        ("m", 7),
        ("n::o", 7),
        ("x::here", 7),
        ("p", 7),
        ("q", 13),
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected.map(|(path, line)| (path.to_owned(), line)));
}
