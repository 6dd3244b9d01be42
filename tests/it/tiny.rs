//! Shipped recipes with tiny dimensions, so that a test of all of them takes seconds.

use std::{collections::BTreeMap, fs, path::Path, sync::Mutex};

use auxdesk::{
    bus::{self, Channels},
    data::{Batch, Corpus},
    kernel::{Device, Gradient},
    keys::ValueType,
    model::{
        Mode, Parameters,
        encoder::{FirstValues, FrameForm},
    },
    objective::RawLoss,
    protocol::{
        By, Command, CommandId, Event,
        event::{RunEnded, StepDone},
    },
    recipe::{
        self, FittedByOwner, Overrides, Recipe, RecipeSource, System, VectorsByEncoder, fit, load,
        shipped,
    },
    train::{
        Clock, Interrupt, Moves, Opening, RequestedFailures, Trainer, TrainerSetup, checkpoint,
    },
};
use candle_core::Tensor;

/// A recipe with truncated corpora.
#[derive(Clone)]
pub(crate) struct Tiny {
    pub(crate) recipe: Recipe,
    pub(crate) corpora: Vec<Corpus>,
    pub(crate) vectors: VectorsByEncoder,
}

/// The dimensions.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// The dimension of every vector, state and hidden layer.
    pub(crate) width: usize,
    /// Training examples; a quarter of them, at least one, in dev.
    pub(crate) examples: usize,
}

/// The recipes of the docs that are trained on sample data.
pub(crate) const OF_SAMPLES: &[&str] = &["synthesis", "target-syntax", "dual-class", "chunks"];

/// A tiny shipped recipe, or one of the docs that is trained on sample data, with additional settings.
pub(crate) fn shipped_tiny(name: &'static str, size: Size, more: &[String]) -> Tiny {
    tiny(&source(name), size, more)
}

fn source(name: &'static str) -> RecipeSource {
    if OF_SAMPLES.contains(&name) {
        RecipeSource::File(format!("docs/recipes/{name}.toml").into())
    } else {
        RecipeSource::Shipped(name)
    }
}

/// The same for a recipe given as text.
pub(crate) fn text_tiny(text: &str, size: Size, more: &[String]) -> Tiny {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.toml");
    fs::write(&path, text).unwrap();
    tiny(&RecipeSource::File(path), size, more)
}

fn tiny(source: &RecipeSource, size: Size, more: &[String]) -> Tiny {
    let whole = loaded(source, more).unwrap();
    let key = |set: &String| set.split('=').next().unwrap().to_owned();
    let said: Vec<String> = more.iter().map(key).collect();
    let smaller = smaller(&whole, size.width).into_iter().filter(|set| !said.contains(&key(set)));
    let sets = smaller.chain(more.iter().cloned());
    let recipe = loaded(source, &sets.collect::<Vec<_>>()).unwrap();
    let corpora = opened(&recipe);
    let corpora = corpora.into_iter().map(|corpus| cut(corpus, size.examples)).collect();
    Tiny { recipe, corpora, vectors: VectorsByEncoder::new() }
}

pub(crate) fn loaded(source: &RecipeSource, sets: &[String]) -> Result<Recipe, String> {
    let overrides = Overrides { sets: sets.to_vec(), ..Overrides::default() };
    load(source, &overrides).map_err(|faults| faults.to_string())
}

/// Loads the samples, once per recipe for all tests.
fn opened(recipe: &Recipe) -> Vec<Corpus> {
    static READ: Mutex<Vec<(String, Vec<Corpus>)>> = Mutex::new(Vec::new());
    let specs = recipe.corpora.iter().map(|spec| format!("{:?} {:?}", spec.values, spec.schema));
    let key = specs.collect::<Vec<_>>().join("\n");
    let mut read = READ.lock().unwrap();
    if let Some((_, corpora)) = read.iter().find(|(other, _)| *other == key) {
        return corpora.clone();
    }
    let corpora = recipe.open().unwrap_or_else(|faults| panic!("{faults}"));
    read.push((key, corpora.clone()));
    corpora
}

/// Short sentences only, or the shortest examples if there are none; in the order of the file.
fn cut(mut corpus: Corpus, n_examples: usize) -> Corpus {
    let shorten = |examples: &mut Vec<auxdesk::data::Example>, most: usize| {
        let longest = |example: &auxdesk::data::Example| {
            let lengths = (0..example.sequences.len()).map(|at| example.len_of(at));
            lengths.max().unwrap_or(0)
        };
        let is_short = |example: &auxdesk::data::Example| (4..=12).contains(&longest(example));
        if examples.iter().any(is_short) {
            examples.retain(is_short);
        } else {
            let mut lengths: Vec<usize> = examples.iter().map(longest).collect();
            lengths.sort_unstable();
            let most = lengths[most.min(lengths.len()) - 1];
            examples.retain(|example| longest(example) <= most);
        }
        examples.truncate(most);
    };
    shorten(&mut corpus.train.examples, n_examples);
    if let Some(dev) = &mut corpus.dev {
        shorten(&mut dev.examples, n_examples.div_ceil(4));
    }
    corpus.test = None;
    corpus
}

