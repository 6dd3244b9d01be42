//! The reference step of the engine, trained as usual: recipe, batches, encoders, heads, losses,
//! mixer, optimizer, events, journal.
//!
//! `cargo bench --bench step` trains a multi-task BiLSTM (batch size 32, 25 tokens per sentence, a
//! vocabulary of 20,000 words with embedding dimension 100, a character-level BiLSTM, one BiLSTM
//! layer with hidden size 200 per direction, part-of-speech tags, chunks, a language model of 7,500
//! classes) and prints one line of JSON. Options, each with a value: `--steps 60`, `--threads 2`,
//! `--layers 1`, `--lm 1`, `--crf 0`, `--lengths fixed|real`, `--gradients 0` (measure every N
//! steps), `--weighting equal`, `--shadows none`, `--affinity 0`. The output
//! includes resident memory after each thousandth step. `--spans 1` adds a
//! profile of a step, `--evaluate 1` the throughput of evaluation.
//!
//! With `AUXDESK_PEER='PYTHON peer_torch.py'`, `-- --rounds 7` runs that program and this one
//! alternately with the same options, and prints the ratios. Both generate the same data; the peer
//! is PyTorch with the same model.
//!
//! `-- --rules 3` measures every weighting rule alternately with `equal`, three times each, and prints the ratio of the
//! throughputs; `--rule NAME` only that one.
//!
//! `--system translation` and `--system parser` measure the training step of another system instead, and with
//! `--evaluate 1` its evaluation: the loss of each text, and what is generated with beam 5, or the loss and the tree of
//! each sentence. Their peers, `benches/step/peer_translation.py` and `benches/step/peer_parser.py`, read the same files.
//!
//! `--plain 1` measures the same step with candle-nn's stock layers instead, and `--against plain`
//! runs both alternately. It supports sentences of equal length, one layer, softmax and the
//! language model.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may panic, and prints")]

#[path = "step/data.rs"]
mod data;
#[path = "step/evaluate.rs"]
mod evaluate;
#[path = "memory.rs"]
mod memory;
#[path = "step/plain.rs"]
mod plain;
#[path = "step/rounds.rs"]
mod rounds;
#[path = "step/rules.rs"]
mod rules;
#[path = "step/spans.rs"]
mod spans;
#[path = "step/stock.rs"]
mod stock;
#[path = "step/systems.rs"]
mod systems;

use std::{collections::BTreeMap, fs, path::Path, process::Command, thread};

use auxdesk::{
    bus::{self, Channels},
    data::{Corpus, Vocabulary},
    feed::SharedRun,
    journal::{self, VERSION, Writer},
    kernel::{self, Device},
    model::encoder::FirstValues,
    protocol::{
        Event, Header,
        event::{Ended, StepDone},
    },
    recipe::{self, FittedByOwner, Overrides, Recipe, RecipeSource, VectorsByEncoder, fit, load},
    recorder::{Recording, record},
    state::{Run, Totals},
    train::{Clock, Interrupt, Opening, RequestedFailures, Trainer, TrainerSetup},
};
use systems::MeasuredSystem;

/// Steps that are not counted: the first ones allocate the optimizer's moments and warm the caches.
const WARM_UP: usize = 8;

/// The command-line options.
#[derive(Clone, Debug)]
struct Options {
    given: BTreeMap<String, String>,
}

impl Options {
    fn read() -> Self {
        let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
        let pair = |pair: &[String]| {
            let name = pair[0].strip_prefix("--").expect("options start with --");
            (name.to_owned(), pair.get(1).expect("every option has a value").clone())
        };
        Self { given: args.chunks(2).map(pair).collect() }
    }

    fn number(&self, name: &str, default: usize) -> usize {
        self.given.get(name).map_or(default, |value| value.parse().expect("a number"))
    }

    fn is_on(&self, name: &str, default: bool) -> bool {
        self.number(name, default.into()) > 0
    }

    fn is_plain(&self) -> bool {
        self.is_on("plain", false)
    }

    fn real_lengths(&self) -> bool {
        self.given.get("lengths").is_some_and(|lengths| lengths == "real")
    }
}

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: kernel::Allocator = kernel::Allocator;

fn main() {
    kernel::keep_memory();
    let options = Options::read();
    if options.is_on("rules", false) {
        return rules::compare(&options);
    }
    if options.is_on("rounds", false) || options.given.contains_key("against") {
        return rounds::compare(&options);
    }
    // The thread pools are sized by variables that are read when they are first used.
    let reported = match std::env::var("AUXDESK_STEP") {
        Ok(_) if options.is_plain() => stock::measure(&options).unwrap(),
        Ok(_) => measure(&options),
        Err(_) => rounds::here(&options),
    };
    println!("{reported}");
}

/// Trains, and measures the steps.
fn measure(options: &Options) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let n_steps = options.number("steps", 60) + WARM_UP;
    let system = MeasuredSystem::of(options);
    system.write_corpus(options, folder.path());
    let path = folder.path().join("recipe.toml");
    fs::write(&path, system.recipe(options, folder.path(), n_steps)).unwrap();
    let recipe = load(&RecipeSource::File(path), &Overrides::default())
        .unwrap_or_else(|faults| panic!("{faults}"));
    let spans = spans::Spans::install();
    let reported = train(recipe.clone(), folder.path(), system);
    let last = reported.last.expect("a step was done");
    let loss: f32 = last.losses.iter().map(|(name, loss)| last.weights[name] * loss.get()).sum();
    let mut answer = spans.report(&reported.tokens, WARM_UP, options.is_on("spans", false));
    let more = serde_json::json!({
        "impl": format!("auxdesk-{}", env!("CARGO_PKG_VERSION")),
        "kernel": kernel::name(&Device::Cpu),
        "threads": options.number("threads", 2),
        "params": reported.parameters,
        "last_loss": loss,
        "peak_rss_mib": memory::peak_mib(),
        "rss_mib_each_1000_steps": reported.resident_mib,
    });
    answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    if options.is_on("evaluate", false) {
        let rate = evaluate::tokens_per_s(&recipe, folder.path(), system);
        answer["evaluate_tokens_per_s"] = rate.round().into();
        answer["evaluate_to_train"] = (rate / answer["tokens_per_s"].as_f64().unwrap()).into();
    }
    answer
}

