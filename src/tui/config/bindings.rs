//! Key bindings: an action's default keys, replaced by the user's. A key has one meaning per scope;
//! a file that gives it two is at fault.

use std::collections::BTreeMap;

use toml::de::{DeArray, DeTable, DeValue};

use super::ActionName;
use crate::{
    nearest::hint,
    tui::{
        KeyPress,
        toml::{Entry, Faults},
    },
};

/// The keys of one action.
struct Bound<'a> {
    action: &'a ActionName,
    keys: Vec<KeyPress>,
    /// The line of the user's file; `None` for the defaults.
    line: Option<usize>,
}

/// The default keys of every action.
pub(super) fn defaults(actions: &[ActionName]) -> BTreeMap<String, Vec<KeyPress>> {
    named(&by_default(actions))
}

/// The keys of every action, with the user's changes.
pub(super) fn read(
    table: &DeTable<'_>,
    actions: &[ActionName],
    faults: &mut Faults<'_>,
) -> BTreeMap<String, Vec<KeyPress>> {
    let mut bound = by_default(actions);
    for Entry { key: name, value, line } in faults.entries(table) {
        let Some(bound) = bound.iter_mut().find(|bound| bound.action.name == name) else {
            let hint = hint(name, actions.iter().map(|action| action.name));
            faults.at(line, format!("no action named {name:?}{hint}"));
            continue;
        };
        bound.keys = keys(&format!("keys.{name}"), value, line, faults);
        bound.line = Some(line);
    }
    refuse_shared(&bound, faults);
    named(&bound)
}

fn by_default(actions: &[ActionName]) -> Vec<Bound<'_>> {
    let key = |text: &&str| text.parse().expect("a default key is one");
    let keys = |action: &ActionName| action.keys.iter().map(key).collect();
    actions.iter().map(|action| Bound { action, keys: keys(action), line: None }).collect()
}

fn named(bound: &[Bound<'_>]) -> BTreeMap<String, Vec<KeyPress>> {
    bound.iter().map(|bound| (bound.action.name.to_owned(), bound.keys.clone())).collect()
}

/// One key, or an array of keys, which may be empty.
fn keys(name: &str, value: &DeValue<'_>, line: usize, faults: &mut Faults<'_>) -> Vec<KeyPress> {
    const WANTED: &str = "a key such as \"ctrl-r\", or an array of keys";
    let mut found = Vec::new();
    let mut add = |value: &DeValue<'_>, line: usize, faults: &mut Faults<'_>| match value {
        DeValue::String(text) => match text.parse() {
            Ok(key) if found.contains(&key) => {}
            Ok(key) => found.push(key),
            Err(error) => faults.at(line, format!("`{name}`: {error}")),
        },
        value => faults.value(line, name, value, WANTED),
    };
    match value {
        DeValue::Array(items) => {
            let items: &DeArray<'_> = items;
            for item in items {
                add(item.get_ref(), faults.line(&item.span()), faults);
            }
        }
        value => add(value, line, faults),
    }
    found
}

/// Two actions with one key are a fault at the line of the later binding. Conflicts among defaults
/// are not reported, as the user cannot fix them.
fn refuse_shared(bound: &[Bound<'_>], faults: &mut Faults<'_>) {
    for (at, one) in bound.iter().enumerate() {
        for other in &bound[at + 1..] {
            if !meet(one.action, other.action) {
                continue;
            }
            for key in one.keys.iter().filter(|key| other.keys.contains(key)) {
                refuse(&key.to_string(), one, other, faults);
            }
        }
    }
}

fn refuse(key: &str, one: &Bound<'_>, other: &Bound<'_>, faults: &mut Faults<'_>) {
    let (line, here, there, by) = match (one.line, other.line) {
        (None, None) => return,
        (Some(line), None) => (line, one, other, None),
        (None, Some(line)) => (line, other, one, None),
        (Some(line), Some(second)) if line > second => (line, one, other, Some(second)),
        (Some(first), Some(line)) => (line, other, one, Some(first)),
    };
    let (here, there) = (here.action.name, there.action.name);
    let what = match by {
        Some(first) => {
            let first = faults.location(first);
            format!("{key:?} is bound to {here} here and to {there} at {first}; keep one")
        }
        None => format!(
            "{key:?} is bound to {here} here and to {there} by default; give {there} another key, \
             or none: {there} = []"
        ),
    };
    faults.at(line, what);
}

/// Whether the two actions share a scope.
fn meet(one: &ActionName, other: &ActionName) -> bool {
    one.groups.iter().any(|group| other.groups.contains(group))
}