/// Settings that make a recipe small and switch dropout off, derived from the declarations of its
/// kinds.
fn smaller(recipe: &Recipe, width: usize) -> Vec<String> {
    let mut sets: Vec<String> = ["train.steps=50", "train.batch_size=4"].map(str::to_owned).into();
    if recipe.corpora.len() > 1 {
        // Every objective in every step.
        sets.push("train.sampling=all".to_owned());
    }
    for encoder in recipe.encoders.iter().filter(|encoder| encoder.objective().is_none()) {
        let prefix = format!("encoder.{}", encoder.name);
        for key in encoder.kind.keys() {
            match key.name {
                // That of frames is given by the corpus.
                "width" if matches!(encoder.config.frames(), Some(FrameForm::Vectors(_))) => {}
                "width" | "hidden" | "filters" | "embed"
                    if encoder.values.get(key.name).is_some() =>
                {
                    sets.push(format!("{prefix}.{}={width}", key.name));
                }
                "dropout" | "word_dropout" | "noise" => {
                    sets.push(format!("{prefix}.{}=0", key.name));
                }
                "min_count" => sets.push(format!("{prefix}.min_count=1")),
                "characters" if encoder.values.table("characters").is_some() => {
                    let characters = format!("{prefix}.characters={{ width = 3, hidden = 2 }}");
                    sets.push(characters);
                }
                _ => {}
            }
        }
    }
    for objective in &recipe.objectives {
        if matches!(objective.gradient, auxdesk::recipe::GradientFlow::Reverse(_)) {
            // From the first step on, and with an exact inverse.
            sets.push(format!("objective.{}.strength=1", objective.name));
        }
        if objective.values.count_if_set("hidden").is_some_and(|hidden| hidden > 0) {
            sets.push(format!("objective.{}.hidden={width}", objective.name));
        }
    }
    sets
}

/// A recipe as it is, and with each other choice of its encoders: settings.
pub(crate) fn variants(name: &'static str) -> Vec<Vec<String>> {
    let source = source(name);
    let recipe = loaded(&source, &[]).unwrap();
    let mut variants = vec![Vec::new()];
    for encoder in &recipe.encoders {
        for key in encoder.kind.keys() {
            let ValueType::Choice(choices) = key.takes else { continue };
            let made = encoder.values.text_if_set(key.name);
            for choice in choices.iter().filter(|choice| Some(**choice) != made) {
                let set = vec![format!("encoder.{}.{}={choice}", encoder.name, key.name)];
                // Tied encoders have no choice of their own, only a mean has weights, a state comes from a summary only
                // if there is one, nothing is tapped where it is 0, and attention to the one row of a label has no parameters.
                let has_none = |faults: &str| {
                    let why = [
                        "expected the same",
                        "expected pooling",
                        "expected `summary`",
                        "expected no `summary`",
                        "expected the initial state",
                        "expected `attention = \"dot\"`",
                    ];
                    why.iter().any(|why| faults.contains(why))
                };
                match loaded(&source, &set) {
                    Ok(_) => variants.push(set),
                    Err(faults) => assert!(has_none(&faults), "{faults}"),
                }
            }
        }
    }
    variants
}

/// The text of a shipped recipe without the table of one objective.
pub(crate) fn without(text: &str, objective: &str) -> String {
    let parts: Vec<&str> = text.split("[[objective]]").collect();
    let name = format!("\nname = \"{objective}\"\n");
    let kept: Vec<&str> = parts.iter().copied().filter(|part| !part.starts_with(&name)).collect();
    assert_eq!(kept.len() + 1, parts.len(), "one table is called {objective}");
    kept.join("[[objective]]")
}

/// Whether other tables of a recipe read an objective: its head or its parameters. Muted, it still runs for them.
pub(crate) fn is_read(text: &str, objective: &str) -> bool {
    let recipe: toml::Table = text.parse().unwrap();
    let is_it = |value: &str| value.rsplit(':').next() == Some(objective);
    let names = |value: &toml::Value| match value {
        toml::Value::String(value) => is_it(value),
        toml::Value::Array(values) => values.iter().filter_map(|value| value.as_str()).any(is_it),
        _ => false,
    };
    let tables =
        ["encoder", "objective"].into_iter().flat_map(|noun| recipe[noun].as_array().unwrap());
    let of_table = |table: &toml::Value| {
        let keys = table.as_table().unwrap().iter();
        let mut others = keys.filter(|(key, _)| {
            !matches!(key.as_str(), "name" | "kind" | "label" | "group" | "corpus" | "field")
        });
        others.any(|(_, value)| names(value))
    };
    tables.into_iter().any(of_table)
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    shipped::RECIPES.iter().map(|(name, _)| *name)
}

/// The shipped recipes, and those of the docs that are trained on sample data.
pub(crate) fn trainable() -> impl Iterator<Item = &'static str> {
    names().chain(OF_SAMPLES.iter().copied())
}

impl Tiny {
    pub(crate) fn fitted(&self) -> FittedByOwner {
        fit(&self.recipe, &self.corpora, &self.vectors)
    }

