//! Command-line overrides: `--set KEY=VALUE` and other options replace values of the recipe, and
//! `--set KEY=` removes one.
//!
//! `steps` or `epochs` on the command line replaces the other one in the recipe; both are a fault.

use std::collections::BTreeMap;

use super::{
    Overrides,
    fault::{Diagnostics, found},
    parse,
};
use crate::{
    keys::{Located, Place, Value},
    nearest::hint,
};

const NAMED: &[&str] = &["corpus", "encoder", "objective"];
const WANTED: &str = "expected name, about, train.KEY or corpus|encoder|objective.NAME.KEY";

type Tree = Vec<(String, Located)>;

/// Applies the command line's values to a recipe's tree.
pub(super) fn apply(tree: &mut Tree, overrides: &Overrides, diagnostics: &mut Diagnostics) {
    let mut given: BTreeMap<Vec<&str>, Place> = BTreeMap::new();
    for set in &overrides.sets {
        let Some((key, text)) = set.split_once('=') else {
            diagnostics
                .fault(&Place::Set(set.as_str().into()), "expected KEY=VALUE, found no value");
            continue;
        };
        let (key, text) = (key.trim(), text.trim());
        let place = Place::Set(key.into());
        let path: Vec<&str> = key.split('.').collect();
        let taken = given.keys().find(|other| overlap(other, &path));
        if let Some(other) = taken {
            let what = if other == &path {
                "given twice; keep one".to_owned()
            } else {
                format!("given together with {}, which overlaps it; keep one", other.join("."))
            };
            diagnostics.fault(&place, what);
            continue;
        }
        given.insert(path.clone(), place.clone());
        if text.is_empty() {
            unset(tree, &path, &place, diagnostics);
            continue;
        }
        match value(text, &place, diagnostics) {
            Ok(value) => put(tree, &path, value, diagnostics),
            Err(why) => {
                let what = format!("{text:?} is not TOML: {why}");
                diagnostics.fault(&place, what);
            }
        }
    }
    let options = [
        ("--seed", "seed", overrides.seed),
        ("--steps", "steps", overrides.steps),
        ("--epochs", "epochs", overrides.epochs),
    ];
    for (option, key, number) in options {
        let Some(number) = number else { continue };
        let path = ["train", key];
        if given.keys().any(|other| overlap(other, &path)) {
            diagnostics.fault(
                &Place::Option(option),
                format!("given together with --set train.{key}; keep one"),
            );
            continue;
        }
        let place = Place::Option(option);
        match i64::try_from(number) {
            Ok(number) => {
                put(tree, &path, Located { value: Value::Integer(number), place }, diagnostics);
            }
            Err(_) => {
                diagnostics.fault(&place, format!("{number} is out of range for a 64-bit integer"));
            }
        }
    }
}

fn overlap(one: &[&str], other: &[&str]) -> bool {
    let n_shared = one.len().min(other.len());
    one[..n_shared] == other[..n_shared]
}

/// Parsed as TOML if possible, otherwise a string; a value that looks like an array, a table or a
/// quoted string must parse, or a typo in it would go unnoticed.
pub(super) fn value(
    text: &str,
    place: &Place,
    diagnostics: &mut Diagnostics,
) -> Result<Located, String> {
    match parse::value(text, place, diagnostics) {
        Ok(value) => Ok(value),
        Err(why) if text.starts_with(['{', '[', '"', '\'']) => Err(why),
        Err(_) => Ok(Located { value: Value::Text(text.to_owned()), place: place.clone() }),
    }
}

fn put(tree: &mut Tree, path: &[&str], value: Located, diagnostics: &mut Diagnostics) {
    let place = value.place.clone();
    match path {
        ["name" | "about"] => insert(tree, path, value, diagnostics),
        ["train", key, ..] => {
            if !tree.iter().any(|(name, _)| name == "train") {
                let train = Located { value: Value::Table(Vec::new()), place };
                tree.push(("train".to_owned(), train));
            }
            give_way(tree, key);
            insert(tree, path, value, diagnostics);
        }
        [table, name, rest @ ..] if NAMED.contains(table) && !rest.is_empty() => {
            let Some(entries) = find(tree, table, name) else {
                let names = names(tree, table);
                let hint = hint(name, names.iter().map(String::as_str));
                diagnostics.absent(&place, format!("no {table} named {name:?}{hint}"));
                return;
            };
            insert(entries, rest, value, diagnostics);
        }
        _ => diagnostics.fault(&place, format!("no such key; {WANTED}")),
    }
}

