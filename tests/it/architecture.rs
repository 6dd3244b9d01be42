//! Who may name whom. Every path of `src` that starts `crate::`, `auxdesk::` or, climbing out of its
//! module, `super::` is held against one table, wherever it stands: in a `use` with its groups, in a
//! type, in an expression. Comments, strings and what is `#[cfg(test)]` are left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The words both halves share, and what any part may use of them.
const FOLD: &[&str] = &["state", "journal", "bus", "protocol"];

/// For each module at the top, the modules it may name, beside itself. Downwards only: no two rows
/// name each other, by whatever way round (a test says so).
///
/// What is not in the style page, and why it stands where it does:
/// - `schedule` is arithmetic, below everything. `keys` reads one from a recipe's value. Every kind
///   declares its keys, so `keys` is below `data`, `model` and `objective`.
/// - `kernel` may name `data::Packing` and nothing else of `data`. A packing is the shape of rows:
///   `data` fills it, kernels walk it. Were it in `kernel`, `data` would have to name the home of
///   tensors; the shape without a tensor in it is the lower of the two.
/// - `nearest` is a distance between names, below everything: recipes, corpus formats and the user's file
///   for the desk all say which name was meant.
/// - `objective` names `kernel`, because a kind that brings its own scores (next-word, over a large
///   vocabulary) needs the fused cross-entropy that heads use.
/// - `mixer` names `schedule`: a fader's gain may be one.
/// - `train` names `bus`: the trainer tells events on it and never waits.
/// - `recorder` folds and writes events, without a terminal; `headless` and `tui` draw the fold.
/// - `feed` is what the recorder hands to screens, so it stands between them: it knows the channel that a screen
///   may miss events of, and the fold that it catches up with.
/// - `app`, `cli` and `command` may name everything, so nothing else may name them.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("schedule", &[]),
    ("nearest", &[]),
    ("keys", &["schedule"]),
    ("bus", &["protocol"]),
    ("state", &["protocol"]),
    ("journal", &["protocol"]),
    ("feed", &["state", "bus", "protocol"]),
    ("recorder", &["feed", "state", "journal", "bus", "protocol"]),
    ("headless", FOLD),
    ("tui", &["feed", "state", "journal", "bus", "protocol", "nearest"]),
    ("data", &["protocol", "keys", "schedule", "nearest"]),
    ("metric", &["data", "protocol"]),
    ("kernel", &["data::Packing"]),
    ("model", &["data", "kernel", "keys"]),
    ("mixer", &["protocol", "schedule"]),
    ("objective", &["model", "metric", "data", "kernel", "keys", "protocol"]),
    (
        "recipe",
        &[
            "objective",
            "mixer",
            "model",
            "metric",
            "data",
            "kernel",
            "nearest",
            "keys",
            "schedule",
            "protocol",
        ],
    ),
    (
        "train",
        &[
            "recipe",
            "objective",
            "mixer",
            "model",
            "metric",
            "data",
            "kernel",
            "keys",
            "schedule",
            "bus",
            "protocol",
        ],
    ),
    ("app", EVERYTHING),
    ("cli", EVERYTHING),
    ("command", EVERYTHING),
    ("main", EVERYTHING),
    // Declares the modules and names none of them but in its documentation.
    ("lib", &[]),
];

const EVERYTHING: &[&str] = &["*"];

/// Words that only some files may hold: a fence each.
const FENCES: &[Fence] = &[
    Fence {
        words: &["candle_core"],
        inside: |path| !NO_TENSORS.contains(&top(path).as_str()),
        why: "there is no tensor here",
    },
    Fence {
        words: &["candle_nn"],
        inside: |path| path.starts_with("kernel/plain"),
        why: "candle-nn's layers are for other devices, behind the kernels' functions",
    },
    Fence {
        words: &["ratatui", "crossterm"],
        inside: |path| top(path) == "tui",
        why: "only tui knows a terminal",
    },
    Fence {
        words: &["unsafe"],
        inside: |path| ["kernel", "main"].contains(&top(path).as_str()),
        why: "unsafe code is in src/kernel and in main.rs",
    },
    Fence {
        words: &["Instant", "SystemTime", "UNIX_EPOCH", "jiff", "Zoned", "Timestamp"],
        inside: |path| ["train/clock.rs", "app/folder.rs"].contains(&path),
        why: "a run's time is train::Clock's, and its start is a run folder's",
    },
];

const NO_TENSORS: &[&str] = &[
    "protocol", "state", "journal", "bus", "feed", "headless", "recorder", "keys", "schedule",
    "metric", "mixer", "tui", "data", "cli",
];

struct Fence {
    words: &'static [&'static str],
    inside: fn(&str) -> bool,
    why: &'static str,
}

