//! No two modules of one folder depend on each other, directly or indirectly.
//!
//! A module may use items in its parent's own file, and a parent uses its children. A name that the
//! parent re-exports counts as a name of the module that declares it. Between siblings, each with
//! its submodules, dependencies go one way.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::{Named, Source, paths, sources};

/// The places where one module uses another: file and line, with the path.
type Places = BTreeMap<(String, String), Vec<String>>;

#[test]
fn no_modules_of_one_folder_depend_on_each_other() {
    let circles = circles(&sources());
    assert!(circles.is_empty(), "{}", circles.join("\n\n"));
}

#[test]
fn a_cycle_through_a_re_export_is_found() {
    let file = |path: &str, text: &str| Source::read(path, text);
    let parent = file("a.rs", "mod b; mod c; pub use c::{C, c::D as E}; struct Own;");
    let b = file("a/b.rs", "use super::{E, Own};");
    let below_c = file("a/c/d.rs", "fn f(x: crate::a::b::B) {}");
    let c = file("a/c.rs", "use super::Own; mod d;");
    let found = circles(&[parent.clone(), b.clone(), c.clone(), below_c]);
    assert_eq!(
        found,
        ["src/a: b, c\n  src/a/b.rs:1: b names c: a::E\n  src/a/c/d.rs:1: c names b: a::b::B"]
    );
    assert_eq!(circles(&[parent, b, c]), Vec::<String>::new());
}

/// The groups of modules that depend on each other, by folder, with the places.
fn circles(files: &[Source]) -> Vec<String> {
    let modules: BTreeSet<String> = files.iter().map(Source::module).collect();
    let re_exports: BTreeMap<String, String> = files.iter().flat_map(re_exports).collect();
    let mut folders: BTreeMap<String, Places> = BTreeMap::new();
    for file in files {
        let from = file.module();
        for Named { line, path } in paths(file) {
            let to = home(&path, &modules, &re_exports);
            if let Some((folder, from, to)) = siblings(&from, &to) {
                let place = format!("src/{}:{line}: {from} names {to}: {path}", file.path);
                folders.entry(folder).or_default().entry((from, to)).or_default().push(place);
            }
        }
    }
    folders.iter().flat_map(|(folder, places)| in_circles(folder, places)).collect()
}

/// The `use` declarations of a module's file, by the path under which others find the name there.
fn re_exports(file: &Source) -> Vec<(String, String)> {
    let module = file.module();
    file.uses()
        .into_iter()
        .map(|(name, path)| (format!("{module}::{name}"), path))
        .filter(|(name, path)| name != path)
        .collect()
}

/// The module that declares the item of a path.
fn home(path: &str, modules: &BTreeSet<String>, re_exports: &BTreeMap<String, String>) -> String {
    let mut path = path.to_owned();
    // A re-export may refer to another one; more than a few would be a cycle.
    for _ in 0..8 {
        let mut prefixes = path.match_indices("::").map(|(at, _)| at).chain([path.len()]);
        let Some((at, target)) = prefixes.find_map(|at| Some((at, re_exports.get(&path[..at])?)))
        else {
            break;
        };
        path = format!("{target}{}", &path[at..]);
    }
    while !modules.contains(&path) {
        match path.rsplit_once("::") {
            Some((above, _)) => path.truncate(above.len()),
            None => break,
        }
    }
    path
}

/// The siblings of a dependency: the common parent of two modules, and its children through which
/// each is reached. `None` if one is the other's ancestor, or if the crate is the only common
/// parent, which another table covers.
fn siblings(from: &str, to: &str) -> Option<(String, String, String)> {
    let (mut from, mut to) = (from.split("::"), to.split("::"));
    let mut above: Vec<&str> = Vec::new();
    loop {
        let (one, other) = (from.next()?, to.next()?);
        if one != other {
            let is_top = above.is_empty();
            return (!is_top).then(|| (above.join("/"), one.to_owned(), other.to_owned()));
        }
        above.push(one);
    }
}

fn in_circles(folder: &str, places: &Places) -> Vec<String> {
    let mut reaches: BTreeSet<(&str, &str)> =
        places.keys().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let modules: BTreeSet<&str> = reaches.iter().flat_map(|(from, to)| [*from, *to]).collect();
    for via in &modules {
        for from in &modules {
            for to in &modules {
                if reaches.contains(&(*from, *via)) && reaches.contains(&(*via, *to)) {
                    reaches.insert((*from, *to));
                }
            }
        }
    }
    let together = |a: &str, b: &str| reaches.contains(&(a, b)) && reaches.contains(&(b, a));
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for module in &modules {
        let group: Vec<&str> =
            modules.iter().copied().filter(|other| together(module, other)).collect();
        if group.is_empty() || !seen.insert(group.clone()) {
            continue;
        }
        let within = places.iter().filter(|((from, to), _)| {
            group.contains(&from.as_str()) && group.contains(&to.as_str())
        });
        let lines: Vec<String> =
            within.flat_map(|(_, places)| places).map(|place| format!("\n  {place}")).collect();
        found.push(format!("src/{folder}: {}{}", group.join(", "), lines.concat()));
    }
    found
}