/// Data kept of a measured run: the events would take more memory than the run itself.
#[derive(Default)]
struct Told {
    parameters: u64,
    /// Tokens of each step.
    tokens: Vec<u64>,
    last: Option<StepDone>,
    /// Resident memory after each thousandth step.
    resident_mib: Vec<f64>,
}

impl Told {
    fn take(&mut self, event: Event) {
        match event {
            Event::RunStarted(started) => self.parameters = started.parameters,
            Event::StepDone(step) => {
                self.tokens.push(step.tokens);
                if step.step.0.is_multiple_of(1000) {
                    self.resident_mib.push(memory::resident_mib());
                }
                self.last = Some(step);
            }
            _ => {}
        }
    }
}

/// A complete run: trainer, recorder, and a screen that receives every event.
fn train(recipe: Recipe, folder: &Path, measured: MeasuredSystem) -> Told {
    let (corpora, fitted, system) = made(&recipe, measured);
    let header = Header {
        version: VERSION,
        auxdesk: env!("CARGO_PKG_VERSION").to_owned(),
        name: recipe.name.clone(),
        seed: recipe.train.seed,
        threads: rayon::current_num_threads(),
        device: "cpu".to_owned(),
        kernel: kernel::name(&Device::Cpu).to_owned(),
        started: "2026-01-01T00:00:00Z".to_owned(),
        parent: None,
    };
    fs::create_dir_all(folder.join("checkpoints")).unwrap();
    let writer = Writer::create(&folder.join(journal::FILE), &header).unwrap();
    let Channels { mut bus, recorder, screen, commands: _commands } = bus::channels();
    let setup = TrainerSetup {
        recipe,
        corpora,
        digests: BTreeMap::new(),
        fitted,
        system,
        vectors: BTreeMap::new(),
        coverage: Vec::new(),
        warm_starts: Vec::new(),
        run: folder.to_owned(),
        opening: Opening::Started,
        moves: None,
        clock: Clock::start(),
        interrupt: Interrupt::default(),
        failures: RequestedFailures::default(),
    };
    thread::scope(|scope| {
        let screen = scope.spawn(move || {
            let mut reported = Told::default();
            screen.iter().for_each(|numbered| reported.take(numbered.event));
            reported
        });
        let shared = SharedRun::new(Run::new(Some(&header)));
        let (totals, written) = (Totals::default(), bus.written());
        scope.spawn(move || {
            record(recorder, Recording { writer, shared: &shared, totals, written, alerts: None })
        });
        let ended = Trainer::new(setup).train(&mut bus);
        assert_eq!(ended.ended, Ended::Finished, "{:?}", ended.message);
        drop(bus);
        screen.join().unwrap()
    })
}

/// The corpora, the values fitted to them, and the system before training.
fn made(recipe: &Recipe, measured: MeasuredSystem) -> (Vec<Corpus>, FittedByOwner, recipe::System) {
    let corpora = recipe.open().unwrap_or_else(|faults| panic!("{faults}"));
    let vectors = VectorsByEncoder::new();
    let mut fitted = fit(recipe, &corpora, &vectors);
    if measured == MeasuredSystem::Reference {
        fitted = full(fitted);
    }
    let mut system =
        recipe::System::new(recipe, &fitted, &vectors, FirstValues::Recipe, &Device::Cpu).unwrap();
    for (at, corpus) in corpora.iter().enumerate() {
        system.attach(at, corpus);
    }
    (corpora, fitted, system)
}

/// Fitted values with every word of the generator, not only those that were drawn, so that tables
/// have the same size as the peer's.
fn full(mut all: FittedByOwner) -> FittedByOwner {
    for (owner, fitted) in &mut all {
        if let Some(words) = fitted.vocabularies.get_mut("words") {
            let of_a_language_model = owner.starts_with("objective");
            let most = if of_a_language_model { data::LM_WORDS } else { data::WORDS - 1 };
            let spelt: Vec<String> = data::words();
            // The generator's words are in the order of their frequency.
            let counts = spelt.iter().zip((0..data::WORDS as u64).rev());
            let counts = counts.map(|(word, count)| (word.as_str(), count + 1)).collect();
            *words = Vocabulary::from_counts(counts, 1, Some(most));
        }
    }
    all
}

/// A process of this program with that number of threads.
fn child(options: &Options) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    for (name, value) in &options.given {
        child.args([format!("--{name}"), value.clone()]);
    }
    let threads = options.number("threads", 2).to_string();
    // Our training does not use candle's own threads; stock layers do.
    let of_candle = if options.is_plain() { &threads } else { "1" };
    child
        .env("AUXDESK_STEP", "1")
        .env("RAYON_NUM_THREADS", &threads)
        .env("CANDLE_NUM_THREADS", of_candle);
    child
}
