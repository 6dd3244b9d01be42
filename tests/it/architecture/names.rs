//! Names: no two public types of the crate share one, no type has a name of the prelude, and a
//! file's name describes its contents.
//!
//! Public means `pub` or `pub(crate)`. Types that only a module and its submodules see may share a
//! name.

use std::collections::BTreeMap;

use super::reader::{Source, files, sources};

/// The types and traits of Rust's prelude.
const PRELUDE: &[&str] = &[
    "AsMut",
    "AsRef",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "Box",
    "Clone",
    "Copy",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "Send",
    "Sized",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Unpin",
    "Vec",
];

/// File names that do not describe their contents.
const EMPTY_NAMES: &[&str] =
    &["words", "real", "soup", "thin", "ask", "mod", "util", "misc", "helpers"];

/// A declaration of a type or a trait.
struct Declared {
    name: String,
    line: usize,
    is_public: bool,
}

#[test]
fn no_two_public_types_share_a_name() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in sources() {
        for Declared { name, line, .. } in declared(&file).into_iter().filter(|d| d.is_public) {
            places.entry(name).or_default().push(format!("src/{}:{line}", file.path));
        }
    }
    assert!(places.len() > 100, "the sources have been read");
    places.retain(|_, places| places.len() > 1);
    assert!(places.is_empty(), "{places:#?}");
}

#[test]
fn no_type_shadows_the_prelude() {
    let mut shadows = Vec::new();
    for file in sources() {
        for Declared { name, line, .. } in declared(&file) {
            if PRELUDE.contains(&name.as_str()) {
                shadows.push(format!("src/{}:{line}: {name}", file.path));
            }
        }
    }
    assert!(shadows.is_empty(), "{}", shadows.join("\n"));
}

#[test]
fn file_names_describe_their_contents() {
    let said: Vec<String> = files("src")
        .into_keys()
        .filter(|path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            EMPTY_NAMES.contains(&name.trim_end_matches(".rs"))
        })
        .collect();
    assert!(said.is_empty(), "{said:?}");
}

/// The declarations are found, or the tests above would be vacuous.
#[test]
fn public_types_are_distinguished_from_private_and_associated_ones() {
    let text = "
        pub struct A; pub(crate) enum B {} pub(super) trait C {} struct D(pub u8);
        pub unsafe trait E {} pub type F = u8; type G = u8;
        impl Iterator for A { type Item = u8; fn f() -> impl Fn() { struct H; } }
        #[cfg(test)] pub struct Test;
    ";
    let found = declared(&Source::read("x.rs", text));
    let found: Vec<_> = found.iter().map(|d| (d.name.as_str(), d.is_public)).collect();
    let public = [
        ("A", true),
        ("B", true),
        ("C", false),
        ("D", false),
        ("E", true),
        ("F", true),
        ("H", false),
    ];
    assert_eq!(found, public);
}

fn declared(file: &Source) -> Vec<Declared> {
    let text = |at: usize| file.tokens.get(at).map_or("", |token| token.text.as_str());
    let mut found = Vec::new();
    for at in 0..file.tokens.len() {
        let before = |n: usize| at.checked_sub(n).map_or("", text);
        let is_unsafe = usize::from(before(1) == "unsafe");
        let before = |n: usize| before(n + is_unsafe);
        let is_public =
            before(1) == "pub" || (before(1) == ")" && before(2) == "crate" && before(4) == "pub");
        let is_type = match text(at) {
            "struct" | "enum" | "trait" => true,
            // Without `pub` it may belong to a trait.
            "type" => is_public,
            _ => false,
        };
        if is_type {
            let name = text(at + 1).to_owned();
            found.push(Declared { name, line: file.tokens[at].line, is_public });
        }
    }
    found
}
