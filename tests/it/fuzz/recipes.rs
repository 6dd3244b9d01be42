//! Recipes, settings, word lists and the key file.

use std::fs;

use auxdesk::{
    recipe::{Overrides, RecipeSource, load, shipped},
    tui,
};

use super::fuzz;
use crate::runs::Here;

#[test]
fn the_reader_of_recipes_does_not_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.toml");
    let mut files: Vec<Vec<u8>> = (shipped::RECIPES.iter())
        .map(|(name, _)| shipped::recipe(name).unwrap().as_bytes().to_vec())
        .collect();
    let here = Here::new();
    let run = here.finished("run", 1, &[]);
    files.push(fs::read(run.join("recipe.toml")).unwrap());
    fuzz("recipes", 3000, &files, |_, bytes| {
        fs::write(&path, bytes).unwrap();
        let _ = load(&RecipeSource::File(path.clone()), &Overrides::default());
    });
    let sets = [
        "train.batch_size=8",
        "objective.pos.gain={ shape = \"linear\", from = 0, to = 1, steps = 9 }",
    ];
    let sets: Vec<Vec<u8>> = sets.iter().map(|set| set.as_bytes().to_vec()).collect();
    fuzz("settings", 1000, &sets, |_, bytes| {
        let sets = vec![String::from_utf8_lossy(bytes).into_owned()];
        let overrides = Overrides { sets, ..Overrides::default() };
        let _ = load(&RecipeSource::Shipped("chunking"), &overrides);
    });
}

#[test]
fn the_reader_of_word_lists_does_not_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.txt");
    let mut sets = vec![format!("encoder.masked.words={}", path.display())];
    sets.push(format!("objective.positive.words={}", path.display()));
    let overrides = Overrides { sets, ..Overrides::default() };
    let read = || load(&RecipeSource::Shipped("presence"), &overrides).map(drop);
    let lists = ["reviews/positive.txt", "reviews/pivots.txt"];
    let mut files: Vec<Vec<u8>> = lists.map(|list| shipped::sample(list).unwrap().to_vec()).into();
    for list in &mut files {
        list.truncate(400);
        fs::write(&path, &list).unwrap();
        read().unwrap_or_else(|faults| panic!("{faults}"));
    }
    fuzz("word lists", 2000, &files, |_, bytes| {
        fs::write(&path, bytes).unwrap();
        let _ = read();
    });
}

#[test]
fn the_reader_of_the_key_file_does_not_panic() {
    let example = fs::read("assets/desk.toml").unwrap();
    let used = "theme = \"mine\"\nglyphs = \"block\"\nmouse = true\nsmoothing = 0.9\n[keys]\n\
        gain-up = \"ctrl-up\"\nmute = []\n[themes.mine]\nbased-on = \"light\"\ngood = \"bold #ff0000\"\n";
    fuzz("key files", 4000, &[example, used.into()], |_, bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = tui::Config::parse(&text, "desk.toml", tui::actions());
    });
}
