//! Checkpoints: their state, the values that a system is fitted to, tensors, and stored vectors.

use std::{collections::BTreeMap, fs, sync::Arc};

use auxdesk::{
    bus::{self, Channels},
    data::{Vocabulary, vectors::WordVectors},
    kernel::Device,
    model::{Mode, encoder::FirstValues},
    recipe::{
        FittedByOwner, Overrides, RecipeSource, System, VectorsByEncoder, load_without_files,
        vector_digests,
    },
    train::{
        Moves, Progress, Trainer, TrainerSetup,
        checkpoint::{self, State, vectors},
    },
};

use super::fuzz;
use crate::{
    runs::Here,
    tiny::{Size, Tiny, names, shipped_tiny},
};

#[test]
fn readers_of_checkpoints_do_not_panic() {
    let here = Here::new();
    let run = here.finished("run", 10, &[]);
    let source = RecipeSource::File(run.join("recipe.toml"));
    let recipe = load_without_files(&source, &Overrides::default()).unwrap();
    let saved = checkpoint::open(&run, "last").unwrap().unwrap();
    let mut system = System::new(
        &recipe,
        &saved.state.fitted,
        &VectorsByEncoder::new(),
        FirstValues::Checkpoint,
        &Device::Cpu,
    )
    .unwrap();
    let folder = run.join(checkpoint::FOLDER).join("last");
    let [state, model, moments] =
        ["state.json", "model.safetensors", "optimiser.safetensors"].map(|name| folder.join(name));
    let files = [&state, &model, &moments].map(|path| fs::read(path).unwrap());
    fuzz("states", 3000, &files[..1], |_, bytes| {
        fs::write(&state, bytes).unwrap();
        let Ok(Some(saved)) = checkpoint::open(&run, "last") else { return };
        let fitted = &saved.state.fitted;
        if System::parameter_sizes(&recipe, fitted).is_ok() {
            let _ = saved.load(&mut system);
        }
    });
    fs::write(&state, &files[0]).unwrap();
    fuzz("models", 1500, &files[1..2], |_, bytes| {
        fs::write(&model, bytes).unwrap();
        let _ = saved.load(&mut system);
    });
    fuzz("moments", 1500, &files[2..3], |_, bytes| {
        fs::write(&moments, bytes).unwrap();
        let _ = saved.running_values();
    });
}

/// Fitted values with the most frequent strings only, so that a mutation is of one that matters.
fn shortened(fitted: &FittedByOwner) -> FittedByOwner {
    const MOST: usize = 12;
    let mut fitted = fitted.clone();
    for of in fitted.values_mut() {
        for vocabulary in of.vocabularies.values_mut() {
            let counts: BTreeMap<&str, u64> = vocabulary.iter().collect();
            *vocabulary = Vocabulary::from_counts(counts, 0, Some(MOST));
        }
        // Triples of the numbers of two neighbouring words, from 1 on, and their count.
        let bigrams = of.numbers.iter_mut().filter(|(name, _)| name.ends_with("_bigrams"));
        for (_, triples) in bigrams {
            let is_kept = |triple: &&[f64]| triple[..2].iter().all(|word| *word <= MOST as f64);
            *triples = triples.chunks(3).filter(is_kept).flatten().copied().collect();
        }
    }
    fitted
}

/// Builds a system from fitted values, attaches the corpora and predicts for some examples, as
/// `predict` does with a checkpoint that its file of parameters fits; the number of objectives that
/// predict.
fn predict(tiny: &Tiny, fitted: &FittedByOwner) -> usize {
    let (vectors, first) = (VectorsByEncoder::new(), FirstValues::Checkpoint);
    let Ok(mut system) = System::new(&tiny.recipe, fitted, &vectors, first, &Device::Cpu) else {
        return 0;
    };
    for (at, corpus) in tiny.corpora.iter().enumerate() {
        system.attach(at, corpus);
    }
    let objectives = 0..tiny.recipe.objectives.len();
    let predicts = |&at: &usize| {
        let batch = tiny.batch(tiny.recipe.objectives[at].corpora[0], 4);
        let taps = system.taps(&[at], &batch, Mode::Eval);
        taps.is_ok_and(|taps| system.evaluate(at, &taps[0], &batch).is_ok())
    };
    objectives.filter(predicts).count()
}