/// Removes a key, so that its default holds. One that the recipe does not have is a fault, as it may be
/// misspelt.
fn unset(tree: &mut Tree, path: &[&str], place: &Place, diagnostics: &mut Diagnostics) {
    let removed = match path {
        [table, name, rest @ ..] if NAMED.contains(table) && !rest.is_empty() => {
            if let Some(entries) = find(tree, table, name) {
                remove(entries, rest)
            } else {
                let names = names(tree, table);
                let hint = hint(name, names.iter().map(String::as_str));
                diagnostics.absent(place, format!("no {table} named {name:?}{hint}"));
                return;
            }
        }
        _ => remove(tree, path),
    };
    if !removed {
        diagnostics.fault(
            place,
            "expected a key that the recipe sets, found none to unset; an empty string is '\"\"'",
        );
    }
}

/// Whether there was such a key.
fn remove(entries: &mut Tree, path: &[&str]) -> bool {
    let [key, rest @ ..] = path else { return false };
    let Some(at) = entries.iter().position(|(name, _)| name == key) else { return false };
    if rest.is_empty() {
        entries.remove(at);
        return true;
    }
    match &mut entries[at].1.value {
        Value::Table(inner) => remove(inner, rest),
        _ => false,
    }
}

/// Steps replace a recipe's epochs, and epochs its steps.
fn give_way(tree: &mut Tree, key: &str) {
    let other = match key {
        "steps" => "epochs",
        "epochs" => "steps",
        _ => return,
    };
    let train = tree.iter_mut().find(|(name, _)| name == "train");
    if let Some((_, Located { value: Value::Table(entries), .. })) = train {
        let of_recipe = |said: &Located| matches!(said.place, Place::Line { .. });
        entries.retain(|(name, said)| name != other || !of_recipe(said));
    }
}

/// The table with that kind and name.
fn find<'a>(tree: &'a mut Tree, table: &str, name: &str) -> Option<&'a mut Tree> {
    let (_, tables) = tree.iter_mut().find(|(key, _)| key == table)?;
    let Value::List(items) = &mut tables.value else { return None };
    items.iter_mut().find_map(|item| match &mut item.value {
        Value::Table(entries) if name_of(entries) == Some(name) => Some(entries),
        _ => None,
    })
}

fn names(tree: &Tree, table: &str) -> Vec<String> {
    let Some((_, tables)) = tree.iter().find(|(key, _)| key == table) else { return Vec::new() };
    let Value::List(items) = &tables.value else { return Vec::new() };
    let name = |item: &Located| match &item.value {
        Value::Table(entries) => name_of(entries).map(str::to_owned),
        _ => None,
    };
    items.iter().filter_map(name).collect()
}

fn name_of(entries: &Tree) -> Option<&str> {
    entries.iter().find(|(key, _)| key == "name").and_then(|(_, name)| name.value.as_text())
}

/// The value of a key.
pub(super) fn get<'a>(tree: &'a Tree, key: &str) -> Option<&'a Located> {
    tree.iter().find(|(name, _)| name == key).map(|(_, said)| said)
}