    pub(crate) fn system(&self) -> System {
        let (fitted, first) = (self.fitted(), FirstValues::Recipe);
        let mut system =
            System::new(&self.recipe, &fitted, &self.vectors, first, &Device::Cpu).unwrap();
        for (at, corpus) in self.corpora.iter().enumerate() {
            system.attach(at, corpus);
        }
        system
    }

    /// The first training examples of a corpus.
    pub(crate) fn batch(&self, corpus_idx: usize, n_examples: usize) -> Batch {
        let corpus = &self.corpora[corpus_idx];
        let examples: Vec<usize> = (0..n_examples.min(corpus.train.examples.len())).collect();
        Batch::new(corpus_idx, corpus, &corpus.train, &examples)
    }

    /// The raw loss of one objective on its corpora's first examples.
    pub(crate) fn term(&self, system: &System, objective: usize, n_examples: usize) -> RawLoss {
        let pass = Mode::Train { seed: 1, step: 0 };
        let batch = self.batch(self.recipe.objectives[objective].corpora[0], n_examples);
        let taps = system.taps(&[objective], &batch, pass).unwrap();
        let term = system.loss(objective, &taps[0], &batch, pass).unwrap();
        term.expect("the first examples have labels")
    }

    /// The inputs of a trainer, in a folder.
    pub(crate) fn setup(&self, folder: &Path, moves: Moves) -> TrainerSetup {
        TrainerSetup {
            recipe: self.recipe.clone(),
            corpora: self.corpora.clone(),
            digests: BTreeMap::new(),
            fitted: self.fitted(),
            system: self.system(),
            vectors: recipe::vector_digests(&self.vectors),
            coverage: self.recipe.coverage(&self.corpora, &self.vectors),
            warm_starts: Vec::new(),
            run: folder.to_owned(),
            opening: Opening::Started,
            moves: Some(moves),
            clock: Clock::start(),
            interrupt: Interrupt::default(),
            failures: RequestedFailures::default(),
        }
    }

    /// Trains in a folder, with these commands queued before the first step.
    pub(crate) fn train(&self, commands: &[Command]) -> Run {
        self.train_with(commands, Moves::default())
    }

    /// The same with the changes of a journal.
    pub(crate) fn train_with(&self, commands: &[Command], moves: Moves) -> Run {
        let folder = tempfile::tempdir().unwrap();
        let setup = self.setup(folder.path(), moves);
        let Channels { mut bus, recorder, screen, commands: sender } = bus::channels();
        drop(screen);
        let ids =
            commands.iter().map(|order| sender.send(By::Key, order.clone()).unwrap()).collect();
        let ended = Trainer::new(setup).train(&mut bus);
        Run { folder, events: recorder.try_iter().collect(), ids, ended }
    }
}

/// The result of a run.
pub(crate) struct Run {
    folder: tempfile::TempDir,
    pub(crate) events: Vec<Event>,
    /// The ids of its commands.
    pub(crate) ids: Vec<CommandId>,
    pub(crate) ended: RunEnded,
}

impl Run {
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Every step, with its time set to 0.
    pub(crate) fn steps(&self) -> Vec<StepDone> {
        let step = |event: &Event| match event {
            Event::StepDone(step) => Some(StepDone { at_ms: 0, step_ms: 0, ..step.clone() }),
            _ => None,
        };
        self.events.iter().filter_map(step).collect()
    }

    pub(crate) fn checkpoint(&self, name: &str) -> checkpoint::State {
        let found = checkpoint::open(self.folder(), name).unwrap();
        found.unwrap_or_else(|| panic!("no checkpoint {name}: {:?}", self.ended)).state
    }

    /// The tensors of a checkpoint's file, by name, bit for bit.
    pub(crate) fn tensors(&self, name: &str, file: &str) -> Vec<(String, Vec<u32>)> {
        let path = self.folder().join("checkpoints").join(name).join(file);
        let tensors = candle_core::safetensors::load(path, &candle_core::Device::Cpu).unwrap();
        let mut all: Vec<_> =
            tensors.iter().map(|(name, tensor)| (name.clone(), bits(tensor))).collect();
        all.sort();
        all
    }
}

pub(crate) fn bits(tensor: &Tensor) -> Vec<u32> {
    numbers(tensor).into_iter().map(f32::to_bits).collect()
}

pub(crate) fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// The gradients of a loss, by parameter, or `None` for parameters that it does not reach.
pub(crate) fn gradients(loss: &Tensor, parameters: &Parameters) -> Vec<Option<Vec<f32>>> {
    let gradients = auxdesk::train::Gradients::of(loss, parameters).unwrap();
    let of = |number: usize| {
        let var = &parameters.all()[number].var;
        Some(match gradients.get(number)? {
            Gradient::Dense(numbers) => numbers.to_vec(),
            Gradient::Rows(rows) => {
                let width = var.dim(1).unwrap();
                let mut all = vec![0.0; var.elem_count()];
                for (&id, row) in rows.ids.iter().zip(rows.rows.chunks(width)) {
                    all[id as usize * width..][..width].copy_from_slice(row);
                }
                all
            }
        })
    };
    (0..parameters.all().len()).map(of).collect()
}
