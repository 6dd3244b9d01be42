//! Properties of every recipe, including new ones.

use std::{fs, path::Path};

use proptest::prelude::*;

use auxdesk::recipe::{Faults, Length, Overrides, Recipe, RecipeSource, load, shipped};

/// All recipes that design and README name.
const PROMISED: &[&str] = &[
    "language-modelling",
    "initial-state",
    "adversarial",
    "data-statistics",
    "inverse",
    "presence",
    "speech",
    "translation",
    "multilingual",
    "grounding",
    "semantic-parsing",
    "representation",
    "question-answering",
    "relation-extraction",
    "ranking",
    "chunking",
    "sentiment",
    "summaries",
    "keyphrases",
];

fn loaded(name: &'static str, sets: &[&str]) -> Recipe {
    let sets = sets.iter().map(|set| (*set).to_owned()).collect();
    load(&RecipeSource::Shipped(name), &Overrides { sets, ..Overrides::default() })
        .unwrap_or_else(|faults| panic!("{faults}"))
}

fn reloaded(recipe: &Recipe) -> Recipe {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.toml");
    fs::write(&path, recipe.resolved()).unwrap();
    load(&RecipeSource::File(path), &Overrides::default())
        .unwrap_or_else(|faults| panic!("{faults}\n{}", recipe.resolved()))
}

/// The typed parts, which could differ although the resolved text is the same.
fn typed(recipe: &Recipe) -> String {
    let train = &recipe.train;
    let mut lines = vec![format!(
        "{} {:?} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {} {}",
        train.seed,
        train.length,
        train.batch_size,
        train.optimizer,
        train.learning_rate,
        train.clip_norm,
        train.evaluate_every,
        train.best,
        train.patience,
        train.sampling,
        train.weighting.kind().name(),
        train.measure_gradients_every
    )];
    for corpus in &recipe.corpora {
        lines.push(format!(
            "{} {} {:?} {:?} {:?} {:?} {:?} {:?}",
            corpus.name,
            corpus.format.name(),
            corpus.train,
            corpus.dev,
            corpus.test,
            corpus.faults,
            corpus.batch_size,
            corpus.schema
        ));
    }
    for encoder in &recipe.encoders {
        lines.push(format!(
            "{} {} {:?} {:?} {:?}",
            encoder.name,
            encoder.kind.name(),
            encoder.inputs,
            encoder.signature,
            encoder.corpora
        ));
    }
    for objective in &recipe.objectives {
        lines.push(format!(
            "{} {:?} {} {:?} {:?} {:?} {:?} {:?} {} {:?}",
            objective.name,
            objective.role,
            objective.kind.name(),
            objective.head.map(auxdesk::model::HeadKind::name),
            objective.corpora,
            objective.group,
            objective.taps,
            objective.gain,
            objective.muted,
            objective.gradient
        ));
    }
    lines.join("\n")
}

#[test]
fn every_shipped_recipe_is_valid_and_equals_its_resolved_form() {
    for (name, _) in shipped::RECIPES {
        let recipe = loaded(name, &[]);
        assert_eq!(recipe.name, *name);
        assert!(!recipe.about.is_empty(), "{name}");
        let again = reloaded(&recipe);
        assert_eq!(recipe.resolved(), again.resolved());
        assert_eq!(typed(&recipe), typed(&again));
    }
}

