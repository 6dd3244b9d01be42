//! Mutated files through every reader: corpora of each format, journals, checkpoints, recipes and the
//! user's key file. Whatever they contain, it is read or refused; nothing panics.
//!
//! `AUXDESK_FUZZ=N` multiplies the number of executions by N.

use std::{
    fs,
    panic::{self, AssertUnwindSafe},
    path::Path,
};

use auxdesk::{
    data::{
        load::load_input,
        read::{KnownLabels, Labels, Source},
    },
    journal::Reader,
    kernel::Device,
    model::encoder::FirstValues,
    recipe::{
        Overrides, RecipeSource, System, VectorsByEncoder, load, load_without_files, shipped,
    },
    state::{Run, Totals},
    train::checkpoint,
    tui,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::runs::Here;

/// Texts that parsers have stumbled over.
const TOKENS: &[&str] = &[
    "-1",
    "0",
    "1e999",
    "-0.0",
    "99999999999999999999",
    "18446744073709551615",
    "4294967296",
    "null",
    "true",
    "\"\"",
    "{}",
    "[]",
    "NaN",
    "inf",
    "\u{1b}[2J",
    "\\u0000",
    "\u{feff}",
    "é",
    "\t",
    "\n",
    "\n\n",
    "\r\n",
    "\"",
    "'",
    "[[",
    "]]",
    "=",
    ".",
    ",",
    "-",
    "#",
    "B-",
    "I-",
    "O",
    "1-2",
    "_",
];

/// A copy with one to four random changes.
fn mutated(bytes: &[u8], draw: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..draw.random_range(1..=4) {
        let n = bytes.len();
        let at = draw.random_range(0..=n);
        let end = (at + draw.random_range(0..24)).min(n);
        match draw.random_range(0..8) {
            0 if at < n => bytes[at] ^= 1 << draw.random_range(0..8),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.truncate(at),
            3 => {
                let copied = bytes[at..end].to_vec();
                let to = draw.random_range(0..=n);
                drop(bytes.splice(to..to, copied));
            }
            4 => bytes.insert(at, draw.random()),
            5 => replace_a_number(&mut bytes, at, draw),
            6 => swap_lines(&mut bytes, draw),
            _ => {
                let token = TOKENS[draw.random_range(0..TOKENS.len())];
                drop(bytes.splice(at..end, token.bytes()));
            }
        }
    }
    bytes
}

/// Replaces the next run of digits by another number.
fn replace_a_number(bytes: &mut Vec<u8>, from: usize, draw: &mut ChaCha8Rng) {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let Some(start) = bytes[from..].iter().position(is_digit).map(|at| from + at) else { return };
    let end =
        bytes[start..].iter().position(|byte| !is_digit(byte)).map_or(bytes.len(), |n| start + n);
    let number: u64 = draw.random::<u64>() >> draw.random_range(0..64);
    drop(bytes.splice(start..end, number.to_string().into_bytes()));
}

fn swap_lines(bytes: &mut Vec<u8>, draw: &mut ChaCha8Rng) {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.is_empty() {
        return;
    }
    let [one, other] = [(); 2].map(|()| draw.random_range(0..lines.len()));
    lines.swap(one, other);
    *bytes = lines.concat();
}

/// Runs a reader on this many mutations of each of these files; reports what panicked.
fn fuzz(name: &str, n: usize, files: &[Vec<u8>], mut read: impl FnMut(usize, &[u8])) {
    let times: usize = std::env::var("AUXDESK_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let n = n * times;
    let mut draw = ChaCha8Rng::seed_from_u64(14);
    let mut panicked = Vec::new();
    for execution in 0..n {
        let file = execution % files.len();
        let bytes = mutated(&files[file], &mut draw);
        let result = panic::catch_unwind(AssertUnwindSafe(|| read(file, &bytes)));
        if let Err(panic) = result {
            let why = panic.downcast_ref::<String>().cloned();
            let why = why.or_else(|| panic.downcast_ref::<&str>().map(|&why| why.to_owned()));
            panicked.push((why, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    assert!(
        panicked.is_empty(),
        "{name}: {} of {n} executions panicked; first: {:?}",
        panicked.len(),
        panicked[0]
    );
}

#[test]
fn readers_of_corpora_do_not_panic() {
    let mut specs = Vec::new();
    for (name, _) in shipped::RECIPES {
        let recipe = load(&RecipeSource::Shipped(name), &Overrides::default()).unwrap();
        specs.extend(recipe.corpora);
    }
    let files: Vec<Vec<u8>> = specs
        .iter()
        .map(|spec| {
            let source =
                auxdesk::data::load::open(&spec.load().train[0], &shipped::samples()).unwrap();
            source.bytes[..source.bytes.len().min(1500)].to_vec()
        })
        .collect();
    fuzz("corpora", 6000, &files, |file, bytes| {
        let sources = [Source { name: "fuzz".into(), bytes: bytes.into() }];
        let spec = &specs[file];
        for skips_faults in [false, true] {
            let known = KnownLabels::default();
            let _ = spec.format.find_labels(&sources, &spec.values, &known, skips_faults);
        }
        for labels in [Labels::Required, Labels::Absent] {
            let _ = load_input(&spec.load(), &sources, labels);
        }
    });
}

#[test]
fn readers_of_journals_do_not_panic() {
    let here = Here::new();
    let run = here.finished("run", 12, &["--set", "train.measure_gradients_every=5"]);
    let whole = fs::read(run.join("journal.jsonl")).unwrap();
    fuzz("journals", 6000, &[whole], |_, bytes| {
        let Ok(mut reader) = Reader::new(Path::new("fuzz"), bytes) else { return };
        let mut run = Run::new(Some(reader.header()));
        let mut totals = Totals::default();
        while let Ok(Some(event)) = reader.read_event() {
            run.apply(event);
            totals.apply(event);
        }
        let _ = (run.report(), totals.summary(&run, "run", None));
        let _ = reader.left_out().notes();
    });
}

#[test]
fn readers_of_checkpoints_do_not_panic() {
    let here = Here::new();
    let run = here.finished("run", 10, &[]);
    let source = RecipeSource::File(run.join("recipe.toml"));
    let recipe = load_without_files(&source, &Overrides::default()).unwrap();
    let saved = checkpoint::open(&run, "last").unwrap().unwrap();
    let system = System::new(
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
        let _ = saved.load(system.parameters());
    });
    fs::write(&state, &files[0]).unwrap();
    fuzz("models", 1500, &files[1..2], |_, bytes| {
        fs::write(&model, bytes).unwrap();
        let _ = saved.load(system.parameters());
    });
    fuzz("moments", 1500, &files[2..3], |_, bytes| {
        fs::write(&moments, bytes).unwrap();
        let _ = saved.running_values();
    });
}

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
fn the_reader_of_the_key_file_does_not_panic() {
    let example = fs::read("assets/desk.toml").unwrap();
    let used = "theme = \"mine\"\nglyphs = \"block\"\nmouse = true\nsmoothing = 0.9\n[keys]\n\
        gain-up = \"ctrl-up\"\nmute = []\n[themes.mine]\nbased-on = \"light\"\ngood = \"bold #ff0000\"\n";
    fuzz("key files", 4000, &[example, used.into()], |_, bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = tui::Config::parse(&text, "desk.toml", tui::actions());
    });
}
