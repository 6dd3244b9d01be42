//! The glossary lists every key of a recipe.

use std::{collections::BTreeSet, fs};

use auxdesk::recipe::{Overrides, RecipeSource, list, load, optimizer, shipped};

/// The keys that `auxdesk list TOPIC NAME` prints, for every name of the topic.
fn listed(topic: &str) -> BTreeSet<String> {
    let names = list::topic(topic).unwrap();
    let names = names.lines().take_while(|line| !line.is_empty());
    let names = names.filter_map(|line| line.split_whitespace().next());
    let entries: Vec<String> = names.map(|name| list::entry(topic, name).unwrap()).collect();
    let lines = entries.iter().flat_map(|entry| entry.lines().skip(1));
    let keys = lines.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split_once(": "));
    keys.map(|(key, _)| key.to_owned()).collect()
}

#[test]
fn every_recipe_key_is_in_the_glossary() {
    let glossary = fs::read_to_string("docs/glossary.md").unwrap();
    let mut keys: BTreeSet<String> = ["epochs", "steps"].map(str::to_owned).into();
    for topic in ["objectives", "encoders", "heads", "formats"] {
        let found = listed(topic);
        assert!(found.len() > 1, "{topic}: {found:?}");
        keys.extend(found);
    }
    for name in optimizer::NAMES {
        keys.extend(optimizer::keys(name).iter().map(|key| key.name.to_owned()));
    }
    for (name, _) in shipped::RECIPES {
        let recipe = load(&RecipeSource::Shipped(name), &Overrides::default()).unwrap();
        keys.extend(recipe.train.values.iter().map(|(key, _)| key.to_owned()));
    }
    let missing: Vec<&String> =
        keys.iter().filter(|key| !glossary.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/glossary.md lacks {missing:?}");
}