#[test]
fn a_resolved_recipe_keeps_what_was_set() {
    let sets = [
        "name=other",
        "about=quotes \" and \\ and ü",
        "train.steps=50",
        "train.learning_rate={ shape = \"cosine\", from = 0.01, to = 0, steps = 40 }",
        "train.optimizer=sgd",
        "train.momentum=0.9",
        "train.evaluate_every=10",
        "train.sampling={ kind = \"fixed\", draws = { news = 1, side = 0.25 } }",
        "corpus.news.train=Cargo.toml",
        "corpus.news.dev={ from = \"train\", fraction = 0.1 }",
        "encoder.words.characters.width=7",
        "encoder.words.vectors=Cargo.lock",
        "objective.pos.tap=[\"trunk.1\", \"trunk.2.forward\", \"words\"]",
        "objective.pos.gradient=reverse",
        "objective.pos.strength={ shape = \"ganin\", from = 0, to = 1, steps = 30 }",
        "objective.frequency.group=side",
        "objective.frequency.muted=true",
    ];
    let recipe = loaded("chunking", &sets);
    assert_eq!(recipe.train.length, Length::Steps(50));
    let again = reloaded(&recipe);
    assert_eq!(recipe.resolved(), again.resolved());
    assert_eq!(typed(&recipe), typed(&again));
    assert!(recipe.resolved().contains("train = \"/"));
}

#[test]
fn options_and_settings_of_one_key_are_mutually_exclusive() {
    let source = RecipeSource::Shipped("chunking");
    let fault = |overrides: Overrides| match load(&source, &overrides) {
        Ok(_) => panic!("expected a fault"),
        Err(faults) => faults.to_string(),
    };
    let sets = |set: &str| vec![set.to_owned()];
    assert_eq!(
        fault(Overrides { sets: sets("train.seed=2"), seed: Some(1), ..Overrides::default() }),
        "--seed: given together with --set train.seed; keep one"
    );
    assert_eq!(
        fault(Overrides { sets: sets("train.epochs=2"), steps: Some(1), ..Overrides::default() }),
        "--steps: `train.steps` and `train.epochs` are mutually exclusive; keep one"
    );
    let overrides = Overrides { steps: Some(9), seed: Some(4), ..Overrides::default() };
    let Ok(recipe) = load(&source, &overrides) else { panic!("expected a recipe") };
    assert_eq!((recipe.train.length, recipe.train.seed), (Length::Steps(9), 4));
}

#[test]
fn an_unknown_recipe_is_reported_with_the_nearest_name() {
    assert_eq!(
        RecipeSource::find("chunkign").unwrap_err().to_string(),
        "chunkign: no file of this path and no shipped recipe of this name; did you mean \
         \"chunking\"?"
    );
    assert_eq!(
        RecipeSource::find("src").unwrap_err().to_string(),
        "src: `this`: expected a TOML file, found a folder"
    );
}