#[test]
fn a_system_is_built_from_any_fitted_values_or_refused() {
    let size = Size { width: 2, examples: 4 };
    let tinies: Vec<Tiny> = names().map(|name| shipped_tiny(name, size, &[])).collect();
    let fitted: Vec<Vec<u8>> = (tinies.iter())
        .map(|tiny| {
            let fitted = shortened(&tiny.fitted());
            assert_eq!(predict(tiny, &fitted), tiny.recipe.objectives.len());
            serde_json::to_vec(&fitted).unwrap()
        })
        .collect();
    let mut n_predicted = 0;
    fuzz("fitted values", 3000, &fitted, |file, bytes| {
        let Ok(fitted) = serde_json::from_slice::<FittedByOwner>(bytes) else { return };
        n_predicted += usize::from(predict(&tinies[file], &fitted) > 0);
    });
    assert!(n_predicted > 300, "{n_predicted} of 3000 systems predict");
}

#[test]
fn training_resumes_from_any_progress_or_is_refused() {
    let sets = |steps: u64| {
        let of_run =
            ["evaluate_every=2".to_owned(), "weighting=dwa".to_owned(), format!("steps={steps}")];
        let of_run = of_run.map(|set| format!("train.{set}"));
        [&of_run[..], &["objective.pos.accumulation_steps=2".to_owned()]].concat()
    };
    let size = Size { width: 2, examples: 8 };
    let [short, longer] = [3, 5].map(|steps| shipped_tiny("chunking", size, &sets(steps)));
    let run = short.train(&[]);
    let whole = run.checkpoint("last");
    assert!(!whole.progress.accumulated.is_empty());
    let place = run.folder().join("checkpoints/last/state.json");
    let resume = || {
        let saved = checkpoint::open(run.folder(), "last").unwrap().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let setup = TrainerSetup { moves: None, ..longer.setup(folder.path(), Moves::default()) };
        let Channels { mut bus, recorder, .. } = bus::channels();
        let ended = Trainer::resume(setup, &saved).ok()?.train(&mut bus);
        drop(recorder);
        Some(ended.step.0)
    };
    assert_eq!(resume(), Some(5));
    let mut n_resumed = 0;
    fuzz("progress", 600, &[serde_json::to_vec(&whole.progress).unwrap()], |_, bytes| {
        let Ok(progress) = serde_json::from_slice::<Progress>(bytes) else { return };
        // A checkpoint with other counters is not the one that the journal records.
        if progress.counters == whole.progress.counters {
            let state = State { progress, ..whole.clone() };
            fs::write(&place, serde_json::to_vec(&state).unwrap()).unwrap();
            n_resumed += usize::from(resume().is_some());
        }
    });
    assert!(n_resumed > 15, "{n_resumed} of 600 are trained");
}

#[test]
fn stored_vectors_of_any_contents_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["the", "New York", "\u{a0}", "é"].into_iter();
    let rows = (0..12).map(|x| x as f32 / 8.0).collect();
    let stored = WordVectors::of_rows(words, 3, rows).unwrap().with_digest("9-abc");
    let all = VectorsByEncoder::from([("words".to_owned(), Arc::new(stored))]);
    vectors::save(folder.path(), &all).unwrap();
    let digests = vector_digests(&all);
    let place = folder.path().join("checkpoints/vectors/9-abc.safetensors");
    let whole = fs::read(&place).unwrap();
    assert_eq!(vectors::load_all(folder.path(), &digests).unwrap(), all);
    let mut n_read = 0;
    fuzz("stored vectors", 3000, &[whole], |_, bytes| {
        fs::write(&place, bytes).unwrap();
        let Ok(read) = vectors::load_all(folder.path(), &digests) else { return };
        n_read += 1;
        let read = &read["words"];
        assert_eq!(read.rows().len(), read.len() * read.width());
        assert!(read.words().all(|word| read.get(word).is_some()));
    });
    assert!(n_read > 100, "{n_read} of 3000 are read");
}