#[test]
fn every_module_names_only_what_stands_below_it() {
    let mut broken = Vec::new();
    for file in sources() {
        let top = top(&file.path);
        let Some((_, may)) = MAY_NAME.iter().find(|(module, _)| *module == top) else {
            broken.push(format!("src/{}:1: {top} has no row in the table", file.path));
            continue;
        };
        for Named { line, path } in paths(&file) {
            let module = path.split("::").next().unwrap_or_default();
            let within =
                |allowed: &&str| path == **allowed || path.starts_with(&format!("{allowed}::"));
            if module == top || *may == EVERYTHING || may.iter().any(within) {
                continue;
            }
            broken.push(format!("src/{}:{line}: {top} may not name {path}", file.path));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn what_is_fenced_in_stays_there() {
    let mut broken = Vec::new();
    let mut n_unsafe_in_main = 0;
    for file in sources() {
        for token in &file.tokens {
            for fence in FENCES.iter().filter(|fence| fence.words.contains(&token.text.as_str())) {
                if !(fence.inside)(&file.path) {
                    let (path, line, text) = (&file.path, token.line, &token.text);
                    broken.push(format!("src/{path}:{line}: {text}: {}", fence.why));
                }
            }
        }
        if file.path == "main.rs" {
            let at = |word| file.tokens.iter().filter(move |token| token.text == word);
            n_unsafe_in_main = at("unsafe").count();
            let lines: BTreeSet<usize> = at("unsafe").map(|token| token.line).collect();
            let sets: BTreeSet<usize> = at("set_var").map(|token| token.line).collect();
            assert_eq!(lines, sets, "the one unsafe line of main.rs sets a variable");
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!(n_unsafe_in_main, 1, "main.rs has one unsafe block");
}

#[test]
fn the_table_has_a_row_for_every_module_and_no_circle() {
    let there: BTreeSet<String> = sources().iter().map(|file| top(&file.path)).collect();
    let rows: BTreeSet<String> = MAY_NAME.iter().map(|(module, _)| (*module).to_owned()).collect();
    let gone: Vec<_> = rows.difference(&there).filter(|module| *module != "tui").collect();
    assert!(gone.is_empty(), "rows for modules that are not there: {gone:?}");
    let missing: Vec<_> = there.difference(&rows).collect();
    assert!(missing.is_empty(), "modules without a row: {missing:?}");

    // Rows whose modules all stand below come off, until none is left.
    let mut left: BTreeMap<&str, BTreeSet<&str>> = MAY_NAME
        .iter()
        .filter(|(_, may)| *may != EVERYTHING)
        // A path into a module is a narrow exception, and must not make a circle either.
        .map(|(module, may)| {
            let below = may.iter().map(|path| path.split("::").next().unwrap_or(path));
            (*module, below.collect())
        })
        .collect();
    while let Some(lowest) = left.iter().find(|(_, may)| may.is_empty()).map(|(&module, _)| module)
    {
        left.remove(lowest);
        for may in left.values_mut() {
            may.remove(lowest);
        }
    }
    assert!(left.is_empty(), "these name each other: {left:?}");
}

/// The reader of sources sees what it should, or the tests above prove nothing.
#[test]
fn paths_are_read_out_of_groups_and_expressions_and_not_out_of_words() {
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
    let file = Source { path: "x/y.rs".to_owned(), tokens: without_tests(&tokens(text)) };
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
        ("p", 7),
        ("q", 13),
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected.map(|(path, line)| (path.to_owned(), line)));
}

/// A file of `src` by its path there, without comments, strings and tests.
struct Source {
    path: String,
    tokens: Vec<Token>,
}

#[derive(Clone, Debug)]
struct Token {
    text: String,
    line: usize,
}

/// A path from the crate's root, and where it is named.
struct Named {
    line: usize,
    path: String,
}

/// The module at the top that a file belongs to.
fn top(path: &str) -> String {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first).to_owned()
}

fn sources() -> Vec<Source> {
    let mut files = BTreeMap::new();
    let mut folders = vec![Path::new("src").to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix("src").unwrap().to_str().unwrap().to_owned();
                files.insert(name, tokens(&fs::read_to_string(&path).unwrap()));
            }
        }
    }
    // `#[cfg(test)] mod name;` makes name.rs and all below it tests.
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

fn words(tokens: &[Token]) -> Vec<&str> {
    tokens.iter().map(|token| token.text.as_str()).collect()
}

const CFG_TEST: &[&str] = &["#", "[", "cfg", "(", "test", ")", "]"];

fn test_files(path: &str, tokens: &[Token]) -> Vec<String> {
    let folder = match path.strip_suffix(".rs").unwrap() {
        "lib" | "main" => String::new(),
        stem => format!("{stem}/"),
    };
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        if !words(&tokens[at..]).starts_with(CFG_TEST) {
            continue;
        }
        if let ["mod", name, ";", ..] = words(&tokens[at + CFG_TEST.len()..]).as_slice() {
            found.push(format!("{folder}{name}"));
        }
    }
    found
}

/// Leaves out every item under `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_test =
            tokens[at].text == "#" && words(&tokens[at..(at + 7).min(tokens.len())]) == CFG_TEST;
        if !is_test {
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

/// Words, `::` and single marks; no comments, no strings.
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

/// Every path from the crate's root that the file names.
fn paths(file: &Source) -> Vec<Named> {
    let text = |at: usize| file.tokens.get(at).map_or("", |token| token.text.as_str());
    let depth = file.path.trim_end_matches(".rs").split('/').count();
    let mut found = Vec::new();
    for at in 0..file.tokens.len() {
        // What follows another `::` is within a path already.
        if text(at + 1) != "::" || (at > 0 && text(at - 1) == "::") {
            continue;
        }
        let start = match text(at) {
            "crate" | "auxdesk" => at + 2,
            // As many steps up as the file lies deep.
            "super" => {
                let mut end = at;
                while text(end) == "super" && text(end + 1) == "::" {
                    end += 2;
                }
                if (end - at) / 2 < depth {
                    continue;
                }
                end
            }
            _ => continue,
        };
        tree(&file.tokens, start, "", &mut found);
    }
    found
}

/// Reads a path, or a group of them, from `at` on; gives back the place after it.
fn tree(tokens: &[Token], mut at: usize, prefix: &str, found: &mut Vec<Named>) -> usize {
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
        if text(at) == "as" {
            at += 2;
        }
        found.push(Named { line, path });
        return at;
    }
}