fn insert(entries: &mut Tree, path: &[&str], value: Located, diagnostics: &mut Diagnostics) {
    let [key, rest @ ..] = path else { return };
    let at = entries.iter().position(|(name, _)| name == key);
    if rest.is_empty() {
        match at {
            Some(at) => entries[at].1 = value,
            None => entries.push(((*key).to_owned(), value)),
        }
        return;
    }
    let at = at.unwrap_or_else(|| {
        let table = Located { value: Value::Table(Vec::new()), place: value.place.clone() };
        entries.push(((*key).to_owned(), table));
        entries.len() - 1
    });
    match &mut entries[at].1.value {
        Value::Table(inner) => insert(inner, rest, value, diagnostics),
        other => {
            let what = format!("`{key}`: found {}, which has no key {:?}", found(other), rest[0]);
            diagnostics.fault(&value.place, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: &str = "[train]\nepochs = 3\n[[encoder]]\nname = \"words\"\nwidth = 5\n";

    fn faults(sets: &[&str]) -> String {
        let (_, diagnostics) = set(sets);
        diagnostics.finish().err().map_or(String::new(), |faults| faults.to_string())
    }

    fn set(sets: &[&str]) -> (Tree, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let mut tree = parse::document(RECIPE, &"a.toml".into(), &mut diagnostics);
        let sets = sets.iter().map(|set| (*set).to_owned()).collect();
        apply(&mut tree, &Overrides { sets, ..Overrides::default() }, &mut diagnostics);
        (tree, diagnostics)
    }

    #[test]
    fn a_value_is_toml_if_it_parses_and_otherwise_a_string() {
        let (mut tree, diagnostics) =
            set(&["encoder.words.width=7", "encoder.words.vectors=/a/b c.txt", "about = x=1"]);
        diagnostics.finish().unwrap();
        let words = find(&mut tree, "encoder", "words").unwrap().clone();
        let get = |key: &str| {
            words.iter().find(|(name, _)| name == key).map(|(_, said)| said.value.clone())
        };
        assert_eq!(get("width"), Some(Value::Integer(7)));
        assert_eq!(get("vectors"), Some(Value::Text("/a/b c.txt".to_owned())));
        let (_, about) = tree.iter().find(|(key, _)| key == "about").unwrap();
        assert_eq!(about.value, Value::Text("x=1".to_owned()));
    }

    #[test]
    fn values_that_look_like_toml_must_parse() {
        assert!(faults(&["encoder.words.input=[\"a\""]).contains("is not TOML"));
        assert!(faults(&["about='x"]).contains("is not TOML"));
    }

    #[test]
    fn only_existing_tables_can_be_set() {
        assert_eq!(
            faults(&["encoder.word.width=1"]),
            "--set encoder.word.width: no encoder named \"word\"; did you mean \"words\"?"
        );
        assert!(faults(&["corups.x=1"]).contains("no such key"));
        assert!(faults(&["encoder.words=1"]).contains("no such key"));
        assert!(faults(&["width"]).contains("expected KEY=VALUE"));
        assert!(
            faults(&["encoder.words.width.x=1"]).contains("`width`: found 5, which has no key")
        );
    }

    #[test]
    fn a_key_is_given_once() {
        assert!(faults(&["train.seed=1", "train.seed=2"]).contains("given twice"));
        assert!(
            faults(&["train.learning_rate=1", "train.learning_rate.to=2"]).contains("overlaps it")
        );
    }

    #[test]
    fn an_empty_value_removes_the_key() {
        let (mut tree, diagnostics) = set(&["encoder.words.width="]);
        diagnostics.finish().unwrap();
        let words = find(&mut tree, "encoder", "words").unwrap();
        assert!(words.iter().all(|(key, _)| key != "width"));
        let (tree, _) = set(&["train.epochs= "]);
        let Value::Table(train) = &tree[0].1.value else { panic!("a table") };
        assert_eq!(train.len(), 0);
        for absent in ["encoder.words.widht=", "train.epochs.to=", "train="] {
            let wanted = "expected a key that the recipe sets, found none to unset";
            assert_eq!(faults(&[absent]).contains(wanted), absent != "train=", "{absent}");
        }
        assert!(faults(&["encoder.wrods.width="]).contains("did you mean \"words\"?"));
    }

    #[test]
    fn steps_replace_a_recipes_epochs() {
        let (tree, _) = set(&["train.steps=5"]);
        let Value::Table(train) = &tree[0].1.value else { panic!("a table") };
        assert!(train.iter().all(|(key, _)| key != "epochs"));
    }
}