#[test]
fn a_muted_objective_adds_no_corpus_to_a_shared_vocabulary() {
    let text = format!(
        "{}\n[[corpus]]\nname = \"other\"\nformat = \"columns\"\ncolumns = [\"form\"]\ntrain = \
         \"sample:news/train.tsv\"\n\n[[objective]]\nname = \"side\"\nkind = \"frequency\"\ncorpus = \
         \"other\"\ntap = \"trunk.1\"\n",
        shipped::recipe("chunking").unwrap()
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.toml");
    fs::write(&path, text).unwrap();
    let source = RecipeSource::File(path);
    let active = load(&source, &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(active.encoders[0].corpora, [0, 1]);
    let sets = vec!["objective.side.muted=true".to_owned()];
    let muted = load(&source, &Overrides { sets, ..Overrides::default() });
    let muted = muted.unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(muted.encoders[0].corpora, [0]);
}

#[test]
fn a_corpus_read_by_shared_objectives_only_is_a_group() {
    let text = format!(
        "{}\n[[corpus]]\nname = \"other\"\nformat = \"columns\"\ncolumns = [\"form\"]\ntrain = \
         \"sample:news/train.tsv\"\n\n[[objective]]\nname = \"side\"\nkind = \"frequency\"\ncorpus = \
         [\"news\", \"other\"]\ntap = \"trunk.1\"\n",
        shipped::recipe("chunking").unwrap()
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.toml");
    fs::write(&path, text).unwrap();
    let sets = vec![
        "objective.pos.group=pos".to_owned(),
        "train.sampling={ kind = \"fixed\", draws = { news = 1, pos = 1, other = 1 } }".to_owned(),
    ];
    let recipe = load(&RecipeSource::File(path), &Overrides { sets, ..Overrides::default() });
    let recipe = recipe.unwrap_or_else(|faults| panic!("{faults}"));
    let groups: Vec<_> = recipe
        .groups()
        .into_iter()
        .map(|group| (group.name, group.objectives, group.corpora))
        .collect();
    let wanted = [
        ("news".to_owned(), vec![0, 2, 3], vec![0]),
        ("pos".to_owned(), vec![1], vec![0]),
        ("other".to_owned(), vec![], vec![1]),
    ];
    assert_eq!(groups, wanted);
}

#[test]
fn every_file_of_the_sample_data_is_embedded() {
    let (mut there, mut folders) = (Vec::new(), vec![Path::new("sample-data").to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|ending| ending != "md") {
                let path = path.strip_prefix("sample-data").unwrap().to_str().unwrap();
                there.push(path.replace('\\', "/"));
            }
        }
    }
    there.sort();
    let mut shipped: Vec<_> = shipped::SAMPLES.iter().map(|(path, _)| *path).collect();
    shipped.sort_unstable();
    assert_eq!(there, shipped);
}

#[test]
fn every_announced_recipe_is_shipped() {
    let mut there: Vec<&str> = shipped::RECIPES.iter().map(|(name, _)| *name).collect();
    there.sort_unstable();
    let mut promised = PROMISED.to_vec();
    promised.sort_unstable();
    assert_eq!(there, promised);
}

proptest! {
    /// For any lost or duplicated line of a recipe, the result is a recipe or its faults.
    #[test]
    fn a_damaged_recipe_loads_or_has_faults(
        recipe in 0..shipped::RECIPES.len(),
        lost in proptest::collection::vec(any::<proptest::sample::Index>(), 0..4),
        words in proptest::collection::vec(
            (any::<proptest::sample::Index>(), any::<proptest::sample::Index>()),
            0..4,
        ),
    ) {
        let text = shipped::RECIPES[recipe].1;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let mut lines: Vec<String> = lines.map(str::to_owned).collect();
        for (from, to) in words {
            // One line's value replaced by another's.
            let value = lines[from.index(lines.len())].split_once('=').map(|(_, value)| value.to_owned());
            let at = to.index(lines.len());
            if let (Some(value), Some((key, _))) = (value, lines[at].clone().split_once('=')) {
                lines[at] = format!("{key}={value}");
            }
        }
        for index in lost {
            lines.remove(index.index(lines.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged.toml");
        fs::write(&path, lines.join("\n")).unwrap();
        match load(&RecipeSource::File(path), &Overrides::default()) {
            Ok(recipe) => prop_assert!(recipe == reloaded(&recipe)),
            Err(Faults(faults)) => prop_assert!(!faults.is_empty()),
        }
    }
}

/// The TOML files of a folder, by their paths from the repository's root. But for those of samples, their corpora cannot
/// be redistributed: FOLDER and VECTORS stand for their location.
#[test]
fn recipes_of_the_docs_are_valid_except_for_files() {
    let paths = tomls("docs/recipes");
    assert!(!paths.is_empty());
    for path in paths {
        let recipe = load(&RecipeSource::File((&path).into()), &Overrides::default());
        if !fs::read_to_string(&path).unwrap().contains("FOLDER/") {
            assert!(recipe.is_ok(), "{path}");
            continue;
        }
        let faults = recipe.err().expect("no corpus is there").to_string();
        for fault in faults.lines() {
            let is_file = ["no file ", "no file matches "]
                .iter()
                .any(|no| fault.contains(&format!("{no}docs/recipes/FOLDER/")));
            assert!(is_file || fault.ends_with("no file docs/recipes/VECTORS"), "{fault}");
        }
    }
}

pub(crate) fn tomls(folder: &str) -> Vec<String> {
    let mut paths: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    paths.sort();
    paths
}
